//! What the token API says to a workspace's directory and what it answers
//! ([`crate::wire`]): who its users are, and what its admin decided.

use crate::asker::Asker;
use crate::audit::{Event, Events, Selection, Trail};
use crate::digest::Digest;
use crate::grant::Named;
use crate::id::Id;
use crate::lifecycle::User;
use crate::outbox::{Effect, Rows};
use crate::policy::{Decided, Policy};
use crate::problem::{Code, Problem};
use crate::sessions;
use crate::time::Time;
use crate::transaction::IDEMPOTENCY_MS;
use crate::wire::{Message, wire_enum, wire_struct};

/// What a directory is asked, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who asks. The workspace is the directory's own.
    pub asker: Asker,
    /// What it shall do.
    pub task: Task,
}

/// What a directory is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Register a user for whom a token is about to be made. Answered by
    /// [`Reply::Registered`].
    Register(Box<Registration>),
    /// Find a user by id, and by e-mail address. Answered by [`Reply::Users`]: none,
    /// one, or whose id it is and then whose address.
    Find {
        /// An id or an e-mail address.
        user: String,
    },
    /// Tell what was decided. Answered by [`Reply::Decided`].
    Decided,
    /// Set the settings. Answered by [`Reply::Decided`].
    SetPolicy {
        /// What shall hold.
        policy: Policy,
    },
    /// Kill all sessions of the workspace. Answered by [`Reply::Decided`].
    KillSessions,
    /// List users by id. Answered by [`Reply::Users`].
    Users {
        /// Only those after this id.
        after: Option<String>,
        /// How many at most.
        limit: u8,
    },
    /// Tell which user the identity provider's subject is. Answered by
    /// [`Reply::Users`] with one.
    Recognise {
        /// The provider's name for somebody.
        subject: String,
        /// The address that the provider has verified; empty: none.
        email: String,
    },
    /// List the workspace's events, newest first. Answered by [`Reply::Events`].
    Events {
        /// Which.
        selection: Selection,
        /// Only those before this one.
        before: Option<Id>,
        /// How many at most.
        limit: u8,
    },
    /// Note a sign-in with the operator key. Answered by [`Reply::Done`].
    SignIn {
        /// The SHA-256 of its secret.
        digest: Digest,
        /// When it ends.
        until: Time,
    },
    /// Check a sign-in. Answered by [`Reply::Done`], or refused.
    CheckSignIn {
        /// The SHA-256 of its secret.
        digest: Digest,
    },
    /// Forget a sign-in. Answered by [`Reply::Done`].
    SignOut {
        /// The SHA-256 of its secret.
        digest: Digest,
    },
}

/// A user for whom a token is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Who it is.
    pub user: Named,
    /// The `Idempotency-Key`, with the SHA-256 of the body.
    pub once: Option<(String, Digest)>,
}

/// What a directory answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The user, as registered, and the settings that hold for the token.
    Registered {
        /// The user.
        user: User,
        /// The settings.
        policy: Policy,
    },
    /// What is decided.
    Decided(Decided),
    /// Users, by id.
    Users(Vec<User>),
    /// A page of events.
    Events(Events),
    /// It is done, or so.
    Done,
    /// It was not done, and why.
    Refused(Problem),
}

/// The tables of a directory. Reading works before there is any table.
pub trait Users: Rows {
    /// What was decided for the workspace.
    fn decided(&self) -> Result<Decided, Self::Error>;

    /// Writes what is decided for the workspace.
    fn save_decided(&self, workspace: &str, decided: &Decided) -> Result<(), Self::Error>;

    /// A user by id.
    fn by_id(&self, uid: &str) -> Result<Option<User>, Self::Error>;

    /// A user by e-mail address, in lower case.
    fn by_email(&self, email: &str) -> Result<Option<User>, Self::Error>;

    /// Users after an id, in the order of ids.
    fn after(&self, uid: Option<&str>, limit: u8) -> Result<Vec<User>, Self::Error>;

    /// The id of the user who the provider's subject is.
    fn of_subject(&self, subject: &str) -> Result<Option<String>, Self::Error>;

    /// Whether some subject is a user.
    fn has_subject(&self, uid: &str) -> Result<bool, Self::Error>;

    /// Writes which user a subject is.
    fn save_subject(&self, workspace: &str, subject: &str, uid: &str) -> Result<(), Self::Error>;

    /// When a sign-in ends.
    fn sign_in(&self, digest: &Digest) -> Result<Option<Time>, Self::Error>;

    /// Writes a sign-in, and forgets those that have ended.
    fn save_sign_in(
        &self,
        workspace: &str,
        digest: &Digest,
        until: Time,
        now: Time,
    ) -> Result<(), Self::Error>;

    /// Forgets a sign-in.
    fn forget_sign_in(&self, workspace: &str, digest: &Digest) -> Result<(), Self::Error>;

    /// Writes a user in place of the one with its id.
    fn save_user(&self, workspace: &str, user: &User) -> Result<(), Self::Error>;

    /// The body that an actor sent with an idempotency key since a moment
    /// (Unix milliseconds).
    fn body_under(
        &self,
        asker: &Asker,
        key: &str,
        since_ms: u64,
    ) -> Result<Option<Digest>, Self::Error>;

    /// Notes the body that an actor sent with an idempotency key, and forgets
    /// what was noted before a moment.
    fn note_body(
        &self,
        asker: &Asker,
        once: (&str, &Digest),
        now_ms: u64,
        forget_before_ms: u64,
    ) -> Result<(), Self::Error>;
}

wire_struct!(Command { asker, task });
wire_enum!(Task {
    0 => Register(registration),
    1 => Find { user },
    2 => Users { after, limit },
    3 => Decided,
    4 => SetPolicy { policy },
    5 => KillSessions,
    6 => Recognise { subject, email },
    7 => SignIn { digest, until },
    8 => CheckSignIn { digest },
    9 => SignOut { digest },
    10 => Events { selection, before, limit },
});
wire_struct!(Registration { user, once });
wire_enum!(Reply {
    0 => Registered { user, policy },
    1 => Users(users),
    2 => Refused(problem),
    3 => Decided(decided),
    4 => Done,
    5 => Events(events),
});

impl Message for Command {
    const LETTER: char = 'D';
}

impl Message for Reply {
    const LETTER: char = 'd';
}

impl Command {
    /// Whether it may write: then it is carried out in a transaction.
    pub const fn writes(&self) -> bool {
        matches!(
            self.task,
            Task::Register(_)
                | Task::SetPolicy { .. }
                | Task::KillSessions
                | Task::Recognise { .. }
                | Task::SignIn { .. }
                | Task::SignOut { .. }
        )
    }
}

/// Carries out a command at a moment (Unix milliseconds).
pub fn execute<U: Users + Trail>(
    users: &U,
    command: Command,
    now_ms: u64,
) -> Result<Reply, U::Error> {
    let Command { asker, task } = command;
    let workspace = asker.workspace.as_str();
    match task {
        Task::Register(registration) => register(users, &asker, &registration, now_ms),
        Task::Find { user } => {
            let mut found = Vec::from_iter(users.by_id(&user)?);
            let holder = users.by_email(&user.to_ascii_lowercase())?;
            found.extend(holder.filter(|holder| !found.contains(holder)));
            Ok(Reply::Users(found))
        }
        Task::Decided => Ok(Reply::Decided(users.decided()?)),
        Task::SetPolicy { policy } => {
            note(users, &asker, "settings.changed", now_ms)?;
            let before = users.decided()?;
            decide(users, workspace, Decided { policy, ..before }, now_ms)
        }
        Task::KillSessions => {
            note(users, &asker, "sessions.killed", now_ms)?;
            let before = users.decided()?;
            let until = sessions::over_until(Time::from_millis(now_ms));
            // What was opened since the last time is named by the second after that.
            let next = before.sessions_from.map(|from| from.plus(1));
            let sessions_from = next.max(Some(until));
            let decided = Decided {
                sessions_from,
                ..before
            };
            decide(users, workspace, decided, now_ms)
        }
        Task::Users { after, limit } => Ok(Reply::Users(users.after(after.as_deref(), limit)?)),
        Task::Recognise { subject, email } => recognise(users, workspace, &subject, email, now_ms),
        Task::Events {
            selection,
            before,
            limit,
        } => Events::read(users, workspace, "", &selection, before.as_ref(), limit)
            .map(Reply::Events),
        Task::SignIn { digest, until } => {
            note(users, &asker, "operator.signed_in", now_ms)?;
            let now = Time::from_millis(now_ms);
            users.save_sign_in(workspace, &digest, until, now)?;
            Ok(Reply::Done)
        }
        Task::CheckSignIn { digest } => {
            let until = users.sign_in(&digest)?;
            if until.is_some_and(|until| until > Time::from_millis(now_ms)) {
                return Ok(Reply::Done);
            }
            let detail = "the sign-in has ended; sign in again";
            Ok(Reply::Refused(Problem::new(
                401,
                Code::TokenExpired,
                detail,
            )))
        }
        Task::SignOut { digest } => {
            note(users, &asker, "operator.signed_out", now_ms)?;
            users.forget_sign_in(workspace, &digest)?;
            Ok(Reply::Done)
        }
    }
}

fn note<U: Trail>(
    users: &U,
    asker: &Asker,
    action: &'static str,
    now_ms: u64,
) -> Result<(), U::Error> {
    users.note(asker, &Event::new(action, "", None), now_ms)
}

fn decide<U: Users>(
    users: &U,
    workspace: &str,
    mut decided: Decided,
    now_ms: u64,
) -> Result<Reply, U::Error> {
    decided.rev = decided.rev.saturating_add(1);
    users.save_decided(workspace, &decided)?;
    let key = kv_key(workspace);
    users.changed(key, workspace, "", Effect::Withdraws, now_ms)?;
    Ok(Reply::Decided(decided))
}

fn register<U: Users>(
    users: &U,
    asker: &Asker,
    registration: &Registration,
    now_ms: u64,
) -> Result<Reply, U::Error> {
    let decided = users.decided()?;
    let may = decided.settings().check_creation(asker.is_admin());
    if let Err(problem) = may {
        return Ok(Reply::Refused(problem));
    }
    let policy = decided.policy;
    let forget_before = now_ms.saturating_sub(IDEMPOTENCY_MS);
    let mut noted = None;
    if let Some((key, body)) = &registration.once {
        noted = users.body_under(asker, key, forget_before)?;
        if noted.is_some_and(|noted| noted != *body) {
            let detail = "this Idempotency-Key was used with another body";
            let problem = Problem::new(409, Code::InvalidRequest, detail);
            return Ok(Reply::Refused(problem));
        }
    }
    let (known, user) = match resolve(users, &registration.user)? {
        Ok(resolved) => resolved,
        Err(problem) => return Ok(Reply::Refused(problem)),
    };
    if known.is_none() && policy.known_users_only {
        return Ok(Reply::Refused(stranger().about("user")));
    }
    if let (Some((key, body)), None) = (&registration.once, noted) {
        users.note_body(asker, (key, body), now_ms, forget_before)?;
    }
    if known.as_ref() != Some(&user) {
        enrol(users, &asker.workspace, known.is_none(), &user, now_ms)?;
    }
    Ok(Reply::Registered { user, policy })
}

/// Which user the provider's subject is: the one that it was before; else the one
/// with this address, unless that is another subject; else a new one, who has the
/// subject as id.
fn recognise<U: Users>(
    users: &U,
    workspace: &str,
    subject: &str,
    email: String,
    now_ms: u64,
) -> Result<Reply, U::Error> {
    let holder = users.by_email(&email)?;
    let known = match users.of_subject(subject)? {
        Some(uid) => users.by_id(&uid)?,
        None => None,
    };
    let recognised = known.is_some();
    let (before, uid) = match (known, &holder) {
        (Some(user), _) => (Some(user.clone()), user.uid),
        (None, Some(holder)) => (Some(holder.clone()), holder.uid.clone()),
        (None, None) => (users.by_id(subject)?, subject.to_owned()),
    };
    if !recognised {
        // Who has that id without this address may be anybody.
        let another = |user: &User| user.email.is_empty() || user.email != email;
        if before.as_ref().is_some_and(another) || users.has_subject(&uid)? {
            let detail = "this is the address or the id of somebody else here; ask the operator";
            let problem = Problem::new(403, Code::TokenUnknown, detail);
            return Ok(Reply::Refused(problem));
        }
        if before.is_none() && users.decided()?.policy.known_users_only {
            return Ok(Reply::Refused(stranger()));
        }
        users.save_subject(workspace, subject, &uid)?;
    }
    // An address that another user has stays theirs.
    let free = holder.is_none_or(|holder| holder.uid == uid) && !email.is_empty();
    let kept = before.as_ref().map(|user| user.email.clone());
    let user = User {
        uid,
        email: if free {
            email
        } else {
            kept.unwrap_or_default()
        },
    };
    if before.as_ref() != Some(&user) {
        enrol(users, workspace, before.is_none(), &user, now_ms)?;
    }
    Ok(Reply::Users(vec![user]))
}

/// Writes a user; with the first one the workspace's settings are published.
fn enrol<U: Users>(
    users: &U,
    workspace: &str,
    is_new: bool,
    user: &User,
    now_ms: u64,
) -> Result<(), U::Error> {
    if is_new && users.after(None, 1)?.is_empty() {
        let key = kv_key(workspace);
        users.changed(key, workspace, "", Effect::Grants, now_ms)?;
    }
    users.save_user(workspace, user)
}

/// Somebody whom the workspace does not know, where it must: 403.
fn stranger() -> Problem {
    let detail = "is not known in this workspace, which serves known users only";
    Problem::new(403, Code::InvalidField, detail)
}

/// A user as the directory knows it, if it does, and as it shall.
type Resolved = Result<(Option<User>, User), Problem>;

/// The user that is named: the id that is given; else the one with this e-mail
/// address; else the address itself is the id. One address belongs to one user.
fn resolve<U: Users>(users: &U, named: &Named) -> Result<Resolved, U::Error> {
    let holder = match &named.email {
        Some(email) => users.by_email(email)?,
        None => None,
    };
    let uid = match (&named.id, &holder, &named.email) {
        (Some(id), _, _) => id,
        (None, Some(holder), _) => &holder.uid,
        (None, None, Some(email)) => email,
        (None, None, None) => return Ok(Err(Problem::field("user", "must be given"))),
    };
    if holder.as_ref().is_some_and(|holder| holder.uid != *uid) {
        return Ok(Err(taken("belongs to another user")));
    }
    let known = users.by_id(uid)?;
    let known_email = known.as_ref().map_or("", |known| known.email.as_str());
    if named.id.is_none()
        && named
            .email
            .as_deref()
            .is_some_and(|email| !known_email.is_empty() && known_email != email)
    {
        return Ok(Err(taken("is the id of a user with another address")));
    }
    let user = User {
        uid: uid.clone(),
        email: named
            .email
            .clone()
            .unwrap_or_else(|| known_email.to_owned()),
    };
    Ok(Ok((known, user)))
}

/// The key in KV of a workspace's settings.
pub fn kv_key(workspace: &str) -> String {
    format!("w/{workspace}")
}

fn taken(detail: &'static str) -> Problem {
    Problem::field("user.email", detail).with_status(409)
}

#[cfg(test)]
pub(crate) mod tests;
