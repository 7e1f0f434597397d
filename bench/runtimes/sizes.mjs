// What each contender adds to a program: minified, and gzipped.

import { sizeOf } from "../sizes.mjs";
import { bundle } from "./bundle.mjs";

const SOURCES = {
  "Gatepass, inlined WebAssembly": ["node", 'export { createGate } from "gatepass";'],
  "Gatepass, a WebAssembly module": ["workerd", 'export { createGate } from "gatepass";'],
  "Hono with bearerAuth": [
    "node",
    'export { Hono } from "hono"; export { bearerAuth } from "hono/bearer-auth";',
  ],
  "jose's jwtVerify": ["node", 'export { jwtVerify } from "jose";'],
  "better-auth with API keys": [
    "node",
    'export { betterAuth } from "better-auth"; export { apiKey } from "@better-auth/api-key";',
  ],
};

/** `[{what, raw, gzipped}]` in bytes. */
export function sizes() {
  return Promise.all(
    Object.entries(SOURCES).map(async ([what, [condition, source]]) => {
      const { raw, gzipped } = sizeOf(await bundle(source, { condition }, { minify: true }));
      return { what, raw, gzipped };
    }),
  );
}
