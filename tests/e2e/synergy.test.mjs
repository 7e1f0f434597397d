import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertOpens, assertProblem, assertShut, bearer } from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { setSettings } from "../support/settings.mjs";
import { basic } from "../support/tokens.mjs";

const DAY = 86_400_000;
const LIST = "/api/v1/auth/getPersonalAccessTokens";
const GENERATE = "/api/v1/auth/generate-pat";
const DELETE = "/api/v1/auth/delete-pat";

let gate;
before(async () => {
  gate = await startRawGate({ vars: { WORKSPACES: ["default", "other"] } });
});
after(() => gate?.stop());

let users = 0;

/** A PAT of a user of its own, who may do all that one does in 12d Synergy. */
async function newHolder(fields = {}) {
  const user = { id: `user-${++users}`, email: `user-${users}@example.com` };
  return gate.createToken({ user, scopes: ["tokens", "jobs:read"], ...fields });
}

/** A request as 12d's documentation prints them: with curl, and the token as Bearer. */
async function ask(method, path, { token, auth = token && bearer(token), body, type } = {}) {
  const answer = await fetch(`${gate.url}${path}`, {
    method,
    headers: {
      ...(auth && { authorization: auth }),
      ...(body !== undefined && { "content-type": type ?? "application/json" }),
    },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  const json = /json/.test(answer.headers.get("content-type") ?? "");
  return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
}

const list = async (token) => {
  const answer = await ask("GET", LIST, { token });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
};

const generate = (token, fields = {}) =>
  ask("POST", GENERATE, {
    token,
    body: { ClientId: "teams", Name: "Teams integ", ExpireInDays: 180, ...fields },
  });

const remove = (token, id) => ask("POST", `${DELETE}?id=${id}`, { token });

describe("12d Synergy's endpoints", { concurrency: 4 }, () => {
  test("list one's own PATs as documented, and no value", async () => {
    const holder = await newHolder({ expiresInDays: 365 });
    const made = await generate(holder.token);
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const short = await generate(holder.token, { Name: "soon", ExpireInDays: 7 });
    const answer = await ask("GET", LIST, { token: holder.token });
    assert.equal(answer.headers.get("cache-control"), "no-store");
    const owned = answer.body;
    assert.deepEqual(
      owned.map(({ ID, Name, ExpiryReminderState }) => [ID, Name, ExpiryReminderState]),
      [
        [1, "a test's", 0],
        [2, "Teams integ", 0],
        [3, "soon", 1],
      ],
    );
    const [{ UserID, CreatedOn, Expiry }] = owned;
    assert.deepEqual(Object.keys(UserID), ["_id", "_server_id", "_server_guid", "IDString"]);
    assert.ok(Number.isInteger(UserID._id) && UserID._id < 2 ** 31);
    assert.match(UserID._server_guid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(UserID.IDString, `${UserID._server_id}_${UserID._id}`);
    for (const time of [CreatedOn, Expiry]) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
    }
    const text = JSON.stringify(owned);
    for (const secret of [holder.token, made.body, short.body]) assert.ok(!text.includes(secret));
  });

  test("generate a PAT that does what the one that asks does, for so many days", async () => {
    const holder = await newHolder({ expiresInDays: 365 });
    const { status, headers, body } = await generate(holder.token);
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.match(body, /^pat_[0-9A-Za-z]{36}$/);
    await assertOpens(gate, body);
    assert.equal((await list(body)).length, 2);
    const own = await gate.api("GET", "/tokens/self", undefined, { auth: bearer(body) });
    assert.deepEqual(own.body.scopes, holder.scopes);
    assert.deepEqual(own.body.user, holder.user);
    assert.equal(own.body.parent, holder.id);
    const days = (Date.parse(own.body.expiresAt) - Date.now()) / DAY;
    assert.ok(days > 179.9 && days <= 180, String(days));
  });

  test("delete one's own by its number, which no other gets", async () => {
    const holder = await newHolder({ expiresInDays: 365 });
    const { body: first } = await generate(holder.token, { Name: "first" });
    const { body: second } = await generate(holder.token, { Name: "second" });
    assert.equal((await remove(holder.token, 2)).status, 200);
    await assertShut(gate, first, "token_revoked");
    await assertOpens(gate, second);
    await generate(holder.token, { Name: "third" });
    const numbers = (await list(holder.token)).map(({ ID }) => ID);
    assert.deepEqual(numbers, [1, 3, 4]);
    assert.equal((await remove(holder.token, 2)).status, 200);
    assertProblem(await remove(holder.token, 99), 404, "token_unknown");
    for (const id of ["", "x", "-1", "1.5", "1&id=2", "99999999999999999999"]) {
      assertProblem(await remove(holder.token, id), 400, "invalid_field", "id");
    }
    assertProblem(await ask("POST", DELETE, { token: holder.token }), 400, "invalid_field", "id");
  });

  test("show and delete nobody else's", async () => {
    const [one, other] = [await newHolder(), await newHolder()];
    assert.equal((await list(one.token)).length, 1);
    await generate(other.token, { ExpireInDays: 1 });
    assertProblem(await remove(one.token, 2), 404, "token_unknown");
    assert.equal((await list(other.token)).length, 2);
    const [[mine], [theirs]] = [await list(one.token), await list(other.token)];
    assert.notEqual(mine.UserID._id, theirs.UserID._id);
  });

  test("are for PATs with the scope tokens", async () => {
    const plain = await newHolder({ scopes: ["jobs:read"] });
    const revoked = await newHolder();
    await gate.api("DELETE", `/tokens/${revoked.id}`);
    for (const [method, path] of [
      ["GET", LIST],
      ["POST", GENERATE],
      ["POST", `${DELETE}?id=1`],
    ]) {
      const refused = async (options, status, code) => {
        const answer = await ask(method, path, options);
        assert.equal(answer.status, status, JSON.stringify(answer.body));
        assert.equal(answer.body.code, code);
      };
      await refused({}, 401, "token_missing");
      await refused({ token: "pat_x" }, 401, "token_malformed");
      await refused({ token: revoked.token }, 401, "token_revoked");
      await refused({ token: plain.token }, 403, "scope_insufficient");
      await refused({ auth: basic("", gate.operatorKey) }, 400, "invalid_request");
    }
  });

  test("refuse a body that is wrong, and name the field", async () => {
    const { token } = await newHolder();
    for (const [fields, field] of [
      [{ Name: "" }, "Name"],
      [{ Name: undefined }, "Name"],
      [{ ExpireInDays: 0 }, "ExpireInDays"],
      [{ ExpireInDays: "180" }, "ExpireInDays"],
      [{ ExpireInDays: undefined }, "ExpireInDays"],
      [{ Scopes: ["x"] }, "Scopes"],
    ]) {
      assertProblem(await generate(token, fields), 400, "invalid_field", field);
    }
    const typed = await ask("POST", GENERATE, { token, body: {}, type: "text/plain" });
    assertProblem(typed, 415, "invalid_request");
    // The PAT that asks lives for 30 days.
    assertProblem(await generate(token, { ExpireInDays: 31 }), 400, "lifetime_exceeded");
  });

  test("know their methods and parameters, and leave other paths to the upstream", async () => {
    const { token } = await newHolder();
    for (const [method, path, allowed] of [
      ["POST", LIST, "GET, HEAD"],
      ["GET", GENERATE, "POST"],
      ["DELETE", `${DELETE}?id=1`, "POST"],
    ]) {
      const answer = await ask(method, path, { token });
      assertProblem(answer, 405, "invalid_request");
      assert.equal(answer.headers.get("allow"), allowed);
    }
    assertProblem(await ask("GET", `${LIST}?x=1`, { token }), 400, "invalid_field", "x");
    const upstream = await ask("GET", "/api/v1/auth/me", { token });
    assert.equal(upstream.headers.get("content-type")?.includes("problem"), false);
  });

  test("obey the switches: without creation none is generated", async () => {
    const made = await gate.api("POST", "/tokens?workspace=other", {
      ...{ name: "x", user: { id: "eve" }, scopes: ["tokens"] },
    });
    await setSettings(gate, "other", { creation: false });
    assertProblem(await generate(made.body.token), 403, "creation_disabled");
    assert.equal((await list(made.body.token)).length, 1);
  });
});

describe("COMPAT", () => {
  test("without 12d leaves the paths to the upstream", async () => {
    const off = await startRawGate({ vars: { COMPAT: ["tooljet"] } });
    try {
      const { token } = await off.createToken({ scopes: ["tokens"] });
      const answer = await fetch(`${off.url}${LIST}`, {
        headers: { authorization: bearer(token) },
      });
      assert.notEqual(answer.headers.get("content-type"), "application/json");
      await answer.body?.cancel();
    } finally {
      await off.stop();
    }
  });
});
