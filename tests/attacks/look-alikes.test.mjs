// What is spelled nearly like what opens: Gatepass's own paths, a query's token, an app, a place's host,
// a session's cookie, a host page, a user. Each opens what it opens to the letter, or nothing, and no
// credential reaches the upstream on the way.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AS, enter, mint, newUser, openWith, PORTAL, startEmbedGate } from "../support/embeds.mjs";
import { basic } from "../support/tokens.mjs";
import { exchange, labelOf, startByteUpstream, valuesOf } from "../support/wire.mjs";

const ROUTES = [
  { path: "/public/*", public: true },
  { path: "/feed", queryToken: "access_token" },
  { path: "/odata/*", scopes: ["odata"] },
];
const OPEN = { concurrency: 8 };
const utf8 = (text) => Buffer.from(text).toString("latin1");
const lines = (headers) => headers.map(([name, value]) => `${name}: ${value}`);

let gate;
let upstream;
let pat;
before(async () => {
  upstream = await startByteUpstream();
  const servers = { bytes: upstream.address };
  // A signature is random, and may look like anything.
  const vars = { ROUTES, ASSERTION_KEY: undefined };
  gate = await startEmbedGate({ servers, upstream: { server: "bytes" }, vars });
  pat = (await gate.createToken()).token;
});
after(() => Promise.all([gate?.stop(), upstream?.stop()]));

/** One request, and the answer in a word; of a page its code. */
async function ask(line, headers = [], { host = "gate.test", body = "" } = {}) {
  const bytes = [`${line} HTTP/1.1`, `Host: ${host}`, ...headers, "", ""].join("\r\n") + body;
  const [answer] = await exchange(gate.port, bytes, 1);
  const [, code] = answer.body.match(/^<!doctype html>.*? data-code="(\w+)"/) ?? [];
  return { ...answer, is: code ? `${answer.status} ${code}` : labelOf(answer) };
}

describe("a path like one of Gatepass's own, with the operator key", OPEN, () => {
  for (const [target, expected] of [
    ["/gatepass/api/tokens", "200"],
    ["/public/../gatepass/api/tokens", "200"],
    ["/gatepass\\api/tokens", "200"],
    ["/gatepass/api/tokens/", "404 token_unknown"],
    ["/gatepass/api/tokens;x", "404 invalid_request"],
    ["/gatepass/api/%74okens", "404 invalid_request"],
    ["/gatepass/api/tokens%00", "404 invalid_request"],
    ["/gatepass/api//tokens", "404 invalid_request"],
    ["/gatepass//api/tokens", "404 invalid_request"],
    ["/gatepass/API/tokens", "404 invalid_request"],
    ["//gatepass/api/tokens", "400 invalid_request"],
    ["/gatepass%2fapi/tokens", "400 invalid_request"],
    ["/gatepass;x/api/tokens", "400 invalid_request"],
    ["/%67atepass/api/tokens", "400 invalid_request"],
    ["/public/..%2fgatepass/api/tokens", "400 invalid_request"],
    ["/GATEPASS/api/tokens", "401 token_malformed"],
    ["/gatepassx/api/tokens", "401 token_malformed"],
  ]) {
    test(`${target}: ${expected}`, async () => {
      const operator = `Authorization: ${basic("operator", gate.operatorKey)}`;
      assert.equal((await ask(`GET ${target}`, [operator])).is, expected);
      const arrived = upstream.received.filter((one) => one.target === target);
      assert.deepEqual(arrived, []);
    });
  }
});

describe("RFC 6750 §2.3: a query like the one that may hold the token", OPEN, () => {
  for (const [query, expected, got] of [
    ["access_token=PAT", "200", "/feed"],
    ["access%5Ftoken=PAT", "200", "/feed"],
    ["&&access_token=PAT&a=1", "200", "/feed?&&a=1"],
    ["access_token=PAT#a", "200", "/feed"],
    ["ACCESS_TOKEN=PAT", "401 token_missing"],
    ["access_token[]=PAT", "401 token_missing"],
    ["a=1;access_token=PAT", "401 token_missing"],
    ["PAT", "401 token_missing"],
    ["access_token=PAT;b", "401 token_malformed"],
    ["access_token==PAT", "401 token_malformed"],
    ["access_token=+PAT", "401 token_malformed"],
    ["access_token=PAT%00", "401 token_malformed"],
    ["access_token=PAT&access_token=", "400 invalid_request"],
    ["access_token=PAT&access%5ftoken=PAT", "400 invalid_request"],
  ]) {
    test(`${query}: ${expected}`, async () => {
      const answer = await ask(`GET /feed?${query.replaceAll("PAT", pat)}`);
      assert.equal(answer.is, expected);
      if (got) assert.equal(JSON.parse(answer.body).target, got);
    });
  }

  test("and one that another reader would take a token from does not arrive", async () => {
    for (const query of ["a=1;access_token=PAT", "access_token[]=PAT", "ACCESS_TOKEN=PAT", "PAT"]) {
      const target = `/feed?${query.replace("PAT", pat)}`;
      const { body } = await ask(`GET ${target}`, [`Authorization: Bearer ${pat}`]);
      assert.equal(JSON.parse(body).target, "/feed");
    }
  });
});

describe("an app like the token's", OPEN, () => {
  let token;
  before(async () => (token = await mint(gate, { singleUse: true })));

  for (const [path, expected] of [
    ["/embed-apps/JOBS", "404 app_mismatch"],
    ["/embed-apps/%6aobs", "404 app_mismatch"],
    ["/embed-apps/jobs%00", "404 app_mismatch"],
    ["/embed-apps/jobs%20", "404 app_mismatch"],
    ["/embed-apps/jobs;x", "404 app_mismatch"],
    ["/embed-apps/jobs%2f", "404 app_mismatch"],
    ["/embed-apps/..%2fjobs", "404 app_mismatch"],
    ["/embed-apps/https:%2f%2feve.test", "404 app_mismatch"],
    ["/embed-apps/*", "404 app_mismatch"],
    ["/embed-apps/", "404 app_mismatch"],
    ["/embed-apps/jobs/", "404 invalid_request"],
    ["/embed-apps//jobs", "404 invalid_request"],
    ["/embed-apps/jobs/~aaaaaaaaaaaaaaaa/", "404 invalid_request"],
    ["/Embed-Apps/jobs", "401 session_ended"],
    ["//embed-apps/jobs", "401 session_ended"],
    ["/embed-apps%2fjobs", "401 session_ended"],
  ]) {
    test(`${path}: ${expected}`, async () => {
      const { host, search } = new URL(token.embedUrl);
      const answer = await ask(`GET ${path}${search}`, lines(AS.frame), { host });
      assert.equal(answer.is, expected);
      assert.ok(!answer.body.includes(token.token));
    });
  }

  test("spends nothing", async () => assert.ok(await openWith(gate, token)));
});

describe("a host like the place's", OPEN, () => {
  let token;
  before(async () => (token = await mint(gate, { singleUse: true })));

  for (const [what, host, expected] of [
    ["a dot behind", (place) => `${place}.embed.test.`, "421 invalid_request"],
    ["two dots between", (place) => `${place}..embed.test`, "421 invalid_request"],
    ["a label before", (place) => `a.${place}.embed.test`, "421 invalid_request"],
    ["a letter before", (place) => `a${place}.embed.test`, "421 invalid_request"],
    ["a letter less", (place) => `${place.slice(1)}.embed.test`, "421 invalid_request"],
    ["no dot", (place) => `${place}embed.test`, "421 invalid_request"],
    ["another domain", (place) => `${place}.embed.test.eve.test`, "421 invalid_request"],
    ["the parent", () => "embed.test", "421 invalid_request"],
    ["an asterisk behind", (place) => `${place}.embed.test*`, "400 invalid_request"],
    ["user information", (place) => `${place}.embed.test@eve.test`, "400 invalid_request"],
  ]) {
    test(`${what}: ${expected}`, async () => {
      const { host: own, pathname, search } = new URL(token.embedUrl);
      const options = { host: host(own.slice(0, own.indexOf("."))) };
      assert.equal((await ask(`GET ${pathname}${search}`, lines(AS.frame), options)).is, expected);
    });
  }

  test("in capitals, or with a port, is the place's", async () => {
    const { host, pathname, search } = new URL(token.embedUrl);
    const capitals = { host: host.toUpperCase() };
    const used = await ask(`GET ${pathname}${search}`, lines(AS.frame), capitals);
    assert.equal(used.status, 303);
    const again = await ask(`GET ${pathname}${search}`, lines(AS.frame), {
      host: `${host.split(":")[0]}:81`,
    });
    assert.equal(again.is, "401 token_used");
  });
});

describe("an entry", OPEN, () => {
  for (const header of [
    ...[
      "Range: bytes=0-0",
      'If-Match: "a"',
      "If-None-Match: *",
      'If-Range: "a"',
      "Accept: image/png",
    ],
    ...[
      "If-Modified-Since: Wed, 21 Oct 2037 07:28:00 GMT",
      "Connection: Upgrade\r\nUpgrade: websocket",
    ],
  ]) {
    test(`is whole, and kept by nobody, with ${JSON.stringify(header)}`, async () => {
      const { embedUrl } = await mint(gate, { singleUse: true });
      const { host, pathname, search } = new URL(embedUrl);
      const answer = await ask(`GET ${pathname}${search}`, [...lines(AS.frame), header], { host });
      assert.equal(answer.status, 303);
      assert.deepEqual(valuesOf(answer, "cache-control"), ["no-store"]);
      assert.deepEqual(valuesOf(answer, "location"), ["/?gp-opened=1"]);
      assert.equal(valuesOf(answer, "set-cookie").length, 1);
    });
  }

  for (const [added, location] of [
    ["gp-renew=2", "/?gp-opened=1"],
    ["gp-renew=1&gp-renew=1", "/?gp-opened=1"],
    ["gp%2dopened=2&gp-opened", "/?gp-opened=1"],
    ["gp%2drenew=1&next=//eve.test", "/gatepass/embed/PLACE"],
    ["next=//eve.test", "/?gp-opened=1&next=//eve.test"],
    ["a=%0d%0aX-A:b", "/?gp-opened=1&a=%0d%0aX-A:b"],
    ["a#//eve.test", "/?gp-opened=1&a"],
  ]) {
    test(`stays in its place with ${added}`, async () => {
      const { embedUrl } = await mint(gate);
      const { host, pathname, search } = new URL(embedUrl);
      const answer = await ask(`GET ${pathname}${search}&${added}`, lines(AS.frame), { host });
      const place = host.slice(0, host.indexOf("."));
      assert.deepEqual(valuesOf(answer, "location"), [location.replace("PLACE", place)]);
    });
  }

  for (const referer of [
    ...[
      "https://portal.example.eve.test/",
      "https://portal.example@eve.test/",
      "https://PORTAL.example/",
    ],
    ...[
      "https://portal.example:8443/",
      "http://portal.example/",
      "https://eve.test/https://portal.example/",
    ],
    ...[
      "//portal.example/",
      "portal.example",
      "about:blank",
      `${PORTAL}\\@eve.test/`,
      `${PORTAL}.`,
      "\xff",
    ],
  ]) {
    test(`is refused from a page like the portal's: ${JSON.stringify(referer)}`, async () => {
      const { embedUrl } = await mint(gate, { singleUse: true });
      const answer = await enter(gate, embedUrl, { headers: [["Referer", referer]] });
      assert.equal(answer.status, 403, answer.text);
      assert.match(answer.text, /data-code="origin_not_allowed"/);
      assert.equal((await enter(gate, embedUrl)).status, 303);
    });
  }
});

describe("RFC 6265bis §4.2: a cookie like the session's", OPEN, () => {
  let visit;
  before(async () => (visit = await openWith(gate, await mint(gate))));

  const twenty = (name) => Array.from({ length: 20 }, () => `${name}=a; `).join("");
  for (const [what, header, expected] of [
    ["itself", (name, value) => `${name}=${value}`, "200"],
    ["white space around", (name, value) => `\t${name} =  ${value}  `, "200"],
    ["behind one that is none", (name, value) => `${name}=a; ${name}=${value}`, "200"],
    [
      "a prefix in lower case",
      (name, value) => `${name.replace("H", "h")}=${value}`,
      "401 session_ended",
    ],
    ["a place in capitals", (name, value) => `${name.toUpperCase()}=${value}`, "401 session_ended"],
    ["no name: scripts can write that", (name, value) => `=${name}=${value}`, "401 session_ended"],
    ["in quotes", (name, value) => `${name}="${value}"`, "401 session_ended"],
    ["behind a comma", (name, value) => `a=1, ${name}=${value}`, "401 session_ended"],
    ["before a comma", (name, value) => `${name}=${value}, a=1`, "401 session_ended"],
    ["a letter more", (name, value) => `${name}=${value}A`, "401 session_ended"],
    ["padding", (name, value) => `${name}=${value}=`, "401 session_ended"],
    [
      "percent-encoded",
      (name, value) => `${name}=${value.replace(".", "%2e")}`,
      "401 session_ended",
    ],
    ["in the value of another", (name, value) => `a=${name}=${value}`, "401 session_ended"],
    [
      "behind twenty that are none",
      (name, value) => `${twenty(name)}${name}=${value}`,
      "401 session_ended",
    ],
  ]) {
    test(`${what}: ${expected}`, async () => {
      const cookie = header(visit.name, visit.value);
      const headers = [...lines(AS.script), `Cookie: ${cookie}`];
      const answer = await ask("GET /x", headers, { host: visit.host });
      assert.equal(answer.is, expected);
      assert.ok(!answer.body.includes(visit.value));
    });
  }

  test("opens nothing beside the place, where a PAT opens nothing in it", async () => {
    const cookie = `Cookie: ${visit.cookie}`;
    assert.equal((await ask("GET /x", [cookie])).is, "401 token_missing");
    const bearer = [...lines(AS.script), `Authorization: Bearer ${pat}`];
    assert.equal((await ask("GET /x", bearer, { host: visit.host })).is, "401 session_ended");
  });
});

describe("a user like another", OPEN, () => {
  for (const [one, other] of [
    [{ id: "zo\u00eb" }, { id: "zoe\u0308" }],
    [{ id: "zo\u00ea" }, { id: "ZO\u00ca" }],
    [{ email: "mike@example.com" }, { email: "mi\u212ae@example.com" }],
    [{ email: "mia@example.com" }, { email: "m\u0131a@example.com" }],
    [{ email: "max@example.com" }, { email: "max@\uff45xample.com" }],
    [{ id: "Moe@example.com" }, { email: "moe@example.com" }],
  ]) {
    test(`is another: ${JSON.stringify(one)} and ${JSON.stringify(other)}`, async () => {
      const theirs = await gate.createToken({ user: one });
      const { token, id } = await gate.createToken({ user: other });
      const auth = { auth: `Bearer ${token}` };
      const { body } = await gate.api("GET", "/tokens", undefined, auth);
      assert.deepEqual(
        body.result.map((shown) => shown.id),
        [id],
      );
      for (const method of ["GET", "DELETE"]) {
        const { status } = await gate.api(method, `/tokens/${theirs.id}`, undefined, auth);
        assert.equal(status, 404, method);
      }
    });
  }

  for (const user of [
    ...[
      { id: "ada\u0000" },
      { id: "ada " },
      { id: "ada\u200b" },
      { id: "\u202eada" },
      { id: "ada\n" },
    ],
    ...[{ email: "ada@example.com " }, { email: "ada@example.com\u0000" }],
  ]) {
    test(`is none: ${JSON.stringify(user)}`, async () => {
      const { status, body } = await gate.api("POST", "/tokens", { name: "a", user });
      assert.equal(`${status} ${body.code}`, "400 invalid_field");
    });
  }

  test("does not get the address of one that is known", async () => {
    const { email } = (await gate.createToken({ user: newUser() })).user;
    const user = { id: "eve", email: email.toUpperCase() };
    const { status, body } = await gate.api("POST", "/tokens", { name: "a", user });
    assert.equal(`${status} ${body.field}`, "409 user.email");
  });
});

describe("OData: a batch", () => {
  const inner = "--b\r\nContent-Type: application/http\r\n\r\nGET /admin HTTP/1.1\r\n\r\n--b--\r\n";
  const batch = (token) =>
    ask(
      "POST /odata/$batch",
      [`Authorization: Bearer ${token}`, `Content-Length: ${inner.length}`],
      { body: inner },
    );

  test("is under the rule of its own path, and goes on unread", async () => {
    const { token } = await gate.createToken({ scopes: [] });
    assert.equal((await batch(token)).is, "403 scope_insufficient");
    assert.equal(JSON.parse((await batch(pat)).body).body, inner);
  });
});

test("CORS: a preflight of no method that there is, is answered all the same", async () => {
  for (const method of ["\xff", utf8("é"), "a".repeat(4000), "GET, DELETE", ""]) {
    const headers = ["Origin: https://eve.test", `Access-Control-Request-Method: ${method}`];
    assert.equal((await ask("OPTIONS /odata/x", headers)).is, "403 cross_site");
  }
});

test("no credential reached the upstream in all this", () => {
  assert.deepEqual(upstream.broken, []);
  assert.doesNotMatch(JSON.stringify(upstream.received), /pat_|__Host-gp-[a-z2-7]{16}=/);
  assert.ok(!JSON.stringify(upstream.received).includes(gate.operatorKey));
});
