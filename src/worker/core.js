// The WebAssembly core, one instance an isolate, behind a few plain functions.

import * as glue from "../../build/gatepass.js";
import wasm from "../../build/gatepass_bg.wasm";

let instance;

/** The core, configured from the environment; the same for a whole isolate. */
export function core(env) {
  instance ??= new Core(env);
  return instance;
}

class Core {
  #authorities = new WeakMap();

  constructor(env) {
    glue.initSync({ module: wasm });
    const mistake = glue.configure(...environment(env));
    if (mistake) {
      this.mistake = JSON.parse(mistake);
      console.error(this.mistake.body);
    }
    this.readHeaders = new Set(glue.read_headers());
    this.answerHeaders = new Set(glue.answer_headers());
    this.urlAttributes = glue.url_attributes();
  }

  /** The verdict for a request at a moment; `reply` answers the question of the last one. */
  check(facts, reply, now) {
    return JSON.parse(guard(() => glue.check(facts, reply, now)));
  }

  learn(key, value) {
    guard(() => glue.learn(key, value, Date.now()));
  }

  refuse(facts, reason) {
    return JSON.parse(guard(() => glue.refuse(facts, reason, Date.now())));
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
    return JSON.parse(guard(() => management.step()));
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
