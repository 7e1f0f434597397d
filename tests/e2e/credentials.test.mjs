import assert from "node:assert/strict";
import { get as httpGet } from "node:http";
import { after, before, describe, test } from "node:test";
import { text } from "node:stream/consumers";
import { startGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import {
  assertRefused,
  BASIC,
  BEARER,
  INVALID_REQUEST,
  INVALID_TOKEN,
} from "../support/refusals.mjs";
import { basic, checksum, digestOf, makeToken } from "../support/tokens.mjs";

const JOBS = "/api/v1/jobs/";
const utf8 = (value) => Buffer.from(value).toString("latin1");

let gate;
let pat;
let other;
before(async () => {
  gate = await startGate();
  pat = (await gate.createToken()).token;
  other = (await gate.createToken()).token;
});
after(() => gate?.stop());

const request = (headers, options) =>
  rawRequest({ port: gate.port, target: JOBS, headers, ...options });

function assertJobs(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().TotalRows, 60);
}

describe("a PAT opens the jobs page", () => {
  for (const [name, headers] of [
    ["RFC 6750 §2.1: as Bearer", () => [["Authorization", `Bearer ${pat}`]]],
    ["RFC 9110 §11.1: the scheme in lower case", () => [["Authorization", `bearer ${pat}`]]],
    ["RFC 9110 §11.1: the scheme in capitals", () => [["authorization", `BEARER ${pat}`]]],
    ["RFC 6750 §2.1: after two spaces", () => [["Authorization", `Bearer  ${pat}`]]],
    ["RFC 9110 §5.5: before a trailing space", () => [["Authorization", `Bearer ${pat} `]]],
    ["RFC 7617 §2: as the password of any user", () => [["Authorization", basic("bi", pat)]]],
    ["RFC 7617 §2: as the password of nobody", () => [["Authorization", basic("", pat)]]],
    ["RFC 7617 §2.1: beside a user name in UTF-8", () => [["Authorization", basic("Zoë", pat)]]],
    ["in X-API-Key", () => [["X-API-Key", pat]]],
    ["in PRIVATE-TOKEN", () => [["PRIVATE-TOKEN", pat]]],
    [
      "in X-API-Key beside another system's Authorization",
      () => [
        ["Authorization", "Token upstream"],
        ["X-API-Key", pat],
      ],
    ],
    [
      "beside an empty Authorization",
      () => [
        ["Authorization", ""],
        ["X-API-Key", pat],
      ],
    ],
    [
      "beside a cookie that differs",
      () => [
        ["Authorization", `Bearer ${pat}`],
        ["Cookie", `access_token=${other}; token=x`],
      ],
    ],
  ]) {
    test(name, async () => assertJobs(await request(headers())));
  }

  test("beside a query that differs, where no route names a parameter", async () => {
    const headers = [["Authorization", `Bearer ${pat}`]];
    assertJobs(await request(headers, { target: `${JOBS}?access_token=${other}` }));
  });

  test("git-style, in a URL's user information", async () => {
    const answer = await new Promise((done, fail) => {
      httpGet(`http://anybody:${pat}@127.0.0.1:${gate.port}${JOBS}`, done).on("error", fail);
    });
    assert.equal(answer.statusCode, 200);
    assert.match(await text(answer), /TotalRows/);
  });

  test("RFC 9110 §9.3.2: HEAD answers as GET without a body", async () => {
    const headers = [["Authorization", `Bearer ${pat}`]];
    const head = await request(headers, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    const refused = await request([], { method: "HEAD" });
    assert.equal(refused.status, 401);
    assert.equal(refused.body.length, 0);
    assert.equal(refused.headerAll("WWW-Authenticate").join(", "), `${BEARER}, ${BASIC}`);
  });
});

describe("RFC 6750 §3.1: without a credential no error is named", () => {
  for (const [name, headers] of [
    ["nothing", []],
    ["an empty Bearer", [["Authorization", "Bearer"]]],
    ["an empty Bearer and a space", [["Authorization", "Bearer "]]],
    ["an empty Basic", [["Authorization", "Basic"]]],
    ["Basic with an empty password", [["Authorization", basic("user", "")]]],
    ["an empty X-API-Key", [["X-API-Key", ""]]],
    ["another scheme", [["Authorization", "Token abc"]]],
    ["a token in a cookie", () => [["Cookie", `access_token=${pat}`]]],
  ]) {
    test(name, async () => {
      const sent = typeof headers === "function" ? headers() : headers;
      assertRefused(await request(sent), 401, "token_missing", [BEARER, BASIC]);
    });
  }

  test("a query token that no route asks for", async () => {
    const answer = await request([], { target: `${JOBS}?access_token=${pat}` });
    assertRefused(answer, 401, "token_missing", [BEARER, BASIC]);
    assert.ok(!answer.text.includes(pat));
  });
});

describe("RFC 6750 §3.1: a request that cannot be understood is 400 invalid_request", () => {
  const bearer = () => ["Authorization", `Bearer ${pat}`];
  for (const [name, headers] of [
    ["§2: two Authorization headers", () => [bearer(), bearer()]],
    ["§2: two that differ", () => [bearer(), ["Authorization", basic("", other)]]],
    ["§2: two joined by a comma", () => [["Authorization", `Bearer ${pat}, Bearer ${other}`]]],
    ["§2: Bearer and X-API-Key", () => [bearer(), ["X-API-Key", other]]],
    ["§2: Bearer and the same in PRIVATE-TOKEN", () => [bearer(), ["PRIVATE-TOKEN", pat]]],
    [
      "§2: two X-API-Key headers",
      () => [
        ["X-API-Key", pat],
        ["x-api-key", pat],
      ],
    ],
    ["§2.1: a tab after the scheme", () => [["Authorization", `Bearer\t${pat}`]]],
    ["§2.1: a space inside", () => [["Authorization", `Bearer ${pat.slice(0, 20)} ${pat}`]]],
    ["§2.1: a letter outside ASCII", () => [["Authorization", utf8(`Bearer ${pat}é`)]]],
    ["§2.1: a byte that is not UTF-8", () => [["Authorization", `Bearer ${pat}\xff`]]],
    ["RFC 7617 §2: no base64", () => [["Authorization", "Basic ?"]]],
    ["RFC 7617 §2: no colon", () => [["Authorization", `Basic ${btoa(pat)}`]]],
    ["RFC 7617 §2: a control character", () => [["Authorization", basic("a\u0007", pat)]]],
  ]) {
    test(name, async () => {
      const answer = await request(headers());
      assertRefused(answer, 400, "invalid_request", [INVALID_REQUEST]);
      assert.ok(!answer.text.includes(pat));
    });
  }
});

describe("RFC 6750 §3.1: what is no token is 401 invalid_token", () => {
  const changed = (at, letter) => pat.slice(0, at) + letter + pat.slice(at + 1);
  for (const [name, presented] of [
    ["a look-alike letter", () => changed(20, pat[20] === "O" ? "0" : "O")],
    ["wrong case", () => pat.toUpperCase()],
    ["a wrong checksum", () => changed(pat.length - 1, pat.endsWith("0") ? "1" : "0")],
    ["one character short", () => pat.slice(0, -1)],
    ["one character long", () => `${pat}0`],
    ["a digest", () => digestOf(pat)],
    ["another prefix", () => pat.replace("pat_", "ghp_")],
    ["b64token's other characters", () => "a-._~+/b=="],
  ]) {
    test(name, async () => {
      const text = presented();
      for (const headers of [
        [["Authorization", `Bearer ${text}`]],
        [["Authorization", basic("user", text)]],
        [["X-API-Key", text]],
      ]) {
        const answer = await request(headers);
        assertRefused(answer, 401, "token_malformed", [INVALID_TOKEN, BASIC]);
        assert.ok(!answer.text.includes(text));
      }
    });
  }

  test("an embed token is not for the API", async () => {
    const embed = makeToken({ kind: "pat_embed" });
    const answer = await request([["Authorization", `Bearer ${embed}`]]);
    assertRefused(answer, 401, "kind_mismatch", [INVALID_TOKEN, BASIC]);
  });

  test("a made-up token with a good checksum is unknown", async () => {
    const body = `${pat.slice(4, 8)}${"0".repeat(26)}`;
    const answer = await request([["Authorization", `Bearer pat_${body}${checksum(body)}`]]);
    assertRefused(answer, 401, "token_unknown", [INVALID_TOKEN, BASIC]);
  });
});

describe("RFC 6585 §5: a credential that is too long is refused unread", () => {
  for (const headers of [
    [["Authorization", `Bearer ${"a".repeat(8192)}`]],
    [["Authorization", `Basic ${"YTph".repeat(2048)}`]],
    [["X-API-Key", "a".repeat(8192)]],
    [["PRIVATE-TOKEN", "a".repeat(4097)]],
  ]) {
    test(`8 KB in ${headers[0][0]}: ${headers[0][1].slice(0, 7)}`, async () => {
      assertRefused(await request(headers), 431, "invalid_request");
    });
  }

  test("1 MB is refused by the runtime", async () => {
    const answer = await request([["Authorization", `Bearer ${"a".repeat(2 ** 20)}`]]);
    assert.equal(answer.status, 431);
    assertJobs(await request([["Authorization", `Bearer ${pat}`]]));
  });
});

describe("Basic is offered to programs, never to browsers", () => {
  for (const header of ["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"]) {
    test(`not beside ${header}`, async () => {
      const answer = await request([[header, "empty"]]);
      assertRefused(answer, 401, "token_missing", [BEARER]);
    });
  }

  test("not on Gatepass's own paths", async () => {
    for (const target of ["/gatepass/api/tokens", "/gatepass/api/tokens/self"]) {
      assertRefused(await request([], { target }), 401, "token_missing", [BEARER]);
    }
  });

  test("but on an upstream's path that only begins with the same letters", async () => {
    const answer = await request([], { target: "/gatepassport/feed" });
    assertRefused(answer, 401, "token_missing", [BEARER, BASIC]);
  });

  test("and to OData clients on every resource of a feed", async () => {
    for (const target of ["/odata/", "/odata/$metadata", "/odata/Jobs?$top=1"]) {
      assertRefused(await request([], { target }), 401, "token_missing", [BEARER, BASIC]);
      const answer = await request([["Authorization", basic("excel", pat)]], { target });
      assert.equal(answer.status, 200);
    }
  });
});

describe("RFC 6750 §3.1: a scope that is missing is named", () => {
  test("on one path and not on another", async () => {
    const { token } = await gate.createToken({ scopes: ["odata"] });
    const headers = [["Authorization", `Bearer ${token}`]];
    const insufficient = (scope) => `${BEARER}, error="insufficient_scope", scope="${scope}"`;
    const read = await request(headers);
    assertRefused(read, 403, "scope_insufficient", [insufficient("jobs:read")]);
    const write = await request(headers, { method: "POST", body: "{}" });
    assertRefused(write, 403, "scope_insufficient", [insufficient("jobs:write")]);
    assert.equal((await request(headers, { target: "/odata/Jobs" })).status, 200);
    assert.equal((await request(headers, { target: "/echo/" })).status, 200);
  });

  test("on the management API", async () => {
    const { token } = await gate.createToken({ scopes: ["odata"] });
    const answer = await request([["X-API-Key", token]], { target: "/gatepass/api/tokens" });
    const challenge = `${BEARER}, error="insufficient_scope", scope="tokens"`;
    assertRefused(answer, 403, "scope_insufficient", [challenge]);
  });
});

describe("a token's own end", () => {
  const bearer = (token) => [["Authorization", `Bearer ${token}`]];

  test("revoked", async () => {
    const { id, token } = await gate.createToken();
    assertJobs(await request(bearer(token)));
    assert.equal((await gate.api("DELETE", `/tokens/${id}`)).status, 204);
    assertRefused(await request(bearer(token)), 401, "token_revoked", [INVALID_TOKEN, BASIC]);
  });

  test("disabled and enabled again", async () => {
    const { id, token } = await gate.createToken();
    assertJobs(await request(bearer(token)));
    assert.equal((await gate.api("PATCH", `/tokens/${id}`, { enabled: false })).status, 200);
    assertRefused(await request(bearer(token)), 401, "token_disabled", [INVALID_TOKEN, BASIC]);
    assert.equal((await gate.api("PATCH", `/tokens/${id}`, { enabled: true })).status, 200);
    assertJobs(await request(bearer(token)));
  });

  test("replaced without grace", async () => {
    const { id, token } = await gate.createToken();
    const rotated = await gate.api("POST", `/tokens/${id}/rotate`, { graceSeconds: 0 });
    assert.ok([200, 201].includes(rotated.status));
    assertRefused(await request(bearer(token)), 401, "token_used", [INVALID_TOKEN, BASIC]);
    assertJobs(await request(bearer(rotated.body.token)));
  });

  test("used from an address that is not on its list", async () => {
    const { token } = await gate.createToken({ allowedIps: ["192.0.2.0/24", "2001:db8::/32"] });
    const from = (address) => request([...bearer(token), ["CF-Connecting-IP", address]]);
    assertJobs(await from("192.0.2.7"));
    assertJobs(await from("2001:db8:1::7"));
    for (const address of ["192.0.3.1", "2001:db9::1"]) {
      assertRefused(await from(address), 403, "address_not_allowed");
    }
    const forged = [...bearer(token), ["CF-Connecting-IP", "192.0.3.1"]];
    for (const name of ["X-Forwarded-For", "X-Real-IP", "True-Client-IP", "Forwarded"]) {
      const answer = await request([...forged, [name, "192.0.2.7"]]);
      assertRefused(answer, 403, "address_not_allowed");
    }
  });
});

test("RFC 6585 §4: look-ups of unknown tokens have a budget, known tokens do not", async () => {
  const from = (address, token) =>
    request([
      ["Authorization", `Bearer ${token}`],
      ["CF-Connecting-IP", address],
    ]);
  const answers = [];
  for (let i = 0; i < 130 && answers.at(-1)?.status !== 429; i++) {
    answers.push(await from("198.51.100.9", makeToken()));
  }
  assertRefused(answers.pop(), 429, "rate_limited");
  assert.ok(answers.length >= 10, `${answers.length} look-ups`);
  for (const answer of answers) {
    assertRefused(answer, 401, "token_unknown", [INVALID_TOKEN, BASIC]);
  }
  assertJobs(await from("198.51.100.9", pat));
  const elsewhere = await from("198.51.100.10", makeToken());
  assertRefused(elsewhere, 401, "token_unknown", [INVALID_TOKEN, BASIC]);
});
