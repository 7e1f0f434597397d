import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  assertOpens,
  assertProblem,
  assertShut,
  by,
  idsOf,
  listAll,
  pause,
  until,
} from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused, BEARER, INVALID_TOKEN, visible } from "../support/refusals.mjs";
import { basic, digestOf, hintOf, keyOf } from "../support/tokens.mjs";

const API = "/gatepass/api/tokens";
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const ID = /^[0-9A-Za-z]{4}-[0-9A-HJKMNP-TV-Z]{26}$/;
const DAY = 86_400_000;

let gate;
before(async () => {
  gate = await startRawGate({
    vars: { WORKSPACES: ["default", "other"], APPS: [{ id: "jobs", name: "Jobs" }] },
  });
});
after(() => gate?.stop());

let users = 0;
/** A user whom nobody has named before. */
function newUser() {
  const id = `user-${++users}`;
  return { id, email: `${id}@example.com` };
}

const create = (fields, options) => gate.createToken({ user: newUser(), ...fields }, options);
const show = (id) => gate.api("GET", `/tokens/${id}`);
const change = (id, body) => gate.api("PATCH", `/tokens/${id}`, body);
const revoke = (id) => gate.api("DELETE", `/tokens/${id}`);
const rotate = (id, body) => gate.api("POST", `/tokens/${id}/rotate`, body);

/** The request of an operator, byte for byte. */
const asOperator = (method, target, headers = []) =>
  rawRequest({
    port: gate.port,
    method,
    target,
    headers: [["Authorization", basic("", gate.operatorKey)], ...headers],
  });

describe("the operator key is taken", () => {
  for (const [name, value] of [
    ["as the password of any user", (key) => basic("operator", key)],
    ["as the password of nobody", (key) => basic("", key)],
    ["with the scheme in lower case", (key) => basic("a", key).replace("Basic", "basic")],
    ["with the scheme in capitals", (key) => basic("a", key).replace("Basic", "BASIC")],
    ["as it is", (key) => `Basic ${key}`],
    ["as it is, with the scheme in lower case", (key) => `basic ${key}`],
    ["as it is, with the scheme in mixed case", (key) => `bAsIc ${key}`],
  ]) {
    test(name, async () => {
      const auth = value(gate.operatorKey);
      assert.equal((await gate.api("GET", "/tokens", undefined, { auth })).status, 200);
      await create({}, { auth });
    });
  }
});

describe("the operator key is not taken", () => {
  for (const [name, value] of [
    ["as a user name", (key) => basic(key, "")],
    ["a character short", (key) => basic("operator", key.slice(0, -1))],
    ["a character long", (key) => basic("operator", `${key}0`)],
    ["in another case", (key) => basic("operator", key.toUpperCase())],
    ["as Bearer", (key) => `Bearer ${key}`],
    ["a character short, as it is", (key) => `Basic ${key.slice(0, -1)}`],
  ]) {
    test(name, async () => {
      const answer = await rawRequest({
        port: gate.port,
        target: API,
        headers: [["Authorization", value(gate.operatorKey)]],
      });
      assert.equal(answer.status, 401);
      assert.ok(!answer.text.includes(gate.operatorKey.slice(0, -1)));
    });
  }

  test("in X-API-Key", async () => {
    const headers = [["X-API-Key", gate.operatorKey]];
    const answer = await rawRequest({ port: gate.port, target: API, headers });
    assertRefused(answer, 401, "token_malformed", [INVALID_TOKEN]);
  });

  test("for the upstream", async () => {
    const headers = [["Authorization", basic("operator", gate.operatorKey)]];
    const answer = await rawRequest({ port: gate.port, target: "/echo/", headers });
    assert.equal(answer.status, 401);
  });
});

describe("a new token", () => {
  test("is shown with every documented field, its place and its secret", async () => {
    const user = newUser();
    const answer = await gate.api("POST", "/tokens", { name: "Power BI", user });
    assert.equal(answer.status, 201);
    const { id, token, start, createdAt, expiresAt, ...rest } = answer.body;
    assert.deepEqual(rest, {
      kind: "pat",
      name: "Power BI",
      description: "",
      user,
      workspace: "default",
      scopes: [],
      apps: [],
      label: "",
      allowedOrigins: [],
      allowedIps: [],
      lastUsedAt: null,
      state: "active",
      strict: false,
      singleUse: false,
      sessionMinutes: null,
      idleMinutes: null,
      topLevel: false,
      parent: null,
    });
    assert.match(id, ID);
    assert.match(token, /^pat_[0-9A-Za-z]{36}$/);
    assert.equal(start, `pat_${token.slice(8, 12)}`);
    assert.equal(token.slice(4, 8), hintOf("default", user.id));
    assert.equal(id.slice(0, 4), token.slice(4, 8));
    assert.match(createdAt, TIME);
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 10_000);
    assert.match(expiresAt, TIME);
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 30 * DAY);
    assert.equal(answer.headers.get("location"), `${API}/${id}`);
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    await assertOpens(gate, token);
  });

  test("has what was asked for", async () => {
    const asked = {
      name: "Excel",
      description: "the monthly\n\treport",
      kind: "pat",
      apps: ["jobs"],
      allowedIps: ["192.0.2.0/24", "2001:db8::/32"],
      strict: true,
      user: newUser(),
    };
    const scopes = ["odata", "jobs:read", "odata"];
    const answer = await gate.api("POST", "/tokens", { ...asked, scopes, expiresInDays: 90 });
    assert.equal(answer.status, 201);
    const { createdAt, expiresAt, ...token } = answer.body;
    assert.deepEqual({ ...token, ...asked }, token);
    assert.deepEqual(token.scopes, ["jobs:read", "odata"]);
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 90 * DAY);
  });

  test("is afterwards shown the same, without its secret", async () => {
    const { token, ...created } = await create();
    const answer = await show(created.id);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.deepEqual(answer.body, created);
    const [listed] = await listAll(gate, { user: created.user.id });
    assert.deepEqual(listed, created);
  });

  test("can end on a date of any zone", async () => {
    const { expiresAt } = await create({ expiresAt: "2031-02-03T04:05:06+05:30" });
    assert.equal(expiresAt, "2031-02-02T22:35:06Z");
  });

  test("can end after one day and after a hundred years", async () => {
    for (const expiresInDays of [1, 36_525]) {
      const { createdAt, expiresAt } = await create({ expiresInDays });
      assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), expiresInDays * DAY);
    }
  });

  test("ends never only where that is said", async () => {
    assert.equal((await create({ never: true })).expiresAt, null);
  });

  test("is another one each time", async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => create({ name: "same" })));
    assert.equal(new Set(made.map(({ token }) => token)).size, 20);
    assert.equal(new Set(idsOf(made)).size, 20);
  });
});

describe("a token's user", () => {
  test("may be named by id alone", async () => {
    const { user } = await create({ user: { id: "Ada Lovelace" } });
    assert.deepEqual(user, { id: "Ada Lovelace", email: null });
  });

  test("may be named by e-mail address alone, which then is the id, in lower case", async () => {
    const { user } = await create({ user: { email: "Grace@Example.COM" } });
    assert.deepEqual(user, { id: "grace@example.com", email: "grace@example.com" });
    const again = await create({ user: { email: "grace@example.com" } });
    assert.deepEqual(again.user, user);
  });

  test("is found by the address that came with the id", async () => {
    const user = newUser();
    await create({ user });
    assert.deepEqual((await create({ user: { email: user.email.toUpperCase() } })).user, user);
    assert.deepEqual((await create({ user: { id: user.id } })).user, user);
  });

  test("may get another address, and the old one is free", async () => {
    const [user, other] = [newUser(), newUser()];
    await create({ user });
    const moved = { id: user.id, email: `moved-${user.email}` };
    assert.deepEqual((await create({ user: moved })).user, moved);
    const heir = { id: other.id, email: user.email };
    assert.deepEqual((await create({ user: heir })).user, heir);
  });

  test("cannot have the address of another, and then there is no token", async () => {
    const [user, other] = [newUser(), newUser()];
    await create({ user });
    const taken = { id: other.id, email: user.email };
    const answer = await gate.api("POST", "/tokens", { name: "a", user: taken });
    assertProblem(answer, 409, "invalid_field", "user.email");
    assert.deepEqual(await listAll(gate, { user: other.id }), []);
  });

  test("has the address alone where two want it at once", async () => {
    const { email } = newUser();
    const bodies = Array.from({ length: 6 }, (_, i) => ({ id: `rival-${i}`, email }));
    const answers = await Promise.all(
      bodies.map((user) => gate.api("POST", "/tokens", { name: "a", user })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, 409, 409, 409, 409, 409]);
  });

  test("is one of a workspace", async () => {
    const user = newUser();
    const here = await create({ user });
    const body = { name: "a", user: { id: `${user.id}-there`, email: user.email } };
    const there = await gate.api("POST", "/tokens?workspace=other", body);
    assert.equal(there.status, 201);
    assert.equal(there.body.workspace, "other");
    await assertOpens(gate, there.body.token);
    assert.deepEqual(idsOf(await listAll(gate, { user: user.email })), [here.id]);
    const listed = await listAll(gate, { user: user.email, workspace: "other" });
    assert.deepEqual(idsOf(listed), [there.body.id]);
  });

  test("of an unknown workspace is refused", async () => {
    for (const query of ["workspace=none", "workspace=", "workspace=other&workspace=default"]) {
      const answer = await gate.api("POST", `/tokens?${query}`, { name: "a", user: newUser() });
      assertProblem(answer, 400, "invalid_field", "workspace");
    }
  });
});

describe("a list", () => {
  const team = Array.from({ length: 5 }, (_, i) => `team-${i}`);
  const made = [];
  before(async () => {
    for (let i = 0; i < 12; i++) {
      const user = (id) => ({ id, email: `${id}@example.com` });
      const some = team.map((id) => create({ name: `report ${i}`, user: user(id) }));
      made.push(...(await Promise.all(some)));
    }
  });
  const ofTeam = (tokens) => tokens.filter(({ user }) => team.includes(user.id));

  test("holds neither a secret nor a digest", async () => {
    const answer = await gate.api("GET", "/tokens?limit=100");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.deepEqual(Object.keys(answer.body).sort(), ["next", "result"]);
    const text = JSON.stringify(await listAll(gate));
    for (const { id, token } of made) {
      assert.ok(text.includes(id));
      assert.ok(!text.includes(token) && !text.includes(digestOf(token)));
    }
    assert.ok(!text.includes('"token"') && !text.includes("digest"));
  });

  test("has 50 tokens a page unless told otherwise", async () => {
    const { result, next } = (await gate.api("GET", "/tokens")).body;
    assert.equal(result.length, 50);
    assert.equal(typeof next, "string");
  });

  test("goes through all users, newest first for each, in pages of any size", async () => {
    for (const limit of [5, 12, 100]) {
      const found = ofTeam(await listAll(gate, { limit }));
      assert.deepEqual(idsOf(found).sort(), idsOf(made).sort(), `${limit}`);
      for (const id of team) {
        const own = idsOf(found.filter(({ user }) => user.id === id));
        assert.deepEqual(own, [...own].sort().reverse());
      }
    }
  });

  test("has no page above its limit", async () => {
    let query = "limit=7";
    for (;;) {
      const { result, next } = (await gate.api("GET", `/tokens?${query}`)).body;
      assert.ok(result.length <= 7);
      if (next === null) break;
      query = `limit=7&cursor=${next}`;
    }
  });

  test("has no gap and no repetition while tokens are being created", async () => {
    let over = false;
    const creating = (async () => {
      for (let i = 0; !over; i++) await create({ name: "noise", user: { id: team[i % 5] } });
    })();
    const before = idsOf(made);
    for (const parameters of [{ limit: 3 }, { limit: 2, user: team[2] }]) {
      const found = idsOf(await listAll(gate, parameters));
      assert.equal(new Set(found).size, found.length, "a token stands twice");
      const wanted = parameters.user
        ? made.filter(({ user }) => user.id === parameters.user).map(({ id }) => id)
        : before;
      assert.deepEqual(
        wanted.filter((id) => !found.includes(id)),
        [],
        "a token is missing",
      );
    }
    over = true;
    await creating;
  });

  test("shows one user's tokens, by id or address", async () => {
    const wanted = idsOf(made.filter(({ user }) => user.id === "team-3")).sort();
    for (const user of ["team-3", "team-3@example.com", "TEAM-3@example.com"]) {
      const found = (await listAll(gate, { user })).filter(({ name }) => name !== "noise");
      assert.deepEqual(idsOf(found).sort(), wanted);
    }
    assert.deepEqual(await listAll(gate, { user: "nobody" }), []);
  });

  test("is searched in names and descriptions, in any case", async () => {
    const user = newUser();
    const [a, b] = [
      await create({ user, name: "Größe", description: "x" }),
      await create({ user, name: "y", description: "for POWER BI" }),
    ];
    const search = async (text) => idsOf(await listAll(gate, { user: user.id, search: text }));
    assert.deepEqual(await search("GRÖ"), [a.id]);
    assert.deepEqual(await search("power bi"), [b.id]);
    assert.deepEqual(await search("%"), []);
    assert.deepEqual(await search("_"), []);
    assert.deepEqual(await search("excel"), []);
    assert.equal((await search("")).length, 2);
  });

  test("is filtered by kind", async () => {
    const user = "team-1";
    assert.deepEqual(await listAll(gate, { user, kind: "embed" }), []);
    assert.ok((await listAll(gate, { user, kind: "pat" })).length >= 12);
  });

  test("is filtered by state", async () => {
    const user = newUser();
    const [active, disabled, used, revoked, expired] = await Promise.all(
      Array.from({ length: 5 }, () => create({ user })),
    );
    await change(disabled.id, { enabled: false });
    const after = (await rotate(used.id, { graceSeconds: 0 })).body;
    await revoke(revoked.id);
    const later = (await rotate(expired.id, { graceSeconds: 1 })).body;
    await pause(2_100);
    for (const [state, tokens] of Object.entries({
      active: [active, after, later],
      disabled: [disabled],
      used: [used],
      revoked: [revoked],
      expired: [expired],
    })) {
      const found = await listAll(gate, { user: user.id, state });
      assert.deepEqual(idsOf(found).sort(), idsOf(tokens).sort(), state);
      assert.ok(found.every((token) => token.state === state));
    }
  });

  for (const [field, query] of [
    ["limit", "limit=0"],
    ["limit", "limit=101"],
    ["limit", "limit=-1"],
    ["limit", "limit=1.5"],
    ["limit", "limit=1e1"],
    ["limit", "limit="],
    ["limit", "limit=5&limit=5"],
    ["state", "state=Active"],
    ["kind", "kind=all"],
    ["cursor", "cursor=x"],
    ["cursor", "cursor=bnVsbA"],
    ["user", "user="],
    ["search", `search=${"a".repeat(101)}`],
    ["page", "page=2"],
  ]) {
    test(`is refused where the query is ${query.slice(0, 20)}`, async () => {
      assertProblem(await gate.api("GET", `/tokens?${query}`), 400, "invalid_field", field);
    });
  }

  test("is refused where the cursor is of another user's list", async () => {
    const { next } = (await gate.api("GET", "/tokens?user=team-0&limit=1")).body;
    const answer = await gate.api("GET", `/tokens?user=team-1&cursor=${next}`);
    assertProblem(answer, 400, "invalid_field", "cursor");
  });
});

describe("a change", () => {
  test("renames and describes, together or alone", async () => {
    const { token, ...before } = await create({ name: "old", description: "first" });
    const renamed = await change(before.id, { name: "new" });
    assert.equal(renamed.status, 200);
    assert.equal(renamed.headers.get("cache-control"), "no-store");
    assert.deepEqual(renamed.body, { ...before, name: "new" });
    const described = await change(before.id, { description: "" });
    assert.deepEqual(described.body, { ...before, name: "new", description: "" });
    const both = await change(before.id, { name: "third", description: "and last" });
    assert.deepEqual(both.body, { ...before, name: "third", description: "and last" });
    assert.deepEqual((await show(before.id)).body, both.body);
    await assertOpens(gate, token);
  });

  test("disables at once, and enables again at once", async () => {
    const { id, token } = await create();
    await assertOpens(gate, token);
    for (let i = 0; i < 3; i++) {
      assert.equal((await change(id, { enabled: false })).body.state, "disabled");
      await assertShut(gate, token, "token_disabled");
      assert.equal((await change(id, { enabled: true })).body.state, "active");
      await assertOpens(gate, token);
    }
  });

  test("that changes nothing is no change", async () => {
    const { id, token, name } = await create();
    const record = () => JSON.parse(gate.kv.values.get(keyOf(token)) ?? "{}");
    await until(() => record().rev === 1, "the record");
    for (const body of [{ name }, { enabled: true }, { description: "" }]) {
      assert.equal((await change(id, body)).status, 200);
    }
    await change(id, { name: "another" });
    await until(() => record().n === "another", "the new name");
    assert.equal(record().rev, 2);
  });

  test("of a revoked or replaced token is a conflict", async () => {
    const [revoked, replaced] = [await create(), await create()];
    await revoke(revoked.id);
    await rotate(replaced.id, {});
    for (const { id } of [revoked, replaced]) {
      for (const body of [{ enabled: true }, { enabled: false }, { name: "b" }]) {
        assertProblem(await change(id, body), 409, "invalid_request");
      }
    }
    await assertShut(gate, revoked.token, "token_revoked");
    await assertShut(gate, replaced.token, "token_used");
  });
});

describe("a revocation", () => {
  test("is 204, also the second time, and holds at once", async () => {
    const { id, token } = await create();
    await assertOpens(gate, token);
    for (let i = 0; i < 2; i++) {
      const answer = await revoke(id);
      assert.equal(answer.status, 204);
      assert.equal(answer.body, "");
      assert.equal(answer.headers.get("cache-control"), "no-store");
      await assertShut(gate, token, "token_revoked");
    }
    assert.equal((await show(id)).body.state, "revoked");
  });

  test("leaves a tombstone in KV", async () => {
    const { id, token } = await create();
    await revoke(id);
    const record = () => JSON.parse(gate.kv.values.get(keyOf(token)) ?? "{}");
    await until(() => record().st === "r" && record().rev === 2, "the tombstone");
  });

  test("of a token takes all that it made, and nothing else", async () => {
    const user = newUser();
    const made = (parent, name) => gate.createToken({ user: undefined, name }, by(parent.token));
    const root = await create({ user });
    const sibling = await create({ user });
    const child = await made(root, "child");
    const grandchild = await made(child, "grandchild");
    const other = await made(sibling, "other");
    const successor = (await rotate(grandchild.id, { graceSeconds: 3600 })).body;
    assert.equal(child.parent, root.id);
    assert.equal(grandchild.parent, child.id);
    assert.equal(successor.parent, child.id);
    const family = [root, child, grandchild, successor];
    for (const { token } of [...family, sibling, other]) await assertOpens(gate, token);
    assert.equal((await revoke(root.id)).status, 204);
    for (const { id, token } of family) {
      await assertShut(gate, token, "token_revoked");
      assert.equal((await show(id)).body.state, "revoked");
      const record = () => JSON.parse(gate.kv.values.get(keyOf(token)) ?? "{}");
      await until(() => record().st === "r", "the tombstone");
    }
    for (const { token } of [sibling, other]) await assertOpens(gate, token);
  });
});

describe("a rotation", { concurrency: true }, () => {
  test("without grace ends the old token at once", async () => {
    for (const body of [undefined, {}, { graceSeconds: 0 }]) {
      const old = await create({ description: "kept", allowedIps: [] });
      const answer = await rotate(old.id, body);
      assert.equal(answer.status, 201);
      assert.equal(answer.headers.get("location"), `${API}/${answer.body.id}`);
      assert.equal(answer.headers.get("cache-control"), "no-store");
      await assertShut(gate, old.token, "token_used");
      await assertOpens(gate, answer.body.token);
      assert.equal((await show(old.id)).body.state, "used");
    }
  });

  test("makes one like the old one, for as long", async () => {
    const { id, token, start, createdAt, expiresAt, ...old } = await create({
      description: "kept",
      scopes: ["odata"],
      apps: ["*"],
      allowedIps: ["127.0.0.0/8", "2001:db8::/32"],
      expiresInDays: 7,
    });
    const { body } = await rotate(id, {});
    assert.notEqual(body.id, id);
    assert.notEqual(body.token, token);
    assert.equal(Date.parse(body.expiresAt) - Date.parse(body.createdAt), 7 * DAY);
    for (const [field, value] of Object.entries(old)) assert.deepEqual(body[field], value, field);
  });

  test("of one that never ends makes one that never ends", async () => {
    const { id } = await create({ never: true });
    assert.equal((await rotate(id, {})).body.expiresAt, null);
  });

  test("with grace lets both in, and after it only the new one", async () => {
    const old = await create();
    const begun = Date.now();
    const { body } = await rotate(old.id, { graceSeconds: 3 });
    await assertOpens(gate, old.token);
    await assertOpens(gate, body.token);
    const inGrace = (await show(old.id)).body;
    assert.equal(inGrace.state, "active");
    assert.ok(Math.abs(Date.parse(inGrace.expiresAt) - begun - 3_000) < 2_000);
    await pause(begun + 4_100 - Date.now());
    await assertShut(gate, old.token, "token_expired");
    await assertOpens(gate, body.token);
    assert.equal((await show(old.id)).body.state, "expired");
  });

  test("never makes the old one live longer", async () => {
    const old = await create({ expiresInDays: 1 });
    await rotate(old.id, { graceSeconds: 2_592_000 });
    assert.equal((await show(old.id)).body.expiresAt, old.expiresAt);
  });

  test("of a token that was replaced, disabled or revoked is a conflict", async () => {
    const [replaced, used, disabled, revoked] = await Promise.all(
      Array.from({ length: 4 }, () => create()),
    );
    await rotate(replaced.id, { graceSeconds: 3600 });
    await rotate(used.id, {});
    await change(disabled.id, { enabled: false });
    await revoke(revoked.id);
    for (const { id } of [replaced, used, disabled, revoked]) {
      assertProblem(await rotate(id, {}), 409, "invalid_request");
    }
    await assertOpens(gate, replaced.token);
  });

  test("by two at once makes one token", async () => {
    const old = await create();
    const answers = await Promise.all(Array.from({ length: 4 }, () => rotate(old.id, {})));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409]);
    assert.equal((await listAll(gate, { user: old.user.id, state: "active" })).length, 1);
  });

  for (const graceSeconds of [-1, 1.5, 2_592_001, "60", null, true]) {
    test(`with a grace of ${JSON.stringify(graceSeconds)} is refused`, async () => {
      const { id, token } = await create();
      const answer = await rotate(id, { graceSeconds });
      assertProblem(answer, 400, "invalid_field", "graceSeconds");
      await assertOpens(gate, token);
    });
  }
});

describe("RFC 9457: what is not there is answered alike", () => {
  const calls = [
    ["GET", ""],
    ["PATCH", ""],
    ["DELETE", ""],
    ["POST", "/rotate"],
  ];

  async function assertAlike(ids, headers) {
    for (const [method, rest] of calls) {
      const answers = [];
      for (const id of ids) {
        const body = method === "PATCH" ? '{"name":"a"}' : method === "POST" ? "{}" : undefined;
        const answer = await rawRequest({
          port: gate.port,
          method,
          target: `${API}/${id}${rest}`,
          headers: [...headers, ["Content-Type", "application/json"]],
          body,
        });
        assertRefused(answer, 404, "token_unknown");
        answers.push(visible(answer));
      }
      for (const answer of answers) assert.deepEqual(answer, answers[0]);
    }
  }

  /** The id's last character changed: well-formed, of the same ledger, never issued. */
  const neverIssued = (id) => id.slice(0, -1) + (id.endsWith("0") ? "1" : "0");

  test("an unknown id, a malformed one and another workspace's, to the operator", async () => {
    const { id } = await create();
    const [here, there] = colleagues("default", "other");
    await create({ user: { id: here } });
    const body = { name: "a", user: { id: there } };
    const other = (await gate.api("POST", "/tokens?workspace=other", body)).body;
    await assertAlike(
      [
        neverIssued(id),
        other.id,
        `0000${id.slice(4)}`,
        id.toLowerCase(),
        id.slice(0, -1),
        `${id}0`,
        "x",
        "%2e%2e%2fself",
        encodeURIComponent(`${id} `),
        "0".repeat(3000),
      ],
      [["Authorization", basic("", gate.operatorKey)]],
    );
    await assertOpens(gate, other.token);
    assert.equal((await gate.api("GET", `/tokens/${other.id}?workspace=other`)).status, 200);
  });

  test("another user's too, to a token, also where both share a ledger", async () => {
    const [one, two] = colleagues("default", "default");
    const asking = await create({ user: { id: one } });
    const near = await create({ user: { id: two } });
    const far = await create();
    assert.equal(asking.id.slice(0, 4), near.id.slice(0, 4));
    const ids = [neverIssued(asking.id), near.id, far.id, "x"];
    await assertAlike(ids, [["Authorization", `Bearer ${asking.token}`]]);
    for (const { token } of [near, far]) await assertOpens(gate, token);
    assert.deepEqual(idsOf(await listAll(gate, {}, by(asking.token))), [asking.id]);
    assert.deepEqual(idsOf(await listAll(gate, { user: two })), [near.id]);
  });

  test("paths of the API that do not exist", async () => {
    const { id } = await create();
    for (const target of [
      "/gatepass/api",
      "/gatepass/api/",
      "/gatepass/api/token",
      "/gatepass/api/tokenss",
      "/gatepass//",
      "/gatepass/index.html",
      `${API}/${id}/`,
      `${API}/${id}/rotate/`,
      `${API}/${id}/x`,
    ]) {
      assertRefused(await asOperator("GET", target), 404, "invalid_request");
    }
  });
});

describe("RFC 9110 §15.5.6: a wrong method is told the right ones", () => {
  for (const [rest, allowed, methods] of [
    ["", "GET, HEAD, POST", ["PUT", "PATCH", "DELETE", "OPTIONS"]],
    ["/self", "DELETE, GET, HEAD", ["PUT", "PATCH", "POST"]],
    ["/<id>", "DELETE, GET, HEAD, PATCH", ["PUT", "POST", "OPTIONS"]],
    ["/<id>/rotate", "POST", ["GET", "HEAD", "PUT", "PATCH", "DELETE"]],
  ]) {
    test(`${methods.join(", ")} ${API}${rest}`, async () => {
      const { id, token } = await create();
      for (const method of methods) {
        const answer = await asOperator(method, API + rest.replace("<id>", id));
        assert.equal(answer.status, 405, method);
        assert.equal(answer.header("Allow"), allowed);
        if (method !== "HEAD") assertRefused(answer, 405, "invalid_request");
      }
      await assertOpens(gate, token);
    });
  }
});

describe("RFC 9110 §9.3.2: HEAD is answered as GET without a body", () => {
  for (const target of [API, `${API}/<id>`, "/gatepass/healthz", `${API}/none`]) {
    test(target, async () => {
      const { id } = await create();
      const path = target.replace("<id>", id);
      const [get, head] = [await asOperator("GET", path), await asOperator("HEAD", path)];
      assert.equal(head.status, get.status);
      assert.equal(head.body.length, 0);
      for (const name of ["Content-Type", "Cache-Control", "Content-Security-Policy"]) {
        assert.equal(head.header(name), get.header(name), name);
      }
    });
  }
});

describe("Idempotency-Key", () => {
  const once = (key, body, options = {}) =>
    gate.api("POST", "/tokens", body, {
      ...options,
      headers: { ...options.headers, "idempotency-key": key },
    });

  test("makes a repetition show the same token without its secret", async () => {
    const body = { name: "a", user: newUser() };
    const first = await once("repeated", body);
    assert.equal(first.status, 201);
    const { token, lastUsedAt, ...shown } = first.body;
    assert.equal(lastUsedAt, null);
    await assertOpens(gate, token);
    for (let i = 0; i < 2; i++) {
      const again = await once("repeated", body);
      delete again.body.lastUsedAt;
      assert.equal(again.status, 201);
      assert.equal(again.headers.get("location"), `${API}/${shown.id}`);
      assert.deepEqual(again.body, shown);
    }
    assert.equal((await listAll(gate, { user: body.user.id })).length, 1);
  });

  test("with another body is a conflict, and nothing is made", async () => {
    const user = newUser();
    assert.equal((await once("another", { name: "a", user })).status, 201);
    assertProblem(await once("another", { name: "b", user }), 409, "invalid_request");
    const other = { name: "a", user: newUser() };
    assertProblem(await once("another", other), 409, "invalid_request");
    assert.equal((await listAll(gate, { user: user.id })).length, 1);
    assert.deepEqual(await listAll(gate, { user: other.user.id }), []);
  });

  test("makes of many at once one token, whose secret one of them gets", async () => {
    const body = { name: "a", user: newUser() };
    const many = await Promise.all(Array.from({ length: 8 }, () => once("at-once", body)));
    assert.deepEqual(
      many.map(({ status }) => status),
      Array(8).fill(201),
    );
    assert.equal(new Set(idsOf(many.map((answer) => answer.body))).size, 1);
    const secrets = many.filter((answer) => "token" in answer.body);
    assert.equal(secrets.length, 1);
    await assertOpens(gate, secrets[0].body.token);
    assert.equal((await listAll(gate, { user: body.user.id })).length, 1);
  });

  test("is each actor's own", async () => {
    const user = newUser();
    const asking = [await create({ user }), await create({ user })];
    const body = { name: "a" };
    const made = [
      await once("shared", { ...body, user }),
      await once("shared", body, by(asking[0].token)),
      await once("shared", body, by(asking[1].token)),
    ];
    assert.equal(new Set(idsOf(made.map((answer) => answer.body))).size, 3);
    assert.ok(made.every((answer) => answer.status === 201 && "token" in answer.body));
  });

  test("is not used up by a request that was refused", async () => {
    const user = newUser();
    assert.equal((await once("mistaken", { name: "", user })).status, 400);
    assert.equal((await once("mistaken", { name: "a", user })).status, 201);
  });

  for (const key of ["", "two words", "a".repeat(256), "é"]) {
    test(`is refused where it is ${JSON.stringify(key.slice(0, 10))}`, async () => {
      const answer = await once(key, { name: "a", user: newUser() });
      assertProblem(answer, 400, "invalid_request");
    });
  }
});

describe("the operator key is no token", () => {
  for (const method of ["GET", "DELETE"]) {
    test(`${method} ${API}/self`, async () => {
      assertProblem(await gate.api(method, "/tokens/self"), 400, "invalid_request");
    });
  }
});

describe("healthz", () => {
  const ask = (method) => rawRequest({ port: gate.port, method, target: "/gatepass/healthz" });

  test("is open to anybody and kept by nobody", async () => {
    const answer = await ask("GET");
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { status: "ok" });
    assert.equal(answer.header("Cache-Control"), "no-store");
  });

  test("is read, never written", async () => {
    const answer = await ask("POST");
    assertRefused(answer, 405, "invalid_request");
    assert.equal(answer.header("Allow"), "GET, HEAD");
  });
});

test("without a credential nothing is told", async () => {
  const { id } = await create();
  for (const [method, rest] of [
    ["GET", ""],
    ["POST", ""],
    ["GET", "/self"],
    ["GET", `/${id}`],
    ["PATCH", `/${id}`],
    ["DELETE", `/${id}`],
    ["POST", `/${id}/rotate`],
  ]) {
    const answer = await rawRequest({ port: gate.port, method, target: API + rest });
    assertRefused(answer, 401, "token_missing", [BEARER]);
  }
});

test("nothing that was asked made the gate stumble", () => {
  assert.doesNotMatch(gate.output(), /panic|unreachable|RuntimeError|hung|could not be understood/);
});

/** Two user ids, of two workspaces or one, whose tokens the same ledger keeps. */
function colleagues(one, other) {
  const found = new Map();
  for (let i = 0; ; i++) {
    const [a, b] = [`a-${i}`, `b-${i}`];
    found.set(hintOf(one, a), a);
    const match = found.get(hintOf(other, b));
    if (match) return [match, b];
  }
}
