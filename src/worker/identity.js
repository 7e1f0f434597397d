// JWTs in which an identity provider says who somebody is (RFC 7519, as RFC 8725 wants them checked).

import { jwtVerify } from "../../build/jose.js";
import { KeysUnavailable } from "./keys-unavailable.js";
import { Keys } from "./keys.js";

/** Characters that a JWT may have. */
const MAX_LENGTH = 8192;

/** Three parts in base64url, with nothing around or between (RFC 7515 §2, §3.1). */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Seconds by which the provider's clock may differ. */
const CLOCK_TOLERANCE = 30;

/** What one identity provider says. */
export class Identity {
  #keys;
  #rules;

  /**
   * @param {object} provider
   * @param {string} provider.issuer the `iss` of its JWTs
   * @param {string | string[]} provider.audience the `aud`, or those of which one must be there
   * @param {string} provider.jwks the URL of its keys
   * @param {string[]} provider.algorithms of `RS256`, `ES256` and `EdDSA`, those that it signs with
   */
  constructor({ issuer, audience, jwks, algorithms }) {
    // What jose is not told it does not check.
    if (!issuer || !audience?.length || !algorithms?.length) {
      throw new TypeError("an identity provider has an issuer, an audience and algorithms");
    }
    this.#keys = new Keys(jwks);
    this.#rules = {
      ...{ issuer, audience, algorithms },
      requiredClaims: ["exp"],
      clockTolerance: CLOCK_TOLERANCE,
    };
  }

  /**
   * The claims of a JWT, or null where it is no good. Throws `KeysUnavailable` where nobody can
   * tell. `ctx`, the request's, lets a fetch of keys outlive the request.
   */
  async verify(jwt, ctx) {
    if (typeof jwt !== "string" || jwt.length > MAX_LENGTH || !COMPACT.test(jwt)) return null;
    try {
      const key = (header) => this.#keys.find(header, ctx);
      const { payload } = await jwtVerify(jwt, key, this.#rules);
      return payload;
    } catch (error) {
      if (error instanceof KeysUnavailable) throw error;
      return null;
    }
  }
}
