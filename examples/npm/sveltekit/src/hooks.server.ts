import type { Handle } from "@sveltejs/kit/hooks";
import { gate } from "./lib/server/gate";

export const handle: Handle = async ({ event, resolve }) => {
  const { method, headers } = event.request;
  // A page's data is under the page's own rule; for a remote function only the request tells its URL.
  const url = event.isRemoteRequest ? event.request.url : event.url.href;
  const decision = await gate.check(
    { method, url, headers },
    { address: event.getClientAddress() },
  );
  if (!decision.allowed) return decision.response;
  event.locals.gatepass = decision.identity;
  return decision.guard(await resolve(event));
};
