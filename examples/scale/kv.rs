//! A model of Workers KV, for one key.
//!
//! 1. A write goes to central stores. Each data centre reaches them by one of two ways
//!    (tiers of caches, replicas), and each way shows the write after a delay of its own.
//! 2. A data centre keeps what it has read for [`CACHE_TTL`], "not found" too.
//! 3. A read takes a moment, and what it answers is as old as its beginning.
//!
//! Cloudflare documents that a change "may take up to 60 seconds or more to be visible in
//! other locations, as their cached versions time out", and publishes no distribution: the
//! delays are assumptions ([`Propagation`]).

use crate::random::Random;

/// How long a data centre keeps what it has read, in milliseconds: `cacheTtl` as the Worker
/// asks for it, the least that KV takes.
pub const CACHE_TTL: u64 = 30_000;

/// How long a write takes until the stores show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// A second on average, for all.
    Usual,
    /// The same for 989 of 1,000; for 10 up to 30 s, and for one 30 to 60 s.
    SlowTail,
}

impl Propagation {
    fn delay(self, random: &mut Random) -> u64 {
        let usual = random.wait(1_000.0);
        let draw = random.unit();
        match self {
            Self::SlowTail if draw < 0.001 => 30_000_u64.saturating_add(random.wait_within(30_000)),
            Self::SlowTail if draw < 0.011 => random.wait_within(30_000),
            _ => usual,
        }
    }
}

/// What KV holds under one key, as data centres come to see it.
#[derive(Debug, Default)]
pub struct Key {
    versions: Vec<Version>,
    copies: Vec<Option<Kept>>,
}

#[derive(Debug)]
struct Version {
    text: String,
    /// When each data centre sees it, by each of its ways.
    seen: Vec<[u64; WAYS]>,
}

/// What a data centre keeps.
#[derive(Clone, Copy, Debug)]
struct Kept {
    version: Option<usize>,
    until: u64,
}

/// The answer to a read.
#[derive(Debug)]
pub struct Answer<'a> {
    /// What was found.
    pub text: Option<&'a str>,
    /// Whether the data centre had it.
    pub cached: bool,
    /// When the answer is there.
    pub at: u64,
}

impl Key {
    /// A key that has held nothing for long.
    pub fn empty(data_centres: usize) -> Self {
        Self {
            versions: Vec::new(),
            copies: vec![None; data_centres],
        }
    }

    /// A key whose value every data centre can see.
    pub fn holding(text: String, data_centres: usize) -> Self {
        let seen = vec![[0; WAYS]; data_centres];
        Self {
            versions: vec![Version { text, seen }],
            ..Self::empty(data_centres)
        }
    }

    /// A write that KV accepts at a moment.
    pub fn write(&mut self, text: String, at: u64, how: Propagation, random: &mut Random) {
        let seen = self
            .copies
            .iter()
            .map(|_| [(); WAYS].map(|()| at.saturating_add(how.delay(random))))
            .collect();
        self.versions.push(Version { text, seen });
    }

    /// A read in a data centre.
    pub fn read(&mut self, data_centre: usize, now: u64, random: &mut Random) -> Answer<'_> {
        let kept = self.copies.get(data_centre).copied().flatten();
        let (version, cached, at) = match kept.filter(|copy| now < copy.until) {
            Some(copy) => (
                copy.version,
                true,
                now.saturating_add(random.wait(CACHED_MS)),
            ),
            None => {
                let way = usize::from(random.unit() < OTHER_WAY);
                let sees = |version: &Version| {
                    let seen = version.seen.get(data_centre).and_then(|ways| ways.get(way));
                    seen.is_some_and(|seen| *seen <= now)
                };
                let version = self.versions.iter().rposition(sees);
                let at = now.saturating_add(random.wait(CENTRAL_MS));
                let until = at.saturating_add(CACHE_TTL);
                if let Some(place) = self.copies.get_mut(data_centre) {
                    *place = Some(Kept { version, until });
                }
                (version, false, at)
            }
        };
        let text = version.and_then(|version| self.versions.get(version));
        Answer {
            text: text.map(|version| version.text.as_str()),
            cached,
            at,
        }
    }
}

/// By how many ways a data centre reaches the stores.
const WAYS: usize = 2;

/// How often a data centre takes its other way.
const OTHER_WAY: f64 = 0.05;

/// Milliseconds that a read takes on average: from the data centre's cache, and from further.
const CACHED_MS: f64 = 10.0;
const CENTRAL_MS: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_centre_keeps_what_it_read_even_that_there_is_nothing() {
        let random = &mut Random::of(1, 1);
        let mut key = Key::empty(1);
        let read = key.read(0, 0, random);
        assert!(read.text.is_none() && !read.cached);
        let first = read.at;
        key.write("new".to_owned(), 1, Propagation::Usual, random);
        let read = key.read(0, first + CACHE_TTL - 1, random);
        assert!(read.text.is_none() && read.cached);
        let read = key.read(0, first + CACHE_TTL, random);
        assert!(read.text == Some("new") && !read.cached);
    }
}
