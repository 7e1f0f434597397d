// The package in every runtime that it is for: each, with its real program, runs the same vectors, and
// opens what all the others made.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { given, readVectors } from "../support/vectors.mjs";
import { makeProjectInside, RUNTIMES } from "./conformance/runtimes.mjs";

/** Runtimes at work at a time. */
const AT_A_TIME = 2;

const vectors = readVectors();
const { tokens, digests, challenges, sessions, gates } = vectors;
const sealing = sessions.sealed.length + sessions.opened.length + sessions.refused.length;
const total = tokens.length + digests.length + challenges.length + sealing + gates.length;

let project;
/** By name: what the runtime answered to the vectors, and to what the others made. */
const reports = new Map();

before(async () => {
  project = await makeProjectInside();
  const asking = new Map();
  const stops = [];
  try {
    await eachRuntime(async (name, { start }) => {
      asking.set(name, await start(project, (stop) => stops.push(stop)));
      reports.set(name, { own: await asking.get(name)({ vectors }) });
    });
    await eachRuntime(async (name) => {
      const report = reports.get(name);
      if (report.error) return;
      const others = madeByOthers(name);
      report.others = await asking.get(name)({ others });
    });
  } finally {
    await Promise.all(stops.map((stop) => stop()));
  }
});
after(() => project?.remove());

for (const [name, { says, isPage }] of Object.entries(RUNTIMES)) {
  describe(name, () => {
    const report = () => {
      const { error, ...answers } = reports.get(name);
      if (error) throw new Error(`${name}: ${error.message}`);
      return answers;
    };

    test("is that runtime", () => {
      assert.match(report().own.runtime, says);
    });

    test("does what every vector says, byte for byte", () => {
      const { passed, failed } = report().own;
      assert.equal(failed.length, 0, failed.slice(0, 5).join("\n\n"));
      assert.equal(passed, isPage ? total - sealing : total);
    });

    test("does so for its own requests where they can be such", () => {
      const { standard } = report().own;
      assert.ok(standard > (isPage ? 100 : 300), `${standard} of ${gates.length}`);
    });

    test("opens what every other one made", () => {
      const { passed, failed } = report().others;
      assert.deepEqual(failed, []);
      const made = madeByOthers(name).map(({ made }) => made);
      const count = ({ tokens, visits, sealed }) =>
        tokens.length + visits.length + (isPage ? 0 : sealed.length);
      assert.equal(
        passed,
        made.map(count).reduce((all, one) => all + one, 0),
      );
      assert.ok(made.length > 0);
    });
  });
}

/** What all runtimes but one made. */
function madeByOthers(name) {
  const makers = [...reports].filter(([by, { own }]) => by !== name && own?.made);
  return makers.map(([by, { own }]) => ({ by, now: given.now, made: own.made }));
}

/** Does something with each runtime; what fails is told where that runtime is looked at. */
async function eachRuntime(act) {
  const left = Object.entries(RUNTIMES);
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [name, runtime] = next;
      await act(name, runtime).catch((error) => reports.set(name, { error }));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}
