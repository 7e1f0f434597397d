// `npm run bench -- runtimes`: the npm package in each runtime, beside plain JavaScript and the usual
// libraries.

import { asScript } from "../../scripts/lib/run.mjs";
import { machine } from "../machine.mjs";
import { measure } from "./measure.mjs";
import { runtimesOptions } from "./options.mjs";
import { publish, text } from "./report.mjs";
import { findRuntimes } from "./runtimes.mjs";
import { sizes } from "./sizes.mjs";

await asScript(async () => {
  const { names, whole, ...how } = runtimesOptions(process.argv.slice(2));
  const runtimes = await measure(await findRuntimes(names), how);
  const report = { machine: machine(), rounds: how.rounds, runtimes, sizes: await sizes() };
  console.log(`\n${text(report)}`);
  if (whole) await publish(report);
});
