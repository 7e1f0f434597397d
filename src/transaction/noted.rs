//! What a command leaves in the audit trail.

use crate::asker::Asker;
use crate::audit::{Event, Trail};
use crate::id::Id;
use crate::ledger::{Reply, Task, Tokens, Whose};
use crate::sessions::Opening;

/// What a task leaves in the audit trail.
pub(super) struct Noted {
    action: &'static str,
    /// The token that it names.
    token: Option<Id>,
    session: Option<Id>,
    /// The user whom it names.
    uid: Option<String>,
}

impl Noted {
    /// `None`: nothing, since it changes nothing.
    pub(super) fn of(task: &Task) -> Option<Self> {
        let (action, token, session, uid) = match task {
            Task::Create(creation) => (CREATED, None, None, Some(&creation.user.uid)),
            Task::Change { id, change } => {
                let action = match change.enabled {
                    Some(true) => "token.enabled",
                    Some(false) => "token.disabled",
                    None => "token.changed",
                };
                (action, Some(id), None, None)
            }
            Task::Rotate { id, .. } => (ROTATED, Some(id), None, None),
            Task::Revoke { id } => ("token.revoked", Some(id), None, None),
            Task::Leaked { .. } => ("token.leaked", None, None, None),
            Task::RevokeNumber { .. } => ("token.revoked", None, None, None),
            Task::Open(opening) => {
                let Opening {
                    token,
                    session,
                    uid,
                    ..
                } = &**opening;
                (OPENED, Some(token), Some(session), Some(uid))
            }
            Task::Kill { id } => ("session.killed", None, Some(id), None),
            Task::KillAll { whose } => match whose {
                Whose::Token(id) => ("sessions.killed", Some(id), None, None),
                Whose::User(uid) => ("sessions.killed", None, None, Some(uid)),
            },
            _ => return None,
        };
        Some(Self {
            action,
            token: token.cloned(),
            session: session.cloned(),
            uid: uid.cloned(),
        })
    }

    pub(super) fn write_down<T: Tokens + Trail>(
        &self,
        tables: &T,
        asker: &Asker,
        reply: &Reply,
        now_ms: u64,
    ) -> Result<(), T::Error> {
        let (record, refused) = match reply {
            Reply::Changed { repeated: true, .. } => return Ok(()),
            Reply::Changed { changed, .. } if changed.is_empty() && self.action != OPENED => {
                return Ok(());
            }
            Reply::Changed { token, .. } => (Some(&token.record), None),
            Reply::Refused(problem) => (None, Some(problem.code)),
            Reply::Killed(changed) if changed.is_empty() => return Ok(()),
            _ => (None, None),
        };
        // Whom it concerns. Who acts for one user is told of nobody else's tokens.
        let named = record.map(|record| &record.uid).or(self.uid.as_ref());
        let named = named.map(String::as_str).or(asker.own());
        let owner = match (&self.token, named) {
            (Some(id), None) => tables.token(&asker.workspace, id)?,
            _ => None,
        };
        let owner = owner.as_ref().map(|entry| entry.record.uid.as_str());
        let Some(uid) = named.or(owner) else {
            return Ok(());
        };
        let of_record = record.map(|record| &record.id);
        // Who found a leaked token asks about no workspace: it is the token's.
        let workspace = record.map_or(&asker.workspace, |record| &record.workspace);
        let asker = &Asker {
            workspace: workspace.clone(),
            ..asker.clone()
        };
        let event = Event {
            session: self.session.as_ref(),
            refused,
            ..Event::new(self.action, uid, self.token.as_ref().or(of_record))
        };
        tables.note(asker, &event, now_ms)?;
        if self.action == ROTATED && refused.is_none() {
            tables.note(asker, &Event::new(CREATED, uid, of_record), now_ms)?;
        }
        Ok(())
    }
}

const OPENED: &str = "session.opened";
const CREATED: &str = "token.created";
const ROTATED: &str = "token.rotated";
