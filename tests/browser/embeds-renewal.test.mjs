// Sessions are renewed while the app goes on, and frames may be left and come back to.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pause } from "../support/api.mjs";
import { historyOf } from "../support/browser.mjs";
import { eventsOf, frameIn, launchViewer, PROFILES, startScene } from "../support/embed-scene.mjs";
import { digestOf, seconds } from "../support/tokens.mjs";

/** Seconds of a session here; by the API a minute is the least. */
const SHORT = 10;
/** Milliseconds for which the gate believes what it has seen of a token. */
const BELIEVED = 5_000;

let scene;
const browsers = {};

before(async () => {
  scene = await startScene();
  for (const profile of PROFILES) browsers[profile] = await launchViewer({ profile });
});

after(async () => {
  await Promise.all(Object.values(browsers).map((browser) => browser.close()));
  await scene.stop();
});

async function open(t, url, profile = "blocked") {
  const page = await browsers[profile].newTab(url);
  t.after(() => page.close());
  return page;
}

/**
 * Embed URLs whose sessions end soon after they were given: KV is told then that the token does, and
 * by then the gate does not believe any more what it has seen at the minting.
 */
async function mintShort(fields, count) {
  const tokens = await Promise.all(
    Array.from({ length: count }, () => scene.mint({ ...fields, singleUse: false })),
  );
  await pause(BELIEVED);
  return () => {
    const { token, embedUrl } = tokens.shift();
    const key = `t/${digestOf(token)}`;
    const record = JSON.parse(scene.gate.kv.values.get(key));
    scene.gate.kv.values.set(key, JSON.stringify({ ...record, x: seconds(SHORT) }));
    return embedUrl;
  };
}

describe("renewal", { concurrency: true }, () => {
  for (const profile of PROFILES) {
    test(`outlives the first session and keeps a half-filled form, cookies: ${profile}`, async (t) => {
      const fields = { user: { email: `${profile}@example.com` }, app: "jobs" };
      const nextUrl = await mintShort(fields, 5);
      const url = scene.elements(`/renewal-${profile}`, { a: {} });
      const minted = [];
      let given;
      scene.portal.set("portal.test", `/renewal-${profile}/embed-url-a`, async ({ body }) => {
        given ??= Date.now();
        minted.push(JSON.parse(body).renew);
        const embedUrl = nextUrl();
        const headers = { "content-type": "application/json" };
        return { headers, body: JSON.stringify({ embedUrl }) };
      });
      const page = await open(t, url, profile);
      assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
      const begun = Date.now();
      const frame = await frameIn(page, "a");
      const loads = [];
      page.on("framenavigated", (navigated) => navigated === frame && loads.push(frame.url()));
      const visits = await frame.locator("#visits").innerText();
      await frame.getByLabel("What is to be done").fill("Half a sen");
      await page.waitForFunction(
        () => window.embedEvents.filter((event) => event === "a renewed").length >= 2,
        undefined,
        { timeout: 3 * SHORT * 1000 },
      );
      assert.deepEqual(minted.slice(0, 3), [false, true, true]);
      assert.ok(Date.now() - given > SHORT * 1000 - 1000);
      assert.equal((await eventsOf(page, 1)).filter((event) => !/renewed/.test(event)).length, 1);
      await page.waitForTimeout(Math.max(0, begun + (SHORT + 1) * 1000 - Date.now()));
      const title = frame.getByLabel("What is to be done");
      assert.equal(await title.inputValue(), "Half a sen");
      await title.pressSequentially("tence");
      await frame.getByLabel("Where").fill("Here");
      await frame.getByRole("button", { name: "Add" }).click();
      await frame.getByRole("heading", { name: "Half a sentence" }).waitFor();
      assert.equal(await frame.locator("#visits").innerText(), visits);
      assert.deepEqual(loads, []);
      assert.equal((await historyOf(page)).length, 2);
      assert.equal(await page.locator("#a iframe").count(), 2);
    });
  }

  test("without it the session ends by the clock, and the frame says so", async (t) => {
    const nextUrl = await mintShort({ user: { email: "plain@example.com" } }, 1);
    const page = await open(t, scene.frames("/plain", { a: nextUrl() }));
    const frame = await frameIn(page, "a");
    const place = frame.url();
    assert.equal(await frame.locator("#user").innerText(), "plain@example.com");
    await page.waitForTimeout((SHORT + 1) * 1000);
    assert.equal(await frame.evaluate(async () => (await fetch("cookies")).status), 401);
    await frame.goto(place);
    await frame.getByRole("heading", { name: "This session has ended" }).waitFor();
    const [message] = await page.evaluate(() => window.messages);
    assert.equal(message.data.event, "error");
  });
});

describe("reloading, and going back and forward", () => {
  test("in a plain frame", async (t) => {
    const page = await open(t, scene.frames("/nav", { a: (await scene.mint()).embedUrl }));
    const frame = await frameIn(page, "a");
    const opened = frame.url();
    await frame.evaluate(() => location.reload());
    await frame.waitForURL(opened);
    assert.equal(await frame.locator("#user").innerText(), "ada@example.com");
    scene.app.set("/second", `<p id="second">the second page</p><a href="/">back</a>`);
    await frame.goto(new URL("/second", opened).href);
    await page.evaluate(() => history.back());
    await frame.locator("#user").waitFor();
    assert.equal(frame.url(), opened);
    await page.evaluate(() => history.forward());
    await frame.locator("#second").waitFor();
  });

  test("of the host page, whose frame the browser opens where it was", async (t) => {
    const page = await open(t, scene.frames("/host", { a: (await scene.mint()).embedUrl }));
    const opened = (await frameIn(page, "a")).url();
    await page.goto(scene.portal.set("portal.test", "/elsewhere", "<p>elsewhere</p>"));
    await page.goBack();
    const frame = await frameIn(page, "a");
    assert.equal(await frame.locator("#user").innerText(), "ada@example.com");
    assert.equal(frame.url(), opened);
  });

  test("of the host page with the SDK", async (t) => {
    const page = await open(t, scene.elements("/host-sdk", { a: {} }));
    assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
    await page.reload();
    assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
    const there = async () => {
      await eventsOf(page, 1);
      return (await frameIn(page, "a")).locator("#user").innerText();
    };
    await page.goto(scene.portal.set("portal.test", "/elsewhere", "<p>elsewhere</p>"));
    await page.goBack();
    assert.equal(await there(), "ada@example.com");
    await page.goForward();
    await page.goBack();
    assert.equal(await there(), "ada@example.com");
    assert.deepEqual(
      (await historyOf(page)).map((url) => new URL(url, "about:").pathname).slice(1),
      ["/host-sdk", "/elsewhere"],
    );
  });
});
