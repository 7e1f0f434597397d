use super::*;
use crate::asker::Source;
use crate::change::{Change, Rotation};
use crate::digest::Digest;
use crate::entry::tests::{NOW, entry, minted, scopes};
use crate::grant::Grant;
use crate::lifecycle::User;
use crate::outbox::Rows;
use crate::policy::Limits;
use crate::record::Embed;
use crate::transaction::shelf::{MS, Shelf};
use proptest::prelude::*;
use std::collections::BTreeSet;

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

fn creation(actor: Asker, n: u8, once: Option<&str>) -> Command {
    Command {
        asker: actor,
        task: Task::Create(Box::new(Creation {
            user: User {
                uid: "ada".to_owned(),
                email: "ada@example.com".to_owned(),
            },
            grant: Grant {
                name: format!("made {n}"),
                description: String::new(),
                scopes: scopes(&["tokens"]),
                apps: Vec::new(),
                allowed_ips: None,
                lifetime: None,
                strict: None,
                embed: None,
            },
            limits: Limits::default(),
            minted: minted("ada", n),
            once: once.map(Digest::of),
            quota: 1_000,
            slot: None,
            spots: Vec::new(),
        })),
    }
}

fn revocation(actor: Asker, entry: &Entry) -> Command {
    let id = entry.record.id.clone();
    Command {
        asker: actor,
        task: Task::Revoke { id },
    }
}

fn page(shelf: &Shelf, limit: u8, before: Option<Id>) -> (Vec<Entry>, Option<Id>) {
    let (actor, filter) = (operator(), Filter::default());
    let uid = "ada".to_owned();
    match shelf.run(Command {
        asker: actor,
        task: Task::List {
            uid,
            filter,
            before,
            limit,
        },
    }) {
        Reply::Page { tokens, next } => (tokens, next),
        other => panic!("no page: {other:?}"),
    }
}

fn made(reply: Reply) -> (Entry, bool) {
    match reply {
        Reply::Changed {
            token, repeated, ..
        } => (*token, repeated),
        other => panic!("nothing made: {other:?}"),
    }
}

#[test]
fn a_new_token_is_found_at_once_and_is_on_its_way_to_kv() {
    let shelf = Shelf::with(&[]);
    let (token, repeated) = made(shelf.run(creation(operator(), 1, None)));
    assert!(!repeated);
    let digest = token.digest;
    let found = shelf.lookup(&digest).unwrap();
    assert_eq!(found, Some(token.record.clone()));
    let row = shelf.row(&kv_key(&token)).unwrap().unwrap();
    assert_eq!((row.due, row.uid.as_str(), row.repeat), (MS, "ada", false));
    let digest = Digest::of("other");
    assert_eq!(shelf.lookup(&digest).unwrap(), None);
}

#[test]
fn the_same_request_makes_one_token() {
    let shelf = Shelf::with(&[entry("ada", 7)]);
    let (first, _) = made(shelf.run(creation(operator(), 1, Some("k"))));
    let (second, repeated) = made(shelf.run(creation(operator(), 2, Some("k"))));
    assert!(repeated && first.record.id == second.record.id);
    let (other, repeated) = made(shelf.run(creation(pat(&entry("ada", 7)), 3, Some("k"))));
    assert!(!repeated && other.record.id != first.record.id);
}

#[test]
fn revoking_takes_all_descendants_along_and_is_done_once() {
    let (top, mut child, mut grandchild) = (entry("ada", 1), entry("ada", 2), entry("ada", 3));
    child.parent = Some(top.record.id.clone());
    child.record.state = State::Disabled;
    grandchild.parent = Some(child.record.id.clone());
    let stranger = entry("ada", 4);
    let shelf = Shelf::with(&[
        top.clone(),
        child.clone(),
        grandchild.clone(),
        stranger.clone(),
    ]);
    let Reply::Changed { changed, .. } = shelf.run(revocation(operator(), &top)) else {
        panic!("not revoked");
    };
    assert_eq!(changed.len(), 3);
    for entry in [&top, &child, &grandchild] {
        let now = shelf.get(entry);
        assert_eq!((now.record.state, now.record.rev), (State::Revoked, 2));
        assert!(shelf.row(&kv_key(entry)).unwrap().unwrap().repeat);
    }
    assert_eq!(shelf.get(&stranger), stranger);
    let Reply::Changed { changed, token, .. } = shelf.run(revocation(operator(), &top)) else {
        panic!("not repeatable");
    };
    assert!(changed.is_empty() && token.record.rev == 2);
}

#[test]
fn tokens_of_other_users_and_workspaces_are_unknown() {
    let (own, other) = (entry("ada", 1), entry("bob", 2));
    let mut foreign = entry("ada", 3);
    foreign.record.workspace = "other".to_owned();
    let shelf = Shelf::with(&[own.clone(), other.clone(), foreign.clone()]);
    let unknown = Reply::Refused(Problem::unknown_token());
    for hidden in [&other, &foreign] {
        let id = hidden.record.id.clone();
        let actor = pat(&own);
        let read = Command {
            asker: actor.clone(),
            task: Task::Read { id: id.clone() },
        };
        assert_eq!(shelf.run(read), unknown);
        assert_eq!(shelf.run(revocation(actor.clone(), hidden)), unknown);
        let change = Change {
            enabled: Some(true),
            ..Change::default()
        };
        assert_eq!(
            shelf.run(Command {
                asker: actor,
                task: Task::Change { id, change }
            }),
            unknown
        );
    }
    assert_eq!(shelf.run(revocation(operator(), &foreign)), unknown);
    let command = Command {
        asker: pat(&own),
        task: Task::List {
            uid: "bob".to_owned(),
            filter: Filter::default(),
            before: None,
            limit: 1,
        },
    };
    assert_eq!(shelf.run(command), unknown);
    assert!(shelf.rows.borrow().is_empty());
}

#[test]
fn a_pat_that_was_revoked_since_the_gate_looked_does_nothing() {
    let mut own = entry("ada", 1);
    own.record.state = State::Revoked;
    let shelf = Shelf::with(&[own.clone(), entry("ada", 2)]);
    assert_eq!(shelf.status(creation(pat(&own), 9, None)), 401);
    assert_eq!(shelf.status(revocation(pat(&own), &entry("ada", 2))), 401);
    let gone = Shelf::with(&[]);
    assert_eq!(gone.status(creation(pat(&own), 9, None)), 401);
}

#[test]
fn without_the_scope_a_pat_sees_and_revokes_itself_only() {
    let mut own = entry("ada", 1);
    own.record.scopes = scopes(&["odata"]);
    let shelf = Shelf::with(&[own.clone(), entry("ada", 2)]);
    let read = |entry: &Entry| Command {
        asker: pat(&own),
        task: Task::Read {
            id: entry.record.id.clone(),
        },
    };
    assert_eq!(shelf.status(read(&own)), 200);
    assert_eq!(shelf.status(read(&entry("ada", 2))), 403);
    assert_eq!(shelf.status(revocation(pat(&own), &entry("ada", 2))), 403);
    assert_eq!(shelf.status(revocation(pat(&own), &own)), 200);
    assert_eq!(shelf.get(&own).record.state, State::Revoked);
}

#[test]
fn a_pat_with_tokens_does_not_touch_a_wider_sibling_but_may_revoke_it() {
    let own = entry("ada", 1);
    let mut wider = entry("ada", 2);
    wider.record.scopes = scopes(&["admin"]);
    let shelf = Shelf::with(&[own.clone(), wider.clone()]);
    let id = wider.record.id.clone();
    let rotate = Command {
        asker: pat(&own),
        task: Task::Rotate {
            id: id.clone(),
            rotation: Rotation::default(),
            limits: Limits::default(),
            minted: minted("ada", 3),
            quota: 1_000,
        },
    };
    assert_eq!(shelf.status(rotate), 403);
    let change = Change {
        name: Some("x".to_owned()),
        ..Change::default()
    };
    assert_eq!(
        shelf.status(Command {
            asker: pat(&own),
            task: Task::Change { id, change }
        }),
        403
    );
    assert_eq!(shelf.get(&wider), wider);
    assert_eq!(shelf.status(revocation(pat(&own), &wider)), 200);
}

#[test]
fn a_rotation_answers_with_the_successor_and_changes_both() {
    let old = entry("ada", 1);
    let shelf = Shelf::with(core::slice::from_ref(&old));
    let reply = shelf.run(Command {
        asker: operator(),
        task: Task::Rotate {
            id: old.record.id.clone(),
            rotation: Rotation { grace_seconds: 60 },
            limits: Limits::default(),
            minted: minted("ada", 2),
            quota: 1_000,
        },
    });
    let Reply::Changed { token, changed, .. } = reply else {
        panic!("not rotated");
    };
    assert_eq!(token.record.id, minted("ada", 2).id);
    assert_eq!(changed.len(), 2);
    assert_eq!(shelf.get(&old).successor, Some(token.record.id));
    let due = |entry: &Entry| shelf.row(&kv_key(entry)).unwrap().unwrap().repeat;
    assert!(due(&old));
}

#[test]
fn pages_show_each_token_once_newest_first() {
    let entries: Vec<_> = (1..=7).map(|n| entry("ada", n)).collect();
    let shelf = Shelf::with(&entries);
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let (tokens, next) = page(&shelf, 3, before);
        assert!(tokens.len() <= 3);
        seen.extend(tokens);
        before = next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, entries.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(page(&shelf, 7, None).1, None);
}

#[test]
fn a_store_that_fails_is_told_and_never_a_success() {
    for writes in 0..3 {
        let shelf = Shelf::with(&[]);
        shelf.writes_left.set(writes);
        let failed = execute(&shelf, creation(operator(), 1, Some("k")), MS);
        assert_eq!(failed, Err("no space"));
    }
}

proptest! {
    /// Whatever is asked of it, no revision ever falls, nothing that was
    /// revoked comes back, and each change is on its way to KV.
    #[test]
    fn revisions_rise_and_what_is_revoked_stays_so(
        steps in prop::collection::vec((0u8..5, 1u8..6, any::<bool>()), 1..40),
    ) {
        let shelf = Shelf::with(&[entry("ada", 1)]);
        let mut next = 10_u8;
        for (step, n, by_pat) in steps {
            let before = shelf.tokens.borrow().clone();
            let nth = before.values().nth(usize::from(n) % before.len()).unwrap();
            let id = nth.record.id.clone();
            let actor = if by_pat { pat(before.values().next().unwrap()) } else { operator() };
            let enabled = Some(n % 2 == 0);
            next += 1;
            shelf.run(match step {
                0 => creation(actor, next, None),
                1 | 2 => {
                    let change = Change { enabled, ..Change::default() };
                    Command { asker: actor, task: Task::Change {  id, change } }
                }
                3 => Command { asker: actor, task: Task::Rotate {

                    id,
                    rotation: Rotation { grace_seconds: u32::from(n) * 60 },
                    limits: Limits::default(),
                    minted: minted("ada", next),
                    quota: 1_000,
                } },
                _ => Command { asker: actor, task: Task::Revoke {  id } },
            });
            for (id, now) in shelf.tokens.borrow().iter() {
                let Some(was) = before.get(id) else {
                    prop_assert!(shelf.row(&kv_key(now)).unwrap().is_some());
                    continue;
                };
                prop_assert!(now.record.rev >= was.record.rev);
                prop_assert_eq!(now.record.rev == was.record.rev, now == was);
                let revoked = was.record.state == State::Revoked;
                prop_assert!(!revoked || now == was);
                if now != was {
                    prop_assert!(shelf.row(&kv_key(now)).unwrap().is_some());
                }
            }
            let all = shelf.tokens.borrow();
            for child in all.values() {
                let parent = child.parent.as_ref().and_then(|id| all.get(id.as_str()));
                let revoked = parent.is_some_and(|p| p.record.state == State::Revoked);
                prop_assert!(!revoked || child.record.state == State::Revoked);
            }
        }
    }
}

#[test]
fn revoking_a_successor_reaches_what_its_predecessor_made() {
    let (mut old, mut child, new) = (entry("ada", 1), entry("ada", 2), entry("ada", 3));
    // As a rotation without grace leaves it.
    old.record.state = State::Used;
    old.record.expires = Some(NOW);
    old.successor = Some(new.record.id.clone());
    child.parent = Some(old.record.id.clone());
    let shelf = Shelf::with(&[old.clone(), child.clone(), new.clone()]);
    shelf.run(revocation(operator(), &new));
    for entry in [&old, &child, &new] {
        assert_eq!(shelf.get(entry).record.state, State::Revoked);
    }
}

#[test]
fn only_what_can_have_kin_is_asked_for_it() {
    let top = entry("ada", 1);
    let mut family = vec![top.clone()];
    for n in 2..=40 {
        let mut child = entry("ada", n);
        child.parent = Some(top.record.id.clone());
        if n > 5 {
            child.record.state = State::Used;
            child.record.embed = Some(Embed::default());
        }
        family.push(child);
    }
    let shelf = Shelf::with(&family);
    shelf.run(revocation(operator(), &top));
    for entry in &family {
        assert_eq!(shelf.get(entry).record.state, State::Revoked);
    }
    assert_eq!(shelf.asked_kin.get(), 5);
}

/// A token of a made-up family: where it comes from, what replaced it, and what it is.
#[derive(Clone, Copy, Debug)]
struct Member {
    parent: Option<u8>,
    successor: Option<u8>,
    embed: bool,
    slot: bool,
    over: bool,
    state: State,
}

fn member() -> impl Strategy<Value = Member> {
    let states = vec![State::Active, State::Disabled, State::Used, State::Revoked];
    (
        prop::option::of(0u8..12),
        prop::option::weighted(0.3, 0u8..12),
        any::<bool>(),
        prop::bool::weighted(0.3),
        any::<bool>(),
        prop::sample::select(states),
    )
        .prop_map(|(parent, successor, embed, slot, over, state)| Member {
            parent,
            successor,
            embed,
            slot: embed && slot,
            over,
            state,
        })
}

proptest! {
    /// Revoking reaches what it would if each member were asked for its kin and
    /// none were left out before.
    #[test]
    fn revoking_reaches_the_whole_family(members in prop::collection::vec(member(), 12)) {
        let names: Vec<_> = (1..=12).map(|n| entry("ada", n).record.id).collect();
        let barren = |n: u8| members[usize::from(n)].embed && !members[usize::from(n)].slot;
        let entries: Vec<_> = (1..).zip(&members).map(|(n, member)| {
            let mut entry = entry("ada", n);
            let name = |n: u8| names[usize::from(n)].clone();
            // Embed tokens make nothing, and only PATs and those in slots are replaced, by such.
            let maker = |n: &u8| !members[usize::from(*n)].embed;
            entry.parent = member.parent.filter(maker).map(name);
            let replaced = !member.embed || member.slot;
            entry.successor = member.successor.filter(|n| replaced && !barren(*n)).map(name);
            entry.slot = member.slot.then(|| "tooljet/jobs".to_owned());
            entry.record.embed = member.embed.then(Embed::default);
            entry.record.expires = member.over.then_some(NOW);
            entry.record.state = member.state;
            entry
        }).collect();
        let mut expected = BTreeSet::from([0]);
        let mut left = vec![0];
        while let Some(at) = left.pop() {
            let id = Some(&entries[at].record.id);
            for (n, other) in entries.iter().enumerate() {
                let kin = other.parent.as_ref() == id || other.successor.as_ref() == id;
                let over = other.record.embed.is_some()
                    && other.slot.is_none()
                    && other.record.over(NOW);
                let reached = kin && other.record.state != State::Revoked && !over;
                if reached && expected.insert(n) {
                    left.push(n);
                }
            }
        }
        let shelf = Shelf::with(&entries);
        shelf.run(revocation(operator(), &entries[0]));
        for (n, entry) in entries.iter().enumerate() {
            let revoked = expected.contains(&n) || entry.record.state == State::Revoked;
            prop_assert_eq!(shelf.get(entry).record.state == State::Revoked, revoked);
            let rises = revoked && entry.record.state != State::Revoked;
            prop_assert_eq!(shelf.get(entry).record.rev, entry.record.rev + u64::from(rises));
        }
    }
}

#[test]
fn a_token_cannot_enable_the_one_that_it_comes_from() {
    let (mut top, mut middle, mut child) = (entry("ada", 1), entry("ada", 2), entry("ada", 3));
    top.record.state = State::Disabled;
    middle.parent = Some(top.record.id.clone());
    child.parent = Some(middle.record.id.clone());
    let shelf = Shelf::with(&[top.clone(), middle.clone(), child.clone()]);
    for actor in [&middle, &child] {
        let reply = shelf.run(Command {
            asker: pat(actor),
            task: Task::Change {
                id: top.record.id.clone(),
                change: Change {
                    enabled: Some(true),
                    ..Change::default()
                },
            },
        });
        assert!(matches!(reply, Reply::Refused(problem) if problem.status == 403));
        assert_eq!(shelf.get(&top).record.state, State::Disabled);
    }
}

#[test]
fn a_user_has_at_most_a_thousand_live_tokens() {
    let one = entry("ada", 1);
    let shelf = Shelf::with(&[]);
    for n in 0..1_000 {
        let mut tokens = shelf.tokens.borrow_mut();
        tokens.insert(format!("{n}"), one.clone());
    }
    let refused = shelf.run(creation(operator(), 2, None));
    assert!(matches!(refused, Reply::Refused(problem) if problem.status == 409));
    shelf.tokens.borrow_mut().remove("0");
    made(shelf.run(creation(operator(), 2, None)));
}

#[test]
fn a_pat_finds_its_users_pats_by_number_however_many_are_over() {
    let shelf = Shelf::with(&[]);
    let asking = made(shelf.run(creation(operator(), 1, None))).0;
    for n in 2..=9 {
        made(shelf.run(creation(operator(), n, None)));
    }
    for n in 3..=9 {
        let id = minted("ada", n).id;
        let actor = operator();
        shelf.run(Command {
            asker: actor,
            task: Task::Revoke { id },
        });
    }
    let owned = || -> Vec<Option<u64>> {
        let actor = pat(&asking);
        match shelf.run(Command {
            asker: actor,
            task: Task::Owned,
        }) {
            Reply::Page { tokens, .. } => tokens.iter().map(|entry| entry.number).collect(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(owned(), [Some(1), Some(2)]);
    let revoke = |actor, number| {
        shelf.status(Command {
            asker: actor,
            task: Task::RevokeNumber { number },
        })
    };
    assert_eq!(revoke(pat(&asking), 99), 404);
    assert_eq!(revoke(operator(), 2), 404);
    assert_eq!(revoke(pat(&asking), 2), 200);
    assert_eq!(owned(), [Some(1)]);
}

#[test]
fn what_is_done_and_what_is_refused_is_written_down_with_who_asked() {
    let shelf = Shelf::with(&[entry("ada", 7), entry("ben", 8)]);
    let (made, _) = made(shelf.run(creation(operator(), 1, Some("k"))));
    shelf.run(creation(operator(), 2, Some("k")));
    let own = pat(&entry("ada", 7));
    let id = made.record.id.clone();
    let task = |task| Command {
        asker: own.clone(),
        task,
    };
    let enabled = |enabled| Change {
        name: None,
        description: None,
        enabled: Some(enabled),
    };
    let change = |change| {
        task(Task::Change {
            id: id.clone(),
            change,
        })
    };
    shelf.run(change(enabled(false)));
    shelf.run(change(enabled(false)));
    shelf.run(change(enabled(true)));
    shelf.run(task(Task::Revoke { id: id.clone() }));
    shelf.run(task(Task::Revoke { id: id.clone() }));
    let of_ben = entry("ben", 8).record.id;
    shelf.run(task(Task::Revoke { id: of_ben }));
    let name = own.name();
    let expected = [
        "operator token.created ada ok".to_owned(),
        format!("{name} token.disabled ada ok"),
        format!("{name} token.enabled ada ok"),
        format!("{name} token.revoked ada ok"),
        format!("{name} token.revoked ada token_unknown"),
    ];
    assert_eq!(*shelf.events.borrow(), expected);
}

#[test]
fn a_rotation_makes_a_token_too() {
    let shelf = Shelf::with(&[entry("ada", 1)]);
    shelf.run(Command {
        asker: operator(),
        task: Task::Rotate {
            id: entry("ada", 1).record.id,
            rotation: Rotation { grace_seconds: 0 },
            limits: Limits::default(),
            minted: minted("ada", 2),
            quota: 1_000,
        },
    });
    let events = [
        "operator token.rotated ada ok",
        "operator token.created ada ok",
    ];
    assert_eq!(*shelf.events.borrow(), events);
}

#[test]
fn a_leaked_token_is_revoked_with_all_that_it_made_whatever_its_workspace() {
    let (top, mut child) = (entry("ada", 1), entry("ada", 2));
    child.parent = Some(top.record.id.clone());
    let shelf = Shelf::with(&[top.clone(), child.clone()]);
    let report = |digest| Command {
        asker: Asker {
            workspace: String::new(),
            ..asking(Who::Scanner)
        },
        task: Task::Leaked { digest },
    };
    assert_eq!(shelf.status(report(Digest::of("none"))), 404);
    assert_eq!(shelf.status(report(top.digest)), 200);
    for entry in [&top, &child] {
        assert_eq!(shelf.get(entry).record.state, State::Revoked);
    }
    assert_eq!(*shelf.events.borrow(), ["scanner token.leaked ada ok"]);
    assert_eq!(shelf.status(report(top.digest)), 200);
}

#[test]
fn a_user_gets_so_many_tokens_a_minute_and_no_more() {
    let shelf = Shelf::with(&[]);
    let with_quota = |n, quota| {
        let mut command = creation(operator(), n, None);
        if let Task::Create(creation) = &mut command.task {
            creation.quota = quota;
        }
        shelf.run(command)
    };
    with_quota(1, 2);
    with_quota(2, 2);
    let Reply::Refused(problem) = with_quota(3, 2) else {
        panic!("one too many");
    };
    let headers = problem.answer().headers;
    for (name, value) in [
        ("retry-after", "60"),
        ("ratelimit", "\"creation\";r=0;t=60"),
        ("ratelimit-policy", "\"creation\";q=2;w=60"),
    ] {
        assert!(headers.contains(&(name, value.into())), "{name}");
    }
    assert_eq!((problem.status, shelf.tokens.borrow().len()), (429, 2));
}
