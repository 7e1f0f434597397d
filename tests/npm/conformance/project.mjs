// An empty project that has installed the package's archive, as npm does it.

import { existsSync, readdirSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { nodeEnvironment } from "../../../scripts/lib/packages.mjs";
import { run } from "../../../scripts/lib/run.mjs";
import { makePackage } from "../../../scripts/package.mjs";

const PACKED = inRoot("target", "npm");
// The archive needs nothing else, so nobody is asked for anything.
const INSTALL = ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];

/** Makes it, outside the checkout, with the modules of `inside`. */
export async function makeProject() {
  const archive = await findArchive();
  const folder = await mkdtemp(join(tmpdir(), "gatepass-project-"));
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await run("npm", [...INSTALL, archive], { cwd: folder, env: nodeEnvironment(), quiet: true });
  await cp(new URL("inside/", import.meta.url), folder, { recursive: true });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The package's archive, made if there is none yet. */
async function findArchive() {
  const names = existsSync(PACKED) ? readdirSync(PACKED) : [];
  const archive = names.find((name) => name.endsWith(".tgz"));
  return archive ? join(PACKED, archive) : makePackage();
}
