import type { Allow } from "./verdict.js";

export function guarded(
  response: Response,
  verdict: Pick<Allow, "isPrivate" | "hideReferrer" | "cors">,
): Response;
