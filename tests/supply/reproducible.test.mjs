// The same source makes the same bytes, in whatever folder and at whoever's home: it is built once
// more in another folder, by a cargo with another home. What crates and the standard library become
// there is kept, so that only the first time takes long. The same toolchain and npm packages serve.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { homedir, userInfo } from "node:os";
import { basename, dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { MADE } from "../../scripts/lib/files.mjs";
import { cache, cargoHome, inRoot, root } from "../../scripts/lib/paths.mjs";
import { run } from "../../scripts/lib/run.mjs";

const ELSEWHERE = inRoot("target", "elsewhere");
const HOME = join(cache, "another-home");
const ENVIRONMENT = {
  HOME,
  CARGO_HOME: join(HOME, ".cargo"),
  RUSTUP_HOME: process.env.RUSTUP_HOME || join(homedir(), ".rustup"),
  XDG_CACHE_HOME: dirname(cache),
};

const MADE_FOLDERS = ["build", "npm/dist", "target/npm"];

const elsewhere = (script) =>
  run(process.execPath, [join("scripts", script)], {
    cwd: ELSEWHERE,
    env: ENVIRONMENT,
    quiet: true,
  });

/** Copies the checkout's own files, and of what was made before leaves what cargo compiled. */
function copy() {
  mkdirSync(join(ELSEWHERE, "target"), { recursive: true });
  for (const name of readdirSync(ELSEWHERE)) {
    if (name !== "target") rmSync(join(ELSEWHERE, name), { recursive: true });
  }
  for (const name of readdirSync(root).filter((name) => !MADE.test(name))) {
    const filter = (path) => !MADE.test(basename(path));
    cpSync(inRoot(name), join(ELSEWHERE, name), {
      recursive: true,
      preserveTimestamps: true,
      filter,
    });
  }
  rmSync(join(ELSEWHERE, "www", "page.js"), { force: true });
  symlinkSync(inRoot("node_modules"), join(ELSEWHERE, "node_modules"));
}

/** The digests of all that was made in a checkout, by file. */
function digests(checkout) {
  const files = MADE_FOLDERS.flatMap((folder) =>
    readdirSync(join(checkout, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name)),
  );
  files.push(join(checkout, "www", "page.js"));
  const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
  return Object.fromEntries(files.map((file) => [file.slice(checkout.length + 1), digest(file)]));
}

before(async () => {
  copy();
  await elsewhere("build.mjs");
  await elsewhere("package.mjs");
});

test("another folder and another home make the same bytes, the archive's too", () => {
  const made = digests(root);
  for (const name of ["build/gatepass_bg.wasm", "npm/dist/gatepass.wasm", "www/page.js"]) {
    assert.ok(name in made, name);
  }
  assert.deepEqual(digests(ELSEWHERE), made);
});

test("nothing that is made holds a path of the machine", () => {
  // The account's own home too, whatever HOME says.
  const homes = [homedir(), userInfo().homedir, HOME];
  const places = [root, cargoHome, ...homes, "/home/", "/usr/", ".cargo/"];
  for (const name of Object.keys(digests(root))) {
    const bytes = readFileSync(inRoot(name));
    for (const place of places) assert.ok(!bytes.includes(place), `${name} holds ${place}`);
  }
});

describe("unsafe code is not compiled", () => {
  for (const [where, file, script] of [
    ["in the core", "src/base32.rs", "build.mjs"],
    ["in the Worker's shell", "src/worker/sql.rs", "build.mjs"],
    ["in the npm package's shell", "src/npm.rs", "package.mjs"],
  ]) {
    test(where, async () => {
      appendFileSync(join(ELSEWHERE, file), "const _: () = unsafe {};\n");
      await assert.rejects(elsewhere(script), /error: usage of an `unsafe` block/);
      cpSync(inRoot(file), join(ELSEWHERE, file), { preserveTimestamps: true });
    });
  }
});
