// The audit trail, and the agenda, which brings the alarm: to forget old events once a day, and for
// what a ledger has to tell (`agenda.js`).

/** The tables. */
export const AUDIT = `CREATE TABLE events (
        id TEXT PRIMARY KEY,
        workspace TEXT NOT NULL,
        uid TEXT NOT NULL,
        at INTEGER NOT NULL,
        action TEXT NOT NULL,
        result TEXT NOT NULL,
        actor TEXT NOT NULL,
        token TEXT,
        session TEXT,
        address TEXT NOT NULL,
        agent TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX events_of_user ON events (workspace, uid, id);
    CREATE INDEX events_by_time ON events (at);
    CREATE INDEX events_refused ON events (workspace, uid, actor, at) WHERE result <> 'ok';
    CREATE TABLE agenda (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        token TEXT NOT NULL,
        due INTEGER NOT NULL,
        attempts INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX agenda_due ON agenda (due);
    CREATE INDEX agenda_of_token ON agenda (token);
    CREATE TRIGGER events_age AFTER INSERT ON events BEGIN
        INSERT OR IGNORE INTO agenda VALUES ('purge', 'purge', '', new.at + 86400000, 0);
    END;`;

/** What a ledger has to tell of its PATs: that one ends in a week, has ended, or leaked. */
export const REMINDERS = `CREATE TRIGGER tokens_end AFTER INSERT ON tokens
    WHEN json_extract(new.record, '$.k') = 'p' AND json_extract(new.record, '$.x') IS NOT NULL
    BEGIN
        INSERT INTO agenda VALUES (new.id || '.expired', 'token.expired', new.id,
            json_extract(new.record, '$.x') * 1000, 0);
        INSERT INTO agenda SELECT new.id || '.expiring', 'token.expiring', new.id,
            (json_extract(new.record, '$.x') - 604800) * 1000, 0
            WHERE json_extract(new.record, '$.x') - 604800 > json_extract(new.record, '$.c');
    END;
    CREATE TRIGGER tokens_over AFTER UPDATE OF record, successor ON tokens
    WHEN new.successor IS NOT NULL OR json_extract(new.record, '$.st') = 'r'
    BEGIN
        DELETE FROM agenda WHERE token = new.id AND kind <> 'token.leaked';
    END;
    CREATE TRIGGER tokens_leak AFTER INSERT ON events WHEN new.action = 'token.leaked'
    BEGIN
        INSERT OR IGNORE INTO agenda VALUES (new.token || '.leaked', 'token.leaked', new.token,
            new.at, 0);
    END;
    INSERT INTO agenda SELECT id || '.expired', 'token.expired', id,
        json_extract(record, '$.x') * 1000, 0 FROM tokens
        WHERE json_extract(record, '$.k') = 'p' AND json_extract(record, '$.st') <> 'r'
        AND successor IS NULL AND json_extract(record, '$.x') > unixepoch();
    INSERT INTO agenda SELECT token || '.expiring', 'token.expiring', token, due - 604800000, 0
        FROM agenda WHERE kind = 'token.expired' AND due - 604800000 > unixepoch() * 1000;`;

export const AUDIT_STATEMENTS = {
  refusedLately: `SELECT 1 FROM events WHERE workspace = ? AND uid = ? AND actor = ?
    AND at > ? AND result <> 'ok' AND action = ? AND result = ?`,
  eventsSince: "SELECT COUNT(*) FROM events WHERE at >= ?",
  saveEvent: `INSERT INTO events (id, workspace, uid, at, action, result, actor, token, session,
    address, agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  // The JSON is what answers show.
  events: `SELECT id, json_object('id', id,
    'at', strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'), 'action', action,
    'result', result, 'actor', actor, 'user', NULLIF(uid, ''), 'token', token,
    'session', session, 'address', NULLIF(address, ''), 'userAgent', NULLIF(agent, ''))
    FROM events WHERE workspace = ?1 AND uid = ?2 AND id < ?3
    AND action = COALESCE(?4, action) AND result = COALESCE(?5, result)
    AND (?6 IS NULL OR token = ?6) AND at >= ?7 * 1000 AND at < ?8 * 1000
    ORDER BY id DESC LIMIT ?9`,
};
