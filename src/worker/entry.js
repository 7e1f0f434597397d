// The Worker: gathers facts, asks the core, does what the verdict says.
//
// A request whose record is at hand crosses into WebAssembly once and awaits
// nothing before the upstream. All else goes through `settle`, bounded by a
// deadline.

import { pack } from "../shell/facts.js";
import { asset, internal, respond } from "./answers.js";
import { core } from "./core.js";
import { Deadline, decide, StoreUnavailable } from "./decide.js";
import { KeysUnavailable } from "./keys-unavailable.js";
import { logFault } from "./log.js";
import { reportMetrics } from "./metrics.js";
import { offered } from "./offer.js";
import { forward } from "./upstream.js";

export { Directory, Ledger } from "./objects.js";
export { Verify } from "./verify.js";

// An object with nothing but `fetch`: whatever else it had, other Workers could call. A class would
// be made anew for each request.
export default {
  async fetch(request, env, ctx) {
    try {
      const gate = core(env);
      if (gate.mistake) return respond(gate.mistake, request);
      const facts = pack(request, gate);
      const now = Date.now();
      reportMetrics(env, ctx, now);
      const verdict = gate.check(facts, undefined, now);
      const context = { gate, env, ctx };
      if (verdict.do === "allow") return await allowed(request, verdict, now, facts, context);
      if (verdict.do === "answer") return answered(request, verdict, now, facts, context);
      return await settle(request, verdict, now, facts, context);
    } catch (error) {
      return internal(error, request);
    }
  },
};

/** Reads, asks and carries out until there is an answer or time is up. */
async function settle(request, verdict, now, facts, context) {
  const deadline = new Deadline(request);
  try {
    const decided = decide(request, verdict, now, facts, { ...context, deadline });
    const settled = await deadline.keep(decided);
    switch (settled.do) {
      case "allow":
        return await allowed(request, settled, Date.now(), facts, context);
      case "asset":
        return await deadline.keep(asset(request, settled, { ...context, deadline }));
      default:
        return answered(request, settled, Date.now(), facts, context);
    }
  } catch (error) {
    if (!isKnown(error)) logFault("gate_failed", { request, error });
    return respond(context.gate.refuse(facts, "store_unavailable"), request);
  }
}

/** Forwards what may pass, within its limits, and lets its ledger know. */
function allowed(request, verdict, now, facts, { gate, env, ctx }) {
  const { limited, headers } = gate.limits.request(verdict.set, now, env, ctx);
  if (limited) return respond(gate.refuse(facts, "requests_limited"), request, headers);
  const note = gate.notes.passed(verdict.set, now);
  if (note) ctx.waitUntil(note.tell(env));
  const response = forward(request, verdict, facts, gate, env);
  return headers ? response.then((response) => extended(response, headers)) : response;
}

/** Answers, and lets the ledger of a known token know that it was refused. */
function answered(request, verdict, now, facts, { gate, env, ctx }) {
  const note = gate.notes.answered(verdict, request, now);
  if (note) ctx.waitUntil(note.tell(env));
  const headers = verdict.failed && failure(verdict, request, now, { gate, env, ctx });
  if (headers) return respond(gate.refuse(facts, "requests_limited"), request, headers);
  return respond(offered(verdict, request, env), request);
}

/** The headers of a refusal where an address has sent too much that is no good. */
function failure(verdict, { headers }, now, { gate, env, ctx }) {
  const address = gate.counted(headers.get("cf-connecting-ip") ?? "");
  return gate.limits.failure(verdict, address, now, env, ctx);
}

/** An upstream's answer with some headers more. */
function extended(response, headers) {
  if (response.webSocket) return response;
  const extended = new Response(response.body, response);
  for (const [name, value] of Object.entries(headers)) extended.headers.set(name, value);
  return extended;
}

/** Whether an error is in the log already. */
function isKnown(error) {
  return error instanceof StoreUnavailable || error instanceof KeysUnavailable;
}
