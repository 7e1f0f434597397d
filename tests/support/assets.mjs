// The files of www/ as Workers assets serve them: by their exact name, "/" as index.html, with a type,
// an ETag, and 404 for all else.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { startServer } from "./stand-ins.mjs";

const WWW = new URL("../../www/", import.meta.url);
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

/**
 * Starts a server that stands in for the binding ASSETS; `fault` is what answers instead, a listener
 * of `node:http`.
 */
export async function startAssets() {
  const assets = { fault: undefined };
  const server = await startServer(async (request, response) => {
    if (assets.fault) return assets.fault(request, response);
    if (!["GET", "HEAD"].includes(request.method)) return response.writeHead(405).end();
    const { pathname } = new URL(request.url, "http://assets");
    const file = pathname === "/" ? "/index.html" : pathname;
    const bytes = await readFile(new URL(`.${file}`, WWW)).catch(() => undefined);
    if (bytes === undefined) return response.writeHead(404).end();
    const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
    const headers = {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "cache-control": "public, max-age=0, must-revalidate",
      etag,
    };
    const isKnown = request.headers["if-none-match"]?.replace(/^W\//, "") === etag;
    if (isKnown) return response.writeHead(304, headers).end();
    response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : bytes);
  });
  return Object.assign(assets, { address: server.address, stop: server.stop });
}
