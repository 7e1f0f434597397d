// The assertion that the upstream gets with a request: who asks, as a JWT (RFC 7519) that it can
// verify with the keys at /gatepass/jwks.json.

import { SignJWT, importJWK } from "../../build/jose.js";

/** Seconds that an assertion is good for, and those that must be left for it to be used again. */
const LIFETIME = 60;
const REUSABLE = 30;

/** How many assertions an isolate remembers. */
const MOST = 1000;

/** What the core vouches for, by its header, and the claim that says the same. */
const CLAIMS = new Map([
  ["gatepass-user", "sub"],
  ["gatepass-email", "email"],
  ["gatepass-workspace", "workspace"],
  ["gatepass-token-id", "token_id"],
  ["gatepass-scopes", "scope"],
  ["gatepass-app", "app"],
]);

/** Signs assertions, and uses each again as long as it is good. */
export class Assertions {
  #signer;
  #key;
  #published;
  #known = new Map();

  /** Takes ASSERTION_KEY, a private JWK or a set of them, as the core has checked it. */
  constructor(secret) {
    const parsed = JSON.parse(secret);
    const keys = parsed.keys ?? [parsed];
    this.#signer = keys[0];
    this.#published = keys.map(published);
  }

  /**
   * The assertion for an upstream, by the headers that a verdict sets: a text if one is at hand,
   * else the promise of one; undefined where they vouch for nobody.
   */
  assertion(set, audience, now) {
    const said = [audience];
    for (let at = 0; at < set.length; at += 2) {
      if (set[at].startsWith("gatepass-")) said.push(set[at], set[at + 1]);
    }
    if (said.length === 1) return undefined;
    const text = said.join("\n"); // no header has a line feed
    const known = this.#known.get(text);
    return known && now <= known.until ? known.jwt : this.#make(text, said, now);
  }

  /** The JWK Set (RFC 7517) of the public keys. */
  jwks() {
    return { keys: this.#published };
  }

  /** Begins an assertion, which all that ask for it meanwhile will share. */
  #make(text, said, now) {
    const iat = Math.floor(now / 1000);
    const made = { until: (iat + LIFETIME - REUSABLE) * 1000, jwt: this.#sign(said, iat) };
    made.jwt.then(
      (jwt) => (made.jwt = jwt),
      () => (made.until = 0),
    );
    this.#known.delete(text);
    this.#known.set(text, made);
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value);
    return made.jwt;
  }

  async #sign([aud, ...vouched], iat) {
    const claims = { iss: "gatepass", aud, iat, exp: iat + LIFETIME, ...claimsOf(vouched) };
    const alg = algorithm(this.#signer);
    this.#key ??= await importJWK(this.#signer, alg);
    return new SignJWT(claims)
      .setProtectedHeader({ alg, kid: this.#signer.kid, typ: "JWT" })
      .sign(this.#key);
  }
}

/** The claims that headers stand for. A scope is visible ASCII, and comes as it is. */
function claimsOf(vouched) {
  const claims = {};
  for (let at = 0; at < vouched.length; at += 2) {
    const claim = CLAIMS.get(vouched[at]);
    const value = vouched[at + 1];
    if (claim && value) claims[claim] = claim === "scope" ? value : decodeURIComponent(value);
  }
  return claims;
}

/** What of a key anybody may know. */
function published(key) {
  const { kty, crv, x, y, kid } = key;
  return { kty, crv, x, y, kid, alg: algorithm(key), use: "sig" };
}

function algorithm({ crv }) {
  return crv === "P-256" ? "ES256" : "EdDSA";
}
