import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused, BASIC, BEARER } from "../support/refusals.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { basic, keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const PORTAL = "https://portal.example";
const ROUTES = [
  { path: "/shared/*", cors: [PORTAL] },
  { path: "/any/*", cors: ["*"], scopes: ["jobs:read"] },
  { methods: ["GET"], path: "/read/*", cors: [PORTAL] },
  { path: "/public/*", public: true },
  { path: "/public-shared/*", public: true, cors: [PORTAL] },
];

let gate;
let upstream;
let token;
let forwarded;
before(async () => {
  upstream = await startServer((request, response) => {
    forwarded.push(`${request.method} ${request.url}`);
    response.setHeader("access-control-allow-origin", "https://upstream.example");
    response.setHeader("access-control-allow-credentials", "true");
    response.end("{}");
  });
  gate = await startRawGate({
    vars: { ROUTES },
    servers: { app: upstream.address },
    upstream: { server: "app" },
  });
  token = (await gate.createToken()).token;
});
after(() => Promise.all([gate?.stop(), upstream?.stop()]));

async function send(method, target, headers, body) {
  forwarded = [];
  const host = ["Host", "gate.example"];
  return rawRequest({ port: gate.port, method, target, headers: [host, ...headers], body });
}

// What browsers add to requests that a page of another site makes.
const CROSS_SITE = [
  [
    "an image",
    [
      ["Sec-Fetch-Site", "cross-site"],
      ["Sec-Fetch-Dest", "image"],
    ],
  ],
  [
    "a link",
    [
      ["Sec-Fetch-Site", "cross-site"],
      ["Sec-Fetch-Mode", "navigate"],
    ],
  ],
  [
    "an iframe",
    [
      ["Sec-Fetch-Site", "cross-site"],
      ["Sec-Fetch-Dest", "iframe"],
    ],
  ],
  ["a sibling subdomain", [["Sec-Fetch-Site", "same-site"]]],
  [
    "a form",
    [
      ["Sec-Fetch-Site", "cross-site"],
      ["Origin", "https://evil.example"],
    ],
  ],
  ["an old browser's form", [["Origin", "https://evil.example"]]],
  ["a sandboxed frame", [["Origin", "null"]]],
  ["the same host by another scheme", [["Origin", "https://gate.example"]]],
  ["the same host on another port", [["Origin", "http://gate.example:81"]]],
  [
    "two origins",
    [
      ["Origin", "http://gate.example"],
      ["Origin", "https://evil.example"],
    ],
  ],
  ["an unknown kind of site", [["Sec-Fetch-Site", "elsewhere"]]],
];

describe("Basic, which browsers repeat by themselves, does not act for", () => {
  for (const [name, headers] of CROSS_SITE) {
    test(`${name}, with a PAT`, async () => {
      for (const [method, target, body] of [
        ["GET", "/x"],
        ["POST", "/x", "a=b"],
        ["GET", "/gatepass/api/tokens"],
        ["POST", "/gatepass/api/tokens", '{"name":"a"}'],
      ]) {
        const credentials = ["Authorization", basic("user", token)];
        const answer = await send(method, target, [credentials, ...headers], body);
        assertRefused(answer, 403, "cross_site");
        assert.deepEqual(forwarded, []);
      }
    });

    test(`${name}, with the operator key`, async () => {
      for (const key of [`Basic ${gate.operatorKey}`, basic("operator", gate.operatorKey)]) {
        const form = ["Content-Type", "application/x-www-form-urlencoded"];
        const sent = [["Authorization", key], form, ...headers];
        for (const method of ["GET", "POST", "DELETE"]) {
          const answer = await send(method, "/gatepass/api/tokens", sent);
          assert.ok([403, 405].includes(answer.status), `${method} ${answer.status}`);
          if (answer.status === 403) assert.equal(answer.json().code, "cross_site");
        }
      }
    });
  }

  test("but for the site itself and for what is no browser", async () => {
    for (const headers of [
      [],
      [["Sec-Fetch-Site", "same-origin"]],
      [["Sec-Fetch-Site", "none"]],
      [["Origin", "http://gate.example"]],
    ]) {
      const credentials = ["Authorization", basic("user", token)];
      assert.equal((await send("GET", "/x", [credentials, ...headers])).status, 200);
    }
  });
});

test("a Bearer token, which no browser adds, works from any page", async () => {
  for (const [name, headers] of CROSS_SITE) {
    for (const credential of [
      ["Authorization", `Bearer ${token}`],
      ["X-API-Key", token],
    ]) {
      assert.equal((await send("GET", "/x", [credential, ...headers])).status, 200, name);
    }
  }
});

test("cookies open nothing", async () => {
  for (const name of ["__Host-gatepass", "__Host-gp-abc", "access_token", "CF_Authorization"]) {
    const answer = await send("GET", "/x", [["Cookie", `${name}=${token}`]]);
    assertRefused(answer, 401, "token_missing", [BEARER, BASIC]);
  }
});

test("unsigned identity headers open nothing", async () => {
  for (const name of [
    "Cf-Access-Jwt-Assertion",
    "Cf-Access-Authenticated-User-Email",
    "Gatepass-User",
    "X-Forwarded-User",
    "Remote-User",
  ]) {
    const answer = await send("GET", "/x", [[name, "ada@example.com"]]);
    assertRefused(answer, 401, "token_missing", [BEARER, BASIC]);
  }
});

const preflight = (target, origin, method = "GET") =>
  send("OPTIONS", target, [
    ["Origin", origin],
    ["Access-Control-Request-Method", method],
    ["Access-Control-Request-Headers", "authorization, x-custom"],
    ["Sec-Fetch-Mode", "cors"],
  ]);

describe("Fetch §3.2: a CORS preflight never reaches the upstream", () => {
  for (const [name, target, origin, method] of [
    ["of a route that lists no origin", "/x", PORTAL],
    ["of a public route that lists none", "/public/x", PORTAL],
    ["from another origin", "/shared/x", "https://evil.example"],
    ["from an origin that only begins with it", "/shared/x", `${PORTAL}.evil.example`],
    ["from an origin in another case", "/shared/x", "https://PORTAL.example"],
    ["from null", "/shared/x", "null"],
    ["for a method of another rule", "/read/x", PORTAL, "POST"],
    ["of a path that is not clear", "/shared%2fx", PORTAL],
  ]) {
    test(`${name}: 403`, async () => {
      const answer = await preflight(target, origin, method);
      assertRefused(answer, 403, "cross_site");
      assert.equal(answer.header("Access-Control-Allow-Origin"), undefined);
      assert.deepEqual(forwarded, []);
    });
  }

  test("and is answered where the route lists the origin", async () => {
    for (const [target, method] of [
      ["/shared/x", "GET"],
      ["/shared/x", "DELETE"],
      ["/read/x", "GET"],
      ["/read/x", "HEAD"],
      ["/any/x", "PATCH"],
      ["/public-shared/x", "GET"],
    ]) {
      const answer = await preflight(target, PORTAL, method);
      assert.equal(answer.status, 204, target);
      assert.equal(answer.header("Access-Control-Allow-Origin"), PORTAL);
      assert.equal(answer.header("Access-Control-Allow-Methods"), method);
      assert.match(answer.header("Access-Control-Allow-Headers"), /\bauthorization\b/);
      assert.equal(answer.header("Access-Control-Allow-Credentials"), undefined);
      assert.equal(answer.header("Vary"), "Origin");
      assert.deepEqual(forwarded, []);
    }
  });

  test("allowing every header that the page asked for", async () => {
    const answer = await preflight("/shared/x", PORTAL);
    assert.match(answer.header("Access-Control-Allow-Headers"), /\bx-custom\b|\*/);
  });

  test("while OPTIONS that is none needs a token and passes", async () => {
    assert.equal((await send("OPTIONS", "/x", [])).status, 401);
    const credential = ["Authorization", `Bearer ${token}`];
    assert.equal((await send("OPTIONS", "/x", [credential])).status, 200);
    assert.deepEqual(forwarded, ["OPTIONS /x"]);
  });
});

describe("Fetch §3.2: a page may read", () => {
  const from = (origin) => [
    ["Origin", origin],
    ["Sec-Fetch-Mode", "cors"],
  ];

  test("the refusal of a route that lists its origin", async () => {
    const answer = await send("GET", "/shared/x", from(PORTAL));
    assertRefused(answer, 401, "token_missing", [BEARER]);
    assert.equal(answer.header("Access-Control-Allow-Origin"), PORTAL);
    assert.match(answer.header("Access-Control-Expose-Headers"), /www-authenticate/);
    assert.equal(answer.header("Vary"), "Origin");
    const scopeless = (await gate.createToken({ scopes: [] })).token;
    const bearer = ["Authorization", `Bearer ${scopeless}`];
    const forbidden = await send("GET", "/any/x", [bearer, ...from("https://a.example")]);
    assert.equal(forbidden.status, 403);
    assert.equal(forbidden.header("Access-Control-Allow-Origin"), "https://a.example");
  });

  test("its answer, in the gate's words and not the upstream's", async () => {
    const bearer = ["Authorization", `Bearer ${token}`];
    const answer = await send("GET", "/shared/x", [bearer, ...from(PORTAL)]);
    assert.deepEqual(answer.headerAll("Access-Control-Allow-Origin"), [PORTAL]);
    assert.equal(answer.header("Access-Control-Allow-Credentials"), undefined);
    assert.match(answer.headerAll("Vary").join(), /Origin/);
  });

  test("nothing where the route lists another or none", async () => {
    for (const [target, origin] of [
      ["/shared/x", "https://evil.example"],
      ["/x", PORTAL],
      ["/gatepass/api/tokens", PORTAL],
    ]) {
      const answer = await send("GET", target, from(origin));
      assert.equal(answer.status, 401);
      assert.equal(answer.header("Access-Control-Allow-Origin"), undefined);
    }
  });
});
