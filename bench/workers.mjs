// The Workers of the benchmark: how each is made, bound, and given its requests.

import { randomBytes } from "node:crypto";
import { ENTRY, gateBindings, gateRequests, patRequests } from "./gate.mjs";
import { apiKeyRequests, jwts, oauthRequests } from "./peers.mjs";
import { ENTRY as RUST } from "./rust-worker.mjs";

const source = (name) => new URL(`contenders/${name}.js`, import.meta.url);

const APP = { service: "upstream" };
const KV = { kvNamespace: "kv" };
const UPSTREAM = { UPSTREAM: APP };
const BY_HAND = { ...UPSTREAM, RECORDS: KV };
const NODE = ["nodejs_compat"];

const hs256 = jwts("HS256");
const es256 = jwts("ES256");
const apiKeys = { SECRET: randomBytes(32).toString("base64"), KEYS: KV };

/**
 * @typedef {object} Contending
 * @property {URL} entry
 * @property {Record<string, any>} bindings as `startWorkerd` takes them, as are the next two
 * @property {Record<string, object>} [durableObjects]
 * @property {string[]} [compatibilityFlags]
 * @property {object} [maker] a Worker like this that makes its credentials
 * @property {(given: {port: number, makerPort: number, pats: object, kv: Function}) =>
 *   Promise<Record<string, Request[]>>} requests what it is sent, by name
 */

/** @type {Record<string, Contending>} */
export const WORKERS = {
  bare: { entry: source("bare"), bindings: UPSTREAM, requests: patRequests },
  headers: { entry: source("headers"), bindings: UPSTREAM, requests: patRequests },
  empty: { entry: source("empty"), bindings: {}, requests: patRequests },
  "empty-rust": { entry: RUST, bindings: {}, requests: patRequests },
  gatepass: {
    entry: ENTRY,
    bindings: gateBindings({
      ...{ app: APP, records: KV, limiter: { service: "limiter" } },
      ledger: { durableObject: "Counted", worker: "ledgers" },
    }),
    durableObjects: { Ledger: {}, Directory: {} },
    requests: gateRequests,
  },
  plain: { entry: source("plain"), bindings: BY_HAND, requests: patRequests },
  hono: { entry: source("hono"), bindings: BY_HAND, requests: patRequests },
  "oauth-provider": {
    entry: source("oauth-provider"),
    bindings: { ...UPSTREAM, OAUTH_KV: KV },
    requests: oauthRequests,
  },
  "jose-hs256": {
    entry: source("jose"),
    bindings: { ...UPSTREAM, ...hs256.bindings },
    requests: hs256.requests,
  },
  "jose-es256": {
    entry: source("jose"),
    bindings: { ...UPSTREAM, ...es256.bindings },
    requests: es256.requests,
  },
  "better-auth": {
    entry: source("better-auth"),
    bindings: { ...UPSTREAM, ...apiKeys },
    compatibilityFlags: NODE,
    maker: { entry: source("better-auth-keys"), bindings: apiKeys, compatibilityFlags: NODE },
    requests: apiKeyRequests,
  },
};
