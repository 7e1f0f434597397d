// Records in Workers KV, under the keys that the Worker's own namespace has them under.

import type { Store } from "../store.js";
import { now } from "./time.js";

/** What is used of a binding of a KV namespace. */
export interface KvNamespace {
  get(key: string, options: { cacheTtl: number }): Promise<string | null>;
  put(key: string, value: string, options: { expiration?: number }): Promise<void>;
  list(options: { prefix: string; limit: number; cursor?: string }): Promise<KvKeys>;
}

/** What a namespace answers to `list`. */
export interface KvKeys {
  readonly keys: readonly { readonly name: string }[];
  readonly list_complete: boolean;
  readonly cursor?: string;
}

/** Seconds for which a location may answer out of its cache: KV's least. */
const CACHE_TTL = 30;

/** KV refuses an expiration that is less than 60 seconds ahead by its own clock. */
const LEAST_AHEAD = 120;

/** KV lists no more at once. */
const MOST_LISTED = 1000;

/**
 * Records in Workers KV. A write is seen everywhere after some time, expected within 60 seconds. KV
 * has no step that replaces one value by another, so tokens for single use are refused.
 */
export function cloudflareKvStore(namespace: KvNamespace): Store {
  return {
    get: (key) => namespace.get(key, { cacheTtl: CACHE_TTL }),
    put(key, value, expiresAt) {
      const least = now() + LEAST_AHEAD;
      const options = expiresAt === undefined ? {} : { expiration: Math.max(expiresAt, least) };
      return namespace.put(key, value, options);
    },
    async list(prefix, limit, cursor) {
      const most = Math.min(limit, MOST_LISTED);
      const from = cursor === undefined ? {} : { cursor };
      const found = await namespace.list({ prefix, limit: most, ...from });
      const keys = found.keys.map(({ name }) => name);
      return { keys, cursor: found.list_complete ? null : (found.cursor ?? null) };
    },
  };
}
