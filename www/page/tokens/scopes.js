// What a token may do, in words.

import { list } from "../format.js";
import { t } from "../texts.js";

/** The scope that lets a token manage its owner's tokens. */
export const MANAGES_TOKENS = "tokens";

/**
 * The scopes to choose from, least first: those on offer in the settings' own order; for an admin,
 * and where none are on offer, those that the routes ask for too.
 *
 * @param {import("../visit.js").Settings} settings
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

/** What a scope allows: as an admin has described it, or as the routes show. */
function meaning(name, settings, who) {
  const offered = settings.scopes.find((scope) => scope.name === name);
  if (offered?.description) return offered.description;
  if (name === MANAGES_TOKENS) return t("scope.tokens");
  const opened = who.routes.filter(({ scopes }) => scopes.includes(name));
  if (!opened.length) return "";
  const paths = opened.map(({ methods, path }) => [...methods, path].join(" "));
  return t("scope.opens", { paths: list([...new Set(paths)]) });
}

/** A token's scopes in one line, or the apps that it opens. */
export function inOneLine(token, settings, who) {
  if (token.kind === "embed") return t("may.embed", { apps: list(appNames(token.apps, who)) });
  if (!token.scopes.length) return t("may.nothing");
  const texts = token.scopes.map((name) => meaning(name, settings, who) || name);
  return list(texts);
}

/** The apps of a token by their names. */
export const appNames = (ids, who) =>
  ids.map((id) =>
    id === "*" ? t("apps.all") : (who.apps.find((app) => app.id === id)?.name ?? id),
  );
