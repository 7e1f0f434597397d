// The packed package, installed as its users install it.

import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { Failure, run } from "../../../scripts/lib/run.mjs";
import { ensurePackages } from "./packages.mjs";

const PACKAGES = fileURLToPath(new URL("../node_modules/", import.meta.url));

/** The archive that `npm run package` has made. */
export async function packed() {
  const found = await readdir(inRoot("target", "npm")).catch(() => []);
  const archive = found.find((name) => name.endsWith(".tgz"));
  if (!archive) throw new Failure("The package is not packed. Run: npm run package");
  return inRoot("target", "npm", archive);
}

/**
 * An empty project with the package installed, and links to others of the tests' packages.
 *
 * @param {string[]} others
 * @param {{within?: string}} options where its folder is: `within` another one than the temporary one,
 *   for tools that follow no link out of a project
 * @returns {Promise<{folder: string, write: (files: Record<string, string>) => Promise<void>, remove: () => Promise<void>}>}
 */
export async function makeProject(others = [], { within = tmpdir() } = {}) {
  const folder = await mkdtemp(join(within, "gatepass-project-"));
  await writeFile(join(folder, "package.json"), '{"private":true,"type":"module"}');
  const args = ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", [...args, await packed()], { cwd: folder, quiet: true });
  if (others.length > 0) await ensurePackages();
  for (const name of others) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(PACKAGES, name), link);
  }

  async function write(files) {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
  }

  return { folder, write, remove: () => rm(folder, { recursive: true, force: true }) };
}
