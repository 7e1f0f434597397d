// Cloudflare's OAuth provider with the upstream as its API, one Worker for all:
// https://github.com/cloudflare/workers-oauth-provider#one-worker-oauthprovider

import { OAuthProvider } from "@cloudflare/workers-oauth-provider";
import { forward } from "./forward.js";

const ISSUER = "http://localhost";

export default new OAuthProvider({
  apiRoute: "/api/",
  apiHandler: { fetch: (request, env, ctx) => forward(request, ctx.props.userId, env) },
  defaultHandler: { fetch: authorize },
  authorizeEndpoint: "/authorize",
  tokenEndpoint: "/oauth/token",
  clientRegistrationEndpoint: "/oauth/register",
  scopesSupported: ["jobs:read"],
  resourceMetadata: { resource: `${ISSUER}/api`, authorization_servers: [ISSUER] },
  requiredScopes: ["jobs:read"],
  accessTokenTTL: 86_400,
});

/** The page that asks the user, who always consents. */
async function authorize(request, env) {
  const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request);
  const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
    request: asked,
    userId: "ada",
    metadata: {},
    scope: ["jobs:read"],
    props: { userId: "ada" },
    revokeExistingGrants: false,
  });
  return Response.redirect(redirectTo, 302);
}
