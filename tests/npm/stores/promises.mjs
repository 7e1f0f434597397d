// What each store promises: the tests hold it to it, and the package's page quotes it.

/**
 * @typedef {object} Promised
 * @property {string} store the module
 * @property {string} for the platform
 * @property {boolean} atomic whether `replace` is there: one step, of which one of many wins
 * @property {boolean} readYourWrites whether a write is seen at once by whoever made it
 * @property {boolean} onTime whether a value is gone with its end, and not some time after it
 * @property {string} staleness how long others may see what was there before
 */

/** @type {Record<string, Promised>} */
export const PROMISES = {
  memory: {
    store: "memory",
    for: "one process",
    atomic: true,
    readYourWrites: true,
    onTime: true,
    staleness: "none; ends with its process, which alone sees it",
  },
  sqlite: {
    store: "sqlite",
    for: "`node:sqlite`, `better-sqlite3`, `bun:sqlite`",
    atomic: true,
    readYourWrites: true,
    onTime: true,
    staleness: "none, in all processes that have the file open",
  },
  redis: {
    store: "redis",
    for: "Redis 6.2 or later",
    atomic: true,
    readYourWrites: true,
    onTime: true,
    staleness: "none from the primary; a failover may lose the last writes",
  },
  upstash: {
    store: "upstash",
    for: "Upstash Redis, over HTTP",
    atomic: true,
    readYourWrites: true,
    onTime: true,
    staleness: "none in one region; a read region follows, without a promise when",
  },
  "deno-kv": {
    store: "deno-kv",
    for: "Deno KV",
    atomic: true,
    readYourWrites: true,
    onTime: true,
    staleness: "none",
  },
  "cloudflare-kv": {
    store: "cloudflare-kv",
    for: "Workers KV",
    atomic: false,
    readYourWrites: false,
    onTime: false,
    staleness: "expected within 60 seconds; Cloudflare promises no ceiling",
  },
};
