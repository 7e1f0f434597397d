// Counts the instructions of what a check is made of, and compares them with the figures that
// benches/instructions.json keeps for this compiler.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  countInstructions,
  ensureValgrind,
  hasValgrind,
  VALGRIND_ADVICE,
} from "./lib/callgrind.mjs";
import { readOptions } from "./lib/options.mjs";
import { inRoot } from "./lib/paths.mjs";
import { asScript, ask, Failure, run } from "./lib/run.mjs";

const KEPT = inRoot("benches", "instructions.json");
const UPDATE = "npm run counts -- --update";
const TOLERANCE = 5;

const HELP = `Usage: npm run counts -- [--update]

Counts the instructions of what a check is made of, with valgrind, and fails if something takes
${TOLERANCE} % more of them than benches/instructions.json has for this compiler. \`npm test\` does so too.

  --update   keep the new figures
  --help     this text`;

/**
 * Fails where a count has risen. Where there is nothing to compare with, answers why: `{skipped}`.
 * Else answers what was `{counted}`.
 */
export async function checkCounts() {
  if (!hasValgrind()) return { skipped: `There is no valgrind. ${VALGRIND_ADVICE}` };
  const toolchain = toolchainName();
  const kept = readKept()[toolchain];
  if (!kept) {
    return { skipped: `No figures are kept for Rust ${toolchain}; this keeps some: ${UPDATE}` };
  }
  const counted = await count();
  const { mistakes, remarks } = compareCounts(kept, counted);
  for (const remark of remarks) console.log(remark);
  if (mistakes.length > 0) throw new Failure(mistakes.join("\n"));
  return { counted };
}

/** What is wrong with counts, and what is worth saying, a line each. */
export function compareCounts(kept, counted) {
  const mistakes = [];
  const remarks = [];
  for (const [name, is] of Object.entries(counted)) {
    const was = kept[name];
    if (was === undefined) {
      mistakes.push(`"${name}" takes ${is} instructions, and no figure is kept; run ${UPDATE}`);
      continue;
    }
    const percent = (100 * (is - was)) / was;
    if (Math.abs(percent) <= TOLERANCE) continue;
    const change = `${percent > 0 ? "+" : "−"}${Math.abs(percent).toFixed(1)} %`;
    const line = `"${name}" takes ${is} instructions, it took ${was} (${change})`;
    if (percent > 0) mistakes.push(`${line}; if that must be so, run ${UPDATE}`);
    else remarks.push(`${line}; to keep that, run ${UPDATE}`);
  }
  for (const name of Object.keys(kept)) {
    if (name in counted) continue;
    mistakes.push(`"${name}" has a figure, but is not counted any more; run ${UPDATE}`);
  }
  return { mistakes, remarks };
}

/** The instructions of each operation, by its name. */
async function count() {
  const program = await buildCounted();
  const { counts, lines } = await countInstructions(program, "counts::measured");
  const [times, ...names] = lines;
  if (names.length === 0 || names.length !== counts.length) {
    throw new Failure(`valgrind counted ${counts.length} of ${names.length} operations.`);
  }
  return Object.fromEntries(names.map((name, at) => [name, Math.round(counts[at] / times)]));
}

/** The program, optimised as the Worker is, whatever flags this machine has for other programs. */
async function buildCounted() {
  const args = ["--locked", "--release", "--package", "gatepass-benches", "--bin", "counts"];
  await run("cargo", ["build", ...args], { env: { CARGO_ENCODED_RUSTFLAGS: "" } });
  const metadata = ask("cargo", ["metadata", "--locked", "--no-deps", "--format-version=1"]);
  return join(JSON.parse(metadata).target_directory, "release", "counts");
}

/** The compiler's version and machine: `1.95.0 x86_64-unknown-linux-gnu`. */
function toolchainName() {
  const version = ask("rustc", ["-vV"]) ?? "";
  const [release, host] = ["release", "host"].map((name) =>
    version.match(new RegExp(`^${name}: (.*)$`, "m"))?.at(1),
  );
  return `${release} ${host}`;
}

const readKept = () => JSON.parse(readFileSync(KEPT, "utf8"));

/** Writes down the counts for this compiler beside those for others, and answers them. */
async function keepCounts() {
  if (!hasValgrind()) throw new Failure(VALGRIND_ADVICE);
  const counted = await count();
  const kept = { ...readKept(), [toolchainName()]: counted };
  const sorted = (object) => Object.fromEntries(Object.entries(object).sort());
  const all = Object.entries(kept).map(([toolchain, counts]) => [toolchain, sorted(counts)]);
  writeFileSync(KEPT, `${JSON.stringify(sorted(Object.fromEntries(all)), null, 2)}\n`);
  return { counted };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await asScript(async () => {
    const { update } = readOptions({ update: { type: "boolean" } }, HELP);
    await ensureValgrind();
    const { skipped, counted } = await (update ? keepCounts() : checkCounts());
    if (skipped) throw new Failure(skipped);
    console.log("Instructions of each, on the average of its calls:");
    const kept = readKept()[toolchainName()];
    console.table(
      Object.fromEntries(
        Object.entries(counted).map(([name, now]) => [name, { now, kept: kept[name] }]),
      ),
    );
  });
}
