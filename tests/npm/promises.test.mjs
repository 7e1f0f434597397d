// What the package promises of its own shell, in Node: one crossing, no leak, and shut whenever
// something fails.

import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { given, STORE } from "../support/vectors.mjs";
import { makeProjectInside } from "./conformance/runtimes.mjs";
import { wasm } from "./conformance/watched.mjs";

const { ada, grace, frame, single, unknown } = given.tokens;
const JUNK = [1, true, {}, [], new Uint8Array(1), Symbol("x"), "", "null", "{}", "[]", "<html>"];

let project;
let createGate;
before(async () => {
  project = await makeProjectInside();
  ({ createGate } = await import(pathToFileURL(join(project.folder, "gatepass.mjs"))));
});
after(() => project?.remove());

/** A store in memory; `faults` has functions that stand in for its own. */
function makeStore(faults = {}) {
  const values = new Map(STORE);
  return {
    reads: 0,
    get(key) {
      this.reads++;
      return values.get(key) ?? null;
    },
    put: (key, value) => void values.set(key, value),
    replace: (key, before, after) => values.get(key) === before && !!values.set(key, after),
    list: () => ({ keys: [], cursor: null }),
    ...faults,
  };
}

const makeGate = (store = makeStore()) =>
  createGate({
    store,
    ...given.options.embeds,
    routes: given.options.programs.routes,
  });

const bearer = ({ token }, path = "/any") =>
  new Request(`https://gate.example${path}`, { headers: { authorization: `Bearer ${token}` } });

const entry = ({ token }) =>
  new Request(
    `https://${given.texts.place}.embed.example/embed-apps/jobs?personal-access-token=${token}`,
    { headers: given.by.frame },
  );

/** Asserts that the gate is shut: 503 with these words, and no way in. */
async function assertShut(decision, detail = "the token store could not be read") {
  assert.equal(decision.allowed, false);
  const { response } = decision;
  const text = await response.text();
  assert.equal(response.status, 503, text);
  assert.equal(response.headers.get("retry-after"), "5");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(response.headers.getSetCookie(), []);
  assert.ok(text.includes(detail), text);
}

const UNDECIDED = "the gate could not decide";

/** Keeps what is logged: the lines, when they are asked for. */
function logged(context) {
  const { mock } = context.mock.method(console, "error", () => {});
  return () => mock.calls.map((call) => call.arguments.join(" "));
}

/** The names of the core's own functions that were called, without the memory's. */
const crossings = () => wasm.calls.filter((name) => !name.startsWith("__wbindgen"));

describe("a check of a token whose record is at hand", () => {
  test("crosses into WebAssembly once, and reads nothing", async () => {
    const store = makeStore();
    const gate = makeGate(store);
    await gate.check(bearer(ada));
    store.reads = 0;
    wasm.calls.length = 0;
    const decision = await gate.check(bearer(ada, "/api/v1/jobs?page=2"));
    assert.deepEqual(crossings(), ["check"]);
    assert.equal(decision.identity.tokenId, ada.id);
    assert.equal(decision.headers.get("gatepass-user"), "ada");
    assert.equal(decision.guard(new Response()).headers.get("cache-control"), "private");
    assert.deepEqual(crossings(), ["check"]);
    assert.equal(store.reads, 0);
  });

  test("crosses once to be refused, too", async () => {
    const gate = makeGate();
    await gate.check(bearer(ada));
    wasm.calls.length = 0;
    const decision = await gate.check(bearer(ada, "/reports"));
    assert.equal(decision.response.status, 403);
    assert.deepEqual(crossings(), ["check"]);
  });

  test("takes no memory that stays", async () => {
    setFlagsFromString("--expose_gc");
    const collect = runInNewContext("gc");
    const gate = makeGate();
    const check = async (times) => {
      for (let i = 0; i < times; i++) {
        const decision = await gate.check(bearer(i % 2 ? ada : grace, `/any/${i}?a=${i}`));
        assert.ok(decision.identity && decision.headers);
        const refused = await gate.check(bearer({ token: `pat_${i}` }));
        await refused.response.text();
      }
      wasm.calls.length = 0;
      await turn();
      collect();
      return { heap: process.memoryUsage().heapUsed, bytes: wasm.bytes() };
    };
    const warm = await check(5_000);
    const later = await check(10_000);
    assert.equal(later.bytes, warm.bytes);
    const grown = later.heap - warm.heap;
    assert.ok(grown < 1_000_000, `${grown} bytes by 20,000 checks`);
  });
});

describe("a trap in WebAssembly", () => {
  const trap = () => new WebAssembly.RuntimeError("unreachable");

  test("shuts the gate for that request, and the next one gets a fresh instance", async (t) => {
    const log = logged(t);
    const gate = makeGate();
    assert.ok((await gate.check(bearer(ada))).allowed);
    const { instances } = wasm;
    wasm.faults.set("check", trap());
    await assertShut(await gate.check(bearer(ada)), UNDECIDED);
    assert.equal(wasm.instances, instances);
    assert.ok((await gate.check(bearer(ada))).allowed);
    assert.equal(wasm.instances, instances + 1);
    assert.ok((await gate.check(bearer(ada))).allowed);
    assert.equal(wasm.instances, instances + 1);
    assert.deepEqual(log(), ['{"gatepass":"shut","error":"RuntimeError","message":"unreachable"}']);
  });

  for (const [name, request] of [
    ["learn", () => bearer(ada)],
    ["enter", () => entry(frame)],
  ]) {
    test(`does so in the middle of a request, too: ${name}`, async (t) => {
      logged(t);
      const gate = makeGate();
      wasm.faults.set(name, trap());
      const words = name === "enter" ? "The app could not be opened just now." : undefined;
      await assertShut(await gate.check(request()), words);
      const decision = await gate.check(request());
      assert.ok(decision.allowed || decision.response.status === 303);
    });
  }
});

describe("a store that fails shuts the gate, and says nothing of what was presented", () => {
  const failing = {
    "throws at once": () => {
      throw new Error("no connection");
    },
    "throws later": async () => {
      throw new Error("no connection");
    },
    "throws what is no error": () => Promise.reject("no connection"),
  };
  for (const [name, get] of Object.entries(failing)) {
    test(`one that ${name}`, async (t) => {
      const log = logged(t);
      const gate = makeGate(makeStore({ get }));
      await assertShut(await gate.check(bearer(ada)));
      await assertShut(await gate.check(entry(frame)), "The app could not be opened just now.");
      assert.equal(log().length, 2);
      for (const { token } of [ada, frame]) assert.ok(!log().join().includes(token.slice(-12)));
    });
  }

  test("one that fails for a moment opens again after it", async (t) => {
    logged(t);
    const store = makeStore();
    const { get } = store;
    const gate = makeGate(store);
    store.get = failing["throws later"];
    await assertShut(await gate.check(bearer(ada)));
    store.get = get;
    assert.ok((await gate.check(bearer(ada))).allowed);
  });

  for (const what of ["the record", "the settings"]) {
    const key = what === "the settings" ? "w/" : "t/";
    test(`one that answers junk for ${what}`, async (t) => {
      logged(t);
      for (const junk of JUNK) {
        const values = new Map(STORE);
        const get = (name) => (name.startsWith(key) ? junk : (values.get(name) ?? null));
        await assertShut(await makeGate(makeStore({ get })).check(bearer(ada)));
      }
    });
  }

  test("one that has nothing knows no token", async () => {
    for (const nothing of [null, undefined]) {
      const gate = makeGate(makeStore({ get: () => nothing }));
      const { response } = await gate.check(bearer(unknown));
      assert.equal(response.status, 401);
      assert.equal((await response.json()).code, "token_unknown");
    }
  });

  test("one that cannot say whether it used a token up opens no session", async (t) => {
    logged(t);
    for (const junk of [undefined, null, 1, "true", {}]) {
      const gate = makeGate(makeStore({ replace: () => junk }));
      await assertShut(await gate.check(entry(single)), "The app could not be opened just now.");
    }
    const gate = makeGate(makeStore({ replace: failing["throws later"] }));
    await assertShut(await gate.check(entry(single)), "The app could not be opened just now.");
  });

  test("one in which another request used the token up first opens no session", async () => {
    const store = makeStore();
    const { replace } = store;
    store.replace = (key, before, after) => replace(key, before, after) && false;
    const { response } = await makeGate(store).check(entry(single));
    assert.equal(response.status, 401);
    assert.match(await response.text(), /data-code="token_used"/);
  });

  test("of many entries at once with a token for single use one opens", async () => {
    const gate = makeGate();
    const decisions = await Promise.all(
      Array.from({ length: 20 }, () => gate.check(entry(single))),
    );
    const statuses = decisions.map(({ response }) => response.status);
    assert.equal(statuses.filter((status) => status === 303).length, 1);
    assert.equal(statuses.filter((status) => status === 401).length, 19);
  });

  test("one that hangs is given up after ten seconds, and what it says later is too late", async (t) => {
    logged(t);
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let answer;
    const hanging = new Promise((resolve) => (answer = resolve));
    const store = makeStore();
    const { get } = store;
    store.get = (key) => hanging.then(() => get.call(store, key));
    const gate = makeGate(store);
    let decision;
    gate.check(bearer(ada)).then((decided) => (decision = decided));
    t.mock.timers.tick(9_999);
    await turn();
    assert.equal(decision, undefined);
    t.mock.timers.tick(1);
    await turn();
    await assertShut(decision ?? { allowed: "not yet decided" });
    answer();
    await turn();
    assert.equal(decision.allowed, false);
  });
});

test("a request whose headers hold a line feed is no request: nobody is deceived by it", async (t) => {
  logged(t);
  const gate = makeGate();
  const forged = (headers, more = {}) => ({
    ...{ method: "GET", url: "https://gate.example/any", headers, ...more },
  });
  for (const request of [
    forged([["accept", `x\nauthorization:Bearer ${ada.token}`]]),
    forged([[`accept:\nauthorization`, `Bearer ${ada.token}`]]),
    forged([], { method: `GET\nhttps://gate.example/public/x` }),
    forged([["referer", "x\ncf-connecting-ip:192.0.2.7"]]),
  ]) {
    await assertShut(await gate.check(request), UNDECIDED);
  }
  const context = { address: `192.0.2.7\nauthorization:Bearer ${ada.token}` };
  await assertShut(await gate.check(forged([]), context), UNDECIDED);
});
