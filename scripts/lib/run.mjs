// Running other programs, and telling what is going on.
import { spawn, spawnSync } from "node:child_process";
import { root } from "./paths.mjs";

const begun = performance.now();

/** Seconds since `since`, as people read them. */
export const seconds = (since = begun) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** One line of progress, with the time since the script began. */
export const say = (text) => console.log(`[${seconds().padStart(7)}] ${text}`);

/** A failure that is told as one message, without a stack. */
export class Failure extends Error {}

/** Runs `main`; a Failure becomes its message and exit code 1. */
export async function asScript(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(`\n${error.message}`);
    process.exit(1);
  }
}

/**
 * Runs a program in the checkout and waits. Its output is shown as it comes, or with `quiet` only
 * when it fails. Throws a Failure unless it exits with 0.
 */
export function run(program, args, { quiet = false, env = {}, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
    });
    let output = "";
    child.stdout?.on("data", (bytes) => (output += bytes));
    child.stderr?.on("data", (bytes) => (output += bytes));
    const command = [program, ...args].join(" ");
    child.on("error", (error) =>
      reject(
        new Failure(
          error.code === "ENOENT" ? `${program} is not installed.` : `${command}: ${error}`,
        ),
      ),
    );
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output);
      reject(new Failure(`${output}\nThis failed (${signal ?? `exit code ${code}`}): ${command}`));
    });
  });
}

/** What a quick program prints, trimmed; undefined when it fails or is missing. */
export function ask(program, args, env = {}) {
  const answer = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  return answer.status === 0 ? answer.stdout.trim() : undefined;
}
