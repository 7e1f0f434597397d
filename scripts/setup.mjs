// Sets up what a build needs: npm's packages, a Rust toolchain for WebAssembly, the bindgen tool.
// Each step looks first and does only what is missing, so it may be stopped and started again.
import { pathToFileURL } from "node:url";
import { ensureBindgen } from "./lib/bindgen.mjs";
import { ensurePackages } from "./lib/packages.mjs";
import { readOptions } from "./lib/options.mjs";
import { asScript, ask, Failure, say } from "./lib/run.mjs";
import { ensureWasmToolchain } from "./lib/wasm-toolchain.mjs";

const HELP = `Usage: npm run setup

Sets up what a build needs, as far as it is missing. \`npm start\` and \`npm test\` do so too.

  --help   this text`;

/** Returns what a build uses: `{toolchain, bindgen}`. */
export async function setUp() {
  await ensurePackages();
  if (!ask("cargo", ["--version"])) {
    throw new Failure("Rust is missing. Please install it with rustup (https://rustup.rs).");
  }
  const toolchain = await ensureWasmToolchain();
  return { toolchain, bindgen: await ensureBindgen() };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await asScript(async () => {
    readOptions({}, HELP);
    await setUp();
    say("Everything is set up.");
  });
}
