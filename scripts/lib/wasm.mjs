// The WebAssembly of one of the crate's shells, with its JavaScript glue.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { command, findNode } from "./packages.mjs";
import { cargoHome, inRoot, root } from "./paths.mjs";
import { Failure, run, say } from "./run.mjs";
import { TARGET } from "./wasm-toolchain.mjs";

export const WASM = "gatepass_bg.wasm";
export const STAMP = "stamp"; // of the inputs that the glue was made from

// Memory is the module's own, and its first bytes are the end of the stack (--stack-first). What
// counts is the size when compressed: code that is alike costs little more than once, so it is
// better repeated than shared through locals or drawn into its caller. Engines ignore hints about
// alignment, which would only keep the wasm from compressing well.
export const OPTIMISATIONS = [
  ...["--zero-filled-memory", "--low-memory-unused"],
  ...["--skip-pass=local-cse", "--one-caller-inline-max-function-size=10", "-Oz", "-Oz"],
  ...["--strip-producers", "--strip-target-features", "--dealign"],
];

/** Makes the wasm and the glue of a shell, the crate's feature; returns the folder they are in. */
export async function makeWasm(shell, profile, { toolchain, bindgen }) {
  return makeGlue(shell, profile, await compile(shell, profile, toolchain), bindgen);
}

/** Calls cargo; returns the path of its wasm. */
async function compile(shell, profile, toolchain) {
  const target = inRoot("target", "wasm");
  const flags = [
    ...toolchain.flags,
    "-Clink-arg=--stack-first",
    `--remap-path-prefix=${cargoHome}=/cargo`,
    `--remap-path-prefix=${root}=/gatepass`,
  ];
  const args = ["rustc", "--lib", "--crate-type", "cdylib", "--features", shell];
  if (profile === "release") args.push("--release");
  if (process.env.WRANGLER_COMMAND) args.push("--quiet");
  args.push("--target", TARGET);
  await run(toolchain.cargo, args, {
    env: {
      ...toolchain.env,
      CARGO_TARGET_DIR: target,
      CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f"),
    },
  });
  const folder = profile === "release" ? "release" : "debug";
  return join(target, TARGET, folder, "gatepass.wasm");
}

/** Makes the glue, and for a release optimises, unless this very wasm has had it; returns where. */
async function makeGlue(shell, profile, wasm, bindgen) {
  const output = inRoot("target", "glue", shell, profile);
  const stamp = createHash("sha256")
    .update(readFileSync(wasm))
    .update(bindgen)
    .update(OPTIMISATIONS.join(" "))
    .update(readFileSync(inRoot("package-lock.json")))
    .digest("hex");
  const stampFile = join(output, STAMP);
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return output;

  const staging = `${output}-${process.pid}`;
  rmSync(staging, { recursive: true, force: true });
  say("Making the JavaScript glue");
  await run(bindgen, [wasm, staging], { quiet: true });
  if (profile === "release") await optimise(join(staging, WASM));
  writeFileSync(join(staging, STAMP), stamp);
  rmSync(output, { recursive: true, force: true });
  renameSync(staging, output);
  return output;
}

async function optimise(wasm) {
  say("Optimising the wasm");
  const wasmOpt = command("binaryen", "bin/wasm-opt");
  const smaller = `${wasm}.optimised`;
  await run(findNode(), [wasmOpt, ...OPTIMISATIONS, wasm, "-o", smaller], { quiet: true });
  renameSync(smaller, wasm);
}

/** Fails if a release's wasm is over a limit, in bytes gzipped. */
export function checkSize(wasm, limit, { trimmed }) {
  const bytes = readFileSync(wasm);
  const gzipped = gzipSync(bytes, { level: 9 }).length;
  const kilobytes = (count) => `${(count / 1000).toFixed(1)} KB`;
  say(`The wasm is ${kilobytes(bytes.length)}, gzipped ${kilobytes(gzipped)}.`);
  if (gzipped > limit && !trimmed) {
    say("That is over the limit of Debian's toolchain, whose standard library is built for size.");
  } else if (gzipped > limit) {
    throw new Failure(`The gzipped wasm is over the limit of ${kilobytes(limit)}.`);
  }
}
