// cargo-deny, which judges crates by deny.toml.
import { join } from "node:path";
import { ensureCompiled } from "./compiled.mjs";
import { inRoot } from "./paths.mjs";
import { run } from "./run.mjs";

const NAME = "cargo-deny";
const VERSION = "0.20.2";

/** Finds or compiles the program; returns its path. */
export const ensureCargoDeny = () =>
  ensureCompiled(NAME, `${NAME}-${VERSION}`, ["--no-default-features", `${NAME}@${VERSION}`]);

/** Judges all crates that the lock file in a folder names. */
export async function judgeCrates(folder, checks) {
  const manifest = join(folder, "Cargo.toml");
  const scope = ["--manifest-path", manifest, "--workspace", "--locked"];
  const args = ["--config", inRoot("deny.toml"), ...scope, "check", ...checks];
  await run(await ensureCargoDeny(), args, { quiet: true });
}
