// better-auth's API keys, verified for each request.

import { auth } from "./better-auth-config.js";
import { forward, refusal } from "./forward.js";

export default {
  async fetch(request, env) {
    const key = request.headers.get("x-api-key");
    if (!key) return refusal();
    const body = { key, permissions: { jobs: ["read"] } };
    const found = await auth.api.verifyApiKey({ body });
    return found.valid ? forward(request, found.key.referenceId, env) : refusal();
  },
};
