// What to do with a token in each tool: steps, with the token filled in.

import { list } from "../format.js";
import { t } from "../texts.js";

/**
 * @typedef {{name: "curl" | "powerBi" | "excel" | "python" | "javaScript", steps: {text: string, code?: string}[]}} Recipe
 *
 * @param {{token: string, scopes: string[]}} token
 * @param {import("../visit.js").Who} who
 * @returns {Recipe[]}
 */
export function recipes({ token, scopes }, who) {
  const app = who.origin ?? t("howTo.yourApp");
  const open = opened(scopes, who.routes);
  const readable = open.filter((route) => route === readAt(beginning(route), who.routes));
  const url = app + beginning(readable[0] ?? { path: "/" });
  const feed = app + beginning(readable.find(({ path }) => /odata/i.test(path)) ?? { path: "/" });
  const paths = list([...new Set(open.map(({ path }) => path))]);
  return [
    {
      name: "curl",
      steps: [
        {
          text: t("howTo.curl.check"),
          code: curl(token, `${location.origin}/gatepass/api/tokens/self`),
        },
        {
          text: open.length ? t("howTo.curl.paths", { paths }) : t("howTo.curl.app"),
          code: curl(token, url),
        },
      ],
    },
    {
      name: "powerBi",
      steps: [
        { text: t("howTo.powerBi.get"), code: feed },
        { text: t("howTo.basic"), code: token },
        { text: t("howTo.powerBi.refresh") },
      ],
    },
    {
      name: "excel",
      steps: [
        { text: t("howTo.excel.get"), code: feed },
        { text: t("howTo.basic"), code: token },
      ],
    },
    {
      name: "python",
      steps: [
        {
          text: t("howTo.python.run"),
          code: `from urllib.request import Request, urlopen

request = Request("${url}", headers={"Authorization": "Bearer ${token}"})
print(urlopen(request).read().decode())`,
        },
      ],
    },
    {
      name: "javaScript",
      steps: [
        {
          text: t("howTo.javaScript.run"),
          code: `const answer = await fetch("${url}", {
  headers: { Authorization: "Bearer ${token}" },
});
console.log(answer.status, await answer.text());`,
        },
      ],
    },
  ];
}

/** In quotation marks that the shells of Windows take, too. */
function curl(token, url) {
  const mark = url.includes("$") ? "'" : '"';
  return `curl -H ${mark}Authorization: Bearer ${token}${mark} ${mark}${url}${mark}`;
}

/** The routes that ask for scopes, and for no other than these. */
const opened = (scopes, routes) =>
  routes.filter(
    (route) => route.scopes.length && route.scopes.every((scope) => scopes.includes(scope)),
  );

/** The route that a path is read by: of those that match, the first one. */
const readAt = (path, routes) => routes.find((route) => isRead(route) && matches(route, path));
const isRead = ({ methods }) => !methods.length || methods.includes("GET");
const matches = (route, path) =>
  route.path.endsWith("*") ? path.startsWith(beginning(route)) : path === route.path;

/** Where all that a route is for begins. */
const beginning = ({ path }) => path.replace(/\*$/, "");
