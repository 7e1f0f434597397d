// The demo upstream as a Worker for `startWorkerd`.

import { readdirSync } from "node:fs";

const FOLDER = new URL("../../examples/upstream/", import.meta.url);
const ENTRY = "worker.js";

/** The demo upstream, under the name that wrangler gives it. */
export function upstreamWorker() {
  const others = readdirSync(FOLDER).filter((name) => name.endsWith(".js") && name !== ENTRY);
  const modules = [ENTRY, ...others].map((name) => [name, new URL(name, FOLDER)]);
  return { name: "gatepass-upstream", modules: Object.fromEntries(modules) };
}
