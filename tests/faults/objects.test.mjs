// Durable Objects whose storage fails, or that end in the middle of something. What needs them is
// refused; what does not goes on; and when the fault is over, everything is as it was.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, open as openFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { assertOpens, assertProblem, knock, pause, until } from "../support/api.mjs";
import {
  enter,
  keysText,
  mint,
  newKey,
  newUser,
  open,
  startEmbedGate,
} from "../support/embeds.mjs";
import { startKv, startServer } from "../support/stand-ins.mjs";
import { changeObjects, filesIn, queryObjects } from "../support/state.mjs";
import { keyOf } from "../support/tokens.mjs";

const SECOND = 1_000;
const WEEK = 7 * 86_400 * SECOND;
const vars = {
  OPERATOR_KEY: randomBytes(32).toString("base64url"),
  SESSION_KEYS: keysText(newKey()),
};

/** A gate that can be started again and again over the same storage and the same KV. */
async function lasting(t, more = {}) {
  const storage = await mkdtemp(join(tmpdir(), "gatepass-faults-"));
  const kv = await startKv();
  const lasting = { storage, kv };
  lasting.start = async () => {
    const gate = await startEmbedGate({ storage, kv, vars: { ...vars, ...more } });
    return (lasting.gate = gate);
  };
  t.after(async () => {
    await lasting.gate?.stop();
    await kv.stop();
    await rm(storage, { recursive: true, force: true });
  });
  await lasting.start();
  return lasting;
}

const inKv = ({ kv }, ...tokens) =>
  until(() => tokens.every(({ token }) => kv.values.has(keyOf(token))), "KV has them", 30 * SECOND);

describe("storage that cannot be read", { concurrency: 4 }, () => {
  const VERSION = (by) => `UPDATE meta SET value = value + ${by} WHERE name = 'version'`;
  const version = (className) => ({
    spoil: ({ storage }) => changeObjects(storage, className, VERSION(1)),
    restore: ({ storage }) => changeObjects(storage, className, VERSION(-1)),
  });

  /** All but the first page is overwritten. */
  async function spoil({ storage }, className) {
    for (const file of await databases(storage, className)) {
      await copyFile(file, `${file}.kept`);
      const { size } = await stat(file);
      const handle = await openFile(file, "r+");
      await handle.write(randomBytes(size - 4096), 0, size - 4096, 4096);
      await handle.close();
    }
  }
  async function restore({ storage }, className) {
    for (const kept of await filesIn(join(storage, className))) {
      if (!kept.endsWith(".kept")) continue;
      const file = kept.slice(0, -".kept".length);
      await copyFile(kept, file);
      for (const end of ["-wal", "-shm"]) await rm(file + end, { force: true });
    }
  }
  async function databases(storage, className) {
    // Closing it brings into the file what its log has.
    await changeObjects(storage, className, "PRAGMA wal_checkpoint(TRUNCATE)");
    const files = await filesIn(join(storage, className));
    return files.filter((file) => /(?<!metadata)\.sqlite$/.test(file));
  }
  const bytes = (className) => ({
    spoil: (gate) => spoil(gate, className),
    restore: (gate) => restore(gate, className),
  });

  for (const [name, fault, says] of [
    ["is of a later version", version, /the tables are of another version/],
    ["is overwritten", bytes, /"binding":"(LEDGER|DIRECTORY)"/],
  ]) {
    test(`of a ledger, because it ${name}: nothing is made, revoked or confirmed, and what KV has opens`, async (t) => {
      const kept = await lasting(t);
      const user = newUser();
      const [plain, strict, doomed] = [
        await kept.gate.createToken({ user }),
        await kept.gate.createToken({ user, strict: true }),
        await kept.gate.createToken({ user }),
      ];
      const embed = await mint(kept.gate, { user, singleUse: true });
      await inKv(kept, plain, strict, doomed, embed);
      await kept.gate.stop();
      await fault("Ledger").spoil(kept);

      const failing = await kept.start();
      await assertOpens(failing, plain.token);
      assert.equal((await knock(failing, strict.token)).status, 503);
      assert.equal((await enter(failing, moved(embed.embedUrl, failing))).status, 503);
      for (const [method, path, body] of [
        ["POST", "/tokens", { name: "a", user }],
        ["DELETE", `/tokens/${doomed.id}`],
        ["GET", `/tokens?user=${user.id}`],
      ]) {
        assertProblem(await failing.api(method, path, body), 503, "store_unavailable");
      }
      assert.match(failing.output(), says);
      assert.doesNotMatch(failing.output(), /panicked|unreachable|code had hung/);
      await failing.stop();
      await fault("Ledger").restore(kept);

      const well = await kept.start();
      await assertOpens(well, strict.token);
      assert.equal((await enter(well, moved(embed.embedUrl, well))).status, 303);
      assert.equal((await well.api("DELETE", `/tokens/${doomed.id}`)).status, 204);
    });

    test(`of the directory, because it ${name}: nothing is made, and what is there opens`, async (t) => {
      const kept = await lasting(t);
      const user = newUser();
      const strict = await kept.gate.createToken({ user, strict: true });
      await inKv(kept, strict);
      await until(() => kept.kv.values.has("w/default"), "KV has the settings");
      await kept.gate.stop();
      await fault("Directory").spoil(kept);

      const failing = await kept.start();
      await assertOpens(failing, strict.token);
      const make = () => failing.api("POST", "/tokens", { name: "a", user: newUser() });
      assertProblem(await make(), 503, "store_unavailable");
      assertProblem(await failing.api("GET", "/settings"), 503, "store_unavailable");
      kept.kv.values.delete("w/default");
      await pause(5.5 * SECOND);
      assert.equal((await knock(failing, strict.token)).status, 503, "settings that nobody knows");
      assert.match(failing.output(), says);
      await failing.stop();
      await fault("Directory").restore(kept);

      const well = await kept.start();
      await assertOpens(well, strict.token);
      assert.equal((await well.createToken({ user: newUser() })).state, "active");
    });
  }
});

/** An embed URL of an earlier start, at the port of this one. */
const moved = (url, { port }) => url.replace(/:\d+\//, `:${port}/`);

describe("an end in the middle of something", { concurrency: 4 }, () => {
  test("of a put: what may still arrive in KV is put right, and so is put twice", async (t) => {
    const kept = await lasting(t);
    const { kv } = kept;
    const made = await kept.gate.createToken({ user: newUser() });
    await inKv(kept, made);
    kv.putFault = "hangs";
    const puts = () => kv.writes.filter((key) => key === keyOf(made.token)).length;
    await kept.gate.api("PATCH", `/tokens/${made.id}`, { name: "on its way" });
    await until(() => puts() === 2, "the put is on its way");
    await kept.gate.kill();
    kv.putFault = undefined;
    const gate = await kept.start();
    await gate.api("PATCH", `/tokens/${made.id}`, { name: "the last" });
    const name = () => JSON.parse(kv.values.get(keyOf(made.token))).n;
    await until(() => name() === "the last", "KV has the last name");
    const outbox = "SELECT due, since FROM outbox";
    const isAccepted = async () => {
      const rows = await queryObjects(kept.storage, "Ledger", outbox);
      return rows.every(({ since }) => since === null) && { rows };
    };
    const { rows } = await until(isAccepted, "it is accepted");
    assert.equal(rows.length, 1, "it is put once more");
    assert.ok(rows[0].due > Date.now() + 50 * SECOND);
  });

  test("of a message that nobody takes: a put that comes meanwhile does not wait for it", async (t) => {
    const receiver = await startServer((request) => receiver.got.push(request));
    receiver.got = [];
    t.after(() => receiver.stop());
    const NOTIFY_KEY = `whsec_${randomBytes(32).toString("base64")}`;
    const kept = await lasting(t, { NOTIFY_URL: receiver.url, NOTIFY_KEY });
    const user = newUser();
    const doomed = await kept.gate.createToken({ user });
    await inKv(kept, doomed);
    const expiresAt = new Date(Date.now() + WEEK + SECOND).toISOString();
    await kept.gate.createToken({ user, expiresAt });
    await until(() => receiver.got.length === 1, "the message is on its way");
    const begun = performance.now();
    await kept.gate.api("DELETE", `/tokens/${doomed.id}`);
    const state = () => JSON.parse(kept.kv.values.get(keyOf(doomed.token))).st;
    await until(() => state() === "r", "KV knows");
    assert.ok(performance.now() - begun < 5 * SECOND, `${performance.now() - begun} ms`);
    await pause(12 * SECOND - (performance.now() - begun));
    assert.equal(receiver.got.length, 1, "it is not sent again at once");
    const [{ attempts }] = await queryObjects(kept.storage, "Ledger", MESSAGES);
    assert.equal(attempts, 1);
  });

  test("of a request's time: what KV says afterwards spends no token", async (t) => {
    const kept = await lasting(t);
    const embed = await mint(kept.gate, { singleUse: true });
    await inKv(kept, embed);
    const key = keyOf(embed.token);
    const value = kept.kv.values.get(key);
    await kept.gate.stop();
    const gate = await kept.start();
    const late = Promise.withResolvers();
    kept.kv.faults.set(key, () => late.promise);
    const url = moved(embed.embedUrl, gate);
    const answer = await enter(gate, url, { timeout: 13 * SECOND });
    assert.equal(answer.status, 503);
    late.resolve(value);
    kept.kv.faults.delete(key);
    await pause(SECOND);
    assert.equal((await enter(gate, url)).status, 303);
  });

  for (const [what, arrange, act, assertWhole] of [
    [
      "a token is replaced",
      (gate) => gate.createToken({ user: newUser() }),
      (gate, { id }) => gate.api("POST", `/tokens/${id}/rotate`, {}),
      async (gate, { id, user }, answer) => {
        const { body } = await gate.api("GET", `/tokens?user=${user.id}`);
        const states = body.result.map(({ state }) => state).sort();
        const whole = answer ? ["active,used"] : ["active", "active,used"];
        assert.ok(whole.includes(String(states)), String(states));
        if (answer) await assertOpens(gate, answer.body.token);
        assert.ok(body.result.some((token) => token.id === id));
      },
    ],
    [
      "a session is killed",
      (gate) => open(gate),
      (gate, visit) => gate.api("DELETE", `/sessions/${visit.session().id}`),
      async (gate, visit, answer) => {
        const { body } = await gate.api("GET", "/sessions?limit=100");
        const isLive = body.result.some(({ id }) => id === visit.session().id);
        assert.ok(!(answer && isLive), "a session that was killed is live");
      },
    ],
    [
      "settings are set",
      async () => ({}),
      (gate) => gate.api("PUT", "/settings", { creation: false }),
      async (gate, _, answer) => {
        const { body } = await gate.api("GET", "/settings");
        if (answer?.status === 200) assert.deepEqual(body, answer.body);
      },
    ],
  ]) {
    test(`in which ${what}: it is done or not, and done if it was answered`, async (t) => {
      const kept = await lasting(t);
      for (let round = 0; round < 6; round++) {
        const made = await arrange(kept.gate);
        const acting = act(kept.gate, made).catch(() => undefined);
        await pause(round * 2);
        await kept.gate.kill();
        const answer = await acting;
        const gate = await kept.start();
        await assertWhole(gate, made, answer);
      }
    });
  }
});

const MESSAGES = "SELECT attempts FROM agenda WHERE kind = 'token.expiring'";
