// The facts of a request for the core.

import { pack, serialised } from "../../src/shell/facts.js";
import type { GateCore } from "./core.js";
import type { GateRequest, RequestContext } from "./types.js";

/** A request as the core sees it. */
export interface Facts {
  readonly packed: string;
  readonly request: GateRequest;
  /** The request's, as a standard `Request` has them. */
  readonly headers: Headers;
  /** The client's address; empty: not known. */
  readonly address: string;
}

export function factsOf(
  request: GateRequest,
  context: RequestContext | undefined,
  core: GateCore,
): Facts {
  const { method } = request;
  const address = context?.address ?? "";
  // What HTTP forbids would be another fact; in headers no `Headers` holds it.
  if (method.includes("\n") || address.includes("\n")) throw new TypeError("holds a line feed");
  const [url, headers] = [exact(request.url), headersOf(request)];
  const packed = `${pack({ method, url, headers }, core)}\ncf-connecting-ip:${address}`;
  return { packed, request, headers, address };
}

function headersOf({ headers }: GateRequest): Headers {
  if (headers instanceof Headers) return headers;
  try {
    return new Headers([...headers] as [string, string][]);
  } catch {
    // What the platform says repeats the value, and that may be a token.
    throw new TypeError("the headers are none of HTTP's");
  }
}

/**
 * The URL, if its path is what the URL standard makes of it; else nothing, which the core refuses.
 * Servers such as Deno's and workerd's hand over what the client sent, and routers match that text:
 * `/admin/../public` must not be `/public` here and `/admin/…` there.
 */
function exact(url: string): string {
  const standard = serialised(url);
  return standard === url || pathOf(standard) === pathOf(url) ? standard : "";
}

/** What stands between the host and the query. */
const pathOf = (url: string): string | undefined => /^\w+:\/\/[^/\\?#]*([^?#]*)/.exec(url)?.[1];
