// How the audit trail is read: filters, pages, lines, and by whom.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertProblem, bearer, by, pause } from "../support/api.mjs";
import { auditOf, auditPages, auditWhenThere } from "../support/audit.mjs";
import { newUser, sessionId } from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { startProvider } from "../support/oidc.mjs";
import { DEFAULTS } from "../support/settings.mjs";
import { hintOf } from "../support/tokens.mjs";

const IDENTITY_HEADER = "x-identity";

let gate;
let provider;
before(async () => {
  provider = await startProvider();
  const { issuer, audience, jwks } = provider;
  const identity = { issuer, audience, jwks, algorithms: ["ES256"], header: IDENTITY_HEADER };
  gate = await startRawGate({
    vars: { IDENTITY: JSON.stringify(identity), WORKSPACES: ["default", "other", "many", "twins"] },
  });
});
after(() => Promise.all([gate?.stop(), provider?.stop()]));

const idsOf = (events) => events.map(({ id }) => id);
const ask = (query, options) => gate.api("GET", `/audit?${query}`, undefined, options);
const lines = { accept: "application/x-ndjson" };

/** So many tokens of a user, which leave as many events. */
async function several(count, user = newUser(), workspace = "default") {
  const tokens = [];
  for (let i = 0; i < count; i++) {
    const body = { name: "x", user, scopes: ["tokens"] };
    tokens.push((await gate.api("POST", `/tokens?workspace=${workspace}`, body)).body);
  }
  return { user, tokens };
}

/** Asserts that nothing is there twice, and each user's events are together, the newest first. */
function assertInOrder(events) {
  const ids = idsOf(events);
  assert.equal(new Set(ids).size, ids.length, "an event came twice");
  const users = events.map(({ user }) => user);
  const runs = users.filter((user, i) => user !== users[i - 1]);
  assert.equal(new Set(runs).size, runs.length, "a user came twice");
  for (const user of runs) {
    const own = ids.filter((_, i) => users[i] === user);
    assert.deepEqual(own, own.toSorted().reverse(), "not the newest first");
  }
  return runs;
}

describe("a list of events", () => {
  test("is of one user, by id or address", async () => {
    const { user, tokens } = await several(3);
    await several(1);
    for (const name of [user.id, user.email, user.email.toUpperCase()]) {
      const events = await auditOf(gate, { user: name });
      assert.deepEqual(
        events.map(({ token }) => token),
        tokens.map(({ id }) => id).reverse(),
      );
    }
    assert.deepEqual(await auditOf(gate, { user: "nobody" }), []);
  });

  test("is of one action, one result, one token, or all of these", async () => {
    const { user, tokens } = await several(2);
    const [one, other] = tokens;
    await gate.api("PATCH", `/tokens/${one.id}`, { enabled: false });
    await fetch(`${gate.url}/echo/x`, { headers: { authorization: bearer(one.token) } });
    await auditWhenThere(gate, { user: user.id, result: "token_disabled" });
    const found = async (parameters) => {
      const events = await auditOf(gate, { user: user.id, ...parameters });
      return events.map(({ action, token }) => [action, token]);
    };
    const created = (token) => ["token.created", token.id];
    const disabled = ["token.disabled", one.id];
    const refused = ["token.refused", one.id];
    assert.deepEqual(await found({ action: "token.created" }), [created(other), created(one)]);
    assert.deepEqual(await found({ result: "token_disabled" }), [refused]);
    assert.deepEqual(await found({ result: "ok" }), [disabled, created(other), created(one)]);
    assert.deepEqual(await found({ token: one.id }), [refused, disabled, created(one)]);
    assert.deepEqual(await found({ token: one.id, action: "token.disabled", result: "ok" }), [
      disabled,
    ]);
    for (const parameters of [
      { action: "token.leaked" },
      { action: "token" },
      { action: "TOKEN.CREATED" },
      { action: "' OR 1=1 --" },
      { result: "%" },
      { token: sessionId(user.id) },
    ]) {
      assert.deepEqual(await found(parameters), [], JSON.stringify(parameters));
    }
    const everybody = await auditOf(gate, { token: one.id });
    assert.equal(everybody.length, 3);
  });

  test("is of a time, from the first second and without the last", async () => {
    const { user } = await several(1);
    await pause(1_100);
    await several(1, user);
    const events = await auditOf(gate, { user: user.id });
    const [later, earlier] = events.map(({ at }) => `${at.slice(0, 19)}Z`);
    const found = async (parameters) =>
      idsOf(await auditOf(gate, { user: user.id, ...parameters }));
    const [last, first] = idsOf(events);
    assert.deepEqual(await found({ from: earlier }), [last, first]);
    assert.deepEqual(await found({ from: later }), [last]);
    assert.deepEqual(await found({ to: later }), [first]);
    assert.deepEqual(await found({ from: earlier, to: later }), [first]);
    assert.deepEqual(await found({ from: later, to: later }), []);
    assert.deepEqual(await found({ from: later, to: earlier }), []);
    const elsewhere = new Date(Date.parse(later) + 3_600_000).toISOString();
    assert.deepEqual(await found({ from: `${elsewhere.slice(0, 19)}+01:00` }), [last]);
    assert.deepEqual(await found({ from: "2100-01-01T00:00:00Z" }), []);
  });

  test("of everybody, page by page, has each event once and loses none", async () => {
    const users = [];
    for (let i = 0; i < 7; i++) users.push((await several(1 + (i % 3), newUser(), "many")).user);
    for (let i = 0; i < 3; i++) await gate.api("PUT", "/settings?workspace=many", DEFAULTS);
    const whole = await auditOf(gate, { workspace: "many" });
    assert.equal(whole.length, 3 + 1 + 2 + 3 + 1 + 2 + 3 + 1);
    const [first, ...others] = assertInOrder(whole);
    assert.equal(first, null, "the workspace's own come first");
    assert.deepEqual(others, users.map(({ id }) => id).sort());
    for (let limit = 1; limit <= whole.length + 1; limit++) {
      const pages = await auditPages(gate, { workspace: "many", limit });
      assert.deepEqual(idsOf(pages.flat()), idsOf(whole), `pages of ${limit}`);
      for (const page of pages) assert.ok(page.length <= limit);
    }
    const created = await auditPages(gate, {
      workspace: "many",
      limit: 2,
      action: "token.created",
    });
    assert.equal(created.flat().length, 13);
  });

  test("has what happens meanwhile, or has it not, and nothing twice", async () => {
    const { user } = await several(4);
    const before = idsOf(await auditOf(gate, { user: user.id }));
    const { body } = await ask(`user=${user.id}&limit=2`);
    await several(2, user);
    const rest = await ask(`user=${user.id}&limit=100&cursor=${body.next}`);
    assert.deepEqual(idsOf([...body.result, ...rest.body.result]), before);
  });

  test("of users who share a ledger keeps them apart", async () => {
    // Two ids with one hint.
    const seen = new Map();
    let twins;
    for (let i = 0; !twins; i++) {
      const hint = hintOf("twins", `twin-${i}`);
      if (seen.has(hint)) twins = [seen.get(hint), `twin-${i}`];
      seen.set(hint, `twin-${i}`);
    }
    const [one, two] = twins.map((id) => ({ id, email: `${id}@example.com` }));
    await Promise.all([several(3, one, "twins"), several(2, two, "twins")]);
    const of = (user) => auditOf(gate, { workspace: "twins", user: user.id });
    for (const [user, count] of [
      [one, 3],
      [two, 2],
    ]) {
      const events = await of(user);
      assert.equal(events.length, count);
      assert.ok(events.every((event) => event.user === user.id));
    }
    const whole = (await auditPages(gate, { workspace: "twins", limit: 2 })).flat();
    assert.equal(whole.length, 5);
    assertInOrder(whole);
  });

  for (const [query, status, code, field] of [
    ["limit=0", 400, "invalid_field", "limit"],
    ["limit=101", 400, "invalid_field", "limit"],
    ["cursor=x", 400, "invalid_field", "cursor"],
    ["user=", 400, "invalid_field", "user"],
    ["from=yesterday", 400, "invalid_field", "from"],
    ["to=2026-02-30T00:00:00Z", 400, "invalid_field", "to"],
    ["token=x", 404, "token_unknown"],
    [`action=${"x".repeat(65)}`, 400, "invalid_field", "action"],
    [`result=${"x".repeat(65)}`, 400, "invalid_field", "result"],
    ["state=active", 400, "invalid_field", "state"],
    ["action=a&action=b", 400, "invalid_field", "action"],
    ["workspace=none", 400, "invalid_field", "workspace"],
  ]) {
    test(`is refused with ${query.slice(0, 30)}`, async () => {
      assertProblem(await ask(query), status, code, field);
    });
  }

  test("has no cursor of another list", async () => {
    const [one, two] = [await several(2), await several(1)];
    const { body } = await ask(`limit=1&user=${one.user.id}`);
    const answer = await ask(`user=${two.user.id}&cursor=${body.next}`);
    assertProblem(answer, 400, "invalid_field", "cursor");
  });

  test("RFC 9110 §15.5.6: cannot be written", async () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await gate.api(method, "/audit", {});
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get("allow"), "GET, HEAD");
    }
    assert.equal((await gate.api("GET", "/audit/")).status, 404);
    assert.equal((await gate.api("GET", "/auditor")).status, 404);
  });
});

describe("as lines", () => {
  /** All pages as lines, by the links alone (RFC 8288). */
  async function follow(path) {
    const pages = [];
    for (let next = path; next;) {
      const answer = await gate.api("GET", next, undefined, { headers: lines });
      assert.equal(answer.status, 200, answer.body);
      assert.equal(answer.headers.get("content-type"), "application/x-ndjson");
      assert.equal(answer.headers.get("cache-control"), "no-store");
      assert.match(answer.body, /^(.*\n)*$/, "each line ends");
      pages.push(
        answer.body
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line)),
      );
      const link = answer.headers.get("link");
      const [, target] = /^<\/gatepass\/api([^<>]*)>; rel="next"$/.exec(link ?? "") ?? [];
      assert.equal(target !== undefined, link !== null, link);
      next = target;
    }
    return pages;
  }

  test("it is the same list, and each page links to the next", async () => {
    const { user } = await several(5);
    const events = await auditOf(gate, { user: user.id });
    for (const limit of [1, 2, 5, 6]) {
      const pages = await follow(`/audit?user=${user.id}&limit=${limit}`);
      assert.deepEqual(pages.flat(), events);
      assert.equal(pages.length, Math.ceil(5 / limit));
    }
  });

  test("of everybody too, with filters and without any", async () => {
    await gate.api("PUT", "/settings?workspace=other", DEFAULTS);
    for (let i = 0; i < 3; i++) await several(2, newUser(), "other");
    const query = "workspace=other&action=token.created&limit=2";
    const created = await follow(`/audit?${query}`);
    const events = await auditOf(gate, { workspace: "other", action: "token.created" });
    assert.equal(events.length, 6);
    assert.deepEqual(created.flat(), events);
    assert.deepEqual((await follow("/audit")).flat(), await auditOf(gate));
  });

  test("an address with characters of its own stays one", async () => {
    const user = { id: 'a">&<b,; c=%41/ü\u{1f511}', email: "odd@example.com" };
    await several(3, user);
    const pages = await follow(`/audit?user=${encodeURIComponent(user.id)}&limit=2`);
    assert.equal(pages.flat().length, 3);
  });

  test("nothing is nothing", async () => {
    assert.deepEqual(await follow("/audit?user=nobody"), [[]]);
  });
});

describe("it is read", () => {
  /** Headers of whoever the provider has signed in. */
  async function signedIn(claims) {
    return { [IDENTITY_HEADER]: await provider.token({ email_verified: true, ...claims }) };
  }

  test("by a PAT with tokens: its own user's events and no others", async () => {
    const { user, tokens } = await several(2);
    const { user: other } = await several(1);
    const as = by(tokens[0].token);
    const events = await auditOf(gate, {}, as);
    assert.deepEqual(events, await auditOf(gate, { user: user.id }));
    assert.deepEqual(await auditOf(gate, { user: user.email }, as), events);
    const refused = await ask(`user=${other.id}`, as);
    assertProblem(refused, 403, "scope_insufficient", "user");
    const { body } = await ask("limit=1");
    assertProblem(await ask(`cursor=${body.next}`, as), 400, "invalid_field", "cursor");
    const theirs = await ask(`limit=1&user=${other.id}`);
    assert.equal(theirs.body.result.length, 1);
    assertProblem(await ask("workspace=other", as), 403, "invalid_field", "workspace");
  });

  test("by no PAT without tokens, none that is revoked, and not by nobody", async () => {
    const { user, tokens } = await several(1);
    const without = await gate.createToken({ user, scopes: ["odata"] });
    assertProblem(await ask("", by(without.token)), 403, "scope_insufficient");
    await gate.api("DELETE", `/tokens/${tokens[0].id}`);
    assertProblem(await ask("", by(tokens[0].token)), 401, "token_revoked");
    assertProblem(await ask("", { auth: "Bearer" }), 401, "token_missing");
  });

  test("by a signed-in user: their own, by an admin: all", async () => {
    const { user } = await several(2);
    await several(1);
    /** The first page of a list as somebody reads it, or the status. */
    async function read(headers, query = "") {
      const answer = await fetch(`${gate.url}/gatepass/api/audit?limit=100${query}`, { headers });
      return answer.status === 200 ? (await answer.json()).result : answer.status;
    }
    const own = await signedIn({ sub: `subject-${user.id}`, email: user.email });
    const events = await auditOf(gate, { user: user.id });
    assert.equal(events.length, 2);
    assert.deepEqual(await read(own), events);
    assert.deepEqual(await read(own, `&user=${user.id}`), events);
    assert.equal(await read(own, "&user=nobody"), 403);
    const admin = await signedIn({ sub: "the-admin", email: "a@example.com", roles: ["admin"] });
    assert.deepEqual(await read(admin), (await auditPages(gate, { limit: 100 }))[0]);
  });

  test("and who did something is told by name", async () => {
    const headers = await signedIn({ sub: "grace", email: "grace@example.com" });
    const url = `${gate.url}/gatepass/api/tokens`;
    const answer = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: '{"name":"mine"}',
    });
    assert.equal(answer.status, 201, await answer.text());
    const [event] = await auditOf(gate, { user: "grace" });
    assert.equal(event.actor, "user:grace");
  });
});
