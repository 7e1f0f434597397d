// The public keys of an identity provider: fetched when needed, and kept for a while.

import { createLocalJWKSet, JOSEError, JWKSNoMatchingKey } from "../../build/jose.js";
import { KeysUnavailable } from "./keys-unavailable.js";
import { logFault } from "./log.js";

/** Milliseconds for which keys that were fetched are good. */
const MAX_AGE = 600_000;

/** Milliseconds between two fetches, where there are no good keys and where one is not among them. */
const PAUSE = { without: 5_000, unknown: 30_000 };

/** Milliseconds that a fetch may take, the body included. */
const TIMEOUT = 5_000;

/** Bytes that a set of keys may have. */
const MAX_BYTES = 262_144;

/** The keys at a URL (RFC 7517 §5). */
export class Keys {
  #url;
  #set;
  #fetchedAt = -Infinity;
  #askedAt = -Infinity;
  #answer;

  constructor(url) {
    this.#url = new URL(url).href;
  }

  /** The key for a JWT with that header; undefined where the provider has none. */
  async find(header, ctx) {
    if (Date.now() >= this.#fetchedAt + MAX_AGE) await this.#refresh(PAUSE.without, ctx);
    const key = await this.#known(header);
    if (key) return key;
    await this.#refresh(PAUSE.unknown, ctx);
    return await this.#known(header);
  }

  async #known(header) {
    try {
      return await this.#set(header);
    } catch (error) {
      if (error instanceof JWKSNoMatchingKey) return undefined;
      throw error instanceof JOSEError ? error : unavailable(error);
    }
  }

  /**
   * Asks the provider, unless it was asked less than `pause` ago: then what came of that counts.
   * jose's own remote set has no such bound while the provider fails, or for requests at once.
   */
  async #refresh(pause, ctx) {
    const now = Date.now();
    if (now >= this.#askedAt + pause) {
      this.#askedAt = now;
      this.#answer = this.#fetch(now).catch((error) => {
        logFault("identity_keys_failed", { message: unavailable(error).message });
        throw error;
      });
      // Others wait for it too, and it would end with this request.
      ctx?.waitUntil(this.#answer.catch(() => {}));
    }
    try {
      await this.#answer;
    } catch (error) {
      throw unavailable(error);
    }
  }

  async #fetch(now) {
    const response = await fetch(this.#url, {
      headers: { accept: "application/jwk-set+json, application/json" },
      redirect: "manual",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const { status, body } = response;
    if (status !== 200) {
      await body?.cancel();
      throw new KeysUnavailable(`status ${status}`);
    }
    this.#set = createLocalJWKSet(JSON.parse(await readText(body)));
    this.#fetchedAt = now;
  }
}

/** The name alone: a message may quote what the provider answered. */
function unavailable(error) {
  return error instanceof KeysUnavailable ? error : new KeysUnavailable(error.name);
}

/** A body as text, unless it is too long. */
async function readText(body) {
  const chunks = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new RangeError();
    chunks.push(chunk);
  }
  return new Blob(chunks).text();
}
