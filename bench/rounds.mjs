// The measurement: many short rounds, in each every contender once, in an order of its own.

import { say } from "../scripts/lib/run.mjs";
import { estimate, median, shuffled } from "./statistics.mjs";

/** How often a peer that fails under load is asked once more, before it is left out. */
const TRIES = 3;

const PER_REQUEST = ["cpu", "reads", "writes", "calls"];

/** Runs them all: the samples of each contender, by name, one a round. */
export async function runRounds(stage, contenders, { rounds, seconds }) {
  const samples = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  say(`Warming up ${contenders.length} contenders`);
  for (const contender of contenders) {
    if (!(await attempt(stage, contender, 1))) delete samples[contender.name];
  }
  for (let round = 1; round <= rounds; round++) {
    say(`Round ${round} of ${rounds}`);
    for (const contender of shuffled(contenders.filter(({ name }) => samples[name]))) {
      const sample = await attempt(stage, contender, seconds);
      if (sample) samples[contender.name].push(sample);
      else delete samples[contender.name];
    }
  }
  return samples;
}

/** A contender's work; nothing where a peer does not do it, which must not end the others' run. */
async function attempt(stage, contender, seconds) {
  for (let tries = 1; tries <= TRIES; tries++) {
    try {
      return await stage.run(contender, seconds);
    } catch (error) {
      if (contender.kind !== "peer") throw error;
      say(`${contender.title} failed, try ${tries} of ${TRIES}: ${error.message.slice(0, 500)}`);
    }
  }
  say(`${contender.title} is left out from here on.`);
}

/** A contender's figures from the samples of all. */
export function figures({ name, limit }, samples) {
  const own = samples[name];
  const column = (key) => own.map((sample) => sample[key]);
  return {
    rate: median(column("rate")),
    ...Object.fromEntries(PER_REQUEST.map((key) => [key, median(column(key))])),
    ratio: ratio(name, limit, samples),
    extraCpu: difference(name, limit, samples),
  };
}

/** How many times as many requests a second one contender serves as another, round by round. */
export function ratio(name, other, samples) {
  return estimate(samples[name].map(({ rate }, round) => rate / samples[other][round].rate));
}

/** How many more microseconds of CPU a request takes, round by round. */
export function difference(name, other, samples) {
  return estimate(samples[name].map(({ cpu }, round) => cpu - samples[other][round].cpu));
}
