//! Tokens that are revoked while somebody tries them everywhere: for how long each still
//! opens an isolate of some data centre.

use crate::isolate::{Client, DAY_BEGINS, DAY_MS, Isolate, deployment};
use crate::kv::{CACHE_TTL, Key, Propagation};
use crate::options::Options;
use crate::parallel;
use crate::random::{Random, whole};
use crate::traffic;
use core::cell::RefCell;
use core::convert::Infallible;
use gatepass::facts::Facts;
use gatepass::memory::FRESH;
use gatepass::outbox::{Effect, Row, Rows};
use gatepass::record::State;

/// What the platform does to a revocation.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// In words.
    pub name: &'static str,
    /// How its writes spread.
    pub propagation: Propagation,
    /// For how many milliseconds KV takes no write, the revocation somewhere in between.
    pub outage: u64,
    /// Whether the deployment is strict.
    pub strict: bool,
    /// One of how many revocations is looked at.
    pub one_of: u64,
}

/// The scenarios.
pub const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "KV at its usual",
        propagation: Propagation::Usual,
        outage: 0,
        strict: false,
        one_of: 1,
    },
    Scenario {
        name: "KV with a slow tail",
        propagation: Propagation::SlowTail,
        outage: 0,
        strict: false,
        one_of: 1,
    },
    Scenario {
        name: "KV takes no write for 10 min",
        propagation: Propagation::Usual,
        outage: 600_000,
        strict: false,
        one_of: 4,
    },
    Scenario {
        name: "strict",
        propagation: Propagation::SlowTail,
        outage: 0,
        strict: true,
        one_of: 4,
    },
];

/// What came of one revocation; times in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Revoked {
    /// How long it still worked after KV had accepted the write.
    pub since_accepted: u64,
    /// How long after the revocation itself.
    pub since_revoked: u64,
    /// How old its row in the outbox was when KV accepted it.
    pub outbox_age: u64,
    /// Checks that were carried out.
    pub checks: u64,
    /// How often an isolate that had refused it let it in again.
    pub readmitted: u64,
}

/// Revokes all tokens of a scenario.
pub fn simulate(scenario: &Scenario, options: &Options) -> Result<Vec<Revoked>, String> {
    let count = options.revocations.div_ceil(scenario.one_of);
    let numbers: Vec<u64> = (0..count).collect();
    parallel::map(scenario.name, &numbers, |_, number| {
        revoke(
            scenario,
            options,
            &mut Random::of(options.seed, PART_BASE | *number),
        )
    })
}

fn revoke(scenario: &Scenario, options: &Options, random: &mut Random) -> Result<Revoked, String> {
    let config = deployment(scenario.strict)?;
    let data_centres = usize::try_from(options.data_centres).unwrap_or(usize::MAX);
    let client = Client::new(random)?;
    let mut record = client.record.clone();
    record.rev = record.rev.saturating_add(1);
    record.state = State::Revoked;
    let (active, revoked) = (client.record.to_json(), record.to_json());
    let at = DAY_BEGINS.saturating_add(DAY_MS / 2);
    let accepted = puts(at, scenario.outage, random);
    let mut key = Key::holding(active.clone(), data_centres);
    for put in &accepted {
        key.write(revoked.clone(), *put, scenario.propagation, random);
    }
    let mut case = Case {
        request: client.request()?,
        ledger: |now| if now < at { &active } else { &revoked }.clone(),
        key,
        at,
        accepted: accepted.first().copied().unwrap_or(at),
        outcome: Revoked::default(),
    };
    case.outcome.outbox_age = case.accepted.saturating_sub(at);
    let isolates = traffic::isolates(options.checks, options.data_centres, DAY_MS);
    for data_centre in tried(data_centres, random) {
        let isolates = (0..isolates.min(MOST_ISOLATES)).map(|_| Isolate::new(&config, data_centre));
        case.try_all(isolates, random)?;
    }
    Ok(case.outcome)
}

/// A token on its way out.
struct Case<'a, L> {
    request: Facts<'a>,
    /// The record as the ledger has it at a moment.
    ledger: L,
    key: Key,
    /// When it is revoked, and when KV accepts that.
    at: u64,
    accepted: u64,
    outcome: Revoked,
}

impl<L: Fn(u64) -> String> Case<'_, L> {
    /// Tries the token in the isolates of a data centre.
    fn try_all(
        &mut self,
        isolates: impl Iterator<Item = Isolate>,
        random: &mut Random,
    ) -> Result<(), String> {
        // Caches must be found at any age: each data centre begins at another moment.
        let oldest = CACHE_TTL.saturating_add(FRESH);
        let before = LEAST_BEFORE_MS.saturating_add(random.wait_within(oldest));
        let begins = self.accepted.saturating_sub(before);
        let first_try = |isolate| (begins.saturating_add(random.wait(EVERY_MS)), isolate, None);
        let mut doors: Vec<_> = isolates.map(first_try).collect();
        while let Some((next, isolate, shut)) = doors.iter_mut().min_by_key(|door| door.0) {
            let now = *next;
            if now > self.accepted.saturating_add(AFTER_MS) {
                break;
            }
            let knock = isolate.knock(&self.request, now, &mut self.key, &self.ledger, random)?;
            let outcome = &mut self.outcome;
            outcome.checks = outcome.checks.saturating_add(1);
            if knock.allowed {
                let again = u64::from(shut.is_some_and(|shut| shut < now));
                outcome.readmitted = outcome.readmitted.saturating_add(again);
                let since = |moment| now.saturating_sub(moment);
                outcome.since_accepted = outcome.since_accepted.max(since(self.accepted));
                outcome.since_revoked = outcome.since_revoked.max(since(self.at));
            } else if shut.is_none() {
                *shut = Some(knock.at);
            }
            // Once shut, a door is tried less often.
            let mean = if shut.is_some() {
                SHUT_EVERY_MS
            } else {
                EVERY_MS
            };
            *next = now.saturating_add(random.wait(mean).max(1));
        }
        Ok(())
    }
}

/// When KV accepts the row's puts: the real outbox decides when each is tried.
fn puts(at: u64, outage: u64, random: &mut Random) -> Vec<u64> {
    let recovers = at.saturating_add(whole(random.unit() * outage as f64));
    let shelf = Shelf::default();
    let Ok(()) = shelf.changed("t/".to_owned(), "default", "ada", Effect::Withdraws, at);
    let mut accepted = Vec::new();
    while let Some(row) = shelf.0.take() {
        let now = row.due.saturating_add(random.wait(PUT_MS));
        let left = if now >= recovers {
            accepted.push(now);
            let sent = row.generation;
            row.accepted(sent, now)
        } else {
            // Half of the failures are told at once, half are puts that take too long.
            let late = random.unit() < 0.5;
            let told = now.saturating_add(if late { PUT_TIMEOUT_MS } else { 0 });
            Some(row.uncertain(told))
        };
        shelf.0.replace(left);
    }
    accepted
}

/// An outbox of one row.
#[derive(Default)]
struct Shelf(RefCell<Option<Row>>);

impl Rows for Shelf {
    type Error = Infallible;

    fn row(&self, _key: &str) -> Result<Option<Row>, Infallible> {
        Ok(self.0.borrow().clone())
    }

    fn save_row(&self, row: &Row) -> Result<(), Infallible> {
        self.0.replace(Some(row.clone()));
        Ok(())
    }
}

/// The data centres where the token is tried.
fn tried(data_centres: usize, random: &mut Random) -> Vec<usize> {
    let mut all: Vec<_> = (0..data_centres).collect();
    let mut tried = Vec::new();
    while tried.len() < TRIED && !all.is_empty() {
        tried.push(all.swap_remove(random.index(all.len())));
    }
    tried
}

/// In how many data centres a token is tried,
pub const TRIED: usize = 10;
/// in how many isolates of each at most,
const MOST_ISOLATES: usize = 4;
/// and how many milliseconds apart in each isolate, on average.
pub const EVERY_MS: f64 = 2_000.0;
const SHUT_EVERY_MS: f64 = 20_000.0;

/// For how long it is tried before KV accepts the write, at least, and after that.
const LEAST_BEFORE_MS: u64 = 5_000;
pub const AFTER_MS: u64 = 110_000;

/// Milliseconds that a put takes on average, the alarm included, and until it is given up.
const PUT_MS: f64 = 300.0;
const PUT_TIMEOUT_MS: u64 = 10_000;

const PART_BASE: u64 = 1 << 33;
