// `npm run soak`: builds the release and has soak/run.mjs load it under the Node.js that comes with
// the packages.

import { build } from "../scripts/build.mjs";
import { findNode, nodeEnvironment } from "../scripts/lib/packages.mjs";
import { inRoot } from "../scripts/lib/paths.mjs";
import { asScript, run } from "../scripts/lib/run.mjs";
import { soakOptions } from "./soak/options.mjs";

await asScript(async () => {
  soakOptions();
  await build("release");
  const args = [inRoot("bench", "soak", "run.mjs"), ...process.argv.slice(2)];
  await run(findNode(), args, { env: nodeEnvironment() });
});
