//! A small shell around the gate: KV, ledger and directory are maps, and time is
//! a number.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod lines;
pub mod package;
pub mod vectors;

use gatepass::answer::Answer;
use gatepass::config::Config;
use gatepass::digest::Digest;
use gatepass::facts::Facts;
use gatepass::gate::Gate;
use gatepass::lookup::{Found, Reply};
use gatepass::record::Record;
use gatepass::settings::Settings;
use gatepass::verdict::{Question, Verdict};
use lines::{Forwarded, Lines};
use std::collections::HashMap;
use std::rc::Rc;

pub const NOW: u64 = 1_800_000_000_000;
pub const OPERATOR_KEY: &str = "operator-key-operator-key-operator-key";
const ROUTES: &str = r#"[
    {"path":"/public/*","public":true},
    {"path":"/api/v1/*","methods":["GET"],"scopes":["jobs:read"]},
    {"path":"/api/v1/*","scopes":["jobs:write"]},
    {"path":"/feed","queryToken":"key"},
    {"path":"/page/*","cors":["https://page.example"]}]"#;

/// A shell that does what verdicts ask for, and notes it.
pub struct Shell {
    pub gate: Gate,
    pub kv: HashMap<String, String>,
    pub ledger: HashMap<Digest, String>,
    pub settings: String,
    pub now_ms: u64,
    pub reads: Vec<String>,
    pub questions: Vec<Question>,
}

impl Shell {
    pub fn new() -> Self {
        Self::with("")
    }

    pub fn with(more: &str) -> Self {
        let comma = if more.is_empty() { "" } else { "," };
        let variables = format!(
            "{{\"OPERATOR_KEY\":\"{OPERATOR_KEY}\",\"UPSTREAM\":\"https://app.example/base\",\
             \"ROUTES\":{ROUTES}{comma}{more}}}"
        );
        let bindings = [
            "RECORDS",
            "LEDGER",
            "DIRECTORY",
            "LOOKUPS_BY_ADDRESS",
            "LOOKUPS_BY_LEDGER",
            "ASSETS",
        ];
        let config = Config::parse(&variables, &bindings.map(str::to_owned)).unwrap();
        Self {
            gate: Gate::new(Rc::new(config)),
            kv: HashMap::new(),
            ledger: HashMap::new(),
            settings: Settings::default().to_json(),
            now_ms: NOW,
            reads: Vec::new(),
            questions: Vec::new(),
        }
    }

    /// Stores a record in KV.
    pub fn store(&mut self, secret: &str, record: &Record) {
        self.kv.insert(
            format!("t/{}", Digest::of(secret).to_hex()),
            record.to_json(),
        );
    }

    pub fn ask(&mut self, request: &str) -> Verdict {
        self.reads.clear();
        self.questions.clear();
        let facts = Facts::parse(request).unwrap();
        let mut reply = None;
        for _ in 0..8 {
            match self.gate.check(&facts, reply.as_ref(), self.now_ms) {
                Verdict::Read { keys } => {
                    reply = None;
                    for key in keys {
                        let value = self.kv.get(&key).map(String::as_str);
                        self.gate.learn(&key, value, self.now_ms);
                        self.reads.push(key);
                    }
                }
                Verdict::Ask(question) => {
                    reply = Some(Reply {
                        found: self.answer(&question),
                        name: question.name.clone(),
                        question: question.command.clone(),
                    });
                    self.questions.push(question);
                }
                decided => return decided,
            }
        }
        panic!("no verdict after eight rounds");
    }

    pub fn answer(&self, question: &Question) -> Found {
        let json = if question.class == "LEDGER" {
            let found = self
                .ledger
                .iter()
                .find(|(digest, _)| question.command.contains(&digest.to_hex()));
            serde_json::json!({ "record": found.map(|(_, record)| record) })
        } else {
            serde_json::json!({ "settings": self.settings })
        };
        Found::parse(&json.to_string()).unwrap()
    }

    pub fn forwarded(&mut self, request: &str) -> Forwarded {
        match lines::read(&self.ask(request).into_text()) {
            Lines::Allow(forwarded) => forwarded,
            other => panic!("not allowed: {other:?}"),
        }
    }

    pub fn refused(&mut self, request: &str) -> Answer {
        match self.ask(request) {
            Verdict::Answer(answer) => answer,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub fn code(&mut self, request: &str) -> (u16, String) {
        let answer = self.refused(request);
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["status"], answer.status);
        (answer.status, problem["code"].as_str().unwrap().to_owned())
    }
}

pub fn headers<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let named = answer.headers.iter().filter(|(header, _)| *header == name);
    named.map(|(_, value)| value.as_ref()).collect()
}
