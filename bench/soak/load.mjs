// The load: closed, where each of some runners waits for its answer before it goes on; and open,
// where things come when they come, as clients that know nothing of each other do.

import { pause } from "../../tests/support/api.mjs";
import { TurnedAway } from "./checks.mjs";
import { NoAnswer } from "./client.mjs";
import { Histogram } from "./histogram.mjs";

/** Different errors that are told of, and how often one is told. */
const TOLD = 20;

/** Milliseconds that what is under way in the end is waited for. */
const DRAIN = 35_000;

/** What came of a load. */
export class Outcome {
  #told = new Map();
  #refusals = new Map();
  done = 0;
  /** Wrong answers, broken connections, answers that never came. */
  errors = 0;
  /** Of those, that somebody was let in who should not be, or as another. */
  letIn = 0;
  /** The gate, or the system under it, said that it has too much to do; where that may be. */
  turnedAway = 0;
  /** What was not sent, since too much was under way. */
  unsent = 0;

  /** Counts how one ended. */
  ended(kind, error, mayRefuse) {
    this.done++;
    if (!error) return;
    if (mayRefuse && (error instanceof TurnedAway || error instanceof NoAnswer)) {
      this.turnedAway++;
      note(this.#refusals, nameOf(error));
      return;
    }
    this.errors++;
    if (error.letIn) this.letIn++;
    note(this.#told, `${kind.name}: ${nameOf(error)}`);
  }

  /** How it was turned away: `{text, count}`. */
  get refusals() {
    return [...this.#refusals.values()];
  }

  /** What went wrong, the first of each sort: `{text, count}`. */
  get told() {
    return [...this.#told.values()];
  }
}

const nameOf = (error) => error.message || error.code || error.name;

/** Counts a text, with those that differ in numbers or late. */
function note(notes, text) {
  const same = text.replace(/\d+/g, "#").slice(0, 80);
  const noted = notes.get(same);
  if (noted) noted.count++;
  else if (notes.size < TOLD) notes.set(same, { text, count: 1 });
}

/**
 * Has so many runners work for so many seconds, one after the other of what `pick` answers: how many
 * are done in a second of the latter half: until then memories fill. What takes long by itself is
 * not waited for.
 */
export async function closedLoop(stage, pick, outcome, { runners, seconds }) {
  const begun = performance.now();
  const end = begun + seconds * 1000;
  const from = begun + seconds * 500;
  let counted = 0;
  const runner = async () => {
    while (performance.now() < end) {
      const kind = pick();
      const running = once(stage, kind, outcome);
      if (!kind.slow) await running;
      const now = performance.now();
      if (now >= from && now < end) counted++;
    }
  };
  await Promise.all(Array.from({ length: runners }, runner));
  return counted / ((end - from) / 1000);
}

/**
 * Begins what `pick` answers, `rate` a second, at random moments (Poisson) whatever is still under
 * way, up to `most`. `recorder.record(kind, milliseconds)` gets the time since it was due; with
 * `mayRefuse` the gate may have too much to do.
 */
export async function openLoop(stage, pick, outcome, options) {
  const { rate, seconds, most, recorder, mayRefuse = false } = options;
  const underWay = new Set();
  const begun = performance.now();
  const end = begun + seconds * 1000;
  const begin = async (kind, due) => {
    const refused = await once(stage, kind, outcome, mayRefuse);
    if (!refused) recorder?.record(kind, performance.now() - due);
  };
  let due = begun;
  while (due < end) {
    const now = performance.now();
    for (; due <= now && due < end; due += (-Math.log(1 - Math.random()) * 1000) / rate) {
      if (underWay.size >= most) {
        outcome.unsent++;
        continue;
      }
      const running = begin(pick(), due).then(() => underWay.delete(running));
      underWay.add(running);
    }
    await pause(1);
  }
  await Promise.race([Promise.all(underWay), pause(DRAIN)]);
}

/** Does one thing; answers whether it ended otherwise than well. */
async function once(stage, kind, outcome, mayRefuse) {
  try {
    await kind.run(stage);
    outcome.ended(kind);
    return false;
  } catch (error) {
    outcome.ended(kind, error, mayRefuse);
    return true;
  }
}

/** Latencies by kind: of the minute, and of each third of the whole. */
export class Recorder {
  #minute = new Map();
  #thirds = new Map();
  #ends;
  /** By kind, a summary of each minute. */
  minutes = new Map();

  /** For so many seconds from now. */
  constructor(seconds) {
    const now = performance.now();
    this.#ends = [now + (seconds * 1000) / 3, now + (seconds * 2000) / 3];
  }

  record(kind, milliseconds) {
    const now = performance.now();
    of(this.#minute, kind.name, () => new Histogram()).record(milliseconds);
    const third = this.#ends.filter((end) => now >= end).length;
    const make = () => Array.from({ length: 3 }, () => new Histogram());
    const thirds = of(this.#thirds, kind.name, make);
    thirds[third].record(milliseconds);
    if (!kind.slow) of(this.#thirds, ALL, make)[third].record(milliseconds);
  }

  /** Ends a minute: the summary of all but what takes long by itself. */
  endMinute(kinds) {
    const all = new Histogram();
    for (const { name, slow } of kinds) {
      const histogram = this.#minute.get(name) ?? new Histogram();
      if (!slow) all.add(histogram);
      of(this.minutes, name, () => []).push(histogram.summary());
    }
    this.#minute.clear();
    return all.summary();
  }

  /** Summaries of the first, the second and the third part, of a kind or of all that is not slow. */
  thirds(name = ALL) {
    return (this.#thirds.get(name) ?? []).map((histogram) => histogram.summary());
  }

  /** The summary of the whole. */
  whole(name = ALL) {
    const sum = new Histogram();
    for (const histogram of this.#thirds.get(name) ?? []) sum.add(histogram);
    return sum.summary();
  }
}

const ALL = "all";

function of(map, key, make) {
  let found = map.get(key);
  if (!found) map.set(key, (found = make()));
  return found;
}
