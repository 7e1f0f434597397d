//! Who asks an authority, and from where: what a ledger or a directory is told of
//! whoever made a request, and what its audit trail keeps.

use crate::actor::Actor;
use crate::facts::Facts;
use crate::id::Id;
use crate::token;
use crate::wire::{wire_enum, wire_struct};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The workspace that is asked about.
    pub workspace: String,
    /// Who it is.
    pub who: Who,
    /// From where.
    pub source: Source,
}

/// Who it is, as far as an authority needs to be told: what else it must know of a
/// PAT it reads for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The holder of the operator key.
    Operator,
    /// A signed-in admin, by id.
    Admin(String),
    /// A signed-in user, by id.
    User(String),
    /// A PAT.
    Pat {
        /// Its user.
        uid: String,
        /// Its id.
        id: Id,
    },
    /// Whoever opens an embed.
    Viewer,
    /// A scanner that found a leaked token.
    Scanner,
}

/// Where a request came from, as the audit trail keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The address; empty: not known.
    pub address: String,
    /// The user agent, cut short; empty: none.
    pub agent: String,
}

impl Source {
    /// Where a request came from.
    pub fn of(facts: &Facts<'_>) -> Self {
        let address = facts.address().map(|address| address.to_string());
        let agent = facts.header("user-agent").unwrap_or_default();
        Self {
            address: address.unwrap_or_default(),
            agent: agent.to_owned(),
        }
        .cut()
    }

    /// The same, no longer than is kept, and without what holds a token.
    #[must_use]
    pub fn cut(self) -> Self {
        let cut = |text: String, most| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(most)
                .collect()
        };
        Self {
            address: cut(self.address, MAX_ADDRESS),
            agent: match token::appears_in(&self.agent) {
                true => String::new(),
                false => cut(self.agent, MAX_AGENT),
            },
        }
    }
}

impl Asker {
    /// Whoever a request was made by.
    pub fn new(actor: &Actor, source: Source) -> Self {
        let who = match actor {
            Actor::Operator { .. } => Who::Operator,
            Actor::User(user) if user.admin => Who::Admin(user.uid.clone()),
            Actor::User(user) => Who::User(user.uid.clone()),
            Actor::Pat(record) => Who::Pat {
                uid: record.uid.clone(),
                id: record.id.clone(),
            },
        };
        Self {
            workspace: actor.workspace().to_owned(),
            who,
            source,
        }
    }

    /// Whoever opens an embed of a workspace.
    pub const fn viewer(workspace: String, source: Source) -> Self {
        Self {
            workspace,
            who: Who::Viewer,
            source,
        }
    }

    /// The one user for whom it acts; `None`: for each.
    pub fn own(&self) -> Option<&str> {
        match &self.who {
            Who::Operator | Who::Admin(_) | Who::Viewer | Who::Scanner => None,
            Who::User(uid) | Who::Pat { uid, .. } => Some(uid),
        }
    }

    /// The user who it is, if it is one or acts for one.
    pub fn uid(&self) -> Option<&str> {
        match &self.who {
            Who::Operator | Who::Viewer | Who::Scanner => None,
            Who::Admin(uid) | Who::User(uid) | Who::Pat { uid, .. } => Some(uid),
        }
    }

    /// Whether it may do what only admins may.
    pub const fn is_admin(&self) -> bool {
        matches!(self.who, Who::Operator | Who::Admin(_))
    }

    /// Whether it may know of what belongs to a user.
    pub fn may_know(&self, uid: &str) -> bool {
        self.own().is_none_or(|own| own == uid)
    }

    /// Its name in the audit trail; idempotency keys are counted under it too, so
    /// that each PAT has its own.
    pub fn name(&self) -> String {
        match &self.who {
            Who::Operator => "operator".to_owned(),
            Who::Admin(uid) | Who::User(uid) => format!("user:{uid}"),
            Who::Pat { id, .. } => id.as_str().to_owned(),
            Who::Viewer => "viewer".to_owned(),
            Who::Scanner => "scanner".to_owned(),
        }
    }
}

/// How much of an address and of a user agent is kept, in characters.
const MAX_ADDRESS: usize = 45;
const MAX_AGENT: usize = 200;

wire_struct!(Asker {
    workspace,
    who,
    source
});
wire_enum!(Who {
    0 => Operator,
    1 => Admin(uid),
    2 => User(uid),
    3 => Pat { uid, id },
    4 => Viewer,
    5 => Scanner,
});
wire_struct!(Source { address, agent });
