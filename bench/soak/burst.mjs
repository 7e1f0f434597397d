// Bursts: ten times what the gate can do, half of it with no good credential.

import { Client } from "./client.mjs";
import { Histogram } from "./histogram.mjs";
import { openLoop, Outcome } from "./load.mjs";
import { everything, halfBad } from "./mix.mjs";
import { seenOf } from "./watch.mjs";

/** A burst, in times the capacity; and what goes on before and after it. */
const BURST = 10;
const REST = 0.3;

/** Clients at once, and the milliseconds that they wait. */
const CONNECTIONS = 1_000;
const TIMEOUT = 5_000;

/** Seconds within which p99 must be back: at this many times what it was, or milliseconds. */
const RECOVERY = 10;
const FACTOR = 2;
const LEAST = 250;

/**
 * Bursts of so many seconds, one after the other: `{outcome, bursts}`, of each burst what was done
 * and turned away, the seconds until p99 was back (`recovered`; undefined: it was not), and the
 * memory then.
 */
export async function burst(stage, capacity, { times, seconds, before = 5, say = () => {} }) {
  const outcome = new Outcome();
  const calm = stage.client;
  const bursts = [];
  const rest = { rate: REST * capacity, most: CONNECTIONS };
  for (let at = 0; at < times; at++) {
    const usual = new Histogram();
    await openLoop(stage, quick, outcome, { ...rest, seconds: before, recorder: into(usual) });

    const [done, turnedAway, unsent] = [outcome.done, outcome.turnedAway, outcome.unsent];
    const over = performance.now() + seconds * 1000;
    stage.client = new Client({ connections: CONNECTIONS, timeout: TIMEOUT });
    await openLoop(stage, halfBad, outcome, {
      ...{ rate: BURST * capacity, seconds, most: CONNECTIONS, mayRefuse: true },
    });
    stage.client.close();
    stage.client = calm;

    const most = Math.max(LEAST, FACTOR * usual.within(0.99));
    const { recovered, p99 } = await recovery(stage, outcome, { rest, most, over });
    bursts.push({
      ...{ done: outcome.done - done, turnedAway: outcome.turnedAway - turnedAway },
      ...{ unsent: outcome.unsent - unsent, before: usual.within(0.99), after: p99, recovered },
      ...(await seenOf(stage)),
    });
    say(`burst ${at + 1}: ${JSON.stringify(bursts.at(-1))}`);
  }
  return { outcome, bursts };
}

/** The seconds after the burst until p99 is back, and what it is then. */
async function recovery(stage, outcome, { rest, most, over }) {
  const since = () => (performance.now() - over) / 1000;
  while (since() < RECOVERY) {
    const now = new Histogram();
    const options = { ...rest, seconds: 1, recorder: into(now), mayRefuse: true };
    await openLoop(stage, quick, outcome, options);
    const p99 = now.within(0.99);
    if (now.count > 0 && p99 <= most) return { recovered: since(), p99 };
  }
  return { recovered: undefined, p99: undefined };
}

/** Of everything, what does not take long by itself. */
function quick() {
  for (;;) {
    const kind = everything();
    if (!kind.slow) return kind;
  }
}

const into = (histogram) => ({ record: (_, milliseconds) => histogram.record(milliseconds) });
