// The command line of the soak.

import { readOptions } from "../../scripts/lib/options.mjs";
import { Failure } from "../../scripts/lib/run.mjs";

const MINUTES = 30;
const LOAD = 0.8;

const HELP = `Usage: npm run soak -- [options]

Measures what the gate can do with a mix of everything, loads it with a part of that for half an
hour, and then with ten times as much for ten seconds, three times. Every answer is checked. It
fails if one is wrong, if memory grows, if answers get slower, or if a burst is not got over. A
run of ${MINUTES} minutes or more writes bench/soak.json. TMPDIR says where the ledgers' files are:
on a disk that others write to, it is the disk that is measured.

  --minutes N    how long the load lasts; by default ${MINUTES}
  --load PART    the part of the capacity; by default ${LOAD}
  --help         this text`;

/** What is asked for: `{minutes, load, whole}`; `whole` is a run whose result is kept. */
export function soakOptions() {
  const values = readOptions({ minutes: { type: "string" }, load: { type: "string" } }, HELP);
  const minutes = number("minutes", values.minutes, MINUTES, [0.5, 1_440]);
  const load = number("load", values.load, LOAD, [0.05, 1]);
  return { minutes, load, whole: minutes >= MINUTES };
}

function number(name, text, fallback, [least, most]) {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new Failure(`--${name} must be a number from ${least} to ${most}, not "${text}".`);
}
