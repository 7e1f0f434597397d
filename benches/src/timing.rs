//! How long things take, beside each other.

use std::time::{Duration, Instant};

/// Nanoseconds that each of these takes. They take turns, so that what else goes on
/// in the machine disturbs all alike, and of each the quickest turn counts, since a
/// disturbance can only add to it.
pub fn nanoseconds(runs: &mut [Box<dyn FnMut()>]) -> Vec<f64> {
    let times: Vec<_> = runs.iter_mut().map(enough).collect();
    let mut quickest = vec![Duration::MAX; runs.len()];
    for _ in 0..TURNS {
        for ((run, times), quickest) in runs.iter_mut().zip(&times).zip(&mut quickest) {
            *quickest = take(run, *times).min(*quickest);
        }
    }
    let each = |(quickest, times): (Duration, &u32)| quickest.as_secs_f64() / f64::from(*times);
    let seconds = quickest.into_iter().zip(&times).map(each);
    seconds.map(|seconds| seconds * 1e9).collect()
}

/// How often it must be run so that it takes as long as a turn shall.
fn enough(run: &mut Box<dyn FnMut()>) -> u32 {
    let mut times = 1;
    while take(run, times) < TURN {
        times *= 2;
    }
    times
}

fn take(run: &mut Box<dyn FnMut()>, times: u32) -> Duration {
    let begun = Instant::now();
    for _ in 0..times {
        run();
    }
    begun.elapsed()
}

const TURN: Duration = Duration::from_millis(4);
const TURNS: u32 = 40;
