import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { after, describe, test } from "node:test";
import { Identity } from "../src/worker/identity.js";
import { KeysUnavailable } from "../src/worker/keys-unavailable.js";
import { encoded, signed, startProvider } from "./support/oidc.mjs";
import { startServer } from "./support/stand-ins.mjs";
import { startWorkerd } from "./support/workerd.mjs";

const ALGORITHMS = ["RS256", "ES256", "EdDSA"];
const ADA = { sub: "ada", email: "ada@example.com", email_verified: true, roles: ["author"] };
const SECOND = 1_000;

const provider = await startProvider({ claims: ADA });
after(() => provider.stop());

const configOf = ({ issuer, audience, jwks }, more) => ({
  ...{ issuer, audience, jwks, algorithms: ALGORITHMS },
  ...more,
});

const identityOf = (provider, more) => new Identity(configOf(provider, more));
const verify = (jwt, more) => identityOf(provider, more).verify(jwt);

const now = () => Math.floor(Date.now() / SECOND);
const inAnHour = () => now() + 3600;
const good = () => ({ ...ADA, iss: provider.issuer, aud: provider.audience, exp: inAnHour() });

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const parts = (jwt) => jwt.split(".");

describe("OpenID Connect: a JWT of the provider says who somebody is", () => {
  for (const alg of ALGORITHMS) {
    test(`by ${alg}`, async () => {
      const claims = await verify(await provider.token({ alg, workspace: "acme" }));
      assert.deepEqual({ ...claims, ...ADA, workspace: "acme" }, claims);
      assert.equal(claims.iss, provider.issuer);
      assert.equal(Object.getPrototypeOf(claims), Object.prototype);
    });
  }

  test("Core §10.1: which key is meant goes by `kid`; without one there is but one of its kind", async (t) => {
    const provider = await startProvider();
    t.after(() => provider.stop());
    const claims = { ...good(), iss: provider.issuer };
    const key = provider.key("ES256");
    const nameless = signed({ kid: undefined }, claims, key);
    assert.equal((await identityOf(provider).verify(nameless))?.sub, "ada");
    provider.rotate({ keep: true });
    assert.equal(await identityOf(provider).verify(nameless), null);
    assert.equal((await identityOf(provider).verify(signed({}, claims, key)))?.sub, "ada");
    assert.equal(await identityOf(provider).verify(signed({ kid: 1 }, claims, key)), null);
  });
});

describe("RFC 7519: each claim", () => {
  const verdict = async (claims, more) =>
    (await verify(await provider.token(claims), more)) !== null;

  const cases = {
    "§4.1.1 iss": [
      ["of another issuer", { iss: "https://other.example" }, false],
      ["with a slash more", { iss: `${provider.issuer}/` }, false],
      ["as a list", { iss: [provider.issuer] }, false],
      ["missing", { iss: undefined }, false],
    ],
    "§4.1.3 aud": [
      ["of another audience", { aud: "other" }, false],
      ["of a longer name", { aud: "gatepass2" }, false],
      ["a list with ours", { aud: ["other", "gatepass"] }, true],
      ["a list without ours", { aud: ["other", "another"] }, false],
      ["one of several of ours", { aud: "gatepass" }, true, { audience: ["portal", "gatepass"] }],
      ["none of several of ours", { aud: "other" }, false, { audience: ["portal", "gatepass"] }],
    ],
    "§4.1.4 exp": [
      ["over for longer than clocks differ", () => ({ exp: now() - 31 }), false],
      ["over, but clocks may differ", () => ({ exp: now() - 25 }), true],
      ["missing", { exp: undefined }, false],
      ["text", () => ({ exp: String(inAnHour()) }), false],
      ["null", { exp: null }, false],
    ],
    "§4.1.5 nbf": [
      ["later than clocks differ", () => ({ nbf: now() + 35 }), false],
      ["to come, but clocks may differ", () => ({ nbf: now() + 29 }), true],
      ["past", () => ({ nbf: now() - 60 }), true],
      ["text", () => ({ nbf: String(now()) }), false],
    ],
  };
  for (const [clause, list] of Object.entries(cases)) {
    for (const [what, claims, expected, more] of list) {
      test(`${clause} ${what}: ${expected ? "good" : "refused"}`, async () => {
        const given = typeof claims === "function" ? claims() : claims;
        assert.equal(await verdict(given, more), expected);
      });
    }
  }

  test("§4.1.3 aud missing: refused", async () => {
    const key = provider.key("ES256");
    assert.equal(await verify(signed({}, { ...good(), aud: undefined }, key)), null);
  });
});

describe("RFC 7519 §7.2: what is no JWT is refused", () => {
  const key = provider.key("ES256");
  const [header, payload, signature] = parts(signed({}, good(), key));
  const cases = {
    nothing: "",
    "no text": undefined,
    dots: "..",
    "two parts": `${header}.${payload}`,
    "four parts": `${header}.${payload}.${signature}.`,
    "five parts, as if encrypted": `${header}.${payload}.${signature}.${payload}.${signature}`,
    "a space before": ` ${header}.${payload}.${signature}`,
    "a line after": `${header}.${payload}.${signature}\n`,
    "a header that is not JSON": `${btoa("{alg")}.${payload}.${signature}`,
    "a header that is a list": signed(["ES256"], good(), key).replace(/^[^.]+/, encoded(["ES256"])),
    "letters outside base64url": `${header}.${payload}.é${signature.slice(1)}`,
    "a payload that is a list": signed({}, [good()], key),
    "a payload that is null": signed({}, null, key),
    "a payload that is text": signed({}, "ada", key),
    "a cut signature": `${header}.${payload}.${signature.slice(0, -4)}`,
    "another payload": `${header}.${encoded({ ...good(), sub: "eve" })}.${signature}`,
    "another header": `${encoded({ alg: "ES256", kid: key.kid, typ: "x" })}.${payload}.${signature}`,
  };
  for (const [what, jwt] of Object.entries(cases)) {
    test(what, async () => assert.equal(await verify(jwt), null));
  }

  test("while the same one whole is good", async () => {
    assert.equal((await verify(`${header}.${payload}.${signature}`))?.sub, "ada");
  });
});

describe("a JWT has 8 KiB at most", () => {
  const key = provider.key("ES256");

  /** A JWT of that length, which base64 allows in three of four cases: its header makes it fit. */
  function ofLength(length) {
    for (const typ of ["", "J", "JW"]) {
      for (let pad = length * 0.75 - 500; ; pad++) {
        const jwt = signed({ typ }, { ...good(), pad: "x".repeat(pad) }, key);
        if (jwt.length === length) return jwt;
        if (jwt.length > length) break;
      }
    }
    throw new Error(`no JWT of ${length}`);
  }

  test("8192 are good, 8193 refused", async () => {
    assert.equal((await verify(ofLength(8192)))?.sub, "ada");
    assert.equal(await verify(ofLength(8193)), null);
  });

  test("one of 1 MB is refused without work", async () => {
    const jwt = signed({}, { ...good(), pad: "x".repeat(750_000) }, key);
    const [asked, before] = [provider.requests(), performance.now()];
    for (let n = 0; n < 1_000; n++) assert.equal(await verify(jwt), null);
    assert.equal(provider.requests(), asked);
    assert.ok(performance.now() - before < 500);
  });
});

/** Answers a set of one key. */
async function keysServer(t, key) {
  const server = await startServer((_, response) =>
    response.end(JSON.stringify({ keys: [key()] })),
  );
  t.after(() => server.stop());
  return server;
}

describe("RFC 8725: algorithms and keys", () => {
  const requested = async (jwt, more) => {
    const before = provider.requests();
    assert.equal(await verify(jwt, more), null);
    return provider.requests() - before;
  };

  for (const alg of ALGORITHMS) {
    test(`§3.1: ${alg} that is not listed is refused`, async () => {
      const algorithms = ALGORITHMS.filter((other) => other !== alg);
      assert.equal(await requested(await provider.token({ alg }), { algorithms }), 0);
    });
  }

  test("§3.1: another algorithm of the same key is refused", async () => {
    const { kid, privateKey } = provider.key("RS256");
    const input = `${encoded({ alg: "RS512", kid })}.${encoded(good())}`;
    const signature = sign("sha512", Buffer.from(input), privateKey).toString("base64url");
    assert.equal(await requested(`${input}.${signature}`), 0);
  });

  for (const alg of ["none", "None", "NONE", "", null, undefined]) {
    test(`RFC 7519 §6: an unsigned one is refused, alg ${JSON.stringify(alg)}`, async () => {
      const input = `${encoded({ alg })}.${encoded(good())}`;
      const [, , signature] = parts(await provider.token());
      for (const jwt of [`${input}.`, input, `${input}.${signature}`]) {
        assert.equal(await requested(jwt), 0);
      }
    });
  }

  describe("§2.1: HS256 with the public key as its secret is refused", () => {
    const { kid, publicKey } = provider.key("RS256");
    const secrets = {
      "SPKI PEM": publicKey.export({ format: "pem", type: "spki" }),
      "PKCS #1 PEM": publicKey.export({ format: "pem", type: "pkcs1" }),
      "SPKI DER": publicKey.export({ format: "der", type: "spki" }),
      JWK: JSON.stringify(publicKey.export({ format: "jwk" })),
      modulus: Buffer.from(publicKey.export({ format: "jwk" }).n, "base64url"),
    };
    for (const [form, secret] of Object.entries(secrets)) {
      test(form, async () => {
        const input = `${encoded({ alg: "HS256", kid })}.${encoded(good())}`;
        const mac = createHmac("sha256", secret).update(input).digest("base64url");
        assert.equal(await requested(`${input}.${mac}`), 0);
        // Nor would a mistake in the configuration make a secret of it.
        assert.equal(await verify(`${input}.${mac}`, { algorithms: ["HS256", "RS256"] }), null);
      });
    }
  });

  test("§3.1: a key is used for its own algorithm only", async () => {
    for (const alg of ALGORITHMS) {
      for (const other of ALGORITHMS.filter((other) => other !== alg)) {
        const { kid } = provider.key(other);
        assert.equal(await verify(signed({ kid }, good(), provider.key(alg))), null);
      }
    }
  });

  test("RFC 7517: a key for encryption, or for another algorithm, is not used", async (t) => {
    const pair = { alg: "ES256", kid: "k", ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
    const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: "k" };
    const jwt = signed({}, good(), pair);
    const server = await keysServer(t, () => jwk);
    const verify = (more) => {
      Object.assign(jwk, { use: undefined, key_ops: undefined, alg: undefined }, more);
      return identityOf({ ...provider, jwks: server.url }).verify(jwt);
    };
    assert.equal((await verify({ use: "sig", key_ops: ["verify"], alg: "ES256" }))?.sub, "ada");
    assert.equal(await verify({ use: "enc" }), null);
    assert.equal(await verify({ key_ops: ["sign"] }), null);
    assert.equal(await verify({ alg: "ES384" }), null);
  });

  test("RFC 7518 §3.3: an RSA key of less than 2048 bits is refused", async (t) => {
    for (const [modulusLength, expected] of [
      [1024, undefined],
      [2048, "ada"],
    ]) {
      const pair = { alg: "RS256", kid: "k", ...generateKeyPairSync("rsa", { modulusLength }) };
      const server = await keysServer(t, () => ({
        ...pair.publicKey.export({ format: "jwk" }),
        kid: "k",
      }));
      const claims = await identityOf({ ...provider, jwks: server.url }).verify(
        signed({}, good(), pair),
      );
      assert.equal(claims?.sub, expected);
    }
  });

  test("RFC 7515 §4.1.11 crit: an extension that must be understood is not", async () => {
    const key = provider.key("ES256");
    for (const header of [
      { crit: ["hold"], hold: true },
      { crit: ["exp"], exp: 1 },
      { crit: ["alg"] },
      { crit: [] },
      { crit: "b64", b64: true },
      { crit: ["b64"], b64: false },
    ]) {
      assert.equal(await verify(signed(header, good(), key)), null, JSON.stringify(header));
    }
  });

  describe("§3.10, RFC 7515 §4.1: keys that a JWT brings or points to are never used", () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwk = pair.publicKey.export({ format: "jwk" });
    const { kid } = provider.key("ES256");
    let visits = 0;
    const headers = (url) => ({
      jwk: { jwk },
      "jwk with the provider's kid": { kid, jwk: { ...jwk, kid } },
      jku: { jku: url },
      "jku with the provider's kid": { kid, jku: url },
      x5u: { x5u: url },
      x5c: { x5c: [pair.publicKey.export({ format: "der", type: "spki" }).toString("base64")] },
      "kid that is a URL": { kid: url },
    });
    for (const name of Object.keys(headers(""))) {
      test(name, async (t) => {
        const server = await keysServer(t, () => {
          visits += 1;
          return { ...jwk, kid: "k" };
        });
        const own = { alg: "ES256", kid: "k", ...pair };
        assert.equal(await verify(signed(headers(server.url)[name], good(), own)), null);
        assert.equal(visits, 0);
      });
    }
  });
});

test("nothing of a JWT is in an error or on the console", async (t) => {
  const written = [];
  for (const name of ["debug", "error", "info", "log", "warn"]) {
    t.mock.method(console, name, (...given) => written.push(given));
  }
  const jwt = await provider.token();
  const [, , signature] = parts(jwt);
  await verify(`${jwt}x`);
  await verify(jwt, { audience: "other" });
  const error = await identityOf({ ...provider, jwks: "http://127.0.0.1:1/" })
    .verify(jwt)
    .catch((error) => error);
  assert.ok(error instanceof KeysUnavailable);
  assert.equal(error.cause, undefined);
  assert.match(error.message, /^keys cannot be had: \w+$/);
  assert.ok(!error.stack.includes(signature));
  const [[line], ...others] = written;
  assert.deepEqual([JSON.parse(line).event, others], ["identity_keys_failed", []]);
  assert.ok(parts(jwt).every((part) => !line.includes(part)));
});

test("what jose would leave unchecked must be told", () => {
  for (const name of ["issuer", "audience", "algorithms", "jwks"]) {
    assert.throws(() => identityOf(provider, { [name]: undefined }), TypeError, name);
  }
  assert.throws(() => identityOf(provider, { audience: [] }), TypeError);
  assert.throws(() => identityOf(provider, { algorithms: [] }), TypeError);
});

describe("on workerd", () => {
  const MODULES = ["identity", "keys", "keys-unavailable", "log", "metrics", "sums"]
    .map((name) => `src/worker/${name}.js`)
    .concat("build/jose.js");

  const WORKER = `
    import { Identity } from "./identity.js";
    let identity;
    export default { async fetch(request, env, ctx) {
      identity ??= new Identity(env.PROVIDER);
      try {
        return Response.json(await identity.verify(request.headers.get("jwt"), ctx));
      } catch (error) {
        return Response.json({ error: error.name, message: error.message }, { status: 503 });
      }
    } };`;

  /** Ends a request that says so before it is answered. */
  const FRONT = `
    export default { async fetch(request, env) {
      const signal = request.headers.has("hasty") ? AbortSignal.timeout(100) : undefined;
      return await env.MAIN.fetch(request, { signal }).catch(() => new Response('"gone"'));
    } };`;

  async function scene(t) {
    const provider = await startProvider({ claims: ADA });
    t.after(() => provider.stop());
    const files = MODULES.map((name) => [name, new URL(`../${name}`, import.meta.url)]);
    const workerd = await startWorkerd({
      workers: [
        { name: "front", modules: { "f.js": FRONT }, bindings: { MAIN: { service: "main" } } },
        {
          name: "main",
          modules: { "src/worker/main.js": WORKER, ...Object.fromEntries(files) },
          bindings: { PROVIDER: { json: configOf(provider) } },
        },
      ],
    });
    t.after(() => workerd.stop());
    const ask = async (jwt, headers = {}) =>
      (await fetch(workerd.url, { headers: { jwt, ...headers } })).json();
    return { provider, ask, keys: await (await fetch(`${provider.jwks}?`)).text() };
  }

  const later = (keys, milliseconds) => (_, response) =>
    setTimeout(() => response.end(keys), milliseconds);

  test("a JWT of each algorithm is good, and a changed one refused", async (t) => {
    const { provider, ask } = await scene(t);
    for (const alg of ALGORITHMS) {
      const jwt = await provider.token({ alg });
      const claims = await ask(jwt);
      assert.equal(claims.email, "ada@example.com", alg);
      const [header, , signature] = parts(jwt);
      const changed = encoded({ ...claims, sub: "eve" });
      assert.equal(await ask(`${header}.${changed}.${signature}`), null, alg);
    }
    assert.equal(provider.requests(), 1);
  });

  test("requests at once share one fetch of keys", async (t) => {
    const { provider, ask, keys } = await scene(t);
    const jwt = await provider.token();
    provider.fault = later(keys, 300);
    for (const claims of await Promise.all(Array.from({ length: 20 }, () => ask(jwt)))) {
      assert.equal(claims.sub, "ada");
    }
    assert.equal(provider.requests(), 1);
  });

  test("a request that ends early does not take the keys from the others", async (t) => {
    const { provider, ask, keys } = await scene(t);
    const jwt = await provider.token();
    provider.fault = later(keys, 500);
    const hasty = ask(jwt, { hasty: "1" });
    while (provider.requests() === 0) await pause(5);
    const others = await Promise.all([ask(jwt), ask(jwt)]);
    assert.equal(await hasty, "gone");
    for (const claims of [...others, await ask(jwt)]) assert.equal(claims.sub, "ada");
    assert.equal(provider.requests(), 1);
  });

  test("keys that cannot be had are an error of their own", async (t) => {
    const { provider, ask } = await scene(t);
    const jwt = await provider.token();
    await provider.stop();
    assert.equal((await ask(jwt)).error, "KeysUnavailable");
  });

  test("a redirect is not followed", async (t) => {
    const { provider, ask } = await scene(t);
    const jwt = await provider.token();
    provider.fault = (_, response) => response.writeHead(302, { location: "/jwks?" }).end();
    assert.match((await ask(jwt)).message, /: status 302$/);
  });

  test("keys that do not end within 5 seconds cannot be had", { timeout: 20_000 }, async (t) => {
    const { provider, ask, keys } = await scene(t);
    const jwt = await provider.token();
    provider.fault = (_, response) => response.write(keys.slice(0, 20));
    const before = performance.now();
    assert.equal((await ask(jwt)).error, "KeysUnavailable");
    assert.ok(performance.now() - before < 7_000);
  });
});
