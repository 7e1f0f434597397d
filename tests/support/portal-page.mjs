// Host pages: one HTTPS server that is every site of a test, `portal.test` as well as `other.test`,
// with a log of what was asked.

import { buffer } from "node:stream/consumers";
import { startHttps } from "./https.mjs";

/**
 * Starts the server. It answers 404 where no page was set; a favicon is nowhere missed, so that the
 * browser's console stays empty.
 *
 * @param {{port?: number}} [options] by default a free port
 * @returns {Promise<Portal>}
 *
 * @typedef {object} Portal
 * @property {number} port
 * @property {(host: string) => string} origin `https://<host>:<port>`
 * @property {(host: string, path: string, page: Page) => string} set sets or replaces a page, for
 *   every query of that path; answers its URL
 * @property {Asked[]} log every request, in order
 * @property {(host: string, path?: string) => Asked[]} asked those of a host, or of one of its paths
 * @property {() => Promise<void>} stop
 *
 * @typedef {string | Answer | ((asked: Asked) => string | Answer | Promise<string | Answer>)} Page
 *   a string is HTML
 * @typedef {{status?: number, headers?: Record<string, string | string[]>,
 *   body?: string | Uint8Array}} Answer
 * @typedef {object} Asked
 * @property {string} method
 * @property {string} host without the port
 * @property {string} path without the query
 * @property {URLSearchParams} query
 * @property {Record<string, string>} headers by lower-case name
 * @property {string} body
 */
export async function startPortal(options) {
  const pages = new Map();
  const log = [];
  const server = await startHttps(async (request, response) => {
    const url = new URL(request.url, `https://${request.headers.host}`);
    const { method, headers } = request;
    const { hostname: host, pathname: path, searchParams: query } = url;
    const body = (await buffer(request)).toString();
    const asked = { method, host, path, query, headers, body };
    log.push(asked);
    const page = pages.get(host + path) ?? { status: path === "/favicon.ico" ? 204 : 404 };
    send(response, typeof page === "function" ? await page(asked) : page);
  }, options);
  const origin = (host) => `https://${host}:${server.port}`;
  return {
    port: server.port,
    origin,
    set(host, path, page) {
      pages.set(host + path, page);
      return origin(host) + path;
    },
    log,
    asked: (host, path) =>
      log.filter((asked) => asked.host === host && (path ?? asked.path) === asked.path),
    stop: server.stop,
  };
}

function send(response, answer) {
  const { status = 200, headers, body } = typeof answer === "string" ? { body: answer } : answer;
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", ...headers });
  response.end(body);
}
