import type { RequestHandler } from "@sveltejs/kit";

export const GET: RequestHandler = ({ locals }) =>
  new Response(`Hello ${locals.gatepass?.user.email}\n`);
