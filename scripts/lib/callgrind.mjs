// Counting instructions with valgrind's callgrind.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installDebianPackages } from "./debian.mjs";
import { ask, run, say } from "./run.mjs";

/** What to do where there is no valgrind. */
export const VALGRIND_ADVICE =
  "Please install valgrind (on Debian, as root: apt-get install valgrind).";

/** Whether valgrind is there and starts. */
export const hasValgrind = () => ask("valgrind", ["--version"]) !== undefined;

/** Installs Debian's package where valgrind is missing and that can be done; says so if it cannot. */
export async function ensureValgrind() {
  if (hasValgrind() || (await installDebianPackages(["valgrind"], hasValgrind))) return;
  say(`There is no valgrind to count instructions with. ${VALGRIND_ADVICE}`);
}

/**
 * Runs a program and counts the instructions of each call of one of its functions.
 *
 * @param {string} program
 * @param {string} name the function, `crate::name`
 * @returns {Promise<{counts: number[], lines: string[]}>} the instructions, call by call, and what
 *   the program printed
 */
export async function countInstructions(program, name) {
  const folder = mkdtempSync(join(tmpdir(), "gatepass-callgrind-"));
  try {
    const options = [`--toggle-collect=${name}`, `--dump-after=${name}`];
    const out = ["-q", `--callgrind-out-file=${join(folder, "out")}`];
    const output = await run("valgrind", ["--tool=callgrind", ...options, ...out, program], {
      quiet: true,
    });
    // Each call ends with a dump, and so does the program, whose file has no number.
    const parts = readdirSync(folder)
      .map((file) => Number(file.match(/^out\.(\d+)$/)?.[1]))
      .filter(Boolean)
      .sort((a, b) => a - b);
    const counts = parts.map((part) => {
      const dump = readFileSync(join(folder, `out.${part}`), "utf8");
      return Number(dump.match(/^totals: (\d+)$/m)[1]);
    });
    return { counts, lines: output.trimEnd().split("\n") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
