//! A deployment in simulated time: a ledger and a directory with their outboxes, KV,
//! and isolates in several locations, each with a clock of its own.

use super::kv::{Kv, Value};
use super::life::{Fact, SKEW};
use super::object::Object;
use super::random::Random;
use crate::answer::Answer;
use crate::api::{self, Progress};
use crate::config::Config;
use crate::conversation::{Entropy, Inputs};
use crate::digest::Digest;
use crate::directory;
use crate::facts::Facts;
use crate::gate::Gate;
use crate::ledger::{self, Changed, Tokens};
use crate::lookup::{Found, Lookup, Reply};
use crate::management::Ticket;
use crate::sessions::{self, Sessions};
use crate::time::Time;
use crate::transaction::{self, shelf::Shelf};
use crate::verdict::{Question, Verdict};
use crate::wire;
use std::collections::BTreeMap;
use std::rc::Rc;

/// When everything begins, in Unix milliseconds.
const BEGINS: u64 = 1_800_000_000_000;

pub(super) const OPERATOR_KEY: &str = "operator-key-operator-key-operator-key";
pub(super) const SESSION_KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

const LOCATIONS: usize = 2;
pub(super) const ISOLATES: usize = 4;

/// The ledger and the directory.
pub(super) const OBJECTS: usize = 2;
const LEDGER: usize = 0;
const DIRECTORY: usize = 1;

/// All clocks: those of the isolates, then those of the objects.
pub(super) const CLOCKS: usize = ISOLATES + OBJECTS;

/// The key of the one workspace's settings.
pub(super) const SETTINGS: &str = "w/default";

/// What may befall a request on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Crash {
    /// The object restarts before it carries the command out.
    Before,
    /// The object restarts when the command is carried out, and nobody is told.
    After,
}

/// An object restarted, and the answer is lost.
#[derive(Debug)]
pub(super) struct Lost;

pub(super) struct World {
    pub(super) now: u64,
    pub(super) random: Random,
    /// What befalls the next command that writes.
    pub(super) crash: Option<Crash>,
    kv: Kv,
    config: Rc<Config>,
    isolates: Vec<Isolate>,
    ledger: Shelf,
    directory: directory::tests::Shelf,
    objects: [Object; OBJECTS],
    calm: bool,
    /// The value of each key in its authority, and how many it has had.
    truth: BTreeMap<String, (String, usize)>,
}

struct Isolate {
    gate: Gate,
    /// By how many milliseconds its clock is ahead.
    ahead: i64,
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
        let mut random = Random(seed);
        let mut ahead = || -> i64 {
            let by = i64::try_from(random.edged(2 * SKEW)).unwrap();
            by - i64::try_from(SKEW).unwrap()
        };
        let mut world = Self {
            now: BEGINS,
            crash: None,
            kv: Kv::of(LOCATIONS),
            isolates: (0..ISOLATES)
                .map(|_| Isolate {
                    gate: Gate::new(Rc::clone(&config)),
                    ahead: ahead(),
                })
                .collect(),
            config,
            ledger: Shelf::with(&[]),
            directory: directory::tests::Shelf::default(),
            objects: [Object::new(ahead()), Object::new(ahead())],
            calm,
            truth: BTreeMap::new(),
            random,
        };
        world.note_truth();
        world
    }

    /// What KV must have for it to know of a key's value as it is now.
    pub(super) fn fact(&self, key: &str) -> Fact {
        Fact {
            key: key.to_owned(),
            values: self.truth[key].1,
            in_ledger: key != SETTINGS,
        }
    }

    /// Since when KV has had what a fact asks for.
    pub(super) fn accepted(&self, fact: &Fact) -> Option<u64> {
        self.kv.has_had(&fact.key, fact.values)
    }

    /// The answer to a request of the upstream's, by an isolate, now; `None`: it is let in.
    pub(super) fn knock(&mut self, isolate: usize, request: &str) -> Option<Answer> {
        match self.decide(isolate, request) {
            Verdict::Allow(_) => None,
            Verdict::Answer(answer) => Some(answer),
            other => panic!("{other:?}"),
        }
    }

    /// Has an isolate carry out a request of the token API, or an entry.
    pub(super) fn manage(
        &mut self,
        isolate: usize,
        request: &str,
        body: &str,
    ) -> Result<Answer, Lost> {
        let decided = self.decide(isolate, request);
        self.carry_out(isolate, decided, body)
    }

    /// Has two isolates carry the same entry out, each before it hears of the other.
    pub(super) fn manage_twice(&mut self, isolates: [usize; 2], request: &str) -> [Answer; 2] {
        let decided = isolates.map(|isolate| (isolate, self.decide(isolate, request)));
        decided.map(|(isolate, decided)| self.carry_out(isolate, decided, "").unwrap())
    }

    /// What `manage` of the Worker's shell does.
    fn carry_out(&mut self, isolate: usize, decided: Verdict, body: &str) -> Result<Answer, Lost> {
        let ticket = match decided {
            Verdict::Manage { ticket } => ticket,
            Verdict::Answer(answer) => return Ok(answer),
            other => panic!("{other:?}"),
        };
        let answer = self.converse(isolate, &ticket, body);
        self.note_truth();
        answer
    }

    fn converse(&mut self, isolate: usize, ticket: &Ticket, body: &str) -> Result<Answer, Lost> {
        let entropy = Entropy(self.random.bytes(), self.random.bytes());
        let mut replies = Vec::new();
        loop {
            let now_ms = self.clock(isolate);
            let inputs = Inputs {
                config: &self.config,
                body: Some(body),
                entropy: &entropy,
                replies: &replies,
                now_ms,
            };
            match api::manage(ticket, inputs) {
                Progress::Ask(question) => replies.push(self.command(&question)?),
                Progress::Done {
                    answer,
                    changed,
                    spot,
                } => {
                    let gate = &mut self.isolates[isolate].gate;
                    for Changed { digest, record } in changed {
                        gate.learn_change(digest, record, now_ms);
                    }
                    spot.into_iter()
                        .for_each(|spot| gate.learn_spot(spot, now_ms));
                    return Ok(answer);
                }
            }
        }
    }

    /// What `execute` of `objects.js` does.
    fn command(&mut self, question: &Question) -> Result<String, Lost> {
        if question.class == "LEDGER" {
            let command: ledger::Command = wire::read(&question.command).unwrap();
            return self.transact(LEDGER, command.writes(), |world, now| {
                wire::write(&transaction::execute(&world.ledger, command, now).unwrap())
            });
        }
        let command: directory::Command = wire::read(&question.command).unwrap();
        self.transact(DIRECTORY, command.writes(), |world, now| {
            wire::write(&directory::execute(&world.directory, command, now).unwrap())
        })
    }

    /// Carries a command out. If it writes, the alarm is set in the same transaction.
    fn transact(
        &mut self,
        object: usize,
        writes: bool,
        work: impl FnOnce(&Self, u64) -> String,
    ) -> Result<String, Lost> {
        let crash = self.crash.take_if(|_| writes);
        if crash == Some(Crash::Before) {
            self.restart_object(object);
            return Err(Lost);
        }
        let reply = work(self, self.objects[object].clock(self.now));
        if writes {
            let late = self.late();
            let rows = match object {
                LEDGER => &self.ledger.rows,
                _ => &self.directory.rows,
            };
            self.objects[object].arm(rows, late);
        }
        if crash == Some(Crash::After) {
            self.restart_object(object);
            return Err(Lost);
        }
        Ok(reply)
    }

    /// Milliseconds by which the next alarm is late.
    fn late(&mut self) -> u64 {
        if self.calm {
            return 0;
        }
        self.random.edged(LATE_ALARM)
    }

    /// An object is started anew, whatever it was at.
    pub(super) fn restart_object(&mut self, object: usize) {
        self.objects[object].restart();
    }

    /// An isolate is started anew, and remembers nothing.
    pub(super) fn restart_isolate(&mut self, isolate: usize) {
        self.isolates[isolate].gate = Gate::new(Rc::clone(&self.config));
    }

    /// Sets a clock.
    pub(super) fn set_clock(&mut self, clock: usize, ahead: i64) {
        match clock.checked_sub(ISOLATES) {
            Some(object) => self.objects[object].ahead = ahead,
            None => self.isolates[clock].ahead = ahead,
        }
    }

    /// The time by an isolate's clock.
    fn clock(&self, isolate: usize) -> u64 {
        self.now.saturating_add_signed(self.isolates[isolate].ahead)
    }

    /// What `decide` of `decide.js` does.
    fn decide(&mut self, isolate: usize, request: &str) -> Verdict {
        let facts = Facts::parse(request).unwrap();
        let now = self.clock(isolate);
        let mut reply = None;
        for _ in 0..8 {
            let gate = &mut self.isolates[isolate].gate;
            match gate.check(&facts, reply.as_ref(), now) {
                Verdict::Read { keys } => {
                    reply = None;
                    for key in keys {
                        let value = self.kv.read(&key, isolate % LOCATIONS, self.now);
                        gate.learn(&key, value.as_deref(), now);
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
            Lookup::Lookup { digest, session } => {
                let record = self.ledger.lookup(&digest).unwrap().map(|record| {
                    let (asked, now) = (session.as_ref(), self.time());
                    sessions::with_killed(&self.ledger, record, asked, now).unwrap()
                });
                Found {
                    record: Some(record.map(|record| record.to_json())),
                    settings: None,
                }
            }
            Lookup::Settings {} => Found {
                record: None,
                settings: Some(self.value(SETTINGS).unwrap()),
            },
        }
    }

    /// The time by the ledger's clock.
    const fn time(&self) -> Time {
        Time::from_millis(self.objects[LEDGER].clock(self.now))
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

    /// Notes what has changed.
    fn note_truth(&mut self) {
        let tokens = self.ledger.tokens.borrow();
        let records = tokens.values().map(transaction::kv_key);
        let keys: Vec<_> = records.chain([SETTINGS.to_owned()]).collect();
        drop(tokens);
        for key in keys {
            let value = self.value(&key).unwrap();
            let (text, values) = self.truth.entry(key).or_default();
            if *text != value {
                *text = value;
                *values += 1;
            }
        }
    }

    /// Lets time pass, and the outboxes with it.
    pub(super) fn wait(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some(next) = self.next_event().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            (0..OBJECTS).for_each(|object| self.work(object));
        }
        self.now = until;
    }

    /// Whether KV has all that there is for it.
    pub(super) fn is_settled(&self) -> bool {
        self.next_event().is_none()
    }

    fn next_event(&self) -> Option<u64> {
        let events = self.objects.iter().filter_map(Object::next_event);
        events.min()
    }

    /// What an object does by itself, when it is time for it.
    fn work(&mut self, object: usize) {
        let (now, late) = (self.now, self.late());
        let rows = match object {
            LEDGER => &self.ledger.rows,
            _ => &self.directory.rows,
        };
        self.objects[object].settle(rows, &mut self.kv, now, &mut self.random);
        let due = self.objects[object].due(rows, now, late);
        for row in due {
            let text = self.value(&row.key).unwrap();
            let number = self.truth.get(&row.key).map_or(0, |(_, number)| *number);
            let value = Value { text, number };
            self.objects[object].put(row, value, now, &mut self.random, self.calm);
        }
    }
}

/// Milliseconds by which an alarm is late at most.
const LATE_ALARM: u64 = 20_000;
