interface Confiner {
  readonly answerHeaders: ReadonlySet<string>;
  confine(place: string, headers: string): { remove: string[]; append: [string, string][] };
}

export function withHeaders(response: Response, place: string, gate: Confiner): Response;
