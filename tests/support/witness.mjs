// Clients that make a mixed load until the gate is killed, and know what they were answered: after
// that the gate must say the same, or of the last request, which nobody answered, what it asked for.

import assert from "node:assert/strict";
import { knock, pause } from "./api.mjs";
import { enter, readSession } from "./embeds.mjs";
import { DEFAULTS } from "./settings.mjs";

/** The gate was killed before it answered: then its `isKilled` is true. */
class Unanswered extends Error {}

class Client {
  gate;
  random;

  constructor(random) {
    this.random = random;
  }

  /** Checks what was left open, then asks for one thing after the other until the gate is killed. */
  async run(gate) {
    this.gate = gate;
    try {
      await this.recover();
      for (;;) await this.act();
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
    }
  }

  /** A call of the management API that has to succeed. */
  async call(method, path, body, headers) {
    const answer = await this.answered(this.gate.api(method, path, body, { headers }));
    assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async answered(asked) {
    try {
      const answer = await asked;
      this.gate.answers += 1;
      return answer;
    } catch (error) {
      throw this.gate.isKilled ? new Unanswered() : error;
    }
  }

  /** Whether something happens that does so with this probability. */
  chance(probability) {
    return this.random() < probability;
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }
}

/** Makes and changes tokens of its own users, and opens and kills sessions. */
export class TokenClient extends Client {
  /**
   * Each token that it was told of. `facts` are the last answered `{name, state}`, `maybe` those that
   * an unanswered request asked for. `token` is missing where the answer with it was lost.
   */
  tokens = [];
  /** Each session that it was told of: `{id, cookie, host, of, isKilled, mayBeKilled}`. */
  sessions = [];
  /** Names of tokens of which one more may be there than it was told of. */
  unanswered = [];
  #users;
  #made = 0;
  #creation;

  constructor(name, random) {
    super(random);
    this.#users = [1, 2].map((i) => ({ id: `${name}-${i}`, email: `${name}-${i}@example.com` }));
  }

  async recover() {
    for (const token of this.tokens.filter(({ maybe }) => maybe)) await this.#look(token);
    for (const session of this.sessions.filter(({ mayBeKilled }) => mayBeKilled)) {
      const listed = await this.call("GET", `/sessions?user=${session.of.user}&limit=100`);
      session.isKilled = !listed.result.some(({ id }) => id === session.id);
      session.mayBeKilled = false;
    }
    if (this.#creation) await this.#create(this.#creation);
    const shut = this.#tokens(["disabled", "used", "revoked"]).filter(isStrictPat);
    if (shut.length > 0 && this.chance(0.5)) await this.#assertShut(this.pick(shut));
    else if (this.tokens.length > 0) await this.#look(this.pick(this.tokens));
  }

  async act() {
    const active = this.#tokens(["active"]);
    const pats = active.filter(({ isEmbed }) => !isEmbed);
    const embeds = active.filter(({ isEmbed }) => isEmbed);
    const which = this.random();
    if (which < 0.2 || pats.length < 3) return this.#create();
    if (which < 0.35) return this.#create({ ...this.#body(), ...this.#embed() });
    if (which < 0.45) return this.#change(this.pick(active), { name: this.#name() });
    if (which < 0.53) return this.#change(this.pick(pats), { enabled: false });
    if (which < 0.61) return this.#enable();
    if (which < 0.68) return this.#rotate(this.pick(pats));
    if (which < 0.75) return this.#revoke(this.pick(active));
    if (which < 0.95) return this.#enter(this.pick(embeds));
    return this.#kill();
  }

  #tokens(states) {
    return this.tokens.filter(({ facts, token }) => token && states.includes(facts.state));
  }

  #name = () => `token-${++this.#made}`;

  #body() {
    const user = this.pick(this.#users);
    return { name: this.#name(), user, strict: this.chance(0.5) };
  }

  #embed() {
    return { kind: "embed", app: "jobs", singleUse: this.chance(0.7) };
  }

  /** Makes a token; half of them with an `Idempotency-Key`, by which a lost answer is asked for. */
  async #create(body = this.#body()) {
    const isKeyed = body === this.#creation || this.chance(0.5);
    if (isKeyed) this.#creation = body;
    else this.unanswered.push(body.name);
    const headers = isKeyed ? { "idempotency-key": `${body.user.id}/${body.name}` } : {};
    const made = await this.call("POST", "/tokens", body, headers);
    if (isKeyed) this.#creation = undefined;
    else this.unanswered.pop();
    return this.#learn(made);
  }

  #learn({ id, token, embedUrl, name, state, user, kind, strict, singleUse }, replaces) {
    const learned = { id, token, embedUrl, user: user.id, strict, singleUse, opened: 0, replaces };
    this.tokens.push({ ...learned, isEmbed: kind === "embed", facts: { name, state } });
  }

  /** Asks for a change of a token's facts, which holds once it is answered. */
  async #changing(token, facts, ask) {
    token.maybe = { ...token.facts, ...facts };
    const answer = await ask();
    token.facts = token.maybe;
    token.maybe = undefined;
    return answer;
  }

  #change(token, { name, enabled }) {
    const facts = name ? { name } : { state: enabled ? "active" : "disabled" };
    const body = name ? { name } : { enabled };
    return this.#changing(token, facts, () => this.call("PATCH", `/tokens/${token.id}`, body));
  }

  #enable() {
    const disabled = this.#tokens(["disabled"]);
    return disabled.length > 0 ? this.#change(this.pick(disabled), { enabled: true }) : undefined;
  }

  async #rotate(token) {
    this.unanswered.push(token.facts.name);
    const rotate = () => this.call("POST", `/tokens/${token.id}/rotate`, {});
    const made = await this.#changing(token, { state: "used" }, rotate);
    this.unanswered.pop();
    this.#learn(made, token);
  }

  async #revoke(token) {
    const revoke = () => this.call("DELETE", `/tokens/${token.id}`);
    await this.#changing(token, { state: "revoked" }, revoke);
  }

  /** Opens a session; with a token for single use twice at once, or once more when it was used. */
  async #enter(token) {
    const used = this.tokens.filter(({ singleUse, facts }) => singleUse && facts.state === "used");
    const entering = token && (used.length === 0 || this.chance(0.8)) ? token : this.pick(used);
    if (!entering) return;
    const { singleUse, embedUrl } = entering;
    if (singleUse) entering.maybe = { ...entering.facts, state: "used" };
    const asked = singleUse ? [1, 2] : [1];
    const answers = await Promise.allSettled(asked.map(() => enter(this.gate, embedUrl)));
    for (const { value } of answers) if (value?.status === 303) this.#opened(entering, value);
    for (const { reason } of answers) if (reason) await this.answered(Promise.reject(reason));
    entering.facts = entering.maybe ?? entering.facts;
    entering.maybe = undefined;
    assert.ok(entering.opened > 0 || used.includes(entering), "no entry was let in");
  }

  #opened(token, entry) {
    token.opened += 1;
    assert.ok(!token.singleUse || token.opened === 1, "a token for single use opened twice");
    const [cookie] = entry.header("Set-Cookie").split(";");
    const { id } = readSession(cookie.split("=")[1]);
    this.sessions.push({ id, cookie, host: new URL(token.embedUrl).host, of: token });
  }

  async #kill() {
    const live = this.sessions.filter(isLive);
    if (live.length === 0) return;
    const session = this.pick(live);
    session.mayBeKilled = true;
    await this.call("DELETE", `/sessions/${session.id}`);
    session.isKilled = true;
    session.mayBeKilled = false;
  }

  /** The ledger is asked about a strict one: KV need not have caught up. */
  async #assertShut({ token, facts }) {
    const { status, text } = await this.answered(knock(this.gate, token));
    assert.equal(status, 401, `${facts.state}: ${text}`);
  }

  async #look(token) {
    const shown = await this.call("GET", `/tokens/${token.id}`);
    assertKnown(token, shown);
    token.facts = { name: shown.name, state: shown.state };
    token.maybe = undefined;
  }
}

/** Asserts that a token is as it was last answered, or as an unanswered request wanted it. */
export function assertKnown({ facts, maybe, replaces }, { name, state }) {
  const shown = { name, state };
  const known = [facts, maybe].filter(Boolean);
  // What was replaced is revoked with its successor.
  if (facts.state === "used") known.push({ ...facts, state: "revoked" });
  const isKnown = known.some((one) => one.name === name && one.state === state);
  assert.ok(isKnown, `${JSON.stringify(shown)} is none of ${JSON.stringify(known)}`);
}

/** Whether a session goes on, as far as the client knows. */
export const isLive = ({ isKilled, mayBeKilled, of: { facts, maybe } }) =>
  !isKilled && !mayBeKilled && facts.state !== "revoked" && maybe?.state !== "revoked";

const isStrictPat = ({ strict, isEmbed }) => strict && !isEmbed;

/** Sets the settings of the workspace, each time others. */
export class SettingsClient extends Client {
  facts = DEFAULTS;
  #maybe = DEFAULTS;
  #made = 0;

  async recover() {
    const shown = await this.call("GET", "/settings");
    const isKnown = [this.facts, this.#maybe].some((one) => isEqual(one, shown));
    assert.ok(isKnown, `${JSON.stringify(shown)} after ${JSON.stringify(this.facts)}`);
    this.facts = shown;
  }

  async act() {
    const whoMayCreate = this.chance(0.5) ? "admins" : "everyone";
    this.#maybe = { ...DEFAULTS, whoMayCreate, ...this.#bound() };
    await this.call("PUT", "/settings", this.#maybe);
    this.facts = this.#maybe;
    await pause(20 * this.random());
  }

  #bound = () => ({ maxLifetimeDays: 1000 + ++this.#made, neverAllowed: false });
}

function isEqual(one, other) {
  const names = Object.keys(one);
  return names.every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name]));
}
