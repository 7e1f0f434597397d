// How many requests a token or a workspace may make, and an address with credentials that are no
// good. An isolate counts by itself and decides at once; what others count it learns off the hot
// path, from the ledger or the directory, where all reports of a window come together. So beyond the
// limit there can pass a twentieth of it for each isolate, and what comes until a report is answered.

import { valueOf } from "../shell/verdict.js";
import { logFault } from "./log.js";
import { USAGE_URL } from "./usage.js";

/** Of a limit, the part after which an isolate reports, and milliseconds after which it does. */
const PART = 20;
const REPORT_AFTER = 10_000;

/** How many names an isolate counts for. */
const MOST = 10_000;

/** Milliseconds in which failures of an address are counted. */
const FAILURES_WINDOW = 60_000;

/** Failures of an address within a window after which the runtime's limiter is asked too. */
const LOCAL_FAILURES = 5;

/** What the operator has limited (`LIMITS`). */
export class Limits {
  #requests = [];
  #failures;

  constructor({ failures = FAILURES, tokenRequests, workspaceRequests } = {}) {
    this.#failures = new Failures(failures);
    if (tokenRequests) this.#requests.push(new Requests(TOKEN, tokenRequests));
    if (workspaceRequests) this.#requests.push(new Requests(WORKSPACE, workspaceRequests));
  }

  /** Counts a request that may pass: whether it is one too many, and headers that say so. */
  request(set, now, env, ctx) {
    let headers;
    for (const requests of this.#requests) {
      const name = valueOf(set, requests.counted.header);
      if (!name) continue;
      const counted = requests.count(name, now);
      for (const report of counted.reports) {
        ctx.waitUntil(tell(requests.counted, name, report, env));
      }
      if (counted.limited) return counted;
      if (counted.headers) headers = joined(headers, counted.headers);
    }
    return headers ? { limited: false, headers } : FREE;
  }

  /** Counts a credential that was no good: headers of a refusal where it is one too many. */
  failure({ failed }, address, now, env, ctx) {
    if (!failed) return undefined;
    const { headers, ask } = this.#failures.count(address, now);
    if (ask) ctx.waitUntil(askLimiter(this.#failures, address, env));
    return headers || undefined;
  }
}

const FREE = { limited: false };

/** How many failures a minute an address has where nothing is said. */
const FAILURES = 60;

/** What is counted: under which header's value, and by which authority. */
const TOKEN = {
  ...{ policy: "token", header: "gatepass-token-id", binding: "LEDGER" },
  object: (token) => `l/${token.slice(0, 4)}`,
};
const WORKSPACE = {
  ...{ policy: "workspace", header: "gatepass-workspace", binding: "DIRECTORY" },
  object: (workspace) => `d/${workspace}`,
};

/** Tells the authority what was counted, and learns what all have. */
async function tell({ binding, object }, name, { count, age, window, learn }, env) {
  try {
    const init = { method: "POST", body: JSON.stringify({ name, count, age, window }) };
    const answer = await env[binding].getByName(object(name)).fetch(USAGE_URL, init);
    learn(await answer.json(), Date.now());
  } catch (error) {
    logFault("usage_failed", { error });
  }
}

/** The runtime's own limiter counts what this isolate does not see. */
async function askLimiter(failures, address, env) {
  try {
    const { success } = await env.LOOKUPS_BY_ADDRESS.limit({ key: `failures:${address}` });
    if (success !== true) failures.exceeded(address);
  } catch (error) {
    logFault("limiter_failed", { error });
  }
}

/** Requests in a sliding window, by name. */
export class Requests {
  #counts = new Map();
  #limit;
  #window;

  /** `counted`: what it is; `limit` requests in `seconds`. */
  constructor(counted, { limit, seconds }) {
    this.counted = counted;
    this.#limit = limit;
    this.#window = seconds;
  }

  /**
   * Counts a request of a name: `{limited, headers, reports}`. `headers` are there at a tenth of the
   * limit and below; `reports` are what its authority is to be told, each with what `learn`s from
   * the answer. A request that is too many is not counted.
   */
  count(name, now) {
    const count = this.#of(name, now);
    const reports = [];
    const slides = now >= count.resets;
    if (slides || now - count.reported >= REPORT_AFTER) reports.push(this.#report(count, now));
    if (slides) this.#slide(count, now);
    const left = this.#limit - count.told - count.own;
    const limited = left <= 0;
    const near = left - 1 <= this.#limit / 10;
    const headers = near && this.#headers(count, Math.max(0, left - 1), limited, now);
    if (!limited) {
      count.own++;
      count.last = now;
    }
    if (count.own >= this.#limit / PART) reports.push(this.#report(count, now));
    return { limited, headers, reports };
  }

  #of(name, now) {
    let count = this.#counts.get(name);
    if (!count) {
      if (this.#counts.size >= MOST) this.#counts.delete(this.#counts.keys().next().value);
      count = { own: 0, last: now, told: 0, sum: 0, reported: now };
      this.#counts.set(name, count);
      this.#expect(count, now, this.#window * 1000);
    }
    return count;
  }

  /** So many leave the window in so many milliseconds; without an authority, all when it is over. */
  #expect(count, now, reset, leaves = Infinity) {
    count.resets = now + reset;
    count.leaves = leaves;
  }

  /** Takes out what leaves the window. */
  #slide(count, now) {
    count.told = Math.max(0, count.told - count.leaves);
    this.#expect(count, now, this.#window * 1000);
  }

  // What is being reported is counted as told, so that it is not reported twice. What is reported
  // meanwhile is not in the answer.
  #report(count, now) {
    const { own, last } = count;
    const sum = (count.sum += own);
    count.told += own;
    count.own = 0;
    count.reported = now;
    const learn = ({ count: told, reset, leaves }, now) => {
      if (![told, reset, leaves].every(Number.isFinite)) throw new TypeError("this is no count");
      count.told = told + count.sum - sum;
      this.#expect(count, now, reset, leaves);
    };
    return { count: own, age: now - last, window: this.#window, learn };
  }

  #headers({ resets }, remaining, limited, now) {
    const rest = Math.min(this.#window, Math.max(1, Math.ceil((resets - now) / 1000)));
    const { policy } = this.counted;
    return rateLimitHeaders(policy, this.#limit, this.#window, remaining, rest, limited);
  }
}

/** Credentials that were no good, by address. What is good passes whatever was counted. */
export class Failures {
  #counts = new Map();
  #limit;

  constructor(limit) {
    this.#limit = limit;
  }

  /** Counts one: the headers of a refusal if it is one too many, and whether to ask the limiter. */
  count(address, now) {
    let count = this.#counts.get(address);
    if (!count || now >= count.until) {
      if (this.#counts.size >= MOST) this.#counts.delete(this.#counts.keys().next().value);
      count = { failures: 0, until: now + FAILURES_WINDOW };
      this.#counts.set(address, count);
    }
    count.failures++;
    const over = count.failures > this.#limit;
    const rest = Math.ceil((count.until - now) / 1000);
    const window = FAILURES_WINDOW / 1000;
    return {
      headers: over && rateLimitHeaders("failures", this.#limit, window, 0, rest, true),
      ask: !over && count.failures >= LOCAL_FAILURES,
    };
  }

  /** The limiter says that the address has failed too often, elsewhere too. */
  exceeded(address) {
    const count = this.#counts.get(address);
    if (count) count.failures = Math.max(count.failures, this.#limit);
  }
}

/** draft-ietf-httpapi-ratelimit-headers; `Retry-After` in whole seconds (RFC 9110 §10.2.3). */
function rateLimitHeaders(policy, limit, window, remaining, rest, limited) {
  const headers = {
    "ratelimit-policy": `"${policy}";q=${limit};w=${window}`,
    ratelimit: `"${policy}";r=${remaining};t=${rest}`,
  };
  if (limited) headers["retry-after"] = String(Math.min(rest, 120));
  return headers;
}

/** The headers of two policies: both fields are lists. */
function joined(headers, more) {
  if (!headers) return more;
  const values = Object.entries(more).map(([name, value]) => [name, `${headers[name]}, ${value}`]);
  return Object.fromEntries(values);
}
