//! Messages between the token API and its authorities: what can be read is written as what
//! it was read from.
//!
//! The input's first byte chooses the kind of message; the others are the message.

use crate::text;
use gatepass::listing::Cursor;
use gatepass::lookup::{Found, Lookup};
use gatepass::wire::{self, Message};
use gatepass::{directory, ledger};
use std::fmt::Debug;

pub fn check(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else {
        return;
    };
    match kind % 6 {
        0 => is_read_back::<ledger::Command>(bytes),
        1 => is_read_back::<ledger::Reply>(bytes),
        2 => is_read_back::<directory::Command>(bytes),
        3 => is_read_back::<directory::Reply>(bytes),
        4 => is_read_back::<Cursor>(bytes),
        _ => is_looked_up(&text(bytes)),
    }
}

fn is_read_back<M: Message + Debug + PartialEq>(bytes: &[u8]) {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let sent = format!("{}{digits}", M::LETTER);
    if let Some(message) = wire::read::<M>(&sent) {
        let written = wire::write(&message);
        assert_eq!(wire::read(&written), Some(message), "{sent} as {written}");
    }
    let text = text(bytes);
    if let Some(message) = wire::read::<M>(&text) {
        assert_eq!(wire::read(&wire::write(&message)), Some(message), "{text}");
    }
}

fn is_looked_up(text: &str) {
    if let Some(lookup) = Lookup::parse(text) {
        assert_eq!(lookup.to_json(), text);
    }
    if Found::parse(text).is_some() {
        assert!(
            serde_json::from_str::<serde_json::Value>(text).is_ok(),
            "{text}"
        );
    }
}
