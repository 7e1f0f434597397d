// What the audit trail holds: who did what, when, from where, and what came of it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bearer } from "../support/api.mjs";
import { actorAt, assertEvent, auditOf, auditWhenThere, FROM } from "../support/audit.mjs";
import { mint, newUser, startEmbedGate } from "../support/embeds.mjs";
import { startScanner } from "../support/scanner.mjs";
import { DEFAULTS } from "../support/settings.mjs";
import { basic } from "../support/tokens.mjs";

let gate;
let scanner;
let call;
let make;
let visit;
before(async () => {
  scanner = await startScanner();
  gate = await startEmbedGate({
    vars: { LEAK_KEYS_URL: scanner.url, WORKSPACES: ["default", "other"] },
  });
  ({ call, make, visit } = actorAt(gate));
});
after(() => Promise.all([gate?.stop(), scanner?.stop()]));

const eventsOf = ({ id: user }, parameters) => auditOf(gate, { user, ...parameters });

// Each does what the event tells, and answers what that must say.
const ON_USERS = {
  "token.created": async (user) => ({ token: (await make(user)).id }),
  "token.changed": async (user) => {
    const { id } = await make(user);
    await call("PATCH", `/tokens/${id}`, { name: "another" });
    return { token: id };
  },
  "token.disabled": async (user) => {
    const { id } = await make(user);
    await call("PATCH", `/tokens/${id}`, { enabled: false });
    return { token: id };
  },
  "token.enabled": async (user) => {
    const { id } = await make(user);
    for (const enabled of [false, true]) await call("PATCH", `/tokens/${id}`, { enabled });
    return { token: id };
  },
  "token.rotated": async (user) => {
    const { id } = await make(user);
    await call("POST", `/tokens/${id}/rotate`, {});
    return { token: id };
  },
  "token.revoked": async (user) => {
    const { id } = await make(user);
    await call("DELETE", `/tokens/${id}`);
    return { token: id };
  },
  "token.leaked": async (user) => {
    const { id, token } = await make(user);
    assert.equal((await scanner.report(gate, token, { headers: FROM })).status, 200);
    return { actor: "scanner", token: id };
  },
  "token.refused": async (user) => {
    const { id, token } = await make(user, { scopes: [] });
    const headers = { ...FROM, authorization: bearer(token) };
    assert.equal((await fetch(`${gate.url}/api/v1/jobs/`, { headers })).status, 403);
    return { actor: id, token: id, result: "scope_insufficient" };
  },
  "session.opened": async (user) => {
    const opened = await visit(await mint(gate, { user }));
    return { actor: "viewer", token: opened.token.id, session: opened.session().id };
  },
  "session.killed": async (user) => {
    const opened = await visit(await mint(gate, { user }));
    await call("DELETE", `/sessions/${opened.session().id}`);
    return { token: opened.token.id, session: opened.session().id };
  },
  "sessions.killed": async (user) => {
    await visit(await mint(gate, { user }));
    await call("DELETE", `/sessions?user=${user.id}`);
    return {};
  },
};

describe("of a user's tokens and sessions an event tells", () => {
  for (const [action, act] of Object.entries(ON_USERS)) {
    test(`${action}, once`, async () => {
      const user = newUser();
      const since = Date.now();
      const said = await act(user);
      const events = await auditWhenThere(gate, { user: user.id, action });
      assert.equal(events.length, 1, JSON.stringify(events));
      assertEvent(events[0], since, { action, user: user.id, ...said });
    });
  }

  test("that a rotation made a successor", async () => {
    const user = newUser();
    const { id } = await make(user);
    const successor = await call("POST", `/tokens/${id}/rotate`, {});
    const events = (await eventsOf(user)).map(({ action, token }) => [action, token]);
    assert.deepEqual(events, [
      ["token.created", successor.id],
      ["token.rotated", id],
      ["token.created", id],
    ]);
  });

  test("which PAT did it", async () => {
    const user = newUser();
    const asking = await make(user);
    const as = { auth: bearer(asking.token) };
    const since = Date.now();
    const { id } = await call("POST", "/tokens", { name: "y" }, as);
    await call("PATCH", `/tokens/${id}`, { description: "more" }, as);
    await call("DELETE", `/tokens/${id}`, undefined, as);
    const events = await eventsOf(user, { token: id });
    const said = { user: user.id, actor: asking.id, token: id };
    for (const action of ["token.created", "token.changed", "token.revoked"]) {
      assertEvent(events.pop(), since, { action, ...said });
    }
    assert.deepEqual(events, []);
  });

  test("of compatible endpoints too", async () => {
    const user = newUser();
    const asking = await make(user);
    const made = await fetch(`${gate.url}/api/v1/auth/generate-pat`, {
      method: "POST",
      headers: { ...FROM, authorization: bearer(asking.token), "content-type": "application/json" },
      body: JSON.stringify({ Name: "12d", ExpireInDays: 3 }),
    });
    assert.equal(made.status, 200);
    const url = `${gate.url}/api/v1/auth/delete-pat?id=2`;
    const headers = { ...FROM, authorization: bearer(asking.token) };
    assert.equal((await fetch(url, { method: "POST", headers })).status, 200);
    const [revoked, created] = await eventsOf(user);
    assert.equal(created.actor, asking.id);
    assert.equal(revoked.action, "token.revoked");
    assert.equal(revoked.actor, asking.id);
    assert.equal(revoked.token, created.token);
  });

  test("nothing where nothing changed", async () => {
    const user = newUser();
    const made = await make(user);
    const once = { headers: { "idempotency-key": user.id } };
    for (let i = 0; i < 2; i++) {
      await call("PATCH", `/tokens/${made.id}`, { name: "z" });
      await call("POST", "/tokens", { name: "w", user }, once);
      await call("GET", `/tokens/${made.id}`);
    }
    for (let i = 0; i < 2; i++) await call("DELETE", `/tokens/${made.id}`);
    const actions = (await eventsOf(user)).map(({ action }) => action).reverse();
    assert.deepEqual(actions, ["token.created", "token.changed", "token.created", "token.revoked"]);
  });
});

describe("of a workspace an event tells", () => {
  const SIGN_IN = "/gatepass/api/sign-in";
  const signed = (method, cookie) =>
    fetch(gate.url + SIGN_IN, {
      method,
      headers: {
        ...FROM,
        ...(cookie ? { cookie } : { authorization: basic("", gate.operatorKey) }),
      },
    });
  const ON_WORKSPACE = {
    "settings.changed": () => call("PUT", "/settings", DEFAULTS),
    "sessions.killed": () => call("DELETE", "/sessions?all=true"),
    "operator.signed_in": () => signed("POST"),
    "operator.signed_out": async () => {
      const [cookie] = (await signed("POST")).headers.get("set-cookie").split(";");
      await signed("DELETE", cookie);
    },
  };
  for (const [action, act] of Object.entries(ON_WORKSPACE)) {
    test(`${action}, once`, async () => {
      const since = Date.now();
      await act();
      const from = new Date(since).toISOString();
      const events = (await auditOf(gate, { action, from })).filter(({ at }) => at >= from);
      assert.equal(events.length, 1, JSON.stringify(events));
      assertEvent(events[0], since, { action });
    });
  }

  test("what happened in that one", async () => {
    const user = newUser();
    const { id } = await call("POST", "/tokens?workspace=other", { name: "x", user });
    await call("PUT", "/settings?workspace=other", DEFAULTS);
    const seen = (workspace) => auditOf(gate, { workspace });
    const there = (await seen("other")).map(({ action, token }) => [action, token]);
    assert.deepEqual(there, [
      ["settings.changed", null],
      ["token.created", id],
    ]);
    assert.ok((await seen("default")).every(({ token }) => token !== id));
  });
});
