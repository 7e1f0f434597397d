import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused } from "../support/refusals.mjs";
import { keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const SECRET = "a-secret-value-that-must-not-be-told";
const APP = { id: "jobs", name: "Jobs" };
const KEY = `k1:${Buffer.alloc(32, 7).toString("base64")}`;

/** `ASSERTION_KEY`, changed: a P-256 key, or a set of some. */
function assertionKey(change) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...privateKey.export({ format: "jwk" }), kid: SECRET };
  return JSON.stringify(change(key));
}

describe("a mistake in the configuration is a 500 that names the field and not the value", () => {
  for (const [name, field, options] of [
    ["no operator key", "OPERATOR_KEY", { vars: { OPERATOR_KEY: undefined } }],
    ["an empty operator key", "OPERATOR_KEY", { vars: { OPERATOR_KEY: "" } }],
    ["a short operator key", "OPERATOR_KEY", { vars: { OPERATOR_KEY: SECRET.slice(0, 31) } }],
    ["no upstream", "UPSTREAM", { vars: { UPSTREAM: undefined } }],
    [
      "a plain-text upstream",
      "UPSTREAM",
      { vars: { UPSTREAM: `http://${SECRET}`, DEVELOPMENT: false } },
    ],
    ["an upstream with a password", "UPSTREAM", { vars: { UPSTREAM: `https://a:${SECRET}@b` } }],
    ["an upstream that is not bound", "UPSTREAM", { vars: { UPSTREAM: "service:NOBODY" } }],
    ["routes that are no list", "ROUTES", { vars: { ROUTES: SECRET } }],
    [
      "a route with an unknown field",
      "ROUTES[0]",
      { vars: { ROUTES: [{ path: "/", pubic: true }] } },
    ],
    [
      "a route's bad pattern",
      "ROUTES[1].path",
      { vars: { ROUTES: [{ path: "/a" }, { path: "/b*" }] } },
    ],
    ["an app without an id", "APPS[0].id", { vars: { APPS: [{ name: "a" }] } }],
    ["an app's id that is a path", "APPS[0].id", { vars: { APPS: [{ id: "a/b", name: "a" }] } }],
    ["an app's id that is long", "APPS[0].id", { vars: { APPS: [{ id: "a".repeat(65) }] } }],
    [
      "an app that stands twice",
      "APPS[1].id",
      { vars: { APPS: ["a", "a"].map((id) => ({ id, name: id })) } },
    ],
    [
      "an app with an unknown field",
      "APPS[0].origins",
      { vars: { APPS: [{ id: "a", name: "a", origins: [] }] } },
    ],
    ...[
      "https://a.example/",
      "https://*.a.example",
      "*",
      "a.example",
      "null",
      "'self'",
      SECRET,
    ].map((origin) => [
      `an app for the origin ${origin === SECRET ? "of a secret" : origin}`,
      "APPS[0].allowedOrigins",
      { vars: { APPS: [{ id: "a", name: "a", allowedOrigins: ["https://a.example", origin] }] } },
    ]),
    [
      "an app's upstream in plain text",
      "APPS[0].upstream",
      {
        vars: {
          APPS: [{ id: "a", name: "a", upstream: `http://${SECRET}` }],
          DEVELOPMENT: false,
        },
      },
    ],
    [
      "an app's upstream that is not bound",
      "APPS[0].upstream",
      { vars: { APPS: [{ id: "a", name: "a", upstream: "service:NOBODY" }] } },
    ],
    [
      "an app's policy on two lines",
      "APPS[0].permissionsPolicy",
      { vars: { APPS: [{ id: "a", name: "a", permissionsPolicy: `camera=()\r\n${SECRET}: 1` }] } },
    ],
    [
      "apps without session keys",
      "SESSION_KEYS",
      { vars: { APPS: [APP], SESSION_KEYS: undefined } },
    ],
    ["a short session key", "SESSION_KEYS", { vars: { SESSION_KEYS: "k1:c2hvcnQ=" } }],
    ["session keys of one id", "SESSION_KEYS", { vars: { SESSION_KEYS: `${KEY},${KEY}` } }],
    ...["https://a.example", "a.example:8443", "a.example/", "*", "*.*.a.example", "A.example"].map(
      (host) => [`the embed host ${host}`, "EMBED_HOST", { vars: { EMBED_HOST: host } }],
    ),
    ["an unknown compatibility", "COMPAT", { vars: { COMPAT: ["tooljet", SECRET] } }],
    ["a compatibility that is no list", "COMPAT", { vars: { COMPAT: "tooljet" } }],
    ["a workspace in capitals", "WORKSPACES", { vars: { WORKSPACES: ["Default"] } }],
    ["an unknown consistency", "CONSISTENCY", { vars: { CONSISTENCY: SECRET } }],
    ["session keys without an id", "SESSION_KEYS", { vars: { SESSION_KEYS: SECRET } }],
    ["a short metrics key", "METRICS_KEY", { vars: { METRICS_KEY: SECRET.slice(0, 31) } }],
    ["an assertion key that is none", "ASSERTION_KEY", { vars: { ASSERTION_KEY: SECRET } }],
    ...[
      ["is public", ({ d, ...key }) => key],
      ["is of another curve", (key) => ({ ...key, crv: "P-384" })],
      ["has no id", ({ kid, ...key }) => key],
      ["is a set of none", () => ({ keys: [] })],
      ["is a set with a public one", ({ d, ...key }) => ({ keys: [{ ...key, d }, key] })],
      ["is a list", (key) => [key]],
      ["is half of one", (key) => JSON.stringify(key).slice(0, -9)],
    ].map(([what, change]) => [
      `an assertion key that ${what}`,
      "ASSERTION_KEY",
      { vars: { ASSERTION_KEY: assertionKey(change) } },
    ]),
    ...[
      ["are empty, with apps", ""],
      ["are no base64", `k1:${"%".repeat(44)}`],
      ["are short, the second", `${KEY},k2:c2hvcnQ=`],
      ["have an empty id", KEY.slice(2)],
    ].map(([what, keys]) => [
      `session keys that ${what}`,
      "SESSION_KEYS",
      { vars: { APPS: [APP], SESSION_KEYS: keys } },
    ]),
    ["a message key without its URL", "NOTIFY", { vars: { NOTIFY_KEY: SECRET } }],
    ["a URL of leak keys that is none", "LEAK_KEYS_URL", { vars: { LEAK_KEYS_URL: SECRET } }],
    ["a provider that is none", "IDENTITY", { vars: { IDENTITY: SECRET } }],
    [
      "a provider without keys",
      "IDENTITY",
      { vars: { IDENTITY: { issuer: "https://a.example" } } },
    ],
    ["limits that are none", "LIMITS", { vars: { LIMITS: { creations: SECRET } } }],
    ["days that are none", "AUDIT_DAYS", { vars: { AUDIT_DAYS: SECRET } }],
    [
      "a management host that is a URL",
      "MANAGEMENT_HOST",
      { vars: { MANAGEMENT_HOST: "https://a" } },
    ],
    [
      "an upstream's credential on two lines",
      "UPSTREAM_AUTHORIZATION",
      {
        vars: { UPSTREAM_AUTHORIZATION: `Bearer a\r\n${SECRET}` },
      },
    ],
    ["no second rate limiter", "LOOKUPS_BY_LEDGER", { without: ["LOOKUPS_BY_LEDGER"] }],
    ["an unknown variable", "UPSTREEM", { vars: { UPSTREEM: SECRET } }],
    ["no KV", "RECORDS", { without: ["RECORDS"] }],
    ["no ledger", "LEDGER", { without: ["LEDGER"] }],
    ["no directory", "DIRECTORY", { without: ["DIRECTORY"] }],
    ["no assets", "ASSETS", { without: ["ASSETS"] }],
    ["no rate limiter", "LOOKUPS_BY_ADDRESS", { without: ["LOOKUPS_BY_ADDRESS"] }],
  ]) {
    test(name, async (t) => {
      const gate = await startRawGate(options);
      t.after(() => gate.stop());
      const token = makeToken();
      gate.kv.values.set(keyOf(token), makeRecord(token));
      for (const [target, headers] of [
        ["/x", [["Authorization", `Bearer ${token}`]]],
        ["/public/hello", []],
        ["/gatepass/healthz", []],
        ["/gatepass/api/tokens", [["Authorization", `Basic ${gate.operatorKey}`]]],
        ["/embed-apps/jobs", []],
      ]) {
        const answer = await rawRequest({ port: gate.port, target, headers });
        const { detail } = assertRefused(answer, 500, "config_invalid");
        assert.ok(detail.includes(field), detail);
        assert.ok(!answer.text.includes(SECRET.slice(0, 31)), detail);
      }
      assert.ok(gate.output().includes(field));
      assert.ok(!gate.output().includes(SECRET.slice(0, 31)));
    });
  }
});

test("what wrangler adds by itself is no unknown variable", async (t) => {
  const gate = await startRawGate({ vars: { SESSION_KEYS: undefined, APPS: undefined } });
  t.after(() => gate.stop());
  assert.equal((await rawRequest({ port: gate.port, target: "/public/hello" })).status, 200);
});
