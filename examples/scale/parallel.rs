//! Work shared out among the processor's cores, and told of on standard error.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What becomes of each item, in their order, whichever is done first.
pub fn map<T: Sync, R: Send>(
    what: &str,
    items: &[T],
    work: impl Fn(usize, &T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results = Mutex::new(Vec::new());
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return;
            };
            let result = work(number, item);
            if let Ok(mut results) = results.lock() {
                results.push((number, result));
            }
            let count = done.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            if is_step(count, items.len()) {
                eprintln!("{what}: {count} of {}", items.len());
            }
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores.min(items.len()) {
            scope.spawn(run);
        }
    });
    let mut results = results.into_inner().map_err(|error| error.to_string())?;
    results.sort_unstable_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Whether another fifth is done.
fn is_step(count: usize, of: usize) -> bool {
    let fifth = |count: usize| count.saturating_mul(5).checked_div(of).unwrap_or_default();
    fifth(count) > fifth(count.saturating_sub(1))
}
