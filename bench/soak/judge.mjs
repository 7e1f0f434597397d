// What the figures must be.

import { median } from "../statistics.mjs";

const MB = 2 ** 20;

/** Bytes by which workerd's memory may grow in a minute. */
const MOST_GROWTH = MB;

/** How many times the p99 of the first third that of the last may be. */
const MOST_SLOWER = 2;

/** How many times the descriptors of the first third those of the last may be. */
const MOST_DESCRIPTORS = 1.5;

/** Windows of which each gives the least memory that was seen: what is between is garbage. */
const WINDOWS = 20;

/**
 * How workerd's memory grew after a part of the time, in bytes a minute: `{slope, low, high}`. The
 * slope is Theil and Sen's over the least of each of 20 windows, the median of the slopes of all
 * pairs; the interval, of 95 %, is Sen's (1968).
 */
export function growth(samples, part) {
  const from = samples.at(-1).seconds * part;
  const points = leastOfWindows(samples.filter(({ seconds }) => seconds >= from));
  const slopes = points
    .flatMap((one, at) =>
      points
        .slice(at + 1)
        .map((other) => ((other.resident - one.resident) / (other.seconds - one.seconds)) * 60),
    )
    .sort((one, other) => one - other);
  const n = points.length;
  const width = 1.96 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))];
  return {
    slope: median(slopes),
    low: at((slopes.length - width) / 2),
    high: at((slopes.length + width) / 2),
  };
}

function leastOfWindows(samples) {
  const windows = Math.min(WINDOWS, Math.max(2, Math.floor(samples.length / 3)));
  const least = (some) => some.reduce((a, b) => (b.resident < a.resident ? b : a));
  return Array.from({ length: windows }, (_, at) => {
    const bound = (which) => Math.round((which * samples.length) / windows);
    return least(samples.slice(bound(at), bound(at + 1)));
  });
}

/** Each judgement: `{what, figure, met}`. */
export function judge({ outcome, unsent, growth, growthInTheEnd, thirds, descriptors, bursts }) {
  const [first, , last] = thirds;
  const slower = last.p99 / first.p99;
  return [
    {
      what: "nobody was let in who should not be",
      figure: outcome.letIn,
      met: outcome.letIn === 0,
    },
    { what: "no error", figure: outcome.errors, met: outcome.errors === 0 },
    { what: "all was sent when it was due", figure: unsent, met: unsent === 0 },
    {
      what: "memory is flat in the last two thirds: less than 1 MB a minute more, or not surely more",
      figure: `${perMinute(growth)}; in the last third ${perMinute(growthInTheEnd)}`,
      met: growth.slope < MOST_GROWTH || growth.low <= 0,
    },
    {
      what: `p99 of the last third is at most ${MOST_SLOWER} times that of the first`,
      figure: `${slower.toFixed(2)} times`,
      met: slower <= MOST_SLOWER,
    },
    {
      what: `descriptors, the same, ${MOST_DESCRIPTORS} times`,
      figure: descriptors.join(", then "),
      met: descriptors[1] <= MOST_DESCRIPTORS * descriptors[0],
    },
    ...judgeBursts(bursts),
    judgeMemoryOf(bursts),
  ];
}

/** What bursts must come to. */
export function judgeBursts({ outcome, bursts }) {
  return [
    {
      what: "bursts: nobody was let in who should not be",
      figure: outcome.letIn,
      met: outcome.letIn === 0,
    },
    { what: "bursts: no wrong answer, no 500", figure: outcome.errors, met: outcome.errors === 0 },
    {
      what: "bursts: p99 is back within 10 s",
      figure: bursts.map(({ recovered }) => inSeconds(recovered)).join(", "),
      met: bursts.every(({ recovered }) => recovered !== undefined),
    },
  ];
}

/** Bytes that the memory after the last burst may be above that after the one before. */
const MOST_AFTER_BURSTS = 32 * MB;

/** What the bursts of a gate that has been running for long leave of memory. */
function judgeMemoryOf({ bursts }) {
  const after = bursts.map(({ resident }) => resident);
  return {
    what: "bursts: memory after the last is as after the one before, to 32 MB",
    figure: after.map((bytes) => `${inMb(bytes)} MB`).join(", "),
    met: after.at(-1) - after.at(-2) <= MOST_AFTER_BURSTS,
  };
}

/** After how long p99 was back, in words. */
export const inSeconds = (recovered) => (recovered ? `${recovered.toFixed(1)} s` : "not in time");

const perMinute = ({ slope, low, high }) =>
  `${inMb(slope)} MB a minute (${inMb(low)} to ${inMb(high)})`;

const inMb = (bytes) => (bytes / MB).toFixed(Math.abs(bytes) < 100 * MB ? 2 : 0);

/** Descriptors in the first and the last third, the medians. */
export function descriptorsOf(samples) {
  const end = samples.at(-1).seconds;
  const of = (some) => median(some.map(({ descriptors }) => descriptors));
  return [
    of(samples.filter(({ seconds }) => seconds <= end / 3)),
    of(samples.filter(({ seconds }) => seconds >= (2 * end) / 3)),
  ];
}
