// cargo-mutants, compiled once on this machine.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cache } from "./paths.mjs";
import { run, say } from "./run.mjs";

export const VERSION = "27.1.0";

const FOLDER = join(cache, `cargo-mutants-${VERSION}-${process.platform}-${process.arch}`);
const PROGRAM = join(FOLDER, "bin", "cargo-mutants");

/** Finds or compiles the program; returns its path. */
export async function ensureMutants() {
  if (existsSync(PROGRAM)) return PROGRAM;
  say("Compiling cargo-mutants (about a minute, once on this machine)");
  const args = ["--quiet", "--locked", "--debug", "--root", FOLDER];
  await run("cargo", ["install", `cargo-mutants@${VERSION}`, ...args], {
    env: { CARGO_ENCODED_RUSTFLAGS: "" },
  });
  return PROGRAM;
}
