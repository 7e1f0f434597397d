// What comes out: tables on the terminal and in docs/benchmark.md, and bench/runtimes.json.

import { readFile, writeFile } from "node:fs/promises";
import { say } from "../../scripts/lib/run.mjs";
import { interval, table } from "../table.mjs";
import { rounded } from "../report.mjs";
import { CALLS, CONTENDERS } from "./measure.mjs";
import { LANES } from "./program.js";

const RESULTS = new URL("../runtimes.json", import.meta.url);
const PAGE = new URL("../../docs/benchmark.md", import.meta.url);
const TITLE = "## The npm package, by runtime";

/** All that was measured, as tables. */
export function text({ runtimes, sizes }) {
  const titles = runtimes.map(({ title, version }) => `${title.replace(/ \d+$/, "")} ${version}`);
  const rows = (names, cell) =>
    Object.entries(names).map(([name, title]) => [
      title,
      ...runtimes.map((runtime) => cell(runtime, name)),
    ]);
  const rate = ({ figures }, name) => (figures[name].skipped ? "–" : thousands(figures[name].rate));
  const ratio = ({ figures }, name) =>
    figures[name].skipped ? "–" : interval(figures[name].ratio);
  const milliseconds = ({ first }, name) => first[name].toFixed(1);
  const calls = Object.fromEntries(CALLS.map((name) => [name, name]));
  const { pat, ...others } = CONTENDERS;
  const tables = [
    ["checks/s, in thousands", rows(CONTENDERS, rate)],
    [`${pat}, times as fast as`, rows(others, ratio)],
    ["calls/s, in thousands", rows(calls, rate)],
    ["first check in a new process, ms", rows(STEPS, milliseconds)],
  ].map(([head, rows]) => table([[head, ...titles], ...rows]).join("\n"));
  return [...tables, skippedText(runtimes), sizesTable(sizes)].filter(Boolean).join("\n\n");
}

/** The steps to a first check. */
const STEPS = {
  load: "load the package",
  make: "make a gate, and a token",
  check: "check, reading the store",
};

const thousands = ({ median, low, high }) => interval(scaled({ median, low, high }), 1);

const scaled = (estimate) =>
  Object.fromEntries(Object.entries(estimate).map(([key, value]) => [key, value / 1e3]));

/** Where what does not run. */
function skippedText(runtimes) {
  const lines = runtimes.flatMap(({ title, figures }) =>
    Object.entries(figures)
      .filter(([, { skipped }]) => skipped)
      .map(([name, { skipped }]) => `${CONTENDERS[name]} does not run in ${title}: ${skipped}`),
  );
  return lines.join("\n");
}

function sizesTable(sizes) {
  const kilobytes = (bytes) => `${(bytes / 1e3).toFixed(1)} KB`;
  const rows = sizes.map(({ what, raw, gzipped }) => [what, kilobytes(raw), kilobytes(gzipped)]);
  return table([["minified", "raw", "gzipped"], ...rows]).join("\n");
}

/** The section of docs/benchmark.md, which stands last there; empty before the first whole run. */
export async function section() {
  const report = await readFile(RESULTS, "utf8").then(JSON.parse, () => undefined);
  if (!report) return "";
  const { processor, processors, memory, system } = report.machine;
  return `${TITLE}

Written by \`npm run bench -- runtimes\`, which reproduces it in some minutes: ${report.rounds} rounds, on
${processors} × ${processor}, ${memory}, ${system}.

\`\`\`text
${text(report)}
\`\`\`

${NOTES}`;
}

const NOTES = `All do the same: they take a standard \`Request\` with twelve headers, which was made before the clock
starts, and answer whether it may pass and whose it is; ${LANES} at a time, as in a server. Every record
is in memory, every key imported. A round has a burst of each contender in each runtime, in an order of
its own; the figures are medians with their 95 % intervals. Before anything is timed each contender is
seen to let a good credential in, and neither a wrong one nor none. What is not the same:

- The plain JavaScript and Hono's look a hash up, and that is all. Gatepass checks the token's form and
  checksum, the record's state, expiry and kind, the route, the scopes and the addresses that the token
  is bound to, and reads all headers, since any may be one that deceives the app; of a session also the
  place, the fetch metadata and what was revoked. Reading all headers is about a third of its check in
  workerd, where each is made for JavaScript anew; the others read one.
- jose believes a JWT until it expires: nobody can revoke one.
- better-auth checks expiry and permissions. The limit by which a key is good for ten requests a day is
  turned off.
- Hono answers by a \`Response\`, after its router. The headers that Gatepass has for the app are made when
  somebody looks at them, which nobody does here.
- No store is read. Gatepass keeps a record for 5 seconds by itself; with the others a store is read for
  each check, or somebody writes a cache.
- The others have their SHA-256 and HMAC from \`crypto.subtle\`: native code, in Node.js and Deno on other
  threads, which gains less where all processors are busy. Gatepass has its own, in WebAssembly.
- workerd's clock has whole milliseconds, and moves by I/O alone: there is a timer before and after each
  burst.
- workerd and Vercel's runtime compile WebAssembly before a program starts; that is not in the first
  check there.
`;

/** Writes the results, and their section into docs/benchmark.md. */
export async function publish(report) {
  const { format } = await import("prettier");
  const json = JSON.stringify(rounded(report));
  await writeFile(RESULTS, await format(json, { parser: "json", printWidth: 100 }));
  const page = await readFile(PAGE, "utf8");
  const [others] = page.split(`\n${TITLE}\n`);
  await writeFile(PAGE, `${others}\n${await section()}`);
  say("Written: bench/runtimes.json, docs/benchmark.md");
}
