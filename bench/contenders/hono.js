// Hono with its bearerAuth and a hashed look-up: https://hono.dev/docs/middleware/builtin/bearer-auth

import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { forward } from "./forward.js";
import { goodRecord } from "./records.js";

const app = new Hono();

app.use(
  "/api/*",
  bearerAuth({
    async verifyToken(token, c) {
      const record = await goodRecord(token, c.env);
      c.set("user", record?.uid);
      return record !== undefined;
    },
  }),
);

app.all("/api/*", (c) => forward(c.req.raw, c.get("user"), c.env));

export default app;
