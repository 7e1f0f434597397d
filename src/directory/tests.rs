use super::*;
use crate::asker::{Source, Who};
use crate::outbox::Row;
use core::cell::RefCell;
use std::collections::BTreeMap;

/// A directory in memory.
#[derive(Default)]
pub(crate) struct Shelf {
    users: RefCell<BTreeMap<String, User>>,
    pub(crate) rows: RefCell<BTreeMap<String, Row>>,
    bodies: RefCell<BTreeMap<(String, String), (Digest, u64)>>,
    pub(crate) decided: RefCell<Decided>,
    subjects: RefCell<BTreeMap<String, String>>,
    sign_ins: RefCell<BTreeMap<String, Time>>,
    events: RefCell<Vec<&'static str>>,
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

impl Trail for Shelf {
    fn note(&self, _asker: &Asker, event: &Event<'_>, _now_ms: u64) -> Result<(), ()> {
        self.events.borrow_mut().push(event.action);
        Ok(())
    }

    fn events(
        &self,
        _workspace: &str,
        _uid: &str,
        _selection: &Selection,
        _before: Option<&Id>,
        _limit: u8,
    ) -> Result<Vec<(Id, String)>, ()> {
        Ok(Vec::new())
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
        let holds = |user: &&User| !email.is_empty() && user.email == email;
        Ok(users.values().find(holds).cloned())
    }

    fn after(&self, uid: Option<&str>, limit: u8) -> Result<Vec<User>, ()> {
        let users = self.users.borrow();
        let after = users
            .values()
            .filter(|user| uid.is_none_or(|uid| user.uid.as_str() > uid));
        Ok(after.take(usize::from(limit)).cloned().collect())
    }

    fn of_subject(&self, subject: &str) -> Result<Option<String>, ()> {
        Ok(self.subjects.borrow().get(subject).cloned())
    }

    fn has_subject(&self, uid: &str) -> Result<bool, ()> {
        Ok(self.subjects.borrow().values().any(|of| of == uid))
    }

    fn save_subject(&self, _workspace: &str, subject: &str, uid: &str) -> Result<(), ()> {
        let (subject, uid) = (subject.to_owned(), uid.to_owned());
        self.subjects.borrow_mut().insert(subject, uid);
        Ok(())
    }

    fn sign_in(&self, digest: &Digest) -> Result<Option<Time>, ()> {
        Ok(self.sign_ins.borrow().get(&digest.to_hex()).copied())
    }

    fn save_sign_in(
        &self,
        _workspace: &str,
        digest: &Digest,
        until: Time,
        _now: Time,
    ) -> Result<(), ()> {
        self.sign_ins.borrow_mut().insert(digest.to_hex(), until);
        Ok(())
    }

    fn forget_sign_in(&self, _workspace: &str, digest: &Digest) -> Result<(), ()> {
        self.sign_ins.borrow_mut().remove(&digest.to_hex());
        Ok(())
    }

    fn save_user(&self, _workspace: &str, user: &User) -> Result<(), ()> {
        self.users
            .borrow_mut()
            .insert(user.uid.clone(), user.clone());
        Ok(())
    }

    fn body_under(&self, asker: &Asker, key: &str, since: u64) -> Result<Option<Digest>, ()> {
        let bodies = self.bodies.borrow();
        let found = bodies.get(&(asker.name(), key.to_owned()));
        Ok(found.filter(|(_, at)| *at >= since).map(|(body, _)| *body))
    }

    fn note_body(
        &self,
        asker: &Asker,
        (key, body): (&str, &Digest),
        now: u64,
        _forget_before: u64,
    ) -> Result<(), ()> {
        let key = (asker.name(), key.to_owned());
        self.bodies.borrow_mut().insert(key, (*body, now));
        Ok(())
    }
}

impl Shelf {
    fn run(&self, task: Task, now_ms: u64) -> Reply {
        let asker = Asker {
            workspace: "default".to_owned(),
            who: Who::User("ada".to_owned()),
            source: Source::default(),
        };
        execute(self, Command { asker, task }, now_ms).unwrap()
    }

    fn recognise(&self, subject: &str, email: &str) -> Result<(String, String), u16> {
        let (subject, email) = (subject.to_owned(), email.to_owned());
        match self.run(Task::Recognise { subject, email }, 0) {
            Reply::Users(users) => Ok((users[0].uid.clone(), users[0].email.clone())),
            Reply::Refused(problem) => Err(problem.status),
            other => panic!("neither: {other:?}"),
        }
    }

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
            user: Named {
                id: id.map(str::to_owned),
                email: email.map(str::to_owned),
            },
            once: once.map(|(key, body)| (key.to_owned(), Digest::of(body))),
        };
        match self.run(Task::Register(Box::new(registration)), now_ms) {
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
    let task = Task::SetPolicy {
        policy: policy.clone(),
    };
    let Reply::Decided(decided) = shelf.run(task, 0) else {
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
    assert_eq!(shelf.run(Task::Decided, 0), Reply::Decided(decided));
}

#[test]
fn all_sessions_are_killed_until_a_moment_that_settings_do_not_change() {
    let shelf = Shelf::default();
    let kill = |now_ms| shelf.run(Task::KillSessions, now_ms);
    kill(5_000);
    kill(4_000);
    set(&shelf, |policy| policy.creation = false);
    let settings = shelf.decided().unwrap().settings();
    assert_eq!(settings.sessions_from, Some(Time::from_seconds(66)));
    assert_eq!((settings.rev, settings.creation), (3, false));
}

#[test]
fn a_user_is_found_by_id_or_address() {
    let shelf = Shelf::default();
    assert_eq!(shelf.register(Some("u1"), Some("a@x")), user("u1", "a@x"));
    for (name, found) in [("u1", 1), ("A@X", 1), ("u2", 0)] {
        let user = name.to_owned();
        let Reply::Users(users) = shelf.run(Task::Find { user }, 0) else {
            panic!("no users");
        };
        assert_eq!(users.len(), found, "{name}");
    }
}

#[test]
fn who_signs_in_is_the_user_with_that_address() {
    let shelf = Shelf::default();
    assert_eq!(shelf.register(None, Some("a@x")), user("a@x", "a@x"));
    assert_eq!(shelf.recognise("sub-1", "a@x"), user("a@x", "a@x"));
    assert_eq!(shelf.recognise("sub-2", "b@x"), user("sub-2", "b@x"));
    assert_eq!(shelf.register(None, Some("b@x")), user("sub-2", "b@x"));
}

#[test]
fn who_signs_in_again_is_the_same_user_whatever_the_address() {
    let shelf = Shelf::default();
    assert_eq!(shelf.register(None, Some("a@x")), user("a@x", "a@x"));
    assert_eq!(shelf.recognise("sub-1", "a@x"), user("a@x", "a@x"));
    assert_eq!(shelf.recognise("sub-1", "new@x"), user("a@x", "new@x"));
    assert_eq!(shelf.recognise("sub-1", ""), user("a@x", "new@x"));
    assert_eq!(shelf.register(Some("u2"), Some("b@x")), user("u2", "b@x"));
    assert_eq!(shelf.recognise("sub-1", "b@x"), user("a@x", "new@x"));
}

#[test]
fn nobody_signs_in_as_somebody_else() {
    let shelf = Shelf::default();
    assert_eq!(shelf.recognise("sub-1", "a@x"), user("sub-1", "a@x"));
    // The address of one who has signed in by another subject, and an id of one with another
    // address.
    assert_eq!(shelf.recognise("sub-2", "a@x"), Err(403));
    assert_eq!(shelf.register(Some("bob"), Some("b@x")), user("bob", "b@x"));
    assert_eq!(shelf.recognise("bob", "eve@x"), Err(403));
    assert_eq!(shelf.recognise("bob", ""), Err(403));
    assert_eq!(shelf.recognise("bob", "b@x"), user("bob", "b@x"));
    assert_eq!(shelf.recognise("sub-3", "b@x"), Err(403));
    assert_eq!(shelf.register(Some("1001"), None), user("1001", ""));
    assert_eq!(shelf.recognise("1001", "e@x"), Err(403));
    assert_eq!(shelf.recognise("1001", ""), Err(403));
}

#[test]
fn where_only_known_users_are_served_no_other_signs_in() {
    let shelf = Shelf::default();
    assert_eq!(shelf.register(None, Some("a@x")), user("a@x", "a@x"));
    set(&shelf, |policy| policy.known_users_only = true);
    assert_eq!(shelf.recognise("sub-1", "a@x"), user("a@x", "a@x"));
    assert_eq!(shelf.recognise("sub-2", "b@x"), Err(403));
    assert_eq!(shelf.recognise("sub-2", ""), Err(403));
}

#[test]
fn a_sign_in_holds_until_its_end_or_the_sign_out() {
    let shelf = Shelf::default();
    let (digest, other) = (Digest::of("secret"), Digest::of("other"));
    let until = Time::from_seconds(3_600);
    shelf.run(Task::SignIn { digest, until }, 0);
    let holds = |digest, now_ms| shelf.run(Task::CheckSignIn { digest }, now_ms) == Reply::Done;
    assert!(holds(digest, 0) && holds(digest, 3_599_999));
    assert!(!holds(digest, 3_600_000) && !holds(other, 0));
    shelf.run(Task::SignOut { digest: other }, 0);
    assert!(holds(digest, 0));
    shelf.run(Task::SignOut { digest }, 0);
    assert!(!holds(digest, 0));
}
