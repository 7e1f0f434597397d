//! A day of checks, sampled: tokens share nothing but room in the isolates, so a few stand
//! for all that are used about as much.
//!
//! Ranks are cut into octaves (1, 2 to 3, 4 to 7 …), which by Zipf's law are used about
//! alike. Of each, tokens are drawn by use and their requests carried out one by one, for
//! the whole day or, where that is too much, for a slice of it.

use crate::isolate::{Client, DAY_BEGINS, DAY_MS, Isolate, deployment};
use crate::kv::{CACHE_TTL, Key};
use crate::options::Options;
use crate::parallel;
use crate::random::{Random, whole};
use crate::traffic::{self, Homes};
use gatepass::config::Config;
use gatepass::memory::FRESH;
use std::collections::HashMap;
use std::rc::Rc;

/// What became of the day's checks, in whole or of a part of the tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Checks of the day.
    pub checks: f64,
    /// Those that were carried out.
    pub stepped: f64,
    /// Of these, how many found the record in the isolate's memory,
    pub memory: f64,
    /// in KV's cache at the data centre,
    pub cached: f64,
    /// or further away.
    pub central: f64,
}

/// An octave of ranks.
#[derive(Clone, Copy, Debug)]
pub struct Octave {
    /// The first rank.
    pub first: u64,
    /// The one behind the last.
    pub end: u64,
    /// Its share of all checks.
    pub share: f64,
}

impl Octave {
    /// The octaves of so many tokens.
    pub fn all(tokens: u64) -> Vec<Self> {
        let mut octaves = Vec::new();
        let mut first = 1_u64;
        let total = harmonic(1, tokens.saturating_add(1));
        while first <= tokens {
            let end = first.saturating_mul(2).min(tokens.saturating_add(1));
            let share = harmonic(first, end) / total;
            octaves.push(Self { first, end, share });
            first = end;
        }
        octaves
    }

    /// How often one of its tokens is used, drawn by use.
    fn checks_of_one(&self, options: &Options, random: &mut Random) -> f64 {
        let span = self.end as f64 / self.first as f64;
        let rank = (self.first as f64 * span.powf(random.unit())).floor();
        let total = harmonic(1, options.tokens.saturating_add(1));
        options.checks as f64 / (rank * total)
    }
}

/// The sum of 1/r over ranks from `first` on, before `end`.
fn harmonic(first: u64, end: u64) -> f64 {
    if end <= EXACT {
        return (first..end).map(|rank| 1.0 / rank as f64).sum();
    }
    if first < EXACT {
        return harmonic(first, EXACT) + harmonic(EXACT, end);
    }
    // Midpoints: exact to ten digits here.
    ((end as f64 - 0.5) / (first as f64 - 0.5)).ln()
}

/// The day, octave by octave.
pub fn simulate(options: &Options) -> Result<Vec<(Octave, Tally)>, String> {
    let octaves = Octave::all(options.tokens);
    let tallies = parallel::map("octaves of tokens", &octaves, |number, octave| {
        let random = &mut Random::of(options.seed, number as u64);
        sample(octave, options, random)
    })?;
    Ok(octaves.into_iter().zip(tallies).collect())
}

fn sample(octave: &Octave, options: &Options, random: &mut Random) -> Result<Tally, String> {
    let checks = octave.share * options.checks as f64;
    let mut tally = Tally {
        checks,
        ..Tally::default()
    };
    let config = deployment(false)?;
    while tally.stepped < STEPS.min(checks) {
        let checks_of_one = octave.checks_of_one(options, random);
        use_token(checks_of_one, options, &config, &mut tally, random)?;
    }
    Ok(tally)
}

/// One token's day, or a slice of it, added to the tally.
fn use_token(
    checks: f64,
    options: &Options,
    config: &Rc<Config>,
    tally: &mut Tally,
    random: &mut Random,
) -> Result<(), String> {
    let data_centres = usize::try_from(options.data_centres).unwrap_or(usize::MAX);
    let isolates = traffic::isolates(options.checks, options.data_centres, DAY_MS);
    let client = Client::new(random)?;
    let request = client.request()?;
    let mut key = Key::holding(client.record.to_json(), data_centres);
    let homes = Homes::new(checks, data_centres, random);
    let slice = whole(DAY_MS as f64 * STEPS / checks).clamp(LEAST_SLICE_MS, DAY_MS);
    let counted = DAY_BEGINS.saturating_add(WARM_UP_MS);
    let span = (DAY_BEGINS, counted.saturating_add(slice));
    let arrivals = traffic::arrivals(checks, span, DAY_MS, &homes, isolates, random);
    let mut running = HashMap::new();
    for arrival in arrivals {
        let isolate = running
            .entry((arrival.data_centre, arrival.isolate))
            .or_insert_with(|| Isolate::new(config, arrival.data_centre));
        let ledger = |_| client.record.to_json();
        let knock = isolate.knock(&request, arrival.at, &mut key, ledger, random)?;
        if !knock.allowed || knock.asked > 0 {
            return Err("a good token was refused, or not found in KV".to_owned());
        }
        if arrival.at < counted {
            continue;
        }
        tally.stepped += 1.0;
        match (knock.cached_reads, knock.central_reads) {
            (0, 0) => tally.memory += 1.0,
            (_, 0) => tally.cached += 1.0,
            _ => tally.central += 1.0,
        }
    }
    Ok(())
}

/// Ranks that are summed one by one.
const EXACT: u64 = 1_000;

/// Requests that are carried out for each octave.
const STEPS: f64 = 50_000.0;

/// What comes before a slice, so that caches are as they would be.
const WARM_UP_MS: u64 = FRESH.saturating_add(CACHE_TTL);
const LEAST_SLICE_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octaves_hold_every_rank_once() {
        let octaves = Octave::all(10_000_000);
        let share: f64 = octaves.iter().map(|octave| octave.share).sum();
        assert!((share - 1.0).abs() < 1e-9, "{share}");
        assert_eq!(octaves.last().map(|octave| octave.end), Some(10_000_001));
    }

    #[test]
    fn the_harmonic_sum_is_near_enough() {
        let exact: f64 = (1..100_000).map(|rank| 1.0 / f64::from(rank)).sum();
        assert!((harmonic(1, 100_000) - exact).abs() < 1e-6);
    }
}
