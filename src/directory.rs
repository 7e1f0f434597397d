//! What the token API says to a workspace's directory and what it answers
//! ([`crate::wire`]): who its users are, and what its admin decided.

use crate::digest::Digest;
use crate::grant::Named;
use crate::lifecycle::User;
use crate::outbox::{Effect, Rows};
use crate::policy::{Decided, Policy};
use crate::problem::{Code, Problem};
use crate::time::Time;
use crate::transaction::IDEMPOTENCY_MS;
use crate::wire::{Message, wire_enum, wire_struct};

/// What a directory is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
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
        /// The workspace, which is the directory's own.
        workspace: String,
        /// What shall hold.
        policy: Policy,
    },
    /// Kill all sessions of the workspace. Answered by [`Reply::Decided`].
    KillSessions {
        /// The workspace, which is the directory's own.
        workspace: String,
    },
    /// List users by id. Answered by [`Reply::Users`].
    Users {
        /// Only those after this id.
        after: Option<String>,
        /// How many at most.
        limit: u8,
    },
}

/// A user for whom a token is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The workspace, which is the directory's own.
    pub workspace: String,
    /// Who it is.
    pub user: Named,
    /// What idempotency keys are counted under.
    pub actor: String,
    /// Whether an admin asks.
    pub by_admin: bool,
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

    /// Writes a user in place of the one with its id.
    fn save_user(&self, workspace: &str, user: &User) -> Result<(), Self::Error>;

    /// The body that an actor sent with an idempotency key since a moment
    /// (Unix milliseconds).
    fn body_under(
        &self,
        registration: &Registration,
        key: &str,
        since_ms: u64,
    ) -> Result<Option<Digest>, Self::Error>;

    /// Notes the body that an actor sent with an idempotency key, and forgets
    /// what was noted before a moment.
    fn note_body(
        &self,
        registration: &Registration,
        once: (&str, &Digest),
        now_ms: u64,
        forget_before_ms: u64,
    ) -> Result<(), Self::Error>;
}

wire_enum!(Command {
    0 => Register(registration),
    1 => Find { user },
    2 => Users { after, limit },
    3 => Decided,
    4 => SetPolicy { workspace, policy },
    5 => KillSessions { workspace },
});
wire_struct!(Registration {
    workspace,
    user,
    actor,
    by_admin,
    once
});
wire_enum!(Reply {
    0 => Registered { user, policy },
    1 => Users(users),
    2 => Refused(problem),
    3 => Decided(decided),
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
            self,
            Self::Register(_) | Self::SetPolicy { .. } | Self::KillSessions { .. }
        )
    }
}

/// Carries out a command at a moment (Unix milliseconds).
pub fn execute<U: Users>(users: &U, command: Command, now_ms: u64) -> Result<Reply, U::Error> {
    match command {
        Command::Register(registration) => register(users, &registration, now_ms),
        Command::Find { user } => {
            let mut found = Vec::from_iter(users.by_id(&user)?);
            let holder = users.by_email(&user.to_ascii_lowercase())?;
            found.extend(holder.filter(|holder| !found.contains(holder)));
            Ok(Reply::Users(found))
        }
        Command::Decided => Ok(Reply::Decided(users.decided()?)),
        Command::SetPolicy { workspace, policy } => {
            let before = users.decided()?;
            decide(users, &workspace, Decided { policy, ..before }, now_ms)
        }
        Command::KillSessions { workspace } => {
            let before = users.decided()?;
            // The clock of a gate may be ahead.
            let until = Time::from_millis(now_ms).plus(1);
            let sessions_from = before.sessions_from.max(Some(until));
            let decided = Decided {
                sessions_from,
                ..before
            };
            decide(users, &workspace, decided, now_ms)
        }
        Command::Users { after, limit } => Ok(Reply::Users(users.after(after.as_deref(), limit)?)),
    }
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
    registration: &Registration,
    now_ms: u64,
) -> Result<Reply, U::Error> {
    let decided = users.decided()?;
    let may = decided.settings().check_creation(registration.by_admin);
    if let Err(problem) = may {
        return Ok(Reply::Refused(problem));
    }
    let policy = decided.policy;
    let forget_before = now_ms.saturating_sub(IDEMPOTENCY_MS);
    let mut noted = None;
    if let Some((key, body)) = &registration.once {
        noted = users.body_under(registration, key, forget_before)?;
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
        let detail = "is not known in this workspace, which makes tokens for known users only";
        return Ok(Reply::Refused(
            Problem::field("user", detail).with_status(403),
        ));
    }
    if let (Some((key, body)), None) = (&registration.once, noted) {
        users.note_body(registration, (key, body), now_ms, forget_before)?;
    }
    if known.as_ref() != Some(&user) {
        let workspace = &registration.workspace;
        if known.is_none() && users.after(None, 1)?.is_empty() {
            let key = kv_key(workspace);
            users.changed(key, workspace, "", Effect::Grants, now_ms)?;
        }
        users.save_user(workspace, &user)?;
    }
    Ok(Reply::Registered { user, policy })
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
mod tests {
    use super::*;
    use crate::outbox::Row;
    use core::cell::RefCell;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Shelf {
        users: RefCell<BTreeMap<String, User>>,
        rows: RefCell<BTreeMap<String, Row>>,
        bodies: RefCell<BTreeMap<(String, String), (Digest, u64)>>,
        decided: RefCell<Decided>,
    }

    impl Rows for Shelf {
        type Error = ();

        fn row(&self, key: &str) -> Result<Option<Row>, ()> {
            Ok(self.rows.borrow().get(key).cloned())
        }

        fn save_row(&self, row: &Row) -> Result<(), ()> {
            self.rows.borrow_mut().insert(row.key.clone(), row.clone());
            Ok(())
        }
    }

    impl Users for Shelf {
        fn decided(&self) -> Result<Decided, ()> {
            Ok(self.decided.borrow().clone())
        }

        fn save_decided(&self, _workspace: &str, decided: &Decided) -> Result<(), ()> {
            self.decided.replace(decided.clone());
            Ok(())
        }

        fn by_id(&self, uid: &str) -> Result<Option<User>, ()> {
            Ok(self.users.borrow().get(uid).cloned())
        }

        fn by_email(&self, email: &str) -> Result<Option<User>, ()> {
            let users = self.users.borrow();
            Ok(users.values().find(|user| user.email == email).cloned())
        }

        fn after(&self, uid: Option<&str>, limit: u8) -> Result<Vec<User>, ()> {
            let users = self.users.borrow();
            let after = users
                .values()
                .filter(|user| uid.is_none_or(|uid| user.uid.as_str() > uid));
            Ok(after.take(usize::from(limit)).cloned().collect())
        }

        fn save_user(&self, _workspace: &str, user: &User) -> Result<(), ()> {
            self.users
                .borrow_mut()
                .insert(user.uid.clone(), user.clone());
            Ok(())
        }

        fn body_under(
            &self,
            registration: &Registration,
            key: &str,
            since: u64,
        ) -> Result<Option<Digest>, ()> {
            let bodies = self.bodies.borrow();
            let found = bodies.get(&(registration.actor.clone(), key.to_owned()));
            Ok(found.filter(|(_, at)| *at >= since).map(|(body, _)| *body))
        }

        fn note_body(
            &self,
            registration: &Registration,
            (key, body): (&str, &Digest),
            now: u64,
            _forget_before: u64,
        ) -> Result<(), ()> {
            let key = (registration.actor.clone(), key.to_owned());
            self.bodies.borrow_mut().insert(key, (*body, now));
            Ok(())
        }
    }

    impl Shelf {
        fn register(&self, id: Option<&str>, email: Option<&str>) -> Result<(String, String), u16> {
            self.register_once(id, email, None, 0)
        }

        fn register_once(
            &self,
            id: Option<&str>,
            email: Option<&str>,
            once: Option<(&str, &str)>,
            now_ms: u64,
        ) -> Result<(String, String), u16> {
            let registration = Registration {
                workspace: "default".to_owned(),
                user: Named {
                    id: id.map(str::to_owned),
                    email: email.map(str::to_owned),
                },
                actor: "operator".to_owned(),
                by_admin: false,
                once: once.map(|(key, body)| (key.to_owned(), Digest::of(body))),
            };
            let command = Command::Register(Box::new(registration));
            match execute(self, command, now_ms).unwrap() {
                Reply::Registered { user, .. } => Ok((user.uid, user.email)),
                Reply::Refused(problem) => Err(problem.status),
                other => panic!("neither: {other:?}"),
            }
        }
    }

    fn user(uid: &str, email: &str) -> Result<(String, String), u16> {
        Ok((uid.to_owned(), email.to_owned()))
    }

    #[test]
    fn an_id_is_the_users_own_or_else_the_known_one_or_else_the_address() {
        let shelf = Shelf::default();
        assert_eq!(shelf.register(Some("u1"), Some("a@x")), user("u1", "a@x"));
        assert_eq!(shelf.register(None, Some("a@x")), user("u1", "a@x"));
        assert_eq!(shelf.register(Some("u1"), None), user("u1", "a@x"));
        assert_eq!(shelf.register(None, Some("b@x")), user("b@x", "b@x"));
        assert_eq!(shelf.register(Some("u2"), None), user("u2", ""));
    }

    #[test]
    fn an_address_belongs_to_one_user() {
        let shelf = Shelf::default();
        assert_eq!(shelf.register(Some("u1"), Some("a@x")), user("u1", "a@x"));
        assert_eq!(shelf.register(Some("u2"), Some("a@x")), Err(409));
        assert_eq!(shelf.users.borrow().len(), 1);
        assert_eq!(shelf.register(Some("b@x"), Some("c@x")), user("b@x", "c@x"));
        assert_eq!(shelf.register(None, Some("b@x")), Err(409));
    }

    #[test]
    fn a_user_may_get_another_address() {
        let shelf = Shelf::default();
        assert_eq!(shelf.register(Some("u1"), Some("a@x")), user("u1", "a@x"));
        assert_eq!(shelf.register(Some("u1"), Some("b@x")), user("u1", "b@x"));
        assert_eq!(shelf.register(Some("u2"), Some("a@x")), user("u2", "a@x"));
    }

    #[test]
    fn the_first_user_publishes_the_settings() {
        let shelf = Shelf::default();
        assert_eq!(shelf.register(Some("u1"), None), user("u1", ""));
        assert!(shelf.rows.borrow_mut().remove("w/default").is_some());
        assert_eq!(shelf.register(Some("u2"), None), user("u2", ""));
        assert!(shelf.rows.borrow().is_empty());
    }

    #[test]
    fn an_idempotency_key_stands_for_one_body_for_a_day() {
        let shelf = Shelf::default();
        let register = |body, now| shelf.register_once(Some("u1"), None, Some(("k", body)), now);
        assert!(register("one", 0).is_ok() && register("one", 1).is_ok());
        assert_eq!(register("two", 2), Err(409));
        assert!(register("two", IDEMPOTENCY_MS + 1).is_ok());
    }

    fn set(shelf: &Shelf, change: impl FnOnce(&mut Policy)) {
        let mut policy = Policy::default();
        change(&mut policy);
        let command = Command::SetPolicy {
            workspace: "default".to_owned(),
            policy: policy.clone(),
        };
        let Ok(Reply::Decided(decided)) = execute(shelf, command, 0) else {
            panic!("not set");
        };
        assert_eq!(decided.policy, policy);
    }

    #[test]
    fn where_creation_is_switched_off_nobody_is_registered() {
        let cases: [fn(&mut Policy); 3] = [
            |policy| policy.creation = false,
            |policy| policy.admins_only = true,
            |policy| policy.known_users_only = true,
        ];
        for change in cases {
            let shelf = Shelf::default();
            set(&shelf, change);
            assert_eq!(shelf.register(Some("u1"), None), Err(403));
            assert!(shelf.users.borrow().is_empty());
        }
    }

    #[test]
    fn where_only_known_users_get_tokens_those_do() {
        let shelf = Shelf::default();
        assert_eq!(shelf.register(Some("u1"), Some("a@x")), user("u1", "a@x"));
        set(&shelf, |policy| policy.known_users_only = true);
        assert_eq!(shelf.register(None, Some("a@x")), user("u1", "a@x"));
        assert_eq!(shelf.register(None, Some("b@x")), Err(403));
    }

    #[test]
    fn each_change_of_the_settings_raises_their_rev_and_goes_to_kv_twice() {
        let shelf = Shelf::default();
        for rev in 1..=3 {
            set(&shelf, |policy| policy.authentication = false);
            let settings = shelf.decided().unwrap().settings();
            assert_eq!((settings.rev, settings.authentication), (rev, false));
        }
        assert!(shelf.rows.borrow()["w/default"].repeat);
        let decided = shelf.decided().unwrap();
        assert_eq!(
            execute(&shelf, Command::Decided, 0),
            Ok(Reply::Decided(decided))
        );
    }

    #[test]
    fn all_sessions_are_killed_until_a_moment_that_settings_do_not_change() {
        let shelf = Shelf::default();
        let kill = |now_ms| {
            let workspace = "default".to_owned();
            execute(&shelf, Command::KillSessions { workspace }, now_ms).unwrap();
        };
        kill(5_000);
        kill(4_000);
        set(&shelf, |policy| policy.creation = false);
        let settings = shelf.decided().unwrap().settings();
        assert_eq!(settings.sessions_from, Some(Time::from_seconds(6)));
        assert_eq!((settings.rev, settings.creation), (3, false));
    }

    #[test]
    fn a_user_is_found_by_id_or_address() {
        let shelf = Shelf::default();
        assert_eq!(shelf.register(Some("u1"), Some("a@x")), user("u1", "a@x"));
        for (name, found) in [("u1", 1), ("A@X", 1), ("u2", 0)] {
            let user = name.to_owned();
            let Ok(Reply::Users(users)) = execute(&shelf, Command::Find { user }, 0) else {
                panic!("no users");
            };
            assert_eq!(users.len(), found, "{name}");
        }
    }
}
