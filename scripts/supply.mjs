// Checks what Gatepass is made of.
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { judgeCrates } from "./lib/cargo-deny.mjs";
import { filesNamed } from "./lib/files.mjs";
import { readOptions } from "./lib/options.mjs";
import { inRoot } from "./lib/paths.mjs";
import { asScript, run, say } from "./lib/run.mjs";
import { setUp } from "./setup.mjs";

const HELP = `Usage: npm run supply -- [--advisories]

Checks the crates of every Cargo.lock by deny.toml: versions, licenses and sources.

  --advisories   instead, what is known today against crates and npm packages, and whether the
                 registry has signed the packages that are installed; asks the internet
  --help         this text`;

/** Fails unless deny.toml allows all crates. */
export async function checkCrates(checks = ["bans", "licenses", "sources"]) {
  for (const file of filesNamed("Cargo.lock")) {
    say(`The crates of ${file}: ${checks.join(", ")}`);
    await judgeCrates(dirname(inRoot(file)), checks);
  }
}

async function checkAdvisories() {
  await setUp();
  await checkCrates(["advisories"]);
  for (const file of filesNamed("package-lock.json")) {
    say(`The packages of ${file}: advisories`);
    await run("npm", ["audit", "--package-lock-only"], { cwd: dirname(inRoot(file)) });
  }
  say("The packages of package-lock.json: signatures");
  await run("npm", ["audit", "signatures"]);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await asScript(async () => {
    const { advisories } = readOptions({ advisories: { type: "boolean" } }, HELP);
    await (advisories ? checkAdvisories() : checkCrates());
  });
}
