//! Who asks, when, and where.
//!
//! 1. Tokens are used by Zipf's law: the one at rank r as often as 1/r says.
//! 2. A token is used by clients of [`CHECKS_OF_CLIENT`] checks a day each, and a client
//!    stays at one data centre. Large data centres have more of them.
//! 3. A client asks in bursts, [`BURST`] requests on average, [`GAP_MS`] apart.
//! 4. Each request falls to any isolate of its data centre. That is cautious: Cloudflare
//!    tries to keep a Worker's requests together.

use crate::random::{Random, whole};

/// Checks that one client makes in a day.
pub const CHECKS_OF_CLIENT: f64 = 2_000.0;

/// Requests of a burst, on average.
pub const BURST: f64 = 10.0;

/// Milliseconds between two requests of a burst, on average.
pub const GAP_MS: f64 = 300.0;

/// Checks a second that one isolate gets before there is another one.
pub const CHECKS_OF_ISOLATE: f64 = 30.0;

/// Isolates in each data centre.
pub fn isolates(checks: u64, data_centres: u64, day_ms: u64) -> usize {
    let a_second = checks as f64 * 1_000.0 / (data_centres as f64 * day_ms as f64);
    let isolates = whole((a_second / CHECKS_OF_ISOLATE).ceil()).max(1);
    usize::try_from(isolates).unwrap_or(usize::MAX)
}

/// Where a token is used.
#[derive(Debug)]
pub struct Homes(Vec<usize>);

impl Homes {
    /// The data centres of a token's clients.
    pub fn new(checks: f64, data_centres: usize, random: &mut Random) -> Self {
        let clients = whole(checks / CHECKS_OF_CLIENT).clamp(1, MOST_CLIENTS);
        let homes = (0..clients).map(|_| data_centre(data_centres, random));
        Self(homes.collect())
    }

    fn any(&self, random: &mut Random) -> usize {
        let at = random.index(self.0.len());
        self.0.get(at).copied().unwrap_or_default()
    }
}

/// A data centre: the first is the largest, the last has a tenth of its clients.
fn data_centre(count: usize, random: &mut Random) -> usize {
    loop {
        let at = random.index(count);
        let share = 1.0 - 0.9 * at as f64 / count as f64;
        if random.unit() < share {
            return at;
        }
    }
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// When, in milliseconds.
    pub at: u64,
    /// Where.
    pub data_centre: usize,
    /// In which isolate there.
    pub isolate: usize,
}

/// A token's requests from a moment on, in order, at a pace of so many in `day_ms`.
pub fn arrivals(
    checks: f64,
    (from, until): (u64, u64),
    day_ms: u64,
    homes: &Homes,
    isolates: usize,
    random: &mut Random,
) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    let between_bursts = day_ms as f64 * BURST / checks;
    let mut burst = from.saturating_add(random.wait(between_bursts));
    while burst < until {
        let data_centre = homes.any(random);
        let mut at = burst;
        loop {
            let isolate = random.index(isolates);
            arrivals.push(Arrival {
                at,
                data_centre,
                isolate,
            });
            if random.unit() < 1.0 / BURST {
                break;
            }
            at = at.saturating_add(random.wait(GAP_MS));
        }
        burst = burst.saturating_add(random.wait(between_bursts).max(1));
    }
    arrivals.sort_unstable();
    arrivals
}

/// A token with more clients than that has one in each data centre anyway.
const MOST_CLIENTS: u64 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_used_as_often_as_it_should_be() {
        let random = &mut Random::of(1, 1);
        let homes = Homes::new(50_000.0, 10, random);
        let found = arrivals(50_000.0, (0, 86_400_000), 86_400_000, &homes, 4, random);
        assert!((45_000..55_000).contains(&found.len()), "{}", found.len());
        assert!(found.is_sorted());
    }
}
