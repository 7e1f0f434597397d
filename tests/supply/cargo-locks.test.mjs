// What cargo compiles here: exactly what the lock files name. Licenses, duplicates and sources are
// cargo-deny's to judge, by deny.toml.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, test } from "node:test";
import { filesNamed } from "../../scripts/lib/files.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { ask } from "../../scripts/lib/run.mjs";

const CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index";

const field = (text, name) => text.match(new RegExp(`^${name} = "(.*)"$`, "m"))?.[1];

for (const file of filesNamed("Cargo.lock")) {
  describe(file, () => {
    const [, ...packages] = readFileSync(inRoot(file), "utf8").split("[[package]]\n");
    const foreign = packages.filter((text) => field(text, "source"));

    test("names a hash of each crate, all of them from crates.io", () => {
      assert.ok(foreign.length > 0);
      for (const text of foreign) {
        assert.equal(field(text, "source"), CRATES_IO, text);
        assert.match(field(text, "checksum") ?? "", /^[0-9a-f]{64}$/, text);
      }
    });

    test("is the lock of manifests that name exact versions", () => {
      const manifest = inRoot(dirname(file), "Cargo.toml");
      const args = ["metadata", "--format-version=1", "--no-deps", "--offline"];
      const workspace = JSON.parse(ask("cargo", [...args, "--manifest-path", manifest]));
      for (const { name, dependencies } of workspace.packages) {
        for (const dependency of dependencies.filter(({ source }) => source)) {
          assert.match(dependency.req, /^=\d+\.\d+\.\d+/, `${name}: ${dependency.name}`);
        }
      }
    });

    test("has no other crates without source than the repository's own", () => {
      const manifests = filesNamed("Cargo.toml").map((path) => readFileSync(inRoot(path), "utf8"));
      const own = new Set(manifests.map((text) => field(text, "name")));
      const local = packages.filter((text) => !field(text, "source"));
      assert.deepEqual(
        local.map((text) => field(text, "name")).filter((name) => !own.has(name)),
        [],
      );
    });
  });
}
