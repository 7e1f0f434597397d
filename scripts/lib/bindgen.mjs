// The program of scripts/bindgen.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ensureCompiled } from "./compiled.mjs";
import { inRoot } from "./paths.mjs";

const NAME = "gatepass-bindgen";

/** Finds or compiles the program; returns its path, which names its version. */
export const ensureBindgen = () =>
  ensureCompiled(NAME, folderName(), ["--path", inRoot("scripts", "bindgen")]);

/** The versions that the lock file pins, and the tool's own source. */
function folderName() {
  const lock = readFileSync(inRoot("Cargo.lock"), "utf8");
  const [, version] = lock.match(/name = "wasm-bindgen-cli-support"\nversion = "([^"]+)"/);
  const hash = createHash("sha256");
  for (const file of ["Cargo.toml", "src/main.rs"]) {
    hash.update(readFileSync(inRoot("scripts", "bindgen", file)));
  }
  return `bindgen-${version}-${hash.digest("hex").slice(0, 12)}`;
}
