// The app appears: no prompt, no error, in a plain frame and in the SDK's, wherever places are.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  eventsOf,
  frameIn,
  launchViewer,
  PLACES,
  PROFILES,
  startScene,
} from "../support/embed-scene.mjs";

const browsers = {};

before(async () => {
  for (const profile of PROFILES) browsers[profile] = await launchViewer({ profile });
});

after(() => Promise.all(Object.values(browsers).map((browser) => browser.close())));

for (const places of Object.keys(PLACES)) {
  describe(`places: ${places}`, () => {
    let scene;
    before(async () => (scene = await startScene({ places })));
    after(() => scene.stop());

    for (const profile of PROFILES) {
      test(`the board is there in a plain frame and in the SDK's, cookies: ${profile}`, async (t) => {
        const browser = browsers[profile];
        const earlier = browser.console.length;
        const fields = { app: "jobs", user: { email: `${profile}@example.com` } };
        const plain = scene.frames("/plain", { a: (await scene.mint(fields)).embedUrl });
        const sdk = scene.elements("/sdk", { a: fields });
        for (const url of [plain, sdk]) {
          const page = await browser.newTab();
          t.after(() => page.close());
          const troubles = [];
          page.on("dialog", (dialog) => troubles.push(dialog.message()));
          page.on("requestfailed", (request) => troubles.push(`failed: ${request.url()}`));
          page.on("response", (response) => {
            if (response.status() >= 400) troubles.push(`${response.status()} ${response.url()}`);
          });
          await page.goto(url);
          if (url === sdk) assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
          const frame = await frameIn(page, "a");
          assert.equal(await frame.locator("#viewer").innerText(), fields.user.email);
          await frame.locator("#clock", { hasText: "UTC" }).waitFor();
          await frame.locator("#windows", { hasText: "open in" }).waitFor();
          const pictures = await frame.$$eval("img", (images) =>
            images.map(({ complete, naturalWidth }) => complete && naturalWidth > 0),
          );
          assert.ok(pictures.length > 0 && pictures.every(Boolean), `${pictures}`);
          assert.deepEqual(troubles, []);
        }
        assert.deepEqual(browser.console.slice(earlier), []);
      });
    }

    test("links, forms and redirects of the board stay in its place", async (t) => {
      const browser = browsers.blocked;
      const page = await browser.newTab(
        scene.elements("/forms", { a: { app: "jobs", user: { email: "forms@example.com" } } }),
      );
      t.after(() => page.close());
      await eventsOf(page, 1);
      const frame = await frameIn(page, "a");
      const home = frame.url();
      await frame.getByRole("button", { name: "dark theme" }).click();
      await frame.locator("html[data-theme=dark]").waitFor();
      await frame.getByLabel("What is to be done").fill("Sweep the yard");
      await frame.getByLabel("Where").fill("Depot");
      await frame.getByRole("button", { name: "Add" }).click();
      await frame.getByRole("heading", { name: "Sweep the yard" }).waitFor();
      await frame.getByRole("link", { name: "Latest job" }).click();
      await frame.locator("article h2", { hasText: "Sweep the yard" }).waitFor();
      assert.ok(frame.url().startsWith(home), frame.url());
      await frame.getByRole("link", { name: "Back to the board" }).click();
      await frame.locator("#visits").waitFor();
      assert.ok(Number(await frame.locator("#visits").innerText()) >= 3);
      await frame.locator("html[data-theme=dark]").waitFor();
    });
  });
}
