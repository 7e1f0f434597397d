// The package beside Gatepass's Worker, both on workerd over one KV namespace and with the same keys:
// what either makes, the other opens.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/api.mjs";
import {
  AS,
  assertPage,
  enter,
  JOBS,
  keysText,
  mint,
  newKey,
  newUser,
  open,
  PORTAL,
  sealSession,
  sessionOf,
  startEmbedGate,
  Visit,
} from "../support/embeds.mjs";
import { rawRequest } from "../support/raw.mjs";
import { keyOf } from "../support/tokens.mjs";
import { makeProjectInside, workerModules } from "./conformance/runtimes.mjs";

const EMBED_HOST = "*.embed.test";
const key = newKey();
const sessionKeys = keysText(key);

let project;
let gate;
before(async () => {
  project = await makeProjectInside();
  const options = { apps: [JOBS], embedHost: EMBED_HOST, sessionKeys, development: true };
  const beside = {
    name: "beside",
    modules: await workerModules(project.folder, "beside.mjs"),
    bindings: { RECORDS: { kvNamespace: "kv" }, OPTIONS: { json: options } },
  };
  gate = await startEmbedGate({
    vars: { EMBED_HOST, SESSION_KEYS: sessionKeys },
    workers: [beside],
    sockets: { beside: "beside" },
  });
});
after(async () => {
  await gate?.stop();
  await project?.remove();
});

/** Calls a function of the package. */
async function call(name, given) {
  const body = JSON.stringify({ [name]: given });
  const answer = await fetch(`http://127.0.0.1:${gate.ports.beside}`, { method: "POST", body });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${text}\n${gate.output().slice(-1000)}`);
  return JSON.parse(text);
}

/** Waits until KV has a token's record in that state: its ledger writes it when it has answered. */
const inKv = ({ token }, state) =>
  until(
    () => (gate.kv.values.get(keyOf(token)) ?? "").includes(`"st":"${state}"`),
    `the record is ${state} in KV`,
  );

const bearer = (token) => [["authorization", `Bearer ${token}`]];
const inLowerCase = (headers) => headers.map(([name, value]) => [name.toLowerCase(), value]);

/** What the package says of a request at the gate's own address. */
const checked = (token) =>
  call("check", { method: "GET", url: `${gate.url}/echo/x`, headers: bearer(token) });

/** What the package says of a request in a place, by a script there. */
const checkedInside = ({ origin, cookie }) => {
  const headers = [...inLowerCase(AS.script), ["cookie", cookie]];
  return call("check", { method: "GET", url: `${origin}/x`, headers });
};

/** What the Worker says to the token, and what its app got. */
async function asked(token) {
  const answer = await rawRequest({ port: gate.port, target: "/echo/x", headers: bearer(token) });
  return { status: answer.status, ...answer.json() };
}

describe("a token", () => {
  const fields = () => ({ name: "made", scopes: ["jobs:read"], user: newUser() });

  test("that the Worker made is let in by the package, as the same user's", async () => {
    const made = await gate.createToken(fields());
    await inKv(made, "a");
    const { identity } = await checked(made.token);
    const { id: tokenId, user, workspace, scopes } = made;
    assert.deepEqual(identity, { kind: "pat", tokenId, user, workspace, scopes });
  });

  test("that the package made is let in by the Worker, as the same user's", async () => {
    const made = await call("create", fields());
    const { status, headers } = await asked(made.token);
    assert.equal(status, 200);
    assert.equal(headers["gatepass-user"], made.user.id);
    assert.equal(headers["gatepass-email"], made.user.email);
    assert.equal(headers["gatepass-token-id"], made.id);
    assert.equal(headers["gatepass-scopes"], "jobs:read");
  });

  test("that the Worker revoked is refused by the package", async () => {
    const made = await gate.createToken(fields());
    assert.equal((await gate.api("DELETE", `/tokens/${made.id}`)).status, 204);
    await inKv(made, "r");
    const { status, text } = await checked(made.token);
    assert.deepEqual([status, JSON.parse(text).code], [401, "token_revoked"]);
  });

  test("that the package revoked is refused by the Worker", async () => {
    const made = await call("create", fields());
    assert.equal((await call("revoke", made.id)).state, "revoked");
    const { status, code } = await asked(made.token);
    assert.deepEqual([status, code], [401, "token_revoked"]);
  });

  test("that neither made is refused by both in the same words", async () => {
    const token = "pat_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17";
    const worker = await rawRequest({ port: gate.port, target: "/echo/x", headers: bearer(token) });
    assert.deepEqual(await checked(token), { status: worker.status, text: worker.text });
  });
});

describe("a session", () => {
  test("that was opened at the Worker opens in the package, and lets in there", async () => {
    const visit = await open(gate);
    await inKv(visit.token, "a");
    const { uid, kid, version, purpose, ...fields } = visit.session();
    assert.deepEqual(await call("openSession", visit.value), { user: uid, ...fields });
    const { identity } = await checkedInside(visit);
    const { token } = visit;
    assert.deepEqual(identity, {
      ...{ kind: "embed", tokenId: token.id, user: token.user, workspace: "default", scopes: [] },
      ...{ app: "jobs", sessionId: fields.id },
    });
  });

  test("that the package sealed is let in at the Worker, and is what anybody would seal", async () => {
    const token = await mint(gate);
    const { uid, ...fields } = sessionOf(token);
    const sealed = await call("sealSession", { user: uid, ...fields });
    assert.equal(sealed, sealSession({ uid, ...fields }, key));
    const cookie = `__Host-gp-${fields.place}=${sealed}`;
    const { headers } = await new Visit(gate, { token, url: token.embedUrl, cookie }).echo();
    assert.equal(headers["gatepass-user"], uid);
    assert.equal(headers["gatepass-session-id"], fields.id);
  });

  test("that was opened by the package is let in at the Worker", async () => {
    const token = await createEmbed();
    const url = token.embedUrl;
    const entry = await call("enter", { method: "GET", url, headers: inLowerCase(AS.frame) });
    assert.equal(entry.status, 303);
    const [cookie] = entry.cookie.split(";");
    const { headers } = await new Visit(gate, { token, url, cookie }).echo();
    assert.equal(headers["gatepass-token-id"], token.id);
    assert.equal(headers["gatepass-user"], token.user.id);
  });

  test("is opened at the Worker for no token of the package's: its ledger does not know that", async () => {
    const { token, embedUrl } = await createEmbed();
    const entry = await enter(gate, embedUrl);
    assertPage(entry, 401, "token_unknown");
    assert.ok(!entry.text.includes(token));
  });
});

/** An embed token that the package makes; its URL is the gate's. */
async function createEmbed() {
  const fields = { name: "an embed", kind: "embed", app: "jobs", allowedOrigins: [PORTAL] };
  const token = await call("create", { ...fields, user: newUser() });
  const { host } = new URL(token.embedUrl);
  const embedUrl = token.embedUrl.replace(`https://${host}`, `http://${host}:${gate.port}`);
  return { ...token, embedUrl };
}
