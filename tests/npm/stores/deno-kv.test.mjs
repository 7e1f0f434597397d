import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "../support/source.mjs";
import { PROMISES } from "./promises.mjs";
import { storesIn } from "./remote.mjs";
import { holdToPromises } from "./suite.mjs";

holdToPromises(PROMISES["deno-kv"], ...(await storesIn("deno", "inside/deno-kv.js")));

test("a value that was put anew in between, and is the same, is replaced", async () => {
  const { denoKvStore } = await importSource("stores/deno-kv.ts");
  const expected = [];
  let version = 0;
  const step = {
    check: ({ versionstamp }) => (expected.push(versionstamp), step),
    set: () => step,
    commit: async () => ({ ok: version === 3 }),
  };
  const get = async (key) => ({ key, value: { value: "1" }, versionstamp: String(++version) });
  const store = denoKvStore({ get, atomic: () => step });
  assert.equal(await store.replace("t/1", "1", "2"), true);
  assert.deepEqual(expected, ["1", "2", "3"]);
});

test("a value that something else has put is an error, and never nothing", async () => {
  const { denoKvStore } = await importSource("stores/deno-kv.ts");
  for (const value of [null, "{}", { value: 1 }, { value: "{}", expiresAt: "1" }]) {
    const get = async (key) => ({ key, value, versionstamp: "1" });
    await assert.rejects(denoKvStore({ get }).get("t/1"), /deno kv: /);
  }
});
