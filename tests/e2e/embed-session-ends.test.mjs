import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pause, until } from "../support/api.mjs";
import {
  AS,
  assertIn,
  assertOut,
  assertPage,
  enter,
  JOBS,
  keysText,
  maxAge,
  mint,
  newKey,
  newUser,
  open,
  openWith,
  PORTAL,
  readSession,
  sealSession,
  sessionId,
  sessionOf,
  startEmbedGate,
  Visit,
} from "../support/embeds.mjs";
import { hintOf, keyOf, makeRecord, makeToken, seconds } from "../support/tokens.mjs";

const key = newKey();
const MINUTE = 60;
// An isolate believes what it has read for 5 s.
const BOUND = 10_000;

let gate;
before(async () => {
  const vars = {
    SESSION_KEYS: keysText(key),
    WORKSPACES: ["default", "switched", "closed"],
    APPS: [JOBS],
  };
  gate = await startEmbedGate({ second: true, vars });
});
after(() => gate?.stop());

const elsewhere = () => ({ port: gate.ports.second });

/** A token that only KV knows, and a session that it opened so many seconds ago. */
function stored(fields = {}, { ago = 0, session = {} } = {}) {
  const user = newUser();
  const workspace = fields.ws ?? "default";
  const token = makeToken({ kind: "pat_embed", hint: hintOf(workspace, user.id) });
  const record = { uid: user.id, em: user.email, ap: ["jobs"], or: [PORTAL], sm: 60, ...fields };
  gate.kv.values.set(keyOf(token), makeRecord(token, record));
  const shown = { token, user, workspace, apps: ["jobs"], label: "", sessionMinutes: record.sm };
  const opened = { ...sessionOf(shown, ago), ...session };
  const url = `http://${opened.place}.embed.test:${gate.port}/embed-apps/jobs`;
  const cookie = `__Host-gp-${opened.place}=${sealSession(opened, key)}`;
  return new Visit(gate, { token: shown, url, cookie });
}

describe("idle time-out (ASVS 7.3.1)", () => {
  const idle = { sessionMinutes: 60, idleMinutes: 4 };

  test("a session ends when nothing was asked for so long", async () => {
    const visit = await open(gate, idle);
    assert.equal(visit.session().expires - visit.session().issued, 4 * MINUTE);
    const last = { issued: seconds(-4 * MINUTE + 5), expires: seconds(5) };
    await assertIn(visit.withSession(last, key));
    const late = { issued: seconds(-4 * MINUTE), expires: seconds() };
    const out = await visit.withSession(late, key).ask("/public/hello");
    assert.equal(out.json().code, "session_ended");
  });

  test("each request slides it on, by a new cookie once a quarter of the time is gone", async () => {
    const visit = await open(gate, idle);
    const asked = async (ago, options) => {
      const times = { issued: seconds(-ago), expires: seconds(4 * MINUTE - ago) };
      return visit.withSession(times, key).ask("/cookies", options);
    };
    for (const ago of [0, 30, 57]) {
      const kept = (await asked(ago)).headerAll("Set-Cookie");
      assert.ok(!kept.some((line) => line.startsWith("__Host-gp-")), `${ago}`);
    }
    for (const [ago, options] of [
      [61, {}],
      [200, { as: AS.frame }],
      [235, { method: "POST", body: "a" }],
    ]) {
      const answer = await asked(ago, options);
      const [cookie, ...rest] = answer
        .headerAll("Set-Cookie")
        .filter((line) => line.startsWith("__Host-gp-"));
      assert.deepEqual(rest, []);
      assert.match(
        cookie,
        /; Path=\/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=(239|240)$/,
      );
      const [name, value] = cookie.split(/[=;]/);
      const next = readSession(value);
      assert.equal(name, visit.name);
      assert.deepEqual(
        { ...next, issued: 0, expires: 0 },
        { ...visit.session(), issued: 0, expires: 0 },
      );
      assert.ok(Math.abs(next.issued - seconds()) <= 2);
      assert.equal(next.expires, next.issued + 4 * MINUTE);
      assert.match(answer.header("Cache-Control"), /private|no-store/);
      // The app's own cookies are there beside it.
      assert.equal(answer.headerAll("Set-Cookie").length, 3);
    }
  });

  test("but never beyond the session's absolute end (ASVS 7.3.2)", async () => {
    const visit = await open(gate, idle);
    const id = sessionId(visit.token.user.id, 58 * MINUTE);
    const late = visit.withSession({ id, issued: seconds(-100), expires: seconds(60) }, key);
    const cookie = (await late.ask("/public/hello")).header("Set-Cookie");
    assert.ok(Math.abs(maxAge(cookie) - 120) <= 3, cookie);
  });

  test("without one no cookie is made anew", async () => {
    const visit = await open(gate);
    const late = visit.withSession({ issued: seconds(-3000), expires: seconds(600) }, key);
    assert.deepEqual((await late.ask("/public/hello")).headerAll("Set-Cookie"), []);
  });

  test("the watch page is no activity", async () => {
    const visit = await open(gate, idle);
    const late = visit.withSession({ issued: seconds(-200), expires: seconds(40) }, key);
    for (const [path, as] of [
      [`/gatepass/embed/${visit.place}`, AS.frame],
      [`/gatepass/embed/${visit.place}/session`, AS.script],
    ]) {
      const answer = await late.own(path, { as });
      assert.equal(answer.status, 200, answer.text.slice(0, 200));
      assert.deepEqual(answer.headerAll("Set-Cookie"), []);
    }
  });
});

describe("absolute end (ASVS 7.3.2)", () => {
  test("a session ends after its minutes, whatever its cookie says", async () => {
    await assertIn(stored({}, { ago: 59 * MINUTE }));
    const forever = { expires: seconds(86_400), issued: seconds() };
    await assertOut(stored({}, { ago: 60 * MINUTE, session: forever }), 401, "session_ended");
    await assertOut(
      stored({ im: 5 }, { ago: 61 * MINUTE, session: forever }),
      401,
      "session_ended",
    );
  });

  test("with its token, in the very second", async () => {
    const visit = stored({ x: seconds(3) });
    await assertIn(visit);
    await pause(3_100);
    await assertOut(visit, 401, "session_ended");
  });

  test("but not with a token for single use, which ended when it opened", async () => {
    await assertIn(stored({ su: true, st: "u", x: seconds(-1) }, { ago: 10 }));
    const session = { expires: seconds(60) };
    const ended = stored({ su: true, st: "u", sm: 1 }, { ago: 60, session });
    await assertOut(ended, 401, "session_ended");
  });

  test("with the PAT that made its token", async () => {
    await assertIn(stored({ se: seconds(30) }));
    await assertOut(stored({ se: seconds(-1), su: true, st: "u" }), 401, "session_ended");
  });
});

const together = { concurrency: true };

describe("what ends a session at once where it is done, and elsewhere in time", together, () => {
  for (const [name, end, code, back] of [
    [
      "revocation of its token",
      ({ token }) => gate.api("DELETE", `/tokens/${token.id}`),
      "token_revoked",
    ],
    [
      "disabling its token, until that is enabled",
      ({ token }) => gate.api("PATCH", `/tokens/${token.id}`, { enabled: false }),
      "token_disabled",
      ({ token }) => gate.api("PATCH", `/tokens/${token.id}`, { enabled: true }),
    ],
    ["a kill", (visit) => gate.api("DELETE", `/sessions/${visit.session().id}`), "session_ended"],
  ]) {
    for (const strict of [false, true]) {
      const where = strict ? "of a strict token, everywhere with the next request" : "";
      test(`${name} ${where}`, async () => {
        const visit = await open(gate, { strict });
        await assertIn(visit);
        await assertIn(visit, elsewhere());
        assert.ok([200, 204].includes((await end(visit)).status));
        await assertOut(visit, 401, code);
        const other = async () => (await visit.ask("/public/hello", elsewhere())).status;
        if (strict) assert.equal(await other(), 401);
        await until(async () => (await other()) === 401, "the other isolate", BOUND);
        const page = await visit.ask("/", { as: AS.frame, ...elsewhere() });
        assertPage(page, 401, code);
        if (!back) return;
        assert.equal((await back(visit)).status, 200);
        await assertIn(visit);
        if (strict) assert.equal(await other(), 200);
        await until(async () => (await other()) === 200, "the other isolate, again", BOUND);
      });
    }
  }

  test("a kill ends no other session of the token or the place", async () => {
    const token = await mint(gate);
    const [one, two] = [await openWith(gate, token), await openWith(gate, token)];
    assert.equal((await gate.api("DELETE", `/sessions/${one.session().id}`)).status, 204);
    await assertOut(one, 401, "session_ended");
    await assertIn(two);
    const three = await openWith(gate, token);
    await assertIn(three, elsewhere());
  });

  test("65 kills make the record strict, and none of them is forgotten", async () => {
    const token = await mint(gate, { sessionMinutes: 600 });
    const visits = [];
    for (let i = 0; i < 66; i++) visits.push(await openWith(gate, token));
    const survivor = visits.pop();
    for (const visit of visits) {
      assert.equal((await gate.api("DELETE", `/sessions/${visit.session().id}`)).status, 204);
    }
    const record = () => JSON.parse(gate.kv.values.get(keyOf(token.token)));
    await until(() => record().strict === true, "a strict record");
    assert.equal(record().kill, undefined);
    for (const options of [{}, elsewhere()]) {
      await assertIn(survivor, options);
      for (const visit of visits) {
        const answer = await visit.ask("/public/hello", options);
        assert.equal(answer.json().code, "session_ended");
      }
    }
    await openWith(gate, token);
  });

  test("a session that was used up by its token goes on, and ends with a revocation", async () => {
    const visit = await open(gate, { singleUse: true });
    await assertIn(visit);
    await assertIn(visit, elsewhere());
    assert.equal((await gate.api("DELETE", `/tokens/${visit.token.id}`)).status, 204);
    await assertOut(visit, 401, "token_revoked");
  });

  test("a used token cannot be enabled to open once more", async () => {
    const token = await mint(gate, { singleUse: true });
    await openWith(gate, token);
    const answer = await gate.api("PATCH", `/tokens/${token.id}`, { enabled: true });
    assert.equal(answer.status, 409, JSON.stringify(answer.body));
    assertPage(await enter(gate, token.embedUrl), 401, "token_used");
  });
});

describe("the workspace's switch", () => {
  const settings = (rev, authentication) =>
    JSON.stringify({ v: 1, rev, creation: true, authentication });

  test("authentication off suspends sessions and refuses entries; on, they go on", async () => {
    gate.kv.values.set("w/switched", settings(1, true));
    const user = newUser();
    const made = await gate.api("POST", "/tokens?workspace=switched", {
      ...{ name: "x", kind: "embed", app: "jobs", user, allowedOrigins: [PORTAL] },
    });
    const visit = await openWith(gate, made.body);
    await assertIn(visit);
    gate.kv.values.set("w/switched", settings(2, false));
    const status = async () => (await visit.ask("/public/hello")).status;
    await until(async () => (await status()) === 403, "the switch", BOUND);
    await assertOut(visit, 403, "authentication_disabled");
    assertPage(await enter(gate, made.body.embedUrl), 403, "authentication_disabled");
    gate.kv.values.set("w/switched", settings(3, true));
    await until(async () => (await status()) === 200, "the switch back", BOUND);
    await openWith(gate, made.body);
  });

  test("is read for a place whose isolate knows nothing yet", async () => {
    gate.kv.values.set("w/closed", settings(1, false));
    await assertOut(stored({ ws: "closed" }), 403, "authentication_disabled");
  });
});

test("in a strict deployment an end holds everywhere with the next request", async (t) => {
  const strict = await startEmbedGate({ second: true, vars: { CONSISTENCY: "strict" } });
  t.after(() => strict.stop());
  const port = strict.ports.second;
  for (const [path, code] of [
    [(visit) => `/sessions/${visit.session().id}`, "session_ended"],
    [(visit) => `/tokens/${visit.token.id}`, "token_revoked"],
  ]) {
    const visit = await open(strict);
    await assertIn(visit, { port });
    assert.equal((await strict.api("DELETE", path(visit))).status, 204);
    assert.equal((await visit.ask("/public/hello", { port })).json().code, code);
  }
});

test("a session counts only from the addresses on its token's list", async () => {
  const visit = stored({ ip: ["192.0.2.0/28"] });
  const from = (address) => ({ headers: [["CF-Connecting-IP", address]] });
  await assertIn(visit, from("192.0.2.3"));
  const answer = await visit.ask("/public/hello", from("192.0.2.16"));
  assert.equal(answer.status, 403);
  assert.equal(answer.json().code, "address_not_allowed");
  await assertOut(visit, 403, "address_not_allowed");
});
