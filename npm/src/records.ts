// The store, with what comes out of it checked: what is no text, or an error, is no answer.

import { GatepassError } from "./errors.js";
import type { Keys, Store } from "./store.js";

export class Records {
  readonly #store: Store;
  /** Whether a value can be replaced in one step, and reads see the last write. */
  readonly isAtomic: boolean;

  constructor(store: Store) {
    this.#store = store;
    this.isAtomic = typeof store.replace === "function";
  }

  async get(key: string): Promise<string | null> {
    const value = await answered(() => this.#store.get(key));
    if (typeof value === "string") return value;
    if (value === null || value === undefined) return null;
    throw unavailable(new TypeError("the store's value is no text"));
  }

  async put(key: string, value: string, expires?: number): Promise<void> {
    await answered(() => this.#store.put(key, value, expires));
  }

  /** Puts `after` in the place of `before`; false: there is another value. */
  async replace(key: string, before: string, after: string, expires?: number): Promise<boolean> {
    const replaced = await answered(() => this.#store.replace?.(key, before, after, expires));
    if (typeof replaced === "boolean") return replaced;
    throw unavailable(new TypeError("the store did not tell whether it replaced the value"));
  }

  async list(prefix: string, limit: number, cursor?: string): Promise<Keys> {
    const found = await answered(() => this.#store.list(prefix, limit, cursor));
    if (isList(found)) return found;
    throw unavailable(new TypeError("the store's list is none"));
  }
}

function isList(found: Keys | undefined): found is Keys {
  const { keys, cursor } = found ?? {};
  const isText = (value: unknown): boolean => typeof value === "string";
  return Array.isArray(keys) && keys.every(isText) && (cursor === null || isText(cursor));
}

async function answered<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** The error of a store that failed. */
export function unavailable(cause?: unknown): GatepassError {
  const error = new GatepassError("store_unavailable", "the token store failed; try again shortly");
  return Object.assign(error, { cause });
}
