//! How long the core takes, natively, and how much of a check is SHA-256: `cargo bench
//! --package gatepass-criterion`.
//!
//! Where the processor has instructions for SHA-256, that share is smaller than in
//! WebAssembly, which has none; `instructions.json` has both counts without them.

use criterion::Criterion;
use gatepass_benches::operations::{self, DIGEST, WARM_CHECK};
use gatepass_benches::timing::nanoseconds;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for mut operation in operations::all() {
        criterion.bench_function(operation.name, |bencher| bencher.iter(&mut operation.run));
    }
    criterion.final_summary();
    let share = 100.0 * share_of_digest();
    println!("SHA-256 is {share:.0} % of a {WARM_CHECK} here.");
}

fn share_of_digest() -> f64 {
    let named = |name| {
        let mut all = operations::all().into_iter();
        all.find(|operation| operation.name == name).unwrap().run
    };
    let times = nanoseconds(&mut [DIGEST, WARM_CHECK].map(named));
    times[0] / times[1]
}
