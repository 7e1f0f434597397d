// What an answer must be. Whatever it is not is thrown.

/** An answer that is wrong; `letIn`: it let in whom it should not, or as somebody else. */
export class Wrong extends Error {
  constructor(what, answer, letIn = false) {
    const said = answer ? `: ${answer.status} ${answer.text().slice(0, 300)}` : "";
    super(what + said);
    this.letIn = letIn;
  }
}

/** The gate says that it has too much to do. */
export class TurnedAway extends Error {}

const TURNED_AWAY = { 429: "rate_limited", 503: "store_unavailable" };

/** Headers in which a credential came. */
const CREDENTIALS = ["authorization", "x-api-key", "private-token", "cookie"];

/** The answer must have this status. */
export function assertStatus(answer, status, what) {
  if (answer.status === status) return;
  const code = TURNED_AWAY[answer.status];
  if (code && codeOf(answer) === code) throw new TurnedAway(`${answer.status} ${code}`);
  throw new Wrong(what, answer);
}

/** The answer must be the upstream's /echo, which saw this user, this app, and no credential. */
export function assertOpened(answer, user, what, app) {
  assertStatus(answer, 200, what);
  const { headers } = answer.json();
  if (headers["gatepass-user"] !== user.id || headers["gatepass-app"] !== app) {
    throw new Wrong(`${what}, ${user.id}'s, but the upstream saw another`, answer, true);
  }
  if (CREDENTIALS.some((name) => name in headers)) {
    throw new Wrong(`${what}, and the upstream got the credential`, answer);
  }
}

/** The answer must be a refusal with this status and code, or one of these codes. */
export function assertRefused(answer, status, codes, what) {
  if (answer.status < 400) throw new Wrong(what, answer, true);
  assertStatus(answer, status, what);
  if (![codes].flat().includes(codeOf(answer))) throw new Wrong(what, answer);
}

/** The code of a problem. */
function codeOf(answer) {
  const isProblem = answer.headers["content-type"] === "application/problem+json";
  return isProblem ? answer.json().code : undefined;
}
