// The command line of the benchmark.

import { readOptions } from "../scripts/lib/options.mjs";
import { Failure } from "../scripts/lib/run.mjs";
import { CONTENDERS } from "./contenders.mjs";

const ROUNDS = 40;
const SECONDS = 1;
const QUICK_ROUNDS = 7;

/** What is measured besides the contenders under load, in this order, before them. */
export const PARTS = {
  inside: "a check inside WebAssembly, and its SHA-256",
  growth: "how cost grows with routes, scopes, apps, tokens, sessions",
  startup: "start-up and size of each Worker",
  memory: "the gate's memory after a million distinct tokens",
};

const listed = (entries) =>
  entries.map(([name, what]) => `      ${name.padEnd(16)}${what}`).join("\n");

const HELP = `Usage: npm run bench -- [options]

Measures what a check costs, beside a bare pass-through and other ways to do it. That takes half
an hour, and wants the machine for itself. A whole run writes bench/results.json,
docs/benchmark.md and its charts in docs/images/.

  --only A,B     only these contenders, each with its limit, and these parts:
${listed(CONTENDERS.map(({ name, title }) => [name, title]))}
${listed(Object.entries(PARTS))}
  --rounds N     rounds, in each of which every contender works once; by default ${ROUNDS}
  --seconds S    whole seconds that each works in a round; by default ${SECONDS}
  --quick        ${QUICK_ROUNDS} rounds, and less of the rest; writes nothing
  --help         this text`;

/**
 * What is asked for: `{contenders, parts, rounds, seconds, quick, whole}`; `whole` is a run that
 * leaves nothing out.
 */
export function benchOptions() {
  const { only, quick, rounds, seconds } = readOptions(
    {
      only: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean" },
    },
    HELP,
  );
  return {
    ...chosen(only),
    rounds: wholeNumber("rounds", rounds, quick ? QUICK_ROUNDS : ROUNDS),
    seconds: wholeNumber("seconds", seconds, SECONDS),
    quick,
    whole: only === undefined && !quick,
  };
}

function chosen(only) {
  if (only === undefined) return { contenders: CONTENDERS, parts: Object.keys(PARTS) };
  const names = only.split(",").map((name) => name.trim());
  const found = CONTENDERS.filter(({ name }) => names.includes(name));
  const parts = Object.keys(PARTS).filter((part) => names.includes(part));
  const known = [...found.map(({ name }) => name), ...parts];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Failure(`There is no contender and no part "${unknown}".\n\n${HELP}`);
  }
  const limits = found.map(({ limit }) => limit);
  return {
    contenders: CONTENDERS.filter(({ name }) => names.includes(name) || limits.includes(name)),
    parts,
  };
}

function wholeNumber(name, text, fallback) {
  if (text === undefined) return fallback;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Failure(`--${name} must be a whole number from 1 on, not "${text}".`);
}
