// Vercel's edge runtime, with a module bundled as Vercel does: by the condition `edge-light`, each
// `.wasm?module` a module that is compiled already.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bundle } from "../../../scripts/lib/esbuild.mjs";
import { ensurePackages } from "./packages.mjs";

/** Serves what a module exports as default, an Edge Function. */
export async function runInEdgeRuntime(file) {
  await ensurePackages();
  const { EdgeRuntime, runServer } = createRequire(import.meta.url)("edge-runtime");
  const { code, modules } = await bundleForVercel(
    `import handler from ${JSON.stringify(file)};
addEventListener("fetch", (event) => event.respondWith(handler(event.request)));`,
  );
  const extend = (context) => Object.assign(context, { COMPILED: modules });
  const runtime = new EdgeRuntime({ initialCode: code, extend });
  const server = await runServer({ runtime, port: 0, host: "127.0.0.1" });
  return { port: Number(new URL(server.url).port), stop: () => server.close() };
}

/** One script that imports nothing, and the WebAssembly that it finds in `COMPILED`. */
export async function bundleForVercel(source) {
  const modules = {};
  const compiled = {
    name: "compiled",
    setup(build) {
      build.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({
        path: join(resolveDir, path.replace("?module", "")),
        namespace: "compiled",
      }));
      build.onLoad({ filter: /./, namespace: "compiled" }, async ({ path }) => {
        modules[path] = new WebAssembly.Module(await readFile(path));
        return { contents: `export default COMPILED[${JSON.stringify(path)}];` };
      });
    },
  };
  const contents = await bundle({
    stdin: { contents: source, resolveDir: dirname(new URL(import.meta.url).pathname) },
    ...{ format: "iife", target: "es2022", conditions: ["edge-light"], plugins: [compiled] },
  });
  return { code: Buffer.from(contents).toString(), modules };
}
