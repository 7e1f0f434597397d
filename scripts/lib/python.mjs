// Programs and libraries in Python, each set in an environment of its own in the cache.
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installDebianPackages } from "./debian.mjs";
import { cache } from "./paths.mjs";
import { ask, run, say } from "./run.mjs";

/** Makes up requests from an OpenAPI document and judges the answers. */
export const SCHEMATHESIS = environment("schemathesis", ["schemathesis==4.32.5"]);

/** Clients of OData (4.0 and 2.0), and a parser of structured fields (RFC 9651). */
export const JUDGES = environment("judges", [
  "http-sf==1.5.0",
  "pyodata==1.12.1",
  "python-odata==0.8.1",
  "requests==2.34.2",
]);

/** What to do where there is none. */
export const PYTHON_ADVICE =
  "Please install Python 3.10 or newer with venv (on Debian, as root: apt-get install " +
  "python3-venv), and run: npm test -- --only setup";

/** A program of an environment, `python` or one that came with a package, if all of it is there. */
export function findPython({ folder, whole }, program = "python") {
  const path = join(folder, "bin", program);
  return existsSync(whole) && ask(path, ["--version"]) !== undefined ? path : undefined;
}

/** Makes an environment unless it is there; where there is no Python, says so. */
export async function ensurePython(wanted) {
  if (findPython(wanted)) return;
  const { name, packages, folder, whole } = wanted;
  if (!hasVenv() && !(await installDebianPackages(["python3-venv"], hasVenv))) {
    say(`There is no Python for ${name}. ${PYTHON_ADVICE}`);
    return;
  }
  say(`Installing ${packages.join(", ")} (Python)`);
  await run("python3", ["-m", "venv", "--clear", folder], { quiet: true });
  await run(join(folder, "bin", "pip"), ["install", "--quiet", ...packages], { quiet: true });
  writeFileSync(whole, "");
}

function hasVenv() {
  const program = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
  return ask("python3", ["-c", program]) !== undefined;
}

/** Other versions are another environment, and so is one of which only a part was installed. */
function environment(name, packages) {
  const digest = createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 12);
  const folder = join(cache, `${name}-${digest}`);
  return { name, packages, folder, whole: join(folder, "whole") };
}
