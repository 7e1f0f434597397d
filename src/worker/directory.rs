//! The Durable Object `d/<workspace>`, which owns a workspace's settings and
//! its list of users.

use super::outbox::{self, Value};
use super::sql::{Failed, Migrations, Row as SqlRow, Sql};
use crate::digest::Digest;
use crate::directory::{self, Command, Registration, Users};
use crate::lifecycle::User;
use crate::lookup::{Found, Lookup};
use crate::outbox::Row;
use crate::policy::{Decided, Policy};
use crate::time::Time;
use crate::wire;

/// Carries out a command, or tells the gate its settings, and answers the reply.
pub fn execute(sql: &Sql, command: &str, now_ms: u64) -> Result<String, Failed> {
    if let Some(Lookup::Settings {}) = Lookup::parse(command) {
        let settings = Some(settings(sql)?);
        return Ok(Found {
            record: None,
            settings,
        }
        .to_json());
    }
    let command: Command = wire::read(command).ok_or_else(|| sql.unreadable())?;
    let reply = if command.writes() {
        sql.transaction(|| {
            let reply = directory::execute(sql, command, now_ms)?;
            outbox::arm(sql)?;
            Ok(reply)
        })?
    } else {
        directory::execute(sql, command, now_ms)?
    };
    Ok(wire::write(&reply))
}

/// What KV shall hold of a workspace.
pub fn value(sql: &Sql, _row: &Row, _now_ms: u64) -> Result<Option<Value>, Failed> {
    Ok(Some(Value {
        text: settings(sql)?,
        expiration: None,
    }))
}

/// What the gate reads of the settings.
fn settings(sql: &Sql) -> Result<String, Failed> {
    Ok(sql.decided()?.settings().to_json())
}

impl Users for Sql {
    fn decided(&self) -> Result<Decided, Failed> {
        let query = "SELECT policy, rev, sessions_from FROM decided";
        let Some(row) = self.first(query, &[])? else {
            return Ok(Decided::default());
        };
        let policy = row.text(0).as_deref().and_then(Policy::stored);
        Ok(Decided {
            policy: policy.ok_or(Failed)?,
            rev: row.number(1).ok_or(Failed)?,
            sessions_from: row.number(2).map(Time::from_seconds),
        })
    }

    fn save_decided(&self, workspace: &str, decided: &Decided) -> Result<(), Failed> {
        let save = "INSERT OR REPLACE INTO decided (workspace, policy, rev, sessions_from)
                    VALUES (?, ?, ?, ?)";
        let json = decided.policy.to_json();
        let values = [
            workspace.into(),
            json.as_str().into(),
            decided.rev.into(),
            decided.sessions_from.map(Time::seconds).into(),
        ];
        self.write(save, &values)
    }

    fn by_id(&self, uid: &str) -> Result<Option<User>, Failed> {
        let query = "SELECT uid, email FROM users WHERE uid = ?";
        self.first(query, &[uid.into()])?
            .as_ref()
            .map(read)
            .transpose()
    }

    fn by_email(&self, email: &str) -> Result<Option<User>, Failed> {
        let query = "SELECT uid, email FROM users WHERE email = ? AND email <> ''";
        self.first(query, &[email.into()])?
            .as_ref()
            .map(read)
            .transpose()
    }

    fn after(&self, uid: Option<&str>, limit: u8) -> Result<Vec<User>, Failed> {
        let query = "SELECT uid, email FROM users WHERE uid > ? ORDER BY uid LIMIT ?";
        let values = [uid.unwrap_or_default().into(), u64::from(limit).into()];
        self.rows(query, &values)?.iter().map(read).collect()
    }

    fn save_user(&self, workspace: &str, user: &User) -> Result<(), Failed> {
        let save = "INSERT INTO users (uid, workspace, email) VALUES (?, ?, ?)
                    ON CONFLICT (uid) DO UPDATE SET email = excluded.email";
        let values = [
            user.uid.as_str().into(),
            workspace.into(),
            user.email.as_str().into(),
        ];
        self.write(save, &values)
    }

    fn body_under(
        &self,
        registration: &Registration,
        key: &str,
        since_ms: u64,
    ) -> Result<Option<Digest>, Failed> {
        let query = "SELECT body FROM requests
                     WHERE workspace = ? AND actor = ? AND key = ? AND at >= ?";
        let values = [
            registration.workspace.as_str().into(),
            registration.actor.as_str().into(),
            key.into(),
            since_ms.into(),
        ];
        let found = self.first(query, &values)?;
        found
            .map(|row| {
                row.text(0)
                    .as_deref()
                    .and_then(Digest::from_hex)
                    .ok_or(Failed)
            })
            .transpose()
    }

    fn note_body(
        &self,
        registration: &Registration,
        (key, body): (&str, &Digest),
        now_ms: u64,
        forget_before_ms: u64,
    ) -> Result<(), Failed> {
        let forget = "DELETE FROM requests WHERE at < ?";
        self.write(forget, &[forget_before_ms.into()])?;
        let body = body.to_hex();
        let note = "INSERT OR REPLACE INTO requests (workspace, actor, key, body, at)
                    VALUES (?, ?, ?, ?, ?)";
        let values = [
            registration.workspace.as_str().into(),
            registration.actor.as_str().into(),
            key.into(),
            body.as_str().into(),
            now_ms.into(),
        ];
        self.write(note, &values)
    }
}

fn read(row: &SqlRow) -> Result<User, Failed> {
    let text = |column| row.text(column).ok_or(Failed);
    Ok(User {
        uid: text(0)?,
        email: text(1)?,
    })
}

/// The tables, version by version.
pub const MIGRATIONS: Migrations = &[
    &[
        "CREATE TABLE users (
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
    CREATE INDEX requests_at ON requests (at);",
        outbox::TABLE,
    ],
    &[outbox::BY_REPEAT],
    &["CREATE TABLE decided (
        workspace TEXT PRIMARY KEY,
        policy TEXT NOT NULL,
        rev INTEGER NOT NULL,
        sessions_from INTEGER
    ) STRICT, WITHOUT ROWID;"],
];
