//! The outbox at work: what the alarm of a Durable Object brings to KV.
//!
//! The alarm is the object's only process that writes to KV, and runs one at a
//! time, so each key has one put in flight. Before the first put it sets itself
//! again, and at its end to when the next row is due: whatever happens in
//! between, it comes back. The puts themselves are JavaScript's (`outbox.js`).

use super::sql::{Failed, Row as SqlRow, Sql, log};
use crate::json::{self, Object};
use crate::outbox::{Row, Rows};

/// The table that each Durable Object with an outbox has.
pub const TABLE: &str = "
    CREATE TABLE outbox (
        key TEXT PRIMARY KEY,
        workspace TEXT NOT NULL,
        uid TEXT NOT NULL,
        due INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        repeat INTEGER NOT NULL,
        since INTEGER,
        generation INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_due ON outbox (due);";

/// The step after which what is due is found in the order in which it is put.
pub const BY_REPEAT: &str = "
    DROP INDEX outbox_due;
    CREATE INDEX outbox_due ON outbox (repeat, due);";

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

/// Sets the alarm to when the first row is due, if there is one.
pub fn arm(sql: &Sql) -> Result<(), Failed> {
    let query = "SELECT MIN(due) FROM (
                 SELECT MIN(due) AS due FROM outbox WHERE repeat = 0 UNION ALL
                 SELECT MIN(due) FROM outbox WHERE repeat = 1)";
    let earliest = sql.first(query, &[])?;
    match earliest.and_then(|row| row.number(0)) {
        Some(due) => sql.set_alarm(due),
        None => Ok(()),
    }
}

/// Sets the alarm again, in case what follows breaks off.
pub fn begin(sql: &Sql, now_ms: u64) -> Result<(), Failed> {
    sql.set_alarm(now_ms.saturating_add(SAFETY_MS))
}

/// The puts that are due, a few at a time, as JSON: the key, the change that each
/// brings, and the value. Those that take something away come first.
pub fn due(sql: &Sql, find: Find, now_ms: u64) -> Result<String, Failed> {
    let mut rows = Vec::new();
    for repeat in [1, 0] {
        let query = format!(
            "SELECT {COLUMNS} FROM outbox WHERE repeat = {repeat} AND due <= ?
             ORDER BY due LIMIT {}",
            BATCH.saturating_sub(rows.len())
        );
        rows.extend(sql.rows(&query, &[now_ms.into()])?);
    }
    let puts = rows
        .iter()
        .map(|row| {
            let row = read(row)?;
            let value = find(sql, &row, now_ms)?;
            let value = value.map_or("null".to_owned(), |value| value.to_json());
            let mut put = Object::default();
            put.text("key", &row.key);
            put.number("generation", row.generation);
            put.raw("value", &value);
            Ok(put.finish())
        })
        .collect::<Result<Vec<_>, Failed>>()?;
    Ok(json::list(puts.into_iter()))
}

/// Tells if KV lags behind, and sets the alarm to when the next row is due.
pub fn end(sql: &Sql, now_ms: u64) -> Result<(), Failed> {
    report(sql, now_ms)?;
    sql.delete_alarm()?;
    arm(sql)
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
            let delete = "DELETE FROM outbox WHERE key = ? AND workspace = ? AND uid = ?";
            sql.write(
                delete,
                &[key.into(), workspace.as_str().into(), uid.as_str().into()],
            )
        }
    }
}

/// One structured line if KV has not accepted everything.
fn report(sql: &Sql, now_ms: u64) -> Result<(), Failed> {
    let query = "SELECT COUNT(*), MIN(since) FROM outbox WHERE since IS NOT NULL";
    let row = sql.first(query, &[])?;
    let entries = row.as_ref().and_then(|row| row.number(0)).unwrap_or(0);
    if let Some(since) = row.as_ref().and_then(|row| row.number(1)) {
        let age = now_ms.saturating_sub(since) / 1000;
        let mut line = Object::default();
        line.text("metric", "outbox_age_seconds");
        line.number("value", age);
        line.number("entries", entries);
        line.text("class", sql.class);
        log(&line.finish());
    }
    Ok(())
}

impl Rows for Sql {
    type Error = Failed;

    fn row(&self, key: &str) -> Result<Option<Row>, Failed> {
        let query = format!("SELECT {COLUMNS} FROM outbox WHERE key = ?");
        let row = self.first(&query, &[key.into()])?;
        row.as_ref().map(read).transpose()
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
        let replace =
            format!("INSERT OR REPLACE INTO outbox ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        self.write(&replace, &values)
    }
}

fn read(row: &SqlRow) -> Result<Row, Failed> {
    let text = |column| row.text(column).ok_or(Failed);
    let number = |column| row.number(column).ok_or(Failed);
    Ok(Row {
        key: text(0)?,
        workspace: text(1)?,
        uid: text(2)?,
        due: number(3)?,
        attempts: u32::try_from(number(4)?).map_err(|_| Failed)?,
        repeat: number(5)? != 0,
        since: row.number(6),
        generation: number(7)?,
    })
}

const COLUMNS: &str = "key, workspace, uid, due, attempts, repeat, since, generation";

/// How many puts run side by side: that many connections a Worker may have.
const BATCH: usize = 6;
/// When the alarm comes back if it breaks off.
const SAFETY_MS: u64 = 30_000;
