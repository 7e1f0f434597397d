// Pages of other sites against a place whose session the browser holds and would send: the host page
// itself, and a frame of a third site in it, which share the embed's partition.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { frameIn, launchViewer, PROFILES, startScene } from "../support/embed-scene.mjs";

const browsers = {};

before(async () => {
  for (const profile of PROFILES) browsers[profile] = await launchViewer({ profile });
});

after(() => Promise.all(Object.values(browsers).map((browser) => browser.close())));

/** Asks for a URL by script, with credentials; answers what came of each try. */
function askFor(url) {
  const tries = [{}, { method: "POST" }, { method: "DELETE" }, { mode: "no-cors" }].map((init) =>
    fetch(url, { credentials: "include", ...init }).then(
      ({ type }) => type,
      ({ name }) => name,
    ),
  );
  const opened = new Promise((done) => {
    const socket = new WebSocket(url.replace(/^http/, "ws"));
    socket.onopen = () => done("opened");
    socket.onerror = () => done("not opened");
  });
  return Promise.all([...tries, opened]);
}

/** Posts a form from a page into a frame of its own, and waits for what that frame shows then. */
async function postForm(from, action) {
  await from.evaluate((action) => {
    const frame = document.createElement("iframe");
    frame.name = "target";
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", action, target: "target" });
    document.body.append(frame, form);
    form.submit();
    return new Promise((done) => (frame.onload = done));
  }, action);
  return from.childFrames().find((frame) => frame.name() === "target");
}

for (const places of ["hosts", "paths"]) {
  describe(`places: ${places}`, () => {
    let scene;
    before(async () => {
      scene = await startScene({ places });
      // An app that would let everybody in.
      scene.app.set("/act", ({ headers }) => ({
        headers: {
          "access-control-allow-origin": headers.origin ?? "*",
          "access-control-allow-credentials": "true",
        },
        body: `<p id="done">done</p>`,
      }));
      scene.portal.set("wrong.test", "/", "<p>another site</p>");
    });
    after(() => scene.stop());

    for (const profile of PROFILES) {
      test(`neither forms, scripts nor sockets act in it, cookies: ${profile}`, async (t) => {
        const { embedUrl } = await scene.mint();
        const wrong = `${scene.portal.origin("wrong.test")}/`;
        const page = await browsers[profile].newTab(
          scene.frames("/cross-site", { a: embedUrl, wrong }),
        );
        t.after(() => page.close());
        const frame = await frameIn(page, "a");
        const act = new URL("act", frame.url()).href;
        const seen = () => scene.app.log.filter(({ path }) => path === "/act").length;
        const earlier = seen();
        const statuses = [];
        page.on("response", (response) => {
          if (response.url() === act) statuses.push(response.status());
        });
        for (const from of [page.mainFrame(), await frameIn(page, "wrong")]) {
          const outcomes = await from.evaluate(askFor, act);
          assert.deepEqual(outcomes, [
            "TypeError",
            "TypeError",
            "TypeError",
            "opaque",
            "not opened",
          ]);
          const posted = await postForm(from, act);
          assert.equal(await posted.locator("#done").count(), 0);
          assert.equal(seen(), earlier);
        }
        const posted = page.mainFrame().childFrames().at(-1);
        assert.equal(await posted.locator("h1").innerText(), "Another site asked for this");
        assert.deepEqual([...new Set(statuses)], [403]);
        assert.equal(
          await frame.evaluate(async () => (await fetch("act", { method: "POST" })).status),
          200,
        );
        assert.equal(seen(), earlier + 1);
      });
    }

    test("a tab of another site gets nothing either", async (t) => {
      const browser = browsers.default;
      const { embedUrl } = await scene.mint({ topLevel: true, singleUse: false });
      const tab = await browser.newTab(embedUrl);
      t.after(() => tab.close());
      await tab.locator("#user").waitFor();
      const act = new URL("act", tab.url()).href;
      const earlier = scene.app.log.length;
      const form = `<form method="post" action="${act}"><button>Go</button></form>`;
      const other = await browser.newTab(scene.portal.set("wrong.test", "/form", form));
      t.after(() => other.close());
      const outcomes = await other.evaluate(askFor, act);
      assert.deepEqual(outcomes, ["TypeError", "TypeError", "TypeError", "opaque", "not opened"]);
      await other.getByRole("button").click();
      await other.locator("h1", { hasText: "Another site asked for this" }).waitFor();
      assert.deepEqual(scene.app.log.slice(earlier), []);
    });
  });
}
