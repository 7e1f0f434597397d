// Programs in Rust that are compiled once on this machine, and kept for all its checkouts.
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cache } from "./paths.mjs";
import { run, say } from "./run.mjs";

/**
 * Finds or compiles a program; returns its path. `folder` names its version, the machine's kind is
 * added, and `source` says to `cargo install` what it is made of.
 */
export async function ensureCompiled(name, folder, source) {
  const program = join(cache, `${folder}-${process.platform}-${process.arch}`, name);
  if (existsSync(program)) return program;
  say(`Compiling ${name} (about a minute, once on this machine)`);
  try {
    await compile(program, name, source);
  } catch (error) {
    if (!existsSync(program)) throw error; // else another checkout's set-up was quicker
  }
  return program;
}

/** Compiles in the cache, so that a stopped compilation goes on, and moves the program into place. */
async function compile(program, name, source) {
  const target = join(cache, `${name}-target`);
  await run("cargo", ["install", "--quiet", "--locked", "--debug", "--root", target, ...source], {
    env: {
      CARGO_TARGET_DIR: target,
      CARGO_PROFILE_DEV_DEBUG: "false",
      CARGO_PROFILE_DEV_OPT_LEVEL: "0",
      CARGO_PROFILE_DEV_INCREMENTAL: "false",
      CARGO_ENCODED_RUSTFLAGS: "",
    },
  });
  mkdirSync(dirname(program), { recursive: true });
  const staging = `${program}-${process.pid}`;
  copyFileSync(join(target, "bin", name), staging);
  renameSync(staging, program);
  rmSync(target, { recursive: true, force: true });
}
