// Decides what needs more than is at hand: reads KV, asks authorities, has identities and
// signatures verified, carries management requests out; within a deadline.

import { logFault, saidBy } from "./log.js";

/** Milliseconds within which a request is decided, storage included. */
const DEADLINE = 10_000;

/** Rounds of read-and-ask-again before a request is given up. */
const MAX_ROUNDS = 8;

/** Bytes that a management request's body may have. */
const MAX_BODY = 65_536;

/** Seconds for which KV may answer from its cache; it takes no less. */
const KV_CACHE_TTL = 30;

/** When a request must be decided. The runtime ends the timer with the request. */
export class Deadline {
  /** The binding that was asked last. */
  asked;
  passed = false;
  #request;
  moment = new Promise((resolve) => setTimeout(resolve, DEADLINE)).then(() => {
    this.passed = true;
  });

  constructor(request) {
    this.#request = request;
  }

  /** What comes of something, if that is in time. */
  async keep(work) {
    const made = await Promise.race([work, this.moment]);
    if (made) return made;
    const [request, binding] = [this.#request, this.asked];
    if (binding) logFault("deadline_passed", { request, binding });
    throw new StoreUnavailable();
  }

  /** What the fault of the binding that was asked is to the request. */
  failed(error) {
    const [request, binding] = [this.#request, this.asked];
    logFault("store_failed", { request, error, binding, message: saidBy(error) });
    return new StoreUnavailable();
  }

  /** A store answered what the core cannot read, if its verdict is that. */
  noteUnreadable({ status }) {
    if (status === 503) {
      logFault("store_unreadable", { request: this.#request, binding: this.asked });
    }
  }
}

/** Turns a verdict that asks for something into one that decides. */
export async function decide(request, verdict, now, facts, { gate, env, ctx, deadline }) {
  let body;
  let reply;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (deadline.passed) throw new StoreUnavailable();
    switch (verdict.do) {
      case "allow":
      case "answer":
      case "asset":
        return verdict;
      case "read":
        // What KV answers is as old as the question.
        now = Date.now();
        deadline.asked = "RECORDS";
        await Promise.all(verdict.keys.map((key) => read(key, now, gate, env, deadline)));
        reply = undefined;
        break;
      case "ask":
        if (!(await withinBudgets(verdict.budgets, env, deadline))) {
          return gate.refuse(facts, "rate_limited");
        }
        reply = `${verdict.name}\n${verdict.command}\n${await ask(verdict, env, deadline)}`;
        now = Date.now();
        break;
      case "identify": {
        const claims = await gate.identity.verify(verdict.jwt, ctx);
        if (!claims) return gate.refuse(facts, "identity_refused");
        facts += vouched("identity", JSON.stringify(claims));
        now = Date.now();
        break;
      }
      case "report":
        body = await readBody(request, deadline);
        if (body === null) return gate.refuse(facts, "content_too_large");
        if (!(await isSigned(request, body, gate, ctx)))
          return gate.refuse(facts, "signature_refused");
        facts += vouched("signed", "github");
        now = Date.now();
        break;
      case "manage": {
        const management = gate.management(facts + detailsOf(request), reply, now);
        body ??= await readBody(request, deadline);
        if (body === null) return gate.refuse(facts, "content_too_large");
        return await manage(management, body, gate, env, deadline);
      }
    }
    verdict = gate.check(facts, reply, now);
    deadline.noteUnreadable(verdict);
  }
  throw new StoreUnavailable();
}

/** What the facts hold of what was verified: no header can have such a name. */
const vouched = (name, value) => `\n@${name}:${value}`;

/** Whether a report of leaked tokens is signed by who may. */
async function isSigned({ headers }, body, gate, ctx) {
  if (typeof body !== "string") return false;
  const keyId = headers.get("github-public-key-identifier");
  const signature = headers.get("github-public-key-signature");
  return gate.leakReports.verify(new TextEncoder().encode(body), keyId, signature, ctx);
}

/** Headers that matter to management alone. */
function detailsOf({ headers }) {
  const lines = ["user-agent", "accept"].map((name) => `\n${name}:${headers.get(name) ?? ""}`);
  return lines.join("");
}

/** Carries out a management request, one reply of an authority at a time. */
async function manage(management, body, gate, env, deadline) {
  management.body(body);
  for (;;) {
    const verdict = gate.step(management);
    if (verdict.do === "answer") {
      management.free();
      deadline.noteUnreadable(verdict);
      return verdict;
    }
    if (deadline.passed) throw new StoreUnavailable();
    management.reply(await ask(verdict, env, deadline));
  }
}

async function read(key, now, gate, env, deadline) {
  try {
    const value = await env.RECORDS.get(key, { cacheTtl: KV_CACHE_TTL });
    gate.learn(key, value ?? undefined, now);
  } catch (error) {
    throw deadline.failed(error);
  }
}

/** Whether every budget still has room; one that cannot tell has none. */
async function withinBudgets(budgets, env, deadline) {
  for (const [limiter, key] of budgets) {
    deadline.asked = limiter;
    try {
      const { success } = await env[limiter].limit({ key });
      if (success !== true) return false;
    } catch (error) {
      throw deadline.failed(error);
    }
  }
  return true;
}

async function ask({ class: binding, name, command }, env, deadline) {
  deadline.asked = binding;
  try {
    const answer = await env[binding]
      .getByName(name)
      .fetch("https://gatepass/", { method: "POST", body: command });
    if (answer.status === 200) return await answer.text();
    await answer.body?.cancel();
    throw new Error(`status ${answer.status}`);
  } catch (error) {
    throw deadline.failed(error);
  }
}

/** The body as text: null where it is too long, undefined where it is not UTF-8. */
async function readBody(request, deadline) {
  if (!request.body) return "";
  // What is late from here on is the client.
  deadline.asked = undefined;
  const reader = request.body.getReader();
  deadline.moment.then(() => reader.cancel().catch(() => {}));
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new StoreUnavailable();
    });
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

/** A store did not answer, or not in time, which is in the log; or the client broke off. */
export class StoreUnavailable extends Error {}
