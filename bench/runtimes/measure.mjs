// The measurement: many short bursts, in each round one of every contender in every runtime, in an
// order of its own.

import { Failure, say } from "../../scripts/lib/run.mjs";
import { estimate, median, shuffled } from "../statistics.mjs";
import { start } from "./runtimes.mjs";

/** The contenders by their names in program.js, and what they do. */
export const CONTENDERS = {
  pat: "Gatepass: PAT",
  embed: "Gatepass: embed session",
  plain: "Plain JavaScript: SHA-256 and a Map",
  hono: "Hono bearerAuth with the same",
  jose: "jose: HS256 session",
  "better-auth": "better-auth: API key",
};

/** What the package does without a gate. */
export const CALLS = ["parseToken", "digestToken", "openSession"];

/** The kinds of credentials, and whom a contender lets in by each. */
const VERDICTS = { good: "ada", wrong: null, missing: null };

/** A burst takes about so long; the requests of one are all made before. */
const BURST = { seconds: 0.04, least: 50, most: { checks: 4_000, calls: 100_000 } };

/**
 * Measures in these runtimes (of `findRuntimes`): `[{name, title, version, figures, first}]`,
 * the figures by contenders and calls: `{rate, ratio}` or `{skipped}`, the reason. `warmUp` is the milliseconds that each contender works before the rounds.
 */
export async function measure(runtimes, { rounds, starts, warmUp }) {
  const first = await firstChecks(runtimes, starts);
  const programs = {};
  try {
    for (const [name, runtime] of Object.entries(runtimes)) programs[name] = await start(runtime);
    const tasks = await tasksOf(programs);
    const working = tasks.filter(({ skipped }) => skipped === undefined);
    say(`Warming up ${working.length} tasks`);
    for (const task of working) await ready(task, warmUp);
    for (let round = 1; round <= rounds; round++) {
      say(`Round ${round} of ${rounds}`);
      for (const task of shuffled(working)) task.rates.push(await rateOf(task));
    }
    return Object.keys(programs).map((name) => ({
      ...{ name, title: runtimes[name].title, version: runtimes[name].version },
      ...{ figures: figures(name, tasks), first: first[name] },
    }));
  } finally {
    await Promise.all(Object.values(programs).map((program) => program.stop()));
  }
}

/** The first check in new processes: the median of each of its steps, in milliseconds. */
async function firstChecks(runtimes, starts) {
  const samples = Object.fromEntries(Object.keys(runtimes).map((name) => [name, []]));
  for (let at = 1; at <= starts; at++) {
    say(`First checks, ${at} of ${starts}`);
    for (const [name, runtime] of shuffled(Object.entries(runtimes))) {
      const program = await start(runtime);
      samples[name].push(await program.ask("first").finally(program.stop));
    }
  }
  const medians = ([name, own]) => {
    const step = (key) => median(own.map((sample) => sample[key]));
    return [name, { load: step("load"), make: step("make"), check: step("check") }];
  };
  return Object.fromEntries(Object.entries(samples).map(medians));
}

/** What is to be done in the rounds, by every contender that runs there. */
async function tasksOf(programs) {
  const tasks = [];
  for (const [runtime, program] of Object.entries(programs)) {
    const task = (act, name, skipped) => ({ runtime, program, act, name, skipped, rates: [] });
    for (const name of Object.keys(CONTENDERS)) {
      tasks.push(task("checks", name, await whySkipped(program, runtime, name)));
    }
    for (const name of CALLS) tasks.push(task("calls", name));
  }
  return tasks;
}

/** Sees that a contender lets in whom it should, and nobody else; why not, where it does not run. */
async function whySkipped(program, runtime, name) {
  let found;
  try {
    found = await program.ask("verdicts", { name });
  } catch (error) {
    if (CONTENDERS[name].startsWith("Gatepass")) throw error;
    return error.message;
  }
  for (const [kind, user] of Object.entries(VERDICTS)) {
    if (found[kind] === user) continue;
    throw new Failure(`${name} in ${runtime} lets in ${found[kind]} by a ${kind} credential.`);
  }
}

/** Has a task work until its code is warm, and finds how much of it makes a burst. */
async function ready(task, warmUp) {
  task.count = BURST.least;
  for (const end = performance.now() + warmUp; performance.now() < end;) {
    const count = Math.round((await rateOf(task)) * BURST.seconds);
    task.count = Math.min(Math.max(count, BURST.least), BURST.most[task.act]);
  }
}

/** How often a second a task is done, in one burst. */
async function rateOf({ program, act, name, count }) {
  const { milliseconds } = await program.ask(act, { name, count });
  return (count / milliseconds) * 1e3;
}

/** What comes of the rounds in a runtime: rates, and how many times as fast the PAT is. */
function figures(runtime, tasks) {
  const own = tasks.filter((task) => task.runtime === runtime);
  const pat = own.find(({ name }) => name === "pat").rates;
  const figure = ({ name, act, skipped, rates }) => {
    if (skipped !== undefined) return [name, { skipped }];
    if (act === "calls") return [name, { rate: estimate(rates) }];
    const ratio = estimate(rates.map((rate, round) => pat[round] / rate));
    return [name, { rate: estimate(rates), ratio }];
  };
  return Object.fromEntries(own.map(figure));
}
