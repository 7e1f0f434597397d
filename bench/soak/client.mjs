// What sends: Node's own HTTP client over connections that it keeps, a bounded number of them.

import { Agent, request } from "node:http";
import { buffer } from "node:stream/consumers";

/** Milliseconds until an answer must be complete. */
const TIMEOUT = 30_000;

/** A connection was refused or broke, or there was no answer in time. */
export class NoAnswer extends Error {}

/** What the system says of connections. */
const BROKEN = ["EADDRNOTAVAIL", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"];

/** A client of one gate or several. */
export class Client {
  #agent;
  #timeout;
  /** Answers so far. */
  answers = 0;

  constructor({ connections, timeout = TIMEOUT }) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#timeout = timeout;
  }

  /**
   * Sends a request and reads its answer: `{status, headers, body, text(), json()}`. `write` writes
   * the body, and `read` reads the answer's instead of taking it into memory.
   */
  async ask({ port, method = "GET", target, headers, body, write, read = buffer }) {
    const sent = this.begin({ port, method, target, headers });
    const answered = new Promise((done, fail) => {
      const late = () => sent.destroy(new NoAnswer(`no complete answer in ${this.#timeout} ms`));
      const timer = setTimeout(late, this.#timeout);
      const settled = (settle) => (value) => {
        clearTimeout(timer);
        settle(value);
      };
      const broken = (error) => (BROKEN.includes(error.code) ? new NoAnswer(error.message) : error);
      sent.on(
        "error",
        settled((error) => fail(broken(error))),
      );
      sent.on("response", (answer) => {
        read(answer)
          .then((body) => ({ status: answer.statusCode, headers: answer.headers, body }))
          .then(
            settled(done),
            settled((error) => fail(broken(error))),
          );
      });
    });
    if (write) await Promise.race([write(sent), answered]);
    else sent.end(body);
    const answer = await answered;
    this.answers++;
    const text = () => answer.body.toString();
    return { ...answer, text, json: () => JSON.parse(text()) };
  }

  /** Begins a request, for who ends it otherwise. */
  begin({ port, method = "GET", target, headers }) {
    const options = { host: "127.0.0.1", port, method, path: target, headers };
    return request({ ...options, agent: this.#agent });
  }

  /** Closes all connections. */
  close() {
    this.#agent.destroy();
  }
}
