import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { bearer } from "../support/api.mjs";
import { JOBS, newUser, openWith, startEmbedGate } from "../support/embeds.mjs";
import { basic } from "../support/tokens.mjs";

const PATH = "/gatepass/api/openapi.json";

let gate;
let served;
before(async () => {
  gate = await startEmbedGate({ vars: { APPS: [JOBS] } });
  served = await (await fetch(`${gate.url}${PATH}`)).json();
});
after(() => gate?.stop());

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
      const expected = operation.security?.length === 0 ? [200] : [400, 401, 404];
      assert.ok(expected.includes(answer.status), `${method} ${path}: ${answer.status}`);
    }
  });
});

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

  /** Calls an operation by its name, and asserts that its answer is as documented. */
  async function call(name, { id, query = "", body, form, auth, headers } = {}) {
    const [path, method, operation] = [...operations()].find(
      ([, , { operationId }]) => operationId === name,
    );
    const answer = await fetch(`${gate.url}${path.replace("{id}", id)}${query}`, {
      method: method.toUpperCase(),
      headers: {
        ...(auth !== null && { authorization: auth ?? basic("", gate.operatorKey) }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      body: form ? new URLSearchParams(form) : body && JSON.stringify(body),
    });
    const text = await answer.text();
    const documented = operation.responses[answer.status];
    assert.ok(documented, `${name}: ${answer.status} is not documented: ${text}`);
    const response = documented.$ref ? resolve(documented.$ref) : documented;
    if (!response.content) {
      assert.equal(text, "", name);
      return { status: answer.status };
    }
    const type = answer.headers.get("content-type").split(";")[0];
    assert.ok(response.content[type], `${name}: ${type} is not documented`);
    const pointer = documented.$ref
      ? documented.$ref.slice(1)
      : `/paths/${escaped(path)}/${method}/responses/${answer.status}`;
    const validate = ajv.getSchema(
      `https://gate.example/#${pointer}/content/${escaped(type)}/schema`,
    );
    const value = JSON.parse(text);
    assert.ok(validate(value), `${name}: ${JSON.stringify(validate.errors)} ${text}`);
    for (const header of Object.keys(response.headers ?? {})) {
      assert.ok(answer.headers.get(header) || header === "Retry-After", `${name}: no ${header}`);
    }
    return { status: answer.status, value };
  }

  const resolve = (pointer) =>
    pointer
      .split("/")
      .slice(1)
      .reduce((at, part) => at[part], served);
  const escaped = (part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));

  test("is as documented, whatever the operation", async () => {
    const user = newUser();
    const wanted = { name: "x", user, scopes: ["tokens", "odata"], expiresInDays: 300 };
    const made = await call("createToken", { body: wanted });
    assert.equal(made.status, 201);
    const { id, token } = made.value;
    const own = { auth: bearer(token) };
    const embed = { name: "e", kind: "embed", app: "jobs", user };
    const embedded = await call("createToken", { body: embed });
    const visit = await openWith(gate, embedded.value);
    await call("listTokens", { query: "?limit=1" });
    await call("readToken", { id });
    await call("changeToken", { id, body: { description: "y" } });
    await call("rotateToken", { id, body: { graceSeconds: 600 } });
    await call("readOwnToken", own);
    const sessions = await call("listSessions", { query: `?user=${user.id}` });
    assert.equal(sessions.value.result.length, 1);
    await call("killSession", { id: visit.session().id });
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
  });

  test("is as documented where it is refused", async () => {
    const plain = await gate.createToken({ scopes: [] });
    for (const [, , { operationId: name, security }] of operations()) {
      if (security?.length === 0) continue;
      const id = plain.id;
      for (const options of [
        { auth: null },
        { auth: bearer("pat_x") },
        { auth: bearer(plain.token), body: name.startsWith("list") ? undefined : {} },
        { body: [] },
        { query: "?surprise=1" },
        { query: "?workspace=elsewhere" },
        { id: "x" },
      ]) {
        const bodiless = /^(list|read|revokeOwn|revokeToken|kill|delete)/.test(name);
        const { body, ...rest } = options;
        const sent = bodiless ? rest : { body: body ?? {}, ...rest };
        const safe = !/^(revokeOwn|revokeToken)/.test(name) || rest.auth === null || rest.query;
        if (safe) await call(name, { id, ...sent });
      }
    }
  });
});
