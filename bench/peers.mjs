// What the peers are sent, each with credentials as it makes them itself.

import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { seconds } from "../tests/support/tokens.mjs";
import { bearer, makeRequest } from "./requests.mjs";

const DAY = 86_400;

/** Requests by credential: a header each, as `header` makes it. */
function requestsOf({ good, wrong, expired }, header) {
  const as = (token) => [makeRequest(header(token))];
  return { good: as(good), wrong: as(wrong), expired: as(expired), missing: [makeRequest()] };
}

/** A key for an algorithm of JWTs: its binding, and the requests with tokens that it signs. */
export function jwts(algorithm) {
  const pair = keyPair(algorithm);
  return {
    bindings: { ALGORITHM: algorithm, KEY: { json: pair.verify } },
    async requests() {
      // Installed on first use, so not there when this module is loaded.
      const { importJWK, SignJWT } = await import("jose");
      const sign = async (jwk, expires) =>
        new SignJWT({ scope: "jobs:read" })
          .setProtectedHeader({ alg: algorithm })
          .setSubject("ada")
          .setIssuer("issuer")
          .setAudience("app")
          .setExpirationTime(seconds(expires))
          .sign(await importJWK(jwk, algorithm));
      const tokens = {
        good: await sign(pair.sign, DAY),
        wrong: await sign(keyPair(algorithm).sign, DAY),
        expired: await sign(pair.sign, -1),
      };
      return requestsOf(tokens, bearer);
    },
  };
}

function keyPair(algorithm) {
  if (algorithm === "HS256") {
    const jwk = { kty: "oct", k: randomBytes(32).toString("base64url") };
    return { sign: jwk, verify: jwk };
  }
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = (key) => key.export({ format: "jwk" });
  return { sign: jwk(privateKey), verify: jwk(publicKey) };
}

/** API keys of better-auth; the Worker at `makerPort` makes them. */
export async function apiKeyRequests({ makerPort }) {
  const make = async (expiresIn) => {
    const body = JSON.stringify({ expiresIn });
    const answer = await fetch(`http://127.0.0.1:${makerPort}/`, { method: "POST", body });
    if (!answer.ok) throw new Error(`better-auth made no key: ${await answer.text()}`);
    return (await answer.json()).key;
  };
  const good = await make(DAY);
  const wrong = good.replace(/.$/, (last) => (last === "x" ? "y" : "x"));
  const expired = await make(1);
  await sleep(1_100);
  return requestsOf({ good, wrong, expired }, (key) => ["X-API-Key", key]);
}

/** Access tokens of the OAuth provider at a port: a client registers, a user consents. */
export async function oauthRequests({ port, kv }) {
  const origin = `http://127.0.0.1:${port}`;
  const redirectUri = "https://client.example/callback";
  const post = async (path, headers, body) => {
    const answer = await fetch(origin + path, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const { client_id: client } = await post(
    "/oauth/register",
    { "content-type": "application/json" },
    JSON.stringify({
      ...{ client_name: "bench", redirect_uris: [redirectUri] },
      token_endpoint_auth_method: "none",
    }),
  );

  async function token() {
    const verifier = randomBytes(32).toString("base64url");
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const asked = new URLSearchParams({
      ...{ response_type: "code", client_id: client, redirect_uri: redirectUri },
      ...{ scope: "jobs:read", code_challenge: challenge, code_challenge_method: "S256" },
    });
    const consented = await fetch(`${origin}/authorize?${asked}`, { redirect: "manual" });
    const location = consented.headers.get("location");
    if (!location) throw new Error(`/authorize: ${consented.status} ${await consented.text()}`);
    const code = new URL(location).searchParams.get("code");
    const form = new URLSearchParams({
      ...{ grant_type: "authorization_code", client_id: client, redirect_uri: redirectUri },
      ...{ code, code_verifier: verifier },
    });
    return (await post("/oauth/token", {}, form)).access_token;
  }

  const [good, expired] = [await token(), await token()];
  const wrong = good.replace(/.$/, (last) => (last === "x" ? "y" : "x"));
  await expire(expired, kv);
  return requestsOf({ good, wrong, expired }, bearer);
}

/** Lets a token of the OAuth provider end now, where it keeps it: none lasts under a minute. */
async function expire(token, kv) {
  const [user, grant] = token.split(":");
  const key = `token:${user}:${grant}:${createHash("sha256").update(token).digest("hex")}`;
  const [value] = (await kv({ get: [key] })).values;
  await kv({ put: { [key]: JSON.stringify({ ...JSON.parse(value), expiresAt: seconds(-1) }) } });
}
