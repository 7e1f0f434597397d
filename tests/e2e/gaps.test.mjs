// What the audit trail, sign-ins and the agenda once lacked, and shall not again.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { actorAt, auditOf, auditWhenThere, FROM } from "../support/audit.mjs";
import { mint, newUser, startEmbedGate } from "../support/embeds.mjs";
import { bearer, until } from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { changeObjects, queryObjects } from "../support/state.mjs";
import { basic } from "../support/tokens.mjs";

let gate;
let call;
let make;
let visit;
before(async () => {
  gate = await startEmbedGate({ vars: { WORKSPACES: ["default", "other"] } });
  ({ call, make, visit } = actorAt(gate));
});
after(() => gate?.stop());

const eventsOf = ({ id: user }, parameters) => auditOf(gate, { user, ...parameters });

test("that all sessions of a token were killed is told", async () => {
  const user = newUser();
  const opened = await visit(await mint(gate, { user }));
  await call("DELETE", `/sessions?token=${opened.token.id}`);
  const [event] = await eventsOf(user, { action: "sessions.killed" });
  assert.equal(event?.token, opened.token.id);
});

test("that a session was killed is told once, however often it is asked for", async () => {
  const user = newUser();
  const opened = await visit(await mint(gate, { user }));
  for (let i = 0; i < 2; i++) await call("DELETE", `/sessions/${opened.session().id}`);
  assert.equal((await eventsOf(user, { action: "session.killed" })).length, 1);
});

describe("a sign-in that names another workspace", () => {
  const SIGN_IN = "/gatepass/api/sign-in";
  const signed = (method, query, cookie) =>
    fetch(gate.url + SIGN_IN + query, {
      method,
      headers: cookie ? { cookie } : { authorization: basic("", gate.operatorKey) },
    });
  const cookieOf = (answer) => answer.headers.get("set-cookie").split(";")[0];

  test("is told", async () => {
    await signed("POST", "?workspace=other");
    const events = (workspace) => auditOf(gate, { workspace, action: "operator.signed_in" });
    assert.equal((await events("default")).length + (await events("other")).length, 1);
  });

  for (const [there, back] of [
    ["?workspace=other", ""],
    ["", "?workspace=other"],
  ]) {
    test(`is over when it is signed out: in "${there}", out "${back}"`, async () => {
      const cookie = cookieOf(await signed("POST", there));
      assert.equal((await signed("GET", "", cookie)).status, 200);
      assert.equal((await signed("DELETE", back, cookie)).status, 204);
      assert.equal((await signed("GET", "", cookie)).status, 401);
    });
  }
});

test("a token that stands in a user agent is not kept", async () => {
  const user = newUser();
  const { id, token } = await make(user);
  const agent = `uploader/1.0 (${token})`;
  const headers = { authorization: bearer(token), "user-agent": agent };
  await fetch(`${gate.url}/odata/`, { headers });
  await auditWhenThere(gate, { user: user.id, action: "token.refused" });
  await call(
    "PATCH",
    `/tokens/${id}`,
    { name: "y" },
    { headers: { ...FROM, "user-agent": agent } },
  );
  const text = JSON.stringify(await eventsOf(user));
  assert.ok(!text.includes(token.slice(-30)), text);
});

test("a NOTIFY_KEY that is none is a mistake in the configuration", async () => {
  for (const NOTIFY_KEY of ["x", "whsec_", "whsec_AAAA", `whsec_${"!".repeat(32)}`]) {
    const wrong = await startRawGate({
      vars: { NOTIFY_URL: "http://127.0.0.1:9/", NOTIFY_KEY },
    });
    try {
      const answer = await fetch(`${wrong.url}/gatepass/healthz`);
      assert.equal(answer.status, 500, NOTIFY_KEY);
      assert.match((await answer.json()).detail, /NOTIFY_KEY/);
    } finally {
      await wrong.stop();
    }
  }
});

test("what a refusal puts on the agenda has an alarm", async () => {
  const storage = await mkdtemp(join(tmpdir(), "gatepass-gaps-"));
  const options = { storage, vars: { OPERATOR_KEY: randomBytes(32).toString("base64url") } };
  const alarms = (statement) => {
    const database = new DatabaseSync(join(storage, "Ledger", "metadata.sqlite"));
    const rows = database.prepare(statement).all();
    database.close();
    return rows;
  };
  let restarted = await startRawGate(options);
  try {
    const { token } = await restarted.createToken({ scopes: [], never: true, strict: true });
    await restarted.stop();
    // As a year later, when all is forgotten and nothing is left to do.
    await changeObjects(storage, "Ledger", "DELETE FROM events; DELETE FROM agenda");
    await changeObjects(storage, "Ledger", "DELETE FROM outbox");
    alarms("DELETE FROM _cf_ALARM");
    restarted = await startRawGate(options);
    await fetch(`${restarted.url}/odata/`, { headers: { authorization: bearer(token) } });
    const agenda = () => queryObjects(storage, "Ledger", "SELECT name FROM agenda");
    await until(async () => (await agenda()).length > 0, "the agenda");
    assert.equal(alarms("SELECT actor_id FROM _cf_ALARM").length, 1);
  } finally {
    await restarted.stop();
    await rm(storage, { recursive: true, force: true });
  }
});
