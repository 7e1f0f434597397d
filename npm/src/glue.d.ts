/** One instance of the WebAssembly: a gate, or none. Refusals are thrown as texts, problems in JSON. */
export interface Glue {
  configure(options: string): void;
  relevance(name: string): number;
  check(
    facts: string,
    question: string | undefined,
    value: string | undefined,
    now: number,
  ): string;
  learn(key: string, value: string | undefined, now: number): void;
  enter(facts: string, now: number): string;
  refuse(facts: string, now: number): string;
  answer_headers(): string[];
  confine(place: string, headers: string): string;
  workspace(name: string | undefined): string;
  create(
    options: string,
    workspace: string,
    settings: string | undefined,
    origin: string,
    now: number,
  ): string;
  rows_of(workspace: string, uid: string): string;
  record_key(row: string): string | undefined;
  show(row: string, record: string, now: number): string | undefined;
  revoke(row: string, record: string, now: number): string | undefined;
  parse_token(text: string): string | undefined;
  digest_token(text: string): string | undefined;
  generate_token(embed: boolean, workspace: string, uid: string): string;
  seal_session(session: string, keys: string): string;
  open_session(sealed: string, keys: string): string | undefined;
  challenge(error: string, scope: string): string;
}

export function instantiate(module: WebAssembly.Module): Glue;
