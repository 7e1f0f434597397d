// What is read of libFuzzer's progress.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFigures } from "../scripts/lib/fuzzing.mjs";

test("figures are read of each line that has some", () => {
  for (const [line, executions] of [
    ["#1024\tpulse  cov: 210 ft: 426 corp: 94/2248b lim: 62 exec/s: 512 rss: 27Mb", 1024],
    ["#7\tREDUCE cov: 210 ft: 426 corp: 94/24Kb lim: 4 exec/s: 512 rss: 27Mb L: 2/2 MS: 1 X-", 7],
    ["#99\tDONE   cov: 210 ft: 426 corp: 94/1Mb lim: 62 exec/s: 512 rss: 27Mb", 99],
  ]) {
    const figures = { executions, perSecond: 512, coverage: 210, features: 426, inputs: 94 };
    assert.deepEqual(readFigures(line), figures, line);
  }
});

test("other lines have none", () => {
  for (const line of ["", "INFO: Seed: 1", "#3\tREAD units: 3", "stat::average_exec_per_sec: 5"]) {
    assert.equal(readFigures(line), undefined, line);
  }
});
