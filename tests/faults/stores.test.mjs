import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused, BASIC, INVALID_TOKEN } from "../support/refusals.mjs";
import { startObjects } from "../support/stand-ins.mjs";
import { basic, digestOf, keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const SCOPES = { sc: ["jobs:read"] };
const SECOND = 1000;
// The gate decides within 10 s.
const DEADLINE = 13 * SECOND;
const WORKSPACES = Array.from({ length: 24 }, (_, i) => `w${i}`);
const CONCURRENT = { concurrency: 30, timeout: 60 * SECOND };

let ledger;
let directory;
let gate;
const records = new Map(); // digest → what the ledger answers
const settings = new Map(); // object name → what the directory answers

before(async () => {
  ledger = await startObjects(({ lookup }) => records.get(lookup?.digest) ?? { record: null });
  directory = await startObjects((_, name) => settings.get(name) ?? "throws");
  gate = await startRawGate({
    ledger,
    directory,
    limiter: { thrown: "Thrw" },
    vars: { WORKSPACES: ["default", ...WORKSPACES] },
  });
  gate.kv.values.set("w/default", JSON.stringify({ v: 1, rev: 1 }));
});
after(() => Promise.all([gate?.stop(), ledger?.stop(), directory?.stop()]));

const present = (token, options = {}) =>
  rawRequest({
    port: gate.port,
    target: "/api/v1/jobs/",
    headers: [["Authorization", `Bearer ${token}`]],
    timeout: DEADLINE,
    ...options,
  });

function inKv(fields) {
  const token = makeToken();
  gate.kv.values.set(keyOf(token), makeRecord(token, { ...SCOPES, ...fields }));
  return token;
}

let taken = 0;
/** A workspace that no other test uses, so that nobody remembers its settings. */
const anyWorkspace = () => WORKSPACES[taken++];

async function assertOpen(token) {
  const answer = await present(token);
  assert.equal(answer.status, 200, answer.text);
}

describe("what fails keeps the gate shut", CONCURRENT, () => {
  describe("KV", CONCURRENT, () => {
    for (const [name, fault] of [
      ["throws", "throws"],
      ["hangs", "hangs"],
      ["answers nothing", () => ""],
      ["answers junk", () => "junk"],
      ["answers JSON that is no record", () => "{}"],
      ["answers null", () => "null"],
      ["answers another version", (json) => json.replace('"v":1', '"v":2')],
      ["answers an unknown state", (json) => json.replace('"st":"a"', '"st":"x"')],
      ["answers an unknown field", (json) => json.replace("{", '{"admin":true,')],
      ["answers a field twice", (json) => json.replace("{", '{"st":"r",')],
      ["answers half a record", (json) => json.slice(0, -20)],
      ["answers a wrong type", (json) => json.replace('"rev":1', '"rev":"1"')],
      ["answers 1 MB", (json) => json + " ".repeat(2 ** 20) + "x"],
    ]) {
      test(`${name} for a record: 503`, async () => {
        const token = inKv({});
        const json = gate.kv.values.get(keyOf(token));
        gate.kv.faults.set(keyOf(token), typeof fault === "string" ? fault : () => fault(json));
        assertRefused(await present(token), 503, "store_unavailable");
        gate.kv.faults.delete(keyOf(token));
      });

      test(`${name} for the settings: 503`, async () => {
        const workspace = anyWorkspace();
        const value = JSON.stringify({ v: 1, rev: 1, st: "a" });
        const broken = typeof fault === "string" ? fault : () => fault(value);
        gate.kv.faults.set(`w/${workspace}`, broken);
        assertRefused(await present(inKv({ ws: workspace })), 503, "store_unavailable");
      });
    }

    test("that has come back opens at once", async () => {
      const token = inKv({});
      gate.kv.faults.set(keyOf(token), "throws");
      assertRefused(await present(token), 503, "store_unavailable");
      gate.kv.faults.delete(keyOf(token));
      await assertOpen(token);
    });

    test("that takes longer than what it says is believed still decides the request", async () => {
      const token = inKv({});
      const json = gate.kv.values.get(keyOf(token));
      gate.kv.faults.set(keyOf(token), () => pause(6 * SECOND).then(() => json));
      await assertOpen(token);
      gate.kv.faults.delete(keyOf(token));
    });

    test("that answers with an older rev is not believed", async () => {
      const token = inKv({ rev: 2, st: "r" });
      assertRefused(await present(token), 401, "token_revoked", [INVALID_TOKEN, BASIC]);
      gate.kv.values.set(keyOf(token), makeRecord(token, { ...SCOPES, rev: 1 }));
      await pause(5.5 * SECOND);
      const readBefore = gate.kv.reads.filter((key) => key === keyOf(token)).length;
      assertRefused(await present(token), 401, "token_revoked", [INVALID_TOKEN, BASIC]);
      assert.ok(gate.kv.reads.filter((key) => key === keyOf(token)).length > readBefore);
      gate.kv.values.set(keyOf(token), makeRecord(token, { ...SCOPES, rev: 3 }));
      await pause(5.5 * SECOND);
      await assertOpen(token);
    });

    test("that says “not found” of a known token makes the gate ask the ledger", async () => {
      const token = inKv({});
      await assertOpen(token);
      gate.kv.faults.set(keyOf(token), () => undefined);
      records.set(digestOf(token), "throws");
      await pause(5.5 * SECOND);
      assertRefused(await present(token), 503, "store_unavailable");
      records.set(digestOf(token), { record: makeRecord(token, { ...SCOPES, rev: 2, st: "d" }) });
      assertRefused(await present(token), 401, "token_disabled", [INVALID_TOKEN, BASIC]);
    });

    test("that throws does not touch public routes, and no credential needs no KV", async () => {
      const [open, missing] = await Promise.all([
        rawRequest({ port: gate.port, target: "/public/hello" }),
        rawRequest({ port: gate.port, target: "/api/v1/jobs/" }),
      ]);
      assert.deepEqual([open.status, missing.status], [200, 401]);
    });
  });

  describe("the ledger", CONCURRENT, () => {
    for (const [name, reply] of [
      ["throws", "throws"],
      ["hangs", "hangs"],
      ["answers 500", 500],
      ["answers nothing", ""],
      ["answers junk", "junk"],
      ["answers an empty object", {}],
      ["answers null", "null"],
      ["answers a list", []],
      ["answers junk as the record", { record: "junk" }],
      ["answers an object as the record", { record: { v: 1, st: "a" } }],
      ["answers settings instead", { settings: '{"v":1,"rev":1}' }],
    ]) {
      test(`${name}: 503, for an unknown and for a strict token`, async () => {
        for (const token of [makeToken(), inKv({ strict: true })]) {
          records.set(digestOf(token), reply);
          assertRefused(await present(token), 503, "store_unavailable");
          if (reply === "hangs") return;
        }
      });
    }

    test("that has come back opens at once", async () => {
      const token = makeToken();
      records.set(digestOf(token), "throws");
      assertRefused(await present(token), 503, "store_unavailable");
      records.set(digestOf(token), { record: makeRecord(token, SCOPES) });
      await assertOpen(token);
    });

    test("is not asked where the rate limiter throws", async () => {
      const token = makeToken({ hint: "Thrw" });
      records.set(digestOf(token), { record: makeRecord(token, SCOPES) });
      assertRefused(await present(token), 503, "store_unavailable");
      const { calls } = ledger;
      assert.ok(!calls.some(({ command }) => command.lookup?.digest === digestOf(token)));
    });
  });

  describe("the directory, where KV has no settings", CONCURRENT, () => {
    for (const [name, reply] of [
      ["throws", "throws"],
      ["hangs", "hangs"],
      ["answers 500", 500],
      ["answers junk", "junk"],
      ["answers an empty object", {}],
      ["answers junk as the settings", { settings: "junk" }],
    ]) {
      test(`${name}: 503`, async () => {
        const workspace = anyWorkspace();
        settings.set(`d/${workspace}`, reply);
        assertRefused(await present(inKv({ ws: workspace })), 503, "store_unavailable");
      });
    }
  });

  describe("settings", CONCURRENT, () => {
    const publish = (workspace, value) =>
      gate.kv.values.set(`w/${workspace}`, JSON.stringify({ v: 1, rev: 1, ...value }));

    test("that switch tokens off keep every token out", async () => {
      const workspace = "w22";
      publish(workspace, { authentication: false });
      assertRefused(await present(inKv({ ws: workspace })), 403, "authentication_disabled");
    });

    test("that switch creation off let nobody create", async () => {
      const workspace = "w23";
      publish(workspace, { creation: false });
      const headers = [["Authorization", basic("operator", gate.operatorKey)]];
      const target = `/gatepass/api/tokens?workspace=${workspace}`;
      const create = { port: gate.port, method: "POST", target, headers, body: '{"name":"a"}' };
      assertRefused(await rawRequest(create), 403, "creation_disabled");
      const token = inKv({ ws: workspace, sc: ["jobs:read", "tokens"] });
      const own = { ...create, headers: [["Authorization", `Bearer ${token}`]] };
      assertRefused(await rawRequest(own), 403, "creation_disabled");
      await assertOpen(token);
    });
  });

  describe("the management API", CONCURRENT, () => {
    const operator = () => ["Authorization", basic("operator", gate.operatorKey)];
    const json = ["Content-Type", "application/json"];
    const create = (options) =>
      rawRequest({
        port: gate.port,
        method: "POST",
        target: "/gatepass/api/tokens",
        headers: [operator(), json],
        timeout: DEADLINE,
        ...options,
      });
    const BODY = JSON.stringify({ name: "a", user: { id: "ada", email: "ada@example.com" } });

    test("creates nothing where the directory or the ledger fails", async () => {
      assertRefused(await create({ body: BODY }), 503, "store_unavailable");
    });

    test("gives up a body that never ends", async () => {
      const begun = performance.now();
      const length = [operator(), json, ["Content-Length", "1000"]];
      const chunked = [operator(), json, ["Transfer-Encoding", "chunked"]];
      const answers = await Promise.all([
        create({ headers: length, body: "{" }),
        create({ headers: chunked, body: "1\r\n{\r\n" }),
      ]);
      for (const { status, text } of answers) assert.ok([408, 503].includes(status), text);
      assert.ok(performance.now() - begun < DEADLINE);
    });

    test("RFC 9110 §15.5.14: refuses a body of 1 MB, whether its length is told or not", async () => {
      const body = JSON.stringify({ name: "a".repeat(2 ** 20) });
      assertRefused(await create({ body }), 413, "invalid_request");
      const chunked = [operator(), json, ["Transfer-Encoding", "chunked"]];
      const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      assertRefused(await create({ headers: chunked, body: chunks }), 413, "invalid_request");
    });

    test("survives 200 KB of headers", async () => {
      const many = Array.from({ length: 200 }, (_, i) => [`X-${i}`, "a".repeat(1000)]);
      const token = inKv({});
      const answer = await present(token, { headers: [["X-API-Key", token], ...many] });
      assert.equal(answer.status, 200, answer.text);
    });
  });
});

test("an upstream Worker that throws is 502", async () => {
  const answer = await present(inKv({}), { target: "/fail" });
  const { detail } = assertRefused(answer, 502, "upstream_unavailable");
  assert.ok(!detail.includes("as asked"));
});

test("after all that the gate still opens and closes", async () => {
  await assertOpen(inKv({}));
  assertRefused(await present(inKv({ st: "r" })), 401, "token_revoked", [INVALID_TOKEN, BASIC]);
  assert.doesNotMatch(gate.output(), /panicked|unreachable|code had hung/);
});

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
