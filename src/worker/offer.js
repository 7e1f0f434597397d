// What a deployment has on offer for people: the apps and the routes of its configuration, without
// what is between it and the upstream, and where that is.

import { parsed } from "./variables.js";

/** The answer, with the offer where the core asks for it. */
export function offered(verdict, request, { APPS, ROUTES, MANAGEMENT_HOST: apart }) {
  if (!verdict.offer) return verdict;
  // The host where people are signed in has nothing of the upstream's.
  const origin = apart ? null : new URL(request.url).origin;
  const apps = list(APPS).map(verdict.offer === "admin" ? embeddable : named);
  const offer = { origin, apps, routes: list(ROUTES).map(route) };
  return { ...verdict, body: JSON.stringify({ ...JSON.parse(verdict.body), ...offer }) };
}

const list = (variable) => (variable ? parsed(variable) : []);

const named = ({ id, name = "" }) => ({ id, name });

/** With whose pages may show it: they name customers, and are for admins. */
const embeddable = ({ allowedOrigins = [], ...app }) => ({ ...named(app), allowedOrigins });

const route = ({ path, methods = [], scopes = [], public: isPublic = false }) => ({
  ...{ path, methods, scopes },
  public: isPublic,
});
