//! What crosses to the shell is read there as it was meant: no part of a verdict's
//! lines holds a line feed, whatever a request or a record does.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod shell;

use gatepass::confine::Confinement;
use gatepass::digest::Digest;
use gatepass::facts::Facts;
use gatepass::hint::Hint;
use gatepass::id::Id;
use gatepass::place::Place;
use gatepass::record::{Embed, Record, State};
use gatepass::scope::Scope;
use gatepass::session::{Session, SessionKeys};
use gatepass::time::Time;
use gatepass::token::{self, Kind};
use gatepass::verdict::Verdict;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use shell::lines::{self, Forwarded, Lines};
use shell::{NOW, Shell};

const KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const EMBEDS: &str = r#""SESSION_KEYS":"k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "EMBED_HOST":"*.embed.example","UPSTREAM_AUTHORIZATION":"Basic x",
    "APPS":[{"id":"jobs","name":"Jobs","permissionsPolicy":"camera=()"}]"#;

/// What a request may hold: of it, only the credential and the host are given.
#[derive(Clone, Debug)]
struct Sent {
    method: String,
    path: String,
    headers: Vec<(&'static str, String)>,
}

impl Sent {
    fn packed(&self, origin: &str, credential: &str) -> String {
        let Self { method, path, .. } = self;
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| format!("\n{name}:{value}"));
        format!(
            "{method}\n{origin}{path}\n{credential}{}",
            headers.collect::<String>()
        )
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let names = [
        "accept-encoding",
        "access-control-request-method",
        "cf-connecting-ip",
        "cookie",
        "origin",
        "private-token",
        "referer",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "upgrade",
        "x-forwarded-for",
        "Gatepass_User",
        "x-api-key",
    ];
    let value = prop_oneof![
        "[^\n]{0,12}",
        "(a=1|gp-abcdefghij234567-a=1|__Host-gp-x=y|[;, ]){0,6}",
        "(192\\.0\\.2\\.[0-9]{1,3}|2001:DB8::0:1)",
        "(https://page\\.example|null|navigate|iframe|same-origin|gzip|br|, )",
    ];
    let header = (proptest::sample::select(names.to_vec()), value);
    let path = prop_oneof![
        "/(public|api/v1|page|feed|x)/[^\n #]{0,12}",
        "/(api/v1|page)/[a-z]{1,3}/?(\\?(key=[a-z%+&]{0,4}|[^\n#]{0,8}))?",
        "/[^\n#]{0,12}",
    ];
    let headers = proptest::collection::vec(header, 0..5);
    ("(GET|POST|OPTIONS|HEAD|[!-~]{1,6})", path, headers).prop_map(|(method, path, headers)| Sent {
        method,
        path,
        headers,
    })
}

fn record(kind: Kind, uid: &str, email: &str, scopes: &[String]) -> Record {
    let scopes = scopes.iter().map(|scope| Scope::parse(scope).unwrap());
    Record {
        rev: 1,
        id: Id::generate(&Hint::of("default", uid), NOW, [1; 16]),
        workspace: "default".to_owned(),
        uid: uid.to_owned(),
        email: email.to_owned(),
        name: "test".to_owned(),
        scopes: scopes.collect::<Vec<_>>().into(),
        apps: vec!["jobs".to_owned()],
        allowed_ips: [].into_iter().collect(),
        strict: false,
        state: State::Active,
        created: Time::from_millis(NOW),
        expires: None,
        embed: (kind == Kind::Embed).then(|| Embed {
            allowed_origins: vec!["https://portal.example".to_owned()],
            session_minutes: 60,
            idle_minutes: Some(1),
            ..Embed::default()
        }),
    }
}

fn secret(kind: Kind) -> String {
    token::generate(kind, &Hint::of("default", "ada"), &[4; 64]).unwrap()
}

/// Reads what was written and holds it against what was meant.
fn crossed(verdict: Verdict) -> Lines {
    let meant = match &verdict {
        Verdict::Allow(_) => None,
        Verdict::Answer(answer) => {
            let headers = answer.headers.iter();
            let headers = headers.map(|(name, value)| ((*name).to_owned(), value.to_string()));
            Some(Lines::Answer {
                status: answer.status,
                headers: headers.collect(),
                body: answer.body.clone(),
            })
        }
        Verdict::Read { keys } => Some(Lines::Read(keys.clone())),
        Verdict::Ask(question) => {
            let budgets = question.budgets.iter();
            let budgets = budgets.map(|(binding, key)| ((*binding).to_owned(), key.clone()));
            Some(Lines::Ask {
                class: question.class.to_owned(),
                name: question.name.clone(),
                command: question.command.clone(),
                budgets: budgets.collect(),
            })
        }
        Verdict::Identify { jwt } => Some(Lines::Identify(jwt.clone())),
        Verdict::Report => Some(Lines::Report),
        Verdict::Asset { path } => Some(Lines::Asset((*path).to_owned())),
        Verdict::Manage { .. } => Some(Lines::Manage),
    };
    let lines = lines::read(&verdict.into_text());
    if let Some(meant) = meant {
        assert_eq!(lines, meant);
    }
    lines
}

/// Holds what is forwarded against what was sent.
fn assert_forwarded(forwarded: &Forwarded, request: &str, record: Option<&Record>) {
    let facts = Facts::parse(request).unwrap();
    let target = forwarded.url.strip_prefix("https://app.example/base");
    let (path, query) = match target.unwrap().split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target.unwrap(), None),
    };
    assert_eq!(path, facts.path);
    let mut pairs = facts.query.unwrap_or_default().split('&');
    assert!(query.is_none_or(|query| query.split('&').all(|kept| pairs.any(|pair| pair == kept))));
    assert_eq!(forwarded.service, "");
    let page = facts.header("origin").unwrap_or_default();
    assert!(forwarded.cors.is_empty() || forwarded.cors == page);
    for name in &forwarded.remove {
        assert!(facts.header(name).is_some(), "{name:?}");
    }
    for (name, value) in &forwarded.set {
        let known = SET.contains(&name.as_str());
        assert!(known && !value.contains('\n'), "{name:?}: {value:?}");
    }
    assert_eq!(forwarded.header("x-forwarded-host"), Some(facts.host()));
    let decoded = |name| {
        let value = forwarded.header(name)?;
        Some(
            percent_decode_str(value)
                .decode_utf8()
                .unwrap()
                .into_owned(),
        )
    };
    assert_eq!(
        decoded("gatepass-user"),
        record.map(|record| record.uid.clone())
    );
    let email = record.map(|record| record.email.clone());
    assert_eq!(
        decoded("gatepass-email"),
        email.filter(|email| !email.is_empty())
    );
    let scopes = record.map(|record| record.scopes.joined());
    assert_eq!(forwarded.header("gatepass-scopes"), scopes.as_deref());
}

const SET: [&str; 15] = [
    "accept-encoding",
    "authorization",
    "cookie",
    "gatepass-app",
    "gatepass-session-id",
    "gatepass-email",
    "gatepass-scopes",
    "gatepass-token-id",
    "gatepass-user",
    "gatepass-workspace",
    "origin",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-prefix",
    "x-forwarded-proto",
];

proptest! {
    #[test]
    fn a_programs_request(
        sent in sent(),
        credential in prop_oneof!["authorization:Bearer [a-z]{0,6}", Just(String::new())],
        has_token: bool,
        is_known: bool,
        uid in "\\PC{1,6}|[\n\r%a]{1,4}",
        email in "(\\PC|\n){0,6}",
        scopes in proptest::collection::vec("[a-z!~:]{1,4}|jobs:read", 0..3),
    ) {
        let mut shell = Shell::with(EMBEDS);
        let record = record(Kind::Pat, &uid, &email, &scopes);
        if is_known {
            shell.store(&secret(Kind::Pat), &record);
        }
        let token = format!("authorization:Bearer {}", secret(Kind::Pat));
        let request = sent.packed("https://gate.example", if has_token { &token } else { &credential });
        let Some(facts) = Facts::parse(&request) else { return Ok(()) };
        crossed(shell.gate.check(&facts, None, NOW));
        if let Lines::Allow(forwarded) = crossed(shell.ask(&request)) {
            assert_forwarded(&forwarded, &request, forwarded.private.then_some(&record));
            prop_assert_eq!(forwarded.place, None);
        }
        for question in &shell.questions {
            crossed(Verdict::Ask(question.clone()));
        }
    }

    #[test]
    fn a_viewers_request(
        sent in sent(),
        age in 0u64..120,
        uid in "\\PC{1,6}|[\n\r%a]{1,4}",
        email in "(\\PC|\n){0,6}",
    ) {
        let mut shell = Shell::with(EMBEDS);
        let record = record(Kind::Embed, &uid, &email, &[]);
        shell.store(&secret(Kind::Embed), &record);
        let place = Place::of("default", &uid, "jobs", "");
        let issued = Time::from_millis(NOW - age * 1000);
        let session = Session {
            id: Id::generate(&Hint::of("default", &uid), NOW, [2; 16]),
            workspace: "default".to_owned(),
            uid,
            app: "jobs".to_owned(),
            place: place.clone(),
            digest: Digest::of(&secret(Kind::Embed)),
            issued,
            expires: issued.plus(600),
        };
        let session = session.seal(&SessionKeys::parse(KEYS).unwrap()).unwrap();
        let cookie = format!("cookie:{}={session}; a=1\nsec-fetch-site:same-origin", place.cookie());
        let origin = format!("https://{}.embed.example", place.as_str());
        let request = sent.packed(&origin, &cookie);
        if Facts::parse(&request).is_none() {
            return Ok(());
        }
        if let Lines::Allow(forwarded) = crossed(shell.ask(&request)) {
            assert_forwarded(&forwarded, &request, Some(&record));
            let place = forwarded.place.unwrap();
            let confinement = Confinement::parse(&place).unwrap();
            prop_assert_eq!(confinement.origin, origin);
            prop_assert_eq!(confinement.frame_ancestors, "https://portal.example");
            prop_assert_eq!(confinement.session_cookie.is_empty(), age < 15);
        }
    }
}
