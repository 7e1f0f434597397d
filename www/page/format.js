// Dates and durations as the browser's language writes them.

import { language } from "./texts.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// From how many seconds on a unit is used, and how many it has.
const UNITS = /** @type {const} */ ([
  ["year", 730 * DAY, 365 * DAY],
  ["month", 120 * DAY, 30 * DAY],
  ["day", DAY, DAY],
  ["hour", HOUR, HOUR],
  ["minute", MINUTE, MINUTE],
]);

const SOON = 7 * DAY;

const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const times = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const instants = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const relatives = new Intl.RelativeTimeFormat(language);
const moments = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const lists = new Intl.ListFormat(language);

export const date = (time) => dates.format(new Date(time));
export const dateAndTime = (time) => times.format(new Date(time));
export const instant = (time) => instants.format(new Date(time));
export const list = (texts) => lists.format(texts);

/** A time as seen from now: "in 21 days". */
export function relative(time, now = Date.now()) {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const found = UNITS.find(([, from]) => Math.abs(seconds) >= from);
  if (!found) return moments.format(0, "second");
  const [unit, , size] = found;
  return relatives.format(Math.round(seconds / size), unit);
}

/** Some days from now. */
export const inDays = (days, now = Date.now()) => new Date(now + days * DAY * 1000);

/**
 * A token's state, or "expiring": it works, but only for a week more. One that was made for less than
 * two weeks is so in the second half of its life; of embed tokens nobody expects to last.
 */
export function standing({ kind, state, createdAt, expiresAt }, now = Date.now()) {
  if (state !== "active" || kind !== "pat" || expiresAt === null) return state;
  const [made, ends] = [new Date(createdAt).getTime(), new Date(expiresAt).getTime()];
  return ends - now < Math.min(SOON * 1000, (ends - made) / 2) ? "expiring" : state;
}

/** The end of a day that a date field names, in the browser's time zone. */
export const endOfDay = (day) => new Date(`${day}T23:59:59`);

/** A day as date fields write it. */
export function dayOf(time) {
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 10);
}
