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
use crate::vouched::Vouched;
use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;
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
    records: Generations,
    refused: Generations,
    gaps: Generations,
    places: Generations,
    settings: Vec<(String, SettingsMemory)>,
}

/// What was read last, and when (milliseconds).
#[derive(Clone, Debug)]
struct Note {
    what: What,
    at: u64,
}

#[derive(Clone, Debug)]
enum What {
    /// The record with the highest `rev`.
    Record(Rc<Vouched>),
    /// There is none.
    Gap(Why),
    /// The origins that may frame a place, if KV knew it.
    Origins(Option<Rc<[String]>>),
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Malformed,
    NotInKv,
    Nowhere,
}

/// Settings, and why there are none, each with when (milliseconds) that was
/// read.
#[derive(Clone, Debug, Default)]
struct SettingsMemory {
    seen: Option<(Rc<Settings>, u64)>,
    gap: Option<(Why, u64)>,
}

impl Memory {
    /// An empty memory that holds at most so many tokens of each kind (known,
    /// refused, and absent), and as many places.
    pub fn new(capacity: usize) -> Self {
        Self {
            records: Generations::new(capacity),
            refused: Generations::new(capacity),
            gaps: Generations::new(capacity),
            places: Generations::new(capacity),
            settings: Vec::new(),
        }
    }

    /// What is known of a token.
    pub fn record(&self, digest: &Digest, now_ms: u64) -> Knowledge<Vouched> {
        let seen = self.newest(digest, now_ms);
        if let Some((record, at)) = seen
            && is_fresh(at, now_ms)
        {
            return Knowledge::Known(Rc::clone(record));
        }
        match self.gaps.get(digest) {
            Some(Note {
                what: What::Gap(why),
                at,
            }) if is_fresh(*at, now_ms) => why.knowledge(seen.is_some()),
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
                // A refusal stays: where a store is all that can be asked (the npm package),
                // it may say that there is nothing, and then what was there before.
                self.records.remove(&digest);
                self.note_gap(digest, Why::Nowhere, now_ms);
            }
        }
    }

    /// The origins that may frame a place; `None`: nothing is known, or nothing
    /// fresh. Where KV knows nothing either, nobody may.
    pub fn audience(&self, place: &Place, now_ms: u64) -> Option<Rc<[String]>> {
        match self.places.get(&Digest::of(place.as_str()))? {
            Note {
                what: What::Origins(origins),
                at,
            } if is_fresh(*at, now_ms) => Some(origins.clone().unwrap_or_default()),
            _ => None,
        }
    }

    /// Takes in the origins that may frame a place, or that KV has none.
    pub fn learn_audience(&mut self, place: &Place, origins: Option<Vec<String>>, now_ms: u64) {
        let key = Digest::of(place.as_str());
        let known = match self.places.get(&key) {
            Some(Note {
                what: What::Origins(known),
                ..
            }) => known.clone(),
            _ => None,
        };
        let origins = origins.map(Rc::from).or(known);
        self.places.insert(key, What::Origins(origins), now_ms);
    }

    /// What is known of a workspace's settings.
    pub fn settings(&self, workspace: &str, now_ms: u64) -> Knowledge<Settings> {
        let found = self.settings.iter().find(|(name, _)| name == workspace);
        let Some((_, memory)) = found else {
            return Knowledge::Unread;
        };
        match (&memory.seen, &memory.gap) {
            (Some((settings, at)), _) if is_fresh(*at, now_ms) => {
                Knowledge::Known(Rc::clone(settings))
            }
            (seen, Some((why, at))) if is_fresh(*at, now_ms) => why.knowledge(seen.is_some()),
            _ => Knowledge::Unread,
        }
    }

    /// Takes in what KV, or the directory, answered for `w/<workspace>`.
    pub fn learn_settings(&mut self, workspace: &str, value: Option<&str>, now_ms: u64) {
        let at = self
            .settings
            .iter()
            .position(|(name, _)| name == workspace)
            .unwrap_or(self.settings.len());
        if at == self.settings.len() {
            let memory = SettingsMemory::default();
            self.settings.push((workspace.to_owned(), memory));
        }
        let Some((_, memory)) = self.settings.get_mut(at) else {
            return;
        };
        let why = match value.map(Settings::parse) {
            Some(Ok(settings)) => {
                let seen = memory.seen.take().map(|(seen, _)| seen);
                let newer = seen.filter(|seen| seen.rev > settings.rev);
                memory.seen = Some((newer.unwrap_or_else(|| Rc::new(settings)), now_ms));
                memory.gap = None;
                return;
            }
            Some(Err(_)) => Why::Malformed,
            None => Why::NotInKv,
        };
        memory.gap = Some((why, now_ms));
    }

    fn accept(&mut self, digest: Digest, record: Record, now_ms: u64) {
        let newer = self
            .newest(&digest, now_ms)
            .map(|(seen, _)| Rc::clone(seen))
            .filter(|seen| seen.rev > record.rev);
        let record = newer.unwrap_or_else(|| Rc::new(record.into()));
        self.gaps.remove(&digest);
        let open = record.state == State::Active && !record.expired(Time::from_millis(now_ms));
        let (kept, left) = if open {
            (&mut self.records, &mut self.refused)
        } else {
            (&mut self.refused, &mut self.records)
        };
        left.remove(&digest);
        kept.insert(digest, What::Record(record), now_ms);
    }

    /// The record with the highest `rev` that is still remembered, and when it
    /// was read.
    fn newest(&self, digest: &Digest, now_ms: u64) -> Option<(&Rc<Vouched>, u64)> {
        let refused = self
            .refused
            .get(digest)
            .filter(|note| now_ms.saturating_sub(note.at) < REFUSED);
        match refused.or_else(|| self.records.get(digest))? {
            Note {
                what: What::Record(record),
                at,
            } => Some((record, *at)),
            _ => None,
        }
    }

    fn note_gap(&mut self, digest: Digest, why: Why, now_ms: u64) {
        self.gaps.insert(digest, What::Gap(why), now_ms);
    }
}

impl Why {
    const fn knowledge<T>(self, seen: bool) -> Knowledge<T> {
        match self {
            Self::Malformed => Knowledge::Malformed,
            Self::NotInKv => Knowledge::NotInKv { seen },
            Self::Nowhere => Knowledge::Nowhere,
        }
    }
}

const fn is_fresh(at: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(at) < FRESH
}

/// A bounded map that forgets what was written longest ago, half of it at a time.
#[derive(Debug)]
struct Generations {
    young: Notes,
    old: Notes,
    half: usize,
}

type Notes = HashMap<Digest, Note, BuildHasherDefault<Prehashed>>;

/// Takes the one number that a digest gives for its hash.
#[derive(Debug, Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = self.0.rotate_left(8) ^ hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Generations {
    fn new(capacity: usize) -> Self {
        Self {
            young: Notes::default(),
            old: Notes::default(),
            half: (capacity / 2).max(1),
        }
    }

    fn get(&self, key: &Digest) -> Option<&Note> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    fn insert(&mut self, key: Digest, what: What, at: u64) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = core::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, Note { what, at });
    }

    fn remove(&mut self, key: &Digest) {
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
    fn a_refusal_outlives_an_answer_that_there_is_nothing() {
        let mut memory = Memory::new(10);
        learn(&mut memory, 2, State::Revoked, NOW);
        memory.learn_from_ledger(digest(), None, NOW + FRESH);
        assert_eq!(memory.record(&digest(), NOW + FRESH), Knowledge::Nowhere);
        learn(&mut memory, 1, State::Active, NOW + 2 * FRESH);
        let then = known(&memory, NOW + 2 * FRESH);
        assert_eq!(then, Some((2, State::Revoked)));
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
                let digest = Digest::of(&key.to_string());
                map.insert(digest, What::Gap(Why::Nowhere), u64::from(*key));
                prop_assert_eq!(map.get(&digest).map(|note| note.at), Some(u64::from(*key)));
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
