import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startWorkerd } from "./support/workerd.mjs";

const module = (body) => ({
  "worker.js": `import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";\n${body}`,
});

async function running(t, options) {
  const workerd = await startWorkerd(options);
  t.after(() => workerd.stop());
  return workerd;
}

const answers = (body) => module(`export default { async fetch(request, env) { ${body} } };`);

test("text, JSON and data bindings reach the Worker", async (t) => {
  const odd = 'a"b\\c\n\x01 é 🙂';
  const { url } = await running(t, {
    workers: [
      {
        name: "main",
        modules: answers("return Response.json([env.TEXT, env.JSON, new Uint8Array(env.DATA)[1]])"),
        bindings: {
          TEXT: odd,
          JSON: { json: { odd } },
          DATA: { data: new Uint8Array([1, 2]) },
        },
      },
    ],
  });
  const answer = await (await fetch(url)).json();
  assert.deepEqual(answer, [odd, { odd }, 2]);
});

test("service bindings reach a Worker's default and named entrypoints", async (t) => {
  const { url, ports } = await running(t, {
    workers: [
      {
        name: "main",
        modules: answers(`
          const answer = await env.OTHER.fetch(request);
          return Response.json([await answer.text(), await env.ADDER.add(1, 2)]);`),
        bindings: {
          OTHER: { service: "other" },
          ADDER: { service: "other", entrypoint: "Adder" },
        },
      },
      {
        name: "other",
        modules: module(`
          export default { fetch: () => new Response("other") };
          export class Adder extends WorkerEntrypoint {
            add(a, b) { return a + b; }
          }`),
      },
    ],
    sockets: { http: "main", direct: "other" },
  });
  assert.deepEqual(await (await fetch(url)).json(), ["other", 3]);
  const direct = await fetch(`http://127.0.0.1:${ports.direct}`);
  assert.equal(await direct.text(), "other");
});

test("a KV namespace's operations arrive at its service", async (t) => {
  const { url } = await running(t, {
    workers: [
      {
        name: "main",
        modules: answers(`
          await env.RECORDS.put("t/a b", "value", { expirationTtl: 60 });
          const value = await env.RECORDS.get("t/a b", { cacheTtl: 30 });
          const absent = await env.RECORDS.get("absent");
          await env.RECORDS.delete("t/a b");
          const seen = await env.SEEN.fetch("http://kv/seen");
          return Response.json({ value, absent, seen: await seen.json() });`),
        bindings: {
          RECORDS: { kvNamespace: "kv" },
          SEEN: { service: "kv" },
        },
      },
      {
        name: "kv",
        modules: module(`
          const seen = [];
          const kept = new Map();
          export default { async fetch(request) {
            const { pathname, search } = new URL(request.url);
            if (pathname === "/seen") return Response.json(seen);
            seen.push(request.method + " " + pathname + search);
            if (request.method === "PUT") kept.set(pathname, await request.text());
            if (request.method === "DELETE") kept.delete(pathname);
            const value = kept.get(pathname);
            if (request.method !== "GET") return new Response();
            return new Response(value, { status: value === undefined ? 404 : 200 });
          } };`),
      },
    ],
  });
  assert.deepEqual(await (await fetch(url)).json(), {
    value: "value",
    absent: null,
    seen: [
      "PUT /t%2Fa%20b?urlencoded=true&expiration_ttl=60",
      "GET /t%2Fa%20b?urlencoded=true&cache_ttl=30",
      "GET /absent?urlencoded=true",
      "DELETE /t%2Fa%20b?urlencoded=true",
    ],
  });
});

const COUNTER = module(`
  export class Counter extends DurableObject {
    fetch() {
      const sql = this.ctx.storage.sql;
      sql.exec("CREATE TABLE IF NOT EXISTS n (at INTEGER)");
      sql.exec("INSERT INTO n VALUES (1)");
      return new Response(String(sql.exec("SELECT COUNT(*) c FROM n").one().c));
    }
  }
  export default { fetch(request, env) {
    return env.COUNTER.get(env.COUNTER.idFromName("a")).fetch(request);
  } };`);

test("a Durable Object keeps its SQLite on disk over a restart", async (t) => {
  const storage = await mkdtemp(join(tmpdir(), "gatepass-storage-"));
  t.after(() => rm(storage, { recursive: true }));
  const workers = [
    {
      name: "main",
      modules: COUNTER,
      bindings: { COUNTER: { durableObject: "Counter" } },
      durableObjects: { Counter: {} },
      storage,
    },
  ];
  for (const expected of ["1", "2"]) {
    const workerd = await startWorkerd({ workers });
    assert.equal(await (await fetch(workerd.url)).text(), expected);
    await workerd.stop();
  }
});

test("a Durable Object of another Worker starts afresh without a folder", async (t) => {
  const { url } = await running(t, {
    workers: [
      {
        name: "main",
        modules: answers(`return env.COUNTER.get(env.COUNTER.idFromName("b")).fetch(request);`),
        bindings: { COUNTER: { durableObject: "Counter", worker: "owner" } },
      },
      { name: "owner", modules: COUNTER, durableObjects: { Counter: {} } },
    ],
  });
  assert.equal(await (await fetch(url)).text(), "1");
  assert.equal(await (await fetch(url)).text(), "2");
});

test("a wasm module is compiled", async (t) => {
  // (module (func (export "answer") (result i32) i32.const 42))
  const wasm = Buffer.from(
    "0061736d010000000105016000017f03020100070a0106616e737765720000" + "0a06010400412a0b",
    "hex",
  );
  const { url } = await running(t, {
    workers: [
      {
        name: "main",
        modules: {
          "worker.js": `
            import wasm from "./answer.wasm";
            const { exports } = new WebAssembly.Instance(wasm);
            export default {
              fetch: () => new Response(String(exports.answer())),
            };`,
          "answer.wasm": wasm,
        },
      },
    ],
  });
  assert.equal(await (await fetch(url)).text(), "42");
});

test("fetch reaches loopback, a server outside, or a chosen service", async (t) => {
  const server = createServer((request, response) => response.end("outside"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = `127.0.0.1:${server.address().port}`;
  const fetches = answers(`
    const direct = await fetch("http://${address}/");
    const bound = await env.SERVER?.fetch("http://any/");
    return Response.json([await direct.text(), await bound?.text()]);`);
  const { url, ports } = await running(t, {
    workers: [
      {
        name: "main",
        modules: fetches,
        bindings: { SERVER: { service: "server" } },
      },
      { name: "caught", modules: fetches, globalOutbound: "trap" },
      { name: "trap", modules: answers(`return new Response("trap");`) },
    ],
    servers: { server: address },
    sockets: { http: "main", caught: "caught" },
  });
  assert.deepEqual(await (await fetch(url)).json(), ["outside", "outside"]);
  const caught = await fetch(`http://127.0.0.1:${ports.caught}`);
  assert.deepEqual(await caught.json(), ["trap", null]);
});

test("a Worker that cannot start is an error that says why", async () => {
  const workers = [{ name: "main", modules: module(`throw new Error("odd");`) }];
  await assert.rejects(startWorkerd({ workers }), /odd/);
});

test("stopping twice does no harm", async () => {
  const workers = [{ name: "main", modules: answers("return new Response()") }];
  const workerd = await startWorkerd({ workers });
  await workerd.stop();
  await workerd.stop();
  await assert.rejects(fetch(workerd.url));
});
