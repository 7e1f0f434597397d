// What is shipped, as a bill of materials by CycloneDX 1.6. The same build has the same bill: no
// time and no random number is in it, and its order is no locale's.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { inRoot } from "./paths.mjs";
import { ask, Failure } from "./run.mjs";
import { TARGET } from "./wasm-toolchain.mjs";

/**
 * The bill's text. `whole` is CycloneDX's component for what is shipped, with its `bom-ref`: the
 * file `wasm` of a shell, and `packages`, the names of npm's that are bundled with it.
 */
export function billOfMaterials(whole, { shell, wasm, packages, toolchain }) {
  const { crates, links } = linkedCrates(shell, toolchain);
  const std = standardLibrary(toolchain);
  const bundled = [...new Set(packages)].map(npmPackage);
  const content = createHash("sha256").update(readFileSync(wasm)).digest("hex");
  const name = basename(wasm);
  const module = { type: "file", "bom-ref": name, name, hashes: [{ alg: "SHA-256", content }] };
  const components = [module, std, ...crates, ...bundled];
  const dependencies = new Map(components.map((component) => [component["bom-ref"], []]));
  dependencies.set(whole["bom-ref"], [module, ...bundled].map(reference));
  dependencies.set(module["bom-ref"], [...links.get(undefined), std["bom-ref"]]);
  for (const crate of crates) dependencies.set(crate["bom-ref"], [...links.get(crate["bom-ref"])]);
  const bill = {
    ...{ $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json" },
    ...{ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 },
    metadata: { component: whole },
    components: components.sort((a, b) => compare(reference(a), reference(b))),
    dependencies: [...dependencies]
      .map(([ref, on]) => ({ ref, dependsOn: on.sort(compare) }))
      .sort((a, b) => compare(a.ref, b.ref)),
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

const reference = (component) => component["bom-ref"];

const compare = (a, b) => (a < b ? -1 : Number(a > b));

const library = (purl, name, version, license, hashes) => ({
  ...{ type: "library", "bom-ref": purl, name, version },
  ...{ hashes, licenses: [{ expression: license }], purl },
});

/**
 * The crates that are linked into a shell's wasm, and what each of them uses, by reference; what the
 * crate itself uses is under no reference. Macros run when it is compiled, and are not in it.
 */
function linkedCrates(shell, { cargo, env }) {
  const edges = ["--edges", "normal,no-proc-macro", "--no-dedupe"];
  const args = ["tree", "--locked", "--package", "gatepass", "--features", shell];
  args.push("--target", TARGET, ...edges, "--prefix", "depth", "--format", "{p}|{l}");
  const tree = ask(cargo, args, env);
  if (!tree) throw new Failure("cargo does not tell which crates are linked.");
  const lock = readFileSync(inRoot("Cargo.lock"), "utf8");
  const crates = new Map();
  const links = new Map([[undefined, new Set()]]);
  const above = [];
  for (const line of tree.split("\n").slice(1)) {
    const [, depth, name, version, license] = line.match(/^(\d+)(\S+) v(\S+)\|(.*)$/);
    const purl = `pkg:cargo/${name}@${version}`;
    const entry = `name = "${name}"\nversion = "${version}"\n`;
    const [, content] = lock.slice(lock.indexOf(entry)).match(/^checksum = "(.*)"$/m);
    crates.set(purl, library(purl, name, version, license, [{ alg: "SHA-256", content }]));
    above[depth] = purl;
    links.get(above[depth - 1]).add(purl);
    if (!links.has(purl)) links.set(purl, new Set());
  }
  return { crates: [...crates.values()], links };
}

/** The standard library of the compiler, with the crates that are within it. */
function standardLibrary({ env }) {
  const version = ask(env.RUSTC ?? "rustc", ["--version", "--verbose"]);
  const [, release] = version.match(/^release: (.*)$/m);
  const purl = `pkg:github/rust-lang/rust@${release}#library/std`;
  return library(purl, "std", release, "MIT OR Apache-2.0");
}

function npmPackage(name) {
  const { packages } = JSON.parse(readFileSync(inRoot("package-lock.json"), "utf8"));
  const { version, license, integrity } = packages[`node_modules/${name}`];
  const content = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  return library(purl, name, version, license, [{ alg: "SHA-512", content }]);
}
