//! Does each operation so often that its instructions can be counted, under
//! `valgrind --tool=callgrind` (`scripts/counts.mjs`). Prints how often that is, and
//! the names.
//!
//! A count must be the same on each machine with this compiler:
//! - Only what happens inside [`measured`] is counted, and each operation has
//!   happened once before.
//! - Memory comes from the allocator that WebAssembly has too, not from the system's.
//!   What is left of the system's library, locks and copying, is a tenth of a check.
//! - Valgrind shows programs a processor of its own. It has no instructions for
//!   SHA-256, so that is counted as plain code, as WebAssembly runs it.
//! - A `HashMap` hashes with a random seed, which takes as many instructions
//!   whatever the seed is; only where two of a few keys collide, a few are added.

use dlmalloc::GlobalDlmalloc;
use gatepass_benches::operations;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

fn main() {
    println!("{TIMES}");
    for mut operation in operations::all() {
        (operation.run)();
        measured(&mut operation.run);
        println!("{}", operation.name);
    }
}

/// What callgrind looks for by its name.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    for _ in 0..TIMES {
        run();
    }
}

/// How often an operation is done.
const TIMES: u32 = 100;
