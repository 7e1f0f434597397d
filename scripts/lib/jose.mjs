// What the Worker uses of jose, as one module: workerd by itself finds no packages.
import { bundleNaming, license } from "./esbuild.mjs";
import { inRoot } from "./paths.mjs";

const ENTRY = `
export { calculateJwkThumbprint, createLocalJWKSet, importJWK, jwtVerify, SignJWT } from "jose";
export { JOSEError, JWKSNoMatchingKey } from "jose/errors";`;

/** The module, with the packages in it, under jose's license. */
export const bundleJose = () =>
  bundleNaming({
    ...{ stdin: { contents: ENTRY, resolveDir: inRoot() }, platform: "neutral" },
    ...{ conditions: ["workerd", "worker", "import"], banner: { js: license("jose") } },
  });
