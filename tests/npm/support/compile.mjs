// TypeScript's verdict on files that import the installed package.

import { command } from "../../../scripts/lib/packages.mjs";
import { run } from "../../../scripts/lib/run.mjs";
import { makeProject } from "./project.mjs";

/** As strict as can be expected of an app, and no declaration of the package is left unchecked. */
const STRICT = {
  ...{ strict: true, noEmit: true, skipLibCheck: false, target: "es2022" },
  ...{ module: "esnext", moduleResolution: "bundler", verbatimModuleSyntax: true },
};

/**
 * Compiles; fails with what TypeScript says.
 *
 * @param {Record<string, string>} files path → text
 * @param {object} settings further `compilerOptions`
 * @param {string[]} [others] the packages that they import, and their types
 */
export async function compile(files, settings, others = []) {
  const compilerOptions = { ...STRICT, ...settings };
  const config = { compilerOptions, files: Object.keys(files) };
  const project = await makeProject(others);
  try {
    await project.write({ ...files, "tsconfig.json": JSON.stringify(config) });
    const args = [command("typescript", "bin/tsc"), "--project", project.folder];
    await run(process.execPath, args, { quiet: true });
  } finally {
    await project.remove();
  }
}
