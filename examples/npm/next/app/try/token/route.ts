import { gate } from "../../../lib/gate";

/** Stands for a page of yours where people are signed in: here anybody gets a token. */
export async function POST(): Promise<Response> {
  const user = { email: "ada@example.com" };
  const { token } = await gate.tokens.create({ name: "My first token", user, scopes: ["hello"] });
  return new Response(token);
}
