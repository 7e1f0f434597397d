import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gateModules, startRawGate } from "../support/gate.mjs";
import { startWorkerd } from "../support/workerd.mjs";

// A Worker that is bound to the gate and calls whatever it is told to.
const CALLER = `
  export default {
    async fetch(request, env) {
      const { binding, object, name, args, get } = await request.json();
      const target = object ? env[binding].getByName(object) : env[binding];
      try {
        const value = get ? await target[name] : await target[name](...args);
        const text = value instanceof Response ? "Response " + value.status : typeof value;
        return Response.json({ value: text, keys: Object.keys(Object(value)) });
      } catch (error) {
        return Response.json({ error: String(error) });
      }
    }
  };`;

const FUNCTIONS = [
  ...["check", "learn", "manage", "configure", "refuse", "readHeaders", "read_headers", "core"],
  ...["forward", "privately", "settle", "decide", "respond", "object", "Ledger", "Directory"],
  ...["instance", "glue", "gate", "initSync", "default", "env", "ctx", "mistake", "alarm"],
  ...["__wbg_reset_state", "__proto__", "constructor", "prototype", "hasOwnProperty", "toString"],
  ...["valueOf", "isPrototypeOf", "__defineGetter__", "__lookupGetter__", "then", "apply", "call"],
];

let gate;
before(async () => {
  gate = await startRawGate({
    workers: [
      {
        name: "caller",
        modules: { "worker.js": CALLER },
        bindings: {
          GATE: { service: "gatepass" },
          LEDGER: { durableObject: "Ledger", worker: "gatepass" },
          DIRECTORY: { durableObject: "Directory", worker: "gatepass" },
        },
      },
    ],
    sockets: { caller: "caller" },
  });
  await gate.createToken();
});
after(() => gate?.stop());

async function call(options) {
  const url = `http://127.0.0.1:${gate.ports.caller}`;
  const body = JSON.stringify({ args: [], ...options });
  return (await fetch(url, { method: "POST", body })).json();
}

for (const [where, target, command] of [
  ["the gate's default entrypoint", { binding: "GATE" }],
  ["a ledger", { binding: "LEDGER", object: "l/AbCd" }, { lookup: { digest: "0".repeat(64) } }],
  ["a directory", { binding: "DIRECTORY", object: "d/default" }, { settings: {} }],
]) {
  describe(`over RPC, of ${where}`, () => {
    for (const name of FUNCTIONS) {
      test(`${name} cannot be called or read`, async () => {
        const argument = JSON.stringify({ UPSTREAM: "https://evil.example" });
        for (const options of [
          { name, args: [] },
          { name, args: [argument, []] },
          { name, get: true },
        ]) {
          const outcome = await call({ ...target, ...options });
          const harmless = isLocal(name, outcome);
          assert.ok(outcome.error !== undefined || harmless, JSON.stringify(outcome));
        }
      });
    }

    test("only fetch answers", async () => {
      const init = command && { method: "POST", body: JSON.stringify(command) };
      const args = ["https://gatepass/gatepass/healthz", init];
      const outcome = await call({ ...target, name: "fetch", args });
      assert.equal(outcome.value, "Response 200");
    });
  });
}

// What every stub has on the caller's own side, and so says nothing of the callee.
function isLocal(name, { value }) {
  const local = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf"];
  local.push("isPrototypeOf", "__defineGetter__", "__lookupGetter__", "then", "prototype");
  return (
    local.includes(name) && ["object", "function", "string", "boolean", "undefined"].includes(value)
  );
}

test("the default export has fetch and nothing else", async () => {
  const probe = `import gate from "./src/worker/entry.js";
    export default { fetch: () => Response.json(Reflect.ownKeys(gate)) };`;
  const modules = { "probe.js": probe, ...gateModules() };
  const workerd = await startWorkerd({ workers: [{ name: "probe", modules }] });
  try {
    assert.deepEqual(await (await fetch(workerd.url)).json(), ["fetch"]);
  } finally {
    await workerd.stop();
  }
});

test("and afterwards the gate works as before", async () => {
  const { token } = await gate.createToken();
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${gate.url}/api/v1/jobs/`, { headers });
  assert.equal(answer.status, 200);
});
