// A gate as Express's middleware.

import { serialised } from "../../src/shell/facts.js";
import type { Allowed, Gate, GateRequest, Identity } from "./types.js";

declare global {
  namespace Express {
    interface Request {
      /** Whose request it is; null where the route is public. */
      gatepass?: Identity | null | undefined;
    }
  }
}

/** What of Express's request the middleware uses. */
export interface ExpressRequest {
  readonly method: string;
  readonly protocol: string;
  readonly host: string;
  readonly ip?: string | undefined;
  originalUrl: string;
  url: string;
  headers: { [name: string]: string | string[] | undefined };
  headersDistinct: { [name: string]: string[] | undefined };
  rawHeaders: string[];
  gatepass?: Identity | null | undefined;
}

/** What of Express's response the middleware uses. */
export interface ExpressResponse {
  statusCode: number;
  readonly headersSent: boolean;
  getHeaders(): { [name: string]: number | string | string[] | undefined };
  setHeader(name: string, value: number | string | string[]): unknown;
  appendHeader(name: string, value: string | string[]): unknown;
  removeHeader(name: string): void;
  writeHead(status: number, ...rest: unknown[]): unknown;
  end(body: Uint8Array): unknown;
}

export interface ExpressOptions<R extends ExpressRequest> {
  /**
   * The client's address. Default: `req.ip`, which is the peer's, or what proxies say that Express's
   * setting `trust proxy` names.
   */
  address?: (request: R) => string | null | undefined;
}

/**
 * Lets in what the gate lets in; the gate answers all else. Handlers find whose request it is in
 * `req.gatepass`, and see the request without its credential and whatever could deceive them. What
 * they answer leaves as the gate allows. Put it before all that answers or reads the request.
 *
 * Rules are for the URL as the client sent it, wherever the middleware is mounted. Scheme, host and
 * address are those that Express believes (`trust proxy`).
 */
export function gatepass<R extends ExpressRequest>(
  gate: Pick<Gate, "check">,
  { address = ({ ip }) => ip }: ExpressOptions<R> = {},
): (request: R, response: ExpressResponse, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    const asked = asSent(request);
    const decision = await gate.check(asked, { address: address(request) ?? null });
    if (!decision.allowed) return answer(response, decision.response);
    request.gatepass = decision.identity;
    showHeaders(request, asked.headers, decision.headers);
    if (decision.url !== serialised(asked.url)) showQuery(request, decision.url);
    guardHead(response, decision);
    next();
  };
}

/** A request as it was sent: Node keeps of some headers the first only. */
interface Sent extends GateRequest {
  readonly headers: Map<string, string>;
}

function asSent({
  method,
  protocol,
  host,
  originalUrl,
  headers,
  rawHeaders,
}: ExpressRequest): Sent {
  const sent = new Map<string, string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    const [value, before] = [rawHeaders[at + 1] ?? "", sent.get(name)];
    const separator = name === "cookie" ? "; " : ", ";
    sent.set(name, before === undefined ? value : before + separator + value);
  }
  const clear =
    SCHEME.test(protocol) &&
    HOST.test(host) &&
    TARGET.test(originalUrl) &&
    sent.get("host") === headers["host"];
  // The core refuses what has no URL.
  return { method, url: clear ? `${protocol}://${host}${originalUrl}` : "", headers: sent };
}

const SCHEME = /^https?$/;
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i;
/** A path and a query (RFC 9112 §3.2.1). What begins with two slashes many read as a host. */
const TARGET = /^\/(?!\/)[^#]*$/;

/** The gate's answer, with what middleware before it has set and it says nothing about. */
async function answer(
  response: ExpressResponse,
  { status, headers, body }: Response,
): Promise<void> {
  response.statusCode = status;
  for (const [name, value] of headers) {
    if (name === "set-cookie") response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  response.end(new Uint8Array(await new Response(body).arrayBuffer()));
}

/** Makes the request's headers, in all three forms that Node has for them, what the app may see. */
function showHeaders(request: ExpressRequest, sent: Map<string, string>, seen: Headers): void {
  const { headers, headersDistinct, rawHeaders } = request;
  const changed = new Set<string>();
  for (const [name, value] of sent) {
    if (seen.get(name) !== value && name !== FRAMING) changed.add(name);
  }
  for (const name of seen.keys()) if (!sent.has(name)) changed.add(name);
  const raw = rawHeaders.filter((_, at) => !changed.has(rawHeaders[at & ~1]?.toLowerCase() ?? ""));
  for (const name of changed) {
    const value = seen.get(name);
    delete headers[name];
    delete headersDistinct[name];
    if (value === null) continue;
    headers[name] = value;
    headersDistinct[name] = [value];
    raw.push(name, value);
  }
  request.rawHeaders = raw;
}

/** Body parsers look for it to tell whether there is a body: this is where the connection ends. */
const FRAMING = "transfer-encoding";

function showQuery(request: ExpressRequest, url: string): void {
  const { search } = new URL(url);
  const withQuery = (target: string): string => target.replace(/\?.*$/s, "") + search;
  request.url = withQuery(request.url);
  request.originalUrl = withQuery(request.originalUrl);
}

/** Guards the answer's headers when they are all there: as its head is written. */
function guardHead(response: ExpressResponse, decision: Allowed): void {
  const { writeHead } = response;
  response.writeHead = (status, ...rest) => {
    if (response.headersSent) return writeHead.call(response, status, ...rest);
    const reason = typeof rest[0] === "string" ? rest.slice(0, 1) : [];
    const given = rest[1] ?? (reason.length ? undefined : rest[0]);
    for (const [name, values] of listed(given)) response.setHeader(name, values);
    guardHeaders(response, decision);
    return writeHead.call(response, status, ...reason);
  };
}

/** The headers that `writeHead` takes: an object, a list of pairs, or names and values in turn. */
function listed(given: unknown): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const [name, value] of pairs(given)) {
    const key = String(name).toLowerCase();
    lists.set(key, [...(lists.get(key) ?? []), ...[value].flat().map(String)]);
  }
  return lists;
}

function pairs(given: unknown): unknown[][] {
  if (!Array.isArray(given)) return Object.entries(given ?? {});
  if (Array.isArray(given[0])) return given;
  return given.flatMap((name, at) => (at % 2 ? [] : [[name, given[at + 1]]]));
}

function guardHeaders(response: ExpressResponse, decision: Allowed): void {
  const before = new Headers();
  for (const [name, values] of Object.entries(response.getHeaders())) {
    for (const value of [values].flat()) before.append(name, String(value));
  }
  const { headers: after } = decision.guard(new Response(null, { headers: before }));
  for (const name of before.keys()) if (!after.has(name)) response.removeHeader(name);
  for (const [name, value] of after) {
    if (name === "set-cookie") response.setHeader(name, after.getSetCookie());
    else if (before.get(name) !== value) response.setHeader(name, value);
  }
}
