// The WebAssembly core, one instance an isolate, behind a few plain functions.

import * as glue from "../../build/gatepass.js";
import wasm from "../../build/gatepass_bg.wasm";
import { Remembered } from "./remembered.js";

/** How many names of headers and how many refusals an isolate remembers, and how long they may be. */
const NAMES = { most: 1024, longest: 64 };
const REFUSALS = { most: 64, longest: 2048 };

let instance;

/** The core, configured from the environment; the same for a whole isolate. */
export function core(env) {
  instance ??= new Core(env);
  return instance;
}

class Core {
  #authorities = new WeakMap();
  #relevances = new Remembered(NAMES, (name) => guard(() => glue.relevance(name)));

  constructor(env) {
    glue.initSync({ module: wasm });
    const mistake = glue.configure(...environment(env));
    if (mistake) {
      this.mistake = readVerdict(mistake);
      console.error(this.mistake.body);
    }
    this.answerHeaders = new Set(glue.answer_headers());
    this.urlAttributes = glue.url_attributes();
  }

  /** How much of a header a check needs to know: 0 nothing, 1 its name, 2 its value too. */
  relevance(name) {
    return this.#relevances.get(name);
  }

  /** The verdict for a request at a moment; `reply` answers the question of the last one. */
  check(facts, reply, now) {
    return readVerdict(guard(() => glue.check(facts, reply, now)));
  }

  /** Takes in what KV holds under a key, or held at a moment. */
  learn(key, value, now) {
    guard(() => glue.learn(key, value, now));
  }

  refuse(facts, reason) {
    return readVerdict(guard(() => glue.refuse(facts, reason, Date.now())));
  }

  /** What to change in the headers of an upstream's answer in a place. */
  confine(place, headers) {
    return JSON.parse(guard(() => glue.confine(place, headers)));
  }

  /** The new value of an HTML attribute in a place, if it gets one. */
  rewrite(place, attribute, value) {
    return guard(() => glue.rewrite(place, attribute, value));
  }

  /** Begins what a verdict told to manage; in the same turn as its check, and of the same moment. */
  management(facts, reply, now) {
    const management = guard(() => glue.Management.begin(facts, reply, now));
    if (!management) throw new Error("nothing to manage");
    return management;
  }

  /** The next verdict of a management request. */
  step(management) {
    return readVerdict(guard(() => management.step()));
  }

  /** The Rust half of a Durable Object. */
  authority(name, ctx) {
    let authority = this.#authorities.get(ctx);
    if (!authority) {
      authority = guarded(new glue.Authority(name, ctx));
      this.#authorities.set(ctx, authority);
    }
    return authority;
  }
}

/** A verdict from its lines, as src/verdict.rs writes them. */
function readVerdict(text) {
  // Only a refusal is no secret, and the same for many.
  if (text.startsWith("answer\n4")) return refusals.get(text);
  const lines = text.split("\n");
  switch (lines[0]) {
    case "allow":
      return readForward(lines);
    case "answer":
      return readAnswer(lines);
    case "read":
      return { do: "read", keys: lines.slice(1) };
    case "ask": {
      const [, binding, name, command, ...rest] = lines;
      const budgets = [];
      for (let at = 0; at < rest.length; at += 2) budgets.push([rest[at], rest[at + 1]]);
      return { do: "ask", class: binding, name, command, budgets };
    }
    default:
      return { do: lines[0], path: lines[1] };
  }
}

const refusals = new Remembered(REFUSALS, (text) => readAnswer(text.split("\n")));

function readAnswer(lines) {
  const headers = new Headers();
  let at = 2;
  for (; lines[at]; at += 2) headers.append(lines[at], lines[at + 1]);
  const body = lines.slice(at + 1).join("\n");
  return { do: "answer", status: Number(lines[1]), headers, body };
}

function readForward(lines) {
  const [, url, service, cors, flags, removed] = lines;
  let at = FIRST_SET;
  while (lines[at]) at += 2;
  return {
    do: "allow",
    url,
    service,
    cors,
    isPrivate: flags.includes("p"),
    hideReferrer: flags.includes("h"),
    rewrites: flags.includes("r"),
    remove: removed && removed.split(","),
    set: lines.slice(FIRST_SET, at),
    place: lines[at + 1] && lines.slice(at + 1).join("\n"),
  };
}

/** The line of an `allow` at which the headers to set begin. */
const FIRST_SET = 6;

/**
 * After a trap the instance's memory cannot be trusted: the next request gets a new one. Objects
 * of the old one refuse to be used, and are never freed into the new one.
 */
function guard(call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      instance = undefined;
      glue.__wbg_reset_state();
    }
    throw error;
  }
}

/** An authority whose methods are guarded. */
function guarded(authority) {
  const names = ["execute", "begin", "due", "settle", "end"];
  return Object.fromEntries(
    names.map((name) => [name, (...given) => guard(() => authority[name](...given))]),
  );
}

/** The variables as JSON, and the names of the bindings. */
function environment(env) {
  const variables = {};
  const bindings = [];
  for (const [name, value] of Object.entries(env)) {
    if (isVariable(value)) variables[name] = value;
    else bindings.push(name);
  }
  return [JSON.stringify(variables), bindings];
}

function isVariable(value) {
  if (value === null || typeof value !== "object") return true;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
