// Apps that use the package, bundled without configuration, and run.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CHROMIUM_ADVICE, findChromium } from "../../../scripts/lib/chromium.mjs";
import { command } from "../../../scripts/lib/packages.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { run } from "../../../scripts/lib/run.mjs";
import { launchBrowser } from "../../support/browser.mjs";
import { startWorkerd } from "../../support/workerd.mjs";
import { ensurePackages } from "../support/packages.mjs";
import { makeProject } from "../support/project.mjs";
import { build, startInWorkerd } from "../support/workerd.mjs";

const FILES = {
  "app.js": `
    import { createGate } from "gatepass";
    import { memoryStore } from "gatepass/stores/memory";
    export const gate = createGate({ store: memoryStore() });
    export const { token } = await gate.tokens.create({ name: "a", user: { id: "ada" } });
    export async function knock(headers) {
      const decision = await gate.check(new Request("https://a.example/", { headers }));
      return decision.allowed ? decision.identity.user.id : decision.response.status;
    }`,
  "program.js": `
    import { knock, token } from "./app.js";
    console.log(await knock({ authorization: "Bearer " + token }), await knock({}));`,
  "page.js": `
    import { createGate, parseToken } from "gatepass";
    import { memoryStore } from "gatepass/stores/memory";
    const gate = createGate({ store: memoryStore() });
    const authorization = "Bearer " + ["pat", "0".repeat(36)].join("_");
    const { response } = await gate.check(new Request("https://a.example/", { headers: { authorization } }));
    const { code } = await response.json();
    document.title = [response.status, code, String(parseToken("pat_x")), "tokens" in gate].join(" ");`,
  "worker.js": `
    import { createGate } from "gatepass";
    import { memoryStore } from "gatepass/stores/memory";
    const gate = createGate({ store: memoryStore() });
    export default {
      async fetch(request) {
        const { token } = await gate.tokens.create({ name: "a", user: { id: "ada" } });
        const url = request.url;
        const open = await gate.check(new Request(url, { headers: { "x-api-key": token } }));
        const shut = await gate.check(request);
        return new Response([open.identity.user.id, shut.response.status].join(" "));
      },
    };`,
  "index.html": `<!doctype html><title>-</title><script type="module" src="/page.js"></script>`,
};

const PRINTED = "ada 401\n";
const TITLE = "401 token_malformed null false";

let project, browser;
before(async () => {
  await ensurePackages();
  project = await makeProject();
  await project.write(FILES);
  if (findChromium()) browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await project?.remove();
});

const path = (...parts) => join(project.folder, ...parts);
const inPackages = createRequire(inRoot("tests/npm/package.json"));

/** What a program prints that Node.js runs. */
const printed = (...args) => run(process.execPath, args, { cwd: project.folder, quiet: true });

/** What a module makes of the title of a page that loads it. */
async function titled(script) {
  const tab = await browser.newTab("data:text/html,<title>-</title>");
  await tab.addScriptTag({ content: script, type: "module" });
  await tab.waitForFunction(() => document.title !== "-");
  return tab.title();
}

const needsBrowser = { skip: findChromium() ? false : CHROMIUM_ADVICE };

describe("esbuild", () => {
  const bundle = (entry, options) =>
    build({
      ...{ absWorkingDir: project.folder, entryPoints: [entry], bundle: true, format: "esm" },
      ...{ outdir: "esbuild", outExtension: { ".js": ".mjs" }, logLevel: "error", ...options },
    });

  test("for Node", async () => {
    await bundle("program.js", { platform: "node" });
    assert.equal(await printed("esbuild/program.mjs"), PRINTED);
  });

  test("for browsers", needsBrowser, async () => {
    await bundle("page.js", { platform: "browser" });
    assert.equal(await titled(await readFile(path("esbuild/page.mjs"), "utf8")), TITLE);
  });

  test("for workerd", async () => {
    const worker = await startInWorkerd(project, "worker.js");
    try {
      assert.equal(await (await fetch(worker.url)).text(), PRINTED.trim());
    } finally {
      await worker.stop();
    }
  });
});

describe("Vite", () => {
  const vite = (...args) =>
    printed(
      inRoot("tests/npm/node_modules/vite/bin/vite.js"),
      "build",
      "--logLevel=error",
      ...args,
    );

  test("for a server", async () => {
    await vite("--ssr", "program.js", "--outDir", "vite-ssr");
    assert.equal(await printed("vite-ssr/program.js"), PRINTED);
  });

  test("as a library that needs nothing else", async () => {
    const { build } = await import(inPackages.resolve("vite"));
    await build({
      ...{ root: project.folder, configFile: false, logLevel: "error" },
      ssr: { noExternal: true },
      build: { ssr: "program.js", outDir: "vite-lib" },
    });
    assert.doesNotMatch(await readFile(path("vite-lib/program.js"), "utf8"), /from ?"gatepass/);
    assert.equal(await printed("vite-lib/program.js"), PRINTED);
  });

  test("for a page", needsBrowser, async () => {
    await vite("--outDir", "vite-page");
    const [script] = await readdir(path("vite-page/assets"));
    const text = await readFile(path("vite-page/assets", script), "utf8");
    assert.equal(await titled(text), TITLE);
  });
});

describe("webpack", () => {
  /** Bundles by webpack's defaults, which neither warns nor fails; but for sizes, which it knows not. */
  async function webpack(entry, target) {
    const webpack = inPackages("webpack");
    const output = { path: path(`webpack-${target}`), filename: "out.cjs" };
    const options = { context: project.folder, entry, target, output, mode: "production" };
    const stats = await new Promise((resolve, reject) => {
      const compiler = webpack({ ...options, performance: { hints: false } });
      compiler.run((error, stats) =>
        compiler.close(() => (error ? reject(error) : resolve(stats))),
      );
    });
    assert.equal(stats.toString({ all: false, errors: true, warnings: true }), "");
    return path(`webpack-${target}`, "out.cjs");
  }

  test("for Node", async () => {
    assert.equal(await printed(await webpack("./program.js", "node")), PRINTED);
  });

  test("for pages", needsBrowser, async () => {
    assert.equal(await titled(await readFile(await webpack("./page.js", "web"), "utf8")), TITLE);
  });
});

test("wrangler uploads a Worker that runs", async () => {
  const wrangler = command("wrangler", "bin/wrangler.js");
  const args = ["deploy", "worker.js", "--dry-run", "--outdir", "uploaded", "--name", "a"];
  args.push("--compatibility-date", "2026-11-17");
  const env = { WRANGLER_SEND_METRICS: "false", CI: "1" };
  await run(process.execPath, [wrangler, ...args], { cwd: project.folder, quiet: true, env });
  const names = await readdir(path("uploaded"));
  const wasm = names.find((name) => name.endsWith(".wasm"));
  const modules = {};
  for (const name of ["worker.js", wasm]) modules[name] = await readFile(path("uploaded", name));
  const worker = await startWorkerd({ workers: [{ name: "app", modules }] });
  try {
    assert.equal(await (await fetch(worker.url)).text(), PRINTED.trim());
  } finally {
    await worker.stop();
  }
});

describe("what is not used is left out", () => {
  /** What is left of a module's text, minified, by each bundler. */
  async function left(text) {
    await writeFile(path("left.js"), text);
    const { outputFiles } = await build({
      ...{ absWorkingDir: project.folder, entryPoints: ["left.js"], bundle: true, write: false },
      ...{ format: "esm", minify: true, logLevel: "error" },
    });
    const vite = await import(inPackages.resolve("vite"));
    const [{ output }] = [
      await vite.build({
        ...{ root: project.folder, configFile: false, logLevel: "error" },
        build: { lib: { entry: "left.js", formats: ["es"] }, write: false, minify: true },
      }),
    ].flat();
    return [outputFiles[0].text, output[0].code];
  }

  const isWasm = /AGFzbQ|\.wasm/;

  test("a module that is imported and not used brings nothing", async () => {
    const names = ["gatepass", "gatepass/hono", "gatepass/express", "gatepass/stores/redis"];
    const text = names.map((name, at) => `import "${name}"; import * as m${at} from "${name}";`);
    for (const code of await left(text.join("\n"))) assert.ok(code.length < 50, code);
  });

  for (const [name, export_, most] of [
    ["stores/memory", "memoryStore", 1500],
    ["stores/cloudflare-kv", "cloudflareKvStore", 1500],
    ["stores/redis", "redisStore", 2500],
    ["hono", "gatepass", 2000],
    ["express", "gatepass", 4000],
  ]) {
    test(`${name} brings no WebAssembly, and at most ${most} bytes`, async () => {
      for (const code of await left(`export { ${export_} } from "gatepass/${name}";`)) {
        assert.doesNotMatch(code, isWasm);
        assert.ok(code.length > 300 && code.length < most, `${code.length} bytes`);
      }
    });
  }

  test("the gate brings its WebAssembly once", async () => {
    const text = `export { createGate, parseToken } from "gatepass"; export * from "gatepass/hono";`;
    for (const code of await left(text)) {
      assert.match(code, isWasm);
      assert.ok(code.length < 320_000, `${code.length} bytes`);
    }
  });

  test("the element for host pages defines itself where it is only imported", async () => {
    for (const code of await left(`import "gatepass/embed";`)) assert.match(code, /gatepass-embed/);
  });
});
