//! Who is asking on the management API.

use crate::record::Record;

/// Whoever made a management request, already authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of the operator key: an admin, who acts for a named user.
    Operator {
        /// The workspace that the request is about.
        workspace: String,
    },
    /// The holder of a PAT: acts for its own user only, never as an admin.
    Pat(Box<Record>),
}

impl Actor {
    /// The workspace that the actor acts in.
    pub fn workspace(&self) -> &str {
        match self {
            Self::Operator { workspace } => workspace,
            Self::Pat(record) => &record.workspace,
        }
    }
}
