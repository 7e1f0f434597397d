//! A deployment in simulated time: a ledger and a directory with their outboxes, KV,
//! and isolates in several locations.

use super::kv::Kv;
use super::random::Random;
use crate::answer::Answer;
use crate::api::{self, Progress};
use crate::config::Config;
use crate::conversation::{Entropy, Inputs};
use crate::digest::Digest;
use crate::directory;
use crate::facts::Facts;
use crate::gate::Gate;
use crate::ledger::{Changed, Tokens};
use crate::lookup::{Found, Lookup, Reply};
use crate::management::Ticket;
use crate::outbox::Row;
use crate::sessions::{self, Sessions};
use crate::time::Time;
use crate::transaction::{self, shelf::Shelf};
use crate::verdict::{Question, Verdict};
use crate::wire;
use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// When everything begins, in Unix milliseconds.
const BEGINS: u64 = 1_800_000_000_000;

pub(super) const OPERATOR_KEY: &str = "operator-key-operator-key-operator-key";
pub(super) const SESSION_KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

const LOCATIONS: usize = 2;
pub(super) const ISOLATES: usize = 4;

/// The key of the one workspace's settings.
pub(super) const SETTINGS: &str = "w/default";

pub(super) struct World {
    pub(super) now: u64,
    pub(super) kv: Kv,
    config: Rc<Config>,
    gates: Vec<Gate>,
    ledger: Shelf,
    directory: directory::tests::Shelf,
    flights: Vec<Flight>,
    random: Random,
    calm: bool,
    /// Each value that a key has had in its authority, and which isolate had it changed.
    truth: BTreeMap<String, Vec<Told>>,
}

/// A value of an authority.
pub(super) struct Told {
    pub(super) at: u64,
    pub(super) text: String,
    pub(super) by: usize,
}

/// A put on its way.
struct Flight {
    row: Row,
    text: String,
    /// When KV takes it, if ever.
    lands: Option<u64>,
    /// When the outbox hears of it, and what.
    told: Option<(u64, bool)>,
}

impl World {
    /// A deployment; where it is calm, KV takes each put at once.
    pub(super) fn new(strict: bool, calm: bool, seed: u64) -> Self {
        let consistency = if strict { "strict" } else { "bounded" };
        let variables = format!(
            "{{\"OPERATOR_KEY\":\"{OPERATOR_KEY}\",\"UPSTREAM\":\"https://app.example\",\
             \"SESSION_KEYS\":\"{SESSION_KEYS}\",\"EMBED_HOST\":\"*.embed.example\",\
             \"APPS\":[{{\"id\":\"jobs\",\"name\":\"Jobs\"}}],\"CONSISTENCY\":\"{consistency}\"}}"
        );
        let bindings = [
            "RECORDS",
            "LEDGER",
            "DIRECTORY",
            "LOOKUPS_BY_ADDRESS",
            "LOOKUPS_BY_LEDGER",
            "ASSETS",
        ];
        let config = Rc::new(Config::parse(&variables, &bindings.map(str::to_owned)).unwrap());
        let mut world = Self {
            now: BEGINS,
            kv: Kv::of(LOCATIONS),
            gates: (0..ISOLATES)
                .map(|_| Gate::new(Rc::clone(&config)))
                .collect(),
            config,
            ledger: Shelf::with(&[]),
            directory: directory::tests::Shelf::default(),
            flights: Vec::new(),
            random: Random(seed),
            calm,
            truth: BTreeMap::new(),
        };
        world.note_truth(0);
        world
    }

    /// What became of a key in its authority.
    pub(super) fn truth(&self, key: &str) -> &[Told] {
        &self.truth[key]
    }

    /// Whether a request is let in by an isolate, now.
    pub(super) fn lets_in(&mut self, isolate: usize, request: &str) -> bool {
        match self.decide(isolate, request) {
            Verdict::Allow(_) => true,
            Verdict::Answer(_) => false,
            other => panic!("{other:?}"),
        }
    }

    /// Has an isolate carry out a request of the token API, or an entry.
    pub(super) fn manage(&mut self, isolate: usize, request: &str, body: &str) -> Answer {
        let ticket = match self.decide(isolate, request) {
            Verdict::Manage { ticket } => ticket,
            Verdict::Answer(answer) => return answer,
            other => panic!("{other:?}"),
        };
        let answer = self.carry_out(isolate, &ticket, body);
        self.note_truth(isolate);
        answer
    }

    /// What `management` of the Worker's shell does.
    fn carry_out(&mut self, isolate: usize, ticket: &Ticket, body: &str) -> Answer {
        let entropy = Entropy(self.random.bytes(), self.random.bytes());
        let mut replies = Vec::new();
        loop {
            let inputs = Inputs {
                config: &self.config,
                body: Some(body),
                entropy: &entropy,
                replies: &replies,
                now_ms: self.now,
            };
            match api::manage(ticket, inputs) {
                Progress::Ask(question) => replies.push(self.command(&question)),
                Progress::Done {
                    answer,
                    changed,
                    spot,
                } => {
                    let gate = &mut self.gates[isolate];
                    for Changed { digest, record } in changed {
                        gate.learn_change(digest, record, self.now);
                    }
                    spot.into_iter()
                        .for_each(|spot| gate.learn_spot(spot, self.now));
                    return answer;
                }
            }
        }
    }

    fn command(&self, question: &Question) -> String {
        if question.class == "LEDGER" {
            let command = wire::read(&question.command).unwrap();
            return wire::write(&transaction::execute(&self.ledger, command, self.now).unwrap());
        }
        let command = wire::read(&question.command).unwrap();
        wire::write(&directory::execute(&self.directory, command, self.now).unwrap())
    }

    /// What `decide` of `entry.js` does.
    fn decide(&mut self, isolate: usize, request: &str) -> Verdict {
        let facts = Facts::parse(request).unwrap();
        let mut reply = None;
        for _ in 0..8 {
            match self.gates[isolate].check(&facts, reply.as_ref(), self.now) {
                Verdict::Read { keys } => {
                    reply = None;
                    for key in keys {
                        let value = self.kv.read(&key, isolate % LOCATIONS, self.now);
                        self.gates[isolate].learn(&key, value.as_deref(), self.now);
                    }
                }
                Verdict::Ask(question) => {
                    reply = Some(Reply {
                        found: self.look_up(&question.command),
                        name: question.name,
                        question: question.command,
                    });
                }
                decided => return decided,
            }
        }
        panic!("no verdict after eight rounds");
    }

    fn look_up(&self, question: &str) -> Found {
        match Lookup::parse(question).unwrap() {
            Lookup::Lookup { digest, session } => Found {
                record: Some(self.ledger.lookup(&digest).unwrap().map(|record| {
                    let asked = session.as_ref();
                    let record = sessions::with_killed(&self.ledger, record, asked, self.time());
                    record.unwrap().to_json()
                })),
                settings: None,
            },
            Lookup::Settings {} => Found {
                record: None,
                settings: Some(self.value(SETTINGS).unwrap()),
            },
        }
    }

    const fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    /// What KV shall hold under a key.
    fn value(&self, key: &str) -> Option<String> {
        match key.split_once('/').unwrap() {
            ("t", hex) => {
                let digest = Digest::from_hex(hex).unwrap();
                let record = self.ledger.lookup(&digest).unwrap()?;
                let record = sessions::with_killed(&self.ledger, record, None, self.time());
                Some(record.unwrap().to_json())
            }
            ("p", place) => {
                let place = crate::place::Place::parse(place).unwrap();
                let (spot, _until) = self.ledger.spot(&place).unwrap()?;
                Some(spot.to_json())
            }
            _ => Some(self.directory.decided.borrow().settings().to_json()),
        }
    }

    /// Notes what has changed, and by which isolate.
    fn note_truth(&mut self, by: usize) {
        let digests: Vec<_> = self
            .ledger
            .tokens
            .borrow()
            .values()
            .map(|entry| entry.digest)
            .collect();
        let records = digests
            .iter()
            .map(|digest| format!("t/{}", digest.to_hex()));
        for key in records.chain([SETTINGS.to_owned()]) {
            let text = self.value(&key).unwrap();
            let told = self.truth.entry(key).or_default();
            if told.last().is_none_or(|last| last.text != text) {
                let at = self.now;
                told.push(Told { at, text, by });
            }
        }
    }

    /// Lets time pass, and the outboxes with it.
    pub(super) fn wait(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some(next) = self.next_event().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.put_what_is_due();
            self.land_and_settle();
        }
        self.now = until;
    }

    /// Whether KV has all that there is for it.
    pub(super) fn is_settled(&self) -> bool {
        self.next_event().is_none()
    }

    fn rows(&self) -> [&RefCell<BTreeMap<String, Row>>; 2] {
        [&self.ledger.rows, &self.directory.rows]
    }

    fn next_event(&self) -> Option<u64> {
        let flies = |key: &str| {
            let waited_for = |flight: &Flight| flight.row.key == key && flight.told.is_some();
            self.flights.iter().any(waited_for)
        };
        let due = self.rows().into_iter().flat_map(|rows| {
            let rows = rows.borrow();
            let left = rows.values().filter(|row| !flies(&row.key));
            left.map(|row| row.due).collect::<Vec<_>>()
        });
        let flights = self.flights.iter();
        let events = flights.flat_map(|flight| [flight.lands, flight.told.map(|(at, _)| at)]);
        events.flatten().chain(due).min()
    }

    /// What the alarm does.
    fn put_what_is_due(&mut self) {
        let waited_for: Vec<_> = self
            .flights
            .iter()
            .filter(|flight| flight.told.is_some())
            .collect();
        let flies = |row: &Row| waited_for.iter().any(|flight| flight.row.key == row.key);
        let mut due = Vec::new();
        for rows in self.rows() {
            let rows = rows.borrow();
            due.extend(
                rows.values()
                    .filter(|row| row.due <= self.now && !flies(row))
                    .cloned(),
            );
        }
        for row in due {
            let text = self.value(&row.key).unwrap();
            let soon = self.now + self.random.edged(PUT);
            let (lands, told) = match self.random.below(10) {
                _ if self.calm => (Some(soon), (soon, true)),
                0 => (None, (soon, false)),
                1 => (Some(soon), (soon, false)),
                2 => (None, (self.now + PUT_TIMEOUT, false)),
                3 => {
                    let told = self.now + PUT_TIMEOUT;
                    (Some(told + self.random.edged(LATEST)), (told, false))
                }
                _ => (Some(soon), (soon, true)),
            };
            let told = Some(told);
            self.flights.push(Flight {
                row,
                text,
                lands,
                told,
            });
        }
    }

    fn land_and_settle(&mut self) {
        let now = self.now;
        for flight in &mut self.flights {
            if flight.lands.is_some_and(|lands| lands <= now) {
                flight.lands = None;
                self.kv
                    .land(&flight.row.key, flight.text.clone(), now, &mut self.random);
            }
            let Some((_, accepted)) = flight.told.filter(|(at, _)| *at <= now) else {
                continue;
            };
            flight.told = None;
            for rows in [&self.ledger.rows, &self.directory.rows] {
                let mut rows = rows.borrow_mut();
                let Some(row) = rows.remove(&flight.row.key) else {
                    continue;
                };
                let left = if accepted {
                    row.accepted(flight.row.generation, now)
                } else {
                    Some(row.uncertain(now))
                };
                rows.extend(left.map(|row| (row.key.clone(), row)));
            }
        }
        self.flights
            .retain(|flight| flight.lands.is_some() || flight.told.is_some());
    }
}

/// Milliseconds that a put takes at most.
pub(super) const PUT: u64 = 2_000;

/// Milliseconds after which the outbox gives a put up (`outbox.js`), and within which
/// it may then still land.
const PUT_TIMEOUT: u64 = 10_000;
const LATEST: u64 = 59_000;
