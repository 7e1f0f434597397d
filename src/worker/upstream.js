// Forwards a request by streaming and passes the answer back.

import { guarded } from "../shell/guarded.js";
import { valueOf } from "../shell/verdict.js";
import { respond } from "./answers.js";
import { logFault } from "./log.js";
import { countRequest } from "./metrics.js";
import { confined } from "./place.js";

/** Milliseconds that the upstream has until the head of its answer. */
const TIMEOUT = 60_000;

/** Does what an `allow` verdict says. */
export async function forward(request, verdict, facts, gate, env) {
  const { method, body } = request;
  if (body && bodiless(method)) return respond(gate.refuse(facts, "body_not_allowed"), request);
  const { set } = verdict;
  const assertion = gate.assertions?.assertion(set, audience(verdict), Date.now());
  if (assertion !== undefined) {
    try {
      const text = typeof assertion === "string" ? assertion : await assertion;
      set.push("gatepass-assertion", text);
    } catch (error) {
      logFault("assertion_failed", { request, error });
      return respond(gate.refuse(facts, "store_unavailable"), request);
    }
  }
  try {
    // The runtime ends a request to the upstream that nobody waits for any more, and the timer
    // with the request that it was set in.
    const late = new Promise((resolve) => setTimeout(resolve, TIMEOUT));
    const response = await Promise.race([send(request, verdict, env), late]);
    if (!response) {
      logFault("upstream_slow", { request });
      return respond(gate.refuse(facts, "upstream_slow"), request);
    }
    if (response.status === 101 && !response.webSocket) throw new UnaskedSwitch();
    const passed = guarded(verdict.place ? confined(response, verdict, gate) : response, verdict);
    countRequest("allowed", response.status, "", valueOf(set, "gatepass-workspace"));
    return passed;
  } catch (error) {
    logFault("upstream_failed", { request, error });
    return respond(gate.refuse(facts, "upstream_unavailable"), request);
  }
}

/** The upstream goes over to a protocol that no client can have asked for (RFC 9110 §15.2.2). */
class UnaskedSwitch extends Error {
  name = "UnaskedSwitch";
}

/** Whom an assertion is for: the origin of the upstream's URL, or the service. */
function audience({ url, service }) {
  return service ? `service:${service}` : url.slice(0, url.indexOf("/", "https://".length));
}

/** Sends it to the upstream. What is left out of `init` costs nothing. */
function send({ method, headers, body }, { url, service, remove, set }, env) {
  const init = { headers: changed(headers, remove, set), redirect: "manual" };
  if (method !== "GET") init.method = method;
  if (body) init.body = body;
  if (service) return env[service].fetch(url, init);
  init.cache = "no-store";
  return fetch(url, init);
}

/** The headers that the upstream gets. */
function changed(received, remove, set) {
  const headers = new Headers(received);
  for (const name of remove) headers.delete(name);
  for (let at = 0; at < set.length; at += 2) headers.set(set[at], set[at + 1]);
  return headers;
}

function bodiless(method) {
  return method === "GET" || method === "HEAD";
}
