// Bundles a Worker as wrangler would: one module, and its wasm beside it.

import { createRequire } from "node:module";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = "worker.js";

/** The modules of a Worker, by name, its entry first; `entry` is a `file:` URL. */
export async function bundle(entry) {
  // Installed on first use, so not there when this module is loaded.
  const { build } = createRequire(import.meta.url)("esbuild");
  const { outputFiles } = await build({
    ...{ entryPoints: [fileURLToPath(entry)], outfile: MAIN, write: false },
    ...{ bundle: true, format: "esm", target: "es2024", logLevel: "error" },
    ...{ conditions: ["workerd", "worker", "browser"], mainFields: ["browser", "module", "main"] },
    ...{ external: ["cloudflare:*", "node:*"], define: { "process.env.NODE_ENV": '"production"' } },
    ...{ loader: { ".wasm": "copy" }, assetNames: "[name]" },
  });
  const modules = outputFiles.map(({ path, contents }) => [basename(path), contents]);
  const isMain = ([name]) => name === MAIN;
  modules.sort((a, b) => isMain(b) - isMain(a));
  return Object.fromEntries(modules);
}
