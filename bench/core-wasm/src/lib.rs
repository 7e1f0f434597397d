//! Runs the gate's warm check, and SHA-256 alone, so many times without leaving WebAssembly.

use gatepass::config::Config;
use gatepass::digest::Digest;
use gatepass::facts::Facts;
use gatepass::gate::Gate;
use std::cell::RefCell;
use std::hint::black_box;

const TOKEN: &str = "pat_ada0DQ3Vt7rJxk2WbN8yGf5HcLsZ9m16tk1X";
const NOW: u64 = 1_790_000_000_000;

/// What `entry.js` packs of the benchmark's request.
const FACTS: &str = concat!(
    "GET\nhttp://localhost/api/v1/jobs/?page=1&page_size=3",
    "\naccept-encoding:gzip, br",
    "\nauthorization:Bearer pat_ada0DQ3Vt7rJxk2WbN8yGf5HcLsZ9m16tk1X",
    "\ncf-connecting-ip:192.0.2.17",
    "\nsec-fetch-dest:empty",
    "\nsec-fetch-mode:cors",
    "\nsec-fetch-site:same-origin",
    "\nx-forwarded-proto:",
);

const VARIABLES: &str = r#"{
  "OPERATOR_KEY": "an-operator-key-of-more-than-32-characters", "DEVELOPMENT": true,
  "UPSTREAM": "service:APP", "EMBED_HOST": "*.localhost",
  "APPS": [{"id": "jobs", "name": "Jobs"}],
  "SESSION_KEYS": "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  "ROUTES": [
    {"path": "/public/*", "public": true},
    {"methods": ["GET"], "path": "/api/v1/*", "scopes": ["jobs:read"]},
    {"path": "/api/v1/*", "scopes": ["jobs:write"]},
    {"path": "/odata/*", "scopes": ["odata"]}
  ]
}"#;

const BINDINGS: [&str; 7] = [
    "APP",
    "ASSETS",
    "DIRECTORY",
    "LEDGER",
    "LOOKUPS_BY_ADDRESS",
    "LOOKUPS_BY_LEDGER",
    "RECORDS",
];

const SETTINGS: &str = r#"{"v":1,"rev":1,"creation":true,"authentication":true}"#;

const RECORD: &str = concat!(
    r#"{"v":1,"rev":1,"id":"ada0-01M7YQ1WE08Q4V2N6XJ0RYK3TD","ws":"default","uid":"ada","#,
    r#""em":"ada@example.com","k":"p","n":"a test's","st":"a","c":1789990000,"#,
    r#""sc":["jobs:read","odata"],"x":1790086400}"#,
);

thread_local! {
    static GATE: RefCell<Gate> = RefCell::new(warm_gate());
}

/// A gate that has read the token's record and the settings this very moment.
fn warm_gate() -> Gate {
    let bindings = BINDINGS.map(str::to_owned);
    let config = Config::parse(VARIABLES, &bindings).expect("the configuration is right");
    let mut gate = Gate::new(config.into());
    let key = format!("t/{}", Digest::of(TOKEN).to_hex());
    gate.learn(&key, Some(RECORD), NOW);
    gate.learn("w/default", Some(SETTINGS), NOW);
    gate
}

/// One check, as `check` of src/worker/mod.rs does it: what crosses back.
fn check(gate: &mut Gate, facts: &str) -> String {
    let facts = Facts::parse(facts).expect("the request is well-formed");
    gate.check(&facts, None, NOW).into_text()
}

/// Whether that request is let in.
#[unsafe(no_mangle)]
pub extern "C" fn allows() -> bool {
    GATE.with_borrow_mut(|gate| check(gate, FACTS).starts_with("allow\n"))
}

/// Checks it so many times.
#[unsafe(no_mangle)]
pub extern "C" fn checks(count: u32) {
    GATE.with_borrow_mut(|gate| {
        for _ in 0..count {
            black_box(check(gate, black_box(FACTS)));
        }
    });
}

/// Hashes its token so many times.
#[unsafe(no_mangle)]
pub extern "C" fn hashes(count: u32) {
    for _ in 0..count {
        black_box(Digest::of(black_box(TOKEN)));
    }
}
