import { env } from "cloudflare:workers";
import { createGate } from "gatepass";
import { gatepass, type GatepassVariables } from "gatepass/hono";
import { cloudflareKvStore } from "gatepass/stores/cloudflare-kv";
import { Hono } from "hono";

const gate = createGate({
  store: cloudflareKvStore(env.RECORDS),
  routes: [
    { path: "/try/token", methods: ["POST"], public: true },
    { path: "/hello", scopes: ["hello"] },
  ],
});

const app = new Hono<{ Variables: GatepassVariables }>();

app.use(gatepass(gate, { address: (c) => c.req.header("cf-connecting-ip") }));

// Stands for a page of yours where people are signed in: here anybody gets a token.
app.post("/try/token", async (c) => {
  const user = { email: "ada@example.com" };
  const { token } = await gate.tokens.create({ name: "My first token", user, scopes: ["hello"] });
  return c.text(token);
});

app.get("/hello", (c) => c.text(`Hello ${c.get("gatepass")?.user.email}\n`));

export default app;
