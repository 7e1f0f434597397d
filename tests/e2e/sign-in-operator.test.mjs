// The sign-in with the operator key, where there is no identity provider.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { JOBS, newUser } from "../support/embeds.mjs";
import { DEVELOPMENT_ROUTES, startRawGate } from "../support/gate.mjs";
import { cookiesOf } from "../support/judges.mjs";
import { startProvider } from "../support/oidc.mjs";
import {
  API,
  asking,
  byCookie,
  byOperator,
  byPat,
  identityBy,
  newPerson,
  ok,
  SIGN_IN,
  signIn,
  SYNERGY,
  TOKENS,
  TOOLJET,
} from "../support/people.mjs";
import { assertRefused, BASIC, BEARER, INVALID_TOKEN } from "../support/refusals.mjs";
import { startKv } from "../support/stand-ins.mjs";
import { filesIn, queryObjects } from "../support/state.mjs";
import { basic, digestOf, makeToken } from "../support/tokens.mjs";

const NAME = "__Host-gatepass";
const VARS = { WORKSPACES: ["default", "other"], APPS: [JOBS] };
const OFFER = {
  ...{ user: null, workspace: "default", role: "admin", signIn: "operatorKey" },
  workspaces: ["default", "other"],
  apps: [{ ...JOBS, allowedOrigins: [] }],
  routes: DEVELOPMENT_ROUTES.map((route) => ({ methods: [], scopes: [], public: false, ...route })),
};
const NOBODY = { user: null, workspace: null, role: null, signIn: "operatorKey" };

/** What the cookie has beside name, value and age. */
const ATTRIBUTES = { path: "/", secure: true, httpOnly: true, sameSite: "Strict" };

let gate;
let storage;
before(async () => {
  storage = await mkdtemp(join(tmpdir(), "gatepass-objects-"));
  gate = await startRawGate({ vars: VARS, storage });
});
after(async () => {
  await gate?.stop();
  if (storage) await rm(storage, { recursive: true, force: true });
});

const operator = () => asking(gate, byOperator(gate));

/** Asserts that an answer removes the cookie. */
function assertRemoved(answer) {
  const cookies = cookiesOf(answer).map((cookie) => ({ ...cookie }));
  assert.deepEqual(cookies, [{ name: NAME, value: "", maxAge: 0, ...ATTRIBUTES }]);
}

/** Somebody who has signed in: the cookie, its value, and `ask`. */
async function signedIn(at = gate, query = "") {
  const answer = await asking(at, byOperator(at))("POST", `${SIGN_IN}${query}`);
  assert.equal(answer.status, 204, answer.text);
  const [{ value }] = cookiesOf(answer);
  const cookie = `${NAME}=${value}`;
  return { value, cookie, ask: asking(at, byCookie(cookie)) };
}

const assertOver = async (ask) =>
  assertRefused(await ask("GET", SIGN_IN), 401, "token_expired", [INVALID_TOKEN]);

describe("a sign-in with the operator key", () => {
  test("ASVS 3.3.1–3.3.4: gives a cookie for an hour, which is this host's alone", async () => {
    const values = new Set();
    for (const key of [basic("", gate.operatorKey), `Basic ${gate.operatorKey}`]) {
      const answer = await asking(gate, [["Authorization", key]])("POST", SIGN_IN);
      assert.equal(answer.status, 204);
      assert.equal(answer.text, "");
      assert.equal(answer.header("Cache-Control"), "no-store");
      const [{ value, ...cookie }, ...others] = cookiesOf(answer);
      assert.deepEqual(cookie, { name: NAME, maxAge: 3600, ...ATTRIBUTES });
      assert.deepEqual(others, []);
      // ASVS 7.2.3: no less than 128 random bits.
      assert.match(value, /^[0-9a-f]{64}$/);
      values.add(value);
    }
    assert.equal(values.size, 2);
  });

  test("tells who is signed in", async () => {
    const WHO = { ...OFFER, origin: gate.url };
    const { ask } = await signedIn();
    assert.deepEqual(await ok(ask("GET", SIGN_IN)), WHO);
    const other = await ok(ask("GET", `${SIGN_IN}?workspace=other`));
    assert.deepEqual(other, { ...WHO, workspace: "other" });
    assert.equal((await ask("HEAD", SIGN_IN)).status, 200);
    assert.deepEqual(await ok(operator()("GET", SIGN_IN)), WHO);
    const wrong = await ask("PUT", SIGN_IN);
    assertRefused(wrong, 405, "invalid_request");
    assert.equal(wrong.header("Allow"), "DELETE, GET, HEAD, POST");
  });

  test("is no one's who shows no credential, and they are told how people sign in", async () => {
    for (const shown of [[], byCookie(`${NAME}=0`), [["Authorization", "Negotiate x"]]]) {
      const ask = asking(gate, shown);
      for (const headers of [[], [["Sec-Fetch-Site", "same-origin"]]]) {
        const answer = await ask("GET", `${SIGN_IN}?workspace=other`, { headers });
        assert.deepEqual(await ok(answer), NOBODY);
        assert.equal(answer.header("Cache-Control"), "no-store");
        assert.equal(answer.header("WWW-Authenticate"), undefined);
        assert.deepEqual(cookiesOf(answer), []);
      }
      const head = await ask("HEAD", SIGN_IN);
      assert.deepEqual([head.status, head.text], [200, ""]);
      for (const target of [TOKENS, `${API}/settings`]) {
        assertRefused(await ask("GET", target), 401, "token_missing", [BEARER]);
      }
      assertRefused(await ask("GET", `${SIGN_IN}?x=1`), 400, "invalid_field");
    }
  });

  test("is not had by a credential that is no good, which is refused", async () => {
    for (const [shown, code] of [
      [byPat("pat_x"), "token_malformed"],
      [byPat(makeToken()), "token_unknown"],
      [[["Authorization", basic("operator", "x".repeat(40))]], "token_malformed"],
      [byCookie(`${NAME}=${"0".repeat(64)}`), "token_expired"],
    ]) {
      const answer = await asking(gate, shown)("GET", SIGN_IN);
      assertRefused(answer, 401, code, [INVALID_TOKEN]);
    }
  });

  test("stands for the key, in each workspace", async () => {
    const { ask } = await signedIn();
    for (const query of ["", "?workspace=other"]) {
      const user = newUser();
      const json = { name: "x", user };
      const made = await ok(ask("POST", `${TOKENS}${query}`, { json }), 201);
      const path = `${TOKENS}/${made.id}${query}`;
      assert.equal((await ok(ask("PATCH", path, { json: { name: "y" } }))).name, "y");
      const form = { token: made.token };
      const told = await ok(ask("POST", `/gatepass/oauth/introspect${query}`, { form }));
      assert.equal(told.sub, user.id);
      await ok(ask("DELETE", path), 204);
      const settings = await ok(ask("GET", `${API}/settings${query}`));
      await ok(ask("PUT", `${API}/settings${query}`, { json: settings }));
      const { result } = await ok(ask("GET", `${API}/audit${query}`));
      const done = result.filter((event) => [user.id, null].includes(event.user));
      const expected = ["settings.changed", "token.created", "token.changed", "token.revoked"];
      const actions = new Set(done.map(({ action }) => action));
      assert.ok(
        expected.every((action) => actions.has(action)),
        [...actions].join(),
      );
      assert.deepEqual([...new Set(done.map(({ actor }) => actor))], ["operator"]);
    }
  });

  test("ASVS 7.4.1: is over at the server when it is ended", async () => {
    const [{ ask }, another] = [await signedIn(), await signedIn()];
    const ended = await ask("DELETE", SIGN_IN);
    assert.equal(ended.status, 204);
    assertRemoved(ended);
    await assertOver(ask);
    for (const [method, target, options] of [
      ["GET", TOKENS],
      ["POST", TOKENS, { json: { name: "x", user: { id: "ada" } } }],
      ["GET", `${API}/audit?workspace=other`],
      ["PUT", `${API}/settings`, { json: {} }],
      ["DELETE", `${API}/sessions?all=true`],
      ["POST", "/gatepass/oauth/introspect", { form: { token: "x" } }],
      ["POST", SIGN_IN],
    ]) {
      const answer = await ask(method, target, options);
      assertRefused(answer, 401, "token_expired", [INVALID_TOKEN]);
      assertRemoved(answer);
    }
    await ok(another.ask("GET", SIGN_IN));
    const withKey = await operator()("DELETE", SIGN_IN);
    assert.equal(withKey.status, 204);
    assertRemoved(withKey);
    await ok(another.ask("GET", SIGN_IN));
    assertRefused(await asking(gate)("DELETE", SIGN_IN), 401, "token_missing", [BEARER]);
  });

  for (const [of, ended] of [
    ["", "?workspace=other"],
    ["?workspace=other", ""],
  ]) {
    const name = (query) => (query ? "another workspace" : "the first");
    const what = `in ${name(of)} is over when it is ended in ${name(ended)}`;
    test(what, async () => {
      const { ask } = await signedIn(gate, of);
      await ok(ask("DELETE", `${SIGN_IN}${ended}`), 204);
      await assertOver(ask);
    });
  }

  test("that has ended can be ended once more, of which no end is told", async () => {
    const { ask } = await signedIn();
    await ok(ask("DELETE", SIGN_IN), 204);
    const before = await ok(operator()("GET", `${API}/audit`));
    const invented = byCookie(`${NAME}=${"0".repeat(64)}`);
    for (const ends of [
      ask,
      asking(gate, invented),
      asking(gate, [...byOperator(gate), ...invented]),
    ]) {
      const answer = await ends("DELETE", SIGN_IN);
      assert.equal(answer.status, 204);
      assertRemoved(answer);
    }
    assert.deepEqual(await ok(operator()("GET", `${API}/audit`)), before);
    await assertOver(ask);
  });

  test("is over when it is ended with the key beside it", async () => {
    const { cookie, ask } = await signedIn();
    const both = asking(gate, [...byOperator(gate), ...byCookie(cookie)]);
    await ok(both("DELETE", SIGN_IN), 204);
    await assertOver(ask);
  });

  test("is for who has the key itself", async () => {
    const { cookie } = await signedIn();
    const pat = await gate.createToken({ scopes: ["tokens"] });
    for (const [shown, status, code] of [
      [[], 401, "token_missing"],
      [[["Authorization", basic("", "x".repeat(40))]], 401, "token_malformed"],
      [[["Authorization", basic("", gate.operatorKey.slice(1))]], 401, "token_malformed"],
      [[["Authorization", `Bearer ${gate.operatorKey}`]], 401, "token_malformed"],
      [[["X-API-Key", gate.operatorKey]], 401, "token_malformed"],
      [byPat(pat.token), 403, "scope_insufficient"],
      [[["Authorization", basic("", pat.token)]], 403, "scope_insufficient"],
      [byCookie(cookie), 403, "scope_insufficient"],
      [byCookie(`${NAME}=${gate.operatorKey}`), 401, "token_missing"],
    ]) {
      const answer = await asking(gate, shown)("POST", SIGN_IN);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.json().code, code);
      assert.deepEqual(cookiesOf(answer), []);
      // A browser would ask for a password.
      assert.ok(!answer.headerAll("WWW-Authenticate").join().includes("Basic"));
    }
  });

  test("ASVS 3.5.1: is not acted for by a page of another site, or of a sibling", async () => {
    const { ask } = await signedIn();
    const { id } = await gate.createToken({ user: newUser() });
    const before = await ok(operator()("GET", `${API}/audit`));
    const site = (value) => ["Sec-Fetch-Site", value];
    const origin = (value) => ["Origin", value];
    for (const headers of [
      [site("cross-site")],
      [site("cross-site"), ["Sec-Fetch-Mode", "navigate"]],
      [site("same-site")],
      [origin("https://evil.example")],
      [origin(`http://sibling.localhost:${gate.port}`)],
      [origin("null")],
      [site("same-origin"), origin("https://evil.example")],
    ]) {
      for (const [method, target, options] of [
        ["GET", SIGN_IN],
        ["POST", SIGN_IN],
        ["DELETE", SIGN_IN],
        ["GET", TOKENS],
        ["POST", TOKENS, { json: { name: "x", user: { id: "ada" } } }],
        ["PATCH", `${TOKENS}/${id}`, { json: { enabled: false } }],
        ["DELETE", `${TOKENS}/${id}`],
        ["PUT", `${API}/settings`, { json: {} }],
        ["DELETE", `${API}/sessions?all=true`],
        ["POST", "/gatepass/oauth/revoke", { form: { token: "x" } }],
        ["GET", SYNERGY.list],
      ]) {
        assertRefused(await ask(method, target, { ...options, headers }), 403, "cross_site");
      }
      const withKey = await operator()("POST", SIGN_IN, { headers });
      assertRefused(withKey, 403, "cross_site");
      assert.deepEqual(cookiesOf(withKey), []);
    }
    assert.deepEqual(await ok(operator()("GET", `${API}/audit`)), before);
    for (const headers of [[site("same-origin")], [site("none")]]) {
      await ok(ask("GET", SIGN_IN, { headers }));
    }
    await ok(ask("GET", SIGN_IN, { headers: [origin(gate.url)] }));
  });

  test("is none by an invented cookie, nor by two", async () => {
    const { value, cookie } = await signedIn();
    const over = [401, "token_expired", [INVALID_TOKEN]];
    const none = [401, "token_missing", [BEARER]];
    for (const [invented, refusal] of [
      [`${NAME}=${"0".repeat(64)}`, over],
      [`${NAME}=${digestOf(value)}`, over],
      [`${NAME}=${value.slice(1)}`, none],
      [`${NAME}=${value}0`, none],
      [`${NAME}=${value.toUpperCase()}`, none],
      [`${NAME}="${value}"`, none],
      [`${NAME}=${"a".repeat(7000)}`, none],
      [`${NAME}=`, none],
      [NAME, none],
      [`${NAME.toLowerCase()}=${value}`, none],
      [`${NAME}-2=${value}`, none],
      [`gatepass=${value}`, none],
      [`a="${cookie}"`, none],
      [`${cookie}; ${cookie}`, none],
      [`${NAME}=0; ${cookie}`, none],
      [`${cookie}; ${NAME}=`, none],
    ]) {
      const answer = await asking(gate, byCookie(invented))("GET", TOKENS);
      assertRefused(answer, ...refusal);
    }
    await ok(asking(gate, byCookie(`a=1; ${cookie}; b=2`))("GET", SIGN_IN));
  });

  test("counts for nothing where there is another credential", async () => {
    const { cookie } = await signedIn();
    const both = (shown) => asking(gate, [...shown, ...byCookie(cookie)]);
    const pat = await gate.createToken({ user: newUser(), scopes: ["tokens"] });
    const who = await ok(both(byPat(pat.token))("GET", SIGN_IN));
    assert.deepEqual([who.user.id, who.role], [pat.user.id, "user"]);
    const settings = await both(byPat(pat.token))("PUT", `${API}/settings`, { json: {} });
    assertRefused(settings, 403, "scope_insufficient");
    for (const shown of [byPat("pat_x"), [["Authorization", basic("", "x".repeat(40))]]]) {
      const answer = await both(shown)("GET", TOKENS);
      assertRefused(answer, 401, "token_malformed", [INVALID_TOKEN]);
    }
  });

  test("opens the token API and nothing else, and goes no further", async () => {
    const { value, cookie, ask } = await signedIn();
    assertRefused(await ask("GET", "/echo/x"), 401, "token_missing", [BEARER, BASIC]);
    const json = { email: "a@example.com", appId: "jobs" };
    assert.equal((await ask("POST", TOOLJET, { json })).status, 401);
    assertRefused(await ask("GET", SYNERGY.list), 400, "invalid_request");
    assertRefused(await ask("GET", `${TOKENS}/self`), 400, "invalid_request");
    const { token } = await gate.createToken();
    for (const target of ["/echo/x", "/public/x"]) {
      const headers = [...byPat(token), ...byCookie(`a=1; ${cookie}; b=2`)];
      const { text } = await asking(gate, headers)("GET", target);
      assert.ok(!text.includes(value), target);
    }
    const both = asking(gate, [...byPat(token), ...byCookie(`a=1; ${cookie}`)]);
    assert.equal((await ok(both("GET", "/echo/x"))).headers.cookie, "a=1");
  });
});

describe("of a sign-in", () => {
  const from = [
    ["CF-Connecting-IP", "192.0.2.7"],
    ["User-Agent", "a test's"],
  ];
  const eventsOf = async (query = "") => {
    const { result } = await ok(operator()("GET", `${API}/audit${query}`));
    return result.filter(({ action }) => action.startsWith("operator."));
  };

  test("the audit tells when it began and ended, and from where", async () => {
    const [{ id: last }] = await eventsOf();
    const began = await operator()("POST", SIGN_IN, { headers: from });
    const [{ value }] = cookiesOf(began);
    await ok(asking(gate, byCookie(`${NAME}=${value}`))("DELETE", SIGN_IN, { headers: from }), 204);
    const events = await eventsOf();
    const told = events.slice(
      0,
      events.findIndex(({ id }) => id === last),
    );
    assert.deepEqual(
      told.map(({ action }) => action),
      ["operator.signed_out", "operator.signed_in"],
    );
    for (const { id, at, action, ...event } of told) {
      assert.ok(Math.abs(Date.parse(at) - Date.now()) < 10_000, `${action} ${id} ${at}`);
      assert.deepEqual(event, {
        ...{ result: "ok", actor: "operator", user: null, token: null, session: null },
        ...{ address: "192.0.2.7", userAgent: "a test's" },
      });
    }
    assert.ok(!JSON.stringify(events).includes(value));
  });

  test("the audit tells in whatever workspace it was", async () => {
    const here = (await eventsOf()).length;
    const there = (await eventsOf("?workspace=other")).length;
    await signedIn(gate, "?workspace=other");
    const told = (await eventsOf()).length + (await eventsOf("?workspace=other")).length;
    assert.equal(told, here + there + 1);
  });

  test("that never was, no end is told", async () => {
    const before = await eventsOf();
    await asking(gate)("DELETE", SIGN_IN);
    await asking(gate, byCookie(`${NAME}=0`))("DELETE", SIGN_IN);
    await operator()("DELETE", SIGN_IN);
    assert.deepEqual(await eventsOf(), before);
  });

  test("only a digest is kept, in the directory, and nothing in KV or a log", async () => {
    const query = "SELECT digest, until FROM sign_ins";
    const kept = () => queryObjects(storage, "Directory", query);
    const before = (await kept()).map(({ digest }) => digest);
    const { value, ask } = await signedIn();
    await ok(ask("GET", SIGN_IN));
    const [{ digest, until }, ...others] = (await kept()).filter(
      (row) => !before.includes(row.digest),
    );
    assert.deepEqual(others, []);
    assert.match(digest, /^[0-9a-f]{64}$/);
    assert.ok(Math.abs(until - Date.now() / 1000 - 3600) < 10, String(until));
    const files = await filesIn(storage);
    const stored = await Promise.all(files.map((file) => readFile(file, "latin1")));
    const told = [gate.output(), ...[...gate.kv.values].flat()].join("\n");
    for (const text of [value, Buffer.from(value, "hex").toString("latin1")]) {
      assert.ok(![...stored, told].some((kept) => kept.includes(text)));
    }
    assert.ok(!told.includes(digest));
    const holding = files.filter((_, at) => stored[at].includes(digest));
    assert.ok(holding.length > 0 && holding.every((file) => file.includes("/Directory/")));
    assert.ok(files.some((file) => file.includes("/Ledger/")));
  });
});

describe("a sign-in that was made", { concurrency: true }, () => {
  /** A gate that starts anew with the same stores, which may have been changed meanwhile. */
  async function scene(t) {
    const folder = await mkdtemp(join(tmpdir(), "gatepass-objects-"));
    const kv = await startKv();
    let running;
    t.after(async () => {
      await Promise.all([running?.stop(), kv.stop()]);
      await rm(folder, { recursive: true, force: true });
    });
    async function start(vars, meanwhile = () => {}) {
      await running?.stop();
      await meanwhile();
      running = await startRawGate({ vars: { ...VARS, ...vars }, storage: folder, kv });
      return running;
    }
    return { start, folder };
  }

  async function endAll(folder) {
    for (const file of await filesIn(join(folder, "Directory"))) {
      if (!file.endsWith(".sqlite") || file.endsWith("metadata.sqlite")) continue;
      const database = new DatabaseSync(file);
      database.exec("UPDATE sign_ins SET until = unixepoch()");
      database.close();
    }
  }

  test("ASVS 7.3.2: is over after an hour at the server too, and then forgotten", async (t) => {
    const { start, folder } = await scene(t);
    const { cookie, value } = await signedIn(await start());
    const later = await start({}, () => endAll(folder));
    await assertOver(asking(later, byCookie(cookie)));
    await signedIn(later);
    const rows = await queryObjects(folder, "Directory", "SELECT digest FROM sign_ins");
    assert.equal(rows.length, 1);
    assert.notEqual(rows[0].digest, digestOf(value));
  });

  test("lasts while the gate starts anew", async (t) => {
    const { start } = await scene(t);
    const { operatorKey: OPERATOR_KEY } = await start();
    const { cookie } = await signedIn(await start({ OPERATOR_KEY }));
    await ok(asking(await start({ OPERATOR_KEY }), byCookie(cookie))("GET", SIGN_IN));
  });

  test("is over when the operator key is another", async (t) => {
    const { start } = await scene(t);
    const { cookie } = await signedIn(await start());
    await assertOver(asking(await start(), byCookie(cookie)));
  });

  test("is nobody's where people sign in by an identity provider, and none is made", async (t) => {
    const { start } = await scene(t);
    const provider = await startProvider();
    t.after(() => provider.stop());
    const { cookie } = await signedIn(await start());
    const gate = await start({ IDENTITY: identityBy(provider) });
    const ask = asking(gate, byCookie(cookie));
    assert.deepEqual(await ok(ask("GET", SIGN_IN)), { ...NOBODY, signIn: "provider" });
    assertRefused(await ask("GET", TOKENS), 401, "token_missing", [BEARER]);
    const admin = await signIn(gate, provider, newPerson({ roles: ["admin"] }));
    for (const ask of [asking(gate, byOperator(gate)), admin.ask]) {
      assert.equal((await ok(ask("GET", SIGN_IN))).role, "admin");
      const refused = await ask("POST", SIGN_IN);
      assertRefused(refused, 400, "invalid_request");
      assert.deepEqual(cookiesOf(refused), []);
    }
  });
});
