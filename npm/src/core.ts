// The WebAssembly core behind plain functions. Each gate has an instance of its own, which ends with
// it: nothing is ever freed by hand.

import { Remembered } from "../../src/shell/remembered.js";
import { type Verdict, readVerdict } from "../../src/shell/verdict.js";
import { fromProblem } from "./errors.js";
import { type Glue, instantiate } from "./glue.js";
import { compiled } from "./module.js";

/** How many names of headers a gate remembers, and how long they may be. */
const NAMES = { most: 1024, longest: 64 };

let module: WebAssembly.Module | undefined;

/** One instance. After a trap its memory cannot be trusted: the next call gets a new one. */
export class Core {
  readonly #options: string | undefined;
  #glue: Glue | undefined;

  constructor(options?: string) {
    this.#options = options;
    this.call(() => undefined);
  }

  call<T>(use: (glue: Glue) => T): T {
    try {
      return use((this.#glue ??= this.#instance()));
    } catch (error) {
      if (typeof error === "string") throw fromProblem(error);
      this.#glue = undefined;
      throw error;
    }
  }

  #instance(): Glue {
    module ??= compiled();
    const glue = instantiate(module);
    if (this.#options !== undefined) glue.configure(this.#options);
    return glue;
  }
}

/** The core of a gate. */
export class GateCore extends Core {
  readonly answerHeaders = new Set(this.call((glue) => glue.answer_headers()));
  readonly #relevances = new Remembered(NAMES, (name) => this.call((glue) => glue.relevance(name)));

  relevance(name: string): number {
    return this.#relevances.get(name);
  }

  /** The verdict for a request; `value` answers the question of the last one. */
  check(facts: string, now: number, question?: string, value?: string): GateVerdict {
    return readVerdict(this.call((glue) => glue.check(facts, question, value, now))) as GateVerdict;
  }

  learn(key: string, value: string | null, now: number): void {
    this.call((glue) => glue.learn(key, value ?? undefined, now));
  }

  /** Opens the session of an entry; or tells what else is to be done. */
  enter(facts: string, now: number): Opening | GateVerdict {
    const text = this.call((glue) => glue.enter(facts, now));
    if (!text.startsWith(OPEN)) return readVerdict(text) as GateVerdict;
    const end = text.indexOf("\n", OPEN.length);
    const usedUp = text.slice(OPEN.length, end);
    const answer = readVerdict(text.slice(end + 1)) as Answer;
    return { do: "open", answer, usedUp: usedUp ? (JSON.parse(usedUp) as Put) : undefined };
  }

  refuse(facts: string): Answer {
    return readVerdict(this.call((glue) => glue.refuse(facts, Date.now()))) as Answer;
  }

  confine(place: string, headers: string): { remove: string[]; append: [string, string][] } {
    return JSON.parse(this.call((glue) => glue.confine(place, headers)));
  }
}

export type Answer = Extract<Verdict, { do: "answer" }>;
export type Allow = Extract<Verdict, { do: "allow" }>;

/** A verdict as the package has it: one that asks names the key to read as its class. */
export type GateVerdict =
  | Verdict
  | { readonly do: "enter"; readonly path: string }
  | { readonly do: "asset"; readonly path: string };

/** A session that can be opened, once the record was replaced where the token is used up. */
export interface Opening {
  readonly do: "open";
  readonly usedUp: Put | undefined;
  readonly answer: Answer;
}

/** A value to be put under a key. */
export interface Put {
  key: string;
  value: string;
  expires?: number;
}

const OPEN = "open\n";
