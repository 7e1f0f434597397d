//! The Durable Object `l/<hint>`, which owns the tokens of its users.

use super::outbox::Value;
use super::sql::{Bind, Failed, Row as SqlRow, Sql};
use crate::asker::Asker;
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
        sql.transaction(|| transaction::execute(sql, command, now_ms))?
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
    let digest = row.key.trim_start_matches("t/");
    let values = [digest, &row.workspace, &row.uid].map(Bind::Text);
    let Some(record) = sql.first("ownRecord", &values, read_record)? else {
        return Ok(None);
    };
    let record = sessions::with_killed(sql, record, None, now)?;
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
        let digest = digest.to_hex();
        self.first("record", &[digest.as_str().into()], read_record)
    }

    fn token(&self, workspace: &str, id: &Id) -> Result<Option<Entry>, Failed> {
        let values = [id.as_str(), workspace].map(Bind::Text);
        self.first("token", &values, read)
    }

    fn kin(&self, token: &Record, now: Time) -> Result<Vec<Entry>, Failed> {
        let [workspace, uid, id] =
            [&token.workspace, &token.uid, token.id.as_str()].map(Bind::Text);
        let values = [workspace, uid, id, now.seconds().into()];
        self.rows("kin", &values, read)
    }

    fn live(&self, workspace: &str, uid: &str, now: Time) -> Result<usize, Failed> {
        let values = [workspace.into(), uid.into(), now.seconds().into()];
        self.count("countLive", &values)
    }

    fn in_slot(&self, workspace: &str, uid: &str, slot: &str) -> Result<Option<Entry>, Failed> {
        self.first("inSlot", &[workspace, uid, slot].map(Bind::Text), read)
    }

    fn made_since(&self, workspace: &str, uid: &str, since: &Id) -> Result<usize, Failed> {
        let values = [workspace, uid, since.as_str()].map(Bind::Text);
        self.count("countSince", &values)
    }

    fn slotted_since(&self, workspace: &str, uid: &str, since: &Id) -> Result<usize, Failed> {
        let values = [workspace, uid, since.as_str()].map(Bind::Text);
        self.count("countSlottedSince", &values)
    }

    fn numbered(
        &self,
        workspace: &str,
        uid: &str,
        number: Option<u64>,
        since: Time,
    ) -> Result<Vec<Entry>, Failed> {
        let (query, third) = match number {
            Some(number) => ("numbered", number),
            None => ("allNumbered", since.seconds()),
        };
        self.rows(query, &[workspace.into(), uid.into(), third.into()], read)
    }

    fn forget_embeds(&self, workspace: &str, uid: &str, before: Time) -> Result<(), Failed> {
        let values = [workspace.into(), uid.into(), before.seconds().into()];
        self.write("forgetEmbeds", &values)
    }

    fn older(
        &self,
        workspace: &str,
        uid: &str,
        before: Option<&Id>,
        limit: usize,
    ) -> Result<Vec<Entry>, Failed> {
        // "~" sorts after every id.
        let values = [
            workspace.into(),
            uid.into(),
            before.map_or("~", Id::as_str).into(),
            (limit as u64).into(),
        ];
        self.rows("older", &values, read)
    }

    fn save_token(&self, entry: &Entry) -> Result<(), Failed> {
        let record = &entry.record;
        fn id(id: &Option<Id>) -> Bind<'_> {
            id.as_ref().map(Id::as_str).into()
        }
        let (json, digest) = (record.to_json(), entry.digest.to_hex());
        if record.rev == 1 {
            let insert = match record.kind() {
                Kind::Pat => "insertPat",
                Kind::Embed => "insertEmbed",
            };
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
            return self.write(insert, &values);
        }
        let values = [
            json.as_str().into(),
            entry.description.as_str().into(),
            id(&entry.successor),
            record.id.as_str().into(),
            record.workspace.as_str().into(),
            record.uid.as_str().into(),
        ];
        self.write("update", &values)
    }

    fn made_by(
        &self,
        asker: &Asker,
        uid: &str,
        once: &Digest,
        since_ms: u64,
    ) -> Result<Option<Id>, Failed> {
        let (actor, request) = (asker.name(), once.to_hex());
        let values = [
            asker.workspace.as_str().into(),
            uid.into(),
            actor.as_str().into(),
            request.as_str().into(),
            since_ms.into(),
        ];
        let found = self.first("madeBy", &values, |row| row.parsed_or_none(0, Id::parse))?;
        Ok(found.flatten())
    }

    fn note_made(
        &self,
        asker: &Asker,
        creation: &Creation,
        once: &Digest,
        now_ms: u64,
        forget_before_ms: u64,
    ) -> Result<(), Failed> {
        self.write("forgetRequests", &[forget_before_ms.into()])?;
        let (actor, request) = (asker.name(), once.to_hex());
        let values = [
            asker.workspace.as_str().into(),
            creation.user.uid.as_str().into(),
            actor.as_str().into(),
            request.as_str().into(),
            creation.minted.id.as_str().into(),
            now_ms.into(),
        ];
        self.write("saveRequest", &values)
    }
}

/// Reads the first column.
fn read_record(row: &mut SqlRow) -> Record {
    let (record, good) = Record::read(&row.text(0));
    if !good {
        row.fail();
    }
    record
}

fn read(row: &mut SqlRow) -> Entry {
    Entry {
        record: read_record(row),
        digest: row.parsed(1, Digest::from_hex, Digest::BLANK),
        description: row.text(2),
        start: row.text(3),
        parent: row.parsed_or_none(4, Id::parse),
        successor: row.parsed_or_none(5, Id::parse),
        slot: row.text_or_none(6),
        number: row.number_or_none(7),
        used: row.number_or_none(8).map(Time::from_seconds),
    }
}

impl Sessions for Sql {
    fn session(&self, workspace: &str, id: &Id) -> Result<Option<Live>, Failed> {
        let values = [id.as_str(), workspace].map(Bind::Text);
        self.first("session", &values, read_session)
    }

    fn open_sessions(&self, token: &Record, now: Time) -> Result<usize, Failed> {
        let values = [
            token.workspace.as_str().into(),
            token.uid.as_str().into(),
            now.seconds().into(),
            token.id.as_str().into(),
        ];
        self.count("countOpen", &values)
    }

    fn killed_sessions(
        &self,
        token: &Record,
        limit: usize,
        now: Time,
    ) -> Result<Vec<(Id, Time)>, Failed> {
        let values = [
            token.workspace.as_str().into(),
            token.uid.as_str().into(),
            token.id.as_str().into(),
            now.seconds().into(),
            (limit as u64).into(),
        ];
        self.rows("killed", &values, |row| {
            let id = row.parsed(0, Id::parse, Id::BLANK);
            (id, Time::from_seconds(row.number(1)))
        })
    }

    fn forget_sessions(&self, token: &Record) -> Result<(), Failed> {
        let values = [&token.workspace, &token.uid, token.id.as_str()].map(Bind::Text);
        self.write("forgetSessions", &values)
    }

    fn sessions_between(
        &self,
        workspace: &str,
        uid: &str,
        (before, after): (Option<&Id>, Option<&Id>),
        limit: usize,
        now: Time,
    ) -> Result<Vec<Live>, Failed> {
        let values = [
            workspace.into(),
            uid.into(),
            before.map_or("~", Id::as_str).into(),
            after.map_or("", Id::as_str).into(),
            now.seconds().into(),
            (limit as u64).into(),
        ];
        self.rows("sessionsBetween", &values, read_session)
    }

    fn newest_sessions(
        &self,
        workspace: &str,
        uid: &str,
        token: Option<&Id>,
        now: Time,
        limit: usize,
    ) -> Result<Vec<(Id, Id)>, Failed> {
        let mut values = vec![
            workspace.into(),
            uid.into(),
            now.seconds().into(),
            (limit as u64).into(),
        ];
        values.extend(token.map(|token| Bind::Text(token.as_str())));
        let query = token.map_or("newest", |_| "newestOf");
        self.rows(query, &values, |row| {
            let mut id = |column| row.parsed(column, Id::parse, Id::BLANK);
            (id(0), id(1))
        })
    }

    fn save_session(&self, session: &Live, now: Time) -> Result<(), Failed> {
        let (workspace, uid) = (session.workspace.as_str(), session.uid.as_str());
        let values = [
            workspace.into(),
            uid.into(),
            sessions::over_since(now).seconds().into(),
        ];
        self.write("forgetEnded", &values)?;
        let values = [
            session.id.as_str().into(),
            session.token.as_str().into(),
            workspace.into(),
            uid.into(),
            session.app.as_str().into(),
            session.place.as_str().into(),
            session.ends.seconds().into(),
            u64::from(session.killed).into(),
            session.seen.seconds().into(),
            session.origin.as_str().into(),
            session.address.as_str().into(),
        ];
        self.write("saveSession", &values)
    }

    fn spot(&self, place: &Place) -> Result<Option<(Spot, Option<Time>)>, Failed> {
        let found = self.first("spot", &[place.as_str().into()], |row| {
            let (app, origins) = (row.text(0), row.text(1));
            (app, origins, row.number_or_none(2))
        })?;
        Ok(found.map(|(app, origins, until)| {
            let origins = origins.split_whitespace().map(str::to_owned);
            let spot = Spot {
                place: place.clone(),
                app,
                origins: origins.collect(),
            };
            (spot, until.map(Time::from_seconds))
        }))
    }

    fn save_spot(
        &self,
        workspace: &str,
        uid: &str,
        spot: &Spot,
        until: Option<Time>,
        now: Time,
    ) -> Result<(), Failed> {
        let values = [workspace.into(), uid.into(), now.seconds().into()];
        self.write("forgetSpots", &values)?;
        let origins = spot.origins.join(" ");
        let values = [
            spot.place.as_str().into(),
            workspace.into(),
            uid.into(),
            spot.app.as_str().into(),
            origins.as_str().into(),
            until.map(Time::seconds).into(),
        ];
        self.write("saveSpot", &values)
    }
}

fn read_session(row: &mut SqlRow) -> Live {
    let id = |row: &mut SqlRow, column| row.parsed(column, Id::parse, Id::BLANK);
    Live {
        id: id(row, 0),
        token: id(row, 1),
        workspace: row.text(2),
        uid: row.text(3),
        app: row.text(4),
        place: row.parsed(5, Place::parse, Place::BLANK),
        ends: Time::from_seconds(row.number(6)),
        killed: row.number(7) != 0,
        seen: Time::from_seconds(row.number(8)),
        origin: row.text(9),
        address: row.text(10),
    }
}
