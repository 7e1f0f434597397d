// One test for each clause of a standard that the gate is held to, named by it. Other suites look
// closer; here each is asked of the real gate once, and judged by parsers of other makers.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import * as oauth from "oauth4webapi";
import {
  AS,
  assertIn,
  enter,
  keysText,
  mint,
  newKey,
  newUser,
  open,
  startEmbedGate,
} from "../support/embeds.mjs";
import { challengesOf, cookiesOf, mediaTypeOf } from "../support/judges.mjs";
import { answersOfItsOwn, FOR_OWN_ANSWERS } from "../support/own-answers.mjs";
import { NEEDS_PYTHON, structuredField } from "../support/python.mjs";
import { rawRequest } from "../support/raw.mjs";
import { basic, makeToken, seconds } from "../support/tokens.mjs";

const ROUTES = [
  { path: "/public/*", public: true },
  { path: "/echo/feed", queryToken: "access_token" },
  { path: "/api/v1/*", scopes: ["jobs:read"] },
];
const ANY_PATH = "/api/v1/jobs/";
const REALM = { realm: "Gatepass" };
const BASIC = { realm: "Gatepass", charset: "UTF-8" };

const key = newKey();
const KEYS = { SESSION_KEYS: keysText(key) };
let gate;
let token;
before(async () => {
  // RFC 6749 §2.3.1 has clients encode a secret as in forms; letters and digits stay as they are.
  const OPERATOR_KEY = randomBytes(32).toString("hex");
  const { apps: APPS, limiter } = FOR_OWN_ANSWERS;
  gate = await startEmbedGate({ limiter, vars: { ROUTES, APPS, OPERATOR_KEY, ...KEYS } });
  token = (await gate.createToken()).token;
});
after(() => gate?.stop());

const ask = (target, headers = [], options) =>
  rawRequest({ port: gate.port, target, headers, ...options });
const authorization = (value) => [["Authorization", value]];
const insecure = { [oauth.allowInsecureRequests]: true };

/** Asserts how a request for jobs is answered: the status, and the parameters of its challenges. */
async function assertAnswered(headers, status, challenges, options) {
  const answer = await ask(ANY_PATH, headers, options);
  assert.equal(answer.status, status, `${JSON.stringify(headers)} ${answer.text}`);
  assert.deepEqual(await challengesOf(answer), challenges, JSON.stringify(headers));
  return answer;
}

describe("Bearer", () => {
  const invalidRequest = { bearer: { ...REALM, error: "invalid_request" } };
  const invalidToken = { bearer: { ...REALM, error: "invalid_token" }, basic: BASIC };

  test("RFC 6750 §2.1: the scheme in any case, one or more spaces, a b64token", async () => {
    const url = new URL(gate.url + ANY_PATH);
    const answer = await oauth.protectedResourceRequest(token, "GET", url, null, null, insecure);
    assert.equal((await answer.json()).TotalRows, 60);
    for (const scheme of ["Bearer ", "bearer ", "BEARER ", "bEaReR   "]) {
      await assertAnswered(authorization(scheme + token), 200, {});
    }
    for (const value of ["A-z0.9_~+/", "a==", "-"]) {
      await assertAnswered(authorization(`Bearer ${value}`), 401, invalidToken);
    }
    for (const value of ["a=b", "a b", 'a"', "a,b", "a\tb", "=", "a:b"]) {
      await assertAnswered(authorization(`Bearer ${value}`), 400, invalidRequest);
    }
    await assertAnswered(authorization(`Bearer\t${token}`), 400, invalidRequest);
  });

  test("RFC 6750 §3: every 401 carries a Bearer challenge with realm once", async () => {
    const { answers } = await answersOfItsOwn(gate);
    const refused = Object.values(answers).filter(({ status }) => status === 401);
    assert.ok(refused.length >= 18, `${refused.length}`);
    for (const [what, answer] of Object.entries(answers)) {
      const { bearer } = await challengesOf(answer);
      if (answer.status === 401) assert.equal(bearer?.realm, "Gatepass", what);
      if (answer.status < 400) assert.equal(bearer, undefined, what);
    }
  });

  test("RFC 6750 §3.1: no error where nothing was sent, else the one that fits", async () => {
    for (const headers of [[], authorization("Bearer"), authorization("Bearer  ")]) {
      await assertAnswered(headers, 401, { bearer: REALM, basic: BASIC });
    }
    await assertAnswered(authorization(`Bearer ${token} x`), 400, invalidRequest);
    for (const value of ["x", token.slice(0, -1), makeToken()]) {
      await assertAnswered(authorization(`Bearer ${value}`), 401, invalidToken);
    }
    const scopeless = (await gate.createToken({ scopes: ["odata"] })).token;
    const error = { error: "insufficient_scope", scope: "jobs:read" };
    await assertAnswered(authorization(`Bearer ${scopeless}`), 403, {
      bearer: { ...REALM, ...error },
    });
  });

  test("RFC 6750 §2: more than one method, or one repeated, is invalid_request", async () => {
    const bearer = ["Authorization", `Bearer ${token}`];
    const password = ["Authorization", basic("", token)];
    for (const headers of [
      [bearer, bearer],
      [bearer, password],
      [bearer, ["X-API-Key", token]],
      [password, ["PRIVATE-TOKEN", token]],
      [
        ["X-API-Key", token],
        ["X-API-Key", token],
      ],
    ]) {
      await assertAnswered(headers, 400, invalidRequest);
    }
    const twice = await ask(`/echo/feed?access_token=${token}`, [bearer]);
    assert.equal(twice.status, 400);
    assert.deepEqual(await challengesOf(twice), invalidRequest);
  });

  test("RFC 6750 §2.3, §5.3: a token in a query by opt-in, then private; in a cookie never", async () => {
    const opted = await ask(`/echo/feed?access_token=${token}&a=1`);
    assert.equal(opted.status, 200);
    assert.match(opted.header("Cache-Control"), /(^|,)\s*private\s*(,|$)/);
    assert.match(opted.json().url, /\/echo\/feed\?a=1$/);
    for (const [target, headers] of [
      [`/echo/other?access_token=${token}`, []],
      [`/echo/feed?token=${token}`, []],
      ["/echo/feed", [["Cookie", `access_token=${token}`]]],
      ["/echo/feed", [["Cookie", `Authorization=Bearer ${token}`]]],
    ]) {
      const answer = await ask(target, headers);
      assert.equal(answer.status, 401, target);
      assert.deepEqual((await challengesOf(answer)).bearer, REALM);
      assert.equal(answer.header("Cache-Control"), "no-store");
    }
  });
});

test("RFC 7617 §2: Basic is UTF-8 split at the first colon, and offered to no browser", async () => {
  const bytes = (text, encoding) => `Basic ${Buffer.from(text, encoding).toString("base64")}`;
  for (const user of ["", "excel", "Zoë", "测试", "a user"]) {
    await assertAnswered(authorization(basic(user, token)), 200, {});
  }
  await assertAnswered(authorization(`basic  ${btoa(`:${token}`)}`), 200, {});
  // The password is `b:` and the token.
  const invalidToken = { bearer: { ...REALM, error: "invalid_token" }, basic: BASIC };
  await assertAnswered(authorization(basic("a", `b:${token}`)), 401, invalidToken);
  for (const value of [bytes(`Zo\xeb:${token}`, "latin1"), bytes(`a\x07:${token}`), bytes(token)]) {
    const error = { ...REALM, error: "invalid_request" };
    await assertAnswered(authorization(value), 400, { bearer: error });
  }
  for (const target of [ANY_PATH, "/odata/$metadata", "/", "/gatepassport"]) {
    assert.deepEqual((await challengesOf(await ask(target))).basic, BASIC, target);
  }
  const visit = await open(gate);
  for (const answer of [
    await ask(ANY_PATH, AS.tab),
    await ask(ANY_PATH, AS.script),
    await ask("/gatepass/api/tokens"),
    await visit.ask("/", { as: AS.frame, cookie: null }),
    await visit.ask("/", { as: [], cookie: null }),
    await enter(gate, visit.url.split("?")[0]),
  ]) {
    assert.equal(answer.status, 401);
    assert.deepEqual(await challengesOf(answer), { bearer: REALM });
  }
});

describe("HTTP", () => {
  const operator = () => authorization(basic("", gate.operatorKey));
  const JSON_BODY = ["Content-Type", "application/json"];
  const TOKENS = "/gatepass/api/tokens";

  test("RFC 9110 §15.5.6: 405 has Allow, with the methods that there are", async () => {
    for (const [target, wrong, allowed] of [
      [TOKENS, ["PUT", "PATCH", "DELETE", "OPTIONS"], ["GET", "HEAD", "POST"]],
      [`${TOKENS}/self`, ["POST", "PUT", "PATCH"], ["DELETE", "GET", "HEAD"]],
      ["/gatepass/api/settings", ["POST", "PATCH", "DELETE"], ["GET", "HEAD", "PUT"]],
      ["/gatepass/oauth/revoke", ["GET", "HEAD", "PUT"], ["POST"]],
      ["/gatepass/healthz", ["POST", "DELETE"], ["GET", "HEAD"]],
      ["/gatepass/embed.js", ["POST", "DELETE"], ["GET", "HEAD"]],
      ["/api/v1/auth/delete-pat?id=1", ["GET", "DELETE"], ["POST"]],
    ]) {
      for (const method of wrong) {
        const answer = await ask(target, operator(), { method });
        assert.equal(answer.status, 405, `${method} ${target} ${answer.text}`);
        assert.deepEqual(
          answer
            .header("Allow")
            .split(/\s*,\s*/)
            .sort(),
          allowed,
          target,
        );
      }
    }
    const traced = await ask("/echo/x", authorization(`Bearer ${token}`), { method: "TRACE" });
    assert.equal(traced.status, 405);
    assert.doesNotMatch(traced.header("Allow"), /TRACE|CONNECT/);
  });

  test("RFC 9110 §9.3.2: HEAD is answered as GET without a body", async () => {
    for (const [target, headers] of [
      [TOKENS, operator()],
      [`${TOKENS}/self`, authorization(`Bearer ${token}`)],
      ["/gatepass/healthz", []],
      ["/gatepass/nothing", []],
      [ANY_PATH, authorization(`Bearer ${token}`)],
      [ANY_PATH, []],
    ]) {
      const [get, head] = [
        await ask(target, headers),
        await ask(target, headers, { method: "HEAD" }),
      ];
      assert.equal(head.status, get.status, target);
      assert.equal(head.body.length, 0);
      assert.equal(head.header("Content-Type"), get.header("Content-Type"));
      assert.deepEqual(await challengesOf(head), await challengesOf(get));
    }
  });

  test("RFC 9110 §15.5.14, §15.5.16: a long body is 413, one of another type is 415", async () => {
    for (const [headers, body, status] of [
      [[JSON_BODY], " ".repeat(65_537), 413],
      [[JSON_BODY], " ".repeat(65_536), 400],
      [[["Content-Type", "text/plain"]], "{}", 415],
      [[["Content-Type", "application/x-www-form-urlencoded"]], "name=x", 415],
      [[], "{}", 415],
    ]) {
      const options = { method: "POST", body };
      const answer = await ask(TOKENS, [...operator(), ...headers], options);
      assert.equal(answer.status, status, `${headers} ${answer.text}`);
      assert.equal(mediaTypeOf(answer), "application/problem+json");
    }
  });

  test("RFC 9110 §15.5.15, RFC 6585 §5: a long URL is 414, a long head or credential 431", async () => {
    const credential = authorization(`Bearer ${"a".repeat(4097)}`);
    const answer = await ask(ANY_PATH, credential);
    assert.equal(answer.status, 431);
    assert.equal(mediaTypeOf(answer), "application/problem+json");
    const headers = authorization(`Bearer ${token}`);
    assert.equal((await ask(`/echo/${"a".repeat(200_000)}`, headers)).status, 414);
    const long = [...headers, ["X-Long", "a".repeat(1_100_000)]];
    assert.equal((await ask(ANY_PATH, long)).status, 431);
    assert.equal((await ask(`/echo/${"a".repeat(16_000)}`, headers)).status, 200);
  });
});

test("RFC 9457 §3: an error is a problem of its status, and echoes no credential", async () => {
  const { answers, secrets } = await answersOfItsOwn(gate);
  const problems = Object.entries(answers).filter(([, answer]) => {
    const isForPeople = answer.header("Content-Type")?.startsWith("text/html");
    return answer.status >= 400 && answer.body.length > 0 && !isForPeople;
  });
  const statuses = new Set(problems.map(([, { status }]) => status));
  const every = [400, 401, 403, 404, 405, 409, 413, 415, 429, 431, 502, 503];
  assert.deepEqual([...statuses].sort(), every);
  for (const [what, answer] of problems) {
    assert.equal(mediaTypeOf(answer), "application/problem+json", what);
    const { title, status, code, detail } = answer.json();
    assert.equal(status, answer.status, what);
    for (const text of [title, code, detail]) assert.equal(typeof text, "string", what);
  }
  for (const [what, { status, headers, text }] of Object.entries(answers)) {
    const said = JSON.stringify(headers) + text;
    // But for the cookie of a new session.
    if (status >= 400) assert.ok(!secrets.some((secret) => said.includes(secret)), what);
  }
});

describe("an OAuth client", () => {
  const client = { client_id: "operator" };
  const server = () => ({
    issuer: gate.url,
    introspection_endpoint: `${gate.url}/gatepass/oauth/introspect`,
    revocation_endpoint: `${gate.url}/gatepass/oauth/revoke`,
  });
  const byKey = (key = gate.operatorKey) => oauth.ClientSecretBasic(key);
  const byBearer = (pat) => (_server, _client, _body, headers) =>
    headers.set("authorization", `Bearer ${pat}`);
  const byNobody = () => () => {};
  const asks = (kind) => (presented, caller, more) =>
    oauth[`${kind}Request`](server(), client, caller, presented, {
      ...insecure,
      additionalParameters: new URLSearchParams(more),
    });
  const introspect = asks("introspection");
  const revoke = asks("revocation");
  const challenged = (error) =>
    error instanceof oauth.WWWAuthenticateChallengeError && error.status === 401;

  test("RFC 7662 §2: learns of a good token; of all others the same, byte by byte", async () => {
    const user = newUser();
    const made = await gate.createToken({ user, scopes: ["a", "b"] });
    const good = await introspect(made.token, byKey());
    const said = await oauth.processIntrospectionResponse(server(), client, good);
    assert.equal(said.active, true);
    assert.equal(said.scope, "a b");
    assert.equal(said.sub, user.id);
    assert.equal(said.exp, Date.parse(made.expiresAt) / 1000);
    const [disabled, revoked, used] = [1, 2, 3].map(() => gate.createToken({ user }));
    await gate.api("PATCH", `/tokens/${(await disabled).id}`, { enabled: false });
    await gate.api("DELETE", `/tokens/${(await revoked).id}`);
    await gate.api("POST", `/tokens/${(await used).id}/rotate`, {});
    const ended = (await Promise.all([disabled, revoked, used])).map(({ token }) => token);
    for (const presented of [...ended, makeToken(), (await mint(gate)).token, "x"]) {
      const answer = await introspect(presented, byKey());
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("cache-control"), "no-store");
      assert.equal(await answer.clone().text(), '{"active":false}');
      const inactive = await oauth.processIntrospectionResponse(server(), client, answer);
      assert.equal(inactive.active, false);
    }
    for (const caller of [byNobody(), byKey("x".repeat(40)), byBearer(makeToken())]) {
      const refused = await introspect(made.token, caller);
      const processed = oauth.processIntrospectionResponse(server(), client, refused);
      await assert.rejects(processed, challenged);
    }
  });

  test("RFC 7009 §2: ends a token, and hears the same of an unknown one", async () => {
    const { token } = await gate.createToken();
    for (const caller of [byNobody(), byKey("x".repeat(40)), byBearer(makeToken())]) {
      const refused = oauth.processRevocationResponse(await revoke(token, caller));
      await assert.rejects(refused, challenged);
    }
    await assertAnswered(authorization(`Bearer ${token}`), 200, {});
    for (const presented of [token, token, makeToken(), "x"]) {
      const answer = await revoke(presented, byKey());
      assert.equal(answer.status, 200);
      await oauth.processRevocationResponse(answer);
    }
    await assertAnswered(authorization(`Bearer ${token}`), 401, {
      ...{ bearer: { ...REALM, error: "invalid_token" }, basic: BASIC },
    });
    const hinted = await revoke(makeToken(), byKey(), { token_type_hint: "refresh_token" });
    await assert.rejects(oauth.processRevocationResponse(hinted), (error) => {
      assert.ok(error instanceof oauth.ResponseBodyError);
      assert.equal(error.status, 400);
      return error.error === "unsupported_token_type";
    });
  });
});

describe("cookies", () => {
  let paths;
  before(async () => (paths = await startEmbedGate({ vars: { EMBED_HOST: undefined, ...KEYS } })));
  after(() => paths?.stop());
  const gates = () => [gate, paths];
  const DAYS = 86_400;

  test("RFC 6265bis §4.1.1, §5.6: are small, set once a name, for 400 days at most", async () => {
    const longest = { id: "u".repeat(128) };
    for (const here of gates()) {
      for (const fields of [{}, { user: longest }, { sessionMinutes: 400 * 1440, never: true }]) {
        const token = await mint(here, fields);
        const [cookie, ...others] = cookiesOf(await enter(here, token.embedUrl));
        assert.deepEqual(others, []);
        assert.match(cookie.name, /^__Host-gp-/);
        assert.ok(cookie.maxAge <= 60 * token.sessionMinutes);
        if (fields.never) assert.ok(cookie.maxAge > 399 * DAYS);
      }
      // What the app sets, beside the session's own, which slides on.
      const visit = await open(here, { idleMinutes: 4 });
      const late = visit.withSession({ issued: seconds(-200), expires: seconds(40) }, key);
      const set = cookiesOf(await late.ask("/cookies"));
      assert.equal(set.length, 3, set.map(({ name }) => name).join());
      for (const cookie of set) assert.equal(cookie.sameSite, "None");
    }
  });

  test("RFC 6265bis §5.8: a session is found however browsers write the others", async () => {
    for (const here of gates()) {
      const visit = await open(here);
      for (const cookie of [
        visit.cookie,
        `a=1; ${visit.cookie}; b=2`,
        `nameless; a==; =; b="x, y"; ${visit.cookie}`,
        `${visit.cookie}; c=${"x".repeat(4000)}`,
      ]) {
        await assertIn(visit, { cookie });
      }
      for (const cookie of [`a=${visit.cookie}`, `a="1, ${visit.cookie}"`, `x${visit.cookie}`]) {
        assert.equal((await visit.ask("/public/hello", { cookie })).status, 401, cookie);
      }
    }
  });

  test("CHIPS: are Partitioned and Secure, and one host's sessions fit into 10 KiB", async () => {
    for (const here of gates()) {
      const visit = await open(here);
      const entry = await enter(here, visit.url);
      const app = await visit.ask("/cookies");
      for (const cookie of [...cookiesOf(entry), ...cookiesOf(app)]) {
        assert.ok(cookie.partitioned && cookie.secure, cookie.name);
      }
    }
    const jar = new Map();
    const user = newUser();
    for (let place = 0; place < 20; place++) {
      const { embedUrl } = await mint(paths, { user, label: `${place}` });
      const header = [...jar].map((pair) => pair.join("=")).join("; ");
      const entry = await enter(paths, embedUrl, { headers: header ? [["Cookie", header]] : [] });
      for (const { name, value, maxAge } of cookiesOf(entry)) {
        if (maxAge > 0) jar.set(name, value);
        else assert.ok(jar.delete(name), name);
      }
    }
    assert.equal(jar.size, 16);
    assert.ok(jar.size * ("__Host-gp-".length + 16 + 400) < 10 * 1024);
    const latest = await open(paths, { user, label: "19" });
    assert.ok(jar.has(latest.name));
  });
});

test(
  "RFC 9651 §4.2: policies that are structured fields are read as such",
  NEEDS_PYTHON,
  async () => {
    const visit = await open(gate);
    for (const [answer, policy] of [
      [await visit.ask("/", { as: AS.frame }), "credentialless"],
      [await visit.ask("/", { as: AS.frame, cookie: null }), "require-corp"],
    ]) {
      const field = answer.header("Cross-Origin-Embedder-Policy");
      const [token, parameters] = await structuredField("item", field);
      assert.deepEqual([token.value, parameters], [policy, {}]);
    }
  },
);
