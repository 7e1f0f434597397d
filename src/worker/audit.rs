//! The audit trail in an authority's database. SQLite writes the JSON that answers show.

use super::sql::{Failed, Sql};
use crate::asker::{Asker, Source};
use crate::audit::{Event, Selection, Trail};
use crate::hint::Hint;
use crate::id::Id;
use crate::time::Time;

impl Trail for Sql {
    fn note(&self, asker: &Asker, event: &Event<'_>, now_ms: u64) -> Result<(), Failed> {
        let Source { address, agent } = &asker.source;
        let (workspace, actor) = (asker.workspace.as_str(), asker.name());
        let result = event.result();
        if event.refused.is_some() {
            let values = [
                workspace.into(),
                event.uid.into(),
                actor.as_str().into(),
                now_ms.saturating_sub(MINUTE_MS).into(),
                event.action.into(),
                result.into(),
            ];
            if self.first("refusedLately", &values, |_| ())?.is_some() {
                return Ok(());
            }
        }
        // Ids rise: the last one's number is taken on, whatever the clock does.
        let number = self.count("eventsSince", &[now_ms.into()])? as u128;
        let hint = Hint::of(workspace, event.uid);
        let id = Id::generate(&hint, now_ms, number.to_be_bytes());
        let values = [
            id.as_str().into(),
            workspace.into(),
            event.uid.into(),
            now_ms.into(),
            event.action.into(),
            result.into(),
            actor.as_str().into(),
            event.token.map(Id::as_str).into(),
            event.session.map(Id::as_str).into(),
            address.as_str().into(),
            agent.as_str().into(),
        ];
        self.write("saveEvent", &values)
    }

    fn events(
        &self,
        workspace: &str,
        uid: &str,
        selection: &Selection,
        before: Option<&Id>,
        limit: u8,
    ) -> Result<Vec<(Id, String)>, Failed> {
        // "~" sorts after every id.
        let far = u64::from(u32::MAX).saturating_mul(1000);
        let values = [
            workspace.into(),
            uid.into(),
            before.map_or("~", Id::as_str).into(),
            selection.action.as_deref().into(),
            selection.result.as_deref().into(),
            selection.token.as_ref().map(Id::as_str).into(),
            selection.from.map_or(0, Time::seconds).into(),
            selection.to.map_or(far, Time::seconds).into(),
            u64::from(limit).into(),
        ];
        self.rows("events", &values, |row| {
            (row.parsed(0, Id::parse, Id::BLANK), row.text(1))
        })
    }
}

const MINUTE_MS: u64 = 60_000;
