// Records in Upstash Redis, over HTTP: the same commands as to any Redis, each a POST.

import type { Store } from "../store.js";
import { redisStore, type RedisOptions } from "./redis.js";

/** Where the database is, and how to get in. */
export interface UpstashOptions extends RedisOptions {
  /** The database's REST URL. */
  url: string;
  /** Its REST token. One that may only read is enough to check tokens. */
  token: string;
  /** What sends requests. Default: the platform's `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/**
 * Records in Upstash Redis. Whoever writes sees it at once; in a database with read regions others
 * see it when their region has followed.
 */
export function upstashStore({ url, token, fetch = send, ...options }: UpstashOptions): Store {
  const endpoint = restUrl(url);
  // A variable of the environment that is missing is undefined, whatever its type says.
  if (!/^[\x21-\x7e]+$/.test(token ?? "")) {
    throw new TypeError("upstash: token is not a REST token");
  }
  // Upstash answers with it from a region that has what this client has written.
  let syncToken = "";

  async function sendCommand(command: string[]): Promise<unknown> {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "upstash-sync-token": syncToken,
      },
      body: JSON.stringify(command),
      cache: "no-store",
    });
    syncToken = response.headers.get("upstash-sync-token") ?? syncToken;
    const reply = await parse(response);
    if (response.ok && "result" in reply) return reply.result;
    const why = "error" in reply ? String(reply.error).replaceAll(token, "…") : "no result";
    throw new Error(`upstash: ${why.slice(0, 200)} (status ${response.status})`);
  }

  return redisStore({ sendCommand }, options);
}

const send = (url: string, init: RequestInit): Promise<Response> => globalThis.fetch(url, init);

/** No error shows what was given instead: a Redis URL has the password in it. */
function restUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url.href;
  throw new TypeError("upstash: url is not a REST URL, such as https://name.upstash.io");
}

async function parse(response: Response): Promise<object> {
  const reply: unknown = await response.json().catch(() => null);
  return typeof reply === "object" && reply !== null ? reply : {};
}
