// SQLite in memory, behind the interface that a Durable Object has.

import { DatabaseSync } from "node:sqlite";

export class Sql {
  #database = new DatabaseSync(":memory:");

  exec(query, ...values) {
    const rows = this.#database.prepare(query).all(...values);
    return {
      toArray: () => rows,
      one() {
        if (rows.length !== 1) throw new Error(`${rows.length} rows instead of one`);
        return rows[0];
      },
    };
  }

  /** Runs many statements at once. */
  run(statements) {
    this.#database.exec(statements);
  }
}
