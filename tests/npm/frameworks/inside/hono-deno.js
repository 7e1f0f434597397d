import { upgradeWebSocket } from "hono/deno";
import { makeApp } from "./hono-app.js";
import { echo } from "./socket.js";

const app = makeApp((app) => app.get("/socket", upgradeWebSocket(echo)));
const onListen = ({ port }) => console.log(JSON.stringify({ port }));
Deno.serve({ port: 0, hostname: "127.0.0.1", onListen }, app.fetch);
