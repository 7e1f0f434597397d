// The least that a Worker can do: the answer that Gatepass gives to a token which is none.

const BODY =
  '{"title":"Unauthorized","status":401,"code":"token_malformed",' +
  '"detail":"this is not a token; check that it was copied whole"}';

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "content-type": "application/problem+json",
  "referrer-policy": "no-referrer",
  "www-authenticate": 'Bearer realm="Gatepass", error="invalid_token"',
  "x-content-type-options": "nosniff",
};

export default {
  fetch: () => new Response(BODY, { status: 401, headers: HEADERS }),
};
