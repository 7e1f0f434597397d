//! What the token API says to a ledger and what it answers
//! ([`crate::wire`]). The gate's look-ups are apart ([`crate::lookup`]).

use crate::asker::Asker;
use crate::audit::{Events, Selection};
use crate::change::{Change, Rotation};
use crate::digest::Digest;
use crate::entry::{Entry, Minted};
use crate::grant::Grant;
use crate::id::Id;
use crate::lifecycle::User;
use crate::listing::Filter;
use crate::outbox::Rows;
use crate::policy::Limits;
use crate::problem::Problem;
use crate::record::Record;
use crate::sessions::{Live, Opening, Spot};
use crate::time::Time;
use crate::wire::{Message, wire_enum, wire_struct};

/// What a ledger is asked, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who asks.
    pub asker: Asker,
    /// What it shall do.
    pub task: Task,
}

/// What a ledger is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Make a token. Answered by [`Reply::Changed`].
    Create(Box<Creation>),
    /// List a user's tokens, newest first. Answered by [`Reply::Page`].
    List {
        /// Whose tokens.
        uid: String,
        /// Which of them.
        filter: Filter,
        /// Only those older than this one.
        before: Option<Id>,
        /// How many at most.
        limit: u8,
    },
    /// Show a token. Answered by [`Reply::Token`].
    Read {
        /// Which token.
        id: Id,
    },
    /// Rename, describe, enable or disable a token. Answered by
    /// [`Reply::Changed`].
    Change {
        /// Which token.
        id: Id,
        /// What shall be different.
        change: Change,
    },
    /// Replace a token. Answered by [`Reply::Changed`] with the successor.
    Rotate {
        /// Which token.
        id: Id,
        /// How.
        rotation: Rotation,
        /// How long the successor may live.
        limits: Limits,
        /// The names of its successor.
        minted: Minted,
        /// How many tokens the user may get within a minute.
        quota: u32,
    },
    /// Revoke a token and all that it made. Answered by [`Reply::Changed`].
    Revoke {
        /// Which token.
        id: Id,
    },
    /// Open a session. Answered by [`Reply::Changed`] with its token.
    Open(Box<Opening>),
    /// List a user's live sessions, newest first. Answered by
    /// [`Reply::Sessions`].
    Sessions {
        /// Whose.
        uid: String,
        /// Only those opened before this one.
        before: Option<Id>,
        /// Only those opened after a moment.
        after: Option<Time>,
        /// How many at most.
        limit: u8,
    },
    /// Find a presented token. Answered by [`Reply::Found`].
    Find {
        /// The SHA-256 of the token.
        digest: Digest,
    },
    /// List the PATs of the one that asks, by number. Answered by [`Reply::Page`].
    Owned,
    /// Revoke a PAT of the one that asks by its number, and all that it made.
    /// Answered by [`Reply::Changed`].
    RevokeNumber {
        /// Which.
        number: u64,
    },
    /// Revoke a token that leaked, of whatever workspace, and all that it made.
    /// Answered by [`Reply::Changed`].
    Leaked {
        /// The SHA-256 of the token.
        digest: Digest,
    },
    /// Kill all sessions of a token or a user. Answered by [`Reply::Killed`].
    KillAll {
        /// Whose.
        whose: Whose,
    },
    /// List a user's events, newest first. Answered by [`Reply::Events`].
    Events {
        /// Whose.
        uid: String,
        /// Which.
        selection: Selection,
        /// Only those before this one.
        before: Option<Id>,
        /// How many at most.
        limit: u8,
    },
    /// Kill a session. Answered by [`Reply::Changed`] with its token.
    Kill {
        /// Which session.
        id: Id,
    },
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// For whom.
    pub user: User,
    /// What it shall be.
    pub grant: Grant,
    /// How long it may live.
    pub limits: Limits,
    /// Its names.
    pub minted: Minted,
    /// The SHA-256 of `Idempotency-Key` and body, if there was a key.
    pub once: Option<Digest>,
    /// How many tokens the user may get within a minute.
    pub quota: u32,
    /// What only one token of the user may stand for at a time.
    pub slot: Option<String>,
    /// Where it will open.
    pub spots: Vec<Spot>,
}

/// Whose sessions are killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A token's.
    Token(Id),
    /// A user's, by id.
    User(String),
}

impl Message for Command {
    const LETTER: char = 'L';
}

impl Message for Reply {
    const LETTER: char = 'l';
}

impl Command {
    /// Whether it may write: then it is carried out in a transaction.
    pub const fn writes(&self) -> bool {
        !matches!(
            self.task,
            Task::List { .. }
                | Task::Read { .. }
                | Task::Sessions { .. }
                | Task::Find { .. }
                | Task::Owned
                | Task::Events { .. }
        )
    }
}

/// A record that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The SHA-256 of its token.
    pub digest: Digest,
    /// The record as it is now.
    pub record: Record,
}

/// What a ledger answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A token.
    Token(Box<Entry>),
    /// Tokens, newest first.
    Page {
        /// The tokens.
        tokens: Vec<Entry>,
        /// The last one that was looked at, if there are older ones.
        next: Option<Id>,
    },
    /// Live sessions, newest first, each with its token.
    Sessions {
        /// The sessions.
        sessions: Vec<(Live, Entry)>,
        /// The last one that was looked at, if there are older ones.
        next: Option<Id>,
    },
    /// What was done.
    Changed {
        /// The token that was asked for, as it is now.
        token: Box<Entry>,
        /// Each record that changed.
        changed: Vec<Changed>,
        /// Whether it had been done before, under the same idempotency key.
        repeated: bool,
    },
    /// The records of the tokens whose sessions were killed.
    Killed(Vec<Changed>),
    /// The record of a presented token, if there is one.
    Found(Option<Box<Record>>),
    /// A page of events.
    Events(Events),
    /// It was not done, and why.
    Refused(Problem),
}

wire_struct!(Command { asker, task });
wire_enum!(Task {
    0 => Create(creation),
    1 => List { uid, filter, before, limit },
    2 => Read { id },
    3 => Change { id, change },
    4 => Rotate { id, rotation, limits, minted, quota },
    5 => Revoke { id },
    6 => Open(opening),
    7 => Sessions { uid, before, after, limit },
    8 => Kill { id },
    9 => Find { digest },
    10 => KillAll { whose },
    11 => Owned,
    12 => RevokeNumber { number },
    14 => Leaked { digest },
    13 => Events { uid, selection, before, limit },
});
wire_struct!(Creation {
    user,
    grant,
    limits,
    minted,
    once,
    quota,
    slot,
    spots
});
wire_enum!(Reply {
    0 => Token(token),
    1 => Page { tokens, next },
    2 => Sessions { sessions, next },
    3 => Changed { token, changed, repeated },
    4 => Refused(problem),
    5 => Found(record),
    6 => Killed(changed),
    7 => Events(events),
});
wire_enum!(Whose { 0 => Token(id), 1 => User(uid) });
wire_struct!(Changed { digest, record });

/// The tables of a ledger. Reading works before there is any table.
pub trait Tokens: Rows {
    /// A text in lower case, as Unicode has it. The tables for that are the
    /// platform's: the core's own would weigh 3 KB gzipped.
    fn lower(text: &str) -> String;

    /// The record of a token.
    fn lookup(&self, digest: &Digest) -> Result<Option<Record>, Self::Error>;

    /// A token of a workspace.
    fn token(&self, workspace: &str, id: &Id) -> Result<Option<Entry>, Self::Error>;

    /// The tokens that are revoked with a token: those that it made, and the
    /// one that it replaced; without those that are [`Entry::settled`].
    fn kin(&self, token: &Record, now: Time) -> Result<Vec<Entry>, Self::Error>;

    /// How many tokens of a user open the gate, or would if they were enabled.
    fn live(&self, workspace: &str, uid: &str, now: Time) -> Result<usize, Self::Error>;

    /// The newest token of a user that stands for `slot`.
    fn in_slot(&self, workspace: &str, uid: &str, slot: &str)
    -> Result<Option<Entry>, Self::Error>;

    /// How many tokens of a user come after an id.
    fn made_since(&self, workspace: &str, uid: &str, since: &Id) -> Result<usize, Self::Error>;

    /// How many tokens of a user that stand for any slot come after an id.
    fn slotted_since(&self, workspace: &str, uid: &str, since: &Id) -> Result<usize, Self::Error>;

    /// The PATs of a user that open, or would if they were enabled, and those that
    /// expired since a moment, by number; or the one with a number, whatever it is.
    fn numbered(
        &self,
        workspace: &str,
        uid: &str,
        number: Option<u64>,
        since: Time,
    ) -> Result<Vec<Entry>, Self::Error>;

    /// Forgets a user's embed tokens that were over, sessions and all, before a
    /// moment.
    fn forget_embeds(&self, workspace: &str, uid: &str, before: Time) -> Result<(), Self::Error>;

    /// A user's tokens, newest first, only those older than `before`.
    fn older(
        &self,
        workspace: &str,
        uid: &str,
        before: Option<&Id>,
        limit: usize,
    ) -> Result<Vec<Entry>, Self::Error>;

    /// Writes a token in place of the one with its id.
    fn save_token(&self, entry: &Entry) -> Result<(), Self::Error>;

    /// The token that the same actor made by the same request since a moment
    /// (Unix milliseconds).
    fn made_by(
        &self,
        asker: &Asker,
        uid: &str,
        once: &Digest,
        since_ms: u64,
    ) -> Result<Option<Id>, Self::Error>;

    /// Notes which token a request makes, and forgets what was noted before a
    /// moment.
    fn note_made(
        &self,
        asker: &Asker,
        creation: &Creation,
        once: &Digest,
        now_ms: u64,
        forget_before_ms: u64,
    ) -> Result<(), Self::Error>;
}
