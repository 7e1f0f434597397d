// Stores in Bun's own SQLite.

import { Database } from "bun:sqlite";
import { sqliteStore } from "../../../../npm/src/stores/sqlite.ts";
import { serve } from "./serve.js";

const file = `${process.argv.at(-1)}/gatepass.sqlite`;
const broken = new Database(":memory:");
broken.close();
const stores = {
  store: sqliteStore(new Database(file)),
  other: sqliteStore(new Database(file)),
  failing: sqliteStore(broken),
};
const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: serve(stores) });
console.log(JSON.stringify({ port }));
