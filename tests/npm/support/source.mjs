// The package's TypeScript, and modules that use it, as one JavaScript module.

import { fileURLToPath } from "node:url";
import { bundle } from "../../../scripts/lib/esbuild.mjs";

/** The text of a module with all that it imports but what its runtime brings. */
export async function bundleModule(url) {
  const bytes = await bundle({
    entryPoints: [fileURLToPath(url)],
    external: ["bun:*", "cloudflare:*", "node:*"],
    ...{ minifyWhitespace: false, minifySyntax: false, sourcemap: "inline" },
  });
  return Buffer.from(bytes).toString();
}

/** What a module of the package exports: `importSource("stores/memory.ts")`. */
export async function importSource(name) {
  const text = await bundleModule(new URL(`../../../npm/src/${name}`, import.meta.url));
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
}
