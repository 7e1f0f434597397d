import { getConnInfo, upgradeWebSocket, websocket } from "hono/bun";
import { makeApp } from "./hono-app.js";
import { echo } from "./socket.js";

const app = makeApp((app) => {
  app.get("/socket", upgradeWebSocket(echo));
  app.get("/peer", (c) => c.text(getConnInfo(c).remote.address));
});
const options = { port: 0, hostname: "127.0.0.1", websocket };
const { port } = Bun.serve({ fetch: (request, server) => app.fetch(request, server), ...options });
console.log(JSON.stringify({ port }));
