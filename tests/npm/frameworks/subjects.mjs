// Apps behind the middleware, each on a real server of its platform.

import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { rawRequest } from "../../support/raw.mjs";
import { ensurePackages, ensureProgram } from "../support/packages.mjs";
import { makeProject } from "../support/project.mjs";
import { startServer } from "../support/server.mjs";
import { startInWorkerd } from "../support/workerd.mjs";

const INSIDE = fileURLToPath(new URL("inside/", import.meta.url));

/** A Node.js 20, the oldest that the package is for; undefined where there is none to install. */
export async function ensureNode20() {
  await ensurePackages();
  const { platform, arch } = process;
  const program = inRoot("tests", "npm", "node_modules", `node-20-${platform}-${arch}`, "bin/node");
  return existsSync(program) ? program : undefined;
}

const STARTS = {
  node: (project, entry) => startServer(process.execPath, [entry], { cwd: project.folder }),
  node20: async (project, entry) =>
    startServer(await ensureNode20(), [entry], { cwd: project.folder }),
  bun: async (project, entry) => {
    const args = ["run", "--no-install", entry];
    return startServer(await ensureProgram("bun"), args, { cwd: project.folder });
  },
  deno: async (project, entry) => {
    const args = ["run", "--quiet", "--no-lock", "--no-remote", "--node-modules-dir=manual"];
    const env = { DENO_DIR: join(project.folder, ".deno"), DENO_NO_UPDATE_CHECK: "1" };
    const granted = ["--allow-net=127.0.0.1", "--allow-read", "--allow-env", entry];
    return startServer(await ensureProgram("deno"), [...args, ...granted], {
      ...{ cwd: project.folder, env },
    });
  },
  workerd: startInWorkerd,
};

/**
 * Starts an app of inside/ on a platform.
 *
 * @param {keyof typeof STARTS} platform
 * @param {string} entry its module
 */
export async function startSubject(platform, entry) {
  const names = await readdir(INSIDE);
  const files = names.map(async (name) => [name, await readFile(`${INSIDE}${name}`, "utf8")]);
  const project = await makeProject(["@hono/node-server", "express", "hono"]);
  try {
    await project.write(Object.fromEntries(await Promise.all(files)));
    const server = await STARTS[platform](project, entry);
    return new Subject(server, project);
  } catch (error) {
    await project.remove();
    throw error;
  }
}

class Subject {
  #server;
  #project;

  constructor(server, project) {
    this.#server = server;
    this.#project = project;
    this.port = server.port;
  }

  /** Sends a request byte for byte; `token` is sent as Bearer. */
  ask(target, { token, headers = [], ...others } = {}) {
    const credential = token ? [["Authorization", `Bearer ${token}`]] : [];
    const all = [["Connection", "close"], ...credential, ...headers];
    return rawRequest({ port: this.port, target, headers: all, ...others });
  }

  /** Makes a token; returns what was made. */
  async make(options = {}) {
    const headers = [["Content-Type", "application/json"]];
    const body = JSON.stringify(options);
    return (await this.ask("/make", { method: "POST", headers, body })).json();
  }

  async stop() {
    await this.#server.stop();
    await this.#project.remove();
  }
}
