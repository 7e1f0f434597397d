// What npm installs here: exactly what the lock files name, byte for byte, and none of it is run
// for being installed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { filesNamed } from "../../scripts/lib/files.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";

// Only for macOS and Windows. Where the lock file was made they could not be had, so that npm takes
// them there by version alone.
const WITHOUT_INTEGRITY = [
  "@cloudflare/workerd-darwin-64",
  "@cloudflare/workerd-darwin-arm64",
  "@cloudflare/workerd-windows-64",
];

// They have scripts, which do not run: their programs come in packages of their own, by platform.
const WITH_SCRIPTS = ["bun", "esbuild", "workerd"];

const LICENSES = [
  ...["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC"],
  ...["MIT", "MIT OR Apache-2.0", "Unlicense"],
];

// Tools: nothing of them is shipped, nor linked with what is.
const OTHER_LICENSES = {
  "axe-core": "MPL-2.0",
  "caniuse-lite": "CC-BY-4.0",
  lightningcss: "MPL-2.0", // and its programs, by platform
  "@img/sharp": /^(Apache-2\.0 AND )?LGPL-3\.0-or-later( AND MIT)?$/, // libvips, likewise
};

const EXACT = /^(npm:[\w-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;
const KINDS = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

const read = (path) => JSON.parse(readFileSync(inRoot(path), "utf8"));

/** A package's name, from its place in node_modules. */
const nameOf = (place) => place.split("node_modules/").at(-1);

const isListed = ([place, { license }]) =>
  LICENSES.includes(license) ||
  Object.entries(OTHER_LICENSES).some(
    ([name, allowed]) =>
      nameOf(place).startsWith(name) &&
      (allowed instanceof RegExp ? allowed.test(license) : allowed === license),
  );

for (const file of filesNamed("package-lock.json")) {
  describe(file, () => {
    const { lockfileVersion, packages } = read(file);
    const { "": project, ...installed } = packages;
    const names = (keep) =>
      Object.entries(installed)
        .filter(keep)
        .map(([place]) => nameOf(place));

    test("names a hash of each package", () => {
      assert.equal(lockfileVersion, 3);
      const bare = names(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity));
      assert.deepEqual(
        bare.filter((name) => !WITHOUT_INTEGRITY.includes(name)),
        [],
      );
    });

    test("names no place to download from, and no folder", () => {
      assert.deepEqual(
        names(([, { resolved, link }]) => resolved !== undefined || link),
        [],
      );
    });

    test("has scripts of no package that is not listed", () => {
      const scripted = names(([, { hasInstallScript }]) => hasInstallScript);
      assert.deepEqual(
        scripted.filter((name) => !WITH_SCRIPTS.includes(name)),
        [],
      );
    });

    test("has licenses that are listed", () => {
      assert.deepEqual(
        names((entry) => !isListed(entry)),
        [],
      );
    });

    test("is the lock of a package.json that names exact versions", () => {
      const manifest = read(join(dirname(file), "package.json"));
      for (const kind of KINDS) {
        assert.deepEqual(project[kind] ?? {}, manifest[kind] ?? {}, kind);
        for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
          assert.match(version, EXACT, name);
        }
      }
    });

    test("is beside settings by which npm runs no package's script", () => {
      const settings = readFileSync(inRoot(dirname(file), ".npmrc"), "utf8").split("\n");
      assert.ok(settings.includes("ignore-scripts=true"));
      assert.ok(settings.includes("save-exact=true"));
    });
  });
}
