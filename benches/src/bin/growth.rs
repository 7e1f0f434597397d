//! How a check's cost grows with what there is, in nanoseconds, as JSON: a list of
//! `{"name", "unit", "points": [{"n", "value"}], "note"}`.
//!
//! Where the token API bounds a list, the check is measured up to the bound, and
//! what it looks things up in alone with larger ones.

use gatepass::gate::Gate;
use gatepass::record::Record;
use gatepass::token::Kind;
use gatepass::verdict::Verdict;
use gatepass_benches::timing::nanoseconds;
use gatepass_benches::{
    APP, check, embed, gate, pat, program, scopes_of, secret, teach, verdict, visitor,
};
use serde_json::{Value, json};
use std::hint::black_box;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let sizes: &[u32] = if quick {
        &[10, 1_000]
    } else {
        &[10, 1_000, 100_000]
    };
    let series = [
        routes(sizes),
        tokens(sizes),
        scopes(&[1, 10, 50]),
        scope_look_up(sizes),
        apps(sizes),
        apps_of_token(&[1, 10, 100]),
        app_look_up(sizes),
        killed(&[0, 8, 64]),
    ];
    println!("{}", Value::from(series.to_vec()));
}

/// The rules in `ROUTES`; the request falls under another one each time.
fn routes(sizes: &[u32]) -> Value {
    series("warm PAT check by routes", "", sizes, |size| {
        let rule = |at| json!({ "path": format!("{}/*", folder(at)), "scopes": ["jobs:read"] });
        let rules: Vec<_> = (0..size).map(rule).collect();
        let mut gate = gate(json!({ "ROUTES": rules }));
        let secret = secret(Kind::Pat, 0);
        teach(&mut gate, &secret, &pat(&["jobs:read"]));
        let request = |at| program(&format!("{}/items/7", folder(at)), &secret);
        checks(gate, spread(size).map(request).collect())
    })
}

fn folder(at: u32) -> String {
    format!("/team-{}/app-{}", at / 100, at % 100)
}

/// The tokens that an isolate has seen; of those that it still knows another one
/// each time.
fn tokens(sizes: &[u32]) -> Value {
    let note = "an isolate remembers the last 4,096 tokens at least, and 8,192 at most";
    series("warm PAT check by tokens seen", note, sizes, |size| {
        let mut gate = gate(json!({}));
        for at in 0..size {
            teach(&mut gate, &secret(Kind::Pat, at), &pat(&["jobs:read"]));
        }
        let known = size.min(4_096);
        let request = |at| program("/api/v1/jobs/", &secret(Kind::Pat, size - 1 - at));
        checks(gate, spread(known).map(request).collect())
    })
}

/// The scopes that the token holds and the rule asks for.
fn scopes(sizes: &[u32]) -> Value {
    let note = "a token has at most 50 scopes, and the upstream is told all of them";
    series(
        "warm PAT check by scopes of the token",
        note,
        sizes,
        |size| {
            let names: Vec<_> = (0..size).map(|at| format!("scope:{at:05}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let rule = json!({ "path": "/*", "scopes": [names[names.len() / 2]] });
            let mut gate = gate(json!({ "ROUTES": [rule] }));
            let secret = secret(Kind::Pat, 0);
            teach(&mut gate, &secret, &pat(&names));
            checks(gate, spread(1).map(|_| program("/", &secret)).collect())
        },
    )
}

/// Whether a set of scopes covers one of them.
fn scope_look_up(sizes: &[u32]) -> Value {
    series("scope look-up by scopes", "", sizes, |size| {
        let names: Vec<_> = (0..size).map(|at| format!("scope:{at:05}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let held = scopes_of(&names);
        let needed = spread(size).map(|at| scopes_of(&[names[at as usize]]));
        each(needed.collect(), move |needed| held.cover(needed))
    })
}

/// The apps in `APPS`; the visitor is in another one each time.
fn apps(sizes: &[u32]) -> Value {
    series(
        "embed session check by configured apps",
        "",
        sizes,
        |size| {
            let app = |at: u32| json!({ "id": format!("app-{at}"), "name": "App" });
            let apps: Vec<_> = (0..size).map(app).collect();
            let mut gate = gate(json!({ "APPS": apps }));
            let secret = secret(Kind::Embed, 0);
            teach(&mut gate, &secret, &embed(vec!["*".to_owned()], 0));
            let request = |at| visitor(&format!("app-{at}"), &secret);
            checks(gate, spread(size).map(request).collect())
        },
    )
}

/// The apps that the token is for; the visitor is in another one each time.
fn apps_of_token(sizes: &[u32]) -> Value {
    let note = "a token is for at most 100 apps, or for all";
    series(
        "embed session check by apps of the token",
        note,
        sizes,
        |size| {
            let names: Vec<_> = (0..size).map(|at| format!("app-{at:05}")).collect();
            let app = |name| json!({ "id": name, "name": "App" });
            let mut gate = gate(json!({ "APPS": names.iter().map(app).collect::<Vec<_>>() }));
            let secret = secret(Kind::Embed, 0);
            teach(&mut gate, &secret, &embed(names.clone(), 0));
            let request = |at| visitor(&names[at as usize], &secret);
            checks(gate, spread(size).map(request).collect())
        },
    )
}

/// Whether a token is for an app.
fn app_look_up(sizes: &[u32]) -> Value {
    series("app look-up by apps of the token", "", sizes, |size| {
        let names: Vec<_> = (0..size).map(|at| format!("app-{at:05}")).collect();
        let wanted = spread(size).map(|at| names[at as usize].clone()).collect();
        let record = Record::parse(&embed(names, 0).to_json()).unwrap();
        each(wanted, move |name| record.covers_app(name))
    })
}

/// The killed sessions that a record in KV lists.
fn killed(sizes: &[u32]) -> Value {
    let note = "a record lists at most 64 of them; with more, its ledger is asked";
    series(
        "embed session check by killed sessions",
        note,
        sizes,
        |size| {
            let mut gate = gate(json!({}));
            let secret = secret(Kind::Embed, 0);
            let killed = u8::try_from(size).unwrap();
            teach(&mut gate, &secret, &embed(vec![APP.to_owned()], killed));
            checks(gate, spread(1).map(|_| visitor(APP, &secret)).collect())
        },
    )
}

/// A line of the chart: what it takes at each size.
fn series(name: &str, note: &str, sizes: &[u32], at: impl Fn(u32) -> Run) -> Value {
    let mut runs: Vec<_> = sizes.iter().map(|size| at(*size)).collect();
    let points: Vec<_> = sizes
        .iter()
        .zip(nanoseconds(&mut runs))
        .map(|(size, value)| json!({ "n": size, "value": value.round() }))
        .collect();
    let mut line = json!({ "name": name, "unit": "ns", "points": points });
    if !note.is_empty() {
        line["note"] = note.into();
    }
    line
}

/// A thousand out of so many things, evenly spread: as many whatever the size, and
/// enough that a processor's caches do not hold all that belongs to them.
fn spread(size: u32) -> impl Iterator<Item = u32> {
    let at = move |sample| u64::from(size) * sample / SAMPLES;
    (0..SAMPLES).map(move |sample| u32::try_from(at(sample)).unwrap())
}

/// Something to be timed.
type Run = Box<dyn FnMut()>;

/// A check of one request after the other.
fn checks(mut gate: Gate, requests: Vec<String>) -> Run {
    for request in &requests {
        let decided = verdict(&mut gate, request);
        assert!(matches!(decided, Verdict::Allow(_)), "{decided:?}");
    }
    each(requests, move |request| check(&mut gate, request))
}

/// The same for one value after the other.
fn each<V: 'static, T>(values: Vec<V>, mut run: impl FnMut(&V) -> T + 'static) -> Run {
    let mut at = 0;
    Box::new(move || {
        at = (at + 1) % values.len();
        black_box(run(black_box(&values[at])));
    })
}

const SAMPLES: u64 = 1_000;
