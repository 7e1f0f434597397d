import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  assertOpens,
  assertProblem,
  assertShut,
  by,
  idsOf,
  listAll,
  until,
} from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused, INVALID_TOKEN } from "../support/refusals.mjs";
import { basic, keyOf } from "../support/tokens.mjs";

const API = "/gatepass/api/tokens";
const DAY = 86_400_000;
const HERE = { "cf-connecting-ip": "192.0.2.7" };

let gate;
before(async () => {
  gate = await startRawGate({
    vars: {
      WORKSPACES: ["default", "other"],
      APPS: [
        { id: "jobs", name: "Jobs" },
        { id: "reports", name: "Reports" },
      ],
    },
  });
});
after(() => gate?.stop());

let users = 0;
function newUser() {
  const id = `user-${++users}`;
  return { id, email: `${id}@example.com` };
}

/** A token that the operator makes. */
const create = (fields) => gate.createToken({ user: newUser(), ...fields });

/** A token that a token asks for: the answer, whatever it is. */
const ask = (asking, fields, headers) =>
  gate.api("POST", "/tokens", { name: "child", ...fields }, by(asking.token, headers));

/** A token that a token makes. */
async function make(asking, fields, headers) {
  const answer = await ask(asking, fields, headers);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
}

const call = (asking, method, id, body, headers) =>
  gate.api(method, `/tokens/${id}`, body, by(asking.token, headers));

const show = async (id) => (await gate.api("GET", `/tokens/${id}`)).body;

describe("a PAT with the scope tokens", () => {
  test("does for its own user what the operator does", async () => {
    const asking = await create();
    const child = await make(asking, { scopes: ["odata"], description: "one" });
    assert.deepEqual(child.user, asking.user);
    assert.equal(child.parent, asking.id);
    const { token, ...shown } = child;
    const read = await call(asking, "GET", child.id);
    assert.equal(read.status, 200);
    assert.deepEqual(read.body, shown);
    const listed = await listAll(gate, {}, by(asking.token));
    assert.deepEqual(idsOf(listed), [child.id, asking.id]);
    assert.ok(!JSON.stringify(listed).includes(token));
    const changed = await call(asking, "PATCH", child.id, { name: "renamed", enabled: false });
    assert.deepEqual(changed.body, { ...shown, name: "renamed", state: "disabled" });
    await assertShut(gate, token, "token_disabled");
    assert.equal((await call(asking, "PATCH", child.id, { enabled: true })).status, 200);
    await assertOpens(gate, token);
    const rotated = await call(asking, "POST", `${child.id}/rotate`, { graceSeconds: 60 });
    assert.equal(rotated.status, 201);
    await assertOpens(gate, rotated.body.token);
    assert.equal((await call(asking, "DELETE", rotated.body.id)).status, 204);
    await assertShut(gate, rotated.body.token, "token_revoked");
  });

  for (const [name, headers] of [
    ["Basic", ({ token }) => [["Authorization", basic("any", token)]]],
    ["X-API-Key", ({ token }) => [["X-API-Key", token]]],
    ["PRIVATE-TOKEN", ({ token }) => [["PRIVATE-TOKEN", token]]],
  ]) {
    test(`may present itself as ${name}`, async () => {
      const asking = await create();
      const target = API;
      const answer = await rawRequest({ port: gate.port, target, headers: headers(asking) });
      assert.deepEqual(idsOf(answer.json().result), [asking.id]);
    });
  }

  test("may name its own user, by id, address or both, and no other", async () => {
    const asking = await create();
    const { id, email } = asking.user;
    for (const user of [{ id }, { email }, { email: email.toUpperCase() }, { id, email }]) {
      assert.deepEqual((await make(asking, { user })).user, asking.user);
    }
    const other = (await create()).user;
    for (const user of [
      { id: other.id },
      { email: other.email },
      { id, email: other.email },
      { id: other.id, email },
      { id: "nobody" },
      { id: "operator" },
      { id: id.toUpperCase() },
    ]) {
      assertProblem(await ask(asking, { user }), 403, "scope_insufficient", "user");
    }
    assert.equal((await listAll(gate, { user: other.id })).length, 1);
  });

  test("lists its own user's tokens only, and is never admin", async () => {
    const [asking, other] = [await create(), await create()];
    const { id, email } = asking.user;
    for (const user of [id, email, email.toUpperCase()]) {
      assert.deepEqual(idsOf(await listAll(gate, { user }, by(asking.token))), [asking.id]);
    }
    for (const user of [other.user.id, other.user.email, "nobody", "*"]) {
      const query = new URLSearchParams({ user });
      const answer = await gate.api("GET", `/tokens?${query}`, undefined, by(asking.token));
      assertProblem(answer, 403, "scope_insufficient", "user");
    }
    const cursor = (await gate.api("GET", `/tokens?user=${other.user.id}&limit=1`)).body.next;
    const everybody = (await gate.api("GET", "/tokens?limit=1")).body.next;
    for (const foreign of [cursor, everybody].filter(Boolean)) {
      const path = `/tokens?cursor=${foreign}`;
      const answer = await gate.api("GET", path, undefined, by(asking.token));
      assertProblem(answer, 400, "invalid_field", "cursor");
    }
  });

  test("does not leave its workspace", async () => {
    const user = newUser();
    const asking = await create({ user });
    const body = { name: "a", user };
    const other = (await gate.api("POST", "/tokens?workspace=other", body)).body;
    for (const [method, path, sent] of [
      ["GET", "/tokens?workspace=other"],
      ["GET", `/tokens/${other.id}?workspace=other`],
      ["DELETE", `/tokens/${other.id}?workspace=other`],
      ["POST", "/tokens?workspace=other", { name: "a" }],
    ]) {
      const answer = await gate.api(method, path, sent, by(asking.token));
      assert.ok([400, 403, 404].includes(answer.status), `${method} ${path}: ${answer.status}`);
    }
    await assertOpens(gate, other.token);
    assert.equal((await listAll(gate, { user: user.id, workspace: "other" })).length, 1);
  });
});

describe("what a PAT makes", () => {
  test("inherits addresses, strictness and end, and has it as parent", async () => {
    const asking = await create({
      allowedIps: ["192.0.2.0/24", "2001:db8::/32"],
      strict: true,
      expiresInDays: 10,
    });
    const child = await make(asking, {}, HERE);
    assert.deepEqual(child.allowedIps, asking.allowedIps);
    assert.equal(child.strict, true);
    assert.equal(child.expiresAt, asking.expiresAt);
    assert.equal(child.parent, asking.id);
    assert.deepEqual(child.scopes, []);
    await assertOpens(gate, child.token, HERE);
    const elsewhere = await gate.api("GET", "/tokens/self", undefined, {
      ...by(child.token),
      headers: { "cf-connecting-ip": "192.0.3.1" },
    });
    assertProblem(elsewhere, 403, "address_not_allowed");
  });

  test("lives 30 days where its parent lives longer", async () => {
    for (const fields of [{ expiresInDays: 90 }, { never: true }]) {
      const child = await make(await create(fields), {});
      assert.equal(Date.parse(child.expiresAt) - Date.parse(child.createdAt), 30 * DAY);
    }
  });

  test("may be narrower", async () => {
    const asking = await create({
      scopes: ["tokens", "odata", "jobs:read"],
      apps: ["*"],
      allowedIps: ["192.0.2.0/24"],
      expiresInDays: 10,
    });
    const fields = {
      scopes: ["odata"],
      apps: ["jobs"],
      allowedIps: ["192.0.2.7/32"],
      strict: true,
      expiresInDays: 9,
    };
    const { createdAt, expiresAt, ...child } = await make(asking, fields, HERE);
    assert.deepEqual(child.scopes, ["odata"]);
    assert.deepEqual(child.apps, ["jobs"]);
    assert.equal(child.strict, true);
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 9 * DAY);
    await assertOpens(gate, child.token, HERE);
    await assertOpens(
      gate,
      (await make(asking, { expiresAt: asking.expiresAt }, HERE)).token,
      HERE,
    );
  });

  for (const [field, wider] of [
    ["scopes", { scopes: ["tokens", "jobs:write"] }],
    ["scopes", { scopes: ["ODATA"] }],
    ["scopes", { scopes: ["*"] }],
    ["apps", { apps: ["reports"] }],
    ["apps", { apps: ["*"] }],
    ["allowedIps", { allowedIps: [] }],
    ["allowedIps", { allowedIps: ["192.0.0.0/16"] }],
    ["allowedIps", { allowedIps: ["192.0.2.0/24", "198.51.100.1"] }],
    ["allowedIps", { allowedIps: ["0.0.0.0/0"] }],
    ["allowedIps", { allowedIps: ["::/0"] }],
    ["strict", { strict: false }],
  ]) {
    test(`cannot have ${JSON.stringify(wider)} where its parent has less`, async () => {
      const asking = await create({
        scopes: ["tokens", "odata"],
        apps: ["jobs"],
        allowedIps: ["192.0.2.0/24"],
        strict: true,
      });
      assertProblem(await ask(asking, wider, HERE), 403, "scope_insufficient", field);
      assert.equal((await listAll(gate, { user: asking.user.id })).length, 1);
    });
  }

  for (const longer of [
    { never: true },
    { expiresInDays: 11 },
    { expiresInDays: 36_525 },
    { expiresAt: "2090-01-01T00:00:00Z" },
  ]) {
    test(`cannot outlive it by ${JSON.stringify(longer)}`, async () => {
      const asking = await create({ expiresInDays: 10 });
      const answer = await ask(asking, longer);
      assertProblem(answer, 400, "lifetime_exceeded");
      assert.equal((await listAll(gate, { user: asking.user.id })).length, 1);
    });
  }

  test("cannot outlive it by a second", async () => {
    const asking = await create({ expiresInDays: 10 });
    const second = new Date(Date.parse(asking.expiresAt) + 1000).toISOString();
    assertProblem(await ask(asking, { expiresAt: second }), 400, "lifetime_exceeded");
  });

  test("may live for ever where it does itself", async () => {
    assert.equal((await make(await create({ never: true }), { never: true })).expiresAt, null);
  });

  test("is revoked with it, over generations, in whatever state", async () => {
    const root = await create();
    const child = await make(root, { scopes: ["tokens"] });
    const grandchild = await make(child, {});
    const disabled = await make(root, {});
    await call(root, "PATCH", disabled.id, { enabled: false });
    assert.equal((await call(root, "DELETE", "self")).status, 204);
    for (const { id, token } of [root, child, grandchild, disabled]) {
      await assertShut(gate, token, "token_revoked");
      assert.equal((await show(id)).state, "revoked");
      await until(() => /"st":"r"/.test(gate.kv.values.get(keyOf(token))), "the tombstone");
    }
  });

  test("does not open what its parent was refused later", async () => {
    const asking = await create();
    const child = await make(asking, { scopes: ["tokens"] });
    await gate.api("PATCH", `/tokens/${asking.id}`, { enabled: false });
    assertProblem(await ask(asking, {}), 401, "token_disabled");
    // A disabled token's children live: only its revocation takes them.
    await assertOpens(gate, child.token);
    await gate.api("DELETE", `/tokens/${asking.id}`);
    assertProblem(await ask(child, {}), 401, "token_revoked");
  });
});

describe("a PAT cannot change, enable or replace a sibling", () => {
  const wider = {
    "with a scope more": { scopes: ["tokens", "odata", "jobs:read"] },
    "with an app more": { apps: ["jobs", "reports"] },
    "for all apps": { apps: ["*"] },
    "from any address": { allowedIps: [] },
    "from more addresses": { allowedIps: ["192.0.0.0/16"] },
    "that is not strict": { strict: false },
    "that lives longer": { expiresInDays: 11 },
    "that lives for ever": { expiresInDays: undefined, never: true },
  };
  const own = {
    scopes: ["tokens", "odata"],
    apps: ["jobs"],
    allowedIps: ["192.0.2.0/24"],
    strict: true,
    expiresInDays: 10,
  };
  for (const [name, fields] of Object.entries(wider)) {
    test(name, async () => {
      const user = newUser();
      const asking = await create({ ...own, user });
      const sibling = await create({ ...own, ...fields, user });
      const code = /lives/.test(name) ? "lifetime_exceeded" : "scope_insufficient";
      async function assertOutOfReach() {
        const { state, name, expiresAt } = await show(sibling.id);
        for (const [method, rest, body] of [
          ["PATCH", "", { name: "taken over" }],
          ["PATCH", "", { enabled: true }],
          ["PATCH", "", { enabled: false }],
          ["POST", "/rotate", { graceSeconds: 60 }],
        ]) {
          const answer = await call(asking, method, sibling.id + rest, body, HERE);
          assert.equal(answer.status, 403, JSON.stringify(answer.body));
          assert.equal(answer.body.code, code);
          assert.ok(!("token" in answer.body));
        }
        const after = await show(sibling.id);
        assert.deepEqual([after.state, after.name, after.expiresAt], [state, name, expiresAt]);
      }
      await assertOutOfReach();
      await assertOpens(gate, sibling.token, HERE);
      await gate.api("PATCH", `/tokens/${sibling.id}`, { enabled: false });
      await assertOutOfReach();
      await assertShut(gate, sibling.token, "token_disabled", HERE);
      assert.equal((await call(asking, "GET", sibling.id, undefined, HERE)).status, 200);
      assert.equal((await call(asking, "DELETE", sibling.id, undefined, HERE)).status, 204);
      await assertShut(gate, sibling.token, "token_revoked", HERE);
    });
  }

  test("but one that reaches as far as itself it can", async () => {
    const user = newUser();
    const asking = await create({ ...own, user });
    const sibling = await create({ ...own, user, expiresInDays: 9 });
    const renamed = await call(asking, "PATCH", sibling.id, { name: "b" }, HERE);
    assert.equal(renamed.status, 200);
    const rotated = await call(asking, "POST", `${sibling.id}/rotate`, {}, HERE);
    assert.equal(rotated.status, 201);
    assert.equal(rotated.body.parent, asking.id);
    await assertShut(gate, sibling.token, "token_used", HERE);
    await assertOpens(gate, rotated.body.token, HERE);
  });
});

describe("a PAT that replaces", () => {
  test("another makes none that outlives itself", async () => {
    const user = newUser();
    const asking = await create({ user, expiresInDays: 10 });
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    for (const fields of [{ expiresInDays: 9 }, { expiresAt: inAnHour }]) {
      const sibling = await create({ user, ...fields });
      const { body } = await call(asking, "POST", `${sibling.id}/rotate`, {});
      assert.ok(Date.parse(body.expiresAt) <= Date.parse(asking.expiresAt));
      assert.equal(body.parent, asking.id);
    }
  });

  test("itself is good no more, and its successor no longer-lived", async () => {
    const asking = await create({ expiresInDays: 10 });
    const { status, body } = await call(asking, "POST", `${asking.id}/rotate`, {});
    assert.equal(status, 201);
    assert.ok(Date.parse(body.expiresAt) <= Date.parse(asking.expiresAt));
    assertProblem(await ask(asking, {}), 401, "token_used");
    await assertOpens(gate, (await make(body, {})).token);
  });
});

describe("a PAT without the scope tokens", () => {
  let asking;
  before(async () => {
    asking = await create({ scopes: ["odata", "jobs:read", "jobs:write"] });
  });

  test("sees itself", async () => {
    const { token, ...shown } = asking;
    const answer = await call(asking, "GET", "self");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.deepEqual(answer.body, shown);
  });

  for (const [method, path, body] of [
    ["GET", ""],
    ["POST", "", { name: "child" }],
    ["GET", "/<own>"],
    ["PATCH", "/<own>", { name: "b" }],
    ["DELETE", "/<own>"],
    ["POST", "/<own>/rotate", {}],
    ["GET", "/<other>"],
    ["DELETE", "/<other>"],
  ]) {
    test(`may not ${method} ${API}${path}`, async () => {
      const other = await create({ user: asking.user });
      const at = path.replace("<own>", asking.id).replace("<other>", other.id);
      const answer = await gate.api(method, `/tokens${at}`, body, by(asking.token));
      assertProblem(answer, 403, "scope_insufficient");
      const challenge = 'Bearer realm="Gatepass", error="insufficient_scope", scope="tokens"';
      assert.equal(answer.headers.get("www-authenticate"), challenge);
      assert.equal((await show(other.id)).state, "active");
    });
  }

  test("does not have it by a scope that looks like it", async () => {
    const similar = await create({ scopes: ["Tokens", "tokens:read", "token", "tokens2", "*"] });
    assertProblem(await ask(similar, {}), 403, "scope_insufficient");
  });

  test("revokes itself, once", async () => {
    assert.equal((await call(asking, "DELETE", "self")).status, 204);
    await assertShut(gate, asking.token, "token_revoked");
    assertProblem(await call(asking, "DELETE", "self"), 401, "token_revoked");
    assertProblem(await call(asking, "GET", "self"), 401, "token_revoked");
  });
});

describe("with its next call a PAT is refused after", () => {
  const calls = [
    ["GET", ""],
    ["POST", "", { name: "child" }],
    ["GET", "/self"],
    ["DELETE", "/self"],
    ["PATCH", "/<sibling>", { name: "b" }],
    ["POST", "/<sibling>/rotate", {}],
    ["DELETE", "/<sibling>"],
  ];
  for (const [name, code, end] of [
    ["its revocation", "token_revoked", (id) => gate.api("DELETE", `/tokens/${id}`)],
    [
      "its disabling",
      "token_disabled",
      (id) => gate.api("PATCH", `/tokens/${id}`, { enabled: false }),
    ],
    ["its replacement", "token_used", (id) => gate.api("POST", `/tokens/${id}/rotate`, {})],
  ]) {
    test(name, async () => {
      const user = newUser();
      const [asking, sibling] = [await create({ user }), await create({ user })];
      assert.equal((await listAll(gate, {}, by(asking.token))).length, 2);
      await end(asking.id);
      for (const [method, path, body] of calls) {
        const at = `${API}${path.replace("<sibling>", sibling.id)}`;
        const answer = await rawRequest({
          port: gate.port,
          method,
          target: at,
          headers: [
            ["Authorization", `Bearer ${asking.token}`],
            ["Content-Type", "application/json"],
          ],
          body: body && JSON.stringify(body),
        });
        assertRefused(answer, 401, code, [INVALID_TOKEN]);
      }
      const { state, name } = await show(sibling.id);
      assert.deepEqual([state, name], ["active", sibling.name]);
    });
  }
});

test("a token that a burst makes while its parent is revoked is revoked too, or never made", async () => {
  const asking = await create();
  const burst = Array.from({ length: 24 }, () => ask(asking, {}));
  burst.splice(12, 0, gate.api("DELETE", `/tokens/${asking.id}`));
  const answers = await Promise.all(burst);
  for (const { status, body } of answers) {
    if (status === 201) await assertShut(gate, body.token, "token_revoked");
    else assert.ok(status === 204 || status === 401, `${status}`);
  }
  assert.deepEqual(await listAll(gate, { user: asking.user.id, state: "active" }), []);
});

test("nothing that was asked made the gate stumble", () => {
  assert.doesNotMatch(gate.output(), /panic|unreachable|RuntimeError|hung|could not be understood/);
});
