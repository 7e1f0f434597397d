// The checkout's own files.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "./paths.mjs";

/** Folders of what was built, installed or left by a run. */
export const MADE = /^(\.git|\.state|\.wrangler|build|dist|node_modules|target)$/;

/** The paths, from the checkout on, of all its own files whose name is this one. */
export function filesNamed(name, folder = "") {
  const entries = readdirSync(inRoot(folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return MADE.test(entry.name) ? [] : filesNamed(name, path);
    return entry.name === name ? [path] : [];
  });
}
