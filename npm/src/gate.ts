// A gate: gathers the facts of a request, asks the core, does what the verdict says.
//
// A request whose record is at hand crosses into WebAssembly once and waits for nothing. All else
// reads the store, within a deadline.

import { withHeaders } from "../../src/shell/confined.js";
import { guarded } from "../../src/shell/guarded.js";
import { unavailable } from "../../src/shell/unavailable.js";
import { valueOf } from "../../src/shell/verdict.js";
import { assets } from "./assets.js";
import { type Allow, type Answer, GateCore, type GateVerdict } from "./core.js";
import { type Facts, factsOf } from "./facts.js";
import { variablesOf } from "./options.js";
import { Records } from "./records.js";
import { StoredTokens } from "./tokens.js";
import type {
  Allowed,
  Decision,
  Gate,
  GateOptions,
  GateRequest,
  Identity,
  Refused,
  RequestContext,
  Tokens,
} from "./types.js";

/** Milliseconds within which a request is decided, the store included. */
const DEADLINE = 10_000;

/** Rounds of read-and-ask-again before a request is given up. */
const MAX_ROUNDS = 8;

/** Makes a gate over a store. A mistake in the options is thrown at once, and names the option. */
export function createGate(options: GateOptions): Gate {
  return new StoreGate(options);
}

class StoreGate implements Gate {
  readonly tokens: Tokens;
  readonly #core: GateCore;
  readonly #records: Records;

  constructor(options: GateOptions) {
    const { store, origin, variables } = variablesOf(options);
    this.#records = new Records(store);
    this.#core = new GateCore(variables);
    this.tokens = new StoredTokens(this.#core, this.#records, origin);
  }

  async check(request: GateRequest, context?: RequestContext): Promise<Decision> {
    try {
      const facts = factsOf(request, context, this.#core);
      const verdict = this.#core.check(facts.packed, Date.now());
      if (verdict.do === "allow") return new Admission(verdict, facts, this.#core);
      if (verdict.do === "answer") return refused(verdict, request);
      return await this.#settled(verdict, facts);
    } catch (error) {
      log(error);
      return { allowed: false, response: unavailable() };
    }
  }

  async enter(request: GateRequest, context?: RequestContext): Promise<Response> {
    const decision = await this.check(request, context);
    return decision.allowed ? new Response(null, { status: 404 }) : decision.response;
  }

  /** Reads and asks until there is a decision or time is up. */
  async #settled(verdict: GateVerdict, facts: Facts): Promise<Decision> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the store did not answer in time")), DEADLINE);
    });
    try {
      return await Promise.race([this.#settle(verdict, facts), late]);
    } catch (error) {
      log(error);
      return refused(this.#core.refuse(facts.packed), facts.request);
    } finally {
      clearTimeout(timer);
    }
  }

  async #settle(verdict: GateVerdict, facts: Facts): Promise<Decision> {
    const core = this.#core;
    // What the store said in answer to this very request.
    const read = new Map<string, string | null>();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      switch (verdict.do) {
        case "allow":
          return new Admission(verdict, facts, core);
        case "answer":
          return refused(verdict, facts.request);
        case "asset":
          return asset(verdict.path, facts.request);
        case "read": {
          // What the store answers is as old as the question.
          const now = Date.now();
          await Promise.all(verdict.keys.map((key) => this.#learn(key, read, now)));
          verdict = core.check(facts.packed, now);
          break;
        }
        case "ask": {
          const { class: key, name, command } = verdict;
          if (!read.has(key)) read.set(key, await this.#records.get(key));
          const value = read.get(key) ?? undefined;
          verdict = core.check(facts.packed, Date.now(), `${name}\n${command}`, value);
          // Only the ledger knows what is asked of a record of the Worker's, but for a refusal: that a
          // token is another workspace's, too.
          const isRefused = verdict.do === "answer" && verdict.status >= 400;
          if (value !== undefined && !isRefused && !this.#records.isAtomic) {
            throw new Error(NOT_STRICT);
          }
          break;
        }
        case "enter":
          verdict = await this.#enter(verdict.path, facts);
          break;
      }
    }
    throw new Error("the store gave no answer that decides");
  }

  async #learn(key: string, read: Map<string, string | null>, now: number): Promise<void> {
    const value = await this.#records.get(key);
    read.set(key, value);
    this.#core.learn(key, value, now);
  }

  /** Opens a session by the record as it is now; a token for single use is used up before. */
  async #enter(key: string, facts: Facts): Promise<GateVerdict> {
    const now = Date.now();
    const before = await this.#records.get(key);
    this.#core.learn(key, before, now);
    const entered = this.#core.enter(facts.packed, now);
    if (entered.do !== "open") return entered;
    const { usedUp, answer } = entered;
    if (!usedUp) return answer;
    if (before === null) throw new Error("the record went while it was used up");
    const { value, expires } = usedUp;
    const replaced = await this.#records.replace(key, before, value, expires);
    this.#core.learn(key, replaced ? value : await this.#records.get(key), Date.now());
    return replaced ? answer : this.#core.check(facts.packed, Date.now());
  }
}

const NOT_STRICT = "the token is strict, and the store's reads may be old";

/** A request that may pass. What of it nobody looks at costs nothing. */
class Admission implements Allowed {
  readonly allowed = true;
  readonly #verdict: Allow;
  readonly #facts: Facts;
  readonly #core: GateCore;
  #identity: Identity | null | undefined;
  #headers: Headers | undefined;

  constructor(verdict: Allow, facts: Facts, core: GateCore) {
    this.#verdict = verdict;
    this.#facts = facts;
    this.#core = core;
  }

  get url(): string {
    return this.#verdict.url;
  }

  get identity(): Identity | null {
    if (this.#identity === undefined) this.#identity = identityOf(this.#verdict.set);
    return this.#identity;
  }

  get headers(): Headers {
    return (this.#headers ??= this.#changed());
  }

  guard(response: Response): Response {
    // An answer that opens a socket cannot be made again, except in Workers.
    if (response.status === 101 && !(response as Upgraded).webSocket) return response;
    const { place } = this.#verdict;
    const confined = place ? withHeaders(response, place, this.#core) : response;
    return guarded(confined, this.#verdict);
  }

  #changed(): Headers {
    const { address } = this.#facts;
    const { remove, set } = this.#verdict;
    const headers = new Headers(this.#facts.headers);
    for (const name of remove) headers.delete(name);
    if (headers.get(CLIENT_ADDRESS) !== address) headers.delete(CLIENT_ADDRESS);
    for (let at = 0; at < set.length; at += 2) headers.set(set[at] ?? "", set[at + 1] ?? "");
    return headers;
  }
}

/** An answer in Workers: it may have the other end of a socket. */
interface Upgraded extends Response {
  readonly webSocket?: object | null;
}

/** The header in which Cloudflare says where a request comes from. */
const CLIENT_ADDRESS = "cf-connecting-ip";

/** Whose request it is, by the headers that say so to the app. */
function identityOf(set: readonly string[]): Identity | null {
  const text = (name: string): string | undefined => {
    const value = valueOf(set, `gatepass-${name}`);
    return value?.includes("%") ? decodeURIComponent(value) : value;
  };
  const [id, tokenId, workspace] = [text("user"), text("token-id"), text("workspace")];
  if (id === undefined || tokenId === undefined || workspace === undefined) return null;
  const [app, sessionId] = [text("app"), text("session-id")];
  const user = { id, email: text("email") ?? null };
  const scopes = valueOf(set, "gatepass-scopes")?.split(" ").filter(Boolean) ?? [];
  const identity = { tokenId, user, workspace, scopes };
  if (app === undefined || sessionId === undefined) return { kind: "pat", ...identity };
  return { kind: "embed", ...identity, app, sessionId };
}

function refused({ status, headers, body }: Answer, { method }: GateRequest): Refused {
  const bodiless = method === "HEAD" || body === "";
  return { allowed: false, response: new Response(bodiless ? null : body, { status, headers }) };
}

/** A file of the pages in a frame. */
function asset(path: string, { method }: GateRequest): Refused {
  const [type, text] = assets[path] ?? ["text/plain", ""];
  const headers = {
    "cache-control": "public, max-age=3600",
    "content-type": `${type};charset=utf-8`,
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return { allowed: false, response: new Response(method === "HEAD" ? null : text, { headers }) };
}

/** One structured line, for whoever runs the gate: why it stays shut. */
function log(error: unknown): void {
  const { name, message, cause } =
    error instanceof Error ? error : new Error("what was thrown is no error");
  const reason =
    cause instanceof Error ? `${cause.name}: ${cause.message}`.slice(0, 200) : undefined;
  console.error(JSON.stringify({ gatepass: "shut", error: name, message, reason }));
}
