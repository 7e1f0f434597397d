// The package, where tokens can be made.

export { type ErrorCode, GatepassError } from "./errors.js";
export { createGate } from "./gate.js";
export type { Awaitable, Keys, Store } from "./store.js";
export {
  challenge,
  digestToken,
  generateToken,
  openSession,
  parseToken,
  sealSession,
} from "./token.js";
export type * from "./types.js";
