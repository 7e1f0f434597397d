// Records in Redis: values under `<prefix>value:<key>`, and the keys in order in the sorted set
// `<prefix>keys`, since Redis can list keys by walking through the whole database only.

import type { Store } from "../store.js";
import { behind, part } from "./keys.js";

/** What is used of a client: it sends a command and answers the reply, or throws. */
export interface RedisClient {
  sendCommand(command: string[]): Promise<unknown>;
}

/** How keys are named in Redis. */
export interface RedisOptions {
  /**
   * What all keys begin with; `gatepass:` by default. In a cluster, a hash tag such as `{gatepass}:`
   * keeps them together.
   */
  prefix?: string;
}

const PUT = `
redis.call('SET', KEYS[1], unpack(ARGV, 2))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1`;

const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], unpack(ARGV, 2))
return 1`;

/** Which of the keys have a value; the others, whose time is over, leave the sorted set. */
const LIVE = `
local live = {}
for i, key in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[i + 1]) == 1 then
    live[#live + 1] = key
  else
    redis.call('ZREM', KEYS[1], key)
  end
end
return live`;

/**
 * Records in Redis 6.2 or later, or in what speaks its protocol. What the primary has accepted is
 * seen at once; a replica may lag, and a failover may lose the last writes.
 */
export function redisStore(
  client: RedisClient,
  { prefix = "gatepass:" }: RedisOptions = {},
): Store {
  const index = `${prefix}keys`;
  const under = (key: string): string => `${prefix}value:${key}`;

  /** Runs a script, which Redis does in one step. */
  const run = (script: string, keys: string[], values: string[]): Promise<unknown> =>
    client.sendCommand(["EVAL", script, String(keys.length), ...keys, ...values]);

  return {
    async get(key) {
      const value = await client.sendCommand(["GET", under(key)]);
      if (value === null || typeof value === "string") return value;
      throw unexpected();
    },
    async put(key, value, expiresAt) {
      const done = await run(PUT, [under(key), index], [key, value, ...expiry(expiresAt)]);
      if (done !== 1) throw unexpected();
    },
    async replace(key, before, after, expiresAt) {
      const done = await run(REPLACE, [under(key)], [before, after, ...expiry(expiresAt)]);
      if (done !== 0 && done !== 1) throw unexpected();
      return done === 1;
    },
    async list(prefix, limit, cursor = "") {
      const from = cursor < prefix ? `[${prefix}` : `(${cursor}`;
      const range = [from, `(${behind(prefix)}`, "BYLEX", "LIMIT", "0", String(limit + 1)];
      const found = texts(await client.sendCommand(["ZRANGE", index, ...range]));
      const { keys, cursor: next } = part(found, limit);
      return { keys: texts(await run(LIVE, [index, ...keys.map(under)], keys)), cursor: next };
    },
  };
}

const expiry = (expiresAt: number | undefined): string[] =>
  expiresAt === undefined ? [] : ["EXAT", String(expiresAt)];

function texts(reply: unknown): string[] {
  if (Array.isArray(reply) && reply.every((each) => typeof each === "string")) return reply;
  throw unexpected();
}

const unexpected = (): TypeError => new TypeError("redis: the reply is not of the expected type");
