import { Database } from "bun:sqlite";
import { createGate } from "gatepass";
import { sqliteStore } from "gatepass/stores/sqlite";

const gate = createGate({
  store: sqliteStore(new Database("tokens.sqlite")),
  routes: [
    { path: "/try/token", methods: ["POST"], public: true },
    { path: "/hello", scopes: ["hello"] },
  ],
});

Bun.serve({
  port: Number(process.env.PORT ?? 8000),
  async fetch(request, server) {
    const decision = await gate.check(request, { address: server.requestIP(request)?.address });
    if (!decision.allowed) return decision.response;
    if (new URL(request.url).pathname === "/try/token") return tryToken();
    return decision.guard(new Response(`Hello ${decision.identity?.user.email}\n`));
  },
});

/** Stands for a page of yours where people are signed in: here anybody gets a token. */
async function tryToken(): Promise<Response> {
  const user = { email: "ada@example.com" };
  const { token } = await gate.tokens.create({ name: "My first token", user, scopes: ["hello"] });
  return new Response(token);
}
