// What ledgers are told without anybody waiting for it: that a token was used, that a session was
// seen, that a known token was refused. An isolate tells each of it once in a while.

import { valueOf } from "../shell/verdict.js";
import { logFault } from "./log.js";

/** Milliseconds in which an isolate tells the same thing once. */
const USED = 600_000;
const SEEN = 60_000;
const REFUSED = 60_000;

/** How many things an isolate remembers to have told. */
const MOST = 10_000;

export class Notes {
  #told = new Map();

  /** Whose ledger is to be told what about a request that is let through, if any is. */
  passed(set, now) {
    const token = valueOf(set, "gatepass-token-id");
    if (!token) return undefined;
    const session = valueOf(set, "gatepass-session-id");
    const used = this.#due(token, USED, now);
    const seen = session && this.#due(session, SEEN, now);
    if (!used && !seen) return undefined;
    return new Note(token, { used: used ? token : undefined, seen: seen ? session : undefined });
  }

  /** The same about a token that Gatepass itself answered, or refused. */
  answered({ refused, used }, { headers }, now) {
    if (used && this.#due(used, USED, now)) return new Note(used, { used });
    if (!refused || !this.#due(refused, REFUSED, now)) return undefined;
    const [token, code] = refused.split(" ");
    const address = headers.get("cf-connecting-ip") ?? "";
    const agent = headers.get("user-agent") ?? "";
    return new Note(token, { refused: token, code, address, agent });
  }

  #due(key, period, now) {
    const told = this.#told.get(key);
    if (told !== undefined && now - told < period) return false;
    if (this.#told.size >= MOST) this.#told.delete(this.#told.keys().next().value);
    this.#told.set(key, now);
    return true;
  }
}

/** What the ledger of a token is to be told. */
class Note {
  #ledger;
  #what;

  constructor(token, what) {
    this.#ledger = `l/${token.slice(0, 4)}`;
    this.#what = what;
  }

  /** Tells it. What is lost is told when it is due again. */
  async tell(env) {
    try {
      const init = { method: "POST", body: JSON.stringify(this.#what) };
      const answer = await env.LEDGER.getByName(this.#ledger).fetch(NOTES_URL, init);
      await answer.body?.cancel();
    } catch (error) {
      logFault("note_failed", { error });
    }
  }
}

/** Where a ledger takes notes. */
export const NOTES_URL = "https://gatepass/notes";
