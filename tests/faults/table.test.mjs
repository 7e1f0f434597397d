// docs/operations.md says what comes of each fault. Here each is brought about, and the document held
// to its word.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { pause, until } from "../support/api.mjs";
import { FAULTS, mend } from "./faults.mjs";
import { prepare, prepareIntruders, startScene, STOLEN } from "./scene.mjs";
import { COLUMNS, REFUSALS, ROWS } from "./table.mjs";

const SECOND = 1_000;
// What comes at once came before anything was given up; all else, no later than this after its time,
// and than a busy machine makes of it.
const AT_ONCE = 9 * SECOND;
const GRACE = 3 * SECOND;
const LOG = 15 * SECOND;
// The outbox tries again after a minute at most.
const LAST_PAUSE = 60 * SECOND;
// Nothing but an upstream is waited for any longer.
const DEADLINE = 10 * SECOND;
const OK = [200, 201, 204, 303];
const REFUSED = [401, 403, 404, 429, 503];

test("every fault is in the document, and no other", () => {
  const there = Object.entries(FAULTS).flatMap(([service, faults]) =>
    Object.keys(faults).map((fault) => `${service} ${fault}`),
  );
  assert.deepEqual(ROWS.map(({ service, fault }) => `${service} ${fault}`).sort(), there.sort());
  const columns = new Set(ROWS.flatMap(({ said }) => Object.keys(said)));
  assert.deepEqual(
    [...columns].filter((column) => !(column in COLUMNS)),
    [],
  );
});

describe("a gate goes on as docs/operations.md says where", { concurrency: 6 }, () => {
  for (const [service, rows] of Map.groupBy(ROWS, ({ service }) => service)) {
    describe(service, { concurrency: 1 }, () => {
      let scene;
      const start = async () => {
        scene = await startScene();
        scene.intruders = await prepareIntruders(scene);
      };
      const stop = () => scene?.stop();
      // Keys that were had are good for ten minutes: then another isolate is needed.
      const [begin, end] = service.endsWith("keys") ? [beforeEach, afterEach] : [before, after];
      begin(start);
      end(stop);
      for (const row of rows) {
        test(row.fault, { timeout: 150 * SECOND }, () => assertRow(scene, row));
      }
    });
  }
});

async function assertRow(scene, { service, fault, answers, logged, within }) {
  const { probes, published } = await prepare(scene);
  for (const name of ["known", "session"]) assertOk(name, await sent(probes[name]));
  const before = scene.maker.output().length;
  const log = () => scene.maker.output().slice(before);
  try {
    await FAULTS[service][fault](scene, probes);
    const [given, refusals] = await Promise.all([all(probes), all(scene.intruders)]);
    const slack = GRACE + given.healthz.took;
    assertSaid(answers, given, slack);
    assertKeptOut(scene, refusals, slack);
    if (logged) await until(() => log().includes(logged), logged, LOG);
  } finally {
    mend(scene);
  }
  await recovered(probes, within * SECOND);
  await until(published, "KV has the revocation", LAST_PAUSE + GRACE);
  assert.doesNotMatch(log(), /panicked|unreachable|code had hung/);
  for (const secret of scene.secrets) assert.ok(!log().includes(secret));
}

/** What came of a request, and how many milliseconds it took. */
async function sent(probe) {
  const begun = performance.now();
  const answer = await probe();
  return { answer, took: performance.now() - begun };
}

/** The same for many at once, by name. */
async function all(probes) {
  const each = Object.entries(probes).map(async ([name, probe]) => [name, await sent(probe)]);
  return Object.fromEntries(await Promise.all(each));
}

function assertSaid(columns, answers, slack) {
  for (const [column, said] of Object.entries(columns)) {
    for (const name of COLUMNS[column]) {
      if (said.status === undefined) assertOk(name, answers[name]);
      else assertRefused(name, answers[name], said, slack);
    }
  }
}

function assertOk(name, { answer: { status, text } }) {
  assert.ok(OK.includes(status), `${name}: ${status} ${text.slice(0, 200)}`);
}

function assertRefused(name, { answer, took }, { status, after }, slack) {
  const where = `${name}: ${answer.status} ${answer.text.slice(0, 200)}, ${took} ms`;
  assert.equal(answer.status, status, where);
  const said = REFUSALS.get(String(status));
  assert.equal(codeOf(answer), said.code, where);
  assert.equal(answer.header("Retry-After") ?? "–", said["Retry-After"], where);
  if (after === 0) return assert.ok(took < AT_ONCE, where);
  assert.ok(took > after * SECOND - 500 && took < 1.05 * after * SECOND + slack, where);
}

/** Of a problem, or of a page in a frame. */
function codeOf({ header, text }) {
  if (header("Content-Type") !== "application/problem+json")
    return /data-code="(\w+)"/.exec(text)?.[1];
  return JSON.parse(text).code;
}

/** Nobody got in, and each was told so in time. */
function assertKeptOut({ upstream }, refusals, slack) {
  for (const [name, { answer, took }] of Object.entries(refusals)) {
    const where = `${name}: ${answer.status} ${answer.text.slice(0, 200)}, ${took} ms`;
    assert.ok(REFUSED.includes(answer.status), where);
    assert.match(codeOf(answer), /^\w+$/, where);
    if ([429, 503].includes(answer.status)) assert.match(answer.header("Retry-After"), /^\d+$/);
    assert.equal(answer.header("Set-Cookie"), undefined, where);
    assert.ok(took < DEADLINE + slack, where);
  }
  assert.deepEqual(
    upstream.got.filter(({ url }) => url.includes(STOLEN)),
    [],
  );
}

/** The gate is well again: at the first try, or after some time. */
async function recovered(probes, within) {
  const deadline = performance.now() + within;
  for (;;) {
    const isLast = performance.now() >= deadline;
    const answers = Object.entries(await all(probes));
    const isWell = answers.every(([, { answer }]) => OK.includes(answer.status));
    if (isWell || isLast) return answers.forEach((one) => assertOk(...one));
    await pause(SECOND);
  }
}
