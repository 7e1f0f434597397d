import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { after, before, describe, mock, test } from "node:test";
import { Assertions } from "../src/worker/assertion.js";
import { forward } from "../src/worker/upstream.js";

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0, 700);
const IAT = Math.floor(NOW / 1000);
const APP = "https://app.example";

const KINDS = {
  ES256: (kid) => newKey("ec", { namedCurve: "P-256" }, kid),
  EdDSA: (kid) => newKey("ed25519", {}, kid),
};

function newKey(type, options, kid) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), kid };
}

const assertionsOf = (keys) => new Assertions(JSON.stringify(keys));
const newAssertions = () => assertionsOf(KINDS.ES256("k1"));

/** What a verdict sets for a user, between headers that say nothing of one. */
const headersOf = (user, more = []) => [
  ...["x-forwarded-host", "gate.example", "x-forwarded-proto", "https", "gatepass-user", user],
  ...["gatepass-workspace", "default", "gatepass-token-id", "HINT-01", ...more],
];
const ADA = headersOf("ada");

/** Header and claims of a JWT; Node's own crypto says whether the key has signed it. */
function read(jwt, { keys }) {
  const [header, claims, signature] = jwt.split(".").map((part) => Buffer.from(part, "base64url"));
  const { alg, kid, typ } = JSON.parse(header);
  const jwk = keys.find((key) => key.kid === kid);
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
  const content = Buffer.from(jwt.slice(0, jwt.lastIndexOf(".")));
  const hash = alg === "ES256" ? "sha256" : null;
  assert.ok(verify(hash, content, key, signature), "the signature is not the key's");
  return { header: { alg, kid, typ }, claims: JSON.parse(claims) };
}

const claimsOf = async (assertions, set, audience = APP) =>
  read(await assertions.assertion(set, audience, NOW), assertions.jwks()).claims;

for (const [alg, make] of Object.entries(KINDS)) {
  describe(`an ${alg} key`, () => {
    const key = make("k1");
    const assertions = assertionsOf(key);

    test("signs a JWT that names it", async () => {
      const jwt = await assertions.assertion(ADA, APP, NOW);
      const { header } = read(jwt, assertions.jwks());
      assert.deepEqual(header, { alg, kid: "k1", typ: "JWT" });
    });

    test("RFC 7517: is published without what is private", () => {
      const { kty, crv, x, y } = key;
      const expected = { kty, crv, x, ...(y && { y }), kid: "k1", alg, use: "sig" };
      assert.deepEqual(JSON.parse(JSON.stringify(assertions.jwks())), { keys: [expected] });
      assert.ok(!JSON.stringify(assertions.jwks()).includes(key.d));
    });
  });
}

test("of a JWK Set the first key signs, and each is published", async () => {
  const keys = [KINDS.EdDSA("new"), KINDS.ES256("old")];
  const assertions = assertionsOf({ keys });
  const published = assertions.jwks();
  assert.deepEqual(
    published.keys.map(({ kid, alg }) => [kid, alg]),
    [
      ["new", "EdDSA"],
      ["old", "ES256"],
    ],
  );
  assert.ok(published.keys.every((key) => !("d" in key)));
  const { header } = read(await assertions.assertion(ADA, APP, NOW), published);
  assert.equal(header.kid, "new");
  // What the old one signed before is still verified.
  const before = assertionsOf(keys[1]);
  read(await before.assertion(ADA, APP, NOW), published);
});

describe("the claims", () => {
  test("RFC 7519: say who issued it, for whom, and for which 60 seconds", async () => {
    const { iss, aud, iat, exp } = await claimsOf(newAssertions(), ADA, "service:APP");
    assert.deepEqual([iss, aud, iat, exp], ["gatepass", "service:APP", IAT, IAT + 60]);
  });

  test("say what the headers say", async () => {
    const more = ["gatepass-scopes", "jobs:read odata", "gatepass-email", "ada@example.com"];
    const set = headersOf("ada", [...more, "gatepass-app", "jobs"]);
    const { iss, aud, iat, exp, ...claims } = await claimsOf(newAssertions(), set);
    assert.deepEqual(claims, {
      ...{ sub: "ada", email: "ada@example.com", workspace: "default", token_id: "HINT-01" },
      ...{ scope: "jobs:read odata", app: "jobs" },
    });
  });

  test("leave out what there is none of: RFC 6749 §3.3 knows no empty scope", async () => {
    const set = headersOf("ada", ["gatepass-scopes", ""]);
    const { iss, aud, iat, exp, ...claims } = await claimsOf(newAssertions(), set);
    assert.deepEqual(claims, { sub: "ada", workspace: "default", token_id: "HINT-01" });
  });

  test("are text, not percent-encoded", async () => {
    const more = ["gatepass-email", "zo%C3%AB@example.com", "gatepass-scopes", "50%25:a"];
    const claims = await claimsOf(newAssertions(), headersOf("Zo%C3%AB%20100%25%0A", more));
    assert.equal(claims.sub, "Zoë 100%\n");
    assert.equal(claims.email, "zoë@example.com");
    assert.equal(claims.scope, "50%25:a"); // scopes are never encoded
  });
});

describe("an assertion is used again", () => {
  test("at once, as long as 30 seconds are left", async () => {
    const assertions = newAssertions();
    const first = await assertions.assertion(ADA, APP, NOW);
    const last = (IAT + 30) * 1000;
    for (const now of [NOW, NOW + 1, last]) {
      assert.equal(assertions.assertion(ADA, APP, now), first);
    }
    const next = await assertions.assertion(ADA, APP, last + 1);
    assert.equal(read(next, assertions.jwks()).claims.exp, IAT + 90);
    assert.equal(assertions.assertion(ADA, APP, last + 1), next);
  });

  test("by none that differs in anything that it says", async () => {
    const assertions = newAssertions();
    const sets = [
      ...[ADA, headersOf("ben"), headersOf("ada", ["gatepass-scopes", "jobs:read"])],
      ...[headersOf("ada", ["gatepass-scopes", "jobs:write"])],
      ...[headersOf("ada", ["gatepass-email", "a@b.example"])],
      ...[headersOf("ada", ["gatepass-app", "jobs"]), ADA.with(-1, "HINT-02")],
      ADA.with(-3, "other"),
    ];
    const made = new Set();
    for (const set of sets) made.add(await assertions.assertion(set, APP, NOW));
    made.add(await assertions.assertion(ADA, "https://other.example", NOW));
    assert.equal(made.size, sets.length + 1);
  });

  test("whatever else the upstream is told", async () => {
    const assertions = newAssertions();
    const first = await assertions.assertion(ADA, APP, NOW);
    const set = [...ADA.with(1, "other.example"), "cookie", "a=1"];
    assert.equal(assertions.assertion(set, APP, NOW), first);
  });

  test("by all that ask while it is being signed", async () => {
    const assertions = newAssertions();
    const first = assertions.assertion(ADA, APP, NOW);
    assert.ok(first instanceof Promise);
    assert.equal(assertions.assertion(ADA, APP, NOW), first);
    assert.equal(await first, assertions.assertion(ADA, APP, NOW));
  });

  test("unless it is one of more than a thousand: then the oldest goes", async () => {
    const assertions = newAssertions();
    const ask = (n) => assertions.assertion(headersOf(`user-${n}`), APP, NOW);
    for (let n = 0; n <= 1000; n++) await ask(n);
    for (let n = 1; n <= 1000; n++) assert.equal(typeof ask(n), "string");
    assert.ok(ask(0) instanceof Promise);
  });

  test("and one that was signed anew is not the oldest", async () => {
    const assertions = newAssertions();
    const ask = (n, now) => assertions.assertion(headersOf(`user-${n}`), APP, now);
    for (let n = 0; n < 1000; n++) await ask(n, NOW);
    const later = NOW + 31_000;
    await ask(0, later);
    await ask(1000, later);
    assert.equal(typeof ask(0, later), "string");
  });

  test("but a failure is not", async () => {
    const { d, ...key } = KINDS.ES256("k1");
    const assertions = assertionsOf({ ...key, d: "AAAA" });
    const first = assertions.assertion(ADA, APP, NOW);
    await assert.rejects(first);
    assert.notEqual(assertions.assertion(ADA, APP, NOW), first);
    await assert.rejects(assertions.assertion(ADA, APP, NOW));
  });
});

test("there is none where the headers vouch for nobody", () => {
  const assertions = newAssertions();
  assert.equal(assertions.assertion([], APP, NOW), undefined);
  const set = ["x-forwarded-host", "gatepass-user", "cookie", "gatepass-user"];
  assert.equal(assertions.assertion(set, APP, NOW), undefined);
});

describe("forwarding", () => {
  // The upstream's time-out would keep the process waiting.
  before(() => mock.timers.enable({ apis: ["setTimeout"] }));
  after(() => mock.timers.reset());

  /** Forwards a request, to a service unless `url` leads elsewhere, and answers what was asked. */
  function start(assertions, set) {
    const got = [];
    const app = async (url, { headers }) => {
      got.push(headers.get("gatepass-assertion"));
      return new Response("the upstream's");
    };
    const refuse = (_facts, reason) => ({ status: 503, headers: {}, body: reason });
    const verdict = { url: "https://gate.example/x", service: "APP", remove: "", set: [...set] };
    const request = new Request("https://gate.example/x");
    const gate = { assertions, refuse };
    return { got, answer: forward(request, verdict, "", gate, { APP: { fetch: app } }) };
  }

  test("awaits nothing before the upstream where an assertion is at hand", async () => {
    const assertions = newAssertions();
    const cold = start(assertions, ADA);
    assert.deepEqual(cold.got, []);
    assert.equal(await (await cold.answer).text(), "the upstream's");
    assert.equal(read(cold.got[0], assertions.jwks()).claims.aud, "service:APP");
    const warm = start(assertions, ADA);
    assert.deepEqual(warm.got, cold.got);
    await warm.answer;
  });

  test("of what vouches for nobody, or without a key, has no assertion", async () => {
    for (const { got, answer } of [start(newAssertions(), []), start(undefined, ADA)]) {
      assert.equal((await answer).status, 200);
      assert.deepEqual(got, [null]);
    }
  });

  test("is refused where no assertion can be signed", async (t) => {
    const log = t.mock.method(console, "error", () => {});
    const broken = { assertion: () => Promise.reject(new TypeError("a secret")) };
    const { got, answer } = start(broken, ADA);
    const { status, body } = await answer;
    assert.deepEqual([status, got], [503, []]);
    assert.equal(await new Response(body).text(), "store_unavailable");
    const [line] = log.mock.calls[0].arguments;
    const { event, error } = JSON.parse(line);
    assert.deepEqual([event, error], ["assertion_failed", "TypeError"]);
    assert.ok(!line.includes("a secret"));
  });

  test("to a URL names its origin as the audience", async (t) => {
    const asked = t.mock.method(globalThis, "fetch", async () => new Response());
    for (const [url, origin] of [
      ["https://app.example/base/x?a=https://b.example/", "https://app.example"],
      ["http://127.0.0.1:3000//x", "http://127.0.0.1:3000"],
      ["https://[::1]:8443/", "https://[::1]:8443"],
    ]) {
      const assertions = newAssertions();
      const verdict = { url, service: "", remove: "", set: [...ADA] };
      await forward(new Request(url), verdict, "", { assertions }, {});
      const { headers } = asked.mock.calls.at(-1).arguments[1];
      const { claims } = read(headers.get("gatepass-assertion"), assertions.jwks());
      assert.equal(claims.aud, origin);
    }
  });
});
