import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { startServer } from "../../support/stand-ins.mjs";
import { COMPATIBILITY_DATE, startWorkerd } from "../../support/workerd.mjs";
import { bundleModule } from "../support/source.mjs";
import { PROMISES } from "./promises.mjs";
import { remoteStore } from "./remote.mjs";
import { holdToPromises } from "./suite.mjs";

const script = await bundleModule(new URL("inside/cloudflare-kv.js", import.meta.url));

/** KV as wrangler has it on a developer's machine. */
async function startKv() {
  const wrangler = createRequire(createRequire(import.meta.url).resolve("wrangler/package.json"));
  const { Miniflare } = wrangler("miniflare");
  const config = {
    ...{ name: "store", compatibilityDate: COMPATIBILITY_DATE, env: { RECORDS: { type: "kv" } } },
    manifest: {
      mainModule: "store.mjs",
      modules: { "store.mjs": { type: "esm", contents: script } },
    },
  };
  const quiet = { cf: false, telemetry: { enabled: false } };
  const miniflare = new Miniflare({ host: "127.0.0.1", port: 0, workers: [{ config }], ...quiet });
  return { url: await miniflare.ready, stop: () => miniflare.dispose() };
}

/** A namespace of which one sees what it is asked. Its answers are in `next`, else errors. */
async function startWitness() {
  const requests = [];
  const next = [];
  const server = await startServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://kv");
    const key = decodeURIComponent(pathname.slice(1));
    requests.push({ method: request.method, key, ...Object.fromEntries(searchParams) });
    const answer = next.shift();
    response.writeHead(answer === undefined ? 500 : 200).end(answer ?? "out of order");
  });
  const workerd = await startWorkerd({
    workers: [
      {
        name: "store",
        modules: { "worker.mjs": script },
        bindings: { RECORDS: { kvNamespace: "kv" } },
      },
    ],
    servers: { kv: server.address },
  });
  const store = await remoteStore(workerd.url);
  return { store, requests, next, stop: () => workerd.stop().then(server.stop) };
}

holdToPromises(PROMISES["cloudflare-kv"], async () => {
  const [kv, witness] = await Promise.all([startKv(), startWitness()]);
  return {
    store: await remoteStore(kv.url),
    failing: { store: witness.store, secrets: [] },
    close: () => Promise.all([kv.stop(), witness.stop()]),
  };
});

describe("of KV", () => {
  let witness;
  before(async () => (witness = await startWitness()));
  after(() => witness?.stop());

  /** What KV was asked while `call` ran, answering with `answer`. */
  async function asked(answer, call) {
    witness.next.push(answer);
    await call(witness.store);
    return witness.requests.pop();
  }

  test("a key is asked for as it is, from a cache of 30 seconds", async () => {
    const key = `t/${"0f".repeat(32)}`;
    const request = await asked("{}", async (store) => assert.equal(await store.get(key), "{}"));
    assert.deepEqual(
      [request.method, request.key, request.cache_ttl],
      ["GET", key, "30"],
      "as the Worker has its records",
    );
  });

  test("an expiration is as given, never under 60 seconds ahead, or none", async () => {
    const now = Math.floor(Date.now() / 1000);
    const put = (end) => asked("", (store) => store.put("t/1", "{}", end));
    assert.equal((await put(now + 3600)).expiration, String(now + 3600));
    assert.equal((await put(undefined)).expiration, undefined);
    for (const soon of [1, now, now + 60]) {
      const { expiration } = await put(soon);
      assert.ok(expiration >= now + 120 && expiration < now + 180, expiration);
    }
  });

  test("no more than 1,000 keys are asked for at once", async () => {
    const list = (limit) =>
      asked('{"keys":[],"list_complete":true}', (store) => store.list("t/", limit));
    const limits = [];
    for (const limit of [10, 999, 1000, 5000]) {
      limits.push((await list(limit)).key_count_limit ?? "1000");
    }
    assert.deepEqual(limits, ["10", "999", "1000", "1000"]);
  });
});
