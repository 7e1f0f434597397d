// The tables of a ledger (`l/<hint>`): tokens, what is remembered of requests, sessions and places.
// Each index is there for the statements that name its columns (docs/scale.md).

import { AUDIT, AUDIT_STATEMENTS, REMINDERS } from "./audit.js";
import { OUTBOX, OUTBOX_BY_REPEAT, OUTBOX_STATEMENTS } from "./outbox.js";
import { SESSION_STATEMENTS } from "./sessions.js";
import { TOKEN_STATEMENTS } from "./tokens.js";

/** What makes the tables of a version from those of the version before it. Never changed. */
const MIGRATIONS = [
  [
    `CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        workspace TEXT NOT NULL,
        uid TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        record TEXT NOT NULL,
        description TEXT NOT NULL,
        start TEXT NOT NULL,
        parent TEXT,
        successor TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tokens_of_user ON tokens (workspace, uid, id);
    CREATE INDEX tokens_of_parent ON tokens (workspace, uid, parent);
    CREATE INDEX tokens_of_successor ON tokens (workspace, uid, successor);
    CREATE TABLE requests (
        workspace TEXT NOT NULL,
        uid TEXT NOT NULL,
        actor TEXT NOT NULL,
        request TEXT NOT NULL,
        token TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (workspace, uid, actor, request)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX requests_at ON requests (at);`,
    OUTBOX,
  ],
  [
    `ALTER TABLE tokens ADD COLUMN slot TEXT;
    CREATE INDEX tokens_in_slot ON tokens (workspace, uid, slot, id) WHERE slot IS NOT NULL;
    CREATE INDEX tokens_by_end ON tokens
        (workspace, uid, json_extract(record, '$.st'), json_extract(record, '$.x'));
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        token TEXT NOT NULL,
        workspace TEXT NOT NULL,
        uid TEXT NOT NULL,
        app TEXT NOT NULL,
        place TEXT NOT NULL,
        ends INTEGER NOT NULL,
        killed INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_of_user ON sessions (workspace, uid, id);
    CREATE INDEX sessions_of_token ON sessions (workspace, uid, token);
    CREATE TABLE places (
        place TEXT PRIMARY KEY,
        workspace TEXT NOT NULL,
        uid TEXT NOT NULL,
        app TEXT NOT NULL,
        origins TEXT NOT NULL,
        until INTEGER
    ) STRICT, WITHOUT ROWID;`,
  ],
  // `embed_until`: when an embed token and its sessions are over (`Record::over`).
  // `barren_until`: the same where nothing came of it that is revoked with it.
  [
    `ALTER TABLE tokens ADD COLUMN embed_until INTEGER AS (
        CASE WHEN json_extract(record, '$.k') = 'e' THEN json_extract(record, '$.x')
        + COALESCE(json_extract(record, '$.su') * json_extract(record, '$.sm'), 0) * 60 END);
    ALTER TABLE tokens ADD COLUMN barren_until INTEGER AS (
        CASE WHEN slot IS NULL THEN embed_until END);
    CREATE INDEX tokens_embedding ON tokens (workspace, uid, embed_until)
        WHERE embed_until IS NOT NULL;
    DROP INDEX tokens_of_parent;
    CREATE INDEX tokens_of_parent ON tokens (workspace, uid, parent, barren_until)
        WHERE parent IS NOT NULL;
    DROP INDEX tokens_of_successor;
    CREATE INDEX tokens_of_successor ON tokens (workspace, uid, successor)
        WHERE successor IS NOT NULL;
    DROP INDEX sessions_of_user;
    CREATE INDEX sessions_of_user ON sessions (workspace, uid, id) WHERE killed = 0;
    DROP INDEX sessions_of_token;
    CREATE INDEX sessions_of_token ON sessions (workspace, uid, token, ends);
    CREATE INDEX sessions_by_end ON sessions (workspace, uid, ends);
    CREATE INDEX places_by_end ON places (workspace, uid, until) WHERE until IS NOT NULL;`,
    OUTBOX_BY_REPEAT,
  ],
  [
    `CREATE INDEX sessions_killed ON sessions (workspace, uid, token, ends) WHERE killed = 1;
    UPDATE tokens SET record = json_remove(record, '$.kill')
        WHERE json_extract(record, '$.kill') IS NOT NULL;`,
  ],
  [
    `ALTER TABLE tokens ADD COLUMN number INTEGER;
    UPDATE tokens SET number = ranked.number FROM (
        SELECT id, ROW_NUMBER() OVER (PARTITION BY workspace, uid ORDER BY id) AS number
        FROM tokens WHERE json_extract(record, '$.k') = 'p') AS ranked
        WHERE ranked.id = tokens.id;
    CREATE UNIQUE INDEX tokens_by_number ON tokens (workspace, uid, number)
        WHERE number IS NOT NULL;`,
  ],
  [
    `ALTER TABLE tokens ADD COLUMN used INTEGER;
    ALTER TABLE sessions ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN origin TEXT NOT NULL DEFAULT '';
    ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';`,
    AUDIT,
    REMINDERS,
  ],
];

export const LEDGER = {
  migrations: MIGRATIONS,
  statements: {
    ...OUTBOX_STATEMENTS,
    ...AUDIT_STATEMENTS,
    ...TOKEN_STATEMENTS,
    ...SESSION_STATEMENTS,
  },
};
