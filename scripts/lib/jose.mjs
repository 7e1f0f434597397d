// What the Worker uses of jose, as one module: workerd by itself finds no packages.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inRoot } from "./paths.mjs";

const ENTRY = `
export { calculateJwkThumbprint, createLocalJWKSet, importJWK, jwtVerify, SignJWT } from "jose";
export { JOSEError, JWKSNoMatchingKey } from "jose/errors";`;

/** The module's bytes, under jose's license. */
export async function bundleJose() {
  // The packages may be installed after this module is loaded; wrangler brings esbuild along.
  const wrangler = createRequire(inRoot("node_modules", "wrangler", "package.json"));
  const { build } = wrangler("esbuild");
  const { outputFiles } = await build({
    ...{ stdin: { contents: ENTRY, resolveDir: inRoot() }, bundle: true, write: false },
    ...{ format: "esm", platform: "neutral", target: "es2024", logLevel: "error" },
    ...{ conditions: ["workerd", "worker", "import"] },
    ...{ minifyWhitespace: true, minifySyntax: true, banner: { js: license() } },
  });
  return outputFiles[0].contents;
}

function license() {
  const folder = inRoot("node_modules", "jose");
  const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const text = readFileSync(`${folder}/LICENSE.md`, "utf8").trim();
  return `/*! jose ${version}\n\n${text}\n*/`;
}
