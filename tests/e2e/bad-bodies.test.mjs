import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { assertOpens, idsOf, listAll, pause } from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused, BEARER } from "../support/refusals.mjs";
import { basic, makeToken, seconds } from "../support/tokens.mjs";

const API = "/gatepass/api/tokens";
const JSON_TYPE = ["Content-Type", "application/json"];
const USER = '"user":{"id":"mallory"}';

let gate;
before(async () => {
  gate = await startRawGate({ vars: { APPS: [{ id: "jobs", name: "Jobs" }] } });
});
after(() => gate?.stop());

const operator = () => ["Authorization", basic("operator", gate.operatorKey)];

/** Sends a body as it is. */
const post = (body, { headers = [JSON_TYPE], method = "POST", target = API } = {}) =>
  rawRequest({ port: gate.port, method, target, headers: [operator(), ...headers], body });

/** Asks for a token with these fields, written as JSON; a name and a user are added. */
const create = (fields) => post(`{"name":"a",${USER}${fields && `,${fields}`}}`);

function assertField(answer, field, status = 400) {
  const problem = assertRefused(answer, status, "invalid_field");
  assert.equal(problem.field, field, answer.text);
}

/** The tokens that have been made for the user of all these bodies. */
const made = async () => idsOf(await listAll(gate, { user: "mallory" }));

const short = (text) => (text.length > 60 ? `${text.slice(0, 57)}…` : text);

describe("an end is refused that is spelled", () => {
  const at = (from) => JSON.stringify(new Date(seconds(from) * 1000).toISOString());
  for (const [field, value] of [
    ...["null", "0", "1", '""', '"true"', '"never"', "false", "[true]", "{}"].map((value) => [
      "never",
      value,
    ]),
    ...["null", "0", "-1", "-0", "1.5", "1.0", "1e1", "1e309", "-1e309", '"30"', '""', "true"].map(
      (value) => ["expiresInDays", value],
    ),
    ...["36526", "4294967296", "4294967297", "18446744073709551617", `1${"0".repeat(400)}`].map(
      (value) => ["expiresInDays", value],
    ),
    ...["[30]", "{}", '"1e309"'].map((value) => ["expiresInDays", value]),
    ...["null", "0", '""', '"never"', '"tomorrow"', "1e309", "true", "-1", "4102444800"].map(
      (value) => ["expiresAt", value],
    ),
    ["expiresAt", '"2000-01-01T00:00:00Z"'],
    ["expiresAt", '"1969-12-31T23:59:59Z"'],
    ["expiresAt", '"-0001-01-01T00:00:00Z"'],
    ["expiresAt", '"12026-11-21T00:00:00Z"'],
    ["expiresAt", '"+12026-11-21T00:00:00Z"'],
    ["expiresAt", '"+275760-09-13T00:00:00.000Z"'],
    ["expiresAt", '"2030-01-01"'],
    ["expiresAt", '"2030-01-01T00:00:00"'],
    ["expiresAt", '"2030-02-30T00:00:00Z"'],
    ["expiresAt", '"2030-01-01T25:00:00Z"'],
    ["expiresAt", '"2030-01-01T00:00:00Z "'],
    ["expiresAt", '"2030-01-01T00:00:00+99:99"'],
    ["expiresAt", '"Tue, 01 Jan 2030 00:00:00 GMT"'],
    ["expiresAt", at(-1)],
    ["expiresAt", at(0)],
    ["expiresAt", at(101 * 365.25 * 86_400)],
  ]) {
    test(short(`${field}: ${value}`), async () => {
      assertField(await create(`"${field}":${value}`), field);
    });
  }

  test("expiresAt: 59 seconds ahead", async () => {
    assertField(await create(`"expiresAt":${at(59)}`), "expiresAt");
  });

  test("but 70 seconds ahead is an end", async () => {
    assert.equal((await create(`"expiresAt":${at(70)}`)).status, 201);
  });

  for (const [field, fields] of [
    ["never", '"never":true,"expiresInDays":30'],
    ["never", '"never":true,"expiresAt":"2030-01-01T00:00:00Z"'],
    ["expiresAt", '"expiresInDays":30,"expiresAt":"2030-01-01T00:00:00Z"'],
    ["never", '"never":false,"expiresInDays":30'],
    ["never", '"never":true,"expiresInDays":30,"expiresAt":"2030-01-01T00:00:00Z"'],
    ["never", '"never":true,"never":true'],
    ["expiresInDays", '"never":true,"expiresInDays":null'],
  ]) {
    test(`twice: ${fields}`, async () => assertField(await create(fields), field));
  }
});

describe("a field is refused that stands twice", () => {
  for (const [field, body] of [
    ["name", `{"name":"a","name":"b",${USER}}`],
    ["name", `{"name":"a","name":"a",${USER}}`],
    ["name", `{"name":"a","n\\u0061me":"b",${USER}}`],
    ["user", `{"name":"a",${USER},"user":{"id":"ada"}}`],
    ["scopes", `{"name":"a",${USER},"scopes":[],"scopes":["tokens"]}`],
    ["unknown", `{"name":"a",${USER},"unknown":1,"unknown":2}`],
    ["user.id", '{"name":"a","user":{"id":"mallory","id":"ada"}}'],
    ["user.id", '{"name":"a","user":{"id":"mallory","\\u0069d":"ada"}}'],
    ["user.email", '{"name":"a","user":{"email":"a@b","email":"c@d"}}'],
  ]) {
    test(body, async () => assertField(await post(body), field));
  }
});

describe("a body is refused that is no single JSON object", () => {
  for (const [name, body] of [
    ["nothing", ""],
    ["white space", " \n\t"],
    ["null", "null"],
    ["true", "true"],
    ["a number", "1"],
    ["a text", '"name"'],
    ["a list", "[]"],
    ["a list of one object", `[{"name":"a",${USER}}]`],
    ["an object that is not closed", `{"name":"a",${USER}`],
    ["a comma too many", `{"name":"a",${USER},}`],
    ["trailing text", `{"name":"a",${USER}}x`],
    ["trailing brace", `{"name":"a",${USER}}}`],
    ["two objects", `{"name":"a",${USER}}{"name":"b",${USER}}`],
    ["two objects on two lines", `{"name":"a",${USER}}\n{"name":"b",${USER}}`],
    ["trailing NUL", `{"name":"a",${USER}}\0`],
    ["a comment", `{"name":"a",${USER}}// ok`],
    ["single quotes", "{'name':'a'}"],
    ["names without quotes", "{name:1}"],
    ["a raw control character in a text", `{"name":"a\u0001b",${USER}}`],
    ["a raw new line in a text", `{"name":"a\nb",${USER}}`],
    ["a lone surrogate", `{"name":"\\ud800",${USER}}`],
    ["two high surrogates", `{"name":"\\ud83d\\ud83d",${USER}}`],
    ["NaN", `{"name":"a",${USER},"expiresInDays":NaN}`],
    ["Infinity", `{"name":"a",${USER},"expiresInDays":Infinity}`],
    ["a number with a leading zero", `{"name":"a",${USER},"expiresInDays":030}`],
    ["a hexadecimal number", `{"name":"a",${USER},"expiresInDays":0x1e}`],
    ["a byte order mark", `\ufeff{"name":"a",${USER}}`],
    ["UTF-16", Buffer.from(`{"name":"a",${USER}}`, "utf16le")],
    ["gzip", gzipSync(`{"name":"a",${USER}}`)],
    ["bytes", Buffer.from([0, 1, 2, 255, 254])],
    ["10,000 lists in one another", "[".repeat(10_000) + "]".repeat(10_000)],
    ["10,000 lists that are not closed", "[".repeat(10_000)],
    ["10,000 objects in one another", '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000)],
    ["1,000 fields", `{${Array.from({ length: 1000 }, (_, i) => `"f${i}":1`).join()}}`],
  ]) {
    test(name, async () => {
      const before = await made();
      const answer = await post(body);
      const problem = assertRefused(answer, 400, answer.json().code);
      assert.match(problem.code, /^invalid_(request|field)$/);
      assert.deepEqual(await made(), before);
    });
  }

  for (const [name, bytes] of [
    ["a byte that is not UTF-8", [0xff]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["a surrogate in UTF-8", [0xed, 0xa0, 0x80]],
    ["a character that is cut off", [0xf0, 0x9d, 0x95]],
    ["a character beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ]) {
    test(`RFC 8259 §8.1: ${name} in a name`, async () => {
      const parts = ['{"name":"a', Buffer.from(bytes), `",${USER}}`];
      const answer = await post(Buffer.concat(parts.map((part) => Buffer.from(part))));
      assertRefused(answer, 400, "invalid_request");
    });
  }
});

describe("RFC 8259 §9: a body that nests deeper than it may is no JSON object", () => {
  const nested = (depth) => [
    "[".repeat(depth) + "]".repeat(depth),
    `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`,
  ];

  for (const field of ["name", "description", "scopes", "apps", "user", "strict", "surprise"]) {
    test(field, async () => {
      for (const value of nested(10_000)) {
        const answer = await post(
          `{"name":"a",${field === "user" ? "" : `${USER},`}"${field}":${value}}`,
        );
        assertRefused(answer, 400, "invalid_request");
      }
    });
  }

  test("and one that nests less is read field by field", async () => {
    for (const value of nested(50))
      assertField(await create(`"description":${value}`), "description");
  });
});

describe("RFC 9110 §15.5.14: a body that is too long is 413", () => {
  const long = (bytes) => `{"name":"a",${USER},"description":"${"x".repeat(bytes)}"}`;

  test("1 MB", async () => {
    assertRefused(await post(long(2 ** 20)), 413, "invalid_request");
  });

  test("1 MB of white space", async () => {
    assertRefused(await post(" ".repeat(2 ** 20)), 413, "invalid_request");
  });

  test("1 MB in chunks of 16 KB", async () => {
    const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
    const answer = await post(chunk.repeat(64) + "0\r\n\r\n", {
      headers: [JSON_TYPE, ["Transfer-Encoding", "chunked"]],
    });
    assertRefused(answer, 413, "invalid_request");
  });

  test("64 KiB and a byte, and 64 KiB is read", async () => {
    const most = 65_536;
    const frame = long(0).length;
    assertRefused(await post(long(most - frame + 1)), 413, "invalid_request");
    assertField(await post(long(most - frame)), "description");
  });

  test("for a change, a rotation and a revocation too", async () => {
    const { id, token } = (await create("")).json();
    for (const [method, rest] of [
      ["PATCH", ""],
      ["POST", "/rotate"],
      ["DELETE", ""],
    ]) {
      const answer = await post(long(2 ** 20), { method, target: `${API}/${id}${rest}` });
      assertRefused(answer, 413, "invalid_request");
    }
    await assertOpens(gate, token);
  });

  test("but nobody without a credential is read at all", async () => {
    const headers = [JSON_TYPE];
    const body = long(2 ** 20);
    const answer = await rawRequest({
      port: gate.port,
      method: "POST",
      target: API,
      headers,
      body,
    });
    assertRefused(answer, 401, "token_missing", [BEARER]);
  });
});

describe("RFC 9110 §15.5.16: a body that is not declared as JSON is 415", () => {
  const body = `{"name":"a",${USER}}`;
  for (const [name, headers] of [
    ["not at all", []],
    ["as nothing", [["Content-Type", ""]]],
    ["as text/plain", [["Content-Type", "text/plain"]]],
    ["as a form", [["Content-Type", "application/x-www-form-urlencoded"]]],
    ["as form data", [["Content-Type", "multipart/form-data; boundary=x"]]],
    ["as text/json", [["Content-Type", "text/json"]]],
    ["as application/jsonp", [["Content-Type", "application/jsonp"]]],
    ["as application/json5", [["Content-Type", "application/json5"]]],
    ["as application/merge-patch+json", [["Content-Type", "application/merge-patch+json"]]],
    ["as text/plain with a parameter", [["Content-Type", "text/plain; application/json"]]],
    ["as text/plain and JSON", [["Content-Type", "text/plain, application/json"]]],
    ["as both in two headers", [["Content-Type", "text/plain"], JSON_TYPE]],
    ["as JSON twice", [JSON_TYPE, JSON_TYPE]],
  ]) {
    test(name, async () => {
      const before = await made();
      assertRefused(await post(body, { headers }), 415, "invalid_request");
      assert.deepEqual(await made(), before);
    });
  }

  test("also for a change and a rotation", async () => {
    const { id, token } = (await create("")).json();
    const headers = [["Content-Type", "text/plain"]];
    for (const [method, rest, body] of [
      ["PATCH", "", '{"enabled":false}'],
      ["POST", "/rotate", '{"graceSeconds":0}'],
    ]) {
      const answer = await post(body, { method, target: `${API}/${id}${rest}`, headers });
      assertRefused(answer, 415, "invalid_request");
    }
    await assertOpens(gate, token);
  });

  for (const type of [
    "application/json; charset=utf-8",
    "Application/JSON",
    "application/json ;x=y",
  ]) {
    test(`and ${type} is JSON`, async () => {
      assert.equal((await post(body, { headers: [["Content-Type", type]] })).status, 201);
    });
  }
});

describe("a form of another site makes nothing", () => {
  const form = `name=a&user=mallory`;
  const smuggled = `{"name":"a",${USER},"x":"="}`;
  const types = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
  ];
  const browser = [
    ["Sec-Fetch-Site", "cross-site"],
    ["Sec-Fetch-Mode", "navigate"],
    ["Sec-Fetch-Dest", "document"],
    ["Origin", "https://evil.example"],
  ];
  for (const type of types) {
    test(`posted as ${type} with the operator's Basic credentials`, async () => {
      const before = await made();
      for (const body of [form, smuggled]) {
        const sent = [["Content-Type", type], ...browser];
        assertRefused(await post(body, { headers: sent }), 403, "cross_site");
        const origin = [
          ["Content-Type", type],
          ["Origin", "https://evil.example"],
        ];
        assertRefused(await post(body, { headers: origin }), 403, "cross_site");
        const old = [["Content-Type", type]];
        assertRefused(await post(body, { headers: old }), 415, "invalid_request");
      }
      assert.deepEqual(await made(), before);
    });
  }

  test("nor as JSON by a script", async () => {
    const before = await made();
    for (const site of ["cross-site", "same-site"]) {
      const headers = [JSON_TYPE, ["Sec-Fetch-Site", site], ["Sec-Fetch-Mode", "no-cors"]];
      const answer = await post(`{"name":"a",${USER}}`, { headers });
      assertRefused(answer, 403, "cross_site");
    }
    assert.deepEqual(await made(), before);
  });
});

describe("a name", () => {
  const named = (name) => post(`{"name":${JSON.stringify(name)},${USER}}`);

  for (const [what, name] of [
    ["empty", ""],
    ["a space", " "],
    ["101 characters", "a".repeat(101)],
    ["101 characters of 4 bytes", "𝕏".repeat(101)],
    ["a space in front", " a"],
    ["a space behind", "a "],
    ["a no-break space behind", "a\u00a0"],
    ["NUL", "a\u0000b"],
    ["a new line", "a\nb"],
    ["a carriage return and a header", "a\r\nSet-Cookie: b=c"],
    ["a tab", "a\tb"],
    ["escape", "a\u001b[31mb"],
    ["delete", "a\u007fb"],
    ["a C1 control", "a\u0085b"],
    ["a right-to-left override", "\u202egnp.exe"],
    ["a right-to-left mark", "a\u200fb"],
    ["a left-to-right mark", "a\u200eb"],
    ["an Arabic letter mark", "a\u061cb"],
    ["an isolate", "a\u2066b"],
    ["a zero-width space", "a\u200bb"],
    ["a byte order mark", "a\ufeffb"],
    ["a line separator", "a\u2028b"],
    ["a tag character", "a\u{e0041}b"],
  ]) {
    test(`is refused with ${what}`, async () => assertField(await named(name), "name"));
  }

  for (const value of ["null", "1", "true", "[]", "{}", '["a"]']) {
    test(`is refused as ${value}`, async () => {
      assertField(await post(`{"name":${value},${USER}}`), "name");
    });
  }

  test("is refused where there is none", async () => {
    assertField(await post(`{${USER}}`), "name");
  });

  for (const [what, name] of [
    ["100 characters", "a".repeat(100)],
    ["100 characters of 4 bytes", "𝕏".repeat(100)],
    ["HTML", "<script>alert('1')</script>&amp;<img src=x onerror=y>"],
    ["quotes and backslashes", "\"'\\ \\u0000 %00 ${a} {{b}}"],
    ["SQL", "'; DROP TABLE tokens; --"],
    ["letters that are written from right to left", "تقرير שלום"],
    ["a joiner in an emoji", "👩‍🚀"],
    ["no normal form", "e\u0301 é \u212b"],
    ["a replacement character", "\ufffd"],
  ]) {
    test(`is taken and shown as it is with ${what}`, async () => {
      const answer = await named(name);
      assert.equal(answer.status, 201, answer.text);
      const { id, name: given, token } = answer.json();
      assert.equal(given, name);
      assert.equal(answer.header("Content-Type"), "application/json");
      assert.equal((await gate.api("GET", `/tokens/${id}`)).body.name, name);
      const renamed = await post(JSON.stringify({ name }), {
        method: "PATCH",
        target: `${API}/${id}`,
      });
      assert.equal(renamed.json().name, name);
      await assertOpens(gate, token);
    });
  }
});

describe("a field is refused", () => {
  const many = (count, text) => JSON.stringify(Array.from({ length: count }, (_, i) => text + i));
  for (const [field, fields] of [
    ["description", '"description":null'],
    ["description", '"description":1'],
    ["description", `"description":"${"a".repeat(501)}"`],
    ["description", '"description":"a\\u0000b"'],
    ["description", '"description":"a\\rb"'],
    ["description", '"description":"\\u202e"'],
    ["scopes", '"scopes":null'],
    ["scopes", '"scopes":"odata"'],
    ["scopes", '"scopes":{"0":"odata"}'],
    ["scopes", '"scopes":[null]'],
    ["scopes", '"scopes":[["odata"]]'],
    ["scopes", '"scopes":[""]'],
    ["scopes", '"scopes":["a b"]'],
    ["scopes", '"scopes":["a\\"b"]'],
    ["scopes", '"scopes":["a\\\\b"]'],
    ["scopes", '"scopes":["ö"]'],
    ["scopes", '"scopes":["a\\u0000"]'],
    ["scopes", `"scopes":["${"a".repeat(65)}"]`],
    ["scopes", `"scopes":${many(51, "s")}`],
    ["scopes", `"scopes":${many(6000, "s")}`],
    ["apps", '"apps":null'],
    ["apps", '"apps":"jobs"'],
    ["apps", '"apps":["none"]'],
    ["apps", '"apps":["Jobs"]'],
    ["apps", '"apps":["../jobs"]'],
    ["apps", '"apps":["https://evil.example/"]'],
    ["apps", '"apps":["*","jobs"]'],
    ["apps", `"apps":${many(101, "a")}`],
    ["allowedIps", '"allowedIps":null'],
    ["allowedIps", '"allowedIps":"192.0.2.1"'],
    ["allowedIps", '"allowedIps":["192.0.2.1/24"]'],
    ["allowedIps", '"allowedIps":["192.0.2.0/33"]'],
    ["allowedIps", '"allowedIps":["192.0.2.0/-1"]'],
    ["allowedIps", '"allowedIps":["192.0.2.256"]'],
    ["allowedIps", '"allowedIps":["192.0.02.1"]'],
    ["allowedIps", '"allowedIps":["3221225985"]'],
    ["allowedIps", '"allowedIps":["2001:db8::/129"]'],
    ["allowedIps", '"allowedIps":["2001:db8::1/64"]'],
    ["allowedIps", '"allowedIps":["::ffff:192.0.2.1"]'],
    ["allowedIps", '"allowedIps":["[::1]"]'],
    ["allowedIps", '"allowedIps":["fe80::1%eth0"]'],
    ["allowedIps", '"allowedIps":["localhost"]'],
    ["allowedIps", '"allowedIps":["*"]'],
    ["allowedIps", '"allowedIps":[""]'],
    ["allowedIps", `"allowedIps":${JSON.stringify(Array(51).fill("192.0.2.1"))}`],
    ["strict", '"strict":null'],
    ["strict", '"strict":"true"'],
    ["strict", '"strict":1'],
    ["kind", '"kind":null'],
    ["kind", '"kind":"PAT"'],
    ["kind", '"kind":["pat"]'],
    ["surprise", '"surprise":1'],
    ["__proto__", '"__proto__":{"state":"active"}'],
    ["id", '"id":"0000-01ARZ3NDEKTSV4RRFFQ69G5FAV"'],
    ["token", '"token":"pat_x"'],
    ["state", '"state":"active"'],
    ["parent", '"parent":null'],
    ["workspace", '"workspace":"other"'],
    ["?", '"a b":1'],
    ["?", '"\\u0000":1'],
    ["?", `"${"n".repeat(65)}":1`],
  ]) {
    test(short(fields), async () => assertField(await create(fields), field));
  }
});

describe("a user is refused", () => {
  for (const [field, user] of [
    ["user", "null"],
    ["user", '"mallory"'],
    ["user", "[]"],
    ["user", "{}"],
    ["user.id", '{"id":null}'],
    ["user.id", '{"id":""}'],
    ["user.id", '{"id":1}'],
    ["user.id", '{"id":" a"}'],
    ["user.id", '{"id":"a\\nb"}'],
    ["user.id", '{"id":"\\u202ea"}'],
    ["user.id", `{"id":"${"a".repeat(129)}"}`],
    ["user.email", '{"email":null}'],
    ["user.email", '{"email":""}'],
    ["user.email", '{"email":"ada"}'],
    ["user.email", '{"email":"a@b@c"}'],
    ["user.email", '{"email":"Ada <ada@example.com>"}'],
    ["user.email", '{"email":"a@b\\r\\nBcc: c@d"}'],
    ["user.email", `{"email":"${"a".repeat(250)}@b.cd"}`],
    ["user.email", '{"id":"a","email":"nothing"}'],
    ["user.role", '{"id":"a","role":"admin"}'],
    ["user.workspace", '{"id":"a","workspace":"other"}'],
  ]) {
    test(short(user), async () => assertField(await post(`{"name":"a","user":${user}}`), field));
  }

  test("where the operator names none", async () => {
    assertField(await post('{"name":"a"}'), "user");
  });
});

describe("a change is refused", () => {
  let id;
  let token;
  before(async () => ({ id, token } = (await create("")).json()));

  for (const [field, body] of [
    [undefined, ""],
    [undefined, "{}"],
    [undefined, "null"],
    [undefined, "[]"],
    [undefined, '{"enabled":false}x'],
    ["name", '{"name":null}'],
    ["name", '{"name":""}'],
    ["name", `{"name":"${"a".repeat(101)}"}`],
    ["name", '{"name":"a\\u0000"}'],
    ["name", '{"name":"a","name":"b"}'],
    ["description", '{"description":null}'],
    ["description", `{"description":"${"a".repeat(501)}"}`],
    ["enabled", '{"enabled":null}'],
    ["enabled", '{"enabled":"false"}'],
    ["enabled", '{"enabled":0}'],
    ["enabled", '{"enabled":true,"enabled":false}'],
    ["scopes", '{"name":"b","scopes":["tokens"]}'],
    ["never", '{"never":true}'],
    ["expiresAt", '{"expiresAt":"2090-01-01T00:00:00Z"}'],
    ["allowedIps", '{"allowedIps":[]}'],
    ["strict", '{"strict":false}'],
    ["state", '{"state":"revoked"}'],
    ["user", '{"user":{"id":"ada"}}'],
  ]) {
    test(short(body) || "nothing", async () => {
      const answer = await post(body, { method: "PATCH", target: `${API}/${id}` });
      const code = field ? "invalid_field" : "invalid_request";
      assert.equal(assertRefused(answer, 400, code).field, field);
      const { name, state } = (await gate.api("GET", `/tokens/${id}`)).body;
      assert.deepEqual([name, state], ["a", "active"]);
    });
  }

  test("and the token is still good", () => assertOpens(gate, token));
});

describe("a rotation is refused", () => {
  for (const [field, body] of [
    [undefined, "null"],
    [undefined, "[]"],
    [undefined, " "],
    ["graceSeconds", '{"graceSeconds":null}'],
    ["graceSeconds", '{"graceSeconds":-1}'],
    ["graceSeconds", '{"graceSeconds":"60"}'],
    ["graceSeconds", '{"graceSeconds":1e309}'],
    ["graceSeconds", '{"graceSeconds":4294967296}'],
    ["graceSeconds", '{"graceSeconds":1,"graceSeconds":2}'],
    ["expiresInDays", '{"expiresInDays":30}'],
    ["name", '{"name":"b"}'],
  ]) {
    test(body, async () => {
      const { id, token } = (await create("")).json();
      const answer = await post(body, { target: `${API}/${id}/rotate` });
      const code = field ? "invalid_field" : "invalid_request";
      assert.equal(assertRefused(answer, 400, code).field, field);
      await assertOpens(gate, token);
    });
  }
});

describe("a body where none belongs", () => {
  const bodies = ["{}", "null", "x", '{"name":"b"}', Buffer.from([0xff, 0])];

  test("does not hinder a revocation", async () => {
    for (const body of bodies) {
      const { id } = (await create("")).json();
      const answer = await post(body, { method: "DELETE", target: `${API}/${id}` });
      assert.equal(answer.status, 204);
      assert.equal((await gate.api("GET", `/tokens/${id}`)).body.state, "revoked");
    }
  });

  test("does not change what is read", async () => {
    const { id } = (await create("")).json();
    for (const body of bodies) {
      const answer = await post(body, { method: "GET", target: `${API}/${id}` });
      assert.equal(answer.status, 200);
      assert.equal(answer.json().id, id);
    }
  });
});

describe("a request that breaks off", () => {
  test("in its body makes nothing", async () => {
    const before = await made();
    const [name, key] = operator();
    const head = [
      `POST ${API} HTTP/1.1`,
      `Host: 127.0.0.1:${gate.port}`,
      `${name}: ${key}`,
      "Content-Type: application/json",
      "Content-Length: 1000",
    ];
    const socket = connect(gate.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`${head.join("\r\n")}\r\n\r\n{"name":"a",${USER}}`);
    await pause(200);
    socket.destroy();
    await pause(200);
    assert.deepEqual(await made(), before);
  });

  test("with a body shorter or longer than it says is no other request", async () => {
    const before = await made();
    const body = `{"name":"a",${USER}}`;
    const headers = [JSON_TYPE, ["Content-Length", body.length - 1]];
    assertRefused(await post(body, { headers }), 400, "invalid_request");
    assert.deepEqual(await made(), before);
  });
});

test("a token in the place of a name is not repeated", async () => {
  const token = makeToken();
  for (const answer of [
    await create(`"${token}":1`),
    await create(`"${token}":1,"${token}":2`),
    await post(`{"name":"a","user":{"${token}":1}}`),
    await post(undefined, { method: "GET", target: `${API}?${token}=1` }),
    await post(undefined, { method: "GET", target: `${API}/self?${token}` }),
  ]) {
    assertRefused(answer, 400, "invalid_field");
    assert.ok(!answer.text.includes(token), answer.text);
  }
});

describe("a query is refused", () => {
  for (const [field, target] of [
    ["limit", `${API}?limit=1e309`],
    ["limit", `${API}?limit=99999999999999999999`],
    ["cursor", `${API}?cursor=${"A".repeat(4000)}`],
    ["cursor", `${API}?cursor=${Buffer.from('{"u":1}').toString("base64url")}`],
    ["cursor", `${API}?cursor=${Buffer.from('{"u":"a","b":"x"}').toString("base64url")}`],
    ["cursor", `${API}?cursor=${Buffer.from("[".repeat(1000)).toString("base64url")}`],
    ["?", `${API}?%00=1`],
    ["workspace", `${API}?workspace=../default`],
  ]) {
    test(short(target), async () => {
      assertField(await post(undefined, { method: "GET", target }), field);
    });
  }

  test("that is not UTF-8", async () => {
    const answer = await post(undefined, { method: "GET", target: `${API}?search=%ff` });
    assertRefused(answer, 400, "invalid_request");
  });
});

test("nothing of all this made the gate stumble", async () => {
  assert.equal((await create("")).status, 201);
  assert.doesNotMatch(
    gate.output(),
    /panic|unreachable|RuntimeError|hung|could not|store_unavailable/,
  );
});
