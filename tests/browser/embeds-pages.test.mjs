// Gatepass's own pages in a frame, and the board: axe finds nothing, in light and dark, and all fit
// into 320 pixels. Screenshots are left in target/screenshots.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findBarriers } from "../support/browser.mjs";
import { eventsOf, frameIn, launchViewer, startScene } from "../support/embed-scene.mjs";
import { fetchTest } from "../support/https.mjs";
import { digestOf, keyOf, makeToken, seconds } from "../support/tokens.mjs";

const FOLDER = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
const NARROW = 320;
const SCHEMES = ["light", "dark"];

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

/** URLs whose page in a frame is the refusal of a code. */
async function refusals() {
  const mint = scene.mint;
  const live = await mint({ user: { email: "live@example.com" } });
  const { origin } = new URL(live.embedUrl);
  const entry = (token) => `${origin}/embed-apps/own?personal-access-token=${token}`;

  const used = await mint();
  for (const { embedUrl } of [used, live]) await fetchTest(embedUrl, { headers: FRAME });
  const [revoked, disabled] = [await mint(), await mint()];
  await scene.gate.api("DELETE", `/tokens/${revoked.id}`);
  await scene.gate.api("PATCH", `/tokens/${disabled.id}`, { enabled: false });

  // As the ledger would have written it some time ago.
  const { values, faults } = scene.gate.kv;
  const record = JSON.parse(values.get(`t/${digestOf(live.token)}`));
  const [expired, unreadable] = [
    makeToken({ kind: "pat_embed" }),
    makeToken({ kind: "pat_embed" }),
  ];
  values.set(keyOf(expired), JSON.stringify({ ...record, st: "a", x: seconds(-60) }));
  faults.set(keyOf(unreadable), "throws");

  return {
    token_used: used.embedUrl,
    token_expired: entry(expired),
    token_revoked: revoked.embedUrl,
    token_disabled: disabled.embedUrl,
    token_malformed: entry("pat_embed_x"),
    token_unknown: entry(makeToken({ kind: "pat_embed" })),
    kind_mismatch: entry(makeToken()),
    app_mismatch: live.embedUrl.replace("/own?", "/jobs?"),
    address_not_allowed: (await mint({ allowedIps: ["192.0.2.1"] })).embedUrl,
    invalid_request: `${entry("a")}&personal-access-token=b`,
    store_unavailable: entry(unreadable),
    upstream_unavailable: (await mint({ app: "down" })).embedUrl,
    session_ended: `${origin}/`,
    cookies_blocked: `${origin}/?gp-opened=1`,
  };
}

async function assertFine(frame, what) {
  assert.deepEqual(await findBarriers(frame), [], what);
  const { width, inner } = await frame.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    inner: document.documentElement.clientWidth,
  }));
  assert.ok(width <= inner, `${what} is ${width} px wide in ${inner} px`);
}

/** Whether what is drawn behind a page is dark or light. */
const darkness = (frame) =>
  frame.evaluate(() => {
    const colors = [document.body, document.documentElement].map(
      (element) => getComputedStyle(element).backgroundColor,
    );
    const [red] = colors.find((color) => color !== "rgba(0, 0, 0, 0)").match(/\d+/);
    return red < 128 ? "dark" : "light";
  });

describe("the refusals", () => {
  let urls;
  let page;
  before(async () => {
    urls = await refusals();
    page = await browser.newTab();
    await page.setViewportSize({ width: 4 * (NARROW + 8), height: 1300 });
    await mkdir(FOLDER, { recursive: true });
    const url = scene.frames("/refusals", urls);
    await page.goto(url);
    await page.addStyleTag({ content: `iframe { width: ${NARROW}px; height: 320px; border: 0 }` });
  });
  after(() => page.close());

  for (const scheme of SCHEMES) {
    test(`are plain and barrier-free, ${scheme}`, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      for (const code of Object.keys(urls)) {
        const frame = await frameIn(page, code);
        assert.equal(await frame.locator("html").getAttribute("data-code"), code);
        assert.equal(await frame.title(), await frame.locator("h1").innerText());
        assert.doesNotMatch(await frame.locator("body").innerText(), /token|_|HTTP|\d{3}/i);
        assert.equal(await darkness(frame), scheme, code);
        await assertFine(frame, code);
      }
      await page.screenshot({ path: `${FOLDER}refusals-${scheme}.png`, fullPage: true });
    });
  }

  test("tell the host page their codes", async () => {
    const told = await page.evaluate(() => window.messages.map(({ data }) => data.code));
    assert.deepEqual(told.sort(), Object.keys(urls).sort());
  });

  test("are read at 200 % text size without loss", async () => {
    for (const code of Object.keys(urls)) {
      const frame = await frameIn(page, code);
      await frame.evaluate(() => (document.documentElement.style.fontSize = "200%"));
      const [width, inner] = await frame.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      assert.ok(width <= inner, code);
    }
  });
});

describe("the board, in the SDK's frame", () => {
  for (const width of [NARROW, 1280]) {
    for (const scheme of SCHEMES) {
      test(`is barrier-free, ${width} px, ${scheme}`, async (t) => {
        const page = await browser.newTab();
        t.after(() => page.close());
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme: scheme });
        const html = "<style>body { margin: 0 }</style>";
        await page.goto(scene.elements("/board", { a: { app: "jobs" } }, { html }));
        await eventsOf(page, 1);
        const frame = await frameIn(page, "a");
        assert.equal(await darkness(frame), scheme);
        await assertFine(frame, "the board");
        await frame.getByRole("link", { name: "Latest job" }).click();
        await frame.locator("article").waitFor();
        await assertFine(frame, "a job");
      });
    }
  }
});
