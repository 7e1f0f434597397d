// How long a new token may live.

import { dayOf, endOfDay, inDays } from "../format.js";

const USUAL = [7, 30, 60, 90];
const LONGEST = 36_525;

/**
 * The days to choose from, within what the settings allow.
 *
 * @param {import("../visit.js").Settings} settings
 */
export function lifetimes({ defaultLifetimeDays, maxLifetimeDays }) {
  const allowed = [...USUAL, defaultLifetimeDays].filter(
    (days) => days <= (maxLifetimeDays ?? days),
  );
  return [...new Set(allowed)].toSorted((one, other) => one - other);
}

/** Whether a token may live until it is revoked. */
export const mayLiveForever = ({ neverAllowed, maxLifetimeDays }) =>
  neverAllowed && maxLifetimeDays === null;

/** The first and the last day that a date field may name. */
export function days({ maxLifetimeDays }) {
  return { min: dayOf(new Date()), max: dayOf(inDays(maxLifetimeDays ?? LONGEST - 1)) };
}

/**
 * What a choice ("30", "date", "never") asks of the API; undefined as long as no date is named.
 *
 * @param {string} choice
 * @param {string} day
 * @param {Pick<import("../visit.js").Settings, "maxLifetimeDays">} settings
 */
export function asked(choice, day, { maxLifetimeDays }) {
  if (choice === "never") return { never: true };
  if (choice !== "date") return { expiresInDays: Number(choice) };
  const end = endOfDay(day);
  if (Number.isNaN(end.getTime())) return undefined;
  // The last day ends before midnight where the bound does.
  if (maxLifetimeDays !== null && end > inDays(maxLifetimeDays)) {
    return { expiresInDays: maxLifetimeDays };
  }
  return { expiresAt: end.toISOString().replace(/\.\d+Z$/, "Z") };
}
