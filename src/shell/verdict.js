// Verdicts, as the core writes them.

import { Remembered } from "./remembered.js";

/** How many refusals an isolate remembers, and how long they may be. */
const REFUSALS = { most: 64, longest: 2048 };

/** A verdict from its lines, as src/verdict.rs writes them. */
export function readVerdict(text) {
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
    case "identify":
      return { do: "identify", jwt: lines[1] };
    default:
      return { do: lines[0], path: lines[1] };
  }
}

const refusals = new Remembered(REFUSALS, (text) => readAnswer(text.split("\n")));

function readAnswer(lines) {
  const headers = new Headers();
  const told = {};
  let at = 2;
  for (; lines[at]; at += 2) {
    const [name, value] = [lines[at], lines[at + 1]];
    if (name.startsWith("@")) told[name.slice(1)] = value;
    else headers.append(name, value);
  }
  const body = lines.slice(at + 1).join("\n");
  const status = Number(lines[1]);
  const code = status < 400 ? undefined : CODE.exec(body)?.[1];
  const failed = status === 401 && FAILED.test(code);
  const { refused, used, offer } = told; // for the shell alone
  return { do: "answer", status, headers, body, code, refused, used, offer, failed };
}

/** The code of a refusal, as a problem and as a page. */
const CODE = /(?:"code":|data-code=)"([a-z_]+)"/;

/** Refusals of a credential that is none, or no good any more. */
const FAILED = /^(token_(malformed|unknown|expired|revoked|disabled|used)|kind_mismatch)$/;

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

/** The value of a header in a flat list of names and values. */
export function valueOf(set, name) {
  for (let at = 0; at < set.length; at += 2) if (set[at] === name) return set[at + 1];
  return undefined;
}
