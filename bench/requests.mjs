// Requests as a browser's script makes them and Cloudflare hands them on; all contenders get the
// same ones, but for the credential.

const HEADERS = [
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"],
  ["Accept", "application/json, text/plain, */*"],
  ["Accept-Encoding", "gzip, br"],
  ["Accept-Language", "en-GB,en;q=0.7,de;q=0.3"],
  ["Sec-Fetch-Dest", "empty"],
  ["Sec-Fetch-Mode", "cors"],
  ["Sec-Fetch-Site", "same-origin"],
  ["CF-Connecting-IP", "192.0.2.17"],
  ["X-Forwarded-Proto", "https"],
];

/** Where all but the public route and the embed are asked for. */
export const TARGET = "/api/v1/jobs/?page=1&page_size=3";

/**
 * A request: its `target` and `headers`, the `text` that goes over the wire, the same `at` another
 * target.
 *
 * @param {[string, string]} [credential] a header
 */
export function makeRequest(credential, { host = "localhost", target = TARGET } = {}) {
  const headers = [["Host", host], ...HEADERS, ...(credential ? [credential] : [])];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
  const at = (target) => makeRequest(credential, { host, target });
  return { target, headers, text, credential, at };
}

/** The header of a token as most send it. */
export const bearer = (token) => ["Authorization", `Bearer ${token}`];
