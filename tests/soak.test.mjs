// What `npm run soak` counts and judges by.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  assertOpened,
  assertRefused,
  assertStatus,
  TurnedAway,
  Wrong,
} from "../bench/soak/checks.mjs";
import { Histogram } from "../bench/soak/histogram.mjs";
import { growth, judge } from "../bench/soak/judge.mjs";
import { Outcome } from "../bench/soak/load.mjs";
import { generator } from "./support/random.mjs";

const MB = 2 ** 20;
const random = generator(1);

/** What half an hour with a heap that fills and is emptied, above this floor, is judged to grow by. */
function grown(floorOf) {
  const samples = Array.from({ length: 360 }, (_, at) => {
    const seconds = 5 * (at + 1);
    const garbage = (at % 9) * 5 * MB + random() * 20 * MB;
    return { seconds, resident: floorOf(seconds / 60) + garbage };
  });
  return growth(samples, 1 / 3);
}

describe("latencies", () => {
  test("are those of the sorted list, to 3 %", () => {
    const histogram = new Histogram();
    const values = Array.from({ length: 10_000 }, () => 1000 ** random());
    values.forEach((value) => histogram.record(value));
    values.sort((one, other) => one - other);
    for (const share of [0.01, 0.5, 0.99, 0.999, 1]) {
      const exact = values[Math.ceil(share * values.length) - 1];
      const found = histogram.within(share);
      assert.ok(found >= exact - 0.001 && found <= exact * 1.032, `${found}, not ${exact}`);
    }
    assert.equal(histogram.summary().count, 10_000);
  });

  test("are there from none to an hour", () => {
    const histogram = new Histogram();
    assert.equal(histogram.summary().p99, 0);
    histogram.record(0);
    histogram.record(3_600_000);
    assert.equal(histogram.within(0.5), 0);
    assert.ok(histogram.within(1) > 2_000_000);
  });
});

describe("memory", () => {
  test("that fills and is emptied above the same floor does not grow", () => {
    const { slope, low, high } = grown(() => 300 * MB);
    assert.ok(Math.abs(slope) < MB && low <= 0 && high >= 0, `${slope} (${low} to ${high})`);
  });

  test("that a process takes while it warms up does not count", () => {
    const { slope, low } = grown((minute) => Math.min(300, 100 + minute * 30) * MB);
    assert.ok(slope < MB && low <= 0, `${slope}`);
  });

  test("that leaks by 2 MB a minute is seen to", () => {
    const { slope, low } = grown((minute) => (300 + minute * 2) * MB);
    assert.ok(slope > 1.5 * MB && low > MB, `${slope} (from ${low})`);
  });
});

describe("judged is", () => {
  const NONE = { slope: 0, low: 0, high: 0 };
  const good = () => ({
    ...{ outcome: new Outcome(), unsent: 0, growth: NONE, growthInTheEnd: NONE },
    ...{ thirds: [{ p99: 10 }, { p99: 10 }, { p99: 19 }], descriptors: [100, 149] },
    bursts: {
      outcome: new Outcome(),
      bursts: [
        { resident: 0, recovered: 1 },
        { resident: 99 * MB, recovered: 10 },
        { resident: 130 * MB, recovered: 1 },
      ],
    },
  });
  const missed = (changes) =>
    judge({ ...good(), ...changes })
      .filter(({ met }) => !met)
      .map(({ what }) => what);

  test("nothing as missed that is not", () => assert.deepEqual(missed({}), []));

  const outcome = new Outcome();
  outcome.ended({ name: "a kind" }, new Wrong("a token", undefined, true));
  const [first, second, last] = good().bursts.bursts;
  const bursts = (bursts, outcome = new Outcome()) => ({ bursts: { outcome, bursts } });
  for (const [what, changes, count = 1] of [
    ["who was let in, as an error too", { outcome }, 2],
    ["what was not sent", { unsent: 1 }],
    ["memory that surely grows", { growth: { slope: 1.1 * MB, low: 1, high: 2 * MB } }],
    ["answers that get slower", { thirds: [{ p99: 10 }, { p99: 10 }, { p99: 21 }] }],
    ["descriptors that get more", { descriptors: [100, 151] }],
    ["who was let in by a burst", bursts([first, second, last], outcome), 2],
    ["a burst that is not got over", bursts([first, second, { ...last, recovered: undefined }])],
    ["memory that bursts leave behind", bursts([first, second, { ...last, resident: 132 * MB }])],
  ]) {
    test(what, () => assert.equal(missed(changes).length, count));
  }
});

describe("an answer is", () => {
  const ada = { id: "ada" };
  const answer = (status, body, type = "application/problem+json") => ({
    ...{ status, headers: { "content-type": type } },
    ...{ text: () => JSON.stringify(body), json: () => body },
  });
  const echo = (headers) => answer(200, { headers });
  const letIn = (error) => error instanceof Wrong && error.letIn;

  test("right as it should be", () => {
    assertOpened(echo({ "gatepass-user": "ada" }), ada, "a PAT");
    assertRefused(answer(401, { code: "token_unknown" }), 401, "token_unknown", "a token");
  });

  test("another's", () => {
    assert.throws(() => assertOpened(echo({ "gatepass-user": "ben" }), ada, "a PAT"), letIn);
  });

  test("one that lets in a stranger", () => {
    assert.throws(() => assertRefused(echo({}), 401, "token_unknown", "a token"), letIn);
  });

  test("wrong with another code, with the credential behind the gate, with a 500", () => {
    for (const wrong of [
      () => assertRefused(answer(401, { code: "token_used" }), 401, "token_unknown", "a token"),
      () => assertOpened(echo({ "gatepass-user": "ada", authorization: "x" }), ada, "a PAT"),
      () => assertStatus(answer(500, {}), 200, "a PAT"),
      () => assertStatus(answer(503, { code: "config_invalid" }), 200, "a PAT"),
    ]) {
      assert.throws(wrong, Wrong);
    }
  });

  test("one of a gate that has too much to do", () => {
    for (const [status, code] of [
      [429, "rate_limited"],
      [503, "store_unavailable"],
    ]) {
      assert.throws(() => assertStatus(answer(status, { code }), 200, "a PAT"), TurnedAway);
    }
  });
});
