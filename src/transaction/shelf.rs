//! A ledger in memory, for tests.

use super::execute;
use crate::asker::Asker;
use crate::audit::{Event, Selection, Trail};
use crate::digest::Digest;
use crate::entry::Entry;
use crate::entry::tests::NOW;
use crate::id::Id;
use crate::ledger::{Command, Creation, Reply, Tokens};
use crate::outbox::{Row, Rows};
use crate::place::Place;
use crate::record::{Record, State};
use crate::sessions::{Live, Sessions, Spot};
use crate::time::Time;
use crate::wire;
use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;

pub(crate) const MS: u64 = NOW.seconds() * 1000;

/// A ledger in memory, which fails after so many writes.
pub(crate) struct Shelf {
    pub(crate) tokens: RefCell<BTreeMap<String, Entry>>,
    pub(crate) rows: RefCell<BTreeMap<String, Row>>,
    pub(crate) made: RefCell<BTreeMap<(String, String), (Id, u64)>>,
    pub(crate) sessions: RefCell<BTreeMap<String, Live>>,
    pub(crate) spots: RefCell<BTreeMap<String, (Spot, Option<Time>)>>,
    pub(crate) writes_left: Cell<usize>,
    pub(crate) asked_kin: Cell<usize>,
    pub(crate) events: RefCell<Vec<String>>,
}

impl Trail for Shelf {
    fn note(&self, asker: &Asker, event: &Event<'_>, _now_ms: u64) -> Result<(), Self::Error> {
        self.write()?;
        let Event { action, uid, .. } = event;
        let event = format!("{} {action} {uid} {}", asker.name(), event.result());
        self.events.borrow_mut().push(event);
        Ok(())
    }

    fn events(
        &self,
        _workspace: &str,
        _uid: &str,
        _selection: &Selection,
        _before: Option<&Id>,
        _limit: u8,
    ) -> Result<Vec<(Id, String)>, Self::Error> {
        Ok(Vec::new())
    }
}

impl Shelf {
    pub(crate) fn with(entries: &[Entry]) -> Self {
        let named = |entry: &Entry| (entry.record.id.as_str().to_owned(), entry.clone());
        Self {
            tokens: RefCell::new(entries.iter().map(named).collect()),
            rows: RefCell::default(),
            made: RefCell::default(),
            sessions: RefCell::default(),
            spots: RefCell::default(),
            writes_left: Cell::new(usize::MAX),
            asked_kin: Cell::new(0),
            events: RefCell::default(),
        }
    }

    fn write(&self) -> Result<(), &'static str> {
        let left = self.writes_left.get().checked_sub(1).ok_or("no space")?;
        self.writes_left.set(left);
        Ok(())
    }

    pub(crate) fn get(&self, entry: &Entry) -> Entry {
        self.tokens.borrow()[entry.record.id.as_str()].clone()
    }

    pub(crate) fn run(&self, command: Command) -> Reply {
        let sent = wire::read(&wire::write(&command)).unwrap();
        assert_eq!(command, sent);
        let reply = execute(self, sent, MS).unwrap();
        wire::read(&wire::write(&reply)).unwrap()
    }

    pub(crate) fn status(&self, command: Command) -> u16 {
        match self.run(command) {
            Reply::Refused(problem) => problem.status,
            _ => 200,
        }
    }
}

impl Rows for Shelf {
    type Error = &'static str;

    fn row(&self, key: &str) -> Result<Option<Row>, Self::Error> {
        Ok(self.rows.borrow().get(key).cloned())
    }

    fn save_row(&self, row: &Row) -> Result<(), Self::Error> {
        self.write()?;
        self.rows.borrow_mut().insert(row.key.clone(), row.clone());
        Ok(())
    }
}

impl Tokens for Shelf {
    fn lower(text: &str) -> String {
        text.to_lowercase()
    }

    fn lookup(&self, digest: &Digest) -> Result<Option<Record>, Self::Error> {
        let tokens = self.tokens.borrow();
        let found = tokens.values().find(|entry| entry.digest == *digest);
        Ok(found.map(|entry| entry.record.clone()))
    }

    fn token(&self, workspace: &str, id: &Id) -> Result<Option<Entry>, Self::Error> {
        let found = self.tokens.borrow().get(id.as_str()).cloned();
        Ok(found.filter(|entry| entry.record.workspace == workspace))
    }

    fn kin(&self, token: &Record, now: Time) -> Result<Vec<Entry>, Self::Error> {
        self.asked_kin.set(self.asked_kin.get() + 1);
        let tokens = self.tokens.borrow();
        let id = Some(&token.id);
        let left = |entry: &&Entry| !entry.settled(now);
        let made = |entry: &&Entry| entry.parent.as_ref() == id;
        let replaced = |entry: &&Entry| entry.successor.as_ref() == id;
        // One may be both.
        let kin = tokens.values().filter(made);
        let kin = kin.chain(tokens.values().filter(replaced));
        Ok(kin.filter(left).cloned().collect())
    }

    fn live(&self, workspace: &str, uid: &str, now: Time) -> Result<usize, Self::Error> {
        let tokens = self.tokens.borrow();
        let live = |entry: &&Entry| {
            let record = &entry.record;
            let of_user = record.workspace == workspace && record.uid == uid;
            let opens = matches!(record.state, State::Active | State::Disabled);
            of_user && opens && !record.expired(now)
        };
        Ok(tokens.values().filter(live).count())
    }

    fn in_slot(
        &self,
        workspace: &str,
        uid: &str,
        slot: &str,
    ) -> Result<Option<Entry>, Self::Error> {
        let tokens = self.tokens.borrow();
        let held = |entry: &&Entry| {
            let record = &entry.record;
            let of_user = record.workspace == workspace && record.uid == uid;
            of_user && entry.slot.as_deref() == Some(slot)
        };
        Ok(tokens.values().rev().find(held).cloned())
    }

    fn made_since(&self, workspace: &str, uid: &str, since: &Id) -> Result<usize, Self::Error> {
        let tokens = self.tokens.borrow();
        let made = tokens.values().filter(|entry| {
            let record = &entry.record;
            record.workspace == workspace
                && record.uid == uid
                && record.id.as_str() >= since.as_str()
        });
        Ok(made.count())
    }

    fn slotted_since(&self, workspace: &str, uid: &str, since: &Id) -> Result<usize, Self::Error> {
        let tokens = self.tokens.borrow();
        let recent = |entry: &&Entry| {
            let record = &entry.record;
            let of_user = record.workspace == workspace && record.uid == uid;
            of_user && entry.slot.is_some() && record.id.as_str() >= since.as_str()
        };
        Ok(tokens.values().filter(recent).count())
    }

    fn numbered(
        &self,
        workspace: &str,
        uid: &str,
        number: Option<u64>,
        since: Time,
    ) -> Result<Vec<Entry>, Self::Error> {
        let tokens = self.tokens.borrow();
        let meant = |entry: &&Entry| {
            let record = &entry.record;
            let of_user = record.workspace == workspace && record.uid == uid;
            let opens = matches!(record.state, State::Active | State::Disabled);
            let listed = opens && !record.expired(since);
            of_user && entry.number.is_some() && number.map_or(listed, |_| entry.number == number)
        };
        Ok(tokens.values().filter(meant).cloned().collect())
    }

    fn forget_embeds(&self, workspace: &str, uid: &str, before: Time) -> Result<(), Self::Error> {
        let over = |entry: &Entry| {
            let record = &entry.record;
            let of_user = record.workspace == workspace && record.uid == uid;
            of_user && record.embed.is_some() && record.over(before)
        };
        self.tokens.borrow_mut().retain(|_, entry| !over(entry));
        Ok(())
    }

    fn older(
        &self,
        workspace: &str,
        uid: &str,
        before: Option<&Id>,
        limit: usize,
    ) -> Result<Vec<Entry>, Self::Error> {
        let tokens = self.tokens.borrow();
        let older = tokens.values().rev().filter(|entry| {
            entry.record.workspace == workspace
                && entry.record.uid == uid
                && before.is_none_or(|before| entry.record.id.as_str() < before.as_str())
        });
        Ok(older.take(limit).cloned().collect())
    }

    fn save_token(&self, entry: &Entry) -> Result<(), Self::Error> {
        self.write()?;
        let mut entry = entry.clone();
        let mut tokens = self.tokens.borrow_mut();
        if entry.record.rev == 1 && entry.record.embed.is_none() {
            entry.number = Some(tokens.len() as u64 + 1);
        }
        tokens.insert(entry.record.id.as_str().to_owned(), entry);
        Ok(())
    }

    fn made_by(
        &self,
        asker: &Asker,
        _uid: &str,
        once: &Digest,
        since: u64,
    ) -> Result<Option<Id>, Self::Error> {
        let made = self.made.borrow();
        let found = made.get(&(asker.name(), once.to_hex()));
        Ok(found
            .filter(|(_, at)| *at >= since)
            .map(|(id, _)| id.clone()))
    }

    fn note_made(
        &self,
        asker: &Asker,
        creation: &Creation,
        once: &Digest,
        now: u64,
        _forget_before: u64,
    ) -> Result<(), Self::Error> {
        self.write()?;
        let key = (asker.name(), once.to_hex());
        let value = (creation.minted.id.clone(), now);
        self.made.borrow_mut().insert(key, value);
        Ok(())
    }
}

impl Sessions for Shelf {
    fn session(&self, workspace: &str, id: &Id) -> Result<Option<Live>, Self::Error> {
        let found = self.sessions.borrow().get(id.as_str()).cloned();
        Ok(found.filter(|session| session.workspace == workspace))
    }

    fn open_sessions(&self, token: &Record, now: Time) -> Result<usize, Self::Error> {
        let sessions = self.sessions.borrow();
        let open = |session: &&Live| session.token == token.id && session.ends > now;
        Ok(sessions.values().filter(open).count())
    }

    fn killed_sessions(
        &self,
        token: &Record,
        limit: usize,
        now: Time,
    ) -> Result<Vec<(Id, Time)>, Self::Error> {
        let sessions = self.sessions.borrow();
        let killed = |session: &&Live| session.killed && session.token == token.id;
        let left = sessions.values().filter(killed);
        let left = left.filter(|session| session.ends > now);
        let named = left.map(|session| (session.id.clone(), session.ends));
        Ok(named.take(limit).collect())
    }

    fn forget_sessions(&self, token: &Record) -> Result<(), Self::Error> {
        self.write()?;
        let mut sessions = self.sessions.borrow_mut();
        sessions.retain(|_, session| session.token != token.id);
        Ok(())
    }

    fn newest_sessions(
        &self,
        workspace: &str,
        uid: &str,
        token: Option<&Id>,
        now: Time,
        limit: usize,
    ) -> Result<Vec<(Id, Id)>, Self::Error> {
        let sessions = self.sessions.borrow();
        let mut newest = BTreeMap::new();
        for session in sessions.values() {
            let meant = token.is_none_or(|token| session.token == *token);
            let of_user = session.workspace == workspace && session.uid == uid;
            if meant && of_user && session.ends > now {
                let token = session.token.as_str().to_owned();
                newest.insert(token, (session.token.clone(), session.id.clone()));
            }
        }
        Ok(newest.into_values().take(limit).collect())
    }

    fn sessions_between(
        &self,
        workspace: &str,
        uid: &str,
        (before, after): (Option<&Id>, Option<&Id>),
        limit: usize,
        now: Time,
    ) -> Result<Vec<Live>, Self::Error> {
        let sessions = self.sessions.borrow();
        let found = sessions.values().rev().filter(|session| {
            let of_user = session.workspace == workspace && session.uid == uid;
            of_user
                && session.ends > now
                && !session.killed
                && before.is_none_or(|before| session.id.as_str() < before.as_str())
                && after.is_none_or(|after| session.id.as_str() >= after.as_str())
        });
        Ok(found.take(limit).cloned().collect())
    }

    fn save_session(&self, session: &Live, now: Time) -> Result<(), Self::Error> {
        self.write()?;
        let mut sessions = self.sessions.borrow_mut();
        sessions.retain(|_, session| session.ends > crate::sessions::over_since(now));
        sessions.insert(session.id.as_str().to_owned(), session.clone());
        Ok(())
    }

    fn spot(&self, place: &Place) -> Result<Option<(Spot, Option<Time>)>, Self::Error> {
        Ok(self.spots.borrow().get(place.as_str()).cloned())
    }

    fn save_spot(
        &self,
        _workspace: &str,
        _uid: &str,
        spot: &Spot,
        until: Option<Time>,
        _now: Time,
    ) -> Result<(), Self::Error> {
        self.write()?;
        let place = spot.place.as_str().to_owned();
        self.spots.borrow_mut().insert(place, (spot.clone(), until));
        Ok(())
    }
}
