// The examples, started as they are and asked with a token and without. Vercel's and Netlify's start
// by those platforms' own tools alone; the README's tests run the same lines in both runtimes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { command, findNode } from "../../scripts/lib/packages.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { freePort } from "../support/gate.mjs";
import { ensurePackages, ensureProgram } from "./support/packages.mjs";
import { makeProject } from "./support/project.mjs";

const PACKAGES = inRoot("tests", "npm", "node_modules");
const QUIET = { CI: "1", DENO_NO_UPDATE_CHECK: "1", NEXT_TELEMETRY_DISABLED: "1" };

/** How each is started, and the packages that it needs. */
const EXAMPLES = {
  bun: { start: async () => [await ensureProgram("bun"), "index.ts"] },
  deno: {
    start: async () => {
      const args = ["--unstable-kv", "--node-modules-dir=manual", "--cached-only", "--no-lock"];
      const granted = ["--allow-net", "--allow-env=PORT"];
      return [await ensureProgram("deno"), "run", ...args, ...granted, "main.ts"];
    },
  },
  express: { packages: ["express"], start: () => [findNode(), "index.ts"] },
  "hono-workers": {
    packages: ["hono"],
    start: (port) => [findNode(), command("wrangler", "bin/wrangler.js"), "dev", "--port", port],
  },
  next: {
    within: inRoot("tests", "npm"),
    start: (port) => [findNode(), `${PACKAGES}/next/dist/bin/next`, "dev", "--port", port],
  },
  sveltekit: {
    // SvelteKit reads it by TypeScript 6, which is not among the tests' packages.
    without: "tsconfig.json",
    added: {
      "src/routes/no-scopes/+server.js": `
        import { gate } from "../../lib/server/gate";
        export const POST = async () => {
          const { token } = await gate.tokens.create({ name: "none", user: { id: "bob" } });
          return new Response(token);
        };`,
    },
    packages: ["@sveltejs/kit", "@sveltejs/vite-plugin-svelte", "svelte", "vite"],
    start: (port) => [findNode(), "node_modules/vite/bin/vite.js", "dev", "--port", port],
  },
};

before(ensurePackages);

for (const [name, { packages, within, without, added = {}, start }] of Object.entries(EXAMPLES)) {
  describe(`examples/npm/${name}`, () => {
    let project, server, url;
    before(async () => {
      project = await makeProject(packages, { within });
      await cp(inRoot("examples", "npm", name), project.folder, { recursive: true });
      if (without) await rm(join(project.folder, without));
      await project.write(added);
      const port = String(await freePort());
      url = `http://localhost:${port}`;
      server = run(await start(port), { ...QUIET, DENO_DIR: project.folder, PORT: port });
      await server.answers(`${url}/hello`);
    });
    after(async () => {
      await server?.stop();
      await project?.remove();
    });

    /** Starts a program with whatever it starts. */
    function run([program, ...args], env) {
      const stdio = ["ignore", "pipe", "pipe"];
      const options = { cwd: project.folder, env: { ...process.env, ...env }, stdio };
      const child = spawn(program, args, { ...options, detached: true });
      const exited = once(child, "close");
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (data) => (output += data));

      async function answers(url) {
        const end = Date.now() + 20_000;
        while (child.exitCode === null && Date.now() < end) {
          const answer = await fetch(url).catch(() => undefined);
          await answer?.body?.cancel();
          if (answer) return;
          await new Promise((done) => setTimeout(done, 100));
        }
        throw new Error(`it does not listen\n${output}`);
      }

      async function stop() {
        if (child.exitCode === null) process.kill(-child.pid, "SIGKILL");
        await exited;
      }

      return { answers, stop };
    }

    const token = async () => (await fetch(`${url}/try/token`, { method: "POST" })).text();

    test("refuses without a token, and says how to ask", async () => {
      const answer = await fetch(`${url}/hello`);
      assert.equal(answer.status, 401);
      assert.match(answer.headers.get("www-authenticate"), /^Bearer realm="Gatepass"/);
      assert.equal((await answer.json()).code, "token_missing");
    });

    if (name === "sveltekit") {
      test("asks for a page's data what it asks for the page", async () => {
        const headers = { authorization: `Bearer ${await token()}` };
        const made = await fetch(`${url}/no-scopes`, { method: "POST", headers });
        assert.equal(made.status, 200);
        for (const path of ["/hello", "/hello/__data.json", "/hello/__route.js", "/%68ello"]) {
          const headers = { authorization: `Bearer ${await made.clone().text()}` };
          const answer = await fetch(url + path, { headers });
          assert.ok([400, 403].includes(answer.status), `${path}: ${answer.status}`);
        }
      });
    }

    test("knows whose token it is, whatever the client says besides", async () => {
      const headers = { authorization: `Bearer ${await token()}` };
      const spoofed = { "gatepass-email": "mallory@example.com", Gatepass_Email: "mallory" };
      for (const others of [{}, spoofed]) {
        const answer = await fetch(`${url}/hello`, { headers: { ...headers, ...others } });
        assert.equal(await answer.text(), "Hello ada@example.com\n");
        assert.match(answer.headers.get("cache-control"), /private/);
      }
    });
  });
}
