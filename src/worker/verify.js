// What other Workers may call, by a service binding to the entrypoint `Verify`.

import { WorkerEntrypoint } from "cloudflare:workers";
import { core } from "./core.js";
import { Deadline, decide, StoreUnavailable } from "./decide.js";
import { logFault } from "./log.js";

/** What a text of a question may be: it becomes a line of the facts. */
const PLAIN = /^[\x20-\x7e]{0,4096}$/;
const SCOPE = /^[\x21-\x7e]{1,64}$/;

/** How many scopes a token can have. */
const MAX_SCOPES = 50;

export class Verify extends WorkerEntrypoint {
  /**
   * Whether a presented token is a good PAT, has the `scopes`, and is for the `app`; `address` is its
   * client's, for tokens that are bound to some. Answers `{active: true, sub, scope, …}` as
   * introspection does (RFC 7662 §2.2), or `{active: false, code}`. An option that is not known, or
   * not of its type, is `invalid_request`: nobody is let in by a mistake.
   */
  async verify(token, options = {}) {
    try {
      const facts = factsOf(token, options);
      if (!facts) return { active: false, code: "invalid_request" };
      return await verified(facts, this.env, this.ctx);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) logFault("gate_failed", { error });
      return { active: false, code: "store_unavailable" };
    }
  }
}

/** The facts of a question; undefined where it is none. */
function factsOf(token, options) {
  if (options === null || Object.getPrototypeOf(options) !== Object.prototype) return undefined;
  const { scopes, app, address, ...others } = { scopes: [], app: "", address: "", ...options };
  if (Object.keys(others).length > 0 || !isListOfScopes(scopes)) return undefined;
  if (![token, app, address].every((text) => is(text, PLAIN))) return undefined;
  return [
    ...["@verify", "https://gatepass/", `authorization:Bearer ${token}`],
    ...[`@scopes:${scopes.join(" ")}`, `@app:${app}`, `cf-connecting-ip:${address}`],
  ].join("\n");
}

/** A list may have holes, which `every` would not look at. */
function isListOfScopes(scopes) {
  if (!Array.isArray(scopes) || scopes.length > MAX_SCOPES) return false;
  return [...scopes].every((scope) => is(scope, SCOPE));
}

const is = (text, pattern) => typeof text === "string" && pattern.test(text);

async function verified(facts, env, ctx) {
  const gate = core(env);
  if (gate.mistake) return { active: false, code: "config_invalid" };
  const now = Date.now();
  const deadline = new Deadline(undefined);
  const context = { gate, env, ctx, deadline };
  const decided = decide(undefined, gate.check(facts, undefined, now), now, facts, context);
  const verdict = await deadline.keep(decided);
  const note = gate.notes.answered(verdict, { headers: new Headers() }, now);
  if (note) ctx.waitUntil(note.tell(env));
  const answer = JSON.parse(verdict.body);
  return verdict.status === 200 ? answer : { active: false, code: answer.code };
}
