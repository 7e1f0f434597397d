// The jobs board, the demo app for embeds, as a Worker for `startWorkerd`.

import { readdirSync } from "node:fs";

const FOLDER = new URL("../../examples/board/", import.meta.url);
const ENTRY = "worker.js";

/** The jobs board, under the name that wrangler gives it. */
export function boardWorker() {
  const others = readdirSync(FOLDER).filter((name) => name.endsWith(".js") && name !== ENTRY);
  const modules = [ENTRY, ...others].map((name) => [name, new URL(name, FOLDER)]);
  return { name: "gatepass-board", modules: Object.fromEntries(modules) };
}
