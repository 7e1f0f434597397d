// The token is in one request of the browser's, and left behind nowhere.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { historyOf, profileFilesWith } from "../support/browser.mjs";
import {
  eventsOf,
  frameIn,
  keeperIn,
  launchViewer,
  PROFILES,
  startScene,
} from "../support/embed-scene.mjs";

const PARAMETER = "personal-access-token";

let scene;

before(async () => {
  scene = await startScene();
  // The app is generous with its URL.
  const picture = scene.portal.set("pictures.test", "/picture.svg", {
    headers: { "content-type": "image/svg+xml" },
    body: `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`,
  });
  scene.app.set("/", ({ user }) => ({
    headers: { "referrer-policy": "unsafe-url" },
    body: `<!doctype html><html lang="en"><head><title>App</title></head><body><h1 id="user">${user}</h1>
      <img src="${picture}" alt=""><img src="own.svg" alt=""><a href="${picture}">Picture</a>
      <script>console.log("opened from", document.referrer, "at", location.href)</script></body></html>`,
  }));
  scene.app.set("/own.svg", { headers: { "content-type": "image/svg+xml" }, body: "<svg/>" });
});

after(() => scene.stop());

/** What the page of a frame can find out about how it was opened. */
const traces = (frame) =>
  frame.evaluate(() =>
    JSON.stringify([
      location.href,
      document.referrer,
      document.URL,
      performance.getEntries(),
      window.navigation?.entries().map(({ url }) => url),
      history.state,
      window.name,
      document.documentElement.outerHTML,
      document.querySelector("gatepass-embed")?.shadowRoot.innerHTML,
    ]),
  );

for (const profile of PROFILES) {
  test(`the token is in the entry's URL alone, cookies: ${profile}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "gatepass-secrecy-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const browser = await launchViewer({ profile, folder });
    t.after(() => browser.close());
    const secrets = [];
    const assertClean = (text, where) => {
      for (const secret of [...secrets, PARAMETER]) assert.ok(!text.includes(secret), where);
    };

    // By a script, so that the host page's own source does not hold the URL.
    const opened = scene.portal.set(
      "portal.test",
      "/plain",
      `<!doctype html><html lang="en"><title>Host page</title><iframe id="a"></iframe>`,
    );
    scene.elements("/sdk", { a: {} });
    scene.portal.set("portal.test", "/sdk/embed-url-a", async () => {
      const { token, embedUrl } = await scene.mint();
      secrets.push(token);
      const headers = { "content-type": "application/json", "cache-control": "no-store" };
      return { headers, body: JSON.stringify({ embedUrl }) };
    });

    const plain = await browser.newTab(opened);
    const { token, embedUrl } = await scene.mint();
    secrets.push(token);
    await plain.evaluate(
      (url) => document.getElementById("a").contentWindow.location.replace(url),
      embedUrl,
    );
    const sdk = await browser.newTab(`${scene.portal.origin("portal.test")}/sdk`);
    await eventsOf(sdk, 1);
    assert.equal(secrets.length, 2);
    for (const page of [plain, sdk]) {
      const frame = await frameIn(page, "a");
      await frame.locator("#user").waitFor();
      const all = [frame, page, ...(page === sdk ? [await keeperIn(page, "a")] : [])];
      for (const each of all) assertClean(await traces(each), `the page ${each.url()}`);
      await frame.getByRole("link").click();
      await frame.waitForURL(/picture\.svg$/);
      await page.evaluate(() => history.back());
      await frame.locator("#user").waitFor();
      assertClean((await historyOf(page)).join(), "the tab's history");
      for (const each of page.frames()) assertClean(each.url(), "a frame's URL");
    }
    const requests = await browser.requests();
    const entries = requests.filter(({ url }) => url.includes(PARAMETER));
    assert.equal(entries.length, 2);
    for (const entry of entries) {
      assert.equal(entry.status, 303);
      const answered = new Headers(entry.answered);
      assertClean(JSON.stringify(entry.answered), "the entry's answer");
      assert.equal(answered.get("cache-control"), "no-store");
      assert.equal(answered.get("referrer-policy"), "no-referrer");
    }
    for (const { url, headers } of requests) {
      assertClean(headers.referer ?? "", `Referer of ${url}`);
      if (!entries.some((entry) => entry.url === url)) assertClean(url, "a URL");
    }
    assert.ok(scene.portal.asked("pictures.test").some(({ headers }) => headers.referer));
    assertClean(
      JSON.stringify(scene.portal.log.map(({ query, ...rest }) => [`${query}`, rest])),
      "a host page's server",
    );
    assertClean(JSON.stringify(scene.app.log), "the upstream");
    assert.ok(browser.console.some((line) => line.includes("opened from")));
    assertClean(browser.console.join("\n"), "the console");
    assertClean(scene.gate.output(), "the gate's log");
    assertClean(JSON.stringify([...scene.gate.kv.values]), "KV");
    await browser.close();
    assert.notDeepEqual(await profileFilesWith(folder, "portal.test"), []);
    for (const secret of secrets) assert.deepEqual(await profileFilesWith(folder, secret), []);
  });
}
