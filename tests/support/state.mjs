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

/**
 * The rows of a query in the database of each object of a class, as raw workerd keeps them below its
 * folder of storage; an object without tables has none.
 */
export async function queryObjects(storage, className, query) {
  const open = (file) => new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  const rows = [];
  for (const database of await databases(storage, className, open)) {
    rows.push(...database.prepare(query).all());
    database.close();
  }
  return rows;
}

/** Runs a statement in the same databases, while no workerd does. */
export async function changeObjects(storage, className, statement) {
  const open = (file) => new DatabaseSync(file);
  for (const database of await databases(storage, className, open)) {
    database.exec(statement);
    database.close();
  }
}

async function databases(storage, className, open) {
  const found = [];
  for (const file of await filesIn(join(storage, className))) {
    if (!file.endsWith(".sqlite") || file.endsWith("metadata.sqlite")) continue;
    const database = open(file);
    const [tables] = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").all();
    if (tables) found.push(database);
    else database.close();
  }
  return found;
}
