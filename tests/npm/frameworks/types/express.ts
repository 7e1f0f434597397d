import express, { type Request, Router } from "express";
import { createGate, type Identity } from "gatepass";
import { gatepass } from "gatepass/express";
import { memoryStore } from "gatepass/stores/memory";

const gate = createGate({ store: memoryStore() });

// Without options, everywhere, below a path, in a router and as middleware of a route.
const app = express();
app.use(gatepass(gate));
app.use("/api", gatepass(gate), express.json());
Router().use(gatepass(gate));
app.get("/jobs/:id", gatepass(gate), (req, res) => res.json(req.params.id));

// The address, by the request that Express has.
app.use(gatepass(gate, { address: (req: Request) => req.get("cf-connecting-ip") }));
app.use(gatepass(gate, { address: (req) => req.ip }));

// Whose request it is.
app.get("/me", (req, res) => {
  const identity: Identity | null | undefined = req.gatepass;
  // @ts-expect-error: nobody's on a public route
  req.gatepass.user;
  res.json({ identity, user: req.gatepass?.user.id.toUpperCase() });
});

// @ts-expect-error: a gate is needed
app.use(gatepass({}));
// @ts-expect-error: an address is a text
app.use(gatepass(gate, { address: () => 7 }));
// @ts-expect-error: no such option
app.use(gatepass(gate, { adress: () => "" }));
