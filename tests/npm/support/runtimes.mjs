// Servers in Bun and Deno. Such a module is told where it may write by its first argument, and
// prints `{"port": …}` when it listens on 127.0.0.1.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { bundleModule } from "./source.mjs";

const ARGUMENTS = {
  bun: (file) => ["run", "--no-install", file],
  deno: (file, folder) => [
    ...["run", "--quiet", "--no-config", "--no-lock", "--no-npm", "--no-remote", "--unstable-kv"],
    ...["--allow-net=127.0.0.1", `--allow-read=${folder}`, `--allow-write=${folder}`, file],
  ],
};

/**
 * Starts a module by the program of `bun` or `deno`.
 *
 * @param {"bun" | "deno"} runtime
 * @param {string} program what `ensureProgram` answered
 * @param {URL} module
 * @returns {Promise<{url: string, stop: () => Promise<void>}>}
 */
export async function startIn(runtime, program, module) {
  const text = await bundleModule(module);
  const folder = await mkdtemp(join(tmpdir(), `gatepass-${runtime}-`));
  const file = join(folder, "module.mjs");
  await writeFile(file, text);
  const env = { ...process.env, DENO_DIR: folder, DENO_NO_UPDATE_CHECK: "1", DO_NOT_TRACK: "1" };
  const child = spawn(program, [...ARGUMENTS[runtime](file, folder), folder], {
    ...{ cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] },
  });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const exited = new Promise((done) => child.once("close", done));
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));

  async function stop() {
    end();
    await exited;
    process.off("exit", end);
    await rm(folder, { recursive: true, force: true });
  }

  const line = await Promise.race([
    new Promise((done) => createInterface({ input: child.stdout }).once("line", done)),
    exited,
  ]);
  if (typeof line === "string") return { url: `http://127.0.0.1:${JSON.parse(line).port}`, stop };
  await stop();
  throw new Error(`${runtime} ended before it listened\n${errors}`);
}
