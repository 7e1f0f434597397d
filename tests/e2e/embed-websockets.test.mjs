import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { metadata, MODES, open, openWith, mint, startEmbedGate } from "../support/embeds.mjs";
import { startServer } from "../support/stand-ins.mjs";

const KEY = Buffer.alloc(16).toString("base64");
/** RFC 6455 §4.2.2. */
const acceptOf = (key) =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
const SOCKET = metadata("websocket", "websocket", "same-origin");

const handshake = (origin) => [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", KEY],
  ...(origin === undefined ? [] : [["Origin", origin]]),
];

/** A masked text frame (RFC 6455 §5.2). */
function frame(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}

/** Sends a text and answers what comes back. */
async function said(socket, text) {
  socket.resume();
  socket.write(frame(text));
  const [bytes] = await once(socket, "data");
  assert.equal(bytes[0], 0x81);
  return bytes.subarray(2).toString();
}

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  describe(`with ${mode}, a WebSocket`, () => {
    let gate;
    let visit;
    before(async () => {
      gate = await startEmbedGate({ vars: { EMBED_HOST } });
      visit = await open(gate);
    });
    after(() => gate?.stop());

    const connect = (origin, { as = SOCKET, ...options } = {}) =>
      visit.ask("/ws", { as, headers: handshake(origin), ...options });

    test("of the place itself is open both ways", async () => {
      for (const as of [SOCKET, [], metadata("empty", "websocket", "same-origin")]) {
        const { status, socket, text } = await connect(visit.origin, { as });
        assert.equal(status, 101, text);
        assert.equal(await said(socket, "grüße"), "grüße");
        assert.equal(await said(socket, "again"), "again");
        socket.destroy();
      }
    });

    test("of any other origin is refused, whatever the browser says of the site", async () => {
      const { host } = visit;
      const sibling = visit.origin.replace(host, `bbbbbbbbbbbbbbbb.embed.test:${gate.port}`);
      for (const origin of [
        undefined,
        "null",
        "",
        "https://evil.example",
        "https://portal.example",
        gate.url === visit.origin ? "http://localhost" : gate.url,
        sibling,
        visit.origin.replace("http:", "https:"),
        visit.origin.replace(/:\d+$/, ""),
        `${visit.origin}.evil.example`,
        `${visit.origin}/`,
        visit.origin.toUpperCase(),
        `${visit.origin}, https://evil.example`,
      ]) {
        for (const as of [SOCKET, [], metadata("websocket", "websocket", "cross-site")]) {
          const answer = await connect(origin, { as });
          assert.equal(answer.status, 403, `${origin} ${answer.text}`);
          assert.equal(answer.json().code, "cross_site");
        }
      }
    });

    test("needs a session", async () => {
      for (const cookie of [null, `${visit.name}=junk`]) {
        const answer = await connect(visit.origin, { cookie });
        assert.equal(answer.status, 401);
        assert.equal(answer.json().code, "session_ended");
      }
    });

    test("of a session that was killed is refused", async () => {
      const other = await open(gate);
      const ask = () => other.ask("/ws", { as: SOCKET, headers: handshake(other.origin) });
      const first = await ask();
      assert.equal(first.status, 101);
      first.socket.destroy();
      assert.equal((await gate.api("DELETE", `/sessions/${other.session().id}`)).status, 204);
      assert.equal((await ask()).status, 401);
    });
  });

  describe(`with ${mode}, the upstream of a WebSocket`, () => {
    let gate;
    let upstream;
    const handshakes = [];
    const sockets = [];
    before(async () => {
      upstream = await startServer((_, response) => response.end("no WebSocket"));
      upstream.onUpgrade((request, socket) => {
        handshakes.push(request);
        sockets.push(socket.on("error", () => {}));
        const accept = acceptOf(request.headers["sec-websocket-key"]);
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            `Sec-WebSocket-Accept: ${accept}\r\nSet-Cookie: live=1; Path=/\r\n\r\n`,
        );
        socket.on("data", () => socket.write(Buffer.from([0x81, 2, 0x6f, 0x6b])));
      });
      gate = await startEmbedGate({ vars: { EMBED_HOST, UPSTREAM: upstream.url } });
    });
    after(() => {
      for (const socket of sockets) socket.destroy();
      return Promise.all([gate?.stop(), upstream?.stop()]);
    });

    test("sees the viewer, its own origin, its path and no cookie of Gatepass's", async () => {
      const visit = await openWith(gate, await mint(gate));
      const answer = await visit.ask("/live/7?a=b", {
        as: SOCKET,
        headers: handshake(visit.origin),
      });
      assert.equal(answer.status, 101, answer.text);
      assert.equal(await said(answer.socket, "hello"), "ok");
      const [{ url, headers }] = handshakes;
      assert.equal(url, "/live/7?a=b");
      assert.equal(headers.origin, upstream.url);
      assert.equal(headers["gatepass-user"], visit.token.user.id);
      assert.equal(headers["gatepass-app"], "jobs");
      assert.equal(headers.cookie, undefined);
      const [cookie] = answer.headerAll("Set-Cookie");
      assert.match(cookie, /live=1; Path=.*; Secure; SameSite=None; Partitioned$/);
      answer.socket.destroy();
    });
  });
}
