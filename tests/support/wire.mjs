// HTTP/1.1 as bytes, on both sides of a gate: an upstream that tells byte for byte what reached it,
// and a client that sends any bytes over one connection and reads whatever comes back. Both read by
// the small, strict parser below, which shares no code with the gate, its runtime or Node.

import { connect, createServer } from "node:net";

const HEAD_END = "\r\n\r\n";

/**
 * An upstream on a free port of 127.0.0.1. It answers each request with what it received, as JSON.
 * Bytes that are no request end their connection.
 *
 * @returns {Promise<{address: string, url: string, received: Received[], broken: string[],
 *   stop: () => Promise<void>}>} `broken`: bytes that are no request of HTTP/1.1
 *
 * @typedef {object} Received
 * @property {string} line the request line
 * @property {string} target its second part
 * @property {[string, string][]} headers the names in lower case
 * @property {string} body decoded from its chunks
 */
export async function startByteUpstream() {
  const received = [];
  const broken = [];
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    let bytes = "";
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.setEncoding("latin1").on("data", (text) => {
      bytes += text;
      for (;;) {
        const read = readMessage(bytes);
        if (!read) return;
        bytes = bytes.slice(read.length);
        if (read.broken) {
          broken.push(read.broken);
          socket.destroy();
          return;
        }
        const { line, headers, body } = read;
        const request = { line, target: line.split(" ")[1], headers, body };
        received.push(request);
        const text = line.startsWith("HEAD ") ? "" : JSON.stringify(request);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`, "latin1");
      }
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  const address = `127.0.0.1:${port}`;
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  };
  return { address, url: `http://${address}`, received, broken, stop };
}

/**
 * Sends bytes over a connection of their own and reads until the other side closes it, so many answers
 * have come and then no more for a moment, or half a minute is over.
 *
 * @param {number} port
 * @param {string} bytes one character a byte
 * @param {number} wanted how many answers, interim ones among them
 * @returns {Promise<Answer[]>}
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {[string, string][]} headers the names in lower case
 * @property {string} body
 */
export function exchange(port, bytes, wanted) {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  const hasBody = !bytes.startsWith("HEAD ");
  const answers = [];
  let rest = "";
  return new Promise((done) => {
    let timer = setTimeout(finish, wanted > 0 ? LATE : QUIET);
    function finish() {
      clearTimeout(timer);
      socket.destroy();
      done(answers);
    }
    socket.on("error", finish).on("close", finish);
    socket.on("data", (text) => {
      rest += text;
      for (;;) {
        const read = readMessage(rest, hasBody);
        if (!read || read.broken) return;
        rest = rest.slice(read.length);
        const { headers, body } = read;
        answers.push({ status: Number(read.line.split(" ")[1]), headers, body });
        if (answers.length < wanted) continue;
        clearTimeout(timer);
        timer = setTimeout(finish, QUIET);
      }
    });
    socket.write(bytes, "latin1");
  });
}

/** Milliseconds after which an answer does not come any more, and after which no further one does. */
const LATE = 30_000;
const QUIET = 200;

/**
 * A client that asks one thing after the other over one connection, and over a new one where the other
 * side has closed it.
 *
 * @returns {{ask: (bytes: string) => Promise<Answer>, end: () => void}}
 */
export function keepAlive(port) {
  let socket;
  let text = "";
  let settle;

  function open() {
    text = "";
    socket = connect(port, "127.0.0.1").setEncoding("latin1").setNoDelay();
    const own = socket;
    const lost = () => {
      if (socket !== own) return;
      socket = undefined;
      settle?.reject(new Error(`the connection has ended: ${text}`));
    };
    own.on("error", lost).on("close", lost);
    own.on("data", (more) => {
      text += more;
      const read = readMessage(text);
      if (!read || read.broken) return;
      text = text.slice(read.length);
      const { line, headers, body } = read;
      settle.resolve({ status: Number(line.split(" ")[1]), headers, body });
      if (headers.some(([name, value]) => name === "connection" && value === "close")) {
        socket = undefined;
        own.destroy();
      }
    });
  }

  function ask(bytes) {
    if (!socket) open();
    return new Promise((resolve, reject) => {
      settle = { resolve, reject };
      socket.write(bytes, "latin1");
    });
  }

  return { ask, end: () => socket?.destroy() };
}

/** An answer in a word: its status, and the code of a problem or that the runtime wrote it. */
export function labelOf({ status, body }) {
  const [, code] = body.match(/"code":"(\w+)"/) ?? [];
  if (code) return `${status} ${code}`;
  return status < 400 || body === "" ? `${status}` : `${status} of the runtime`;
}

/** The values of a header of an answer, or of what the upstream received. */
export const valuesOf = ({ headers }, wanted) =>
  headers.filter(([name]) => name === wanted).map(([, value]) => value);

/** The first message of some bytes; nothing where it is not complete yet. */
function readMessage(bytes, hasBody = true) {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [line, ...fields] = bytes.slice(0, end).split("\r\n");
  const headers = fields.map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  });
  const start = end + HEAD_END.length;
  const isPlain = fields.every((field) => /^[!#$%&'*+.^_`|~\w-]+:[^\0\r\n]*$/.test(field));
  if (!isPlain || !/^\S+ \S+ HTTP\/1\.1$|^HTTP\/1\.[01] \d{3}( |$)/.test(line)) {
    return { broken: bytes, length: bytes.length };
  }
  const values = (wanted) => headers.filter(([name]) => name === wanted).map(([, value]) => value);
  const [lengths, codings] = [values("content-length"), values("transfer-encoding")];
  if (lengths.length + codings.length > 1) return { broken: bytes, length: bytes.length };
  if (!hasBody) return { line, headers, body: "", length: start };
  const body = codings.length > 0 ? readChunks(bytes, start) : readLength(bytes, start, lengths[0]);
  return body && { line, headers, ...body };
}

function readLength(bytes, start, length = "0") {
  const end = start + Number(length);
  if (!/^\d+$/.test(length)) return { broken: bytes, length: bytes.length };
  return bytes.length < end ? undefined : { body: bytes.slice(start, end), length: end };
}

function readChunks(bytes, start) {
  let body = "";
  for (let at = start; ;) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = bytes.slice(at, end);
    if (!/^[\da-f]+$/i.test(size)) return { broken: bytes, length: bytes.length };
    const chunk = end + 2;
    const next = chunk + parseInt(size, 16);
    if (bytes.length < next + 2) return undefined;
    if (bytes.slice(next, next + 2) !== "\r\n") return { broken: bytes, length: bytes.length };
    if (next === chunk) return { body, length: next + 2 };
    body += bytes.slice(chunk, next);
    at = next + 2;
  }
}
