//! What the benchmarks measure: gates with records at hand, requests as the
//! Worker packs them, and the check as the Worker makes it.
//!
//! - `cargo bench --package gatepass-criterion` times the core (`criterion/core.rs`).
//! - `npm run counts` counts its instructions (`src/bin/counts.rs`).
//! - `npm run bench` shows among others how its cost grows (`src/bin/growth.rs`).

pub mod operations;
pub mod timing;

use gatepass::config::Config;
use gatepass::digest::Digest;
use gatepass::facts::Facts;
use gatepass::gate::Gate;
use gatepass::hint::Hint;
use gatepass::id::Id;
use gatepass::place::Place;
use gatepass::record::{Embed, Record, State};
use gatepass::scope::{Scope, Scopes};
use gatepass::session::{Session, SessionKeys};
use gatepass::settings::Settings;
use gatepass::time::Time;
use gatepass::token::{self, Kind};
use gatepass::verdict::Verdict;
use serde_json::{Value, json};
use std::rc::Rc;

/// Time stands still, so what the gate has learned stays fresh.
pub const NOW: u64 = 1_800_000_000_000;

/// The app that embeds show, unless a measurement wants another.
pub const APP: &str = "jobs";

const SESSION_KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const EMBED_HOST: &str = "embed.example";
const WORKSPACE: &str = "default";
const UID: &str = "ada";

/// A check from first to last, as `check` in `src/worker/mod.rs` has it: what
/// crosses into the core becomes what crosses out of it.
pub fn check(gate: &mut Gate, request: &str) -> String {
    let facts = Facts::parse(request).unwrap();
    gate.check(&facts, None, NOW).into_text()
}

/// The verdict alone.
pub fn verdict(gate: &mut Gate, request: &str) -> Verdict {
    gate.check(&Facts::parse(request).unwrap(), None, NOW)
}

/// A gate whose configuration is the usual one but for these variables.
pub fn gate(changes: Value) -> Gate {
    let mut variables = json!({
        "OPERATOR_KEY": "operator-key-operator-key-operator-key",
        "SESSION_KEYS": SESSION_KEYS,
        "UPSTREAM": "https://app.example",
        "EMBED_HOST": format!("*.{EMBED_HOST}"),
        "APPS": [{ "id": APP, "name": "Jobs" }, { "id": "maps", "name": "Maps" }],
        "ROUTES": [
            { "path": "/public/*", "public": true },
            { "path": "/api/v1/*", "methods": ["GET"], "scopes": ["jobs:read"] },
            { "path": "/api/v1/*", "scopes": ["jobs:write"] },
            { "path": "/odata/*", "scopes": ["odata"] },
        ],
    });
    let Value::Object(changes) = changes else {
        panic!("variables are an object");
    };
    variables.as_object_mut().unwrap().extend(changes);
    let bindings = [
        "RECORDS",
        "LEDGER",
        "DIRECTORY",
        "LOOKUPS_BY_ADDRESS",
        "LOOKUPS_BY_LEDGER",
        "ASSETS",
    ];
    let config = Config::parse(&variables.to_string(), &bindings.map(str::to_owned)).unwrap();
    let mut gate = Gate::new(Rc::new(config));
    let settings = Settings::default().to_json();
    gate.learn(&format!("w/{WORKSPACE}"), Some(&settings), NOW);
    gate
}

/// Has the gate read a record from KV.
pub fn teach(gate: &mut Gate, secret: &str, record: &Record) {
    let key = format!("t/{}", Digest::of(secret).to_hex());
    gate.learn(&key, Some(&record.to_json()), NOW);
}

/// A token of a kind, another for each number.
pub fn secret(kind: Kind, number: u32) -> String {
    let mut entropy = [0; 64];
    let mut rest = number;
    for byte in entropy.iter_mut().take(6) {
        *byte = u8::try_from(rest % 62).unwrap() << 2;
        rest /= 62;
    }
    token::generate(kind, &Hint::of(WORKSPACE, UID), &entropy).unwrap()
}

/// The record of a PAT with these scopes.
pub fn pat(scopes: &[&str]) -> Record {
    Record {
        rev: 1,
        id: Id::generate(&Hint::of(WORKSPACE, UID), NOW, [1; 16]),
        workspace: WORKSPACE.to_owned(),
        uid: UID.to_owned(),
        email: "ada@example.com".to_owned(),
        name: "Power BI".to_owned(),
        scopes: scopes_of(scopes),
        apps: Vec::new(),
        allowed_ips: [].into_iter().collect(),
        strict: false,
        state: State::Active,
        created: Time::from_millis(NOW),
        expires: Some(Time::from_millis(NOW).plus(30 * 86_400)),
        embed: None,
    }
}

/// These scopes as a set.
pub fn scopes_of(names: &[&str]) -> Scopes {
    let scopes = names.iter().map(|name| Scope::parse(name).unwrap());
    scopes.collect::<Vec<_>>().into()
}

/// The record of an embed token for these apps, of whose sessions so many were
/// killed.
pub fn embed(apps: Vec<String>, killed: u8) -> Record {
    let ends = Time::from_millis(NOW).plus(3_600);
    let killed = (0..killed).map(|number| (session_id(number), ends));
    Record {
        scopes: Scopes::default(),
        apps,
        embed: Some(Embed {
            allowed_origins: vec!["https://portal.example".to_owned()],
            session_minutes: 60,
            sessions_from: None,
            killed: killed.collect(),
            ..Embed::default()
        }),
        ..pat(&[])
    }
}

fn session_id(number: u8) -> Id {
    Id::generate(&Hint::of(WORKSPACE, UID), NOW, [number; 16])
}

/// A request by a program with a token, with the headers that Cloudflare adds.
pub fn program(path: &str, secret: &str) -> String {
    format!(
        "GET\nhttps://gate.example{path}\naccept-encoding:gzip, br\n\
         authorization:Bearer {secret}\n{EDGE}"
    )
}

/// A request by the page in the place of an app, with its session's cookie.
pub fn visitor(app: &str, secret: &str) -> String {
    let place = Place::of(WORKSPACE, UID, app, "");
    let (host, cookie, session) = (place.as_str(), place.cookie(), sealed(app, secret));
    format!(
        "GET\nhttps://{host}.{EMBED_HOST}/api/v1/jobs/?page=1\n\
         accept-encoding:gzip, deflate, br, zstd\n\
         cookie:{cookie}={session}; theme=dark\n{EDGE}\n\
         referer:https://{host}.{EMBED_HOST}/\n\
         sec-fetch-dest:empty\nsec-fetch-mode:cors\nsec-fetch-site:same-origin"
    )
}

/// What matters of the headers that Cloudflare adds to each request.
const EDGE: &str = "cf-connecting-ip:192.0.2.1\nx-forwarded-proto:\nx-real-ip:";

/// The value of a session's cookie.
pub fn sealed(app: &str, secret: &str) -> String {
    let session = Session {
        id: session_id(u8::MAX),
        workspace: WORKSPACE.to_owned(),
        uid: UID.to_owned(),
        app: app.to_owned(),
        place: Place::of(WORKSPACE, UID, app, ""),
        digest: Digest::of(secret),
        issued: Time::from_millis(NOW),
        expires: Time::from_millis(NOW).plus(3_600),
    };
    session.seal(&session_keys()).unwrap()
}

/// The keys that sessions are signed with.
pub fn session_keys() -> SessionKeys {
    SessionKeys::parse(SESSION_KEYS).unwrap()
}
