//! The Rust half of a Durable Object. Its JavaScript half (`entry.js`) receives
//! commands and alarms; here they meet the database, synchronously.

use super::outbox::{self, Find};
use super::sql::{Failed, Migrations, Sql};
use super::{directory, ledger, whole};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;
use worker_sys::DurableObjectState;

/// A ledger or a directory.
#[wasm_bindgen]
pub struct Authority {
    sql: Sql,
    kind: &'static Kind,
}

/// What tells one class of object from the other.
struct Kind {
    class: &'static str,
    migrations: Migrations,
    execute: fn(&Sql, &str, u64) -> Result<String, Failed>,
    value: Find,
}

static LEDGER: Kind = Kind {
    class: "Ledger",
    migrations: ledger::MIGRATIONS,
    execute: ledger::execute,
    value: ledger::value,
};

static DIRECTORY: Kind = Kind {
    class: "Directory",
    migrations: directory::MIGRATIONS,
    execute: directory::execute,
    value: directory::value,
};

#[wasm_bindgen]
impl Authority {
    /// The authority of a class, over an object's storage.
    #[wasm_bindgen(constructor)]
    pub fn new(class: &str, state: DurableObjectState) -> Result<Self, JsError> {
        let kinds = [&LEDGER, &DIRECTORY];
        let kind = kinds.into_iter().find(|kind| kind.class == class);
        let kind = kind.ok_or_else(|| JsError::new("there is no such class"))?;
        let sql = Sql::new(&state, kind.class, kind.migrations)
            .map_err(|_| JsError::new("there is no storage"))?;
        Ok(Self { sql, kind })
    }

    /// Carries out a command.
    pub fn execute(&self, command: &str, now_ms: f64) -> Result<String, JsError> {
        (self.kind.execute)(&self.sql, command, whole(now_ms)).map_err(failed)
    }

    /// The alarm begins.
    pub fn begin(&self, now_ms: f64) -> Result<(), JsError> {
        outbox::begin(&self.sql, whole(now_ms)).map_err(failed)
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

    /// The alarm ends.
    pub fn end(&self, now_ms: f64) -> Result<(), JsError> {
        outbox::end(&self.sql, whole(now_ms)).map_err(failed)
    }
}

fn failed(_: Failed) -> JsError {
    JsError::new("the storage failed")
}
