//! What is promised of a change, in simulated time: how soon gates everywhere see it.
//!
//! 1. *Bounded*: a change holds in every isolate [`BOUND`](life::BOUND) after KV has
//!    accepted it, and KV is told of it at once.
//! 2. *Strict*, by deployment or token: a change of a token or its sessions holds with
//!    the next request; one of the workspace within the bound.
//! 3. The isolate that carried a change out sees it at once.
//! 4. A token that was never shut opens everywhere from the moment it is made, and so
//!    does a session.
//! 5. Nobody enters by a token that its ledger refuses, and nobody makes one by it or
//!    where creation is off, whatever a gate believes. A single-use token opens one session.
//! 6. What an isolate has refused for good it goes on refusing.
//! 7. What was never made opens nothing.
//!
//! That holds where objects restart at any moment, with the answer lost or the command, where
//! alarms are late, isolates forget all, and clocks are up to [`SKEW`](life::SKEW) wrong. The
//! bound needs no allowance for clocks, since each isolate measures it by its own; where that
//! is set right meanwhile, the jump ([`APART`](life::APART) at most) is added, and taken from
//! what an isolate remembers. The end of a grace is as exact as the clocks are.

mod kv;
mod life;
mod object;
mod random;
mod reference;
mod trial;
mod world;

use crate::memory::FRESH;
use kv::{CACHE_TTL, PROPAGATION};
use life::SKEW;
use proptest::prelude::*;
use trial::{MOST_DOORS, Trial};
use world::{CLOCKS, Crash, ISOLATES, OBJECTS};

/// What happens next; the last number is the isolate's.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Knock(usize, usize),
    KnockEverywhere,
    Guess(usize),
    Change(Change, usize),
    /// A change whose answer is lost, and perhaps the change. Some try again.
    Lose(Change, Crash, usize),
    /// A change, and then whatever keeps a gate from it for longest.
    Race(Change, usize),
    Enter(usize, usize),
    /// An entry whose answer is lost, and perhaps the entry. Then it is tried again.
    LoseEntry(usize, Crash, usize),
    /// Two entries at once.
    EnterTwice(usize, [usize; 2]),
    Create(usize),
    /// A token makes another one.
    Bear(usize, usize),
    RestartObject(usize),
    RestartIsolate(usize),
    SetClock(usize, i64),
}

/// A change by the operator; numbers are of tokens and sessions.
#[derive(Clone, Copy, Debug)]
enum Change {
    Rename(usize),
    Enable(usize, bool),
    /// With so many seconds of grace.
    Rotate(usize, u64),
    Revoke(usize),
    KillSession(usize),
    KillOfToken(usize),
    KillOfUser,
    KillAll,
    Authentication(bool),
    Creation(bool),
}

fn changes() -> impl Strategy<Value = Change> {
    let n = 0..MOST_DOORS;
    let grace = prop::sample::select(vec![0, 60, 300]);
    prop_oneof![
        1 => n.clone().prop_map(Change::Rename),
        5 => (n.clone(), any::<bool>()).prop_map(|(n, on)| Change::Enable(n, on)),
        2 => (n.clone(), grace).prop_map(|(n, grace)| Change::Rotate(n, grace)),
        2 => n.clone().prop_map(Change::Revoke),
        3 => n.clone().prop_map(Change::KillSession),
        1 => n.prop_map(Change::KillOfToken),
        1 => Just(Change::KillOfUser),
        1 => Just(Change::KillAll),
        2 => any::<bool>().prop_map(Change::Authentication),
        1 => any::<bool>().prop_map(Change::Creation),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (n, isolate) = (0..MOST_DOORS, 0..ISOLATES);
    let edge = prop::sample::select(vec![1, FRESH - 1, FRESH, CACHE_TTL - 1, CACHE_TTL]);
    let crash = prop::sample::select(vec![Crash::Before, Crash::After]);
    let skew = i64::try_from(SKEW).unwrap();
    let enter_twice = (n.clone(), isolate.clone(), 1..ISOLATES)
        .prop_map(|(n, one, by)| Step::EnterTwice(n, [one, (one + by) % ISOLATES]));
    let step = prop_oneof![
        8 => edge.prop_map(Step::Wait),
        6 => (0..PROPAGATION).prop_map(Step::Wait),
        6 => (0..2_000_u64).prop_map(Step::Wait),
        8 => (n.clone(), isolate.clone()).prop_map(|(n, isolate)| Step::Knock(n, isolate)),
        4 => Just(Step::KnockEverywhere),
        1 => isolate.clone().prop_map(Step::Guess),
        8 => (changes(), isolate.clone()).prop_map(|(change, isolate)| Step::Change(change, isolate)),
        3 => (changes(), crash.clone(), isolate.clone())
            .prop_map(|(change, crash, isolate)| Step::Lose(change, crash, isolate)),
        4 => (changes(), isolate.clone()).prop_map(|(change, isolate)| Step::Race(change, isolate)),
        2 => (n.clone(), isolate.clone()).prop_map(|(n, isolate)| Step::Enter(n, isolate)),
        1 => (n.clone(), crash, isolate.clone())
            .prop_map(|(n, crash, isolate)| Step::LoseEntry(n, crash, isolate)),
        1 => enter_twice,
        1 => isolate.clone().prop_map(Step::Create),
        2 => (n, isolate.clone()).prop_map(|(n, isolate)| Step::Bear(n, isolate)),
        1 => (0..OBJECTS).prop_map(Step::RestartObject),
        1 => isolate.prop_map(Step::RestartIsolate),
        1 => (0..CLOCKS, -skew..=skew).prop_map(|(clock, ahead)| Step::SetClock(clock, ahead)),
    ];
    prop::collection::vec(step, 10..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_bounded_deployment_keeps_its_promises(calm: bool, jumps: bool, seed: u64, steps in steps()) {
        run(Trial::new(false, calm, jumps, seed), &steps);
    }

    #[test]
    fn a_strict_deployment_keeps_its_promises(calm: bool, jumps: bool, seed: u64, steps in steps()) {
        run(Trial::new(true, calm, jumps, seed), &steps);
    }
}

/// So many sequences take some seconds; more by `PROPTEST_CASES`.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.map_or(100, |asked| asked.parse().unwrap())
}

fn run(mut trial: Trial, steps: &[Step]) {
    steps.iter().for_each(|step| trial.step(step));
    trial.rest();
}
