// A JWT, verified by jose with a key that is imported once:
// https://github.com/panva/jose/blob/main/docs/jwt/verify/functions/jwtVerify.md

import { jwtVerify } from "jose";
import { forward, refusal } from "./forward.js";

const PARAMETERS = {
  HS256: { name: "HMAC", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
};

let key;

export default {
  async fetch(request, env) {
    const { ALGORITHM, KEY } = env;
    key ??= await crypto.subtle.importKey("jwk", KEY, PARAMETERS[ALGORITHM], false, ["verify"]);
    const [, token] = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    if (token === undefined) return refusal();
    let payload;
    try {
      const expected = { algorithms: [ALGORITHM], issuer: "issuer", audience: "app" };
      ({ payload } = await jwtVerify(token, key, expected));
    } catch {
      return refusal();
    }
    return payload.scope.split(" ").includes("jobs:read")
      ? forward(request, payload.sub, env)
      : refusal();
  },
};
