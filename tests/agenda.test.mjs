// What the alarm of an authority does at its time, by src/worker/agenda.js on the tables and
// triggers that the ledger has, with time as the test wants it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { keepAgenda } from "../src/worker/agenda.js";
import { LEDGER } from "../src/worker/tables/ledger.js";
import { Sql } from "./support/sql.mjs";
import { startServer } from "./support/stand-ins.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const KEY = `whsec_${randomBytes(32).toString("base64")}`;
const NOW = Math.floor(Date.now() / 1000) * 1000;

/** A ledger's database. */
class Ledger extends Sql {
  constructor(before = () => {}) {
    super();
    const newest = LEDGER.migrations.at(-1);
    for (const statements of LEDGER.migrations.slice(0, -1).flat()) this.run(statements);
    before(this);
    for (const statements of newest.flat()) this.run(statements);
  }

  /** Writes a token, by default a PAT that was made just now. */
  token(id, { record = {}, ends = 30 * DAY, made = NOW } = {}) {
    const of = { ws: "default", uid: "ada", em: "ada@example.com", n: `name of ${id}` };
    const x = ends === undefined || ends === null ? undefined : (made + ends) / 1000;
    const json = JSON.stringify({ v: 1, id, k: "p", st: "a", c: made / 1000, x, ...of, ...record });
    const insert = `INSERT INTO tokens (id, workspace, uid, digest, record, description, start)
      VALUES (?, 'default', 'ada', ?, ?, '', 'pat_abcd')`;
    this.exec(insert, id, `digest of ${id}`, json);
    return (made + ends) / 1000;
  }

  change(id, path, value) {
    const update = "UPDATE tokens SET record = json_set(record, ?, ?) WHERE id = ?";
    this.exec(update, path, value, id);
  }

  event(id, at, { action = "token.changed", token = null } = {}) {
    const insert = `INSERT INTO events VALUES (?, 'default', 'ada', ?, ?, 'ok', 'operator', ?, NULL,
      '', '')`;
    this.exec(insert, id, at, action, token);
  }

  events = () =>
    this.exec("SELECT id FROM events")
      .toArray()
      .map(({ id }) => id);

  /** What is on the agenda: milliseconds from now, by name. */
  agenda() {
    const rows = this.exec("SELECT name, due FROM agenda ORDER BY due").toArray();
    return Object.fromEntries(rows.map(({ name, due }) => [name, due - NOW]));
  }
}

let log;
beforeEach(() => (log = mock.method(console, "error", () => {})));
afterEach(() => mock.restoreAll());
const logged = () => log.mock.calls.map(({ arguments: [line] }) => JSON.parse(line));

/** The operator's endpoint; `status` is what it answers. */
async function startReceiver(t) {
  const receiver = { status: 204, got: [] };
  const server = await startServer(async (request, response) => {
    receiver.got.push({ headers: request.headers, body: await text(request), at: receiver.now });
    response.writeHead(receiver.status).end();
  });
  t.after(() => server.stop());
  receiver.env = { NOTIFY_URL: `${server.url}/hook`, NOTIFY_KEY: KEY };
  receiver.ids = () => receiver.got.map(({ headers }) => headers["webhook-id"]).sort();
  return receiver;
}

/** Rings the alarm whenever something is due, until a moment; answers when that was. */
async function run(sql, receiver, until) {
  const rung = [];
  for (;;) {
    const { due } = sql.exec("SELECT MIN(due) AS due FROM agenda").one();
    if (due === null || due > until) return rung;
    assert.ok(rung.length < 1_000, "the alarm never rests");
    receiver.now = due;
    rung.push(due - NOW);
    await keepAgenda(sql, receiver.env, due);
  }
}

describe("what is on the agenda", () => {
  test("of a PAT: its end, and seven days before", () => {
    const sql = new Ledger();
    sql.token("t");
    assert.deepEqual(sql.agenda(), { "t.expiring": 23 * DAY, "t.expired": 30 * DAY });
  });

  test("of a PAT for seven days or less: its end alone", () => {
    const sql = new Ledger();
    sql.token("week", { ends: 7 * DAY });
    sql.token("minute", { ends: MINUTE });
    sql.token("more", { ends: 7 * DAY + SECOND });
    assert.deepEqual(sql.agenda(), {
      ...{ "more.expiring": SECOND, "minute.expired": MINUTE },
      ...{ "week.expired": 7 * DAY, "more.expired": 7 * DAY + SECOND },
    });
  });

  test("of a PAT without end, and of an embed token: nothing", () => {
    const sql = new Ledger();
    sql.token("never", { ends: null });
    sql.token("embed", { record: { k: "e" } });
    assert.deepEqual(sql.agenda(), {});
  });

  test("goes when the token is revoked or replaced, and not when it changes otherwise", () => {
    const sql = new Ledger();
    for (const id of ["revoked", "replaced", "disabled", "renamed"]) sql.token(id, { ends: DAY });
    sql.change("revoked", "$.st", "r");
    sql.exec("UPDATE tokens SET successor = 'renamed' WHERE id = 'replaced'");
    sql.change("disabled", "$.st", "d");
    sql.change("renamed", "$.n", "another");
    assert.deepEqual(sql.agenda(), { "disabled.expired": DAY, "renamed.expired": DAY });
  });

  test("of a token that leaked: that, at once, though it is revoked", () => {
    const sql = new Ledger();
    sql.token("t");
    sql.event("e1", NOW, { action: "token.leaked", token: "t" });
    sql.event("e2", NOW + SECOND, { action: "token.leaked", token: "t" });
    sql.change("t", "$.st", "r");
    assert.deepEqual(sql.agenda(), { "t.leaked": 0, purge: DAY });
  });

  test("of PATs from before there was one: their ends to come", () => {
    const sql = new Ledger((old) => {
      old.token("far");
      old.token("near", { ends: DAY });
      old.token("over", { ends: DAY, made: NOW - 2 * DAY });
      old.token("never", { ends: null });
      old.token("embed", { record: { k: "e" } });
      old.token("revoked", { record: { st: "r" } });
      old.token("replaced");
      old.exec("UPDATE tokens SET successor = 'far' WHERE id = 'replaced'");
    });
    assert.deepEqual(sql.agenda(), {
      ...{ "near.expired": DAY, "far.expiring": 23 * DAY, "far.expired": 30 * DAY },
    });
  });
});

describe("a message", () => {
  test("is told once, at its time, and is what Standard Webhooks verifies", async (t) => {
    const receiver = await startReceiver(t);
    const sql = new Ledger();
    const end = sql.token("t");
    assert.deepEqual(await run(sql, receiver, NOW + 40 * DAY), [23 * DAY, 30 * DAY]);
    assert.deepEqual(receiver.ids(), ["t.expired", "t.expiring"]);
    const rfc3339 = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
    const token = {
      ...{ id: "t", name: "name of t", start: "pat_abcd", workspace: "default" },
      ...{ user: { id: "ada", email: "ada@example.com" }, expiresAt: rfc3339(end) },
    };
    for (const [at, type] of [
      [end - 604_800, "token.expiring"],
      [end, "token.expired"],
    ]) {
      const { headers, body } = receiver.got.shift();
      // What verifies it wants a time of now; the alarm was told another one.
      mock.timers.enable({ apis: ["Date"], now: at * 1000 });
      const message = new Webhook(KEY).verify(body, headers);
      mock.timers.reset();
      assert.deepEqual(message, { type, timestamp: rfc3339(at), data: { token } });
      assert.equal(headers["webhook-id"], `t.${type.slice(6)}`);
      assert.equal(headers["webhook-timestamp"], String(at));
    }
    assert.deepEqual(sql.agenda(), {});
  });

  test("tells what the token is called by then, and no secret of it", async (t) => {
    const receiver = await startReceiver(t);
    const sql = new Ledger();
    sql.token("t", { ends: DAY, record: { em: undefined } });
    sql.change("t", "$.n", "another");
    await run(sql, receiver, NOW + DAY);
    const [{ body }] = receiver.got;
    assert.equal(JSON.parse(body).data.token.name, "another");
    assert.deepEqual(JSON.parse(body).data.token.user, { id: "ada", email: null });
    assert.ok(!body.includes("digest"));
  });

  test("of a leak has the time at which it was known", async (t) => {
    const receiver = await startReceiver(t);
    const sql = new Ledger();
    sql.token("t", { ends: null });
    sql.event("e1", NOW, { action: "token.leaked", token: "t" });
    await keepAgenda(sql, receiver.env, NOW + HOUR);
    const { type, timestamp, data } = JSON.parse(receiver.got[0].body);
    assert.equal(type, "token.leaked");
    assert.equal(Date.parse(timestamp), NOW);
    assert.equal(data.token.expiresAt, null);
  });

  test("that is not taken comes again: after 30 s, doubled to 6 h, for three days", async (t) => {
    const receiver = await startReceiver(t);
    receiver.status = 500;
    const sql = new Ledger();
    sql.token("t", { ends: DAY });
    const rung = await run(sql, receiver, NOW + 30 * DAY);
    const pauses = rung.slice(1).map((at, i) => (at - rung[i]) / SECOND);
    const doubled = Array.from({ length: 10 }, (_, i) => 30 * 2 ** i);
    assert.deepEqual(pauses, [...doubled, ...Array(10).fill(21_600)]);
    const days = (rung.at(-1) - rung[0]) / DAY;
    assert.ok(days > 2.5 && days <= 3, `${days} days`);
    assert.deepEqual(sql.agenda(), {});
    const line = { level: "error", event: "message_given_up", id: "t.expired" };
    assert.deepEqual(logged().at(-1), line);
    const [first, ...others] = receiver.got;
    for (const { headers, body, at } of others) {
      assert.equal(headers["webhook-id"], "t.expired");
      assert.equal(body, first.body);
      assert.equal(headers["webhook-timestamp"], String(at / 1000));
      assert.notEqual(headers["webhook-signature"], first.headers["webhook-signature"]);
    }
  });

  test("that is taken late is told no more, and the next begins anew", async (t) => {
    const receiver = await startReceiver(t);
    receiver.status = 503;
    const sql = new Ledger();
    sql.token("t", { ends: DAY });
    sql.token("next", { ends: 2 * DAY });
    await run(sql, receiver, NOW + DAY + MINUTE);
    assert.deepEqual(receiver.ids(), ["t.expired", "t.expired"]);
    receiver.status = 200;
    const rung = await run(sql, receiver, NOW + 30 * DAY);
    assert.deepEqual(rung, [DAY + 90 * SECOND, 2 * DAY]);
    assert.equal(receiver.got.length, 4);
  });

  test("is not told of a token that was revoked while it could not be", async (t) => {
    const receiver = await startReceiver(t);
    receiver.status = 500;
    const sql = new Ledger();
    sql.token("t", { ends: DAY });
    await run(sql, receiver, NOW + DAY);
    sql.change("t", "$.st", "r");
    assert.deepEqual(await run(sql, receiver, NOW + 30 * DAY), []);
  });

  test("of a token that is gone is forgotten", async (t) => {
    const receiver = await startReceiver(t);
    const sql = new Ledger();
    sql.token("t", { ends: DAY });
    sql.exec("DELETE FROM tokens");
    await run(sql, receiver, NOW + DAY);
    assert.deepEqual(receiver.got, []);
    assert.deepEqual(sql.agenda(), {});
  });

  test("is told to nobody where there is no NOTIFY_URL, and not when there is one later", async (t) => {
    const receiver = await startReceiver(t);
    const sql = new Ledger();
    sql.token("t", { ends: DAY });
    await keepAgenda(sql, {}, NOW + DAY);
    assert.deepEqual(sql.agenda(), {});
    await keepAgenda(sql, receiver.env, NOW + DAY);
    assert.deepEqual(receiver.got, []);
    assert.deepEqual(logged(), []);
  });

  test("does not wait for another, and 20 are told by one alarm", async (t) => {
    const receiver = await startReceiver(t);
    const sql = new Ledger();
    for (let i = 0; i < 50; i++) sql.token(`t${i}`, { ends: HOUR + i });
    const counts = [];
    for (let i = 0; i < 3; i++) {
      await keepAgenda(sql, receiver.env, NOW + DAY);
      counts.push(receiver.got.length);
    }
    assert.deepEqual(counts, [20, 40, 50]);
    assert.equal(new Set(receiver.ids()).size, 50);
  });

  test("is not told before its time", async (t) => {
    const receiver = await startReceiver(t);
    const sql = new Ledger();
    sql.token("t", { ends: DAY });
    await keepAgenda(sql, receiver.env, NOW + DAY - 1);
    assert.deepEqual(receiver.got, []);
    assert.deepEqual(sql.agenda(), { "t.expired": DAY });
  });
});

describe("old events", () => {
  for (const [what, env, days] of [
    ["365 days", {}, 365],
    ["AUDIT_DAYS", { AUDIT_DAYS: "7" }, 7],
    ["AUDIT_DAYS as a number", { AUDIT_DAYS: 7 }, 7],
  ]) {
    test(`are forgotten after ${what}, within a day`, async () => {
      const sql = new Ledger();
      sql.event("first", NOW);
      sql.event("second", NOW + 12 * HOUR);
      const at = async (time) => {
        await run(sql, { env }, time);
        return sql.events();
      };
      assert.deepEqual(await at(NOW + days * DAY), ["first", "second"]);
      assert.deepEqual(await at(NOW + (days + 1) * DAY), []);
      assert.deepEqual(sql.agenda(), {});
    });
  }

  test("go, and new ones stay", async () => {
    const sql = new Ledger();
    sql.event("old", NOW);
    await run(sql, { env: { AUDIT_DAYS: "1" } }, NOW + DAY);
    sql.event("new", NOW + DAY + HOUR);
    await run(sql, { env: { AUDIT_DAYS: "1" } }, NOW + 2 * DAY);
    assert.deepEqual(sql.events(), ["new"]);
    assert.deepEqual(sql.agenda(), { purge: 3 * DAY });
  });

  test("are on the agenda once, whatever happens", () => {
    const sql = new Ledger();
    for (let i = 0; i < 5; i++) sql.event(`e${i}`, NOW + i * HOUR);
    assert.deepEqual(sql.agenda(), { purge: DAY });
  });
});
