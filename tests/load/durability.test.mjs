import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  assertOpens,
  assertProblem,
  assertShut,
  idsOf,
  knock,
  listAll,
  pause,
  until,
} from "../support/api.mjs";
import { startGate, startRawGate } from "../support/gate.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { readKv } from "../support/state.mjs";
import { keyOf } from "../support/tokens.mjs";

const CATCH_UP = 30_000;

// Look-ups of tokens that KV does not have yet are counted by address and by ledger.
const from = (i) => ({ "cf-connecting-ip": `198.51.100.${i % 250}` });
const users = Array.from({ length: 12 }, (_, i) => ({ id: `u${i}`, email: `u${i}@example.com` }));

// The outbox has to be waited for: both suites run side by side.
describe("durability", { concurrency: true }, () => {
  describe("a gate that is killed in a burst of changes", { concurrency: 1 }, () => {
    const env = { OPERATOR_KEY: randomBytes(32).toString("base64url") };
    let state;
    let gate;
    before(async () => {
      state = await mkdtemp(join(tmpdir(), "gatepass-durability-"));
      gate = await startGate({ state, env });
    });
    after(async () => {
      await gate?.stop();
      await rm(state, { recursive: true, force: true });
    });

    /** Each token that was answered, and each change of one: token → its last answered state. */
    const answered = new Map();

    /** Creates, disables and revokes over a connection until it breaks. */
    async function burst(connection) {
      const tokens = [];
      for (let i = 0; ; i++) {
        try {
          const user = users[(connection + i) % users.length];
          const made = await gate.createToken({ user, name: `${connection}-${i}` });
          answered.set(made.token, { ...made, state: "active" });
          tokens.push(made);
          if (i % 4 !== 3) continue;
          const [revoked, disabled] = [tokens.at(-2), tokens.at(-3)];
          for (const [{ id, token }, method, body, state] of [
            [revoked, "DELETE", undefined, "revoked"],
            [disabled, "PATCH", { enabled: false }, "disabled"],
          ]) {
            // Whether it holds is not known until it is answered.
            answered.get(token).state = undefined;
            const { status } = await gate.api(method, `/tokens/${id}`, body);
            if (status >= 300) throw new Error(`${method}: ${status}`);
            answered.get(token).state = state;
          }
        } catch (error) {
          if (error instanceof TypeError) return; // The connection broke.
          if (/no token: 5|: 5\d\d/.test(error.message)) return; // The gate broke first.
          throw error;
        }
      }
    }

    const KV_STATES = { active: "a", disabled: "d", revoked: "r" };

    /** The answered tokens whose record in KV is not, or not yet, as it was answered. */
    async function behind() {
      const kv = await readKv(state);
      return [...answered].filter(([token, { state: last, id }]) => {
        const value = kv.get(keyOf(token))?.value;
        if (value === undefined) return true;
        const record = JSON.parse(value);
        return record.id !== id || (last && record.st !== KV_STATES[last]);
      });
    }

    for (const round of [1, 2, 3]) {
      test(
        `has everything that was answered, the ${round}. time`,
        { timeout: 240_000 },
        async () => {
          const earlier = answered.size;
          const connections = Array.from({ length: 6 }, (_, i) => burst(i));
          await until(() => answered.size > earlier, "the first token");
          await pause(300 + Math.random() * 1_200);
          await gate.kill();
          await Promise.all(connections);
          assert.ok(answered.size - earlier > 6, `${answered.size - earlier} tokens`);
          gate = await startGate({ state, env });
          // Nobody asks for anything: the outbox comes back by itself.
          await until(async () => (await behind()).length === 0, "KV has caught up", CATCH_UP);
          const listed = new Map(
            (await listAll(gate, { limit: 100 })).map((token) => [token.id, token]),
          );
          let i = 0;
          for (const [token, { state: last, id }] of answered) {
            assert.ok(listed.has(id), "an answered token is not listed");
            if (!last) continue;
            assert.equal(listed.get(id).state, last);
            if (last === "active") await assertOpens(gate, token, from(i++));
            else await assertShut(gate, token, `token_${last}`, from(i++));
          }
          // What was made but not answered comes to both or to neither.
          const both = async () => {
            const keys = [...(await readKv(state)).keys()];
            return keys.filter((key) => key.startsWith("t/")).length === listed.size;
          };
          await until(both, "KV holds as many records as are listed", CATCH_UP);
        },
      );
    }

    test("opens to a token at once, before KV has its record", { timeout: 240_000 }, async () => {
      const tokens = [];
      const many = Array.from({ length: 30 }, async (_, i) => {
        const made = await gate
          .createToken({ user: users[i % users.length] })
          .catch(() => undefined);
        if (made) tokens.push(made);
      });
      await until(() => tokens.length >= 5, "some tokens");
      await gate.kill();
      await Promise.all(many);
      gate = await startGate({ state, env });
      for (const [i, { token }] of tokens.entries()) await assertOpens(gate, token, from(i));
    });

    test("keeps everything over a plain restart", { timeout: 240_000 }, async () => {
      const owner = { id: "owner", email: "owner@example.com" };
      const once = { headers: { "idempotency-key": "over-a-restart" } };
      const body = { name: "once", user: owner };
      const made = (await gate.api("POST", "/tokens", body, once)).body;
      const revoked = await gate.createToken({ user: owner });
      await gate.api("DELETE", `/tokens/${revoked.id}`);
      const used = await gate.createToken({ user: owner });
      const successor = (await gate.api("POST", `/tokens/${used.id}/rotate`, {})).body;
      const key = keyOf(successor.token);
      await until(async () => (await readKv(state)).has(key), "the last record");
      const before = await listAll(gate, { limit: 100 });
      const keys = [...(await readKv(state)).keys()].sort();
      assert.ok(keys.includes("w/default"));
      await gate.stop();
      gate = await startGate({ state, env });
      assert.deepEqual(await listAll(gate, { limit: 100 }), before);
      const kv = await readKv(state);
      assert.deepEqual([...kv.keys()].sort(), keys);
      assert.deepEqual(JSON.parse(kv.get("w/default").value), {
        v: 1,
        rev: 0,
        creation: true,
        authentication: true,
      });
      await assertOpens(gate, made.token, from(1));
      await assertOpens(gate, successor.token, from(2));
      await assertShut(gate, revoked.token, "token_revoked", from(3));
      await assertShut(gate, used.token, "token_used", from(4));
      const again = await gate.api("POST", "/tokens", body, once);
      assert.equal(again.status, 201);
      assert.equal(again.body.id, made.id);
      assert.ok(!("token" in again.body));
      const taken = { id: "another", email: owner.email };
      const answer = await gate.api("POST", "/tokens", { name: "a", user: taken });
      assertProblem(answer, 409, "invalid_field", "user.email");
      assert.equal((await gate.createToken({ user: { email: owner.email } })).user.id, owner.id);
    });
  });

  describe("the outbox", { concurrency: true }, () => {
    let kv;
    let gate;
    before(async () => {
      kv = await startRecordingKv();
      gate = await startRawGate({ servers: { kv: kv.address } });
    });
    after(async () => {
      await gate?.stop();
      await kv?.stop();
    });

    const putsOf = (token) => kv.puts.filter(({ key }) => key === keyOf(token));
    const accepted = (token) => putsOf(token).filter((put) => put.accepted);
    const change = (id, body) => gate.api("PATCH", `/tokens/${id}`, body);
    const holds = (token, wanted) =>
      until(
        () => {
          const record = JSON.parse(kv.values.get(keyOf(token)) ?? "{}");
          return Object.entries(wanted).every(([name, value]) => record[name] === value);
        },
        `KV holds ${JSON.stringify(wanted)}`,
        CATCH_UP,
      );

    function assertInOrder(token) {
      const revs = putsOf(token).map(({ record }) => record.rev);
      assert.deepEqual(
        revs,
        [...revs].sort((a, b) => a - b),
        "an older record came later",
      );
      assert.ok(
        putsOf(token).every(({ alone }) => alone),
        "two puts of one key at once",
      );
    }

    test("puts what took something away once more, at least 60 s later, and nothing else", async () => {
      const user = { id: "again" };
      const [kept, revoked, disabled] = await Promise.all(
        Array.from({ length: 3 }, () => gate.createToken({ user })),
      );
      await gate.api("DELETE", `/tokens/${revoked.id}`);
      await change(disabled.id, { enabled: false });
      await Promise.all([holds(revoked.token, { st: "r" }), holds(disabled.token, { st: "d" })]);
      await pause(55_000);
      const puts = ({ token }, state) =>
        accepted(token).filter(({ record }) => record.st === state);
      const ended = [
        [revoked, "r"],
        [disabled, "d"],
      ];
      for (const [token, state] of ended) assert.equal(puts(token, state).length, 1);
      for (const [token, state] of ended) {
        await until(() => puts(token, state).length === 2, "the second put", CATCH_UP);
        const [first, second] = puts(token, state);
        assert.ok(second.at - first.at >= 60_000, `${second.at - first.at} ms`);
        assert.deepEqual(second.record, first.record);
        assertInOrder(token.token);
      }
      assert.equal(accepted(kept.token).length, 1);
    });

    test("wins over a put that was given up and lands late", async () => {
      const user = { id: "late" };
      kv.hold = (put) => put.record.uid === user.id && put.record.rev === 1;
      const { id, token } = await gate.createToken({ user });
      const [late] = await until(
        () => putsOf(token).length === 1 && putsOf(token),
        "the first put",
      );
      await gate.api("DELETE", `/tokens/${id}`);
      await assertShut(gate, token, "token_revoked");
      await holds(token, { st: "r" });
      assert.ok(performance.now() - late.at >= 5_000, "the first put was not waited for");
      await pause(2_000);
      late.land();
      await holds(token, { st: "a", rev: 1 });
      await pause(55_000);
      await holds(token, { st: "r", rev: 2 });
    });

    test("is as old as KV's failure, and then catches up in order", async () => {
      const user = { id: "failing" };
      kv.fail = (put) => put.record.uid === user.id;
      const tokens = await Promise.all(Array.from({ length: 8 }, () => gate.createToken({ user })));
      for (const [i, { id, token }] of tokens.entries()) {
        await change(id, { name: "renamed" });
        if (i < 4) await change(id, { enabled: false });
        if (i < 2) await gate.api("DELETE", `/tokens/${id}`);
        await pause(150);
        const { status } = await knock(gate, token, from(i));
        assert.equal(status, i < 4 ? 401 : 200);
      }
      await pause(2_500);
      assert.ok(tokens.every(({ token }) => !kv.values.has(keyOf(token))));
      const tries = putsOf(tokens[0].token).length;
      assert.ok(tries >= 3 && tries <= 12, `${tries} tries`);
      kv.fail = undefined;
      for (const [i, { token }] of tokens.entries()) {
        await holds(token, { n: "renamed", st: i < 2 ? "r" : i < 4 ? "d" : "a" });
        assertInOrder(token);
      }
    });

    test("puts a key's latest state only, one put at a time, however often it changes", async () => {
      const user = { id: "busy" };
      kv.slow = (put) => (put.record.uid === user.id ? 250 : 0);
      const { id, token } = await gate.createToken({ user });
      const names = Array.from({ length: 20 }, (_, i) => `name ${i}`);
      for (const name of names) await change(id, { name });
      await holds(token, { n: names.at(-1), rev: 21 });
      assertInOrder(token);
      assert.ok(putsOf(token).length < 21, `${putsOf(token).length} puts`);
    });

    test("lets KV forget a record a day after its token's end, and never one without end", async () => {
      const user = { id: "ending" };
      const days = await gate.createToken({ user, expiresInDays: 3 });
      const soon = await gate.createToken({
        user,
        expiresAt: new Date(Date.now() + 65_000).toISOString(),
      });
      const never = await gate.createToken({ user, never: true });
      for (const { token, expiresAt } of [days, soon]) {
        await holds(token, { st: "a" });
        const [put] = accepted(token);
        assert.ok(put.expiration >= Date.parse(expiresAt) / 1000 + 86_400);
        assert.ok(put.expiration <= Date.parse(expiresAt) / 1000 + 2 * 86_400);
      }
      await holds(never.token, { st: "a" });
      assert.equal(accepted(never.token)[0].expiration, null);
      await gate.api("DELETE", `/tokens/${never.id}`);
      await holds(never.token, { st: "r" });
    });

    test("publishes a workspace's settings for its first user", async () => {
      await gate.createToken({ user: { id: "first" } });
      const settings = await until(() => kv.values.get("w/default"), "the settings");
      assert.deepEqual(Object.keys(JSON.parse(settings)).slice(0, 2), ["v", "rev"]);
    });

    test("writes nothing but records and settings", async () => {
      await pause(1_000);
      for (const key of kv.values.keys()) assert.match(key, /^(t\/[0-9a-f]{64}|w\/default)$/);
      assert.deepEqual(idsOf(await listAll(gate, { user: "nobody" })), []);
    });
  });
});

/** KV that keeps account of each put; `fail`, `hold` and `slow` say what happens to one. */
async function startRecordingKv() {
  const kv = { puts: [], values: new Map(), fail: undefined, hold: undefined, slow: undefined };
  const busy = new Set();
  const server = await startServer(async (request, response) => {
    const url = new URL(request.url, "http://kv");
    const key = decodeURIComponent(url.pathname.slice(1));
    if (request.method === "GET") {
      const value = kv.values.get(key);
      return response.writeHead(value === undefined ? 404 : 200).end(value);
    }
    const value = await text(request);
    const expiration = url.searchParams.get("expiration");
    const put = {
      key,
      record: JSON.parse(value),
      at: performance.now(),
      alone: !busy.has(key),
      accepted: false,
      expiration: expiration && Number(expiration),
    };
    kv.puts.push(put);
    put.land = () => {
      put.accepted = true;
      kv.values.set(key, value);
    };
    if (kv.hold?.(put)) return;
    busy.add(key);
    await pause(kv.slow?.(put) ?? 0);
    busy.delete(key);
    if (kv.fail?.(put)) return response.writeHead(500).end();
    put.land();
    response.end();
  });
  return Object.assign(kv, { address: server.address, stop: server.stop });
}
