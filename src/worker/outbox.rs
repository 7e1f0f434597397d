//! The outbox at work: what the alarm of a Durable Object brings to KV.
//!
//! The alarm is the object's only process that writes to KV, and runs one at a
//! time, so each key has one put in flight. Before the first put it sets itself
//! again, and at its end to when the next row is due: whatever happens in
//! between, it comes back. That is JavaScript's (`tables/tables.js`), and so are the
//! puts themselves (`outbox.js`).

use super::sql::{Bind, Failed, Row as SqlRow, Sql};
use crate::json::{self, Object};
use crate::outbox::{Row, Rows};

/// What KV shall hold under a key.
pub struct Value {
    /// The text.
    pub text: String,
    /// When KV may forget it, in Unix seconds.
    pub expiration: Option<u64>,
}

impl Value {
    fn to_json(&self) -> String {
        let mut json = Object::default();
        json.text("text", &self.text);
        json.number_or_null("expiration", self.expiration);
        json.finish()
    }
}

/// Finds the value of a row's key as it is now; `None`: it has none.
pub type Find = fn(&Sql, &Row, now_ms: u64) -> Result<Option<Value>, Failed>;

/// The puts that are due, a few at a time, as JSON: the key, the change that each
/// brings, and the value. Those that take something away come first.
pub fn due(sql: &Sql, find: Find, now_ms: u64) -> Result<String, Failed> {
    let mut rows = Vec::new();
    for repeat in [1, 0] {
        let room = BATCH.saturating_sub(rows.len()) as u64;
        let values = [repeat.into(), now_ms.into(), room.into()];
        rows.extend(sql.rows("due", &values, read)?);
    }
    let mut puts = Vec::with_capacity(rows.len());
    for row in rows {
        let value = find(sql, &row, now_ms)?;
        let value = value.map_or("null".to_owned(), |value| value.to_json());
        let mut put = Object::default();
        put.text("key", &row.key);
        put.number("generation", row.generation);
        put.raw("value", &value);
        puts.push(put.finish());
    }
    Ok(json::list(puts.into_iter()))
}

/// Takes note of what came of a put: whether KV has accepted the change.
pub fn settle(
    sql: &Sql,
    key: &str,
    generation: u64,
    accepted: bool,
    now_ms: u64,
) -> Result<(), Failed> {
    let Some(row) = sql.row(key)? else {
        return Ok(());
    };
    let (workspace, uid) = (row.workspace.clone(), row.uid.clone());
    let left = if accepted {
        row.accepted(generation, now_ms)
    } else {
        Some(row.uncertain(now_ms))
    };
    match left {
        Some(row) => sql.save_row(&row),
        None => {
            let values = [key, &workspace, &uid].map(Bind::Text);
            sql.write("forgetRow", &values)
        }
    }
}

impl Rows for Sql {
    type Error = Failed;

    fn row(&self, key: &str) -> Result<Option<Row>, Failed> {
        self.first("row", &[key.into()], read)
    }

    fn save_row(&self, row: &Row) -> Result<(), Failed> {
        let values = [
            row.key.as_str().into(),
            row.workspace.as_str().into(),
            row.uid.as_str().into(),
            row.due.into(),
            u64::from(row.attempts).into(),
            u64::from(row.repeat).into(),
            row.since.into(),
            row.generation.into(),
        ];
        self.write("saveRow", &values)
    }
}

fn read(row: &mut SqlRow) -> Row {
    Row {
        key: row.text(0),
        workspace: row.text(1),
        uid: row.text(2),
        due: row.number(3),
        attempts: row.parsed(4, |text| text.parse().ok(), 0),
        repeat: row.number(5) != 0,
        since: row.number_or_none(6),
        generation: row.number(7),
    }
}

/// How many puts run side by side: that many connections a Worker may have.
const BATCH: usize = 6;
