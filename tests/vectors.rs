//! The vectors of tests/vectors on the core itself, natively: what the npm package must do in every
//! runtime, byte for byte, and the Worker too.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod shell;

use gatepass::answer::Answer;
use gatepass::challenge::Challenge;
use gatepass::confine::Confinement;
use gatepass::digest::Digest;
use gatepass::scope::Scope;
use gatepass::session::{Session, SessionKeys};
use gatepass::token::Token;
use serde_json::{Value, json};
use shell::lines::{self, Forwarded, Lines};
use shell::package::{Decided, Package, pack};
use shell::vectors::{self, Fields, GIVEN, text};
use std::collections::BTreeMap;

/// Each vector of a list; the names of those that fail are told together.
fn each(list: &Value, check: impl Fn(&Value) -> Result<(), String>) {
    let list = list.as_array().unwrap();
    assert!(!list.is_empty());
    let failed: Vec<_> = list
        .iter()
        .filter_map(|vector| {
            let wrong = check(vector).err()?;
            Some(format!("{}\n{wrong}", text(vector, "name")))
        })
        .collect();
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n\n"));
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, wanted: T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("found  {found:?}\nwanted {wanted:?}"))
}

#[test]
fn tokens() {
    each(&vectors::read("tokens"), |vector| {
        let found = Token::parse(text(vector, "text")).map(|token| {
            json!({
                "kind": token.kind().name(),
                "start": token.start(),
                "hint": token.hint().as_str(),
            })
        });
        same(&found.unwrap_or_default(), &vector["token"])
    });
}

#[test]
fn digests() {
    each(&vectors::read("digests"), |vector| {
        let token = Token::parse(text(vector, "text"));
        let found = token.map(|token| Value::from(Digest::of(token.secret()).to_hex()));
        same(&found.unwrap_or_default(), &vector["digest"])
    });
}

#[test]
fn challenges() {
    each(&vectors::read("challenges"), |vector| {
        let scope = text(vector, "scope");
        let known = scope
            .split_whitespace()
            .all(|scope| Scope::parse(scope).is_some());
        if !known {
            return same(text(&vector["refused"], "field"), "scope");
        }
        let challenge = match text(vector, "error") {
            "" => Challenge::Missing,
            "invalid_request" => Challenge::InvalidRequest,
            "invalid_token" => Challenge::InvalidToken,
            _ => Challenge::InsufficientScope(scope),
        };
        same(&*challenge.bearer(), text(vector, "header"))
    });
}

/// A vector's keys; none where they are no keys.
fn keys(file: &Value, vector: &Value) -> Option<SessionKeys> {
    let keys = vector.get("keys").unwrap_or(&file["keys"]);
    SessionKeys::parse(keys.as_str().unwrap())
}

fn opened(sealed: &str, keys: &SessionKeys) -> Value {
    let session = Session::open(sealed, keys).map(|session| session.to_json());
    session.map_or(Value::Null, |json| serde_json::from_str(&json).unwrap())
}

#[test]
fn sessions() {
    let file = vectors::read("sessions");
    each(&file["sealed"], |vector| {
        let keys = keys(&file, vector).unwrap();
        let session = Session::from_json(&vector["session"].to_string()).unwrap();
        same(session.seal(&keys).unwrap().as_str(), text(vector, "text"))?;
        same(&opened(text(vector, "text"), &keys), &vector["session"])
    });
    each(&file["opened"], |vector| {
        let keys = keys(&file, vector).unwrap();
        same(&opened(text(vector, "text"), &keys), &vector["session"])
    });
    each(&file["refused"], |vector| {
        let field = match (
            keys(&file, vector),
            Session::from_json(&vector["session"].to_string()),
        ) {
            (None, _) => "keys".to_owned(),
            (_, Err(problem)) => problem.field.as_deref().unwrap().to_owned(),
            (Some(keys), Ok(session)) => {
                assert_eq!(session.seal(&keys), None);
                "session".to_owned()
            }
        };
        same(&*field, text(&vector["refused"], "field"))
    });
}

/// Runs the vectors of a file for a gate.
fn gates(file: &str) {
    let file = vectors::read(file);
    each(&file["vectors"], |vector| decide(&file, vector));
}

fn decide(file: &Value, vector: &Value) -> Result<(), String> {
    let options = vectors::options(file, vector);
    let now = vector.get("now").unwrap_or(&GIVEN["now"]).as_u64().unwrap();
    let mut package = Package::new(&options, vectors::store(vector), now);
    let request = &vector["request"];
    let method = request["method"].as_str().unwrap_or("GET");
    let mut headers = vectors::fields(&vectors::usual_headers(request));
    headers.extend(vectors::fields(&request["headers"]));
    let address = text(request, "address");
    let packed = pack(method, text(request, "url"), &headers, address);
    let expect = &vector["expect"];
    match (package.check(&packed), expect.get("allowed").is_some()) {
        (Decided::Allow(told), true) => {
            let Lines::Allow(forwarded) = lines::read(&told) else {
                panic!("no allowance: {told}");
            };
            let url = text(expect, "url");
            let url = if url.is_empty() {
                text(request, "url")
            } else {
                url
            };
            same(forwarded.url.as_str(), url)?;
            let seen = seen_by_app(headers, &forwarded, address);
            same(by_name(seen), by_name(vectors::seen(expect, request)))?;
            same(forwarded.private, !expect["allowed"].is_null())?;
            if let Some(answer) = vector.get("answer") {
                guard(&forwarded, answer)?;
            }
        }
        (Decided::Answer(answer), false) => refused(&answer, expect, method, &options)?,
        (Decided::Asset(path), false) => {
            same(["www", path].concat().as_str(), text(expect, "file"))?;
        }
        (Decided::Allow(told), false) => return Err(format!("allowed: {told}")),
        (Decided::Answer(answer), true) => return Err(format!("refused: {}", answer.body)),
        (Decided::Asset(path), true) => return Err(format!("a file: {path}")),
    }
    if let Some(reads) = vector["reads"].as_array() {
        let mut reads: Vec<_> = reads.iter().map(|key| key.as_str().unwrap()).collect();
        reads.sort_unstable();
        package.reads.sort_unstable();
        same(package.reads.join(" "), reads.join(" "))?;
    }
    for (key, value) in vector["after"].as_object().into_iter().flatten() {
        let held: Value = serde_json::from_str(&package.store[key]).unwrap();
        same(held, serde_json::from_str(value.as_str().unwrap()).unwrap())?;
    }
    Ok(())
}

/// The request's headers as the package shows them to the app.
fn seen_by_app(headers: Fields, forwarded: &Forwarded, address: &str) -> Fields {
    let forged = |name: &str, value: &str| name == "cf-connecting-ip" && value != address;
    let kept = headers
        .into_iter()
        .filter(|(name, value)| !forwarded.remove.contains(name) && !forged(name, value));
    let mut seen: BTreeMap<_, _> = kept.collect();
    seen.extend(forwarded.set.iter().cloned());
    seen.into_iter().collect()
}

/// Fields by their names; what stands more than once is one list, as `Headers` has it, except
/// for cookies.
fn by_name(fields: Fields) -> BTreeMap<String, String> {
    let mut all = BTreeMap::<String, String>::new();
    for (name, value) in fields {
        let list = all.entry(name.clone()).or_default();
        let sign = match (&**list, &*name) {
            ("", _) => "",
            (_, "set-cookie") => "\n",
            _ => ", ",
        };
        list.push_str(sign);
        list.push_str(&value);
    }
    all
}

fn refused(answer: &Answer, expect: &Value, method: &str, options: &str) -> Result<(), String> {
    let (status, wanted, body) = vectors::answered(expect, method);
    let sent = if method == "HEAD" { "" } else { &answer.body };
    same((u64::from(answer.status), sent), (status, &*body))?;
    let told = |(name, _): &&(&str, _)| !name.starts_with('@');
    let mut found: Fields = answer
        .headers
        .iter()
        .filter(told)
        .map(|(name, value)| ((*name).to_owned(), value.to_string()))
        .collect();
    // A new session's cookie is opened, and told as the vector tells it.
    let session = wanted.iter().find_map(|(name, value)| {
        let session = serde_json::from_str::<Value>(value).ok()?["session"].clone();
        (name == "set-cookie" && session.is_object()).then_some(session)
    });
    if let Some(session) = session {
        let (_, cookie) = found
            .iter_mut()
            .find(|(name, _)| name == "set-cookie")
            .unwrap();
        opens(cookie, &session, options)?;
        *cookie = json!({ "session": session }).to_string();
    }
    same(by_name(found), by_name(wanted))
}

/// Whether a cookie holds the session that a vector tells of.
fn opens(cookie: &str, wanted: &Value, options: &str) -> Result<(), String> {
    let options: Value = serde_json::from_str(options).unwrap();
    let keys = SessionKeys::parse(text(&options, "SESSION_KEYS")).unwrap();
    let place = text(wanted, "place");
    let rest = cookie.strip_prefix(&format!("__Host-gp-{place}=")).unwrap();
    let (sealed, attributes) = rest.split_once("; ").unwrap();
    let session = opened(sealed, &keys);
    let lasts = wanted["lasts"].as_u64().unwrap();
    let issued = GIVEN["now"].as_u64().unwrap() / 1000;
    let usual = text(&GIVEN["session"], "attributes");
    same(attributes, &usual.replace("{lasts}", &lasts.to_string()))?;
    let id = text(&session, "id");
    same(&id[..15], text(&GIVEN["session"], "id"))?;
    let token = text(&GIVEN["tokens"][text(wanted, "of")], "token");
    let (user, workspace) = (&GIVEN["ada"]["user"], &GIVEN["ada"]["workspace"]);
    let whole = json!({
        "id": id, "workspace": workspace, "user": user, "app": wanted["app"], "place": place,
        "digest": Digest::of(token).to_hex(), "issued": issued, "expires": issued + lasts,
    });
    same(session, whole)
}

/// What the core says of the app's answer. The rules for caches and for other origins stand in
/// src/shell/guarded.js, which the package's own tests run.
fn guard(forwarded: &Forwarded, answer: &Value) -> Result<(), String> {
    let pairs = |list: &Value| -> Fields {
        let pairs = list.as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
    };
    let (given, left) = (pairs(&answer["headers"]), pairs(&answer["left"]));
    let named = |name: &str| left.iter().find(|(header, _)| header == name);
    let hidden = named("referrer-policy").is_some_and(|(_, value)| value == "no-referrer");
    same(forwarded.hide_referrer, hidden)?;
    let Some(place) = &forwarded.place else {
        let readable = named("access-control-allow-origin");
        return same(
            forwarded.cors.as_str(),
            readable.map_or("", |(_, value)| value),
        );
    };
    let borrowed: Vec<_> = given.iter().map(|(a, b)| (&**a, &**b)).collect();
    let changes = Confinement::parse(place).unwrap().confine(&borrowed);
    let kept = given
        .iter()
        .filter(|(name, _)| !changes.remove.contains(name))
        .cloned();
    let appended = changes.append.into_iter();
    let appended = appended.map(|(name, value)| (name.to_owned(), value));
    let private = ("cache-control".to_owned(), "private".to_owned());
    let found = kept.chain(appended).chain([private]).collect();
    same(by_name(found), by_name(left.clone()))
}

macro_rules! gate_files {
    ($($name:ident = $file:literal,)*) => {
        $(#[test]
        fn $name() {
            gates($file);
        })*
    };
}

gate_files! {
    credentials = "credentials",
    records = "records",
    routes = "routes",
    forwarding = "forwarding",
    entries = "entries",
    entry_refusals = "entry-refusals",
    places = "places",
    place_refusals = "place-refusals",
    answers = "answers",
}
