import { wholeNumber } from "./answers.js";
import { Refusal } from "./odata-refusal.js";

const OPTIONS = ["$count", "$filter", "$orderby", "$select", "$skip", "$skiptoken", "$top"];

/** Refuses the system query options that the feed does not know. */
export function refuseUnknown(query) {
  for (const name of query.keys()) {
    if (name.startsWith("$") && !OPTIONS.includes(name)) {
      throw new Refusal(501, "NotImplemented", `${name} is not supported`);
    }
  }
}

/** A query option that is a whole number, or null. */
export function number(query, name) {
  const bounds = { fallback: null, min: 0, max: 2 ** 31 - 1 };
  const value = wholeNumber(query.get(name), bounds);
  if (value === undefined) {
    throw new Refusal(400, "BadRequest", `${name} must be a whole number`);
  }
  return value;
}

/** Whether `$count` asks for the number of rows. */
export function counted(value) {
  if (![null, "true", "false"].includes(value)) {
    throw new Refusal(400, "BadRequest", "$count must be true or false");
  }
  return value === "true";
}

/** The rows that `$filter` leaves. */
export function filtered(rows, filter) {
  if (filter === null) return rows;
  const bare = filter.trim().replace(/^\((.*)\)$/, "$1");
  const text = /^contains\(\s*Name\s*,\s*'((?:[^']|'')*)'\s*\)$/.exec(bare)?.[1];
  if (text !== undefined) {
    const part = text.replaceAll("''", "'");
    return rows.filter(({ Name }) => Name.includes(part));
  }
  const id = /^Id eq (\d{1,9})$/.exec(bare)?.[1];
  if (id !== undefined) return rows.filter(({ Id }) => Id === Number(id));
  const message = "$filter takes contains(Name,'x') and Id eq n only";
  throw new Refusal(501, "NotImplemented", message);
}

/** The rows as `$orderby` sorts them. */
export function ordered(rows, properties, orderby) {
  if (orderby === null) return rows;
  const [, name, direction] = /^\s*(\w+)(?:\s+(asc|desc))?\s*$/.exec(orderby) ?? [];
  if (!properties.includes(name)) {
    const message = "$orderby takes one property, and asc or desc";
    throw new Refusal(501, "NotImplemented", message);
  }
  const sign = direction === "desc" ? -1 : 1;
  const less = (a, b) => (a[name] < b[name] ? -1 : a[name] > b[name] ? 1 : 0);
  return rows.toSorted((a, b) => sign * less(a, b));
}

/** The properties that `$select` names, or null for all of them. */
export function selected(properties, select) {
  if (select === null || select.trim() === "*") return null;
  const names = select.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !properties.includes(name));
  if (unknown !== undefined) {
    const message = `Job has no property ${JSON.stringify(unknown)}`;
    throw new Refusal(400, "BadRequest", message);
  }
  return names;
}

/** A row with the selected properties only. */
export function projection(row, columns) {
  if (columns === null) return row;
  return Object.fromEntries(columns.map((name) => [name, row[name]]));
}
