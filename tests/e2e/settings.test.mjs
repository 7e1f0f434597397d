import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertOpens, assertProblem, by, knock, until } from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { DEFAULTS, setSettings } from "../support/settings.mjs";

const DAY = 86_400_000;

const WORKSPACES = Array.from({ length: 20 }, (_, n) => `w${n}`);

let gate;
before(async () => {
  gate = await startRawGate({ vars: { WORKSPACES, APPS: [{ id: "jobs", name: "Jobs" }] } });
});
after(() => gate?.stop());

/** A workspace that no other test uses, since isolates remember switches for seconds. */
function workspace() {
  const name = WORKSPACES.pop();
  const api = (method, path, body, options) =>
    gate.api(method, `${path}?workspace=${name}`, body, options);
  return {
    name,
    api,
    set: (changes) => setSettings(gate, name, changes),
    create: (fields, options) =>
      api("POST", "/tokens", { name: "a test's", user: { id: "ada" }, ...fields }, options),
  };
}

const days = (token) => Math.round((Date.parse(token.expiresAt) - Date.now()) / DAY);

describe("a workspace's settings", { concurrency: 4 }, () => {
  test("are shown, and set as a whole", async () => {
    const { api, set } = workspace();
    const shown = async () => (await api("GET", "/settings")).body;
    assert.deepEqual(await shown(), DEFAULTS);
    const settings = {
      ...{ creation: false, authentication: true, whoMayCreate: "admins" },
      ...{ maxLifetimeDays: 180, neverAllowed: false, defaultLifetimeDays: 90 },
      scopes: [{ name: "odata", description: "Read all tables — alle" }],
      ...{ allowedOrigins: ["https://portal.example"], knownUsersOnly: true },
    };
    assert.deepEqual(await set(settings), settings);
    assert.deepEqual(await shown(), settings);
    assert.deepEqual(await set(await shown()), settings);
    assert.deepEqual(await set({ creation: false }), { ...DEFAULTS, creation: false });
    assert.deepEqual(await set(DEFAULTS), DEFAULTS);
  });

  test("are one workspace's alone", async () => {
    const [one, other] = [workspace(), workspace()];
    await one.set({ knownUsersOnly: true });
    assert.deepEqual((await other.api("GET", "/settings")).body, DEFAULTS);
    assert.equal((await other.create()).status, 201);
  });

  test("are refused with the field that is wrong, and then nothing has changed", async () => {
    const { api } = workspace();
    for (const [field, value] of [
      ["creation", "yes"],
      ["whoMayCreate", "nobody"],
      ["maxLifetimeDays", 0],
      ["maxLifetimeDays", 1e9],
      ["defaultLifetimeDays", null],
      ["scopes", [{ name: "ä" }]],
      ["scopes", "odata"],
      ["allowedOrigins", ["https://portal.example/path"]],
      ["surprise", true],
    ]) {
      const wanted = { ...DEFAULTS, authentication: false, [field]: value };
      assertProblem(await api("PUT", "/settings", wanted), 400, "invalid_field", field);
    }
    for (const field of Object.keys(DEFAULTS)) {
      const { [field]: _, ...rest } = DEFAULTS;
      assertProblem(await api("PUT", "/settings", rest), 400, "invalid_field", field);
    }
    const bounded = { ...DEFAULTS, maxLifetimeDays: 90 };
    assertProblem(await api("PUT", "/settings", bounded), 400, "invalid_field", "neverAllowed");
    assertProblem(await api("PUT", "/settings", "[]"), 400, "invalid_request");
    assert.deepEqual((await api("GET", "/settings")).body, DEFAULTS);
  });

  test("know their methods", async () => {
    const { api } = workspace();
    for (const method of ["POST", "PATCH", "DELETE"]) {
      const answer = await api(method, "/settings", {});
      assertProblem(answer, 405, "invalid_request");
      assert.equal(answer.headers.get("allow"), "GET, HEAD, PUT");
    }
    assertProblem(await gate.api("GET", "/settings?x=1"), 400, "invalid_field", "x");
  });

  test("are an admin's to set; a PAT may look", async () => {
    const { api, create, name } = workspace();
    const asking = (await create({ scopes: ["tokens"] })).body;
    const asked = (method, body, token = asking.token) =>
      gate.api(method, "/settings", body, by(token));
    assert.deepEqual((await asked("GET")).body, DEFAULTS);
    assertProblem(await asked("PUT", { creation: false }), 403, "scope_insufficient");
    const plain = (await create()).body;
    assertProblem(await asked("GET", undefined, plain.token), 403, "scope_insufficient");
    assert.equal((await api("DELETE", `/tokens/${asking.id}`)).status, 204);
    assert.equal((await asked("GET")).status, 401);
    assertProblem(
      await gate.api("GET", "/settings", undefined, { auth: "" }),
      401,
      "token_missing",
    );
    assert.deepEqual((await api("GET", "/settings")).body, DEFAULTS);
    assert.equal(plain.workspace, name);
  });

  test("without creation nobody makes a token, and none is replaced", async () => {
    const { api, set, create } = workspace();
    const token = (await create()).body;
    await set({ creation: false });
    assertProblem(await create(), 403, "creation_disabled");
    const rotated = await api("POST", `/tokens/${token.id}/rotate`, {});
    assertProblem(rotated, 403, "creation_disabled");
    await assertOpens(gate, token.token);
    await set();
    await until(async () => (await create()).status === 201, "creation");
  });

  test("where only admins create, a PAT does not", async () => {
    const { set, create } = workspace();
    const asking = (await create({ scopes: ["tokens"] })).body;
    const ask = () => gate.api("POST", "/tokens", { name: "child" }, by(asking.token));
    assert.equal((await ask()).status, 201);
    await set({ whoMayCreate: "admins" });
    assertProblem(await ask(), 403, "creation_disabled");
    const path = `/tokens/${asking.id}/rotate`;
    assertProblem(await gate.api("POST", path, {}, by(asking.token)), 403, "creation_disabled");
    assert.equal((await create()).status, 201);
  });

  test("without authentication no PAT opens anything within seconds, and then again", async () => {
    const { set, create } = workspace();
    const { token } = (await create()).body;
    await assertOpens(gate, token);
    await set({ authentication: false });
    const refused = async () => {
      const { status, text } = await knock(gate, token);
      return status === 403 && JSON.parse(text).code === "authentication_disabled";
    };
    await until(refused, "a refusal");
    await set();
    await until(async () => (await knock(gate, token)).status === 200, "an opening");
  });

  test("bound how long tokens live", async () => {
    const { api, set, create } = workspace();
    const forever = (await create({ never: true })).body;
    const long = (await create({ expiresInDays: 3000 })).body;
    await set({ maxLifetimeDays: 180, neverAllowed: false, defaultLifetimeDays: 7 });
    assert.equal(days((await create()).body), 7);
    assert.equal(days((await create({ expiresInDays: 180 })).body), 180);
    for (const lifetime of [
      { never: true },
      { expiresInDays: 181 },
      { expiresAt: new Date(Date.now() + 181 * DAY).toISOString() },
      { kind: "embed", app: "jobs", expiresInDays: 181 },
    ]) {
      assertProblem(await create(lifetime), 400, "lifetime_exceeded");
    }
    const rotated = async ({ id }) => days((await api("POST", `/tokens/${id}/rotate`, {})).body);
    assert.equal(await rotated(forever), 7);
    assert.equal(await rotated(long), 180);
    await set({ neverAllowed: false });
    assertProblem(await create({ never: true }), 400, "lifetime_exceeded");
    assert.equal((await create({ expiresInDays: 3000 })).status, 201);
    await set();
    assert.equal((await create({ never: true })).body.expiresAt, null);
  });

  test("bound the pages that embeds name", async () => {
    const { set, create } = workspace();
    await set({ allowedOrigins: ["https://portal.example"] });
    const embed = (allowedOrigins) => create({ kind: "embed", app: "jobs", allowedOrigins });
    assert.equal((await embed(["https://portal.example"])).status, 201);
    assert.equal((await embed([])).status, 201);
    for (const origin of ["https://evil.example", "http://portal.example"]) {
      const answer = await embed(["https://portal.example", origin]);
      assertProblem(answer, 400, "invalid_field", "allowedOrigins");
    }
  });

  test("where only known users get tokens, a stranger gets none", async () => {
    const { set, create } = workspace();
    await create({ user: { id: "ada", email: "ada@example.com" } });
    await set({ knownUsersOnly: true });
    assert.equal((await create({ user: { email: "ada@example.com" } })).status, 201);
    assertProblem(await create({ user: { id: "ben" } }), 403, "invalid_field", "user");
  });
});
