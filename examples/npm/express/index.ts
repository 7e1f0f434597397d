import express from "express";
import { createGate } from "gatepass";
import { gatepass } from "gatepass/express";
import { sqliteStore } from "gatepass/stores/sqlite";
import { DatabaseSync } from "node:sqlite";

const gate = createGate({
  store: sqliteStore(new DatabaseSync("tokens.sqlite")),
  routes: [
    { path: "/try/token", methods: ["POST"], public: true },
    { path: "/hello", scopes: ["hello"] },
  ],
});

const app = express();

app.use(gatepass(gate));

// Stands for a page of yours where people are signed in: here anybody gets a token.
app.post("/try/token", async (_, res) => {
  const user = { email: "ada@example.com" };
  const { token } = await gate.tokens.create({ name: "My first token", user, scopes: ["hello"] });
  res.type("text").send(token);
});

app.get("/hello", (req, res) => {
  res.type("text").send(`Hello ${req.gatepass?.user.email}\n`);
});

app.listen(Number(process.env.PORT ?? 8000));
