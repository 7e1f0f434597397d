// Builds the gate's WebAssembly and its JavaScript glue into build/, bundles its packages, and the
// tokens page's script into www/. Says what they are made of.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleJose } from "./lib/jose.mjs";
import { readOptions } from "./lib/options.mjs";
import { bundlePage } from "./lib/page.mjs";
import { inRoot } from "./lib/paths.mjs";
import { asScript } from "./lib/run.mjs";
import { billOfMaterials } from "./lib/sbom.mjs";
import { checkSize, makeWasm, STAMP, WASM } from "./lib/wasm.mjs";
import { setUp } from "./setup.mjs";

const HELP = `Usage: npm run build -- [--dev]

Builds the gate for WebAssembly, build/gatepass.js and build/gatepass_bg.wasm, and bundles what it
uses of npm's packages, build/jose.js, and the tokens page's script, www/page.js. What all that is
made of is in build/sbom.cdx.json (CycloneDX).

  --dev    development's profile: quick to build, not optimised
  --help   this text

Without --dev the release is built, and the build fails if the wasm is over 150 KB gzipped.
When wrangler calls this script, \`wrangler dev\` gets development's profile and \`wrangler deploy\`
the release; GATEPASS_PROFILE=dev or =release overrules that.`;

const GZIPPED_LIMIT = 150_000;

/** Builds `profile`, "dev" or "release"; does nothing that is already done. */
export async function build(profile) {
  const tools = await setUp();
  const made = await makeWasm("worker", profile, tools);
  publish(made, inRoot("build"));
  const [jose, page] = [await bundleJose(), await bundlePage()];
  replace(inRoot("build", "jose.js"), jose.contents);
  replace(inRoot("www", "page.js"), page.contents);
  const packages = [...jose.packages, ...page.packages];
  replace(inRoot("build", "sbom.cdx.json"), billOfWorker(packages, tools));
  if (profile === "release") checkSize(inRoot("build", WASM), GZIPPED_LIMIT, tools.toolchain);
}

/** What a deployment is made of: the wasm, and the packages that are bundled. */
function billOfWorker(packages, { toolchain }) {
  const [, version] = readFileSync(inRoot("Cargo.toml"), "utf8").match(/^version = "(.*)"$/m);
  const whole = { type: "application", "bom-ref": "gatepass", name: "gatepass", version };
  const wasm = inRoot("build", WASM);
  return Buffer.from(billOfMaterials(whole, { shell: "worker", wasm, packages, toolchain }));
}

/** Puts the glue into build/, the snippets of the crates included. */
function publish(from, to) {
  for (const file of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.name === STAMP) continue;
    const source = join(file.parentPath ?? file.path, file.name);
    replace(join(to, relative(from, source)), readFileSync(source));
  }
}

/** Writes a file in one step, and only if it differs, since wrangler watches build/. */
function replace(target, bytes) {
  if (existsSync(target) && readFileSync(target).equals(bytes)) return;
  mkdirSync(dirname(target), { recursive: true });
  const staging = `${target}.${process.pid}`;
  writeFileSync(staging, bytes);
  renameSync(staging, target);
}

function defaultProfile() {
  const { GATEPASS_PROFILE, WRANGLER_COMMAND } = process.env;
  if (GATEPASS_PROFILE) return GATEPASS_PROFILE;
  return WRANGLER_COMMAND === "dev" ? "dev" : "release";
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await asScript(async () => {
    const { dev } = readOptions({ dev: { type: "boolean" } }, HELP);
    await build(dev ? "dev" : defaultProfile());
  });
}
