import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertProblem, bearer, by, idsOf, pause, until } from "../support/api.mjs";
import {
  assertIn,
  assertOut,
  JOBS,
  mint,
  newUser,
  open,
  openWith,
  PORTAL,
  sessionId,
  startEmbedGate,
} from "../support/embeds.mjs";
import { rawRequest } from "../support/raw.mjs";
import { keyOf } from "../support/tokens.mjs";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

let gate;
before(async () => {
  gate = await startEmbedGate({
    vars: { WORKSPACES: ["default", "other"], APPS: [JOBS, { id: "reports", name: "Reports" }] },
  });
});
after(() => gate?.stop());

const kill = (id, options) => gate.api("DELETE", `/sessions/${id}`, undefined, options);
const idOf = (visit) => visit.session().id;

/** All pages of a list of sessions. */
async function listSessions(parameters = {}, options) {
  const pages = [];
  const query = new URLSearchParams(parameters);
  for (;;) {
    const { status, body } = await gate.api("GET", `/sessions?${query}`, undefined, options);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(Object.keys(body).sort(), ["next", "result"]);
    pages.push(body.result);
    if (body.next === null) return pages;
    query.set("cursor", body.next);
  }
}

/** So many sessions of one user: newest first. */
async function several(count, fields = {}) {
  const token = await mint(gate, fields);
  const visits = [];
  for (let i = 0; i < count; i++) visits.unshift(await openWith(gate, token));
  return { token, visits, user: token.user };
}

describe("the list of live sessions", () => {
  test("shows each with its token, place, user and times, and no secret", async () => {
    const made = await mint(gate, { label: "links", sessionMinutes: 5 });
    const headers = [
      ["Referer", `${PORTAL}/customers/7?tab=jobs`],
      ["CF-Connecting-IP", "2001:DB8:0:0::7"],
    ];
    const visit = await openWith(gate, made, made.embedUrl, headers);
    const { token, user } = visit.token;
    const answer = await gate.api("GET", `/sessions?user=${user.id}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    const [{ openedAt, expiresAt, lastSeenAt, ...rest }, ...others] = answer.body.result;
    assert.deepEqual(others, []);
    assert.deepEqual(rest, {
      ...{ id: idOf(visit), tokenId: visit.token.id, user, workspace: "default", app: "jobs" },
      ...{ place: visit.place, label: "links", origin: PORTAL, address: "2001:db8::7" },
    });
    assert.match(openedAt, TIME);
    assert.match(expiresAt, TIME);
    assert.ok(Math.abs(Date.parse(openedAt) - Date.now()) < 10_000);
    assert.equal(Date.parse(expiresAt) - Date.parse(openedAt), 300_000);
    assert.match(lastSeenAt, TIME);
    assert.ok(Math.abs(Date.parse(lastSeenAt) - Date.parse(openedAt)) <= 1000);
    const text = JSON.stringify(answer.body);
    for (const secret of [token, token.slice(14), visit.value, visit.value.split(".")[1]]) {
      assert.ok(!text.includes(secret));
    }
  });

  test("knows no host page and no address where the browser and the network tell none", async () => {
    const { user } = await several(1);
    const [[{ origin, address }]] = await listSessions({ user: user.id });
    assert.deepEqual({ origin, address }, { origin: null, address: null });
  });

  test("of a user, by id or address, newest first, page by page", async () => {
    const { user, visits } = await several(5);
    await open(gate);
    const ids = visits.map(idOf);
    for (const name of [user.id, user.email, user.email.toUpperCase()]) {
      assert.deepEqual((await listSessions({ user: name })).map(idsOf), [ids]);
    }
    const pages = await listSessions({ user: user.id, limit: 2 });
    assert.deepEqual(pages.map(idsOf), [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    const exact = await listSessions({ user: user.id, limit: 5 });
    assert.deepEqual(
      exact.flat().map(({ id }) => id),
      ids,
    );
    assert.deepEqual(await listSessions({ user: "nobody" }), [[]]);
  });

  test("of everybody, whole, each once", async () => {
    const made = [];
    for (let i = 0; i < 4; i++) made.push(...(await several(2)).visits.map(idOf));
    for (const limit of [1, 3, 100]) {
      const listed = (await listSessions({ limit })).flat().map(({ id }) => id);
      assert.equal(new Set(listed).size, listed.length);
      for (const id of made) assert.ok(listed.includes(id), id);
    }
  });

  test("is of one workspace", async () => {
    const user = newUser();
    const made = await gate.api("POST", "/tokens?workspace=other", {
      ...{ name: "x", kind: "embed", app: "jobs", user },
    });
    const visit = await openWith(gate, made.body);
    const here = await listSessions({ user: user.id });
    assert.deepEqual(here.flat(), []);
    const there = await listSessions({ user: user.id, workspace: "other" });
    assert.deepEqual(
      there.flat().map(({ id }) => id),
      [idOf(visit)],
    );
    assertProblem(await kill(idOf(visit)), 404, "session_ended");
    await assertIn(visit);
    assert.equal(
      (await gate.api("DELETE", `/sessions/${idOf(visit)}?workspace=other`)).status,
      204,
    );
    await assertOut(visit, 401, "session_ended", []);
  });

  test("has no session that was killed, has ended, or whose token is revoked", async () => {
    const { user, visits, token } = await several(3);
    assert.equal((await kill(idOf(visits[1]))).status, 204);
    const ids = async () => (await listSessions({ user: user.id })).flat().map(({ id }) => id);
    assert.deepEqual(await ids(), [idOf(visits[0]), idOf(visits[2])]);
    // Disabled is not ended.
    assert.equal((await gate.api("PATCH", `/tokens/${token.id}`, { enabled: false })).status, 200);
    assert.equal((await ids()).length, 2);
    assert.equal((await gate.api("DELETE", `/tokens/${token.id}`)).status, 204);
    assert.deepEqual(await ids(), []);
    const brief = await gate.api("POST", "/api/ext/users/personal-access-token");
    assert.equal(brief.status, 404); // not below /gatepass/api
  });

  test("has no session after its end", async () => {
    const expiresAt = new Date(Date.now() + 62_000).toISOString();
    const { user } = await several(1, { expiresAt, sessionMinutes: 600 });
    const [[{ expiresAt: ends }]] = await listSessions({ user: user.id });
    assert.ok(Math.abs(Date.parse(ends) - Date.parse(expiresAt)) <= 1000);
  });

  test("keeps those of a token for single use, which is used", async () => {
    const { user, visits } = await several(1, { singleUse: true });
    const listed = (await listSessions({ user: user.id })).flat();
    assert.deepEqual(
      listed.map(({ id }) => id),
      [idOf(visits[0])],
    );
  });

  for (const [name, query, field] of [
    ["a limit of 0", "limit=0", "limit"],
    ["a limit of 101", "limit=101", "limit"],
    ["a cursor that is none", "cursor=x", "cursor"],
    ["an empty user", "user=", "user"],
    ["what only lists of tokens have", "state=active", "state"],
    ["what only lists of tokens have, a kind", "kind=embed", "kind"],
    ["a parameter twice", "limit=1&limit=2", "limit"],
    ["another workspace", "workspace=none", "workspace"],
  ]) {
    test(`refuses ${name}`, async () => {
      assertProblem(await gate.api("GET", `/sessions?${query}`), 400, "invalid_field", field);
    });
  }

  test("a cursor of another user's list is refused", async () => {
    const [one, two] = [await several(2), await several(1)];
    const { body } = await gate.api("GET", `/sessions?limit=1&user=${one.user.id}`);
    const path = `/sessions?user=${two.user.id}&cursor=${body.next}`;
    assertProblem(await gate.api("GET", path), 400, "invalid_field", "cursor");
  });

  test("RFC 9110 §15.5.6: has no other method", async () => {
    for (const [method, path, allow] of [
      ["POST", "/sessions", "DELETE, GET, HEAD"],
      ["GET", `/sessions/${sessionId("ada")}`, "DELETE"],
      ["PATCH", `/sessions/${sessionId("ada")}`, "DELETE"],
    ]) {
      const answer = await gate.api(method, path, method === "GET" ? undefined : {});
      assert.equal(answer.status, 405, `${method} ${path}`);
      assert.equal(answer.headers.get("allow"), allow);
    }
    assert.equal((await gate.api("GET", "/sessionsx")).status, 404);
  });
});

describe("killing a session", () => {
  test("ends it and no other; the second time is 204 too", async () => {
    const { visits, token } = await several(3);
    const [first, second, third] = visits;
    assert.equal((await kill(idOf(second))).status, 204);
    await assertOut(second, 401, "session_ended");
    assert.equal((await kill(idOf(second))).status, 204);
    await assertIn(first);
    await assertIn(third);
    const key = keyOf(token.token);
    const killed = () => JSON.parse(gate.kv.values.get(key)).kill;
    await until(() => killed()?.length === 1, "the kill list in KV");
    const [[id, ends]] = killed();
    assert.equal(id, idOf(second));
    assert.equal(ends, second.session().expires);
  });

  test("that nobody has opened, or that is spelt otherwise, is 404", async () => {
    const { visits } = await several(1);
    const id = idOf(visits[0]);
    for (const other of [
      sessionId("ada"),
      sessionId(visits[0].token.user.id),
      visits[0].token.id,
      id.toLowerCase(),
      `${id}x`,
      id.slice(0, -1),
      "self",
      "",
      "..%2ftokens",
      `${id}/`,
      `${id}/x`,
    ]) {
      const answer = await kill(other);
      assert.ok([404].includes(answer.status), `${other} ${answer.status}`);
    }
    await assertIn(visits[0]);
  });

  test("goes by the session's own id and not by a token's cookie", async () => {
    const { visits } = await several(1);
    const [visit] = visits;
    const headers = [["Cookie", visit.cookie]];
    const target = `/gatepass/api/sessions/${idOf(visit)}`;
    const answer = await rawRequest({ port: gate.port, method: "DELETE", target, headers });
    assert.equal(answer.status, 401);
    const inPlace = await visit.own(target, { method: "DELETE" });
    assert.equal(inPlace.status, 404);
    await assertIn(visit);
  });

  test("takes no body and no parameters", async () => {
    const { visits } = await several(1);
    const answer = await gate.api("DELETE", `/sessions/${idOf(visits[0])}?force=1`);
    assertProblem(answer, 400, "invalid_field", "force");
    await assertIn(visits[0]);
  });

  test("is refused by a page of another site", async () => {
    const { visits } = await several(1);
    const answer = await kill(idOf(visits[0]), { headers: { "sec-fetch-site": "cross-site" } });
    assertProblem(answer, 403, "cross_site");
    await assertIn(visits[0]);
  });
});

describe("killing all sessions", () => {
  const killAll = (parameters, options) =>
    gate.api("DELETE", `/sessions?${new URLSearchParams(parameters)}`, undefined, options);

  test("of a token ends them and no others, and new ones are opened", async () => {
    const { visits, token, user } = await several(3);
    const other = await openWith(gate, await mint(gate, { user }));
    assert.equal((await killAll({ token: token.id })).status, 204);
    for (const visit of visits) await assertOut(visit, 401, "session_ended");
    await assertIn(other);
    assert.deepEqual(idsOf((await listSessions({ user: user.id })).flat()), [idOf(other)]);
    const record = () => JSON.parse(gate.kv.values.get(keyOf(token.token)));
    await until(() => record().from > 0, "the moment in KV");
    assert.equal((await killAll({ token: token.id })).status, 204);
    await pause(1_100); // what is opened within the second is killed with the rest
    await assertIn(await openWith(gate, token));
  });

  test("of a user ends those of all their tokens", async () => {
    const { visits, user } = await several(2);
    const single = await openWith(gate, await mint(gate, { user, singleUse: true }));
    const other = await open(gate);
    assert.equal((await killAll({ user: user.id })).status, 204);
    for (const visit of [...visits, single]) await assertOut(visit, 401, "session_ended");
    await assertIn(other);
    assert.deepEqual((await listSessions({ user: user.id })).flat(), []);
    assertProblem(await killAll({ user: "nobody-knows" }), 404, "invalid_field", "user");
  });

  test("of somebody who may be two users ends nobody's", async () => {
    const { visits, user } = await several(1);
    const id = user.email;
    await gate.createToken({ user: { id: user.id, email: `new-${user.email}` } });
    await gate.createToken({ user: { id, email: `other-${user.email}` } });
    await gate.createToken({ user: { id: user.id, email: user.email } });
    assertProblem(await killAll({ user: id }), 409, "invalid_field", "user");
    await assertIn(visits[0]);
    assert.equal((await killAll({ user: user.id })).status, 204);
    await assertOut(visits[0], 401, "session_ended");
  });

  test("of a workspace ends them in that workspace within seconds", async () => {
    const here = await open(gate);
    const there = await gate.api("POST", "/tokens?workspace=other", {
      ...{ name: "x", kind: "embed", app: "jobs", user: { id: "eve" } },
    });
    assert.equal(there.status, 201, JSON.stringify(there.body));
    const visit = await openWith(gate, { ...there.body, user: { id: "eve" } });
    await assertIn(visit);
    assert.equal((await killAll({ all: "true", workspace: "other" })).status, 204);
    const listed = await listSessions({ workspace: "other" });
    assert.deepEqual(listed.flat(), []);
    const over = async () => (await visit.ask("/public/hello")).status === 401;
    await until(over, "an end");
    await assertIn(here);
  });

  test("wants to know whose, once", async () => {
    const { visits, token, user } = await several(1);
    const id = token.id;
    for (const [query, field] of [
      ["", "token"],
      ["all=", "all"],
      ["all=false", "all"],
      ["user=", "user"],
      [`token=${id}&all=true`, "all"],
      [`token=${id}&token=${id}`, "token"],
      [`user=${user.id}&token=${id}`, "token"],
      [`token=${id}&x=1`, "x"],
    ]) {
      const answer = await gate.api("DELETE", `/sessions?${query}`);
      assertProblem(answer, 400, "invalid_field", field);
    }
    assertProblem(await killAll({ token: "x" }), 404, "token_unknown");
    assertProblem(await killAll({ token: sessionId(user.id) }), 404, "token_unknown");
    await assertIn(visits[0]);
  });

  test("is for its own user by a PAT, and for a workspace by the operator alone", async () => {
    const { visits, token, user } = await several(1);
    const [own, other] = await Promise.all(
      [user, newUser()].map((user) => gate.createToken({ user, scopes: ["tokens"] })),
    );
    assertProblem(await killAll({ token: token.id }, by(other.token)), 404, "token_unknown");
    assertProblem(
      await killAll({ user: user.id }, by(other.token)),
      ...[403, "scope_insufficient", "user"],
    );
    assertProblem(await killAll({ all: "true" }, by(own.token)), 403, "scope_insufficient");
    await assertIn(visits[0]);
    assert.equal((await killAll({ user: user.id }, by(own.token))).status, 204);
    await assertOut(visits[0], 401, "session_ended");
  });
});

describe("a PAT", () => {
  const pat = (fields) => gate.createToken({ scopes: ["tokens"], apps: ["*"], ...fields });

  test("lists and kills its own user's sessions, whoever made their tokens", async () => {
    const { user, visits } = await several(2);
    await several(1);
    const asking = await pat({ user });
    const as = by(asking.token);
    assert.deepEqual((await listSessions({}, as)).map(idsOf), [visits.map(idOf)]);
    for (const name of [user.id, user.email]) {
      assert.deepEqual((await listSessions({ user: name }, as)).map(idsOf), [visits.map(idOf)]);
    }
    assert.equal((await kill(idOf(visits[0]), as)).status, 204);
    await assertOut(visits[0], 401, "session_ended");
    assert.equal((await kill(idOf(visits[0]), as)).status, 204);
    await assertIn(visits[1]);
  });

  test("neither lists nor kills another's, and is told the same as for what is not there", async () => {
    const [mine, theirs] = [newUser(), newUser()];
    const visit = await open(gate, { user: theirs });
    const as = by((await pat({ user: mine })).token);
    const listed = await gate.api("GET", `/sessions?user=${theirs.id}`, undefined, as);
    assertProblem(listed, 403, "scope_insufficient", "user");
    const refused = await kill(idOf(visit), as);
    const unknown = await kill(sessionId(theirs.id), as);
    assertProblem(refused, 404, "session_ended");
    assert.deepEqual(refused.body, unknown.body);
    await assertIn(visit);
  });

  test("without the scope tokens, or revoked, or in another workspace does neither", async () => {
    const { user, visits } = await several(1);
    const revoked = await pat({ user });
    await gate.api("DELETE", `/tokens/${revoked.id}`);
    for (const [token, status, code] of [
      [await pat({ user, scopes: ["odata"] }), 403, "scope_insufficient"],
      [revoked, 401, "token_revoked"],
    ]) {
      const as = by(token.token);
      assertProblem(await gate.api("GET", "/sessions", undefined, as), status, code);
      assertProblem(await kill(idOf(visits[0]), as), status, code);
    }
    const good = by((await pat({ user })).token);
    const elsewhere = await gate.api("GET", "/sessions?workspace=other", undefined, good);
    assertProblem(elsewhere, 403, "invalid_field", "workspace");
    await assertIn(visits[0]);
  });

  test("of nobody: without a credential there is no list", async () => {
    for (const headers of [[], [["Authorization", bearer("")]]]) {
      for (const [method, target] of [
        ["GET", "/gatepass/api/sessions"],
        ["DELETE", `/gatepass/api/sessions/${sessionId("ada")}`],
      ]) {
        const answer = await rawRequest({ port: gate.port, method, target, headers });
        assert.equal(answer.status, 401);
        assert.equal(answer.json().code, "token_missing");
      }
    }
  });
});
