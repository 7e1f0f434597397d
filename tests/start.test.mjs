// What `npm start` runs: the gate, the apps behind it, and the portal beside it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startGate } from "./support/gate.mjs";
import { rawRequest } from "./support/raw.mjs";
import { filesIn } from "./support/state.mjs";

const START = fileURLToPath(new URL("../scripts/start.mjs", import.meta.url));

let state;
let gate;
let portal;
/** Everything that must not be on the disk. */
const secrets = [];
before(async () => {
  state = await mkdtemp(join(tmpdir(), "gatepass-start-"));
  gate = await startGate({ state });
  portal = `http://127.0.0.1:${gate.port + 1}`;
});
after(async () => {
  await gate?.stop();
  await rm(state, { recursive: true, force: true });
});

/** What the portal's page asks; answers the URL for a frame. */
async function embedUrlOf(user) {
  const headers = { origin: portal, "content-type": "application/json" };
  const answer = await fetch(`${portal}/embed-url/${user}`, {
    method: "POST",
    headers,
    body: "{}",
  });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  secrets.push(new URL(body.embedUrl).searchParams.get("personal-access-token"));
  return body.embedUrl;
}

/** A frame's navigation; names below localhost are this machine. */
function visit(url, headers = []) {
  const { host, port, pathname, search } = new URL(url);
  return rawRequest({
    port: Number(port),
    target: pathname + search,
    headers: [
      ["Host", host],
      ["Sec-Fetch-Site", "cross-site"],
      ["Sec-Fetch-Mode", "navigate"],
      ["Sec-Fetch-Dest", "iframe"],
      ...headers,
    ],
  });
}

/** Opens the board as the portal's page does. */
async function boardOf(user) {
  const url = await embedUrlOf(user);
  const entry = await visit(url);
  assert.equal(entry.status, 303, entry.text);
  const cookie = entry.header("Set-Cookie").split(";")[0];
  const location = new URL(entry.header("Location"), url).href;
  const board = await visit(location, [["Cookie", cookie]]);
  assert.equal(board.status, 200, board.text);
  return { host: new URL(url).host, board };
}

test("it tells where gate, page and portal are", async () => {
  assert.match(gate.output(), new RegExp(`Gatepass is ready at http://localhost:${gate.port}\n`));
  for (const [url, title] of [
    [`http://localhost:${gate.port}/gatepass/`, "Gatepass"],
    [portal, "portal"],
  ]) {
    assert.ok(gate.output().includes(`  ${url}`), url);
    assert.match(await (await fetch(url)).text(), new RegExp(`<title>.*${title}`, "i"));
  }
});

test("the portal's page loads the SDK from the gate", async () => {
  const html = await (await fetch(portal)).text();
  const src = html.match(/<script[^>]* src="(http:[^"]+)"/)[1];
  assert.equal(src, `http://localhost:${gate.port}/gatepass/embed.js`);
  assert.equal((await fetch(src)).status, 200);
});

test("each person's frame shows the board, at a place of their own", async () => {
  const [ada, ben] = [await boardOf("ada"), await boardOf("ben")];
  assert.match(ada.board.text, /ada@example\.com/);
  assert.match(ben.board.text, /ben@example\.com/);
  assert.match(ada.host, new RegExp(`^[a-z2-7]{16}\\.localhost:${gate.port}$`));
  assert.notEqual(ada.host, ben.host);
  const policy = ada.board.headerAll("Content-Security-Policy").join();
  assert.ok(policy.includes(`frame-ancestors 'self' ${portal}`), policy);
});

for (const [what, port] of [
  ["gate", () => gate.port],
  ["portal", () => gate.port - 1],
]) {
  test(`a port that the ${what} cannot have is a clear failure`, async () => {
    const child = spawn(process.execPath, [START, "--port", String(port())]);
    const [output, code] = await Promise.all([
      text(child.stderr),
      new Promise((done) => child.once("close", done)),
    ]);
    assert.equal(code, 1);
    assert.match(
      output,
      new RegExp(`^\nPort ${gate.port}, where the ${what} is to listen, is in use`),
    );
  });
}

test("nothing of a URL is in a file of the state, nor in the output", async () => {
  const marker = "marker-in-a-query-42";
  secrets.push(marker);
  for (const path of ["/gatepass/healthz", "/public/hello", "/echo/x", "/embed-apps/jobs"]) {
    await fetch(`${gate.url}${path}?personal-access-token=${marker}`);
  }
  await gate.stop();
  const files = await filesIn(state);
  assert.ok(files.length > 5);
  for (const file of files) {
    const bytes = await readFile(file);
    for (const secret of secrets) assert.ok(!bytes.includes(secret), file);
  }
  for (const secret of secrets) assert.ok(!gate.output().includes(secret));
});

test("the portal ends with the gate", async () => {
  await assert.rejects(fetch(portal));
});
