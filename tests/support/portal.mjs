// The demo portal (examples/portal) as a process of its own.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../../examples/portal/server.mjs", import.meta.url));
const START_TIMEOUT = 20_000;

/**
 * Starts the portal on a free port of 127.0.0.1.
 *
 * @param {Record<string, string>} env `OPERATOR_KEY`, `GATE_URL` and what else it takes
 * @returns {Promise<{url: string, output: () => string, stop: () => Promise<void>}>} `url` is its
 *   origin
 */
export async function startPortalServer(env) {
  const child = spawn(process.execPath, [SERVER], {
    env: { ...process.env, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killed = () => child.kill("SIGKILL");
  process.once("exit", killed);
  const ended = new Promise((done) => child.once("close", done));
  let output = "";
  const stop = async () => {
    child.kill();
    await ended;
    process.off("exit", killed);
  };
  const url = await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error("the portal does not listen")), START_TIMEOUT);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        output += `${line}\n`;
        const at = /^The portal is at (\S+)$/.exec(line)?.[1];
        if (at) done(at);
      });
    }
    ended.then(() => fail(new Error(`the portal ended\n${output}`)));
    ended.then(() => clearTimeout(timer));
  });
  return { url, output: () => output, stop };
}
