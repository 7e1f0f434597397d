// The README's section on stores: it quotes what the tests state, and its samples fit the real clients.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { command } from "../../../scripts/lib/packages.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { run } from "../../../scripts/lib/run.mjs";
import { ensurePackages } from "../support/packages.mjs";
import { PROMISES } from "./promises.mjs";

const readme = await readFile(inRoot("npm", "README.md"), "utf8");
const [page] = readme.match(/^## Stores\n.*?(?=^## )/ms);
const samples = [...page.matchAll(/^```ts ([\w-]+)\n(.*?)^```$/gms)];

// The types that each sample's platform brings.
const NODE = { types: ["node"], lib: ["es2023"] };
const PLATFORMS = {
  bun: { types: ["bun-types"], lib: ["esnext"] },
  deno: { types: ["deno"], lib: ["esnext"] },
  workers: { types: ["@cloudflare/workers-types"], lib: ["esnext"] },
};

// As `wrangler types` writes it.
const BINDINGS = "declare namespace Cloudflare { interface Env { RECORDS: KVNamespace } }";

test("the table says of each store what it promises", () => {
  const rows = [...page.matchAll(/^\| (.+) \|$/gm)]
    .map(([, row]) => row.split("|").map((cell) => cell.trim()))
    .filter(([name]) => /^`[a-z-]+`$/.test(name));
  const promised = Object.values(PROMISES).map((promise) => [
    `\`${promise.store}\``,
    promise.for,
    promise.atomic ? "yes" : "no",
    promise.readYourWrites ? "at once" : "later",
    promise.staleness,
  ]);
  assert.deepEqual(rows, promised);
});

test("each store has a sample", () => {
  for (const store of Object.keys(PROMISES)) {
    assert.ok(
      samples.some(([, , code]) => code.includes(`"gatepass/stores/${store}"`)),
      store,
    );
  }
});

describe("the sample compiles, with the types of the client that it takes", () => {
  let folder;
  before(async () => {
    await ensurePackages();
    folder = await mkdtemp(fileURLToPath(new URL("../.samples-", import.meta.url)));
  });
  after(() => rm(folder, { recursive: true }));

  for (const [, name, code] of samples) {
    test(name, async () => {
      const files = { [`${name}.ts`]: `${code}\nexport { store };` };
      if (name === "workers") files["bindings.d.ts"] = BINDINGS;
      for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
      const project = join(folder, `${name}.json`);
      const compilerOptions = {
        ...{ rootDir: inRoot(), noEmit: true, skipLibCheck: true },
        paths: { "gatepass/*": [inRoot("npm", "src", "*.ts")] },
        ...(PLATFORMS[name] ?? NODE),
      };
      const base = inRoot("npm", "tsconfig.json");
      const settings = { extends: base, compilerOptions, include: [], files: Object.keys(files) };
      await writeFile(project, JSON.stringify(settings));
      const args = [command("typescript", "bin/tsc"), "--project", project];
      await run(process.execPath, args, { quiet: true });
    });
  }
});
