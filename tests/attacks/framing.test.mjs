// Requests whose end, or whose next request, somebody could see elsewhere than the gate does. Each row
// says what comes back and what the upstream received: the same request in the same frame, or nothing;
// and never the one that hides in it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { exchange, labelOf, startByteUpstream, valuesOf } from "../support/wire.mjs";

const ROUTES = [{ path: "/public/*", public: true }];
const CHUNKED = "Transfer-Encoding: chunked";
const LAST = "0\r\n\r\n";

/** A request with a token; `TARGET` becomes the row's own path, `BEARER` the token's header. */
const ask = (method, headers = [], body = "") =>
  [`${method} TARGET HTTP/1.1`, "Host: gate.test", "BEARER", ...headers, "", body].join("\r\n");
const post = (headers, body) => ask("POST", headers, body);
const chunks = (body, coding = CHUNKED) => post([coding], body);

const SMUGGLED = "GET TARGET/smuggled HTTP/1.1\r\nHost: gate.test\r\n\r\n";
const RUNTIME = "400 of the runtime";
const REFUSED = [[RUNTIME], []];

// [what, request, [what comes back], [what the upstream received]]
const ROWS = {
  "RFC 9112 §6.3: where a body ends": [
    ["a length", post(["Content-Length: 1"], "a"), ["200"], ["POST of ada: a"]],
    ["chunks", chunks(`1\r\na\r\n${LAST}`), ["200"], ["POST of ada: a"]],
    ["neither: no body", ask("POST"), ["200"], ["POST of ada: "]],
    [
      "a length and chunks: chunks count, and nothing behind them does",
      post(["Content-Length: 5", CHUNKED], LAST + SMUGGLED),
      ["200"],
      ["POST of ada: "],
    ],
    [
      "chunks and a length",
      post([CHUNKED, "Content-Length: 5"], LAST + SMUGGLED),
      ["200"],
      ["POST of ada: "],
    ],
    ["two codings in two fields", post([CHUNKED, "Transfer-Encoding: identity"], LAST), ...REFUSED],
    ["chunked twice, once a body", chunks(LAST, `${CHUNKED}, chunked`), ["200"], ["POST of ada: "]],
    ["chunked before the last coding", chunks(LAST, `${CHUNKED}, identity`), ...REFUSED],
    ["xchunked", chunks(LAST, "Transfer-Encoding: xchunked"), ...REFUSED],
    ["identity", chunks(LAST, "Transfer-Encoding: identity"), ...REFUSED],
    ["no coding", chunks(LAST, "Transfer-Encoding: "), ...REFUSED],
    ["chunked in quotes", chunks(LAST, 'Transfer-Encoding: "chunked"'), ...REFUSED],
    ["chunked with a parameter", chunks(LAST, `${CHUNKED};q=1`), ...REFUSED],
    ["chunked after a vertical tab", chunks(LAST, "Transfer-Encoding: \x0bchunked"), ...REFUSED],
    ["chunked after NUL", chunks(LAST, "Transfer-Encoding: \0chunked"), ...REFUSED],
    ["chunked before a space and a colon", chunks(LAST, "Transfer-Encoding : chunked"), ...REFUSED],
    ["chunked on a folded line", chunks(LAST, "Transfer-Encoding:\r\n chunked"), ...REFUSED],
    [
      "chunked after a tab is chunked",
      chunks(`1\r\na\r\n${LAST}`, "Transfer-Encoding:\tchunked"),
      ["200"],
      ["POST of ada: a"],
    ],
    [
      "CHUNKED is chunked",
      chunks(`1\r\na\r\n${LAST}`, "Transfer-Encoding: CHUNKED"),
      ["200"],
      ["POST of ada: a"],
    ],
    [
      "Transfer_Encoding is no coding, and does not arrive",
      post(["Transfer_Encoding: chunked", "Content-Length: 1"], "a"),
      ["200"],
      ["POST of ada: a"],
    ],
    [
      "the same length twice",
      post(["Content-Length: 1", "Content-Length: 1"], "a"),
      ["200"],
      ["POST of ada: a"],
    ],
    ["two lengths", post(["Content-Length: 1", "Content-Length: 2"], "ab"), ...REFUSED],
    ["a list of lengths", post(["Content-Length: 1, 1"], "a"), ...REFUSED],
    ["a length below zero", post(["Content-Length: -1"], "a"), ...REFUSED],
    ["a length with a plus", post(["Content-Length: +1"], "a"), ...REFUSED],
    ["a length in hexadecimal", post(["Content-Length: 0x1"], "a"), ...REFUSED],
    ["a length with an exponent", post(["Content-Length: 1e0"], "a"), ...REFUSED],
    ["a length and letters", post(["Content-Length: 1a"], "a"), ...REFUSED],
    ["an empty length", post(["Content-Length: "]), ...REFUSED],
    ["2^64 + 1 bytes", post(["Content-Length: 18446744073709551617"], "a"), ...REFUSED],
    [
      "2^63 bytes: nothing whole arrives",
      post(["Content-Length: 9223372036854775808"], "a"),
      [],
      [],
    ],
    [
      "a length with zeros before it",
      post(["Content-Length: 001"], "a"),
      ["200"],
      ["POST of ada: a"],
    ],
  ],

  "RFC 9112 §7.1: chunks": [
    ["an extension goes no further", chunks(`1;a=b\r\na\r\n${LAST}`), ["200"], ["POST of ada: a"]],
    [
      "a space behind a size goes no further",
      chunks(`1 \r\na\r\n${LAST}`),
      ["200"],
      ["POST of ada: a"],
    ],
    [
      "a trailer goes no further",
      chunks("1\r\na\r\n0\r\nGatepass-User: eve\r\nX-Late: b\r\n\r\n"),
      ["200"],
      ["POST of ada: a"],
    ],
    // No more than the beginning of such a body was sent on, so the request has failed there too.
    ...[
      ["a size with a letter", "1x\r\na\r\n"],
      ["a size below zero", "-1\r\na\r\n"],
      ["a size with 0x", "0x1\r\na\r\n"],
      ["a size over 64 bits", "10000000000000001\r\na\r\n"],
      ["no size", "\r\na\r\n"],
      ["lines that end in a mere LF", `1\na\n0\n\n${SMUGGLED}`],
      ["more bytes than the size says", "1\r\nab\r\n"],
    ].map(([what, body]) => [what, chunks(body + LAST), ["502 upstream_unavailable"], []]),
  ],

  "RFC 9112 §9.3: what comes after a request is another, of whoever sends it": [
    [
      "behind a body",
      post(["Content-Length: 1"], `a${SMUGGLED}`),
      ["200", "401 token_missing"],
      ["POST of ada: a"],
    ],
    ["behind chunks", chunks(LAST + SMUGGLED), ["200", "401 token_missing"], ["POST of ada: "]],
    ["behind no body", ask("GET") + SMUGGLED, ["200", "401 token_missing"], ["GET of ada: "]],
    [
      "which a public route lets through as nobody's",
      ask("GET") + SMUGGLED.replace("TARGET", "/publicTARGET"),
      ["200", "200"],
      ["GET of ada: ", "GET /public…/smuggled of nobody: "],
    ],
    [
      "behind a body that the gate has refused to read",
      ask("GET", ["Content-Length: 5"], `abcde${SMUGGLED}`),
      ["400 invalid_request", "401 token_missing"],
      [],
    ],
    [
      "behind an upgrade that the upstream did not make",
      ask("GET", ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]) +
        SMUGGLED,
      ["200", "401 token_missing"],
      ["GET of ada: "],
    ],
    [
      "that is none",
      post(["Content-Length: 1"], "aGARBAGE\r\n\r\n"),
      ["200", RUNTIME],
      ["POST of ada: a"],
    ],
    [
      "when the first says that it is the last",
      ask("GET", ["Connection: close"]) + SMUGGLED,
      ["200"],
      ["GET of ada: "],
    ],
  ],

  "RFC 9112 §5: lines and fields": [
    ["a folded line", ask("GET", ["X-A: b", " Gatepass-User: eve"]), ...REFUSED],
    [
      "a line that begins with a space",
      ask("GET").replace("\r\nHost", "\r\n X-A: b\r\nHost"),
      ...REFUSED,
    ],
    ["a space before the colon", ask("GET", ["X-A : b"]), ...REFUSED],
    ["no colon", ask("GET", ["garbage"]), ...REFUSED],
    ["no name", ask("GET", [": b"]), ...REFUSED],
    ["NUL in a value", ask("GET", ["X-A: b\0c"]), ...REFUSED],
    ["NUL in a name", ask("GET", ["X-\0A: b"]), ...REFUSED],
    ["a letter outside ASCII in a name", ask("GET", ["Gatepass-\xdcser: eve"]), ...REFUSED],
    ["CR alone", ask("GET", ["X-A: b\rGatepass-User: eve"]), ...REFUSED],
    ["a name that the shell gives what it has verified", ask("GET", ["@identity: {}"]), ...REFUSED],
    [
      "§2.2: LF alone ends a line for the gate too",
      ask("GET", ["X-A: b\nGatepass-User: eve"]),
      ["200"],
      ["GET of ada: "],
    ],
    ["§2.2: an empty line before", `\r\n${ask("GET")}`, ["200"], ["GET of ada: "]],
  ],

  "RFC 9112 §2.3, §3: versions and request lines": [
    ["HTTP/1.0", ask("GET").replace("1.1", "1.0"), ["200"], ["GET of ada: "]],
    ["HTTP/1.0 with chunks", chunks(LAST).replace("1.1", "1.0"), ...REFUSED],
    [
      "HTTP/1.0 without Host",
      ask("GET").replace("1.1", "1.0").replace("Host: gate.test\r\n", ""),
      ...REFUSED,
    ],
    ["HTTP/1.1 without Host", ask("GET").replace("Host: gate.test\r\n", ""), ...REFUSED],
    ["HTTP/0.9", "GET TARGET\r\n\r\n", ...REFUSED],
    ["HTTP/1.2", ask("GET").replace("1.1", "1.2"), ...REFUSED],
    ["HTTP/2.0", ask("GET").replace("1.1", "2.0"), ...REFUSED],
    ["http/1.1", ask("GET").replace("HTTP", "http"), ...REFUSED],
    ["HTTP/1.1 and more", ask("GET").replace("1.1", "1.1x"), ...REFUSED],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [], []],
    ["two spaces", ask("GET").replace(" ", "  "), ...REFUSED],
    ["a space in the target", ask("GET").replace("TARGET", "TARGET x"), ...REFUSED],
    ["no target", ask("GET").replace(" TARGET", ""), ...REFUSED],
  ],

  "RFC 9110 §9: methods": [
    ["GET with a body", ask("GET", ["Content-Length: 1"], "a"), ["400 invalid_request"], []],
    ["GET with a body of no bytes", ask("GET", ["Content-Length: 0"]), ["400 invalid_request"], []],
    ["GET with chunks", ask("GET", [CHUNKED], LAST), ["400 invalid_request"], []],
    ["HEAD with a body", ask("HEAD", ["Content-Length: 1"], "a"), ["400"], []],
    [
      "DELETE with a body",
      ask("DELETE", ["Content-Length: 1"], "a"),
      ["200"],
      ["DELETE of ada: a"],
    ],
    ["PROPFIND", ask("PROPFIND"), ["200"], ["PROPFIND of ada: "]],
    [
      "CONNECT",
      "CONNECT gate.test:443 HTTP/1.1\r\nHost: gate.test:443\r\nBEARER\r\n\r\n",
      ["500 of the runtime"],
      [],
    ],
    ["TRACE", ask("TRACE"), ["405 invalid_request"], []],
    ["TRACK", ask("TRACK"), ["501 of the runtime"], []],
    ["a method that is none", ask("FOO"), ["501 of the runtime"], []],
    ["a method in lower case", ask("get"), ["501 of the runtime"], []],
    ["the method of another Worker's question", ask("@verify"), [RUNTIME], []],
    ...[
      "X-HTTP-Method-Override",
      "X-HTTP-Method",
      "X-Method-Override",
      "X_HTTP_METHOD_OVERRIDE",
    ].map((name) => [name, ask("GET", [`${name}: DELETE`]), ["200"], ["GET of ada: "]]),
  ],

  "RFC 9110 §7.6.1, §7.8, §10.1.1: what is for one hop": [
    [
      "Expect: 100-continue",
      post(["Expect: 100-continue", "Content-Length: 1"], "a"),
      ["100", "200"],
      ["POST of ada: a"],
    ],
    [
      "Expect: something else",
      post(["Expect: 200-maybe", "Content-Length: 1"], "a"),
      ["200"],
      ["POST of ada: a"],
    ],
    [
      "Upgrade: h2c",
      ask("GET", [
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
      ]),
      ["200"],
      ["GET of ada: "],
    ],
    [
      "Upgrade: h2c with a body",
      post(["Connection: Upgrade", "Upgrade: h2c", "Content-Length: 1"], "a"),
      ["200"],
      ["POST of ada: a"],
    ],
    [
      "a WebSocket with a body",
      ask(
        "GET",
        [
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Content-Length: 5",
        ],
        "hello",
      ),
      ["400 invalid_request"],
      [],
    ],
    [
      "Connection that names what the gate sets, and the credential",
      ask("GET", ["Connection: keep-alive, Gatepass-User, Authorization, Host"]),
      ["200"],
      ["GET of ada: "],
    ],
  ],
};

let gate;
let upstream;
let token;
before(async () => {
  upstream = await startByteUpstream();
  const servers = { bytes: upstream.address };
  // A signature is random, and may look like anything.
  const vars = { ROUTES, ASSERTION_KEY: undefined };
  gate = await startRawGate({ servers, upstream: { server: "bytes" }, vars });
  token = (await gate.createToken()).token;
});
after(() => Promise.all([gate?.stop(), upstream?.stop()]));

let rows = 0;
for (const [subject, table] of Object.entries(ROWS)) {
  describe(subject, { concurrency: 8 }, () => {
    for (const [what, request, expected, received] of table) {
      const target = `/row-${++rows}-`;
      test(what, async () => {
        const bytes = request
          .replaceAll("TARGET", target)
          .replace("BEARER", `Authorization: Bearer ${token}`);
        const answers = await exchange(gate.port, bytes, expected.length);
        assert.deepEqual(answers.map(labelOf), expected);
        const arrived = upstream.received.filter((one) => one.target.includes(target));
        assert.deepEqual(
          arrived.map((one) => summaryOf(one, target)),
          received,
        );
        for (const { headers } of arrived) assertCarriesNothing(headers);
      });
    }
  });
}

test("nothing else reached the upstream", () => {
  assert.deepEqual(upstream.broken, []);
  const strange = upstream.received.filter(({ target }) => !/^(\/public)?\/row-\d+-/.test(target));
  assert.deepEqual(strange, []);
});

function summaryOf(received, own) {
  const { line, target, body } = received;
  const method = line.slice(0, line.indexOf(" "));
  const where = target === own ? "" : ` ${target.replace(own, "…")}`;
  const [user = "nobody"] = valuesOf(received, "gatepass-user");
  return `${method}${where} of ${user}: ${body}`;
}

/** Neither the credential, nor what would make the upstream see another request. */
function assertCarriesNothing(headers) {
  const names = headers.map(([name]) => name);
  assert.ok(names.filter((name) => name === "gatepass-user").length <= 1);
  assert.doesNotMatch(JSON.stringify(headers), /pat_|eve/);
  const dropped = /^(te|trailer|x-late|authorization)$|override|_|x-http-method/;
  assert.deepEqual(
    names.filter((name) => dropped.test(name)),
    [],
  );
}
