// Crates of the benchmark's own, compiled to WebAssembly as the gate is.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, findNode } from "../scripts/lib/packages.mjs";
import { cargoHome, root } from "../scripts/lib/paths.mjs";
import { run, say } from "../scripts/lib/run.mjs";
import { ensureWasmToolchain, TARGET } from "../scripts/lib/wasm-toolchain.mjs";

/** Optimises a wasm into another file. */
export async function optimise(wasm, optimised, options) {
  const wasmOpt = command("binaryen", "bin/wasm-opt");
  await run(findNode(), [wasmOpt, ...options, wasm, "-o", optimised], { quiet: true });
}

/** Compiles the crate of a folder (a `file:` URL) in release; returns the path of its wasm. */
export async function compileToWasm(folder, name, more = []) {
  const toolchain = await ensureWasmToolchain();
  const crate = fileURLToPath(folder);
  const remap = [`${cargoHome}=/cargo`, `${root}=/gatepass`];
  const flags = [...toolchain.flags, ...remap.map((pair) => `--remap-path-prefix=${pair}`)];
  say(`Compiling ${name} to WebAssembly`);
  const args = ["build", "--release", "--quiet", "--target", TARGET, ...more];
  await run(toolchain.cargo, args, {
    cwd: crate,
    env: {
      ...toolchain.env,
      CARGO_TARGET_DIR: join(crate, "target"),
      CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f"),
    },
  });
  return join(crate, "target", TARGET, "release", `${name}.wasm`);
}
