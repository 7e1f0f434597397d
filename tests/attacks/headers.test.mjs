// Every header that the gate reads, twice, with other values, empty, with commas, and with bytes that
// are no ASCII. Two readers may take another of two values each: so what is not one plain value opens
// nothing, and does not reach the upstream where it could mean something there.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { basic } from "../support/tokens.mjs";
import { exchange, labelOf, startByteUpstream, valuesOf } from "../support/wire.mjs";

const ROUTES = [
  { path: "/public/*", public: true },
  { path: "/cors/*", cors: ["https://a.example"] },
  { path: "/feed", queryToken: "access_token" },
];
const TOKENS = "/gatepass/api/tokens";
const PLACE = "__Host-gp-aaaaaaaaaaaaaaaa";
const AS_JSON = "Content-Type: application/json";
const FOLDED = "400 of the runtime";
const utf8 = (text) => Buffer.from(text).toString("latin1");

// For each subject the usual request, and rows: [what, header lines, what comes back, and of the headers
// that the upstream received those that matter]. PAT, OTHER and LISTED are tokens, of Ada, of Ben, and
// for 192.0.2.0/24 and 2001:db8::/32 alone; OPERATOR are the operator's Basic credentials.
const SUBJECTS = [
  {
    name: "RFC 6750 §2: Authorization",
    target: "/x",
    rows: [
      ["once", ["Authorization: Bearer PAT"], "200", { "gatepass-user": ["ada"] }],
      [
        "twice the same",
        ["Authorization: Bearer PAT", "Authorization: Bearer PAT"],
        "400 invalid_request",
      ],
      [
        "two tokens",
        ["Authorization: Bearer PAT", "Authorization: Bearer OTHER"],
        "400 invalid_request",
      ],
      ["two tokens in one", ["Authorization: Bearer PAT, Bearer OTHER"], "400 invalid_request"],
      ["then an empty one", ["Authorization: Bearer PAT", "Authorization:"], "400 invalid_request"],
      [
        "after an empty one",
        ["Authorization:", "Authorization: Bearer PAT"],
        "200",
        { authorization: [] },
      ],
      [
        "then another scheme",
        ["Authorization: Bearer PAT", "Authorization: Digest a"],
        "400 invalid_request",
      ],
      [
        "after another scheme",
        ["Authorization: Digest a", "Authorization: Bearer PAT"],
        "401 token_missing",
      ],
      ["before a comma", ["Authorization: Bearer PAT,"], "400 invalid_request"],
      ["after a comma", ["Authorization: ,Bearer PAT"], "401 token_missing"],
      ["in quotes", ['Authorization: Bearer "PAT"'], "400 invalid_request"],
      ["after a no-break space", [utf8("Authorization: Bearer\u00a0PAT")], "400 invalid_request"],
      ["before a byte that is no ASCII", ["Authorization: Bearer PAT\xa0"], "400 invalid_request"],
      ["on a folded line", ["Authorization: Bearer", " PAT"], FOLDED],
      ["and X-API-Key", ["Authorization: Bearer PAT", "X-API-Key: OTHER"], "400 invalid_request"],
      [
        "and another system's X-API-Key",
        ["Authorization: Bearer PAT", "X-API-Key: a"],
        "400 invalid_request",
      ],
      [
        "and X_API_Key, which is none",
        ["Authorization: Bearer PAT", "X_API_Key: OTHER", "PRIVATE.TOKEN: OTHER"],
        "200",
        { "gatepass-user": ["ada"], x_api_key: [], "private.token": [] },
      ],
      [
        "and a cookie",
        ["Authorization: Bearer PAT", "Cookie: a=OTHER; b=1"],
        "200",
        { cookie: ["b=1"] },
      ],
      ["in Proxy-Authorization", ["Proxy-Authorization: Bearer PAT"], "401 token_missing"],
    ],
  },
  {
    name: "X-API-Key and PRIVATE-TOKEN",
    target: "/x",
    rows: [
      ["once", ["X-API-Key: PAT"], "200", { "gatepass-user": ["ada"], "x-api-key": [] }],
      ["twice the same", ["X-API-Key: PAT", "x-api-key: PAT"], "400 invalid_request"],
      ["two tokens", ["PRIVATE-TOKEN: PAT", "PRIVATE-TOKEN: OTHER"], "400 invalid_request"],
      ["then an empty one", ["X-API-Key: PAT", "X-API-Key:"], "400 invalid_request"],
      ["before a comma", ["X-API-Key: PAT,"], "400 invalid_request"],
      ["before a byte that is no ASCII", ["X-API-Key: PAT\xe9"], "401 token_malformed"],
      ["on a folded line", ["X-API-Key:", " PAT"], FOLDED],
      ["one each", ["X-API-Key: PAT", "PRIVATE-TOKEN: a"], "400 invalid_request"],
    ],
  },
  {
    name: "what a public route lets through",
    target: "/public/x",
    rows: [
      [
        "nothing of two tokens",
        ["Authorization: Bearer PAT, Bearer OTHER"],
        "200",
        { authorization: [] },
      ],
      ["nothing behind a comma", ["Authorization: ,Bearer PAT"], "200", { authorization: [] }],
      [
        "nothing behind another scheme",
        ["Authorization: Digest a, Bearer PAT"],
        "200",
        { authorization: [] },
      ],
      ["no key in a list", ["X-API-Key: a", "X-API-Key: PAT"], "200", { "x-api-key": [] }],
      [
        "no identity",
        ["Gatepass-User: eve", "GATEPASS.User: eve"],
        "200",
        { "gatepass-user": [], "gatepass.user": [] },
      ],
    ],
  },
  {
    name: "RFC 6265bis §4.2: Cookie",
    target: "/x",
    usual: ["Authorization: Bearer PAT"],
    rows: [
      ["two fields", ["Cookie: a=1", `Cookie: ${PLACE}=b`], "200", { cookie: ["a=1"] }],
      ["behind a comma", [`Cookie: a=1, ${PLACE}=b; c=2`], "200", { cookie: ["a=1; c=2"] }],
      [
        "in quotes, which browsers do not heed",
        [`Cookie: a="1; ${PLACE}=b"`],
        "200",
        { cookie: ['a="1'] },
      ],
      ["in capitals", [`Cookie: ${PLACE.toUpperCase()}=b; a=1`], "200", { cookie: ["a=1"] }],
      [
        "of management",
        ["Cookie: a=1; __Host-gatepass=b; __Host-Gatepass-x=c"],
        "200",
        { cookie: ["a=1"] },
      ],
      ["without a name", [`Cookie: =${PLACE}=b; a=1`], "200", {}],
      ["empty", ["Cookie:"], "200", { cookie: [] }],
      ["bytes that are no ASCII", ["Cookie: a=\xe9"], "200", { cookie: ["a=\xe9"] }],
    ],
  },
  {
    name: "RFC 9110 §7.2: Host",
    target: "/x",
    usual: ["Authorization: Bearer PAT"],
    rows: [
      ["twice the same", ["Host: gate.test"], "400 invalid_request"],
      ["two hosts", ["Host: other.test"], "400 invalid_request"],
      [
        "and X-Forwarded-Host",
        ["X-Forwarded-Host: other.test"],
        "200",
        { "x-forwarded-host": ["gate.test"] },
      ],
    ],
  },
  {
    name: "Fetch: Origin and Sec-Fetch-Site, beside a credential that browsers repeat",
    target: TOKENS,
    usual: ["Authorization: OPERATOR"],
    rows: [
      ["neither", [], "200"],
      ["the own origin", ["Origin: http://gate.test"], "200"],
      [
        "the own origin twice",
        ["Origin: http://gate.test", "Origin: http://gate.test"],
        "403 cross_site",
      ],
      [
        "the own origin and another",
        ["Origin: http://gate.test", "Origin: http://a.test"],
        "403 cross_site",
      ],
      ["the own origin in capitals", ["Origin: http://GATE.test"], "403 cross_site"],
      ["the own origin with its port", ["Origin: http://gate.test:80"], "403 cross_site"],
      ["the own origin with a slash", ["Origin: http://gate.test/"], "403 cross_site"],
      ["the own origin with a dot", ["Origin: http://gate.test."], "403 cross_site"],
      ["the own origin and a byte", ["Origin: http://gate.test\xe9"], "403 cross_site"],
      ["null", ["Origin: null"], "403 cross_site"],
      ["same-origin", ["Sec-Fetch-Site: same-origin"], "200"],
      [
        "same-origin twice",
        ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: same-origin"],
        "403 cross_site",
      ],
      [
        "same-origin and cross-site",
        ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
        "403 cross_site",
      ],
      [
        "same-origin of a foreign origin",
        ["Sec-Fetch-Site: same-origin", "Origin: http://a.test"],
        "403 cross_site",
      ],
      ["an empty one", ["Sec-Fetch-Site:"], "403 cross_site"],
      ["in capitals", ["Sec-Fetch-Site: Same-Origin"], "403 cross_site"],
      ["with a parameter", ["Sec-Fetch-Site: same-origin;a"], "403 cross_site"],
    ],
  },
  {
    name: "CF-Connecting-IP, for a token that is for some addresses",
    target: "/x",
    usual: ["Authorization: Bearer LISTED"],
    rows: [
      ...["192.0.2.1", "2001:db8::1", "2001:DB8:0::0:1", "::ffff:192.0.2.1", "::ffff:c000:201"].map(
        (address) => [address, [`CF-Connecting-IP: ${address}`], "200"],
      ),
      ...[
        ...["", "192.0.2.1, 192.0.2.1", "192.0.2.1:80", "192.0.2.1/24", "192.0.2.01", "0300.0.2.1"],
        ...[
          "192.0.513",
          "3221225985",
          "0xc0.0.2.1",
          "192.0.2.1\xe9",
          utf8("１９２.0.2.1"),
          "unknown",
        ],
        ...["::192.0.2.1", "64:ff9b::192.0.2.1", "2002:c000:201::1", "::ffff:0:192.0.2.1"],
        ...["2001:db8::1%eth0", "[2001:db8::1]", "2001:db8::1/32", "198.51.100.1"],
      ].map((address) => [
        `not ${JSON.stringify(address)}`,
        [`CF-Connecting-IP: ${address}`],
        "403 address_not_allowed",
      ]),
      [
        "not twice",
        ["CF-Connecting-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1"],
        "403 address_not_allowed",
      ],
      ...["CF_Connecting_IP", "X-Forwarded-For", "X-Real-IP", "True-Client-IP", "Forwarded"].map(
        (name) => [`not by ${name}`, [`${name}: 192.0.2.1`], "403 address_not_allowed"],
      ),
    ],
  },
  {
    name: "RFC 9110 §8.3: Content-Type",
    method: "POST",
    target: TOKENS,
    usual: ["Authorization: OPERATOR"],
    body: '{"name":"a","user":{"id":"ada"}}',
    rows: [
      ["JSON", [AS_JSON], "201"],
      ["JSON twice", [AS_JSON, AS_JSON], "415 invalid_request"],
      ["JSON and a form", [AS_JSON, "Content-Type: text/plain"], "415 invalid_request"],
      ["a form and JSON", ["Content-Type: text/plain", AS_JSON], "415 invalid_request"],
      ["a list of both", [`${AS_JSON}, text/plain`], "415 invalid_request"],
      [
        "JSON as a parameter",
        ["Content-Type: text/plain; application/json"],
        "415 invalid_request",
      ],
      ["JSON and a byte that is no ASCII", [`${AS_JSON}\xa0`], "415 invalid_request"],
      ["empty", ["Content-Type:"], "415 invalid_request"],
      ["none", [], "415 invalid_request"],
    ],
  },
  {
    name: "Idempotency-Key",
    method: "POST",
    target: TOKENS,
    usual: ["Authorization: OPERATOR", AS_JSON],
    body: '{"name":"a","user":{"id":"ada"}}',
    rows: [
      ["once", ["Idempotency-Key: a"], "201"],
      ["twice the same", ["Idempotency-Key: a", "Idempotency-Key: a"], "400 invalid_request"],
      ["two keys", ["Idempotency-Key: a", "Idempotency-Key: b"], "400 invalid_request"],
      ["empty", ["Idempotency-Key:"], "400 invalid_request"],
      ["a byte that is no ASCII", ["Idempotency-Key: \xe9"], "400 invalid_request"],
    ],
  },
  {
    name: "Fetch: Origin of a route that pages may read",
    target: "/cors/x",
    usual: ["Authorization: Bearer PAT"],
    rows: [
      ["listed", ["Origin: https://a.example"], "200 readable"],
      ["listed twice", ["Origin: https://a.example", "Origin: https://a.example"], "200"],
      ["listed and another", ["Origin: https://a.example, https://b.example"], "200"],
      ["in capitals", ["Origin: https://A.example"], "200"],
      ["a longer one", ["Origin: https://a.example.eve.test"], "200"],
    ],
  },
];

let gate;
let upstream;
let texts;
before(async () => {
  upstream = await startByteUpstream();
  const servers = { bytes: upstream.address };
  // A signature is random, and may look like anything.
  const vars = { ROUTES, ASSERTION_KEY: undefined };
  gate = await startRawGate({ servers, upstream: { server: "bytes" }, vars });
  const allowedIps = ["192.0.2.0/24", "2001:db8::/32"];
  const made = await Promise.all([
    gate.createToken(),
    gate.createToken({ user: { id: "ben" } }),
    gate.createToken({ allowedIps }),
  ]);
  const [PAT, OTHER, LISTED] = made.map(({ token }) => token);
  texts = { PAT, OTHER, LISTED, OPERATOR: basic("operator", gate.operatorKey) };
});
after(() => Promise.all([gate?.stop(), upstream?.stop()]));

for (const { name, method = "GET", target, usual = [], body = "", rows } of SUBJECTS) {
  describe(name, { concurrency: 8 }, () => {
    for (const [what, lines, expected, arrives = {}] of rows) {
      test(what, async () => {
        const own = ["Host: gate.test", `Content-Length: ${body.length}`].slice(0, body ? 2 : 1);
        const head = [`${method} ${target} HTTP/1.1`, ...own, ...usual, ...lines, "", ""].join(
          "\r\n",
        );
        const bytes = head.replace(/\b(PAT|OTHER|LISTED|OPERATOR)\b/g, (name) => texts[name]);
        const [answer] = await exchange(gate.port, bytes + body, 1);
        const isReadable = valuesOf(answer, "access-control-allow-origin").length > 0;
        assert.equal(labelOf(answer) + (isReadable ? " readable" : ""), expected, answer.body);
        assert.ok(!/pat_\w{36}/.test(answer.body) || answer.status === 201, answer.body);
        if (target.startsWith("/gatepass/") || answer.status !== 200) return;
        const received = JSON.parse(answer.body);
        for (const [name, values] of Object.entries(arrives)) {
          assert.deepEqual(valuesOf(received, name), values, name);
        }
      });
    }
  });
}
