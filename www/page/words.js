// Refusals in plain words.

import { Refusal, Unreachable } from "./gate.js";
import { known, t } from "./texts.js";

/** An error as a sentence or two: what happened, and what to do. */
export function inWords(error) {
  if (error instanceof Unreachable) return t("error.unreachable");
  if (!(error instanceof Refusal)) return t("error.unexpected");
  const { status, code, field, message, retryAfter } = error;
  if (code === "rate_limited") return t("error.rate_limited", { count: retryAfter ?? 60 });
  return (
    known(`error.${status}.${code}`) ??
    known(`error.${code}.${field}`) ??
    known(`error.${code}.${field.replace(/[.[].*/, "")}`) ??
    known(`error.${code}`) ??
    t("error.other", { detail: message, code: code || status })
  );
}

/** What is wrong with one field of a form, if an error is about it. */
export function wrongWith(error, field) {
  if (!(error instanceof Refusal) || !isAbout(error.field, field)) return undefined;
  return inWords(error);
}

/** Whether a form has a field that an error is about. */
export const isAboutOneOf = (error, fields) =>
  error instanceof Refusal && fields.some((field) => isAbout(error.field, field));

const isAbout = (named, field) =>
  named === field || named.startsWith(`${field}.`) || named.startsWith(`${field}[`);
