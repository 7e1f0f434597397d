// The gate of the apps that the tests of middleware knock at.

import { createGate } from "gatepass";
import { memoryStore } from "gatepass/stores/memory";

const working = memoryStore();
const failing = { ...working, get: () => Promise.reject(new Error("the store is away")) };

const OPTIONS = {
  routes: [
    { path: "/public/*", public: true },
    { path: "/admin/*", scopes: ["admin"] },
    { path: "/feed", queryToken: "access_token" },
    { path: "/mounted/feed", queryToken: "access_token" },
    { path: "/mounted/admin", scopes: ["admin"] },
    { path: "/socket", queryToken: "access_token" },
    { path: "/shared/*", cors: ["https://page.example"] },
  ],
  embedHost: "*.embed.localhost",
  development: true,
  sessionKeys: `k1:${"A".repeat(43)}=`,
  apps: [{ id: "jobs", allowedOrigins: ["https://portal.example"] }],
};

export const gate = createGate({ store: working, origin: "http://localhost", ...OPTIONS });

export const brokenGate = createGate({ store: failing, routes: OPTIONS.routes });

/** Makes a token, as the test asks. */
export const make = (options) =>
  gate.tokens.create({ name: "test", user: { id: "ada" }, ...options });
