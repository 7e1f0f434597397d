// One test for each chapter of OWASP ASVS 5.0 that the gate is held to, named by its requirements.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { until } from "../support/api.mjs";
import {
  AS,
  assertIn,
  assertOut,
  enter,
  keysText,
  metadata,
  mint,
  newKey,
  newUser,
  open,
  openWith,
  PORTAL,
  sessionId,
  startEmbedGate,
} from "../support/embeds.mjs";
import { cookiesOf, mediaTypeOf } from "../support/judges.mjs";
import { answersOfItsOwn, FOR_OWN_ANSWERS } from "../support/own-answers.mjs";
import { rawRequest } from "../support/raw.mjs";
import { visible } from "../support/refusals.mjs";
import { basic, hintOf, seconds } from "../support/tokens.mjs";

const EVIL = "https://evil.example";
const ROUTES = [
  { path: "/shared/*", cors: [PORTAL] },
  { path: "/api/v1/*", scopes: ["jobs:read"] },
];
const MINUTE = 60;
const TOKENS = "/gatepass/api/tokens";

const key = newKey();
let gate;
let token;
before(async () => {
  const { apps: APPS, limiter } = FOR_OWN_ANSWERS;
  const vars = { ROUTES, APPS, SESSION_KEYS: keysText(key) };
  gate = await startEmbedGate({ vars, limiter, second: true });
  token = (await gate.createToken()).token;
});
after(() => gate?.stop());

const ask = (target, headers = [], options) =>
  rawRequest({ port: gate.port, target, headers, ...options });
const bearer = (token) => ["Authorization", `Bearer ${token}`];
const operator = () => ["Authorization", basic("", gate.operatorKey)];
const JSON_BODY = ["Content-Type", "application/json"];

/** The directives of an answer's policies: name → sources. One named twice would not count. */
function policyOf(answer) {
  const directives = answer
    .headerAll("Content-Security-Policy")
    .flatMap((policy) => policy.split(";"))
    .map((directive) => directive.trim().split(/\s+/));
  const names = directives.map(([name]) => name);
  assert.equal(new Set(names).size, names.length, names.join());
  return Object.fromEntries(directives.map(([name, ...sources]) => [name, sources.join(" ")]));
}

test("ASVS 3.3.1–3.3.5: a session's cookie is Secure, __Host-, SameSite, HttpOnly and small", async () => {
  const visit = await open(gate, { idleMinutes: 4 });
  const late = visit.withSession({ issued: seconds(-200), expires: seconds(40) }, key);
  for (const answer of [await enter(gate, visit.url), await late.ask("/public/hello")]) {
    const [cookie, ...others] = cookiesOf(answer);
    assert.deepEqual(others, []);
    const { name, value, maxAge, ...attributes } = cookie;
    assert.match(name, /^__Host-/);
    // It is for a frame of another site; Partitioned keeps it to that site's pages.
    assert.deepEqual(
      { ...attributes },
      { ...{ path: "/", secure: true, httpOnly: true }, sameSite: "None", partitioned: true },
    );
    assert.ok(maxAge > 0);
    assert.ok(Buffer.byteLength(name + value) <= 4096);
  }
});

describe("every answer of its own", () => {
  let answers;
  before(async () => (answers = Object.entries((await answersOfItsOwn(gate)).answers)));
  const isPage = (answer) => answer.header("Content-Type")?.startsWith("text/html");

  test("ASVS 3.4.3: has a policy that allows nothing, and a page no object and no base", () => {
    assert.ok(answers.length > 40);
    for (const [what, answer] of answers) {
      const policy = policyOf(answer);
      if (what === "an entry") continue; // a redirect has nothing to restrict
      assert.equal(policy["default-src"], "'none'", what);
      assert.equal(policy["object-src"], undefined, what);
      if (!isPage(answer)) continue;
      assert.equal(policy["base-uri"], "'none'", what);
      assert.equal(policy["script-src"], "'self'", what);
    }
  });

  test("ASVS 3.4.4, 3.4.5, 4.1.1: is not sniffed, tells no referrer, and says what it is", () => {
    for (const [what, answer] of answers) {
      assert.deepEqual(answer.headerAll("X-Content-Type-Options"), ["nosniff"], what);
      assert.deepEqual(answer.headerAll("Referrer-Policy"), ["no-referrer"], what);
      if (answer.body.length > 0) assert.match(mediaTypeOf(answer), /^(application|text)\//, what);
    }
  });

  test("ASVS 3.4.6: is framed by nobody, or by the origins that an embed names", async () => {
    for (const [what, answer] of answers) {
      const allowed = policyOf(answer)["frame-ancestors"];
      const origins = ["'none'", "'self'", `'self' ${PORTAL}`];
      assert.ok((isPage(answer) ? origins.slice(1) : origins).includes(allowed), what);
    }
    const visit = await open(gate);
    const page = await visit.ask("/", { as: AS.frame });
    assert.equal(policyOf(page)["frame-ancestors"], `'self' ${PORTAL}`);
  });

  test("ASVS 4.1.2: is no redirect, but for the entry of an embed", async () => {
    for (const [what, { status, header }] of answers) {
      if (what === "an entry") continue;
      assert.ok(status < 300 || status >= 400, what);
      if (status !== 201) assert.equal(header("Location"), undefined, what);
    }
    for (const target of [
      `${TOKENS}/`,
      "/gatepass/page.js/",
      "/gatepass/API/tokens",
      "//gatepass/healthz",
    ]) {
      const { status } = await ask(target, [operator()]);
      assert.ok(status >= 400, `${target}: ${status}`);
    }
  });

  test("ASVS 14.3.2: is stored by no cache, and an upstream's answer by no shared one", async () => {
    for (const [what, answer] of answers) {
      assert.deepEqual(answer.headerAll("Cache-Control"), ["no-store"], what);
    }
    const visit = await open(gate);
    const shared = "/echo/x.js?cache=public,%20max-age=60";
    for (const answer of [await ask(shared, [bearer(token)]), await visit.ask(shared)]) {
      assert.equal(answer.status, 200);
      assert.equal(answer.header("Cache-Control"), "private, max-age=60");
    }
  });
});

test("ASVS 3.4.2: an origin reads what its route lists it for, without credentials", async () => {
  for (const [target, origin, allowed] of [
    ["/shared/x", PORTAL, PORTAL],
    ["/shared/x", EVIL, undefined],
    ["/shared/x", "null", undefined],
    ["/shared/x", `${PORTAL}.evil.example`, undefined],
    ["/api/v1/jobs/", PORTAL, undefined],
    [TOKENS, PORTAL, undefined],
    ["/gatepass/oauth/introspect", PORTAL, undefined],
  ]) {
    for (const headers of [[], [bearer(token)]]) {
      const answer = await ask(target, [...headers, ["Origin", origin]]);
      assert.equal(answer.header("Access-Control-Allow-Origin"), allowed, target);
      assert.equal(answer.header("Access-Control-Allow-Credentials"), undefined);
    }
  }
});

describe("a page of another site", () => {
  const crossSite = [
    metadata("empty", "cors", "cross-site"),
    metadata("empty", "no-cors", "same-site"),
    metadata("document", "navigate", "cross-site"),
    [["Origin", EVIL]],
    [["Origin", "null"]],
  ];

  test("ASVS 3.5.1: changes nothing by what a browser sends along", async () => {
    const visit = await open(gate);
    const { id } = await gate.createToken();
    for (const headers of crossSite) {
      for (const [method, target, body] of [
        ["POST", TOKENS, '{"name":"x","user":{"id":"evil"}}'],
        ["DELETE", `${TOKENS}/${id}`],
        ["PUT", "/gatepass/api/settings", "{}"],
        ["POST", "/api/v1/jobs/", "{}"],
      ]) {
        const options = { method, body };
        const answer = await ask(target, [operator(), JSON_BODY, ...headers], options);
        assert.equal(answer.status, 403, `${method} ${target} ${headers}`);
      }
    }
    for (const as of crossSite.slice(0, 3)) {
      const posted = await visit.ask("/echo/x", { as, method: "POST", body: "a=b" });
      assert.equal(posted.status, 403, as.join());
    }
    const listed = await gate.api("GET", "/tokens?user=evil");
    assert.deepEqual(listed.body.result, []);
    assert.equal((await gate.api("GET", `/tokens/${id}`)).body.state, "active");
  });

  test("ASVS 3.5.2: gets no preflight answered, nor a body of a form taken", async () => {
    for (const target of [TOKENS, "/gatepass/api/settings", "/api/v1/jobs/"]) {
      const asked = [...crossSite[0], ["Origin", EVIL], ["Access-Control-Request-Method", "POST"]];
      const answer = await ask(target, asked, { method: "OPTIONS" });
      assert.ok([403, 405].includes(answer.status), `${answer.status}`);
      assert.equal(answer.header("Access-Control-Allow-Methods"), undefined);
    }
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const body = '{"name":"x","user":{"id":"evil"}}';
      const answer = await ask(TOKENS, [operator(), ["Content-Type", type]], {
        ...{ method: "POST", body },
      });
      assert.equal(answer.status, 415, type);
    }
  });

  test("ASVS 3.5.3: finds nothing that GET or HEAD would change", async () => {
    const made = await gate.createToken({ scopes: ["tokens", "jobs:read"] });
    const once = await mint(gate, { singleUse: true });
    for (const method of ["GET", "HEAD"]) {
      for (const target of [
        `${TOKENS}/${made.id}`,
        `${TOKENS}/${made.id}/rotate`,
        `${TOKENS}/self`,
        "/gatepass/api/sessions?all=true",
        "/gatepass/oauth/revoke",
        "/api/ext/users/personal-access-token",
        "/api/v1/auth/delete-pat?id=1",
        "/api/v1/auth/generate-pat",
      ]) {
        for (const credential of [operator(), bearer(made.token)]) {
          await ask(target, [credential], { method });
        }
      }
    }
    // An embed's entry is a GET that opens a session: for a frame's navigation alone.
    await enter(gate, once.embedUrl, { method: "HEAD" });
    for (const as of [[], AS.tab, AS.script, metadata("image", "no-cors", "cross-site")]) {
      assert.notEqual((await enter(gate, once.embedUrl, { as })).status, 303);
    }
    for (const { id } of [made, once]) {
      assert.equal((await gate.api("GET", `/tokens/${id}`)).body.state, "active");
    }
    assert.equal((await enter(gate, once.embedUrl)).status, 303);
  });
});

test("ASVS 7.2.3: a token has over 128 random bits, and a session a MAC of 256", async () => {
  const user = newUser();
  const tokens = [];
  for (let i = 0; i < 200; i++) tokens.push((await gate.createToken({ user })).token);
  const random = tokens.map((token) => /^pat_(.{4})([0-9A-Za-z]{26}).{6}$/.exec(token));
  for (const [, hint] of random) assert.equal(hint, hintOf("default", user.id));
  assert.equal(new Set(random.map(([, , text]) => text)).size, tokens.length);
  // Of 62 letters 200 draws leave out 2 or 3.
  for (let at = 0; at < 26; at++) {
    const letters = new Set(random.map(([, , text]) => text[at]));
    assert.ok(letters.size > 45, `${letters.size} letters at ${at}`);
  }
  assert.ok(26 * Math.log2(62) > 128);
  const [, mac] = (await open(gate)).value.split(".");
  assert.equal(Buffer.from(mac, "base64url").length, 32);
});

describe("a session ends", () => {
  test("ASVS 7.3.1, 7.3.2: when it was idle for its time, and at its absolute end", async () => {
    const visit = await open(gate, { sessionMinutes: 60, idleMinutes: 4 });
    const used = (ago, id) => {
      const times = { issued: seconds(-ago), expires: seconds(4 * MINUTE - ago) };
      return visit.withSession({ ...times, ...(id && { id }) }, key);
    };
    await assertIn(used(4 * MINUTE - 5));
    await assertOut(used(4 * MINUTE), 401, "session_ended");
    const opened = (ago) => sessionId(visit.token.user.id, ago);
    await assertIn(used(10, opened(59 * MINUTE)));
    await assertOut(used(10, opened(60 * MINUTE)), 401, "session_ended");
  });

  test("ASVS 7.4.1, 7.4.2, 7.4.5: by its kill, its user's, or its token's end", async () => {
    const kill = (path) => gate.api("DELETE", path);
    const user = newUser();
    const token = await mint(gate, { user });
    const [one, two] = [await openWith(gate, token), await openWith(gate, token)];
    const other = await open(gate, { user });
    const stranger = await open(gate);
    assert.equal((await kill(`/sessions/${one.session().id}`)).status, 204);
    await assertOut(one, 401, "session_ended");
    for (const visit of [two, other]) await assertIn(visit);
    assert.equal((await kill(`/sessions?user=${user.id}`)).status, 204);
    for (const visit of [two, other]) await assertOut(visit, 401, "session_ended");
    await assertIn(stranger);
    assert.equal((await kill(`/tokens/${stranger.token.id}`)).status, 204);
    await assertOut(stranger, 401, "token_revoked");
  });

  test("ASVS 8.3.2: elsewhere within the stated bound, or with the next request if strict", async () => {
    const knock = (token) =>
      ask("/echo/x", [bearer(token)], { port: gate.ports.second }).then(({ status }) => status);
    const [bounded, strict] = [await gate.createToken(), await gate.createToken({ strict: true })];
    for (const { token } of [bounded, strict]) assert.equal(await knock(token), 200);
    for (const { id } of [bounded, strict]) await gate.api("DELETE", `/tokens/${id}`);
    assert.equal(await knock(strict.token), 401);
    await until(async () => (await knock(bounded.token)) === 401, "a refusal", 65_000);
    const docs = readFileSync(new URL("../../docs/storage.md", import.meta.url), "utf8");
    assert.match(docs, /a change is expected everywhere within 65 s of KV's accepting it/);
  });
});

test("ASVS 11.2.4: how much of a guess is right shows in no answer", async () => {
  const changed = (text, at) =>
    text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  const operatorKey = gate.operatorKey;
  const guesses = [0, 1, 20, operatorKey.length - 1].map((at) => changed(operatorKey, at));
  const { value, ...visit } = await open(gate);
  const cookies = [-1, -20, -42].map((at) => changed(value, value.length + at));
  const families = [
    [...guesses, "x".repeat(operatorKey.length)].map(
      (guess) => () => ask(TOKENS, [["Authorization", basic("", guess)]]),
    ),
    cookies.map(
      (guess) => () =>
        rawRequest({
          port: gate.port,
          target: "/public/hello",
          headers: [["Host", visit.host], ...AS.script, ["Cookie", `${visit.name}=${guess}`]],
        }),
    ),
  ];
  for (const [first, ...others] of families) {
    const wanted = visible(await first());
    assert.equal(wanted.status, 401);
    for (const other of others) assert.deepEqual(visible(await other()), wanted);
  }
});

test("ASVS 14.2.1: no secret is in a URL beyond the first hop of an embed", async () => {
  const made = await ask(TOKENS, [operator(), JSON_BODY], {
    method: "POST",
    body: '{"name":"x","user":{"id":"ada"}}',
  });
  assert.equal(made.header("Location"), `${TOKENS}/${made.json().id}`);
  const embed = await mint(gate);
  const entry = await enter(gate, `${embed.embedUrl}&a=1`);
  assert.equal(entry.header("Location"), "/?gp-opened=1&a=1");
  assert.equal(entry.header("Referrer-Policy"), "no-referrer");
  const visit = await openWith(gate, embed);
  const { url, headers } = await visit.echo({}, `/echo/x?t=${embed.token}&b=2`);
  assert.equal(new URL(url).search, "?b=2");
  assert.ok(!JSON.stringify(headers).includes(embed.token));
  for (const name of ["access_token", "token", "personal-access-token", "api_key"]) {
    const answer = await ask(`/api/v1/jobs/?${name}=${token}`);
    assert.equal(answer.status, 401, name);
    assert.equal(answer.json().code, "token_missing");
  }
});
