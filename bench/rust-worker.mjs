// The empty Rust Worker.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBindgen } from "../scripts/lib/bindgen.mjs";
import { run } from "../scripts/lib/run.mjs";
import { compileToWasm, optimise } from "./wasm.mjs";

const FOLDER = new URL("rust-worker/", import.meta.url);

/** Its entry, once it is built. */
export const ENTRY = new URL("entry.js", FOLDER);

/** Builds it. */
export async function buildRustWorker() {
  const wasm = await compileToWasm(FOLDER, "empty_rust_worker");
  const bindgen = await ensureBindgen();
  const made = fileURLToPath(new URL("build", FOLDER));
  await run(bindgen, [wasm, made], { quiet: true });
  const glued = join(made, "empty_rust_worker_bg.wasm");
  await optimise(glued, glued, ["-O"]); // as worker-build does
}
