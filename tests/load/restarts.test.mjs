// The runtime is killed at any moment, again and again, under a mixed load. What was answered holds.

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { knock, listAll, pause, until } from "../support/api.mjs";
import { AS, keysText, newKey, send, startEmbedGate } from "../support/embeds.mjs";
import { freePort } from "../support/gate.mjs";
import { generator } from "../support/random.mjs";
import { startKv } from "../support/stand-ins.mjs";
import { queryObjects } from "../support/state.mjs";
import { assertKnown, isLive, SettingsClient, TokenClient } from "../support/witness.mjs";

const KILLS = 50;
const WEEK = 604_800;
const MOST_ANSWERS = 60;
const LONGEST_LIFE = 800;
// A killed process leaves behind in memory what it would on a disk, and gets more done.
const FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
// An alarm that broke off comes back within 30 s.
const CATCH_UP = 45_000;

const seed = Number(process.env.SEED ?? randomInt(2 ** 31));

describe(`a gate that is killed ${KILLS} times, seed ${seed}`, () => {
  const random = generator(seed);
  const clients = Array.from({ length: 6 }, (_, i) => {
    return new TokenClient(`client-${i}`, generator(seed + 1 + i));
  });
  const settings = new SettingsClient(generator(seed));
  const vars = {
    OPERATOR_KEY: randomBytes(32).toString("base64url"),
    SESSION_KEYS: keysText(newKey()),
  };
  let storage;
  let kv;
  let port;
  let gate;
  before(async () => {
    storage = await mkdtemp(join(FOLDER, "gatepass-restarts-"));
    [kv, port] = [await startKv(), await freePort()];
  });
  after(async () => {
    await gate?.stop();
    await kv?.stop();
    await rm(storage, { recursive: true, force: true });
  });

  async function start() {
    gate = await startEmbedGate({ vars, storage, kv, port });
    Object.assign(gate, { answers: 0, isKilled: false });
  }

  /** Until the gate has given some number of answers, or that takes too long. */
  async function someMoment() {
    const answers = MOST_ANSWERS * random();
    const latest = performance.now() + LONGEST_LIFE;
    while (gate.answers < answers && performance.now() < latest) await pause(5 * random());
  }

  const tokens = () => clients.flatMap((client) => client.tokens);
  const sessions = () => clients.flatMap((client) => client.sessions);

  test("goes on each time from what was answered", { timeout: 240_000 }, async (t) => {
    for (let kill = 0; kill < KILLS; kill++) {
      await start();
      const running = Promise.all([...clients, settings].map((client) => client.run(gate)));
      await Promise.race([running, someMoment()]).finally(() => {
        gate.isKilled = true;
        return gate.kill();
      });
      await running;
    }
    t.diagnostic(`${tokens().length} tokens, ${sessions().length} sessions`);
    assert.ok(tokens().length > KILLS / 2);
    assert.ok(sessions().length > 0);
  });

  test("brings KV up to date by itself, and its outbox drains", { timeout: 60_000 }, async (t) => {
    await start();
    const begun = performance.now();
    const isDrained = async () => {
      const query = "SELECT key FROM outbox WHERE since IS NOT NULL";
      const left = await Promise.all(
        ["Ledger", "Directory"].map((name) => queryObjects(storage, name, query)),
      );
      return left.flat().length === 0;
    };
    await until(isDrained, "nothing is left for KV", CATCH_UP);
    t.diagnostic(`after ${Math.round(performance.now() - begun)} ms`);
    const owed = new Map();
    for (const { digest, record } of await queryObjects(storage, "Ledger", TOKENS)) {
      owed.set(`t/${digest}`, JSON.parse(record));
    }
    for (const { place, app, origins } of await queryObjects(storage, "Ledger", PLACES)) {
      owed.set(`p/${place}`, { app, or: origins.split(" ").filter(Boolean) });
    }
    const [{ policy, rev }] = await queryObjects(storage, "Directory", SETTINGS);
    for (const [key, value] of kv.values) {
      if (key.startsWith("w/")) continue;
      const { kill, ...held } = JSON.parse(value);
      assert.deepEqual(held, owed.get(key), key);
      owed.delete(key);
    }
    assert.deepEqual([...owed.keys()], []);
    const published = JSON.parse(kv.values.get("w/default"));
    assert.equal(published.rev, rev);
    assert.equal(published.admins === true, JSON.parse(policy).whoMayCreate === "admins");
  });

  test("has each change in its audit trail", async () => {
    const made = "SELECT token FROM events WHERE action = 'token.created' AND result = 'ok'";
    const events = await queryObjects(storage, "Ledger", made);
    const kept = await queryObjects(storage, "Ledger", "SELECT id FROM tokens");
    assert.deepEqual(events.map(({ token }) => token).sort(), kept.map(({ id }) => id).sort());
    const changed = "SELECT COUNT(*) AS count FROM events WHERE action = 'settings.changed'";
    const [{ count }] = await queryObjects(storage, "Directory", changed);
    const [{ rev }] = await queryObjects(storage, "Directory", SETTINGS);
    assert.equal(count, rev);
  });

  test("has each end of a token on its agenda, and no other", async () => {
    const owed = new Map();
    const ends = "SELECT id, record, successor FROM tokens";
    for (const { id, record, successor } of await queryObjects(storage, "Ledger", ends)) {
      const { k: kind, st: state, c: made, x: end } = JSON.parse(record);
      if (kind !== "p" || state === "r" || successor !== null || end === undefined) continue;
      owed.set(`${id}.expired`, end * 1000);
      if (end - WEEK > made) owed.set(`${id}.expiring`, (end - WEEK) * 1000);
    }
    const agenda = "SELECT name, due FROM agenda WHERE kind <> 'purge'";
    const noted = new Map();
    for (const { name, due } of await queryObjects(storage, "Ledger", agenda)) noted.set(name, due);
    const later = (notes) => [...notes].filter(([, due]) => due > Date.now() + 60_000).sort();
    assert.ok(noted.size > 0);
    assert.deepEqual(later(noted), later(owed));
  });

  test("has every token and every session as it was answered", async () => {
    for (const client of [...clients, settings]) await recovered(client);
    const listed = new Map((await listAll(gate, { limit: 100 })).map((one) => [one.id, one]));
    for (const token of tokens()) {
      assertKnown(token, listed.get(token.id));
      listed.delete(token.id);
    }
    // What nobody was told of is at most what nobody was answered about.
    const unanswered = clients.flatMap((client) => client.unanswered);
    for (const { name } of listed.values()) {
      assert.ok(unanswered.includes(name), `nobody made ${name}`);
      unanswered.splice(unanswered.indexOf(name), 1);
    }
    const live = new Set();
    for (let cursor = ""; cursor !== null;) {
      const { body } = await gate.api("GET", `/sessions?limit=100${cursor}`);
      for (const { id } of body.result) live.add(id);
      cursor = body.next && `&cursor=${encodeURIComponent(body.next)}`;
    }
    for (const session of sessions()) assert.equal(live.has(session.id), isLive(session));
  });

  test("opens to what is good, and to nothing else", { timeout: 60_000 }, async () => {
    const presented = tokens().filter(({ token, isEmbed }) => token && !isEmbed);
    await each(presented, async ({ token, facts }) => {
      const { status, text } = await knock(gate, token);
      assert.equal(status, facts.state === "active" ? 200 : 401, text);
    });
    await each(sessions(), async (session) => {
      const headers = [...AS.script, ["Cookie", session.cookie]];
      const { status, text } = await send(gate, `http://${session.host}/public/hello`, { headers });
      assert.equal(status, isLive(session) ? 200 : 401, text);
    });
  });

  async function recovered(client) {
    client.gate = gate;
    await client.recover();
  }
});

const TOKENS = "SELECT digest, record FROM tokens";
const SETTINGS = "SELECT policy, rev FROM decided";
const PLACES = "SELECT place, app, origins FROM places";

/** Does something with each of a list, a few at a time. */
async function each(list, work) {
  const rest = [...list];
  const worker = async () => {
    while (rest.length > 0) await work(rest.pop());
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}
