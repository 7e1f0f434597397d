// Messages to the operator's endpoint, as the Standard Webhooks specification has them.

import { logFault } from "./log.js";

/** Milliseconds until the head of the answer must be there. */
const TIMEOUT = 10_000;

/** A key of NOTIFY_KEY: base64 of 24 to 64 bytes. */
const KEY = /^whsec_([A-Za-z0-9+/]{32,86}={0,2})$/;

/** Whether env.NOTIFY_URL has taken a message; `timestamp` is in Unix seconds. */
export async function notify({ id, timestamp, body }, env) {
  try {
    const answer = await fetch(env.NOTIFY_URL, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": await signatures(`${id}.${timestamp}.${body}`, env.NOTIFY_KEY),
      },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    await answer.body?.cancel().catch(() => {});
    if (!answer.ok) logFault("message_refused", { id, status: answer.status });
    return answer.ok;
  } catch (error) {
    logFault("message_failed", { id, error });
    return false;
  }
}

/** A signature by each of the keys: while they are replaced, the receiver knows one of them. */
async function signatures(content, keys) {
  const bytes = new TextEncoder().encode(content);
  const signed = keys
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((key) => signature(bytes, key));
  if (signed.length === 0) throw new InvalidKey();
  return (await Promise.all(signed)).join(" ");
}

async function signature(bytes, key) {
  const [, base64] = KEY.exec(key) ?? [];
  if (!base64) throw new InvalidKey();
  const secret = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", imported, bytes);
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(mac)))}`;
}

class InvalidKey extends Error {
  name = "InvalidKey";
}
