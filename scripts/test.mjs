// Runs every test there is, and stops at the first stage that fails.
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";
import { checkCounts } from "./counts.mjs";
import { fuzzAll } from "./fuzz.mjs";
import { ensureValgrind } from "./lib/callgrind.mjs";
import { ensureCargoDeny } from "./lib/cargo-deny.mjs";
import { CHROMIUM_ADVICE, ensureChromium, findChromium } from "./lib/chromium.mjs";
import { readOptions } from "./lib/options.mjs";
import { command, findNode, nodeEnvironment } from "./lib/packages.mjs";
import { ensurePython, findPython, JUDGES, PYTHON_ADVICE, SCHEMATHESIS } from "./lib/python.mjs";
import { ensureRedis } from "./lib/redis.mjs";
import { asScript, Failure, run, say, seconds } from "./lib/run.mjs";
import { sideBySide } from "./lib/side-by-side.mjs";
import { deployDryRun } from "./lib/wrangler.mjs";
import { ensurePackages } from "../tests/npm/support/packages.mjs";
import { makePackage } from "./package.mjs";
import { setUp } from "./setup.mjs";
import { checkCrates } from "./supply.mjs";

const cargo = (...args) => run("cargo", args);
const WARNINGS_FAIL = { RUSTDOCFLAGS: "-D warnings" };

const SHELLS = ["worker", "npm"];

const STAGES = {
  setup: ["What the tests need", prepare],
  format: ["Formatting", checkFormat],
  types: ["Types", checkTypes],
  clippy: ["Clippy, warnings as errors", clippy],
  doc: ["Documentation without warnings", doc],
  native: ["Native tests", nativeTests],
  fuzz: ["Five seconds of fuzzing a target", () => fuzzAll({ seconds: 5 })],
  counts: ["Instructions, as many as before", checkCounts],
  wasm: ["The release's wasm", () => build("release")],
  deploy: ["What a deployment would upload", deployDryRun],
  e2e: ["End to end", endToEnd],
  npm: ["The npm package, as it is packed", asPacked],
  supply: ["What it is made of", supplyChain],
  load: ["Under load, and killed in the middle of it", () => nodeTests(["tests/load/*.test.mjs"])],
  openapi: ["The API against its description", againstDescription],
  browser: ["In a real browser", inBrowser],
};

/** What can run side by side: what waits more than it works, beside what keeps a core busy. */
const LANES = [
  ["wasm", "deploy", "npm", "e2e", "openapi", "browser"],
  ["format", "types", "clippy", "doc", "native", "fuzz", "counts", "supply"],
];

/** What is made once more is compared with what was packed. */
const AFTER = { supply: "npm" };

const HELP = `Usage: npm test -- [--only STAGE]

Runs every test, stages side by side where they can be; the first that fails ends it. What a stage
prints is shown when it has ended.

  --only STAGE   one stage alone: ${Object.keys(STAGES).join(", ")}
  --help         this text`;

async function prepare() {
  await setUp();
  await ensurePackages();
  await ensureChromium();
  await ensureValgrind();
  await ensureRedis();
  await ensureCargoDeny();
  await ensurePython(SCHEMATHESIS);
  await ensurePython(JUDGES);
}

async function checkFormat() {
  await cargo("fmt", "--all", "--check");
  await run(findNode(), [command("prettier", "bin/prettier.cjs"), "--check", "."]);
}

async function checkTypes() {
  for (const project of ["www", "npm"]) {
    await run(findNode(), [command("typescript", "bin/tsc"), "--noEmit", "--project", project]);
  }
}

/**
 * Natively, for the core alone and with each shell: the shells are checked, never run. And what the
 * benchmark makes of the core, a workspace of its own.
 */
async function clippy() {
  const all = ["--workspace", "--all-targets"];
  const inside = ["--manifest-path", "bench/core-wasm/Cargo.toml", "--target-dir", "target"];
  const shells = SHELLS.map((shell) => ["--package", "gatepass", "--lib", "--features", shell]);
  for (const what of [all, ...shells, inside]) {
    await cargo("clippy", "--locked", ...what, "--", "-D", "warnings");
  }
}

/** The tool that makes the glue has no tests, and more dependencies than all else. */
async function nativeTests() {
  await cargo("test", "--locked", "--workspace", "--exclude", "gatepass-bindgen");
}

async function doc() {
  const args = ["doc", "--locked", "--no-deps", "--package", "gatepass"];
  await run("cargo", args, { env: WARNINGS_FAIL });
  for (const shell of SHELLS) {
    const all = [...args, "--features", shell, "--document-private-items"];
    await run("cargo", all, { env: WARNINGS_FAIL });
  }
}

// These wait more than they work.
async function endToEnd() {
  await nodeTests(["tests/{faults,attacks,e2e}/*.test.mjs", "tests/*.test.mjs"], {
    concurrency: 4,
  });
}

async function asPacked() {
  await makePackage();
  await nodeTests(["tests/npm/**/*.test.mjs"], { concurrency: 2 });
}

async function supplyChain() {
  await checkCrates();
  await build("release");
  await makePackage();
  await nodeTests(["tests/supply/*.test.mjs"]);
}

async function inBrowser() {
  if (!findChromium()) return { skipped: `There is no browser. ${CHROMIUM_ADVICE}` };
  await nodeTests(["tests/browser/**/*.test.mjs"], { concurrency: 3 });
}

async function againstDescription() {
  if (!findPython(SCHEMATHESIS)) return { skipped: `There is no Schemathesis. ${PYTHON_ADVICE}` };
  await nodeTests(["tests/openapi/*.test.mjs"]);
}

async function nodeTests(patterns, { concurrency = 1 } = {}) {
  const args = ["--test", "--test-reporter=spec", `--test-concurrency=${concurrency}`, ...patterns];
  await run(findNode(), args, { env: nodeEnvironment() });
}

async function runStage(name) {
  const [title, stage] = STAGES[name];
  console.log(`\n== ${title} (${name})`);
  const begun = performance.now();
  const skipped = (await stage())?.skipped;
  if (skipped && process.env.CI) throw new Failure(skipped);
  console.log(`== ${title}: ${skipped ? `SKIPPED. ${skipped}` : `passed in ${seconds(begun)}`}`);
}

async function runAll() {
  const together = LANES.flat();
  const alone = Object.keys(STAGES).filter((name) => !together.includes(name));
  await runStage(alone.shift());
  say(`Side by side: ${LANES.map((lane) => lane.join(", ")).join("; and ")}`);
  const self = fileURLToPath(import.meta.url);
  await sideBySide(
    LANES,
    AFTER,
    (name) => {
      say(`${name} begins`);
      return [self, "--only", name];
    },
    (name, output) => say(`${name} has passed\n${output.trim()}\n`),
  );
  for (const name of alone) await runStage(name);
}

await asScript(async () => {
  const { only } = readOptions({ only: { type: "string" } }, HELP);
  if (only && !STAGES[only]) throw new Failure(`There is no stage "${only}".\n\n${HELP}`);
  await (only ? runStage(only) : runAll());
});
