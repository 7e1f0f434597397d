// What a token may do, in words.

import { list } from "../format.js";
import { t } from "../texts.js";

/** The scope that lets a token manage its owner's tokens. */
export const MANAGES_TOKENS = "tokens";

/**
 * The scopes to choose from, least first: those on offer in the settings' own order; for an admin,
 * and where none are on offer, those that the routes ask for too.
 *
 * @param {Pick<import("../visit.js").Settings, "scopes">} settings
 * @param {import("../visit.js").Who} who
 * @returns {{name: string, description: string}[]}
 */
export function choosable(settings, who) {
  const offered = settings.scopes;
  if (offered.length && who.role !== "admin") return offered.map(described(settings, who));
  const ofRoutes = who.routes
    .toSorted((one, other) => Number(!isReading(one)) - Number(!isReading(other)))
    .flatMap(({ scopes }) => scopes);
  const names = [...offered.map(({ name }) => name), ...ofRoutes, MANAGES_TOKENS];
  return [...new Set(names)].map((name) => described(settings, who)({ name, description: "" }));
}

const isReading = ({ methods }) =>
  methods.length > 0 && methods.every((method) => method === "GET" || method === "HEAD");

const described =
  (settings, who) =>
  ({ name, description }) => ({ name, description: description || meaning(name, settings, who) });

/** What a scope allows: as it is described, or as the routes show. */
export function meaning(name, settings, who) {
  const text = describedAs(name, settings);
  if (text) return text;
  const opened = who.routes.filter(({ scopes }) => scopes.includes(name));
  if (!opened.length) return "";
  const paths = opened.map(({ methods, path }) => [...methods, path].join(" "));
  return t("scope.opens", { paths: list([...new Set(paths)]) });
}

/** An admin's own words for a scope, or ours for the one that is ours. */
function describedAs(name, settings) {
  const offered = settings.scopes.find((scope) => scope.name === name);
  if (offered?.description) return offered.description;
  return name === MANAGES_TOKENS ? t("scope.tokens") : undefined;
}

/** A token's scopes in one line, or the apps that it opens. */
export function inOneLine(token, settings, who) {
  if (token.kind === "embed") return t("may.embed", { apps: list(appNames(token.apps, who)) });
  if (!token.scopes.length) return t("may.nothing");
  return token.scopes.map((name) => describedAs(name, settings) ?? name).join(" · ");
}

/** The apps of a token by their names. */
export const appNames = (ids, who) =>
  ids.map((id) =>
    id === "*" ? t("apps.all") : (who.apps.find((app) => app.id === id)?.name ?? id),
  );
