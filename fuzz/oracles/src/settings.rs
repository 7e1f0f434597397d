//! Settings: what the gate reads of them is what a plain reader of JSON accepts; what an
//! admin sends is what the directory keeps.

use crate::{json, text};
use gatepass::policy::Policy;
use gatepass::settings::Settings;
use serde_json::{Map, Value};

pub fn check(data: &[u8]) {
    let text = text(data);
    let settings = Settings::parse(&text);
    let is_settings = json::object(&text).as_ref().is_some_and(is_settings);
    assert_eq!(settings.is_ok(), is_settings, "{text}");
    if let Ok(settings) = settings {
        assert_eq!(Settings::parse(&settings.to_json()), Ok(settings), "{text}");
    }
    if let Ok(policy) = Policy::parse(Some("application/json"), &text) {
        let sent = json::object(&text).unwrap();
        let written = policy.to_json();
        assert_eq!(Policy::stored(&written), Some(policy), "{text}");
        let written = json::object(&written).unwrap();
        for (name, value) in &sent {
            // Sets are sorted, and `null` is what is left out.
            if !value.is_array() && !value.is_null() {
                assert_eq!(written.get(name), Some(value), "{name} in {text}");
            }
        }
        assert!(sent.keys().all(|name| written.contains_key(name)), "{text}");
    }
}

/// Whether an object is settings, as `docs/storage.md` has them.
fn is_settings(object: &Map<String, Value>) -> bool {
    let is_field = |(name, value): (&String, &Value)| match name.as_str() {
        "v" => value.as_u64() == Some(1),
        "rev" | "sessionsFrom" => value.as_u64().is_some(),
        "creation" | "authentication" | "admins" => value.is_boolean(),
        _ => false,
    };
    ["v", "rev"].iter().all(|name| object.contains_key(*name)) && object.iter().all(is_field)
}
