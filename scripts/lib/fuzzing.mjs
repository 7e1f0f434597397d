// Programs that fuzz (fuzz/): building them, and running one.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "./paths.mjs";
import { ask, Failure, run } from "./run.mjs";

export const COMPILER_ADVICE = "Fuzzing needs a C++ compiler for libFuzzer: g++ or clang++.";

/**
 * What cargo-fuzz gives to the compiler when it is told `--sanitizer none`. There is nothing
 * unsafe in the core, so it is coverage alone that is wanted, and any toolchain has that.
 */
const FLAGS = [
  "--cfg",
  "fuzzing",
  "-Cpasses=sancov-module",
  "-Cllvm-args=-sanitizer-coverage-level=4",
  "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
  "-Cllvm-args=-sanitizer-coverage-pc-table",
  "-Cllvm-args=-sanitizer-coverage-trace-compares",
  "-Ccodegen-units=1",
  "-Cdebug-assertions",
];

/** Seconds and megabytes that one input may take, and bytes that it may have. */
const BOUNDS = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=2048"];

const TARGET_DIR = inRoot("target", "fuzz");

/** Inputs that are kept in the checkout, and those that fuzzing on this machine has found. */
const kept = (target) => inRoot("fuzz", "corpus", target);
const found = (target) => join(TARGET_DIR, "corpus", target);

/** The names of all targets. */
export const targets = () => readdirSync(inRoot("fuzz", "corpus")).sort();

export const hasCompiler = () => ask(process.env.CXX || "c++", ["--version"]) !== undefined;

/** Compiles the programs; answers where they are. */
export async function buildTargets() {
  const host = ask("rustc", ["-vV"])
    ?.match(/^host: (.*)$/m)
    ?.at(1);
  if (!host) throw new Failure("rustc is not installed.");
  const args = ["--locked", "--quiet", "--manifest-path", "fuzz/Cargo.toml", "--release"];
  await run("cargo", ["build", ...args, "--bins", "--target", host, "--target-dir", TARGET_DIR], {
    env: { CARGO_ENCODED_RUSTFLAGS: FLAGS.join("\x1f") },
  });
  return join(TARGET_DIR, host, "release");
}

/**
 * Fuzzes a target; `tell` hears each figure. Answers the last `{executions, perSecond, coverage,
 * features, inputs}`, or throws a Failure that tells what was found.
 */
export async function fuzz(programs, target, seconds, tell) {
  mkdirSync(found(target), { recursive: true });
  const artifacts = join(TARGET_DIR, `${target}-`);
  const args = [`-max_total_time=${seconds}`, `-artifact_prefix=${artifacts}`, ...BOUNDS];
  const program = join(programs, target);
  let figures;
  const { code, output } = await listen(program, [...args, found(target), kept(target)], (line) => {
    const read = readFigures(line);
    if (read) tell((figures = read));
  });
  if (code !== 0) throw new Failure(describe(target, program, output));
  return figures;
}

/** Adds to the kept inputs those that reach more of the code. */
export async function keepInputs(programs, target) {
  const args = [
    "-merge=1",
    "-set_cover_merge=1",
    "-use_counters=0",
    ...BOUNDS,
    kept(target),
    found(target),
  ];
  await run(join(programs, target), args, { quiet: true });
}

/** `#1024 pulse  cov: 210 ft: 426 corp: 94/2248b lim: 62 exec/s: 512 rss: 27Mb`, read. */
export function readFigures(line) {
  const [, ...numbers] =
    line.match(/^#(\d+)\s.*cov: (\d+) ft: (\d+) corp: (\d+)\/.* exec\/s: (\d+)/) ?? [];
  if (numbers.length === 0) return undefined;
  const [executions, coverage, features, inputs, perSecond] = numbers.map(Number);
  return { executions, perSecond, coverage, features, inputs };
}

/** Runs a program, hands over each line of its standard error, and keeps the last ones. */
function listen(program, args, hear) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, RUST_BACKTRACE: "0" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = [];
    let rest = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      lines.forEach(hear);
      output = [...output, ...lines].slice(-60);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

function describe(target, program, output) {
  const begin = output.findIndex((line) => line.includes("panicked at"));
  const told = output.slice(Math.max(begin, 0)).slice(0, 8);
  const file = output
    .join("\n")
    .match(/Test unit written to (\S+)/)
    ?.at(1);
  const again = file ? `\nThis shows it again: ${program} ${file}` : "";
  return `Fuzzing "${target}" found something.\n${told.join("\n")}${again}
Once it is mended, keep the input in fuzz/corpus/${target} under a name that says what it is.`;
}
