// What `wrangler dev` keeps in its folder of state, read from outside.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What local KV holds, by key: `{value, expiration}`, the latter in Unix milliseconds or null. */
export async function readKv(state) {
  const root = join(state, "v3", "kv");
  const blobs = new Map();
  const entries = new Map();
  for (const file of await filesIn(root)) {
    if (file.includes("/blobs/")) blobs.set(file.split("/").at(-1), file);
  }
  for (const file of await filesIn(root)) {
    if (!file.endsWith(".sqlite") || file.endsWith("metadata.sqlite")) continue;
    // The running gate may hold the lock for a moment.
    const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
    const rows = database.prepare("SELECT key, blob_id, expiration FROM _mf_entries").all();
    database.close();
    for (const { key, blob_id: blob, expiration } of rows) {
      // A blob that is gone was replaced in the meantime.
      const value = await readFile(blobs.get(blob) ?? "", "utf8").catch(() => undefined);
      entries.set(key, { value, expiration });
    }
  }
  return entries;
}

/** Every file below a folder. */
export async function filesIn(folder) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}
