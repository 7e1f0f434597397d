// The entry: what opens an embed, and what must not spend a token for single use.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { frameIn, launchViewer, startScene } from "../support/embed-scene.mjs";
import { fetchTest } from "../support/https.mjs";

const FRAME = {
  "sec-fetch-dest": "iframe",
  "sec-fetch-mode": "navigate",
  "sec-fetch-site": "cross-site",
};

let scene;
let browser;

before(async () => {
  [scene, browser] = await Promise.all([startScene(), launchViewer({ profile: "blocked" })]);
});

after(() => Promise.all([browser.close(), scene.stop()]));

async function open(t, url) {
  const page = await browser.newTab(url);
  t.after(() => page.close());
  return page;
}

const stateOf = async ({ id }) => (await scene.gate.api("GET", `/tokens/${id}`)).body.state;

test("of 100 simultaneous tries with a token for single use one opens it", async (t) => {
  const { embedUrl } = await scene.mint();
  const tries = Array.from({ length: 100 }, () => fetchTest(embedUrl, { headers: FRAME }));
  const answers = await Promise.all(tries);
  const opened = answers.filter(({ status }) => status === 303);
  assert.equal(opened.length, 1);
  for (const answer of answers) {
    if (answer === opened[0]) continue;
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("set-cookie"), null);
    assert.match(await answer.text(), /data-code="token_used"/);
  }
  const page = await open(t, scene.frames("/late", { a: embedUrl }));
  const frame = await frameIn(page, "a");
  assert.equal(await frame.locator("h1").innerText(), "This link was already used");
  const [{ data }] = await page.evaluate(() => window.messages);
  assert.deepEqual(data, { type: "gatepass", event: "error", code: "token_used" });
});

test("of 20 frames on one page with one such URL one shows the app", async (t) => {
  const { embedUrl } = await scene.mint({ user: { email: "many@example.com" } });
  const ids = Array.from({ length: 20 }, (_, i) => `f${i}`);
  const earlier = scene.app.log.length;
  const page = await open(
    t,
    scene.frames("/many", Object.fromEntries(ids.map((id) => [id, embedUrl]))),
  );
  await page.waitForFunction((count) => window.messages.length === count, ids.length - 1);
  const codes = await page.evaluate(() => window.messages.map(({ data }) => data.code));
  assert.deepEqual([...new Set(codes)], ["token_used"]);
  assert.equal(scene.app.log.slice(earlier).filter(({ path }) => path === "/").length, 1);
});

test("what no frame asks for spends nothing", async (t) => {
  const minted = await scene.mint();
  const { embedUrl } = minted;
  for (const headers of [
    {},
    { ...FRAME, "sec-purpose": "prefetch" },
    { ...FRAME, "sec-fetch-dest": "image", "sec-fetch-mode": "no-cors" },
  ]) {
    const { status } = await fetchTest(embedUrl, { headers });
    assert.equal(status, 400, JSON.stringify(headers));
  }
  assert.equal((await fetchTest(embedUrl, { method: "HEAD", headers: FRAME })).status, 400);
  assert.equal((await fetchTest(embedUrl, { method: "POST", headers: FRAME })).status, 405);

  const tab = await open(t, embedUrl);
  assert.equal(await tab.locator("h1").innerText(), "This cannot be opened like this");

  const rules = JSON.stringify({ prefetch: [{ source: "list", urls: [embedUrl] }] });
  const hints = `<link rel="prefetch" href="${embedUrl}"><link rel="preload" as="image" href="${embedUrl}">
    <script type="speculationrules">${rules}</script><img src="${embedUrl}" alt="">
    <script src="${embedUrl}"></script><object data="${embedUrl}"></object>`;
  const hinting = await open(t, scene.frames("/hints", {}, { html: hints }));
  await hinting.evaluate(
    (url) => fetch(url, { mode: "no-cors", credentials: "include" }),
    embedUrl,
  );
  assert.equal(await stateOf(minted), "active");

  const frame = await frameIn(await open(t, scene.frames("/then", { a: embedUrl })), "a");
  assert.equal(await frame.locator("#user").innerText(), "ada@example.com");
  assert.equal(await stateOf(minted), "used");
});

test("a token for the top level opens in a tab, as the tab's own", async (t) => {
  const { embedUrl } = await scene.mint({ topLevel: true });
  const tab = await open(
    t,
    scene.portal.set("portal.test", "/link", `<a href="${embedUrl}">Open</a>`),
  );
  await tab.getByRole("link").click();
  await tab.locator("#user").waitFor();
  assert.equal(await tab.locator("#user").innerText(), "ada@example.com");
  await tab.reload();
  assert.equal(await tab.locator("#user").innerText(), "ada@example.com");
  assert.equal(await tab.evaluate(async () => (await fetch("cookies")).status), 200);
});

test("a token at another place's host, or for another app, is refused and not spent", async (t) => {
  const minted = await scene.mint();
  const other = new URL((await scene.mint({ user: { email: "bob@example.com" } })).embedUrl);
  const { search } = new URL(minted.embedUrl);
  for (const [path, code] of [
    [`${other.origin}/embed-apps/own${search}`, 421],
    [`${new URL(minted.embedUrl).origin}/embed-apps/jobs${search}`, 403],
    [`${scene.gate.url}/embed-apps/own${search}`, 421],
  ]) {
    const answer = await fetchTest(path, { headers: FRAME });
    assert.equal(answer.status, code, path);
    assert.equal(answer.headers.get("set-cookie"), null);
  }
  assert.equal(await stateOf(minted), "active");
});
