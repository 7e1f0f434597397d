// Whoever asks the token API: what a request shows of them, and how it is sent, byte for byte.

import assert from "node:assert/strict";
import { rawRequest } from "./raw.mjs";
import { visible } from "./refusals.mjs";
import { basic } from "./tokens.mjs";

/** Where the token API is, and the most used of it. */
export const API = "/gatepass/api";
export const TOKENS = `${API}/tokens`;
export const SIGN_IN = `${API}/sign-in`;

/** The paths of other products' clients. */
export const TOOLJET = "/api/ext/users/personal-access-token";
export const SYNERGY = {
  list: "/api/v1/auth/getPersonalAccessTokens",
  generate: "/api/v1/auth/generate-pat",
  delete: "/api/v1/auth/delete-pat",
};

/** An id that is no token's and no session's. */
export const NOBODY = "0000-00000000000000000000000000";

/** The header that Cloudflare Access puts an identity's JWT into. */
export const ASSERTION = "Cf-Access-Jwt-Assertion";

/** `IDENTITY` for a provider (`startProvider`) whose JWTs are in that header. */
export const identityBy = ({ issuer, audience, jwks }, more = { header: ASSERTION }) => ({
  ...{ issuer, audience, jwks, algorithms: ["ES256"] },
  ...more,
});

/** What a request shows. */
export const byOperator = ({ operatorKey }) => [["Authorization", basic("", operatorKey)]];
export const byPat = (token) => [["Authorization", `Bearer ${token}`]];
export const byJwt = (jwt) => [[ASSERTION, jwt]];
export const byCookie = (cookie) => [["Cookie", cookie]];

/**
 * Somebody who asks a gate: `(method, target, {json, form, headers, host})` sends a request that shows
 * `shown`, and answers as `rawRequest` does.
 */
export function asking(gate, shown = []) {
  return (method, target, { json, form, headers = [], host } = {}) => {
    const named = host === undefined ? [] : [["Host", `${host}:${gate.port}`]];
    const [type, body] = content(json, form);
    const sent = [...named, ...shown, ...type, ...headers];
    return rawRequest({ port: gate.port, method, target, headers: sent, body });
  };
}

function content(json, form) {
  if (form !== undefined) {
    const type = "application/x-www-form-urlencoded";
    return [[["Content-Type", type]], String(new URLSearchParams(form))];
  }
  if (json === undefined) return [[], undefined];
  return [[["Content-Type", "application/json"]], JSON.stringify(json)];
}

let people = 0;
/** The claims of somebody whom nobody has seen before, but for those that are given. */
export function newPerson(claims) {
  const sub = `person-${++people}`;
  return { sub, email: `${sub}@example.com`, email_verified: true, ...claims };
}

/** Somebody whom a provider has signed in: the claims, the JWT, and `ask` (`asking`). */
export async function signIn(gate, provider, claims = newPerson(), carry = byJwt) {
  const jwt = await provider.token(claims);
  return { ...claims, jwt, ask: asking(gate, carry(jwt)) };
}

/** What an answer holds that must have this status. */
export async function ok(answer, status = 200) {
  const settled = await answer;
  assert.equal(settled.status, status, settled.text);
  return settled.text === "" ? undefined : settled.json();
}

/** A new token of whoever asks. */
export const make = (ask, fields) =>
  ok(ask("POST", TOKENS, { json: { name: "one", ...fields } }), 201);

/** Asserts that requests (lists of what `asking` takes) are answered alike, one by one. */
export async function assertAlike(ask, some, others) {
  assert.equal(some.length, others.length);
  for (const [at, request] of some.entries()) {
    const [answer, other] = [await ask(...request), await ask(...others[at])];
    assert.deepEqual(visible(answer), visible(other), JSON.stringify(request));
  }
}
