// The npm packages of the benchmark, installed on first use.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run, say } from "../scripts/lib/run.mjs";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const LOCK = path("package-lock.json");
const INSTALLED = path("node_modules/.installed-lock.json");

/** Installs them unless exactly those of the lock file are there. */
export async function ensurePackages() {
  const lock = readFileSync(LOCK, "utf8");
  if (existsSync(INSTALLED) && readFileSync(INSTALLED, "utf8") === lock) return;
  say("Installing the npm packages of bench/package-lock.json");
  await run("npm", ["ci", "--loglevel=error", "--no-audit", "--no-fund"], { cwd: path(".") });
  writeFileSync(INSTALLED, lock);
}
