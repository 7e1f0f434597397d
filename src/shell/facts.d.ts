/** What a gate knows of header names. */
interface Relevances {
  /** How much of a header a check needs to know: 0 nothing, 1 its name, 2 its value too. */
  relevance(name: string): number;
}

/** A request, as far as it is packed. */
interface Packable {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
}

export function pack(request: Packable, gate: Relevances): string;

/** The URL as the URL standard serialises it; empty if it is none. */
export function serialised(url: string): string;
