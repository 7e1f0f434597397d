// How costs grow with what there is: routes, scopes, apps, tokens, killed sessions.

import { join } from "node:path";
import { ask, run } from "../scripts/lib/run.mjs";
import { ledgerGrowth } from "./growth/ledger.mjs";

/**
 * @param {object} options
 * @param {boolean} [options.quick] whether to leave out the largest sizes
 * @returns {Promise<Series[]>}
 *
 * @typedef {object} Series
 * @property {string} name what is done, and by what its cost might grow
 * @property {"ns" | "µs"} unit of the values; microseconds are those of a client that waits for one
 *   answer after the other, nanoseconds those of the core, natively
 * @property {{n: number, value: number}[]} points how many there are, and what one check costs then
 * @property {string} [note] what bounds the number
 */
export async function growth({ quick = false }) {
  return [...(await coreGrowth(quick)), ...(await ledgerGrowth(quick))];
}

async function coreGrowth(quick) {
  const args = ["--locked", "--release", "--package", "gatepass-benches", "--bin", "growth"];
  await run("cargo", ["build", ...args]);
  const metadata = ask("cargo", ["metadata", "--locked", "--no-deps", "--format-version=1"]);
  const program = join(JSON.parse(metadata).target_directory, "release", "growth");
  return JSON.parse(await run(program, quick ? ["--quick"] : [], { quiet: true }));
}
