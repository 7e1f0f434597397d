import { getConnInfo } from "@hono/node-server/conninfo";
import { createGate, type Identity } from "gatepass";
import { gatepass, type GatepassVariables } from "gatepass/hono";
import { memoryStore } from "gatepass/stores/memory";
import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";

const gate = createGate({ store: memoryStore() });

// Without options, everywhere and below a path.
const app = new Hono<{ Variables: GatepassVariables }>();
app.use(gatepass(gate));
app.use("/api/*", gatepass(gate));

// The address, by the context that Hono has.
app.use(gatepass(gate, { address: (c) => c.req.header("cf-connecting-ip") }));
app.use("*", gatepass(gate, { address: (c: Context) => getConnInfo(c).remote.address }));

// Whose request it is.
app.get("/me", (c) => {
  const identity: Identity | null = c.get("gatepass");
  c.var.gatepass?.user.id.toUpperCase();
  // @ts-expect-error: nobody's on a public route
  c.get("gatepass").user;
  return c.json(identity);
});

// Beside an app's own variables and bindings.
interface Env {
  Bindings: { RECORDS: string };
  Variables: GatepassVariables & { mine: number };
}
const bound = new Hono<Env>();
bound.use("/api/*", gatepass(gate, { address: (c) => c.req.header("cf-connecting-ip") }));
bound.get("/", (c) =>
  c.json({ mine: c.get("mine"), user: c.get("gatepass")?.user, at: c.env.RECORDS }),
);

// As middleware of a route, and among others.
const others = createMiddleware<Env>(async (_, next) => next());
bound.get("/jobs/:id", others, gatepass(gate), (c) => c.text(c.req.param("id")));
new Hono().use(gatepass(gate)).get("/", (c) => c.text("x"));

// @ts-expect-error: a gate is needed
app.use(gatepass({}));
// @ts-expect-error: an address is a text
app.use(gatepass(gate, { address: () => 7 }));
// @ts-expect-error: no such option
app.use(gatepass(gate, { adress: () => "" }));

export default app;
