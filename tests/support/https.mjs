// HTTPS on names that exist in tests alone: `portal.test`, `*.embeds.test`, whatever ends in `.test`.
// All of them are 127.0.0.1, for the browser of browser.mjs and for `fetchTest`.

import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import { createServer, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { watchResponse } from "./secrecy.mjs";

const ADDRESS = "127.0.0.1";
const DAY = 86_400_000;

let made;

/**
 * The certificate that all servers of this process show: `{key, certificate}` as PEM, and `spki`, the
 * SHA-256 of its public key in Base64, by which a browser can be told to trust it.
 */
export function testCertificate() {
  made ??= makeCertificate();
  return made;
}

/**
 * An HTTPS server on 127.0.0.1.
 *
 * @param {import("node:http").RequestListener} listener may be asynchronous
 * @param {{port?: number}} [options] by default a free port
 * @returns {Promise<{port: number, stop: () => Promise<void>}>}
 */
export async function startHttps(listener, { port = 0 } = {}) {
  const { key, certificate } = testCertificate();
  const server = createServer({ key, cert: certificate }, async (request, response) => {
    try {
      await listener(request, response);
    } catch (error) {
      response.destroy(error);
    }
  });
  await new Promise((done, failed) => server.once("error", failed).listen(port, ADDRESS, done));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { port: server.address().port, stop };
}

/**
 * `fetch` for those names: it trusts the certificate, follows no redirect and lets `Host` and other
 * headers be set that Node's own does not.
 *
 * @param {string | URL} url
 * @param {{method?: string, headers?: Record<string, string>, body?: string | Uint8Array}} [options]
 * @returns {Promise<Response>}
 */
export function fetchTest(url, { method = "GET", headers, body } = {}) {
  return new Promise((done, failed) => {
    const { host, hostname } = new URL(url);
    const request = httpsRequest(url, {
      method,
      headers: { host, ...headers },
      hostname: ADDRESS,
      servername: hostname,
      ca: testCertificate().certificate,
      checkServerIdentity: () => undefined,
      agent: false,
    });
    request.on("error", failed);
    request.on("response", (message) => {
      const answered = new Headers();
      for (let i = 0; i < message.rawHeaders.length; i += 2) {
        answered.append(message.rawHeaders[i], message.rawHeaders[i + 1]);
      }
      const { statusCode: status } = message;
      const empty = method === "HEAD" || [204, 205, 304].includes(status);
      if (empty) message.resume();
      const body = empty ? null : Readable.toWeb(message);
      done(watchResponse({ method, url }, new Response(body, { status, headers: answered })));
    });
    request.end(body);
  });
}

/** A self-signed X.509 certificate (RFC 5280) for ECDSA with P-256 and SHA-256, valid for a month. */
function makeCertificate() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const algorithm = sequence(oid("2a8648ce3d040302")); // ecdsa-with-SHA256
  const commonName = sequence(oid("550403"), der(0x0c, Buffer.from("Gatepass's tests")));
  const name = sequence(der(0x31, commonName));
  const validity = [Date.now() - DAY, Date.now() + 30 * DAY].map(utcTime);
  const alternatives = sequence(der(0x82, Buffer.from("*.test"))); // dNSName
  const extensions = sequence(sequence(oid("551d11"), der(0x04, alternatives)));
  const version3 = der(0xa0, der(0x02, Buffer.from([2])));
  const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)]));
  const signed = sequence(
    ...[version3, serial, algorithm, name, sequence(...validity), name, spki],
    der(0xa3, extensions),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", signed, privateKey));
  const certificate = new X509Certificate(sequence(signed, algorithm, signature));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    certificate: certificate.toString(),
    spki: createHash("sha256").update(spki).digest("base64"),
  };
}

/** One DER value: tag, length in its shortest form, content. */
function der(tag, ...content) {
  const { length } = Buffer.concat(content);
  const octets =
    length < 0x80 ? [length] : [length >> 8, length & 0xff].slice(length < 0x100 ? 1 : 0);
  const header = length < 0x80 ? [tag, ...octets] : [tag, 0x80 + octets.length, ...octets];
  return Buffer.concat([Buffer.from(header), ...content]);
}

const sequence = (...content) => der(0x30, ...content);
const oid = (hex) => der(0x06, Buffer.from(hex, "hex"));
const utcTime = (time) =>
  der(0x17, Buffer.from(new Date(time).toISOString().replace(/^20|[-:T]|\.\d+/g, "")));
