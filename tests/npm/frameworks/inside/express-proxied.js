// An app behind a proxy that it trusts.

import express from "express";
import { gatepass } from "gatepass/express";
import { gate, make } from "./gate.js";

const app = express();
app.set("trust proxy", 1);
app.post("/make", express.json(), async (req, res) => res.json(await make(req.body)));
app.use(gatepass(gate), (req, res) => {
  const { gatepass, headers, host, ip, protocol } = req;
  res.set("x-handler", "ran").json({ gatepass, headers, host, ip, protocol });
});

const server = app.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
