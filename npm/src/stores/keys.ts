// Lists out of stores that keep their keys in the order of bytes: the cursor is the last key.

import type { Keys } from "../store.js";

/** What stands behind all keys that begin with `prefix`: keys are visible ASCII. */
export const behind = (prefix: string): string => `${prefix}\x7f`;

/** A part of a list, out of its keys and, where there are more, one more. */
export function part(keys: string[], limit: number): Keys {
  if (keys.length <= limit) return { keys, cursor: null };
  const first = keys.slice(0, limit);
  return { keys: first, cursor: first.at(-1) ?? null };
}
