import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { basic, keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const ROUTES = [
  { path: "/public/*", public: true },
  { path: "/feed/*", queryToken: "access_token" },
];

let gate;
let created;
let upstream;
let raw;
let authorized;
before(async () => {
  upstream = await startServer((request, response) => {
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  const servers = { app: upstream.address };
  const behind = { servers, upstream: { server: "app" } };
  [gate, raw, authorized] = await Promise.all([
    startRawGate(),
    startRawGate({ ...behind, vars: { ROUTES } }),
    startRawGate({ ...behind, vars: { ROUTES, UPSTREAM_AUTHORIZATION: "Bearer the app's own" } }),
  ]);
  created = await gate.createToken({ scopes: ["jobs:read", "odata"] });
});
after(() => Promise.all([gate?.stop(), raw?.stop(), authorized?.stop(), upstream?.stop()]));

/** What the demo upstream's /echo says that it got. */
async function echo(headers, target = "/echo/") {
  const answer = await rawRequest({ port: gate.port, target, headers });
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

/** What an upstream behind a gate on raw workerd got, from a token with these fields. */
async function seen(fields, { through = raw, target = "/x", headers = [] } = {}) {
  const token = makeToken();
  through.kv.values.set(keyOf(token), makeRecord(token, fields));
  const own = [...headers, ["Authorization", `Bearer ${token}`]];
  const answer = await rawRequest({ port: through.port, target, headers: own });
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

const bearer = () => ["Authorization", `Bearer ${created.token}`];

describe("the upstream learns who the token belongs to", () => {
  test("by headers that the gate sets", async () => {
    const { headers } = await echo([bearer()]);
    assert.equal(headers["gatepass-user"], "ada");
    assert.equal(headers["gatepass-email"], "ada@example.com");
    assert.equal(headers["gatepass-workspace"], "default");
    assert.equal(headers["gatepass-token-id"], created.id);
    assert.equal(headers["gatepass-scopes"], "jobs:read odata");
  });

  test("percent-encoded where it is not visible ASCII", async () => {
    const { headers } = await seen({ uid: "Zoë 100%\u{1f511}", em: "zoë@example.com" });
    assert.equal(headers["gatepass-user"], "Zo%C3%AB%20100%25%F0%9F%94%91");
    assert.equal(headers["gatepass-email"], "zo%C3%AB@example.com");
  });

  test("and line breaks in it make no further header", async () => {
    const { headers } = await seen({ uid: "a\r\nGatepass-Scopes: admin", em: "a\u0000b" });
    assert.equal(headers["gatepass-user"], "a%0D%0AGatepass-Scopes:%20admin");
    assert.equal(headers["gatepass-scopes"], "");
    assert.equal(headers["gatepass-email"], "a%00b");
  });

  test("and without an address, by none that the client made up", async () => {
    const { headers } = await seen({ em: "" }, { headers: [["Gatepass-Email", "x@evil.example"]] });
    assert.equal(headers["gatepass-email"], undefined);
  });
});

describe("what a client says of its identity does not arrive", () => {
  const forged = [
    ["gatepass-user", "mallory"],
    ["GATEPASS_USER", "mallory"],
    ["Gatepass_User", "mallory"],
    ["gatepass-User", "mallory"],
    ["Gatepass-Admin", "mallory"],
    ["gatepass_anything", "mallory"],
    ["Gatepass-Assertion", "mallory"],
    ["GatePass-App", "mallory"],
    ["X-Forwarded-Uri", "/mallory"],
    ["X-Forwarded-Prefix", "/mallory"],
    ["X-Forwarded-Host", "mallory"],
    ["X_Forwarded_Host", "mallory"],
    ["X-Forwarded-For", "mallory"],
    ["X-Forwarded-Proto", "mallory"],
    ["X-Forwarded-User", "mallory"],
    ["X-Forwarded-Email", "mallory"],
    ["Forwarded", "for=mallory"],
    ["X-Original-URL", "/mallory"],
    ["X_Original_URL", "/mallory"],
    ["X-Rewrite-URL", "/mallory"],
    ["X-HTTP-Method-Override", "MALLORY"],
    ["x_http_method_override", "MALLORY"],
    ["Proxy-Authorization", "mallory"],
    ["TE", "mallory"],
  ];
  const quoted = (value) => JSON.stringify(value).toLowerCase();

  for (const [name, value] of forged) {
    test(name, async () => {
      for (const target of ["/echo/", "/public/hello"]) {
        assert.ok(
          !quoted(await seen({}, { target, headers: [[name, value]] })).includes("mallory"),
        );
        const anonymous = await rawRequest({
          port: raw.port,
          target: "/public/x",
          headers: [[name, value]],
        });
        assert.equal(anonymous.status, 200);
        assert.ok(!anonymous.text.toLowerCase().includes("mallory"));
      }
      assert.ok(!quoted(await echo([bearer(), [name, value]])).includes("mallory"));
    });
  }

  test("all at once, each in two spellings", async () => {
    const twice = forged.flatMap(([name, value]) => [
      [name, value],
      [name.toUpperCase(), value],
    ]);
    const got = await seen({}, { headers: twice });
    assert.ok(!quoted(got).includes("mallory"));
    assert.equal(got.headers["gatepass-user"], "ada");
  });

  test("RFC 9110 §7.6.1: naming a header of ours in Connection changes nothing", async () => {
    for (const value of ["close, Gatepass-User", "Gatepass-User, Gatepass-Scopes", "keep-alive"]) {
      const headers = [["Connection", value]];
      const got = await seen({}, { headers });
      assert.equal(got.headers["gatepass-user"], "ada");
      const echoed = await echo([bearer(), ...headers]);
      assert.equal(echoed.headers["gatepass-user"], "ada");
    }
  });

  test("RFC 9112 §5.2: a folded line is no header of its own", async () => {
    const token = makeToken();
    raw.kv.values.set(keyOf(token), makeRecord(token));
    const bytes = `GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nX-A: b\r\n Gatepass-Scopes: mallory\r\n\r\n`;
    const answer = await rawRequest({ port: raw.port, bytes });
    if (answer.status === 200) assert.equal(answer.json().headers["gatepass-scopes"], "");
    else assert.equal(answer.status, 400);
  });

  test("an empty User-Agent is no failure", async () => {
    assert.equal((await echo([bearer(), ["User-Agent", ""]])).headers["gatepass-user"], "ada");
  });
});

describe("the connection as it is", () => {
  test("is told on every route", async () => {
    const headers = [
      ["Host", "gate.example:8443"],
      ["CF-Connecting-IP", "2001:DB8::7"],
    ];
    const anonymous = await rawRequest({ port: raw.port, target: "/public/x", headers });
    for (const { headers: got } of [await seen({}, { headers }), anonymous.json()]) {
      assert.equal(got["x-forwarded-host"], "gate.example:8443");
      assert.equal(got["x-forwarded-proto"], "http");
      assert.equal(got["x-forwarded-for"], "2001:db8::7");
    }
  });

  test("names nobody on a public route, even with a token", async () => {
    const { headers } = await seen({}, { target: "/public/x" });
    const names = Object.keys(headers).filter((name) => name.startsWith("gatepass"));
    assert.deepEqual(names, []);
  });
});

describe("the credential goes no further", () => {
  const forms = (token) => [
    [["Authorization", `Bearer ${token}`]],
    [["Authorization", basic("user", token)]],
    [["Authorization", basic("", token)]],
    [["X-API-Key", token]],
    [["PRIVATE-TOKEN", token]],
  ];
  const secrets = (token) => [token, token.slice(8), btoa(`:${token}`), btoa(`user:${token}`)];

  test("in whatever form it came", async () => {
    for (const headers of forms(created.token)) {
      const text = JSON.stringify(await echo(headers));
      for (const secret of secrets(created.token)) assert.ok(!text.includes(secret), headers[0][0]);
    }
  });

  test("nor in the query, where a route takes it from there", async () => {
    const token = makeToken();
    raw.kv.values.set(keyOf(token), makeRecord(token));
    for (const [query, rest] of [
      [`access_token=${token}`, "/feed/x"],
      [`a=1&access_token=${token}&b=%2f`, "/feed/x?a=1&b=%2f"],
      [`access%5ftoken=${token}&a`, "/feed/x?a"],
    ]) {
      const answer = await rawRequest({ port: raw.port, target: `/feed/x?${query}` });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json().url, rest);
      assert.ok(!answer.text.includes(token));
    }
  });

  test("nor on a public route, where nobody asks for it", async () => {
    const token = makeToken();
    for (const headers of [
      ...forms(token),
      [["Authorization", `Token ${token}`]],
      [["Authorization", `Bearer\t${token}`]],
      [["X_API_KEY", token]],
      [["Private_Token", token]],
      [
        ["Authorization", basic("user", token)],
        ["Authorization", basic("user", token)],
      ],
      [["Authorization", `Basic\t${btoa(`user:${token}`)}`]],
      [["Authorization", `Basic ${btoa(`user:${token}`)},`]],
    ]) {
      const answer = await rawRequest({ port: raw.port, target: "/public/x", headers });
      assert.equal(answer.status, 200);
      for (const secret of secrets(token)) {
        assert.ok(!answer.text.includes(secret), JSON.stringify(headers));
      }
    }
  });

  test("and the operator key neither, on a public route", async () => {
    for (const value of [`Basic ${raw.operatorKey}`, basic("operator", raw.operatorKey)]) {
      const headers = [["Authorization", value]];
      const answer = await rawRequest({ port: raw.port, target: "/public/x", headers });
      assert.ok(!answer.text.includes(value.slice(6)), "the operator key reached the upstream");
    }
  });

  test("while what belongs to the upstream does", async () => {
    const headers = [
      ["Authorization", "Token upstream"],
      ["X-API-Key", created.token],
      ["X-Custom_Header", "kept"],
    ];
    const got = await echo(headers);
    assert.equal(got.headers.authorization, "Token upstream");
    assert.equal(got.headers["x-custom_header"], "kept");
    assert.equal(got.headers["x-api-key"], undefined);
  });

  test("UPSTREAM_AUTHORIZATION replaces whatever came, on public routes too", async () => {
    for (const headers of [[], [["X-A", "b"]]]) {
      const got = await seen({}, { through: authorized, headers });
      assert.equal(got.headers.authorization, "Bearer the app's own");
    }
    for (const headers of [[], [["Authorization", "Token mine"]]]) {
      const answer = await rawRequest({ port: authorized.port, target: "/public/x", headers });
      assert.equal(answer.json().headers.authorization, "Bearer the app's own");
    }
  });
});

describe("RFC 6265bis §4.2: Gatepass's own cookies stay with the gate", () => {
  for (const [name, sent, kept] of [
    ["one among others", ["a=1; __Host-gp-abc=secret; b=2"], "a=1; b=2"],
    ["in capitals", ["__HOST-GP-abc=secret; a=1"], "a=1"],
    ["a management cookie", ["a=1; __Host-gatepass=secret"], "a=1"],
    ["alone", ["__Host-gp-abc=secret"], undefined],
    ["in the second of two headers", ["a=1", "__Host-gp-abc=secret"], "a=1"],
    ["in the first of two headers", ["__Host-gp-abc=secret", "a=1"], "a=1"],
    ["without spaces", ["a=1;__Host-gp-abc=secret;b=2"], "a=1; b=2"],
    ["after a tab", ["a=1;\t__Host-gp-abc=secret"], "a=1"],
    ["without a value", ["__Host-gp-abc; a=1"], "a=1"],
    ["quoted", ['a=1; __Host-gp-abc="secret"; b=2'], "a=1; b=2"],
    ["none of them", ["a=1; host-gp-b=2"], "a=1; host-gp-b=2"],
  ]) {
    test(name, async () => {
      const headers = sent.map((value) => ["Cookie", value]);
      for (const target of ["/x", "/public/x"]) {
        const got = await seen({}, { target, headers });
        assert.equal(got.headers.cookie, kept);
      }
      const got = await echo([bearer(), ...headers]);
      assert.equal(got.headers.cookie, kept);
    });
  }
});
