// Records in SQLite, in the table `gatepass`: node:sqlite, better-sqlite3, bun:sqlite.

import type { Store } from "../store.js";
import { behind, part } from "./keys.js";
import { now } from "./time.js";

/** What is used of a database. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** What is used of a prepared statement. */
export interface SqliteStatement {
  all(...values: SqliteValue[]): unknown[];
  run(...values: SqliteValue[]): { changes: number | bigint };
}

export type SqliteValue = string | number | null;

const TABLE = `
CREATE TABLE IF NOT EXISTS gatepass (key TEXT PRIMARY KEY, value TEXT NOT NULL, ends INTEGER);
CREATE INDEX IF NOT EXISTS gatepass_by_end ON gatepass (ends) WHERE ends IS NOT NULL;`;

const LIVE = "(ends IS NULL OR ends > ?)";

/** A few at each write, so that none takes long. */
const SWEEP = `DELETE FROM gatepass WHERE key IN
  (SELECT key FROM gatepass WHERE ends <= ? ORDER BY ends LIMIT 10)`;

/**
 * Records in a SQLite database. Each process that has its file open sees a write at once. The table
 * is made on first use.
 */
export function sqliteStore(database: SqliteDatabase): Store {
  let prepared: ReturnType<typeof prepare> | undefined;
  const statements = () => (prepared ??= prepare(database));

  return {
    get(key) {
      const [row] = statements().read.all(key, now());
      return row === undefined ? null : text(row, "value");
    },
    put(key, value, expiresAt) {
      const { put, sweep } = statements();
      sweep.run(now());
      put.run(key, value, expiresAt ?? null);
    },
    replace(key, before, after, expiresAt) {
      const { changes } = statements().replace.run(after, expiresAt ?? null, key, before, now());
      return Number(changes) === 1;
    },
    list(prefix, limit, cursor = "") {
      const rows = statements().list.all(prefix, behind(prefix), cursor, now(), limit + 1);
      const keys = rows.map((row) => text(row, "key"));
      return part(keys, limit);
    },
  };
}

function prepare(database: SqliteDatabase) {
  database.exec(TABLE);
  return {
    read: database.prepare(`SELECT value FROM gatepass WHERE key = ? AND ${LIVE}`),
    put: database.prepare(
      `INSERT INTO gatepass (key, value, ends) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends`,
    ),
    replace: database.prepare(
      `UPDATE gatepass SET value = ?, ends = ? WHERE key = ? AND value = ? AND ${LIVE}`,
    ),
    list: database.prepare(
      `SELECT key FROM gatepass WHERE key >= ? AND key < ? AND key > ? AND ${LIVE}
       ORDER BY key LIMIT ?`,
    ),
    sweep: database.prepare(SWEEP),
  };
}

function text(row: unknown, column: "key" | "value"): string {
  const value = (row as Record<string, unknown>)[column];
  if (typeof value === "string") return value;
  throw new TypeError(`sqlite: the ${column} of a row is no text`);
}
