// A gate as Hono's middleware.

import type { Allowed, Gate, Identity } from "./types.js";

/** What the middleware sets: `new Hono<{ Variables: GatepassVariables }>()`. */
export interface GatepassVariables {
  /** Whose request it is; null where the route is public. */
  gatepass: Identity | null;
}

/** What of Hono's context the middleware uses. */
export interface HonoContext {
  readonly req: { raw: Request; header(name: string): string | undefined };
  get res(): Response;
  set res(response: Response | undefined);
  set(name: "gatepass", identity: Identity | null): void;
}

export interface HonoOptions<C extends HonoContext> {
  /**
   * The client's address, as the platform tells it: on Cloudflare
   * `(c) => c.req.header("cf-connecting-ip")`, elsewhere by the adapter's `getConnInfo`. Without it
   * tokens that are bound to addresses are refused.
   */
  address?: (context: C) => string | null | undefined;
}

/**
 * Lets in what the gate lets in; the gate answers all else. Handlers find whose request it is in
 * `c.get("gatepass")`, and see the request without its credential and whatever could deceive them.
 * What they answer leaves as the gate allows. Put it before all that answers or reads the request.
 */
export function gatepass<C extends HonoContext>(
  gate: Pick<Gate, "check">,
  { address }: HonoOptions<C> = {},
): (context: C, next: () => Promise<void>) => Promise<Response | void> {
  return async (context, next) => {
    const decision = await gate.check(context.req.raw, { address: address?.(context) ?? null });
    if (!decision.allowed) return replaced(context, withHeadersOf(context.res, decision.response));
    context.set("gatepass", decision.identity);
    context.req.raw = shown(context.req.raw, decision);
    await next();
    const guarded = decision.guard(context.res);
    if (guarded !== context.res) replaced(context, guarded);
  };
}

/** Puts a response in the place of the context's. Hono would add the old one's headers otherwise. */
function replaced(context: HonoContext, response: Response): Response {
  context.res = undefined;
  return (context.res = response);
}

/** The gate's answer, with what middleware before it has set and it says nothing about. */
function withHeadersOf(earlier: Response, answer: Response): Response {
  for (const [name, value] of earlier.headers) {
    if (name === "set-cookie" || !answer.headers.has(name)) answer.headers.append(name, value);
  }
  return answer;
}

/** The request as the app may see it; the runtime's own object where that can be changed. */
function shown(raw: Request, { url, headers }: Allowed): Request {
  const shakes = UPGRADES_OWN && raw.headers.get("upgrade")?.toLowerCase() === "websocket";
  if (shakes) headers.set("connection", "Upgrade");
  const changed = change(raw.headers, headers);
  if (changed && url === raw.url) return raw;
  if (shakes) return disguised(raw, url, headers);
  if (raw.bodyUsed) return new Request(url, { method: raw.method, headers });
  return new Request(new Request(url, raw), { headers });
}

/** Runtimes that open a WebSocket for no request but the one that they made. */
const UPGRADES_OWN = "Bun" in globalThis || "Deno" in globalThis;

/** Makes headers what the app may see; false where the runtime does not let them change. */
function change(headers: Headers, seen: Headers): boolean {
  try {
    for (const name of [...headers.keys()]) if (!seen.has(name)) headers.delete(name);
    for (const [name, value] of seen) if (headers.get(name) !== value) headers.set(name, value);
    return true;
  } catch {
    return false;
  }
}

/** The runtime's own request of a handshake, which shows what the app may see. */
function disguised(raw: Request, url: string, headers: Headers): Request {
  const { method } = raw;
  return Object.defineProperties(raw, {
    url: { value: url },
    headers: { value: headers },
    clone: { value: () => new Request(url, { method, headers }) },
  });
}
