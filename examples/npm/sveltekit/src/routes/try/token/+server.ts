import type { RequestHandler } from "@sveltejs/kit";
import { gate } from "../../../lib/server/gate";

/** Stands for a page of yours where people are signed in: here anybody gets a token. */
export const POST: RequestHandler = async () => {
  const user = { email: "ada@example.com" };
  const { token } = await gate.tokens.create({ name: "My first token", user, scopes: ["hello"] });
  return new Response(token);
};
