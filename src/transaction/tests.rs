use super::*;
use crate::change::{Change, Rotation};
use crate::digest::Digest;
use crate::entry::tests::{NOW, entry, minted, scopes};
use crate::grant::Grant;
use crate::lifecycle::User;
use crate::outbox::{Row, Rows};
use crate::place::Place;
use crate::record::Record;
use crate::sessions::{Live, Spot};
use core::cell::{Cell, RefCell};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MS: u64 = NOW.seconds() * 1000;

/// A ledger in memory, which fails after so many writes.
struct Shelf {
    tokens: RefCell<BTreeMap<String, Entry>>,
    rows: RefCell<BTreeMap<String, Row>>,
    made: RefCell<BTreeMap<(String, String), (Id, u64)>>,
    sessions: RefCell<BTreeMap<String, Live>>,
    spots: RefCell<BTreeMap<String, (Spot, Option<Time>)>>,
    writes_left: Cell<usize>,
}

impl Shelf {
    fn with(entries: &[Entry]) -> Self {
        let named = |entry: &Entry| (entry.record.id.as_str().to_owned(), entry.clone());
        Self {
            tokens: RefCell::new(entries.iter().map(named).collect()),
            rows: RefCell::default(),
            made: RefCell::default(),
            sessions: RefCell::default(),
            spots: RefCell::default(),
            writes_left: Cell::new(usize::MAX),
        }
    }

    fn write(&self) -> Result<(), &'static str> {
        let left = self.writes_left.get().checked_sub(1).ok_or("no space")?;
        self.writes_left.set(left);
        Ok(())
    }

    fn get(&self, entry: &Entry) -> Entry {
        self.tokens.borrow()[entry.record.id.as_str()].clone()
    }

    fn run(&self, command: Command) -> Reply {
        let json = serde_json::to_string(&command).unwrap();
        let reply = execute(self, serde_json::from_str(&json).unwrap(), MS).unwrap();
        let json = serde_json::to_string(&reply).unwrap();
        serde_json::from_str(&json).unwrap()
    }

    fn status(&self, command: Command) -> u16 {
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
    fn lookup(&self, digest: &Digest) -> Result<Option<String>, Self::Error> {
        let tokens = self.tokens.borrow();
        let found = tokens.values().find(|entry| entry.digest == *digest);
        Ok(found.map(|entry| entry.record.to_json()))
    }

    fn token(&self, workspace: &str, id: &Id) -> Result<Option<Entry>, Self::Error> {
        let found = self.tokens.borrow().get(id.as_str()).cloned();
        Ok(found.filter(|entry| entry.record.workspace == workspace))
    }

    fn kin(&self, token: &Record) -> Result<Vec<Entry>, Self::Error> {
        let tokens = self.tokens.borrow();
        let id = Some(&token.id);
        let kin = |entry: &&Entry| entry.parent.as_ref() == id || entry.successor.as_ref() == id;
        Ok(tokens.values().filter(kin).cloned().collect())
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

    fn slotted_since(&self, workspace: &str, uid: &str, since: Time) -> Result<usize, Self::Error> {
        let tokens = self.tokens.borrow();
        let recent = |entry: &&Entry| {
            let record = &entry.record;
            let of_user = record.workspace == workspace && record.uid == uid;
            of_user && entry.slot.is_some() && record.created >= since
        };
        Ok(tokens.values().filter(recent).count())
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
        let id = entry.record.id.as_str().to_owned();
        self.tokens.borrow_mut().insert(id, entry.clone());
        Ok(())
    }

    fn made_by(
        &self,
        creation: &Creation,
        once: &Digest,
        since: u64,
    ) -> Result<Option<Id>, Self::Error> {
        let made = self.made.borrow();
        let found = made.get(&(creation.actor.name().to_owned(), once.to_hex()));
        Ok(found
            .filter(|(_, at)| *at >= since)
            .map(|(id, _)| id.clone()))
    }

    fn note_made(
        &self,
        creation: &Creation,
        once: &Digest,
        now: u64,
        _forget_before: u64,
    ) -> Result<(), Self::Error> {
        self.write()?;
        let key = (creation.actor.name().to_owned(), once.to_hex());
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

    fn live_sessions(&self, workspace: &str, uid: &str, now: Time) -> Result<usize, Self::Error> {
        let found = self.sessions_before(workspace, uid, None, usize::MAX, now);
        Ok(found?.len())
    }

    fn sessions_before(
        &self,
        workspace: &str,
        uid: &str,
        before: Option<&Id>,
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
        });
        Ok(found.take(limit).cloned().collect())
    }

    fn save_session(&self, session: &Live, now: Time) -> Result<(), Self::Error> {
        self.write()?;
        let mut sessions = self.sessions.borrow_mut();
        sessions.retain(|_, session| session.ends > now);
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

fn operator() -> Asker {
    Asker::Operator {
        workspace: "default".to_owned(),
    }
}

fn pat(entry: &Entry) -> Asker {
    Asker::Pat {
        workspace: entry.record.workspace.clone(),
        uid: entry.record.uid.clone(),
        id: entry.record.id.clone(),
    }
}

fn creation(actor: Asker, n: u8, once: Option<&str>) -> Command {
    Command::Create(Box::new(Creation {
        actor,
        user: User {
            uid: "ada".to_owned(),
            email: "ada@example.com".to_owned(),
        },
        grant: Grant {
            name: format!("made {n}"),
            description: String::new(),
            scopes: scopes(&["tokens"]),
            apps: Vec::new(),
            allowed_ips: None,
            lifetime: None,
            strict: None,
            embed: None,
        },
        minted: minted("ada", n),
        once: once.map(Digest::of),
        slot: None,
        spots: Vec::new(),
    }))
}

fn revocation(actor: Asker, entry: &Entry) -> Command {
    let id = entry.record.id.clone();
    Command::Revoke { actor, id }
}

fn page(shelf: &Shelf, limit: u8, before: Option<Id>) -> (Vec<Entry>, Option<Id>) {
    let (actor, filter) = (operator(), Filter::default());
    let uid = "ada".to_owned();
    match shelf.run(Command::List {
        actor,
        uid,
        filter,
        before,
        limit,
    }) {
        Reply::Page { tokens, next } => (tokens, next),
        other => panic!("no page: {other:?}"),
    }
}

fn made(reply: Reply) -> (Entry, bool) {
    match reply {
        Reply::Changed {
            token, repeated, ..
        } => (*token, repeated),
        other => panic!("nothing made: {other:?}"),
    }
}

#[test]
fn a_new_token_is_found_at_once_and_is_on_its_way_to_kv() {
    let shelf = Shelf::with(&[]);
    let (token, repeated) = made(shelf.run(creation(operator(), 1, None)));
    assert!(!repeated);
    let digest = token.digest;
    let found = shelf.lookup(&digest).unwrap();
    assert_eq!(found, Some(token.record.to_json()));
    let row = shelf.row(&kv_key(&token)).unwrap().unwrap();
    assert_eq!((row.due, row.uid.as_str(), row.repeat), (MS, "ada", false));
    let digest = Digest::of("other");
    assert_eq!(shelf.lookup(&digest).unwrap(), None);
}

#[test]
fn the_same_request_makes_one_token() {
    let shelf = Shelf::with(&[entry("ada", 7)]);
    let (first, _) = made(shelf.run(creation(operator(), 1, Some("k"))));
    let (second, repeated) = made(shelf.run(creation(operator(), 2, Some("k"))));
    assert!(repeated && first.record.id == second.record.id);
    let (other, repeated) = made(shelf.run(creation(pat(&entry("ada", 7)), 3, Some("k"))));
    assert!(!repeated && other.record.id != first.record.id);
}

#[test]
fn revoking_takes_all_descendants_along_and_is_done_once() {
    let (top, mut child, mut grandchild) = (entry("ada", 1), entry("ada", 2), entry("ada", 3));
    child.parent = Some(top.record.id.clone());
    child.record.state = State::Disabled;
    grandchild.parent = Some(child.record.id.clone());
    let stranger = entry("ada", 4);
    let shelf = Shelf::with(&[
        top.clone(),
        child.clone(),
        grandchild.clone(),
        stranger.clone(),
    ]);
    let Reply::Changed { changed, .. } = shelf.run(revocation(operator(), &top)) else {
        panic!("not revoked");
    };
    assert_eq!(changed.len(), 3);
    for entry in [&top, &child, &grandchild] {
        let now = shelf.get(entry);
        assert_eq!((now.record.state, now.record.rev), (State::Revoked, 2));
        assert!(shelf.row(&kv_key(entry)).unwrap().unwrap().repeat);
    }
    assert_eq!(shelf.get(&stranger), stranger);
    let Reply::Changed { changed, token, .. } = shelf.run(revocation(operator(), &top)) else {
        panic!("not repeatable");
    };
    assert!(changed.is_empty() && token.record.rev == 2);
}

#[test]
fn tokens_of_other_users_and_workspaces_are_unknown() {
    let (own, other) = (entry("ada", 1), entry("bob", 2));
    let mut foreign = entry("ada", 3);
    foreign.record.workspace = "other".to_owned();
    let shelf = Shelf::with(&[own.clone(), other.clone(), foreign.clone()]);
    let unknown = Reply::Refused(Problem::unknown_token());
    for hidden in [&other, &foreign] {
        let id = hidden.record.id.clone();
        let actor = pat(&own);
        let read = Command::Read {
            actor: actor.clone(),
            id: id.clone(),
        };
        assert_eq!(shelf.run(read), unknown);
        assert_eq!(shelf.run(revocation(actor.clone(), hidden)), unknown);
        let change = Change {
            enabled: Some(true),
            ..Change::default()
        };
        assert_eq!(shelf.run(Command::Change { actor, id, change }), unknown);
    }
    assert_eq!(shelf.run(revocation(operator(), &foreign)), unknown);
    let command = Command::List {
        actor: pat(&own),
        uid: "bob".to_owned(),
        filter: Filter::default(),
        before: None,
        limit: 1,
    };
    assert_eq!(shelf.run(command), unknown);
    assert!(shelf.rows.borrow().is_empty());
}

#[test]
fn a_pat_that_was_revoked_since_the_gate_looked_does_nothing() {
    let mut own = entry("ada", 1);
    own.record.state = State::Revoked;
    let shelf = Shelf::with(&[own.clone(), entry("ada", 2)]);
    assert_eq!(shelf.status(creation(pat(&own), 9, None)), 401);
    assert_eq!(shelf.status(revocation(pat(&own), &entry("ada", 2))), 401);
    let gone = Shelf::with(&[]);
    assert_eq!(gone.status(creation(pat(&own), 9, None)), 401);
}

#[test]
fn without_the_scope_a_pat_sees_and_revokes_itself_only() {
    let mut own = entry("ada", 1);
    own.record.scopes = scopes(&["odata"]);
    let shelf = Shelf::with(&[own.clone(), entry("ada", 2)]);
    let read = |entry: &Entry| Command::Read {
        actor: pat(&own),
        id: entry.record.id.clone(),
    };
    assert_eq!(shelf.status(read(&own)), 200);
    assert_eq!(shelf.status(read(&entry("ada", 2))), 403);
    assert_eq!(shelf.status(revocation(pat(&own), &entry("ada", 2))), 403);
    assert_eq!(shelf.status(revocation(pat(&own), &own)), 200);
    assert_eq!(shelf.get(&own).record.state, State::Revoked);
}

#[test]
fn a_pat_with_tokens_does_not_touch_a_wider_sibling_but_may_revoke_it() {
    let own = entry("ada", 1);
    let mut wider = entry("ada", 2);
    wider.record.scopes = scopes(&["admin"]);
    let shelf = Shelf::with(&[own.clone(), wider.clone()]);
    let id = wider.record.id.clone();
    let rotate = Command::Rotate {
        actor: pat(&own),
        id: id.clone(),
        rotation: Rotation::default(),
        minted: minted("ada", 3),
    };
    assert_eq!(shelf.status(rotate), 403);
    let change = Change {
        name: Some("x".to_owned()),
        ..Change::default()
    };
    assert_eq!(
        shelf.status(Command::Change {
            actor: pat(&own),
            id,
            change
        }),
        403
    );
    assert_eq!(shelf.get(&wider), wider);
    assert_eq!(shelf.status(revocation(pat(&own), &wider)), 200);
}

#[test]
fn a_rotation_answers_with_the_successor_and_changes_both() {
    let old = entry("ada", 1);
    let shelf = Shelf::with(core::slice::from_ref(&old));
    let reply = shelf.run(Command::Rotate {
        actor: operator(),
        id: old.record.id.clone(),
        rotation: Rotation { grace_seconds: 60 },
        minted: minted("ada", 2),
    });
    let Reply::Changed { token, changed, .. } = reply else {
        panic!("not rotated");
    };
    assert_eq!(token.record.id, minted("ada", 2).id);
    assert_eq!(changed.len(), 2);
    assert_eq!(shelf.get(&old).successor, Some(token.record.id));
    let due = |entry: &Entry| shelf.row(&kv_key(entry)).unwrap().unwrap().repeat;
    assert!(due(&old));
}

#[test]
fn pages_show_each_token_once_newest_first() {
    let entries: Vec<_> = (1..=7).map(|n| entry("ada", n)).collect();
    let shelf = Shelf::with(&entries);
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let (tokens, next) = page(&shelf, 3, before);
        assert!(tokens.len() <= 3);
        seen.extend(tokens);
        before = next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, entries.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(page(&shelf, 7, None).1, None);
}

#[test]
fn a_store_that_fails_is_told_and_never_a_success() {
    for writes in 0..3 {
        let shelf = Shelf::with(&[]);
        shelf.writes_left.set(writes);
        let failed = execute(&shelf, creation(operator(), 1, Some("k")), MS);
        assert_eq!(failed, Err("no space"));
    }
}

proptest! {
    /// Whatever is asked of it, no revision ever falls, nothing that was
    /// revoked comes back, and each change is on its way to KV.
    #[test]
    fn revisions_rise_and_what_is_revoked_stays_so(
        steps in prop::collection::vec((0u8..5, 1u8..6, any::<bool>()), 1..40),
    ) {
        let shelf = Shelf::with(&[entry("ada", 1)]);
        let mut next = 10_u8;
        for (step, n, by_pat) in steps {
            let before = shelf.tokens.borrow().clone();
            let nth = before.values().nth(usize::from(n) % before.len()).unwrap();
            let id = nth.record.id.clone();
            let actor = if by_pat { pat(before.values().next().unwrap()) } else { operator() };
            let enabled = Some(n % 2 == 0);
            next += 1;
            shelf.run(match step {
                0 => creation(actor, next, None),
                1 | 2 => {
                    let change = Change { enabled, ..Change::default() };
                    Command::Change { actor, id, change }
                }
                3 => Command::Rotate {
                    actor,
                    id,
                    rotation: Rotation { grace_seconds: u32::from(n) * 60 },
                    minted: minted("ada", next),
                },
                _ => Command::Revoke { actor, id },
            });
            for (id, now) in shelf.tokens.borrow().iter() {
                let Some(was) = before.get(id) else {
                    prop_assert!(shelf.row(&kv_key(now)).unwrap().is_some());
                    continue;
                };
                prop_assert!(now.record.rev >= was.record.rev);
                prop_assert_eq!(now.record.rev == was.record.rev, now == was);
                let revoked = was.record.state == State::Revoked;
                prop_assert!(!revoked || now == was);
                if now != was {
                    prop_assert!(shelf.row(&kv_key(now)).unwrap().is_some());
                }
            }
            let all = shelf.tokens.borrow();
            for child in all.values() {
                let parent = child.parent.as_ref().and_then(|id| all.get(id.as_str()));
                let revoked = parent.is_some_and(|p| p.record.state == State::Revoked);
                prop_assert!(!revoked || child.record.state == State::Revoked);
            }
        }
    }
}

#[test]
fn revoking_a_successor_reaches_what_its_predecessor_made() {
    let (mut old, mut child, new) = (entry("ada", 1), entry("ada", 2), entry("ada", 3));
    old.record.state = State::Used;
    old.successor = Some(new.record.id.clone());
    child.parent = Some(old.record.id.clone());
    let shelf = Shelf::with(&[old.clone(), child.clone(), new.clone()]);
    shelf.run(revocation(operator(), &new));
    for entry in [&old, &child, &new] {
        assert_eq!(shelf.get(entry).record.state, State::Revoked);
    }
}

#[test]
fn a_token_cannot_enable_the_one_that_it_comes_from() {
    let (mut top, mut middle, mut child) = (entry("ada", 1), entry("ada", 2), entry("ada", 3));
    top.record.state = State::Disabled;
    middle.parent = Some(top.record.id.clone());
    child.parent = Some(middle.record.id.clone());
    let shelf = Shelf::with(&[top.clone(), middle.clone(), child.clone()]);
    for actor in [&middle, &child] {
        let reply = shelf.run(Command::Change {
            actor: pat(actor),
            id: top.record.id.clone(),
            change: Change {
                enabled: Some(true),
                ..Change::default()
            },
        });
        assert!(matches!(reply, Reply::Refused(problem) if problem.status == 403));
        assert_eq!(shelf.get(&top).record.state, State::Disabled);
    }
}

#[test]
fn a_user_has_at_most_a_thousand_live_tokens() {
    let one = entry("ada", 1);
    let shelf = Shelf::with(&[]);
    for n in 0..1_000 {
        let mut tokens = shelf.tokens.borrow_mut();
        tokens.insert(format!("{n}"), one.clone());
    }
    let refused = shelf.run(creation(operator(), 2, None));
    assert!(matches!(refused, Reply::Refused(problem) if problem.status == 409));
    shelf.tokens.borrow_mut().remove("0");
    made(shelf.run(creation(operator(), 2, None)));
}
