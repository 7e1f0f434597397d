import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { hasRedis, REDIS_ADVICE } from "../../../scripts/lib/redis.mjs";
import { startRedis } from "../support/redis.mjs";
import { importSource } from "../support/source.mjs";
import { PROMISES } from "./promises.mjs";
import { holdToPromises } from "./suite.mjs";
import { startUpstash } from "./upstash.mjs";

const [{ upstashStore }, { redisStore }] = await Promise.all([
  importSource("stores/upstash.ts"),
  importSource("stores/redis.ts"),
]);
const skip = !hasRedis() && REDIS_ADVICE;
const TOKEN = "AX-a-token";

async function open() {
  const redis = await startRedis();
  const client = await redis.connect();
  const [upstash, gone] = await Promise.all([startUpstash(client), startUpstash(client)]);
  const failing = { store: upstashStore(gone), secrets: [gone.token] };
  await gone.stop();
  const close = () => upstash.stop().then(redis.stop);
  return { store: upstashStore(upstash), other: redisStore(client), failing, close };
}

holdToPromises(PROMISES.upstash, open, { skip });

describe("over Upstash's HTTP", { skip }, () => {
  let redis;
  let upstash;
  before(async () => {
    redis = await startRedis();
    upstash = await startUpstash(await redis.connect());
  });
  after(() => upstash?.stop().then(redis.stop));

  test("Upstash's own client finds here what it expects", async () => {
    const { Redis } = createRequire(import.meta.url)("@upstash/redis");
    const { url, token } = upstash;
    const plain = { automaticDeserialization: false, enableAutoPipelining: false, retry: false };
    const client = new Redis({ url, token, ...plain });
    await client.set("key", "Größe 🙂");
    assert.equal(await client.get("key"), "Größe 🙂");
    assert.equal(await client.get("nothing"), null);
    assert.deepEqual(await client.eval("return {KEYS[1], ARGV[1], 1}", ["a"], ["é"]), [
      "a",
      "é",
      1,
    ]);
    await assert.rejects(client.eval("nonsense", [], []), /ERR/);
    const stranger = new Redis({ url, token: "another", ...plain });
    await assert.rejects(stranger.get("key"), /WRONGPASS/);
    assert.equal(upstash.requests.at(-2).headers["upstash-sync-token"].slice(0, 5), "sync-");
  });

  test("each request names what the answer before it said was written", async () => {
    const store = upstashStore(upstash);
    const sent = upstash.requests.length;
    await store.put("t/1", "1");
    await store.get("t/1");
    const tokens = upstash.requests.slice(sent).map(({ headers }) => headers["upstash-sync-token"]);
    assert.deepEqual(tokens, ["", `sync-${sent + 1}`]);
  });

  test("a token that is not the database's is refused, and not named", async () => {
    const store = upstashStore({ ...upstash, token: TOKEN });
    for (const call of [() => store.get("t/1"), () => store.put("t/1", "1")]) {
      await assert.rejects(call, ({ message }) => {
        assert.match(message, /WRONGPASS.*401/);
        return !message.includes(TOKEN);
      });
    }
  });
});

test("requests are sent by the `fetch` that was given, and kept from caches", async () => {
  const sent = [];
  const fetch = async (url, init) => {
    sent.push({ url, ...init });
    return Response.json({ result: null });
  };
  const store = upstashStore({ url: "https://db.example/", token: TOKEN, prefix: "mine:", fetch });
  assert.equal(await store.get("t/1"), null);
  const [{ url, method, headers, body, cache }] = sent;
  assert.deepEqual([url, method, cache], ["https://db.example/", "POST", "no-store"]);
  assert.equal(headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(body, '["GET","mine:value:t/1"]');
});

test("an answer that is none is an error, and never nothing", async () => {
  const answers = [
    () => Response.json({}),
    () => Response.json(null),
    () => Response.json([]),
    () => new Response("<html>"),
    () => Response.json({ result: null }, { status: 500 }),
    () => new Response(null, { status: 429 }),
  ];
  for (const answer of answers) {
    const fetch = async () => answer();
    const store = upstashStore({ url: "https://db.example", token: TOKEN, fetch });
    await assert.rejects(store.get("t/1"), /^Error: upstash: no result \(status \d{3}\)$/);
    await assert.rejects(store.list("t/", 10), /^Error: upstash: /);
  }
});

test("an error that repeats the token is told without it, and no longer than a line", async () => {
  const error = `ERR Bearer ${TOKEN} ${"and so on ".repeat(50)}`;
  const fetch = async () => Response.json({ error }, { status: 400 });
  const store = upstashStore({ url: "https://db.example", token: TOKEN, fetch });
  await assert.rejects(store.get("t/1"), ({ message }) => {
    assert.match(message, /^upstash: ERR Bearer … and so on/);
    return message.length < 250 && !message.includes(TOKEN);
  });
});

test("what is no REST URL or token is refused at once, and not named", () => {
  const mistakes = [
    { url: "rediss://default:secret-of-mine@db.example:6379", token: TOKEN },
    { url: "https://default:secret-of-mine@db.example", token: TOKEN },
    { url: "secret-of-mine", token: TOKEN },
    { url: undefined, token: TOKEN },
    { url: "https://db.example", token: "secret-of-mine\n" },
    { url: "https://db.example", token: "" },
    { url: "https://db.example", token: undefined },
  ];
  for (const mistake of mistakes) {
    assert.throws(
      () => upstashStore(mistake),
      (error) =>
        /^upstash: (url|token) is /.test(error.message) && !/secret-of/.test(inspect(error)),
    );
  }
});
