//! The Durable Object `l/<hint>`, which owns the tokens of its users.

use super::outbox::{self, Value};
use super::sql::{Failed, Migrations, Row as SqlRow, Sql, integer};
use crate::digest::Digest;
use crate::entry::Entry;
use crate::id::Id;
use crate::ledger::{Command, Creation, Tokens};
use crate::lookup::{Found, Lookup};
use crate::outbox::Row;
use crate::record::Record;
use crate::time::Time;
use crate::transaction;
use crate::wire;
use wasm_bindgen::JsValue;

/// Carries out a command, or looks a token up, and answers the reply.
pub fn execute(sql: &Sql, command: &str, now_ms: u64) -> Result<String, Failed> {
    if let Some(Lookup::Lookup { digest }) = Lookup::parse(command) {
        let record = Some(sql.lookup(&digest)?);
        return Ok(Found {
            record,
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

/// What KV shall hold of a token.
pub fn value(sql: &Sql, row: &Row, now_ms: u64) -> Result<Option<Value>, Failed> {
    let query = "SELECT record FROM tokens WHERE digest = ? AND workspace = ? AND uid = ?";
    let digest = row.key.trim_start_matches("t/");
    let values = [digest, &row.workspace, &row.uid].map(JsValue::from);
    let Some(found) = sql.first(query, values.into())? else {
        return Ok(None);
    };
    let text = found.text(0).ok_or(Failed)?;
    let record = Record::parse(&text).map_err(|_| Failed)?;
    let expiration = record.kv_expiration(Time::from_millis(now_ms));
    Ok(Some(Value {
        text,
        expiration: expiration.map(Time::seconds),
    }))
}

impl Tokens for Sql {
    fn lookup(&self, digest: &Digest) -> Result<Option<String>, Failed> {
        let query = "SELECT record FROM tokens WHERE digest = ?";
        let found = self.first(query, vec![digest.to_hex().into()])?;
        Ok(found.and_then(|row| row.text(0)))
    }

    fn token(&self, workspace: &str, id: &Id) -> Result<Option<Entry>, Failed> {
        let query = format!("SELECT {COLUMNS} FROM tokens WHERE id = ? AND workspace = ?");
        let values = vec![id.as_str().into(), workspace.into()];
        self.first(&query, values)?.as_ref().map(read).transpose()
    }

    fn kin(&self, token: &Record) -> Result<Vec<Entry>, Failed> {
        let query = format!(
            "SELECT {COLUMNS} FROM tokens
             WHERE workspace = ? AND uid = ? AND (parent = ? OR successor = ?)"
        );
        let id = token.id.as_str();
        let values = [&token.workspace, &token.uid, id, id];
        let rows = self.rows(&query, values.map(JsValue::from).into())?;
        rows.iter().map(read).collect()
    }

    fn live(&self, workspace: &str, uid: &str, now: Time) -> Result<usize, Failed> {
        let query = "SELECT COUNT(*) FROM tokens WHERE workspace = ? AND uid = ?
                     AND json_extract(record, '$.st') <> 'r'
                     AND COALESCE(json_extract(record, '$.x') > ?, 1)";
        let values = vec![workspace.into(), uid.into(), integer(now.seconds())];
        let count = self.first(query, values)?.and_then(|row| row.number(0));
        Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX))
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
        let rows = self.rows(&query, values.map(JsValue::from).into())?;
        rows.iter().map(read).collect()
    }

    fn save_token(&self, entry: &Entry) -> Result<(), Failed> {
        let record = &entry.record;
        let id = |id: &Option<Id>| match id {
            Some(id) => id.as_str().into(),
            None => JsValue::NULL,
        };
        if record.rev == 1 {
            let insert = format!(
                "INSERT INTO tokens ({COLUMNS}, id, workspace, uid)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            );
            let values = vec![
                record.to_json().into(),
                entry.digest.to_hex().into(),
                entry.description.as_str().into(),
                entry.start.as_str().into(),
                id(&entry.parent),
                id(&entry.successor),
                record.id.as_str().into(),
                record.workspace.as_str().into(),
                record.uid.as_str().into(),
            ];
            return self.write(&insert, values);
        }
        // What never changes is not written again.
        let update = "UPDATE tokens SET record = ?, description = ?, successor = ?
                      WHERE id = ? AND workspace = ? AND uid = ?";
        let values = vec![
            record.to_json().into(),
            entry.description.as_str().into(),
            id(&entry.successor),
            record.id.as_str().into(),
            record.workspace.as_str().into(),
            record.uid.as_str().into(),
        ];
        self.write(update, values)
    }

    fn made_by(
        &self,
        creation: &Creation,
        once: &Digest,
        since_ms: u64,
    ) -> Result<Option<Id>, Failed> {
        let query = "SELECT token FROM requests
                     WHERE workspace = ? AND uid = ? AND actor = ? AND request = ? AND at >= ?";
        let values = vec![
            creation.actor.workspace().into(),
            creation.user.uid.as_str().into(),
            creation.actor.name().into(),
            once.to_hex().into(),
            integer(since_ms),
        ];
        let found = self.first(query, values)?;
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
        self.write(forget, vec![integer(forget_before_ms)])?;
        let note = "INSERT OR REPLACE INTO requests (workspace, uid, actor, request, token, at)
                    VALUES (?, ?, ?, ?, ?, ?)";
        let values = vec![
            creation.actor.workspace().into(),
            creation.user.uid.as_str().into(),
            creation.actor.name().into(),
            once.to_hex().into(),
            creation.minted.id.as_str().into(),
            integer(now_ms),
        ];
        self.write(note, values)
    }
}

/// Reads a row of [`COLUMNS`].
fn read(row: &SqlRow) -> Result<Entry, Failed> {
    let text = |column| row.text(column).ok_or(Failed);
    let id = |column| match row.text(column) {
        Some(text) => Id::parse(&text).map(Some).ok_or(Failed),
        None => Ok(None),
    };
    Ok(Entry {
        record: Record::parse(&text(0)?).map_err(|_| Failed)?,
        digest: Digest::from_hex(&text(1)?).ok_or(Failed)?,
        description: text(2)?,
        start: text(3)?,
        parent: id(4)?,
        successor: id(5)?,
    })
}

const COLUMNS: &str = "record, digest, description, start, parent, successor";

/// The tables, version by version.
pub const MIGRATIONS: Migrations = &[&[
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
]];
