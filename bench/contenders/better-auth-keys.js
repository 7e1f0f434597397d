// Makes the keys for the contender better-auth: by POST, one that ends in so many seconds.

import { auth } from "./better-auth-config.js";

export default {
  async fetch(request) {
    const { expiresIn } = await request.json();
    const permissions = { jobs: ["read"] };
    const { key } = await auth.api.createApiKey({
      body: { userId: "ada", expiresIn, permissions },
    });
    return Response.json({ key });
  },
};
