//! The token API carried out: bodies read, authorities asked, answers written.
//!
//! A call may need several replies of ledgers and directories, one after the
//! other. It is a pure function of what is known: run with the replies so far,
//! it ends in an answer or in the next question, and is run again with one
//! reply more. So nothing here waits, and all of it runs natively.

use crate::actor::Actor;
use crate::answer::Answer;
use crate::challenge::Challenge;
use crate::change::{Change, Rotation};
use crate::config::Config;
use crate::digest::Digest;
use crate::directory::{self, Registration};
use crate::entry::{Entry, Minted};
use crate::grant::{Grant, Named, not_its_own_user};
use crate::hint::Hint;
use crate::id::Id;
use crate::ledger::{self, Asker, Changed, Creation};
use crate::lifecycle::User;
use crate::listing::{Cursor, Listing};
use crate::management::{self, Call, Target, Ticket};
use crate::problem::{Code, Problem};
use crate::scope::Scope;
use crate::time::Time;
use crate::token::{self, Kind, Token};
use crate::verdict::Question;
use crate::wire::{self, Message};
use core::cell::Cell;
use serde::Serialize;

/// How far a management request got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// An authority must be asked; then it goes on with one reply more.
    Ask(Question),
    /// It is done, or refused.
    Done {
        /// What the client gets.
        answer: Answer,
        /// Each record that changed, for the isolate to know at once.
        changed: Vec<Changed>,
    },
}

/// What a call is carried out with: the same each time that it is run again,
/// but for the replies.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The deployment's configuration.
    pub config: &'a Config,
    /// The request's body; `None`: it is not UTF-8.
    pub body: Option<&'a str>,
    /// Random bytes, for a token and its id.
    pub entropy: &'a Entropy,
    /// What the authorities replied so far, in the order of the questions.
    pub replies: &'a [String],
    /// The time in Unix milliseconds.
    pub now_ms: u64,
}

/// Random bytes: 64 for the secret, 16 for the id.
#[derive(Clone, Copy, Debug)]
pub struct Entropy(pub [u8; 64], pub [u8; 16]);

/// Does what a ticket says, as far as the replies reach.
pub fn manage(ticket: &Ticket, inputs: Inputs<'_>) -> Progress {
    let mut api = Api {
        inputs,
        actor: &ticket.actor,
        asker: Asker::from(&ticket.actor),
        asked: Cell::new(0),
        changed: Vec::new(),
    };
    let answer = match api.carry_out(ticket) {
        Ok(answer) => answer,
        Err(Stop::Refused(problem)) => refusal(&problem),
        Err(Stop::Ask(question)) => return Progress::Ask(question),
    };
    Progress::Done {
        answer,
        changed: api.changed,
    }
}

struct Api<'a> {
    inputs: Inputs<'a>,
    actor: &'a Actor,
    asker: Asker,
    /// How many questions this run has asked.
    asked: Cell<usize>,
    changed: Vec<Changed>,
}

/// Why a run ends before it has an answer.
enum Stop {
    Refused(Problem),
    Ask(Question),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl Api<'_> {
    fn carry_out(&mut self, ticket: &Ticket) -> Result<Answer, Stop> {
        let content_type = ticket.content_type.as_deref();
        match &ticket.call {
            Call::Create => {
                let key = ticket.idempotency_key.as_deref();
                self.create(content_type, key)
            }
            Call::List(listing) => self.list(listing),
            Call::Read(target) => {
                let id = self.id(target)?;
                let actor = self.asker.clone();
                match self.ask_about(
                    &id,
                    ledger::Command::Read {
                        actor,
                        id: id.clone(),
                    },
                )? {
                    ledger::Reply::Token(entry) => Ok(self.show(200, &entry, None)),
                    _ => Err(misunderstood().into()),
                }
            }
            Call::Change(id) => {
                let command = ledger::Command::Change {
                    actor: self.asker.clone(),
                    id: id.clone(),
                    change: Change::parse(content_type, self.body()?)?,
                };
                let (entry, _) = self.change(id, command)?;
                Ok(self.show(200, &entry, None))
            }
            Call::Rotate(id) => {
                let rotation = Rotation::parse(content_type, self.body()?)?;
                let (minted, secret) = self.mint(&id.hint())?;
                let command = ledger::Command::Rotate {
                    actor: self.asker.clone(),
                    id: id.clone(),
                    rotation,
                    minted,
                };
                let (entry, _) = self.change(id, command)?;
                Ok(self.created(&entry, Some(&secret)))
            }
            Call::Revoke(target) => {
                let id = self.id(target)?;
                let actor = self.asker.clone();
                self.change(
                    &id,
                    ledger::Command::Revoke {
                        actor,
                        id: id.clone(),
                    },
                )?;
                Ok(Answer::empty(204))
            }
        }
    }

    fn create(&mut self, content_type: Option<&str>, key: Option<&str>) -> Result<Answer, Stop> {
        let body = self.body()?;
        management::check_idempotency_key(key)?;
        let (grant, named) = Grant::parse(
            content_type,
            body,
            &self.inputs.config.app_ids(),
            self.now(),
        )?;
        let registration = Registration {
            workspace: self.actor.workspace().to_owned(),
            user: Named::resolve(self.actor, named)?,
            actor: self.asker.name().to_owned(),
            once: key.map(|key| (key.to_owned(), Digest::of(body))),
        };
        let user = self.register(registration)?;
        let (minted, secret) = self.mint(&Hint::of(self.actor.workspace(), &user.uid))?;
        let id = minted.id.clone();
        let creation = Creation {
            actor: self.asker.clone(),
            user,
            grant,
            minted,
            once: key.map(|key| Digest::of(&format!("{key}\0{body}"))),
        };
        let command = ledger::Command::Create(Box::new(creation));
        let (entry, repeated) = self.change(&id, command)?;
        Ok(self.created(&entry, Some(secret.as_str()).filter(|_| !repeated)))
    }

    fn register(&self, registration: Registration) -> Result<User, Stop> {
        let command = directory::Command::Register(Box::new(registration));
        match self.ask_directory(command)? {
            directory::Reply::User(mut user) => {
                // A directory that lost its memory does not take the address away.
                if let (Actor::Pat(record), true) = (self.actor, user.email.is_empty()) {
                    user.email.clone_from(&record.email);
                }
                Ok(user)
            }
            _ => Err(misunderstood().into()),
        }
    }

    fn list(&self, listing: &Listing) -> Result<Answer, Stop> {
        let mut page = Page::default();
        match self.listed_user(listing)? {
            Listed::Nobody => {}
            Listed::One(uid) => self.list_one(listing, &uid, &mut page)?,
            Listed::Everybody => self.list_all(listing, &mut page)?,
        }
        let now = self.now();
        let body = List {
            result: page
                .tokens
                .iter()
                .map(|entry| entry.view(now, None))
                .collect(),
            next: page.next.as_ref().map(Cursor::encode),
        };
        Ok(Answer::json(200, &body))
    }

    /// Whose tokens a list shows.
    fn listed_user(&self, listing: &Listing) -> Result<Listed, Stop> {
        match (self.actor, &listing.user) {
            (Actor::Pat(record), user) => {
                let own = |user: &String| {
                    *user == record.uid
                        || (!record.email.is_empty() && user.to_ascii_lowercase() == record.email)
                };
                if !user.as_ref().is_none_or(own) {
                    return Err(not_its_own_user().into());
                }
                Ok(Listed::One(record.uid.clone()))
            }
            (Actor::Operator { .. }, None) => Ok(Listed::Everybody),
            (Actor::Operator { .. }, Some(user)) => {
                let user = user.clone();
                let found = self.users(directory::Command::Find { user })?;
                let uid = found.into_iter().next().map(|user| user.uid);
                Ok(uid.map_or(Listed::Nobody, Listed::One))
            }
        }
    }

    fn list_one(&self, listing: &Listing, uid: &str, page: &mut Page) -> Result<(), Stop> {
        let before = match &listing.cursor {
            None => None,
            Some(Cursor {
                uid: of,
                before: Some(id),
            }) if of == uid => Some(id.clone()),
            Some(_) => return Err(Problem::field("cursor", "belongs to another list").into()),
        };
        self.add(listing, uid, before, page)
    }

    /// Goes through the workspace's users in the order of their ids.
    fn list_all(&self, listing: &Listing, page: &mut Page) -> Result<(), Stop> {
        let mut after = None;
        if let Some(Cursor { uid, before }) = &listing.cursor {
            after = Some(uid.clone());
            if let Some(before) = before {
                self.add(listing, uid, Some(before.clone()), page)?;
                if page.next.is_some() {
                    return Ok(());
                }
            }
        }
        if page.is_full(listing) {
            page.next = after.map(|uid| Cursor { uid, before: None });
            return Ok(());
        }
        let limit = MAX_LEDGERS;
        let users = self.users(directory::Command::Users { after, limit })?;
        let all_seen = users.len() < usize::from(limit);
        let last = users.len().saturating_sub(1);
        for (at, user) in users.into_iter().enumerate() {
            self.add(listing, &user.uid, None, page)?;
            let more_users = at < last || !all_seen;
            if page.next.is_none() && more_users && (page.is_full(listing) || at == last) {
                let uid = user.uid;
                page.next = Some(Cursor { uid, before: None });
            }
            if page.next.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Adds a user's tokens to a page, as many as it still takes.
    fn add(
        &self,
        listing: &Listing,
        uid: &str,
        before: Option<Id>,
        page: &mut Page,
    ) -> Result<(), Stop> {
        let room = usize::from(listing.limit).saturating_sub(page.tokens.len());
        let command = ledger::Command::List {
            actor: self.asker.clone(),
            uid: uid.to_owned(),
            filter: listing.filter.clone(),
            before,
            limit: u8::try_from(room).unwrap_or(u8::MAX),
        };
        let hint = Hint::of(self.actor.workspace(), uid);
        match self.ask_ledger(&hint, command)? {
            ledger::Reply::Page { tokens, next } => {
                page.tokens.extend(tokens);
                page.next = next.map(|id| Cursor {
                    uid: uid.to_owned(),
                    before: Some(id),
                });
                Ok(())
            }
            _ => Err(misunderstood().into()),
        }
    }

    fn users(&self, command: directory::Command) -> Result<Vec<User>, Stop> {
        match self.ask_directory(command)? {
            directory::Reply::Users(users) => Ok(users),
            _ => Err(misunderstood().into()),
        }
    }

    /// The id of the token that a call is about.
    fn id(&self, target: &Target) -> Result<Id, Stop> {
        match (target, self.actor) {
            (Target::Id(id), _) => Ok(id.clone()),
            (Target::Itself, Actor::Pat(record)) => Ok(record.id.clone()),
            (Target::Itself, Actor::Operator { .. }) => {
                let detail = "the operator key is no token; name a token by its id";
                Err(Problem::invalid_request(detail).into())
            }
        }
    }

    fn body(&self) -> Result<&str, Problem> {
        let missing = || Problem::invalid_request("the body must be UTF-8");
        self.inputs.body.ok_or_else(missing)
    }

    /// A new secret and its names.
    fn mint(&self, hint: &Hint) -> Result<(Minted, String), Problem> {
        let Entropy(secret, id) = self.inputs.entropy;
        let secret =
            token::generate(Kind::Pat, hint, secret).ok_or_else(Problem::store_unavailable)?;
        let start = Token::parse(&secret).map(|token| token.start());
        let minted = Minted {
            id: Id::generate(hint, self.inputs.now_ms, *id),
            digest: Digest::of(&secret),
            start: start.map_err(|_| Problem::store_unavailable())?,
        };
        Ok((minted, secret))
    }

    /// Has a ledger change something, and keeps what changed.
    fn change(&mut self, id: &Id, command: ledger::Command) -> Result<(Entry, bool), Stop> {
        match self.ask_about(id, command)? {
            ledger::Reply::Changed {
                token,
                changed,
                repeated,
            } => {
                self.changed = changed;
                Ok((*token, repeated))
            }
            _ => Err(misunderstood().into()),
        }
    }

    /// Asks the ledger that knows a token. A PAT asks its own, which knows all
    /// that it may hear of, and answers alike for what is not there and what
    /// is another user's.
    fn ask_about(&self, id: &Id, command: ledger::Command) -> Result<ledger::Reply, Stop> {
        let hint = match self.actor {
            Actor::Pat(record) => record.id.hint(),
            Actor::Operator { .. } => id.hint(),
        };
        self.ask_ledger(&hint, command)
    }

    fn ask_ledger(&self, hint: &Hint, command: ledger::Command) -> Result<ledger::Reply, Stop> {
        let name = format!("l/{}", hint.as_str());
        match self.ask("LEDGER", name, &command)? {
            ledger::Reply::Refused(problem) => Err(problem.into()),
            reply => Ok(reply),
        }
    }

    fn ask_directory(&self, command: directory::Command) -> Result<directory::Reply, Stop> {
        let name = format!("d/{}", self.actor.workspace());
        match self.ask("DIRECTORY", name, &command)? {
            directory::Reply::Refused(problem) => Err(problem.into()),
            reply => Ok(reply),
        }
    }

    /// The reply to the next question, or a stop that asks it.
    fn ask<C: Message, R: Message>(
        &self,
        class: &'static str,
        name: String,
        command: &C,
    ) -> Result<R, Stop> {
        let number = self.asked.get();
        self.asked.set(number.saturating_add(1));
        if let Some(reply) = self.inputs.replies.get(number) {
            return wire::read(reply).ok_or_else(|| misunderstood().into());
        }
        Err(Stop::Ask(Question {
            class,
            name,
            command: wire::write(command),
            budgets: Vec::new(),
        }))
    }

    fn created(&self, entry: &Entry, secret: Option<&str>) -> Answer {
        let location = format!("{}/{}", management::PATH, entry.record.id.as_str());
        self.show(201, entry, secret).header("location", location)
    }

    fn show(&self, status: u16, entry: &Entry, secret: Option<&str>) -> Answer {
        Answer::json(status, &entry.view(self.now(), secret))
    }

    const fn now(&self) -> Time {
        Time::from_millis(self.inputs.now_ms)
    }
}

enum Listed {
    Nobody,
    One(String),
    Everybody,
}

#[derive(Default)]
struct Page {
    tokens: Vec<Entry>,
    next: Option<Cursor>,
}

impl Page {
    fn is_full(&self, listing: &Listing) -> bool {
        self.tokens.len() >= usize::from(listing.limit)
    }
}

#[derive(Serialize)]
struct List<T> {
    result: Vec<T>,
    next: Option<String>,
}

/// A reply that cannot be understood is no reply: 503, never a guess.
fn misunderstood() -> Problem {
    Problem::store_unavailable()
}

/// The answer to a refusal, with RFC 6750's challenge where it asks for one.
fn refusal(problem: &Problem) -> Answer {
    let challenge = match (problem.status, problem.code, &problem.field) {
        (401, _, _) => Challenge::InvalidToken,
        (403, Code::ScopeInsufficient, None) => Challenge::InsufficientScope(Scope::TOKENS),
        _ => return problem.answer(),
    };
    let answer = problem.answer();
    answer.header("www-authenticate", challenge.bearer())
}

/// How many ledgers are asked for one page of a workspace's list.
const MAX_LEDGERS: u8 = 40;
