//! The findings, as text.

use crate::births::Births;
use crate::day::{Octave, Tally};
use crate::isolate::DAY_MS;
use crate::options::Options;
use crate::prices::{Usage, bill};
use crate::revocation::{AFTER_MS, EVERY_MS, Revoked, Scenario, TRIED};
use crate::traffic;
use crate::usage;

/// What the design promises after KV's accepting the write, in seconds.
const PROMISED_S: f64 = 65.0;

/// The day itself.
pub fn day(options: &Options, octaves: &[(Octave, Tally)]) -> Tally {
    let isolates = traffic::isolates(options.checks, options.data_centres, DAY_MS);
    println!(
        "A day of {} checks with {} tokens (Zipf), {} data centres, isolates in each: {isolates}, seed {}",
        thousands(options.checks as f64),
        thousands(options.tokens as f64),
        options.data_centres,
        options.seed
    );
    let mut all = Tally::default();
    let mut groups = [Tally::default(); 3];
    for (octave, tally) in octaves {
        // Each check that was carried out stands for as many as its octave has more.
        let stands_for = tally.checks / tally.stepped;
        let tokens = octave.end.saturating_sub(octave.first) as f64;
        let group = match tally.checks / tokens {
            often if often >= 86_400.0 => 0,
            often if often >= 1_440.0 => 1,
            _ => 2,
        };
        for sum in [Some(&mut all), groups.get_mut(group)]
            .into_iter()
            .flatten()
        {
            sum.checks += tally.checks;
            sum.stepped += tally.stepped * stands_for;
            sum.memory += tally.memory * stands_for;
            sum.cached += tally.cached * stands_for;
            sum.central += tally.central * stands_for;
        }
    }
    let stepped: f64 = octaves.iter().map(|(_, tally)| tally.stepped).sum();
    println!(
        "{} of them carried out by the gate's own code, 1 of {:.0}\n",
        thousands(stepped),
        (options.checks as f64 / stepped).max(1.0)
    );
    println!("The record came from       isolate  KV, cached  KV, central       checks");
    let names = [
        "tokens used each second",
        "      … each minute",
        "      … less often",
    ];
    for (name, group) in names.iter().zip(&groups) {
        if group.checks > 0.0 {
            shares(name, group);
        }
    }
    shares("all", &all);
    all
}

fn shares(name: &str, tally: &Tally) {
    let percent = |part: f64| 100.0 * part / tally.stepped;
    println!(
        "  {name:<24} {:>6.1} %    {:>6.1} %     {:>6.1} % {:>15}",
        percent(tally.memory),
        percent(tally.cached),
        percent(tally.central),
        thousands(tally.checks)
    );
}

/// New tokens.
pub fn births(births: &Births) {
    let each = |number: u64| number as f64 / births.tokens as f64;
    println!(
        "\n{} new tokens, {:.0} checks each in their first minutes: {:.2} questions to the ledger\n\
         each, {:.2} of them on the budgets of unknown tokens; refused: {}",
        thousands(births.tokens as f64),
        each(births.checks),
        each(births.asked),
        each(births.budgeted),
        births.refused
    );
}

/// What revocations there were.
pub fn revocations(outcomes: &[(Scenario, Vec<Revoked>)]) {
    println!(
        "\nRevoked tokens, tried each {:.0} s in each isolate of {TRIED} data centres until {} s after\n\
         KV accepted the write. The longest that each still worked in any of them:\n\
         \n  seconds since KV accepted          median     99 %  longest  over {PROMISED_S:.0} s",
        EVERY_MS / 1000.0,
        AFTER_MS / 1000
    );
    let seconds = |millis: u64| millis as f64 / 1000.0;
    let mut readmitted = 0_u64;
    for (scenario, revoked) in outcomes {
        let times = |time: fn(&Revoked) -> u64| {
            let mut times: Vec<_> = revoked.iter().map(|one| seconds(time(one))).collect();
            times.sort_unstable_by(f64::total_cmp);
            times
        };
        let line = |name: &str, times: &[f64], late: &str| {
            let [half, most, all] = [50, 99, 100].map(|percent| percentile(times, percent));
            let text = format!("  {name:<32} {half:>8.1} {most:>8.1} {all:>8.1}  {late}");
            println!("{}", text.trim_end());
        };
        let late = |times: &[f64]| {
            let late = times.iter().filter(|time| **time > PROMISED_S).count();
            format!("{late} of {}", times.len())
        };
        if scenario.strict {
            let times = times(|one| one.since_revoked);
            line("strict: since it was revoked", &times, &late(&times));
        } else {
            let times = times(|one| one.since_accepted);
            line(scenario.name, &times, &late(&times));
        }
        if scenario.outage > 0 {
            line(
                "  age of the outbox by then",
                &times(|one| one.outbox_age),
                "",
            );
            line(
                "  both: since it was revoked",
                &times(|one| one.since_revoked),
                "",
            );
        }
        for one in revoked {
            readmitted = readmitted.saturating_add(one.readmitted);
        }
    }
    let checks: u64 = outcomes
        .iter()
        .flat_map(|(_, all)| all)
        .map(|one| one.checks)
        .sum();
    println!(
        "  in {} checks, let in again where it had been refused: {readmitted}",
        thousands(checks as f64)
    );
}

/// What a month of such days costs.
pub fn costs(options: &Options, used: &Usage) {
    println!("\nA month of such days, by list prices        used       US$   strict, US$");
    let strict = bill(&usage::if_strict(options, *used));
    let mut totals = (0.0, 0.0);
    for (line, strict) in bill(used).iter().zip(strict) {
        totals = (totals.0 + line.dollars, totals.1 + strict.dollars);
        println!(
            "  {:<24} {:>20} {:>12.2} {:>12.2}",
            line.what,
            thousands(line.used),
            line.dollars,
            strict.dollars
        );
    }
    println!("  {:<45} {:>12.2} {:>12.2}", "in all", totals.0, totals.1);
}

/// Where a strict deployment's first ceiling is.
pub fn busiest(octaves: &[(Octave, Tally)]) {
    if let Some((_, tally)) = octaves.first() {
        let a_second = tally.checks / 86_400.0;
        println!(
            "\nThe busiest token is checked {a_second:.1} times a second: if strict, by one ledger."
        );
    }
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = last.saturating_mul(percent).div_ceil(100);
    sorted.get(at).copied().unwrap_or_default()
}

/// A whole number with commas.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    let text = groups.join(&b","[..]);
    String::from_utf8(text).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(thousands(12.4), "12");
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let sorted = [1.0, 2.0, 3.0];
        assert_eq!(
            [50, 99, 100].map(|p| percentile(&sorted, p)),
            [2.0, 3.0, 3.0]
        );
    }
}
