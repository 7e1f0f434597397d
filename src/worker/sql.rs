//! A Durable Object's own SQLite database: tables made on the first write,
//! transactions that roll back, and the alarm.

use super::whole;
use crate::json::Object;
use core::cell::Cell;
use js_sys::{Array, Error, Promise};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker_sys::{DurableObjectState, SqlStorage};

#[wasm_bindgen]
extern "C" {
    /// What the bindings lack of `ctx.storage`.
    type Storage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Storage,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    fn set_alarm(this: &Storage, time: f64) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = deleteAlarm)]
    fn delete_alarm(this: &Storage) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(line: &str);

    #[wasm_bindgen(js_namespace = console, js_name = log)]
    fn console_log(line: &str);
}

/// The database failed. What it said is in the log; it stays inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// What makes the tables of a version from those of the version before it, for
/// each version from 1 on.
pub type Migrations = &'static [&'static [&'static str]];

/// The database of one Durable Object.
pub struct Sql {
    storage: Storage,
    sql: SqlStorage,
    /// The name of the class, for the log.
    pub class: &'static str,
    migrations: Migrations,
    /// The version of the tables, once it is known not to be 0.
    version: Cell<usize>,
}

/// A row of a result.
pub struct Row(Array);

impl Sql {
    /// The database of an object whose tables come about by these steps.
    pub fn new(
        state: &DurableObjectState,
        class: &'static str,
        migrations: Migrations,
    ) -> Result<Self, JsValue> {
        let storage = state.storage()?;
        Ok(Self {
            sql: storage.sql(),
            storage: JsValue::from(storage).unchecked_into(),
            class,
            migrations,
            version: Cell::new(0),
        })
    }

    /// Runs a query. Where there are no tables yet, there are no rows either:
    /// reading never makes a table.
    pub fn rows(&self, query: &str, values: &[Bind<'_>]) -> Result<Vec<Row>, Failed> {
        match self.version()? {
            0 => return Ok(Vec::new()),
            version if version < self.migrations.len() => self.migrate()?,
            _ => {}
        }
        self.exec(query, values)
    }

    /// The first row of a query.
    pub fn first(&self, query: &str, values: &[Bind<'_>]) -> Result<Option<Row>, Failed> {
        Ok(self.rows(query, values)?.into_iter().next())
    }

    /// Runs a statement that writes, after bringing the tables up to date.
    pub fn write(&self, statement: &str, values: &[Bind<'_>]) -> Result<(), Failed> {
        self.migrate()?;
        self.exec(statement, values).map(drop)
    }

    /// Runs `work` in one transaction: all that it writes is kept if it
    /// succeeds, and nothing otherwise, the alarm included.
    pub fn transaction<T>(&self, work: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
        let version = self.version.get();
        let mut work = Some(work);
        let mut value = None;
        let ran = self.storage.transaction_sync(&mut || {
            value = work.take().and_then(|work| work().ok());
            match value {
                Some(_) => Ok(JsValue::UNDEFINED),
                None => Err(Error::new("the transaction is rolled back").into()),
            }
        });
        match (ran, value) {
            (Ok(_), Some(value)) => Ok(value),
            (ran, _) => {
                self.version.set(version);
                Err(self.failed(&ran.err().unwrap_or_default()))
            }
        }
    }

    /// Sets the alarm, in place of the one that is set.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds are exact in a float for 285,000 years"
    )]
    pub fn set_alarm(&self, at_ms: u64) -> Result<(), Failed> {
        let set = self.storage.set_alarm(at_ms as f64);
        set.map(drop).map_err(|error| self.failed(&error))
    }

    /// Takes the alarm back.
    pub fn delete_alarm(&self) -> Result<(), Failed> {
        let deleted = self.storage.delete_alarm();
        deleted.map(drop).map_err(|error| self.failed(&error))
    }

    /// The version of the tables; 0: there are none. One that this code does
    /// not know was written by a later one: then nothing is read or written.
    fn version(&self) -> Result<usize, Failed> {
        if self.version.get() > 0 {
            return Ok(self.version.get());
        }
        let table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'";
        if self.exec(table, &[])?.is_empty() {
            return Ok(0);
        }
        let version = "SELECT value FROM meta WHERE name = 'version'";
        let version = self.exec(version, &[])?;
        let version = version.first().and_then(|row| row.number(0));
        match version.and_then(|version| usize::try_from(version).ok()) {
            Some(version) if (1..=self.migrations.len()).contains(&version) => {
                self.version.set(version);
                Ok(version)
            }
            _ => Err(self.failed(&"the tables are of another version".into())),
        }
    }

    fn migrate(&self) -> Result<(), Failed> {
        let version = self.version()?;
        if version == self.migrations.len() {
            return Ok(());
        }
        if version == 0 {
            let meta = "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
                        STRICT, WITHOUT ROWID";
            self.exec(meta, &[])?;
        }
        for statements in self.migrations.iter().skip(version).copied().flatten() {
            self.exec(statements, &[])?;
        }
        let version = self.migrations.len();
        let note = "INSERT OR REPLACE INTO meta (name, value) VALUES ('version', ?)";
        self.exec(note, &[Bind::Number(version as u64)])?;
        self.version.set(version);
        Ok(())
    }

    fn exec(&self, query: &str, values: &[Bind<'_>]) -> Result<Vec<Row>, Failed> {
        let failed = |error: JsValue| self.failed(&error);
        let values: Array = values.iter().map(|value| value.to_js()).collect();
        let rows = self.sql.exec(query, values).map_err(failed)?.raw();
        rows.into_iter()
            .map(|row| row.map(|row| Row(row.unchecked_into())).map_err(failed))
            .collect()
    }

    /// Something that was handed to the object cannot be read.
    pub fn unreadable(&self) -> Failed {
        log_error(self.class, "what was sent could not be read");
        Failed
    }

    fn failed(&self, error: &JsValue) -> Failed {
        let message = error
            .dyn_ref::<Error>()
            .map_or_else(|| error.as_string(), |error| error.message().as_string());
        log_error(self.class, &message.unwrap_or_default());
        Failed
    }
}

impl Row {
    /// The text in a column, unless it is null.
    pub fn text(&self, column: u32) -> Option<String> {
        self.0.get(column).as_string()
    }

    /// The whole number in a column that is neither null nor negative.
    pub fn number(&self, column: u32) -> Option<u64> {
        let number = self.0.get(column).as_f64()?;
        (number >= 0.0).then(|| whole(number))
    }
}

/// A value to bind.
#[derive(Clone, Copy, Debug)]
pub enum Bind<'a> {
    /// A text.
    Text(&'a str),
    /// A moment or a count, far below 2^53.
    Number(u64),
    /// Nothing.
    Null,
}

impl Bind<'_> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "moments and counts are exact in a float"
    )]
    fn to_js(self) -> JsValue {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => JsValue::from_f64(number as f64),
            Self::Null => JsValue::NULL,
        }
    }
}

impl<'a> From<&'a str> for Bind<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Bind<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<Option<&'a str>> for Bind<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl From<Option<u64>> for Bind<'_> {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }
}

/// One structured line about what failed. What stores say holds no secret.
fn log_error(place: &str, message: &str) {
    let message: String = message.chars().take(200).collect();
    let mut line = Object::default();
    line.text("error", place);
    line.text("message", &message);
    console_error(&line.finish());
}

/// One structured line that is no error.
pub fn log(line: &str) {
    console_log(line);
}
