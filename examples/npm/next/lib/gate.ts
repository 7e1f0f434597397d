import { createGate } from "gatepass";
import { sqliteStore } from "gatepass/stores/sqlite";
import { DatabaseSync } from "node:sqlite";

// Next.js loads this for the proxy and for routes anew, so records must be where both see them.
const database = new DatabaseSync("tokens.sqlite");
database.exec("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 2000");

export const gate = createGate({
  store: sqliteStore(database),
  routes: [
    { path: "/try/token", methods: ["POST"], public: true },
    { path: "/hello", scopes: ["hello"] },
  ],
});
