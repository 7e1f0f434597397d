// Whoever has no good credential, or not any more: nobody of them may get in.

import { makeToken } from "../../tests/support/tokens.mjs";
import { assertRefused, assertStatus, TurnedAway } from "./checks.mjs";
import { anyOf } from "./pool.mjs";
import { knock } from "./programs.mjs";
import { anyAddress } from "./stage.mjs";

/** Hints of unknown tokens: each names a ledger, and those are kept on the disk. */
const HINTS = Array.from({ length: 1_000 }, () => makeToken().slice(4, 8));

const present = (stage, token, address = anyAddress(), target = "/echo/x") =>
  stage.ask({ target, headers: { authorization: `Bearer ${token}`, "cf-connecting-ip": address } });

/** Well-formed, and nobody's: the ledger is asked. */
export async function unknown(stage) {
  const token = makeToken({ hint: anyOf(HINTS) });
  assertRefused(await present(stage, token), 401, "token_unknown", "an unknown token");
}

/** Of another workspace: as an unknown one. */
export async function foreign(stage) {
  const { token } = anyOf(stage.foreign);
  assertRefused(await present(stage, token), 401, "token_unknown", "another workspace's token");
}

const mistyped = (token) => token.slice(0, -1) + (token.endsWith("0") ? "1" : "0");

/** Not a token at all, or none, or two. */
export async function malformed(stage) {
  const { token } = stage.pickPat();
  const [headers, status, code] = anyOf([
    [{ authorization: `Bearer ${mistyped(token)}` }, 401, "token_malformed"],
    [{ "x-api-key": "x".repeat(1 + Math.floor(Math.random() * 2000)) }, 401, "token_malformed"],
    [{}, 401, "token_missing"],
    [{ authorization: `Bearer ${token}`, "x-api-key": token }, 400, "invalid_request"],
  ]);
  const all = { ...headers, "cf-connecting-ip": anyAddress() };
  assertRefused(await stage.ask({ target: "/echo/x", headers: all }), status, code, "no token");
}

export async function expired(stage) {
  const { token } = anyOf(stage.expired);
  assertRefused(await present(stage, token), 401, "token_expired", "an expired token");
}

/** Good, but not for this route. */
export async function withoutScope(stage) {
  const { token } = anyOf(stage.scopeless);
  const answer = await present(stage, token, anyAddress(), "/api/v1/jobs/");
  assertRefused(answer, 403, "scope_insufficient", "a PAT without the scope");
}

/** A PAT where an embed token belongs, and the other way round. */
export async function ofTheOtherKind(stage) {
  const { token } = anyOf(stage.embeds.paths);
  assertRefused(await present(stage, token), 401, "kind_mismatch", "an embed token as PAT");
}

const USED_OR_REVOKED = ["token_used", "token_revoked"];

/** Revoked, disabled or replaced: it may be good until the bound is over, and never after. */
export async function over(stage) {
  const ended = stage.over.pick();
  if (!ended) return unknown(stage);
  const asked = performance.now();
  const mayOpen = !stage.isOver(ended.since);
  const answer = await present(stage, ended.token);
  if (mayOpen && answer.status === 200) return stage.sawOpen(ended.since, asked);
  // Who revokes a successor revokes what it replaced, too.
  const code = ended.code === "token_used" ? USED_OR_REVOKED : ended.code;
  assertRefused(answer, 401, code, "a token that is over");
}

/** The address of somebody who tries and tries. */
const PERSISTENT = "203.0.113.66";

/** Somebody who tries and tries is turned away; who comes from there with a good PAT is not. */
export async function persistent(stage) {
  try {
    const answer = await present(stage, mistyped(stage.pickPat().token), PERSISTENT);
    assertRefused(answer, 401, "token_malformed", "one of many wrong tokens");
  } catch (error) {
    if (!(error instanceof TurnedAway)) throw error;
  }
  const { token } = stage.pickPat();
  assertStatus(await present(stage, token, PERSISTENT), 200, "a good PAT from a bad address");
}

/** A strict PAT's whole life: once it is revoked it opens nothing, at once. */
export async function strictlyRevoked(stage) {
  const user = anyOf(stage.users);
  const { token, id } = await stage.create(user, { strict: true });
  await knock(stage, { token, user }, "a fresh strict PAT");
  assertStatus(await stage.api("DELETE", `/tokens/${id}`), 204, "a revocation");
  assertRefused(await present(stage, token), 401, "token_revoked", "a strict PAT, revoked");
}
