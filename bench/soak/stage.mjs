// The stage: the release Worker on raw workerd in two isolates over the same objects, one with host
// places and one with path places, KV, and who and what there is to begin with.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JOBS, PORTAL } from "../../tests/support/embeds.mjs";
import { DEVELOPMENT_ROUTES, startRawGate } from "../../tests/support/gate.mjs";
import {
  basic,
  hintOf,
  keyOf,
  makeRecord,
  makeToken,
  seconds,
} from "../../tests/support/tokens.mjs";
import { assertStatus } from "./checks.mjs";
import { Client } from "./client.mjs";
import { anyOf, Pool, zipf } from "./pool.mjs";

/**
 * How many users and tokens there are to begin with. Users are few, so that their ledgers have soon
 * as much in memory as SQLite takes for each, whatever is added: 2 MB.
 */
const WHOLE = { users: 12, pats: 1_000, strict: 100, cold: 20_000 };
const SMALL = { users: 4, pats: 20, strict: 4, cold: 500 };

/** Connections that the soak has at most: more than a gate that keeps up ever needs. */
const CONNECTIONS = 512;

/** Within how many milliseconds a revocation or a kill is expected to hold everywhere. */
const BOUND = 65_000;

const SCOPES = ["jobs:read", "jobs:write", "odata", "tokens"];

const VARS = {
  ...{ APPS: [JOBS], EMBED_HOST: "*.embed.test" },
  ROUTES: DEVELOPMENT_ROUTES.map((route) =>
    route.path === "/odata/*" ? { ...route, cors: [PORTAL] } : route,
  ),
  // Failures are limited as by default; no user is to run out of tokens, and no token of requests.
  LIMITS: {
    creations: 100_000,
    tokenRequests: { limit: 10_000_000, seconds: 60 },
    workspaceRequests: { limit: 1_000_000_000, seconds: 3600 },
  },
};

/** Starts it; `small` is for a short test. */
export async function startStage({ small = false } = {}) {
  const storage = await mkdtemp(join(tmpdir(), "gatepass-soak-"));
  const gate = await startRawGate({ storage, vars: VARS, second: { EMBED_HOST: undefined } });
  const stage = new Stage(gate, storage);
  try {
    await stage.populate(small ? SMALL : WHOLE);
    return stage;
  } catch (error) {
    await stage.stop();
    throw error;
  }
}

/** The gates, their client, and what whoever asks them has. */
export class Stage {
  client = new Client({ connections: CONNECTIONS });
  /** Tokens that were made meanwhile, `{token, id, user}`. */
  young = new Pool(500);
  /** Tokens that opened something once: `{token, user, code, since}`. */
  over = new Pool(2_000);
  /** Viewers in places; those whose session was killed, `{visit, since}`. */
  visits = { hosts: new Pool(200), paths: new Pool(200) };
  killed = new Pool(500);
  /** The longest that a token or session was good after its end was answered, in milliseconds. */
  latest = 0;

  constructor(gate, storage) {
    Object.assign(this, { gate, storage, pid: gate.pid });
    this.ports = { hosts: gate.port, paths: gate.ports.second };
  }

  /** Makes users and their tokens, by the API; cold ones, of which there are many, in KV alone. */
  async populate({ users, pats, strict, cold }) {
    const user = (at) => ({ id: `user-${at}`, email: `user-${at}@example.com` });
    this.users = Array.from({ length: users }, (_, at) => user(at));
    const of = (count, make) => inTurns(Array.from({ length: count }, (_, at) => () => make(at)));
    const userOf = (at) => this.users[at % users];
    this.pats = await of(pats, (at) => this.create(userOf(at)));
    this.pickPat = zipf(this.pats);
    this.strict = await of(strict, (at) => this.create(userOf(at), { strict: true }));
    this.scopeless = await of(10, (at) => this.create(userOf(at), { scopes: [] }));
    const embed = (at, place) => this.createEmbed(place, { user: userOf(at) });
    this.embeds = {
      hosts: await of(users, (at) => embed(at, "hosts")),
      paths: await of(users, (at) => embed(at, "paths")),
    };
    this.cold = Array.from({ length: cold }, (_, at) => this.#inKv(userOf(at), {}));
    this.expired = Array.from({ length: 200 }, (_, at) =>
      this.#inKv(userOf(at), { c: seconds(-60), x: seconds(-1) }),
    );
    this.foreign = Array.from({ length: 200 }, (_, at) => this.#inKv(userOf(at), { ws: "other" }));
  }

  /** A token whose record KV holds. */
  #inKv(user, fields) {
    const token = makeToken({ hint: hintOf("default", user.id) });
    const whose = { uid: user.id, em: user.email, sc: SCOPES };
    this.gate.kv.values.set(keyOf(token), makeRecord(token, { ...whose, ...fields }));
    return { token, user };
  }

  /** Sends a request; `place` is the gate that is asked, by its places. */
  ask({ place = anyGate(), ...request }) {
    return this.client.ask({ port: this.ports[place], ...request });
  }

  /** A call of the token API, by the operator unless `auth` says otherwise. */
  api(method, path, json, { auth = this.operator, place, headers } = {}) {
    const type = json === undefined ? {} : { "content-type": "application/json" };
    const body = json === undefined ? undefined : JSON.stringify(json);
    const all = { authorization: auth, ...type, ...headers };
    return this.ask({ place, method, target: `/gatepass/api${path}`, headers: all, body });
  }

  get operator() {
    return basic("operator", this.gate.operatorKey);
  }

  /** A new PAT: `{token, id, user}`. */
  async create(user, fields = {}) {
    const body = { name: "soak", scopes: SCOPES, user, ...fields };
    const answer = await this.api("POST", "/tokens", body);
    assertStatus(answer, 201, "a creation");
    const { token, id } = answer.json();
    return { token, id, user };
  }

  /** A new embed token for this kind of place: what the API answers. */
  async createEmbed(place, fields) {
    const body = { name: "soak", kind: "embed", app: "jobs", sessionMinutes: 10, ...fields };
    const answer = await this.api(
      "POST",
      "/tokens",
      { allowedOrigins: [PORTAL], ...body },
      { place },
    );
    assertStatus(answer, 201, "an embed token's creation");
    return answer.json();
  }

  /** Whether what ended at a moment may not open anything any more. */
  isOver(since) {
    return performance.now() - since > BOUND;
  }

  /** What ended at a moment was still good for who asked at another. */
  sawOpen(since, asked) {
    this.latest = Math.max(this.latest, asked - since);
  }

  async stop() {
    this.client.close();
    await this.gate.stop();
    await rm(this.storage, { recursive: true, force: true });
  }
}

/** Most ask the gate with host places. */
const anyGate = () => (Math.random() < 0.8 ? "hosts" : "paths");

/** A user's address, and one of a million others. */
export const addressOf = ({ id }) => `192.0.2.${1 + (Number(id.slice("user-".length)) % 250)}`;
export const anyAddress = () => `10.${anyByte() & 15}.${anyByte()}.${anyByte()}`;
const anyByte = () => Math.floor(Math.random() * 256);

/** A user of a stage. */
export const anyUser = (stage) => anyOf(stage.users);

/** The results of all, eight at a time. */
async function inTurns(makers) {
  const results = [];
  let next = 0;
  const run = async () => {
    while (next < makers.length) {
      const at = next++;
      results[at] = await makers[at]();
    }
  };
  await Promise.all(Array.from({ length: 8 }, run));
  return results;
}
