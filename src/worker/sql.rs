//! A Durable Object's tables. JavaScript (`tables/`) has the statements, by name, and
//! runs them; here values go out and rows come in.

use crate::json;
use crate::raw;
use std::borrow::Cow;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// `Tables` of `tables/tables.js`.
    pub type Tables;

    #[wasm_bindgen(method, catch)]
    fn rows(this: &Tables, name: &str, values: &str) -> Result<String, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn write(this: &Tables, name: &str, values: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Tables, work: &mut dyn FnMut() -> bool) -> Result<(), JsValue>;

    #[wasm_bindgen(method)]
    fn unreadable(this: &Tables);
}

/// The database failed. What it said is in the log; it stays inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// The database of one Durable Object.
pub struct Sql(pub Tables);

impl Sql {
    /// The rows of a query, each read by `read`.
    pub fn rows<T>(
        &self,
        name: &str,
        values: &[Bind<'_>],
        read: fn(&mut Row) -> T,
    ) -> Result<Vec<T>, Failed> {
        let rows = self.raw_rows(name, values)?;
        let mut items = Vec::with_capacity(rows.len());
        for mut row in rows {
            items.push(read(&mut row));
            if row.failed {
                return Err(self.unreadable());
            }
        }
        Ok(items)
    }

    /// The first row of a query.
    pub fn first<T>(
        &self,
        name: &str,
        values: &[Bind<'_>],
        read: fn(&mut Row) -> T,
    ) -> Result<Option<T>, Failed> {
        Ok(self.rows(name, values, read)?.into_iter().next())
    }

    /// The number that a query counts.
    pub fn count(&self, name: &str, values: &[Bind<'_>]) -> Result<usize, Failed> {
        let count = self.first(name, values, |row| row.number(0))?;
        Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX))
    }

    /// Runs a statement that writes.
    pub fn write(&self, name: &str, values: &[Bind<'_>]) -> Result<(), Failed> {
        let written = self.0.write(name, &to_json(values));
        written.map_err(|_| Failed)
    }

    /// Runs `work` in one transaction: all that it writes is kept if it
    /// succeeds, and nothing otherwise, the alarm included.
    pub fn transaction<T>(&self, work: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
        let mut work = Some(work);
        let mut value = None;
        let ran = self.0.transaction(&mut || {
            value = work.take().and_then(|work| work().ok());
            value.is_some()
        });
        ran.ok().and(value).ok_or(Failed)
    }

    /// Something that was handed to the object cannot be read.
    pub fn unreadable(&self) -> Failed {
        self.0.unreadable();
        Failed
    }

    #[inline(never)]
    fn raw_rows(&self, name: &str, values: &[Bind<'_>]) -> Result<Vec<Row>, Failed> {
        let rows = self.0.rows(name, &to_json(values)).map_err(|_| Failed)?;
        let rows = raw::list(&rows).ok_or(Failed)?;
        let rows = rows.into_iter().map(|row| {
            let columns = raw::list(row.get())?
                .into_iter()
                .map(|column| match column.get() {
                    "null" => Some(None),
                    _ => column.text().map(Cow::into_owned).map(Some),
                });
            Some(Row {
                columns: columns.collect::<Option<_>>()?,
                failed: false,
            })
        });
        rows.collect::<Option<_>>().ok_or(Failed)
    }
}

/// A row of a result. Each column is read once, and a row to its end: where one is not
/// what it should be, the row fails, and what was read of it is of no account.
pub struct Row {
    columns: Vec<Option<String>>,
    failed: bool,
}

impl Row {
    /// The text in a column, unless it is null.
    pub fn text_or_none(&mut self, column: usize) -> Option<String> {
        self.columns.get_mut(column)?.take()
    }

    /// The text in a column.
    pub fn text(&mut self, column: usize) -> String {
        let text = self.text_or_none(column);
        self.known(text).unwrap_or_default()
    }

    /// The whole number in a column, unless it is null.
    pub fn number_or_none(&mut self, column: usize) -> Option<u64> {
        let number = self.text_or_none(column)?.parse().ok();
        self.known(number)
    }

    /// The whole number in a column.
    pub fn number(&mut self, column: usize) -> u64 {
        let number = self.number_or_none(column);
        self.known(number).unwrap_or_default()
    }

    /// What the text in a column stands for; `blank`, where it does for nothing.
    pub fn parsed<T>(&mut self, column: usize, read: fn(&str) -> Option<T>, blank: T) -> T {
        let value = read(&self.text(column));
        self.known(value).unwrap_or(blank)
    }

    /// What the text in a column stands for, unless it is null.
    pub fn parsed_or_none<T>(&mut self, column: usize, read: fn(&str) -> Option<T>) -> Option<T> {
        let value = read(&self.text_or_none(column)?);
        self.known(value)
    }

    /// What was found in a column; nothing will not do.
    fn known<T>(&mut self, value: Option<T>) -> Option<T> {
        self.failed |= value.is_none();
        value
    }

    /// What is read is not what it should be.
    pub const fn fail(&mut self) {
        self.failed = true;
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

#[inline(never)]
fn to_json(values: &[Bind<'_>]) -> String {
    json::list(values.iter().map(|value| match value {
        Bind::Text(text) => json::text(text),
        Bind::Number(number) => number.to_string(),
        Bind::Null => "null".to_owned(),
    }))
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
