// Forwards a request by streaming and passes the answer back.

import { confined } from "./place.js";

/** Milliseconds that the upstream has until the head of its answer. */
const TIMEOUT = 60_000;

/** Headers by which an upstream lets shared caches keep an answer. */
const SHARED_CACHE_HEADERS = [
  "cdn-cache-control",
  "cloudflare-cdn-cache-control",
  "surrogate-control",
];

/** Does what an `allow` verdict says. */
export async function forward(request, verdict, facts, gate, env) {
  if (request.body && bodiless(request.method)) {
    return answer(gate.refuse(facts, "body_not_allowed"));
  }
  const headers = new Headers(request.headers);
  for (const name of verdict.remove) headers.delete(name);
  for (const [name, value] of verdict.set) headers.set(name, value);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT);
  try {
    const upstream = verdict.service ? env[verdict.service] : globalThis;
    const response = await upstream.fetch(verdict.url, {
      method: request.method,
      headers,
      body: request.body,
      redirect: "manual",
      cache: "no-store",
      signal: abort.signal,
    });
    return guarded(verdict.place ? confined(response, verdict, gate) : response, verdict);
  } catch (error) {
    const code = abort.signal.aborted ? "upstream_slow" : "upstream_unavailable";
    if (code === "upstream_unavailable") {
      console.error(JSON.stringify({ error: error?.name, upstream: "failed" }));
    }
    return answer(gate.refuse(facts, code));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The upstream's answer, untouched but for who may keep and read it: the
 * credential that kept shared caches away never reached the upstream.
 */
function guarded(response, { private: isPrivate, hideReferrer, cors }) {
  if (response.webSocket || (!isPrivate && !cors)) return response;
  const guarded = new Response(response.body, response);
  if (isPrivate) {
    const value = privately(response.headers.get("cache-control"));
    if (value) guarded.headers.set("cache-control", value);
    for (const name of SHARED_CACHE_HEADERS) guarded.headers.delete(name);
  }
  if (hideReferrer) guarded.headers.set("referrer-policy", "no-referrer");
  if (cors) {
    guarded.headers.set("access-control-allow-origin", cors);
    guarded.headers.delete("access-control-allow-credentials");
    guarded.headers.append("vary", "Origin");
  }
  return guarded;
}

/**
 * The `Cache-Control` of an answer that is for one client only (RFC 9111
 * §5.2.2), or nothing where it is already as strict.
 */
export function privately(value) {
  if (value?.length > 1024) return "private";
  if ((value?.match(/"/g)?.length ?? 0) % 2 === 1) return "private";
  const directives = (value ?? "")
    .split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    .map((directive) => directive.trim())
    .filter(Boolean);
  const names = directives.map((directive) => directive.toLowerCase());
  if (names.includes("no-store") || names.includes("private")) return undefined;
  const kept = directives.filter((_, index) => !isShared(names[index]));
  return ["private", ...kept].join(", ");
}

function isShared(directive) {
  return /^(public|s-maxage|private|proxy-revalidate)\b/.test(directive);
}

function bodiless(method) {
  return method === "GET" || method === "HEAD";
}

function answer({ status, headers, body }) {
  return new Response(body, { status, headers });
}
