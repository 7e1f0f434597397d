// `npm run bench`: sets up what the benchmark needs, and has measure.mjs measure under the Node.js
// that comes with the packages.

import { build } from "../scripts/build.mjs";
import { findNode, nodeEnvironment } from "../scripts/lib/packages.mjs";
import { inRoot } from "../scripts/lib/paths.mjs";
import { asScript, run } from "../scripts/lib/run.mjs";
import { benchOptions } from "./options.mjs";
import { ensurePackages } from "./packages.mjs";
import { buildRustWorker } from "./rust-worker.mjs";
import { ensureWrk } from "./wrk.mjs";

await asScript(async () => {
  const { contenders, parts } = benchOptions();
  await build("release");
  await ensurePackages();
  await ensureWrk();
  if (contenders.some(({ name }) => name === "empty-rust") || parts.includes("startup")) {
    await buildRustWorker();
  }
  const measure = [inRoot("bench", "measure.mjs"), ...process.argv.slice(2)];
  await run(findNode(), measure, { env: nodeEnvironment() });
});
