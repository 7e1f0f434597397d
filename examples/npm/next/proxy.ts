import { type NextRequest, NextResponse } from "next/server";
import { gate } from "./lib/gate";

/** Before every request. Routes see it without its credential, and with `Gatepass-User`. */
export async function proxy(request: NextRequest): Promise<Response> {
  const decision = await gate.check(request);
  if (!decision.allowed) return decision.response;
  const { headers } = decision;
  return decision.guard(NextResponse.next({ request: { headers } }));
}
