// What needs no gate: the texts of tokens, sessions and challenges.

import { Core } from "./core.js";
import { GatepassError, text } from "./errors.js";
import type { ChallengeError, Kind, ParsedToken, Session } from "./types.js";

let shared: Core | undefined;

/** An instance without a gate. */
const core = (): Core => (shared ??= new Core());

/**
 * Reads the text of a token: prefix, length, alphabet and checksum. Null where it is none. That says
 * nothing about whether it was ever issued.
 */
export function parseToken(token: string): ParsedToken | null {
  if (typeof token !== "string") return null;
  const [kind, start, hint] =
    core()
      .call((glue) => glue.parse_token(token))
      ?.split("\n") ?? [];
  if (kind === undefined || start === undefined || hint === undefined) return null;
  return { kind: kind as Kind, start, hint };
}

/** The SHA-256 of a token in hexadecimal, the only thing that is stored of it; null where it is none. */
export function digestToken(token: string): string | null {
  if (typeof token !== "string") return null;
  return core().call((glue) => glue.digest_token(token)) ?? null;
}

/** Makes the text of a token, for whoever keeps records on their own; `gate.tokens.create` keeps one. */
export function generateToken(kind: Kind, user: string, workspace = "default"): string {
  const isEmbed = kind === "embed";
  if (!isEmbed && kind !== "pat") {
    throw new GatepassError("invalid_field", 'must be "pat" or "embed"', "kind");
  }
  const of = [text(workspace, "workspace"), text(user, "user")] as const;
  return core().call((glue) => glue.generate_token(isEmbed, ...of));
}

/** The value of a session's cookie, at most 400 bytes, signed with the newest of the keys. */
export function sealSession(session: Session, keys: string): string {
  const given = [text(JSON.stringify(session), "session"), text(keys, "keys")] as const;
  return core().call((glue) => glue.seal_session(...given));
}

/**
 * Reads the value of a session's cookie. Null where none of the keys signed it. Whether it is over, or
 * its token revoked, is the gate's to decide.
 */
export function openSession(sealed: string, keys: string): Session | null {
  if (typeof sealed !== "string") return null;
  const given = text(keys, "keys");
  const json = core().call((glue) => glue.open_session(sealed, given));
  return json === undefined ? null : (JSON.parse(json) as Session);
}

/**
 * The `WWW-Authenticate` value that invites a Bearer token (RFC 6750 §3). Without an error where no
 * credential was sent; `scope` goes with `insufficient_scope`: what is needed, separated by spaces.
 */
export function challenge(error?: ChallengeError, scope = ""): string {
  const given = [text(error ?? "", "error"), text(scope, "scope")] as const;
  return core().call((glue) => glue.challenge(...given));
}
