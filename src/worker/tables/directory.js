// The tables of a directory (`d/<workspace>`): users, what its admin decided, who signed in.

import { AUDIT, AUDIT_STATEMENTS } from "./audit.js";
import { OUTBOX, OUTBOX_BY_REPEAT, OUTBOX_STATEMENTS } from "./outbox.js";

/** What makes the tables of a version from those of the version before it. Never changed. */
const MIGRATIONS = [
  [
    `CREATE TABLE users (
        uid TEXT PRIMARY KEY,
        workspace TEXT NOT NULL,
        email TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX users_by_email ON users (email) WHERE email <> '';
    CREATE TABLE requests (
        workspace TEXT NOT NULL,
        actor TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (workspace, actor, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX requests_at ON requests (at);`,
    OUTBOX,
  ],
  [OUTBOX_BY_REPEAT],
  [
    `CREATE TABLE decided (
        workspace TEXT PRIMARY KEY,
        policy TEXT NOT NULL,
        rev INTEGER NOT NULL,
        sessions_from INTEGER
    ) STRICT, WITHOUT ROWID;`,
  ],
  [
    `CREATE TABLE subjects (
        subject TEXT PRIMARY KEY,
        workspace TEXT NOT NULL,
        uid TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX subjects_by_user ON subjects (uid);
    CREATE TABLE sign_ins (
        digest TEXT PRIMARY KEY,
        workspace TEXT NOT NULL,
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;`,
    AUDIT,
  ],
];

export const DIRECTORY = {
  migrations: MIGRATIONS,
  statements: {
    ...OUTBOX_STATEMENTS,
    ...AUDIT_STATEMENTS,
    decided: "SELECT policy, rev, sessions_from FROM decided",
    saveDecided: `INSERT OR REPLACE INTO decided (workspace, policy, rev, sessions_from)
      VALUES (?, ?, ?, ?)`,
    userById: "SELECT uid, email FROM users WHERE uid = ?",
    userByEmail: "SELECT uid, email FROM users WHERE email = ? AND email <> ''",
    usersAfter: "SELECT uid, email FROM users WHERE uid > ? ORDER BY uid LIMIT ?",
    saveUser: `INSERT INTO users (uid, workspace, email) VALUES (?, ?, ?)
      ON CONFLICT (uid) DO UPDATE SET email = excluded.email`,
    ofSubject: "SELECT uid FROM subjects WHERE subject = ?",
    subjectOf: "SELECT 1 FROM subjects WHERE uid = ?",
    saveSubject: "INSERT INTO subjects (workspace, subject, uid) VALUES (?, ?, ?)",
    signIn: "SELECT until FROM sign_ins WHERE digest = ?",
    saveSignIn: "INSERT INTO sign_ins (workspace, digest, until) VALUES (?, ?, ?)",
    forgetSignIn: "DELETE FROM sign_ins WHERE workspace = ? AND digest = ?",
    forgetSignIns: "DELETE FROM sign_ins WHERE workspace = ? AND until <= ?",
    bodyUnder: `SELECT body FROM requests
      WHERE workspace = ? AND actor = ? AND key = ? AND at >= ?`,
    forgetRequests: "DELETE FROM requests WHERE at < ?",
    saveBody: `INSERT OR REPLACE INTO requests (workspace, actor, key, body, at)
      VALUES (?, ?, ?, ?, ?)`,
  },
};
