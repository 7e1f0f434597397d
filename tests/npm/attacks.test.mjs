// What somebody might try who means no good, at the package as it is built.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { startWorkerd } from "../support/workerd.mjs";

const DIST = inRoot("npm", "dist");
const { challenge, createGate, generateToken, openSession, parseToken } = await import(
  `${DIST}/index.js`
);
const { memoryStore } = await import(`${DIST}/stores/memory.js`);

const EMBEDS = {
  apps: [{ id: "jobs", allowedOrigins: ["https://portal.example"] }],
  embedHost: "*.embed.example",
  sessionKeys: `k1:${Buffer.alloc(32, 7).toString("base64")}`,
};

let logged;
beforeEach(() => {
  logged = [];
  mock.method(console, "error", (line) => logged.push(line));
});
afterEach(() => mock.restoreAll());

/** The code of a refusal; what it is for, if it is none. */
async function outcome(decision) {
  const { allowed, response } = await decision;
  return allowed ? "allowed" : (await response.json()).code;
}

const withKey = (token, url = "https://gate.example/x") =>
  new Request(url, { headers: { "x-api-key": token } });

/** A store without a step that replaces, as Workers KV is one. */
function eventual(store = memoryStore()) {
  const { get, put, list } = store;
  return { get, put, list };
}

describe("A request that is no standard Request", async () => {
  const gate = createGate({ store: memoryStore(), routes: [{ path: "/open", public: true }] });
  const bound = await gate.tokens.create({
    ...{ name: "Bound", user: { id: "ada" }, allowedIps: ["192.0.2.1"] },
  });
  const free = await gate.tokens.create({ name: "Free", user: { id: "ada" } });
  const FORGED = "x\ncf-connecting-ip:192.0.2.1";
  const ask = (more) => gate.check({ method: "GET", url: "https://gate.example/x", ...more });

  test("forges no fact by a line feed, however its headers are listed", async () => {
    const pairs = [
      ["x-api-key", bound.token],
      ["origin", FORGED],
    ];
    let reads = 0;
    for (const headers of [
      pairs,
      new Map(pairs),
      pairs.values(),
      [pairs[0], ["origin", [FORGED]]],
      [pairs[0], [FORGED, "x"]],
    ]) {
      assert.equal(await outcome(ask({ headers })), "store_unavailable");
    }
    const changing = { get: () => (reads++ ? [] : pairs), enumerable: true };
    const request = Object.defineProperty({}, "headers", changing);
    request.method = "GET";
    request.url = "https://gate.example/x";
    assert.equal(await outcome(gate.check(request)), "store_unavailable");
    const headers = pairs.slice(0, 1);
    const method = `GET\nhttps://gate.example/x\n${FORGED}`;
    assert.equal(await outcome(ask({ headers, method })), "store_unavailable");
    const url = `https://gate.example/\n${FORGED}`;
    assert.equal(await outcome(ask({ headers, url })), "invalid_request");
  });

  test("brings no secret into the log", async () => {
    const headers = [["x-api-key", `${bound.token}\0`]];
    assert.equal(await outcome(ask({ headers })), "store_unavailable");
    assert.equal(logged.length, 1);
    assert.ok(!logged[0].includes(bound.token), logged[0]);
  });

  test("nor by the address, which goes for a Request too", async () => {
    for (const address of ["192.0.2.2\nx:", "\ncf-connecting-ip:192.0.2.1"]) {
      const decision = gate.check(withKey(bound.token), { address });
      assert.equal(await outcome(decision), "store_unavailable");
    }
  });

  test("passes nothing on because a name is in capitals, or stands twice", async () => {
    const secrets = [
      ["Cookie", "__Host-gp-abcdefghij234567=secret; a=1"],
      ["Referer", `https://x.example/?${free.token}`],
      ["cookie", `b=${free.token}`],
      ["authorization", "Other 1"],
      ["Authorization", `Bearer ${free.token}`],
    ];
    const decision = await ask({ url: "https://gate.example/open", headers: secrets });
    const seen = Object.fromEntries(decision.headers);
    assert.deepEqual(seen, {
      cookie: "a=1",
      "x-forwarded-host": "gate.example",
      "x-forwarded-proto": "https",
    });
  });

  test("acts for nobody from a page of another site, whatever the case", async () => {
    const headers = [
      ["authorization", `Basic ${btoa(`:${free.token}`)}`],
      ["Sec-Fetch-Site", "cross-site"],
    ];
    assert.equal(await outcome(ask({ method: "POST", headers })), "cross_site");
  });
});

describe("A store whose reads may be old", () => {
  test("shows nobody that a token is another workspace's", async () => {
    const store = eventual();
    const workspaces = [
      { name: "a", hosts: ["a.example"] },
      { name: "b", hosts: ["b.example"] },
    ];
    const gate = createGate({ store, workspaces });
    const user = { id: "ada" };
    const { token } = await gate.tokens.create({ name: "A", user, workspace: "a" });
    assert.equal(await outcome(gate.check(withKey(token, "https://a.example/"))), "allowed");
    for (const presented of [token, generateToken("pat", "ada", "a")]) {
      const decision = gate.check(withKey(presented, "https://b.example/"));
      assert.equal(await outcome(decision), "token_unknown");
    }
  });

  test("lets in no token that is strict", async () => {
    const store = memoryStore();
    const made = await createGate({ store }).tokens.create({
      ...{ name: "Strict", user: { id: "ada" }, strict: true },
    });
    const gate = createGate({ store: eventual(store) });
    assert.equal(await outcome(gate.check(withKey(made.token))), "store_unavailable");
  });

  test("opens to no revoked token, whatever it answers for a while", async () => {
    const values = new Map();
    const kept = new Map();
    let answer = (key) => values.get(key);
    const store = {
      get: (key) => answer(key) ?? null,
      put: (key, value) => void values.set(key, value),
      list: () => ({ keys: [], cursor: null }),
    };
    let now = Date.now();
    mock.method(Date, "now", () => now);
    const gate = createGate({ store });
    const { id, token } = await gate.tokens.create({ name: "Old", user: { id: "ada" } });
    for (const [key, value] of values) kept.set(key, value);
    await createGate({ store }).tokens.revoke(id);
    const answers = [
      [(key) => values.get(key), "token_revoked"],
      [() => null, "token_unknown"],
      [(key) => kept.get(key), "token_revoked"],
    ];
    for (const [then, code] of answers) {
      answer = then;
      assert.equal(await outcome(gate.check(withKey(token))), code);
      now += 6000;
    }
  });
});

describe("What leaves through guard", () => {
  test("lets no cache before the gate keep an answer for others", async () => {
    const gate = createGate({ store: memoryStore() });
    const { token } = await gate.tokens.create({ name: "Cached", user: { id: "ada" } });
    const decision = await gate.check(withKey(token));
    for (const name of [
      "akamai-cache-control",
      "cdn-cache-control",
      "cloudflare-cdn-cache-control",
      "deno-cdn-cache-control",
      "edge-control",
      "netlify-cdn-cache-control",
      "surrogate-control",
      "vercel-cdn-cache-control",
      "x-accel-expires",
    ]) {
      const answer = decision.guard(new Response("x", { headers: { [name]: "max-age=600" } }));
      assert.equal(answer.headers.get(name), null, name);
      assert.equal(answer.headers.get("cache-control"), "private");
    }
  });

  test("in Workers the answer that opens a socket is confined to its place, too", async () => {
    const modules = {
      "worker.mjs": `export { default } from "./socket.mjs";`,
      "socket.mjs": `
        import { createGate } from "./index.workerd.js";
        const values = new Map();
        const store = {
          get: (key) => values.get(key) ?? null,
          put: (key, value) => void values.set(key, value),
          list: () => ({ keys: [], cursor: null }),
        };
        const frame = { "sec-fetch-dest": "iframe", "sec-fetch-mode": "navigate" };
        async function guarded() {
          const gate = createGate({ store, ...${JSON.stringify(EMBEDS)} });
          const { embedUrl } = await gate.tokens.create({
            name: "Socket", user: { id: "ada" }, kind: "embed", app: "jobs",
          });
          const { response } = await gate.check(new Request(embedUrl, { headers: frame }));
          const [cookie] = response.headers.get("set-cookie").split(";");
          const { origin } = new URL(embedUrl);
          const headers = { cookie, origin, upgrade: "websocket" };
          const decision = await gate.check(new Request(origin + "/socket", { headers }));
          const { 0: webSocket } = new WebSocketPair();
          const set = { "set-cookie": "a=1; Domain=embed.example" };
          return decision.guard(new Response(null, { status: 101, webSocket, headers: set }));
        }
        export default {
          async fetch() {
            const { status, webSocket, headers } = await guarded();
            return Response.json({ status, open: !!webSocket, cookie: headers.get("set-cookie") });
          },
        };`,
    };
    for (const name of await readdir(DIST)) {
      if (/^(index\.workerd|shared-.*)\.js$/.test(name) || name === "gatepass.wasm") {
        modules[name] = await readFile(
          `${DIST}/${name}`,
          name.endsWith(".js") ? "utf8" : undefined,
        );
      }
    }
    const workerd = await startWorkerd({ workers: [{ name: "gate", modules }] });
    try {
      assert.deepEqual(await (await fetch(workerd.url)).json(), {
        ...{ status: 101, open: true, cookie: "a=1; Secure; SameSite=None; Partitioned" },
      });
    } finally {
      await workerd.stop();
    }
  });
});

describe("What callers give", () => {
  test("is a text where one is expected, or refused by name", async () => {
    const { tokens } = createGate({ store: memoryStore() });
    for (const junk of [5, {}, [], true, null]) {
      for (const field of ["user", "workspace", "cursor"]) {
        await assert.rejects(tokens.list({ [field]: junk }), { code: "invalid_field", field });
      }
      const made = { name: "x", user: { id: "ada" }, workspace: junk };
      await assert.rejects(tokens.create(made), { code: "invalid_field", field: "workspace" });
      assert.throws(() => generateToken("pat", junk), { code: "invalid_field", field: "user" });
      assert.throws(() => openSession("x", junk), { code: "invalid_field", field: "keys" });
      assert.throws(() => challenge("insufficient_scope", junk), { field: "scope" });
      assert.equal(parseToken(junk), null);
    }
    assert.throws(() => generateToken("embd", "ada"), { code: "invalid_field", field: "kind" });
  });

  test("ends no header of a challenge before its time", () => {
    for (const scope of ["a\r\nset-cookie:x=1", "a\nb", "a\tb", 'a"b']) {
      assert.throws(() => challenge("insufficient_scope", scope), { field: "scope" }, scope);
    }
    assert.match(challenge("insufficient_scope", " a  b "), /scope=" a {2}b "$/);
  });

  test("opens no route because JSON has no word for it", () => {
    const store = memoryStore();
    for (const scopes of [undefined, () => ["jobs"], Symbol("jobs")]) {
      const routes = [{ path: "/x", scopes }];
      const wrong = { code: "config_invalid", field: "scopes" };
      assert.throws(() => createGate({ store, routes }), wrong);
    }
    assert.throws(() => createGate({ store, routes: () => [] }), { field: "routes" });
    createGate({ store, routes: undefined });
  });
});

test("In its place an embed asks for every path, and has no scope of its own", async () => {
  const routes = [{ path: "/admin/*", scopes: ["admin"] }];
  const gate = createGate({ store: memoryStore(), routes, ...EMBEDS });
  const { embedUrl } = await gate.tokens.create({
    ...{ name: "Jobs", user: { id: "ada" }, kind: "embed", app: "jobs" },
  });
  const frame = { "sec-fetch-dest": "iframe", "sec-fetch-mode": "navigate" };
  const { response } = await gate.check(new Request(embedUrl, { headers: frame }));
  const cookie = response.headers.get("set-cookie").split(";")[0];
  const { origin } = new URL(embedUrl);
  const headers = { cookie, "sec-fetch-site": "same-origin" };
  const { identity } = await gate.check(new Request(`${origin}/admin/x`, { headers }));
  assert.deepEqual([identity.kind, identity.app, identity.scopes], ["embed", "jobs", []]);
  const elsewhere = new Request("https://gate.example/admin/x", { headers });
  assert.equal(await outcome(gate.check(elsewhere)), "token_missing");
});

test("A list that a store cannot give is no empty one", async () => {
  const wrong = [undefined, null, {}, { keys: null }, { keys: "i/x", cursor: null }];
  wrong.push({ keys: [1], cursor: null }, { keys: [] }, { keys: [], cursor: {} });
  for (const answer of wrong) {
    const { tokens } = createGate({ store: { ...memoryStore(), list: () => answer } });
    await assert.rejects(tokens.list(), { code: "store_unavailable" });
  }
});
