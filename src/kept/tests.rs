//! A gate over a plain store, as the package's shell drives it.

use super::*;
use crate::config::Config;
use crate::facts::Facts;
use crate::gate::Gate;
use crate::management::Ticket;
use crate::token::Token;
use crate::verdict::Verdict;
use serde_json::Value;
use std::collections::HashMap;

const NOW: u64 = 1_700_000_000_000;

/// A gate, and what its store holds.
struct Kept {
    gate: Gate,
    store: HashMap<String, String>,
    now_ms: u64,
}

impl Kept {
    fn new() -> Self {
        let key = "k1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        let options = format!(
            "{{\"SESSION_KEYS\":\"{key}\",\"EMBED_HOST\":\"*.embed.example.net\",\
             \"APPS\":[{{\"id\":\"jobs\",\"allowedOrigins\":[\"https://portal.example\"]}}],\
             \"ROUTES\":[{{\"path\":\"/api/*\",\"scopes\":[\"jobs:read\"]}},\
             {{\"path\":\"/open\",\"public\":true}}]}}"
        );
        Self {
            gate: Gate::new(Config::of_package(&options).unwrap().into()),
            store: HashMap::new(),
            now_ms: NOW,
        }
    }

    fn now(&self) -> Time {
        Time::from_millis(self.now_ms)
    }

    fn make(&self, options: &str, entropy: u8) -> Result<Created, Problem> {
        let config = self.gate.config();
        let maker = Maker {
            asked: Asked {
                config: &config,
                origin: "https://app.example",
            },
            workspace: "default",
            settings: self.store.get("w/default").map(String::as_str),
            now_ms: self.now_ms,
        };
        maker.create(options, &Entropy([entropy; 64], [entropy; 16]))
    }

    /// Makes a token, and answers it as it is shown.
    fn create(&mut self, options: &str, entropy: u8) -> Value {
        let created = self.make(options, entropy).unwrap();
        for put in created.puts {
            self.store.insert(put.key, put.value);
        }
        serde_json::from_str(&created.view).unwrap()
    }

    /// The verdict on a request, with all that the store answers.
    fn verdict(&mut self, request: &str) -> Verdict {
        let facts = Facts::parse(request).unwrap();
        let mut reply = None;
        for _ in 0..8 {
            match self.gate.admit(&facts, reply.as_ref(), self.now_ms) {
                Verdict::Read { keys } => {
                    for key in keys {
                        let value = self.store.get(&key).map(String::as_str);
                        self.gate.learn(&key, value, self.now_ms);
                    }
                    reply = None;
                }
                Verdict::Ask(question) => {
                    let key = asked(&question.name, &question.command);
                    let value = self.store.get(&key).cloned();
                    reply = super::reply(&question.name, &question.command, value);
                }
                verdict => return verdict,
            }
        }
        panic!("no verdict on {request}");
    }

    /// The status and the code of a refusal; 200 for what may pass.
    fn outcome(&mut self, request: &str) -> (u16, String) {
        match self.verdict(request) {
            Verdict::Allow(_) => (200, String::new()),
            Verdict::Answer(answer) => {
                let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                let code = body["code"].as_str().unwrap_or_default();
                (answer.status, code.to_owned())
            }
            verdict => panic!("{verdict:?}"),
        }
    }

    /// Opens a session by an embed URL.
    fn enter(&mut self, url: &str) -> Option<Opened> {
        let request = format!("GET\n{url}\n{FRAMED}");
        let Verdict::Manage { ticket } = self.verdict(&request) else {
            return None;
        };
        let Ticket::Enter(entrance) = *ticket else {
            panic!("no entrance");
        };
        let config = self.gate.config();
        let keys = config.session_keys.as_ref().unwrap();
        open(&entrance, keys, &Entropy([1; 64], [1; 16]), self.now_ms)
    }
}

const FRAMED: &str =
    "sec-fetch-dest:iframe\nsec-fetch-mode:navigate\nsec-fetch-site:cross-site\ncf-connecting-ip:";

fn text<'a>(token: &'a Value, name: &str) -> &'a str {
    token[name].as_str().unwrap()
}

#[test]
fn a_token_that_was_made_opens_what_its_scopes_say() {
    let mut kept = Kept::new();
    let made = kept.create(
        r#"{"name":"BI","user":{"email":"Ada@example.com"},"scopes":["jobs:read"]}"#,
        7,
    );
    assert_eq!(made["user"]["id"], "ada@example.com");
    let bearer = format!("authorization:Bearer {}", text(&made, "token"));
    for (path, sent, status, code) in [
        ("/api/jobs", bearer.as_str(), 200, ""),
        ("/other", &bearer, 200, ""),
        ("/open", "", 200, ""),
        ("/api/jobs", "", 401, "token_missing"),
        (
            "/api/jobs",
            "authorization:Bearer x",
            401,
            "token_malformed",
        ),
        ("/gatepass/api/tokens", "", 401, "token_missing"),
    ] {
        let request = format!("GET\nhttps://app.example{path}\n{sent}");
        assert_eq!(
            kept.outcome(&request),
            (status, code.to_owned()),
            "{request}"
        );
    }
    let other = kept.create(r#"{"name":"other","user":{"id":"ada"}}"#, 8);
    let request = format!(
        "GET\nhttps://app.example/api/jobs\nx-api-key:{}",
        text(&other, "token")
    );
    assert_eq!(
        kept.outcome(&request),
        (403, "scope_insufficient".to_owned())
    );
}

#[test]
fn the_store_holds_no_secret() {
    let mut kept = Kept::new();
    let made = kept.create(r#"{"name":"BI","user":{"id":"ada"}}"#, 7);
    let secret = text(&made, "token");
    let tail = &secret["pat_".len() + Hint::LENGTH + 4..];
    for (key, value) in &kept.store {
        assert!(!key.contains(tail) && !value.contains(tail), "{key}");
    }
}

#[test]
fn the_record_is_put_last() {
    let kept = Kept::new();
    let options = r#"{"name":"e","kind":"embed","app":"jobs","user":{"id":"ada"}}"#;
    let created = kept.make(options, 7).unwrap();
    let kinds: String = created
        .puts
        .iter()
        .map(|put| put.key.chars().next().unwrap())
        .collect();
    assert_eq!(kinds, "pit");
    assert!(created.puts.iter().all(|put| put.expires.is_some()));
}

#[test]
fn a_row_shows_its_token_and_nobody_elses() {
    let mut kept = Kept::new();
    let options = r#"{"name":"BI","description":"reports","user":{"id":"ada"},"never":true}"#;
    let made = kept.create(options, 7);
    let id = Id::parse(text(&made, "id")).unwrap();
    assert!(Row::key(&id).starts_with(&Row::keys_of("default", "ada")));
    assert!(!Row::key(&id).starts_with(&Row::keys_of("default", "bob")));
    let row = Row::parse(&kept.store[&Row::key(&id)]).unwrap();
    let record = &kept.store[&key(&row.digest)];
    let mut shown: Value = serde_json::from_str(&row.view(record, kept.now()).unwrap()).unwrap();
    assert_eq!(shown["description"], "reports");
    shown["token"] = made["token"].clone();
    assert_eq!(shown, made);
    assert_eq!(Row::parse("{\"v\":2,\"d\":\"\",\"s\":\"\"}"), None);
}

#[test]
fn a_revoked_token_is_refused_and_stays_so() {
    let mut kept = Kept::new();
    let made = kept.create(r#"{"name":"BI","user":{"id":"ada"}}"#, 7);
    let digest = Digest::of(text(&made, "token"));
    let row = || Row {
        digest,
        start: String::new(),
        description: String::new(),
    };
    let put = revoke(row(), &kept.store[&key(&digest)], kept.now()).unwrap();
    kept.store.insert(put.key, put.value.clone());
    let request = format!(
        "GET\nhttps://app.example/\nauthorization:Bearer {}",
        text(&made, "token")
    );
    assert_eq!(kept.outcome(&request), (401, "token_revoked".to_owned()));
    assert_eq!(revoke(row(), &put.value, kept.now()), None);
    assert_eq!(revoke(row(), "junk", kept.now()), None);
}

#[test]
fn an_embed_url_opens_its_place_and_a_single_use_is_used_up() {
    let mut kept = Kept::new();
    for (single, entropy) in [(false, 7), (true, 9)] {
        let options = format!(
            "{{\"name\":\"e\",\"kind\":\"embed\",\"app\":\"jobs\",\"user\":{{\"id\":\"ada\"}},\
             \"singleUse\":{single}}}"
        );
        let made = kept.create(&options, entropy);
        let url = text(&made, "embedUrl").to_owned();
        let opened = kept.enter(&url).unwrap();
        assert_eq!(opened.answer.status, 303);
        assert_eq!(opened.used_up.is_some(), single);
        let cookie = opened
            .answer
            .headers
            .iter()
            .find(|(name, _)| *name == "set-cookie");
        let (cookie, _) = cookie.unwrap().1.split_once(';').unwrap();
        let host = url.split("/embed-apps").next().unwrap();
        let inside = format!("GET\n{host}/?gp-opened=1\n{FRAMED}\ncookie:{cookie}");
        assert_eq!(kept.outcome(&inside), (200, String::new()));
        if let Some(put) = opened.used_up {
            kept.gate.learn(&put.key, Some(&put.value), kept.now_ms);
            kept.store.insert(put.key, put.value);
            assert_eq!(kept.outcome(&inside), (200, String::new()));
            assert!(kept.enter(&url).is_none());
        }
    }
}

#[test]
fn a_place_serves_what_its_pages_load_and_the_app_nothing_of_gatepass() {
    let mut kept = Kept::new();
    let place = "aaaaaaaaaaaaaaaa";
    for (url, served) in [
        (
            format!("https://{place}.embed.example.net/gatepass/embed/page.css"),
            true,
        ),
        (
            format!("https://{place}.embed.example.net/gatepass/embed.js"),
            false,
        ),
        (
            "https://app.example/gatepass/embed/page.css".to_owned(),
            false,
        ),
        (
            "https://other.embed.example.net/gatepass/embed/page.css".to_owned(),
            false,
        ),
    ] {
        let verdict = kept.verdict(&format!("GET\n{url}\n"));
        assert_eq!(matches!(verdict, Verdict::Asset { .. }), served, "{url}");
    }
    let entry = "GET\nhttps://app.example/embed-apps/jobs?personal-access-token=x\n";
    assert_eq!(kept.outcome(entry), (421, String::new()));
}

#[test]
fn creation_may_be_switched_off_and_malformed_settings_shut() {
    let mut kept = Kept::new();
    let off = Settings {
        creation: false,
        ..Settings::default()
    };
    for (settings, code) in [
        (off.to_json(), "creation_disabled"),
        ("junk".to_owned(), "store_unavailable"),
    ] {
        kept.store.insert("w/default".to_owned(), settings);
        let problem = kept
            .make(r#"{"name":"a","user":{"id":"ada"}}"#, 7)
            .unwrap_err();
        assert_eq!(problem.code.name(), code);
    }
}

#[test]
fn whose_token_it_shall_be_must_be_said() {
    let kept = Kept::new();
    for options in [r#"{"name":"a"}"#, r#"{"name":"a","user":{}}"#] {
        let problem = kept.make(options, 7).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("user"));
    }
}

#[test]
fn what_is_made_parses_as_its_kind() {
    let mut kept = Kept::new();
    for (kind, options) in [
        (Kind::Pat, r#"{"name":"a","user":{"id":"ada"}}"#),
        (
            Kind::Embed,
            r#"{"name":"a","kind":"embed","apps":["*"],"user":{"id":"ada"}}"#,
        ),
    ] {
        let made = kept.create(options, 7);
        assert_eq!(Token::parse(text(&made, "token")).unwrap().kind(), kind);
    }
}
