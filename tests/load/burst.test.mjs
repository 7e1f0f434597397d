// What a crowd can do: ten times as much as the gate can do, half of it with no good credential. Each
// answer is checked, as `npm run soak` does for longer.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { burst } from "../../bench/soak/burst.mjs";
import { judgeBursts } from "../../bench/soak/judge.mjs";
import { closedLoop, Outcome } from "../../bench/soak/load.mjs";
import { everything } from "../../bench/soak/mix.mjs";
import { startStage } from "../../bench/soak/stage.mjs";

let stage;
before(async () => (stage = await startStage({ small: true })));
after(() => stage?.stop());

describe("a gate that is asked ten times as much as it can do", () => {
  let outcome;
  let bursts;

  test("does all of the mix when it is asked what it can do", async (t) => {
    const calm = new Outcome();
    const capacity = await closedLoop(stage, everything, calm, { runners: 32, seconds: 2 });
    assert.deepEqual(calm.told, []);
    bursts = await burst(stage, capacity, { times: 3, seconds: 1, before: 1 });
    outcome = bursts.outcome;
    for (const { before, after, done, turnedAway, unsent } of bursts.bursts) {
      t.diagnostic(`${done} done, ${turnedAway} of them turned away, ${unsent} not sent`);
      t.diagnostic(`p99 ${Math.round(before)} ms before, ${Math.round(after)} ms after`);
    }
  });

  test("lets nobody in", () => assert.equal(outcome.letIn, 0));

  test("answers wrongly to nobody", () => assert.deepEqual(outcome.told, []));

  test("is back in 10 s by itself, and keeps no memory of it", () => {
    for (const { what, figure, met } of judgeBursts(bursts)) assert.ok(met, `${what}: ${figure}`);
  });
});
