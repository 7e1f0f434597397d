// What the audit trail holds of what was refused, and that none of it is a secret or does harm.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assertProblem, bearer, by, knock, pause, until } from "../support/api.mjs";
import { actorAt, assertEvent, auditOf, auditWhenThere, FROM } from "../support/audit.mjs";
import {
  enter,
  keysText,
  mint,
  newKey,
  newUser,
  openWith,
  startEmbedGate,
} from "../support/embeds.mjs";
import { freePort } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { startKv } from "../support/stand-ins.mjs";
import { changeObjects } from "../support/state.mjs";
import { basic, digestOf, makeToken } from "../support/tokens.mjs";

const REFUSED = "token.refused";

let gate;
let call;
let make;
let visit;
before(async () => {
  gate = await startEmbedGate({ second: true });
  ({ call, make, visit } = actorAt(gate));
});
after(() => gate?.stop());

const eventsOf = ({ id: user }, parameters) => auditOf(gate, { user, ...parameters });
const refusalsOf = (user) => eventsOf(user, { action: REFUSED });

/** A request with a token from a place that the trail can tell; answers the refusal's code. */
async function refusal(path, token, at = gate.url) {
  const answer = await fetch(at + path, { headers: { ...FROM, authorization: bearer(token) } });
  return (await answer.json()).code;
}

describe("of a PAT it is told that it was refused", () => {
  // Each makes one, and says where it is refused.
  const CASES = {
    token_disabled: async (user) => {
      const made = await make(user);
      await call("PATCH", `/tokens/${made.id}`, { enabled: false });
      return made;
    },
    token_expired: async (user) => {
      const made = await make(user);
      await call("POST", `/tokens/${made.id}/rotate`, { graceSeconds: 1 });
      await pause(2_000);
      return made;
    },
    token_revoked: async (user) => {
      const made = await make(user);
      await call("DELETE", `/tokens/${made.id}`);
      return made;
    },
    token_used: async (user) => {
      const made = await make(user);
      await call("POST", `/tokens/${made.id}/rotate`, {});
      return made;
    },
    scope_insufficient: async (user) => ({ ...(await make(user)), path: "/odata/" }),
    address_not_allowed: (user) => make(user, { allowedIps: ["192.0.2.0/24"] }),
  };
  for (const [code, prepare] of Object.entries(CASES)) {
    test(`${code}, once a minute, whatever isolates tell`, async () => {
      const user = newUser();
      const { id, token, path = "/echo/x" } = await prepare(user);
      const since = Date.now();
      const second = `http://127.0.0.1:${gate.ports.second}`;
      for (const url of [gate.url, second, gate.url, second]) {
        assert.equal(await refusal(path, token, url), code);
      }
      await auditWhenThere(gate, { user: user.id, action: REFUSED });
      await pause(300);
      const [event, ...others] = await refusalsOf(user);
      assert.deepEqual(others, []);
      const said = { result: code, actor: id, user: user.id, token: id };
      assertEvent(event, since, { action: REFUSED, ...said });
    });
  }

  test("for each reason, and at Gatepass's own paths too", async () => {
    const user = newUser();
    const { id, token } = await make(user, { scopes: ["jobs:read"] });
    assert.equal(await refusal("/odata/", token), "scope_insufficient");
    await auditWhenThere(gate, { user: user.id, result: "scope_insufficient" });
    await call("PATCH", `/tokens/${id}`, { enabled: false });
    assert.equal(await refusal("/gatepass/api/tokens", token), "token_disabled");
    await auditWhenThere(gate, { user: user.id, result: "token_disabled" });
    assert.equal((await refusalsOf(user)).length, 2);
  });

  test("and of one that nobody knows, or that is none, nothing", async () => {
    const user = newUser();
    const { token } = await make(user);
    const hint = token.slice(4, 8);
    assert.equal(await refusal("/echo/x", makeToken({ hint })), "token_unknown");
    assert.equal(await refusal("/echo/x", `${token.slice(0, -1)}_`), "token_malformed");
    assert.equal(await refusal("/echo/x", ""), "token_missing");
    await pause(500);
    assert.equal((await eventsOf(user)).length, 1);
  });
});

describe("of an embed it is told that it was refused", () => {
  const REVOKED = async (made) => call("DELETE", `/tokens/${made.id}`);
  const DISABLED = async (made) => call("PATCH", `/tokens/${made.id}`, { enabled: false });
  for (const [what, code, fields, change, headers = []] of [
    ["at the entry, revoked", "token_revoked", {}, REVOKED],
    ["at the entry, disabled", "token_disabled", {}, DISABLED],
    ["at the entry, used", "token_used", { singleUse: true }, visitOnce],
    [
      ...["at the entry, by its host page", "origin_not_allowed", {}, () => {}],
      [["Referer", "https://other.example/"]],
    ],
  ]) {
    test(what, async () => {
      const user = newUser();
      const made = await mint(gate, { user, ...fields });
      await change(made);
      const since = Date.now();
      const from = [...Object.entries(FROM), ...headers];
      for (let i = 0; i < 3; i++) {
        const { status } = await enter(gate, made.embedUrl, { headers: from });
        assert.ok(status === 401 || status === 403);
      }
      await auditWhenThere(gate, { user: user.id, action: REFUSED });
      const [event, ...others] = await refusalsOf(user);
      assert.deepEqual(others, []);
      const said = { result: code, actor: made.id, user: user.id, token: made.id };
      assertEvent(event, since, { action: REFUSED, ...said });
    });
  }

  async function visitOnce(made) {
    await openWith(gate, made);
  }

  test("in its place", async () => {
    const user = newUser();
    const opened = await visit(await mint(gate, { user }));
    await call("DELETE", `/tokens/${opened.token.id}`);
    for (let i = 0; i < 3; i++) assert.equal((await opened.ask("/public/hello")).status, 401);
    await auditWhenThere(gate, { user: user.id, action: REFUSED });
    const [{ result, token }, ...others] = await refusalsOf(user);
    assert.deepEqual(others, []);
    assert.deepEqual({ result, token }, { result: "token_revoked", token: opened.token.id });
  });
});

describe("of a PAT it is told which change it was refused", () => {
  // What it asks, of which token, and what comes of it.
  const WIDER = ["tokens", "jobs:read", "odata"];
  for (const [action, method, path, body, code] of [
    ["token.changed", "PATCH", "", { name: "mine" }, "scope_insufficient"],
    ["token.enabled", "PATCH", "", { enabled: true }, "scope_insufficient"],
    ["token.disabled", "PATCH", "", { enabled: false }, "scope_insufficient"],
    ["token.rotated", "POST", "/rotate", {}, "scope_insufficient"],
  ]) {
    test(`${action}, once a minute`, async () => {
      const user = newUser();
      const asking = await make(user);
      const wider = await make(user, { scopes: WIDER });
      const since = Date.now();
      for (let i = 0; i < 3; i++) {
        const options = by(asking.token, FROM);
        const answer = await gate.api(method, `/tokens/${wider.id}${path}`, body, options);
        assertProblem(answer, 403, code, "scopes");
      }
      const [event, ...others] = await eventsOf(user, { action });
      assert.deepEqual(others, []);
      const said = { result: code, actor: asking.id, user: user.id, token: wider.id };
      assertEvent(event, since, { action, ...said });
    });
  }

  test("a creation beyond itself", async () => {
    const user = newUser();
    const asking = await make(user);
    const since = Date.now();
    const options = by(asking.token, FROM);
    const answer = await gate.api("POST", "/tokens", { name: "x", scopes: WIDER }, options);
    assert.equal(answer.status, 403);
    const [event] = await eventsOf(user, { action: "token.created", result: answer.body.code });
    const said = { result: answer.body.code, actor: asking.id, user: user.id };
    assertEvent(event, since, { action: "token.created", ...said });
  });

  test("one of another user's token, with that user none the wiser", async () => {
    const [user, other] = [newUser(), newUser()];
    const [asking, theirs] = [await make(user), await make(other)];
    const since = Date.now();
    const options = by(asking.token, FROM);
    const answer = await gate.api("DELETE", `/tokens/${theirs.id}`, undefined, options);
    assertProblem(answer, 404, "token_unknown");
    const [event] = await eventsOf(user, { action: "token.revoked" });
    const said = { result: "token_unknown", actor: asking.id, user: user.id, token: theirs.id };
    assertEvent(event, since, { action: "token.revoked", ...said });
    assert.equal((await eventsOf(other)).length, 1);
  });
});

describe("what is sent", () => {
  /** The user agent that the trail has of a request that sent one, as bytes. */
  async function kept(agent) {
    const user = newUser();
    const { id } = await make(user);
    const headers = [
      ["Authorization", basic("operator", gate.operatorKey)],
      ["Content-Type", "application/json"],
      ["User-Agent", Buffer.from(agent).toString("latin1")],
    ];
    const target = `/gatepass/api/tokens/${id}`;
    const options = { port: gate.port, method: "PATCH", target, headers };
    const answer = await rawRequest({ ...options, body: '{"enabled":false}' });
    assert.equal(answer.status, 200, answer.text);
    const lines = await gate.api("GET", `/audit?user=${user.id}`, undefined, {
      headers: { accept: "application/x-ndjson" },
    });
    for (const { headers } of [await gate.api("GET", `/audit?user=${user.id}`), lines]) {
      assert.match(headers.get("content-type"), /^application\/(json|x-ndjson)$/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.match(headers.get("content-security-policy"), /^default-src 'none'/);
    }
    const events = lines.body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(events.length, 2);
    const [{ userAgent }] = await eventsOf(user, { action: "token.disabled" });
    assert.equal(events[0].userAgent, userAgent);
    return userAgent;
  }

  for (const [what, agent, expected = agent] of [
    ["HTML", `<script>alert(1)</script>"'&amp;`],
    ["JSON", `"},{"action":"token.created\\u0000`],
    ["a tab", "curl\t8.9", "curl8.9"],
    ["C1 controls", "curl\u0085\u009b2J8.9", "curl2J8.9"],
    ["line separators", "curl\u2028\u20298.9"],
    ["4-byte characters", "\u{1f511}\u{1f511}"],
    ["10,000 characters", "x".repeat(10_000), "x".repeat(200)],
    ["200 4-byte characters and more", "\u{1f511}".repeat(300), "\u{1f511}".repeat(200)],
  ]) {
    test(`as a user agent is kept harmless: ${what}`, async () => {
      assert.equal(await kept(agent), expected);
    });
  }

  test("as no user agent and no address is null", async () => {
    const user = newUser();
    await gate.createToken({ user });
    const headers = [["Authorization", basic("operator", gate.operatorKey)]];
    const { id } = await make(user);
    const target = `/gatepass/api/tokens/${id}`;
    const answer = await rawRequest({ port: gate.port, method: "DELETE", target, headers });
    assert.equal(answer.status, 204);
    const [{ userAgent, address }] = await eventsOf(user, { action: "token.revoked" });
    assert.deepEqual({ userAgent, address }, { userAgent: null, address: null });
  });

  test("is in no event if it is a secret", async () => {
    const user = newUser();
    const pat = await make(user, { description: "d" });
    const successor = await call("POST", `/tokens/${pat.id}/rotate`, {});
    const embed = await mint(gate, { user, singleUse: true });
    const opened = await visit(embed);
    await enter(gate, embed.embedUrl);
    await refusal("/echo/x", pat.token);
    await refusal(`/echo/x?access_token=${successor.token}`, successor.token);
    await auditWhenThere(gate, { user: user.id, action: REFUSED });
    const signed = await fetch(`${gate.url}/gatepass/api/sign-in`, {
      method: "POST",
      headers: { authorization: basic("", gate.operatorKey) },
    });
    const [cookie] = signed.headers.get("set-cookie").split(";");
    const text = JSON.stringify(await auditOf(gate));
    assert.ok(text.includes(embed.id) && text.includes("operator.signed_in"));
    const tokens = [pat, successor, embed].map(({ token }) => token);
    const secrets = tokens.flatMap((token) => [token.slice(-32), digestOf(token)]);
    secrets.push(opened.value, opened.value.split(".")[1], cookie.split("=")[1], gate.operatorKey);
    for (const secret of secrets) assert.ok(!text.includes(secret), secret);
  });
});

describe("time passes", () => {
  const vars = { OPERATOR_KEY: randomBytes(32).toString("base64url"), AUDIT_DAYS: "2" };
  vars.SESSION_KEYS = keysText(newKey());
  let storage;
  let kv;
  let port;
  let old;
  before(async () => {
    storage = await mkdtemp(join(tmpdir(), "gatepass-audit-"));
    [kv, port] = [await startKv(), await freePort()];
    old = await startEmbedGate({ vars, storage, kv, port });
  });
  after(async () => {
    await old?.stop();
    await kv?.stop();
    await rm(storage, { recursive: true, force: true });
  });

  /** Starts the gate again, as if so many seconds had passed. */
  async function passed(seconds) {
    await old.stop();
    for (const name of ["Ledger", "Directory"]) {
      const statement = `UPDATE events SET at = at - ${seconds * 1000};
        UPDATE agenda SET due = due - ${seconds * 1000} WHERE kind = 'purge'`;
      await changeObjects(storage, name, statement);
    }
    old = await startEmbedGate({ vars, storage, kv, port });
  }

  test("and a refusal is told again after a minute", async () => {
    const made = await old.createToken({ scopes: [] });
    const refused = async () => {
      assert.equal((await fetch(`${old.url}/odata/`, withToken(made))).status, 403);
    };
    const count = async () => (await auditOf(old, { action: REFUSED })).length;
    await refused();
    await until(async () => (await count()) === 1, "the refusal");
    await passed(50);
    await refused();
    await pause(500);
    assert.equal(await count(), 1);
    await passed(10);
    await refused();
    await until(async () => (await count()) === 2, "the next refusal");
  });

  test("and events are forgotten after AUDIT_DAYS, in ledgers and directories", async () => {
    const user = newUser();
    const { token } = await old.createToken({ user, name: "kept" });
    await old.api("DELETE", "/sessions?all=true");
    const actions = async () => {
      const events = await auditOf(old);
      const here = events.filter((event) => event.user === null || event.user === user.id);
      return here.map(({ action }) => action).sort();
    };
    const both = ["sessions.killed", "token.created"];
    assert.deepEqual(await actions(), both);
    await passed(1.5 * 86_400);
    await change();
    await pause(1_000);
    assert.deepEqual(await actions(), [...both, ...both].sort());
    await passed(86_400);
    await change();
    const isForgotten = async () => (await actions()).length === 4;
    await until(isForgotten, "the purge");
    assert.deepEqual(await actions(), [...both, ...both].sort());
    assert.equal((await knock(old, token)).status, 200);

    /** Wakes the alarms: a clock that was not changed would have rung them. */
    async function change() {
      await old.createToken({ user, name: "next" });
      await old.api("DELETE", "/sessions?all=true");
    }
  });
});

const withToken = ({ token }) => ({ headers: { authorization: bearer(token) } });
