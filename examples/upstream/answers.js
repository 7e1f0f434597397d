/** A JSON answer; `init` is what `Response` takes. */
export function json(value, init = {}) {
  return new Response(JSON.stringify(value, null, 2) + "\n", {
    ...init,
    headers: { "Content-Type": "application/json", ...init.headers },
  });
}

/** A JSON answer that says what is wrong. */
export function problem(status, error, headers) {
  return json({ error }, { status, headers });
}

/** 405, with the methods that are allowed. */
export function methodNotAllowed(allow) {
  return problem(405, "method not allowed", { Allow: allow });
}

/**
 * A whole number from a query parameter: `fallback` when it is absent,
 * `undefined` when it is anything but a number within the bounds.
 */
export function wholeNumber(text, { fallback, min, max }) {
  if (text === null) return fallback;
  const number = Number(text);
  const inBounds = number >= min && number <= max;
  return /^\d{1,10}$/.test(text) && inBounds ? number : undefined;
}

/**
 * What the client's own URL starts with: a gate in front says so in
 * `X-Forwarded-Proto` and `X-Forwarded-Host`; without one, the request's URL.
 */
export function publicOrigin(request) {
  const url = new URL(request.url);
  const proto = request.headers.get("X-Forwarded-Proto");
  const host = request.headers.get("X-Forwarded-Host");
  if (/^https?$/.test(proto ?? "")) url.protocol = proto;
  if (/^[\w.-]+(:\d{1,5})?$/.test(host ?? "")) {
    url.port = "";
    url.host = host;
  }
  return url.origin;
}
