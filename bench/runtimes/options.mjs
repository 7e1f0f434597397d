// The command line of the benchmark by runtime.

import { readOptions } from "../../scripts/lib/options.mjs";
import { Failure } from "../../scripts/lib/run.mjs";
import { RUNTIMES } from "./runtimes.mjs";

const WHOLE = { rounds: 40, starts: 11, warmUp: 1_500 };
const QUICK = { rounds: 5, starts: 3, warmUp: 300 };

const HELP = `Usage: npm run bench -- runtimes [options]

Measures what a check of the npm package costs in each runtime, beside plain JavaScript and the usual
libraries. That takes some minutes. A whole run writes bench/runtimes.json and its section of
docs/benchmark.md.

  --only A,B     only these runtimes: ${Object.keys(RUNTIMES).join(", ")}
  --quick        ${QUICK.rounds} rounds instead of ${WHOLE.rounds}, and less of the rest; writes nothing
  --help         this text`;

/**
 * What is asked for: `{names, whole, rounds, starts, warmUp}`, the names of runtimes; `whole` is a run
 * that leaves nothing out.
 */
export function runtimesOptions(args) {
  const options = { only: { type: "string" }, quick: { type: "boolean" } };
  const { only, quick } = readOptions(options, HELP, args);
  const names = only?.split(",") ?? Object.keys(RUNTIMES);
  const unknown = names.find((name) => !(name in RUNTIMES));
  if (unknown !== undefined) throw new Failure(`There is no runtime "${unknown}".\n\n${HELP}`);
  return { names, whole: only === undefined && !quick, ...(quick ? QUICK : WHOLE) };
}
