// The runtimes that the package is for. Each starts the real program, in a project that has installed
// the package, and answers a function that passes a question on to `answer` of
// inside/conformance.mjs, there. What must be stopped in the end it tells `atEnd`.

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundle } from "../../../scripts/lib/esbuild.mjs";
import { findNode } from "../../../scripts/lib/packages.mjs";
import { launchBrowser } from "../../support/browser.mjs";
import { startServer } from "../../support/stand-ins.mjs";
import { startWorkerd } from "../../support/workerd.mjs";
import { bundleForVercel } from "../support/edge-runtime.mjs";
import { ensurePackages, ensureProgram } from "../support/packages.mjs";
import { makeProject } from "../support/project.mjs";

/** An empty project that has installed the package, with the modules of `inside`. */
export async function makeProjectInside() {
  const project = await makeProject();
  await cp(new URL("inside/", import.meta.url), project.folder, { recursive: true });
  return project;
}

/** By name: how it is started, and what it says of itself. */
export const RUNTIMES = {
  "Node 20": { start: startNode20, says: /^node 20\./ },
  "Node 24": { start: (project) => program(project, findNode(), []), says: /^node 24\./ },
  Bun: { start: startBun, says: /^bun \d/ },
  Deno: { start: startDeno, says: /^deno \d/ },
  workerd: { start: startWorker, says: /^Cloudflare-Workers$/ },
  "Vercel's edge-runtime": { start: startEdgeRuntime, says: /^edge-runtime$/ },
  Chromium: { start: startChromium, says: /Chrome\/\d/, isPage: true },
};

async function startNode20(project) {
  await ensurePackages();
  const name = `node-20-${process.platform}-${process.arch}`;
  const node = fileURLToPath(new URL(`../node_modules/${name}/bin/node`, import.meta.url));
  return program(project, existsSync(node) && node, []);
}

async function startBun(project) {
  return program(project, await ensureProgram("bun"), ["run", "--no-install"]);
}

async function startDeno({ folder }) {
  const rights = [`--allow-read=${folder}`, `--allow-write=${folder}`];
  const offline = ["--no-remote", "--cached-only", "--node-modules-dir=manual", "--no-lock"];
  const args = ["run", "--quiet", "--no-prompt", ...offline, ...rights];
  return program({ folder }, await ensureProgram("deno"), args);
}

/** A program that is started anew for each question. */
function program({ folder }, path, args) {
  if (!path) throw new Error("its program is missing; `npm install` in tests/npm brings it");
  const env = { PATH: process.env.PATH, HOME: folder, DENO_DIR: join(folder, ".deno") };
  env.DENO_NO_UPDATE_CHECK = env.DO_NOT_TRACK = "1";

  return async (asked) => {
    const own = await mkdtemp(join(folder, "asked-"));
    const [question, told] = [join(own, "asked.json"), join(own, "told.json")];
    await writeFile(question, JSON.stringify(asked));
    const files = [join(folder, "program.mjs"), question, told];
    await promisify(execFile)(path, [...args, ...files], { cwd: folder, env });
    const answer = JSON.parse(await readFile(told, "utf8"));
    await rm(own, { recursive: true });
    return answer;
  };
}

async function startWorker({ folder }, atEnd) {
  const modules = await workerModules(folder, "worker.mjs");
  const workerd = await startWorkerd({ workers: [{ name: "app", modules }] });
  atEnd(workerd.stop);
  return (asked) => posted(fetch(workerd.url, { method: "POST", body: JSON.stringify(asked) }));
}

/** A Worker of the project, as wrangler bundles it: workerd compiles the wasm, a module of its own. */
export async function workerModules(folder, entry) {
  const apart = {
    name: "wasm-apart",
    setup({ onResolve }) {
      onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path, external: true }));
    },
  };
  const worker = await bundled(folder, entry, ["workerd", "worker", "browser"], [apart]);
  const wasm = readFileSync(join(folder, "node_modules/gatepass/dist/gatepass.wasm"));
  return { "worker.js": worker, "gatepass.wasm": wasm };
}

/** As on Vercel nobody may compile any WebAssembly, or text, inside. */
async function startEdgeRuntime({ folder }) {
  await ensurePackages();
  const { EdgeRuntime } = createRequire(import.meta.url)("edge-runtime");
  const { code, modules } = await bundleForVercel(`import "${join(folder, "edge.mjs")}";`);
  const runtime = new EdgeRuntime({
    initialCode: code,
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { COMPILED: modules }),
  });
  const url = "https://edge.example/";
  return (asked) =>
    posted(runtime.dispatchFetch(url, { method: "POST", body: JSON.stringify(asked) }));
}

/** In a page whose policy lets WebAssembly run, and no text become code. */
async function startChromium({ folder }, atEnd) {
  const script = await bundled(folder, "page.mjs", ["browser"]);
  const server = await startServer((request, response) => {
    const isScript = request.url === "/page.js";
    response
      .setHeader("content-type", isScript ? "text/javascript" : "text/html")
      .setHeader("content-security-policy", "script-src 'self' 'wasm-unsafe-eval'")
      .end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  atEnd(server.stop);
  const browser = await launchBrowser();
  atEnd(browser.close);
  const page = await browser.newTab(server.url);
  await page.waitForFunction(() => "answer" in globalThis);
  return (asked) => page.evaluate((asked) => globalThis.answer(asked), asked);
}

/** The text of an entry with all that it imports, as a bundler with these conditions makes it. */
async function bundled(folder, entry, conditions, plugins = []) {
  const entryPoints = [join(folder, entry)];
  return Buffer.from(await bundle({ entryPoints, conditions, plugins })).toString();
}

async function posted(sent) {
  const response = await sent;
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}
