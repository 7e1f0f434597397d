//! What this isolate remembers of records and settings.
//!
//! - A record that was read is believed for [`FRESH`]; then KV is asked again.
//! - A lower `rev` than has been seen is never accepted, since KV may answer
//!   with an older value than it did before.
//! - A refusal (disabled, used, revoked, expired) is kept for [`REFUSED`], out
//!   of reach of whatever pushes other records out, unless a higher `rev` comes.
//! - That there is no such token is believed for [`FRESH`].
//!
//! Everything is bounded: a generation of entries is dropped when two are full.

use crate::digest::Digest;
use crate::place::Place;
use crate::record::{Record, State};
use crate::settings::Settings;
use crate::time::Time;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

/// How long what was read is believed, in milliseconds.
pub const FRESH: u64 = 5_000;

/// How long a refusal is remembered, in milliseconds.
pub const REFUSED: u64 = 120_000;

/// What is known of something that KV holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knowledge<T> {
    /// It was read and is believed.
    Known(Rc<T>),
    /// What was read cannot be understood.
    Malformed,
    /// KV has nothing under the key; the authority has not been asked.
    NotInKv {
        /// Whether it was seen earlier, so that it does exist.
        seen: bool,
    },
    /// The authority says that there is no such thing.
    Nowhere,
    /// Nothing is known, or nothing fresh.
    Unread,
}

/// The isolate's memory.
#[derive(Debug)]
pub struct Memory {
    records: Generations<Digest, Seen<Record>>,
    refused: Generations<Digest, Seen<Record>>,
    gaps: Generations<Digest, Gap>,
    settings: HashMap<String, SettingsMemory>,
    places: Generations<Place, SeenPlace>,
}

/// The origins that may frame a place, if KV knew it, and when (milliseconds)
/// that was read.
#[derive(Clone, Debug)]
struct SeenPlace {
    origins: Option<Rc<[String]>>,
    at: u64,
}

/// A value with its `rev` and the time (milliseconds) of the last read that
/// confirmed it.
#[derive(Clone, Debug)]
struct Seen<T> {
    value: Rc<T>,
    at: u64,
}

/// Why there is no value, and since when (milliseconds).
#[derive(Clone, Copy, Debug)]
struct Gap {
    why: Why,
    at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Malformed,
    NotInKv,
    Nowhere,
}

#[derive(Clone, Debug, Default)]
struct SettingsMemory {
    seen: Option<Seen<Settings>>,
    gap: Option<Gap>,
}

impl Memory {
    /// An empty memory that holds at most so many tokens of each kind: known,
    /// refused, and absent.
    pub fn new(capacity: usize) -> Self {
        Self {
            records: Generations::new(capacity),
            refused: Generations::new(capacity),
            gaps: Generations::new(capacity),
            settings: HashMap::new(),
            places: Generations::new(capacity),
        }
    }

    /// What is known of a token.
    pub fn record(&self, digest: &Digest, now_ms: u64) -> Knowledge<Record> {
        let seen = self.newest(digest, now_ms);
        match (seen, self.gaps.get(digest)) {
            (Some(seen), _) if is_fresh(seen.at, now_ms) => {
                Knowledge::Known(Rc::clone(&seen.value))
            }
            (seen, Some(gap)) if is_fresh(gap.at, now_ms) => gap.knowledge(seen.is_some()),
            _ => Knowledge::Unread,
        }
    }

    /// Takes in what KV answered for `t/<digest>`.
    pub fn learn_record(&mut self, digest: Digest, value: Option<&str>, now_ms: u64) {
        match value.map(Record::parse) {
            Some(Ok(record)) => self.accept(digest, record, now_ms),
            Some(Err(_)) => self.note_gap(digest, Why::Malformed, now_ms),
            None => self.note_gap(digest, Why::NotInKv, now_ms),
        }
    }

    /// Takes in what the ledger answered: a record, or that there is none.
    pub fn learn_from_ledger(&mut self, digest: Digest, record: Option<Record>, now_ms: u64) {
        match record {
            Some(record) => self.accept(digest, record, now_ms),
            None => {
                self.records.remove(&digest);
                self.refused.remove(&digest);
                self.note_gap(digest, Why::Nowhere, now_ms);
            }
        }
    }

    /// The origins that may frame a place; `None`: nothing is known, or nothing
    /// fresh. Where KV knows nothing either, nobody may.
    pub fn audience(&self, place: &Place, now_ms: u64) -> Option<Rc<[String]>> {
        let seen = self.places.get(place)?;
        is_fresh(seen.at, now_ms).then(|| seen.origins.clone().unwrap_or_default())
    }

    /// Takes in the origins that may frame a place, or that KV has none.
    pub fn learn_audience(&mut self, place: Place, origins: Option<Vec<String>>, now_ms: u64) {
        let origins = origins.map(Rc::from);
        let known = self
            .places
            .get(&place)
            .and_then(|seen| seen.origins.clone());
        let origins = origins.or(known);
        self.places.insert(
            place,
            SeenPlace {
                origins,
                at: now_ms,
            },
        );
    }

    /// What is known of a workspace's settings.
    pub fn settings(&self, workspace: &str, now_ms: u64) -> Knowledge<Settings> {
        let Some(memory) = self.settings.get(workspace) else {
            return Knowledge::Unread;
        };
        match (&memory.seen, &memory.gap) {
            (Some(seen), _) if is_fresh(seen.at, now_ms) => {
                Knowledge::Known(Rc::clone(&seen.value))
            }
            (seen, Some(gap)) if is_fresh(gap.at, now_ms) => gap.knowledge(seen.is_some()),
            _ => Knowledge::Unread,
        }
    }

    /// Takes in what KV, or the directory, answered for `w/<workspace>`.
    pub fn learn_settings(&mut self, workspace: &str, value: Option<&str>, now_ms: u64) {
        let memory = self.settings.entry(workspace.to_owned()).or_default();
        let why = match value.map(Settings::parse) {
            Some(Ok(settings)) => {
                let seen = memory.seen.take().map(|seen| seen.value);
                let newer = seen.filter(|seen| seen.rev > settings.rev);
                memory.seen = Some(Seen {
                    value: newer.unwrap_or_else(|| Rc::new(settings)),
                    at: now_ms,
                });
                memory.gap = None;
                return;
            }
            Some(Err(_)) => Why::Malformed,
            None => Why::NotInKv,
        };
        memory.gap = Some(Gap { why, at: now_ms });
    }

    fn accept(&mut self, digest: Digest, record: Record, now_ms: u64) {
        let newer = self
            .newest(&digest, now_ms)
            .filter(|seen| seen.value.rev > record.rev)
            .map(|seen| Rc::clone(&seen.value));
        let seen = Seen {
            value: newer.unwrap_or_else(|| Rc::new(record)),
            at: now_ms,
        };
        self.gaps.remove(&digest);
        let open =
            seen.value.state == State::Active && !seen.value.expired(Time::from_millis(now_ms));
        if open {
            self.refused.remove(&digest);
            self.records.insert(digest, seen);
        } else {
            self.records.remove(&digest);
            self.refused.insert(digest, seen);
        }
    }

    /// The value with the highest `rev` that is still remembered.
    fn newest(&self, digest: &Digest, now_ms: u64) -> Option<&Seen<Record>> {
        let refused = self
            .refused
            .get(digest)
            .filter(|seen| now_ms.saturating_sub(seen.at) < REFUSED);
        refused.or_else(|| self.records.get(digest))
    }

    fn note_gap(&mut self, digest: Digest, why: Why, now_ms: u64) {
        self.gaps.insert(digest, Gap { why, at: now_ms });
    }
}

impl Gap {
    const fn knowledge<T>(self, seen: bool) -> Knowledge<T> {
        match self.why {
            Why::Malformed => Knowledge::Malformed,
            Why::NotInKv => Knowledge::NotInKv { seen },
            Why::Nowhere => Knowledge::Nowhere,
        }
    }
}

const fn is_fresh(at: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(at) < FRESH
}

/// A bounded map that forgets what was written longest ago, half of it at a time.
#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn new(capacity: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            half: (capacity / 2).max(1),
        }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = core::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use crate::id::Id;
    use proptest::prelude::*;

    const NOW: u64 = 1_700_000_000_000;

    fn digest() -> Digest {
        Digest::of("pat")
    }

    fn record(rev: u64, state: State) -> Record {
        let mut record = Record {
            rev: 1,
            id: Id::generate(&Hint::of("default", "ada"), NOW, [0; 16]),
            workspace: "default".to_owned(),
            uid: "ada".to_owned(),
            email: String::new(),
            name: "x".to_owned(),
            scopes: Vec::new().into(),
            apps: Vec::new(),
            allowed_ips: [].into_iter().collect(),
            strict: false,
            state: State::Active,
            created: Time::from_millis(NOW),
            expires: None,
            embed: None,
        };
        record.rev = rev;
        record.state = state;
        record
    }

    fn known(memory: &Memory, now_ms: u64) -> Option<(u64, State)> {
        match memory.record(&digest(), now_ms) {
            Knowledge::Known(record) => Some((record.rev, record.state)),
            _ => None,
        }
    }

    fn learn(memory: &mut Memory, rev: u64, state: State, now_ms: u64) {
        memory.learn_record(digest(), Some(&record(rev, state).to_json()), now_ms);
    }

    #[test]
    fn a_record_is_believed_for_five_seconds() {
        let mut memory = Memory::new(10);
        assert_eq!(memory.record(&digest(), NOW), Knowledge::Unread);
        learn(&mut memory, 1, State::Active, NOW);
        assert_eq!(known(&memory, NOW + FRESH - 1), Some((1, State::Active)));
        assert_eq!(memory.record(&digest(), NOW + FRESH), Knowledge::Unread);
    }

    #[test]
    fn an_older_value_from_kv_never_undoes_a_revocation() {
        let mut memory = Memory::new(10);
        learn(&mut memory, 2, State::Revoked, NOW);
        learn(&mut memory, 1, State::Active, NOW + FRESH);
        assert_eq!(known(&memory, NOW + FRESH), Some((2, State::Revoked)));
    }

    #[test]
    fn a_refusal_outlives_a_flood_of_other_tokens() {
        let mut memory = Memory::new(4);
        learn(&mut memory, 2, State::Disabled, NOW);
        for other in 0..100 {
            let json = record(1, State::Active).to_json();
            memory.learn_record(Digest::of(&format!("{other}")), Some(&json), NOW);
            memory.learn_record(Digest::of(&format!("none {other}")), None, NOW);
        }
        learn(&mut memory, 1, State::Active, NOW + REFUSED - 1);
        assert_eq!(
            known(&memory, NOW + REFUSED - 1),
            Some((2, State::Disabled))
        );
    }

    #[test]
    fn a_higher_rev_enables_again() {
        let mut memory = Memory::new(10);
        learn(&mut memory, 2, State::Disabled, NOW);
        learn(&mut memory, 3, State::Active, NOW + 1);
        assert_eq!(known(&memory, NOW + 1), Some((3, State::Active)));
    }

    #[test]
    fn what_kv_lacks_is_told_apart_from_what_is_nowhere() {
        let mut memory = Memory::new(10);
        memory.learn_record(digest(), None, NOW);
        assert_eq!(
            memory.record(&digest(), NOW),
            Knowledge::NotInKv { seen: false }
        );
        memory.learn_from_ledger(digest(), None, NOW);
        assert_eq!(memory.record(&digest(), NOW), Knowledge::Nowhere);
        assert_eq!(memory.record(&digest(), NOW + FRESH), Knowledge::Unread);
        memory.learn_from_ledger(digest(), Some(record(1, State::Active)), NOW + FRESH);
        assert_eq!(known(&memory, NOW + FRESH), Some((1, State::Active)));
        memory.learn_record(digest(), None, NOW + 2 * FRESH);
        assert_eq!(
            memory.record(&digest(), NOW + 2 * FRESH),
            Knowledge::NotInKv { seen: true }
        );
    }

    #[test]
    fn a_value_that_cannot_be_understood_is_malformed() {
        let mut memory = Memory::new(10);
        memory.learn_record(digest(), Some("{}"), NOW);
        assert_eq!(memory.record(&digest(), NOW), Knowledge::Malformed);
        memory.learn_settings("default", Some("junk"), NOW);
        assert_eq!(memory.settings("default", NOW), Knowledge::Malformed);
    }

    #[test]
    fn settings_keep_their_highest_rev() {
        let mut memory = Memory::new(10);
        memory.learn_settings(
            "default",
            Some("{\"v\":1,\"rev\":7,\"authentication\":false}"),
            NOW,
        );
        memory.learn_settings("default", Some("{\"v\":1,\"rev\":6}"), NOW + FRESH);
        match memory.settings("default", NOW + FRESH) {
            Knowledge::Known(settings) => assert!(!settings.authentication),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_keeps_what_was_written_last(keys: Vec<u16>) {
            let mut map = Generations::new(16);
            for key in &keys {
                map.insert(*key, *key);
                prop_assert_eq!(map.get(key), Some(key));
                prop_assert!(map.young.len() + map.old.len() <= 16);
            }
        }

        #[test]
        fn the_rev_that_is_believed_never_falls_while_remembered(
            steps in proptest::collection::vec((1u64..6, any::<bool>(), 0u64..20_000), 1..30),
        ) {
            let mut memory = Memory::new(10);
            let (mut now, mut highest) = (NOW, 0);
            for (rev, active, wait) in steps {
                now += wait;
                let state = if active { State::Active } else { State::Revoked };
                learn(&mut memory, rev, state, now);
                let (believed, _) = known(&memory, now).unwrap();
                prop_assert!(believed >= highest);
                highest = believed;
            }
        }
    }
}
