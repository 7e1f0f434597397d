// What middleware promises, on whatever platform.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

/**
 * @param {() => import("./subjects.mjs").Subject} subject the running app
 */
export function keepsItsPromises(subject) {
  const ask = (...args) => subject().ask(...args);
  let token;
  before(async () => ({ token } = await subject().make({ scopes: ["read"] })));

  test("a request without a token is answered by the gate alone", async () => {
    const answer = await ask("/any");
    assertRefused(answer, 401, "token_missing");
    const challenges = answer.headerAll("www-authenticate").join(", ");
    assert.match(challenges, /^Bearer realm="[^"]+", Basic realm="[^"]+", charset="UTF-8"$/);
    assert.equal(answer.header("cache-control"), "no-store");
    assert.equal(answer.header("content-type"), "application/problem+json");
  });

  test("HEAD is answered as GET is, without a body", async () => {
    const refused = await ask("/any", { method: "HEAD" });
    assert.deepEqual([refused.status, refused.text], [401, ""]);
    const allowed = await ask("/cached", { method: "HEAD", token });
    assert.deepEqual([allowed.status, allowed.text], [200, ""]);
    assert.equal(allowed.header("cache-control"), "private");
  });

  test("a token lets in whom it is of, and the handler knows who that is", async () => {
    const answer = await ask("/any", { token });
    assert.equal(answer.header("x-handler"), "ran");
    const { gatepass, method, path } = answer.json();
    assert.deepEqual([gatepass.kind, gatepass.user], ["pat", { id: "ada", email: null }]);
    assert.deepEqual([gatepass.scopes, gatepass.workspace], [["read"], "default"]);
    assert.deepEqual([method, path], ["GET", "/any"]);
  });

  for (const [form, headers] of [
    ["the password of Basic", (token) => [["Authorization", `Basic ${btoa(`:${token}`)}`]]],
    ["X-API-Key", (token) => [["X-API-Key", token]]],
    ["PRIVATE-TOKEN", (token) => [["private-token", token]]],
  ]) {
    test(`it comes as ${form}, too, and goes no further`, async () => {
      const answer = await ask("/any", { headers: headers(token) });
      assert.equal(answer.json().gatepass.user.id, "ada");
      assertHidden(answer, token, btoa(`:${token}`));
    });
  }

  test("the handler sees neither the credential nor what a client made up", async () => {
    const answer = await ask("/any", { token, headers: MADE_UP });
    const seen = views(answer.json());
    for (const headers of seen) {
      assert.equal(headers["gatepass-user"], "ada");
      assert.equal(headers["gatepass-scopes"], "read");
      assert.equal(headers["gatepass-workspace"], "default");
      assert.equal(headers["x-forwarded-proto"], "http");
      assert.equal(headers["x-forwarded-host"], `127.0.0.1:${subject().port}`);
      assert.equal(headers["x-kept"], "1");
      assert.match(headers.cookie, /^a=1[;,] b=2$/); // workerd joins them by a comma
    }
    assert.doesNotMatch(answer.text, /mallory/);
    assertHidden(answer, token);
  });

  test("a public route needs no token, and nobody is nobody", async () => {
    const answer = await ask("/public/any", { headers: MADE_UP });
    assert.equal(answer.json().gatepass, null);
    assert.doesNotMatch(answer.text, /mallory/);
    for (const headers of views(answer.json())) assert.ok(!("gatepass-user" in headers));
  });

  test("a scope that the token lacks is named", async () => {
    const answer = await ask("/admin/secret", { token });
    assertRefused(answer, 403, "scope_insufficient");
    assert.match(answer.header("www-authenticate"), /error="insufficient_scope".*scope="admin"/);
    const admin = await subject().make({ scopes: ["admin"] });
    assert.equal((await ask("/admin/secret", { token: admin.token })).text, "admin");
  });

  for (const [name, headers] of [
    ["two Authorization headers", (t) => [["authorization", `Bearer ${t}`]]],
    ["another Authorization header", () => [["authorization", "Bearer x"]]],
    ["an X-API-Key besides", (t) => [["x-api-key", t]]],
  ]) {
    test(`RFC 6750 §2: ${name} is one credential too many`, async () => {
      assertRefused(await ask("/any", { token, headers: headers(token) }), 400, "invalid_request");
    });
  }

  test("two X-API-Key headers are one too many", async () => {
    const headers = [
      ["X-Api-Key", token],
      ["x-api-key", token],
    ];
    assertRefused(await ask("/any", { headers }), 400, "invalid_request");
  });

  test("a folded header lets nobody in", async () => {
    const { port } = subject();
    const lines = `Host: 127.0.0.1:${port}\r\nConnection: close\r\nX: y\r\n Authorization: z`;
    const bytes = `GET /any HTTP/1.1\r\n${lines}\r\n\r\n`;
    const answer = await ask("/any", { bytes });
    assert.ok(answer.status >= 400);
    assert.equal(answer.header("x-handler"), undefined);
  });

  test("a token in the query opens only where a route says so, and is gone for the handler", async () => {
    const answer = await ask(`/feed?a=1&access_token=${token}&b='2'`);
    const { gatepass, query, url } = answer.json();
    assert.deepEqual([gatepass.user.id, query], ["ada", { a: "1", b: "'2'" }]);
    assert.equal(new URL(url).pathname, "/feed");
    assertHidden(answer, token);
    assert.equal(answer.header("referrer-policy"), "no-referrer");
    assert.equal(answer.header("cache-control"), "private");
    assertRefused(await ask(`/any?access_token=${token}`), 401, "token_missing");
  });

  test("a query is left as it came", async () => {
    const { query } = (
      await ask("/any?$filter=a eq 'b'&x=%27|".replaceAll(" ", "%20"), { token })
    ).json();
    assert.deepEqual(query, { $filter: "a eq 'b'", x: "'|" });
  });

  for (const framing of [
    ["Content-Length", "5"],
    ["Transfer-Encoding", "chunked"],
  ]) {
    test(`the handler reads a body by ${framing[0]}`, async () => {
      const body = framing[1] === "5" ? "hello" : "5\r\nhello\r\n0\r\n\r\n";
      const headers = [framing, ["Content-Type", "text/plain"]];
      const answer = await ask("/any", { method: "POST", token, headers, body });
      assert.equal(answer.json().body, "hello");
    });
  }

  test("middleware before it may have read the body", async () => {
    const headers = [["Content-Type", "text/plain"]];
    const options = { method: "POST", token, headers, body: "hello" };
    const answer = await ask("/read/any", options);
    assert.deepEqual([answer.json().gatepass.user.id, answer.json().body], ["ada", "hello"]);
  });

  test("what is for one client is kept from shared caches", async () => {
    const answer = await ask("/cached", { token });
    assert.equal(answer.header("cache-control"), "private");
    assert.equal(answer.header("cdn-cache-control"), undefined);
    assert.equal(answer.text, "x");
  });

  for (const status of [204, 304]) {
    test(`${status} leaves guarded`, async () => {
      const answer = await ask(`/status/${status}`, { token });
      assert.deepEqual([answer.status, answer.text], [status, ""]);
      assert.deepEqual([answer.header("cache-control"), answer.header("etag")], ["private", '"1"']);
    });
  }

  test("a redirect leaves guarded", async () => {
    const answer = await ask("/redirect", { token });
    assert.deepEqual([answer.status, answer.header("location")], [302, "/elsewhere"]);
    assert.equal(answer.header("cache-control"), "private");
  });

  test("a stream leaves guarded", async () => {
    const answer = await ask("/stream", { token });
    assert.deepEqual([answer.text, answer.header("cache-control")], ["one two three", "private"]);
  });

  test("cookies of the app stay several", async () => {
    const { headerAll } = await ask("/cookies", { token });
    assert.deepEqual(headerAll("set-cookie"), ["a=1; Domain=embed.localhost", "b=2"]);
  });

  test("an error of the app is the app's, and leaves guarded", async () => {
    const answer = await ask("/error", { token });
    assert.deepEqual([answer.status, answer.text], [500, "the app's own"]);
    assert.equal(answer.header("x-handler"), "error");
    assert.equal(answer.header("cache-control"), "private");
  });

  test("a path that there is not is the app's", async () => {
    assertRefused(await ask("/status/x/y/z"), 401, "token_missing");
  });

  describe("CORS", () => {
    const origin = ["Origin", "https://page.example"];

    test("a preflight is answered by the gate, as the route says", async () => {
      const asked = [origin, ["Access-Control-Request-Method", "PUT"]];
      const answer = await ask("/shared/x", { method: "OPTIONS", headers: asked });
      assert.equal(answer.status, 204);
      assert.equal(answer.header("access-control-allow-origin"), "https://page.example");
      assertRefused(await ask("/any", { method: "OPTIONS", headers: asked }), 403, "cross_site");
    });

    test("the route's origins may read answers, refusals too", async () => {
      for (const options of [{ token }, {}]) {
        const answer = await ask("/shared/x", { ...options, headers: [origin] });
        assert.equal(answer.header("access-control-allow-origin"), "https://page.example");
        assert.match(answer.headerAll("vary").join(), /Origin/);
      }
    });
  });

  test("invariant 2: a store that fails, or a gate, opens nothing", async () => {
    assertRefused(await ask("/broken/any", { token }), 503, "store_unavailable");
    const answer = await ask("/throws/any", { token });
    assert.deepEqual([answer.status, answer.text], [500, "out of order"]);
  });

  test("the gate's answer keeps what middleware before it has set, but for what it says itself", async () => {
    const answer = await ask("/earlier/any");
    assertRefused(answer, 401, "token_missing");
    assert.equal(answer.header("x-earlier"), "1");
    assert.deepEqual(answer.headerAll("cache-control"), ["no-store"]);
  });

  test("a token that is bound to an address is good there only", async () => {
    const bound = await subject().make({ allowedIps: ["192.0.2.7"] });
    const from = (address) => ({ token: bound.token, headers: [["X-Peer", address]] });
    assert.equal((await ask("/any", from("192.0.2.7"))).status, 200);
    assertRefused(await ask("/any", from("192.0.2.8")), 403, "address_not_allowed");
    const spoofed = [
      ["X-Forwarded-For", "192.0.2.7"],
      ["CF-Connecting-IP", "192.0.2.7"],
    ];
    const answer = await ask("/any", { token: bound.token, headers: spoofed });
    assertRefused(answer, 403, "address_not_allowed");
  });

  describe("no spelling of a path opens what another one keeps shut", () => {
    for (const target of HOSTILE) {
      test(JSON.stringify(target), async () => {
        const headers = [["Host", "gate.example"]];
        for (const options of [{ headers }, { headers, token }]) {
          const answer = await ask(target, options);
          assertPlain(answer);
        }
      });
    }

    for (const host of [
      "gate.example/public",
      "gate.example?",
      "u@gate.example",
      "a\\public",
      "a b",
    ]) {
      test(`Host: ${host}`, async () => {
        const answer = await ask("/admin/secret", { token, headers: [["Host", host]] });
        assertPlain(answer);
      });
    }
  });

  describe("an embed", () => {
    let entered, host;
    before(async () => {
      const options = { kind: "embed", app: "jobs", label: "x" };
      const { embedUrl } = await subject().make(options);
      const url = new URL(embedUrl);
      host = `${url.hostname}:${subject().port}`;
      const headers = [["Host", host], ...NAVIGATION];
      entered = await ask(url.pathname + url.search, { headers });
    });

    test("its URL is answered by the gate: into its place, without the token", () => {
      assert.equal(entered.status, 303);
      assert.match(entered.header("location"), /gp-opened=1/);
      assert.doesNotMatch(entered.header("location"), /pat_embed/);
      assert.match(entered.header("set-cookie"), /^__Host-gp-.*Secure.*Partitioned/);
      assert.equal(entered.header("x-handler"), undefined);
    });

    test("in its place the handler knows the viewer, and does not see the session", async () => {
      const cookie = `${entered.header("set-cookie").split(";")[0]}; theirs=1`;
      const headers = [["Host", host], ["Cookie", cookie], ...NAVIGATION];
      const answer = await ask("/any?gp-opened=1", { headers });
      const { gatepass, headers: seen, url } = answer.json();
      assert.deepEqual([gatepass.kind, gatepass.app, gatepass.user.id], ["embed", "jobs", "ada"]);
      assert.equal(seen.cookie, "theirs=1");
      assert.equal(new URL(url).search, "");
      assertHidden(answer, cookie.split(";")[0]);
      assert.match(answer.header("content-security-policy"), /frame-ancestors .*portal\.example/);
    });

    test("cookies of the app are confined to it", async () => {
      const [cookie] = entered.header("set-cookie").split(";");
      const headers = [["Host", host], ["Cookie", cookie], ...NAVIGATION];
      const { headerAll } = await ask("/cookies", { headers });
      const theirs = headerAll("set-cookie").filter((line) => !line.startsWith("__Host-gp-"));
      assert.equal(theirs.length, 2);
      for (const line of theirs) {
        assert.match(line, /Secure/);
        assert.match(line, /Partitioned/);
        assert.doesNotMatch(line, /Domain/);
      }
    });
  });
}

const NAVIGATION = [
  ["Sec-Fetch-Dest", "iframe"],
  ["Sec-Fetch-Mode", "navigate"],
  ["Sec-Fetch-Site", "cross-site"],
];

/** What a client would have the app believe. */
const MADE_UP = [
  ["Gatepass-User", "mallory"],
  ["GATEPASS_USER", "mallory"],
  ["gatepass_user", "mallory"],
  ["Gatepass.Scopes", "mallory"],
  ["gatepass-scopes", "mallory"],
  ["Gatepass-Session-Id", "mallory"],
  ["X-Forwarded-Host", "mallory.example"],
  ["X-Forwarded-Proto", "mallory"],
  ["X_Forwarded_For", "mallory"],
  ["Forwarded", "for=mallory"],
  ["X-Original-URL", "/mallory"],
  ["X-Rewrite-URL", "/mallory"],
  ["X-HTTP-Method-Override", "mallory"],
  ["X-Real-IP", "mallory"],
  ["CF-Connecting-IP", "192.0.2.66"],
  ["X-Kept", "1"],
  ["Cookie", "a=1"],
  ["Cookie", "b=2"],
];

const HOSTILE = [
  "/public/../admin/secret",
  "/admin/../public/x",
  "/admin/./secret",
  "/public/%2e%2e/admin/secret",
  "/admin/%2e%2e/public/x",
  "/public/..%2fadmin/secret",
  "/public/%252e%252e/admin",
  "/public/..;/admin/secret",
  "/public\\..\\admin/secret",
  "/admin\\..\\public/x",
  "//admin/secret",
  "/public//../admin/secret",
  "/admin%2fsecret",
  "/%61dmin/secret",
  "/ADMIN/secret",
  "/admin;x/secret",
  "/admin/secret%00",
  "/admin/secret#/../../public/x",
  "/admin/secret?/../../public/x",
  "/admin/sécret",
  "*",
];

function assertRefused(answer, status, code) {
  assert.deepEqual([answer.status, answer.json().code], [status, code]);
  assert.equal(answer.header("x-handler"), undefined);
}

/** Refused; or the server has made the path plain, for the gate and the app alike. */
function assertPlain(answer) {
  if (answer.status < 400) assert.match(answer.json().path, /^\/public\//);
  else assert.equal(answer.header("x-handler"), undefined);
}

/** The headers in each of the forms that a handler finds them in. */
function views({ headers, copied, distinct = [] }) {
  const [joined, others] = [{}, Object.fromEntries(distinct)];
  for (const [name, value] of copied.headers) {
    joined[name] = name in joined ? `${joined[name]}; ${value}` : value;
  }
  return distinct.length ? [headers, joined, others] : [headers, joined];
}

/** None of these is in what the handler sees. */
function assertHidden(answer, ...secrets) {
  for (const secret of secrets) assert.ok(!answer.text.includes(secret), answer.text);
}
