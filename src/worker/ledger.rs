//! The Durable Object `l/<hint>`, which owns the tokens of its users.

use super::outbox::{self, Value};
use super::sql::{Bind, Failed, Migrations, Row as SqlRow, Sql};
use crate::digest::Digest;
use crate::entry::Entry;
use crate::id::Id;
use crate::ledger::{Command, Creation, Tokens};
use crate::lookup::{Found, Lookup};
use crate::outbox::Row;
use crate::place::Place;
use crate::record::Record;
use crate::sessions::{self, Live, Sessions, Spot};
use crate::time::Time;
use crate::token::Kind;
use crate::transaction;
use crate::wire;
use js_sys::JsString;

/// Carries out a command, or looks a token up, and answers the reply.
pub fn execute(sql: &Sql, command: &str, now_ms: u64) -> Result<String, Failed> {
    if let Some(Lookup::Lookup { digest, session }) = Lookup::parse(command) {
        let now = Time::from_millis(now_ms);
        let record = match sql.lookup(&digest)? {
            Some(record) => {
                let record = sessions::with_killed(sql, record, session.as_ref(), now)?;
                Some(record.to_json())
            }
            None => None,
        };
        return Ok(Found {
            record: Some(record),
            settings: None,
        }
        .to_json());
    }
    let command: Command = wire::read(command).ok_or_else(|| sql.unreadable())?;
    let reply = if command.writes() {
        sql.transaction(|| {
            let reply = transaction::execute(sql, command, now_ms)?;
            outbox::arm(sql)?;
            Ok(reply)
        })?
    } else {
        transaction::execute(sql, command, now_ms)?
    };
    Ok(wire::write(&reply))
}

/// What KV shall hold of a token or a place.
pub fn value(sql: &Sql, row: &Row, now_ms: u64) -> Result<Option<Value>, Failed> {
    let now = Time::from_millis(now_ms);
    if let Some(place) = row.key.strip_prefix("p/") {
        let place = Place::parse(place).ok_or(Failed)?;
        return Ok(sql.spot(&place)?.map(|(spot, until)| Value {
            text: spot.to_json(),
            expiration: until.map(|until| until.max(now.plus(120)).seconds()),
        }));
    }
    let query = "SELECT record FROM tokens WHERE digest = ? AND workspace = ? AND uid = ?";
    let digest = row.key.trim_start_matches("t/");
    let values = [digest, &row.workspace, &row.uid].map(Bind::Text);
    let Some(found) = sql.first(query, &values)? else {
        return Ok(None);
    };
    let record = sessions::with_killed(sql, read_record(&found)?, None, now)?;
    let expiration = record.kv_expiration(now);
    Ok(Some(Value {
        text: record.to_json(),
        expiration: expiration.map(Time::seconds),
    }))
}

impl Tokens for Sql {
    fn lower(text: &str) -> String {
        JsString::from(text).to_lower_case().into()
    }

    fn lookup(&self, digest: &Digest) -> Result<Option<Record>, Failed> {
        let query = "SELECT record FROM tokens WHERE digest = ?";
        let found = self.first(query, &[digest.to_hex().as_str().into()])?;
        found.as_ref().map(read_record).transpose()
    }

    fn token(&self, workspace: &str, id: &Id) -> Result<Option<Entry>, Failed> {
        let query = format!("SELECT {COLUMNS} FROM tokens WHERE id = ? AND workspace = ?");
        let values = [id.as_str().into(), workspace.into()];
        self.first(&query, &values)?.as_ref().map(read).transpose()
    }

    fn kin(&self, token: &Record, now: Time) -> Result<Vec<Entry>, Failed> {
        // One range of an index each, where an OR would read all tokens of the user; and first
        // those that the asking isolate should be told of.
        let of_user = format!("SELECT {COLUMNS} FROM tokens WHERE workspace = ?1 AND uid = ?2");
        let left = "json_extract(record, '$.st') <> 'r'";
        let query = format!(
            "{of_user} AND parent = ?3 AND barren_until IS NULL AND {left} UNION ALL
             {of_user} AND successor = ?3 AND {left} UNION ALL
             {of_user} AND parent = ?3 AND barren_until > ?4 AND {left}"
        );
        let [workspace, uid, id] =
            [&token.workspace, &token.uid, token.id.as_str()].map(Bind::Text);
        let rows = self.rows(&query, &[workspace, uid, id, now.seconds().into()])?;
        rows.iter().map(read).collect()
    }

    fn live(&self, workspace: &str, uid: &str, now: Time) -> Result<usize, Failed> {
        // Expired ones are not even counted: they are kept for good.
        let some = "(SELECT COUNT(*) FROM tokens WHERE workspace = ?1 AND uid = ?2
                     AND json_extract(record, '$.st') IN ('a', 'd')
                     AND json_extract(record, '$.x')";
        let query = format!("SELECT {some} > ?3) + {some} IS NULL)");
        count(self, &query, workspace, uid, now.seconds().into())
    }

    fn in_slot(&self, workspace: &str, uid: &str, slot: &str) -> Result<Option<Entry>, Failed> {
        let query = format!(
            "SELECT {COLUMNS} FROM tokens WHERE workspace = ? AND uid = ? AND slot = ?
             ORDER BY id DESC LIMIT 1"
        );
        let values = [workspace, uid, slot].map(Bind::Text);
        let found = self.first(&query, &values)?;
        found.as_ref().map(read).transpose()
    }

    fn slotted_since(&self, workspace: &str, uid: &str, since: &Id) -> Result<usize, Failed> {
        let query = "SELECT COUNT(*) FROM tokens
                     WHERE workspace = ? AND uid = ? AND id >= ? AND slot IS NOT NULL";
        count(self, query, workspace, uid, since.as_str().into())
    }

    fn numbered(
        &self,
        workspace: &str,
        uid: &str,
        number: Option<u64>,
        since: Time,
    ) -> Result<Vec<Entry>, Failed> {
        let of_user = "WHERE workspace = ?1 AND uid = ?2 AND number IS NOT NULL";
        let which = match number {
            Some(_) => "AND number = ?3",
            None => {
                "AND json_extract(record, '$.st') IN ('a', 'd')
                 AND COALESCE(json_extract(record, '$.x') > ?3, 1)"
            }
        };
        let query = format!("SELECT {COLUMNS} FROM tokens {of_user} {which} ORDER BY number");
        let third = number.unwrap_or(since.seconds());
        let rows = self.rows(&query, &[workspace.into(), uid.into(), third.into()])?;
        rows.iter().map(read).collect()
    }

    fn forget_embeds(&self, workspace: &str, uid: &str, before: Time) -> Result<(), Failed> {
        let forget = "DELETE FROM tokens WHERE workspace = ? AND uid = ? AND embed_until <= ?";
        let values = [workspace.into(), uid.into(), before.seconds().into()];
        self.write(forget, &values)
    }

    fn older(
        &self,
        workspace: &str,
        uid: &str,
        before: Option<&Id>,
        limit: usize,
    ) -> Result<Vec<Entry>, Failed> {
        // "~" sorts after every id.
        let query = format!(
            "SELECT {COLUMNS} FROM tokens WHERE workspace = ? AND uid = ? AND id < ?
             ORDER BY id DESC LIMIT {limit}"
        );
        let values = [workspace, uid, before.map_or("~", Id::as_str)];
        let rows = self.rows(&query, &values.map(Bind::Text))?;
        rows.iter().map(read).collect()
    }

    fn save_token(&self, entry: &Entry) -> Result<(), Failed> {
        let record = &entry.record;
        fn id(id: &Option<Id>) -> Bind<'_> {
            id.as_ref().map(Id::as_str).into()
        }
        let (json, digest) = (record.to_json(), entry.digest.to_hex());
        if record.rev == 1 {
            let number = match record.kind() {
                Kind::Pat => NEXT_NUMBER,
                Kind::Embed => "NULL",
            };
            let insert = format!(
                "INSERT INTO tokens ({COLUMNS}, id, workspace, uid)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, {number}, ?8, ?9, ?10)"
            );
            let values = [
                json.as_str().into(),
                digest.as_str().into(),
                entry.description.as_str().into(),
                entry.start.as_str().into(),
                id(&entry.parent),
                id(&entry.successor),
                entry.slot.as_deref().into(),
                record.id.as_str().into(),
                record.workspace.as_str().into(),
                record.uid.as_str().into(),
            ];
            return self.write(&insert, &values);
        }
        // What never changes is not written again.
        let update = "UPDATE tokens SET record = ?, description = ?, successor = ?
                      WHERE id = ? AND workspace = ? AND uid = ?";
        let values = [
            json.as_str().into(),
            entry.description.as_str().into(),
            id(&entry.successor),
            record.id.as_str().into(),
            record.workspace.as_str().into(),
            record.uid.as_str().into(),
        ];
        self.write(update, &values)
    }

    fn made_by(
        &self,
        creation: &Creation,
        once: &Digest,
        since_ms: u64,
    ) -> Result<Option<Id>, Failed> {
        let query = "SELECT token FROM requests
                     WHERE workspace = ? AND uid = ? AND actor = ? AND request = ? AND at >= ?";
        let request = once.to_hex();
        let values = [
            creation.actor.workspace().into(),
            creation.user.uid.as_str().into(),
            creation.actor.name().into(),
            request.as_str().into(),
            since_ms.into(),
        ];
        let found = self.first(query, &values)?;
        Ok(found.and_then(|row| row.text(0).as_deref().and_then(Id::parse)))
    }

    fn note_made(
        &self,
        creation: &Creation,
        once: &Digest,
        now_ms: u64,
        forget_before_ms: u64,
    ) -> Result<(), Failed> {
        let forget = "DELETE FROM requests WHERE at < ?";
        self.write(forget, &[forget_before_ms.into()])?;
        let note = "INSERT OR REPLACE INTO requests (workspace, uid, actor, request, token, at)
                    VALUES (?, ?, ?, ?, ?, ?)";
        let request = once.to_hex();
        let values = [
            creation.actor.workspace().into(),
            creation.user.uid.as_str().into(),
            creation.actor.name().into(),
            request.as_str().into(),
            creation.minted.id.as_str().into(),
            now_ms.into(),
        ];
        self.write(note, &values)
    }
}

/// Reads the first column.
fn read_record(row: &SqlRow) -> Result<Record, Failed> {
    let text = row.text(0).ok_or(Failed)?;
    Record::parse(&text).map_err(|_| Failed)
}

/// Reads a row of [`COLUMNS`].
fn read(row: &SqlRow) -> Result<Entry, Failed> {
    let text = |column| row.text(column).ok_or(Failed);
    let id = |column| match row.text(column) {
        Some(text) => Id::parse(&text).map(Some).ok_or(Failed),
        None => Ok(None),
    };
    Ok(Entry {
        record: read_record(row)?,
        digest: Digest::from_hex(&text(1)?).ok_or(Failed)?,
        description: text(2)?,
        start: text(3)?,
        parent: id(4)?,
        successor: id(5)?,
        slot: row.text(6),
        number: row.number(7),
    })
}

const COLUMNS: &str = "record, digest, description, start, parent, successor, slot, number";

/// The next number of a user whose workspace and id are bound ninth and tenth.
const NEXT_NUMBER: &str = "(SELECT COALESCE(MAX(number), 0) + 1 FROM tokens
      WHERE workspace = ?9 AND uid = ?10 AND number IS NOT NULL)";

impl Sessions for Sql {
    fn session(&self, workspace: &str, id: &Id) -> Result<Option<Live>, Failed> {
        let query = format!("SELECT {SESSION} FROM sessions WHERE id = ? AND workspace = ?");
        let values = [id.as_str(), workspace].map(Bind::Text);
        let found = self.first(&query, &values)?;
        found.as_ref().map(read_session).transpose()
    }

    fn open_sessions(&self, token: &Record, now: Time) -> Result<usize, Failed> {
        let query = format!(
            "SELECT COUNT(*) FROM sessions
             WHERE workspace = ? AND uid = ? AND ends > ? AND token = '{}'",
            token.id.as_str()
        );
        count(
            self,
            &query,
            &token.workspace,
            &token.uid,
            now.seconds().into(),
        )
    }

    fn killed_sessions(
        &self,
        token: &Record,
        limit: usize,
        now: Time,
    ) -> Result<Vec<(Id, Time)>, Failed> {
        let query = format!(
            "SELECT id, ends FROM sessions
             WHERE workspace = ? AND uid = ? AND token = ? AND ends > ? AND killed = 1
             ORDER BY ends DESC LIMIT {limit}"
        );
        let values = [
            token.workspace.as_str().into(),
            token.uid.as_str().into(),
            token.id.as_str().into(),
            now.seconds().into(),
        ];
        let rows = self.rows(&query, &values)?;
        let killed = rows.iter().map(|row| {
            let id = row.text(0).as_deref().and_then(Id::parse);
            Some((id?, Time::from_seconds(row.number(1)?)))
        });
        killed.collect::<Option<_>>().ok_or(Failed)
    }

    fn forget_sessions(&self, token: &Record) -> Result<(), Failed> {
        let forget = "DELETE FROM sessions WHERE workspace = ? AND uid = ? AND token = ?";
        let values = [&token.workspace, &token.uid, token.id.as_str()].map(Bind::Text);
        self.write(forget, &values)
    }

    fn sessions_between(
        &self,
        workspace: &str,
        uid: &str,
        (before, after): (Option<&Id>, Option<&Id>),
        limit: usize,
        now: Time,
    ) -> Result<Vec<Live>, Failed> {
        let query = format!(
            "SELECT {SESSION} FROM sessions
             WHERE workspace = ? AND uid = ? AND id < ? AND id >= ? AND ends > ? AND killed = 0
             ORDER BY id DESC LIMIT {limit}"
        );
        let values = [
            workspace.into(),
            uid.into(),
            before.map_or("~", Id::as_str).into(),
            after.map_or("", Id::as_str).into(),
            now.seconds().into(),
        ];
        let rows = self.rows(&query, &values)?;
        rows.iter().map(read_session).collect()
    }

    fn newest_sessions(
        &self,
        workspace: &str,
        uid: &str,
        token: Option<&Id>,
        now: Time,
        limit: usize,
    ) -> Result<Vec<(Id, Id)>, Failed> {
        let of_token = token.map_or("", |_| "AND token = ?4");
        let query = format!(
            "SELECT token, MAX(id) FROM sessions
             WHERE workspace = ?1 AND uid = ?2 AND ends > ?3 {of_token}
             GROUP BY token LIMIT {limit}"
        );
        let mut values = vec![workspace.into(), uid.into(), now.seconds().into()];
        values.extend(token.map(|token| Bind::Text(token.as_str())));
        let id = |row: &SqlRow, column| row.text(column).as_deref().and_then(Id::parse);
        let rows = self.rows(&query, &values)?;
        let newest = rows.iter().map(|row| id(row, 0).zip(id(row, 1)));
        newest.collect::<Option<_>>().ok_or(Failed)
    }

    fn save_session(&self, session: &Live, now: Time) -> Result<(), Failed> {
        let (workspace, uid) = (session.workspace.as_str(), session.uid.as_str());
        let forget = "DELETE FROM sessions WHERE workspace = ? AND uid = ? AND ends <= ?";
        let values = [
            workspace.into(),
            uid.into(),
            sessions::over_since(now).seconds().into(),
        ];
        self.write(forget, &values)?;
        let replace =
            format!("INSERT OR REPLACE INTO sessions ({SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        let values = [
            session.id.as_str().into(),
            session.token.as_str().into(),
            workspace.into(),
            uid.into(),
            session.app.as_str().into(),
            session.place.as_str().into(),
            session.ends.seconds().into(),
            u64::from(session.killed).into(),
        ];
        self.write(&replace, &values)
    }

    fn spot(&self, place: &Place) -> Result<Option<(Spot, Option<Time>)>, Failed> {
        let query = "SELECT app, origins, until FROM places WHERE place = ?";
        let Some(row) = self.first(query, &[place.as_str().into()])? else {
            return Ok(None);
        };
        let spot = Spot {
            place: place.clone(),
            app: row.text(0).ok_or(Failed)?,
            origins: row
                .text(1)
                .ok_or(Failed)?
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        };
        Ok(Some((spot, row.number(2).map(Time::from_seconds))))
    }

    fn save_spot(
        &self,
        workspace: &str,
        uid: &str,
        spot: &Spot,
        until: Option<Time>,
        now: Time,
    ) -> Result<(), Failed> {
        let forget = "DELETE FROM places WHERE workspace = ? AND uid = ? AND until <= ?";
        let values = [workspace.into(), uid.into(), now.seconds().into()];
        self.write(forget, &values)?;
        let origins = spot.origins.join(" ");
        let replace = "INSERT OR REPLACE INTO places (place, workspace, uid, app, origins, until)
                       VALUES (?, ?, ?, ?, ?, ?)";
        let values = [
            spot.place.as_str().into(),
            workspace.into(),
            uid.into(),
            spot.app.as_str().into(),
            origins.as_str().into(),
            until.map(Time::seconds).into(),
        ];
        self.write(replace, &values)
    }
}

/// Reads a row of [`SESSION`].
fn read_session(row: &SqlRow) -> Result<Live, Failed> {
    let text = |column| row.text(column).ok_or(Failed);
    let id = |column| {
        row.text(column)
            .as_deref()
            .and_then(Id::parse)
            .ok_or(Failed)
    };
    let number = |column| row.number(column).ok_or(Failed);
    Ok(Live {
        id: id(0)?,
        token: id(1)?,
        workspace: text(2)?,
        uid: text(3)?,
        app: text(4)?,
        place: Place::parse(&text(5)?).ok_or(Failed)?,
        ends: Time::from_seconds(number(6)?),
        killed: number(7)? != 0,
    })
}

const SESSION: &str = "id, token, workspace, uid, app, place, ends, killed";

/// A count of a user's rows, by a query that compares something else too.
fn count(
    sql: &Sql,
    query: &str,
    workspace: &str,
    uid: &str,
    with: Bind<'_>,
) -> Result<usize, Failed> {
    let values = [workspace.into(), uid.into(), with];
    let count = sql.first(query, &values)?.and_then(|row| row.number(0));
    Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX))
}

/// The tables, version by version.
pub const MIGRATIONS: Migrations = &[
    &[
        "CREATE TABLE tokens (
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
    CREATE INDEX requests_at ON requests (at);",
        outbox::TABLE,
    ],
    &["ALTER TABLE tokens ADD COLUMN slot TEXT;
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
    ) STRICT, WITHOUT ROWID;"],
    // `embed_until`: when an embed token and its sessions are over (`Record::over`).
    // `barren_until`: the same where nothing came of it that is revoked with it.
    &[
        "ALTER TABLE tokens ADD COLUMN embed_until INTEGER AS (
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
    CREATE INDEX places_by_end ON places (workspace, uid, until) WHERE until IS NOT NULL;",
        outbox::BY_REPEAT,
    ],
    &[
        "CREATE INDEX sessions_killed ON sessions (workspace, uid, token, ends) WHERE killed = 1;
    UPDATE tokens SET record = json_remove(record, '$.kill')
        WHERE json_extract(record, '$.kill') IS NOT NULL;",
    ],
    &["ALTER TABLE tokens ADD COLUMN number INTEGER;
    UPDATE tokens SET number = ranked.number FROM (
        SELECT id, ROW_NUMBER() OVER (PARTITION BY workspace, uid ORDER BY id) AS number
        FROM tokens WHERE json_extract(record, '$.k') = 'p') AS ranked
        WHERE ranked.id = tokens.id;
    CREATE UNIQUE INDEX tokens_by_number ON tokens (workspace, uid, number)
        WHERE number IS NOT NULL;"],
];
