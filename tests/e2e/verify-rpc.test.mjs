// What another Worker learns of a token, by a service binding to the entrypoint `Verify`.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pause, until } from "../support/api.mjs";
import { JOBS, mint, newUser, startEmbedGate } from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { setSettings } from "../support/settings.mjs";
import { basic, keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

// It calls a method with what it is told, or with what no JSON can say. Texts of an answer come back.
const CALLER = `
  import { RpcTarget } from "cloudflare:workers";

  class Target extends RpcTarget {
    get scopes() { throw new Error("a getter of the caller"); }
    join() { return "jobs:read"; }
    toString() { return "pat_x"; }
  }
  const good = (token) => ({
    "an RPC target for a token": [new Target()],
    "a function for a token": [() => token],
    "an RPC target for options": [token, new Target()],
    "a function for options": [token, () => {}],
    "a function for scopes": [token, { scopes: () => "jobs:read" }],
    "an RPC target for scopes": [token, { scopes: new Target() }],
    "an RPC target for a scope": [token, { scopes: [new Target()] }],
    "an object with its own join": [token, { scopes: { join: () => "jobs:read", length: 1 } }],
    "a scope with its own toString": [token, { scopes: [{ toString: () => "jobs:read" }] }],
    "options whose getter throws": [token, { get scopes() { throw new Error("no"); } }],
    "options without a prototype": [token, Object.assign(Object.create(null), { scopes: [] })],
    "undefined scopes": [token, { scopes: undefined }],
    "a list with a hole": [token, { scopes: Object.assign([], { length: 1 }) }],
    "a list with many holes": [token, { scopes: Object.assign([], { length: 4e9 }) }],
    "a list of itself": [token, (() => { const scopes = []; scopes.push(scopes); return { scopes }; })()],
    "a million scopes": [token, { scopes: Array(1e6).fill("jobs:read") }],
    "a token of 10 MB": ["pat_" + "x".repeat(1e7)],
    "an app of 10 MB": [token, { app: "x".repeat(1e7) }],
    "a Map for options": [token, new Map([["scopes", ["odata"]]])],
    "bytes for a token": [new TextEncoder().encode(token)],
    "a big number for a token": [10n ** 100n],
    "a Date for an address": [token, { address: new Date() }],
    "a String object for a token": [new String(token)],
    "a stream for a token": [new Response(token).body],
    "half a surrogate for a token": ["\\ud800"],
  });

  export default {
    async fetch(request, env) {
      const { binding = "VERIFY", name = "verify", args, hostile, get } = await request.json();
      const target = env[binding];
      try {
        if (get) return Response.json({ value: typeof (await target[name]) });
        const given = hostile ? good(args[0])[hostile] : args;
        return Response.json({ value: (await target[name](...given)) ?? null });
      } catch (error) {
        return Response.json({ error: String(error) });
      }
    }
  };
  export const HOSTILE = Object.keys(good(""));`;

const HOSTILE = [...CALLER.matchAll(/^ {4}"(.*?)": \[/gm)].map(([, name]) => name);

const worker = {
  name: "caller",
  modules: { "worker.js": CALLER.replace(/\n.*export const HOSTILE.*$/, "") },
  bindings: { VERIFY: { service: "gatepass", entrypoint: "Verify" } },
};
const CALLING = { workers: [worker], sockets: { caller: "caller" } };

let gate;
before(async () => {
  const vars = { APPS: [JOBS, { id: "reports", name: "Reports" }], WORKSPACES: ["default", "off"] };
  gate = await startEmbedGate({ ...CALLING, vars, second: true });
});
after(() => gate?.stop());

/** What comes of a call: `{value}` or `{error}`. */
async function call(options, { ports } = gate) {
  const url = `http://127.0.0.1:${ports.caller}`;
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(options) });
  return answer.json();
}

async function verify(...args) {
  const outcome = await call({ args });
  assert.ok("value" in outcome, JSON.stringify(outcome));
  return outcome.value;
}

const make = (fields) => gate.createToken({ user: newUser(), ...fields });
const inactive = (code) => ({ active: false, code });

describe("a good token", () => {
  test("is active, with whose it is and what it may", async () => {
    const made = await make({ scopes: ["jobs:read", "odata"], apps: ["jobs"], expiresInDays: 3 });
    const seconds = (time) => Date.parse(time) / 1000;
    assert.deepEqual(await verify(made.token), {
      ...{ active: true, token_type: "Bearer", scope: "jobs:read odata", sub: made.user.id },
      ...{ username: made.user.email, jti: made.id, workspace: "default", apps: ["jobs"] },
      ...{ iat: seconds(made.createdAt), exp: seconds(made.expiresAt) },
    });
  });

  test("is active for scopes, an app and an address that it has", async () => {
    const { token } = await make({
      ...{ scopes: ["jobs:read", "odata"], apps: ["jobs"] },
      allowedIps: ["192.0.2.0/24", "2001:db8::/32"],
    });
    for (const options of [
      { address: "192.0.2.7" },
      { scopes: [], address: "2001:db8::7" },
      { scopes: ["odata"], app: "jobs", address: "192.0.2.7" },
      { scopes: ["jobs:read", "odata", "odata"], app: "", address: "192.0.2.255" },
    ]) {
      assert.equal((await verify(token, options)).active, true, JSON.stringify(options));
    }
  });

  test("for each app is active for whatever app", async () => {
    const { token } = await make({ apps: ["*"] });
    assert.equal((await verify(token, { app: "reports" })).active, true);
  });

  test("is active without any options", async () => {
    const { token } = await make();
    assert.equal((await verify(token)).active, true);
    assert.equal((await verify(token, {})).active, true);
  });

  test("of any workspace is one, wherever that is served", async () => {
    const body = { name: "x", user: newUser() };
    const made = await gate.api("POST", "/tokens?workspace=off", body);
    const { active, workspace } = await verify(made.body.token);
    assert.deepEqual({ active, workspace }, { active: true, workspace: "off" });
  });
});

describe("a token that is no good is not active, and why", () => {
  const CASES = {
    token_missing: async () => [""],
    token_malformed: async () => [(await make()).token.slice(0, -1)],
    token_unknown: async () => [makeToken()],
    kind_mismatch: async () => [(await mint(gate)).token],
    token_disabled: async () => {
      const { id, token } = await make();
      await gate.api("PATCH", `/tokens/${id}`, { enabled: false });
      return [token];
    },
    token_revoked: async () => {
      const { id, token } = await make();
      await gate.api("DELETE", `/tokens/${id}`);
      return [token];
    },
    token_used: async () => {
      const { id, token } = await make();
      await gate.api("POST", `/tokens/${id}/rotate`, {});
      return [token];
    },
    token_expired: async () => {
      const { id, token } = await make();
      await gate.api("POST", `/tokens/${id}/rotate`, { graceSeconds: 1 });
      await pause(2_000);
      return [token];
    },
    scope_insufficient: async () => [
      (await make({ scopes: ["jobs:read"] })).token,
      { scopes: ["jobs:read", "odata"] },
    ],
    app_mismatch: async () => [(await make({ apps: ["jobs"] })).token, { app: "reports" }],
    address_not_allowed: async () => [
      (await make({ allowedIps: ["192.0.2.0/24"] })).token,
      { address: "198.51.100.1" },
    ],
  };
  for (const [code, prepare] of Object.entries(CASES)) {
    test(code, async () => {
      assert.deepEqual(await verify(...(await prepare())), inactive(code));
    });
  }

  test("address_not_allowed where none is told, or none that is one", async () => {
    const { token } = await make({ allowedIps: ["0.0.0.0/0"] });
    for (const options of [{}, { address: "" }, { address: "somewhere" }, { address: "1.2.3" }]) {
      assert.deepEqual(await verify(token, options), inactive("address_not_allowed"));
    }
  });

  test("app_mismatch of a token for no app", async () => {
    const { token } = await make({ apps: [] });
    assert.deepEqual(await verify(token, { app: "jobs" }), inactive("app_mismatch"));
  });

  test("authentication_disabled", async () => {
    const body = { name: "x", user: newUser() };
    const { token } = (await gate.api("POST", "/tokens?workspace=off", body)).body;
    await setSettings(gate, "off", { authentication: false });
    const isOff = async () => (await verify(token)).code === "authentication_disabled";
    await until(isOff, "the switch", 40_000);
    await setSettings(gate, "off");
  });

  test("store_unavailable", async () => {
    const token = makeToken();
    gate.kv.values.set(keyOf(token), makeRecord(token));
    gate.kv.faults.set(keyOf(token), "throws");
    assert.deepEqual(await verify(token), inactive("store_unavailable"));
    gate.kv.faults.delete(keyOf(token));
    assert.equal((await verify(token)).active, true);
  });

  test("store_unavailable after ten seconds without an answer", async () => {
    const token = makeToken();
    gate.kv.faults.set(keyOf(token), "hangs");
    const begun = performance.now();
    assert.deepEqual(await verify(token), inactive("store_unavailable"));
    assert.ok(performance.now() - begun < 12_000);
  });

  test("rate_limited, where too many unknown ones come from the address", async () => {
    const limited = await startRawGate({ ...CALLING, limiter: { budget: 2 } });
    try {
      const address = "192.0.2.1";
      const codes = [];
      for (let i = 0; i < 3; i++) {
        const { value } = await call({ args: [makeToken(), { address }] }, limited);
        codes.push(value.code);
      }
      assert.deepEqual(codes, ["token_unknown", "token_unknown", "rate_limited"]);
    } finally {
      await limited.stop();
    }
  });

  test("config_invalid", async () => {
    const wrong = await startRawGate({ ...CALLING, vars: { UPSTREAM: "nowhere" } });
    try {
      const { value } = await call({ args: [makeToken()] }, wrong);
      assert.deepEqual(value, inactive("config_invalid"));
    } finally {
      await wrong.stop();
    }
  });
});

describe("a strict token", () => {
  test("is asked about at its ledger each time", async () => {
    const [strict, bounded] = [await make({ strict: true }), await make()];
    for (const { token } of [strict, bounded]) assert.equal((await verify(token)).active, true);
    await Promise.all([strict, bounded].map(revokeElsewhere));
    assert.deepEqual(await verify(strict.token), inactive("token_revoked"));
    // The other is good for as long as this isolate need not ask.
    assert.equal((await verify(bounded.token)).active, true);
    await until(async () => (await verify(bounded.token)).code === "token_revoked", "it", 40_000);
  });

  /** Revokes at an isolate that this one does not hear of. */
  async function revokeElsewhere({ id }) {
    const url = `http://127.0.0.1:${gate.ports.second}/gatepass/api/tokens/${id}`;
    const headers = { authorization: basic("operator", gate.operatorKey) };
    assert.equal((await fetch(url, { method: "DELETE", headers })).status, 204);
  }
});

describe("what is no question", () => {
  let token;
  before(async () => {
    ({ token } = await make({ scopes: ["jobs:read"], apps: ["jobs"] }));
  });

  const LINES = [
    "\n@scopes:odata",
    "x\n@identity:{}",
    "x\r\nauthorization:Bearer y",
    "\n",
    "\r",
    "\0",
    "\u2028",
    "é",
    "\t",
    "\x7f",
  ];
  for (const line of LINES) {
    test(`adds no line: ${JSON.stringify(line)}`, async () => {
      const refused = inactive("invalid_request");
      assert.deepEqual(await verify(token + line), refused);
      assert.deepEqual(await verify(line), refused);
      assert.deepEqual(await verify(token, { scopes: [`odata${line}`] }), refused);
      assert.deepEqual(await verify(token, { scopes: ["jobs:read", line] }), refused);
      assert.deepEqual(await verify(token, { app: `jobs${line}` }), refused);
      assert.deepEqual(await verify(token, { address: `192.0.2.1${line}` }), refused);
    });
  }

  for (const [what, ...args] of [
    ["no token"],
    ["null", null],
    ["a number", 5],
    ["a list", [["pat_x"]]],
    ["an object", { token: "pat_x" }],
    ["options that are null", "token", null],
    ["options that are a text", "token", "odata"],
    ["options that are a number", "token", 5],
    ["options that are a list of scopes", "token", ["odata"]],
    ["an option that is not known", "token", { scope: "odata" }],
    ["scopes that are a text", "token", { scopes: "jobs:read" }],
    ["scopes that are null", "token", { scopes: null }],
    ["scopes that are an object", "token", { scopes: { 0: "jobs:read", length: 1 } }],
    ["a scope that is a number", "token", { scopes: [5] }],
    ["a scope that is null", "token", { scopes: [null] }],
    ["a scope that is a list", "token", { scopes: [["jobs:read"]] }],
    ["a scope that is empty", "token", { scopes: [""] }],
    ["two scopes in one", "token", { scopes: ["jobs:read jobs:read"] }],
    ["51 scopes", "token", { scopes: Array(51).fill("jobs:read") }],
    ["an app that is null", "token", { app: null }],
    ["an app that is a list", "token", { app: ["jobs"] }],
    ["an address that is an object", "token", { address: {} }],
    ["a token of 4,097 characters", "x".repeat(4_097)],
  ]) {
    test(`is answered as one: ${what}`, async () => {
      if (args[0] === "token") args[0] = token;
      assert.deepEqual(await verify(...args), inactive("invalid_request"));
    });
  }

  for (const hostile of HOSTILE) {
    test(`lets nobody in and throws nothing: ${hostile}`, async () => {
      const begun = performance.now();
      const outcome = await call({ hostile, args: [token] });
      assert.ok(performance.now() - begun < 5_000, "it took long");
      if (outcome.error) {
        // What cannot be sent at all never came here.
        assert.match(outcome.error, /DataCloneError|a getter of the caller|Error: no$/);
      } else if (outcome.value.active) {
        assert.equal(hostile, "options without a prototype", "which is how they come");
      } else {
        assert.equal(outcome.value.code, "invalid_request", JSON.stringify(outcome));
      }
      assert.equal((await verify(token)).active, true, "and afterwards it works as before");
    });
  }

  test("leaves no trace of a trap or of a token", () => {
    const output = gate.output();
    assert.ok(!/RuntimeError|unreachable/.test(output), output);
    assert.ok(!output.includes(token.slice(-26)));
  });
});

describe("nothing else of it", () => {
  const NAMES = [
    ...["fetch", "connect", "alarm", "scheduled", "queue", "tail", "email", "test", "trace"],
    ...["env", "ctx", "verified", "question", "core", "decide", "gate", "check", "learn", "limits"],
    ...["configure", "refuse", "notes", "authority", "default", "Ledger", "Directory", "Verify"],
    ...["__proto__", "prototype", "hasOwnProperty", "toString", "constructor"],
  ];
  // What each stub has on the caller's own side, and so says nothing of the callee.
  const LOCAL = ["__proto__", "prototype", "hasOwnProperty", "toString", "constructor"];
  const CALLED = ["fetch", "connect"];
  for (const name of NAMES) {
    test(`can be called or read: ${name}`, async () => {
      for (const options of [{ args: [] }, { args: [JSON.stringify({})] }, { get: true }]) {
        const outcome = await call({ name, ...options });
        const isLocal = LOCAL.includes(name) || (options.get && CALLED.includes(name));
        assert.ok("error" in outcome || isLocal, JSON.stringify(outcome));
      }
    });
  }
});
