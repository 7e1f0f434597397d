// What Gatepass's pages tell by postMessage, to whom, and whom the SDK believes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventsOf, frameIn, keeperIn, launchViewer, startScene } from "../support/embed-scene.mjs";

let scene;
let browser;

before(async () => {
  [scene, browser] = await Promise.all([startScene(), launchViewer({ profile: "blocked" })]);
  scene.portal.set("wrong.test", "/", "<p>another site</p>");
});

after(() => Promise.all([browser.close(), scene.stop()]));

const wrongSite = () => `${scene.portal.origin("wrong.test")}/`;

const messagesOf = (frame) =>
  frame.evaluate(() => window.messages.filter(({ data }) => data?.type === "gatepass"));

test("the SDK believes its own frames of the gate alone", async (t) => {
  const html = `<iframe id="wrong" src="${wrongSite()}"></iframe>`;
  const page = await browser.newTab(scene.elements("/liars", { a: {} }, { html }));
  t.after(() => page.close());
  assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
  const frame = await frameIn(page, "a");
  const place = frame.url();
  const other = await scene.mint({ user: { email: "bob@example.com" } });
  const lies = [
    { type: "gatepass", event: "error", code: "token_revoked" },
    { type: "gatepass", event: "error", code: "cookies_blocked" },
    { type: "gatepass", event: "open-tab" },
    { type: "gatepass", event: "opened", url: other.embedUrl, expiresIn: 1 },
    { type: "gatepass", event: "opened", url: wrongSite(), expiresIn: 1 },
    { type: "gatepass-height", height: 5000 },
  ];
  for (const liar of [await frameIn(page, "wrong"), page.mainFrame()]) {
    await liar.evaluate((lies) => {
      for (const lie of lies) {
        window.parent.postMessage(lie, "*");
        if (window.parent !== window) {
          for (let i = 0; i < window.parent.length; i++) window.parent[i].postMessage(lie, "*");
        }
      }
    }, lies);
  }
  // Messages are delivered in order: this one is the last.
  await page.evaluate(
    () =>
      new Promise((done) => {
        addEventListener("message", ({ data }) => data === "last" && done());
        window.postMessage("last", "*");
      }),
  );
  await keeperIn(page, "a");
  assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
  assert.equal((await frameIn(page, "a")).url(), place);
  assert.equal(await page.locator("#a").evaluate((element) => element.clientHeight), 480);
  assert.equal(browser.context.pages().filter((tab) => tab.url().includes("wrong.test")).length, 0);
});

test("a frame of the gate that turns into another site's page is not believed", async (t) => {
  const page = await browser.newTab(scene.elements("/turned", { a: {} }));
  t.after(() => page.close());
  await eventsOf(page, 1);
  const frame = await frameIn(page, "a");
  await frame.evaluate((url) => location.assign(url), wrongSite());
  await frame.waitForURL(wrongSite());
  await frame.evaluate(() => {
    window.parent.postMessage({ type: "gatepass", event: "error", code: "token_revoked" }, "*");
    window.parent.postMessage("last", "*");
  });
  await page.waitForFunction(() => window.messages.some(({ data }) => data === "last"));
  assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
});

test("its pages tell the host page that frames them, and nobody else", async (t) => {
  const allowedOrigins = ["portal.test", "outer.test"].map(scene.portal.origin);
  const html = `<iframe id="wrong" src="${wrongSite()}"></iframe>`;
  const { embedUrl } = await scene.mint({ allowedOrigins });
  const used = await scene.mint({ allowedOrigins, user: { email: "bob@example.com" } });
  const inner = scene.frames(
    "/inner",
    { watch: `${embedUrl}&gp-renew=1`, a: used.embedUrl, again: used.embedUrl },
    { html },
  );
  const outer = scene.frames("/outer", { portal: inner }, { host: "outer.test", html });
  const page = await browser.newTab(outer);
  t.after(() => page.close());
  const portal = await frameIn(page, "portal");
  await portal.waitForFunction(
    () => window.messages.filter(({ data }) => data?.type === "gatepass").length >= 2,
  );
  const told = await messagesOf(portal);
  const [opened] = told.filter(({ data }) => data.event === "opened");
  const place = new URL(embedUrl).origin;
  assert.equal(opened.origin, place);
  assert.deepEqual(Object.keys(opened.data), ["type", "event", "place", "url", "expiresIn"]);
  assert.equal(opened.data.url, `${place}/`);
  assert.ok(opened.data.expiresIn > 3590 && opened.data.expiresIn <= 3600);
  const [error] = told.filter(({ data }) => data.event === "error");
  assert.deepEqual(error.data, { type: "gatepass", event: "error", code: "token_used" });
  const others = [page, await frameIn(page, "wrong"), await frameIn(portal, "wrong")];
  for (const other of others) assert.deepEqual(await messagesOf(other), []);
});

test("a page of the place in a frame of its own is told of by itself alone", async (t) => {
  const page = await browser.newTab(scene.frames("/own", { a: (await scene.mint()).embedUrl }));
  t.after(() => page.close());
  const frame = await frameIn(page, "a");
  await frame.evaluate(() => {
    const watch = document.createElement("iframe");
    watch.src = `/gatepass/embed/${location.hostname.split(".")[0]}`;
    document.body.append(watch);
  });
  await frame.waitForFunction(() => window.messages.length > 0);
  assert.deepEqual(
    (await messagesOf(frame)).map(({ data }) => data.event),
    ["opened"],
  );
  assert.deepEqual(await messagesOf(page), []);
});
