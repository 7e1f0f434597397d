// The package in a page: tokens are read and checked there, never made.

import { createGate as create } from "./gate.js";
import type { Gate, GateOptions } from "./types.js";

export { type ErrorCode, GatepassError } from "./errors.js";
export type { Awaitable, Keys, Store } from "./store.js";
export { challenge, digestToken, parseToken } from "./token.js";
export type * from "./types.js";

/** Makes a gate that checks, and does nothing else. */
export function createGate(options: GateOptions): Pick<Gate, "check"> {
  const gate = create(options);
  return { check: (request, context) => gate.check(request, context) };
}
