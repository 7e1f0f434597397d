// The results as tables of text.

/** A figure with its interval. */
export const interval = ({ median, low, high }, digits = 2) =>
  `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;

/** Rows of texts in columns; the first is the head, and the first `left` columns stand left. */
export function table(rows, left = 1) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const pad = (text, column) =>
    column < left ? text.padEnd(widths[column]) : text.padStart(widths[column]);
  const lines = rows.map((row) => row.map(pad).join("  ").trimEnd());
  return [lines[0], "-".repeat(Math.max(...lines.map(({ length }) => length))), ...lines.slice(1)];
}

/** The contenders' figures. */
export function contendersTable(contenders) {
  const measured = ["requests/s", "× limit (95 %)", "CPU µs", "more than limit (95 %)"];
  const head = ["", ...measured, "KV reads", "KV writes", "ledger calls"];
  const rows = contenders.map(({ title, rate, ratio, cpu, extraCpu, reads, writes, calls }) => [
    ...[title, count(rate), interval(ratio), cpu.toFixed(1), interval(extraCpu, 1)],
    ...[few(reads), few(writes), few(calls)],
  ]);
  return [
    ...table([head, ...rows]),
    "",
    "The limit is the bare pass-through for what is let in, and the empty JavaScript Worker for what",
    "is refused. CPU is the whole process's, a request; so are reads, writes and calls.",
  ].join("\n");
}

/** What each contender was seen to do. */
export function checksTable(checks) {
  const head = ["", "the upstream learns of the user by", "gets the credential", "KV reads"];
  const rows = checks.map(({ title, seen: { identity, gotCredential, reads } }) => [
    ...[title, identity ?? "–", gotCredential === null ? "–" : gotCredential ? "yes" : "no"],
    Object.entries(reads)
      .map(([kind, n]) => `${kind} ${n}`)
      .join(", "),
  ]);
  return table([head, ...rows], head.length).join("\n");
}

/** Start-up and sizes. */
export function startupTable(workers) {
  const head = ["", "first answer", "later than the empty Worker", "raw", "gzipped"];
  const kilobytes = (bytes) => `${(bytes / 1e3).toFixed(1)} KB`;
  const rows = workers.map(({ name, milliseconds, extra, raw, gzipped }) => [
    ...[name, `${milliseconds.toFixed(1)} ms`, `${interval(extra, 1)} ms`],
    ...[kilobytes(raw), kilobytes(gzipped)],
  ]);
  return table([head, ...rows]).join("\n");
}

/** The targets. */
export function targetsTable(targets) {
  const verdict = { true: "met", false: "MISSED", null: "" };
  const rows = targets.map(({ what, target, figure, met }) => [what, target, figure, verdict[met]]);
  return table([["what", "aim", "figure", ""], ...rows], 1).join("\n");
}

const count = (number) => Math.round(number).toLocaleString("en");

/** Reads a request: a few in a round are none in the long run. */
function few(number) {
  if (number === 0) return "0";
  return number < 0.01 ? "< 0.01" : number.toFixed(2);
}
