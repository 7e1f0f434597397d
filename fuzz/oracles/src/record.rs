//! Records: what is read is what a plain reader of JSON accepts, and is written as what
//! it was read from.

use crate::{json, text};
use gatepass::address;
use gatepass::id::Id;
use gatepass::record::Record;
use gatepass::scope::Scope;
use serde_json::{Map, Value};

pub fn check(data: &[u8]) {
    let text = text(data);
    let record = Record::parse(&text);
    let object = json::object(&text).filter(is_record);
    assert_eq!(record.is_ok(), object.is_some(), "{text}");
    let (Ok(record), Some(object)) = (record, object) else {
        return;
    };
    let written = record.to_json();
    assert_eq!(Record::parse(&written), Ok(record), "{text}");
    let written = json::object(&written).unwrap();
    for (name, value) in &object {
        // Sets are sorted, and what says nothing is left out.
        let is_set = name == "sc" || name == "ip";
        let says_nothing = [
            Value::from(""),
            Value::from(false),
            Value::Array(Vec::new()),
        ];
        if !is_set && !says_nothing.contains(value) {
            assert_eq!(written.get(name), Some(value), "{name} in {text}");
        }
    }
    assert!(
        written.keys().all(|name| object.contains_key(name)),
        "{text}"
    );
}

/// Whether an object is a record, as `docs/storage.md` has it.
fn is_record(object: &Map<String, Value>) -> bool {
    let is_embed = object.get("k") == Some(&Value::from("e"));
    let needed = ["v", "rev", "id", "ws", "uid", "k", "n", "st", "c"];
    let has_all = needed.iter().all(|name| object.contains_key(*name));
    has_all
        && (!is_embed || object.contains_key("sm"))
        && object
            .iter()
            .all(|(name, value)| is_field(name, value, is_embed))
}

fn is_field(name: &str, value: &Value, is_embed: bool) -> bool {
    match name {
        "v" => value.as_u64() == Some(1),
        "rev" | "c" | "x" => value.as_u64().is_some(),
        "id" => is_text(value, |text| Id::parse(text).is_some()),
        "ws" | "uid" | "em" | "n" => value.is_string(),
        "k" => is_text(value, |text| text == "p" || text == "e"),
        "st" => is_text(value, |text| ["a", "d", "u", "r"].contains(&text)),
        "sc" => is_list(value, |scope| Scope::parse(scope).is_some()),
        "ap" => is_list(value, |_| true),
        "ip" => is_list(value, |block| address::parse_block(block).is_some()),
        "strict" => value.is_boolean(),
        "or" if is_embed => is_list(value, |_| true),
        "pl" if is_embed => value.is_string(),
        "sm" | "im" if is_embed => value
            .as_u64()
            .is_some_and(|number| number <= u32::MAX.into()),
        "su" | "tl" if is_embed => value.is_boolean(),
        "se" | "from" if is_embed => value.as_u64().is_some(),
        "kill" if is_embed => value
            .as_array()
            .is_some_and(|list| list.iter().all(is_killed)),
        _ => false,
    }
}

fn is_killed(pair: &Value) -> bool {
    let Some([id, until]) = pair.as_array().map(Vec::as_slice) else {
        return false;
    };
    is_text(id, |text| Id::parse(text).is_some()) && until.as_u64().is_some()
}

fn is_text(value: &Value, is: impl Fn(&str) -> bool) -> bool {
    value.as_str().is_some_and(is)
}

fn is_list(value: &Value, is: impl Fn(&str) -> bool) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(|item| is_text(item, &is)))
}
