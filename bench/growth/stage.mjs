// Gatepass on raw workerd with real ledgers, into which SQL can be put.

import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { keysText, newKey } from "../../tests/support/embeds.mjs";
import { limiterWorker, startKv } from "../../tests/support/stand-ins.mjs";
import { basic } from "../../tests/support/tokens.mjs";
import { upstreamWorker } from "../../tests/support/upstream.mjs";
import { startWorkerd } from "../../tests/support/workerd.mjs";

const ROOT = new URL("../../", import.meta.url);
const ENTRY = "bench/growth/worker.js";

/** Passes SQL on to the ledger that is named in the path. */
const SQL_WORKER = `export default {
  fetch: (request, env) => env.LEDGER.getByName(new URL(request.url).pathname.slice(1)).fetch(request)
};`;

/** Starts it; its port, `api` and `output` are as those of the tests' gates. */
export async function startLedgers() {
  const kv = await startKv();
  const operatorKey = randomBytes(32).toString("base64url");
  const upstream = upstreamWorker();
  const workers = [
    gateWorker({ operatorKey, upstream: upstream.name }),
    { name: "sql", modules: { "sql.js": SQL_WORKER }, bindings: { LEDGER } },
    limiterWorker("limiter"),
    upstream,
  ];
  const workerd = await startWorkerd({
    ...{ workers, servers: { kv: kv.address } },
    sockets: { gate: "gatepass", sql: "sql" },
  }).catch(async (error) => {
    await kv.stop();
    throw error;
  });

  async function send(method, path, { headers, body, port = workerd.port } = {}) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body });
    const text = await answer.text();
    const json = /json/.test(answer.headers.get("content-type") ?? "");
    return { status: answer.status, body: json ? JSON.parse(text) : text };
  }

  return {
    port: workerd.port,
    output: workerd.stderr,
    send,
    api: (method, path, body) =>
      send(method, `/gatepass/api${path}`, {
        headers: {
          authorization: basic("operator", operatorKey),
          "content-type": "application/json",
        },
        body: body && JSON.stringify(body),
      }),
    /** Runs a statement with its values in the ledger that holds an id. */
    async sql(id, statement) {
      const path = `/l/${id.slice(0, 4)}`;
      const body = JSON.stringify(statement);
      const answer = await send("PUT", path, { body, port: workerd.ports.sql });
      if (answer.status !== 200) throw new Error(`no SQL: ${answer.body}\n${workerd.stderr()}`);
    },
    async stop() {
      await workerd.stop();
      await kv.stop();
    },
  };
}

const LEDGER = { durableObject: "Ledger", worker: "gatepass" };

function gateWorker({ operatorKey, upstream }) {
  const shipped = ["src/worker/", "build/"].flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true })
      .filter((name) => /\.(js|wasm)$/.test(name))
      .map((name) => folder + name),
  );
  return {
    name: "gatepass",
    modules: Object.fromEntries([ENTRY, ...shipped].map((name) => [name, new URL(name, ROOT)])),
    bindings: {
      ...{ OPERATOR_KEY: operatorKey, SESSION_KEYS: keysText(newKey()) },
      ...{ DEVELOPMENT: { json: true }, EMBED_HOST: "*.embed.test" },
      ...{ APPS: { json: [{ id: "jobs", name: "Jobs" }] }, UPSTREAM: "service:APP" },
      ...{ APP: { service: upstream }, ASSETS: { service: upstream } },
      ...{ RECORDS: { kvNamespace: "kv" }, LEDGER, DIRECTORY: { durableObject: "Directory" } },
      ...{ LOOKUPS_BY_ADDRESS: { service: "limiter" }, LOOKUPS_BY_LEDGER: { service: "limiter" } },
    },
    durableObjects: { Ledger: {}, Directory: {} },
  };
}
