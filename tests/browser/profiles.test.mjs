// What the browser's profiles do with cookies of a frame from another site. All that other tests say
// about blocked cookies rests on this.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser } from "../support/browser.mjs";
import { startPortal } from "../support/portal-page.mjs";

const PLAIN = "plain=1";
const PARTITIONED = "__Host-partitioned=1";
const SET_COOKIES = [
  `${PLAIN}; Path=/; Secure; SameSite=None`,
  `${PARTITIONED}; Path=/; Secure; SameSite=None; Partitioned`,
];

let portal;

before(async () => {
  portal = await startPortal();
  const entry = portal.set("app.embeds.test", "/entry", {
    status: 303,
    headers: { location: "/app", "set-cookie": SET_COOKIES },
  });
  portal.set("app.embeds.test", "/app", "the app");
  for (const host of ["portal.test", "other.test"]) {
    portal.set(host, "/entry", `<iframe src="${entry}"></iframe>`);
    portal.set(host, "/app", `<iframe src="${portal.origin("app.embeds.test")}/app"></iframe>`);
  }
});

after(() => portal.stop());

/** The cookies that the frame's requests carry on one host page, then on that of another site. */
async function cookiesSent(t, profile) {
  const browser = await launchBrowser({ profile });
  t.after(() => browser.close());
  const page = await browser.newTab();
  const sent = [];
  for (const path of ["portal.test/entry", "portal.test/app", "other.test/app"]) {
    const [host, name] = path.split("/");
    await page.goto(`${portal.origin(host)}/${name}`);
    const { headers } = portal.asked("app.embeds.test", "/app").at(-1);
    assert.equal(headers["sec-fetch-site"], "cross-site");
    sent.push((headers.cookie ?? "").split("; ").sort().join(" "));
  }
  return sent;
}

test("by default a frame of another site gets all its cookies back", async (t) => {
  const both = [PARTITIONED, PLAIN].sort().join(" ");
  assert.deepEqual(await cookiesSent(t, "default"), [both, both, PLAIN]);
});

test("with third-party cookies blocked, it gets the partitioned ones back alone", async (t) => {
  assert.deepEqual(await cookiesSent(t, "blocked"), [PARTITIONED, PARTITIONED, ""]);
});

test("with all cookies blocked, it gets none back", async (t) => {
  assert.deepEqual(await cookiesSent(t, "none"), ["", "", ""]);
});
