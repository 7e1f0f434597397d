// More of everything than anybody sends: it is refused by its size, or goes on whole. What is read with
// care is read so to its end, and the gate opens and closes afterwards as before.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { basic } from "../support/tokens.mjs";
import { exchange, labelOf, startByteUpstream, valuesOf } from "../support/wire.mjs";

const ROUTES = [
  { path: "/admin/*", scopes: ["admin"] },
  { path: "/feed", queryToken: "access_token" },
];
const BEARER = "Authorization: Bearer PAT";
const OPERATOR = "Authorization: OPERATOR";
const TOKENS = "/gatepass/api/tokens";

const letters = (count) => "a".repeat(count);
const many = (count, make, separator = "") =>
  Array.from({ length: count }, (_, i) => make(i)).join(separator);
const fields = (count, name) => Array.from({ length: count }, (_, i) => `${name}${i}: a`);

// [what, target, header lines, what comes back, what the upstream received has to do]
const ROWS = {
  "RFC 6585 §5: header fields": [
    ["200 of them", "/x", [BEARER, ...fields(200, "X-")], "200", hasFields(200, /^x-\d/)],
    ["5,000 of them", "/x", [BEARER, ...fields(5000, "X-")], "200", hasFields(5000, /^x-\d/)],
    [
      "2,000 that the gate reads",
      "/x",
      [BEARER, ...fields(2000, "Sec-Fetch-")],
      "200",
      hasFields(2000, /^sec-fetch-/),
    ],
    [
      "2,000 that are dropped",
      "/x",
      [BEARER, ...fields(2000, "Gatepass-")],
      "200",
      hasFields(0, /^gatepass-\d/),
    ],
    [
      "2,000, and then one that is dropped",
      "/x",
      [BEARER, ...fields(2000, "Y-"), "Gatepass_User: eve"],
      "200",
      hasFields(0, /_/),
    ],
    ["one of 64 KB", "/x", [BEARER, `X-A: ${letters(65_536)}`], "200", hasFields(1, /^x-a$/)],
    [
      "a name of 32 KB",
      "/x",
      [BEARER, `Gatepass-${letters(32_768)}: eve`],
      "200",
      hasFields(0, /a{99}/),
    ],
    ["one of 1 MB", "/x", [BEARER, `X-A: ${letters(2 ** 20)}`], "431 of the runtime"],
    [
      "a credential of 4 KB",
      "/x",
      [`Authorization: Bearer ${letters(4096)}`],
      "431 invalid_request",
    ],
    ["a credential of 64 KB", "/x", [`X-API-Key: ${letters(65_536)}`], "431 invalid_request"],
    [
      "a credential of 64 KB in base64",
      "/x",
      [`Authorization: Basic ${letters(65_536)}`],
      "431 invalid_request",
    ],
    [
      "64 KB of commas",
      "/x",
      [`Authorization: Bearer PAT${",".repeat(65_536)}`],
      "431 invalid_request",
    ],
    [
      "a cookie of 300 pairs",
      "/x",
      [BEARER, `Cookie: ${many(300, (i) => `a${i}=b`, "; ")}`],
      "200",
      hasCookies(300),
    ],
    [
      "a cookie of 300 pairs, every other one Gatepass's",
      "/x",
      [BEARER, `Cookie: ${many(300, (i) => (i % 2 ? `a${i}=b` : `__Host-gp-${i}=b`), "; ")}`],
      "200",
      hasCookies(150),
    ],
    ["a cookie of 30,000 semicolons", "/x", [BEARER, `Cookie: ${";".repeat(30_000)}`], "200"],
  ],

  "RFC 9110 §15.5.15: targets": [
    ["32 KB", `/${letters(32_768)}`, [BEARER], "200", hasTarget(32_769)],
    ["100 KB", `/${letters(100_000)}`, [BEARER], "414 of the runtime"],
    ["15,000 segments", `/${"a/".repeat(15_000)}`, [BEARER], "200", hasTarget(30_001)],
    ["10,000 folders up", `/a${"/..".repeat(10_000)}/admin`, [BEARER], "403 scope_insufficient"],
    ["10,000 percent signs", `/${"%25".repeat(10_000)}`, [BEARER], "400 invalid_request"],
    ["15,000 layers of encoding", `/x/%${"25".repeat(15_000)}2e`, [BEARER], "400 invalid_request"],
    ["10,000 parameters", `/x?${many(10_000, () => "a", "&")}`, [BEARER], "200", hasTarget(20_002)],
    [
      "2,000 tokens, where one is read",
      `/feed?${many(2000, () => "access_token=a", "&")}`,
      [],
      "400 invalid_request",
    ],
    [
      "a token behind 10,000 parameters",
      `/feed?${many(10_000, () => "a", "&")}&access_token=PAT`,
      [],
      "200",
      hasTarget(20_005),
    ],
  ],

  "RFC 9110 §15.5.14: bodies that the gate reads": [
    [
      "10 GB",
      TOKENS,
      [OPERATOR, "Content-Type: application/json", "Content-Length: 10000000000"],
      "413 invalid_request",
    ],
    [
      "chunks without an end",
      TOKENS,
      [OPERATOR, "Content-Type: application/json", "Transfer-Encoding: chunked"],
      "413 invalid_request",
    ],
    [
      "10 GB of nobody's",
      TOKENS,
      ["Content-Type: application/json", "Content-Length: 10000000000"],
      "401 token_missing",
    ],
  ],
};

let gate;
let upstream;
let texts;
before(async () => {
  upstream = await startByteUpstream();
  const servers = { bytes: upstream.address };
  gate = await startRawGate({ servers, upstream: { server: "bytes" }, vars: { ROUTES } });
  const { token } = await gate.createToken({ scopes: [] });
  texts = { PAT: token, OPERATOR: basic("operator", gate.operatorKey) };
});
after(() => Promise.all([gate?.stop(), upstream?.stop()]));

for (const [subject, rows] of Object.entries(ROWS)) {
  describe(subject, { concurrency: 4 }, () => {
    for (const [what, target, lines, expected, assertArrived] of rows) {
      test(`${what}: ${expected}`, async () => {
        const hasBody = target === TOKENS;
        const head = [
          `${hasBody ? "POST" : "GET"} ${target} HTTP/1.1`,
          "Host: gate.test",
          ...lines,
        ];
        const body = hasBody ? `20000\r\n${letters(0x20000)}\r\n` : "";
        const bytes = [...head, "", body].join("\r\n");
        const [answer] = await send(bytes);
        assert.equal(labelOf(answer), expected, answer.body.slice(0, 300));
        assertArrived?.(JSON.parse(answer.body));
      });
    }
  });
}

test("after all that the gate opens and closes as before", async () => {
  const opened = await send(`GET /x HTTP/1.1\r\nHost: gate.test\r\n${BEARER}\r\n\r\n`);
  const closed = await send("GET /x HTTP/1.1\r\nHost: gate.test\r\n\r\n");
  assert.deepEqual([...opened, ...closed].map(labelOf), ["200", "401 token_missing"]);
  assert.deepEqual(upstream.broken, []);
});

function send(bytes) {
  const filled = bytes.replace(/\b(PAT|OPERATOR)\b/g, (name) => texts[name]);
  return exchange(gate.port, filled, 1);
}

function hasFields(count, names) {
  return ({ headers }) => assert.equal(headers.filter(([name]) => names.test(name)).length, count);
}

function hasCookies(count) {
  return (received) => {
    const [cookies] = valuesOf(received, "cookie");
    assert.equal(cookies.split("; ").length, count);
    assert.ok(!cookies.includes("__Host-"));
  };
}

function hasTarget(length) {
  return ({ target }) => {
    assert.equal(target.length, length);
    assert.ok(!target.includes("pat_"));
  };
}
