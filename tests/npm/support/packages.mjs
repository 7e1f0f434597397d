// The npm packages that the package's tests need, installed on first use, and the programs in them.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ask, run } from "../../../scripts/lib/run.mjs";

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const INSTALLED = path("node_modules/.installed-lock.json");
const TURN = path(".installing");

// A package for each platform, of which npm installs those that may run here.
const PROGRAMS = { bun: ["@oven", "bin/bun"], deno: ["@deno", "deno"] };

/** Installs them unless exactly those of the lock file are there. Tests that start together take turns. */
export async function ensurePackages() {
  for (; !isInstalled(); await setTimeout(200)) {
    if (!takeTurn()) continue;
    try {
      if (!isInstalled()) await install();
    } finally {
      rmSync(TURN);
    }
  }
}

/** The program `bun` or `deno`: the packaged one, else this machine's; undefined if there is none. */
export async function ensureProgram(name) {
  await ensurePackages();
  const [scope, file] = PROGRAMS[name];
  const folder = path(join("node_modules", scope));
  const packaged = existsSync(folder) ? readdirSync(folder) : [];
  const programs = packaged.map((platform) => join(folder, platform, file));
  // Bun's own command, where it was called, has moved the program there.
  programs.push(path(join("node_modules", name, "bin", `${name}.exe`)), name);
  return programs.find((program) => ask(program, ["--version"]) !== undefined);
}

const readLock = () => readFileSync(path("package-lock.json"), "utf8");

const isInstalled = () => existsSync(INSTALLED) && readFileSync(INSTALLED, "utf8") === readLock();

async function install() {
  const lock = readLock();
  // Not `npm ci`: that wants the lock file to know packages of other platforms which not every
  // registry has. This leaves the lock file as it is, too.
  const args = ["install", "--no-save", "--loglevel=error"];
  await run("npm", args, { cwd: path("."), quiet: true });
  writeFileSync(INSTALLED, lock);
}

/** Whether this process may install now. The turn of a process that is gone is over. */
function takeTurn() {
  try {
    writeFileSync(TURN, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    if (existsSync(TURN) && !isRunning(Number(readFileSync(TURN, "utf8")))) rmSync(TURN);
    return false;
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
