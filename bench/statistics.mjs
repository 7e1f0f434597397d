// Medians of paired figures, with how sure they are.

import { generator } from "../tests/support/random.mjs";

const RESAMPLES = 2_000;

/** The median. */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median and its 95 % bootstrap interval (percentiles): `{median, low, high}`. */
export function estimate(values) {
  // The same each time, so that equal figures give an equal interval.
  const random = generator(values.length);
  const medians = Float64Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)])),
  ).sort();
  const at = (share) => medians[Math.round(share * (RESAMPLES - 1))];
  return { median: median(values), low: at(0.025), high: at(0.975) };
}

/** The items in random order. */
export function shuffled(items) {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0]);
}
