import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { by, listAll, until } from "../support/api.mjs";
import {
  assertFramedBy,
  assertIn,
  assertOut,
  assertPage,
  AS,
  enter,
  maxAge,
  newUser,
  openWith,
  placeOf,
  startEmbedGate,
} from "../support/embeds.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused } from "../support/refusals.mjs";
import { basic, keyOf } from "../support/tokens.mjs";

const PATH = "/api/ext/users/personal-access-token";
// A ToolJet app id is a UUID; its host page is the app's to name.
const APP = "8ba8bf0e-6b8f-4d0b-9d3b-0a1c2d3e4f50";
const ORIGINS = ["https://portal.example"];
const APPS = [
  { id: APP, name: "ToolJet app", allowedOrigins: ORIGINS },
  { id: "jobs", name: "Jobs", allowedOrigins: ORIGINS },
];

let gate;
before(async () => (gate = await startEmbedGate({ vars: { APPS } })));
after(() => gate?.stop());

/** The request as a client of ToolJet's makes it. */
const post = (body, { authorization = `Basic ${gate.operatorKey}`, ...options } = {}) =>
  rawRequest({
    port: gate.port,
    method: "POST",
    target: PATH,
    headers: [
      ...(authorization === null ? [] : [["Authorization", authorization]]),
      ["Content-Type", "application/json"],
    ],
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...options,
  });

const wanted = (fields = {}) => ({
  email: newUser().email,
  appId: APP,
  sessionExpiry: 60,
  patExpiry: 1_000_000,
  ...fields,
});

/** A new token: what a client gets, and its record's id. */
async function make(fields) {
  const body = wanted(fields);
  const answer = await post(body);
  assert.equal(answer.status, 200, answer.text);
  const { personalAccessToken: token, redirectUrl } = answer.json();
  const [{ id }] = await listAll(gate, { user: body.email });
  return { id, token, embedUrl: redirectUrl, email: body.email };
}

const stateOf = async ({ id }) => (await gate.api("GET", `/tokens/${id}`)).body.state;

describe("ToolJet's request", () => {
  test("byte for byte as its documentation prints it", async () => {
    const body = `{
  "email": "a1@tooljet.com",
  "appId": "${APP}",
  "sessionExpiry": 60,
  "patExpiry": 1000000
}`;
    const head =
      `POST ${PATH} HTTP/1.1\r\nHost: 127.0.0.1:${gate.port}\r\n` +
      `Authorization: Basic ${gate.operatorKey}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n`;
    const answer = await rawRequest({ port: gate.port, bytes: head + body });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.header("Content-Type"), "application/json");
    assert.equal(answer.header("Cache-Control"), "no-store");
    const { personalAccessToken, redirectUrl, ...rest } = answer.json();
    assert.deepEqual(rest, {});
    assert.match(personalAccessToken, /^pat_embed_[0-9A-Za-z]{36}$/);
    const host = `${placeOf("default", "a1@tooljet.com", APP)}.embed.test:${gate.port}`;
    const query = `?personal-access-token=${personalAccessToken}`;
    assert.equal(redirectUrl, `http://${host}/embed-apps/${APP}${query}`);
  });

  test("is answered to the operator key alone: raw, or base64 of user:key", async () => {
    const key = gate.operatorKey;
    for (const authorization of [
      `Basic ${key}`,
      `basic ${key}`,
      basic("", key),
      basic("tooljet", key),
    ]) {
      assert.equal((await post(wanted(), { authorization })).status, 200, authorization);
    }
    const pat = await gate.createToken({ scopes: ["tokens"], apps: ["*"] });
    for (const authorization of [
      null,
      "Basic",
      `Basic ${key.slice(0, -1)}`,
      `Basic ${key}x`,
      `Bearer ${key}`,
      key,
      `Basic ${Buffer.from(key).toString("base64")}`,
      basic(key, ""),
      basic("any", pat.token),
      `Bearer ${pat.token}`,
      `Basic ${key}, Basic ${key}`,
    ]) {
      const answer = await post(wanted(), { authorization });
      assert.equal(answer.status, 401, `${authorization} ${answer.text}`);
      assert.equal(answer.header("Content-Type"), "application/problem+json");
      assert.ok(!answer.text.includes("pat_embed_"));
    }
  });

  test("of a page of another site is refused, though the browser adds the key", async () => {
    for (const header of [
      ["Sec-Fetch-Site", "cross-site"],
      ["Sec-Fetch-Site", "same-site"],
      ["Origin", "https://evil.example"],
      ["Origin", "null"],
    ]) {
      const headers = [
        ["Authorization", basic("any", gate.operatorKey)],
        ["Content-Type", "application/json"],
        header,
      ];
      assertRefused(await post(wanted(), { headers }), 403, "cross_site");
    }
  });

  for (const [field, value] of [
    ["email", undefined],
    ["email", null],
    ["email", ""],
    ["email", "nobody"],
    ["email", "a@b@c"],
    ["email", "Ada <ada@example.com>"],
    ["email", ["a@b"]],
    ["email", `${"a".repeat(250)}@example.com`],
    ["appId", undefined],
    ["appId", 7],
    ["sessionExpiry", undefined],
    ["sessionExpiry", 0],
    ["sessionExpiry", -1],
    ["sessionExpiry", 1.5],
    ["sessionExpiry", "60"],
    ["sessionExpiry", 576_001],
    ["sessionExpiry", null],
    ["patExpiry", undefined],
    ["patExpiry", 0],
    ["patExpiry", -5],
    ["patExpiry", "1000000"],
    ["patExpiry", 3_155_760_001],
    ["patExpiry", 2 ** 40],
    ["never", true],
    ["user", { id: "mallory" }],
  ]) {
    test(`is 400 with the field for ${field}: ${JSON.stringify(value)?.slice(0, 40)}`, async () => {
      const problem = assertRefused(await post(wanted({ [field]: value })), 400, "invalid_field");
      assert.equal(problem.field, field);
    });
  }

  test("is refused with no JSON, no object, or a field twice", async () => {
    for (const body of ["", "[]", "null", "{", '{"email":"a@b","email":"c@d"}']) {
      assert.equal((await post(body)).status, 400, body);
    }
    const headers = [["Authorization", `Basic ${gate.operatorKey}`]];
    const asForm = [...headers, ["Content-Type", "application/x-www-form-urlencoded"]];
    assert.equal((await post(wanted(), { headers: asForm })).status, 415);
  });

  test("is 404 for an app that is not configured", async () => {
    for (const appId of ["none", "", "*", "../jobs", "https://evil.example", APP.toUpperCase()]) {
      assertRefused(await post(wanted({ appId })), 404, "app_mismatch");
    }
  });

  test("RFC 9110 §15.5.6: is POST alone", async () => {
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const body = ["GET", "HEAD", "OPTIONS"].includes(method) ? undefined : "{}";
      const headers = [["Authorization", `Basic ${gate.operatorKey}`]];
      const answer = await rawRequest({ port: gate.port, method, target: PATH, headers, body });
      assert.equal(answer.status, 405, method);
      assert.equal(answer.header("Allow"), "POST");
    }
    assert.equal((await post(wanted(), { target: `${PATH}?a=1` })).status, 400);
    assert.notEqual((await post(wanted(), { target: `${PATH}/` })).status, 200);
  });

  test("RFC 6585 §4: is 429 past 10 a minute for one user, with Retry-After", async () => {
    const { email } = newUser();
    for (let i = 0; i < 10; i++) {
      const appId = i % 2 ? APP : "jobs";
      assert.equal((await post(wanted({ email, appId }))).status, 200);
    }
    for (const fields of [{ email }, { email: email.toUpperCase() }, { email, appId: "jobs" }]) {
      const problem = await post(wanted(fields));
      assertRefused(problem, 429, "rate_limited");
      assert.ok(Number(problem.header("Retry-After")) <= 60);
    }
    assert.equal((await post(wanted())).status, 200, "another user");
    const own = { name: "x", kind: "embed", app: "jobs", user: { email } };
    assert.equal((await gate.api("POST", "/tokens", own)).status, 201, "by Gatepass's own API");
  });
});

describe("a token that ToolJet's request makes", () => {
  test("opens the app for the user of that address, for as long as was asked", async () => {
    const made = await make({ email: "Mixed.Case@Example.com", sessionExpiry: 7 });
    const visit = await openWith(gate, made);
    const { headers } = await visit.echo();
    assert.equal(headers["gatepass-email"], "mixed.case@example.com");
    assert.equal(headers["gatepass-user"], "mixed.case@example.com");
    assert.equal(headers["gatepass-app"], APP);
    const entry = await enter(gate, made.embedUrl);
    assert.ok(Math.abs(maxAge(entry.header("Set-Cookie")) - 420) <= 2);
    assertFramedBy(entry, ORIGINS);
    const { body } = await gate.api("GET", `/tokens/${made.id}`);
    assert.equal(body.kind, "embed");
    assert.deepEqual(body.apps, [APP]);
    assert.equal(body.sessionMinutes, 7);
    assert.equal(body.singleUse, false);
    assert.equal(Date.parse(body.expiresAt) - Date.parse(body.createdAt), 1_000_000_000);
  });

  test("ends after its patExpiry, and its sessions with it", async () => {
    const made = await make({ patExpiry: 3 });
    const visit = await openWith(gate, made);
    await until(async () => (await visit.ask("/public/hello")).status === 401, "its end", 5000);
    assertPage(await enter(gate, made.embedUrl), 401, "token_expired", ORIGINS);
  });

  test("is for the user whom the directory knows by that address", async () => {
    const user = newUser();
    await gate.createToken({ user });
    const visit = await openWith(gate, await make({ email: user.email }));
    assert.equal((await visit.echo()).headers["gatepass-user"], user.id);
    assert.equal(visit.place, placeOf("default", user.id, APP));
  });

  test("is one of a user and app: the next turns it into used, and its sessions live on", async () => {
    const { email } = newUser();
    const first = await make({ email });
    const [one, two] = [await openWith(gate, first), await openWith(gate, first)];
    const elsewhere = await make({ email, appId: "jobs" });
    const stranger = await make({});
    const second = await make({ email });
    assert.equal(await stateOf(first), "used");
    assert.equal(await stateOf(second), "active");
    assert.equal(await stateOf(elsewhere), "active");
    assert.equal(await stateOf(stranger), "active");
    assertPage(await enter(gate, first.embedUrl), 401, "token_used", ORIGINS);
    await assertIn(one);
    await assertIn(two);
    const three = await openWith(gate, second);
    assert.equal(three.place, one.place);
    await until(() => JSON.parse(gate.kv.values.get(keyOf(first.token))).st === "u", "KV");

    // Revoking the new one ends all of them.
    assert.equal((await gate.api("DELETE", `/tokens/${second.id}`)).status, 204);
    for (const visit of [one, two, three]) await assertOut(visit, 401, "token_revoked", ORIGINS);
    assert.equal(await stateOf(first), "revoked");
    await openWith(gate, elsewhere);
    await openWith(gate, stranger);
  });

  test("and two more: revoking the last ends the sessions of the first too", async () => {
    const { email } = newUser();
    const first = await make({ email });
    const visit = await openWith(gate, first);
    const second = await make({ email });
    const third = await make({ email });
    assert.deepEqual([await stateOf(first), await stateOf(second)], ["used", "used"]);
    assert.equal((await gate.api("DELETE", `/tokens/${third.id}`)).status, 204);
    await assertOut(visit, 401, "token_revoked", ORIGINS);
  });

  test("that was disabled before it was replaced opens nothing when it is enabled again", async () => {
    const { email } = newUser();
    const first = await make({ email });
    const visit = await openWith(gate, first);
    const change = (enabled) => gate.api("PATCH", `/tokens/${first.id}`, { enabled });
    assert.equal((await change(false)).status, 200);
    await make({ email });
    await assertOut(visit, 401, "token_disabled", ORIGINS);
    const enabled = await change(true);
    assert.equal(enabled.body.state ?? enabled.status, "used", JSON.stringify(enabled.body));
    assertPage(await enter(gate, first.embedUrl), 401, "token_used", ORIGINS);
    await assertIn(visit);
  });

  test("leaves tokens of Gatepass's own API alone, and they leave it alone", async () => {
    const { email } = newUser();
    const mine = { name: "x", kind: "embed", app: APP, user: { email } };
    const before = (await gate.api("POST", "/tokens", mine)).body;
    const made = await make({ email });
    const later = (await gate.api("POST", "/tokens", mine)).body;
    for (const token of [before, made, later]) assert.equal(await stateOf(token), "active");
  });

  test("shows nowhere again", async () => {
    const made = await make({});
    const listed = await gate.api("GET", `/tokens?user=${encodeURIComponent(made.email)}`);
    assert.ok(!JSON.stringify(listed.body).includes(made.token.slice(14)));
    assert.ok(!gate.output().includes(made.token.slice(14)));
    for (const [key, value] of gate.kv.values) {
      assert.ok(!`${key}${value}`.includes(made.token.slice(14)));
    }
  });

  test("works in path places alike", async (t) => {
    const path = await startEmbedGate({ vars: { APPS, EMBED_HOST: undefined } });
    t.after(() => path.stop());
    const answer = await rawRequest({
      port: path.port,
      method: "POST",
      target: PATH,
      headers: [
        ["Authorization", `Basic ${path.operatorKey}`],
        ["Content-Type", "application/json"],
      ],
      body: JSON.stringify(wanted({ email: "a1@tooljet.com" })),
    });
    const { personalAccessToken: token, redirectUrl } = answer.json();
    const base = `http://127.0.0.1:${path.port}/embed-apps/${APP}`;
    assert.equal(redirectUrl, `${base}?personal-access-token=${token}`);
    const entry = await enter(path, redirectUrl, { as: AS.frame });
    const place = placeOf("default", "a1@tooljet.com", APP);
    assert.equal(entry.header("Location"), `/embed-apps/${APP}/~${place}/?gp-opened=1`);
  });
});

describe("COMPAT", () => {
  test("without tooljet leaves the path to the upstream, and the key away from it", async (t) => {
    const off = await startEmbedGate({ vars: { APPS, COMPAT: [] } });
    t.after(() => off.stop());
    const pat = await off.createToken();
    const ask = (authorization) =>
      rawRequest({
        port: off.port,
        method: "POST",
        target: PATH,
        headers: [
          ["Authorization", authorization],
          ["Content-Type", "application/json"],
        ],
        body: JSON.stringify(wanted()),
      });
    const refused = await ask(`Basic ${off.operatorKey}`);
    assert.ok([400, 401].includes(refused.status), refused.text);
    assert.ok(!refused.text.includes("pat_embed_"));
    const passed = await ask(`Bearer ${pat.token}`);
    assert.equal(passed.status, 404);
    assert.match(passed.text, /there is nothing here/); // the upstream's words
    const embed = await off.api("POST", "/tokens", {
      ...{ name: "x", kind: "embed", app: "jobs", user: newUser() },
    });
    assert.equal(embed.status, 201);
  });

  test("with tooljet takes the path from the upstream, PAT or not", async () => {
    const pat = await gate.createToken();
    const answer = await gate.api("GET", "/tokens/self", undefined, by(pat.token));
    assert.equal(answer.status, 200);
    const asked = await post(wanted(), { authorization: `Bearer ${pat.token}` });
    assert.equal(asked.status, 401);
  });
});
