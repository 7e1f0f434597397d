// Answers of Gatepass's own, and what is logged.

import { unavailable } from "../shell/unavailable.js";
import { pageHeaders } from "./tokens-page.js";

/** Headers of an asset that pages of any site may load. */
const ASSET_HEADERS = {
  "access-control-allow-origin": "*",
  "cache-control": "public, max-age=3600",
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A file of the assets, or the keys that assertions are verified with. */
export async function asset(request, { path }, gate, env) {
  if (path === "/jwks.json") return respond(keySet(gate), request);
  const { method } = request;
  const ifNoneMatch = request.headers.get("if-none-match");
  const found = await env.ASSETS.fetch(new URL(path, request.url), {
    method,
    headers: ifNoneMatch ? { "if-none-match": ifNoneMatch } : {},
  });
  const answer = new Response(found.body, found);
  const headers = pageHeaders(path, env) ?? ASSET_HEADERS;
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  return answer;
}

/** A JWK Set, with no key where assertions are not signed. */
function keySet({ assertions }) {
  const headers = {
    ...ASSET_HEADERS,
    "cache-control": "public, max-age=300",
    "content-type": "application/jwk-set+json",
  };
  return { status: 200, headers, body: JSON.stringify(assertions?.jwks() ?? { keys: [] }) };
}

/** An answer of Gatepass's own, with some headers more. */
export function respond({ status, headers, body }, request, more) {
  const bodiless = request.method === "HEAD" || body === "";
  const response = new Response(bodiless ? null : body, { status, headers });
  for (const name in more) response.headers.set(name, more[name]);
  return response;
}

/** The answer to an error that nothing else was done about. */
export function internal(error) {
  log(error);
  return unavailable();
}

/** One structured line. Errors of bindings hold no secret; requests might. */
export function log(error, binding) {
  const name = error?.name ?? "Error";
  const message = String(error?.message ?? error).slice(0, 200);
  console.error(JSON.stringify({ error: name, message, binding }));
}
