import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused } from "../support/refusals.mjs";
import { startServer } from "../support/stand-ins.mjs";

const ROUTES = [{ path: "/public/*", public: true }];

// The upstream answers as the running test wants.
let upstream;
let gate;
let token;
let answerWith;
before(async () => {
  upstream = await startServer((request, response) => answerWith(request, response));
  gate = await startRawGate({ vars: { ROUTES, UPSTREAM: upstream.url } });
  token = (await gate.createToken()).token;
});
after(() => Promise.all([gate?.stop(), upstream?.stop()]));

const bearer = () => ["Authorization", `Bearer ${token}`];

/** One request with a token, and one on a public route. */
function both(options = {}) {
  const { headers = [], ...rest } = options;
  return Promise.all([
    rawRequest({ port: gate.port, target: "/x", headers: [bearer(), ...headers], ...rest }),
    rawRequest({ port: gate.port, target: "/public/x", headers, ...rest }),
  ]);
}

/** An open request whose parts a test sends and reads one by one. */
function open(target, options = {}) {
  const headers = { authorization: `Bearer ${token}`, ...options.headers };
  return httpRequest(`${gate.url}${target}`, { ...options, headers, agent: false });
}

describe("the answer of the upstream comes back as it was", () => {
  test("status, reason aside, and body", async () => {
    for (const status of [
      200, 201, 204, 205, 206, 300, 304, 400, 401, 403, 404, 407, 418, 429, 500, 503, 599,
    ]) {
      const body = [204, 205, 304].includes(status) ? undefined : `{"status":${status}}`;
      answerWith = (_, response) => response.writeHead(status, { "x-own": "kept" }).end(body);
      for (const answer of await both()) {
        assert.equal(answer.status, status);
        assert.equal(answer.text, body ?? "");
        assert.equal(answer.header("x-own"), "kept");
        assert.equal(answer.header("content-security-policy"), undefined);
      }
    }
  });

  test("a 401 of its own keeps its own challenge", async () => {
    answerWith = (_, response) => response.writeHead(401, { "www-authenticate": "Own a=b" }).end();
    for (const answer of await both()) {
      assert.deepEqual(answer.headerAll("www-authenticate"), ["Own a=b"]);
    }
  });

  test("RFC 9110 §15.4: a redirect is passed back, not followed", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      let count = 0;
      answerWith = (_, response) => {
        count += 1;
        response.writeHead(status, { location: "//elsewhere.example/a?b#c" }).end();
      };
      for (const method of ["GET", "POST"]) {
        for (const answer of await both({ method, body: method === "POST" ? "a=b" : undefined })) {
          assert.equal(answer.status, status);
          assert.equal(answer.header("location"), "//elsewhere.example/a?b#c");
        }
      }
      assert.equal(count, 4);
    }
  });

  test("RFC 6265bis §5.7: every Set-Cookie stays a header of its own", async () => {
    const cookies = ["a=1; Path=/; HttpOnly", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "a=3"];
    answerWith = (_, response) => response.writeHead(200, { "set-cookie": cookies }).end();
    for (const answer of await both()) assert.deepEqual(answer.headerAll("set-cookie"), cookies);
  });

  test("RFC 9110 §8.4: an encoded body keeps its bytes", async () => {
    const text = "grüße ".repeat(1000);
    for (const [encoding, body] of [
      ["gzip", gzipSync(text)],
      ["br", brotliCompressSync(text)],
      ["zstd", Buffer.from("28b52ffd2000010000", "hex")],
    ]) {
      answerWith = (_, response) => {
        const headers = {
          "content-encoding": encoding,
          "content-length": body.length,
          etag: '"1"',
        };
        response.writeHead(200, headers).end(body);
      };
      for (const answer of await both({ headers: [["Accept-Encoding", "gzip, br, zstd"]] })) {
        assert.equal(answer.header("content-encoding"), encoding);
        assert.equal(answer.header("etag"), '"1"');
        assert.ok(answer.body.equals(body), `${encoding}: ${answer.body.length} bytes`);
      }
    }
  });

  test("RFC 9110 §14: a range", async () => {
    answerWith = (request, response) => {
      assert.equal(request.headers.range, "bytes=2-4");
      response.writeHead(206, { "content-range": "bytes 2-4/10", "content-length": 3 }).end("234");
    };
    for (const answer of await both({ headers: [["Range", "bytes=2-4"]] })) {
      assert.equal(answer.status, 206);
      assert.equal(answer.header("content-range"), "bytes 2-4/10");
      assert.equal(answer.text, "234");
    }
  });

  test("RFC 9110 §9.3.2: HEAD, with the length of what GET would give", async () => {
    answerWith = (_, response) => response.writeHead(200, { "content-length": 12345 }).end();
    for (const answer of await both({ method: "HEAD" })) {
      assert.equal(answer.status, 200);
      assert.equal(answer.header("content-length"), "12345");
      assert.equal(answer.body.length, 0);
    }
  });

  test("RFC 9110 §13: conditions and their answers", async () => {
    answerWith = (request, response) => {
      const known = request.headers["if-none-match"] === '"1"';
      response.writeHead(known ? 304 : 200, { etag: '"1"' }).end();
    };
    for (const answer of await both({ headers: [["If-None-Match", '"1"']] })) {
      assert.equal(answer.status, 304);
      assert.equal(answer.header("etag"), '"1"');
    }
  });
});

describe("the request goes on as it was", () => {
  test("RFC 9112 §6: a body keeps its length, and none has none", async () => {
    answerWith = async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { "content-length": length, "transfer-encoding": coding } = request.headers;
      response.end(JSON.stringify({ body, length, coding }));
    };
    for (const answer of await both({ method: "POST", body: "grüße" })) {
      assert.deepEqual(answer.json(), { body: "grüße", length: "7" });
    }
    for (const answer of await both({ method: "DELETE" })) {
      assert.deepEqual([answer.json().body, answer.json().coding], ["", undefined]);
    }
    const chunked = [["Transfer-Encoding", "chunked"]];
    const body = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for (const answer of await both({ method: "PUT", headers: chunked, body })) {
      assert.deepEqual(answer.json(), { body: "abcde", coding: "chunked" });
    }
  });

  test("RFC 9112 §6.3: chunked overrides a length, which goes no further", async () => {
    answerWith = async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      response.end(JSON.stringify({ body, length: request.headers["content-length"] }));
    };
    const headers = [
      ["Content-Length", "3"],
      ["Transfer-Encoding", "chunked"],
    ];
    for (const answer of await both({ method: "POST", headers, body: "2\r\nab\r\n0\r\n\r\n" })) {
      assert.deepEqual(answer.json(), { body: "ab" });
    }
  });

  test("RFC 9112 §6.3: lengths that contradict each other are refused", async () => {
    answerWith = (_, response) => response.end();
    for (const headers of [
      [
        ["Content-Length", "3"],
        ["Content-Length", "5"],
      ],
      [["Content-Length", "+3"]],
      [["Transfer-Encoding", "xchunked"]],
    ]) {
      const sent = [bearer(), ...headers];
      const options = { port: gate.port, method: "POST", target: "/x", headers: sent };
      const { status } = await rawRequest({ ...options, body: "0\r\n\r\n" });
      assert.ok(status >= 400 && status <= 501, JSON.stringify(headers));
    }
  });
});

describe("nothing is buffered", () => {
  test("of an answer", async () => {
    let response;
    answerWith = (_, answer) => (response = answer).write("first");
    const request = open("/x");
    request.end();
    const [message] = await once(request, "response");
    const [first] = await once(message, "data");
    assert.equal(String(first), "first");
    response.end("second");
    const [second] = await once(message, "data");
    assert.equal(String(second), "second");
  });

  test("of a request", async () => {
    const arrived = new Promise((done) => {
      answerWith = (request, response) => {
        request.once("data", (chunk) => done(String(chunk)));
        request.once("end", () => response.end("done"));
      };
    });
    const request = open("/x", { method: "POST" });
    request.write("first");
    assert.equal(await arrived, "first");
    request.end("second");
    const [message] = await once(request, "response");
    message.resume();
    assert.equal(message.statusCode, 200);
  });
});

describe("a client that goes away", () => {
  test("in the middle of an answer is told to the upstream", async () => {
    const closed = new Promise((done) => {
      answerWith = (_, response) => {
        const timer = setInterval(() => response.write("x".repeat(1000)), 5);
        response.once("close", () => done(clearInterval(timer)));
      };
    });
    const request = open("/x");
    request.on("error", () => {}).end();
    const [message] = await once(request, "response");
    message.on("error", () => {});
    await once(message, "data");
    request.destroy();
    await closed;
  });

  test("in the middle of its request, too", async () => {
    let arrived;
    const closed = new Promise((done) => {
      arrived = new Promise((begun) => {
        answerWith = (request) => {
          request.on("error", () => {}).once("data", begun);
          request.once("close", () => done(request.complete));
        };
      });
    });
    const request = open("/x", { method: "POST", headers: { "content-length": "1000" } });
    request.on("error", () => {}).write("some");
    await arrived;
    request.destroy();
    assert.equal(await closed, false);
  });

  test("before any answer, too", async () => {
    let arrived;
    const closed = new Promise((done) => {
      arrived = new Promise((begun) => {
        answerWith = (request, response) => {
          response.once("close", done);
          begun();
        };
      });
    });
    const request = open("/x");
    request.on("error", () => {}).end();
    await arrived;
    // A mere end of its half of the connection says nothing before an answer is written.
    request.socket.resetAndDestroy();
    await closed;
  });
});

describe("an upstream that fails", () => {
  const broken = async (t, listener) => {
    const server = createTcpServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address();
    const own = await startRawGate({ vars: { ROUTES, UPSTREAM: `http://127.0.0.1:${port}` } });
    t.after(() => own.stop());
    return { own, server };
  };
  const hello = (port) => rawRequest({ port, target: "/public/x" });

  test("is 502 when it resets, talks nonsense, or is down", async (t) => {
    let reply = (socket) => socket.resetAndDestroy();
    const { own, server } = await broken(t, (socket) => {
      socket.on("error", () => {}).once("data", () => reply(socket));
    });
    assertRefused(await hello(own.port), 502, "upstream_unavailable");
    reply = (socket) => socket.end("nonsense\r\n\r\n");
    assertRefused(await hello(own.port), 502, "upstream_unavailable");
    reply = (socket) => socket.end();
    assertRefused(await hello(own.port), 502, "upstream_unavailable");
    reply = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert.equal((await hello(own.port)).text, "ok");
    server.close();
    await once(server, "close");
    const { token: pat } = await own.createToken();
    for (const method of ["GET", "POST"]) {
      const headers = [["Authorization", `Bearer ${pat}`]];
      const options = { port: own.port, method, target: "/x", headers };
      const answer = await rawRequest({ ...options, body: method === "POST" ? "a" : undefined });
      assertRefused(answer, 502, "upstream_unavailable");
      assert.ok(!answer.text.includes("127.0.0.1"));
    }
  });

  test("in the middle of its answer is not taken for one that ended", async () => {
    answerWith = (_, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" }).write("some");
      setTimeout(() => response.destroy(), 50);
    };
    await assert.rejects(rawRequest({ port: gate.port, target: "/public/x" }));
    answerWith = (_, response) => response.end("well again");
    assert.equal((await hello(gate.port)).text, "well again");
  });
});
