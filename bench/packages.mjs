// The npm packages of the benchmark, installed on first use.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { inRoot } from "../scripts/lib/paths.mjs";
import { run, say } from "../scripts/lib/run.mjs";

/** Installs those of a folder's lock file unless exactly those are there. */
export async function ensurePackages(folder = "bench") {
  const path = (name) => inRoot(...folder.split("/"), name);
  const lock = readFileSync(path("package-lock.json"), "utf8");
  const installed = path("node_modules/.installed-lock.json");
  if (existsSync(installed) && readFileSync(installed, "utf8") === lock) return;
  say(`Installing the npm packages of ${folder}/package-lock.json`);
  await run("npm", ["ci", "--loglevel=error", "--no-audit", "--no-fund"], { cwd: path(".") });
  writeFileSync(installed, lock);
}
