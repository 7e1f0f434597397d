// The runtimes: how a program is started in each.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { findNode } from "../../scripts/lib/packages.mjs";
import { ask, Failure } from "../../scripts/lib/run.mjs";
import { ensureProgram } from "../../tests/npm/support/packages.mjs";
import { startWorkerd } from "../../tests/support/workerd.mjs";
import { bundle, wasm } from "./bundle.mjs";

const MODULES = inRoot("tests", "npm", "node_modules");
const EDGE_RUNTIME = fileURLToPath(new URL("edge-runtime.mjs", import.meta.url));

/**
 * The runtimes by their names on the command line: title, the condition by which the package's entry
 * is chosen, the program's host, and the command that starts it (workerd has another way).
 */
export const RUNTIMES = {
  node: {
    ...{ title: "Node.js 24", condition: "node", host: "node" },
    command: () => [findNode()],
  },
  "node-20": {
    ...{ title: "Node.js 20", condition: "node", host: "node" },
    command: () => [join(MODULES, `node-20-linux-${process.arch}`, "bin", "node")],
  },
  bun: {
    ...{ title: "Bun", condition: "bun", host: "bun" },
    command: async () => [await ensureProgram("bun")],
  },
  deno: {
    ...{ title: "Deno", condition: "deno", host: "deno" },
    command: async () => [await ensureProgram("deno"), "run", "--allow-all", "--quiet"],
  },
  workerd: { title: "workerd", condition: "workerd", host: "workerd", version: workerdVersion },
  "edge-runtime": {
    ...{ title: "Vercel's edge-runtime", condition: "edge-light", host: "edge-runtime" },
    ...{ command: () => [findNode(), EDGE_RUNTIME], version: edgeRuntimeVersion },
  },
};

function workerdVersion() {
  const require = createRequire(import.meta.url);
  return createRequire(require.resolve("wrangler/package.json"))("workerd/package.json").version;
}

function edgeRuntimeVersion() {
  return createRequire(join(MODULES, "x"))("edge-runtime/package.json").version;
}

/** The runtimes of these names, by name, each with its version, its command's words, its program. */
export async function findRuntimes(names) {
  const found = {};
  const bundles = {};
  for (const name of names) {
    const { command, version, ...runtime } = RUNTIMES[name];
    const words = await command?.();
    bundles[runtime.host] ??= await bundle(`hosts/${runtime.host}.js`, runtime);
    const files = bundles[runtime.host];
    found[name] = { ...runtime, words, files, version: version?.() ?? versionOf(words[0]) };
    if (!found[name].version) throw new Failure(`${runtime.title} does not run here.`);
  }
  return found;
}

const versionOf = (program) => ask(program, ["--version"])?.match(/\d+\.\d+\.\d+/)?.[0];

/** Starts the benchmark's program in a runtime of `findRuntimes`: `{ask(act, parameters), stop()}`. */
export async function start(runtime) {
  const { port, stop } = await (runtime.words ? startCommand(runtime) : startInWorkerd(runtime));
  const askProgram = async (act, parameters = {}) => {
    const url = `http://127.0.0.1:${port}/${act}?${new URLSearchParams(parameters)}`;
    const found = await (await fetch(url)).json();
    if (found.error !== undefined) throw new Error(found.error);
    return found;
  };
  return { ask: askProgram, stop };
}

/** better-auth needs the flag. */
const startInWorkerd = ({ title, files }) =>
  startWorkerd({
    workers: [{ name: title, modules: files, compatibilityFlags: ["nodejs_compat"] }],
  });

async function startCommand({ title, words, files }) {
  const folder = await mkdtemp(join(tmpdir(), "gatepass-runtime-"));
  for (const [name, bytes] of Object.entries({ ...files, "gatepass.wasm": wasm() })) {
    await writeFile(join(folder, name), bytes);
  }
  const [program, ...args] = words;
  const [main] = Object.keys(files);
  const child = spawn(program, [...args, join(folder, main)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const exited = new Promise((done) => child.once("close", done));
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const lines = createInterface({ input: child.stdout });
  const port = await Promise.race([
    new Promise((done) => lines.once("line", done)),
    exited.then(() => Promise.reject(new Error(`${title} ended before it listened\n${errors}`))),
  ]);
  const stop = async () => {
    end();
    await exited;
    process.off("exit", end);
    await rm(folder, { recursive: true, force: true });
  };
  return { port, stop };
}
