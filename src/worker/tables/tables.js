// A Durable Object's own SQLite database: tables made on the first write, statements by name,
// transactions that roll back, and the alarm. The Rust half (sql.rs) decides what is asked.

import { logFault, saidBy } from "../log.js";
import { DIRECTORY } from "./directory.js";
import { LEDGER } from "./ledger.js";

/** What each class has: the steps that make its tables, version by version, and its statements. */
const SCHEMAS = { Directory: DIRECTORY, Ledger: LEDGER };

/** The tables of one Durable Object. What fails is in the log; it stays inside. */
export class Tables {
  #name;
  #storage;
  #migrations;
  #statements;
  /** The version of the tables, once it is known not to be 0. */
  #version = 0;

  constructor(name, storage) {
    this.#name = name;
    this.#storage = storage;
    this.#migrations = SCHEMAS[name].migrations;
    this.#statements = SCHEMAS[name].statements;
  }

  /**
   * Runs a query by its name, with values as JSON. Answers rows as JSON: lists of texts, or null.
   * Where there are no tables yet there are no rows: reading never makes a table.
   */
  rows(name, values) {
    return this.#logged(() => {
      if (this.#read() === 0) return "[]";
      this.#migrate();
      return JSON.stringify(this.#run(name, values), asText);
    });
  }

  /** Runs a statement that writes, after bringing the tables up to date. */
  write(name, values) {
    this.#logged(() => {
      this.#migrate();
      this.#run(name, values);
    });
  }

  /**
   * Runs `work` in one transaction: all that it writes is kept if it answers true, and nothing
   * otherwise. The alarm is part of it, set to when the first row is due.
   */
  transaction(work) {
    const version = this.#version;
    try {
      this.#logged(() =>
        this.#storage.transactionSync(() => {
          if (!work()) throw new Error("the transaction is rolled back");
          this.#arm();
        }),
      );
    } catch (error) {
      this.#version = version;
      throw error;
    }
  }

  /**
   * The object begins, anew perhaps: what its outbox has by then may have been on its way to KV when
   * it ended, and still arrive, so it is put once more later (src/outbox.rs).
   */
  resume() {
    this.#logged(() => {
      const [[, since]] = this.#query("lagging") ?? [[0, null]];
      if (since !== null) this.#query("interrupted");
    });
  }

  /** The alarm ends: it is set to when the next row is due. Answers how far KV lags behind. */
  end(now) {
    return this.#logged(() => {
      this.#storage.deleteAlarm();
      this.#arm();
      return this.#lag(now);
    });
  }

  /** What was sent to the object cannot be read. */
  unreadable() {
    this.#log(new Error("what was sent could not be read"));
  }

  /** Sets the alarm to when the first row is due, of the outbox or the agenda. */
  #arm() {
    const [[due]] = this.#query("earliest") ?? [[null]];
    if (due !== null) this.#storage.setAlarm(due);
  }

  /** What KV has not accepted: how many entries, and since when, in Unix milliseconds. */
  #lag(now) {
    const [[entries, since]] = this.#query("lagging") ?? [[0, null]];
    if (since === null) return undefined;
    const seconds = Math.max(0, Math.floor((now - since) / 1000));
    logFault("outbox_lags", { class: this.#name, seconds, entries });
    return { entries, since };
  }

  /** The rows of a query without values; nothing where there are no tables. */
  #query(name) {
    if (this.#read() === 0) return undefined;
    this.#migrate();
    return this.#exec(this.#statements[name]);
  }

  #run(name, values) {
    return this.#exec(this.#statements[name], ...JSON.parse(values));
  }

  #exec(statement, ...values) {
    return [...this.#storage.sql.exec(statement, ...values).raw()];
  }

  /**
   * The version of the tables; 0: there are none. One that this code does not know was written by
   * a later one: then nothing is read or written.
   */
  #read() {
    if (this.#version > 0) return this.#version;
    if (this.#exec(META).length === 0) return 0;
    const version = this.#exec(VERSION)[0]?.[0];
    if (!(version >= 1 && version <= this.#migrations.length)) {
      throw new Error("the tables are of another version");
    }
    this.#version = version;
    return version;
  }

  #migrate() {
    const version = this.#read();
    const newest = this.#migrations.length;
    if (version === newest) return;
    if (version === 0) this.#exec(MAKE_META);
    for (const statements of this.#migrations.slice(version).flat()) this.#exec(statements);
    this.#exec(NOTE_VERSION, newest);
    this.#version = newest;
  }

  #logged(work) {
    try {
      return work();
    } catch (error) {
      this.#log(error);
      throw error;
    }
  }

  #log(error) {
    logFault("authority_failed", { error, class: this.#name, message: saidBy(error) });
  }
}

/** Numbers are texts too, so that the other side reads one kind of value. */
const asText = (_, value) => (typeof value === "number" ? String(value) : value);

const META = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'";
const MAKE_META = `CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
  STRICT, WITHOUT ROWID`;
const VERSION = "SELECT value FROM meta WHERE name = 'version'";
const NOTE_VERSION = "INSERT OR REPLACE INTO meta (name, value) VALUES ('version', ?)";
