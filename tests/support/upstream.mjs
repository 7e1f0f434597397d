// The demo upstream as a Worker for `startWorkerd`.

import { readdirSync } from "node:fs";

const FOLDER = new URL("../../examples/upstream/", import.meta.url);
const ENTRY = "worker.js";

/** Where a Worker of `watched` tells what it was sent. */
export const SEEN = "Seen";

// What it keeps at most, in characters.
const KEPT = 8_000_000;

/** A Worker for `startWorkerd` that also keeps the heads of its requests, and tells them by `SEEN`. */
export function watched({ modules, ...worker }) {
  const [entry] = Object.keys(modules);
  const source = `
    import worker from ${JSON.stringify(`./${entry}`)};
    let seen = [];
    let length = 0;
    export const ${SEEN} = { fetch: () => Response.json(seen) };
    export default {
      fetch(request, env, ctx) {
        const { method, url } = request;
        const headers = [...request.headers];
        seen.push({ method, url, headers });
        length += url.length + String(headers).length;
        if (length > ${KEPT}) [seen, length] = [[], 0];
        return worker.fetch(request, env, ctx);
      },
    };`;
  return { ...worker, modules: { "watched.js": source, ...modules } };
}

/** The demo upstream, under the name that wrangler gives it. */
export function upstreamWorker() {
  const others = readdirSync(FOLDER).filter((name) => name.endsWith(".js") && name !== ENTRY);
  const modules = [ENTRY, ...others].map((name) => [name, new URL(name, FOLDER)]);
  return { name: "gatepass-upstream", modules: Object.fromEntries(modules) };
}
