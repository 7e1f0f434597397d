// A Rust toolchain that can build for WebAssembly: rustup's, else Debian's packages.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { installDebianPackages } from "./debian.mjs";
import { cache, cargoHome, inRoot } from "./paths.mjs";
import { ask, Failure, run, say } from "./run.mjs";

export const TARGET = "wasm32-unknown-unknown";
const LIBRARY = join("lib", "rustlib", TARGET, "lib");

// Debian's rustc for browsers is recent, brings the standard library's source, and links wasm.
const DEBIAN_PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];
const DEBIAN = { cargo: "/usr/bin/cargo", rustc: "/usr/bin/rustc" };
const DEBIAN_SOURCE = "/usr/lib/rustlib/src/rust/library/std";

// A panic ends the instance without a message: what would print one is a tenth of the wasm. Both
// the library and the crate must be compiled so, and stable compilers want to be asked for it.
const ABORT_FLAGS = ["-Zunstable-options", "-Cpanic=immediate-abort", "-Zfmt-debug=none"];
const UNSTABLE = { RUSTC_BOOTSTRAP: "1" };

// Bitcode is for link-time optimisation; no path of this machine belongs into the wasm.
const STD_FLAGS = [
  "-Cembed-bitcode=yes",
  ...ABORT_FLAGS,
  `--remap-path-prefix=${cargoHome}=/cargo`,
];

const STD_MANIFEST = `[package]
name = "only-std"
version = "0.0.0"
edition = "2021"

[lib]
path = "lib.rs"

[profile.release]
panic = "abort"
opt-level = "z"
codegen-units = 1

[workspace]
`;

/**
 * Finds or installs a toolchain: `{cargo, env, flags}`, how to call cargo for the wasm target.
 * `trimmed` says that its standard library is built for size.
 */
export async function ensureWasmToolchain() {
  return (
    installedTarget() ??
    debianToolchain() ??
    (await addTargetWithRustup()) ??
    (await makeDebianToolchain()) ??
    giveUp()
  );
}

function installedTarget() {
  const folder = ask("rustc", ["--target", TARGET, "--print", "target-libdir"]);
  const complete = folder && existsSync(folder) && hasStd(folder);
  return complete ? { cargo: "cargo", env: {}, flags: [] } : undefined;
}

const hasStd = (folder) => readdirSync(folder).some((name) => /^libstd-.*\.rlib$/.test(name));

async function addTargetWithRustup() {
  if (process.env.RUSTUP_AUTO_INSTALL === "0" || !ask("rustup", ["--version"])) return undefined;
  say(`Adding Rust's ${TARGET} target with rustup`);
  try {
    await run("rustup", ["target", "add", TARGET]);
  } catch (error) {
    say(`rustup could not add it; trying Debian's packages. ${error.message.trim()}`);
  }
  return installedTarget();
}

/** Debian's rustc with the standard library that was built for it, once for this machine. */
function debianToolchain() {
  const sysroot = debianSysroot();
  if (!sysroot || !existsSync(join(sysroot, LIBRARY))) return undefined;
  return {
    cargo: DEBIAN.cargo,
    env: { RUSTC: DEBIAN.rustc, ...UNSTABLE },
    flags: [`--sysroot=${sysroot}`, ...ABORT_FLAGS],
    trimmed: true,
  };
}

/** Where the standard library for Debian's rustc belongs; undefined if that is missing or too old. */
function debianSysroot() {
  if (!existsSync(DEBIAN_SOURCE) || !existsSync(DEBIAN.cargo)) return undefined;
  const version = ask(DEBIAN.rustc, ["--version", "--verbose"]);
  const minor = Number(version?.match(/^release: 1\.(\d+)\./m)?.[1]);
  const needed = readFileSync(inRoot("Cargo.toml"), "utf8").match(/^rust-version = "1\.(\d+)"/m);
  if (!(minor >= Number(needed?.[1] ?? 0))) return undefined;
  const made = [version, ...STD_FLAGS, STD_MANIFEST].join("\n");
  const hash = createHash("sha256").update(made).digest("hex").slice(0, 12);
  return join(cache, `std-1.${minor}-${hash}`);
}

async function makeDebianToolchain() {
  const isReady = () => debianSysroot() !== undefined;
  if (!isReady() && !(await installDebianPackages(DEBIAN_PACKAGES, isReady))) return undefined;
  const sysroot = debianSysroot();
  say("Building Rust's standard library for WebAssembly (about a minute, once on this machine)");
  try {
    await buildStd(sysroot);
  } catch (error) {
    if (!debianToolchain()) throw error; // else another checkout's set-up was quicker
  }
  return debianToolchain();
}

/** Builds the standard library in a folder of its own and moves it into place when complete. */
async function buildStd(sysroot) {
  const work = `${sysroot}.work`;
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "Cargo.toml"), STD_MANIFEST);
  writeFileSync(join(work, "lib.rs"), "");
  await run(DEBIAN.cargo, ["build", "--release", "--target", TARGET], {
    cwd: work,
    quiet: true,
    env: {
      RUSTC: DEBIAN.rustc,
      ...UNSTABLE,
      CARGO_UNSTABLE_BUILD_STD: "std,panic_abort",
      CARGO_UNSTABLE_BUILD_STD_FEATURES: "optimize_for_size",
      CARGO_TARGET_DIR: join(work, "target"),
      CARGO_ENCODED_RUSTFLAGS: STD_FLAGS.join("\x1f"),
    },
  });
  const built = join(work, "target", TARGET, "release", "deps");
  const staging = join(work, `sysroot-${process.pid}`);
  mkdirSync(join(staging, LIBRARY), { recursive: true });
  for (const name of readdirSync(built)) {
    if (!name.endsWith(".rlib") || name.startsWith("libonly_std")) continue;
    copyFileSync(join(built, name), join(staging, LIBRARY, name));
  }
  if (!existsSync(sysroot)) renameSync(staging, sysroot);
  rmSync(work, { recursive: true, force: true });
}

function giveUp() {
  throw new Failure(
    `Rust cannot build for WebAssembly here: the target ${TARGET} is missing. Please run\n` +
      `    rustup target add ${TARGET}\n` +
      "or, on Debian 12 or newer, as root\n" +
      `    apt-get update && apt-get install ${DEBIAN_PACKAGES.join(" ")}\n` +
      "and start again.",
  );
}
