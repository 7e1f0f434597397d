import { createGate } from "gatepass";
import { upstashStore } from "gatepass/stores/upstash";

declare const Netlify: { env: { get(name: string): string | undefined } };

export const config = { path: "/*" };

const gate = createGate({
  store: upstashStore({
    url: Netlify.env.get("UPSTASH_REDIS_REST_URL")!,
    token: Netlify.env.get("UPSTASH_REDIS_REST_TOKEN")!,
  }),
  routes: [
    { path: "/try/token", methods: ["POST"], public: true },
    { path: "/hello", scopes: ["hello"] },
  ],
});

export default async function handler(request: Request, { ip }: { ip: string }): Promise<Response> {
  const decision = await gate.check(request, { address: ip });
  if (!decision.allowed) return decision.response;
  if (new URL(request.url).pathname === "/try/token") return tryToken();
  return decision.guard(new Response(`Hello ${decision.identity?.user.email}\n`));
}

/** Stands for a page of yours where people are signed in: here anybody gets a token. */
async function tryToken(): Promise<Response> {
  const user = { email: "ada@example.com" };
  const { token } = await gate.tokens.create({ name: "My first token", user, scopes: ["hello"] });
  return new Response(token);
}
