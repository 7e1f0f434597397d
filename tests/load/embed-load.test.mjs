import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { enter, mint, open, startEmbedGate } from "../support/embeds.mjs";

const SECOND = 1000;
// An isolate believes what it has read for 5 s: within this time that runs out twice.
const DURATION = 11 * SECOND;
const RUNNERS = 20;

let gate;
before(async () => (gate = await startEmbedGate()));
after(() => gate?.stop());

const each = (make) => Promise.all(Array.from({ length: RUNNERS }, make));

/** Does each of these again and again for a while: all answers have this status. */
async function assertAll(status, runners) {
  let count = 0;
  const end = performance.now() + DURATION;
  const run = async (once) => {
    while (performance.now() < end) {
      const answer = await once();
      const where = () => `${answer.text.slice(0, 200)}\n${gate.output().slice(-1000)}`;
      if (answer.status !== status) assert.equal(answer.status, status, where());
      count += 1;
    }
  };
  await Promise.all(runners.map(run));
  assert.ok(count > 10 * RUNNERS, `${count}`);
}

describe("whenever the isolate's memory turns stale", () => {
  test("entries without a pause are all let in", async () => {
    const tokens = await each(() => mint(gate));
    const runner =
      ({ embedUrl }) =>
      () =>
        enter(gate, embedUrl, { timeout: 30 * SECOND });
    await assertAll(303, tokens.map(runner));
  });

  test("so are requests in places", async () => {
    const visits = await each(() => open(gate, { idleMinutes: 1 }));
    const runner = (visit) => () => visit.ask("/public/hello", { timeout: 30 * SECOND });
    await assertAll(200, visits.map(runner));
  });
});
