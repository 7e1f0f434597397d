// What the page says, in the browser's language.

import { de } from "./texts/de.js";
import { en } from "./texts/en.js";

const CATALOGUES = { en, de };

/** @typedef {keyof typeof en} Key */

/** The first language of the browser's that there is a catalogue for. */
export const language = navigator.languages.find((tag) => catalogueOf(tag)) ?? "en";
const catalogue = catalogueOf(language) ?? en;
const numbers = new Intl.NumberFormat(language);
const plurals = new Intl.PluralRules(language);

function catalogueOf(tag) {
  const [primary = ""] = tag.toLowerCase().split("-");
  return Object.hasOwn(CATALOGUES, primary) && isTag(tag) ? CATALOGUES[primary] : undefined;
}

/** Some browsers name a system's locale as it is: "en-US@posix". */
function isTag(text) {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/**
 * A text, with `{name}` replaced by the value of that name; numbers are written as the language does.
 * A text with forms for numbers is chosen by `count`.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const entry = catalogue[key];
  const text =
    typeof entry === "string"
      ? entry
      : (entry[plurals.select(Number(values.count))] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (whole, name) => written(values[name]) ?? whole);
}

const written = (value) => (typeof value === "number" ? numbers.format(value) : value);

/**
 * A text whose key is made of something that the gate has said; undefined if there is none.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export const known = (key, values) =>
  Object.hasOwn(catalogue, key) ? t(/** @type {Key} */ (key), values) : undefined;
