// Fuzzes the parts of the core that read what others wrote, each against an oracle (fuzz/oracles).
import { pathToFileURL } from "node:url";
import {
  buildTargets,
  COMPILER_ADVICE,
  fuzz,
  hasCompiler,
  keepInputs,
  targets,
} from "./lib/fuzzing.mjs";
import { readOptions } from "./lib/options.mjs";
import { asScript, Failure, say } from "./lib/run.mjs";

const AT_ONCE = 2;
const PROGRESS = 30_000;

const HELP = `Usage: npm run fuzz -- [TARGET] [--seconds N] [--keep]

Fuzzes one target or all, ${AT_ONCE} at once, and tells what was reached; a finding ends its target.
Each goes on from what it found before on this machine, and from fuzz/corpus, which
\`cargo test --package gatepass-oracles\` gives to the oracles without fuzzing.

  TARGET        ${targets().slice(0, 8).join(", ")},
                ${targets().slice(8).join(", ")}
  --seconds N   how long for each (60)
  --keep        keep the inputs that reach more of the code in fuzz/corpus
  --help        this text`;

/**
 * Fuzzes targets, and answers the figures of each by its name, or fails with all that was found;
 * where there is nothing to compile libFuzzer with, answers why: `{skipped}`.
 */
export async function fuzzAll({ names = targets(), seconds, keep = false }) {
  if (!hasCompiler()) return { skipped: COMPILER_ADVICE };
  say("Compiling the fuzz targets (a minute or two the first time)");
  const programs = await buildTargets();
  const figures = {};
  const findings = [];
  const waiting = [...names];
  const workers = Array.from({ length: AT_ONCE }, async () => {
    while (waiting.length > 0) {
      const name = waiting.shift();
      try {
        figures[name] = await fuzzOne(programs, name, seconds);
        if (keep) await keepInputs(programs, name);
      } catch (error) {
        findings.push(error.message);
      }
    }
  });
  await Promise.all(workers);
  const sorted = Object.fromEntries(names.map((name) => [name, figures[name]]));
  console.table(sorted);
  if (findings.length > 0) throw new Failure(findings.join("\n\n"));
  return { figures: sorted };
}

async function fuzzOne(programs, name, seconds) {
  let latest;
  const tell = () =>
    say(`${name}: ${latest?.executions ?? 0} executions, coverage ${latest?.coverage ?? 0}`);
  const progress = setInterval(tell, PROGRESS);
  try {
    return await fuzz(programs, name, seconds, (figures) => (latest = figures));
  } finally {
    clearInterval(progress);
    tell();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await asScript(async () => {
    const args = process.argv.slice(2);
    const target = args[0]?.startsWith("-") === false ? args.shift() : undefined;
    const options = { seconds: { type: "string", default: "60" }, keep: { type: "boolean" } };
    const { seconds, keep } = readOptions(options, HELP, args);
    if (target && !targets().includes(target)) {
      throw new Failure(`There is no target "${target}".\n\n${HELP}`);
    }
    if (!/^[1-9]\d*$/.test(seconds)) throw new Failure(`--seconds is a whole number.\n\n${HELP}`);
    const names = target ? [target] : targets();
    const { skipped } = await fuzzAll({ names, seconds: Number(seconds), keep });
    if (skipped) throw new Failure(skipped);
    process.exit(0);
  });
}
