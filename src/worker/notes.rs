//! What gates tell a ledger without waiting for it: that a token was used, that a
//! session was seen, that a known token was refused. Where a row already says so, or
//! is not there, nothing is written.

use super::sql::{Failed, Sql};
use crate::asker::{Asker, Source, Who};
use crate::audit::{Event, Trail};
use crate::fields::Fields;
use crate::id::Id;
use crate::problem::Code;

/// Takes note: `{"used":id}`, `{"seen":id}` of a session, or `{"refused":id, "code",
/// "address", "agent"}`. A token's use is written once in ten minutes at most.
pub fn note(sql: &Sql, note: &str, now_ms: u64) -> Result<(), Failed> {
    let now = now_ms / 1000;
    let mut fields = Fields::of_object(note);
    if fields.refused() {
        return Err(Failed);
    }
    let mut id = |name| Id::parse(&fields.stored_text(name));
    let (used, seen, refused) = (id("used"), id("seen"), id("refused"));
    let update = |statement: &str, id: &Id, before: u64| {
        let since = now.saturating_sub(before).into();
        sql.write(statement, &[now.into(), id.as_str().into(), since])
    };
    if let Some(id) = used {
        update("used", &id, USED_SECONDS)?;
    }
    if let Some(id) = seen {
        update("seen", &id, SEEN_SECONDS)?;
    }
    let Some(id) = refused else { return Ok(()) };
    let code = Code::parse(&fields.stored_text("code"));
    let source = Source {
        address: fields.stored_text("address"),
        agent: fields.stored_text("agent"),
    };
    let owner = sql.first("owner", &[id.as_str().into()], |row| {
        (row.text(0), row.text(1))
    })?;
    let Some((workspace, uid)) = owner else {
        return Ok(());
    };
    let event = Event {
        refused: Some(code.ok_or(Failed)?),
        ..Event::new("token.refused", &uid, Some(&id))
    };
    let asker = Asker {
        workspace,
        who: Who::Pat {
            uid: uid.clone(),
            id: id.clone(),
        },
        source: source.cut(),
    };
    sql.note(&asker, &event, now_ms)
}

/// How often a token's use is written at most.
const USED_SECONDS: u64 = 600;

/// How often it is written that a session was seen.
const SEEN_SECONDS: u64 = 60;
