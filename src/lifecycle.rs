//! What may become of a token, and at whose wish.
//!
//! The operator may do everything. A PAT acts for its own user, and:
//!
//! 1. It must be active, and hold the scope `tokens` for all but looking at
//!    itself and revoking itself.
//! 2. It makes, changes and replaces only tokens that reach no further than
//!    itself: the same scopes and apps or fewer, the same addresses or fewer,
//!    checked at the ledger if it is.
//! 3. None of these lives longer than itself.
//! 4. What it makes has it as parent, and is revoked with it.
//! 5. It may revoke each token of its user.
//!
//! What is made lives no longer than the workspace's settings allow, whoever asks.

use crate::address::AllowedIps;
use crate::change::{Change, Rotation};
use crate::entry::{Entry, Minted, Shown};
use crate::grant::{Grant, Lifetime};
use crate::id::Id;
use crate::policy::Limits;
use crate::problem::{Code, Problem};
use crate::record::{Embed, Record, State};
use crate::scope::Scope;
use crate::time::{DAY, Time};
use crate::token::Kind;
use crate::wire::wire_struct;
use std::borrow::Cow;

/// A user, known to the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub uid: String,
    /// The user's e-mail address; empty: not known.
    pub email: String,
}

/// Checks that a PAT may still act: what the gate knew of it may be old.
/// `scope`: whether it needs the scope `tokens`.
pub fn check_actor(actor: Option<&Entry>, scope: bool, now: Time) -> Result<(), Problem> {
    let Some(actor) = actor else {
        let detail = "the token is not known";
        return Err(Problem::new(401, Code::TokenUnknown, detail));
    };
    if let Some(problem) = entry_fault(actor.shown(now)) {
        return Err(problem);
    }
    if scope && !actor.record.scopes.contains(Scope::TOKENS) {
        let detail = "the token lacks the scope tokens";
        return Err(Problem::new(403, Code::ScopeInsufficient, detail));
    }
    Ok(())
}

/// Checks that a token reaches no further and lives no longer than the PAT
/// that wants to change, enable or replace it.
pub fn check_reach(actor: &Entry, target: &Entry) -> Result<(), Problem> {
    check_no_wider(&actor.record, &target.record)?;
    if outlives(target.record.expires, actor.record.expires) {
        let detail = "the token lives longer than the one that asks";
        return Err(Problem::new(403, Code::LifetimeExceeded, detail));
    }
    Ok(())
}

/// Makes a new token. `actor` is the PAT that asks; absent: the operator.
pub fn mint(
    grant: &Grant,
    user: &User,
    workspace: &str,
    minted: Minted,
    actor: Option<&Entry>,
    limits: Limits,
    now: Time,
) -> Result<Entry, Problem> {
    let own = actor.map(|actor| &actor.record);
    let inherited_ips = || own.map(|own| own.allowed_ips.clone());
    let allowed_ips: Option<AllowedIps> = grant.allowed_ips.clone().or_else(inherited_ips);
    let strict = grant.strict.or_else(|| own.map(|own| own.strict));
    let expires = end(grant, own.map(|own| own.expires), limits, now)?;
    let record = Record {
        rev: 1,
        id: minted.id,
        workspace: workspace.to_owned(),
        uid: user.uid.clone(),
        email: user.email.clone(),
        name: grant.name.clone(),
        scopes: grant.scopes.clone(),
        apps: grant.apps.clone(),
        allowed_ips: allowed_ips.unwrap_or_default(),
        strict: strict.unwrap_or(false),
        state: State::Active,
        created: now,
        expires,
        embed: grant.embed.as_ref().map(|embed| Embed {
            label: embed.label.clone(),
            allowed_origins: embed.allowed_origins.clone(),
            session_minutes: embed.session_minutes,
            idle_minutes: embed.idle_minutes,
            single_use: embed.single_use,
            top_level: embed.top_level,
            sessions_until: earlier(limits.latest(now), own.and_then(|own| own.expires)),
            sessions_from: None,
            killed: Vec::new(),
        }),
    };
    if let Some(own) = own {
        check_no_wider(own, &record)?;
    }
    Ok(Entry {
        record,
        digest: minted.digest,
        description: grant.description.clone(),
        start: minted.start,
        parent: own.map(|own| own.id.clone()),
        successor: None,
        slot: None,
        number: None,
        used: None,
    })
}

/// The token after a change; `None`: it was so already.
pub fn change(entry: &Entry, change: &Change) -> Result<Option<Entry>, Problem> {
    let state = match (entry.record.state, change.enabled) {
        (State::Revoked, _) => return Err(conflict("a revoked token cannot be changed")),
        (State::Used, _) => {
            return Err(conflict(
                "a token that was used up or replaced cannot be changed",
            ));
        }
        (state, None) => state,
        (_, Some(true)) if entry.slot.is_some() && entry.successor.is_some() => State::Used,
        (_, Some(true)) => State::Active,
        (_, Some(false)) => State::Disabled,
    };
    let mut changed = entry.clone();
    changed.record.state = state;
    if let Some(name) = &change.name {
        changed.record.name.clone_from(name);
    }
    if let Some(description) = &change.description {
        changed.description.clone_from(description);
    }
    if changed == *entry {
        return Ok(None);
    }
    raise(&mut changed);
    Ok(Some(changed))
}

/// Why a token in this state opens nothing; `None`: it opens.
pub fn entry_fault(shown: Shown) -> Option<Problem> {
    let (code, detail) = match shown {
        Shown::Active => return None,
        Shown::Disabled => (Code::TokenDisabled, "the token is disabled"),
        Shown::Used => (Code::TokenUsed, "the token was used up or replaced"),
        Shown::Revoked => (Code::TokenRevoked, "the token is revoked"),
        Shown::Expired => (Code::TokenExpired, "the token has expired"),
    };
    Some(Problem::new(401, code, detail))
}

/// A token after it opened the one session that it was for.
pub fn use_up(entry: &Entry) -> Entry {
    let mut used = entry.clone();
    used.record.state = State::Used;
    raise(&mut used);
    used
}

/// A token that another one takes the place of: it opens no more sessions, and
/// those that it opened go on. One that is disabled stays so.
pub fn replace(entry: &Entry, successor: &Id) -> Entry {
    let mut replaced = entry.clone();
    if replaced.record.state == State::Active {
        replaced.record.state = State::Used;
    }
    replaced.successor = Some(successor.clone());
    raise(&mut replaced);
    replaced
}

/// A token whose record shall list other killed sessions than before.
pub fn relist(entry: &Entry) -> Entry {
    let mut changed = entry.clone();
    raise(&mut changed);
    changed
}

/// A token of which all sessions that were opened until a moment are killed.
pub fn kill_sessions(entry: &Entry, until: Time) -> Entry {
    let mut changed = entry.clone();
    if let Some(embed) = &mut changed.record.embed {
        embed.sessions_from = embed.sessions_from.max(Some(until));
    }
    raise(&mut changed);
    changed
}

/// The token after its revocation; `None`: it was revoked already.
pub fn revoke(entry: &Entry) -> Option<Entry> {
    if entry.record.state == State::Revoked {
        return None;
    }
    let mut revoked = entry.clone();
    revoked.record.state = State::Revoked;
    raise(&mut revoked);
    Some(revoked)
}

/// Replaces a token: the old one as it will be, and its successor. The
/// successor may do the same, and lives as long as the old one was made for,
/// counted from now. `actor` is the PAT that asks; absent: the operator.
pub fn rotate(
    entry: &Entry,
    rotation: Rotation,
    minted: Minted,
    actor: Option<&Entry>,
    limits: Limits,
    now: Time,
) -> Result<(Entry, Entry), Problem> {
    if let Some(successor) = &entry.successor {
        let successor = successor.as_str();
        return Err(conflict(format!(
            "the token was already replaced, by {successor}"
        )));
    }
    if entry.shown(now) != Shown::Active || entry.record.kind() != Kind::Pat {
        return Err(conflict("only an active PAT can be replaced"));
    }
    let record = &entry.record;
    let same_length = record
        .expires
        .map(|expires| now.plus(expires.since(record.created)));
    let within = match same_length {
        None if !limits.never => Some(days_from(now, limits.default_days)),
        None => None,
        Some(_) => earlier(same_length, limits.latest(now)),
    };
    let successor = Entry {
        record: Record {
            rev: 1,
            id: minted.id.clone(),
            workspace: record.workspace.clone(),
            uid: record.uid.clone(),
            email: record.email.clone(),
            name: record.name.clone(),
            scopes: record.scopes.clone(),
            apps: record.apps.clone(),
            allowed_ips: record.allowed_ips.clone(),
            strict: record.strict,
            state: State::Active,
            created: now,
            expires: match actor {
                Some(actor) => earlier(within, actor.record.expires),
                None => within,
            },
            embed: None,
        },
        digest: minted.digest,
        description: entry.description.clone(),
        start: minted.start,
        parent: match actor {
            Some(actor) => Some(actor.record.id.clone()),
            None => entry.parent.clone(),
        },
        successor: None,
        slot: None,
        number: None,
        used: None,
    };
    let mut old = entry.clone();
    let grace_ends = now.plus(u64::from(rotation.grace_seconds));
    old.record.expires = earlier(record.expires, Some(grace_ends));
    if rotation.grace_seconds == 0 {
        old.record.state = State::Used;
    }
    old.successor = Some(minted.id);
    raise(&mut old);
    Ok((old, successor))
}

/// When a new token ends. `own` is the end of the PAT that asks, if one does.
fn end(
    grant: &Grant,
    own: Option<Option<Time>>,
    limits: Limits,
    now: Time,
) -> Result<Option<Time>, Problem> {
    let own = own.flatten();
    let default_days = match grant.embed {
        None => limits.default_days,
        Some(_) => DEFAULT_EMBED_DAYS,
    };
    let wanted = match grant.lifetime {
        None => return Ok(earlier(Some(days_from(now, default_days)), own)),
        Some(Lifetime::Days(count)) => Some(days_from(now, count)),
        Some(Lifetime::Until(time)) => Some(time),
        Some(Lifetime::Never) => None,
    };
    let allowed = match wanted {
        None => limits.never,
        Some(_) => !outlives(wanted, limits.latest(now)),
    };
    if !allowed {
        let detail = match limits.max_days {
            Some(days) => format!("a token lives at most {days} days in this workspace"),
            None => "a token must expire in this workspace".to_owned(),
        };
        return Err(Problem::new(400, Code::LifetimeExceeded, detail));
    }
    if outlives(wanted, own) {
        let detail = "a token cannot live longer than the one that makes it";
        return Err(Problem::new(400, Code::LifetimeExceeded, detail));
    }
    Ok(wanted)
}

impl Limits {
    /// When a token that expires must at the latest.
    fn latest(&self, now: Time) -> Option<Time> {
        self.max_days.map(|days| days_from(now, days))
    }
}

fn days_from(now: Time, days: u32) -> Time {
    now.plus(u64::from(days).saturating_mul(DAY))
}

/// Rule 2, with the refusal that names what is too wide.
fn check_no_wider(own: &Record, wanted: &Record) -> Result<(), Problem> {
    let apps = |app: &String| own.covers_app(app);
    let (field, detail) = if !own.scopes.cover(&wanted.scopes) {
        ("scopes", "go beyond those of the token that asks")
    } else if !wanted.apps.iter().all(apps) {
        ("apps", "go beyond those of the token that asks")
    } else if !own.allowed_ips.cover(&wanted.allowed_ips) {
        ("allowedIps", "go beyond those of the token that asks")
    } else if own.strict && !wanted.strict {
        ("strict", "must be true, as it is for the token that asks")
    } else {
        return Ok(());
    };
    let detail = format!("{field} {detail}");
    Err(Problem::new(403, Code::ScopeInsufficient, detail).about(field))
}

/// Whether one end comes after another; `None` is never.
fn outlives(one: Option<Time>, other: Option<Time>) -> bool {
    other.is_some_and(|other| one.is_none_or(|one| one > other))
}

fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    if outlives(one, other) { other } else { one }
}

fn raise(entry: &mut Entry) {
    entry.record.rev = entry.record.rev.saturating_add(1);
}

fn conflict(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(409, Code::InvalidRequest, detail)
}

const DEFAULT_EMBED_DAYS: u32 = 1;

wire_struct!(User { uid, email });

#[cfg(test)]
mod tests;
