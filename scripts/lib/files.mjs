// The checkout's own files, without what was built or installed.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "./paths.mjs";

const MADE = /^(\.git|\.state|\.wrangler|build|dist|node_modules|target)$/;

/** The paths, from the checkout on, of all files whose name is this one. */
export function filesNamed(name, folder = "") {
  const entries = readdirSync(inRoot(folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return MADE.test(entry.name) ? [] : filesNamed(name, path);
    return entry.name === name ? [path] : [];
  });
}
