// The tokens in a store: made, listed, revoked.

import type { GateCore, Put } from "./core.js";
import { GatepassError, text } from "./errors.js";
import { type Records, unavailable } from "./records.js";
import type {
  CreatedEmbed,
  CreatedToken,
  CreateEmbed,
  CreateToken,
  ListTokens,
  OneApp,
  Token,
  TokenList,
  Tokens,
} from "./types.js";

/** What needs a step of the store that happens once, and reads that are not old. */
const ONCE = ["singleUse", "strict"];

/** Rounds of a change that another one comes before. */
const MAX_ROUNDS = 8;

export class StoredTokens implements Tokens {
  readonly #core: GateCore;
  readonly #records: Records;
  readonly #origin: string;

  constructor(core: GateCore, records: Records, origin: string) {
    this.#core = core;
    this.#records = records;
    this.#origin = origin;
  }

  create(options: CreateEmbed & OneApp): Promise<CreatedEmbed>;
  create(options: CreateToken): Promise<CreatedToken>;
  async create(given: CreateToken): Promise<CreatedToken> {
    const { workspace, ...options } = object(given);
    for (const [name, wanted] of Object.entries(options)) {
      if (wanted && ONCE.includes(name) && !this.#records.isAtomic) {
        const sentence = "needs a store that replaces values in one step";
        throw new GatepassError("invalid_field", sentence, name);
      }
    }
    const where = this.#workspace(workspace);
    const settings = await this.#records.get(`w/${where}`);
    const body = JSON.stringify(options);
    const [origin, now] = [this.#origin, Date.now()];
    const created = this.#core.call((glue) =>
      glue.create(body, where, settings ?? undefined, origin, now),
    );
    const { puts, token } = JSON.parse(created) as { puts: Put[]; token: Full<CreatedToken> };
    for (const { key, value, expires } of puts) await this.#records.put(key, value, expires);
    return kept(token);
  }

  async list(options: ListTokens = {}): Promise<TokenList> {
    const { user, limit = 50, cursor, workspace, ...others } = object(options);
    for (const name of Object.keys(others)) {
      throw new GatepassError("invalid_field", "is no option of lists; check its spelling", name);
    }
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new GatepassError("invalid_field", "must be a whole number from 1 to 100", "limit");
    }
    const where = this.#workspace(workspace);
    const prefix = user === undefined ? "i/" : this.#rowsOf(where, text(user, "user"));
    const after = cursor === undefined ? undefined : text(cursor, "cursor");
    const found = await this.#records.list(prefix, limit, after);
    const shown = await Promise.all(found.keys.map((key) => this.#shown(key)));
    const result = shown.filter(
      (token): token is Token =>
        token?.workspace === where && (user === undefined || token.user.id === user),
    );
    return { result, next: found.cursor };
  }

  async revoke(id: string): Promise<Token> {
    if (!ID.test(id)) throw noToken();
    const row = await this.#records.get(`i/${id}`);
    const key = row === null ? undefined : this.#core.call((glue) => glue.record_key(row));
    if (row === null || key === undefined) throw noToken();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const record = await this.#records.get(key);
      if (record === null) throw noToken();
      const revoked = this.#core.call((glue) => glue.revoke(row, record, Date.now()));
      if (revoked === undefined) return this.#token(row, record);
      const put = JSON.parse(revoked) as Put;
      if (!(await this.#replace(key, record, put))) continue;
      this.#core.learn(key, put.value, Date.now());
      return this.#token(row, put.value);
    }
    throw unavailable();
  }

  #workspace(name: string | undefined): string {
    const named = name === undefined ? undefined : text(name, "workspace");
    return this.#core.call((glue) => glue.workspace(named));
  }

  #rowsOf(workspace: string, user: string): string {
    return this.#core.call((glue) => glue.rows_of(workspace, user));
  }

  /** A token by the key of its row; undefined where it is gone since. */
  async #shown(key: string): Promise<Token | undefined> {
    const row = await this.#records.get(key);
    const of = row === null ? undefined : this.#core.call((glue) => glue.record_key(row));
    const record = of === undefined ? null : await this.#records.get(of);
    return row === null || record === null ? undefined : this.#token(row, record);
  }

  #token(row: string, record: string): Token {
    const json = this.#core.call((glue) => glue.show(row, record, Date.now()));
    if (json === undefined) throw unavailable();
    return kept(JSON.parse(json) as Full<Token>);
  }

  /** Puts a value in the place of another; without a step for it, whatever is there by now. */
  async #replace(key: string, before: string, { value, expires }: Put): Promise<boolean> {
    if (this.#records.isAtomic) return this.#records.replace(key, before, value, expires);
    await this.#records.put(key, value, expires);
    return true;
  }
}

/** A token as the core shows it: with what only the Worker keeps. */
type Full<T extends Token> = T & { lastUsedAt?: null; parent?: null };

/** A token with what is kept here. */
function kept<T extends Token>(token: Full<T>): T {
  delete token.lastUsedAt;
  delete token.parent;
  return token;
}

/** Options, if they are some. */
function object<T extends object>(options: T): T {
  if (typeof options === "object" && options !== null) return options;
  throw new GatepassError("invalid_field", "must be an object", "options");
}

/** The id of a token, `<hint>-<ULID>`. */
const ID = /^[0-9A-Za-z]{4}-[0-9A-HJKMNP-TV-Z]{26}$/;

const noToken = (): GatepassError =>
  new GatepassError("token_unknown", "there is no token with this id");
