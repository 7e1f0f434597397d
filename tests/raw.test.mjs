import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { rawRequest } from "./support/raw.mjs";

/**
 * A server that keeps what it got in `received` and writes `parts`, each in a
 * packet of its own, once a request's headers have ended; with `end` it then
 * closes.
 */
async function serving(t, parts, { end = false } = {}) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", async (chunk) => {
      server.received = Buffer.concat([server.received, chunk]);
      if (server.answered || !server.received.includes("\r\n\r\n")) return;
      server.answered = true;
      for (const part of parts) {
        socket.write(part, "latin1");
        await turn();
      }
      if (end) socket.end();
    });
    server.on("closing", () => socket.destroy());
  });
  server.received = Buffer.alloc(0);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.emit("closing");
    server.close();
  });
  return { server, port: server.address().port };
}

const OK = "HTTP/1.1 200 OK\r\n";

test("headers are sent exactly, in order, with duplicates", async (t) => {
  const { server, port } = await serving(t, [OK, "Content-Length: 0\r\n\r\n"]);
  await rawRequest({
    port,
    method: "FROB",
    target: "//a/../b?\\#x",
    headers: [
      ["x-B", "1"],
      ["AUTHORIZATION", " Bearer  a "],
      ["X-b", "\xff"],
      ["hOST", "example"],
    ],
  });
  assert.equal(
    server.received.toString("latin1"),
    "FROB //a/../b?\\#x HTTP/1.1\r\nx-B: 1\r\nAUTHORIZATION:  Bearer  a \r\n" +
      "X-b: \xff\r\nhOST: example\r\n\r\n",
  );
});

test("Host is added when absent, and a body's length", async (t) => {
  const { server, port } = await serving(t, [OK, "Content-Length: 0\r\n\r\n"]);
  await rawRequest({ port, method: "POST", body: "é" });
  assert.equal(
    server.received.toString(),
    `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 2\r\n\r\né`,
  );
});

test("a body is sent as it is where the caller frames it", async (t) => {
  const { server, port } = await serving(t, [OK, "Content-Length: 0\r\n\r\n"]);
  const headers = [
    ["Host", "a"],
    ["Transfer-Encoding", "chunked"],
  ];
  await rawRequest({ port, method: "POST", headers, body: "0\r\n\r\n" });
  assert.equal(
    server.received.toString(),
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  );
});

test("bytes replace the whole request", async (t) => {
  const { server, port } = await serving(t, [OK, "Content-Length: 0\r\n\r\n"]);
  await rawRequest({ port, bytes: "nonsense \xe9\n\r\n\r\n" });
  assert.equal(server.received.toString("latin1"), "nonsense \xe9\n\r\n\r\n");
});

test("an answer's headers keep order, spelling and duplicates", async (t) => {
  const { port } = await serving(t, [
    "HTTP/1.1 401 Go away\r\nWWW-Authenticate: Bearer\r\n",
    "www-authenticate: Basic\r\nX-Latin: \xe9\r\nContent-Length: 8\r\n\r\n",
    '{"a"',
    ":1}\n",
  ]);
  const answer = await rawRequest({ port });
  assert.equal(answer.status, 401);
  assert.equal(answer.reason, "Go away");
  assert.deepEqual(answer.headers, [
    ["WWW-Authenticate", "Bearer"],
    ["www-authenticate", "Basic"],
    ["X-Latin", "\xe9"],
    ["Content-Length", "8"],
  ]);
  assert.equal(answer.header("www-AUTHENTICATE"), "Bearer");
  assert.deepEqual(answer.headerAll("WWW-authenticate"), ["Bearer", "Basic"]);
  assert.equal(answer.header("absent"), undefined);
  assert.deepEqual(answer.headerAll("absent"), []);
  assert.equal(answer.text, '{"a":1}\n');
  assert.deepEqual(answer.json(), { a: 1 });
});

test("a chunked answer is put together", async (t) => {
  const { port } = await serving(t, [
    `${OK}Transfer-Encoding: chunked\r\n\r\n3`,
    ";ext=1\r\nab",
    "c\r\n0A\r\n0123456789\r\n",
    "0\r\nTrailer: x\r\n\r\n",
  ]);
  assert.equal((await rawRequest({ port })).text, "abc0123456789");
});

test("an answer without a length ends with the connection", async (t) => {
  const parts = [`${OK}\r\none `, "two"];
  const { port } = await serving(t, parts, { end: true });
  assert.equal((await rawRequest({ port })).text, "one two");
});

for (const [method, status] of [
  ["HEAD", 200],
  ["GET", 204],
  ["GET", 304],
]) {
  test(`an answer ${status} to ${method} has no body`, async (t) => {
    const { port } = await serving(t, [`HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\n`]);
    const answer = await rawRequest({ port, method });
    assert.equal(answer.status, status);
    assert.equal(answer.body.length, 0);
  });
}

test("interim answers are passed over and listed", async (t) => {
  const { port } = await serving(t, [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n",
    `\r\n${OK}Content-Length: 2\r\n\r\nok`,
  ]);
  const answer = await rawRequest({ port });
  assert.equal(answer.text, "ok");
  assert.deepEqual(answer.interim, [100, 103]);
});

test("101 hands over the socket and what came after it", async (t) => {
  const { server, port } = await serving(t, [
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
      "Connection: Upgrade\r\n\r\nfirst ",
    "second",
  ]);
  const answer = await rawRequest({ port });
  assert.equal(answer.status, 101);
  assert.equal(answer.header("upgrade"), "websocket");
  let text = "";
  for await (const chunk of answer.socket) {
    text += chunk;
    if (text === "first second") break;
  }
  assert.ok(server.received.length > 0);
  assert.ok(answer.socket.destroyed);
});

test("an early answer counts although the server stops reading", async (t) => {
  const parts = ["HTTP/1.1 431 X\r\nContent-Length: 3\r\n\r\nbig"];
  const { port } = await serving(t, parts, { end: true });
  const body = "a".repeat(1_000_000);
  const answer = await rawRequest({ port, method: "POST", body });
  assert.equal(answer.status, 431);
  assert.equal(answer.text, "big");
});

test("a truncated body, a malformed answer or silence is an error", async (t) => {
  const short = [`${OK}Content-Length: 5\r\n\r\nabc`];
  const truncated = await serving(t, short, { end: true });
  await assert.rejects(rawRequest({ port: truncated.port }));

  const malformed = await serving(t, ["HTTP/1.1 two hundred\r\n\r\n"]);
  await assert.rejects(rawRequest({ port: malformed.port }), /Parse Error/);

  const closed = await serving(t, [], { end: true });
  await assert.rejects(rawRequest({ port: closed.port }));

  const silent = await serving(t, []);
  const request = rawRequest({ port: silent.port, timeout: 50 });
  await assert.rejects(request, /no complete answer within 50 ms/);
});
