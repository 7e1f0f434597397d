//! A world, those who want in, and what is expected of them.

mod changes;

use super::Step;
use super::kv::{CACHE_TTL, PROPAGATION};
use super::life::{APART, BOUND, Fact, Life, Look, REMEMBERED, Standing};
use super::object::PUT;
use super::reference::{Door, Reference, Session, Token};
use super::world::{ISOLATES, OPERATOR_KEY, SESSION_KEYS, SETTINGS, World};
use crate::answer::Answer;
use crate::digest::Digest;
use crate::hint::Hint;
use crate::memory::FRESH;
use crate::session::{self, SessionKeys};
use crate::token::{self, Kind};
use base64ct::{Base64, Encoding};
use serde_json::Value;

/// So many doors are enough.
pub(super) const MOST_DOORS: usize = 18;

pub(super) struct Trial {
    world: World,
    reference: Reference,
    strict: bool,
    /// Whether KV takes each put at once, and no object restarts.
    calm: bool,
    /// Whether clocks are set while they are looked at.
    jumps: bool,
    knockers: Vec<Knocker>,
}

/// Somebody who wants in.
struct Knocker {
    request: String,
    door: Door,
    /// An entry is no request of the app's: it opens a session.
    enters: bool,
    /// Which isolates refused it for good, and when.
    refused: Vec<(usize, u64)>,
}

impl Trial {
    pub(super) fn new(strict: bool, calm: bool, jumps: bool, seed: u64) -> Self {
        let world = World::new(strict, calm, seed);
        let open = || Life::begin(Standing::Open, world.now, world.fact(SETTINGS));
        let reference = Reference {
            tokens: Vec::new(),
            sessions: Vec::new(),
            authentication: open(),
            creation: open(),
            killed_all: None,
        };
        let mut trial = Self {
            world,
            reference,
            strict,
            calm,
            jumps,
            knockers: Vec::new(),
        };
        for make in [PAT, EMBED, SINGLE_USE] {
            for strict in [false, true] {
                trial.make(make, strict);
            }
        }
        for embed in [2, 3, 2, 3] {
            assert_eq!(trial.enter(embed, 0), Some(303), "a new embed token opens");
        }
        trial
    }

    pub(super) fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(ms) => self.world.wait(ms),
            Step::Knock(n, isolate) => self.knock(n % self.knockers.len(), isolate),
            Step::KnockEverywhere => self.knock_everywhere(),
            Step::Guess(isolate) => self.guess(isolate),
            Step::Change(change, isolate) => {
                self.change(change, isolate);
                (0..self.knockers.len()).for_each(|n| self.knock(n, isolate));
            }
            Step::Lose(change, crash, isolate) => {
                self.world.crash = Some(crash).filter(|_| !self.calm);
                self.change(change, isolate);
                self.world.crash = None;
                if isolate.is_multiple_of(2) {
                    self.change(change, isolate);
                }
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
            Step::LoseEntry(n, crash, isolate) => {
                self.world.crash = Some(crash).filter(|_| !self.calm);
                self.try_entry(n, isolate);
                self.world.crash = None;
                self.try_entry(n, isolate);
            }
            Step::EnterTwice(n, isolates) => self.enter_twice(n, isolates),
            Step::Create(isolate) => self.try_creation(isolate),
            Step::Bear(n, isolate) => self.try_bearing(n, isolate),
            Step::RestartObject(object) if !self.calm => self.world.restart_object(object),
            Step::RestartIsolate(isolate) => {
                self.world.restart_isolate(isolate);
                self.reference.forget_actor(isolate);
                for knocker in &mut self.knockers {
                    knocker.refused.retain(|(refused, _)| *refused != isolate);
                }
            }
            Step::SetClock(clock, ahead) if self.jumps => self.world.set_clock(clock, ahead),
            Step::RestartObject(_) | Step::SetClock(..) => {}
        }
    }

    /// Lets everything come to rest: then all is decided, and each gate agrees.
    pub(super) fn rest(&mut self) {
        while !self.world.is_settled() {
            self.world.wait(BOUND);
        }
        self.look_up();
        self.world.wait(BOUND + APART + GRACE);
        for knocker in &self.knockers {
            let decided = |isolate| self.expected(knocker.door, isolate).is_some();
            assert!((0..ISOLATES).all(decided), "{:?}", knocker.door);
        }
        self.knock_everywhere();
        (0..ISOLATES).for_each(|isolate| self.guess(isolate));
        (0..ISOLATES).for_each(|isolate| self.try_creation(isolate));
    }

    /// Calls the token API as the operator; answers the status and the JSON, unless they are
    /// lost.
    fn call(
        &mut self,
        isolate: usize,
        method: &str,
        path: &str,
        body: &str,
    ) -> Option<(u16, Value)> {
        let key = Base64::encode_string(format!("operator:{OPERATOR_KEY}").as_bytes());
        self.call_as(&format!("Basic {key}"), isolate, method, path, body)
    }

    fn call_as(
        &mut self,
        who: &str,
        isolate: usize,
        method: &str,
        path: &str,
        body: &str,
    ) -> Option<(u16, Value)> {
        let request = format!(
            "{method}\nhttps://gate.example/gatepass/api{path}\nauthorization:{who}\n\
             content-type:application/json"
        );
        let answer = self.world.manage(isolate, &request, body).ok()?;
        let json = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        Some((answer.status, json))
    }

    /// Makes a token as the operator.
    fn make(&mut self, make: &str, strict: bool) {
        let body = creation(make, strict);
        let (status, made) = self.call(0, "POST", "/tokens", &body).unwrap();
        assert_eq!(status, 201, "{made}");
        self.add_token(&made, None, None);
    }

    /// A token that was answered, with its door.
    fn add_token(&mut self, made: &Value, parent: Option<usize>, replaces: Option<usize>) {
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        let secret = text("token");
        let key = format!("t/{}", Digest::of(&secret).to_hex());
        let enters = made["kind"] == "embed";
        let request = if enters {
            format!("GET\n{}\n{FRAME}", text("embedUrl"))
        } else {
            format!("GET\nhttps://gate.example/x\nauthorization:Bearer {secret}")
        };
        let open = || Life::begin(Standing::Open, self.world.now, self.world.fact(&key));
        let (entry, going_on) = (open(), open());
        self.add_knocker(request, Door::Token(self.reference.tokens.len()), enters);
        self.reference.tokens.push(Token {
            id: text("id"),
            key,
            strict: made["strict"] == true,
            single_use: made["singleUse"] == true,
            parent,
            replaces,
            entry,
            going_on,
            grace: None,
            opened: 0,
        });
    }

    fn add_knocker(&mut self, request: String, door: Door, enters: bool) {
        self.knockers.push(Knocker {
            request,
            door,
            enters,
            refused: Vec::new(),
        });
    }

    fn fact_of(&self, token: usize) -> Fact {
        self.world.fact(&self.reference.tokens[token].key)
    }

    fn knock_everywhere(&mut self) {
        for n in 0..self.knockers.len() {
            (0..ISOLATES).for_each(|isolate| self.knock(n, isolate));
        }
    }

    /// Tries a door of a PAT or a session.
    fn knock(&mut self, n: usize, isolate: usize) {
        let Knocker { door, enters, .. } = self.knockers[n];
        if enters {
            return;
        }
        let expected = self.expected(door, isolate);
        let request = self.knockers[n].request.clone();
        let refusal = self.world.knock(isolate, &request);
        let (now, let_in) = (self.world.now, refusal.is_none());
        let told = refusal.map(|answer| answer.body);
        assert!(
            expected.is_none_or(|expected| expected == let_in),
            "{door:?} in isolate {isolate} at {now}: {told:?}"
        );
        let shut = self.reference.is_shut_for_good(door);
        let jumps = self.jump();
        let refused = &mut self.knockers[n].refused;
        let lately = |(by, at): &(usize, u64)| *by == isolate && now + jumps < at + REMEMBERED;
        assert!(
            !(let_in && shut && refused.iter().any(lately)),
            "isolate {isolate} refused {door:?} before {now}"
        );
        if shut && !let_in {
            refused.retain(|(by, _)| *by != isolate);
            refused.push((isolate, now));
        }
    }

    /// Tries a token that was never made.
    fn guess(&mut self, isolate: usize) {
        let (hint, entropy) = (Hint::of("default", "ada"), self.world.random.bytes());
        let secret = token::generate(Kind::Pat, &hint, &entropy).unwrap();
        let request = format!("GET\nhttps://gate.example/x\nauthorization:Bearer {secret}");
        self.add_knocker(request, Door::Nothing, false);
        self.knock(self.knockers.len() - 1, isolate);
        self.knockers.pop();
    }

    /// Tries to enter by an embed token.
    fn try_entry(&mut self, n: usize, isolate: usize) {
        let Some(n) = self.entry(n) else { return };
        let door = self.knockers[n].door;
        let expected = self.expected_entry(door, isolate);
        match self.enter(n, isolate) {
            Some(303) => assert_ne!(expected, Some(false), "entered by {door:?}"),
            // Its sessions were killed this very second.
            Some(429) | None => {}
            Some(status) => assert_ne!(expected, Some(true), "{status} at {door:?}"),
        }
    }

    /// Enters by an embed token, unless the answer is lost.
    fn enter(&mut self, n: usize, isolate: usize) -> Option<u16> {
        let request = self.knockers[n].request.clone();
        let answer = self.world.manage(isolate, &request, "");
        self.note_entry(n, isolate, answer.ok())
    }

    fn enter_twice(&mut self, n: usize, isolates: [usize; 2]) {
        let Some(n) = self.entry(n) else { return };
        let request = self.knockers[n].request.clone();
        let answers = self.world.manage_twice(isolates, &request);
        for (isolate, answer) in isolates.into_iter().zip(answers) {
            self.note_entry(n, isolate, Some(answer));
        }
    }

    /// An embed token to enter by.
    fn entry(&self, n: usize) -> Option<usize> {
        let entries = (0..self.knockers.len()).filter(|n| self.knockers[*n].enters);
        let entries: Vec<_> = entries.collect();
        (self.knockers.len() <= MOST_DOORS).then(|| entries[n % entries.len()])
    }

    /// Notes what came of an entry: a session has a door of its own.
    fn note_entry(&mut self, n: usize, isolate: usize, answer: Option<Answer>) -> Option<u16> {
        let Door::Token(number) = self.knockers[n].door else {
            return None;
        };
        let (fact, now) = (self.fact_of(number), self.world.now);
        let sure = self.outlives_kill();
        let token = &mut self.reference.tokens[number];
        if token.single_use {
            match answer.as_ref().map(|answer| answer.status) {
                Some(303) => token
                    .entry
                    .note(Standing::Shut, now, fact.clone(), Some(isolate)),
                None => token.entry.note(Standing::Unsure, now, fact.clone(), None),
                Some(_) => {}
            }
        }
        let answer = answer?;
        if answer.status != 303 {
            return Some(answer.status);
        }
        token.opened += 1;
        assert!(!token.single_use || token.opened == 1, "used twice");
        let set = answer
            .headers
            .iter()
            .find(|(name, _)| *name == "set-cookie");
        let (cookie, _attributes) = set.unwrap().1.split_once(';').unwrap();
        let (place, value) = cookie.split_once('=').unwrap();
        let host = place.trim_start_matches("__Host-gp-");
        let keys = SessionKeys::parse(SESSION_KEYS).unwrap();
        let session = session::Session::open(value, &keys).unwrap();
        let request = format!("GET\nhttps://{host}.embed.example/x\ncookie:{cookie}\n{OWN}");
        let door = Door::Session(self.reference.sessions.len());
        self.add_knocker(request, door, false);
        let standing = if sure {
            Standing::Open
        } else {
            Standing::Unsure
        };
        self.reference.sessions.push(Session {
            id: session.id.as_str().to_owned(),
            token: number,
            life: Life::begin(standing, now, fact),
        });
        Some(303)
    }

    /// Whether a session that is opened now was not killed with all others just before.
    fn outlives_kill(&self) -> bool {
        let Some((at, fact)) = &self.reference.killed_all else {
            return true;
        };
        let known = self.accepted(fact, *at);
        known.is_some_and(|known| known + BOUND + self.jump() <= self.world.now)
            || at + JUST_KILLED < self.world.now
    }

    /// Tries to make a token.
    fn try_creation(&mut self, isolate: usize) {
        let creation = &self.reference.creation;
        let (standing, looks) = (creation.standing(), self.looks(creation, isolate));
        let body = "{\"name\":\"x\",\"user\":{\"id\":\"ben\"}}";
        let (status, answer) = self.call(isolate, "POST", "/tokens", body).unwrap();
        if standing == Standing::Shut {
            assert_eq!(status, 403, "{answer}");
        } else if looks == Some(true) {
            assert_eq!(status, 201, "{answer}");
        }
    }

    /// Has a token make another one.
    fn try_bearing(&mut self, n: usize, isolate: usize) {
        let pats = (0..self.knockers.len()).filter(|n| {
            let Knocker { door, enters, .. } = &self.knockers[*n];
            matches!(door, Door::Token(_)) && !enters
        });
        let pats: Vec<_> = pats.collect();
        if self.knockers.len() > MOST_DOORS {
            return;
        }
        let parent = &self.knockers[pats[n % pats.len()]];
        let (Door::Token(number), Some((_, bearer))) =
            (parent.door, parent.request.split_once("authorization:"))
        else {
            return;
        };
        let bearer = bearer.to_owned();
        let make = if n.is_multiple_of(2) { PAT } else { EMBED };
        let body = creation(make, self.reference.tokens[number].strict);
        let called = self.call_as(&bearer, isolate, "POST", "/tokens", &body);
        let (status, made) = called.unwrap();
        if status == 201 {
            let standing = self.reference.tokens[number].entry.standing();
            assert_ne!(standing, Standing::Shut, "made by {number}");
            assert_ne!(self.reference.creation.standing(), Standing::Shut, "made");
            self.add_token(&made, Some(number), None);
        }
    }

    fn expected(&self, door: Door, isolate: usize) -> Option<bool> {
        self.with_look(isolate, |look| self.reference.expected(door, look))
    }

    /// An entry has the ledger's word, and no other way to be strict.
    fn expected_entry(&self, door: Door, isolate: usize) -> Option<bool> {
        let token = self.reference.token_of(door)?;
        match token.entry.standing() {
            Standing::Shut => Some(false),
            _ => self.with_look(isolate, |look| self.reference.expected_entry(door, look)),
        }
    }

    fn looks(&self, life: &Life, isolate: usize) -> Option<bool> {
        self.with_look(isolate, |look| life.looks(&look))
    }

    fn with_look<T>(&self, isolate: usize, judge: impl Fn(Look<'_>) -> T) -> T {
        judge(Look {
            now: self.world.now,
            isolate,
            strict: self.strict,
            accepted: &|fact, at| self.accepted(fact, at),
            jumps: self.jump(),
        })
    }

    /// Since when KV has had what holds since a moment.
    fn accepted(&self, fact: &Fact, at: u64) -> Option<u64> {
        match self.calm {
            true => Some(at + CALM + self.jump()),
            false => self.world.accepted(fact),
        }
    }

    /// Milliseconds by which clocks may have jumped.
    const fn jump(&self) -> u64 {
        if self.jumps { APART } else { 0 }
    }
}

/// The body that makes a token.
fn creation(make: &str, strict: bool) -> String {
    let label = if strict { "strict" } else { "" };
    let make = make.replace("LABEL", label);
    format!(
        "{{\"name\":\"x\",\"never\":true,\"user\":{{\"id\":\"ada\"}},\"strict\":{strict},{make}}}"
    )
}

const PAT: &str = "\"kind\":\"pat\",\"scopes\":[\"tokens\"]";
const EMBED: &str =
    "\"kind\":\"embed\",\"app\":\"jobs\",\"sessionMinutes\":10000,\"label\":\"LABEL\"";
const SINGLE_USE: &str = "\"kind\":\"embed\",\"app\":\"jobs\",\"sessionMinutes\":10000,\
    \"label\":\"LABEL\",\"singleUse\":true";

const FRAME: &str = "sec-fetch-dest:iframe\nsec-fetch-mode:navigate\nsec-fetch-site:cross-site";
const OWN: &str = "sec-fetch-dest:empty\nsec-fetch-mode:cors\nsec-fetch-site:same-origin";

/// Milliseconds until KV has what was changed, where it takes each put at once.
const CALM: u64 = 5 * PUT;

/// Milliseconds of the longest grace.
const GRACE: u64 = 300_000;

/// Milliseconds after a kill of all sessions in which one may be opened that ends with them.
const JUST_KILLED: u64 = 2 * APART + 2_000;
