// Which JWTs the identity provider's word are, and what clients say of an identity themselves.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pause, until } from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { encoded, signed, startProvider } from "../support/oidc.mjs";
import {
  API,
  asking,
  byJwt,
  byOperator,
  byPat,
  identityBy,
  make,
  newPerson,
  ok,
  SIGN_IN,
  signIn,
  SYNERGY,
  TOKENS,
} from "../support/people.mjs";
import { assertRefused, BEARER, INVALID_TOKEN, visible } from "../support/refusals.mjs";
import { seconds } from "../support/tokens.mjs";

/** Milliseconds after which the provider is asked again for a key that is not known. */
const BETWEEN_FETCHES = 30_000;

/** What whoever shows nothing is told. */
const NOBODY_BY_PROVIDER = { user: null, workspace: null, role: null, signIn: "provider" };

let provider;
let gate;
before(async () => {
  provider = await startProvider();
  gate = await startRawGate({ vars: { IDENTITY: identityBy(provider) } });
});
after(() => Promise.all([gate?.stop(), provider?.stop()]));

describe("a JWT that is no good", () => {
  const asks = (jwt, target = SIGN_IN) => asking(gate, byJwt(jwt))("GET", target);

  /** Asserts that all are refused, in the same words; answers these. */
  async function assertRefusedAlike(jwts) {
    const answers = await Promise.all(jwts.map((jwt) => asks(jwt)));
    for (const answer of answers) {
      assert.equal(answer.status, 401, answer.text);
      assert.deepEqual(visible(answer), visible(answers[0]));
    }
    return answers[0];
  }

  /** Of an admin, in a minute no less good than others. */
  function goodClaims() {
    const { issuer: iss, audience: aud } = provider;
    return { ...newPerson({ roles: ["admin"] }), iss, aud, exp: seconds(300) };
  }

  test("is refused without a word on what is wrong", async (t) => {
    const stranger = await startProvider();
    t.after(() => stranger.stop());
    const key = provider.key("ES256");
    const good = goodClaims();
    const [header, , signature] = signed({}, good, key).split(".");
    const answer = await assertRefusedAlike([
      await provider.token({ ...good, aud: "other" }),
      await provider.token({ ...good, iss: stranger.issuer }),
      await provider.token({ ...good, exp: seconds(-40) }),
      await provider.token({ ...good, nbf: seconds(90) }),
      await provider.token({ ...good, alg: "RS256" }),
      await stranger.token(good),
      signed({}, good, { ...stranger.key("ES256"), kid: key.kid }),
      signed({}, { ...good, exp: undefined }, key),
      signed({ alg: "none" }, good, key),
      signed({ alg: "HS256" }, good, key),
      `${encoded({ alg: "none" })}.${encoded(good)}.`,
      `${header}.${encoded({ ...good, sub: "ada" })}.${signature}`,
      "a.b.c",
    ]);
    const { code, detail } = answer.json();
    assert.equal(code, "token_malformed");
    assert.equal(detail, "the identity provider's token is not valid here; sign in again");
    await ok(asks(signed({}, good, key)));
  });

  test("RFC 6750 §3: is told how to ask", async () => {
    const answer = await asks(await provider.token({ ...newPerson(), aud: "other" }));
    assertRefused(answer, 401, "token_malformed", [INVALID_TOKEN]);
  });

  test("or names nobody, or an address that nobody has verified, is refused alike", async () => {
    const wrong = [
      ...[{ sub: "" }, { sub: "a\nb" }, { sub: 7 }, { sub: undefined }],
      ...[false, "false", 0, null, undefined].map((email_verified) => ({ email_verified })),
      ...["nobody", "", null, ["a@example.com"]].map((email) => ({ email })),
    ];
    const key = provider.key("ES256");
    const jwts = wrong.map((claims) => signed({}, { ...goodClaims(), ...claims }, key));
    const answer = await assertRefusedAlike(jwts);
    assertRefused(answer, 401, "token_malformed", [INVALID_TOKEN]);
  });

  test("or is none, is nobody's", async () => {
    for (const text of ["", "x", "a.b", "a.b.c.d", `a.b.${"c".repeat(9_000)}`]) {
      assertRefused(await asks(text, TOKENS), 401, "token_missing", [BEARER]);
      assert.deepEqual(await ok(asks(text)), NOBODY_BY_PROVIDER);
    }
  });
});

test("what a client says of an identity is not believed", async () => {
  const { ask, jwt, sub } = await signIn(gate, provider);
  const { token } = await make(ask);
  const claims = JSON.stringify(newPerson({ sub: "mallory", roles: ["admin"] }));
  for (const header of [
    ["@identity", claims],
    ["@Identity", claims],
    ["X-A", `b\r\n @identity:${claims}`],
    ["X-A", `b\n@identity:${claims}`],
    ["X-A", `b\r@identity:${claims}`],
    ["User-Agent", `b @identity:${claims}`],
    ["Identity", claims],
    ["Gatepass-Identity", claims],
    ["Gatepass-User", "mallory"],
    ["Cf-Access-Authenticated-User-Email", "mallory@example.com"],
    ["Cookie", `CF_Authorization=${jwt}`],
  ]) {
    for (const [shown, user] of [
      [[], undefined],
      [byJwt(jwt), sub],
      [byPat(token), sub],
    ]) {
      const answer = await asking(gate, [header, ...shown])("GET", SIGN_IN);
      // What cannot be a header the runtime refuses by itself.
      const isHeader = !/^@|[\r\n]/.test(header.join());
      if (!isHeader && answer.status === 400) continue;
      if (user) assert.equal((await ok(answer)).user.id, user);
      else assert.deepEqual(await ok(answer), NOBODY_BY_PROVIDER);
    }
  }
  for (const [method, target] of [
    ["GET", `${SIGN_IN}%0a@identity:${encodeURIComponent(claims)}`],
    ["GET", `${SIGN_IN}?%0a@identity:${encodeURIComponent(claims)}`],
    ["GET", `${SIGN_IN}#\n@identity:${claims}`],
    ["@identity", SIGN_IN],
    ["@verify", SIGN_IN],
  ]) {
    const { status, text } = await asking(gate)(method, target);
    assert.ok([400, 401, 404, 501].includes(status), `${target} ${status} ${text}`);
    assert.ok(!text.includes("mallory"));
  }
});

test("no claim becomes another by how it is written", async () => {
  const forged = `x\n@identity:${JSON.stringify({ sub: "mallory", roles: ["admin"] })}\u2028`;
  const claims = newPerson({
    name: forged,
    "a\n@identity": forged,
    ROLES: "admin",
    Sub: "mallory",
  });
  const { ask, sub } = await signIn(gate, provider, claims);
  const { user, role } = await ok(ask("GET", SIGN_IN));
  assert.deepEqual([user.id, role], [sub, "user"]);
});

describe("an identity provider", { concurrency: true }, () => {
  async function scene(t, fault) {
    const own = await startProvider();
    own.fault = fault;
    const gate = await startRawGate({ vars: { IDENTITY: identityBy(own) } });
    t.after(() => Promise.all([gate.stop(), own.stop()]));
    return { own, gate, person: (claims) => signIn(gate, own, newPerson(claims)) };
  }

  for (const [what, keep] of [
    ["adds keys", true],
    ["replaces its keys", false],
  ]) {
    test(`that ${what} is believed by the new ones within half a minute`, async (t) => {
      const { own, gate, person } = await scene(t);
      const before = await person({ roles: ["admin"] });
      await ok(before.ask("GET", SIGN_IN));
      own.rotate({ keep });
      const { ask } = await person();
      assert.equal((await ask("GET", SIGN_IN)).status, 401);
      await ok(before.ask("GET", SIGN_IN));
      const isIn = async () => (await ask("GET", SIGN_IN)).status === 200;
      await pause(BETWEEN_FETCHES - 2_000);
      await until(isIn, "the new key");
      assert.equal(own.requests(), 2);
      const { status } = await before.ask("GET", SIGN_IN);
      assert.equal(status, keep ? 200 : 401);
      assert.equal(gate.output(), "");
    });
  }

  const faults = {
    "is away": (request) => request.socket.destroy(),
    "answers an error": (_, response) => response.writeHead(500).end("{}"),
    "answers a page instead of keys": (_, response) => response.end("<html>"),
  };
  for (const [what, fault] of Object.entries(faults)) {
    test(`that ${what} lets nobody in, and keeps nobody else out`, async (t) => {
      const { own, gate, person } = await scene(t, fault);
      const { ask, jwt } = await person({ roles: ["admin"] });
      for (const [method, target, options] of [
        ["GET", SIGN_IN],
        ["GET", TOKENS],
        ["POST", TOKENS, { json: { name: "x" } }],
        ["PUT", `${API}/settings`, { json: {} }],
        ["GET", SYNERGY.list],
      ]) {
        assertRefused(await ask(method, target, options), 503, "store_unavailable");
      }
      assert.equal((await asking(gate, byJwt("x"))("GET", TOKENS)).status, 401);
      const { token } = await make(asking(gate, byOperator(gate)), { user: { id: "ada" } });
      await ok(asking(gate, [...byPat(token), ...byJwt(jwt)])("GET", "/echo/x"));
      own.fault = undefined;
      const isBack = async () => (await ask("GET", SIGN_IN)).status === 200;
      await until(isBack, "the provider's return");
      assert.ok(!gate.output().includes(jwt.split(".")[2]));
    });
  }
});
