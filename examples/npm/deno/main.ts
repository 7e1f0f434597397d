import { createGate } from "gatepass";
import { denoKvStore } from "gatepass/stores/deno-kv";

const gate = createGate({
  store: denoKvStore(await Deno.openKv()),
  routes: [
    { path: "/try/token", methods: ["POST"], public: true },
    { path: "/hello", scopes: ["hello"] },
  ],
});

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 8000) }, async (request, { remoteAddr }) => {
  const decision = await gate.check(request, { address: remoteAddr.hostname });
  if (!decision.allowed) return decision.response;
  if (new URL(request.url).pathname === "/try/token") return tryToken();
  return decision.guard(new Response(`Hello ${decision.identity?.user.email}\n`));
});

/** Stands for a page of yours where people are signed in: here anybody gets a token. */
async function tryToken(): Promise<Response> {
  const user = { email: "ada@example.com" };
  const { token } = await gate.tokens.create({ name: "My first token", user, scopes: ["hello"] });
  return new Response(token);
}
