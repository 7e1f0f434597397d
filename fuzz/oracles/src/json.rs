//! JSON: what is read is what serde_json reads, and what was written is read back.

use crate::text;
use gatepass::fields::Fields;
use gatepass::json;
use gatepass::raw::{self, Raw};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, from_str};
use std::collections::HashSet;

pub fn check(data: &[u8]) {
    let text = text(data);
    let quoted = json::text(&text);
    assert_eq!(from_str::<String>(&quoted).unwrap(), text);
    let object = format!("{{\"a\":{quoted}}}");
    let read = raw::members(&object).unwrap().pop().unwrap();
    assert_eq!(read.1.text().unwrap(), text);
    let is_deep = is_deep(&text);
    match raw::members(&text) {
        Some(members) => are_members(&text, &members),
        None => assert!(members(&text).is_none() || is_deep, "{text:?}"),
    }
    match raw::list(&text) {
        Some(list) => are_values(&text, &list),
        None => assert!(
            from_str::<Vec<&RawValue>>(&text).is_err() || is_deep,
            "{text:?}"
        ),
    }
    refuses_what_stands_twice(&text);
}

fn are_members(text: &str, read: &[(std::borrow::Cow<'_, str>, Raw<'_>)]) {
    let Some(members) = members(text) else {
        panic!("{text:?} is no object");
    };
    assert_eq!(members.len(), read.len());
    for ((name, value), (read_name, read)) in members.iter().zip(read) {
        assert_eq!(name, read_name, "{text:?}");
        is_value(value.get(), *read);
    }
}

fn are_values(text: &str, read: &[Raw<'_>]) {
    let values: Vec<&RawValue> = from_str(text).unwrap();
    assert_eq!(values.len(), read.len());
    for (value, read) in values.iter().zip(read) {
        is_value(value.get(), *read);
    }
}

fn is_value(value: &str, read: Raw<'_>) {
    assert_eq!(value, read.get());
    let text = from_str::<String>(value).ok();
    assert_eq!(read.text().as_deref(), text.as_deref(), "{value}");
    assert_eq!(read.texts(), from_str(value).ok(), "{value}");
}

fn refuses_what_stands_twice(text: &str) {
    let mut fields = Fields::of_body(Some("application/json"), text);
    let refused = fields.refused();
    let names: Vec<_> = fields.names().map(str::to_owned).collect();
    let is_sound =
        is_object_of_its_own(text) && text.len() <= Fields::MAX_BODY && names.len() <= 40;
    if !refused {
        assert!(is_sound, "{text:?}");
    }
    for name in &names {
        assert!(fields.take_raw(name).is_some(), "{text:?}");
    }
    assert_eq!(fields.finish().is_ok(), !refused);
}

/// Whether a text is an object in which no name stands twice.
pub(crate) fn is_object_of_its_own(text: &str) -> bool {
    let mut seen = HashSet::new();
    members(text).is_some_and(|members| members.into_iter().all(|(name, _)| seen.insert(name)))
}

/// A value as serde_json reads it, if it is an object in which no name stands twice.
pub(crate) fn object(text: &str) -> Option<serde_json::Map<String, Value>> {
    match from_str(text).ok()? {
        Value::Object(object) if is_object_of_its_own(text) => Some(object),
        _ => None,
    }
}

/// The members of an object, also those that stand twice.
fn members(text: &str) -> Option<Vec<(String, Box<RawValue>)>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Members).ok()?;
    deserializer.end().is_ok().then_some(members)
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Box<RawValue>)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// Whether brackets could stand deeper in brackets than is read.
fn is_deep(text: &str) -> bool {
    text.bytes().filter(|byte| b"[{".contains(byte)).count() > 64
}
