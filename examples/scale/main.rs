//! A day at the edge, simulated: a billion checks, ten million tokens, a hundred data
//! centres with stale caches. Prints where records came from, what that costs, and for how
//! long revoked tokens still worked, against the promise.
//!
//! What is real: the gate with its memory ([`gatepass::gate`], [`gatepass::memory`]) in each
//! isolate, and the outbox's schedule ([`gatepass::outbox`]). What is modelled: who asks
//! when ([`traffic`]), and KV ([`kv`]). The same options give the same output.
//!
//! docs/scale.md explains the findings.

mod births;
mod day;
mod isolate;
mod kv;
mod options;
mod parallel;
mod prices;
mod random;
mod report;
mod revocation;
mod traffic;
mod usage;

use options::{HELP, Options};
use revocation::SCENARIOS;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(mistake) => return fail(&mistake),
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => fail(&mistake),
    }
}

fn run(options: &Options) -> Result<(), String> {
    let octaves = day::simulate(options)?;
    let births = births::simulate(options)?;
    let mut revocations = Vec::new();
    for scenario in SCENARIOS {
        revocations.push((scenario, revocation::simulate(&scenario, options)?));
    }
    let all = report::day(options, &octaves);
    report::births(&births);
    report::revocations(&revocations);
    report::costs(options, &usage::of_month(options, &all, &births));
    report::busiest(&octaves);
    Ok(())
}

fn fail(mistake: &str) -> ExitCode {
    eprintln!("{mistake}");
    ExitCode::FAILURE
}
