// Servers in a process of their own, which print `{"port": …}` when they listen on 127.0.0.1.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * Starts a program and waits until it listens.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{cwd: string, env?: Record<string, string>}} options
 * @returns {Promise<{port: number, output: () => string, stop: () => Promise<void>}>}
 */
export async function startServer(program, args, { cwd, env = {} }) {
  const stdio = ["ignore", "pipe", "pipe"];
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const exited = new Promise((done) => child.once("close", done));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  }

  async function stop() {
    end();
    await exited;
    process.off("exit", end);
  }

  const lines = createInterface({ input: child.stdout });
  const told = new Promise((done) => {
    lines.on("line", (line) => line.startsWith('{"port":') && done(JSON.parse(line).port));
  });
  const port = await Promise.race([told, exited]);
  if (port) return { port, output: () => output, stop };
  await stop();
  throw new Error(`${program} ended before it listened\n${output}`);
}
