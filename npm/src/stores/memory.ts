// Records in memory: for tests, and for what may be forgotten with its process.

import type { Store } from "../store.js";
import { behind, part } from "./keys.js";
import { isOver } from "./time.js";

interface Entry {
  readonly value: string;
  readonly expiresAt: number | undefined;
}

/** How many entries each `put` looks at, to forget those whose time is over. */
const SWEPT = 8;

/** Records in this process's memory. They end with it, and no other process sees them. */
export function memoryStore(): Store {
  const entries = new Map<string, Entry>();
  let sweeper = entries.entries();

  function read(key: string): string | null {
    const entry = entries.get(key);
    return entry === undefined || isOver(entry.expiresAt) ? null : entry.value;
  }

  /** Goes on where it stopped; what was put meanwhile comes last. */
  function sweep(): void {
    for (let seen = 0; seen < SWEPT; seen++) {
      const { done, value } = sweeper.next();
      if (done) {
        sweeper = entries.entries();
        return;
      }
      if (isOver(value[1].expiresAt)) entries.delete(value[0]);
    }
  }

  return {
    get: read,
    put(key, value, expiresAt) {
      sweep();
      entries.set(key, { value, expiresAt });
    },
    replace(key, before, after, expiresAt) {
      if (read(key) !== before) return false;
      entries.set(key, { value: after, expiresAt });
      return true;
    },
    list(prefix, limit, cursor = "") {
      const end = behind(prefix);
      const keys = [...entries.keys()].filter(
        (key) => key >= prefix && key < end && key > cursor && read(key) !== null,
      );
      return part(keys.sort().slice(0, limit + 1), limit);
    },
  };
}
