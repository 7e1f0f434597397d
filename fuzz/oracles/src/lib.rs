//! What is said of each part of the core that reads what others wrote: a function for
//! each, which panics where bytes show that it is not so. Fuzzing calls it with bytes that
//! it makes up, `tests/replay.rs` with those that `fuzz/corpus` keeps.

pub mod address;
pub mod confine;
pub mod cookie;
pub mod credentials;
pub mod facts;
pub mod forward;
pub mod json;
pub mod path;
pub mod record;
pub mod rewrite;
pub mod routes;
pub mod session;
pub mod settings;
pub mod token;
pub mod wire;

/// Says it of some bytes.
pub type Oracle = fn(&[u8]);

/// Each oracle by the name of its target.
pub const ORACLES: [(&str, Oracle); 15] = [
    ("address", address::check),
    ("confine", confine::check),
    ("cookie", cookie::check),
    ("credentials", credentials::check),
    ("facts", facts::check),
    ("forward", forward::check),
    ("json", json::check),
    ("path", path::check),
    ("record", record::check),
    ("rewrite", rewrite::check),
    ("routes", routes::check),
    ("session", session::check),
    ("settings", settings::check),
    ("token", token::check),
    ("wire", wire::check),
];

/// Bytes as text, as a runtime hands it over: what is no UTF-8 becomes U+FFFD.
fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// The first lines of a text; those that are missing are empty.
fn lines<const N: usize>(text: &str) -> [&str; N] {
    let mut lines = text.split('\n');
    [(); N].map(|()| lines.next().unwrap_or_default())
}
