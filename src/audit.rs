//! The audit trail: who did what, when, from where, and what came of it.
//!
//! A ledger keeps what happened to its users' tokens and sessions, a directory what
//! happened to its workspace. What changes something is written down in the very
//! transaction that does it; so is what an authority refused to do, once a minute for
//! each actor and reason. No event holds a secret.

use crate::asker::Asker;
use crate::id::Id;
use crate::outbox::Rows;
use crate::problem::Code;
use crate::time::Time;
use crate::wire::wire_struct;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What.
    pub action: &'static str,
    /// The user whom it concerns; empty: the workspace.
    pub uid: &'a str,
    /// The token.
    pub token: Option<&'a Id>,
    /// The session.
    pub session: Option<&'a Id>,
    /// Why it was refused; absent: it was done.
    pub refused: Option<Code>,
}

impl<'a> Event<'a> {
    /// What was done to a user's token, or to the workspace.
    pub const fn new(action: &'static str, uid: &'a str, token: Option<&'a Id>) -> Self {
        Self {
            action,
            uid,
            token,
            session: None,
            refused: None,
        }
    }

    /// What came of it, in a word.
    pub fn result(&self) -> &'static str {
        self.refused.map_or("ok", Code::name)
    }
}

/// Which events a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those of this action.
    pub action: Option<String>,
    /// Those of which this came.
    pub result: Option<String>,
    /// Those of this token.
    pub token: Option<Id>,
    /// Those at or after this moment.
    pub from: Option<Time>,
    /// Those before this moment.
    pub to: Option<Time>,
}

/// The table of events.
pub trait Trail: Rows {
    /// Writes an event down.
    fn note(&self, asker: &Asker, event: &Event<'_>, now_ms: u64) -> Result<(), Self::Error>;

    /// Events of a user (of the workspace where that is empty), newest first, only
    /// those before one: each with its id, as JSON.
    fn events(
        &self,
        workspace: &str,
        uid: &str,
        selection: &Selection,
        before: Option<&Id>,
        limit: u8,
    ) -> Result<Vec<(Id, String)>, Self::Error>;
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// As JSON, newest first.
    pub events: Vec<String>,
    /// The last of them, if there are older ones.
    pub next: Option<Id>,
}

impl Events {
    /// Reads a page of a trail.
    pub fn read<T: Trail>(
        trail: &T,
        workspace: &str,
        uid: &str,
        selection: &Selection,
        before: Option<&Id>,
        limit: u8,
    ) -> Result<Self, T::Error> {
        let read = limit.saturating_add(1);
        let mut found = trail.events(workspace, uid, selection, before, read)?;
        let more = found.len() > usize::from(limit);
        found.truncate(limit.into());
        let next = found.last().filter(|_| more).map(|(id, _)| id.clone());
        Ok(Self {
            events: found.into_iter().map(|(_, json)| json).collect(),
            next,
        })
    }
}

wire_struct!(Selection {
    action,
    result,
    token,
    from,
    to
});
wire_struct!(Events { events, next });
