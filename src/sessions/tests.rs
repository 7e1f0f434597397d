use super::*;
use crate::asker::{Source, Who};
use crate::entry::tests::{NOW, entry, minted};
use crate::grant::{EmbedGrant, Grant, Lifetime};
use crate::ledger::{Command, Creation, Task};
use crate::lifecycle::User;
use crate::policy::Limits;
use crate::record::Embed;
use crate::scope::Scopes;
use crate::transaction::shelf::{MS, Shelf};

const ORIGIN: &str = "https://portal.example";

fn asking(who: Who) -> Asker {
    Asker {
        workspace: "default".to_owned(),
        who,
        source: Source::default(),
    }
}

fn operator() -> Asker {
    asking(Who::Operator)
}

fn pat(entry: &Entry) -> Asker {
    asking(Who::Pat {
        uid: entry.record.uid.clone(),
        id: entry.record.id.clone(),
    })
}

/// The nth token of a user, which opens the app «jobs» for an hour.
fn embed(uid: &str, n: u8, single_use: bool) -> Entry {
    let mut entry = entry(uid, n);
    entry.record.scopes = Scopes::default();
    entry.record.apps = vec!["jobs".to_owned()];
    entry.record.embed = Some(Embed {
        session_minutes: 60,
        single_use,
        ..Embed::default()
    });
    entry
}

fn spot(uid: &str) -> Spot {
    Spot {
        place: Place::of("default", uid, "jobs", ""),
        app: "jobs".to_owned(),
        origins: vec![ORIGIN.to_owned()],
    }
}

fn opening(token: &Entry, n: u8) -> Command {
    let uid = token.record.uid.clone();
    Command {
        asker: asking(Who::Viewer),
        task: Task::Open(Box::new(Opening {
            token: token.record.id.clone(),
            session: minted(&uid, n).id,
            spot: spot(&uid),
            origin: ORIGIN.to_owned(),
            uid,
        })),
    }
}

fn code(shelf: &Shelf, command: Command) -> Option<Code> {
    match shelf.run(command) {
        Reply::Refused(problem) => Some(problem.code),
        _ => None,
    }
}

fn listed(shelf: &Shelf, actor: Asker, uid: &str) -> Vec<Id> {
    match shelf.run(Command {
        asker: actor,
        task: Task::Sessions {
            uid: uid.to_owned(),
            before: None,
            after: None,
            limit: 50,
        },
    }) {
        Reply::Sessions { sessions, .. } => sessions
            .into_iter()
            .map(|(session, _)| session.id)
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn kill(actor: Asker, n: u8) -> Command {
    Command {
        asker: actor,
        task: Task::Kill {
            id: minted("ada", n).id,
        },
    }
}

/// The record of a token as the gate gets it: whether it is strict, and which
/// killed sessions it lists.
fn told(shelf: &Shelf, token: &Entry, asked: Option<&Id>) -> (bool, Vec<(Id, Time)>) {
    let record = shelf.lookup(&token.digest).unwrap().unwrap();
    let record = with_killed(shelf, record, asked, NOW).unwrap();
    (record.strict, record.embed.unwrap().killed)
}

/// Makes copies of a session with other names, and names them.
fn copy(shelf: &Shelf, live: &Live, copies: usize) -> Vec<Id> {
    let copy = |n: usize| {
        let id = Id::generate(&live.id.hint(), MS + 1_000 + n as u64, [0; 16]);
        shelf
            .save_session(
                &Live {
                    id: id.clone(),
                    ..live.clone()
                },
                NOW,
            )
            .unwrap();
        id
    };
    (0..copies).map(copy).collect()
}

#[test]
fn a_single_use_token_opens_one_session() {
    let token = embed("ada", 1, true);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    let Reply::Changed {
        token: used,
        changed,
        ..
    } = shelf.run(opening(&token, 11))
    else {
        panic!("not opened");
    };
    assert_eq!(used.record.state, State::Used);
    assert_eq!((changed.len(), used.record.rev), (1, 2));
    assert_eq!(code(&shelf, opening(&token, 12)), Some(Code::TokenUsed));
    assert_eq!(listed(&shelf, operator(), "ada").len(), 1);
}

#[test]
fn another_token_opens_as_many_as_a_user_may_have() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    assert_eq!(code(&shelf, opening(&token, 11)), None);
    assert_eq!(code(&shelf, opening(&token, 12)), None);
    assert_eq!(shelf.get(&token).record.rev, 1);
    let (session, hint) = (minted("ada", 11).id, token.record.id.hint());
    for n in 0..MAX_LIVE as u64 {
        let id = Id::generate(&hint, MS + n, [0; 16]);
        let live = shelf.session("default", &session).unwrap().unwrap();
        shelf.save_session(&Live { id, ..live }, NOW).unwrap();
    }
    assert_eq!(code(&shelf, opening(&token, 13)), Some(Code::RateLimited));
}

#[test]
fn what_the_ledger_knows_of_the_token_counts() {
    type Case = (fn(&mut Entry), Code);
    let cases: [Case; 6] = [
        (
            |entry| entry.record.state = State::Revoked,
            Code::TokenRevoked,
        ),
        (
            |entry| entry.record.state = State::Disabled,
            Code::TokenDisabled,
        ),
        (|entry| entry.record.expires = Some(NOW), Code::TokenExpired),
        (
            |entry| entry.record.apps = vec!["maps".to_owned()],
            Code::AppMismatch,
        ),
        (|entry| entry.record.embed = None, Code::AppMismatch),
        (
            |entry| entry.record.uid = "ben".to_owned(),
            Code::TokenUnknown,
        ),
    ];
    for (change, expected) in cases {
        let token = embed("ada", 1, false);
        let mut known = token.clone();
        change(&mut known);
        let shelf = Shelf::with(&[known]);
        assert_eq!(code(&shelf, opening(&token, 11)), Some(expected));
        assert!(shelf.sessions.borrow().is_empty() && shelf.rows.borrow().is_empty());
    }
}

#[test]
fn opening_is_done_whole_or_not_at_all() {
    let token = embed("ada", 1, true);
    for writes in 0..5 {
        let shelf = Shelf::with(std::slice::from_ref(&token));
        shelf.writes_left.set(writes);
        assert!(crate::transaction::execute(&shelf, opening(&token, 11), MS).is_err());
    }
}

#[test]
fn a_place_is_noted_for_as_long_as_the_last_of_its_tokens() {
    let mut short = embed("ada", 1, false);
    let mut long = embed("ada", 2, false);
    short.record.expires = Some(NOW.plus(600));
    long.record.expires = None;
    let shelf = Shelf::with(&[short.clone(), long.clone()]);
    let until = |shelf: &Shelf| shelf.spot(&spot("ada").place).unwrap().unwrap().1;
    shelf.run(opening(&short, 11));
    let needed = short.record.kv_expiration(NOW).unwrap();
    assert_eq!(until(&shelf), Some(needed.plus(KEPT_LONGER)));
    shelf.run(opening(&long, 12));
    assert_eq!(until(&shelf), None);
    shelf.rows.borrow_mut().clear();
    shelf.run(opening(&short, 13));
    assert_eq!(until(&shelf), None);
    assert!(shelf.rows.borrow().is_empty());
}

#[test]
fn a_known_place_is_not_written_again_for_days() {
    let nth = |n: u8, seconds: u64| {
        let mut token = embed("ada", n, false);
        token.record.expires = Some(NOW.plus(600 + seconds));
        token
    };
    let week = [
        nth(1, 0),
        nth(2, 1),
        nth(3, KEPT_LONGER),
        nth(4, KEPT_LONGER + 1),
    ];
    let shelf = Shelf::with(&week);
    let written = |token: &Entry, n: u8| {
        shelf.rows.borrow_mut().clear();
        shelf.run(opening(token, n));
        let until = shelf.spot(&spot("ada").place).unwrap().unwrap().1;
        assert!(until >= token.record.kv_expiration(NOW));
        !shelf.rows.borrow().is_empty()
    };
    let written: Vec<_> = (11..)
        .zip(&week)
        .map(|(n, token)| written(token, n))
        .collect();
    assert_eq!(written, [true, false, false, true]);
    let mut moved = spot("ada");
    moved.origins.clear();
    let until = || shelf.spot(&spot("ada").place).unwrap().unwrap();
    let (_, before) = until();
    shelf.rows.borrow_mut().clear();
    assert!(note(&shelf, &week[0], &moved, MS).is_ok());
    assert_eq!(until(), (moved, before));
    assert_eq!(shelf.rows.borrow().len(), 1);
}

#[test]
fn a_killed_session_counts_until_it_would_have_ended() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    shelf.run(opening(&token, 11));
    let session = minted("ada", 11).id;
    let live = shelf.session("default", &session).unwrap().unwrap();
    for n in 1..MAX_LIVE as u64 {
        let id = Id::generate(&token.record.id.hint(), MS + n, [0; 16]);
        let mut sessions = shelf.sessions.borrow_mut();
        sessions.insert(id.as_str().to_owned(), Live { id, ..live.clone() });
    }
    assert_eq!(code(&shelf, kill(operator(), 11)), None);
    assert_eq!(code(&shelf, opening(&token, 12)), Some(Code::RateLimited));
    let ended = Live { ends: NOW, ..live };
    shelf
        .sessions
        .borrow_mut()
        .insert(session.as_str().to_owned(), ended);
    assert_eq!(code(&shelf, opening(&token, 12)), None);
}

#[test]
fn a_killed_session_stands_in_the_record_until_it_would_have_ended() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    shelf.run(opening(&token, 11));
    shelf.run(opening(&token, 12));
    assert_eq!(code(&shelf, kill(operator(), 11)), None);
    let session = minted("ada", 11).id;
    let end = session.time().plus(3_600);
    let listed_now = (false, vec![(session, end)]);
    assert_eq!(told(&shelf, &token, None), listed_now);
    let stored = shelf.get(&token).record;
    assert_eq!(stored.embed.unwrap().killed, []);
    assert_eq!(listed(&shelf, operator(), "ada"), [minted("ada", 12).id]);
    let rev = shelf.get(&token).record.rev;
    assert_eq!(code(&shelf, kill(operator(), 11)), None);
    assert_eq!(shelf.get(&token).record.rev, rev);
    let row = format!("t/{}", token.digest.to_hex());
    assert!(shelf.rows.borrow()[&row].repeat);
}

#[test]
fn whatever_changes_a_token_its_killed_sessions_are_told() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    shelf.run(opening(&token, 11));
    let rename = Command {
        asker: operator(),
        task: Task::Change {
            id: token.record.id.clone(),
            change: crate::change::Change {
                name: Some("renamed".to_owned()),
                ..Default::default()
            },
        },
    };
    for command in [kill(operator(), 11), rename] {
        let Reply::Changed { changed, .. } = shelf.run(command) else {
            panic!("refused");
        };
        let [changed] = changed.as_slice() else {
            panic!("not one");
        };
        let embed = changed.record.embed.as_ref().unwrap();
        assert_eq!(embed.killed.len(), 1);
    }
}

#[test]
fn of_too_many_killed_sessions_the_one_that_wants_in_is_told_alone() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    shelf.run(opening(&token, 11));
    let live = shelf.session("default", &minted("ada", 11).id);
    let live = live.unwrap().unwrap();
    let killed = Live {
        killed: true,
        ..live.clone()
    };
    let mut ids = copy(&shelf, &killed, MAX_LISTED);
    let (strict, listed) = told(&shelf, &token, None);
    assert_eq!((strict, listed.len()), (false, MAX_LISTED));

    ids.push(live.id.clone());
    shelf.run(kill(operator(), 11));
    assert_eq!(told(&shelf, &token, None), (true, Vec::new()));
    for id in &ids {
        let alone = (true, vec![(id.clone(), live.ends)]);
        assert_eq!(told(&shelf, &token, Some(id)), alone);
    }
    shelf.run(opening(&token, 12));
    let lives = minted("ada", 12).id;
    assert_eq!(told(&shelf, &token, Some(&lives)), (true, Vec::new()));
    let row = format!("t/{}", token.digest.to_hex());
    assert!(shelf.rows.borrow()[&row].repeat);

    // For a gate whose clock is behind, one that has just ended has not.
    let end_all = |ends| {
        for id in &ids {
            let (id, name) = (id.clone(), id.as_str().to_owned());
            let ended = Live {
                id,
                ends,
                ..killed.clone()
            };
            shelf.sessions.borrow_mut().insert(name, ended);
        }
    };
    end_all(NOW);
    assert!(told(&shelf, &token, None).0);
    end_all(over_since(NOW));
    assert_eq!(told(&shelf, &token, None), (false, Vec::new()));
}

#[test]
fn all_sessions_of_a_token_or_a_user_are_killed_by_a_moment() {
    let (one, two) = (embed("ada", 1, false), embed("ada", 2, false));
    let others = embed("ben", 3, false);
    let all = [&one, &two, &others];
    let open = || {
        let shelf = Shelf::with(&all.map(Clone::clone));
        for (n, token) in (11..).zip(all) {
            shelf.run(opening(token, n));
        }
        shelf
    };
    let cut = |shelf: &Shelf| {
        all.map(|token| {
            shelf
                .get(token)
                .record
                .embed
                .unwrap()
                .sessions_from
                .is_some()
        })
    };
    let kill_all = |shelf: &Shelf, actor, whose| {
        let killed = shelf.run(Command {
            asker: actor,
            task: Task::KillAll { whose },
        });
        match killed {
            Reply::Killed(changed) => Ok(changed.len()),
            Reply::Refused(problem) => Err(problem.status),
            other => panic!("{other:?}"),
        }
    };
    let of_token = || Whose::Token(one.record.id.clone());
    let of_user = || Whose::User("ada".to_owned());

    let shelf = open();
    assert_eq!(kill_all(&shelf, operator(), of_token()), Ok(1));
    assert_eq!(cut(&shelf), [true, false, false]);
    assert_eq!(listed(&shelf, operator(), "ada"), [minted("ada", 12).id]);
    let row = format!("t/{}", one.digest.to_hex());
    assert!(shelf.rows.borrow()[&row].repeat);
    assert_eq!(kill_all(&shelf, operator(), of_token()), Ok(0));

    let shelf = open();
    assert_eq!(kill_all(&shelf, operator(), of_user()), Ok(2));
    assert_eq!(cut(&shelf), [true, true, false]);
    assert_eq!(listed(&shelf, operator(), "ben").len(), 1);

    let shelf = open();
    let (ada, ben) = (entry("ada", 7), entry("ben", 8));
    for pat in [&ada, &ben] {
        shelf.save_token(pat).unwrap();
    }
    assert_eq!(kill_all(&shelf, pat(&ben), of_user()), Err(404));
    assert_eq!(kill_all(&shelf, pat(&ben), of_token()), Err(404));
    assert_eq!(cut(&shelf), [false; 3]);
    assert_eq!(kill_all(&shelf, pat(&ada), of_user()), Ok(2));
}

#[test]
fn a_session_whose_clock_was_ahead_is_killed_too() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    shelf.run(opening(&token, 11));
    let live = shelf.session("default", &minted("ada", 11).id);
    let ahead = Id::generate(&token.record.id.hint(), MS + 9_000, [0; 16]);
    let ahead = Live {
        id: ahead.clone(),
        ..live.unwrap().unwrap()
    };
    shelf.save_session(&ahead, NOW).unwrap();
    let whose = Whose::User("ada".to_owned());
    let actor = operator();
    shelf.run(Command {
        asker: actor,
        task: Task::KillAll { whose },
    });
    let embed = shelf.get(&token).record.embed.unwrap();
    assert_eq!(embed.sessions_from, Some(ahead.id.time()));
}

#[test]
fn a_session_that_would_be_killed_with_those_before_is_not_opened() {
    let mut token = embed("ada", 1, true);
    let opened = minted("ada", 11).id.time();
    for (from, expected) in [
        (opened.plus(1), Some(Code::RateLimited)),
        (opened, Some(Code::RateLimited)),
        (Time::from_seconds(opened.seconds() - 1), None),
    ] {
        token.record.embed.as_mut().unwrap().sessions_from = Some(from);
        let shelf = Shelf::with(std::slice::from_ref(&token));
        assert_eq!(code(&shelf, opening(&token, 11)), expected);
        let used = shelf.get(&token).record.state == State::Used;
        assert_eq!(used, expected.is_none());
    }
}

#[test]
fn a_user_of_many_tokens_is_killed_in_steps() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    shelf.run(opening(&token, 11));
    let live = shelf.session("default", &minted("ada", 11).id);
    let live = live.unwrap().unwrap();
    let hint = token.record.id.hint();
    for n in 0..MAX_TOLD as u64 {
        let id = Id::generate(&hint, MS + n, [9; 16]);
        let mut other = token.clone();
        other.record.id = id.clone();
        shelf.save_token(&other).unwrap();
        let opened = Live {
            id: Id::generate(&hint, MS + n, [8; 16]),
            token: id,
            ..live.clone()
        };
        shelf.save_session(&opened, NOW).unwrap();
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        let whose = Whose::User("ada".to_owned());
        let actor = operator();
        match shelf.run(Command {
            asker: actor,
            task: Task::KillAll { whose },
        }) {
            Reply::Killed(changed) => told.push(changed.len()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, [MAX_TOLD, 1, 0]);
}

#[test]
fn a_list_ends_where_all_were_killed() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    shelf.run(opening(&token, 11));
    let opened = minted("ada", 11).id.time();
    for (after, found) in [
        (None, 1),
        (Some(opened), 0),
        (Some(Time::from_seconds(opened.seconds() - 1)), 1),
    ] {
        let reply = shelf.run(Command {
            asker: operator(),
            task: Task::Sessions {
                uid: "ada".to_owned(),
                before: None,
                after,
                limit: 50,
            },
        });
        let Reply::Sessions { sessions, .. } = reply else {
            panic!("no list");
        };
        assert_eq!(sessions.len(), found);
    }
}

#[test]
fn a_pat_sees_and_kills_its_own_users_sessions_only() {
    let (token, ada, ben) = (embed("ada", 1, false), entry("ada", 2), entry("ben", 3));
    let shelf = Shelf::with(&[token.clone(), ada.clone(), ben.clone()]);
    shelf.run(opening(&token, 11));
    assert_eq!(code(&shelf, kill(pat(&ben), 11)), Some(Code::SessionEnded));
    assert_eq!(code(&shelf, kill(operator(), 99)), Some(Code::SessionEnded));
    let ask = Command {
        asker: pat(&ben),
        task: Task::Sessions {
            uid: "ada".to_owned(),
            before: None,
            after: None,
            limit: 50,
        },
    };
    assert!(code(&shelf, ask).is_some());
    assert_eq!(listed(&shelf, pat(&ada), "ada").len(), 1);
    assert_eq!(code(&shelf, kill(pat(&ada), 11)), None);
    assert!(listed(&shelf, pat(&ada), "ada").is_empty());
}

#[test]
fn the_sessions_of_a_revoked_token_are_not_live() {
    let token = embed("ada", 1, false);
    let shelf = Shelf::with(std::slice::from_ref(&token));
    shelf.run(opening(&token, 11));
    shelf.run(Command {
        asker: operator(),
        task: Task::Revoke {
            id: token.record.id.clone(),
        },
    });
    assert!(listed(&shelf, operator(), "ada").is_empty());
}

fn slotted(n: u8) -> Command {
    let user = User {
        uid: "ada".to_owned(),
        email: "ada@example.com".to_owned(),
    };
    let grant = Grant {
        name: "ToolJet embed".to_owned(),
        description: String::new(),
        scopes: Scopes::default(),
        apps: vec!["jobs".to_owned()],
        allowed_ips: None,
        lifetime: Some(Lifetime::Until(NOW.plus(600))),
        strict: None,
        embed: Some(EmbedGrant {
            label: String::new(),
            allowed_origins: Vec::new(),
            session_minutes: 60,
            idle_minutes: None,
            single_use: false,
            top_level: false,
        }),
    };
    Command {
        asker: operator(),
        task: Task::Create(Box::new(Creation {
            user,
            grant,
            limits: Limits::default(),
            minted: minted("ada", n),
            once: None,
            quota: 1_000,
            slot: Some("tooljet/jobs".to_owned()),
            spots: vec![spot("ada")],
        })),
    }
}

fn made(shelf: &Shelf, n: u8) -> Entry {
    match shelf.run(slotted(n)) {
        Reply::Changed { token, .. } => *token,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_token_in_a_slot_replaces_the_one_before_and_ends_with_it() {
    let shelf = Shelf::with(&[]);
    let first = made(&shelf, 1);
    shelf.run(opening(&first, 11));
    let second = made(&shelf, 2);
    let third = made(&shelf, 3);
    assert_eq!(shelf.get(&first).record.state, State::Used);
    assert_eq!(shelf.get(&second).successor, Some(third.record.id.clone()));
    assert_eq!(listed(&shelf, operator(), "ada").len(), 1);
    shelf.run(Command {
        asker: operator(),
        task: Task::Revoke {
            id: third.record.id.clone(),
        },
    });
    for token in [&first, &second, &third] {
        assert_eq!(shelf.get(token).record.state, State::Revoked);
    }
    let fourth = made(&shelf, 4);
    assert_eq!(fourth.record.state, State::Active);
    assert_eq!(shelf.get(&third).successor, None);
}

#[test]
fn revoking_reaches_past_a_token_in_the_slot_that_is_over() {
    let shelf = Shelf::with(&[]);
    let first = made(&shelf, 1);
    let second = made(&shelf, 2);
    let third = made(&shelf, 3);
    let mut over = shelf.get(&second);
    over.record.expires = Some(NOW);
    shelf.save_token(&over).unwrap();
    shelf.run(Command {
        asker: operator(),
        task: Task::Revoke {
            id: third.record.id.clone(),
        },
    });
    assert_eq!(shelf.get(&first).record.state, State::Revoked);
}

#[test]
fn a_disabled_token_that_was_replaced_is_never_active_again() {
    let shelf = Shelf::with(&[]);
    let first = made(&shelf, 1);
    let enable = |enabled| Command {
        asker: operator(),
        task: Task::Change {
            id: first.record.id.clone(),
            change: crate::change::Change {
                enabled: Some(enabled),
                ..Default::default()
            },
        },
    };
    shelf.run(enable(false));
    made(&shelf, 2);
    assert_eq!(shelf.get(&first).record.state, State::Disabled);
    shelf.run(enable(true));
    assert_eq!(shelf.get(&first).record.state, State::Used);
}

#[test]
fn a_user_gets_ten_tokens_in_slots_a_minute() {
    let shelf = Shelf::with(&[]);
    for n in 1..=10 {
        made(&shelf, n);
    }
    assert_eq!(code(&shelf, slotted(11)), Some(Code::RateLimited));
}

#[test]
fn what_kv_holds_of_a_place_is_read_back() {
    let spot = spot("ada");
    let json = spot.to_json();
    assert_eq!(
        json,
        "{\"app\":\"jobs\",\"or\":[\"https://portal.example\"]}"
    );
    assert_eq!(Spot::read_origins(&json), Some(spot.origins));
    for junk in [
        "",
        "{}",
        "{\"or\":[]}",
        "{\"app\":\"jobs\",\"or\":[\"*\"]}",
        "{\"app\":\"jobs\",\"or\":[],\"x\":1}",
    ] {
        assert_eq!(Spot::read_origins(junk), None, "{junk}");
    }
}
