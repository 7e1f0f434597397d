// The examples compile, as strictly as their own settings say, with the packed package's types.

import { cp } from "node:fs/promises";
import { describe, test } from "node:test";
import { command } from "../../scripts/lib/packages.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { run } from "../../scripts/lib/run.mjs";
import { makeProject } from "./support/project.mjs";

/** The packages that each imports, and their types. */
const EXAMPLES = {
  bun: ["bun-types"],
  deno: ["@types/deno"],
  express: ["@types/express", "@types/node", "express"],
  "hono-workers": ["@cloudflare/workers-types", "hono"],
  "netlify-edge": [],
  next: ["@types/node", "@types/react", "next", "react", "react-dom"],
  sveltekit: ["@sveltejs/kit", "@types/node", "svelte", "vite"],
  "vercel-edge": ["@types/node"],
};

/** Deno needs no such file, and SvelteKit makes what its file is made from. */
const settings = (types) => ({
  compilerOptions: {
    ...{ noEmit: true, target: "es2023", module: "esnext", moduleResolution: "bundler" },
    ...{ lib: ["es2023", "dom", "dom.iterable"], types, skipLibCheck: true },
  },
});
const MADE = { deno: settings(["deno"]), sveltekit: settings([]) };

describe("the example compiles", { concurrency: 2 }, () => {
  for (const [name, others] of Object.entries(EXAMPLES)) {
    test(name, async () => {
      const project = await makeProject(others);
      try {
        await cp(inRoot("examples", "npm", name), project.folder, { recursive: true });
        if (name in MADE) await project.write({ "tsconfig.json": JSON.stringify(MADE[name]) });
        const args = [command("typescript", "bin/tsc"), "--strict", "--project", project.folder];
        await run(process.execPath, args, { quiet: true });
      } finally {
        await project.remove();
      }
    });
  }
});
