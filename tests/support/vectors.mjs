// The vectors of tests/vectors, as its README.md says that they are read: what is left out filled in,
// and what stands for something put in its place.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);

/** The files of vectors for a gate. */
export const GATE_FILES = [
  "credentials",
  "records",
  "routes",
  "forwarding",
  "entries",
  "entry-refusals",
  "places",
  "place-refusals",
  "answers",
];

const textOf = (name) => readFileSync(new URL(`tests/vectors/${name}.json`, ROOT), "utf8");

export const given = JSON.parse(textOf("given"));

/** What stands in braces in the other files, by the name that it has there. */
const TEXTS = new Map([
  ...Object.entries(given.texts),
  ...Object.entries(given.tokens).flatMap(([name, { token }]) => [
    [name, token],
    [`key of ${name}`, keyOf(token)],
  ]),
]);

const read = (name) =>
  JSON.parse(textOf(name).replace(/\{([^{}"]+)\}/g, (braces, text) => TEXTS.get(text) ?? braces));

/** All of them, by subject; those for a gate are one list. */
export function readVectors() {
  const subjects = ["tokens", "digests", "challenges", "sessions"];
  const [tokens, digests, challenges, sessions] = subjects.map(read);
  const gates = GATE_FILES.flatMap(readGates);
  return { tokens, digests, challenges, sessions, store: STORE, gates };
}

/** The vectors of one file for a gate, whole. */
export function readGates(file) {
  const { options: usual, vectors } = read(file);
  return vectors.map((vector) => {
    const { name, expect, options = usual, now = given.now, not = [], ...rest } = vector;
    const { method = "GET", by, ...asked } = vector.request;
    const request = { ...asked, method, headers: { ...given.by[by], ...asked.headers } };
    return {
      ...{ name: `${file}: ${name}`, file, not, now, options: given.options[options] },
      store: asTexts(rest.store ?? {}),
      request: { ...request, headers: Object.entries(request.headers) },
      expect: expected(expect, request, given.by[by]),
      reads: rest.reads,
      after: rest.after && Object.entries(rest.after),
      answer: rest.answer,
    };
  });
}

/** What is stored under a token's digest; a `null` takes a field of the usual record out. */
function recordOf({ token, id, record }) {
  const usual = given.records[token.startsWith("pat_embed_") ? "embed" : "pat"];
  return without({ ...usual, id, ...record });
}

/** The key of a token's record. */
function keyOf(token) {
  return `t/${digestOf(token)}`;
}

function digestOf(token) {
  return createHash("sha256").update(token).digest("hex");
}

/** What every store holds, where a vector says nothing else. */
export const STORE = [
  ...Object.values(given.tokens).flatMap((token) =>
    token.id ? [[keyOf(token.token), JSON.stringify(recordOf(token))]] : [],
  ),
  ...asTexts(given.places),
];

/** What must come of a request; `seen`: headers of it that the app sees anyway. */
function expected(expect, request, seen) {
  const [kind] = Object.keys(expect);
  const what = expect[kind];
  if (kind === "allowed") return allowed(what, expect, request, seen);
  const origins = (what.origins ?? []).map((origin) => ` ${origin}`).join("");
  const usual = given.headers[kind === "answer" && what.origins ? "framed" : kind];
  const filled = (value) =>
    value.session ? cookieOf(value.session) : value.replace("{origins}", origins);
  const headers = Object.entries({ ...usual, ...expect.headers }).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, filled(value)]),
  );
  const body = request.method === "HEAD" ? "" : bodyOf(kind, what);
  return { allowed: false, status: what.status ?? 200, headers, body };
}

/** A new session's cookie: its name, what is in it, and its attributes. The id is told in part. */
function cookieOf({ of, app, place, lasts }) {
  const { user, workspace } = given.ada;
  const { id, attributes } = given.session;
  const digest = digestOf(given.tokens[of].token);
  const issued = given.now / 1000;
  const session = { id, workspace, user, app, place, digest, issued, expires: issued + lasts };
  const cookie = `__Host-gp-${place}`;
  return { cookie, session, attributes: attributes.replace("{lasts}", lasts) };
}

function allowed(name, expect, request, seen) {
  const { url = request.url, headers, as: here } = expect;
  const { host, proto } = /^(?<proto>https?):\/\/(?<host>[^/]+)/.exec(request.url).groups;
  const connection = { "x-forwarded-host": host, "x-forwarded-proto": proto };
  if (name === null) {
    const all = Object.entries({ ...connection, ...seen, ...headers });
    return { allowed: true, identity: null, url, headers: all };
  }
  const { id, as, headers: encoded } = given.tokens[name];
  const { user, email, workspace, scopes, app, sessionId } = { ...given.ada, ...as, ...here };
  const identity = {
    ...{ kind: app ? "embed" : "pat", tokenId: id, user: { id: user, email }, workspace, scopes },
    ...(app && { app, sessionId }),
  };
  const told = without({
    ...{ "gatepass-user": user, "gatepass-email": email, "gatepass-workspace": workspace },
    ...{ "gatepass-token-id": id, "gatepass-scopes": scopes.join(" ") },
    ...(app && { "gatepass-app": app, "gatepass-session-id": sessionId }),
    ...encoded,
  });
  const all = Object.entries({ ...connection, ...seen, ...told, ...headers });
  return { allowed: true, identity, url, headers: all };
}

function bodyOf(kind, what) {
  switch (kind) {
    case "problem": {
      const { status, code, detail } = what;
      return JSON.stringify({ title: TITLES[status], status, code, detail });
    }
    case "page": {
      const [title, text] = given.says[what.says];
      const button = what.code === "cookies_blocked" ? given.button : "";
      const audience = (what.origins ?? []).join(" ");
      const parts = { code: what.code, audience, title, text, button };
      return given.page.replace(/\{(\w+)\}/g, (_, part) => parts[part]);
    }
    case "file":
      return readFileSync(new URL(what, ROOT), "utf8");
    default:
      return what.body ?? "";
  }
}

/** RFC 9110 §15. */
const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
};

/** Fields without those that are null. */
function without(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** The entries of a store; what is no text and not null, as its JSON. */
function asTexts(entries) {
  return Object.entries(entries).map(([key, value]) => [
    key,
    value === null || typeof value === "string" ? value : JSON.stringify(value),
  ]);
}
