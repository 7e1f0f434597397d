// `npm run bench`: sets up what the benchmark needs, and has measure.mjs measure under the Node.js
// that comes with the packages; `npm run bench -- runtimes` has runtimes/run.mjs.

import { build } from "../scripts/build.mjs";
import { findNode, nodeEnvironment } from "../scripts/lib/packages.mjs";
import { inRoot } from "../scripts/lib/paths.mjs";
import { asScript, run } from "../scripts/lib/run.mjs";
import { makePackage } from "../scripts/package.mjs";
import { ensurePackages as ensureTestPackages } from "../tests/npm/support/packages.mjs";
import { benchOptions } from "./options.mjs";
import { ensurePackages } from "./packages.mjs";
import { runtimesOptions } from "./runtimes/options.mjs";
import { buildRustWorker } from "./rust-worker.mjs";
import { ensureWrk } from "./wrk.mjs";

await asScript(async () => {
  if (process.argv[2] === "runtimes") return inRuntimes();
  const { contenders, parts } = benchOptions();
  await build("release");
  await ensurePackages();
  await ensureWrk();
  if (contenders.some(({ name }) => name === "empty-rust") || parts.includes("startup")) {
    await buildRustWorker();
  }
  await inNode("measure.mjs", process.argv.slice(2));
});

/** `npm run bench -- runtimes`: the npm package in each runtime. */
async function inRuntimes() {
  const args = process.argv.slice(3);
  runtimesOptions(args);
  await makePackage();
  await ensurePackages();
  await ensureTestPackages();
  await inNode("runtimes/run.mjs", args);
}

async function inNode(script, args) {
  await run(findNode(), [inRoot("bench", script), ...args], { env: nodeEnvironment() });
}
