import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertOpens, assertShut, bearer, until } from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { setSettings } from "../support/settings.mjs";
import { basic, makeToken } from "../support/tokens.mjs";

let gate;
before(async () => {
  gate = await startRawGate({
    vars: { WORKSPACES: ["default", "other"], APPS: [{ id: "jobs", name: "Jobs" }] },
  });
});
after(() => gate?.stop());

/** Posts a form, as the operator unless `auth` says otherwise. */
async function post(endpoint, fields, { auth = basic("", gate.operatorKey), type, query } = {}) {
  const answer = await fetch(`${gate.url}/gatepass/oauth/${endpoint}${query ?? ""}`, {
    method: "POST",
    headers: { ...(auth && { authorization: auth }), ...(type && { "content-type": type }) },
    body: typeof fields === "string" ? fields : new URLSearchParams(fields),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: text && JSON.parse(text) };
}

const introspect = (token, fields, options) => post("introspect", { token, ...fields }, options);
const revoke = (token, options) => post("revoke", { token }, options);

const INACTIVE = '{"active":false}';

async function assertInactive(token, fields, options) {
  const { status, headers, text } = await introspect(token, fields, options);
  assert.equal(status, 200, text);
  assert.equal(headers.get("content-type"), "application/json");
  assert.equal(text, INACTIVE);
}

describe("introspection", () => {
  test("RFC 7662 §2.2: of a good PAT says whose it is and what it may do", async () => {
    const user = { id: "eve", email: "eve@example.com" };
    const made = await gate.createToken({ user, scopes: ["b", "a"], apps: ["jobs"] });
    const { status, headers, body } = await introspect(made.token, { token_type_hint: "pat" });
    assert.equal(status, 200);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.deepEqual(body, {
      ...{ active: true, token_type: "Bearer", scope: "a b" },
      ...{ sub: "eve", username: "eve@example.com", jti: made.id },
      iat: Date.parse(made.createdAt) / 1000,
      exp: Date.parse(made.expiresAt) / 1000,
      ...{ workspace: "default", apps: ["jobs"] },
    });
    assert.ok(!JSON.stringify(body).includes(made.token));
    const forever = await gate.createToken({ never: true });
    assert.equal((await introspect(forever.token)).body.exp, undefined);
  });

  test("RFC 7662 §2.2: of all others says the same, byte by byte", async () => {
    const [disabled, revoked, used] = await Promise.all([1, 2, 3].map(() => gate.createToken()));
    await gate.api("PATCH", `/tokens/${disabled.id}`, { enabled: false });
    await gate.api("DELETE", `/tokens/${revoked.id}`);
    await gate.api("POST", `/tokens/${used.id}/rotate`, {});
    const embed = await gate.createToken({ kind: "embed", app: "jobs", scopes: undefined });
    const elsewhere = await gate.api("POST", "/tokens?workspace=other", {
      ...{ name: "x", user: { id: "eve" } },
    });
    assert.equal(elsewhere.status, 201);
    for (const token of [
      ...[disabled, revoked, used, embed, elsewhere.body].map(({ token }) => token),
      ...[makeToken(), "pat_x", "x", "ä", "a b", "eyJhbGciOiJub25lIn0.e30."],
    ]) {
      await assertInactive(token);
    }
    assert.equal(
      (await introspect(elsewhere.body.token, {}, { query: "?workspace=other" })).body.active,
      true,
    );
  });

  test("of a token that is bound to addresses wants to know the client's", async () => {
    const { token } = await gate.createToken({ allowedIps: ["192.0.2.0/24"] });
    assert.equal((await introspect(token, { address: "192.0.2.9" })).body.active, true);
    for (const address of [undefined, "198.51.100.1", "192.0.2.9 ", "x"]) {
      await assertInactive(token, address ? { address } : {});
    }
  });

  test("sees a switch of the workspace at once", async () => {
    const made = await gate.api("POST", "/tokens?workspace=other", {
      ...{ name: "x", user: { id: "eve" } },
    });
    const options = { query: "?workspace=other" };
    assert.equal((await introspect(made.body.token, {}, options)).body.active, true);
    await setSettings(gate, "other", { authentication: false });
    await assertInactive(made.body.token, {}, options);
    await setSettings(gate, "other");
    assert.equal((await introspect(made.body.token, {}, options)).body.active, true);
  });

  test("RFC 7662 §2.1: only the operator asks", async () => {
    const { token } = await gate.createToken();
    const asking = await gate.createToken({ scopes: ["tokens"] });
    for (const [auth, status, code] of [
      [false, 401, "token_missing"],
      [basic("", "x".repeat(40)), 401, "token_malformed"],
      [bearer(makeToken()), 401, "token_unknown"],
      [bearer(asking.token), 403, "scope_insufficient"],
      [bearer(token), 403, "scope_insufficient"],
    ]) {
      const answer = await introspect(token, {}, { auth });
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.body.code, code);
      assert.ok(answer.headers.get("www-authenticate") || status === 403);
    }
  });
});

describe("revocation", () => {
  test("RFC 7009 §2.2: ends a token, and says the same of one that is unknown", async () => {
    const { token } = await gate.createToken();
    await assertOpens(gate, token);
    for (const presented of [token, token, makeToken(), "x"]) {
      const { status, text, headers } = await revoke(presented);
      assert.equal(status, 200, text);
      assert.equal(text, "");
      assert.equal(headers.get("cache-control"), "no-store");
    }
    await until(async () => {
      await assertShut(gate, token, "token_revoked");
      return true;
    }, "a refusal");
    await assertInactive(token);
  });

  test("by a PAT ends itself, with the scope tokens its user's, and nobody else's", async () => {
    const user = { id: "kim" };
    const plain = await gate.createToken({ user, scopes: [] });
    const asking = await gate.createToken({ user, scopes: ["tokens"] });
    const other = await gate.createToken({ user, scopes: [] });
    const theirs = await gate.createToken({ user: { id: "lou" }, scopes: [] });
    const by = ({ token }) => ({ auth: bearer(token) });
    assert.equal((await revoke(other.token, by(plain))).body.code, "scope_insufficient");
    assert.equal((await revoke(theirs.token, by(asking))).status, 200);
    await assertOpens(gate, theirs.token);
    await assertOpens(gate, other.token);
    assert.equal((await revoke(other.token, by(asking))).status, 200);
    await assertInactive(other.token);
    assert.equal((await revoke(plain.token, by(plain))).status, 200);
    await assertInactive(plain.token);
  });

  test("RFC 7009 §2.1: a caller that fails is 401, and nothing ends", async () => {
    const { token } = await gate.createToken();
    for (const auth of [false, basic("", "x".repeat(40)), bearer(makeToken())]) {
      const answer = await revoke(token, { auth });
      assert.equal(answer.status, 401, answer.text);
      assert.ok(answer.headers.get("www-authenticate"));
    }
    await assertOpens(gate, token);
  });
});

describe("the forms of both", () => {
  for (const endpoint of ["introspect", "revoke"]) {
    test(`RFC 6749 §5.2: ${endpoint} refuses what is no form with the token once`, async () => {
      const FORM = "application/x-www-form-urlencoded";
      for (const [body, type] of [
        ["", FORM],
        ["token=", FORM],
        ["token=a&token=b", FORM],
        ["token=%ff", FORM],
        ["token=a", "text/plain"],
        ['{"token":"a"}', "application/json"],
      ]) {
        const answer = await post(endpoint, body, { type });
        assert.equal(answer.status, 400, answer.text);
        assert.equal(answer.body.error, "invalid_request");
      }
    });

    test(`${endpoint} is asked by POST, without a query`, async () => {
      const authorization = basic("", gate.operatorKey);
      for (const method of ["GET", "PUT", "DELETE"]) {
        const url = `${gate.url}/gatepass/oauth/${endpoint}`;
        const answer = await fetch(url, { method, headers: { authorization } });
        assert.equal(answer.status, 405);
        assert.equal(answer.headers.get("allow"), "POST");
        await answer.body?.cancel();
      }
      const inQuery = await post(endpoint, "token=a", { query: "?token=a" });
      assert.equal(inQuery.status, 400);
    });
  }

  test("RFC 7009 §2.2.1: a type of token that there is none of", async () => {
    const hinted = (token) => post("revoke", { token, token_type_hint: "refresh_token" });
    for (const token of ["x", makeToken()]) {
      const answer = await hinted(token);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error, "unsupported_token_type");
    }
    const made = await gate.createToken();
    const introspected = await introspect(made.token, { token_type_hint: "refresh_token" });
    assert.equal(introspected.body.active, true, "a hint is only a hint");
    assert.equal((await hinted(made.token)).status, 200);
    await assertInactive(made.token);
  });

  test("other endpoints are not there", async () => {
    assert.equal((await post("token", { token: "x" })).status, 404);
  });
});
