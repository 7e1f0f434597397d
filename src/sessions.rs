//! The sessions that embed tokens have opened, as their ledger keeps them: for
//! lists, and so that one can be killed. A place is opened by its cookie and
//! the token's record alone; nothing here is read for that.
//!
//! 1. A session is opened with the token's state as the ledger has it now. A
//!    token for single use is used up in the same transaction.
//! 2. A token has at most [`MAX_LIVE`] sessions that have not ended, so that one
//!    that leaked shuts nobody out of others. Killed ones count until they would
//!    have ended: that bounds rule 3.
//! 3. A killed session is so in its own row alone, until it would have ended. The
//!    record that KV and the gate get of its token lists it; of more than
//!    [`MAX_LISTED`] it lists none and is strict: then the gate asks about each
//!    session that wants in. So no command costs more for each one that was killed.
//! 4. All sessions of a token are killed by a moment in its record, all of a workspace
//!    by one in its settings: those that were opened until then are over.

use crate::asker::Asker;
use crate::entry::{Entry, owner};
use crate::fields::Fields;
use crate::hint::Hint;
use crate::id::Id;
use crate::json::Object;
use crate::ledger::{Reply, Tokens, Whose};
use crate::lifecycle;
use crate::origin;
use crate::outbox::{Effect, Rows};
use crate::place::Place;
use crate::problem::{Code, Problem};
use crate::record::{Record, State};
use crate::time::{DAY, Time};
use crate::transaction::{MAX_TOLD, Outcome, Stop, acting, save, save_all, target};
use crate::wire::wire_struct;

/// A session as its ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Its public name.
    pub id: Id,
    /// The token that opened it.
    pub token: Id,
    /// The workspace.
    pub workspace: String,
    /// The user's id.
    pub uid: String,
    /// The app.
    pub app: String,
    /// The place.
    pub place: Place,
    /// When it ends at the latest.
    pub ends: Time,
    /// Whether it was killed.
    pub killed: bool,
    /// When its viewer was last seen, to the minute.
    pub seen: Time,
    /// The origin of the page around the frame; empty: not told.
    pub origin: String,
    /// The address that it was opened from; empty: not known.
    pub address: String,
}

impl Live {
    /// The session as an answer shows it, with what is known of its token.
    pub fn view(&self, token: &Entry) -> String {
        let record = &token.record;
        let mut json = Object::default();
        json.text("id", self.id.as_str());
        json.text("tokenId", self.token.as_str());
        json.raw("user", &owner(record));
        json.text("workspace", &self.workspace);
        json.text("app", &self.app);
        json.text("place", self.place.as_str());
        json.text(
            "label",
            record.embed.as_ref().map_or("", |embed| &embed.label),
        );
        json.text("openedAt", &self.id.time().to_rfc3339());
        json.text("expiresAt", &self.ends.to_rfc3339());
        json.text("lastSeenAt", &self.seen.to_rfc3339());
        json.text_or_null("origin", some(&self.origin));
        json.text_or_null("address", some(&self.address));
        json.finish()
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A session to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The user's id.
    pub uid: String,
    /// The token that opens it.
    pub token: Id,
    /// Its name, which says when it is opened.
    pub session: Id,
    /// Where.
    pub spot: Spot,
    /// The origin of the page around the frame; empty: not told.
    pub origin: String,
}

/// A place with what an error page in it must know where the session's cookie
/// is missing: the value of `p/<place>` in KV. None of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The place.
    pub place: Place,
    /// The app in it.
    pub app: String,
    /// The origins of the pages that may frame it.
    pub origins: Vec<String>,
}

impl Spot {
    /// The key in KV.
    pub fn key(place: &Place) -> String {
        format!("p/{}", place.as_str())
    }

    /// The origins in what KV holds under [`Spot::key`].
    pub fn read_origins(json: &str) -> Option<Vec<String>> {
        let mut fields = Fields::of_object(json);
        fields.stored_text("app");
        let origins = fields.take_texts("or").unwrap_or_default();
        let good = origins.iter().all(|text| origin::is_origin(text));
        (fields.finish().is_ok() && good).then_some(origins)
    }

    /// The JSON to store.
    pub fn to_json(&self) -> String {
        let mut json = Object::default();
        json.text("app", &self.app);
        json.texts("or", &self.origins);
        json.finish()
    }
}

/// The tables for sessions and places.
pub trait Sessions: Rows {
    /// A session of a workspace.
    fn session(&self, workspace: &str, id: &Id) -> Result<Option<Live>, Self::Error>;

    /// How many sessions of a token have not ended, killed ones included.
    fn open_sessions(&self, token: &Record, now: Time) -> Result<usize, Self::Error>;

    /// Some of the sessions of a token that were killed and would have ended after a
    /// moment, each with the moment at which it would have.
    fn killed_sessions(
        &self,
        token: &Record,
        limit: usize,
        after: Time,
    ) -> Result<Vec<(Id, Time)>, Self::Error>;

    /// Forgets the sessions of a token, all of which are over.
    fn forget_sessions(&self, token: &Record) -> Result<(), Self::Error>;

    /// These sessions of a user, newest first, only those opened before one and
    /// after another.
    fn sessions_between(
        &self,
        workspace: &str,
        uid: &str,
        between: (Option<&Id>, Option<&Id>),
        limit: usize,
        now: Time,
    ) -> Result<Vec<Live>, Self::Error>;

    /// Some tokens of a user that have sessions which have not ended, each with the
    /// newest of them; or that one token.
    fn newest_sessions(
        &self,
        workspace: &str,
        uid: &str,
        token: Option<&Id>,
        now: Time,
        limit: usize,
    ) -> Result<Vec<(Id, Id)>, Self::Error>;

    /// Writes a session in place of the one with its id, and forgets those of
    /// its user that have been over for a while ([`over_since`]).
    fn save_session(&self, session: &Live, now: Time) -> Result<(), Self::Error>;

    /// The place as it was noted, with the moment until which it is kept.
    fn spot(&self, place: &Place) -> Result<Option<(Spot, Option<Time>)>, Self::Error>;

    /// Notes a place of a user, to be kept until a moment (`None`: for good), and
    /// forgets those of that user whose time is over.
    fn save_spot(
        &self,
        workspace: &str,
        uid: &str,
        spot: &Spot,
        until: Option<Time>,
        now: Time,
    ) -> Result<(), Self::Error>;
}

/// A record as KV and the gate get it: rule 3. `asked`: the session that wants in.
pub fn with_killed<T: Sessions>(
    tokens: &T,
    mut record: Record,
    asked: Option<&Id>,
    now: Time,
) -> Result<Record, T::Error> {
    if record.embed.is_none() || record.state == State::Revoked {
        return Ok(record);
    }
    let read = MAX_LISTED.saturating_add(1);
    let mut killed = tokens.killed_sessions(&record, read, over_since(now))?;
    if killed.len() > MAX_LISTED {
        record.strict = true;
        let session = match asked {
            Some(id) => tokens.session(&record.workspace, id)?,
            None => None,
        };
        let session = session.filter(|session| session.killed);
        killed = Vec::from_iter(session.map(|session| (session.id, session.ends)));
    }
    if let Some(embed) = &mut record.embed {
        embed.killed = killed;
    }
    Ok(record)
}

/// Opens a session.
pub(crate) fn open<T: Tokens + Sessions>(
    tokens: &T,
    asker: &Asker,
    opening: &Opening,
    now_ms: u64,
) -> Outcome<T, Reply> {
    let now = Time::from_millis(now_ms);
    let (workspace, uid) = (&asker.workspace, &opening.uid);
    let entry = tokens.token(workspace, &opening.token);
    let entry = entry
        .map_err(Stop::Failed)?
        .filter(|entry| entry.record.uid == *uid);
    let Some(entry) = entry else {
        return Err(Problem::new(401, Code::TokenUnknown, "there is no such token").into());
    };
    if let Some(problem) = lifecycle::entry_fault(entry.shown(now)) {
        return Err(problem.into());
    }
    let record = &entry.record;
    let Some(embed) = record
        .embed
        .as_ref()
        .filter(|_| record.covers_app(&opening.spot.app))
    else {
        let detail = "the token is not for this app";
        return Err(Problem::new(403, Code::AppMismatch, detail).into());
    };
    // It would be killed with those before: the token is not spent on that.
    let just_killed = |from: Time| opening.session.time() <= from;
    if embed.sessions_from.is_some_and(just_killed) {
        let detail = "the token's sessions were killed this very second; try again in one";
        return Err(Problem::new(429, Code::RateLimited, detail).into());
    }
    let open = tokens.open_sessions(record, now);
    if open.map_err(Stop::Failed)? >= MAX_LIVE {
        let detail = "the token has too many live sessions; try again when some have ended";
        return Err(Problem::new(429, Code::RateLimited, detail).into());
    }
    let session = Live {
        id: opening.session.clone(),
        token: record.id.clone(),
        workspace: workspace.to_owned(),
        uid: uid.clone(),
        app: opening.spot.app.clone(),
        place: opening.spot.place.clone(),
        ends: record.session_end(embed, opening.session.time()),
        killed: false,
        seen: now,
        origin: opening.origin.clone(),
        address: asker.source.address.clone(),
    };
    tokens.save_session(&session, now).map_err(Stop::Failed)?;
    note(tokens, &entry, &opening.spot, now_ms)?;
    let used = embed.single_use.then(|| lifecycle::use_up(&entry));
    save(tokens, entry, used.into_iter().collect(), now_ms)
}

/// Notes where a token opens, for KV: for some days longer than this token needs it,
/// so that the next ones need not write it again.
pub(crate) fn note<T: Tokens + Sessions>(
    tokens: &T,
    entry: &Entry,
    spot: &Spot,
    now_ms: u64,
) -> Outcome<T, ()> {
    let record = &entry.record;
    let now = Time::from_millis(now_ms);
    let known = tokens.spot(&spot.place).map_err(Stop::Failed)?;
    let needed = record.kv_expiration(now);
    let mut until = needed.map(|needed| needed.plus(KEPT_LONGER));
    if let Some((noted, noted_until)) = known {
        let enough = match (noted_until, needed) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(noted), Some(needed)) => noted >= needed,
        };
        if enough && noted == *spot {
            return Ok(());
        }
        if enough {
            until = noted_until;
        }
    }
    let (workspace, uid) = (&record.workspace, &record.uid);
    tokens
        .save_spot(workspace, uid, spot, until, now)
        .and_then(|()| {
            let key = Spot::key(&spot.place);
            tokens.changed(key, workspace, uid, Effect::Grants, now_ms)
        })
        .map_err(Stop::Failed)
}

/// Lists a user's live sessions, newest first, each with its token: those opened
/// before one and after a moment.
pub(crate) fn list<T: Tokens + Sessions>(
    tokens: &T,
    asker: &Asker,
    uid: &str,
    (before, after): (Option<&Id>, Option<Time>),
    limit: u8,
    now: Time,
) -> Outcome<T, Reply> {
    acting(tokens, asker, None, now)?;
    if !asker.may_know(uid) {
        return Err(unknown().into());
    }
    let limit = usize::from(limit);
    let read = limit.saturating_add(1);
    let workspace = asker.workspace.as_str();
    // The first id that could be of a session opened after that second.
    let after = after.map(|after| {
        let next_ms = after.plus(1).seconds().saturating_mul(1000);
        Id::generate(&Hint::of(workspace, uid), next_ms, [0; 16])
    });
    let mut found = tokens
        .sessions_between(workspace, uid, (before, after.as_ref()), read, now)
        .map_err(Stop::Failed)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|session| session.id.clone());
    let mut sessions = Vec::new();
    for session in found {
        let of_token = |(other, _): &&(Live, Entry)| other.token == session.token;
        let token = match sessions.iter().find(of_token) {
            Some((_, token)) => Some(token.clone()),
            None => {
                let token = tokens.token(workspace, &session.token);
                token.map_err(Stop::Failed)?
            }
        };
        sessions.extend(token.map(|token| (session, token)));
    }
    Ok(Reply::Sessions { sessions, next })
}

/// Kills a session, if it has not been.
pub(crate) fn kill<T: Tokens + Sessions>(
    tokens: &T,
    asker: &Asker,
    id: &Id,
    now_ms: u64,
) -> Outcome<T, Reply> {
    let now = Time::from_millis(now_ms);
    acting(tokens, asker, None, now)?;
    let workspace = asker.workspace.as_str();
    let own = |session: &Live| asker.may_know(&session.uid);
    let session = tokens.session(workspace, id).map_err(Stop::Failed)?;
    let mut session = session.filter(own).ok_or_else(unknown)?;
    let entry = tokens.token(workspace, &session.token);
    let entry = entry.map_err(Stop::Failed)?.ok_or_else(unknown)?;
    let mut changed = Vec::new();
    if !session.killed {
        changed.extend((session.ends > now).then(|| lifecycle::relist(&entry)));
        session.killed = true;
        tokens.save_session(&session, now).map_err(Stop::Failed)?;
    }
    save(tokens, entry, changed, now_ms)
}

/// Kills all sessions of a token, or those of some of a user's tokens: as many as are
/// told of at once. If so many are told of, there may be more.
pub(crate) fn kill_all<T: Tokens + Sessions>(
    tokens: &T,
    asker: &Asker,
    whose: &Whose,
    now_ms: u64,
) -> Outcome<T, Reply> {
    let now = Time::from_millis(now_ms);
    acting(tokens, asker, None, now)?;
    let workspace = asker.workspace.as_str();
    let (uid, token) = match whose {
        Whose::Token(id) => (target(tokens, asker, id)?.record.uid, Some(id)),
        Whose::User(uid) => (uid.clone(), None),
    };
    if !asker.may_know(&uid) {
        return Err(unknown().into());
    }
    let newest = tokens.newest_sessions(workspace, &uid, token, now, MAX_TOLD);
    let mut changed = Vec::new();
    for (token, newest) in newest.map_err(Stop::Failed)? {
        let entry = tokens.token(workspace, &token).map_err(Stop::Failed)?;
        if let Some(entry) = entry {
            // The clock of whoever opened the newest may be ahead.
            changed.push(lifecycle::kill_sessions(&entry, now.max(newest.time())));
            let forgotten = tokens.forget_sessions(&entry.record);
            forgotten.map_err(Stop::Failed)?;
        }
    }
    save_all(tokens, changed, now_ms).map(Reply::Killed)
}

/// Whether a session of a token in this state goes on.
pub const fn goes_on(state: State) -> bool {
    matches!(state, State::Active | State::Used)
}

/// There is no such session, or not for whoever asks: 404.
pub fn unknown() -> Problem {
    Problem::new(404, Code::SessionEnded, "there is no such live session")
}

/// For how many seconds longer than needed a place is noted.
const KEPT_LONGER: u64 = 7 * DAY;

/// When a session must have ended to be over for every gate, whose clocks are not the
/// ledger's.
pub const fn over_since(now: Time) -> Time {
    Time::from_seconds(now.seconds().saturating_sub(CLOCKS))
}

/// Until when sessions must have been opened to have been so by now, by the clock of
/// whichever gate it was.
pub const fn over_until(now: Time) -> Time {
    now.plus(CLOCKS)
}

/// By how many seconds two clocks differ at most.
const CLOCKS: u64 = 60;

/// So many killed sessions a record lists.
pub const MAX_LISTED: usize = 64;

/// How many sessions that have not ended a token may have.
pub const MAX_LIVE: usize = 10_000;

wire_struct!(Live {
    id,
    token,
    workspace,
    uid,
    app,
    place,
    ends,
    killed,
    seen,
    origin,
    address
});
wire_struct!(Opening {
    uid,
    token,
    session,
    spot,
    origin
});
wire_struct!(Spot {
    place,
    app,
    origins
});

#[cfg(test)]
mod tests;
