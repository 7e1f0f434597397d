// What Gatepass is to reach, and what it does.

import { CONTENDERS } from "./contenders.mjs";
import { difference, ratio } from "./rounds.mjs";
import { interval } from "./table.mjs";

/**
 * The targets: `of` answers what was measured, as an `estimate` or a number, or undefined where it
 * was not.
 */
const TARGETS = [
  times("PAT, warm", 0.9, "pat", "bare", "the bare pass-through"),
  atMost("PAT, warm: more CPU than the bare pass-through", 12, "µs", ({ samples }) =>
    measured(samples, "pat", "bare", difference),
  ),
  ...CONTENDERS.filter(({ readsKv }) => readsKv).map(({ name, title }) =>
    times("PAT, warm", 1.6, "pat", name, title),
  ),
  times("PAT, warm", 1.2, "pat", "jose-hs256", "jose, HS256"),
  times("PAT, warm", 1.2, "pat", "jose-es256", "jose, ES256"),
  times("Embed session", 0.85, "embed", "bare", "the bare pass-through"),
  times("PAT, from KV each time", 1, "pat-kv", "plain", "plain JavaScript with the same read"),
  times("Garbage token", 0.95, "garbage", "empty", "the empty JavaScript Worker"),
  atMost("Garbage token: reads of KV and calls of ledgers", 0, "", ({ samples }) =>
    samples?.garbage?.reduce((sum, { reads, calls }) => sum + reads + calls, 0),
  ),
  atMost("The Worker's wasm, gzipped", 100, "KB", ({ startup }) => {
    const gate = startup?.find(({ name }) => name === "gatepass");
    return gate && gate.wasmGzipped / 1e3;
  }),
  atMost(
    "Start-up to the first answer, more than the empty JavaScript Worker",
    5,
    "ms",
    (report) => report.startup?.find(({ name }) => name === "gatepass")?.extra,
  ),
  atMost(
    "A check inside WebAssembly, warm",
    2,
    "µs",
    ({ inside }) => inside && scaled(inside.check),
  ),
  atMost("The same, in times its own SHA-256", 2, "×", ({ inside }) => inside?.ratio),
];

/** Each target with its figure: `{what, target, figure, met}`; `met` is null if not measured. */
export function judge(report) {
  return TARGETS.map(({ what, target, unit, isMet, of }) => {
    const found = of(report);
    if (found === undefined) return { what, target, figure: "not measured", met: null };
    const isEstimate = typeof found === "object";
    const figure = isEstimate ? interval(found) : String(Math.round(found * 10) / 10);
    return {
      what,
      target,
      figure: `${figure} ${unit}`.trim(),
      met: isMet(isEstimate ? found.median : found),
    };
  });
}

function times(what, least, name, other, otherTitle) {
  const of = ({ samples }) => measured(samples, name, other, ratio);
  const isMet = (value) => value >= least;
  return { what: `${what}, against ${otherTitle}`, target: `≥ ${least} ×`, unit: "×", isMet, of };
}

function atMost(what, most, unit, of) {
  return { what, target: `≤ ${most} ${unit}`.trim(), unit, isMet: (value) => value <= most, of };
}

function measured(samples, name, other, compare) {
  return samples?.[name] && samples[other] ? compare(name, other, samples) : undefined;
}

/** Nanoseconds as microseconds. */
const scaled = (estimate) =>
  Object.fromEntries(Object.entries(estimate).map(([key, value]) => [key, value / 1e3]));
