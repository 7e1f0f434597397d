// Command-line options, the same way for every script.
import { parseArgs } from "node:util";
import { Failure } from "./run.mjs";

/**
 * Reads `--name value` options, the script's unless `args` are given; prints `help` and ends on
 * --help; anything unknown is a Failure.
 */
export function readOptions(options, help, args = process.argv.slice(2)) {
  let values;
  try {
    values = parseArgs({ args, options: { ...options, help: { type: "boolean" } } }).values;
  } catch (error) {
    throw new Failure(`${error.message.split(". ")[0]}.\n\n${help}`);
  }
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  return values;
}
