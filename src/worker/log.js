// What the Worker writes to its log: one line of JSON for each fault, and nothing that a client sent.

import { countFault } from "./metrics.js";

/** A Ray ID: what Cloudflare calls a request, in its answer and its own logs too. */
const RAY = /^[0-9a-f]{16}(-[A-Z]{3})?$/;

/** Where in the code an error came from, without what it says. */
const FRAME = /^\s+at .*?([\w.-]+\.js:\d+:\d+)\)?$/m;

/**
 * Logs a fault. Of `error` only the name and the place in the code are told: what it says may quote
 * a request. `details` hold no secret.
 */
export function logFault(event, { request, error, ...details } = {}) {
  countFault(event);
  const ray = request?.headers.get("cf-ray") ?? "";
  const line = {
    ...{ level: "error", event, ray: RAY.test(ray) ? ray : undefined },
    ...(error && { error: String(error.name ?? "Error"), at: FRAME.exec(error.stack)?.[1] }),
    ...details,
  };
  console.error(JSON.stringify(line));
}

/** What a binding's own error says, which knows of no request. */
export const saidBy = (error) => String(error?.message ?? error).slice(0, 200);
