// The program of scripts/bindgen, compiled once on this machine.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cache, inRoot } from "./paths.mjs";
import { run, say } from "./run.mjs";

const NAME = "gatepass-bindgen";

/** Finds or compiles the program; returns its path, which names its version. */
export async function ensureBindgen() {
  const program = join(cache, folderName(), NAME);
  if (existsSync(program)) return program;
  say("Compiling the wasm-bindgen tool (about a minute, once on this machine)");
  try {
    await compile(program);
  } catch (error) {
    if (!existsSync(program)) throw error; // else another checkout's set-up was quicker
  }
  return program;
}

/** Compiles in the cache, so that a stopped compilation goes on, and moves the program into place. */
async function compile(program) {
  const target = join(cache, "bindgen-target");
  await run("cargo", ["build", "--quiet", "--locked", "--package", NAME], {
    env: {
      CARGO_TARGET_DIR: target,
      CARGO_PROFILE_DEV_OPT_LEVEL: "0",
      CARGO_PROFILE_DEV_INCREMENTAL: "false",
      CARGO_ENCODED_RUSTFLAGS: "",
    },
  });
  mkdirSync(dirname(program), { recursive: true });
  const staging = `${program}-${process.pid}`;
  copyFileSync(join(target, "debug", NAME), staging);
  renameSync(staging, program);
  rmSync(target, { recursive: true, force: true });
}

/** The versions that the lock file pins, the tool's own source, and the machine's kind. */
function folderName() {
  const lock = readFileSync(inRoot("Cargo.lock"), "utf8");
  const [, version] = lock.match(/name = "wasm-bindgen-cli-support"\nversion = "([^"]+)"/);
  const hash = createHash("sha256");
  for (const file of ["Cargo.toml", "src/main.rs"]) {
    hash.update(readFileSync(inRoot("scripts", "bindgen", file)));
  }
  const source = hash.digest("hex").slice(0, 12);
  return `bindgen-${version}-${source}-${process.platform}-${process.arch}`;
}
