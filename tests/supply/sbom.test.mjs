// What the bills of materials say of the Worker and of the npm package.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { inRoot, root } from "../../scripts/lib/paths.mjs";

// What is shipped with each: a name that comes or goes is to be noticed.
const CRATES = [
  ...["base64ct", "block-buffer", "cfg-if", "chrono", "cmov", "crc", "crc-catalog"],
  ...["crypto-common", "ctutils", "data-encoding", "digest", "futures-core", "futures-task"],
  ...["futures-util", "getrandom", "hmac", "hybrid-array", "ipnet", "js-sys", "num-traits"],
  ...["percent-encoding", "pin-project-lite", "sha2", "slab", "std", "subtle", "typenum", "ulid"],
  ...["unicode-ident", "wasm-bindgen", "wasm-bindgen-shared", "web-time", "zeroize"],
];
const SHIPPED = {
  "build/sbom.cdx.json": ["gatepass_bg.wasm", ...CRATES, "jose", "preact"],
  "npm/dist/sbom.cdx.json": ["gatepass.wasm", ...CRATES],
};

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** CycloneDX's schema, as strict as it is. */
function schema() {
  const ajv = new Ajv({ strict: false });
  addFormats(ajv);
  ajv.addFormat("idn-email", /@/);
  ajv.addFormat("iri-reference", /^\S+$/);
  const folder = inRoot("node_modules", "@cyclonedx", "cyclonedx-library", "res", "schema");
  const read = (name) => readJson(join(folder, name));
  for (const name of ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"]) {
    ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}`); // by which the other refers to it
  }
  return ajv.compile(read("bom-1.6.SNAPSHOT.schema.json"));
}

const isValid = schema();

for (const [file, shipped] of Object.entries(SHIPPED)) {
  describe(file, () => {
    const text = readFileSync(inRoot(file), "utf8");
    const bill = JSON.parse(text);
    const { components } = bill;

    test("is CycloneDX 1.6 by its schema", () => {
      assert.ok(isValid(bill), JSON.stringify(isValid.errors));
      assert.ok(!isValid({ ...bill, specVersion: 1.6 }));
      assert.ok(!isValid({ ...bill, components: [{ ...components[0], made: true }] }));
    });

    test("names what is shipped, and nothing else", () => {
      assert.deepEqual(components.map(({ name }) => name).sort(), shipped.toSorted());
    });

    test("has the versions, hashes and licenses of the lock files", () => {
      const lock = readFileSync(inRoot("Cargo.lock"), "utf8");
      const { packages } = readJson(inRoot("package-lock.json"));
      for (const { name, version, purl, hashes, licenses } of components) {
        if (name.endsWith(".wasm") || name === "std") continue;
        const [{ content }] = hashes;
        if (purl === `pkg:npm/${name}@${version}`) {
          const locked = packages[`node_modules/${name}`];
          const integrity = `sha512-${Buffer.from(content, "hex").toString("base64")}`;
          assert.deepEqual(
            { version, integrity, license: licenses[0].expression },
            { version: locked.version, integrity: locked.integrity, license: locked.license },
          );
        } else {
          assert.equal(purl, `pkg:cargo/${name}@${version}`);
          const entry = [`name = "${name}"`, `version = "${version}"`, "source = .*"];
          entry.push(`checksum = "${content}"`);
          assert.match(lock, new RegExp(entry.join("\n")));
        }
      }
    });

    test("is of the very wasm beside it", () => {
      const { name, hashes } = components.find(({ type }) => type === "file");
      const bytes = readFileSync(inRoot(dirname(file), name));
      assert.equal(hashes[0].content, createHash("sha256").update(bytes).digest("hex"));
    });

    test("leads from what is shipped to each of its parts", () => {
      const on = new Map(bill.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
      const reached = new Set([bill.metadata.component["bom-ref"]]);
      for (const ref of reached) for (const other of on.get(ref)) reached.add(other);
      assert.equal(reached.size, components.length + 1);
    });

    test("has the version of the whole", () => {
      const { version } = readJson(inRoot("npm", "package.json"));
      assert.equal(bill.metadata.component.version, version);
    });

    test("tells of no time, no chance and no machine", () => {
      assert.ok(!("serialNumber" in bill) && !("timestamp" in bill.metadata));
      for (const place of [homedir(), root]) assert.ok(!text.includes(place));
    });
  });
}
