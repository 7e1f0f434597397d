// Answers of Gatepass's own.

import { unavailable } from "../shell/unavailable.js";
import { logFault } from "./log.js";
import { countRequest, readSums } from "./metrics.js";
import { pageHeaders } from "./tokens-page.js";

/** Headers of an asset that pages of any site may load. */
const ASSET_HEADERS = {
  "access-control-allow-origin": "*",
  "cache-control": "public, max-age=3600",
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A file of the assets, the keys that assertions are verified with, or the metrics. */
export async function asset(request, { path }, { gate, env, deadline }) {
  if (path === "/jwks.json") return respond(keySet(gate), request);
  try {
    if (path === "/metrics") return respond(await metrics(env, deadline), request);
    return await file(request, path, env, deadline);
  } catch (error) {
    throw deadline.failed(error);
  }
}

async function file(request, path, env, deadline) {
  deadline.asked = "ASSETS";
  const { method } = request;
  const ifNoneMatch = request.headers.get("if-none-match");
  const found = await env.ASSETS.fetch(new URL(path, request.url), {
    method,
    headers: ifNoneMatch ? { "if-none-match": ifNoneMatch } : {},
  });
  if (found.status >= 400) {
    await found.body?.cancel();
    throw new Error(`status ${found.status}`);
  }
  const answer = new Response(found.body, found);
  const headers = pageHeaders(path, env) ?? ASSET_HEADERS;
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  countRequest("answered", answer.status);
  return answer;
}

async function metrics(env, deadline) {
  deadline.asked = "DIRECTORY";
  const headers = {
    "cache-control": "no-store",
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return { status: 200, headers, body: await readSums(env, Date.now()) };
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
export function respond({ status, headers, body, code }, request, more) {
  countRequest("answered", status, code);
  const bodiless = request.method === "HEAD" || body === "";
  const response = new Response(bodiless ? null : body, { status, headers });
  for (const name in more) response.headers.set(name, more[name]);
  return response;
}

/** The answer to an error that nothing else was done about. */
export function internal(error, request) {
  logFault("gate_failed", { request, error });
  countRequest("answered", 503, "store_unavailable");
  return unavailable();
}
