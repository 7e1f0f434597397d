// How a session is ended from outside, and what the viewer and the host page get to know.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventsOf, frameIn, keeperIn, launchViewer, startScene } from "../support/embed-scene.mjs";

/** Milliseconds: what is promised, and what it takes at most where KV keeps nothing back. */
const BOUND = 65_000;
const EXPECTED = 30_000;

let scene;
let browser;

before(async () => {
  [scene, browser] = await Promise.all([startScene(), launchViewer({ profile: "blocked" })]);
});

after(() => Promise.all([browser.close(), scene.stop()]));

/** A page with an embed of one person, by the SDK; and the API's view of the session. */
async function openOne(t, name, fields = {}) {
  const user = { email: `${name}@example.com` };
  const page = await browser.newTab(scene.elements(`/${name}`, { a: { ...fields, user } }));
  t.after(() => page.close());
  assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
  const { body } = await scene.gate.api("GET", `/sessions?user=${user.email}`);
  assert.equal(body.result.length, 1);
  const [{ id, tokenId }] = body.result;
  return { page, frame: await frameIn(page, "a"), session: id, token: tokenId };
}

const statusIn = (frame) => frame.evaluate(async () => (await fetch("cookies")).status);

const heading = async (page) => (await frameIn(page, "a")).locator("h1").innerText();

/** What the watch page does after 15 s at the latest. */
const look = async (page) => {
  const keeper = await keeperIn(page, "a");
  await keeper.evaluate(() => dispatchEvent(new Event("online")));
};

describe("by itself, within the bound", { concurrency: true }, () => {
  for (const [what, code, title, end] of [
    [
      "revoking the token",
      "token_revoked",
      "Access was withdrawn",
      ({ token }) => scene.gate.api("DELETE", `/tokens/${token}`),
    ],
    [
      "disabling the token",
      "token_disabled",
      "Access was withdrawn",
      ({ token }) => scene.gate.api("PATCH", `/tokens/${token}`, { enabled: false }),
    ],
    [
      "killing the session",
      "session_ended",
      "This session has ended",
      ({ session }) => scene.gate.api("DELETE", `/sessions/${session}`),
    ],
  ]) {
    test(`${what} ends the frame, and raises ended with ${code}`, async (t) => {
      const reusable = code === "token_disabled" ? { singleUse: false } : {};
      const one = await openOne(t, code, reusable);
      const other = await openOne(t, `${code}-other`, reusable);
      const begun = performance.now();
      assert.ok((await end(one)).status < 300);
      assert.deepEqual(await eventsOf(one.page, 2, EXPECTED), ["a ready", `a ended ${code}`]);
      assert.ok(performance.now() - begun < BOUND);
      assert.equal(await heading(one.page), title);
      assert.equal(await statusIn(other.frame), 200);
      assert.deepEqual(await eventsOf(other.page, 1), ["a ready"]);
    });
  }
});

describe("of a strict token, with the next request", () => {
  for (const [what, code, end] of [
    ["revoking it", "token_revoked", ({ token }) => scene.gate.api("DELETE", `/tokens/${token}`)],
    [
      "killing the session",
      "session_ended",
      ({ session }) => scene.gate.api("DELETE", `/sessions/${session}`),
    ],
  ]) {
    test(what, async (t) => {
      const one = await openOne(t, `strict-${code}`, { strict: true });
      assert.equal(await statusIn(one.frame), 200);
      await end(one);
      const refused = await one.frame.evaluate(async () => {
        const answer = await fetch("cookies");
        return { status: answer.status, code: (await answer.json()).code };
      });
      assert.deepEqual(refused, { status: 401, code });
      await look(one.page);
      assert.deepEqual(await eventsOf(one.page, 2), ["a ready", `a ended ${code}`]);
    });
  }
});

test("the app's own frame may be the first to know", async (t) => {
  const one = await openOne(t, "own-frame", { strict: true });
  await scene.gate.api("DELETE", `/tokens/${one.token}`);
  await one.frame.evaluate(() => location.reload());
  assert.deepEqual(await eventsOf(one.page, 2), ["a ready", "a ended token_revoked"]);
  assert.equal(await heading(one.page), "Access was withdrawn");
  assert.equal(await one.page.locator("#a iframe").count(), 1);
});

test("a plain frame shows it, and tells the host page the code", async (t) => {
  const { embedUrl, id } = await scene.mint({ strict: true });
  const page = await browser.newTab(scene.frames("/plain", { a: embedUrl }));
  t.after(() => page.close());
  const frame = await frameIn(page, "a");
  const { origin } = new URL(frame.url());
  await scene.gate.api("DELETE", `/tokens/${id}`);
  await frame.goto(origin);
  assert.equal(await heading(page), "Access was withdrawn");
  const data = { type: "gatepass", event: "error", code: "token_revoked" };
  assert.deepEqual(await page.evaluate(() => window.messages), [{ data, origin }]);
});
