// Which counts of instructions are let pass.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compareCounts } from "../scripts/counts.mjs";

const kept = { check: 1000, parse: 100 };

test("a count may rise by five percent and no further", () => {
  const passed = compareCounts(kept, { check: 1050, parse: 100 });
  assert.deepEqual(passed, { mistakes: [], remarks: [] });
  const { mistakes } = compareCounts(kept, { check: 1060, parse: 100 });
  assert.deepEqual(mistakes, [
    '"check" takes 1060 instructions, it took 1000 (+6.0 %); if that must be so, run npm run counts -- --update',
  ]);
});

test("a count that fell is only told", () => {
  const { mistakes, remarks } = compareCounts(kept, { check: 900, parse: 100 });
  assert.deepEqual(mistakes, []);
  assert.match(remarks.join(), /^"check" takes 900 instructions, it took 1000 \(−10\.0 %\); /);
});

test("every operation has a figure, and every figure its operation", () => {
  const { mistakes } = compareCounts(kept, { check: 1000, find: 10 });
  assert.equal(mistakes.length, 2);
  assert.match(mistakes[0], /^"find" takes 10 instructions, and no figure is kept; /);
  assert.match(mistakes[1], /^"parse" has a figure, but is not counted any more; /);
});
