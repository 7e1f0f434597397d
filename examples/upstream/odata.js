import { publicOrigin } from "./answers.js";
import { JOBS } from "./jobs.js";
import { METADATA } from "./odata-metadata.js";
import {
  counted,
  filtered,
  number,
  ordered,
  projection,
  refuseUnknown,
  selected,
} from "./odata-query.js";
import { Refusal } from "./odata-refusal.js";

const PAGE = 25;

const ROWS = JOBS.map((job) => ({
  Id: job.ID._id,
  Name: job.Name,
  Description: job.Description,
  Creator: job.JobCreatorName,
  CreatedDate: `${job.CreatedDate}Z`,
  Type: job.Type,
  Folders: job.NoOfFolders,
  Path: job.Path,
}));

const PROPERTIES = Object.keys(ROWS[0]);

/** An OData 4.0 feed, read only, of one entity set: `Jobs`. */
export function odata(request, url) {
  try {
    return resource(request, url);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { status, code, message } = error;
    const headers = status === 405 ? { Allow: "GET, HEAD" } : {};
    return answer({ error: { code, message } }, { status, headers });
  }
}

function resource(request, url) {
  if (!["GET", "HEAD"].includes(request.method)) {
    throw new Refusal(405, "MethodNotAllowed", "the feed is read only");
  }
  refuseUnknown(url.searchParams);
  const root = `${publicOrigin(request)}/odata/`;
  const path = decoded(url.pathname).replace(/^\/odata\/?/, "");
  switch (path) {
    case "":
      return serviceDocument(root);
    case "$metadata":
      return metadata();
    case "Jobs":
      return entitySet(root, url.searchParams);
    case "Jobs/$count":
      return count(url.searchParams);
    default:
      return entity(root, path, url.searchParams);
  }
}

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new Refusal(400, "BadRequest", "the path is not well encoded");
  }
}

function serviceDocument(root) {
  return answer({
    "@odata.context": `${root}$metadata`,
    value: [{ name: "Jobs", kind: "EntitySet", url: "Jobs" }],
  });
}

function metadata() {
  return new Response(METADATA, {
    headers: { "Content-Type": "application/xml", "OData-Version": "4.0" },
  });
}

function count(query) {
  return new Response(String(filtered(ROWS, query.get("$filter")).length), {
    headers: { "Content-Type": "text/plain", "OData-Version": "4.0" },
  });
}

function entity(root, path, query) {
  const id = /^Jobs\((?:Id=)?(\d{1,9})\)$/.exec(path)?.[1];
  const row = ROWS.find(({ Id }) => Id === Number(id));
  if (row === undefined) {
    throw new Refusal(404, "NotFound", "there is no such resource");
  }
  const columns = selected(PROPERTIES, query.get("$select"));
  return answer({
    "@odata.context": `${context(root, columns)}/$entity`,
    ...projection(row, columns),
  });
}

function entitySet(root, query) {
  const columns = selected(PROPERTIES, query.get("$select"));
  const found = filtered(ROWS, query.get("$filter"));
  const skip = number(query, "$skip") ?? 0;
  const top = number(query, "$top") ?? Infinity;
  const wanted = ordered(found, PROPERTIES, query.get("$orderby")).slice(skip, skip + top);
  const from = number(query, "$skiptoken") ?? 0;
  const page = wanted.slice(from, from + PAGE);

  const feed = { "@odata.context": context(root, columns) };
  if (counted(query.get("$count"))) feed["@odata.count"] = found.length;
  feed.value = page.map((row) => projection(row, columns));
  if (from + PAGE < wanted.length) {
    const next = new URLSearchParams(query);
    next.set("$skiptoken", from + PAGE);
    feed["@odata.nextLink"] = `${root}Jobs?${next}`;
  }
  return answer(feed);
}

function context(root, columns) {
  return `${root}$metadata#Jobs${columns === null ? "" : `(${columns})`}`;
}

function answer(value, { status = 200, headers = {} } = {}) {
  return new Response(JSON.stringify(value), {
    status,
    headers: {
      "Content-Type": "application/json;odata.metadata=minimal;charset=utf-8",
      "OData-Version": "4.0",
      ...headers,
    },
  });
}
