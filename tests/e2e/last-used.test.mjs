// When a token was last used and a session last seen. Ledgers are told beside the request, and write
// it down once in a while.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { knock, pause, until } from "../support/api.mjs";
import { assertIn, keysText, newKey, open, startEmbedGate } from "../support/embeds.mjs";
import { freePort, startRawGate } from "../support/gate.mjs";
import { startKv, startObjects } from "../support/stand-ins.mjs";
import { changeObjects } from "../support/state.mjs";
import { keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const SECOND = 1000;
const secondsOf = (time) => Date.parse(time) / 1000;

describe("what a ledger keeps", () => {
  const vars = {
    OPERATOR_KEY: randomBytes(32).toString("base64url"),
    SESSION_KEYS: keysText(newKey()),
  };
  let storage;
  let kv;
  let port;
  let gate;
  before(async () => {
    storage = await mkdtemp(join(tmpdir(), "gatepass-last-used-"));
    [kv, port] = [await startKv(), await freePort()];
    await start();
  });
  after(async () => {
    await gate?.stop();
    await kv?.stop();
    await rm(storage, { recursive: true, force: true });
  });

  const start = async () => {
    gate = await startEmbedGate({ vars, storage, kv, port, second: true });
  };
  const lastUsed = async ({ id }) => (await gate.api("GET", `/tokens/${id}`)).body.lastUsedAt;
  const session = async ({ token }) => {
    const { body } = await gate.api("GET", `/sessions?user=${token.user.id}`);
    return body.result[0];
  };
  const lastSeen = async (visit) => (await session(visit)).lastSeenAt;
  /** Uses a token at an isolate that has not told of it. */
  const knockElsewhere = (token) =>
    knock({ url: `http://127.0.0.1:${gate.ports.second}` }, token, {});
  const used = (token) => until(() => lastUsed(token), "the use");

  /** Starts the gate again, as if what was written were so many seconds older. */
  async function restart(seconds) {
    await gate.stop();
    await changeObjects(
      ...[storage, "Ledger"],
      `UPDATE tokens SET used = used - ${seconds};
       UPDATE sessions SET seen = seen - ${seconds}`,
    );
    await start();
  }

  test("is null until a PAT is used, and then when it was", async () => {
    const made = await gate.createToken();
    assert.equal(made.lastUsedAt, null);
    assert.equal(await lastUsed(made), null);
    const before = Math.floor(Date.now() / 1000);
    assert.equal((await knock(gate, made.token)).status, 200);
    const time = await used(made);
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.ok(secondsOf(time) >= before && secondsOf(time) <= Date.now() / 1000, time);
    const list = await gate.api("GET", "/tokens?user=ada");
    assert.equal(list.body.result.find(({ id }) => id === made.id).lastUsedAt, time);
  });

  test("is not touched by a request that was refused", async () => {
    const made = await gate.createToken({ scopes: [] });
    const headers = { authorization: `Bearer ${made.token}` };
    const answer = await fetch(`${gate.url}/api/v1/jobs/`, { headers });
    assert.equal(answer.status, 403);
    await pause(500);
    assert.equal(await lastUsed(made), null);
  });

  test("of a PAT is written once in ten minutes, whatever isolates tell", async () => {
    const made = await gate.createToken();
    await knock(gate, made.token);
    const first = await used(made);
    await restart(590);
    const old = await lastUsed(made);
    assert.equal(secondsOf(first) - secondsOf(old), 590);
    await knock(gate, made.token);
    await knockElsewhere(made.token);
    await pause(SECOND);
    assert.equal(await lastUsed(made), old);
    await restart(10);
    await knock(gate, made.token);
    await until(async () => secondsOf(await lastUsed(made)) >= secondsOf(first), "the next use");
  });

  test("of a session rises to the minute, and of its token too", async () => {
    const visit = await open(gate);
    const opened = await lastSeen(visit);
    await assertIn(visit);
    await used(visit.token);
    await restart(50);
    const old = await lastSeen(visit);
    assert.equal(secondsOf(opened) - secondsOf(old), 50);
    await assertIn(visit);
    await pause(SECOND);
    assert.equal(await lastSeen(visit), old);
    await restart(10);
    await assertIn(visit);
    const risen = async () => secondsOf(await lastSeen(visit)) >= secondsOf(opened);
    await until(risen, "the minute");
    const { openedAt } = await session(visit);
    assert.equal(openedAt, opened);
  });
});

describe("what a ledger is told", () => {
  let ledger;
  let gate;
  let told = () => ({});
  before(async () => {
    ledger = await startObjects((note) => told(note));
    gate = await startRawGate({ ledger });
    gate.kv.values.set("w/default", JSON.stringify({ v: 1, rev: 1 }));
  });
  after(() => Promise.all([gate?.stop(), ledger?.stop()]));

  /** A PAT that KV knows. */
  function inKv() {
    const token = makeToken();
    const record = makeRecord(token);
    gate.kv.values.set(keyOf(token), record);
    return { token, id: JSON.parse(record).id };
  }
  const notesOf = ({ id }) =>
    ledger.calls.map(({ command }) => command).filter(({ used }) => used === id);

  test("is a PAT's use, once by each isolate, in whatever number it is used", async () => {
    told = () => 204;
    const pat = inKv();
    const statuses = [];
    for (let i = 0; i < 10; i++) {
      const many = Array.from({ length: 10 }, () => knock(gate, pat.token));
      statuses.push(...(await Promise.all(many)).map(({ status }) => status));
    }
    assert.deepEqual(new Set(statuses), new Set([200]));
    await pause(500);
    assert.deepEqual(notesOf(pat), [{ used: pat.id }]);
  });

  test("is told at the ledger that its id names, and holds no secret", async () => {
    const pat = inKv();
    await knock(gate, pat.token);
    await until(() => notesOf(pat).length > 0, "the note");
    const [{ name }] = ledger.calls.filter(({ command }) => command.used === pat.id);
    assert.equal(name, `l/${pat.id.slice(0, 4)}`);
    assert.ok(!JSON.stringify(ledger.calls).includes(pat.token.slice(-30)));
  });

  for (const [what, answer] of [
    ["throws", "throws"],
    ["hangs", "hangs"],
    ["refuses", 500],
  ]) {
    test(`never holds up a request, where the ledger ${what}`, { timeout: 20_000 }, async () => {
      told = () => answer;
      const pat = inKv();
      const begun = performance.now();
      for (let i = 0; i < 3; i++) assert.equal((await knock(gate, pat.token)).status, 200);
      assert.ok(performance.now() - begun < 2 * SECOND);
      await until(() => notesOf(pat).length > 0, "the note");
      assert.equal((await knock(gate, pat.token)).status, 200);
    });
  }
});
