import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { after, before, test } from "node:test";
import { startGate, startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused } from "../support/refusals.mjs";
import { startServer } from "../support/stand-ins.mjs";

const MB = 2 ** 20;
const SIZE = 200;

const SECOND = 1000;

let gate;
let token;
let upstream;
let raw;
let silent;
before(async () => {
  upstream = await startServer((request, response) => {
    if (request.url === "/public/slow") setTimeout(() => response.end("slow"), 1.5 * SECOND);
    else if (request.url !== "/public/silent") response.end("quick");
  });
  raw = await startRawGate({ vars: { UPSTREAM: upstream.url } });
  // It takes a minute, so it begins first and is looked at last.
  const begun = performance.now();
  silent = rawRequest({ port: raw.port, target: "/public/silent", timeout: 75 * SECOND }).then(
    (answer) => ({ answer, waited: performance.now() - begun }),
  );
  silent.catch(() => {});
  gate = await startGate();
  token = (await gate.createToken()).token;
});
after(() => Promise.all([gate?.stop(), raw?.stop(), upstream?.stop()]));

const headers = () => ({ authorization: `Bearer ${token}` });

async function download() {
  const answer = await fetch(`${gate.url}/large?mb=${SIZE}`, { headers: headers() });
  assert.equal(answer.status, 200);
  let bytes = 0;
  for await (const chunk of answer.body) bytes += chunk.length;
  assert.equal(bytes, SIZE * MB);
}

async function upload() {
  const sent = request(`${gate.url}/large`, {
    method: "POST",
    headers: { ...headers(), "content-length": SIZE * MB },
  });
  const chunk = Buffer.alloc(MB);
  for (let i = 0; i < SIZE; i++) {
    if (!sent.write(chunk)) await once(sent, "drain");
  }
  sent.end();
  const [answer] = await once(sent, "response");
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(JSON.parse((await answer.toArray()).join("")), { bytes: SIZE * MB });
}

test("200 MB down and up leave no memory behind", async (t) => {
  const rounds = async (count) => {
    for (let i = 0; i < count; i++) {
      await download();
      await upload();
    }
    return gate.memory();
  };
  const warm = await rounds(2);
  const later = await rounds(3);
  t.diagnostic(`workerd: ${Math.round(warm / MB)} MB, then ${Math.round(later / MB)} MB`);
  assert.ok(warm > 20 * MB, "the memory of workerd was found");
  assert.ok(later - warm < 32 * MB, `${Math.round((later - warm) / MB)} MB more`);
});

test("1,000 clients at once, each with a connection that it keeps, are served", async (t) => {
  const { token: pat } = await raw.createToken();
  const begun = performance.now();
  const client = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 5; i++) {
      const sent = request(`${raw.url}/x`, { agent, headers: { "x-api-key": pat } });
      sent.end();
      const [answer] = await once(sent, "response");
      const text = (await answer.toArray()).join("");
      assert.deepEqual([answer.statusCode, text], [200, "quick"]);
      assert.equal(sent.reusedSocket, i > 0);
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: 1000 }, client));
  t.diagnostic(`5,000 requests in ${Math.round(performance.now() - begun)} ms`);
});

test("a WebSocket echoes text and binary through the gate, and closes", async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${gate.port}/ws`, { headers: headers() });
  socket.binaryType = "arraybuffer";
  await once(socket, "open");
  socket.send("grüße");
  assert.equal((await once(socket, "message"))[0].data, "grüße");
  const bytes = new Uint8Array(100_000).map((_, i) => i);
  socket.send(bytes);
  const [{ data }] = await once(socket, "message");
  assert.deepEqual(new Uint8Array(data), bytes);
  socket.close(4001, "done");
  const [{ code, wasClean }] = await once(socket, "close");
  assert.deepEqual([code, wasClean], [4001, true]);
});

test("a WebSocket without a token is refused before it opens", async () => {
  const answer = await rawRequest({
    port: gate.port,
    target: "/ws",
    headers: [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Version", "13"],
      ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ],
  });
  assert.equal(answer.status, 401);
  assert.equal(answer.json().code, "token_missing");
});

test("the demo upstream's answers come through", async () => {
  const get = (target) =>
    rawRequest({ port: gate.port, target, headers: Object.entries(headers()) });
  for (const status of [200, 201, 204, 304, 404, 429, 503]) {
    assert.equal((await get(`/status/${status}`)).status, status);
  }
  const redirect = await get("/redirect");
  assert.deepEqual([redirect.status, redirect.header("location")], [302, "/public/hello"]);
  assert.equal((await get("/cookies")).headerAll("set-cookie").length, 2);
  assert.equal((await get("/slow?ms=300")).json().waited, 300);
});

test("a slow upstream is waited for, a silent one for a minute: 504", async () => {
  const slow = await rawRequest({ port: raw.port, target: "/public/slow" });
  assert.equal(slow.text, "slow");
  const { answer, waited } = await silent;
  assertRefused(answer, 504, "upstream_unavailable");
  assert.ok(waited > 55 * SECOND, `${waited} ms`);
});
