// The facts of a request for the core.

import { pack } from "../../src/shell/facts.js";
import type { GateCore } from "./core.js";
import type { GateRequest, RequestContext } from "./types.js";

/** A request as the core sees it. */
export interface Facts {
  readonly packed: string;
  readonly request: GateRequest;
  /** The client's address; empty: not known. */
  readonly address: string;
}

export function factsOf(
  request: GateRequest,
  context: RequestContext | undefined,
  core: GateCore,
): Facts {
  const address = context?.address ?? "";
  const packed = `${pack(request, core)}\ncf-connecting-ip:${address}`;
  if (!(request instanceof Request)) checkLines(request, address);
  return { packed, request, address };
}

/** What is no standard `Request` might hold what HTTP forbids: a line feed would be another fact. */
function checkLines({ method, url, headers }: GateRequest, address: string): void {
  const texts = [method, url, address, ...[...headers].flat()];
  if (texts.some((text) => text.includes("\n"))) throw new TypeError("a header holds a line feed");
}
