//! The Rust half of a Durable Object. Its JavaScript half (`objects.js`) receives
//! commands and alarms; here they meet the database, synchronously.

use super::outbox::{self, Find};
use super::sql::{Failed, Sql, Tables};
use super::{directory, ledger, notes, whole};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A ledger or a directory.
#[wasm_bindgen]
pub struct Authority {
    sql: Sql,
    kind: &'static Kind,
}

/// What tells one class of object from the other.
struct Kind {
    class: &'static str,
    execute: fn(&Sql, &str, u64) -> Result<String, Failed>,
    value: Find,
}

static LEDGER: Kind = Kind {
    class: "Ledger",
    execute: ledger::execute,
    value: ledger::value,
};

static DIRECTORY: Kind = Kind {
    class: "Directory",
    execute: directory::execute,
    value: directory::value,
};

#[wasm_bindgen]
impl Authority {
    /// The authority of a class, over an object's tables.
    #[wasm_bindgen(constructor)]
    pub fn new(class: &str, tables: Tables) -> Result<Self, JsError> {
        let kinds = [&LEDGER, &DIRECTORY];
        let kind = kinds.into_iter().find(|kind| kind.class == class);
        let kind = kind.ok_or_else(|| JsError::new("there is no such class"))?;
        let sql = Sql(tables);
        Ok(Self { sql, kind })
    }

    /// Carries out a command.
    pub fn execute(&self, command: &str, now_ms: f64) -> Result<String, JsError> {
        (self.kind.execute)(&self.sql, command, whole(now_ms)).map_err(failed)
    }

    /// Takes note of what a gate tells without waiting.
    pub fn note(&self, note: &str, now_ms: f64) -> Result<(), JsError> {
        let note = || notes::note(&self.sql, note, whole(now_ms));
        self.sql.transaction(note).map_err(failed)
    }

    /// The puts that are due, as JSON.
    pub fn due(&self, now_ms: f64) -> Result<String, JsError> {
        outbox::due(&self.sql, self.kind.value, whole(now_ms)).map_err(failed)
    }

    /// Takes note of what came of a put.
    pub fn settle(
        &self,
        key: &str,
        generation: f64,
        accepted: bool,
        now_ms: f64,
    ) -> Result<(), JsError> {
        let (generation, now_ms) = (whole(generation), whole(now_ms));
        outbox::settle(&self.sql, key, generation, accepted, now_ms).map_err(failed)
    }
}

fn failed(_: Failed) -> JsError {
    JsError::new("the storage failed")
}
