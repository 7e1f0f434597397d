import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { Identity } from "../src/worker/identity.js";
import { KeysUnavailable } from "../src/worker/keys-unavailable.js";
import { signed, startProvider } from "./support/oidc.mjs";

const ALGORITHMS = ["RS256", "ES256", "EdDSA"];
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const identityOf = ({ issuer, audience, jwks }) =>
  new Identity({ issuer, audience, jwks, algorithms: ALGORITHMS });

/** A provider of its own, and a clock that a test moves. */
async function scene(t) {
  const exp = Math.floor(Date.now() / SECOND) + 3600;
  const provider = await startProvider({ claims: { sub: "ada", exp } });
  t.after(() => provider.stop());
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const identity = identityOf(provider);
  return {
    provider,
    verify: (jwt) => identity.verify(jwt),
    pass: (milliseconds) => t.mock.timers.tick(milliseconds),
    keys: await (await fetch(`${provider.jwks}?`)).text(),
  };
}

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const unknown = (n) => signed({}, {}, { alg: "ES256", kid: `unknown ${n}`, privateKey });
const down = (_, response) => response.destroy();

describe("the provider's keys", () => {
  test("are fetched once, for many JWTs at once and one after the other", async (t) => {
    const { provider, verify } = await scene(t);
    const jwts = await Promise.all(ALGORITHMS.map((alg) => provider.token({ alg })));
    const many = await Promise.all([...jwts, ...jwts, ...jwts].map(verify));
    for (const claims of [...many, await verify(jwts[0])]) assert.equal(claims.sub, "ada");
    assert.equal(provider.requests(), 1);
  });

  test("are fetched without credentials", async (t) => {
    const { provider, verify, pass, keys } = await scene(t);
    const jwt = await provider.token();
    const seen = [];
    provider.fault = ({ method, headers }, response) => {
      seen.push({ method, headers });
      response.setHeader("set-cookie", "a=b").end(keys);
    };
    assert.equal((await verify(jwt)).sub, "ada");
    pass(30 * SECOND);
    assert.equal(await verify(unknown(1)), null);
    assert.equal(seen.length, 2);
    for (const { method, headers } of seen) {
      assert.equal(method, "GET");
      for (const name of ["authorization", "cookie", "referer", "origin"]) {
        assert.equal(headers[name], undefined, name);
      }
    }
  });

  test("are kept for ten minutes, and not a moment longer", async (t) => {
    const { provider, verify, pass } = await scene(t);
    const jwt = await provider.token();
    await verify(jwt);
    pass(10 * MINUTE - 1);
    assert.equal((await verify(jwt)).sub, "ada");
    assert.equal(provider.requests(), 1);
    pass(1);
    assert.equal((await verify(jwt)).sub, "ada");
    assert.equal(provider.requests(), 2);
  });

  test("that the provider withdrew are good for nothing after ten minutes", async (t) => {
    const { provider, verify, pass } = await scene(t);
    const jwt = await provider.token();
    await verify(jwt);
    provider.rotate();
    pass(10 * MINUTE - 1);
    assert.equal((await verify(jwt)).sub, "ada");
    pass(1);
    assert.equal(await verify(jwt), null);
  });

  for (const keep of [true, false]) {
    test(`that are new are found by their kid, the old ones ${keep ? "kept" : "gone"}`, async (t) => {
      const { provider, verify, pass } = await scene(t);
      const old = await provider.token();
      await verify(old);
      provider.rotate({ keep });
      const fresh = await provider.token();
      pass(30 * SECOND);
      const both = await Promise.all([verify(fresh), verify(fresh)]);
      for (const claims of both) assert.equal(claims.sub, "ada");
      assert.equal(provider.requests(), 2);
      assert.equal((await verify(old)) !== null, keep);
    });
  }

  test("are asked for once in 30 seconds, however many unknown kids there are", async (t) => {
    const { provider, verify, pass } = await scene(t);
    const jwt = await provider.token();
    await verify(jwt);
    for (let round = 1; round <= 3; round++) {
      pass(30 * SECOND - 1);
      await Promise.all(Array.from({ length: 50 }, (_, n) => verify(unknown(n))));
      assert.equal(provider.requests(), round);
      pass(1);
      const verdicts = await Promise.all(Array.from({ length: 50 }, (_, n) => verify(unknown(n))));
      assert.deepEqual(new Set(verdicts), new Set([null]));
      assert.equal(provider.requests(), round + 1);
    }
  });

  test("are asked for no more often when the provider fails", async (t) => {
    const { provider, verify, pass } = await scene(t);
    const jwt = await provider.token();
    await verify(jwt);
    provider.fault = down;
    pass(30 * SECOND);
    for (let n = 0; n < 50; n++) await assert.rejects(verify(unknown(n)), KeysUnavailable);
    assert.equal(provider.requests(), 2);
    assert.equal((await verify(jwt)).sub, "ada");
  });

  test("that cannot be had are asked for once in 5 seconds, and found when they are back", async (t) => {
    const { provider, verify, pass } = await scene(t);
    const jwt = await provider.token();
    provider.fault = down;
    await Promise.all(
      Array.from({ length: 50 }, () => assert.rejects(verify(jwt), KeysUnavailable)),
    );
    pass(5 * SECOND - 1);
    await assert.rejects(verify(jwt), KeysUnavailable);
    assert.equal(provider.requests(), 1);
    provider.fault = undefined;
    pass(1);
    assert.equal((await verify(jwt)).sub, "ada");
  });

  test("that are past their time are not used while the provider is away", async (t) => {
    const { provider, verify, pass } = await scene(t);
    const jwt = await provider.token();
    await verify(jwt);
    await provider.stop();
    pass(10 * MINUTE - 1);
    assert.equal((await verify(jwt)).sub, "ada");
    pass(1);
    await assert.rejects(verify(jwt), KeysUnavailable);
  });

  const faults = {
    "nobody listens": null,
    "the connection breaks": down,
    "it is not found": (keys) => (_, response) => response.writeHead(404).end(keys),
    "the provider fails": (keys) => (_, response) => response.writeHead(500).end(keys),
    "they are elsewhere": () => (_, response) =>
      response.writeHead(302, { location: "/jwks?" }).end(),
    "there is nothing": () => (_, response) => response.writeHead(204).end(),
    "they are HTML": () => (_, response) => response.end("<!doctype html><p>Sign in"),
    "they are cut": (keys) => (_, response) => response.end(keys.slice(0, -1)),
    "they are null": () => (_, response) => response.end("null"),
    "they are a list": (keys) => (_, response) =>
      response.end(JSON.stringify(JSON.parse(keys).keys)),
    "there are none": () => (_, response) => response.end('{"keys":"none"}'),
    "one is none": () => (_, response) => response.end('{"keys":[null]}'),
    "the one that is needed is broken": (keys) => (_, response) =>
      response.end(keys.replace(/"y":"..../, '"y":"AAAA')),
    "there are over 256 KiB": (keys) => (_, response) => response.end(keys + " ".repeat(262_144)),
  };
  for (const [what, fault] of Object.entries(faults)) {
    test(`cannot be had: ${what}`, async (t) => {
      const { provider, verify, keys } = await scene(t);
      const jwt = await provider.token();
      if (!fault) await provider.stop();
      provider.fault = fault === down ? down : fault?.(keys);
      await assert.rejects(verify(jwt), KeysUnavailable);
    });
  }

  test(
    "cannot be had: there is no end of them within 5 seconds",
    { timeout: 20_000 },
    async (t) => {
      const { provider, keys } = await scene(t);
      const jwt = await provider.token();
      let first = true;
      provider.fault = (_, response) => {
        if (!first) response.write(keys.slice(0, 20));
        first = false;
      };
      const before = performance.now();
      await Promise.all(
        [1, 2].map(() => assert.rejects(identityOf(provider).verify(jwt), KeysUnavailable)),
      );
      const took = performance.now() - before;
      assert.ok(took > 4_900 && took < 7_000, `${took} ms`);
    },
  );
});
