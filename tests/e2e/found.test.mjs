// What the description of the API ran into once, and shall not again.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { mint, openWith, startEmbedGate } from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { startProvider } from "../support/oidc.mjs";
import { setSettings } from "../support/settings.mjs";

const HEADER = "x-identity";
const ADA = { sub: "ada", email: "ada@example.com", email_verified: true };
const BOSS = { sub: "boss", email: "boss@example.com", email_verified: true, roles: ["admin"] };

let provider;
before(async () => (provider = await startProvider()));
after(() => provider?.stop());

/** A gate that knows people by the provider, stopped with the test. */
async function startGate(t, { identity, ...vars } = {}) {
  const { issuer, audience, jwks } = provider;
  const known = { issuer, audience, jwks, header: HEADER, algorithms: ["ES256"], ...identity };
  const gate = await startEmbedGate({ vars: { IDENTITY: known, ...vars } });
  t.after(() => gate.stop());
  return gate;
}

const signedIn = async (claims) => ({
  auth: "",
  headers: { [HEADER]: await provider.token(claims) },
});

const actions = async (gate, query) =>
  (await gate.api("GET", `/audit?${query}`)).body.result.map(({ action }) => action);

describe("the audit trail of a user tells", () => {
  for (const [who, asks] of [
    ["the operator", () => undefined],
    ["an admin", () => signedIn(BOSS)],
  ]) {
    test(`that ${who} killed the sessions of a token`, async (t) => {
      const gate = await startGate(t);
      const token = await mint(gate);
      await openWith(gate, token);
      const path = `/sessions?token=${token.id}`;
      const killed = await gate.api("DELETE", path, undefined, await asks());
      assert.equal(killed.status, 204);
      assert.equal((await actions(gate, `user=${token.user.id}`))[0], "sessions.killed");
    });

    test(`that ${who} was refused a change of a token`, async (t) => {
      const gate = await startGate(t);
      const { id, user } = await gate.createToken({ user: { id: "grace" } });
      await gate.api("DELETE", `/tokens/${id}`);
      const refused = await gate.api("PATCH", `/tokens/${id}`, { name: "x" }, await asks());
      assert.equal(refused.status, 409);
      const query = `user=${user.id}&result=invalid_request`;
      assert.deepEqual(await actions(gate, query), ["token.changed"]);
    });
  }
});

describe("a sign-in with the operator key", () => {
  let gate;
  before(async () => {
    gate = await startRawGate({ vars: { WORKSPACES: ["default", "acme"] } });
  });
  after(() => gate?.stop());

  async function signIn(query = "") {
    const { headers } = await gate.api("POST", `/sign-in${query}`);
    return { auth: "", headers: { cookie: headers.get("set-cookie").split(";")[0] } };
  }

  test("is over when it is signed out, whatever workspace is named", async () => {
    const operator = await signIn();
    const answer = await gate.api("DELETE", "/sign-in?workspace=acme", undefined, operator);
    assert.equal(answer.status, 204);
    assert.equal((await gate.api("GET", "/sign-in", undefined, operator)).status, 401);
  });

  test("is in the trail of the first workspace, whatever workspace is named", async () => {
    const before = (await actions(gate, "action=operator.signed_in")).length;
    await signIn("?workspace=acme");
    assert.equal((await actions(gate, "action=operator.signed_in")).length, before + 1);
  });
});

describe("RFC 9110 §15.5.2: a challenge comes with the 401", () => {
  test("to a JWT that is no good", async (t) => {
    const gate = await startGate(t);
    const headers = { [HEADER]: "a.b.c" };
    const answer = await fetch(`${gate.url}/gatepass/api/sign-in`, { headers });
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer realm="Gatepass"/);
  });

  test("to a report that is not signed", async (t) => {
    const gate = await startGate(t, { LEAK_KEYS_URL: provider.jwks });
    const answer = await fetch(`${gate.url}/gatepass/leaks/github`, { method: "POST", body: "[]" });
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer realm="Gatepass"/);
  });
});

test("who has no address is shown with null, as everywhere", async (t) => {
  const gate = await startGate(t);
  const { body } = await gate.api("GET", "/sign-in", undefined, await signedIn({ sub: "grace" }));
  assert.deepEqual(body.user, { id: "grace", email: null });
});

test("12d Synergy's generate-pat makes a person's token of the scopes on offer alone", async (t) => {
  const gate = await startGate(t);
  await setSettings(gate, "default", { scopes: [{ name: "odata", description: "" }] });
  const answer = await fetch(`${gate.url}/api/v1/auth/generate-pat`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(await signedIn(ADA)).headers },
    body: JSON.stringify({ ClientId: "c", Name: "n", ExpireInDays: 1 }),
  });
  assert.equal(answer.status, 200, await answer.text());
});

test("one claim may say two things: an address may be the role of an admin", async (t) => {
  const identity = { claims: { roles: "email" }, adminRole: BOSS.email };
  const gate = await startGate(t, { identity });
  const { body } = await gate.api("GET", "/sign-in", undefined, await signedIn(BOSS));
  assert.equal(body.role, "admin");
});

test("a NOTIFY_KEY that is none is a mistake in the configuration", async (t) => {
  const gate = await startGate(t, { NOTIFY_URL: provider.issuer, NOTIFY_KEY: "hunter2" });
  const answer = await fetch(`${gate.url}/gatepass/healthz`);
  assert.equal(answer.status, 500);
  assert.match((await answer.json()).detail, /^NOTIFY_KEY /);
});
