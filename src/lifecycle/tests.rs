use super::*;
use crate::address::parse_block;
use crate::entry::tests::{NOW, entry, minted, scopes};
use crate::grant::EmbedGrant;
use crate::record::ALL_APPS;
use proptest::prelude::*;

fn grant() -> Grant {
    Grant {
        name: "child".to_owned(),
        description: "made by a test".to_owned(),
        scopes: scopes(&["odata"]),
        apps: Vec::new(),
        allowed_ips: None,
        lifetime: None,
        strict: None,
        embed: None,
    }
}

fn mint_for(grant: &Grant, actor: Option<&Entry>) -> Result<Entry, Problem> {
    let user = User {
        uid: "ada".to_owned(),
        email: "ada@example.com".to_owned(),
    };
    let limits = Limits::default();
    mint(
        grant,
        &user,
        "default",
        minted("ada", 9),
        actor,
        limits,
        NOW,
    )
}

/// A token replaced by the operator.
fn replaced(entry: &Entry, rotation: Rotation, now: Time) -> Result<(Entry, Entry), Problem> {
    rotate(
        entry,
        rotation,
        minted("ada", 2),
        None,
        Limits::default(),
        now,
    )
}

fn ips(blocks: &[&str]) -> AllowedIps {
    blocks
        .iter()
        .map(|text| parse_block(text).unwrap())
        .collect()
}

#[test]
fn a_token_lives_30_days_unless_told_otherwise() {
    let made = mint_for(&grant(), None).unwrap();
    assert_eq!(made.record.expires, Some(NOW.plus(30 * DAY)));
    assert_eq!((made.record.rev, made.parent), (1, None));
    let forever = Grant {
        lifetime: Some(Lifetime::Never),
        ..grant()
    };
    assert_eq!(mint_for(&forever, None).unwrap().record.expires, None);
}

#[test]
fn a_child_inherits_addresses_and_strictness_and_names_its_parent() {
    let mut actor = entry("ada", 1);
    actor.record.allowed_ips = ips(&["192.0.2.0/24"]);
    actor.record.strict = true;
    actor.record.expires = Some(NOW.plus(DAY));
    let child = mint_for(&grant(), Some(&actor)).unwrap();
    assert_eq!(child.record.allowed_ips, actor.record.allowed_ips);
    assert!(child.record.strict);
    assert_eq!(child.parent, Some(actor.record.id.clone()));
    assert_eq!(child.record.expires, actor.record.expires);
}

#[test]
fn a_child_may_be_narrower_and_never_wider() {
    let mut actor = entry("ada", 1);
    actor.record.allowed_ips = ips(&["192.0.2.0/24"]);
    actor.record.strict = true;
    actor.record.apps = vec!["jobs".to_owned()];
    let with = |change: fn(&mut Grant)| {
        let mut grant = grant();
        change(&mut grant);
        mint_for(&grant, Some(&actor)).map_err(|problem| (problem.status, problem.field.clone()))
    };
    let refused = |field: &str| Err((403, Some(field.to_owned().into())));
    assert!(with(|grant| grant.allowed_ips = Some(ips(&["192.0.2.7"]))).is_ok());
    assert!(with(|grant| grant.apps = vec!["jobs".to_owned()]).is_ok());
    assert!(with(|grant| grant.scopes = scopes(&[])).is_ok());
    assert_eq!(
        with(|grant| grant.scopes = scopes(&["jobs:read"])),
        refused("scopes")
    );
    assert_eq!(
        with(|grant| grant.apps = vec![ALL_APPS.to_owned()]),
        refused("apps")
    );
    assert_eq!(
        with(|grant| grant.allowed_ips = Some(ips(&[]))),
        refused("allowedIps")
    );
    let outside = with(|grant| grant.allowed_ips = Some(ips(&["192.0.0.0/16"])));
    assert_eq!(outside, refused("allowedIps"));
    assert_eq!(with(|grant| grant.strict = Some(false)), refused("strict"));
}

#[test]
fn a_child_that_would_outlive_its_parent_is_refused() {
    let actor = entry("ada", 1);
    for lifetime in [
        Lifetime::Days(31),
        Lifetime::Never,
        Lifetime::Until(NOW.plus(30 * DAY + 1)),
    ] {
        let grant = Grant {
            lifetime: Some(lifetime),
            ..grant()
        };
        let problem = mint_for(&grant, Some(&actor)).unwrap_err();
        assert_eq!(
            (problem.status, problem.code),
            (400, Code::LifetimeExceeded)
        );
    }
    let grant = Grant {
        lifetime: Some(Lifetime::Days(30)),
        ..grant()
    };
    assert!(mint_for(&grant, Some(&actor)).is_ok());
}

#[test]
fn an_actor_must_be_active_and_hold_the_scope_where_it_is_needed() {
    let actor = entry("ada", 1);
    let code = |actor: &Entry, scope, now| {
        check_actor(Some(actor), scope, now).map_err(|problem| (problem.status, problem.code))
    };
    assert_eq!(code(&actor, true, NOW), Ok(()));
    assert_eq!(
        code(&actor, true, NOW.plus(31 * DAY)),
        Err((401, Code::TokenExpired))
    );
    for (state, expected) in [
        (State::Disabled, Code::TokenDisabled),
        (State::Used, Code::TokenUsed),
        (State::Revoked, Code::TokenRevoked),
    ] {
        let mut actor = actor.clone();
        actor.record.state = state;
        assert_eq!(code(&actor, false, NOW), Err((401, expected)));
    }
    let mut actor = actor;
    actor.record.scopes = scopes(&["odata"]);
    assert_eq!(code(&actor, true, NOW), Err((403, Code::ScopeInsufficient)));
    assert_eq!(code(&actor, false, NOW), Ok(()));
    assert_eq!(
        check_actor(None, false, NOW).unwrap_err().code,
        Code::TokenUnknown
    );
}

#[test]
fn a_change_raises_the_revision_and_no_change_does_not() {
    let entry = entry("ada", 1);
    let disable = Change {
        enabled: Some(false),
        ..Change::default()
    };
    let disabled = change(&entry, &disable).unwrap().unwrap();
    assert_eq!(
        (disabled.record.state, disabled.record.rev),
        (State::Disabled, 2)
    );
    assert_eq!(change(&disabled, &disable), Ok(None));
    let rename = Change {
        name: Some("other".to_owned()),
        ..Change::default()
    };
    let renamed = change(&disabled, &rename).unwrap().unwrap();
    assert_eq!(
        (renamed.record.state, renamed.record.rev),
        (State::Disabled, 3)
    );
}

#[test]
fn what_is_final_cannot_be_changed_or_replaced() {
    let enable = Change {
        enabled: Some(true),
        ..Change::default()
    };
    for state in [State::Revoked, State::Used] {
        let mut entry = entry("ada", 1);
        entry.record.state = state;
        assert_eq!(change(&entry, &enable).unwrap_err().status, 409);
        let rotated = replaced(&entry, Rotation::default(), NOW);
        assert_eq!(rotated.unwrap_err().status, 409);
    }
    let mut disabled = entry("ada", 1);
    disabled.record.state = State::Disabled;
    let expired = NOW.plus(31 * DAY);
    for (entry, now) in [(disabled, NOW), (entry("ada", 1), expired)] {
        let rotated = replaced(&entry, Rotation::default(), now);
        assert_eq!(rotated.unwrap_err().status, 409);
    }
}

#[test]
fn a_token_is_revoked_once() {
    let revoked = revoke(&entry("ada", 1)).unwrap();
    assert_eq!(
        (revoked.record.state, revoked.record.rev),
        (State::Revoked, 2)
    );
    assert_eq!(revoke(&revoked), None);
}

#[test]
fn a_successor_may_do_the_same_for_as_long_and_the_old_one_has_its_grace() {
    let now = NOW.plus(10 * DAY);
    let mut entry = entry("ada", 1);
    entry.record.strict = true;
    entry.parent = Some(minted("ada", 7).id);
    let rotation = Rotation { grace_seconds: 60 };
    let (old, new) = replaced(&entry, rotation, now).unwrap();
    assert_eq!(old.record.expires, Some(now.plus(60)));
    assert_eq!((old.record.state, old.record.rev), (State::Active, 2));
    assert_eq!(old.successor, Some(new.record.id.clone()));
    assert_eq!(new.record.expires, Some(now.plus(30 * DAY)));
    assert_eq!(new.record.scopes, entry.record.scopes);
    assert!(new.record.strict && new.parent == entry.parent);
    let again = replaced(&old, rotation, now);
    assert_eq!(again.unwrap_err().status, 409);
}

#[test]
fn without_a_grace_the_old_one_is_over_at_once() {
    let mut entry = entry("ada", 1);
    entry.record.expires = None;
    let (old, new) = replaced(&entry, Rotation::default(), NOW).unwrap();
    assert_eq!(
        (old.record.state, old.record.expires),
        (State::Used, Some(NOW))
    );
    assert_eq!(new.record.expires, None);
}

#[test]
fn a_grace_does_not_lengthen_a_life() {
    let mut entry = entry("ada", 1);
    entry.record.expires = Some(NOW.plus(30));
    let rotation = Rotation {
        grace_seconds: 3600,
    };
    let (old, _) = replaced(&entry, rotation, NOW).unwrap();
    assert_eq!(old.record.expires, Some(NOW.plus(30)));
}

#[test]
fn a_pat_that_replaces_itself_gains_no_time() {
    let actor = entry("ada", 1);
    let now = NOW.plus(20 * DAY);
    let (rotation, limits) = (Rotation::default(), Limits::default());
    let rotated = rotate(
        &actor,
        rotation,
        minted("ada", 2),
        Some(&actor),
        limits,
        now,
    );
    let (_, new) = rotated.unwrap();
    assert_eq!(new.record.expires, actor.record.expires);
    assert_eq!(new.parent, Some(actor.record.id));
}

#[test]
fn nothing_that_is_made_outlives_what_the_workspace_allows() {
    let limits = Limits {
        max_days: Some(7),
        never: false,
        default_days: 3,
    };
    let user = User {
        uid: "ada".to_owned(),
        email: String::new(),
    };
    let end = |lifetime, limits| {
        let grant = Grant {
            lifetime,
            ..grant()
        };
        let made = mint(
            &grant,
            &user,
            "default",
            minted("ada", 9),
            None,
            limits,
            NOW,
        );
        made.map(|made| made.record.expires)
            .map_err(|problem| problem.code)
    };
    let over = Err(Code::LifetimeExceeded);
    assert_eq!(end(None, limits), Ok(Some(NOW.plus(3 * DAY))));
    assert_eq!(
        end(Some(Lifetime::Days(7)), limits),
        Ok(Some(NOW.plus(7 * DAY)))
    );
    assert_eq!(end(Some(Lifetime::Days(8)), limits), over);
    assert_eq!(
        end(Some(Lifetime::Until(NOW.plus(7 * DAY + 1))), limits),
        over
    );
    assert_eq!(end(Some(Lifetime::Never), limits), over);
    let forever = Limits {
        never: true,
        ..limits
    };
    assert_eq!(end(Some(Lifetime::Never), forever), Ok(None));
    assert_eq!(end(Some(Lifetime::Days(8)), forever), over);

    let embed = Grant {
        embed: Some(EmbedGrant {
            label: String::new(),
            allowed_origins: Vec::new(),
            session_minutes: 576_000,
            idle_minutes: None,
            single_use: true,
            top_level: false,
        }),
        ..grant()
    };
    let made = mint(
        &embed,
        &user,
        "default",
        minted("ada", 9),
        None,
        limits,
        NOW,
    );
    let record = made.unwrap().record;
    let last = record.session_end(record.embed.as_ref().unwrap(), NOW.plus(DAY));
    assert_eq!(last, NOW.plus(7 * DAY));

    let successor = |expires: Option<Time>, limits| {
        let mut entry = entry("ada", 1);
        entry.record.expires = expires;
        let rotation = Rotation::default();
        let rotated = rotate(&entry, rotation, minted("ada", 2), None, limits, NOW);
        rotated.unwrap().1.record.expires
    };
    assert_eq!(
        successor(Some(NOW.plus(30 * DAY)), limits),
        Some(NOW.plus(7 * DAY))
    );
    assert_eq!(successor(Some(NOW.plus(DAY)), limits), Some(NOW.plus(DAY)));
    assert_eq!(successor(None, limits), Some(NOW.plus(3 * DAY)));
    assert_eq!(successor(None, forever), None);
}

#[test]
fn a_wider_or_longer_lived_sibling_is_out_of_reach() {
    let actor = entry("ada", 1);
    let mut sibling = entry("ada", 2);
    assert_eq!(check_reach(&actor, &sibling), Ok(()));
    sibling.record.expires = None;
    assert_eq!(
        check_reach(&actor, &sibling).unwrap_err().code,
        Code::LifetimeExceeded
    );
    sibling.record.scopes = scopes(&["tokens", "admin"]);
    assert_eq!(
        check_reach(&actor, &sibling).unwrap_err().code,
        Code::ScopeInsufficient
    );
}

proptest! {
    #[test]
    fn whatever_a_pat_mints_stays_within_its_reach(
        own_end in prop::option::of(1u64..100), days in prop::option::of(1u32..100),
        never: bool, own_strict: bool, strict in prop::option::of(any::<bool>()),
        own_apps in prop::sample::subsequence(vec!["*", "a", "b"], 0..3),
        apps in prop::sample::subsequence(vec!["a", "b", "c"], 0..3),
        held in prop::sample::subsequence(vec!["tokens", "x", "y"], 0..3),
        wanted in prop::sample::subsequence(vec!["tokens", "x", "z"], 0..3),
    ) {
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut actor = entry("ada", 1);
        actor.record.expires = own_end.map(|days| NOW.plus(days.saturating_mul(DAY)));
        actor.record.strict = own_strict;
        actor.record.apps = owned(own_apps);
        actor.record.scopes = scopes(&held);
        let grant = Grant {
            scopes: scopes(&wanted),
            apps: owned(apps),
            lifetime: days.map(|days| if never { Lifetime::Never } else { Lifetime::Days(days) }),
            strict,
            ..grant()
        };
        if let Ok(child) = mint_for(&grant, Some(&actor)) {
            prop_assert_eq!(check_reach(&actor, &child), Ok(()));
            prop_assert_eq!(child.parent, Some(actor.record.id));
        }
    }
}
