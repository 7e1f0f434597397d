// The outbox, which each Durable Object has: what is still to be written to KV.

/** The table. */
export const OUTBOX = `CREATE TABLE outbox (
        key TEXT PRIMARY KEY,
        workspace TEXT NOT NULL,
        uid TEXT NOT NULL,
        due INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        repeat INTEGER NOT NULL,
        since INTEGER,
        generation INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_due ON outbox (due);`;

/** The step after which what is due is found in the order in which it is put. */
export const OUTBOX_BY_REPEAT = `DROP INDEX outbox_due;
    CREATE INDEX outbox_due ON outbox (repeat, due);`;

const COLUMNS = "key, workspace, uid, due, attempts, repeat, since, generation";

export const OUTBOX_STATEMENTS = {
  earliest: `SELECT MIN(due) FROM (
    SELECT MIN(due) AS due FROM outbox WHERE repeat = 0 UNION ALL
    SELECT MIN(due) FROM outbox WHERE repeat = 1 UNION ALL
    SELECT MIN(due) FROM agenda)`,
  interrupted: "UPDATE outbox SET repeat = 1 WHERE since IS NOT NULL",
  lagging: "SELECT COUNT(*), MIN(since) FROM outbox WHERE since IS NOT NULL",
  due: `SELECT ${COLUMNS} FROM outbox WHERE repeat = ? AND due <= ? ORDER BY due LIMIT ?`,
  row: `SELECT ${COLUMNS} FROM outbox WHERE key = ?`,
  saveRow: `INSERT OR REPLACE INTO outbox (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  forgetRow: "DELETE FROM outbox WHERE key = ? AND workspace = ? AND uid = ?",
};
