import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hasRedis, REDIS_ADVICE } from "../../../scripts/lib/redis.mjs";
import { startRedis } from "../support/redis.mjs";
import { importSource } from "../support/source.mjs";
import { PROMISES } from "./promises.mjs";
import { holdToPromises } from "./suite.mjs";

const { redisStore } = await importSource("stores/redis.ts");
const skip = !hasRedis() && REDIS_ADVICE;

async function open() {
  const [redis, gone] = await Promise.all([startRedis(), startRedis()]);
  const [client, other] = [await redis.connect(), await redis.connect()];
  const failing = { store: redisStore(await gone.connect()), secrets: [gone.password] };
  await gone.stop();
  return { store: redisStore(client), other: redisStore(other), failing, close: redis.stop };
}

holdToPromises(PROMISES.redis, open, { skip });

describe("in Redis", { skip }, () => {
  let redis;
  let client;
  before(async () => {
    redis = await startRedis();
    client = await redis.connect();
  });
  after(() => redis?.stop());

  test("all keys begin with the prefix, and two prefixes share nothing", async () => {
    const [mine, yours] = ["mine:", "{yours}:"].map((prefix) => redisStore(client, { prefix }));
    await mine.put("t/1", "1");
    await yours.put("t/2", "2");
    await redisStore(client).put("t/3", "3");
    assert.deepEqual((await client.sendCommand(["KEYS", "*"])).sort(), [
      ...["gatepass:keys", "gatepass:value:t/3", "mine:keys", "mine:value:t/1"],
      ...["{yours}:keys", "{yours}:value:t/2"],
    ]);
    assert.equal(await mine.get("t/2"), null);
    assert.deepEqual(await yours.list("t/", 10), { keys: ["t/2"], cursor: null });
  });

  test("the key of a value whose end has passed is removed by the list that meets it", async () => {
    const store = redisStore(client, { prefix: "swept:" });
    const past = Array.from({ length: 30 }, (_, i) => `t/${i + 10}`);
    for (const key of past) await store.put(key, "1", 1);
    await store.put("t/99", "1");
    const left = () => client.sendCommand(["ZCARD", "swept:keys"]);
    assert.equal(await left(), 31);
    const { keys, cursor } = await store.list("t/", 20);
    assert.deepEqual(keys, []);
    assert.equal(await left(), 11);
    assert.deepEqual(await store.list("t/", 20, cursor), { keys: ["t/99"], cursor: null });
    assert.equal(await left(), 1);
  });

  test("Redis forgets a value at its end", async () => {
    const end = Math.floor(Date.now() / 1000) + 3600;
    const store = redisStore(client, { prefix: "ends:" });
    await store.put("t/1", "1", end);
    await store.put("t/2", "1");
    await store.replace("t/2", "1", "2", end);
    for (const key of ["t/1", "t/2"]) {
      const left = await client.sendCommand(["TTL", `ends:value:${key}`]);
      assert.ok(left > 3590 && left <= 3600, `${left} seconds`);
    }
  });

  test("an answer that is not understood is an error, and never nothing", async () => {
    for (const reply of [undefined, 7, Buffer.from("1"), ["1"], {}, "QUEUED"]) {
      const store = redisStore({ sendCommand: async () => reply });
      if (typeof reply !== "string") await assert.rejects(store.get("t/1"), /redis:/);
      await assert.rejects(store.put("t/1", "1"), /redis:/);
      await assert.rejects(store.replace("t/1", "1", "2"), /redis:/);
      if (!Array.isArray(reply)) await assert.rejects(store.list("t/", 10), /redis:/);
    }
  });
});
