//! The npm package's shell around the gate, natively: what `npm/src/gate.ts` and `src/npm.rs` do, over
//! a store that is a map.

use gatepass::answer::Answer;
use gatepass::config::Config;
use gatepass::conversation::Entropy;
use gatepass::facts::Facts;
use gatepass::gate::Gate;
use gatepass::header::Relevance;
use gatepass::kept::{self, Opened};
use gatepass::lookup::Reply;
use gatepass::management::Ticket;
use gatepass::problem::Problem;
use gatepass::verdict::{Question, Verdict};
use std::collections::HashMap;
use std::rc::Rc;

const MAX_ROUNDS: usize = 8;

/// A gate over a store, at one moment.
pub struct Package {
    gate: Gate,
    config: Rc<Config>,
    now_ms: u64,
    pub store: HashMap<String, String>,
    /// The keys that were read, in order.
    pub reads: Vec<String>,
}

/// What is decided about a request.
pub enum Decided {
    Allow(String),
    Answer(Answer),
    Asset(&'static str),
}

impl Package {
    /// A gate by its options, in JSON by the names of variables.
    pub fn new(options: &str, store: HashMap<String, String>, now_ms: u64) -> Self {
        let config = Rc::new(Config::of_package(options).unwrap());
        Self {
            gate: Gate::new(Rc::clone(&config)),
            config,
            now_ms,
            store,
            reads: Vec::new(),
        }
    }

    pub fn check(&mut self, packed: &str) -> Decided {
        let facts = Facts::parse(packed).unwrap();
        let mut reply = None;
        for _ in 0..MAX_ROUNDS {
            match self.gate.admit(&facts, reply.as_ref(), self.now_ms) {
                Verdict::Allow(forward) => {
                    return Decided::Allow(Verdict::Allow(forward).into_text());
                }
                Verdict::Answer(answer) => return Decided::Answer(answer),
                Verdict::Asset { path } => return Decided::Asset(path),
                Verdict::Read { keys } => {
                    for key in keys {
                        self.learn(&key);
                    }
                }
                Verdict::Ask(question) => reply = Some(self.reply(&question)),
                Verdict::Manage { ticket } => return self.enter(&facts, *ticket),
                other => panic!("not for the package: {other:?}"),
            }
        }
        panic!("no verdict after eight rounds");
    }

    fn learn(&mut self, key: &str) {
        let value = self.store.get(key).map(String::as_str);
        self.gate.learn(key, value, self.now_ms);
        self.reads.push(key.to_owned());
    }

    /// The store's answer stands for that of an authority; what was read for this very request
    /// is as good.
    fn reply(&mut self, question: &Question) -> Reply {
        let Question { name, command, .. } = question;
        let key = kept::asked(name, command);
        if !self.reads.contains(&key) {
            self.reads.push(key.clone());
        }
        kept::reply(name, command, self.store.get(&key).cloned()).unwrap()
    }

    fn enter(&mut self, facts: &Facts<'_>, ticket: Ticket) -> Decided {
        let Ticket::Enter(entrance) = ticket else {
            return Decided::Answer(Problem::not_found().answer());
        };
        self.learn(&kept::key(&entrance.digest));
        let Verdict::Manage { ticket } = self.gate.admit(facts, None, self.now_ms) else {
            panic!("the record is as it was");
        };
        let Ticket::Enter(entrance) = *ticket else {
            panic!("the request is as it was");
        };
        let keys = self.config.session_keys.as_ref().unwrap();
        let entropy = Entropy([0; 64], [7; 16]);
        let Opened { used_up, answer } =
            kept::open(&entrance, keys, &entropy, self.now_ms).unwrap();
        if let Some(put) = used_up {
            self.store.insert(put.key, put.value);
        }
        Decided::Answer(answer)
    }
}

/// The facts of a request; the platform tells the address, and no header does.
pub fn pack(method: &str, url: &str, headers: &[(String, String)], address: &str) -> String {
    let mut packed = format!("{method}\n{url}");
    for (name, value) in headers {
        if name == "cf-connecting-ip" {
            continue;
        }
        match Relevance::of(name) {
            Relevance::Passed => {}
            Relevance::Named => packed.push_str(&format!("\n{name}:")),
            Relevance::Read => packed.push_str(&format!("\n{name}:{value}")),
        }
    }
    packed.push_str(&format!("\ncf-connecting-ip:{address}"));
    packed
}
