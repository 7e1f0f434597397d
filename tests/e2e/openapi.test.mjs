import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { assertOpens, bearer, until } from "../support/api.mjs";
import { JOBS, newUser, openWith, startEmbedGate } from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { startProvider } from "../support/oidc.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { basic, makeToken } from "../support/tokens.mjs";

const PATH = "/gatepass/api/openapi.json";
const SCANNER = generateKeyPairSync("ec", { namedCurve: "P-256" });

let gate;
let keys;
let served;
before(async () => {
  keys = await startServer((_, response) => response.end(JSON.stringify(publishedKeys())));
  gate = await startEmbedGate({ vars: { APPS: [JOBS], LEAK_KEYS_URL: `${keys.url}/keys` } });
  served = await (await fetch(`${gate.url}${PATH}`)).json();
});
after(() => Promise.all([gate?.stop(), keys?.stop()]));

function publishedKeys() {
  const key = SCANNER.publicKey.export({ type: "spki", format: "pem" });
  return { public_keys: [{ key_identifier: "k1", key, is_current: true }] };
}

/** A report of leaked tokens as `call` sends it. */
function report(tokens, { privateKey } = SCANNER) {
  const body = tokens.map((token) => ({ token, type: "a_type", url: "https://example.com/" }));
  const signature = sign("sha256", Buffer.from(JSON.stringify(body)), privateKey);
  const headers = {
    "github-public-key-identifier": "k1",
    "github-public-key-signature": signature.toString("base64"),
  };
  return { body, headers, auth: null };
}

describe("the OpenAPI document", () => {
  test("is served to anybody, as it stands in the source", async () => {
    const answer = await fetch(`${gate.url}${PATH}`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type"), /^application\/json\b/);
    const source = readFileSync(new URL("../../www/api/openapi.json", import.meta.url), "utf8");
    assert.equal(await answer.text(), source);
  });

  test("is one of OpenAPI 3.1", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(served));
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, "3.1");
  });

  test("names the codes that there are", () => {
    const source = readFileSync(new URL("../../src/problem.rs", import.meta.url), "utf8");
    const codes = [...source.matchAll(/^ {4}[A-Z]\w+ = "(\w+)",$/gm)].map(([, code]) => code);
    assert.ok(codes.length > 20);
    assert.deepEqual(
      served.components.schemas.Problem.properties.code.enum.toSorted(),
      codes.toSorted(),
    );
  });

  test("has each operation once, and each is there", async () => {
    const names = new Set();
    for (const [path, method, operation] of operations()) {
      assert.ok(!names.has(operation.operationId), operation.operationId);
      names.add(operation.operationId);
      const url = `${gate.url}${path.replace("{id}", "x")}`;
      const answer = await fetch(url, { method: method.toUpperCase() });
      await answer.body?.cancel();
      const expected = isForAnybody(operation) ? [200] : [400, 401, 404];
      assert.ok(expected.includes(answer.status), `${method} ${path}: ${answer.status}`);
    }
  });
});

/** Whether it may be called without a credential. */
const isForAnybody = ({ security = served.security }) =>
  security.length === 0 || security.some((schemes) => Object.keys(schemes).length === 0);

function* operations() {
  for (const [path, { parameters: _, ...methods }] of Object.entries(served.paths)) {
    for (const [method, operation] of Object.entries(methods)) yield [path, method, operation];
  }
}

describe("what is answered", () => {
  let ajv;
  before(() => {
    ajv = addFormats(new Ajv2020({ strict: false }));
    ajv.addSchema({ $id: "https://gate.example/", ...served });
  });

  /**
   * Calls an operation by its name, and asserts that its answer is as documented. As the operator,
   * unless `auth` is another `Authorization` or, for none, null; of the gate, or of another: `at`.
   */
  async function call(name, { at = gate, id, query = "", body, form, auth, headers } = {}) {
    const [path, method, operation] = [...operations()].find(
      ([, , { operationId }]) => operationId === name,
    );
    const answer = await fetch(`${at.url}${path.replace("{id}", id)}${query}`, {
      method: method.toUpperCase(),
      headers: {
        ...(auth !== null && { authorization: auth ?? basic("", at.operatorKey) }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      body: form ? new URLSearchParams(form) : body && JSON.stringify(body),
    });
    const text = await answer.text();
    const documented = operation.responses[answer.status];
    assert.ok(documented, `${name}: ${answer.status} is not documented: ${text}`);
    const response = documented.$ref ? resolve(documented.$ref) : documented;
    for (const [header, { required, schema }] of Object.entries(response.headers ?? {})) {
      const value = answer.headers.get(header);
      assert.ok(value !== null || !required, `${name}: no ${header}`);
      if (value !== null && schema.pattern) assert.match(value, new RegExp(schema.pattern));
    }
    const outcome = { status: answer.status, headers: answer.headers };
    if (!response.content) {
      assert.equal(text, "", name);
      return outcome;
    }
    const type = answer.headers.get("content-type").split(";")[0];
    assert.ok(response.content[type], `${name}: ${type} is not documented`);
    if (type === "application/x-ndjson") {
      const lines = text.split("\n").slice(0, -1);
      for (const line of lines) assertFits("/components/schemas/Event", JSON.parse(line), name);
      return { ...outcome, lines };
    }
    const pointer = documented.$ref
      ? documented.$ref.slice(1)
      : `/paths/${escaped(path)}/${method}/responses/${answer.status}`;
    const value = JSON.parse(text);
    assertFits(`${pointer}/content/${escaped(type)}/schema`, value, name);
    return { ...outcome, value };
  }

  function assertFits(pointer, value, name) {
    const validate = ajv.getSchema(`https://gate.example/#${pointer}`);
    const fits = validate(value);
    assert.ok(fits, `${name}: ${JSON.stringify(validate.errors)} ${JSON.stringify(value)}`);
  }

  const wanted = () => ({ name: "x", user: { id: "grace" } });
  const resolve = (pointer) =>
    pointer
      .split("/")
      .slice(1)
      .reduce((at, part) => at[part], served);
  const escaped = (part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));

  test("is as documented, whatever the operation", async () => {
    const user = newUser();
    const asked = { name: "x", user, scopes: ["tokens", "odata"], expiresInDays: 300 };
    const made = await call("createToken", { body: asked });
    assert.equal(made.status, 201);
    const { id, token } = made.value;
    const own = { auth: bearer(token) };
    const embed = { name: "e", kind: "embed", app: "jobs", user };
    const embedded = await call("createToken", { body: embed });
    const visit = await openWith(gate, embedded.value);
    await call("listTokens", { query: "?limit=1" });
    assert.equal((await call("readToken", { id })).value.lastUsedAt, null);
    await assertOpens(gate, token);
    const isUsed = async () => (await call("readToken", { id })).value.lastUsedAt !== null;
    await until(isUsed, "the ledger knows that the token was used");
    await call("changeToken", { id, body: { description: "y" } });
    await call("rotateToken", { id, body: { graceSeconds: 600 } });
    await call("readOwnToken", own);
    const sessions = await call("listSessions", { query: `?user=${user.id}` });
    assert.equal(sessions.value.result.length, 1);
    await call("killSession", { id: visit.session().id });
    await call("killSessions", { query: `?user=${user.id}` });
    const settings = await call("readSettings");
    await call("setSettings", { body: settings.value });
    assert.equal((await call("introspect", { form: { token } })).value.active, true);
    assert.equal((await call("introspect", { form: { token: "x" } })).value.active, false);
    await call("generateFor12d", { ...own, body: { ClientId: "c", Name: "n", ExpireInDays: 1 } });
    await call("listFor12d", own);
    await call("deleteFor12d", { ...own, query: "?id=3" });
    await call("embedForToolJet", {
      body: { email: "t@example.com", appId: "jobs", sessionExpiry: 5, patExpiry: 60 },
    });
    await call("revokePresented", { form: { token: embedded.value.token } });
    await call("revokeOwnToken", own);
    await call("revokeToken", { id });
    await call("health", { auth: null });
    await call("openapi", { auth: null });
    assert.equal((await call("keys", { auth: null })).value.keys.length, 1);
  });

  test("is as documented of what happened, as JSON and in lines", async () => {
    const user = newUser();
    const { id } = await gate.createToken({ user });
    await gate.api("PATCH", `/tokens/${id}`, { enabled: false });
    const query = `?user=${user.id}&token=${id}&result=ok&from=2026-01-01T00:00:00Z`;
    const { value } = await call("listEvents", { query });
    const actions = value.result.map(({ action }) => action);
    assert.deepEqual(actions, ["token.disabled", "token.created"]);
    const headers = { accept: "application/x-ndjson" };
    const first = await call("listEvents", { query: `${query}&limit=1`, headers });
    assert.deepEqual(first.lines.map(JSON.parse), value.result.slice(0, 1));
    const [, next, search] = /^<(.*)(\?.*)>; rel="next"$/.exec(first.headers.get("link"));
    assert.equal(next, "/gatepass/api/audit");
    const last = await call("listEvents", { query: search, headers });
    assert.deepEqual(last.lines.map(JSON.parse), value.result.slice(1));
    assert.equal(last.headers.get("link"), null);
    const everything = await call("listEvents", { query: "?limit=100" });
    assert.ok(everything.value.result.length > 10);
  });

  test("is as documented to who signs in with the operator key", async () => {
    const { headers } = await call("signIn");
    const cookie = headers.get("set-cookie").split(";")[0];
    const signedIn = { auth: null, headers: { cookie } };
    const { value: operator } = await call("readSignIn", signedIn);
    assert.deepEqual([operator.user, operator.role], [null, "admin"]);
    const { value: nobody } = await call("readSignIn", { auth: null });
    assert.deepEqual([nobody.role, nobody.signIn], [null, "operatorKey"]);
    assert.equal((await call("createToken", { ...signedIn, body: wanted() })).status, 201);
    const elsewhere = { cookie, "sec-fetch-site": "cross-site" };
    const refused = await call("listTokens", { auth: null, headers: elsewhere });
    assert.equal(refused.value.code, "cross_site");
    assert.equal((await call("signOut", signedIn)).status, 204);
    assert.equal((await call("readSignIn", signedIn)).value.code, "token_expired");
  });

  test("is as documented to a scanner that found tokens", async () => {
    const { token } = await gate.createToken();
    const { value } = await call("reportLeaks", report([token, makeToken(), "nothing"]));
    const labels = value.map(({ label }) => label);
    assert.deepEqual(labels, ["true_positive", "false_positive", "false_positive"]);
    const another = generateKeyPairSync("ec", { namedCurve: "P-256" });
    assert.equal((await call("reportLeaks", report([token], another))).status, 401);
    assert.equal((await call("reportLeaks", report(Array(1_001).fill("x")))).status, 400);
  });

  test("is as documented to people whom an identity provider signed in", async (t) => {
    const provider = await startProvider();
    t.after(() => provider.stop());
    const { issuer, audience, jwks } = provider;
    const header = served.components.securitySchemes.identity.name;
    const IDENTITY = { issuer, audience, jwks, header, algorithms: ["ES256"] };
    const at = await startRawGate({ vars: { IDENTITY } });
    t.after(() => at.stop());
    const signedIn = async (claims) => {
      const jwt = await provider.token({ ...claims, email_verified: true });
      return { at, auth: null, headers: { [header]: jwt } };
    };
    const ada = await signedIn({ sub: "ada", email: "ada@example.com" });
    const boss = await signedIn({ sub: "boss", email: "boss@example.com", roles: ["admin"] });
    const { value: who } = await call("readSignIn", ada);
    assert.deepEqual(who.user, { id: "ada", email: "ada@example.com" });
    assert.deepEqual([who.role, who.signIn], ["user", "provider"]);
    assert.equal((await call("readSignIn", boss)).value.role, "admin");
    const mine = await call("createToken", { ...ada, body: { name: "mine" } });
    assert.equal(mine.value.user.id, "ada");
    const theirs = await call("createToken", { ...boss, body: wanted() });
    for (const [name, options, status] of [
      ["listTokens", ada, 200],
      ["listTokens", { ...ada, query: "?user=boss" }, 403],
      ["readToken", { ...ada, id: mine.value.id }, 200],
      ["readToken", { ...ada, id: theirs.value.id }, 404],
      ["readOwnToken", ada, 400],
      ["listEvents", ada, 200],
      ["listEvents", { ...ada, query: "?user=boss" }, 403],
      ["listSessions", ada, 200],
      ["killSessions", { ...ada, query: "?all=true" }, 403],
      ["introspect", { ...ada, form: { token: "x" } }, 403],
      ["introspect", { ...boss, form: { token: mine.value.token } }, 200],
      ["listFor12d", ada, 200],
      ["signIn", { at }, 400],
      ["signOut", ada, 204],
    ]) {
      assert.equal((await call(name, options)).status, status, `${name} ${options.query ?? ""}`);
    }
    const settings = await call("readSettings", ada);
    assert.equal((await call("setSettings", { ...ada, body: settings.value })).status, 403);
    assert.equal((await call("setSettings", { ...boss, body: settings.value })).status, 200);
  });

  test("is as documented where there were too many", async (t) => {
    const at = await startRawGate({ vars: { LIMITS: { creations: 2, failures: 2 } } });
    t.after(() => at.stop());
    const { id } = (await call("createToken", { at, body: wanted() })).value;
    await call("rotateToken", { at, id });
    for (const [name, options] of [
      ["createToken", { body: wanted() }],
      ["rotateToken", { id }],
    ]) {
      const { status, headers } = await call(name, { at, ...options });
      assert.equal(status, 429, name);
      assert.equal(headers.get("ratelimit"), '"creation";r=0;t=60');
      assert.equal(headers.get("ratelimit-policy"), '"creation";q=2;w=60');
    }
    const bad = { at, auth: bearer("pat_x") };
    for (const status of [401, 401, 429]) {
      assert.equal((await call("listTokens", bad)).status, status);
    }
    const { headers } = await call("listTokens", bad);
    assert.equal(headers.get("ratelimit-policy"), '"failures";q=2;w=60');
  });

  test("is as documented where it is refused", async () => {
    const plain = await gate.createToken({ scopes: [] });
    for (const [, , { operationId: name, security, requestBody }] of operations()) {
      if (security?.length === 0) continue;
      const id = plain.id;
      for (const options of [
        { auth: null },
        { auth: bearer("pat_x") },
        { auth: bearer(plain.token) },
        ...(requestBody ? [{ body: [] }] : []),
        { query: "?surprise=1" },
        { query: "?workspace=elsewhere" },
        { id: "x" },
      ]) {
        const sent = requestBody ? { body: {}, ...options } : options;
        const safe = !/^(revokeOwn|revokeToken)/.test(name) || sent.auth === null || sent.query;
        if (safe) await call(name, { id, ...sent });
      }
    }
  });
});
