import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { importSource } from "../support/source.mjs";
import { PROMISES } from "./promises.mjs";
import { holdToPromises } from "./suite.mjs";

const { memoryStore } = await importSource("stores/memory.ts");

holdToPromises(PROMISES.memory, async () => ({ store: memoryStore() }), { cannotFail: true });

test("two stores in memory know nothing of each other", async () => {
  const store = memoryStore();
  await store.put("t/1", "1");
  assert.equal(await memoryStore().get("t/1"), null);
});

test("values whose end has passed do not stay in memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const store = memoryStore();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 20_000; i++) {
    await store.put(`t/${i}`, JSON.stringify({ i, text: `${i}`.padEnd(1000, `${i % 7}`) }), 1);
  }
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 5_000_000, `${grown} bytes more`);
  assert.equal(await store.get("t/1"), null);
});
