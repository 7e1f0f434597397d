// What those contenders do that have no way of their own.

/** Passes a request on under a user's name, without its credential. */
export function forward(request, user, env) {
  const headers = new Headers(request.headers);
  headers.delete("authorization");
  headers.delete("x-api-key");
  headers.set("x-user", user);
  return env.UPSTREAM.fetch(new Request(request, { headers }));
}

/** The answer to a credential that is not good. */
export function refusal() {
  const headers = { "www-authenticate": 'Bearer realm="app", error="invalid_token"' };
  return Response.json({ error: "invalid_token" }, { status: 401, headers });
}
