// Where the browser keeps no cookie of the frame: the frame says so, the host page is told, and a tab
// is offered.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { historyOf } from "../support/browser.mjs";
import { eventsOf, frameIn, launchViewer, PLACES, startScene } from "../support/embed-scene.mjs";
import { fetchTest } from "../support/https.mjs";

const TITLE = "Your browser blocks this app";

const FRAME = {
  "sec-fetch-dest": "iframe",
  "sec-fetch-mode": "navigate",
  "sec-fetch-site": "cross-site",
};
const ENTRY = /[?&]personal-access-token=/;

let browser;
let tabsBrowser;

before(async () => {
  browser = await launchViewer({ profile: "none" });
  tabsBrowser = await launchViewer({ profile: "default" });
});

after(() => Promise.all([browser, tabsBrowser].map((each) => each.close())));

/** Makes a page keep no cookie that an entry sets in it; a tab that it opens keeps its own. */
async function forgetSessions(page) {
  await page.route(ENTRY, async (route) => {
    const answer = await fetchTest(route.request().url(), { headers: FRAME });
    const headers = Object.fromEntries(answer.headers);
    delete headers["set-cookie"];
    await route.fulfill({ status: answer.status, headers, body: await answer.text() });
  });
}

for (const places of Object.keys(PLACES)) {
  describe(`places: ${places}`, () => {
    let scene;
    before(async () => (scene = await startScene({ places })));
    after(() => scene.stop());

    async function open(t, url) {
      const page = await browser.newTab(url);
      t.after(() => page.close());
      return page;
    }

    test("a plain frame says so in plain words, and tells the host page", async (t) => {
      const page = await open(t, scene.frames("/plain", { a: (await scene.mint()).embedUrl }));
      const frame = await frameIn(page, "a");
      assert.equal(await frame.locator("h1").innerText(), TITLE);
      assert.match(await frame.locator("p").innerText(), /cookie/);
      const [{ data }] = await page.evaluate(() => window.messages);
      assert.deepEqual(data, { type: "gatepass", event: "error", code: "cookies_blocked" });
      assert.deepEqual(scene.app.log, []);
    });

    test("the SDK raises cookies_blocked, and opens a tab with a token for it", async (t) => {
      const page = await open(t, scene.elements("/sdk", { a: {} }));
      assert.deepEqual(await eventsOf(page, 1), ["a error cookies_blocked"]);
      const frame = await frameIn(page, "a");
      assert.equal(await frame.locator("h1").innerText(), TITLE);
      const [tab] = await Promise.all([
        page.waitForEvent("popup"),
        frame.getByRole("button", { name: "Open in a new tab" }).click(),
      ]);
      t.after(() => tab.close());
      // This browser keeps no cookie there either.
      await tab.getByRole("heading", { name: TITLE }).waitFor();
      assert.equal(await tab.getByRole("button").count(), 0);
      assert.equal(await tab.evaluate(() => window.opener), null);
      assert.doesNotMatch(tab.url(), /personal-access-token/);
      const asked = scene.portal.asked("portal.test", "/sdk/embed-url-a");
      assert.deepEqual(
        asked.map(({ body }) => JSON.parse(body)),
        [
          { renew: false, topLevel: false },
          { renew: false, topLevel: true },
        ],
      );
      assert.deepEqual(await eventsOf(page, 1), ["a error cookies_blocked"]);
    });

    test("the tab has the app, where the browser keeps cookies of tabs", async (t) => {
      const page = await tabsBrowser.newTab();
      t.after(() => page.close());
      await forgetSessions(page);
      await page.goto(scene.elements("/tab", { a: {} }));
      assert.deepEqual(await eventsOf(page, 1), ["a error cookies_blocked"]);
      const [tab] = await Promise.all([
        page.waitForEvent("popup"),
        (await frameIn(page, "a")).getByRole("button").click(),
      ]);
      t.after(() => tab.close());
      await tab.locator("#user", { hasText: "ada@example.com" }).waitFor();
      assert.doesNotMatch((await historyOf(tab)).join(), ENTRY);
      await tab.reload();
      await tab.locator("#user", { hasText: "ada@example.com" }).waitFor();
      assert.deepEqual(await eventsOf(page, 1), ["a error cookies_blocked"]);
    });
  });
}
