// The last resort, without the core.

/** No detail leaves, whatever happened. */
export function unavailable() {
  const detail = "the gate could not decide; try again shortly";
  const body = { title: "Service Unavailable", status: 503, code: "store_unavailable", detail };
  const headers = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "content-type": "application/problem+json",
    "referrer-policy": "no-referrer",
    "retry-after": "5",
    "x-content-type-options": "nosniff",
  };
  return new Response(JSON.stringify(body), { status: 503, headers });
}
