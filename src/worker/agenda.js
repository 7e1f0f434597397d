// What an authority has to do at a time: tell the operator's endpoint that a token ends or has
// leaked, and forget old events. Triggers of its tables put it on the agenda (src/worker/tables).

import { logFault } from "./log.js";
import { notify } from "./webhook.js";

const DAY = 86_400_000;

/** Seconds before a token's end at which that is told. */
const WEEK = 604_800;

/** Milliseconds after which a message that was not taken is sent again, doubled each time. */
const FIRST_PAUSE = 30_000;
const LAST_PAUSE = 21_600_000;

/** How often a message is sent at most: for three days. */
const MAX_ATTEMPTS = 21;

/** How much is done by one alarm. */
const MAX_ITEMS = 20;

/** How many events are forgotten by one alarm. */
const MAX_FORGOTTEN = 5_000;

/** Days that events are kept where AUDIT_DAYS says nothing. */
const AUDIT_DAYS = 365;

/** Does what is due. What is to be told is on its way then: the answer comes when it has arrived. */
export function keepAgenda(sql, env, now) {
  const query =
    "SELECT name, kind, token, attempts FROM agenda WHERE due <= ? ORDER BY due LIMIT ?";
  const items = sql.exec(query, now, MAX_ITEMS).toArray();
  const keep = (item) => (item.kind === "purge" ? forgetEvents : send)(sql, item, env, now);
  return Promise.all(items.map(keep));
}

function forgetEvents(sql, { name }, env, now) {
  const days = Number(env.AUDIT_DAYS || AUDIT_DAYS);
  const old = "SELECT id FROM events WHERE at < ? LIMIT ?";
  sql.exec(`DELETE FROM events WHERE id IN (${old})`, now - days * DAY, MAX_FORGOTTEN);
  const { oldest } = sql.exec("SELECT MIN(at) AS oldest FROM events").one();
  if (oldest === null) return done(sql, name);
  const next = oldest < now - days * DAY ? now : now + DAY;
  sql.exec("UPDATE agenda SET due = ? WHERE name = ?", next, name);
}

/** Sends a message; one that is not taken comes again, under the same id. */
function send(sql, { name, kind, token, attempts }, env, now) {
  const said = described(sql, kind, token, now);
  if (!env.NOTIFY_URL || !said) return done(sql, name);
  // Before anything is awaited: whatever breaks off, it comes again, and not at once.
  const pause = Math.min(FIRST_PAUSE * 2 ** attempts, LAST_PAUSE);
  const again = "UPDATE agenda SET attempts = attempts + 1, due = ? WHERE name = ?";
  sql.exec(again, now + pause, name);
  const timestamp = Math.floor(now / 1000);
  const body = JSON.stringify({ type: kind, ...said });
  return notify({ id: name, timestamp, body }, env).then((taken) => {
    const isLast = attempts + 1 >= MAX_ATTEMPTS;
    if (!taken && isLast) logFault("message_given_up", { id: name });
    if (taken || isLast) done(sql, name);
  });
}

/** What a message says: when it came about, and of which token. Each time the same. */
function described(sql, kind, id, now) {
  const row = sql.exec("SELECT record, start FROM tokens WHERE id = ?", id).toArray()[0];
  if (!row) return undefined;
  const { ws: workspace, uid, em: email = null, n: name, x: end } = JSON.parse(row.record);
  const user = { id: uid, email };
  const expiresAt = end === undefined ? null : rfc3339(end);
  const token = { id, name, start: row.start, user, workspace, expiresAt };
  return { timestamp: rfc3339(happened(sql, kind, id, end) ?? now / 1000), data: { token } };
}

/** When it did, in Unix seconds; undefined where that is forgotten. */
function happened(sql, kind, id, end) {
  if (kind === "token.expired") return end;
  if (kind === "token.expiring") return end - WEEK;
  const query = "SELECT at FROM events WHERE action = ? AND token = ? ORDER BY id LIMIT 1";
  const [event] = sql.exec(query, kind, id).toArray();
  return event && event.at / 1000;
}

const rfc3339 = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

function done(sql, name) {
  sql.exec("DELETE FROM agenda WHERE name = ?", name);
}
