//! Workers KV, at its slowest: a write is visible in each location within
//! [`PROPAGATION`], and a location keeps what it has read for [`CACHE_TTL`], "not
//! found" too.

use super::random::Random;
use std::collections::BTreeMap;

/// Milliseconds until a write that KV has accepted is visible in every location.
pub(super) const PROPAGATION: u64 = 30_000;

/// Milliseconds for which a location keeps what it has read (`KV_CACHE_TTL` of
/// `decide.js`).
pub(super) const CACHE_TTL: u64 = 30_000;

/// All keys.
pub(super) struct Kv {
    keys: BTreeMap<String, Key>,
    locations: usize,
}

/// What was written under a key, in the order in which KV took it, and the copies.
#[derive(Default)]
struct Key {
    landed: Vec<Landed>,
    copies: BTreeMap<usize, (Option<usize>, u64)>,
}

/// A write that KV took.
struct Landed {
    /// When.
    at: u64,
    value: Value,
    /// When each location sees it.
    visible: Vec<u64>,
}

/// What is written.
pub(super) struct Value {
    pub(super) text: String,
    /// How many values its key had had in the authority by then.
    pub(super) number: usize,
}

impl Kv {
    pub(super) const fn of(locations: usize) -> Self {
        let keys = BTreeMap::new();
        Self { keys, locations }
    }

    /// A write that KV takes now.
    pub(super) fn land(&mut self, key: &str, value: Value, at: u64, random: &mut Random) {
        let delay = |_| at + random.edged(PROPAGATION);
        let visible = (0..self.locations).map(delay).collect();
        let key = self.keys.entry(key.to_owned()).or_default();
        key.landed.push(Landed { at, value, visible });
    }

    /// A read in a location.
    pub(super) fn read(&mut self, key: &str, location: usize, now: u64) -> Option<String> {
        let key = self.keys.entry(key.to_owned()).or_default();
        let kept = key.copies.get(&location).filter(|(_, until)| now < *until);
        let version = match kept {
            Some((version, _)) => *version,
            None => {
                let sees = |landed: &Landed| landed.visible[location] <= now;
                let version = key.landed.iter().rposition(sees);
                key.copies.insert(location, (version, now + CACHE_TTL));
                version
            }
        };
        version.map(|version| key.landed[version].value.text.clone())
    }

    /// Since when KV has had the value with a number, or later ones.
    pub(super) fn has_had(&self, key: &str, number: usize) -> Option<u64> {
        let landed = self.keys.get(key)?.landed.iter().rev();
        let late = landed.take_while(|landed| landed.value.number >= number);
        late.last().map(|landed| landed.at)
    }
}
