// The Worker: gathers facts, asks the core, does what the verdict says.
//
// A request whose record is at hand crosses into WebAssembly once and awaits
// nothing before the upstream. All else goes through `settle`, bounded by a
// deadline.

import { DurableObject } from "cloudflare:workers";
import { core } from "./core.js";
import { pack } from "./facts.js";
import { flush } from "./outbox.js";
import { forward } from "./upstream.js";

/** Milliseconds within which a request is decided, storage included. */
const DEADLINE = 10_000;

/** Rounds of read-and-ask-again before a request is given up. */
const MAX_ROUNDS = 8;

/** Bytes that a management request's body may have. */
const MAX_BODY = 65_536;

/** Seconds for which KV may answer from its cache; it takes no less. */
const KV_CACHE_TTL = 30;

// An object with nothing but `fetch`: whatever else it had, other Workers could call. A class would
// be made anew for each request.
export default {
  async fetch(request, env) {
    try {
      const gate = core(env);
      if (gate.mistake) return respond(gate.mistake, request);
      const facts = pack(request, gate);
      const now = Date.now();
      const verdict = gate.check(facts, undefined, now);
      if (verdict.do === "answer") return respond(verdict, request);
      return verdict.do === "allow"
        ? await forward(request, verdict, facts, gate, env)
        : await settle(request, verdict, now, facts, gate, env);
    } catch (error) {
      return internal(error);
    }
  },
};

/** The authority for the tokens of the users that share a hint. */
export class Ledger extends DurableObject {
  fetch(request) {
    return execute(core(this.env).authority("Ledger", this.ctx), request);
  }

  alarm() {
    const authority = core(this.env).authority("Ledger", this.ctx);
    return flush(authority, this.env.RECORDS);
  }
}

/** The authority for a workspace's settings and list of users. */
export class Directory extends DurableObject {
  fetch(request) {
    return execute(core(this.env).authority("Directory", this.ctx), request);
  }

  alarm() {
    const authority = core(this.env).authority("Directory", this.ctx);
    return flush(authority, this.env.RECORDS);
  }
}

/** A command to an authority, and its reply. */
async function execute(authority, request) {
  return new Response(authority.execute(await request.text(), Date.now()));
}

/** Reads, asks and carries out until there is an answer or time is up. */
async function settle(request, verdict, now, facts, gate, env) {
  const deadline = new Deadline();
  try {
    const decided = decide(request, verdict, now, facts, gate, env, deadline);
    const settled = await Promise.race([decided, deadline.moment]);
    if (!settled) throw new Late();
    switch (settled.do) {
      case "allow":
        return await forward(request, settled, facts, gate, env);
      case "asset":
        return await asset(request, settled, env);
      default:
        return respond(settled, request);
    }
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) log(error);
    return respond(gate.refuse(facts, "store_unavailable"), request);
  }
}

/** When a request must be decided. The runtime ends the timer with the request. */
class Deadline {
  passed = false;
  moment = new Promise((resolve) => setTimeout(resolve, DEADLINE)).then(() => {
    this.passed = true;
  });
}

/** Turns a verdict that asks for something into one that decides. */
async function decide(request, verdict, now, facts, gate, env, deadline) {
  let reply;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    switch (verdict.do) {
      case "allow":
      case "answer":
      case "asset":
        return verdict;
      case "read":
        // What KV answers is as old as the question.
        now = Date.now();
        await Promise.all(verdict.keys.map((key) => read(key, now, gate, env)));
        reply = undefined;
        break;
      case "ask":
        if (!(await withinBudgets(verdict.budgets, env))) {
          return gate.refuse(facts, "rate_limited");
        }
        reply = `${verdict.name}\n${verdict.command}\n${await ask(verdict, env)}`;
        now = Date.now();
        break;
      case "manage": {
        const management = gate.management(facts, reply, now);
        return await manage(management, request, facts, gate, env, deadline);
      }
    }
    verdict = gate.check(facts, reply, now);
  }
  throw new StoreUnavailable();
}

/** Carries out a management request, one reply of an authority at a time. */
async function manage(management, request, facts, gate, env, deadline) {
  const body = await readBody(request, deadline);
  if (body === null) return gate.refuse(facts, "content_too_large");
  management.body(body);
  for (;;) {
    const verdict = gate.step(management);
    if (verdict.do === "answer") {
      management.free();
      return verdict;
    }
    if (deadline.passed) throw new StoreUnavailable();
    management.reply(await ask(verdict, env));
  }
}

async function read(key, now, gate, env) {
  try {
    const value = await env.RECORDS.get(key, { cacheTtl: KV_CACHE_TTL });
    gate.learn(key, value ?? undefined, now);
  } catch (error) {
    log(error, "RECORDS");
    throw new StoreUnavailable();
  }
}

/** Whether every budget still has room; one that cannot tell has none. */
async function withinBudgets(budgets, env) {
  for (const [limiter, key] of budgets) {
    const { success } = await env[limiter].limit({ key });
    if (success !== true) return false;
  }
  return true;
}

async function ask({ class: binding, name, command }, env) {
  try {
    const answer = await env[binding]
      .getByName(name)
      .fetch("https://gatepass/", { method: "POST", body: command });
    if (answer.status === 200) return await answer.text();
    await answer.body?.cancel();
  } catch (error) {
    log(error, binding);
  }
  throw new StoreUnavailable();
}

/** The body as text: null where it is too long, undefined where it is not UTF-8. */
async function readBody(request, deadline) {
  if (!request.body) return "";
  const reader = request.body.getReader();
  deadline.moment.then(() => reader.cancel().catch(() => {}));
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (deadline.passed) throw new StoreUnavailable();
    if (done) break;
    length += value.byteLength;
    if (length > MAX_BODY) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  try {
    const bytes = await new Blob(chunks).arrayBuffer();
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Headers of every asset: pages of any site may load it. */
const ASSET_HEADERS = {
  "access-control-allow-origin": "*",
  "cache-control": "public, max-age=3600",
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A file of the assets. */
async function asset(request, { path }, env) {
  const { method } = request;
  const ifNoneMatch = request.headers.get("if-none-match");
  const found = await env.ASSETS.fetch(new URL(path, request.url), {
    method,
    headers: ifNoneMatch ? { "if-none-match": ifNoneMatch } : {},
  });
  const answer = new Response(found.body, found);
  for (const [name, value] of Object.entries(ASSET_HEADERS)) answer.headers.set(name, value);
  return answer;
}

/** An answer of Gatepass's own. */
function respond({ status, headers, body }, request) {
  const bodiless = request.method === "HEAD" || body === "";
  return new Response(bodiless ? null : body, { status, headers });
}

/** The last resort, without the core: no detail leaves, whatever happened. */
function internal(error) {
  log(error);
  const detail = "the gate could not decide; try again shortly";
  const body = { title: "Service Unavailable", status: 503, code: "store_unavailable", detail };
  const headers = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "content-type": "application/problem+json",
    "referrer-policy": "no-referrer",
    "retry-after": "5",
    "x-content-type-options": "nosniff",
  };
  return new Response(JSON.stringify(body), { status: 503, headers });
}

/** One structured line. Errors of bindings hold no secret; requests might. */
function log(error, binding) {
  const name = error?.name ?? "Error";
  const message = String(error?.message ?? error).slice(0, 200);
  console.error(JSON.stringify({ error: name, message, binding }));
}

class Late extends Error {}
class StoreUnavailable extends Error {}
