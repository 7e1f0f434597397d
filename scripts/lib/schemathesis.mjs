// Schemathesis, which makes up requests from an OpenAPI document and judges the answers: a program
// in Python, kept in an environment of its own in the cache.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { installDebianPackages } from "./debian.mjs";
import { cache } from "./paths.mjs";
import { ask, run, say } from "./run.mjs";

const VERSION = "4.32.5";
const ENVIRONMENT = join(cache, `schemathesis-${VERSION}`);
const PROGRAM = join(ENVIRONMENT, "bin", "schemathesis");

/** What to do where it cannot be had. */
export const SCHEMATHESIS_ADVICE =
  "Please install Python 3.10 or newer with venv (on Debian, as root: apt-get install python3-venv).";

/** The program, if it is there. */
export const findSchemathesis = () => (ask(PROGRAM, ["--version"]) ? PROGRAM : undefined);

/** Finds it, or installs it where there is Python; undefined, and said, if not. */
export async function ensureSchemathesis() {
  const found = findSchemathesis();
  if (found) return found;
  const hasVenv = () => ask("python3", ["-c", "import venv, ensurepip"]) !== undefined;
  if (!hasVenv() && !(await installDebianPackages(["python3-venv"], hasVenv))) {
    say(`There is no Python to test the API's description with. ${SCHEMATHESIS_ADVICE}`);
    return undefined;
  }
  say("Installing Schemathesis");
  await run("python3", ["-m", "venv", "--clear", ENVIRONMENT], { quiet: true });
  const pip = join(ENVIRONMENT, "bin", "pip");
  await run(pip, ["install", "--quiet", `schemathesis==${VERSION}`], { quiet: true });
  return existsSync(PROGRAM) ? PROGRAM : undefined;
}
