// The benchmark by runtime compares code that works: in each runtime every contender lets in whom it
// should and nobody else, and can be measured. The figures of so short a run mean nothing.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { ensurePackages as ensureContenders } from "../../bench/packages.mjs";
import { CALLS, CONTENDERS, measure } from "../../bench/runtimes/measure.mjs";
import { text } from "../../bench/runtimes/report.mjs";
import { findRuntimes, RUNTIMES } from "../../bench/runtimes/runtimes.mjs";
import { ensurePackages } from "./support/packages.mjs";

describe("the benchmark by runtime", () => {
  let measured;

  before(async () => {
    await ensureContenders();
    await ensurePackages();
    const runtimes = await findRuntimes(Object.keys(RUNTIMES));
    measured = await measure(runtimes, { rounds: 2, starts: 1, warmUp: 0 });
  });

  for (const [name, { title }] of Object.entries(RUNTIMES)) {
    test(`has a figure in ${title} for each contender, or says why not`, () => {
      const { version, figures, first } = measured.find((runtime) => runtime.name === name);
      assert.match(version, /^\d+\.\d+\.\d+/);
      for (const contender of Object.keys(CONTENDERS)) {
        const { rate, skipped } = figures[contender];
        if (skipped === undefined) assert.ok(rate.median > 0, contender);
        else assert.equal(contender, "better-auth", skipped);
      }
      for (const call of CALLS) assert.ok(figures[call].rate.median > 0, call);
      for (const [step, milliseconds] of Object.entries(first)) assert.ok(milliseconds >= 0, step);
    });
  }

  test("is printed with a column for each runtime", () => {
    const printed = text({ runtimes: measured, sizes: [] });
    for (const { version } of measured) assert.ok(printed.includes(version), version);
  });
});
