// The tables of docs/operations.md that say what comes of a fault.

import { readFile } from "node:fs/promises";

const PAGE = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
const TITLE = "## What happens when something fails";

/** What the columns of answers stand for, as `prepare` names it. */
export const COLUMNS = {
  known: ["known", "session"],
  new: ["new", "new session"],
  "not in KV": ["not in KV"],
  strict: ["strict"],
  entry: ["entry"],
  create: ["create"],
  list: ["list"],
  revoke: ["revoke"],
  person: ["person"],
  report: ["report"],
  files: ["page", "openapi"],
  public: ["public"],
  own: ["healthz", "jwks"],
};

/** The tables of the section, by the first word of their head: a row by its first cell. */
function readTables() {
  const [, section] = PAGE.split(TITLE);
  const blocks = section.split(/\n## /)[0].matchAll(/(?:^\|.*\n)+/gm);
  return new Map([...blocks].map(([block]) => readTable(block)));
}

function readTable(block) {
  const [[title, ...head], , ...rows] = block.trim().split("\n").map(cellsOf);
  const byName = rows.map(([name, ...cells]) => [
    name,
    Object.fromEntries(head.map((column, at) => [column, cells[at]])),
  ]);
  return [title, new Map(byName)];
}

const cellsOf = (line) =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

const tables = readTables();

/** What refusals say, by status: `{code, "Retry-After"}`. */
export const REFUSALS = tables.get("answer");

/**
 * What the document says of each fault: `answers`, by column `{status, after}`, where a column that is
 * not there goes on as ever; `logged`; `within`, the seconds after which all is well again.
 */
export const ROWS = [...tables].flatMap(([service, rows]) =>
  service === "answer"
    ? []
    : [...rows].map(([fault, cells]) => {
        const { logged, "well again": again, ...said } = cells;
        const answers = Object.fromEntries(
          Object.keys(COLUMNS).map((column) => [column, readAnswer(said[column] ?? "ok")]),
        );
        return {
          service,
          fault,
          said,
          answers,
          logged: readLogged(logged),
          within: readTime(again),
        };
      }),
);

/** `ok`, a status, or a status and the seconds after which it comes. */
function readAnswer(cell) {
  const [, status, seconds] = /^(ok|\d{3})(?:, (\d+) s)?$/.exec(cell);
  return { status: status === "ok" ? undefined : Number(status), after: Number(seconds ?? 0) };
}

/** The text in backquotes; nothing where it is a dash. */
function readLogged(cell) {
  return cell === "–" ? undefined : /^`(.+)`$/.exec(cell)[1];
}

/** `at once`, or within so many seconds. */
function readTime(cell) {
  return cell === "at once" ? 0 : Number(/^within (\d+) s$/.exec(cell)[1]);
}
