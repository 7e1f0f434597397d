// What the operator's endpoint is told of tokens that end, by the alarms of real ledgers and a clock
// that nobody turns. How often, and until when, is in tests/agenda.test.mjs.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { bearer, pause, until } from "../support/api.mjs";
import { newUser } from "../support/embeds.mjs";
import { freePort, startRawGate } from "../support/gate.mjs";
import { startKv, startServer } from "../support/stand-ins.mjs";
import { queryObjects } from "../support/state.mjs";

const SECOND = 1000;
const DAY = 86_400 * SECOND;
// No token ends earlier, and what is not taken comes again after 30 s.
const SHORTEST = 61 * SECOND;
const RETRY = 30 * SECOND;
const SOON = 15 * SECOND;

const key = `whsec_${randomBytes(32).toString("base64")}`;

let receiver;
let storage;
let kv;
let port;
let gate;
before(async () => {
  storage = await mkdtemp(join(tmpdir(), "gatepass-reminders-"));
  [kv, port, receiver] = [await startKv(), await freePort(), await startReceiver()];
  await start();
});
after(async () => {
  await gate?.stop();
  await kv?.stop();
  await receiver?.stop();
  await rm(storage, { recursive: true, force: true });
});

const secrets = { OPERATOR_KEY: randomBytes(32).toString("base64url") };
const start = async () => {
  const vars = { ...secrets, NOTIFY_URL: receiver.url, NOTIFY_KEY: key };
  gate = await startRawGate({ vars, storage, kv, port });
};

/** The endpoint: it answers as `answer` says of a message, else 204. */
async function startReceiver() {
  const receiver = { got: [], answer: () => undefined };
  const server = await startServer(async (request, response) => {
    const body = await text(request);
    const message = { id: request.headers["webhook-id"], headers: request.headers, body };
    receiver.got.push({ ...message, at: Date.now() });
    const answer = receiver.answer(message);
    if (answer !== "hangs") response.writeHead(answer ?? 204).end();
  });
  const of = ({ id }) => receiver.got.filter((message) => message.id.startsWith(id));
  return Object.assign(receiver, { url: `${server.url}/hook`, of, stop: server.stop });
}

const make = (fields) => gate.createToken({ user: newUser(), ...fields });
const ending = () => ({ expiresAt: new Date(Date.now() + SHORTEST).toISOString() });

/** What a ledger's agenda has for a token: kind → when, in milliseconds. */
async function agendaOf({ id }) {
  const query = `SELECT kind, due FROM agenda WHERE token = '${id}'`;
  const rows = await queryObjects(storage, "Ledger", query);
  return Object.fromEntries(rows.map(({ kind, due }) => [kind, due]));
}

/** What 12d Synergy's clients see of a user's tokens: states by name. */
async function reminderStates({ token }) {
  const url = `${gate.url}/api/v1/auth/getPersonalAccessTokens`;
  const answer = await fetch(url, { headers: { authorization: bearer(token) } });
  const list = await answer.json();
  return Object.fromEntries(list.map(({ Name, ExpiryReminderState: state }) => [Name, state]));
}

describe("the agenda of a ledger", () => {
  test("has a token of more than seven days twice, one of less once, one without end never", async () => {
    const [long, short, never] = [
      await make({ expiresInDays: 30 }),
      await make({ expiresInDays: 7 }),
      await make({ never: true }),
    ];
    const end = Date.parse(long.expiresAt);
    assert.deepEqual(await agendaOf(long), {
      "token.expired": end,
      "token.expiring": end - 7 * DAY,
    });
    assert.deepEqual(await agendaOf(short), { "token.expired": Date.parse(short.expiresAt) });
    assert.deepEqual(await agendaOf(never), {});
  });

  test("has nothing of one that is revoked or replaced, and its successor instead", async () => {
    const [revoked, replaced] = [
      await make({ expiresInDays: 30 }),
      await make({ expiresInDays: 30 }),
    ];
    await gate.api("DELETE", `/tokens/${revoked.id}`);
    const grace = { graceSeconds: 3600 };
    const { body } = await gate.api("POST", `/tokens/${replaced.id}/rotate`, grace);
    assert.deepEqual(await agendaOf(revoked), {});
    assert.deepEqual(await agendaOf(replaced), {});
    assert.deepEqual(Object.keys(await agendaOf(body)).sort(), ["token.expired", "token.expiring"]);
  });

  test("has nothing of embed tokens", async () => {
    const body = { name: "x", kind: "embed", apps: ["*"], user: newUser(), expiresInDays: 30 };
    const made = await gate.api("POST", "/tokens", body);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.deepEqual(await agendaOf(made.body), {});
  });
});

describe("the end of a token", { concurrency: true }, () => {
  let told;
  let refused;
  let hanging;
  let revoked;
  let replaced;
  let disabled;
  let witness;
  before(async () => {
    const user = newUser();
    told = await make({ name: "told", user, ...ending() });
    witness = await make({ name: "witness", user, expiresInDays: 30 });
    [refused, revoked, replaced, disabled, hanging] = await Promise.all(
      Array.from({ length: 5 }, () => make(ending())),
    );
    await gate.api("DELETE", `/tokens/${revoked.id}`);
    await gate.api("POST", `/tokens/${replaced.id}/rotate`, {});
    await gate.api("PATCH", `/tokens/${disabled.id}`, { enabled: false });
    receiver.answer = ({ id }) => {
      if (id.startsWith(hanging.id)) return "hangs";
      return id.startsWith(refused.id) && receiver.of(refused).length === 1 ? 500 : undefined;
    };
  });

  test("is on the agenda of a ledger that was restarted, and is told once by then", async () => {
    assert.deepEqual(await reminderStates(witness), { told: 1, witness: 0 });
    await gate.stop();
    await start();
    assert.deepEqual(receiver.of(told), []);
    const end = Date.parse(told.expiresAt);
    await until(() => receiver.of(told).length > 0, "the message", SHORTEST + SOON);
    const [{ id, headers, body, at }] = receiver.of(told);
    assert.ok(at >= end && at < end + SOON, `${at - end} ms after the end`);
    assert.equal(id, `${told.id}.expired`);
    assert.equal(headers["content-type"], "application/json");
    const { name, start: shown, user, workspace, expiresAt } = told;
    assert.deepEqual(new Webhook(key).verify(body, headers), {
      type: "token.expired",
      timestamp: expiresAt,
      data: { token: { id: told.id, name, start: shown, user, workspace, expiresAt } },
    });
    assert.throws(() => new Webhook(key).verify(`${body} `, headers));
    assert.ok(!body.includes(told.token.slice(-26)));
    assert.deepEqual(await reminderStates(witness), { told: 2, witness: 0 });
    await pause(RETRY + 5 * SECOND);
    assert.equal(receiver.of(told).length, 1);
    assert.deepEqual(await agendaOf(told), {});
  });

  test("comes again under the same id where the endpoint answers 500", async () => {
    const within = SHORTEST + RETRY + 2 * SOON;
    await until(() => receiver.of(refused).length > 1, "the second try", within);
    const [first, second] = receiver.of(refused);
    assert.ok(second.at - first.at >= RETRY - SECOND, `${second.at - first.at} ms later`);
    assert.equal(second.id, first.id);
    assert.equal(second.body, first.body);
    for (const { body, headers } of [first, second]) new Webhook(key).verify(body, headers);
    assert.notEqual(second.headers["webhook-signature"], first.headers["webhook-signature"]);
    await until(async () => !(await agendaOf(refused))["token.expired"], "the end of it");
    assert.equal(receiver.of(refused).length, 2);
  });

  test("is told of a disabled token, and not of one that was revoked or replaced", async () => {
    await until(() => receiver.of(disabled).length > 0, "the message", SHORTEST + SOON);
    await pause(5 * SECOND);
    assert.deepEqual(receiver.of(revoked), []);
    assert.deepEqual(receiver.of(replaced), []);
  });

  test("holds up no request where the endpoint does not answer", async () => {
    await until(() => receiver.of(hanging).length > 0, "the message", SHORTEST + SOON);
    const begun = performance.now();
    const { status } = await gate.api("DELETE", `/tokens/${hanging.id}`);
    assert.equal(status, 204);
    assert.ok(performance.now() - begun < 2 * SECOND);
    await pause(RETRY + SOON);
    assert.equal(receiver.of(hanging).length, 1, "it was revoked meanwhile");
  });
});
