// Builds the gate's WebAssembly and its JavaScript glue into build/, bundles its packages, and the
// tokens page's script into www/.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleJose } from "./lib/jose.mjs";
import { readOptions } from "./lib/options.mjs";
import { bundlePage } from "./lib/page.mjs";
import { command, findNode } from "./lib/packages.mjs";
import { cargoHome, inRoot, root } from "./lib/paths.mjs";
import { asScript, Failure, run, say } from "./lib/run.mjs";
import { TARGET } from "./lib/wasm-toolchain.mjs";
import { setUp } from "./setup.mjs";

const HELP = `Usage: npm run build -- [--dev]

Builds the gate for WebAssembly, build/gatepass.js and build/gatepass_bg.wasm, and bundles what it
uses of npm's packages, build/jose.js, and the tokens page's script, www/page.js.

  --dev    development's profile: quick to build, not optimised
  --help   this text

Without --dev the release is built, and the build fails if the wasm is over 150 KB gzipped.
When wrangler calls this script, \`wrangler dev\` gets development's profile and \`wrangler deploy\`
the release; GATEPASS_PROFILE=dev or =release overrules that.`;

const GZIPPED_LIMIT = 150_000;
const WASM = "gatepass_bg.wasm";
const STAMP = "stamp"; // of the inputs that the glue was made from

// Memory is the module's own, and its first bytes are the end of the stack (--stack-first). What
// counts is the size when compressed: code that is alike costs little more than once, so it is
// better repeated than shared through locals or drawn into its caller. Engines ignore hints about
// alignment, which would only keep the wasm from compressing well.
export const OPTIMISATIONS = [
  ...["--zero-filled-memory", "--low-memory-unused"],
  ...["--skip-pass=local-cse", "--one-caller-inline-max-function-size=10", "-Oz", "-Oz"],
  ...["--strip-producers", "--strip-target-features", "--dealign"],
];

/** Builds `profile`, "dev" or "release"; does nothing that is already done. */
export async function build(profile) {
  const { toolchain, bindgen } = await setUp();
  const wasm = await compile(profile, toolchain);
  const made = await makeGlue(profile, wasm, bindgen);
  publish(made, inRoot("build"));
  replace(inRoot("build", "jose.js"), await bundleJose());
  replace(inRoot("www", "page.js"), await bundlePage());
  if (profile === "release") checkSize(inRoot("build", WASM), toolchain);
}

/** Calls cargo; returns the path of its wasm. */
async function compile(profile, toolchain) {
  const target = inRoot("target", "wasm");
  const flags = [
    ...toolchain.flags,
    "-Clink-arg=--stack-first",
    `--remap-path-prefix=${cargoHome}=/cargo`,
    `--remap-path-prefix=${root}=/gatepass`,
  ];
  const args = ["rustc", "--lib", "--crate-type", "cdylib", "--features", "worker"];
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
async function makeGlue(profile, wasm, bindgen) {
  const output = inRoot("target", "glue", profile);
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

/** Puts the glue into build/, the snippets of the crates included. */
function publish(from, to) {
  for (const file of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.name === STAMP) continue;
    const source = join(file.parentPath ?? file.path, file.name);
    replace(join(to, relative(from, source)), readFileSync(source));
  }
}

/** Writes a file in one step, and only if it differs, since wrangler watches build/. */
function replace(target, bytes) {
  if (existsSync(target) && readFileSync(target).equals(bytes)) return;
  mkdirSync(dirname(target), { recursive: true });
  const staging = `${target}.${process.pid}`;
  writeFileSync(staging, bytes);
  renameSync(staging, target);
}

function checkSize(wasm, { trimmed }) {
  const bytes = readFileSync(wasm);
  const gzipped = gzipSync(bytes, { level: 9 }).length;
  const kilobytes = (count) => `${(count / 1000).toFixed(1)} KB`;
  say(`The wasm is ${kilobytes(bytes.length)}, gzipped ${kilobytes(gzipped)}.`);
  if (gzipped > GZIPPED_LIMIT && !trimmed) {
    say("That is over the limit of Debian's toolchain, whose standard library is built for size.");
  } else if (gzipped > GZIPPED_LIMIT) {
    throw new Failure(`The gzipped wasm is over the limit of ${kilobytes(GZIPPED_LIMIT)}.`);
  }
}

function defaultProfile() {
  const { GATEPASS_PROFILE, WRANGLER_COMMAND } = process.env;
  if (GATEPASS_PROFILE) return GATEPASS_PROFILE;
  return WRANGLER_COMMAND === "dev" ? "dev" : "release";
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await asScript(async () => {
    const { dev } = readOptions({ dev: { type: "boolean" } }, HELP);
    await build(dev ? "dev" : defaultProfile());
  });
}
