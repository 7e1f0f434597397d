// Records in Deno KV, under the keys `["gatepass", <key>]`.

import type { Store } from "../store.js";
import { behind, part } from "./keys.js";
import { isOver } from "./time.js";

/** What is used of a `Deno.Kv`. */
export interface DenoKv {
  get(key: string[]): Promise<DenoKvEntry>;
  set(key: string[], value: unknown, options: DenoKvExpiry): Promise<unknown>;
  list(
    range: { start: string[]; end: string[] },
    options: { limit: number },
  ): AsyncIterable<DenoKvEntry>;
  atomic(): DenoKvStep;
}

/** What is under a key; without a versionstamp: nothing. */
export interface DenoKvEntry {
  readonly key: readonly unknown[];
  readonly value: unknown;
  readonly versionstamp: string | null;
}

/** A step that is made as a whole, or not at all. */
export interface DenoKvStep {
  check(expected: { key: string[]; versionstamp: string | null }): DenoKvStep;
  set(key: string[], value: unknown, options: DenoKvExpiry): DenoKvStep;
  commit(): Promise<{ ok: boolean }>;
}

/** When Deno KV may remove a value, in milliseconds from now. */
export interface DenoKvExpiry {
  expireIn?: number;
}

/** Deno KV removes a value some time after its end: the end is kept with it. */
interface Content {
  readonly value: string;
  readonly expiresAt?: number;
}

/** Records in Deno KV, read where reads are strongly consistent: what was written is seen at once. */
export function denoKvStore(kv: DenoKv): Store {
  const under = (key: string): string[] => ["gatepass", key];

  return {
    async get(key) {
      return read(await kv.get(under(key)));
    },
    async put(key, value, expiresAt) {
      await kv.set(under(key), content(value, expiresAt), expiry(expiresAt));
    },
    async replace(key, before, after, expiresAt) {
      // Where the step fails somebody else has written, perhaps the same value: look again.
      for (;;) {
        const entry = await kv.get(under(key));
        if (read(entry) !== before) return false;
        const { ok } = await kv
          .atomic()
          .check({ key: under(key), versionstamp: entry.versionstamp })
          .set(under(key), content(after, expiresAt), expiry(expiresAt))
          .commit();
        if (ok) return true;
      }
    },
    async list(prefix, limit, cursor = "") {
      // A key that begins with the cursor and goes on stands behind it.
      const start = cursor < prefix ? prefix : `${cursor}\0`;
      const range = { start: under(start), end: under(behind(prefix)) };
      const found: DenoKvEntry[] = [];
      for await (const entry of kv.list(range, { limit: limit + 1 })) found.push(entry);
      const live = found.slice(0, limit).filter((entry) => read(entry) !== null);
      return { ...part(found.map(name), limit), keys: live.map(name) };
    },
  };
}

const content = (value: string, expiresAt: number | undefined): Content =>
  expiresAt === undefined ? { value } : { value, expiresAt };

const expiry = (expiresAt: number | undefined): DenoKvExpiry =>
  expiresAt === undefined ? {} : { expireIn: Math.max(1, expiresAt * 1000 - Date.now()) };

function read({ value, versionstamp }: DenoKvEntry): string | null {
  if (versionstamp === null) return null;
  if (!isContent(value)) throw new TypeError("deno kv: a value is not one that was put here");
  return isOver(value.expiresAt) ? null : value.value;
}

const isContent = (value: unknown): value is Content =>
  typeof value === "object" &&
  value !== null &&
  "value" in value &&
  typeof value.value === "string" &&
  (!("expiresAt" in value) || typeof value.expiresAt === "number");

const name = ({ key }: DenoKvEntry): string => String(key[1]);
