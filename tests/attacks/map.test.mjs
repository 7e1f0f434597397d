// README.md says which test holds what; this says that the test is there.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const TESTS = new URL("../", import.meta.url);

const page = await readFile(new URL("README.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| (.+?) +\| `(\S+\.test\.mjs)` +\| (.+?) +\|$/gm)];

test("each row of the map names a file, and a test or a subject in it", async () => {
  assert.ok(rows.length > 90, `${rows.length} rows`);
  for (const [, what, file, name] of rows) {
    const source = await readFile(new URL(file, TESTS), "utf8");
    const isThere = ['"', "`"].some((quote) => source.includes(`${quote}${name}${quote}`));
    assert.ok(isThere, `${what}: ${file} has no "${name}"`);
  }
});

test("each test of this folder is told of", async () => {
  const names = (await readdir(new URL(".", import.meta.url)))
    .filter((name) => name.endsWith(".test.mjs") && name !== "map.test.mjs")
    .map((name) => name.replace(".test.mjs", ""));
  const told = [...page.matchAll(/^\| `(\S+)` +\|/gm)].map(([, name]) => name);
  assert.deepEqual(told.toSorted(), names.toSorted());
});
