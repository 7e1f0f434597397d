// The npm packages that package-lock.json names, and the Node.js that comes with them.
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { inRoot } from "./paths.mjs";
import { ask, Failure, run, say } from "./run.mjs";

const WRANGLER_NEEDS = [22, 12];

/** Installs the packages unless exactly those of the lock file are there. */
export async function ensurePackages() {
  if (isInstalled()) return;
  say("Installing the npm packages of package-lock.json");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  await run(npm, ["ci", "--loglevel=error"]);
}

/** npm ends an installation by writing what it installed; it must be what the lock file says. */
function isInstalled() {
  const installed = inRoot("node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const wanted = readPackages(inRoot("package-lock.json"));
  const found = readPackages(installed);
  return (
    Object.entries(found).every(([path, { version }]) => wanted[path]?.version === version) &&
    Object.entries(wanted).every(([path, entry]) => path === "" || entry.optional || found[path])
  );
}

const readPackages = (file) => JSON.parse(readFileSync(file, "utf8")).packages;

/** The Node.js to run wrangler and the tests with: the packaged one, else this one if new enough. */
export function findNode() {
  const packaged = inRoot("node_modules", ".bin", "node");
  if (existsSync(packaged) && ask(packaged, ["--version"])) return packaged;
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [needMajor, needMinor] = WRANGLER_NEEDS;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return process.execPath;
  throw new Failure(
    `wrangler needs Node.js ${WRANGLER_NEEDS.join(".")} or newer, and there is no packaged one ` +
      `for ${process.platform} ${process.arch}. Please install it; this is ${process.version}.`,
  );
}

/** An environment in which `node` is the one that wrangler needs. */
export function nodeEnvironment() {
  return { PATH: `${dirname(findNode())}:${process.env.PATH}` };
}

/** The JavaScript file of a package's command. */
export const command = (name, file) => inRoot("node_modules", name, file);
