// The samples of the package's README, taken from the page and run in the runtimes that it names.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, get } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { command, findNode } from "../../scripts/lib/packages.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { freePort } from "../support/gate.mjs";
import { runInEdgeRuntime } from "./support/edge-runtime.mjs";
import { ensureProgram } from "./support/packages.mjs";
import { makeProject } from "./support/project.mjs";

const SAMPLE = /^```(?:js|sh) ([\w./-]+)\n(.*?)^```$/gms;
const KEY = `k1:${Buffer.alloc(32, 7).toString("base64")}`;

const page = await readFile(inRoot("npm", "README.md"), "utf8");
const samples = Object.fromEntries(
  [...page.matchAll(SAMPLE)].map(([, name, code]) => [name, code]),
);

let project;
before(async () => {
  project = await makeProject(["@hono/node-server", "hono"]);
  await project.write(samples);
});
after(() => project?.remove());

/** What a program prints until it ends well. */
async function run(program, args, env = {}) {
  const options = { cwd: project.folder, env: { ...process.env, ...env } };
  const child = spawn(program, args, options);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  assert.equal(code, 0, errors);
  return output;
}

/** Starts a server by a program of the README, knocks as the README does, and ends it. */
async function knockAt(program, args, { env = {}, port } = {}) {
  port ??= await freePort();
  const environment = { ...process.env, ...env, PORT: String(port) };
  const child = spawn(program, args, {
    ...{ cwd: project.folder, env: environment, detached: true },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (errors += data));
  const exited = once(child, "close");
  try {
    await Promise.race([listening(port), exited.then(() => assert.fail(errors))]);
    await knock(port);
  } finally {
    if (child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await exited;
  }
}

async function listening(port) {
  for (let tries = 0; tries < 300; tries++) {
    const signal = AbortSignal.timeout(2000);
    const answer = await fetch(`http://127.0.0.1:${port}/hello`, { signal }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail("it does not listen");
}

/** The README's own lines, for another port. */
async function knock(port) {
  const lines = samples["knock.sh"].replaceAll("localhost:8000", `127.0.0.1:${port}`);
  await project.write({ [`knock-${port}.sh`]: lines });
  const output = await run("sh", [`knock-${port}.sh`]);
  assert.match(output, /^HTTP\/1\.1 401/);
  assert.match(output, /www-authenticate: Bearer realm="Gatepass"/i);
  assert.ok(output.endsWith("Hello ada@example.com\nHello ada@example.com\n"), output);
}

const started = (name) => import(pathToFileURL(join(project.folder, name)).href);

describe("a token opens the protected route, and nothing else does", { concurrency: 2 }, () => {
  test("in Node", () => knockAt(findNode(), ["server.mjs"]));

  test("in Deno", async () => {
    const args = ["run", "--allow-net", "--allow-env", "--cached-only", "deno.mjs"];
    await knockAt(await ensureProgram("deno"), args, { env: { DENO_NO_UPDATE_CHECK: "1" } });
  });

  test("in Bun", async () => knockAt(await ensureProgram("bun"), ["bun.mjs"]));

  test("in a Cloudflare Worker, by wrangler", async () => {
    const port = await freePort();
    const wrangler = command("wrangler", "bin/wrangler.js");
    const args = ["dev", "worker.mjs", "--port", String(port)];
    args.push("--ip", "127.0.0.1", "--compatibility-date", "2026-11-17");
    const env = { WRANGLER_SEND_METRICS: "false", CI: "1" };
    await knockAt(findNode(), [wrangler, ...args], { port, env });
  });

  test("as a Vercel Edge Function", async () => {
    const server = await runInEdgeRuntime(join(project.folder, "api/index.mjs"));
    try {
      await knock(server.port);
    } finally {
      await server.stop();
    }
  });

  test("as a Netlify Edge Function", async () => {
    const serve = `import app, { config } from "./netlify/edge-functions/gate.mjs";
if (config.path !== "/*") throw new Error(config.path);
Deno.serve({ port: Number(Deno.env.get("PORT")) }, (request) => app(request, {}));`;
    await project.write({ "netlify.mjs": serve });
    const args = ["run", "--allow-net", "--allow-env", "--cached-only", "netlify.mjs"];
    await knockAt(await ensureProgram("deno"), args, { env: { DENO_NO_UPDATE_CHECK: "1" } });
  });
});

test("in a page a mistyped token is told", async () => {
  const { looksRight } = await started("page.mjs");
  const { generateToken } = await started("node_modules/gatepass/dist/index.js");
  const token = generateToken("pat", "ada");
  assert.equal(looksRight(token), true);
  assert.equal(looksRight(token.slice(0, -1)), false);
});

test("a proxy forwards what the gate lets through, without the credential", async () => {
  const seen = [];
  const upstream = createServer((request, response) => {
    seen.push(request);
    request.on("end", () => response.end("from the app")).resume();
  });
  await once(upstream.listen(0, "127.0.0.1"), "listening");
  try {
    process.env.UPSTREAM = `http://127.0.0.1:${upstream.address().port}`;
    const [{ proxy }, { gate }] = [await started("proxy.mjs"), await started("app.mjs")];
    const options = { name: "a", user: { id: "ada" }, scopes: ["hello"] };
    const { token } = await gate.tokens.create(options);
    const url = "https://gate.example/hello?x=1";
    assert.equal((await proxy(new Request(url))).status, 401);
    const headers = { authorization: `Bearer ${token}`, "Gatepass-User": "root" };
    const answer = await proxy(new Request(url, { method: "POST", body: "text", headers }));
    assert.equal(await answer.text(), "from the app");
    assert.equal(answer.headers.get("cache-control"), "private");
    assert.equal(seen.length, 1);
    assert.equal(seen[0].url, "/hello?x=1");
    assert.equal(seen[0].headers["gatepass-user"], "ada");
    assert.equal(seen[0].headers.authorization, undefined);
  } finally {
    upstream.close();
  }
});

test("tokens are made, listed and revoked", async () => {
  const output = await run(findNode(), ["tokens.mjs"]);
  assert.match(output, /^pat_\w{36}\n\[ '\w{4}-\w{26} Power BI active' \] null\n$/);
});

test("a mistake has a code", async () => {
  assert.equal(await run(findNode(), ["errors.mjs"]), "config_invalid store\n");
  const { answer } = await started("errors.mjs");
  const good = await answer({ name: "a", user: { id: "ada" } });
  assert.equal(good.status, 201);
  const bad = await answer({ name: "", user: { id: "ada" } });
  assert.equal(bad.status, 400);
  assert.equal((await bad.json()).field, "name");
});

test("the portal shows the app in a frame", async () => {
  const port = await freePair();
  const env = { ...process.env, PORT: String(port) };
  const child = spawn(findNode(), ["portal.mjs"], { cwd: project.folder, env, stdio: "ignore" });
  const exited = once(child, "close");
  try {
    await listening(port + 1);
    const page = await (await fetch(`http://127.0.0.1:${port + 1}/`)).text();
    const url = new URL(page.match(/src="([^"]+)"/)[1]);
    assert.match(url.host, /^[a-z2-7]{16}\.localhost:\d+$/);
    const framed = { "sec-fetch-dest": "iframe", "sec-fetch-mode": "navigate" };
    const entered = await ask(port, url, { ...framed, "sec-fetch-site": "cross-site" });
    assert.equal(entered.statusCode, 303);
    const [cookie] = entered.headers["set-cookie"][0].split(";");
    const place = new URL(entered.headers.location, url);
    const inside = { ...framed, "sec-fetch-site": "cross-site", cookie };
    const shown = await ask(port, place, inside);
    assert.equal(await text(shown), "<h1>Jobs of ada</h1>");
    const policy = `frame-ancestors 'self' http://localhost:${port + 1}`;
    assert.equal(shown.headers["content-security-policy"], policy);
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
});

/** A port that is free, as the next one is. */
async function freePair() {
  for (;;) {
    const port = await freePort();
    const next = createServer().listen(port + 1, "127.0.0.1");
    const [problem] = await Promise.race([once(next, "listening"), once(next, "error")]);
    next.close();
    if (!problem) return port;
  }
}

/** Asks this machine for a URL whose host Node does not look up. */
async function ask(port, { host, pathname, search }, headers) {
  const path = pathname + search;
  const request = get({ host: "127.0.0.1", port, path, headers: { host, ...headers } });
  const [response] = await once(request, "response");
  return response;
}

test("the first rule that matches counts", async () => {
  const { gate } = await started("routes.mjs");
  const check = (url, init) => gate.check(new Request(`https://gate.example${url}`, init));
  assert.equal((await check("/public/x")).allowed, true);
  const options = { name: "a", user: { id: "ada" }, scopes: ["jobs:read"] };
  const { token } = await gate.tokens.create(options);
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await check("/api/v1/x", { headers })).allowed, true);
  const refused = await check("/api/v1/x", { method: "POST", headers });
  assert.equal(refused.response.status, 403);
  assert.equal((await check(`/feed?access_token=${token}`)).allowed, true);
});

test("an embed URL opens a place", async () => {
  process.env.SESSION_KEYS = KEY;
  const { gate, embedUrl } = await started("embeds.mjs");
  const url = await embedUrl({ email: "ada@example.com" });
  const headers = { "sec-fetch-dest": "iframe", "sec-fetch-mode": "navigate" };
  const entered = await gate.enter(new Request(url, { headers }));
  assert.equal(entered.status, 303);
  const [cookie] = entered.headers.getSetCookie()[0].split(";");
  const place = new URL(entered.headers.get("location"), url);
  const site = { "sec-fetch-site": "same-origin" };
  const { identity } = await gate.check(
    new Request(place, { headers: { ...headers, ...site, cookie } }),
  );
  assert.equal(identity.kind, "embed");
  assert.equal(identity.app, "jobs");
  assert.equal(identity.user.email, "ada@example.com");
});
