// Where records are kept.

/** What an adapter may answer at once or later. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Where records are kept: a key-value store of texts. Keys are visible ASCII of at most 128
 * characters, values are JSON of a few kilobytes that hold no secret. A function that cannot do what
 * it says throws, at once or later, which shuts the gate; it never answers that there is nothing.
 */
export interface Store {
  /** The value under a key; null where there is none. */
  get(key: string): Awaitable<string | null>;

  /**
   * Puts a value under a key. From `expiresAt` on (whole Unix seconds, which may have passed) the
   * store may forget it; without, the value stays, whatever the end of the one before was.
   */
  put(key: string, value: string, expiresAt?: number): Awaitable<void>;

  /**
   * Puts `after` in the place of `before`, in one step: of many that replace one value at once,
   * exactly one does. Answers false, and changes nothing, where another value or none is under the
   * key. A store that has no such step leaves this function out; tokens for single use are then
   * refused.
   */
  replace?(key: string, before: string, after: string, expiresAt?: number): Awaitable<boolean>;

  /**
   * Keys that begin with `prefix`, at most `limit` (1 or more), in the order of their bytes: from the
   * first, or after the part whose `cursor` is given. Keys that are added meanwhile may be missing,
   * others are not, and none comes twice.
   */
  list(prefix: string, limit: number, cursor?: string): Awaitable<Keys>;
}

/** A part of a list of keys. It may be short, or empty, and still not be the last. */
export interface Keys {
  keys: string[];
  /** What to give for the next part; null where this was the last one. */
  cursor: string | null;
}
