// An upstream whose answer is not what an answer should be, at the app and in a place: it is passed
// on as far as it goes, or refused, and never taken for whole where it is not.

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { pause, until } from "../support/api.mjs";
import { open, startEmbedGate } from "../support/embeds.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused } from "../support/refusals.mjs";

const MB = 2 ** 20;
const SECOND = 1_000;
const head = (...lines) => `HTTP/1.1 ${lines.join("\r\n")}\r\n\r\n`;

let upstream;
let gate;
let visit;
/** What the upstream does with a connection that something came over: `(socket, text)`. */
let reply;
const sockets = new Set();
before(async () => {
  upstream = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.on("data", (data) => reply(socket, String(data)));
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const UPSTREAM = `http://127.0.0.1:${upstream.address().port}`;
  const ROUTES = [{ path: "/public/*", public: true }];
  gate = await startEmbedGate({ vars: { UPSTREAM, ROUTES } });
  visit = await open(gate);
});
after(async () => {
  await gate?.stop();
  for (const socket of sockets) socket.destroy();
  upstream?.close();
});

const ask = (options) => rawRequest({ port: gate.port, target: "/public/x", ...options });
const ways = () => ({ "the app": ask, "a place": () => visit.ask("/x") });

async function assertWell() {
  reply = (socket) => socket.end(head("200 OK", "Content-Length: 4") + "well");
  assert.equal((await ask()).text, "well");
  assert.doesNotMatch(gate.output(), /panicked|unreachable|code had hung/);
}

for (const where of ["the app", "a place"]) {
  describe(`at ${where}`, () => {
    const asked = () => ways()[where]();

    for (const [what, says] of [
      ["ends before its length", head("200 OK", "Content-Length: 100") + "part"],
      [
        "is reset in the middle of a chunk",
        head("200 OK", "Transfer-Encoding: chunked") + "5\r\npa",
      ],
      [
        "ends without its last chunk",
        head("200 OK", "Transfer-Encoding: chunked") + "4\r\npart\r\n",
      ],
    ]) {
      test(`RFC 9112 §8: an answer that ${what} is not taken for whole`, async () => {
        reply = (socket) => socket.write(says, () => setTimeout(() => socket.destroy(), 50));
        await assert.rejects(asked());
        await assertWell();
      });
    }

    for (const [what, says] of [
      ["that is none", "\0\x01\x02\r\n\r\n"],
      ["with a status that is none", head("abc OK")],
      [
        "with two lengths that differ",
        head("200 OK", "Content-Length: 1", "Content-Length: 2") + "ab",
      ],
      ["with a length that is none", head("200 OK", "Content-Length: -1")],
      ["with a chunk that is none", `${head("200 OK", "Transfer-Encoding: chunked")}zz\r\n`],
    ]) {
      test(`RFC 9112 §2.2: an answer ${what} is a 502, or breaks off`, async () => {
        reply = (socket) => socket.end(says);
        const answer = await asked().catch(() => undefined);
        if (answer) assert.equal(answer.status, 502, `${answer.status} ${answer.text}`);
        await assertWell();
      });
    }

    test("RFC 9110 §15.2: what comes before the answer is not the answer", async () => {
      const early = head("103 Early Hints", "Link: </x.css>; rel=preload") + head("100 Continue");
      reply = (socket) => socket.end(`${early}${head("200 OK", "Content-Length: 2")}ok`);
      const answer = await asked();
      assert.equal(answer.status, 200);
      assert.equal(answer.text, "ok");
      await assertWell();
    });

    test("RFC 9110 §15.2.2: a switch of protocols that nobody asked for is a 502", async () => {
      reply = (socket) => socket.write(head("101 Switching Protocols", "Upgrade: x"));
      assert.equal((await asked()).status, 502);
      await assertWell();
    });

    test("10,000 headers are passed on or refused", async () => {
      const many = Array.from({ length: 10_000 }, (_, i) => `X-${i}: ${i}`);
      reply = (socket) => socket.end(head("200 OK", "Content-Length: 2", ...many) + "ok");
      const answer = await asked().catch((error) => assert.match(error.message, /header/i));
      if (answer) assert.ok([200, 502].includes(answer.status), String(answer.status));
      await assertWell();
    });

    test("RFC 9110 §8.4: what says that it is gzip, and is not, keeps its bytes or breaks off", async () => {
      const body = "this is no gzip";
      const lines = ["Content-Encoding: gzip", `Content-Length: ${body.length}`];
      for (const type of ["text/html", "application/json"]) {
        reply = (socket) => socket.end(head("200 OK", `Content-Type: ${type}`, ...lines) + body);
        const answer = await asked().catch(() => undefined);
        if (answer?.status === 200) assert.ok(["", body].includes(answer.text), answer.text);
        else if (answer) assert.equal(answer.status, 502);
      }
      await assertWell();
    });
  });
}

test("an answer that stops after its headers is there, and goes when its client goes", async () => {
  let isThere = true;
  reply = (socket) => {
    socket.on("close", () => (isThere = false));
    socket.write(head("200 OK", "Content-Length: 100"));
  };
  const client = connect(gate.port, "127.0.0.1");
  client.write("GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n");
  const [begun] = await once(client, "data");
  assert.match(String(begun), /^HTTP\/1\.1 200 OK\r\n/);
  await pause(SECOND);
  assert.ok(isThere);
  client.resetAndDestroy();
  await until(() => !isThere, "the upstream is let go");
  await assertWell();
});

describe("in a place", () => {
  test("cookies, redirects and policies that are none harm nobody", async () => {
    const broken = [
      "Set-Cookie: ",
      "Set-Cookie: =; ;;;=",
      "Set-Cookie: __Host-gp-x=stolen; Domain=com",
      `Set-Cookie: a=${"b".repeat(10_000)}`,
      "Location: http://[::1",
      "Location: //\\\\:99999/",
      "Content-Security-Policy: ;;,,; frame-ancestors *;frame-ancestors; \x80\xff",
      "Content-Security-Policy: frame-ancestors 'none'",
      "Permissions-Policy: ((((",
      "Access-Control-Allow-Origin: *",
    ];
    for (const status of ["200 OK", "302 Found"]) {
      reply = (socket) => socket.end(head(status, "Content-Length: 2", ...broken) + "ok", "latin1");
      const answer = await visit.ask("/x");
      assert.ok([200, 302].includes(answer.status), `${answer.status} ${answer.text}`);
      assert.deepEqual(
        answer.headerAll("Set-Cookie").filter((cookie) => /__Host-gp-|Domain=/i.test(cookie)),
        [],
      );
      assert.equal(answer.header("Access-Control-Allow-Origin"), undefined);
      const policies = answer.headerAll("Content-Security-Policy").join(", ");
      assert.ok(!/frame-ancestors (\*|'none')/.test(policies), policies);
    }
    await assertWell();
  });
});

test("1 GB streams, and memory stays flat", { timeout: 120 * SECOND }, async () => {
  const chunk = Buffer.alloc(4 * MB);
  reply = (socket) => {
    let left = 256;
    const more = () => {
      while (left-- > 0) if (!socket.write(chunk)) return socket.once("drain", more);
      socket.end();
    };
    socket.write(head("200 OK", `Content-Length: ${1024 * MB}`));
    more();
  };
  const earlier = await gate.memory();
  const request = httpRequest({ port: gate.port, path: "/public/x" }).end();
  const [answer] = await once(request, "response");
  let [bytes, most] = [0, 0];
  for await (const part of answer) {
    if (Math.floor(bytes / (64 * MB)) < Math.floor((bytes + part.length) / (64 * MB)))
      most = Math.max(most, await gate.memory());
    bytes += part.length;
  }
  assert.equal(bytes, 1024 * MB);
  assert.ok(most - earlier < 200 * MB, `${Math.round((most - earlier) / MB)} MB more`);
  await assertWell();
});

test("a client that goes away in the middle of its body takes the request with it", async () => {
  let state = "none";
  reply = (socket) => {
    if (state === "none") socket.on("close", () => (state = "broken"));
    state = "begun";
  };
  const socket = connect(gate.port, "127.0.0.1");
  const lines = ["POST /public/x HTTP/1.1", "Host: a", "Content-Length: 1000"];
  socket.write(`${lines.join("\r\n")}\r\n\r\npart`);
  await until(() => state === "begun", "the upstream has the request");
  socket.destroy();
  await until(() => state === "broken", "the upstream is told");
  await assertWell();
});

test("after all that the gate still opens and closes", async () => {
  await assertWell();
  assertRefused(
    await rawRequest({ port: gate.port, target: "/x", headers: [["X-API-Key", "x"]] }),
    401,
    "token_malformed",
    ['Bearer realm="Gatepass", error="invalid_token"', 'Basic realm="Gatepass", charset="UTF-8"'],
  );
});
