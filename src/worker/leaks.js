// The signatures of leak reports, as GitHub's secret scanning signs its messages to partners: ECDSA
// with P-256 and SHA-256 over the body, by keys that GitHub publishes.

import { KeysUnavailable } from "./keys-unavailable.js";
import { logFault } from "./log.js";

/** Milliseconds that the published keys are good for. */
const MAX_AGE = 600_000;

/** Milliseconds between two requests for the keys. */
const PAUSE = 30_000;

/** Milliseconds within which the keys must be there, and bytes that they may have. */
const TIMEOUT = 5_000;
const MAX_BYTES = 65_536;

const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** Verifies leak reports with the keys that are published at a URL. */
export class LeakReports {
  #url;
  #keys;
  #learned = -Infinity;
  #asked = -Infinity;
  #answer;

  constructor(url) {
    this.#url = url;
  }

  /**
   * Whether a report's bytes are signed: `keyId` and `signature` are the values of
   * Github-Public-Key-Identifier and Github-Public-Key-Signature, or null. Throws
   * `KeysUnavailable`. `ctx`, the request's, lets a fetch of keys outlive the request.
   */
  async verify(bytes, keyId, signature, ctx) {
    const raw = rawSignature(decode(signature ?? ""));
    if (!raw || !keyId) return false;
    const pem = await this.#published(keyId, ctx);
    if (pem === undefined) return false;
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    return crypto.subtle.verify(algorithm, await imported(pem), raw, bytes);
  }

  /** The key of an identifier. */
  async #published(keyId, ctx) {
    if (Date.now() - this.#learned < MAX_AGE && this.#keys.has(keyId)) return this.#keys.get(keyId);
    if (Date.now() - this.#asked >= PAUSE) {
      this.#asked = Date.now();
      this.#answer = this.#learn();
      // Others wait for it too, and it would end with this request.
      ctx?.waitUntil(this.#answer.catch(() => {}));
    }
    await this.#answer;
    return this.#keys.get(keyId);
  }

  async #learn() {
    try {
      this.#keys = await fetchKeys(this.#url);
      this.#learned = Date.now();
    } catch (error) {
      logFault("leak_keys_failed", { error });
      throw new KeysUnavailable();
    }
  }
}

/** The keys at a URL, PEM by identifier. */
async function fetchKeys(url) {
  const answer = await fetch(url, {
    headers: { accept: "application/json", "user-agent": "gatepass" }, // GitHub wants an agent
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new KeysUnavailable();
  }
  const { public_keys: keys } = JSON.parse(await text(answer));
  return new Map(keys.map(({ key_identifier: keyId, key }) => [keyId, key]));
}

async function text({ body }) {
  const chunks = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new KeysUnavailable();
    chunks.push(chunk);
  }
  return new Blob(chunks).text();
}

async function imported(pem) {
  try {
    const [, base64] = PEM.exec(pem);
    return await crypto.subtle.importKey("spki", decode(base64), P256, false, ["verify"]);
  } catch {
    throw new KeysUnavailable();
  }
}

const PEM = /^-----BEGIN PUBLIC KEY-----([A-Za-z\d+/=\s]+)-----END PUBLIC KEY-----\s*$/;

/** The bytes of base64; none where it is not that. */
function decode(base64) {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/**
 * A P-256 signature as WebCrypto wants it, r and s in 32 bytes each, from its DER form: a sequence
 * of two integers (RFC 3279 §2.2.3). Undefined for all but the one encoding of each signature.
 */
export function rawSignature(der) {
  const [sequence, length] = der;
  if (sequence !== 0x30 || length !== der.length - 2) return undefined;
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const next = at + 2 + der[at + 1];
    const digits = integer(der.subarray(at, next));
    if (!digits) return undefined;
    raw.set(digits, end - digits.length);
    at = next;
  }
  return at === der.length ? raw : undefined;
}

/** The digits of a DER integer from 0 to 2²⁵⁶ − 1, most significant first. */
function integer([tag, , ...digits]) {
  if (tag !== 0x02 || digits.length === 0) return undefined;
  if (digits[0] >= 0x80) return undefined; // negative
  if (digits[0] === 0 && digits[1] < 0x80) return undefined; // a zero too many
  if (digits[0] === 0) digits.shift();
  return digits.length <= 32 ? digits : undefined;
}
