// What can go wrong, by stable codes.

/** The codes of errors and of problems in answers: they stay, the sentences may change. */
export type ErrorCode =
  | "address_not_allowed"
  | "app_mismatch"
  | "authentication_disabled"
  | "config_invalid"
  | "cookies_blocked"
  | "creation_disabled"
  | "cross_site"
  | "invalid_field"
  | "invalid_request"
  | "kind_mismatch"
  | "lifetime_exceeded"
  | "origin_not_allowed"
  | "scope_insufficient"
  | "session_ended"
  | "store_unavailable"
  | "token_disabled"
  | "token_expired"
  | "token_malformed"
  | "token_missing"
  | "token_revoked"
  | "token_unknown"
  | "token_used";

/** A mistake in what was given, or a store that fails. It never holds a secret. */
export class GatepassError extends Error {
  override readonly name = "GatepassError";
  readonly code: ErrorCode;
  /** The option or the field that is wrong, such as `routes[2].path`. */
  readonly field?: string;

  constructor(code: ErrorCode, message: string, field?: string) {
    super(field === undefined ? message : `${field} ${message}`);
    this.code = code;
    if (field !== undefined) this.field = field;
  }
}

/** A text, as its type says. Anything else would make WebAssembly read where nothing is. */
export function text(value: unknown, field: string): string {
  if (typeof value === "string") return value;
  throw new GatepassError("invalid_field", "must be a text", field);
}

/** An error from a problem's JSON, as the core throws it. */
export function fromProblem(json: string): GatepassError {
  const { code, detail, field } = JSON.parse(json) as Problem;
  return new GatepassError(code, detail, code === "config_invalid" ? option(field) : field);
}

/** An option by the name that the core has for it: `ROUTES[2].path` is `routes[2].path`. */
export const option = (field = ""): string =>
  field.replace(/^[A-Z_]+/, (name) =>
    name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );

interface Problem {
  code: ErrorCode;
  detail: string;
  field?: string;
}
