// A token's SHA-256 looked up in a `Map`: by hand, and with Hono's bearerAuth,
// https://hono.dev/docs/middleware/builtin/bearer-auth

import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { bearer, requestsOf, secret } from "./requests.js";

const encoder = new TextEncoder();

export async function plain() {
  const { userOf, requests } = await users();
  const check = async (request) => {
    const [, token] = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    return token === undefined ? null : ((await userOf(token)) ?? null);
  };
  return { requests, check };
}

export async function hono() {
  const { userOf, requests } = await users();
  const app = new Hono();
  app.use(
    "/api/*",
    bearerAuth({
      async verifyToken(token, c) {
        const user = await userOf(token);
        c.set("user", user);
        return user !== undefined;
      },
    }),
  );
  app.get("/api/*", (c) => {
    c.env.user = c.get("user");
    return c.body(null);
  });
  const check = async (request) => {
    const env = {};
    return (await app.fetch(request, env)).ok ? env.user : null;
  };
  return { requests, check };
}

/** Who has which token. */
async function users() {
  const [good, wrong] = [secret(), secret()];
  const known = new Map([[await digest(good), "ada"]]);
  const userOf = async (token) => known.get(await digest(token));
  return { userOf, requests: requestsOf(bearer, { good, wrong }) };
}

async function digest(token) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(token)));
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}
