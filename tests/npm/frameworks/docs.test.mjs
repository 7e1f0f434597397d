// What the README shows of frameworks is what the examples do, which other tests run.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const readme = await readFile(inRoot("npm", "README.md"), "utf8");
const [page] = readme.match(/^## Frameworks\n.*?(?=^## )/ms);
const samples = [...page.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)];

test("each section has a sample", () => {
  assert.equal(samples.length, page.match(/^### /gm).length);
});

for (const [, file, sample] of samples) {
  test(`the sample is from ${file}`, async () => {
    const text = await readFile(inRoot("examples", "npm", file), "utf8");
    let end = 0;
    for (const part of sample.trim().split("\n\n")) {
      const at = text.indexOf(`${part}\n`, end);
      assert.ok(at >= 0, `it has not, in this place: ${part}`);
      end = at + part.length;
    }
  });
}
