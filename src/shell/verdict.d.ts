/** What the core answers, as far as both shells know it. */
export type Verdict = Allow | Answer | Read | Ask;

export interface Allow {
  readonly do: "allow";
  readonly url: string;
  readonly cors: string;
  readonly isPrivate: boolean;
  readonly hideReferrer: boolean;
  readonly remove: "" | readonly string[];
  /** Names and values, one after the other. */
  readonly set: readonly string[];
  readonly place?: string;
}

export interface Answer {
  readonly do: "answer";
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** A refusal's. */
  readonly code?: string;
}

export interface Read {
  readonly do: "read";
  readonly keys: readonly string[];
}

export interface Ask {
  readonly do: "ask";
  /** In the package the key to read. */
  readonly class: string;
  readonly name: string;
  readonly command: string;
}

export function readVerdict(text: string): Verdict | { readonly do: string; readonly path: string };

export function valueOf(set: readonly string[], name: string): string | undefined;
