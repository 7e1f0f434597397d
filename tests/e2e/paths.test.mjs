import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused, BASIC, BEARER } from "../support/refusals.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const ROUTES = [
  { path: "/public/*", public: true },
  { path: "/admin", scopes: ["admin"] },
  { path: "/deep/admin/*", scopes: ["admin"] },
  { path: "/mcp", public: true },
  { methods: ["GET"], path: "/read/*", public: true },
];

// The same rules in front of two upstreams: another Worker, and a server that is reached by URL and
// tells its request line byte for byte.
let gate;
let upstream;
let byUrl;
let token;
before(async () => {
  upstream = await startServer((request, response) => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, headers }));
  });
  [gate, byUrl] = await Promise.all([
    startRawGate(),
    startRawGate({ vars: { ROUTES, UPSTREAM: `${upstream.url}/base/` } }),
  ]);
  token = (await gate.createToken()).token;
});
after(async () => {
  await Promise.all([gate?.stop(), byUrl?.stop(), upstream?.stop()]);
});

const bearer = (text) => [["Authorization", `Bearer ${text}`]];

/** A token of the gate in front of a URL; it has no scope. */
function plainToken() {
  const text = makeToken();
  byUrl.kv.values.set(keyOf(text), makeRecord(text));
  return text;
}

describe("the upstream gets the very path that the rule was matched against", () => {
  for (const [target, seen] of [
    ["/echo/x/../y", "/echo/y"],
    ["/echo/x/%2e%2e/y", "/echo/y"],
    ["/echo/x/.%2E/y", "/echo/y"],
    ["/echo/./y", "/echo/y"],
    ["/echo/x\\..\\y", "/echo/y"],
    ["/echo/a\\b", "/echo/a/b"],
    ["/echo/a//b", "/echo/a//b"],
    ["/echo/a%2fb", "/echo/a%2fb"],
    ["/echo/a%2Fb", "/echo/a%2Fb"],
    ["/echo/a%5cb", "/echo/a%5cb"],
    ["/echo/%61", "/echo/%61"],
    ["/echo/a;b=c", "/echo/a;b=c"],
    ["/echo/a%25b", "/echo/a%25b"],
    ["/echo/caf%C3%A9", "/echo/caf%C3%A9"],
    ["/echo/a b", undefined],
    ["/echo/Jobs(7)/$count", "/echo/Jobs(7)/$count"],
    ["/echo/a|b", "/echo/a|b"],
    ["/echo/a^b`{c}", undefined],
    ['/echo/a"b<c>', undefined],
    ["/echo/?a=%2e%2e/%2f&b=/public", "/echo/?a=%2e%2e/%2f&b=/public"],
    ["/echo/?", "/echo/?"],
    ["/echo/x#/public/hello", "/echo/x"],
    ["/echo/x%23/public/hello", "/echo/x%23/public/hello"],
    ["/echo/x?a#b", "/echo/x?a"],
  ]) {
    test(target, async () => {
      const answers = [
        await rawRequest({ port: gate.port, target, headers: bearer(token) }),
        await rawRequest({ port: byUrl.port, target, headers: bearer(plainToken()) }),
      ];
      if (seen === undefined) {
        for (const { status } of answers) assert.ok(status >= 400 && status < 500);
        return;
      }
      const [service, server] = answers.map((answer) => {
        assert.equal(answer.status, 200, answer.text);
        return answer.json().url;
      });
      const plain = (text) => text.replace(/\?$/, "");
      assert.equal(plain(service.slice(service.indexOf("/", 8))), plain(seen));
      assert.equal(plain(server), plain(`/base${seen}`));
    });
  }
});

describe("a path that can be read in more than one way is refused, with or without a token", () => {
  for (const target of [
    "//admin",
    "///admin",
    "//public/hello",
    "/public%2fhello",
    "/public%5chello",
    "/%61dmin",
    "/%70ublic/hello",
    "/ADMIN",
    "/Public/hello",
    "/public/..%2fadmin",
    "/public/..%5cadmin",
    "/public/%2e%2e%2fadmin",
    "/public/%252e%252e/admin",
    "/public/%252e%252e%252fadmin",
    "/public/%25252e%25252e%25252fadmin",
    "/public/..;/admin",
    "/public/..;x=1/admin",
    "/public/..%3b/admin",
    "/public/%c0%ae%c0%ae/admin",
    "/public/%u002e%u002e/admin",
    "/public/x%00",
    "/public/x%0a",
    "/public/..%00/admin",
    "/public;x/hello",
    "/public%3fx",
    "/public%23",
    "/private%23/public/hello",
    "/public%",
    "/deep//admin/x",
    "/deep/%61dmin/x",
    "/deep/Admin/x",
    "/deep/admin;x/y",
    "/admin//",
    "/admin//x/..//",
    "/admin/;x",
    "/admin;x",
  ]) {
    test(target, async () => {
      for (const headers of [[], bearer(plainToken())]) {
        const answer = await rawRequest({ port: byUrl.port, target, headers });
        assertRefused(answer, 400, "invalid_request");
      }
    });
  }
});

describe("dots that the URL standard resolves are resolved before the rule is chosen", () => {
  for (const target of ["/public/../admin", "/public/%2e%2e/admin", "/public/.%2e/admin"]) {
    test(target, async () => {
      const anonymous = await rawRequest({ port: byUrl.port, target });
      assertRefused(anonymous, 401, "token_missing", [BEARER, BASIC]);
      const headers = bearer(plainToken());
      const scopeless = await rawRequest({ port: byUrl.port, target, headers });
      assert.equal(scopeless.status, 403);
    });
  }
});

describe("a public rule opens nothing else", () => {
  for (const [name, target, method] of [
    ["a path in the query", "/private?path=/public/hello"],
    ["a path after a fragment", "/private#/public/hello"],
    ["a name that only begins with it", "/publicity"],
    ["a name that only begins with another", "/mcp-other"],
    ["what is below a rule for one path", "/mcp/x"],
    ["another method", "/read/x", "POST"],
    ["another method that carries no body", "/read/x", "DELETE"],
    ["OPTIONS", "/read/x", "OPTIONS"],
  ]) {
    test(name, async () => {
      const answer = await rawRequest({ port: byUrl.port, target, method });
      assertRefused(answer, 401, "token_missing", [BEARER, BASIC]);
    });
  }

  test("but the same rule by HEAD, and with a slash at its end", async () => {
    for (const [method, target] of [
      ["HEAD", "/read/x"],
      ["GET", "/read/x"],
      ["GET", "/read"],
      ["GET", "/mcp/"],
    ]) {
      assert.equal((await rawRequest({ port: byUrl.port, target, method })).status, 200, target);
    }
  });

  test("a method that a header names changes nothing", async () => {
    for (const name of ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]) {
      const headers = [[name, "DELETE"]];
      const answer = await rawRequest({ port: byUrl.port, target: "/read/x", headers });
      assert.equal(answer.status, 200);
      assert.equal(answer.json().headers[name.toLowerCase()], undefined, name);
    }
  });
});

describe("a target that the runtime refuses never reaches the gate", () => {
  for (const [name, bytes] of [
    ["a tab", "GET /public/a\tb HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a letter outside ASCII", "GET /public/\xe9 HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["no slash", "GET public HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"],
    ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["an unknown method", "FOO /read/x HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a method in lower case", "get /read/x HTTP/1.1\r\nHost: a\r\n\r\n"],
  ]) {
    test(name, async () => {
      const { status } = await rawRequest({ port: byUrl.port, bytes });
      assert.ok(status >= 400 && status <= 501, String(status));
    });
  }
});

describe("methods", () => {
  test("RFC 9110 §15.5.6: TRACE is 405 with Allow, token or not", async () => {
    for (const headers of [[], bearer(plainToken())]) {
      for (const target of ["/public/hello", "/x"]) {
        const answer = await rawRequest({ port: byUrl.port, method: "TRACE", target, headers });
        assertRefused(answer, 405, "invalid_request");
        assert.match(answer.header("Allow"), /\bGET\b/);
      }
    }
  });

  test("every other one arrives as it was sent", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      const headers = bearer(plainToken());
      const answer = await rawRequest({ port: byUrl.port, method, target: "/x", headers });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json().method, method);
    }
  });

  test("RFC 9110 §9.3.1: GET with a body is refused", async () => {
    const headers = bearer(plainToken());
    const request = { port: byUrl.port, target: "/x", headers, body: "smuggled" };
    for (const method of ["GET", "HEAD"]) {
      assert.equal((await rawRequest({ ...request, method })).status, 400);
    }
  });
});

describe("the Host header", () => {
  for (const [name, hosts] of [
    ["with a path", ["a/public"]],
    ["with a path that climbs", ["a/public/.."]],
    ["with user information", ["a@b"]],
    ["with a query", ["a?b"]],
    ["with a fragment", ["a#b"]],
    ["twice", ["a", "b"]],
    ["empty", [""]],
    ["with a space", ["a b"]],
    ["with a bad port", ["a:x"]],
  ]) {
    test(`${name}: the upstream gets what the rule was chosen by, or nothing`, async () => {
      const headers = hosts.map((host) => ["Host", host]);
      const anonymous = await rawRequest({ port: byUrl.port, target: "/admin", headers });
      if (anonymous.status === 200) assert.match(anonymous.json().url, /^\/base\/public\//);
      else assert.ok([400, 401].includes(anonymous.status), anonymous.text);
      const withToken = [...headers, ...bearer(plainToken())];
      const scopeless = await rawRequest({
        port: byUrl.port,
        target: "/admin",
        headers: withToken,
      });
      if (scopeless.status === 200) assert.doesNotMatch(scopeless.json().url, /^\/base\/admin/);
      else assert.ok([400, 403].includes(scopeless.status), scopeless.text);
    });
  }

  test("of the client is what the upstream is told", async () => {
    const headers = [["Host", "gate.example"], ...bearer(plainToken())];
    const answer = await rawRequest({ port: byUrl.port, target: "/x", headers });
    assert.equal(answer.json().headers["x-forwarded-host"], "gate.example");
    assert.equal(answer.json().headers.host, upstream.address);
  });

  test("RFC 9112 §3.2.2: a target in absolute form is read as its path", async () => {
    const headers = bearer(plainToken());
    const target = "http://gate.example/admin";
    const answer = await rawRequest({ port: byUrl.port, target, headers });
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
    const open = await rawRequest({ port: byUrl.port, target: "http://gate.example/x", headers });
    assert.ok(open.status === 400 || open.json().url === "/base/x", open.text);
  });
});
