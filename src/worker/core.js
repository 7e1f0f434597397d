// The WebAssembly core, one instance an isolate, behind a few plain functions.

import * as glue from "../../build/gatepass.js";
import wasm from "../../build/gatepass_bg.wasm";
import { Remembered } from "../shell/remembered.js";
import { readVerdict } from "../shell/verdict.js";
import { Assertions } from "./assertion.js";
import { Identity } from "./identity.js";
import { LeakReports } from "./leaks.js";
import { Limits } from "./limits.js";
import { logFault } from "./log.js";
import { configureMetrics } from "./metrics.js";
import { Notes } from "./notes.js";
import { Tables } from "./tables/tables.js";
import { parsed } from "./variables.js";

/** How many names of headers an isolate remembers, and how long they may be. */
const NAMES = { most: 1024, longest: 64 };

let instance;

/** The core, configured from the environment; the same for a whole isolate. */
export function core(env) {
  instance ??= new Core(env);
  return instance;
}

class Core {
  notes = new Notes();
  #authorities = new WeakMap();
  #relevances = new Remembered(NAMES, (name) => guard(() => glue.relevance(name)));

  constructor(env) {
    glue.initSync({ module: wasm });
    const mistake = glue.configure(...environment(env));
    if (mistake) {
      this.mistake = readVerdict(mistake);
      logFault("config_invalid", { message: JSON.parse(this.mistake.body).detail });
    } else {
      this.#equip(env);
    }
    this.answerHeaders = new Set(glue.answer_headers());
    this.urlAttributes = glue.url_attributes();
  }

  /** What the shell itself needs of a configuration that the core found good. */
  #equip(env) {
    const { ASSERTION_KEY: key, IDENTITY: identity, LEAK_KEYS_URL: leakKeys, LIMITS: limits } = env;
    configureMetrics(env);
    if (key) this.assertions = new Assertions(key);
    if (identity) this.identity = new Identity({ algorithms: ["RS256"], ...parsed(identity) });
    if (leakKeys) this.leakReports = new LeakReports(leakKeys);
    this.limits = new Limits(limits ? parsed(limits) : {});
  }

  /** What stands for a client's address where it is counted. */
  counted(address) {
    return guard(() => glue.counted(address));
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
      const tables = new Tables(name, ctx.storage);
      tables.resume();
      authority = { tables, ...guarded(new glue.Authority(name, tables)) };
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
  const names = ["execute", "note", "due", "settle"];
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
