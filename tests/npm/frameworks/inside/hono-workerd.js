import { upgradeWebSocket } from "hono/cloudflare-workers";
import { makeApp } from "./hono-app.js";
import { echo } from "./socket.js";

export default makeApp((app) => app.get("/socket", upgradeWebSocket(echo)));
