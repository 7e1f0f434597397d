// Builds the npm package into npm/dist and packs it into target/npm/.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { packagesIn } from "./lib/esbuild.mjs";
import { instantiable } from "./lib/glue.mjs";
import { readOptions } from "./lib/options.mjs";
import { command, findNode } from "./lib/packages.mjs";
import { inRoot, root } from "./lib/paths.mjs";
import { asScript, run, say } from "./lib/run.mjs";
import { billOfMaterials } from "./lib/sbom.mjs";
import { checkSize, makeWasm, WASM } from "./lib/wasm.mjs";
import { setUp } from "./setup.mjs";

const HELP = `Usage: npm run package

Builds the npm package \`gatepass\`: its WebAssembly, its JavaScript for each runtime, its types and
what it is made of (sbom.cdx.json, CycloneDX) into npm/dist, and the archive that \`npm publish\` would
upload, target/npm/gatepass-<version>.tgz.

  --help   this text

The build fails if the wasm is over 90 KB gzipped.`;

const GZIPPED_LIMIT = 90_000;
const SOURCE = inRoot("npm", "src");
const DIST = inRoot("npm", "dist");
const PACKED = inRoot("target", "npm");

/** The entries of runtimes, by how they come by the WebAssembly. */
const ENTRIES = {
  "module.ts": { index: "index.ts", "index.browser": "index.browser.ts" },
  "module.workerd.ts": { "index.workerd": "index.ts" },
  "module.edge-light.ts": { "index.edge-light": "index.ts" },
};

/** A file that an export is. */
const OTHER = /^\.\/dist\/(.*)\.js$/;

/** Builds and packs; returns the path of the archive. */
export async function makePackage() {
  const tools = await setUp();
  const made = await makeWasm("npm", "release", tools);
  checkSize(join(made, WASM), GZIPPED_LIMIT, tools.toolchain);
  say("Bundling the package");
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  copyFileSync(join(made, WASM), join(DIST, "gatepass.wasm"));
  const glue = instantiable(readFileSync(join(made, "gatepass.js"), "utf8"));
  const bundles = [await bundleOthers()];
  for (const [module, entries] of Object.entries(ENTRIES)) {
    bundles.push(await bundle(entries, { plugins: [madeFiles(glue, join(made, WASM), module)] }));
  }
  const packages = bundles.flatMap(({ metafile }) => packagesIn(metafile));
  writeFileSync(join(DIST, "sbom.cdx.json"), billOfPackage(packages, tools));
  await run(findNode(), [command("typescript", "bin/tsc"), "--project", inRoot("npm")]);
  for (const name of ["embed.js", "embed.d.ts"]) {
    copyFileSync(inRoot("www", name), join(DIST, name));
  }
  removeInnerTypes();
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    copyFileSync(inRoot(name), inRoot("npm", name));
  }
  return pack();
}

/** Removes the declarations that no export leads to: what is within is nobody's to use. */
function removeInnerTypes() {
  const { exports } = JSON.parse(readFileSync(inRoot("npm", "package.json"), "utf8"));
  const entries = JSON.stringify(exports).match(/[\w./-]+\.d\.ts/g);
  const reached = new Set(entries.map((file) => inRoot("npm", file)));
  for (const file of reached) {
    const imports = readFileSync(file, "utf8").matchAll(/ from "(\.[^"]*)\.js"/g);
    for (const [, path] of imports) reached.add(join(dirname(file), `${path}.d.ts`));
  }
  for (const name of readdirSync(DIST, { recursive: true })) {
    const file = join(DIST, name);
    if (name.endsWith(".d.ts") && !reached.has(file)) rmSync(file);
  }
}

/** What else is exported, the stores and the middleware: none of it needs the WebAssembly. */
async function bundleOthers() {
  const { exports } = JSON.parse(readFileSync(inRoot("npm", "package.json"), "utf8"));
  const files = Object.values(exports).map((entry) => String(entry.default));
  const names = files.map((file) => file.match(OTHER)?.[1]);
  const sources = names.filter((name) => name && existsSync(join(SOURCE, `${name}.ts`)));
  return bundle(Object.fromEntries(sources.map((name) => [name, `${name}.ts`])));
}

/** What the package is made of: its wasm, and the packages that are bundled. */
function billOfPackage(packages, { toolchain }) {
  const { version } = JSON.parse(readFileSync(inRoot("npm", "package.json"), "utf8"));
  const purl = `pkg:npm/gatepass@${version}`;
  const whole = { type: "library", "bom-ref": purl, name: "gatepass", version, purl };
  const wasm = join(DIST, "gatepass.wasm");
  return billOfMaterials(whole, { shell: "npm", wasm, packages, toolchain });
}

/** Bundles entries, by the names of what they become; readable, with source maps. */
function bundle(entries, options) {
  const wrangler = createRequire(inRoot("node_modules", "wrangler", "package.json"));
  const named = Object.entries(entries).map(([name, file]) => [name, join(SOURCE, file)]);
  return wrangler("esbuild").build({
    ...{ entryPoints: Object.fromEntries(named), outdir: DIST, bundle: true, splitting: true },
    ...{ format: "esm", target: "es2022", platform: "neutral", chunkNames: "shared-[hash]" },
    ...{ minifyWhitespace: true, minifySyntax: true, legalComments: "none", logLevel: "error" },
    ...{ sourcemap: "linked", sourcesContent: true, metafile: true, ...options },
  });
}

/** What the sources import and the build makes: the glue, the wasm and texts. */
const madeFiles = (glue, wasm, module) => ({
  name: "made-files",
  setup(build) {
    build.onResolve({ filter: /^\.\/glue\.js$/ }, () => ({ path: "glue.js", namespace: "made" }));
    build.onLoad({ filter: /^glue\.js$/, namespace: "made" }, () => ({ contents: glue }));
    build.onResolve({ filter: /^\.\/module\.js$/ }, () => ({ path: join(SOURCE, module) }));
    build.onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path }) =>
      module === "module.ts" ? { path: wasm } : { path, external: true },
    );
    build.onLoad({ filter: /\.wasm$/ }, ({ path }) => ({
      contents: readFileSync(path),
      loader: "binary",
    }));
    build.onResolve({ filter: /\?text$/ }, ({ path, resolveDir }) => ({
      // Maps name it so.
      path: relative(root, join(resolveDir, path.replace(/\?text$/, ""))),
      namespace: "text",
    }));
    build.onLoad({ filter: /./, namespace: "text" }, ({ path }) => ({
      contents: readFileSync(inRoot(path), "utf8"),
      loader: "text",
    }));
  },
});

async function pack() {
  rmSync(PACKED, { recursive: true, force: true });
  mkdirSync(PACKED, { recursive: true });
  const args = ["pack", "--silent", "--ignore-scripts", "--pack-destination", PACKED];
  await run("npm", args, { cwd: inRoot("npm"), quiet: true });
  const [archive] = readdirSync(PACKED);
  const { size } = statSync(join(PACKED, archive));
  say(`Packed ${archive}, ${(size / 1000).toFixed(1)} KB.`);
  return join(PACKED, archive);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await asScript(async () => {
    readOptions({}, HELP);
    await makePackage();
  });
}
