import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertProblem, bearer, by, idsOf, listAll, until } from "../support/api.mjs";
import {
  assertIn,
  assertOut,
  assertPage,
  enter,
  JOBS,
  maxAge,
  mint,
  newUser,
  open,
  openWith,
  placeOf,
  PORTAL,
  startEmbedGate,
} from "../support/embeds.mjs";
import { basic, hintOf, keyOf } from "../support/tokens.mjs";

const DAY = 86_400_000;
const HERE = { "cf-connecting-ip": "192.0.2.7" };
const hereHeaders = [["CF-Connecting-IP", "192.0.2.7"]];

let gate;
before(async () => {
  gate = await startEmbedGate({ vars: { APPS: [JOBS, { id: "reports", name: "Reports" }] } });
});
after(() => gate?.stop());

/** What the API answers to a body for an embed token. */
const ask = (fields, options) =>
  gate.api(
    "POST",
    "/tokens",
    { name: "x", kind: "embed", app: "jobs", user: newUser(), ...fields },
    options,
  );

/** The same, as a PAT asks. */
const askBy = (pat, fields, headers = {}) =>
  gate.api(
    "POST",
    "/tokens",
    { name: "x", kind: "embed", app: "jobs", ...fields },
    by(pat.token, headers),
  );

const pat = (fields) =>
  gate.createToken({ scopes: ["tokens"], apps: ["jobs"], user: newUser(), ...fields });

describe("a new embed token", () => {
  test("is shown with every documented field, its secret and its URL", async () => {
    const user = newUser();
    const answer = await ask({ user });
    assert.equal(answer.status, 201);
    const { id, token, start, createdAt, expiresAt, embedUrl, ...rest } = answer.body;
    assert.deepEqual(rest, {
      ...{ kind: "embed", name: "x", description: "", user, workspace: "default" },
      ...{ scopes: [], apps: ["jobs"], label: "", allowedOrigins: [], allowedIps: [] },
      ...{ lastUsedAt: null, state: "active", strict: false, singleUse: false },
      ...{ sessionMinutes: 60, idleMinutes: null, topLevel: false, parent: null },
    });
    assert.match(token, /^pat_embed_[0-9A-Za-z]{36}$/);
    assert.equal(start, `pat_embed_${token.slice(14, 18)}`);
    assert.equal(token.slice(10, 14), hintOf("default", user.id));
    assert.equal(id.slice(0, 4), token.slice(10, 14));
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), DAY);
    assert.equal(
      embedUrl,
      `http://${placeOf("default", user.id, "jobs")}.embed.test:${gate.port}/embed-apps/jobs?personal-access-token=${token}`,
    );
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
    assert.equal(answer.headers.get("location"), `/gatepass/api/tokens/${id}`);
  });

  test("has what was asked for, and lists show it without secret and URL", async () => {
    const user = newUser();
    const asked = {
      ...{ name: "Portal", description: "left column", label: "links", user },
      ...{ allowedOrigins: [PORTAL, "http://localhost:3000", "https://[2001:db8::1]:8443"] },
      ...{ singleUse: true, topLevel: true, sessionMinutes: 5, idleMinutes: 2, strict: true },
      ...{ allowedIps: ["192.0.2.0/24"] },
    };
    const { status, body } = await ask({ ...asked, expiresInDays: 3 });
    assert.equal(status, 201, JSON.stringify(body));
    const { token, embedUrl, ...shown } = body;
    for (const [name, value] of Object.entries(asked)) assert.deepEqual(shown[name], value, name);
    assert.equal(Date.parse(shown.expiresAt) - Date.parse(shown.createdAt), 3 * DAY);
    assert.equal((await gate.api("GET", `/tokens/${shown.id}`)).status, 200);
    assert.deepEqual((await gate.api("GET", `/tokens/${shown.id}`)).body, shown);
    assert.deepEqual(await listAll(gate, { user: user.id, kind: "embed" }), [shown]);
    assert.deepEqual(await listAll(gate, { user: user.id, kind: "pat" }), []);
    assert.ok(embedUrl.endsWith(token));
  });

  test("may never expire, or in a minute", async () => {
    const never = await ask({ never: true });
    assert.equal(never.body.expiresAt, null);
    const soon = new Date(Date.now() + 62_000).toISOString();
    assert.equal((await ask({ expiresAt: soon })).status, 201);
    const sooner = new Date(Date.now() + 50_000).toISOString();
    assertProblem(await ask({ expiresAt: sooner }), 400, "invalid_field", "expiresAt");
  });

  test("for several apps has a URL for each, and none for others", async () => {
    const user = newUser();
    const { body } = await ask({ user, app: undefined, apps: ["reports", "jobs"] });
    assert.equal(body.embedUrl, undefined);
    const urls = Object.fromEntries(body.embedUrls.map(({ app, url }) => [app, url]));
    assert.deepEqual(Object.keys(urls).sort(), ["jobs", "reports"]);
    for (const [app, url] of Object.entries(urls)) {
      const visit = await openWith(gate, body, url);
      assert.equal(visit.place, placeOf("default", user.id, app));
    }
    const one = await ask({ app: undefined, apps: ["reports"] });
    assert.match(one.body.embedUrl, /\/embed-apps\/reports\?/);
    assert.equal(one.body.embedUrls, undefined);
  });

  test("replaces nothing: each lives on beside the next", async () => {
    const user = newUser();
    const visits = [
      await open(gate, { user }),
      await open(gate, { user }),
      await open(gate, { user }),
    ];
    for (const visit of visits) await openWith(gate, visit.token);
    const listed = await listAll(gate, { user: user.id });
    assert.deepEqual(new Set(listed.map(({ state }) => state)), new Set(["active"]));
  });
});

describe("a field of an embed token is refused:", () => {
  for (const [field, value, detail] of [
    ["app", undefined, "must be given"],
    ["app", null],
    ["app", ""],
    ["app", "none"],
    ["app", "../jobs"],
    ["app", "https://evil.example"],
    ["app", "*"],
    ["app", ["jobs"]],
    ["apps", ["jobs"], "beside app"],
    ["label", 1],
    ["label", " a"],
    ["label", "a\u0000"],
    ["label", "\u202ea"],
    ["label", "a".repeat(65)],
    ["allowedOrigins", PORTAL],
    ["allowedOrigins", ["*"]],
    ["allowedOrigins", ["null"]],
    ["allowedOrigins", ["https://*.portal.example"]],
    ["allowedOrigins", ["https://portal.example/"]],
    ["allowedOrigins", ["https://portal.example/x"]],
    ["allowedOrigins", ["https://Portal.example"]],
    ["allowedOrigins", ["https://portal.example:443"]],
    ["allowedOrigins", ["portal.example"]],
    ["allowedOrigins", ["https://portal.example; script-src *"]],
    ["allowedOrigins", ["https://a.example https://b.example"]],
    ["allowedOrigins", ["'self'"]],
    ["allowedOrigins", ["data:"]],
    ["allowedOrigins", ["https://a@b.example"]],
    ["allowedOrigins", [1]],
    ["allowedOrigins", Array.from({ length: 21 }, (_, i) => `https://a${i}.example`)],
    ["sessionMinutes", 0],
    ["sessionMinutes", -1],
    ["sessionMinutes", 1.5],
    ["sessionMinutes", "60"],
    ["sessionMinutes", 576_001],
    ["sessionMinutes", 2 ** 32 + 60],
    ["sessionMinutes", null],
    ["idleMinutes", 0],
    ["idleMinutes", 576_001],
    ["idleMinutes", "5"],
    ["singleUse", "true"],
    ["singleUse", 1],
    ["topLevel", null],
    ["scopes", ["tokens"]],
    ["place", "aaaaaaaaaaaaaaaa"],
    ["kind", "Embed"],
  ]) {
    test(`${field}: ${JSON.stringify(value)?.slice(0, 60)}`, async () => {
      const problem = assertProblem(await ask({ [field]: value }), 400, "invalid_field", field);
      if (detail) assert.match(problem.detail, new RegExp(detail));
    });
  }

  test("what only embed tokens have, of a PAT", async () => {
    for (const [field, value] of [
      ["app", "jobs"],
      ["label", "a"],
      ["allowedOrigins", [PORTAL]],
      ["sessionMinutes", 60],
      ["idleMinutes", 5],
      ["singleUse", true],
      ["topLevel", true],
    ]) {
      const answer = await gate.api("POST", "/tokens", {
        name: "x",
        user: newUser(),
        [field]: value,
      });
      assertProblem(answer, 400, "invalid_field", field);
    }
  });

  test("a user's id too long for a session's 400 bytes", async () => {
    const fits = { user: { id: "ü".repeat(72) } };
    assert.equal((await ask(fits)).status, 201);
    for (const id of ["ü".repeat(73), "\u{1f511}".repeat(128)]) {
      assertProblem(await ask({ user: { id } }), 400, "invalid_field", "user");
    }
    // A PAT has no session.
    const other = await gate.api("POST", "/tokens", { name: "x", user: { id: "ü".repeat(128) } });
    assert.equal(other.status, 201);
  });
});

describe("Idempotency-Key", () => {
  test("the repeat leaves out the token and each URL that holds it", async () => {
    for (const fields of [{}, { app: undefined, apps: ["*"] }]) {
      const user = newUser();
      const options = { headers: { "idempotency-key": `once-${user.id}` } };
      const first = await ask({ user, ...fields }, options);
      const again = await ask({ user, ...fields }, options);
      assert.equal(again.status, 201);
      const { token, embedUrl, embedUrls, ...shown } = first.body;
      assert.deepEqual(again.body, shown);
      assert.ok(!JSON.stringify([again.body, [...again.headers]]).includes(token));
      assert.ok(embedUrl ?? embedUrls);
      const other = await ask({ user, ...fields, name: "another" }, options);
      assertProblem(other, 409, other.body.code);
    }
  });
});

describe("a PAT with the scope tokens makes embed tokens", () => {
  test("for its own user, with itself as parent", async () => {
    const asking = await pat();
    const { status, body } = await askBy(asking, { allowedOrigins: [PORTAL] });
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual(body.user, asking.user);
    assert.equal(body.parent, asking.id);
    const visit = await openWith(gate, body);
    const { headers } = await visit.echo();
    assert.equal(headers["gatepass-user"], asking.user.id);
    const other = await askBy(asking, { user: newUser() });
    assertProblem(other, 403, "scope_insufficient", "user");
  });

  test("not without the scope", async () => {
    const asking = await pat({ scopes: ["odata"] });
    assertProblem(await askBy(asking), 403, "scope_insufficient");
  });

  test("for no app beyond its own", async () => {
    for (const [apps, fields, status] of [
      [["jobs"], {}, 201],
      [["*"], { app: "reports" }, 201],
      [["*"], { app: undefined, apps: ["*"] }, 201],
      [["jobs"], { app: "reports" }, 403],
      [["jobs"], { app: undefined, apps: ["jobs", "reports"] }, 403],
      [["jobs", "reports"], { app: undefined, apps: ["*"] }, 403],
      [[], {}, 403],
    ]) {
      const answer = await askBy(await pat({ apps }), fields);
      assert.equal(answer.status, status, JSON.stringify([apps, fields, answer.body]));
      if (status === 403) assertProblem(answer, 403, "scope_insufficient", "apps");
    }
  });

  test("that live no longer than itself, and their sessions neither", async () => {
    const expiresAt = new Date(Date.now() + 90_000).toISOString();
    const asking = await pat({ expiresAt });
    for (const fields of [{ expiresInDays: 1 }, { never: true }]) {
      assertProblem(await askBy(asking, fields), 400, "lifetime_exceeded");
    }
    for (const fields of [{}, { singleUse: true }, { singleUse: true, sessionMinutes: 576_000 }]) {
      const { body } = await askBy(asking, fields);
      assert.ok(Date.parse(body.expiresAt) <= Date.parse(asking.expiresAt));
      const entry = await enter(gate, body.embedUrl);
      const rest = maxAge(entry.header("Set-Cookie"));
      assert.ok(rest <= 90 && rest > 80, `${rest}`);
    }
  });

  test("that are revoked with it, with their sessions", async () => {
    const asking = await pat();
    const made = (await askBy(asking, { allowedOrigins: [PORTAL], singleUse: true })).body;
    const other = (await askBy(asking, { allowedOrigins: [PORTAL] })).body;
    const [visit, second] = [await openWith(gate, made), await openWith(gate, other)];
    await assertIn(visit);
    assert.equal((await gate.api("DELETE", `/tokens/${asking.id}`)).status, 204);
    await assertOut(visit, 401, "token_revoked");
    await assertOut(second, 401, "token_revoked");
    assertPage(await enter(gate, other.embedUrl), 401, "token_revoked");
    const key = keyOf(made.token);
    await until(() => JSON.parse(gate.kv.values.get(key)).st === "r", "the tombstone in KV");
  });

  test("that inherit its addresses and its strictness", async () => {
    const asking = await pat({ allowedIps: ["192.0.2.0/24"], strict: true });
    const made = await askBy(asking, { allowedOrigins: [PORTAL] }, HERE);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.deepEqual(made.body.allowedIps, ["192.0.2.0/24"]);
    assert.equal(made.body.strict, true);
    assertPage(await enter(gate, made.body.embedUrl), 403, "address_not_allowed");
    const visit = await openWith(gate, made.body, made.body.embedUrl, hereHeaders);
    await assertIn(visit, { headers: hereHeaders });
    assert.equal((await visit.ask("/x")).json().code, "address_not_allowed");
    for (const [field, value] of [
      ["allowedIps", ["192.0.0.0/22"]],
      ["allowedIps", []],
      ["strict", false],
    ]) {
      const wider = await askBy(asking, { [field]: value }, HERE);
      assertProblem(wider, 403, "scope_insufficient", field);
    }
  });

  test("whose names and states it may change, as of any token of its user", async () => {
    const asking = await pat();
    const made = (await askBy(asking, { allowedOrigins: [PORTAL] })).body;
    const visit = await openWith(gate, made);
    const change = (body) => gate.api("PATCH", `/tokens/${made.id}`, body, by(asking.token));
    const renamed = await change({ name: "renamed", enabled: false });
    assert.equal(renamed.body.name, "renamed");
    await assertOut(visit, 401, "token_disabled");
    assert.equal((await change({ enabled: true })).status, 200);
    await assertIn(visit);
    const rotated = await gate.api(
      "POST",
      `/tokens/${made.id}/rotate`,
      { graceSeconds: 0 },
      by(asking.token),
    );
    assert.equal(rotated.status, 409);
    const self = await gate.api("GET", "/tokens", undefined, by(asking.token));
    assert.deepEqual(idsOf(self.body.result), [made.id, asking.id]);
  });
});

describe("an embed token is no credential of the API", () => {
  test("in whatever form it is presented", async () => {
    const { token } = await mint(gate);
    for (const auth of [bearer(token), basic("any", token)]) {
      for (const [method, path] of [
        ["GET", "/tokens"],
        ["GET", "/tokens/self"],
        ["DELETE", "/tokens/self"],
        ["GET", "/sessions"],
      ]) {
        const answer = await gate.api(method, path, undefined, { auth });
        assert.equal(answer.status, 401, path);
        assert.equal(answer.body.code, "kind_mismatch");
      }
    }
  });
});
