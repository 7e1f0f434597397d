// The mix of everything: what is done how often, of a thousand.

import * as managers from "./managers.mjs";
import { weighted } from "./pool.mjs";
import * as programs from "./programs.mjs";
import * as strangers from "./strangers.mjs";
import * as streams from "./streams.mjs";
import * as viewers from "./viewers.mjs";

/**
 * @typedef {object} Kind
 * @property {string} name
 * @property {number} share
 * @property {(stage: object) => Promise<void>} run does it, and throws unless each answer is right
 * @property {boolean} [bad] whether it comes with no good credential
 * @property {boolean} [slow] whether it takes long by itself
 */

const kind = (share, name, run, more) => ({ share, name, run, ...more });
const bad = { bad: true };
const slow = { slow: true };

/** @type {Kind[]} */
export const KINDS = [
  kind(297, "PAT, warm", programs.warm),
  kind(80, "PAT, cold", programs.cold),
  kind(50, "PAT by Basic", programs.asPassword),
  kind(30, "PAT, strict", programs.strict),
  kind(30, "upstream's own answers", programs.upstreamsOwn),
  kind(60, "public route", programs.publicRoute),
  kind(15, "preflight", programs.preflight),
  kind(15, "healthz, jwks, openapi", programs.forAnybody),
  kind(40, "unknown token", strangers.unknown, bad),
  kind(10, "other workspace's token", strangers.foreign, bad),
  kind(50, "malformed, missing, twice", strangers.malformed, bad),
  kind(20, "expired token", strangers.expired, bad),
  kind(15, "scope missing", strangers.withoutScope, bad),
  kind(10, "embed token as PAT", strangers.ofTheOtherKind, bad),
  kind(40, "revoked, disabled, replaced", strangers.over, bad),
  kind(10, "many from one address", strangers.persistent),
  kind(2, "strict, revoked at once", strangers.strictlyRevoked),
  kind(20, "entry", viewers.enterAgain),
  kind(4, "entry, single use", viewers.enterOnce),
  kind(6, "entry by a PAT", viewers.enterWrongly, bad),
  kind(100, "session, script", viewers.script),
  kind(25, "session, page", viewers.page),
  kind(10, "another place's cookie", viewers.withAnothersCookie, bad),
  kind(2, "session killed", viewers.kill),
  kind(10, "killed session", viewers.afterKill, bad),
  kind(2, "WebSocket in a place", viewers.webSocket),
  kind(2, "WebSocket by PAT", viewers.programsWebSocket),
  kind(10, "create", managers.create),
  kind(6, "list", managers.list),
  kind(4, "patch", managers.patch),
  kind(1, "disable", managers.disable),
  kind(2, "rotate", managers.rotate),
  kind(9, "revoke", managers.revoke),
  kind(4, "self", managers.self),
  kind(4, "sessions", managers.sessions),
  kind(4, "audit", managers.audit),
  kind(4, "settings", managers.settings),
  kind(8, "introspect", managers.introspect),
  kind(1, "sign in and out", managers.signIn),
  kind(4, "another's tokens", managers.asStranger, bad),
  kind(2, "1 MB up", streams.upload),
  kind(2, "1 MB down", streams.download),
  kind(1, "slow client", streams.slowly, slow),
  kind(2, "client goes away", streams.goneAway, slow),
];

const pickFrom = (kinds) => weighted(kinds.map((kind) => [kind.share, kind]));

/** Picks of everything. */
export const everything = pickFrom(KINDS);

const pickGood = pickFrom(KINDS.filter(({ bad, slow }) => !bad && !slow));
const pickBad = pickFrom(KINDS.filter(({ bad }) => bad));

/** Picks for a burst: half of it comes with no good credential. */
export const halfBad = () => (Math.random() < 0.5 ? pickBad() : pickGood());
