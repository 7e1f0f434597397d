// The middleware's types fit those of the frameworks.

import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { compile } from "../support/compile.mjs";

const PACKAGES = ["@hono/node-server", "@types/express", "@types/node", "express", "hono"];

const STRICTEST = {
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
};

describe("the middleware's types", () => {
  for (const [name, settings] of [
    ["hono.ts", { types: ["node"], lib: ["es2023"] }],
    ["hono.ts", { types: ["node"], lib: ["es2023", "dom", "dom.iterable"], ...STRICTEST }],
    ["express.ts", { types: ["node"], lib: ["es2023"] }],
    ["express.ts", { types: ["node"], lib: ["es2023"], ...STRICTEST }],
  ]) {
    test(`fit ${name}, ${JSON.stringify(settings)}`, async () => {
      const text = await readFile(new URL(`types/${name}`, import.meta.url), "utf8");
      await compile({ [name]: text }, settings, PACKAGES);
    });
  }

  test("need neither framework, nor Node.js", async () => {
    const text = `
      import { gatepass as express } from "gatepass/express";
      import { gatepass as hono } from "gatepass/hono";
      export { express, hono };
    `;
    const lib = ["es2023", "dom", "dom.iterable"];
    await compile({ "both.ts": text }, { types: [], lib, ...STRICTEST });
  });
});
