// Bundles for each runtime, with the entry of the package that it would choose itself.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { inRoot } from "../../scripts/lib/paths.mjs";

/**
 * The files of a bundle, by name, its entry first; `entry` is a path below this folder, or source
 * text. Vercel's runtime knows no modules: there it is one script.
 */
export async function bundle(entry, runtime, { minify = false } = {}) {
  // Installed on first use, so not there when this module is loaded.
  const { build } = createRequire(import.meta.url)("esbuild");
  const isScript = runtime.condition === "edge-light";
  const source = entry.includes(";")
    ? { stdin: { contents: entry, resolveDir: fileURLToPath(new URL(".", import.meta.url)) } }
    : { entryPoints: { main: fileURLToPath(new URL(entry, import.meta.url)) } };
  const { outputFiles } = await build({
    ...{ ...source, outdir: "bundle", write: false, bundle: true, minify, logLevel: "error" },
    ...{ format: isScript ? "iife" : "esm", splitting: !isScript, target: "es2022" },
    ...{ conditions: [runtime.condition, "import", "default"], mainFields: ["module", "main"] },
    ...{ outExtension: { ".js": ".mjs" }, define: { "process.env.NODE_ENV": '"production"' } },
    ...{ external: ["node:*", "cloudflare:*"], plugins: [ownPackage(runtime.condition)] },
    ...{ loader: { ".wasm": "copy" }, assetNames: "[name]" },
  });
  const files = outputFiles.map(({ path, contents }) => [basename(path), contents]);
  const isMain = ([name]) => /^(main|stdin)\.mjs$/.test(name);
  return Object.fromEntries(files.sort((a, b) => isMain(b) - isMain(a)));
}

/** The package, as built; Vercel's bundler compiles its WebAssembly, which the host does here. */
const ownPackage = (condition) => ({
  name: "own-package",
  setup(build) {
    const { exports } = JSON.parse(readFileSync(inRoot("npm", "package.json"), "utf8"));
    const entry = exports["."][condition].default;
    build.onResolve({ filter: /^gatepass$/ }, () => ({ path: inRoot("npm", entry) }));
    build.onResolve({ filter: /^gatepass\/stores\// }, ({ path }) => ({
      path: inRoot("npm", "dist", `${path.slice("gatepass/".length)}.js`),
    }));
    build.onResolve({ filter: /\.wasm\?module$/ }, () => ({ path: "wasm", namespace: "host" }));
    build.onLoad({ filter: /./, namespace: "host" }, () => ({
      contents: "export default GATEPASS_WASM;",
    }));
  },
});

/** The package's WebAssembly. */
export const wasm = () => readFileSync(inRoot("npm", "dist", "gatepass.wasm"));
