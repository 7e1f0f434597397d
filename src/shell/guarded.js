// The upstream's answer as clients get it.

/**
 * Headers by which an upstream lets shared caches keep an answer, whatever its `Cache-Control` says
 * (RFC 9213): all of them, since nobody here knows which caches are before the gate.
 */
const SHARED_CACHE_HEADERS = [
  "akamai-cache-control",
  "cdn-cache-control",
  "cloudflare-cdn-cache-control",
  "deno-cdn-cache-control",
  "edge-control",
  "netlify-cdn-cache-control",
  "surrogate-control",
  "vercel-cdn-cache-control",
  "x-accel-expires",
];

/**
 * The upstream's answer, untouched but for who may keep and read it: the
 * credential that kept shared caches away never reached the upstream.
 */
export function guarded(response, { isPrivate, hideReferrer, cors }) {
  if (response.webSocket || (!isPrivate && !cors)) return response;
  const guarded = new Response(response.body, response);
  const { headers } = guarded;
  if (isPrivate) {
    const value = privately(headers.get("cache-control"));
    if (value) headers.set("cache-control", value);
    for (const name of SHARED_CACHE_HEADERS) if (headers.has(name)) headers.delete(name);
  }
  if (hideReferrer) headers.set("referrer-policy", "no-referrer");
  if (cors) {
    headers.set("access-control-allow-origin", cors);
    headers.delete("access-control-allow-credentials");
    headers.append("vary", "Origin");
  }
  return guarded;
}

/**
 * The `Cache-Control` of an answer that is for one client only (RFC 9111
 * §5.2.2), or nothing where it is already as strict.
 */
export function privately(value) {
  if (!value || value.length > 1024) return "private";
  if ((value.match(/"/g)?.length ?? 0) % 2 === 1) return "private";
  const directives = value
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
