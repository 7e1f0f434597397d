// What isolates have counted, summed up in one object, and how far KV lags behind each authority; as
// text for Prometheus (exposition format 0.0.4).

/** Where the object takes reports (POST) and tells the sums (GET). */
export const SUMS_URL = "https://gatepass/sums";

/** Milliseconds for which an object's word counts that KV lags behind it: it says so each minute. */
const LAG_COUNTS = 120_000;

/** Adds a report: `counts` by series, and of an object whose outbox is behind its `lag`. */
export function addToSums(sql, { counts, lag }, now) {
  TABLES.forEach((statement) => sql.exec(statement));
  for (const [series, times] of counts) sql.exec(ADD, series, times);
  sql.exec("DELETE FROM lags WHERE at < ?", now - LAG_COUNTS);
  if (lag) sql.exec(NOTE_LAG, lag.object, lag.since, lag.entries, now);
}

/** The sums, in Prometheus' text format. */
export function exposition(sql, now) {
  TABLES.forEach((statement) => sql.exec(statement));
  const counted = sql.exec("SELECT series, value FROM counts ORDER BY series").toArray();
  const lagging = sql.exec(LAGGING, now - LAG_COUNTS).one();
  const age = lagging.since === null ? 0 : Math.max(0, (now - lagging.since) / 1000);
  const lines = Object.entries(COUNTERS).flatMap(([name, help]) => [
    ...head(name, "counter", help),
    ...counted.filter(({ series }) => series.startsWith(`${name}{`)).map(sample),
  ]);
  return [
    ...lines,
    ...head(AGE, "gauge", "Age of the oldest change that KV has not accepted."),
    `${AGE} ${age}`,
    ...head(ENTRIES, "gauge", "Changes that KV has not accepted."),
    `${ENTRIES} ${lagging.entries}`,
    "",
  ].join("\n");
}

const COUNTERS = {
  gatepass_faults_total: "Faults, by the event that the log's line has.",
  gatepass_requests_total:
    "Requests: allowed, or answered by Gatepass; by status and problem code.",
};
const AGE = "gatepass_outbox_age_seconds";
const ENTRIES = "gatepass_outbox_entries";

const head = (name, type, help) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
const sample = ({ series, value }) => `${series} ${value}`;

const TABLES = [
  `CREATE TABLE IF NOT EXISTS counts (
    series TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS lags (
    object TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS lags_by_time ON lags (at)",
];

const ADD = `INSERT INTO counts (series, value) VALUES (?, ?)
  ON CONFLICT (series) DO UPDATE SET value = value + excluded.value`;

const NOTE_LAG = "INSERT OR REPLACE INTO lags (object, since, entries, at) VALUES (?, ?, ?, ?)";

const LAGGING = `SELECT MIN(since) AS since, COALESCE(SUM(entries), 0) AS entries
  FROM lags WHERE at >= ?`;
