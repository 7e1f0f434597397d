// A Redis of the test's own.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/gate.mjs";
import { ensurePackages } from "./packages.mjs";

/**
 * Starts redis-server on 127.0.0.1, with nothing in it, and connects.
 *
 * @returns {Promise<{password: string, connect: Function, stop: () => Promise<void>}>} `connect`
 *   answers another client of npm's `redis`
 */
export async function startRedis() {
  await ensurePackages();
  const { createClient } = createRequire(import.meta.url)("redis");
  const folder = await mkdtemp(join(tmpdir(), "gatepass-redis-"));
  const port = await freePort();
  const password = "the-password-of-the-test";
  const settings = { bind: "127.0.0.1", port, dir: folder, save: "", requirepass: password };
  const child = spawn(
    "redis-server",
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const exited = new Promise((done) => child.once("close", done));
  const clients = [];

  async function stop() {
    for (const client of clients) client.destroy();
    end();
    await exited;
    process.off("exit", end);
    await rm(folder, { recursive: true, force: true });
  }

  async function connect() {
    const client = createClient({
      url: `redis://default:${password}@127.0.0.1:${port}`,
      socket: { reconnectStrategy: false },
      disableOfflineQueue: true,
    });
    client.on("error", () => {});
    await client.connect();
    clients.push(client);
    return client;
  }

  let output = "";
  const ready = new Promise((done) =>
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (output.includes("Ready to accept connections")) done(true);
    }),
  );
  if (await Promise.race([ready, exited.then(() => false)])) return { password, connect, stop };
  await stop();
  throw new Error(`redis-server ended before it was ready\n${output}`);
}
