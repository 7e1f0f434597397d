// A session as a JWT in a cookie, verified by jose with a key that is imported once:
// https://github.com/panva/jose/blob/main/docs/jwt/verify/functions/jwtVerify.md

import { jwtVerify, SignJWT } from "jose";
import { cookie, requestsOf } from "./requests.js";

const EXPECTED = { algorithms: ["HS256"], issuer: "issuer", audience: "app" };

export async function jose() {
  const [key, other] = [await makeKey(), await makeKey()];
  const requests = requestsOf(cookie, { good: await sign(key), wrong: await sign(other) });
  const check = async (request) => {
    const [, token] = /(?:^|; )session=([^;]+)/.exec(request.headers.get("cookie") ?? "") ?? [];
    if (token === undefined) return null;
    try {
      return (await jwtVerify(token, key, EXPECTED)).payload.sub;
    } catch {
      return null;
    }
  };
  return { requests, check };
}

const makeKey = () =>
  crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);

const sign = (key) =>
  new SignJWT({ scope: "jobs:read" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("ada")
    .setIssuer(EXPECTED.issuer)
    .setAudience(EXPECTED.audience)
    .setExpirationTime("1 day")
    .sign(key);
