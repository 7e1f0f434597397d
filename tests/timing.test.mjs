// Whether somebody without a good token can tell one of another workspace from one that was never
// made: by the answer, by what is asked for it, or by how long the core takes.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import * as glue from "../build/gatepass.js";
import { startRawGate } from "./support/gate.mjs";
import { rawRequest } from "./support/raw.mjs";
import { startObjects } from "./support/stand-ins.mjs";
import { digestOf, keyOf, makeRecord, makeToken } from "./support/tokens.mjs";

const SETTINGS = JSON.stringify({ v: 1, rev: 1 });
const elsewhere = (token) => makeRecord(token, { ws: "other" });

describe("an unknown token and one of another workspace", () => {
  let gate;
  let ledger;
  const records = new Map();
  before(async () => {
    ledger = await startObjects(({ lookup }) => ({ record: records.get(lookup.digest) ?? null }));
    gate = await startRawGate({ ledger });
    gate.kv.values.set("w/default", SETTINGS);
  });
  after(() => Promise.all([gate?.stop(), ledger?.stop()]));

  /** The answers to a token that is presented twice, and all that was asked for it. */
  async function present(token) {
    const reads = gate.kv.reads.length;
    const calls = ledger.calls.length;
    const answers = [];
    for (let time = 0; time < 2; time++) {
      const headers = [["Authorization", `Bearer ${token}`]];
      const answer = await rawRequest({ port: gate.port, target: "/api/v1/jobs", headers });
      const kept = answer.headers.filter(([name]) => name.toLowerCase() !== "date");
      const asked = ledger.calls.length - calls;
      answers.push({ status: answer.status, headers: kept, text: answer.text, asked });
    }
    const named = (text) => text.replaceAll(digestOf(token), "<digest>");
    return {
      answers,
      reads: gate.kv.reads.slice(reads).map(named),
      calls: ledger.calls.slice(calls).map(({ command }) => named(JSON.stringify(command))),
    };
  }

  test("are answered alike, and the same is asked for both", async () => {
    await present(makeToken()); // so that the settings are known
    const [known, stored] = [makeToken(), makeToken()];
    records.set(digestOf(known), elsewhere(known)); // KV has nothing yet
    records.set(digestOf(stored), elsewhere(stored));
    gate.kv.values.set(keyOf(stored), elsewhere(stored));
    const unknown = await present(makeToken());
    assert.equal(unknown.answers[0].status, 401);
    assert.deepEqual(unknown.reads, ["t/<digest>"]);
    assert.deepEqual(unknown.calls, ['{"lookup":{"digest":"<digest>"}}']);
    assert.deepEqual(await present(stored), unknown);
    assert.deepEqual(await present(known), unknown);
  });
});

describe("the time that the core takes", () => {
  const NOW = Date.now();
  const TOKENS = 64;
  const unknown = Array.from({ length: TOKENS }, () => makeToken());
  const others = Array.from({ length: TOKENS }, () => makeToken());
  const factsOf = (token) => `GET\nhttps://gate.example/api/v1/jobs\nauthorization:Bearer ${token}`;
  const facts = [unknown, others].map((tokens) => tokens.map(factsOf));
  const check = (text, now) => () => glue.check(text, undefined, now);

  before(() => {
    const module = readFileSync(new URL("../build/gatepass_bg.wasm", import.meta.url));
    glue.initSync({ module });
    const variables = {
      ...{ UPSTREAM: "https://app.example", WORKSPACES: ["default"] },
      OPERATOR_KEY: "an-operator-key-of-a-test-of-timing",
    };
    const mistake = glue.configure(JSON.stringify(variables), BINDINGS);
    assert.equal(mistake, undefined);
    glue.learn("w/default", SETTINGS, NOW);
  });

  test("before anything is read is the same", () => {
    assert.match(glue.check(facts[0][0], undefined, NOW), /^read\n/);
    const { t } = compare(facts.map((texts) => texts.map((text) => check(text, NOW))));
    assert.ok(Math.abs(t) < THRESHOLD, `t = ${t}`);
  });

  test("when KV has answered differs by less than a microsecond", () => {
    for (const token of unknown) glue.learn(keyOf(token), undefined, NOW);
    for (const token of others) glue.learn(keyOf(token), elsewhere(token), NOW);
    for (const [text] of facts) assert.match(glue.check(text, undefined, NOW), /^ask\n/);
    const { microseconds } = compare(facts.map((texts) => texts.map((text) => check(text, NOW))));
    assert.ok(Math.abs(microseconds) < 1, `${microseconds} µs`);
  });

  test("would be found to differ if one did a little more", () => {
    const [plain, twice] = facts.map((texts) => texts.map((text) => check(text, NOW)));
    const leaking = twice.map((run) => () => (run(), glue.counted("2001:db8::1")));
    const { t } = compare([plain, leaking]);
    assert.ok(Math.abs(t) > THRESHOLD, `t = ${t}`);
  });
});

const BINDINGS = [
  ...["RECORDS", "LEDGER", "DIRECTORY", "LOOKUPS_BY_ADDRESS", "LOOKUPS_BY_LEDGER", "ASSETS"],
];

/** As dudect has it: a difference that chance makes once in a hundred thousand times. */
const THRESHOLD = 4.5;
const PAIRS = 20_000;
const CROPPED = 0.9;

/**
 * The difference of two classes of calls, and Welch's t of it, measured in pairs of random order. What took longest is left
 * out: it is the machine's.
 */
function compare(classes) {
  const samples = [new Float64Array(PAIRS), new Float64Array(PAIRS)];
  for (let pair = -PAIRS / 10; pair < PAIRS; pair++) {
    const first = randomInt(2);
    for (const which of [first, 1 - first]) {
      const run = classes[which][(pair + PAIRS) % classes[which].length];
      const began = performance.now();
      run();
      const took = performance.now() - began;
      if (pair >= 0) samples[which][pair] = took;
    }
  }
  const all = Float64Array.from([...samples[0], ...samples[1]]).sort();
  const longest = all[Math.floor(all.length * CROPPED)];
  const [one, other] = samples.map((times) => moments(times.filter((took) => took <= longest)));
  const difference = one.mean - other.mean;
  return { t: difference / Math.sqrt(one.error + other.error), microseconds: difference * 1e3 };
}

/** The mean, and the square of its standard error. */
function moments(times) {
  const mean = times.reduce((sum, took) => sum + took, 0) / times.length;
  const squares = times.reduce((sum, took) => sum + (took - mean) ** 2, 0);
  return { mean, error: squares / (times.length - 1) / times.length };
}
