// The measurement: many short rounds, in each every contender once, in an order of its own.

import { say } from "../scripts/lib/run.mjs";
import { estimate, median, shuffled } from "./statistics.mjs";

const PER_REQUEST = ["cpu", "reads", "writes", "calls"];

/** Runs them all: the samples of each contender, by name, one a round. */
export async function runRounds(stage, contenders, { rounds, seconds }) {
  const samples = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  say(`Warming up ${contenders.length} contenders`);
  for (const contender of contenders) await stage.run(contender, 1);
  for (let round = 1; round <= rounds; round++) {
    say(`Round ${round} of ${rounds}`);
    for (const contender of shuffled(contenders)) {
      samples[contender.name].push(await stage.run(contender, seconds));
    }
  }
  return samples;
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
