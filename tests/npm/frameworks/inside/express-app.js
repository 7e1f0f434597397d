import express from "express";
import { gatepass } from "gatepass/express";
import { brokenGate, gate, make } from "./gate.js";

const app = express();
app.post("/make", express.json(), async (req, res) => res.json(await make(req.body)));

app.use("/broken", gatepass(brokenGate));
app.use("/throws", gatepass({ check: () => Promise.reject(new Error("out of order")) }));
app.use("/earlier", (req, res, next) => {
  res.set({ "x-earlier": "1", "cache-control": "public" });
  next();
});
app.use("/read", express.text());
app.use("/mounted", gatepass(gate), (req, res) => {
  const { gatepass, url, originalUrl, query } = req;
  res.set("x-handler", "ran").json({ gatepass, url, originalUrl, query });
});
app.use("/peer", gatepass(gate)); // by req.ip
app.use(/^(?!\/peer)/, gatepass(gate, { address: (req) => req.get("x-peer") }));

app.use((req, res, next) => {
  res.set("x-handler", "ran");
  next();
});
app.all("/admin/*rest", (req, res) => res.send("admin"));
app.get("/status/:code", (req, res) =>
  res.status(Number(req.params.code)).set("etag", '"1"').end(),
);
app.get("/redirect", (req, res) => res.redirect("/elsewhere"));
app.get("/file", (req, res) => res.sendFile("gate.js", { root: import.meta.dirname }));
app.get("/cached", (req, res) => {
  res.set({ "cache-control": "public, s-maxage=60", "cdn-cache-control": "max-age=60" }).send("x");
});
app.get("/cookies", (req, res) => {
  res.append("set-cookie", "a=1; Domain=embed.localhost").append("set-cookie", "b=2").send("x");
});
app.get("/stream", (req, res) => {
  for (const part of ["one ", "two ", "three"]) res.write(part);
  res.end();
});
app.get("/head/:form", (req, res) => {
  const forms = {
    object: [200, { "Cache-Control": "public", "Set-Cookie": ["a=1", "b=2"] }],
    reason: [200, "Fine", { "Cache-Control": "public", "Set-Cookie": ["a=1", "b=2"] }],
    list: [200, ["Cache-Control", "public", "Set-Cookie", "a=1", "Set-Cookie", "b=2"]],
    pairs: [
      200,
      [
        ["Cache-Control", "public"],
        ["Set-Cookie", ["a=1", "b=2"]],
      ],
    ],
  };
  res.writeHead(...forms[req.params.form]).end("x");
});
app.get("/error", () => {
  throw new Error("the app's own");
});
app.use(express.text(), (req, res) => {
  const { gatepass, method, path, originalUrl, query, rawHeaders, headersDistinct } = req;
  const url = `${req.protocol}://${req.host}${originalUrl}`;
  const names = rawHeaders.filter((_, at) => at % 2 === 0);
  const raw = names.map((name, at) => [name.toLowerCase(), rawHeaders[2 * at + 1]]);
  const distinct = Object.entries(headersDistinct).map(([name, values]) => [
    name,
    values.join("; "),
  ]);
  const copies = { copied: { url, headers: raw }, distinct, headers: req.headers };
  res.json({ gatepass, method, path, url, query, ip: req.ip, body: req.body ?? "", ...copies });
});
app.use((error, req, res, next) => {
  res.status(500).set("x-handler", "error").send(error.message);
});

const server = app.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
