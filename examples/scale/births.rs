//! Tokens that are new: data centres where KV does not show them yet, or where "not found"
//! is cached, ask the ledger.

use crate::isolate::{Client, DAY_BEGINS, DAY_MS, Isolate, deployment};
use crate::kv::{Key, Propagation};
use crate::options::Options;
use crate::parallel;
use crate::random::Random;
use crate::traffic::{self, CHECKS_OF_CLIENT, Homes};
use std::collections::HashMap;

/// What became of new tokens in their first minutes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Births {
    /// New tokens.
    pub tokens: u64,
    /// Their checks.
    pub checks: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Questions to ledgers.
    pub asked: u64,
    /// Those that counted against the budgets of unknown tokens.
    pub budgeted: u64,
}

/// Makes tokens and uses them.
pub fn simulate(options: &Options) -> Result<Births, String> {
    let parts: Vec<u64> = (0..PARTS).collect();
    let parts = parallel::map("parts of the new tokens", &parts, |_, part| {
        let random = &mut Random::of(options.seed, PART_BASE | *part);
        let mut births = Births::default();
        for _ in 0..TOKENS_OF_PART {
            make(options, &mut births, random)?;
        }
        Ok(births)
    })?;
    let mut all = Births::default();
    for part in parts {
        all.tokens = all.tokens.saturating_add(part.tokens);
        all.checks = all.checks.saturating_add(part.checks);
        all.refused = all.refused.saturating_add(part.refused);
        all.asked = all.asked.saturating_add(part.asked);
        all.budgeted = all.budgeted.saturating_add(part.budgeted);
    }
    Ok(all)
}

fn make(options: &Options, births: &mut Births, random: &mut Random) -> Result<(), String> {
    let config = deployment(false)?;
    let data_centres = usize::try_from(options.data_centres).unwrap_or(usize::MAX);
    let isolates = traffic::isolates(options.checks, options.data_centres, DAY_MS);
    let client = Client::new(random)?;
    let request = client.request()?;
    let json = client.record.to_json();
    let mut key = Key::empty(data_centres);
    let accepted = DAY_BEGINS.saturating_add(random.wait(PUT_MS));
    key.write(json.clone(), accepted, Propagation::Usual, random);
    let homes = Homes::new(CHECKS_OF_CLIENT, data_centres, random);
    let first_use = DAY_BEGINS.saturating_add(random.wait(FIRST_USE_MS));
    let span = (first_use, first_use.saturating_add(MINUTES_MS));
    let pace = CHECKS_OF_CLIENT * BUSY;
    let arrivals = traffic::arrivals(pace, span, DAY_MS, &homes, isolates, random);
    let mut running = HashMap::new();
    for arrival in arrivals {
        let isolate = running
            .entry((arrival.data_centre, arrival.isolate))
            .or_insert_with(|| Isolate::new(&config, arrival.data_centre));
        let knock = isolate.knock(&request, arrival.at, &mut key, |_| json.clone(), random)?;
        births.checks = births.checks.saturating_add(1);
        births.refused = births.refused.saturating_add(u64::from(!knock.allowed));
        births.asked = births.asked.saturating_add(knock.asked);
        births.budgeted = births.budgeted.saturating_add(knock.budgeted);
    }
    births.tokens = births.tokens.saturating_add(1);
    Ok(())
}

const PARTS: u64 = 20;
const PART_BASE: u64 = 1 << 32;
const TOKENS_OF_PART: u64 = 100;

/// Milliseconds, on average, until KV has accepted a new record, and until its first use.
const PUT_MS: f64 = 300.0;
const FIRST_USE_MS: f64 = 3_000.0;

/// For how long a new token is looked at, and how much more it is used then than later.
const MINUTES_MS: u64 = 120_000;
const BUSY: f64 = 20.0;
