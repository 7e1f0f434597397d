import { gate } from "../lib/gate";

export const config = { runtime: "edge" };

export async function GET(request: Request): Promise<Response> {
  const decision = await gate.check(request, { address: request.headers.get("x-real-ip") });
  if (!decision.allowed) return decision.response;
  return decision.guard(new Response(`Hello ${decision.identity?.user.email}\n`));
}
