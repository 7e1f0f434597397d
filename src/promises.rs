//! What is promised of a change, in simulated time: how soon gates everywhere see it.
//!
//! 1. *Bounded*: a change holds in every isolate [`BOUND`] after KV has accepted it, and
//!    KV is told of it at once.
//! 2. *Strict*, by deployment or token: a change of a token or its sessions holds with
//!    the next request; one of the workspace within the bound.
//! 3. The isolate that carried a change out sees it at once.
//! 4. A token that was never shut opens everywhere from the moment it is made.
//! 5. Nobody enters by a token that its ledger refuses, and nobody makes one where
//!    creation is off, whatever a gate believes.

mod kv;
mod random;
mod world;

use crate::digest::Digest;
use crate::id::Id;
use crate::memory::{FRESH, REFUSED};
use crate::policy::Policy;
use crate::record::{Record, State};
use crate::session::{Session, SessionKeys};
use crate::settings::Settings;
use crate::time::Time;
use base64ct::{Base64, Encoding};
use kv::{CACHE_TTL, PROPAGATION};
use proptest::prelude::*;
use serde_json::Value;
use world::{ISOLATES, OPERATOR_KEY, PUT, SESSION_KEYS, SETTINGS, World};

/// Milliseconds from KV's accepting a change until it holds everywhere.
const BOUND: u64 = 65_000;

/// What happens next; the last number is the isolate's.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Knock(usize, usize),
    KnockEverywhere,
    Change(Change, usize),
    /// A change, and then whatever keeps a gate from it for longest.
    Race(Change, usize),
    Enter(usize, usize),
    Create(usize),
}

/// A change by the operator; numbers are of tokens and sessions.
#[derive(Clone, Copy, Debug)]
enum Change {
    Rename(usize),
    Enable(usize, bool),
    Rotate(usize),
    Revoke(usize),
    KillSession(usize),
    KillOfToken(usize),
    KillOfUser,
    KillAll,
    Authentication(bool),
    Creation(bool),
}

/// Somebody who wants in.
struct Door {
    request: String,
    /// The token's key in KV.
    key: String,
    strict: bool,
    what: What,
}

#[derive(Debug, PartialEq)]
enum What {
    Pat,
    Session(Id),
    /// The entry of an embed, which opens a session: its ledger has the last word.
    Entry,
}

impl Door {
    /// Whether a value of its token shuts it.
    fn shut_by_record(&self, text: &str) -> bool {
        let record = Record::parse(text).unwrap();
        let What::Session(id) = &self.what else {
            return record.state != State::Active;
        };
        let embed = record.embed.as_ref().unwrap();
        let killed = embed.killed.iter().any(|(killed, _)| killed == id);
        matches!(record.state, State::Disabled | State::Revoked)
            || killed
            || embed.sessions_from.is_some_and(|from| id.time() <= from)
    }

    /// Whether a value of the settings shuts it.
    fn shut_by_settings(&self, text: &str) -> bool {
        let settings = Settings::parse(text).unwrap();
        let opened = match &self.what {
            What::Session(id) => Some(id.time()),
            _ => None,
        };
        let killed = |from: Time| opened.is_some_and(|opened| opened <= from);
        !settings.authentication || settings.sessions_from.is_some_and(killed)
    }
}

/// The world, its doors, and what is expected of them.
struct Trial {
    world: World,
    strict: bool,
    /// Whether KV takes each put at once.
    calm: bool,
    doors: Vec<Door>,
    /// The ids of the tokens, and of the sessions.
    tokens: Vec<String>,
    sessions: Vec<Id>,
}

impl Trial {
    fn new(strict: bool, calm: bool, seed: u64) -> Self {
        let mut trial = Self {
            world: World::new(strict, calm, seed),
            strict,
            calm,
            doors: Vec::new(),
            tokens: Vec::new(),
            sessions: Vec::new(),
        };
        for embed in [false, true] {
            for strict in [false, true] {
                trial.make(embed, strict);
            }
        }
        for door in [2, 3, 2, 3] {
            assert_eq!(trial.enter(door, 0), Ok(()), "a new embed token opens");
        }
        trial
    }

    /// Calls the token API; answers the status and the JSON.
    fn call(&mut self, isolate: usize, method: &str, path: &str, body: &str) -> (u16, Value) {
        let key = Base64::encode_string(format!("operator:{OPERATOR_KEY}").as_bytes());
        let request = format!(
            "{method}\nhttps://gate.example/gatepass/api{path}\nauthorization:Basic {key}\n\
             content-type:application/json"
        );
        let answer = self.world.manage(isolate, &request, body);
        let json = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        (answer.status, json)
    }

    /// Makes a token, with its door.
    fn make(&mut self, embed: bool, strict: bool) {
        let kind = if embed {
            "\"kind\":\"embed\",\"app\":\"jobs\",\"sessionMinutes\":10000"
        } else {
            "\"kind\":\"pat\""
        };
        let label = if embed && strict {
            ",\"label\":\"strict\""
        } else {
            ""
        };
        let body = format!(
            "{{\"name\":\"x\",\"never\":true,\"user\":{{\"id\":\"ada\"}},\"strict\":{strict},{kind}{label}}}"
        );
        let (status, made) = self.call(0, "POST", "/tokens", &body);
        assert_eq!(status, 201, "{made}");
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        let (secret, url) = (text("token"), text("embedUrl"));
        let (request, what) = if embed {
            (format!("GET\n{url}\n{FRAME}"), What::Entry)
        } else {
            let request = format!("GET\nhttps://gate.example/x\nauthorization:Bearer {secret}");
            (request, What::Pat)
        };
        let key = format!("t/{}", Digest::of(&secret).to_hex());
        self.tokens.push(text("id"));
        self.doors.push(Door {
            request,
            key,
            strict,
            what,
        });
    }

    /// Enters by an embed token: a session has a door of its own. Else the status.
    fn enter(&mut self, door: usize, isolate: usize) -> Result<(), u16> {
        let request = self.doors[door].request.clone();
        let answer = self.world.manage(isolate, &request, "");
        if answer.status != 303 {
            return Err(answer.status);
        }
        let set = answer
            .headers
            .iter()
            .find(|(name, _)| *name == "set-cookie");
        let (cookie, _attributes) = set.unwrap().1.split_once(';').unwrap();
        let (place, value) = cookie.split_once('=').unwrap();
        let host = place.trim_start_matches("__Host-gp-");
        let keys = SessionKeys::parse(SESSION_KEYS).unwrap();
        let session = Session::open(value, &keys).unwrap();
        self.sessions.push(session.id.clone());
        self.doors.push(Door {
            request: format!("GET\nhttps://{host}.embed.example/x\ncookie:{cookie}\n{OWN}"),
            key: self.doors[door].key.clone(),
            strict: self.doors[door].strict,
            what: What::Session(session.id),
        });
        Ok(())
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(ms) => self.world.wait(ms),
            Step::Knock(door, isolate) => self.knock(door % self.doors.len(), isolate),
            Step::KnockEverywhere => self.knock_everywhere(),
            Step::Change(change, isolate) => {
                self.change(change, isolate);
                (0..self.doors.len()).for_each(|door| self.knock(door, isolate));
            }
            Step::Race(change, isolate) => {
                self.change(change, isolate);
                for ms in [PROPAGATION - 1, CACHE_TTL - 1, FRESH - 1, 3] {
                    self.knock_everywhere();
                    self.world.wait(ms);
                }
                self.knock_everywhere();
            }
            Step::Enter(n, isolate) => self.try_entry(n, isolate),
            Step::Create(isolate) => self.try_creation(isolate),
        }
    }

    fn change(&mut self, change: Change, isolate: usize) {
        let token = |n: usize| self.tokens[n % self.tokens.len()].as_str();
        let session = |n: usize| self.sessions[n % self.sessions.len()].as_str();
        let switch = |authentication| settings(authentication, true);
        let (method, path, body) = match change {
            Change::Rename(n) => (
                "PATCH",
                format!("/tokens/{}", token(n)),
                "{\"name\":\"y\"}".into(),
            ),
            Change::Enable(n, enabled) => {
                let body = format!("{{\"enabled\":{enabled}}}");
                ("PATCH", format!("/tokens/{}", token(n)), body)
            }
            Change::Rotate(n) => ("POST", format!("/tokens/{}/rotate", token(n)), "{}".into()),
            Change::Revoke(n) => ("DELETE", format!("/tokens/{}", token(n)), String::new()),
            Change::KillSession(n) => {
                ("DELETE", format!("/sessions/{}", session(n)), String::new())
            }
            Change::KillOfToken(n) => (
                "DELETE",
                format!("/sessions?token={}", token(n)),
                String::new(),
            ),
            Change::KillOfUser => ("DELETE", "/sessions?user=ada".into(), String::new()),
            Change::KillAll => ("DELETE", "/sessions?all=true".into(), String::new()),
            Change::Authentication(on) => ("PUT", "/settings".into(), switch(on)),
            Change::Creation(on) => ("PUT", "/settings".into(), settings(true, on)),
        };
        let (status, answer) = self.call(isolate, method, &path, &body);
        // What is revoked or replaced takes no further change; and without creation none is rotated.
        let known = [200, 201, 204, 403, 404, 409];
        assert!(known.contains(&status), "{change:?}: {status} {answer}");
    }

    fn knock_everywhere(&mut self) {
        for door in 0..self.doors.len() {
            (0..ISOLATES).for_each(|isolate| self.knock(door, isolate));
        }
    }

    /// Tries a door of a PAT or a session.
    fn knock(&mut self, door: usize, isolate: usize) {
        let Door { what, request, .. } = &self.doors[door];
        if *what == What::Entry {
            return;
        }
        let expected = self.expected(&self.doors[door], isolate);
        let let_in = self.world.lets_in(isolate, &request.clone());
        let when = self.world.now;
        assert!(
            expected.is_none_or(|expected| expected == let_in),
            "door {door} of {:?} in isolate {isolate} at {when}: {let_in}",
            self.doors[door].what
        );
    }

    /// Tries to enter by an embed token.
    fn try_entry(&mut self, n: usize, isolate: usize) {
        let entries = (0..self.doors.len()).filter(|door| self.doors[*door].what == What::Entry);
        let entries: Vec<_> = entries.collect();
        if self.doors.len() > MOST_DOORS {
            return;
        }
        let door = entries[n % entries.len()];
        let expected = self.expected(&self.doors[door], isolate);
        match self.enter(door, isolate) {
            Ok(()) => assert_ne!(expected, Some(false), "entered by {door}"),
            // Its sessions were killed this very second.
            Err(429) => {}
            Err(status) => assert_ne!(expected, Some(true), "{status} at {door}"),
        }
    }

    /// Tries to make a token.
    fn try_creation(&mut self, isolate: usize) {
        let off = |text: &str| !Settings::parse(text).unwrap().creation;
        let creation = self.known(SETTINGS, off, settings_rev);
        let body = "{\"name\":\"x\",\"user\":{\"id\":\"ben\"}}";
        let (status, answer) = self.call(isolate, "POST", "/tokens", body);
        if creation.shut {
            assert_eq!(status, 403, "{answer}");
        } else if creation.always || creation.held {
            assert_eq!(status, 201, "{answer}");
        }
    }

    /// Whether a door must open, or must not; `None`: it may do either yet.
    fn expected(&self, door: &Door, isolate: usize) -> Option<bool> {
        let record = self.known(&door.key, |text| door.shut_by_record(text), record_rev);
        let settings = self.known(SETTINGS, |text| door.shut_by_settings(text), settings_rev);
        let is_entry = door.what == What::Entry;
        let asks = (self.strict || door.strict) && !is_entry;
        let last = self.world.truth(&door.key).last().unwrap();
        let acted = last.by == isolate && self.world.now < last.at + REFUSED;
        let at_once = asks || acted;
        if record.shut && (record.held || at_once || is_entry) || settings.shut && settings.held {
            return Some(false);
        }
        let opens = !record.shut && (record.always || record.held || at_once);
        let lets_in = !settings.shut && (settings.always || settings.held);
        (opens && lets_in).then_some(true)
    }

    /// What must be known of a key by now.
    fn known(&self, key: &str, shuts: impl Fn(&str) -> bool, rev: fn(&str) -> u64) -> Known {
        let truth = self.world.truth(key);
        let shut = shuts(&truth.last().unwrap().text);
        let same = truth
            .iter()
            .rev()
            .take_while(|told| shuts(&told.text) == shut);
        let since = truth.len() - same.count();
        let first = rev(&truth[since].text);
        let holds = |text: &str| shuts(text) == shut && rev(text) >= first;
        let landed = self.world.kv.landed(key).iter().rev();
        let accepted = landed.take_while(|landed| holds(&landed.text)).last();
        let accepted = match accepted.map(|landed| landed.at) {
            // One put may have been on its way.
            _ if self.calm => Some(truth[since].at + 2 * PUT),
            accepted => accepted,
        };
        Known {
            shut,
            always: since == 0,
            held: accepted.is_some_and(|at| at + BOUND <= self.world.now),
        }
    }

    /// Lets everything come to rest: then all is decided, and each gate agrees.
    fn rest(&mut self) {
        while !self.world.is_settled() {
            self.world.wait(BOUND);
        }
        self.world.wait(BOUND);
        for door in &self.doors {
            assert!((0..ISOLATES).all(|isolate| self.expected(door, isolate).is_some()));
        }
        self.knock_everywhere();
        (0..ISOLATES).for_each(|isolate| self.try_creation(isolate));
    }
}

/// What must be known of a key, by what was decided and what KV has accepted.
struct Known {
    /// Whether it shuts the door.
    shut: bool,
    /// Whether it never did otherwise.
    always: bool,
    /// Whether KV has held that for the bound.
    held: bool,
}

fn record_rev(text: &str) -> u64 {
    Record::parse(text).unwrap().rev
}

fn settings_rev(text: &str) -> u64 {
    Settings::parse(text).unwrap().rev
}

/// The body that sets a workspace's settings.
fn settings(authentication: bool, creation: bool) -> String {
    let policy = Policy {
        authentication,
        creation,
        ..Policy::default()
    };
    policy.to_json()
}

const FRAME: &str = "sec-fetch-dest:iframe\nsec-fetch-mode:navigate\nsec-fetch-site:cross-site";
const OWN: &str = "sec-fetch-dest:empty\nsec-fetch-mode:cors\nsec-fetch-site:same-origin";

/// So many doors are enough.
const MOST_DOORS: usize = 14;

fn changes() -> impl Strategy<Value = Change> {
    let n = 0..8_usize;
    prop_oneof![
        1 => n.clone().prop_map(Change::Rename),
        4 => (n.clone(), any::<bool>()).prop_map(|(n, on)| Change::Enable(n, on)),
        1 => n.clone().prop_map(Change::Rotate),
        1 => n.clone().prop_map(Change::Revoke),
        3 => n.clone().prop_map(Change::KillSession),
        1 => n.prop_map(Change::KillOfToken),
        1 => Just(Change::KillOfUser),
        1 => Just(Change::KillAll),
        2 => any::<bool>().prop_map(Change::Authentication),
        1 => any::<bool>().prop_map(Change::Creation),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (n, isolate) = (0..MOST_DOORS, 0..ISOLATES);
    let edge = prop::sample::select(vec![1, FRESH - 1, FRESH, CACHE_TTL - 1, CACHE_TTL]);
    let step = prop_oneof![
        4 => edge.prop_map(Step::Wait),
        3 => (0..PROPAGATION).prop_map(Step::Wait),
        3 => (0..2_000_u64).prop_map(Step::Wait),
        4 => (n.clone(), isolate.clone()).prop_map(|(n, isolate)| Step::Knock(n, isolate)),
        2 => Just(Step::KnockEverywhere),
        4 => (changes(), isolate.clone()).prop_map(|(change, isolate)| Step::Change(change, isolate)),
        2 => (changes(), isolate.clone()).prop_map(|(change, isolate)| Step::Race(change, isolate)),
        1 => (n, isolate.clone()).prop_map(|(n, isolate)| Step::Enter(n, isolate)),
        1 => isolate.prop_map(Step::Create),
    ];
    prop::collection::vec(step, 10..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_bounded_deployment_keeps_its_promises(calm: bool, seed: u64, steps in steps()) {
        run(false, calm, seed, &steps);
    }

    #[test]
    fn a_strict_deployment_keeps_its_promises(calm: bool, seed: u64, steps in steps()) {
        run(true, calm, seed, &steps);
    }
}

fn run(strict: bool, calm: bool, seed: u64, steps: &[Step]) {
    let mut trial = Trial::new(strict, calm, seed);
    steps.iter().for_each(|step| trial.step(step));
    trial.rest();
}
