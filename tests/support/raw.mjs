// HTTP/1.1 requests byte for byte: client libraries tidy up what they send, and
// a gate must be tested with what they would never send. The answer is read by
// Node's own parser, which is strict.

import { request as parseAnswer } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { Duplex } from "node:stream";
import { noteAnswer } from "./secrecy.mjs";

/**
 * Sends one request over a connection of its own and reads the answer.
 *
 * The request line and headers are written as Latin-1, one byte a character, so
 * that any byte can be sent: write `Buffer.from("é").toString("latin1")` for the
 * UTF-8 form.
 *
 * @param {object} options
 * @param {number} options.port where the server listens
 * @param {string} [options.host] its address, `127.0.0.1` by default
 * @param {string} [options.method] sent as it is, `GET` by default
 * @param {string} [options.target] the request target as it is, `/` by default
 * @param {[string, string][]} [options.headers] sent in this order, duplicates
 *   and spelling kept; only an absent `Host` is added, and with a body an absent
 *   `Content-Length` unless there is a `Transfer-Encoding`
 * @param {string | Uint8Array} [options.body] what follows the headers, as it is
 * @param {string | Uint8Array} [options.bytes] the whole request, instead of all
 *   the above; a string is written as Latin-1
 * @param {number} [options.timeout] milliseconds until the answer must be
 *   complete, 10,000 by default
 * @returns {Promise<Answer>}
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} reason the reason phrase
 * @property {[string, string][]} headers as they came, in order
 * @property {(name: string) => string | undefined} header the first of that
 *   name, in any case
 * @property {(name: string) => string[]} headerAll all of that name
 * @property {Buffer} body empty after 101
 * @property {string} text the body as UTF-8
 * @property {() => any} json the body parsed
 * @property {number[]} interim the statuses of the 1xx answers before it
 * @property {import("node:net").Socket} [socket] after 101: the connection,
 *   paused, with what followed the headers put back; the caller ends it
 */
export function rawRequest(options) {
  const bytes = requestBytes(options);
  const socket = connect(options.port, options.host ?? "127.0.0.1");
  return new Promise((resolve, reject) => {
    const timeout = options.timeout ?? 10_000;
    const late = new Error(`no complete answer within ${timeout} ms`);
    const timer = setTimeout(fail, timeout, late);
    const interim = [];

    // The parser is a client whose own request goes nowhere, and which reads
    // what the socket gets. It must know whether the answer has a body.
    const stream = new Duplex({
      read() {},
      write: (chunk, encoding, written) => written(),
    });
    const parser = parseAnswer({
      createConnection: () => stream,
      method: bytes.subarray(0, 5).toString() === "HEAD " ? "HEAD" : "GET",
      maxHeaderSize: 2 ** 20,
    });
    parser.on("error", fail);
    parser.on("information", ({ statusCode }) => interim.push(statusCode));
    parser.on("response", async (message) => {
      try {
        succeed(message, await buffer(message));
        socket.destroy();
      } catch (error) {
        fail(error);
      }
    });
    parser.on("upgrade", (message, _stream, head) => {
      socket.off("data", feed).pause();
      socket.unshift(Buffer.concat([head, stream.read() ?? Buffer.alloc(0)]));
      succeed(message, Buffer.alloc(0), { socket });
    });
    parser.end();

    socket.on("data", feed);
    socket.on("end", () => stream.push(null));
    socket.on("error", fail);
    socket.write(bytes);

    function feed(chunk) {
      stream.push(chunk);
    }

    function succeed(message, body, more) {
      clearTimeout(timer);
      const answered = answer(message, body);
      const [method, target] = bytes
        .subarray(0, bytes.indexOf("\r\n"))
        .toString("latin1")
        .split(" ");
      noteAnswer({ port: options.port, method, target: target ?? "" }, answered);
      resolve({ ...answered, interim, ...more });
    }

    function fail(error) {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    }
  });
}

function requestBytes(options) {
  if (options.bytes !== undefined) return Buffer.from(options.bytes, "latin1");
  const { method = "GET", target = "/", body } = options;
  const headers = [...(options.headers ?? [])];
  const has = (wanted) => headers.some(([name]) => name.toLowerCase() === wanted);
  if (!has("host")) headers.unshift(["Host", `127.0.0.1:${options.port}`]);
  const content = Buffer.from(body ?? "");
  const framed = has("content-length") || has("transfer-encoding");
  if (body !== undefined && !framed) {
    headers.push(["Content-Length", content.length]);
  }
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), content]);
}

function answer(message, body) {
  const raw = message.rawHeaders;
  const headers = raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1]]] : []));
  const headerAll = (wanted) =>
    headers
      .filter(([name]) => name.toLowerCase() === wanted.toLowerCase())
      .map(([, value]) => value);
  const text = body.toString();
  return {
    status: message.statusCode,
    reason: message.statusMessage,
    headers,
    header: (name) => headerAll(name)[0],
    headerAll,
    body,
    text,
    json: () => JSON.parse(text),
  };
}
