import { serve } from "@hono/node-server";
import { makeApp } from "./hono-app.js";

const options = { fetch: makeApp().fetch, port: 0, hostname: "127.0.0.1" };
serve(options, ({ port }) => console.log(JSON.stringify({ port })));
