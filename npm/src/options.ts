// The options of a gate, as the core reads them: by the names that the Worker's variables have.

import { GatepassError, option } from "./errors.js";
import type { Store } from "./store.js";
import type { GateOptions } from "./types.js";

/** The store, the gate's own origin, and all else as JSON. */
export function variablesOf(options: GateOptions): {
  store: Store;
  origin: string;
  variables: string;
} {
  if (typeof options !== "object" || options === null) {
    throw new GatepassError("config_invalid", "must be an object with a store", "options");
  }
  const { store, origin = "https://localhost", ...others } = options;
  for (const name of ["get", "put", "list"] as const) {
    if (typeof store?.[name] !== "function") {
      throw new GatepassError(
        "config_invalid",
        `must have the function ${name}: call what makes it, and await it if need be`,
        "store",
      );
    }
  }
  if (options.origin !== undefined && !options.development) {
    const sentence = "is for development: elsewhere embeds are at https";
    throw new GatepassError("config_invalid", sentence, "origin");
  }
  if (options.consistency === "strict" && !store.replace) {
    const sentence = "cannot be strict with a store whose reads may be old";
    throw new GatepassError("config_invalid", sentence, "consistency");
  }
  const given = Object.entries(others).filter(([, value]) => value !== undefined);
  const named = given.map(([name, value]) => [variable(name), value]);
  return {
    store,
    origin: serialised(origin),
    variables: JSON.stringify(Object.fromEntries(named), whole),
  };
}

/** JSON leaves out what it has no word for: scopes that are not there by mistake would open a route. */
function whole(name: string, value: unknown): unknown {
  if (!["undefined", "function", "symbol"].includes(typeof value)) return value;
  const sentence = `is ${typeof value}; give it a value, or leave it out`;
  throw new GatepassError("config_invalid", sentence, option(name));
}

function serialised(origin: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url?.origin !== origin || !/^https?:/.test(origin)) {
    const sentence = "must be an origin such as https://app.example, without a path";
    throw new GatepassError("config_invalid", sentence, "origin");
  }
  return origin;
}

/** `sessionKeys` is `SESSION_KEYS`. */
const variable = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
