// What a crowd can do: ten times as much as the gate can do, half of it with no good credential. Each
// answer is checked, as `npm run soak` does for longer.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { burst } from "../../bench/soak/burst.mjs";
import { judgeBursts } from "../../bench/soak/judge.mjs";
import { closedLoop, Outcome } from "../../bench/soak/load.mjs";
import { everything } from "../../bench/soak/mix.mjs";
import { startStage } from "../../bench/soak/stage.mjs";

describe("a gate that is asked ten times as much as it can do", () => {
  const calm = new Outcome();
  let stage;
  let found;
  before(async () => {
    stage = await startStage({ small: true });
    const capacity = await closedLoop(stage, everything, calm, { runners: 32, seconds: 2 });
    found = await burst(stage, capacity, { times: 3, seconds: 1, before: 1 });
  });
  after(() => stage?.stop());

  test("does all of the mix before, and each answer is right", () => {
    assert.deepEqual(calm.told, []);
  });

  test("lets nobody in, and answers wrongly to nobody", (t) => {
    for (const { before, after, done, turnedAway, unsent } of found.bursts) {
      t.diagnostic(`${done} done, ${turnedAway} of them turned away, ${unsent} not sent`);
      t.diagnostic(`p99 ${Math.round(before)} ms before, ${Math.round(after)} ms after`);
    }
    assert.equal(found.outcome.letIn, 0);
    assert.deepEqual(found.outcome.told, []);
  });

  // A gate that has just begun still fills what it may keep; whether that ends is the soak's to say.
  test("is back in 10 s by itself, and takes less than a gigabyte", () => {
    for (const { what, figure, met } of judgeBursts(found)) assert.ok(met, `${what}: ${figure}`);
    for (const { resident } of found.bursts) assert.ok(resident < 2 ** 30, `${resident} bytes`);
  });
});
