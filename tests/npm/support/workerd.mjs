// Workers that import the installed package, bundled as wrangler does.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { startWorkerd } from "../../support/workerd.mjs";

export const { build } = createRequire(inRoot("node_modules", "wrangler", "package.json"))(
  "esbuild",
);

/** Bundles a module of a project for workerd, and starts it there. */
export async function startInWorkerd(project, entry) {
  const { outputFiles } = await build({
    ...{ absWorkingDir: project.folder, entryPoints: [entry], write: false, bundle: true },
    ...{ format: "esm", target: "es2024", conditions: ["workerd", "worker", "browser"] },
    plugins: [compiledWasm],
  });
  const wasm = await readFile(join(project.folder, "node_modules/gatepass/dist/gatepass.wasm"));
  const modules = { "worker.js": outputFiles[0].text, "gatepass.wasm": wasm };
  return startWorkerd({ workers: [{ name: "app", modules }] });
}

/** The wasm stays a module of its own, which workerd compiles. */
const compiledWasm = {
  name: "compiled-wasm",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm$/ }, () => ({ path: "./gatepass.wasm", external: true }));
  },
};
