// The limit: no check at all.

export default {
  fetch: (request, env) => env.UPSTREAM.fetch(request),
};
