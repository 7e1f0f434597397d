//! The Durable Object `d/<workspace>`, which owns a workspace's settings and
//! its list of users.

use super::outbox::Value;
use super::sql::{Bind, Failed, Row as SqlRow, Sql};
use crate::asker::Asker;
use crate::digest::Digest;
use crate::directory::{self, Command, Users};
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
        sql.transaction(|| directory::execute(sql, command, now_ms))?
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
        let decided = self.first("decided", &[], |row| Decided {
            policy: row.parsed(0, Policy::stored, Policy::default()),
            rev: row.number(1),
            sessions_from: row.number_or_none(2).map(Time::from_seconds),
        })?;
        Ok(decided.unwrap_or_default())
    }

    fn save_decided(&self, workspace: &str, decided: &Decided) -> Result<(), Failed> {
        let json = decided.policy.to_json();
        let values = [
            workspace.into(),
            json.as_str().into(),
            decided.rev.into(),
            decided.sessions_from.map(Time::seconds).into(),
        ];
        self.write("saveDecided", &values)
    }

    fn by_id(&self, uid: &str) -> Result<Option<User>, Failed> {
        self.first("userById", &[uid.into()], read)
    }

    fn by_email(&self, email: &str) -> Result<Option<User>, Failed> {
        self.first("userByEmail", &[email.into()], read)
    }

    fn after(&self, uid: Option<&str>, limit: u8) -> Result<Vec<User>, Failed> {
        let values = [uid.unwrap_or_default().into(), u64::from(limit).into()];
        self.rows("usersAfter", &values, read)
    }

    fn of_subject(&self, subject: &str) -> Result<Option<String>, Failed> {
        self.first("ofSubject", &[subject.into()], |row| row.text(0))
    }

    fn has_subject(&self, uid: &str) -> Result<bool, Failed> {
        Ok(self.first("subjectOf", &[uid.into()], |_| ())?.is_some())
    }

    fn save_subject(&self, workspace: &str, subject: &str, uid: &str) -> Result<(), Failed> {
        let values = [workspace, subject, uid].map(Bind::Text);
        self.write("saveSubject", &values)
    }

    fn sign_in(&self, digest: &Digest) -> Result<Option<Time>, Failed> {
        let until = self.first("signIn", &[digest.to_hex().as_str().into()], |row| {
            row.number(0)
        })?;
        Ok(until.map(Time::from_seconds))
    }

    fn save_sign_in(
        &self,
        workspace: &str,
        digest: &Digest,
        until: Time,
        now: Time,
    ) -> Result<(), Failed> {
        let values = [workspace.into(), now.seconds().into()];
        self.write("forgetSignIns", &values)?;
        let digest = digest.to_hex();
        let until = until.seconds().into();
        let values = [workspace.into(), digest.as_str().into(), until];
        self.write("saveSignIn", &values)
    }

    fn forget_sign_in(&self, workspace: &str, digest: &Digest) -> Result<(), Failed> {
        let digest = digest.to_hex();
        self.write("forgetSignIn", &[workspace, &digest].map(Bind::Text))
    }

    fn save_user(&self, workspace: &str, user: &User) -> Result<(), Failed> {
        let values = [&user.uid, workspace, &user.email].map(Bind::Text);
        self.write("saveUser", &values)
    }

    fn body_under(
        &self,
        asker: &Asker,
        key: &str,
        since_ms: u64,
    ) -> Result<Option<Digest>, Failed> {
        let actor = asker.name();
        let values = [
            asker.workspace.as_str().into(),
            actor.as_str().into(),
            key.into(),
            since_ms.into(),
        ];
        let found = self.first("bodyUnder", &values, |row| {
            row.parsed_or_none(0, Digest::from_hex)
        })?;
        Ok(found.flatten())
    }

    fn note_body(
        &self,
        asker: &Asker,
        (key, body): (&str, &Digest),
        now_ms: u64,
        forget_before_ms: u64,
    ) -> Result<(), Failed> {
        self.write("forgetRequests", &[forget_before_ms.into()])?;
        let (actor, body) = (asker.name(), body.to_hex());
        let values = [
            asker.workspace.as_str().into(),
            actor.as_str().into(),
            key.into(),
            body.as_str().into(),
            now_ms.into(),
        ];
        self.write("saveBody", &values)
    }
}

fn read(row: &mut SqlRow) -> User {
    User {
        uid: row.text(0),
        email: row.text(1),
    }
}
