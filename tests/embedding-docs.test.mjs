// The samples of docs/embedding.md, taken from the page and run against a gate.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { until } from "./support/api.mjs";
import { boardWorker } from "./support/board.mjs";
import { freePort, startRawGate } from "./support/gate.mjs";
import { rawRequest } from "./support/raw.mjs";

const PAGE = new URL("../docs/embedding.md", import.meta.url);
const ORIGIN = "https://portal.example";

let folder;
let gate;
let environment;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatepass-docs-"));
  const page = await readFile(PAGE, "utf8");
  for (const [, name, code] of page.matchAll(/^```\w+ ([\w.]+)\n(.*?)^```$/gms)) {
    await writeFile(join(folder, name), code);
  }
  gate = await startRawGate({
    vars: {
      EMBED_HOST: "*.localhost",
      APPS: [{ id: "jobs", name: "Jobs board", allowedOrigins: [ORIGIN] }],
    },
    upstream: boardWorker(),
  });
  const GATE = gate.url.replace("127.0.0.1", "localhost");
  environment = { ...process.env, GATE, ORIGIN, OPERATOR_KEY: gate.operatorKey };
});
after(async () => {
  await gate?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a sample to its end; answers what it printed. */
async function run(program, name, env) {
  const child = spawn(program, [join(folder, name)], { env: { ...environment, ...env } });
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((done) => child.once("close", done)),
  ]);
  assert.equal(code, 0, errors);
  assert.equal(errors, "");
  return output;
}

/** Starts a sample that listens; `ask` posts to its endpoint as the portal's page does. */
async function serve(program, name, env = {}) {
  const PORT = String(await freePort());
  const child = spawn(program, [join(folder, name)], { env: { ...environment, ...env, PORT } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const ended = new Promise((done) => child.once("close", done));
  const url = `http://127.0.0.1:${PORT}`;
  const ask = async (body = {}, { origin = ORIGIN, path = "/embed-url" } = {}) => {
    const headers = { origin, "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(url + path, init);
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  const stop = () => {
    child.kill();
    return ended;
  };
  const listens = () => {
    assert.equal(child.exitCode, null, output);
    return fetch(url).catch(() => undefined);
  };
  await until(listens, `${name} listens`).catch(async (error) => {
    await stop();
    throw error;
  });
  return { ask, stop };
}

/** A request to a place, as the browser makes it; names below localhost are this machine. */
function visit(url, headers = {}) {
  const { host, port, pathname, search } = new URL(url);
  const browser = { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", ...headers };
  return rawRequest({
    port: Number(port),
    target: pathname + search,
    headers: [["Host", host], ["Sec-Fetch-Site", "cross-site"], ...Object.entries(browser)],
  });
}

/** Opens an embed URL in a frame; answers where it leads, and the session's cookie. */
async function open(embedUrl, headers) {
  const answer = await visit(embedUrl, headers);
  assert.equal(answer.status, 303, answer.text);
  const location = new URL(answer.header("Location"), embedUrl).href;
  return { location, cookie: answer.header("Set-Cookie").split(";")[0] };
}

/** Asserts that an embed URL opens the board, as Ada. */
async function assertShowsTheBoard(embedUrl) {
  const { location, cookie } = await open(embedUrl);
  const board = await visit(location, { Cookie: cookie });
  assert.equal(board.status, 200, board.text);
  assert.match(board.text, /ada@example\.com/);
}

const sessions = async () =>
  (await gate.api("GET", "/sessions?user=ada%40example.com")).body.result;

test("curl mints a token that opens the app once", async () => {
  const token = JSON.parse(await run("sh", "mint.sh"));
  assert.equal(token.kind, "embed");
  assert.equal(token.singleUse, true);
  assert.deepEqual(token.allowedOrigins, [ORIGIN]);
  await assertShowsTheBoard(token.embedUrl);
  assert.equal((await visit(token.embedUrl)).status, 401);
});

test("curl sees what a frame would", async () => {
  const { embedUrl, token } = JSON.parse(await run("sh", "mint.sh"));
  const answer = await run("sh", "open.sh", { EMBED_URL: embedUrl });
  for (const line of [
    /^HTTP\/1\.1 303 See Other\r$/im,
    /^Location: \/\?gp-opened=1\r$/im,
    /^Cache-Control: no-store\r$/im,
    /^Referrer-Policy: no-referrer\r$/im,
    /^Set-Cookie: __Host-gp-[a-z2-7]{16}=[\w.-]+; Path=\/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=3600\r$/im,
  ]) {
    assert.match(answer, line);
  }
  assert.ok(!answer.includes(token));
});

test("ToolJet's call answers a URL that opens the app", async () => {
  const { personalAccessToken, redirectUrl } = JSON.parse(await run("sh", "tooljet.sh"));
  assert.ok(redirectUrl.endsWith(`personal-access-token=${personalAccessToken}`));
  await assertShowsTheBoard(redirectUrl);
});

test("a user's sessions are ended by one call", async () => {
  const { embedUrl } = JSON.parse(await run("sh", "mint.sh"));
  await open(embedUrl);
  assert.ok((await sessions()).length > 0);
  assert.equal(await run("sh", "end.sh"), "");
  assert.deepEqual(await sessions(), []);
});

for (const [program, name] of [
  [process.execPath, "portal.mjs"],
  ["python3", "portal.py"],
]) {
  describe(name, () => {
    let portal;
    before(async () => (portal = await serve(program, name)));
    after(() => portal?.stop());

    test("answers an embed URL, and the origins that it is for", async () => {
      const { status, headers, body } = await portal.ask({ renew: false, topLevel: false });
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(headers.get("cache-control"), "no-store");
      assert.deepEqual(Object.keys(body), ["embedUrl", "allowedOrigins"]);
      assert.deepEqual(body.allowedOrigins, [ORIGIN]);
      await assertShowsTheBoard(body.embedUrl);
    });

    test("renews: another URL of the same place, which leads to the watch page", async () => {
      const first = await portal.ask({ renew: false, topLevel: false });
      const second = await portal.ask({ renew: true, topLevel: false });
      const [place] = new URL(first.body.embedUrl).host.split(".");
      assert.equal(new URL(second.body.embedUrl).host.split(".")[0], place);
      assert.notEqual(second.body.embedUrl, first.body.embedUrl);
      const { location } = await open(`${second.body.embedUrl}&gp-renew=1`);
      assert.equal(new URL(location).pathname, `/gatepass/embed/${place}`);
    });

    test("mints for a tab where the page asks for one, and only then", async () => {
      const inTab = { "Sec-Fetch-Dest": "document" };
      const framed = await portal.ask({ renew: false, topLevel: false });
      assert.equal((await visit(framed.body.embedUrl, inTab)).status, 400);
      const tab = await portal.ask({ renew: false, topLevel: true });
      await open(tab.body.embedUrl, inTab);
    });

    test("answers no other site's page, and no other path", async () => {
      const foreign = await portal.ask({}, { origin: "https://evil.example" });
      assert.equal(foreign.status, 403);
      assert.equal(foreign.body.code, "cross_site");
      assert.equal((await portal.ask({}, { path: "/other" })).status, 404);
    });

    test("passes on what the gate refuses", async () => {
      const stranger = await serve(program, name, { OPERATOR_KEY: "x".repeat(43) });
      try {
        const { status, body } = await stranger.ask();
        assert.equal(status, 400);
        assert.match(body.code, /^token_/);
      } finally {
        await stranger.stop();
      }
    });
  });
}

test("the page's script can be read", async () => {
  const child = spawn(process.execPath, ["--check", join(folder, "function.mjs")]);
  assert.equal(await text(child.stderr), "");
});

test("the SDK is where the page's samples look for it", async () => {
  for (const name of ["element.html", "function.mjs"]) {
    const sample = await readFile(join(folder, name), "utf8");
    const [, path] = sample.match(/https:\/\/app\.example\.com(\/[\w./]+)/);
    const answer = await fetch(gate.url + path);
    assert.equal(answer.status, 200, path);
    assert.match(answer.headers.get("content-type"), /^text\/javascript/);
  }
});
