import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensurePackages } from "../support/packages.mjs";
import { importSource } from "../support/source.mjs";
import { PROMISES } from "./promises.mjs";
import { storesIn } from "./remote.mjs";
import { holdToPromises } from "./suite.mjs";

const { sqliteStore } = await importSource("stores/sqlite.ts");
await ensurePackages();
const BetterSqlite = createRequire(import.meta.url)("better-sqlite3");

/** Two connections to a file, and one that is closed. */
async function openFile(Database) {
  const folder = await mkdtemp(join(tmpdir(), "gatepass-sqlite-"));
  const databases = [1, 2].map(() => new Database(join(folder, "gatepass.sqlite")));
  const [store, other] = databases.map(sqliteStore);
  const broken = new Database(":memory:");
  broken.close();
  const close = async () => {
    for (const database of databases) database.close();
    await rm(folder, { recursive: true });
  };
  return { store, other, failing: { store: sqliteStore(broken), secrets: [] }, close };
}

holdToPromises(PROMISES.sqlite, () => openFile(DatabaseSync), { in: "node" });

holdToPromises(PROMISES.sqlite, () => openFile(BetterSqlite), { in: "better-sqlite3" });

holdToPromises(PROMISES.sqlite, ...(await storesIn("bun", "inside/sqlite-bun.js")));

test("the table is made on first use, beside what else the database holds", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE mine (key TEXT)");
  const tables = () =>
    database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const store = sqliteStore(database);
  assert.equal(tables().length, 1);
  store.get("t/1");
  assert.deepEqual(
    tables().map(({ name }) => name),
    ["gatepass", "mine"],
  );
});

test("a table that could not be made is made when it can be", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA query_only = on");
  const store = sqliteStore(database);
  assert.throws(() => store.get("t/1"));
  database.exec("PRAGMA query_only = off");
  assert.equal(store.get("t/1"), null);
});

test("rows whose end has passed leave the table a few at a time", () => {
  const database = new DatabaseSync(":memory:");
  const store = sqliteStore(database);
  for (let i = 0; i < 100; i++) store.put(`t/${i}`, "1", Math.floor(Date.now() / 1000) + 3600);
  database.exec("UPDATE gatepass SET ends = 1 WHERE key != 't/50'");
  const count = () => database.prepare("SELECT count(*) AS count FROM gatepass").get().count;
  const counts = Array.from({ length: 10 }, () => {
    store.put("t/50", "2", Math.floor(Date.now() / 1000) + 3600);
    return count();
  });
  assert.deepEqual(counts, [90, 80, 70, 60, 50, 40, 30, 20, 10, 1]);
});
