import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { JOBS, MODES, open, send, startEmbedGate } from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused } from "../support/refusals.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { keyOf, makeRecord, makeToken, seconds } from "../support/tokens.mjs";

const PATH = "/gatepass/jwks.json";
const AUDIENCE = "service:DEMO";

function newKey(kid, type = "ec", options = { namedCurve: "P-256" }) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), kid };
}

/** A gate that signs with these keys, given as ASSERTION_KEY takes them. */
const startWith = (key, vars) =>
  startRawGate({ vars: { ...vars, ASSERTION_KEY: key && JSON.stringify(key) } });

const bearer = (token) => ["Authorization", `Bearer ${token}`];

/** A token that the isolate has not met, with these fields of its record. */
function newToken(gate, fields) {
  const token = makeToken();
  gate.kv.values.set(keyOf(token), makeRecord(token, fields));
  return token;
}

/** The headers that the demo upstream got. */
async function echo(gate, headers, target = "/echo/") {
  const answer = await rawRequest({ port: gate.port, target, headers });
  assert.equal(answer.status, 200, answer.text);
  return answer.json().headers;
}

/** The header and claims of an assertion that the published keys verify. */
async function verified(gate, jwt, audience = AUDIENCE) {
  const keys = createRemoteJWKSet(new URL(gate.url + PATH));
  const options = { issuer: "gatepass", audience, typ: "JWT", algorithms: ["ES256", "EdDSA"] };
  const { protectedHeader, payload } = await jwtVerify(jwt, keys, options);
  return { header: protectedHeader, claims: payload };
}

let gate;
let key;
let created;
before(async () => {
  key = newKey("a-kid");
  gate = await startWith(key);
  created = await gate.createToken({ scopes: ["jobs:read", "odata"] });
});
after(() => gate?.stop());

describe("the assertion", () => {
  test("says what the headers say, for 60 seconds, and is verified by the published key", async () => {
    const before = seconds();
    const headers = await echo(gate, [bearer(created.token)]);
    const { header, claims } = await verified(gate, headers["gatepass-assertion"]);
    assert.deepEqual(header, { alg: "ES256", kid: "a-kid", typ: "JWT" });
    const { iat, exp, ...said } = claims;
    assert.equal(exp - iat, 60);
    assert.ok(before <= iat && iat <= seconds(), `${before} ${iat}`);
    assert.deepEqual(said, {
      ...{ iss: "gatepass", aud: AUDIENCE, sub: "ada", email: "ada@example.com" },
      ...{ workspace: "default", token_id: created.id, scope: "jobs:read odata" },
    });
    assert.equal(headers["gatepass-token-id"], said.token_id);
  });

  test("is one for all requests with a token, and no other's", async () => {
    const one = await gate.createToken();
    const other = await gate.createToken();
    const asked = [one, other, one, other].map(({ token }) => echo(gate, [bearer(token)]));
    const got = await Promise.all(asked);
    const [first, second, again, twice] = got.map((headers) => headers["gatepass-assertion"]);
    assert.equal(first, again);
    assert.equal(second, twice);
    assert.equal(decodeJwt(first).token_id, one.id);
    assert.equal(decodeJwt(second).token_id, other.id);
  });

  test("RFC 7519 §2: has text as it is, where headers are percent-encoded", async () => {
    const token = newToken(gate, { uid: "Zoë 100%\r\n\u{1f511}", em: "", sc: [] });
    const headers = await echo(gate, [bearer(token)]);
    const { claims } = await verified(gate, headers["gatepass-assertion"]);
    assert.equal(claims.sub, "Zoë 100%\r\n\u{1f511}");
    assert.ok(!("email" in claims) && !("scope" in claims));
  });

  test("goes with each of many first requests at once", async () => {
    const users = Array.from({ length: 60 }, (_, n) => `user-${n % 20}`);
    const tokens = new Map(users.map((uid) => [uid, newToken(gate, { uid })]));
    const keys = createLocalJWKSet(await (await fetch(gate.url + PATH)).json());
    const got = await Promise.all(users.map((uid) => echo(gate, [bearer(tokens.get(uid))])));
    for (const [at, headers] of got.entries()) {
      const { payload } = await jwtVerify(headers["gatepass-assertion"], keys);
      assert.equal(payload.sub, users[at]);
    }
    assert.equal(new Set(got.map((headers) => headers["gatepass-assertion"])).size, 20);
  });

  test("is not there on public routes, with a token or without", async (t) => {
    const ROUTES = [{ path: "/echo/*", public: true }];
    const open = await startWith(key, { ROUTES });
    t.after(() => open.stop());
    const { token } = await open.createToken();
    for (const headers of [[], [bearer(token)], [["Host", "gatepass-user"]]]) {
      const got = await echo(open, headers);
      assert.equal(got["gatepass-user"], undefined);
      assert.equal(got["gatepass-assertion"], undefined);
    }
  });

  for (const name of ["Gatepass-Assertion", "GATEPASS_ASSERTION", "gatepass_Assertion"]) {
    test(`that a client sends as ${name} does not arrive`, async () => {
      const token = newToken(gate);
      const own = (await echo(gate, [bearer(token)]))["gatepass-assertion"];
      const forged = [name, "forged"];
      for (const headers of [[forged], [forged, [name, own]]]) {
        const got = await echo(gate, [bearer(token), ...headers]);
        assert.equal(got["gatepass-assertion"], own);
        assert.ok(!JSON.stringify(got).includes("forged"));
      }
      const headers = [["Authorization", "Bearer of.another.system"], forged, [name, own]];
      const open = await startWith(key, { ROUTES: [{ path: "/echo/*", public: true }] });
      const got = await echo(open, headers).finally(() => open.stop());
      assert.ok(!JSON.stringify(got).toLowerCase().includes("assertion"));
    });
  }

  test("is for the origin of an upstream that has a URL, WebSockets too", async (t) => {
    const upstream = await startServer((request, response) => {
      response.end(JSON.stringify({ headers: request.headers }));
    });
    t.after(() => upstream.stop());
    const upgraded = new Promise((done) => {
      upstream.onUpgrade((request, socket) => {
        done(request.headers);
        socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      });
    });
    const behind = await startWith(key, { UPSTREAM: `${upstream.url}/base` });
    t.after(() => behind.stop());
    const token = newToken(behind);
    const headers = await echo(behind, [bearer(token)]);
    await verified(behind, headers["gatepass-assertion"], upstream.url);
    const handshake = [
      ...[bearer(token), ["Connection", "Upgrade"], ["Upgrade", "websocket"]],
      ...[
        ["Sec-WebSocket-Version", "13"],
        ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
      ],
    ];
    await rawRequest({ port: behind.port, target: "/live", headers: handshake });
    assert.equal((await upgraded)["gatepass-assertion"], headers["gatepass-assertion"]);
  });

  test("that cannot be signed lets no request pass but a public one", async (t) => {
    const broken = await startWith({ ...key, d: "AAAA" });
    t.after(() => broken.stop());
    const headers = [bearer(newToken(broken))];
    for (let n = 0; n < 2; n++) {
      const answer = await rawRequest({ port: broken.port, target: "/echo/", headers });
      assertRefused(answer, 503, "store_unavailable");
    }
    const hello = await rawRequest({ port: broken.port, target: "/public/hello" });
    assert.equal(hello.status, 200);
    assert.match(broken.output(), /"event":"assertion_failed"/);
  });

  test("is not there without a key, and the headers are", async (t) => {
    const without = await startWith(undefined);
    t.after(() => without.stop());
    const got = await echo(without, [bearer(newToken(without))]);
    assert.equal(got["gatepass-user"], "ada");
    assert.equal(got["gatepass-assertion"], undefined);
    assert.deepEqual(await (await fetch(without.url + PATH)).json(), { keys: [] });
  });
});

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  test(`in a place it names the app, and is for the app's upstream: ${mode}`, async (t) => {
    const upstream = await startServer((request, response) => {
      response.end(JSON.stringify({ headers: request.headers }));
    });
    t.after(() => upstream.stop());
    const own = { id: "reports", name: "Reports", upstream: `${upstream.url}/base` };
    const embeds = await startEmbedGate({ vars: { EMBED_HOST, APPS: [JOBS, own] } });
    t.after(() => embeds.stop());
    for (const [app, audience] of [
      ["jobs", AUDIENCE],
      ["reports", upstream.url],
    ]) {
      const visit = await open(embeds, { app });
      const { headers } = await visit.echo({ headers: [["Gatepass-Assertion", "forged"]] });
      const { claims } = await verified(embeds, headers["gatepass-assertion"], audience);
      const { token } = visit;
      assert.equal(claims.app, app);
      assert.equal(claims.sub, token.user.id);
      assert.equal(claims.token_id, token.id);
      const again = await visit.echo();
      assert.equal(again.headers["gatepass-assertion"], headers["gatepass-assertion"]);
      // The keys are there on every host of the gate.
      const keys = await send(embeds, `${visit.origin}${PATH}`);
      assert.deepEqual(keys.json(), await (await fetch(embeds.url + PATH)).json());
    }
  });
}

describe("jwks.json", () => {
  const ask = (options) => rawRequest({ port: gate.port, target: PATH, ...options });

  test("RFC 7517 §8.5: is for anybody, and may be kept for five minutes", async () => {
    const answer = await ask();
    assert.equal(answer.status, 200);
    assert.equal(answer.header("Content-Type"), "application/jwk-set+json");
    assert.deepEqual(answer.headerAll("Cache-Control"), ["public, max-age=300"]);
    assert.equal(answer.header("Access-Control-Allow-Origin"), "*");
    assert.equal(answer.header("X-Content-Type-Options"), "nosniff");
    const { kty, crv, x, y, kid } = key;
    const published = { kty, crv, x, y, kid, alg: "ES256", use: "sig" };
    assert.deepEqual(answer.json(), { keys: [published] });
    assert.ok(!answer.text.includes(key.d));
  });

  test("RFC 9110 §15.5.6: answers HEAD as GET without a body, and no other method", async () => {
    const head = await ask({ method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.header("Content-Type"), "application/jwk-set+json");
    assert.equal(head.body.length, 0);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await ask({ method });
      assert.equal(answer.status, 405);
      assert.equal(answer.header("Allow"), "GET, HEAD");
    }
    assert.equal((await ask({ target: `${PATH}x` })).status, 404);
  });

  test("has each key of a set; the first signs, and the others still verify", async (t) => {
    const set = { keys: [newKey("new", "ed25519", {}), key] };
    const rotated = await startWith(set);
    t.after(() => rotated.stop());
    const { keys } = await (await fetch(rotated.url + PATH)).json();
    assert.deepEqual(
      keys.map(({ kid, alg }) => [kid, alg]),
      [
        ["new", "EdDSA"],
        ["a-kid", "ES256"],
      ],
    );
    assert.ok(keys.every((key) => !("d" in key)));
    const headers = await echo(rotated, [bearer(newToken(rotated))]);
    const { header } = await verified(rotated, headers["gatepass-assertion"]);
    assert.deepEqual([header.alg, header.kid], ["EdDSA", "new"]);
    const before = await echo(gate, [bearer(created.token)]);
    await verified(rotated, before["gatepass-assertion"]);
  });
});
