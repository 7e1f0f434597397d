// The app's main site in another tab: its session is neither seen nor touched by an embed, and does
// not see the embed's.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventsOf, frameIn, keeperIn, launchViewer, startScene } from "../support/embed-scene.mjs";

// The browser would send these everywhere, if it were let.
const MAIN = ["main=ada's; Path=/; Secure; HttpOnly; SameSite=None", "who=main; Path=/; Secure"];
const MAIN_SENT = "main=ada's; who=main";

let browser;
before(async () => (browser = await launchViewer({ profile: "default" })));
after(() => browser.close());

for (const places of ["hosts", "paths"]) {
  test(`the main session is untouched by an embed and by its end, places: ${places}`, async (t) => {
    const scene = await startScene({ places });
    t.after(() => scene.stop());
    const sent = (path) => scene.app.log.filter((asked) => asked.path === path);
    scene.app.set("/public/main", ({ headers }) => ({
      headers: headers.cookie === undefined ? { "set-cookie": MAIN } : {},
      body: headers.cookie ?? "",
    }));
    scene.app.set("/", ({ user }) => ({
      headers: {
        "set-cookie": [`who=${user}; Path=/`, "main=taken; Path=/", "main=taken; Domain=gate.test"],
        "clear-site-data": `"*"`,
      },
      body: user,
    }));

    const main = await browser.newTab(`${scene.gate.url}/public/main`);
    const asMain = async () => {
      await main.goto(`${scene.gate.url}/public/main`);
      return main.locator("body").innerText();
    };
    t.after(() => main.close());
    assert.equal(await asMain(), MAIN_SENT);

    const image = `<img src="${scene.gate.url}/public/main?from=portal" alt="">`;
    const page = await browser.newTab(
      scene.elements("/main-session", { a: { strict: true } }, { html: image }),
    );
    t.after(() => page.close());
    assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
    const frame = await frameIn(page, "a");
    assert.equal(await frame.locator("body").innerText(), "ada@example.com");
    assert.equal(await asMain(), MAIN_SENT);

    await frame.goto(frame.url());
    const own = ["who=ada@example.com", "main=taken"].sort();
    assert.deepEqual(
      sent("/").map(({ headers }) => headers.cookie?.split("; ").sort()),
      [undefined, own],
    );
    // On the portal's page the browser has both kinds of cookies at hand for the main site.
    await page.evaluate(
      (url) => fetch(url, { mode: "no-cors", credentials: "include" }),
      main.url(),
    );
    assert.equal(await asMain(), MAIN_SENT);
    for (const { headers } of sent("/public/main")) {
      assert.doesNotMatch(headers.cookie ?? "", /gp-|taken|example/);
    }

    const { body } = await scene.gate.api("GET", "/sessions?user=ada@example.com");
    for (const { id } of body.result) await scene.gate.api("DELETE", `/sessions/${id}`);
    const keeper = await keeperIn(page, "a");
    await keeper.evaluate(() => dispatchEvent(new Event("online")));
    assert.deepEqual(await eventsOf(page, 2), ["a ready", "a ended session_ended"]);
    const over = await frameIn(page, "a");
    await over.getByRole("heading", { name: "This session has ended" }).waitFor();
    assert.equal(await asMain(), MAIN_SENT);
  });
}
