// The archive that `npm publish` would upload, and what judges of packages say of it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { cargoHome, inRoot, root } from "../../../scripts/lib/paths.mjs";
import { run } from "../../../scripts/lib/run.mjs";
import { ensureWasmToolchain } from "../../../scripts/lib/wasm-toolchain.mjs";
import { ensurePackages } from "../support/packages.mjs";
import { makeProject, packed } from "../support/project.mjs";

let project, installed, names, manifest;
before(async () => {
  await ensurePackages();
  project = await makeProject();
  installed = join(project.folder, "node_modules", "gatepass");
  const entries = await readdir(installed, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  names = files.map(({ parentPath, name }) => join(parentPath, name).slice(installed.length + 1));
  manifest = JSON.parse(await read("package.json"));
});
after(() => project?.remove());

const read = (name) => readFile(join(installed, name), "utf8");

/** Runs a command of the tests' packages. */
const judge = (script, ...args) =>
  run(process.execPath, [inRoot("tests/npm/node_modules", script), ...args], { quiet: true });

test("it holds exactly the files that it is to hold", async () => {
  const list = await readFile(new URL("files.txt", import.meta.url), "utf8");
  const found = names.map((name) => name.replace(/shared-[0-9A-Z]+/, "shared-*"));
  assert.deepEqual(found.sort(), list.trim().split("\n"));
});

test("publint finds nothing to say", async () => {
  await judge("publint/src/cli.js", await packed(), "--strict");
});

test("its types are those of its modules, wherever they are resolved", async () => {
  const cli = "@arethetypeswrong/cli/dist/index.js";
  await judge(cli, await packed(), "--profile", "esm-only");
});

test("it can be published with provenance, and runs nothing when it is installed", () => {
  const { license, repository, publishConfig, engines } = manifest;
  assert.equal(license, "MIT OR Apache-2.0");
  assert.deepEqual(repository, {
    ...{ type: "git", url: "git+https://github.com/gatepass/gatepass.git", directory: "npm" },
  });
  assert.deepEqual(publishConfig, { access: "public", provenance: true });
  assert.deepEqual(engines, { node: ">=20" });
  assert.equal(manifest.private, undefined);
  const forbidden = ["scripts", "dependencies", "peerDependencies", "optionalDependencies", "bin"];
  for (const name of forbidden) assert.ok(!(name in manifest), name);
});

test("its version is the crate's", async () => {
  const crate = await readFile(inRoot("Cargo.toml"), "utf8");
  assert.equal(manifest.version, /^version = "(.+)"$/m.exec(crate)[1]);
});

describe("each export is a file, whatever the condition", () => {
  const runtimes = ["workerd", "edge-light", "deno", "bun", "node", "browser"];
  const expected = {
    workerd: "./dist/index.workerd.js",
    "edge-light": "./dist/index.edge-light.js",
    browser: "./dist/index.browser.js",
  };

  for (const runtime of [...runtimes, "default"]) {
    test(runtime, () => {
      for (const [name, target] of Object.entries(manifest.exports)) {
        const file = resolve(target, [runtime, "import", "default"]);
        if (name === ".") assert.equal(file, expected[runtime] ?? "./dist/index.js");
        assert.ok(existsSync(join(installed, file)), `${name}: ${file}`);
        if (name === "./package.json") continue;
        const types = resolve(target, [runtime, "types", "import", "default"]);
        assert.match(types, /\.d\.ts$/);
        assert.ok(existsSync(join(installed, types)), `${name}: ${types}`);
      }
    });
  }

  /** As Node resolves exports: the first condition in the package's order that is asked for. */
  function resolve(target, conditions) {
    if (typeof target === "string") return target;
    const [, found] = Object.entries(target).find(([name]) => conditions.includes(name));
    return resolve(found, conditions);
  }
});

test("the WebAssembly is under 90 KB gzipped", async (t) => {
  const { trimmed } = await ensureWasmToolchain();
  if (!trimmed) return t.skip("this toolchain's standard library is not built for size");
  const bytes = await readFile(join(installed, "dist", "gatepass.wasm"));
  assert.ok(gzipSync(bytes, { level: 9 }).length < 90_000);
});

test("no file tells of the machine that made it", async () => {
  const places = [homedir(), root, cargoHome, tmpdir(), ".cargo", "file://"];
  for (const name of names) {
    const bytes = await readFile(join(installed, name));
    for (const place of places) {
      if (name.endsWith(".md") && place === "file://") continue;
      assert.ok(!bytes.includes(place), `${name} holds ${place}`);
    }
  }
});

test("source maps lead to the sources, which they hold", async () => {
  const maps = names.filter((name) => name.endsWith(".map"));
  for (const name of maps) {
    const map = JSON.parse(await read(name));
    const code = await read(name.replace(/\.map$/, ""));
    assert.equal(map.version, 3);
    assert.match(code, new RegExp(`\n//# sourceMappingURL=${name.split("/").pop()}\n$`));
    assert.equal(map.sources.length, map.sourcesContent?.length ?? 0, name);
    for (const source of map.sources)
      assert.match(source, /^(\.\.\/)+src\/|^made:glue\.js$|^text:www\//);
  }
  for (const [name, text] of [
    ["dist/hono.js", "context.set("],
    ["dist/express.js", "guardHead("],
    ["dist/stores/memory.js", "entries.delete("],
    ["dist/index.workerd.js", "this.#settled(verdict"],
  ]) {
    assert.equal(await origin(name, text), text);
  }

  /** What the source has where a map says that a text is from. */
  async function origin(name, text) {
    const map = JSON.parse(await read(`${name}.map`));
    const before = (await read(name)).split(text)[0].split("\n");
    const found = new SourceMap(map).findEntry(before.length - 1, before.at(-1).length);
    const source = map.sourcesContent[map.sources.indexOf(found.originalSource)];
    const line = source.split("\n")[found.originalLine];
    return line.slice(found.originalColumn, found.originalColumn + text.length);
  }
});
