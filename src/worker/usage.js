// What isolates report of requests, summed up where a limit's authority is: in the sliding window
// that the limit has, by twentieths.

const PARTS = 20;

/**
 * Adds a report of requests, the last of which came `age` milliseconds ago: what was counted in the
 * window, in how many milliseconds the oldest of it leaves, and how much that is.
 */
export function addUsage(sql, { name, count, age, window }, now) {
  const length = window * 1000;
  const part = length / PARTS;
  const partOf = (time) => Math.floor(time / part) * part;
  const [newest, at] = [partOf(now), partOf(now - age)];
  const oldest = newest + part - length;
  TABLE.forEach((statement) => sql.exec(statement));
  sql.exec("DELETE FROM usage WHERE at < ?", oldest);
  if (count > 0 && at >= oldest) sql.exec(ADD, name, at, count);
  const parts = sql.exec("SELECT at, count FROM usage WHERE name = ? ORDER BY at", name).toArray();
  const [first = { at: newest, count: 0 }] = parts;
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    reset: first.at + length - now,
    leaves: first.count,
  };
}

/** Where an authority takes reports. */
export const USAGE_URL = "https://gatepass/usage";

const TABLE = [
  `CREATE TABLE IF NOT EXISTS usage (
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (name, at)
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS usage_by_time ON usage (at)",
];

const ADD = `INSERT INTO usage (name, at, count) VALUES (?, ?, ?)
  ON CONFLICT (name, at) DO UPDATE SET count = count + excluded.count`;
