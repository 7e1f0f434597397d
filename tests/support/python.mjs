// Judges that are written in Python; their programs lie in python/.

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { findPython, JUDGES, PYTHON_ADVICE } from "../../scripts/lib/python.mjs";

const interpreter = findPython(JUDGES);

/** Options of a test that asks them. */
export const NEEDS_PYTHON = {
  skip: interpreter ? false : `There are no judges in Python. ${PYTHON_ADVICE}`,
};

/**
 * Runs one of the programs. It gets `given` as JSON on its standard input, and answers by what it
 * prints, JSON as well.
 */
export async function python(name, given) {
  const program = fileURLToPath(new URL(`python/${name}.py`, import.meta.url));
  const child = spawn(interpreter, [program], { stdio: "pipe" });
  child.stdin.end(JSON.stringify(given));
  const ended = new Promise((done) => child.once("close", done));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${name}.py: ${errors}`);
  return JSON.parse(output);
}

/**
 * A structured field (RFC 9651) of a kind, `item`, `list` or `dictionary`, as http-sf reads it: an
 * item is `[value, parameters]`, a token `{__type: "token", value}`.
 */
export const structuredField = (kind, field) => python("structured_field", { kind, field });
