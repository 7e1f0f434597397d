//! The token API carried out: bodies read, authorities asked, answers written.

use super::sql::log_error;
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
use crate::ledger::{self, Asker, Creation};
use crate::lifecycle::User;
use crate::listing::{Cursor, Listing};
use crate::management::{self, Call, Target, Ticket};
use crate::problem::{Code, Problem};
use crate::record::Record;
use crate::scope::Scope;
use crate::time::Time;
use crate::token::{self, Kind, Token};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Env, Method, Request, RequestInit};

/// A management request that was carried out, or refused.
pub struct Managed {
    /// What the client gets.
    pub answer: Answer,
    /// Each record that changed, for the isolate to know at once.
    pub changed: Vec<(Digest, Record)>,
}

/// Does what a ticket says.
pub async fn manage(
    env: &Env,
    config: &Config,
    ticket: Ticket,
    body: &str,
    now_ms: u64,
) -> Managed {
    let mut api = Api {
        env,
        config,
        actor: &ticket.actor,
        asker: Asker::from(&ticket.actor),
        now_ms,
        changed: Vec::new(),
    };
    let outcome = api.carry_out(&ticket, body).await;
    Managed {
        answer: outcome.unwrap_or_else(|problem| refusal(&problem)),
        changed: api.changed,
    }
}

struct Api<'a> {
    env: &'a Env,
    config: &'a Config,
    actor: &'a Actor,
    asker: Asker,
    now_ms: u64,
    changed: Vec<(Digest, Record)>,
}

impl Api<'_> {
    async fn carry_out(&mut self, ticket: &Ticket, body: &str) -> Result<Answer, Problem> {
        let content_type = ticket.content_type.as_deref();
        match &ticket.call {
            Call::Create => {
                let key = ticket.idempotency_key.as_deref();
                self.create(content_type, body, key).await
            }
            Call::List(listing) => self.list(listing).await,
            Call::Read(target) => {
                let id = self.id(target)?;
                let actor = self.asker.clone();
                match self
                    .ask_about(
                        &id,
                        ledger::Command::Read {
                            actor,
                            id: id.clone(),
                        },
                    )
                    .await?
                {
                    ledger::Reply::Token(entry) => Ok(self.show(200, &entry, None)),
                    _ => Err(misunderstood("Ledger")),
                }
            }
            Call::Change(id) => {
                let command = ledger::Command::Change {
                    actor: self.asker.clone(),
                    id: id.clone(),
                    change: Change::parse(content_type, body)?,
                };
                let (entry, _) = self.change(id, command).await?;
                Ok(self.show(200, &entry, None))
            }
            Call::Rotate(id) => {
                let rotation = Rotation::parse(content_type, body)?;
                let (minted, secret) = self.mint(&id.hint())?;
                let command = ledger::Command::Rotate {
                    actor: self.asker.clone(),
                    id: id.clone(),
                    rotation,
                    minted,
                };
                let (entry, _) = self.change(id, command).await?;
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
                )
                .await?;
                Ok(Answer::empty(204))
            }
        }
    }

    async fn create(
        &mut self,
        content_type: Option<&str>,
        body: &str,
        key: Option<&str>,
    ) -> Result<Answer, Problem> {
        management::check_idempotency_key(key)?;
        let (grant, named) = Grant::parse(content_type, body, &self.config.app_ids(), self.now())?;
        let registration = Registration {
            workspace: self.actor.workspace().to_owned(),
            user: Named::resolve(self.actor, named)?,
            actor: self.asker.name().to_owned(),
            once: key.map(|key| (key.to_owned(), Digest::of(body))),
        };
        let user = self.register(registration).await?;
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
        let (entry, repeated) = self.change(&id, command).await?;
        Ok(self.created(&entry, Some(secret.as_str()).filter(|_| !repeated)))
    }

    async fn register(&self, registration: Registration) -> Result<User, Problem> {
        let command = directory::Command::Register(Box::new(registration));
        match self.ask_directory(command).await? {
            directory::Reply::User(mut user) => {
                // A directory that lost its memory does not take the address away.
                if let (Actor::Pat(record), true) = (self.actor, user.email.is_empty()) {
                    user.email.clone_from(&record.email);
                }
                Ok(user)
            }
            _ => Err(misunderstood("Directory")),
        }
    }

    async fn list(&self, listing: &Listing) -> Result<Answer, Problem> {
        let mut page = Page::default();
        match self.listed_user(listing).await? {
            Listed::Nobody => {}
            Listed::One(uid) => self.list_one(listing, &uid, &mut page).await?,
            Listed::Everybody => self.list_all(listing, &mut page).await?,
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
    async fn listed_user(&self, listing: &Listing) -> Result<Listed, Problem> {
        match (self.actor, &listing.user) {
            (Actor::Pat(record), user) => {
                let own = |user: &String| {
                    *user == record.uid
                        || (!record.email.is_empty() && user.to_lowercase() == record.email)
                };
                if !user.as_ref().is_none_or(own) {
                    return Err(not_its_own_user());
                }
                Ok(Listed::One(record.uid.clone()))
            }
            (Actor::Operator { .. }, None) => Ok(Listed::Everybody),
            (Actor::Operator { .. }, Some(user)) => {
                let user = user.clone();
                let found = self.users(directory::Command::Find { user }).await?;
                let uid = found.into_iter().next().map(|user| user.uid);
                Ok(uid.map_or(Listed::Nobody, Listed::One))
            }
        }
    }

    async fn list_one(&self, listing: &Listing, uid: &str, page: &mut Page) -> Result<(), Problem> {
        let before = match &listing.cursor {
            None => None,
            Some(Cursor {
                uid: of,
                before: Some(id),
            }) if of == uid => Some(id.clone()),
            Some(_) => return Err(Problem::field("cursor", "belongs to another list")),
        };
        self.add(listing, uid, before, page).await
    }

    /// Goes through the workspace's users in the order of their ids.
    async fn list_all(&self, listing: &Listing, page: &mut Page) -> Result<(), Problem> {
        let mut after = None;
        if let Some(Cursor { uid, before }) = &listing.cursor {
            after = Some(uid.clone());
            if let Some(before) = before {
                self.add(listing, uid, Some(before.clone()), page).await?;
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
        let users = self
            .users(directory::Command::Users { after, limit })
            .await?;
        let all_seen = users.len() < usize::from(limit);
        let last = users.len().saturating_sub(1);
        for (at, user) in users.into_iter().enumerate() {
            self.add(listing, &user.uid, None, page).await?;
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
    async fn add(
        &self,
        listing: &Listing,
        uid: &str,
        before: Option<Id>,
        page: &mut Page,
    ) -> Result<(), Problem> {
        let room = usize::from(listing.limit).saturating_sub(page.tokens.len());
        let command = ledger::Command::List {
            actor: self.asker.clone(),
            uid: uid.to_owned(),
            filter: listing.filter.clone(),
            before,
            limit: u8::try_from(room).unwrap_or(u8::MAX),
        };
        let hint = Hint::of(self.actor.workspace(), uid);
        match self.ask_ledger(&hint, command).await? {
            ledger::Reply::Page { tokens, next } => {
                page.tokens.extend(tokens);
                page.next = next.map(|id| Cursor {
                    uid: uid.to_owned(),
                    before: Some(id),
                });
                Ok(())
            }
            _ => Err(misunderstood("Ledger")),
        }
    }

    async fn users(&self, command: directory::Command) -> Result<Vec<User>, Problem> {
        match self.ask_directory(command).await? {
            directory::Reply::Users(users) => Ok(users),
            _ => Err(misunderstood("Directory")),
        }
    }

    /// The id of the token that a call is about.
    fn id(&self, target: &Target) -> Result<Id, Problem> {
        match (target, self.actor) {
            (Target::Id(id), _) => Ok(id.clone()),
            (Target::Itself, Actor::Pat(record)) => Ok(record.id.clone()),
            (Target::Itself, Actor::Operator { .. }) => {
                let detail = "the operator key is no token; name a token by its id";
                Err(Problem::invalid_request(detail))
            }
        }
    }

    /// A new secret and its names.
    fn mint(&self, hint: &Hint) -> Result<(Minted, String), Problem> {
        let mut entropy = [0; 64];
        let mut id_entropy = [0; 16];
        let secret = getrandom::fill(&mut entropy)
            .and_then(|()| getrandom::fill(&mut id_entropy))
            .ok()
            .and_then(|()| token::generate(Kind::Pat, hint, &entropy));
        let secret = secret.ok_or_else(Problem::store_unavailable)?;
        let start = Token::parse(&secret).map(|token| token.start());
        let minted = Minted {
            id: Id::generate(hint, self.now_ms, id_entropy),
            digest: Digest::of(&secret),
            start: start.map_err(|_| Problem::store_unavailable())?,
        };
        Ok((minted, secret))
    }

    /// Has a ledger change something, and keeps what changed.
    async fn change(
        &mut self,
        id: &Id,
        command: ledger::Command,
    ) -> Result<(Entry, bool), Problem> {
        match self.ask_about(id, command).await? {
            ledger::Reply::Changed {
                token,
                changed,
                repeated,
            } => {
                self.changed = changed;
                Ok((*token, repeated))
            }
            _ => Err(misunderstood("Ledger")),
        }
    }

    async fn ask_about(&self, id: &Id, command: ledger::Command) -> Result<ledger::Reply, Problem> {
        self.ask_ledger(&id.hint(), command).await
    }

    async fn ask_ledger(
        &self,
        hint: &Hint,
        command: ledger::Command,
    ) -> Result<ledger::Reply, Problem> {
        let name = format!("l/{}", hint.as_str());
        match ask(self.env, "LEDGER", &name, &command).await? {
            ledger::Reply::Refused(problem) => Err(problem),
            reply => Ok(reply),
        }
    }

    async fn ask_directory(
        &self,
        command: directory::Command,
    ) -> Result<directory::Reply, Problem> {
        let name = format!("d/{}", self.actor.workspace());
        match ask(self.env, "DIRECTORY", &name, &command).await? {
            directory::Reply::Refused(problem) => Err(problem),
            reply => Ok(reply),
        }
    }

    fn created(&self, entry: &Entry, secret: Option<&str>) -> Answer {
        let location = format!("{}/{}", management::PATH, entry.record.id.as_str());
        self.show(201, entry, secret).header("location", location)
    }

    fn show(&self, status: u16, entry: &Entry, secret: Option<&str>) -> Answer {
        Answer::json(status, &entry.view(self.now(), secret))
    }

    const fn now(&self) -> Time {
        Time::from_millis(self.now_ms)
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

/// Asks a Durable Object. Whatever goes wrong there is a 503, never a guess.
async fn ask<C: Serialize, R: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    command: &C,
) -> Result<R, Problem> {
    let command = serde_json::to_string(command).map_err(|_| misunderstood(binding))?;
    match fetch(env, binding, name, command).await {
        Ok(Some(reply)) => serde_json::from_str(&reply).map_err(|_| misunderstood(binding)),
        Ok(None) => Err(Problem::store_unavailable()),
        Err(error) => {
            log_error(binding, &error.to_string());
            Err(Problem::store_unavailable())
        }
    }
}

/// What a Durable Object answers, if that is a 200.
async fn fetch(
    env: &Env,
    binding: &str,
    name: &str,
    command: String,
) -> worker::Result<Option<String>> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(command.into()));
    let request = Request::new_with_init("https://gatepass/", &init)?;
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let mut response = stub.fetch_with_request(request).await?;
    let reply = response.text().await?;
    Ok(Some(reply).filter(|_| response.status_code() == 200))
}

fn misunderstood(place: &str) -> Problem {
    log_error(place, "a reply could not be understood");
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
