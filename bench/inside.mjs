// A warm check inside WebAssembly, without I/O and without crossing, beside its own SHA-256.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { OPTIMISATIONS } from "../scripts/lib/wasm.mjs";
import { say } from "../scripts/lib/run.mjs";
import { estimate } from "./statistics.mjs";
import { compileToWasm, optimise } from "./wasm.mjs";

const FOLDER = new URL("core-wasm/", import.meta.url);
const PROFILE = fileURLToPath(new URL("../Cargo.toml", import.meta.url));

const ROUNDS = 40;
const QUICK_ROUNDS = 10;
const COUNT = 50_000;

/** Measures: `{check, hash, ratio}`, the first two in nanoseconds. */
export async function measureInside({ quick }) {
  const wasm = await compileToWasm(FOLDER, "core_wasm", ["--config", PROFILE]);
  const optimised = `${wasm}.optimised`;
  await optimise(wasm, optimised, OPTIMISATIONS);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(optimised)));
  if (!exports.allows()) throw new Error("bench/core-wasm: the gate does not let the request in");
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  say(`A check inside WebAssembly, ${rounds} rounds of ${COUNT.toLocaleString("en")}`);
  const time = (loop) => {
    const before = process.cpuUsage().user;
    loop(COUNT);
    return ((process.cpuUsage().user - before) * 1e3) / COUNT;
  };
  for (const loop of [exports.checks, exports.hashes]) for (let i = 0; i < 3; i++) loop(COUNT);
  const samples = Array.from({ length: rounds }, () => ({
    check: time(exports.checks),
    hash: time(exports.hashes),
  }));
  return {
    check: estimate(samples.map(({ check }) => check)),
    hash: estimate(samples.map(({ hash }) => hash)),
    ratio: estimate(samples.map(({ check, hash }) => check / hash)),
  };
}
