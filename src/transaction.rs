//! What a ledger does with each command: read, decide, write.
//!
//! The shell runs a command that writes inside one storage transaction, so that
//! a token, its row in the outbox and the alarm are there together or not at
//! all. A refusal comes before the first write.

use crate::asker::{Asker, Who};
use crate::audit::{Events, Trail};
use crate::digest::Digest;
use crate::entry::{Entry, Shown};
use crate::hint::Hint;
use crate::id::Id;
use crate::ledger::{Changed, Command, Creation, Reply, Task, Tokens};
use crate::lifecycle;
use crate::listing::Filter;
use crate::outbox::Effect;
use crate::problem::{Code, Problem};
use crate::record::{Embed, State};
use crate::sessions::{self, Sessions};
use crate::time::{DAY, Time};
use noted::Noted;

/// Carries out a command at a moment (Unix milliseconds).
pub fn execute<T: Tokens + Sessions + Trail>(
    tokens: &T,
    command: Command,
    now_ms: u64,
) -> Result<Reply, T::Error> {
    let Command { asker, task } = command;
    let (asker, now) = (&asker, Time::from_millis(now_ms));
    let noted = Noted::of(&task);
    let outcome = match task {
        Task::Create(creation) => create(tokens, asker, *creation, now_ms),
        Task::List {
            uid,
            filter,
            before,
            limit,
        } => list(tokens, asker, &uid, &filter, before, limit, now),
        Task::Read { id } => acting(tokens, asker, Some(&id), now)
            .and_then(|_| target(tokens, asker, &id))
            .map(|entry| Reply::Token(Box::new(entry))),
        Task::Change { id, change } => reach(tokens, asker, &id, now)
            .and_then(|(_, entry)| {
                let changed = lifecycle::change(&entry, &change)?;
                Ok((entry, changed))
            })
            .and_then(|(entry, changed)| save(tokens, entry, Vec::from_iter(changed), now_ms)),
        Task::Rotate {
            id,
            rotation,
            limits,
            minted,
            quota,
        } => reach(tokens, asker, &id, now).and_then(|(acting, entry)| {
            check_quota(tokens, &asker.workspace, &entry.record.uid, quota, now_ms)?;
            let (old, new) =
                lifecycle::rotate(&entry, rotation, minted, acting.as_ref(), limits, now)?;
            save(tokens, new.clone(), vec![old, new], now_ms)
        }),
        Task::Revoke { id } => acting(tokens, asker, Some(&id), now)
            .and_then(|_| target(tokens, asker, &id))
            .and_then(|entry| revoke(tokens, entry, now_ms)),
        Task::Leaked { digest } => leaked(tokens, &digest, now_ms),
        Task::Open(opening) => sessions::open(tokens, asker, &opening, now_ms),
        Task::Sessions {
            uid,
            before,
            after,
            limit,
        } => sessions::list(tokens, asker, &uid, (before.as_ref(), after), limit, now),
        Task::KillAll { whose } => sessions::kill_all(tokens, asker, &whose, now_ms),
        Task::Owned => {
            numbered(tokens, asker, None, now).map(|tokens| Reply::Page { tokens, next: None })
        }
        Task::RevokeNumber { number } => {
            numbered(tokens, asker, Some(number), now).and_then(|found| {
                let entry = found.into_iter().next();
                revoke(tokens, entry.ok_or_else(Problem::unknown_token)?, now_ms)
            })
        }
        Task::Find { digest } => tokens
            .lookup(&digest)
            .map(|found| found.filter(|record| record.workspace == asker.workspace))
            .map(|found| Reply::Found(found.map(Box::new)))
            .map_err(Stop::Failed),
        Task::Kill { id } => sessions::kill(tokens, asker, &id, now_ms),
        Task::Events {
            uid,
            selection,
            before,
            limit,
        } => acting(tokens, asker, None, now).and_then(|_| {
            if !asker.may_know(&uid) {
                return Err(Problem::unknown_token().into());
            }
            let workspace = &asker.workspace;
            Events::read(tokens, workspace, &uid, &selection, before.as_ref(), limit)
                .map(Reply::Events)
                .map_err(Stop::Failed)
        }),
    };
    let reply = match outcome {
        Ok(reply) => reply,
        Err(Stop::Refused(problem)) => Reply::Refused(problem),
        Err(Stop::Failed(error)) => return Err(error),
    };
    if let Some(noted) = noted {
        noted.write_down(tokens, asker, &reply, now_ms)?;
    }
    Ok(reply)
}

/// Why a command was not carried out: by a rule, or because the store failed.
pub(crate) enum Stop<E> {
    Refused(Problem),
    Failed(E),
}

impl<E> From<Problem> for Stop<E> {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

pub(crate) type Outcome<T, V> = Result<V, Stop<<T as crate::outbox::Rows>::Error>>;

fn create<T: Tokens + Sessions>(
    tokens: &T,
    asker: &Asker,
    creation: Creation,
    now_ms: u64,
) -> Outcome<T, Reply> {
    let now = Time::from_millis(now_ms);
    let acting = acting(tokens, asker, None, now)?;
    let workspace = asker.workspace.as_str();
    let uid = &creation.user.uid;
    let forget_before = now_ms.saturating_sub(IDEMPOTENCY_MS);
    if let Some(once) = &creation.once {
        let made = tokens.made_by(asker, uid, once, forget_before);
        if let Some(id) = made.map_err(Stop::Failed)? {
            let entry = target(tokens, asker, &id)?;
            return Ok(Reply::Changed {
                token: Box::new(entry),
                changed: Vec::new(),
                repeated: true,
            });
        }
    }
    let long_over = Time::from_seconds(now.seconds().saturating_sub(KEPT_SECONDS));
    tokens
        .forget_embeds(workspace, uid, long_over)
        .map_err(Stop::Failed)?;
    let live = tokens.live(workspace, uid, now).map_err(Stop::Failed)?;
    if live >= MAX_LIVE_TOKENS {
        let detail = "the user has 1000 live tokens; revoke some that are not needed";
        return Err(Problem::new(409, Code::InvalidRequest, detail).into());
    }
    let minute_ago = check_quota(tokens, workspace, uid, creation.quota, now_ms)?;
    let replaced = match &creation.slot {
        Some(slot) => make_way(tokens, workspace, uid, slot, &minute_ago, now_ms)?,
        None => None,
    };
    let mut entry = lifecycle::mint(
        &creation.grant,
        &creation.user,
        workspace,
        creation.minted.clone(),
        acting.as_ref(),
        creation.limits,
        now,
    )?;
    if let Some(once) = &creation.once {
        let noted = tokens.note_made(asker, &creation, once, now_ms, forget_before);
        noted.map_err(Stop::Failed)?;
    }
    entry.slot.clone_from(&creation.slot);
    for spot in &creation.spots {
        sessions::note(tokens, &entry, spot, now_ms)?;
    }
    let mut changed = vec![entry.clone()];
    changed.extend(replaced.map(|replaced| lifecycle::replace(&replaced, &entry.record.id)));
    save(tokens, entry, changed, now_ms)
}

/// Checks how many tokens a user got within a minute; answers the id that one made
/// then would begin with.
fn check_quota<T: Tokens>(
    tokens: &T,
    workspace: &str,
    uid: &str,
    quota: u32,
    now_ms: u64,
) -> Outcome<T, Id> {
    let minute_ago = now_ms.saturating_sub(MINUTE_MS);
    let minute_ago = Id::generate(&Hint::of(workspace, uid), minute_ago, [0; 16]);
    let made = tokens.made_since(workspace, uid, &minute_ago);
    if made.map_err(Stop::Failed)? >= quota as usize {
        let detail = "the user got too many tokens within a minute; try again in one";
        return Err(Problem::too_many(quota, detail).into());
    }
    Ok(minute_ago)
}

/// The token that a new one in the slot is to replace.
fn make_way<T: Tokens>(
    tokens: &T,
    workspace: &str,
    uid: &str,
    slot: &str,
    since: &Id,
    now_ms: u64,
) -> Outcome<T, Option<Entry>> {
    let now = Time::from_millis(now_ms);
    let recent = tokens.slotted_since(workspace, uid, since);
    if recent.map_err(Stop::Failed)? >= MAX_SLOTTED as usize {
        let detail = "the user got 10 such tokens within a minute; try again in one";
        return Err(Problem::too_many(MAX_SLOTTED, detail).into());
    }
    let held = tokens.in_slot(workspace, uid, slot).map_err(Stop::Failed)?;
    let replaceable = |held: &Entry| held.successor.is_none() && held.shown(now) != Shown::Revoked;
    Ok(held.filter(replaceable))
}

fn list<T: Tokens>(
    tokens: &T,
    asker: &Asker,
    uid: &str,
    filter: &Filter,
    before: Option<Id>,
    limit: u8,
    now: Time,
) -> Outcome<T, Reply> {
    acting(tokens, asker, None, now)?;
    if !asker.may_know(uid) {
        return Err(Problem::unknown_token().into());
    }
    let mut found = Vec::new();
    let mut last = before;
    for _ in 0..MAX_BATCHES {
        let older = tokens.older(
            &asker.workspace,
            uid,
            last.as_ref(),
            BATCH.saturating_add(1),
        );
        let older = older.map_err(Stop::Failed)?;
        let mut left = older.len();
        for entry in older.into_iter().take(BATCH) {
            left = left.saturating_sub(1);
            last = Some(entry.record.id.clone());
            if filter.admits(&entry, now, T::lower) {
                found.push(entry);
            }
            if found.len() >= usize::from(limit) {
                break;
            }
        }
        if left == 0 {
            last = None;
        }
        if left == 0 || found.len() >= usize::from(limit) {
            break;
        }
    }
    Ok(Reply::Page {
        tokens: found,
        next: last,
    })
}

fn revoke<T: Tokens + Sessions>(tokens: &T, entry: Entry, now_ms: u64) -> Outcome<T, Reply> {
    let now = Time::from_millis(now_ms);
    let mut family = vec![entry.clone()];
    let mut ids = vec![entry.record.id.clone()];
    let mut at = 0_usize;
    while let Some(next) = family.get(at) {
        if !next.barren() {
            let kin = tokens.kin(&next.record, now).map_err(Stop::Failed)?;
            for member in kin {
                let id = &member.record.id;
                if let Err(place) = ids.binary_search_by(|own| own.as_str().cmp(id.as_str())) {
                    ids.insert(place, id.clone());
                    family.push(member);
                }
            }
        }
        at = at.saturating_add(1);
    }
    let revoked = family
        .into_iter()
        .filter_map(|entry| lifecycle::revoke(&entry));
    let revoked: Vec<_> = revoked.collect();
    for entry in revoked.iter().filter(|entry| entry.record.embed.is_some()) {
        tokens
            .forget_sessions(&entry.record)
            .map_err(Stop::Failed)?;
    }
    save(tokens, entry, revoked, now_ms)
}

/// Revokes a token that leaked.
fn leaked<T: Tokens + Sessions>(tokens: &T, digest: &Digest, now_ms: u64) -> Outcome<T, Reply> {
    let record = tokens.lookup(digest).map_err(Stop::Failed)?;
    let entry = match record {
        Some(record) => tokens
            .token(&record.workspace, &record.id)
            .map_err(Stop::Failed)?,
        None => None,
    };
    revoke(tokens, entry.ok_or_else(Problem::unknown_token)?, now_ms)
}

/// The PAT that asks, as this ledger knows it; `None`: a person.
/// `about`: the one token that the command reads or revokes, which may be the
/// PAT itself and then needs no scope.
pub(crate) fn acting<T: Tokens>(
    tokens: &T,
    asker: &Asker,
    about: Option<&Id>,
    now: Time,
) -> Outcome<T, Option<Entry>> {
    let Who::Pat { uid, id } = &asker.who else {
        return Ok(None);
    };
    let entry = tokens.token(&asker.workspace, id).map_err(Stop::Failed)?;
    let entry = entry.filter(|entry| entry.record.uid == *uid);
    lifecycle::check_actor(entry.as_ref(), about != Some(id), now)?;
    Ok(entry)
}

/// A token that whoever asks may know of. Another user's is unknown.
pub(crate) fn target<T: Tokens>(tokens: &T, asker: &Asker, id: &Id) -> Outcome<T, Entry> {
    let entry = tokens.token(&asker.workspace, id).map_err(Stop::Failed)?;
    entry
        .filter(|entry| asker.may_know(&entry.record.uid))
        .ok_or_else(|| Problem::unknown_token().into())
}

/// The PAT that asks and the token that it may change.
fn reach<T: Tokens>(
    tokens: &T,
    asker: &Asker,
    id: &Id,
    now: Time,
) -> Outcome<T, (Option<Entry>, Entry)> {
    let acting = acting(tokens, asker, None, now)?;
    let entry = target(tokens, asker, id)?;
    if let Some(acting) = &acting {
        lifecycle::check_reach(acting, &entry)?;
        let mut ancestor = acting.parent.clone();
        while let Some(above) = ancestor {
            if above == *id {
                let detail = "a token cannot change the one that it comes from";
                return Err(Problem::new(403, Code::ScopeInsufficient, detail).into());
            }
            let above = tokens
                .token(&asker.workspace, &above)
                .map_err(Stop::Failed)?;
            ancestor = above.and_then(|above| above.parent);
        }
    }
    Ok((acting, entry))
}

/// The PATs of the one that asks.
fn numbered<T: Tokens>(
    tokens: &T,
    asker: &Asker,
    number: Option<u64>,
    now: Time,
) -> Outcome<T, Vec<Entry>> {
    acting(tokens, asker, None, now)?;
    let Some(uid) = asker.uid() else {
        return Ok(Vec::new());
    };
    let since = Time::from_seconds(now.seconds().saturating_sub(KEPT_SECONDS));
    let found = tokens.numbered(&asker.workspace, uid, number, since);
    found.map_err(Stop::Failed)
}

/// Writes what changed, with its rows in the outbox, and answers with `token`.
pub(crate) fn save<T: Tokens + Sessions>(
    tokens: &T,
    token: Entry,
    changed: Vec<Entry>,
    now_ms: u64,
) -> Outcome<T, Reply> {
    let token = changed
        .iter()
        .find(|entry| entry.record.id == token.record.id)
        .cloned()
        .unwrap_or(token);
    Ok(Reply::Changed {
        token: Box::new(token),
        changed: save_all(tokens, changed, now_ms)?,
        repeated: false,
    })
}

/// Writes what changed, with its rows in the outbox, and tells of it.
pub(crate) fn save_all<T: Tokens + Sessions>(
    tokens: &T,
    changed: Vec<Entry>,
    now_ms: u64,
) -> Outcome<T, Vec<Changed>> {
    let mut told = Vec::new();
    for entry in changed {
        let record = &entry.record;
        let read = sessions::with_killed(tokens, record.clone(), None, Time::from_millis(now_ms));
        let read = read.map_err(Stop::Failed)?;
        let has_killed = read != *record;
        let cut = |embed: &Embed| embed.sessions_from.is_some();
        let withdraws = record.state != State::Active
            || entry.successor.is_some()
            || has_killed
            || record.embed.as_ref().is_some_and(cut);
        let grants = record.rev == 1 || !withdraws;
        let effect = if grants {
            Effect::Grants
        } else {
            Effect::Withdraws
        };
        let key = kv_key(&entry);
        tokens
            .save_token(&entry)
            .and_then(|()| tokens.changed(key, &record.workspace, &record.uid, effect, now_ms))
            .map_err(Stop::Failed)?;
        if told.len() < MAX_TOLD {
            told.push(Changed {
                digest: entry.digest,
                record: read,
            });
        }
    }
    Ok(told)
}

/// The key in KV of a token's record.
pub fn kv_key(entry: &Entry) -> String {
    format!("t/{}", entry.digest.to_hex())
}

/// How long an idempotency key is remembered.
pub(crate) const IDEMPOTENCY_MS: u64 = DAY * 1000;

/// How many tokens a user may have that open, or would if they were enabled.
const MAX_LIVE_TOKENS: usize = 1_000;

/// How many tokens in slots a user gets within a minute.
const MAX_SLOTTED: u32 = 10;
const MINUTE_MS: u64 = 60_000;

/// How long an embed token is kept after its end, and a PAT listed by its number.
const KEPT_SECONDS: u64 = 30 * DAY;

/// How many changed records the asking isolate is told at once.
pub(crate) const MAX_TOLD: usize = 50;

const BATCH: usize = 100;
const MAX_BATCHES: usize = 10;

mod noted;
#[cfg(test)]
pub(crate) mod shelf;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "made-up numbers are small")]
mod tests;
