//! The outbox at work: the alarm that brings KV up to date.
//!
//! The alarm of a Durable Object is its only process that writes to KV, and
//! runs one at a time, so each key has one put in flight. Before the first put
//! it sets itself again, and at its end to when the next row is due: whatever
//! happens in between, it comes back.

use super::sql::{Failed, Row as SqlRow, Sql, integer, log_error};
use crate::outbox::{Row, Rows};
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use serde_json::json;
use worker::{Date, Delay, Env, SqlStorageValue, kv::KvStore};

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

/// What KV shall hold under a key.
pub struct Value {
    /// The text.
    pub text: String,
    /// When KV may forget it, in Unix seconds.
    pub expiration: Option<u64>,
}

/// Finds the value of a row's key as it is now; `None`: it has none.
pub type Find = fn(&Sql, &Row, now_ms: u64) -> Result<Option<Value>, Failed>;

/// Sets the alarm to when the first row is due, if there is one.
pub fn arm(sql: &Sql) -> Result<(), Failed> {
    let earliest = sql.first("SELECT MIN(due) FROM outbox", Vec::new())?;
    match earliest.and_then(|row| row.number(0)) {
        Some(due) => sql.set_alarm(due),
        None => Ok(()),
    }
}

/// Puts what is due. After an error the alarm is still set.
pub async fn flush(sql: &Sql, env: &Env, find: Find) -> Result<(), Failed> {
    sql.set_alarm(now_ms().saturating_add(SAFETY_MS))?;
    for _ in 0..MAX_BATCHES {
        let due = due(sql)?;
        if due.is_empty() {
            break;
        }
        let puts = due.iter().map(|row| put(sql, env, row, find)).collect();
        let outcomes = all(puts).await;
        sql.transaction(|| {
            due.iter()
                .zip(outcomes)
                .try_for_each(|(row, accepted)| settle(sql, row, accepted))
        })?;
    }
    report(sql)?;
    sql.delete_alarm()?;
    arm(sql)
}

/// Now, by the clock of the machine.
pub fn now_ms() -> u64 {
    Date::now().as_millis()
}

fn due(sql: &Sql) -> Result<Vec<Row>, Failed> {
    let query = format!("SELECT {COLUMNS} FROM outbox WHERE due <= ? ORDER BY due LIMIT {BATCH}");
    let rows = sql.rows(&query, vec![integer(now_ms())])?;
    rows.iter().map(read).collect()
}

/// Whether KV has accepted the value of a row's key, or need not have it.
fn put<'a>(
    sql: &Sql,
    env: &Env,
    row: &'a Row,
    find: Find,
) -> Pin<Box<dyn Future<Output = bool> + 'a>> {
    let value = find(sql, row, now_ms());
    let kv = env.kv("RECORDS");
    Box::pin(async move {
        match (value, kv) {
            (Ok(Some(value)), Ok(kv)) => {
                let put = try_put(&kv, &row.key, &value);
                match within(Duration::from_millis(PUT_MS), put).await {
                    Some(Ok(())) => true,
                    Some(Err(error)) => {
                        log_error("RECORDS", &error.to_string());
                        false
                    }
                    None => {
                        log_error("RECORDS", "a put took too long");
                        false
                    }
                }
            }
            (Ok(None), _) => true,
            (Err(Failed), _) | (_, Err(_)) => false,
        }
    })
}

async fn try_put(kv: &KvStore, key: &str, value: &Value) -> worker::Result<()> {
    let mut put = kv.put(key, value.text.as_str())?;
    if let Some(expiration) = value.expiration {
        put = put.expiration(expiration);
    }
    Ok(put.execute().await?)
}

fn settle(sql: &Sql, sent: &Row, accepted: bool) -> Result<(), Failed> {
    let Some(row) = sql.row(&sent.key)? else {
        return Ok(());
    };
    let left = if accepted {
        row.accepted(sent.generation, now_ms())
    } else {
        Some(row.uncertain(now_ms()))
    };
    match left {
        Some(row) => sql.save_row(&row),
        None => {
            let delete = "DELETE FROM outbox WHERE key = ? AND workspace = ? AND uid = ?";
            let key = [&sent.key, &sent.workspace, &sent.uid];
            sql.write(delete, key.map(|part| part.as_str().into()).into())
        }
    }
}

/// One structured line if KV has not accepted everything.
fn report(sql: &Sql) -> Result<(), Failed> {
    let query = "SELECT COUNT(*), MIN(since) FROM outbox WHERE since IS NOT NULL";
    let row = sql.first(query, Vec::new())?;
    let entries = row.as_ref().and_then(|row| row.number(0)).unwrap_or(0);
    if let Some(since) = row.as_ref().and_then(|row| row.number(1)) {
        let age = now_ms().saturating_sub(since) / 1000;
        let line = json!({
            "metric": "outbox_age_seconds",
            "value": age,
            "entries": entries,
            "class": sql.class,
        });
        worker::console_log!("{line}");
    }
    Ok(())
}

impl Rows for Sql {
    type Error = Failed;

    fn row(&self, key: &str) -> Result<Option<Row>, Failed> {
        let query = format!("SELECT {COLUMNS} FROM outbox WHERE key = ?");
        let row = self.first(&query, vec![key.into()])?;
        row.as_ref().map(read).transpose()
    }

    fn save_row(&self, row: &Row) -> Result<(), Failed> {
        let values = vec![
            row.key.as_str().into(),
            row.workspace.as_str().into(),
            row.uid.as_str().into(),
            integer(row.due),
            integer(row.attempts.into()),
            integer(row.repeat.into()),
            row.since.map_or(SqlStorageValue::Null, integer),
            integer(row.generation),
        ];
        let replace =
            format!("INSERT OR REPLACE INTO outbox ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        self.write(&replace, values)
    }
}

fn read(row: &SqlRow) -> Result<Row, Failed> {
    let text = |column| row.text(column).map(str::to_owned).ok_or(Failed);
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

/// Waits for all, side by side.
async fn all(mut waiting: Vec<Pin<Box<dyn Future<Output = bool> + '_>>>) -> Vec<bool> {
    let mut outcomes = vec![None; waiting.len()];
    poll_fn(|context| {
        for (future, outcome) in waiting.iter_mut().zip(&mut outcomes) {
            if outcome.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *outcome = Some(value);
            }
        }
        if outcomes.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}

/// What comes of a future in time; `None`: nothing.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut limit = pin!(Delay::from(limit));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

const COLUMNS: &str = "key, workspace, uid, due, attempts, repeat, since, generation";

/// How many puts run side by side: that many connections a Worker may have.
const BATCH: usize = 6;
/// How many batches one alarm puts; 48 puts stay below each plan's limit.
const MAX_BATCHES: usize = 8;
/// After this long a put is given up.
const PUT_MS: u64 = 10_000;
/// When the alarm comes back if it breaks off.
const SAFETY_MS: u64 = 30_000;
