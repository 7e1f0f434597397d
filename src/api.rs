//! The token API carried out: bodies read, authorities asked, answers written.
//!
//! A call may need several replies, and is run again with each
//! ([`crate::conversation`]).

use crate::actor::Actor;
use crate::answer::Answer;
use crate::asker::Asker;
use crate::audit::{Events, Selection};
use crate::challenge::Challenge;
use crate::change::{Change, Rotation};
use crate::conversation::{Conversation, Inputs, Stop, misunderstood};
use crate::digest::Digest;
use crate::directory::{self, Registration, Task as OfDirectory};
use crate::entry::{Entry, Fresh, Minted};
use crate::gate::USED;
use crate::grant::{Grant, Named};
use crate::hint::Hint;
use crate::id::Id;
use crate::ledger::{self, Changed, Creation, Task};
use crate::lifecycle::User;
use crate::management::{self, Call, Request, Target, Ticket, Whose};
use crate::minting::{self, Asked};
use crate::paging::{Listed, What};
use crate::policy::{Decided, Policy};
use crate::problem::{Code, Problem};
use crate::scope::Scope;
use crate::sessions::Spot;
use crate::sign_in;
use crate::time::Time;
use crate::token::Kind;
use crate::tooljet;
use crate::transaction::MAX_TOLD;
use crate::verdict::Question;

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
        /// The place that was opened, for the same.
        spot: Option<Spot>,
    },
}

/// Does what a ticket says, as far as the replies reach.
pub fn manage(ticket: &Ticket, inputs: Inputs<'_>) -> Progress {
    let conversation = Conversation::new(inputs);
    let mut changed = Vec::new();
    let (outcome, spot) = match ticket {
        Ticket::Manage(request) => {
            let outcome = sign_in::known(&conversation, request);
            let outcome = outcome.and_then(|actor| {
                let mut api = Api {
                    conversation,
                    request,
                    asker: Asker::new(&actor, request.source.clone()),
                    actor: &actor,
                    changed: &mut changed,
                };
                api.carry_out()
            });
            (outcome.map_err(|stop| (stop, None)), None)
        }
        Ticket::Report(report) => {
            let outcome = report.carry_out(&conversation, &mut changed);
            (outcome.map_err(|stop| (stop, None)), None)
        }
        Ticket::Enter(entrance) => {
            let outcome = entrance.carry_out(&conversation, &mut changed);
            let spot = entrance.spot.clone();
            (outcome.map_err(|stop| (stop, Some(entrance))), Some(spot))
        }
    };
    let answer = match outcome {
        Ok(answer) => match ticket {
            Ticket::Manage(Request {
                actor: Actor::Pat(record),
                ..
            }) => answer.header(USED, record.id.as_str().to_owned()),
            _ => answer,
        },
        Err((Stop::Refused(problem), None)) => match ticket {
            Ticket::Manage(Request {
                actor: Actor::Operator {
                    sign_in: Some(_), ..
                },
                ..
            }) if problem.status == 401 => sign_in::without_cookie(refusal(&problem)),
            _ => refusal(&problem),
        },
        Err((Stop::Refused(problem), Some(entrance))) => entrance.refuse(&problem),
        Err((Stop::Ask(question), _)) => return Progress::Ask(*question),
    };
    Progress::Done {
        answer,
        changed,
        spot,
    }
}

pub(crate) struct Api<'a> {
    pub(crate) conversation: Conversation<'a>,
    pub(crate) request: &'a Request,
    pub(crate) actor: &'a Actor,
    pub(crate) asker: Asker,
    changed: &'a mut Vec<Changed>,
}

impl<'a> Api<'a> {
    fn carry_out(&mut self) -> Result<Answer, Stop> {
        let content_type = self.request.content_type.as_deref();
        match &self.request.call {
            Call::Create => {
                let key = self.request.idempotency_key.as_deref();
                self.create(content_type, key)
            }
            Call::ToolJet => self.make_for_tooljet(content_type),
            Call::Synergy(call) => self.for_synergy(*call, content_type),
            Call::Introspect => self.introspect(content_type),
            Call::RevokePresented => self.revoke_presented(content_type),
            Call::SignIn => self.sign_in(),
            Call::Who => {
                self.check_actor()?;
                Ok(self.who())
            }
            Call::SignOut => self.sign_out(),
            Call::Settings => {
                self.check_actor()?;
                self.settings(OfDirectory::Decided)
            }
            Call::SetSettings => {
                let policy = Policy::parse(content_type, self.body()?)?;
                self.settings(OfDirectory::SetPolicy { policy })
            }
            Call::List(listing) => self.list(listing, What::Tokens),
            Call::Audit(listing) => self.list(listing, What::Events),
            Call::Sessions(listing) => self.list(listing, What::Sessions),
            Call::Kill(id) => {
                self.change(id, Task::Kill { id: id.clone() })?;
                Ok(Answer::empty(204))
            }
            Call::KillAll(whose) => self.kill_all(whose),
            Call::Read(target) => {
                let id = self.id(target)?;
                let hint = self.ledger_of(&id);
                match self.ask_ledger(&hint, Task::Read { id })? {
                    ledger::Reply::Token(entry) => Ok(self.show(200, &entry, None)),
                    _ => Err(misunderstood().into()),
                }
            }
            Call::Change(id) => {
                let task = Task::Change {
                    id: id.clone(),
                    change: Change::parse(content_type, self.body()?)?,
                };
                let (entry, _) = self.change(id, task)?;
                Ok(self.show(200, &entry, None))
            }
            Call::Rotate(id) => {
                let rotation = Rotation::parse(content_type, self.body()?)?;
                let decided = self.decided(OfDirectory::Decided)?;
                decided.settings().check_creation(self.actor.is_admin())?;
                let (minted, secret) = self.mint(Kind::Pat, &id.hint())?;
                let task = Task::Rotate {
                    id: id.clone(),
                    rotation,
                    limits: decided.policy.limits,
                    minted,
                    quota: self.quota(),
                };
                let (entry, _) = self.change(id, task)?;
                Ok(self.created(&entry, Some(secret)))
            }
            Call::Revoke(target) => {
                let id = self.id(target)?;
                self.change(&id, Task::Revoke { id: id.clone() })?;
                Ok(Answer::empty(204))
            }
        }
    }

    /// Kills all sessions of a token, a user or the workspace.
    fn kill_all(&mut self, whose: &Whose) -> Result<Answer, Stop> {
        let killed = Answer::empty(204);
        let (hint, whose) = match whose {
            Whose::Everybody => {
                self.decided(OfDirectory::KillSessions)?;
                return Ok(killed);
            }
            Whose::Token(id) => (self.ledger_of(id), ledger::Whose::Token(id.clone())),
            Whose::User(user) => {
                let uid = self.one_user(user)?;
                let hint = Hint::of(self.actor.workspace(), &uid);
                (hint, ledger::Whose::User(uid))
            }
        };
        loop {
            let whose = whose.clone();
            let reply = self.ask_ledger(&hint, Task::KillAll { whose })?;
            let ledger::Reply::Killed(changed) = reply else {
                return Err(misunderstood().into());
            };
            let more = changed.len() >= MAX_TOLD;
            self.changed.extend(changed);
            if !more {
                break;
            }
        }
        Ok(killed)
    }

    /// The one user who has this id or e-mail address. Who may be two is nobody.
    fn one_user(&self, user: &str) -> Result<String, Stop> {
        if self.actor.own().is_some()
            && let Listed::One(own) = self.named_user(Some(&user.to_owned()))?
        {
            return Ok(own);
        }
        let user = user.to_owned();
        match self.users(OfDirectory::Find { user })?.as_slice() {
            [user] => Ok(user.uid.clone()),
            [] => Err(Problem::new(404, Code::InvalidField, "is not known here")
                .about("user")
                .into()),
            _ => Err(
                Problem::field("user", "is one user's id and another's address")
                    .with_status(409)
                    .into(),
            ),
        }
    }

    fn create(&mut self, content_type: Option<&str>, key: Option<&str>) -> Result<Answer, Stop> {
        let body = self.body()?;
        management::check_idempotency_key(key)?;
        let (grant, named) = Grant::parse(
            content_type,
            body,
            &self.conversation.inputs.config.app_ids(),
            self.now(),
        )?;
        let once = key.map(|key| (key, body));
        let (entry, secret) = self.make(grant, named, once, None)?;
        Ok(self.created(&entry, secret))
    }

    /// Makes an embed token as ToolJet's clients ask for it: one of a user and
    /// app at a time.
    fn make_for_tooljet(&mut self, content_type: Option<&str>) -> Result<Answer, Stop> {
        let config = self.conversation.inputs.config;
        let wanted = tooljet::parse(content_type, self.body()?, config, self.now())?;
        let slot = Some(wanted.slot);
        let (entry, secret) = self.make(wanted.grant, Some(wanted.user), None, slot)?;
        let secret = secret.ok_or_else(misunderstood)?;
        let url = self.address().embed_url(&entry, &wanted.app, &secret);
        Ok(tooljet::answer(&secret, &url))
    }

    /// Makes a token; the secret is there unless the same was made before.
    pub(crate) fn make(
        &mut self,
        grant: Grant,
        named: Option<Named>,
        once: Option<(&str, &str)>,
        slot: Option<String>,
    ) -> Result<(Entry, Option<String>), Stop> {
        let workspace = self.actor.workspace();
        let registration = Registration {
            user: Named::resolve(self.actor, named)?,
            once: once.map(|(key, body)| (key.to_owned(), Digest::of(body))),
        };
        let (user, policy) = self.register(registration)?;
        if let (Actor::User(_), false) = (self.actor, self.actor.is_admin()) {
            policy.check_scopes(&grant.scopes)?;
        }
        if let Some(embed) = &grant.embed {
            policy.check_origins(&embed.allowed_origins)?;
        }
        let kind = match grant.embed {
            None => Kind::Pat,
            Some(_) => Kind::Embed,
        };
        let (minted, secret) = self.mint(kind, &Hint::of(workspace, &user.uid))?;
        let id = minted.id.clone();
        let creation = Creation {
            spots: minting::spots(&grant, &user, workspace, self.address().config)?,
            user,
            grant,
            limits: policy.limits,
            minted,
            quota: self.quota(),
            once: once.map(|(key, body)| Digest::of(&format!("{key}\0{body}"))),
            slot,
        };
        let task = Task::Create(Box::new(creation));
        let (entry, repeated) = self.change(&id, task)?;
        Ok((entry, Some(secret).filter(|_| !repeated)))
    }

    const fn quota(&self) -> u32 {
        self.conversation.inputs.config.creations.0
    }

    /// The configuration, and where it is asked.
    fn address(&self) -> Asked<'_> {
        Asked {
            config: self.conversation.inputs.config,
            origin: &self.request.origin,
        }
    }

    /// Has the ledger of the PAT that asks look at it, where no other command does.
    fn check_actor(&self) -> Result<(), Stop> {
        if let Actor::Pat(own) = self.actor {
            let id = own.id.clone();
            self.ask_ledger(&own.id.hint(), Task::Read { id })?;
        }
        Ok(())
    }

    /// Shows the settings that a task answers.
    fn settings(&self, task: OfDirectory) -> Result<Answer, Stop> {
        Ok(Answer::json(200, self.decided(task)?.policy.to_json()))
    }

    /// What is decided for the workspace, by a task that answers that.
    pub(crate) fn decided(&self, task: OfDirectory) -> Result<Decided, Stop> {
        match self.ask_directory(task)? {
            directory::Reply::Decided(decided) => Ok(decided),
            _ => Err(misunderstood().into()),
        }
    }

    fn register(&self, registration: Registration) -> Result<(User, Policy), Stop> {
        let task = OfDirectory::Register(Box::new(registration));
        match self.ask_directory(task)? {
            directory::Reply::Registered { mut user, policy } => {
                // A directory that lost its memory does not take the address away.
                if let (Actor::Pat(record), true) = (self.actor, user.email.is_empty()) {
                    user.email.clone_from(&record.email);
                }
                Ok((user, policy))
            }
            _ => Err(misunderstood().into()),
        }
    }

    pub(crate) fn users(&self, task: OfDirectory) -> Result<Vec<User>, Stop> {
        match self.ask_directory(task)? {
            directory::Reply::Users(users) => Ok(users),
            _ => Err(misunderstood().into()),
        }
    }

    /// The id of the token that a call is about.
    fn id(&self, target: &Target) -> Result<Id, Stop> {
        match (target, self.actor) {
            (Target::Id(id), _) => Ok(id.clone()),
            (Target::Itself, Actor::Pat(record)) => Ok(record.id.clone()),
            (Target::Itself, _) => {
                let detail = "no token was presented; name a token by its id";
                Err(Problem::invalid_request(detail).into())
            }
        }
    }

    pub(crate) fn body(&self) -> Result<&'a str, Problem> {
        let missing = || Problem::invalid_request("the body must be UTF-8");
        self.conversation.inputs.body.ok_or_else(missing)
    }

    /// A new secret and its names.
    fn mint(&self, kind: Kind, hint: &Hint) -> Result<(Minted, String), Problem> {
        let Inputs {
            entropy, now_ms, ..
        } = self.conversation.inputs;
        minting::mint(kind, hint, entropy, now_ms)
    }

    /// Has a ledger change something, and keeps what changed.
    pub(crate) fn change(&mut self, id: &Id, task: Task) -> Result<(Entry, bool), Stop> {
        let hint = self.ledger_of(id);
        self.change_at(&hint, task)
    }

    /// The same, by a ledger that is named.
    pub(crate) fn change_at(&mut self, hint: &Hint, task: Task) -> Result<(Entry, bool), Stop> {
        match self.ask_ledger(hint, task)? {
            ledger::Reply::Changed {
                token,
                changed,
                repeated,
            } => {
                *self.changed = changed;
                Ok((*token, repeated))
            }
            _ => Err(misunderstood().into()),
        }
    }

    /// The ledger to ask about a token. Who acts for one user asks that user's, which
    /// knows all that they may hear of, and answers alike for what is not there and
    /// what is another user's.
    fn ledger_of(&self, id: &Id) -> Hint {
        self.own_hint().unwrap_or_else(|| id.hint())
    }

    /// Names the ledger of the one user for whom the actor acts, if it is one.
    pub(crate) fn own_hint(&self) -> Option<Hint> {
        let (uid, _) = self.actor.own()?;
        Some(Hint::of(self.actor.workspace(), uid))
    }

    /// Asks a ledger.
    pub(crate) fn ask_ledger(&self, hint: &Hint, task: Task) -> Result<ledger::Reply, Stop> {
        let asker = self.asker.clone();
        let command = ledger::Command { asker, task };
        self.conversation.ask_ledger(hint, &command)
    }

    /// Whether a list is asked for as lines.
    pub(crate) const fn as_lines(&self) -> bool {
        self.request.as_lines
    }

    /// What happened to the workspace itself.
    pub(crate) fn events_of_workspace(
        &self,
        selection: Selection,
        before: Option<Id>,
        limit: u8,
    ) -> Result<Events, Stop> {
        let task = OfDirectory::Events {
            selection,
            before,
            limit,
        };
        match self.ask_directory(task)? {
            directory::Reply::Events(events) => Ok(events),
            _ => Err(misunderstood().into()),
        }
    }

    /// Asks the workspace's directory.
    fn ask_directory(&self, task: OfDirectory) -> Result<directory::Reply, Stop> {
        let asker = self.asker.clone();
        let command = directory::Command { asker, task };
        let workspace = self.actor.workspace();
        self.conversation.ask_directory(workspace, &command)
    }

    fn created(&self, entry: &Entry, secret: Option<String>) -> Answer {
        let location = format!("{}/{}", management::PATH, entry.record.id.as_str());
        let fresh = secret.map(|secret| self.address().fresh(entry, secret));
        self.show(201, entry, fresh.as_ref())
            .header("location", location)
    }

    fn show(&self, status: u16, entry: &Entry, fresh: Option<&Fresh>) -> Answer {
        Answer::json(status, entry.view(self.now(), fresh))
    }

    pub(crate) const fn now(&self) -> Time {
        self.conversation.now()
    }
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
