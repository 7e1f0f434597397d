import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { after, before, describe, test } from "node:test";
import { AS, MODES, open, startEmbedGate } from "../support/embeds.mjs";
import { startServer } from "../support/stand-ins.mjs";

const MB = 1024 * 1024;
const TIMEOUT = { timeout: 60_000 };

// The upstream answers as the running test wants.
let upstream;
let answerWith;
before(async () => {
  upstream = await startServer((request, response) => answerWith(request, response));
});
after(() => upstream?.stop());

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  describe(`with ${mode}, nothing is buffered:`, TIMEOUT, () => {
    let gate;
    let visit;
    before(async () => {
      gate = await startEmbedGate({ vars: { EMBED_HOST, UPSTREAM: upstream.url } });
      visit = await open(gate);
    });
    after(() => gate?.stop());

    /** An open request in the place, whose parts a test sends and reads one by one. */
    function begin(path, { as = AS.script, headers = {}, ...options } = {}) {
      const own = { host: visit.host, cookie: visit.cookie, ...Object.fromEntries(as) };
      return httpRequest({
        ...{ port: gate.port, host: "127.0.0.1", path: visit.prefix + path, agent: false },
        ...options,
        headers: { ...own, ...headers },
      });
    }

    /** What reads from an answer until it has got a text, and answers all up to there. */
    function reader(message) {
      const chunks = message.setEncoding("utf8")[Symbol.asyncIterator]();
      let text = "";
      return async (wanted) => {
        while (!text.includes(wanted)) {
          const { done, value } = await chunks.next();
          assert.ok(!done, `ended with ${text}`);
          text += value;
        }
        return text;
      };
    }

    test("server-sent events arrive one by one, and their end too", async () => {
      let response;
      answerWith = (request, answer) => {
        assert.equal(request.headers["last-event-id"], "6");
        answer.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
        (response = answer).write("id: 7\ndata: one\n\n");
      };
      const headers = { accept: "text/event-stream", "last-event-id": "6" };
      const request = begin("/events", { headers });
      request.end();
      const [message] = await once(request, "response");
      assert.equal(message.headers["content-type"], "text/event-stream");
      const read = reader(message);
      assert.equal(await read("one\n\n"), "id: 7\ndata: one\n\n");
      response.write("data: two\n\n");
      assert.equal(await read("two\n\n"), "id: 7\ndata: one\n\ndata: two\n\n");
      response.end();
      await assert.rejects(read("three"), /ended with/);
    });

    test("a viewer who leaves ends them at the upstream", async () => {
      const closed = new Promise((done) => {
        answerWith = (_, answer) => {
          const timer = setInterval(() => answer.write(`data: ${"x".repeat(1000)}\n\n`), 5);
          answer.once("close", () => done(clearInterval(timer)));
        };
      });
      const request = begin("/events");
      request.on("error", () => {}).end();
      const [message] = await once(request, "response");
      message.on("error", () => {});
      await once(message, "data");
      request.destroy();
      await closed;
    });

    test("HTML, rewritten or not, arrives before its end is written", async () => {
      let response;
      answerWith = (_, answer) => {
        answer.writeHead(200, { "content-type": "text/html; charset=utf-8" });
        (response = answer).write(`<!doctype html><a href="/first">first</a><a hre`);
      };
      const request = begin("/", { as: AS.frame });
      request.end();
      const [message] = await once(request, "response");
      const read = reader(message);
      const first = await read("first</a>");
      assert.ok(first.includes(`href="${visit.prefix}/first"`), first);
      // What was cut in two in the middle of a tag is rewritten whole.
      response.end(`f="/second">second</a>`);
      const all = await read("second</a>");
      assert.ok(all.includes(`<a href="${visit.prefix}/second">`), all);
    });

    test("20 MB of HTML come through whole", async () => {
      const row = `<p><a href="/x?a=1&amp;b=2">${"grüße ".repeat(100)}</a></p>\n`;
      const rows = Math.ceil((20 * MB) / Buffer.byteLength(row));
      answerWith = async (_, answer) => {
        answer.writeHead(200, { "content-type": "text/html" });
        for (let i = 0; i < rows; i++) {
          if (!answer.write(row)) await once(answer, "drain");
        }
        answer.end();
      };
      const request = begin("/", { as: AS.frame });
      request.end();
      const [message] = await once(request, "response");
      const wanted = createHash("sha256");
      const moved = row.replace('"/x', `"${visit.prefix}/x`);
      for (let i = 0; i < rows; i++) wanted.update(moved);
      const got = createHash("sha256");
      for await (const chunk of message) got.update(chunk);
      assert.equal(got.digest("hex"), wanted.digest("hex"));
    });

    test("an upload of 20 MB arrives as it is sent, and whole", async () => {
      const arrived = {};
      arrived.first = new Promise((done) => {
        answerWith = async (request, answer) => {
          assert.equal(request.headers["content-length"], String(20 * MB));
          assert.equal(request.headers["content-type"], "application/octet-stream");
          const hash = createHash("sha256");
          for await (const chunk of request) {
            hash.update(chunk);
            done();
          }
          answer.end(hash.digest("hex"));
        };
      });
      const headers = {
        ...{ "content-length": 20 * MB, "content-type": "application/octet-stream" },
        origin: visit.origin,
      };
      const request = begin("/upload", { method: "POST", headers });
      const hash = createHash("sha256");
      for (let i = 0; i < 20; i++) {
        const chunk = Buffer.alloc(MB, i + 1);
        hash.update(chunk);
        request.write(chunk);
        if (i === 0) await arrived.first;
      }
      request.end();
      const [message] = await once(request, "response");
      assert.equal(message.statusCode, 200);
      const digest = hash.digest("hex");
      assert.equal(await reader(message)(digest), digest);
    });

    test("a chunked upload and a form pass as they are", async () => {
      answerWith = async (request, answer) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        answer.end(`${request.method} ${request.headers["content-type"]} ${body}`);
      };
      const form = "application/x-www-form-urlencoded";
      for (const [method, type, body] of [
        ["POST", form, "a=1&b=%C3%BC"],
        ["PUT", "application/json", '{"a":1}'],
        ["PATCH", "multipart/form-data; boundary=x", "--x\r\n\r\na\r\n--x--\r\n"],
        ["DELETE", "text/plain", "gone"],
      ]) {
        const headers = [
          ["Origin", visit.origin],
          ["Content-Type", type],
        ];
        const answer = await visit.ask("/form", { method, headers, body });
        assert.equal(answer.text, `${method} ${type} ${body}`);
      }
    });

    test("RFC 9110 §14: a range and its answer, for media and downloads", async () => {
      answerWith = (request, answer) => {
        const { range, "if-range": ifRange } = request.headers;
        assert.equal(`${range} ${ifRange}`, 'bytes=2-4 "v"');
        const headers = {
          ...{ "content-type": "video/mp4", "content-range": "bytes 2-4/10" },
          ...{ "content-length": 3, "accept-ranges": "bytes", etag: '"v"' },
        };
        answer.writeHead(206, headers).end("234");
      };
      const headers = [
        ["Range", "bytes=2-4"],
        ["If-Range", '"v"'],
      ];
      const answer = await visit.ask("/film.mp4", { headers });
      assert.equal(answer.status, 206);
      assert.equal(answer.text, "234");
      assert.equal(answer.header("content-range"), "bytes 2-4/10");
      assert.equal(answer.header("content-length"), "3");
      assert.equal(answer.header("accept-ranges"), "bytes");
      assert.equal(answer.header("etag"), '"v"');
      answerWith = (_, answer) => {
        answer.writeHead(416, { "content-range": "bytes */10" }).end();
      };
      const outside = await visit.ask("/film.mp4", { headers: [["Range", "bytes=20-"]] });
      assert.equal(outside.status, 416);
      assert.equal(outside.header("content-range"), "bytes */10");
    });

    test("a condition and its 304", async () => {
      answerWith = (request, answer) => {
        const known = request.headers["if-none-match"] === '"1"';
        answer.writeHead(known ? 304 : 200, { etag: '"1"' }).end();
      };
      const answer = await visit.ask("/i.png", { headers: [["If-None-Match", '"1"']] });
      assert.equal(answer.status, 304);
      assert.equal(answer.header("etag"), '"1"');
    });
  });
}
