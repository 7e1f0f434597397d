// An app behind the gate, with Hono. It tells what it sees.

import { Hono } from "hono";
import { gatepass } from "gatepass/hono";
import { brokenGate, gate, make } from "./gate.js";

/** @param {(app: Hono) => void} [add] what only one platform has */
export function makeApp(add = () => {}) {
  const app = new Hono();
  app.onError((error, c) => c.text(error.message, 500, { "x-handler": "error" }));
  app.post("/make", async (c) => c.json(await make(await c.req.json())));

  app.use("/broken/*", gatepass(brokenGate));
  app.use("/throws/*", gatepass({ check: () => Promise.reject(new Error("out of order")) }));
  app.use("/earlier/*", async (c, next) => {
    c.res.headers.set("x-earlier", "1");
    c.res.headers.set("cache-control", "public");
    await next();
  });
  app.use("/read/*", async (c, next) => {
    await c.req.text();
    await next();
  });
  app.use(gatepass(gate, { address: (c) => c.req.header("x-peer") }));
  add(app);

  app.use(async (c, next) => {
    await next();
    if (!c.res.headers.has("x-handler")) c.header("x-handler", "ran");
  });
  app.all("/admin/*", (c) => c.text("admin"));
  app.get("/status/:code", (c) => c.body(null, Number(c.req.param("code")), { etag: '"1"' }));
  app.get("/redirect", (c) => c.redirect("/elsewhere"));
  app.get("/cached", (c) =>
    c.text("x", 200, { "cache-control": "public, s-maxage=60", "cdn-cache-control": "max-age=60" }),
  );
  app.get("/cookies", (c) => {
    c.header("set-cookie", "a=1; Domain=embed.localhost", { append: true });
    c.header("set-cookie", "b=2", { append: true });
    return c.text("x");
  });
  app.get("/stream", () => {
    const parts = ["one ", "two ", "three"];
    const pull = (controller) =>
      parts.length
        ? controller.enqueue(new TextEncoder().encode(parts.shift()))
        : controller.close();
    return new Response(new ReadableStream({ pull }));
  });
  app.get("/error", () => {
    throw new Error("the app's own");
  });
  app.all("*", async (c) => {
    const { raw } = c.req;
    const copy = raw.bodyUsed ? raw : new Request(raw.clone());
    return c.json({
      gatepass: c.get("gatepass"),
      method: c.req.method,
      path: c.req.path,
      url: c.req.url,
      query: c.req.query(),
      headers: c.req.header(),
      copied: { url: copy.url, headers: [...copy.headers] },
      body: await c.req.text(),
    });
  });
  return app;
}
