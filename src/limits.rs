//! The variables about limits, messages and the audit trail. Most are the shell's to
//! act on (`src/worker/limits.js`, `agenda.js`, `leaks.js`); what is wrong in one is
//! told here, where the configuration is read.

use crate::fields::Fields;
use crate::problem::Problem;
use base64ct::{Base64Unpadded, Encoding};

/// How many tokens a user may get within a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creations(pub u32);

impl Default for Creations {
    fn default() -> Self {
        Self(60)
    }
}

/// Reads `LIMITS`.
pub fn read(json: &str) -> Result<Creations, Problem> {
    let mut fields = Fields::of_object(json);
    let creations = fields.take_whole("creations", COUNT);
    let failures = fields.take_whole("failures", COUNT);
    for (name, number) in [("creations", creations), ("failures", failures)] {
        if number == Some(0) {
            fields.must_be(name, COUNT);
        }
    }
    for name in ["tokenRequests", "workspaceRequests"] {
        let Some(mut limit) = fields.take_object(name) else {
            continue;
        };
        let requests = limit.take_whole("limit", COUNT);
        if requests.is_none_or(|requests| requests == 0) {
            limit.must_be("limit", COUNT);
        }
        let seconds = limit.take_whole("seconds", WINDOW);
        if !seconds.is_some_and(|seconds| (20..=86_400).contains(&seconds)) {
            limit.must_be("seconds", WINDOW);
        }
        fields.refuse_with(limit.finish());
    }
    fields.finish()?;
    Ok(creations.map_or_else(Creations::default, Creations))
}

/// Checks `AUDIT_DAYS`.
pub fn check_days(text: &str) -> Result<(), &'static str> {
    match text.parse() {
        Ok(1..=3650_u16) => Ok(()),
        _ => Err("must be a whole number from 1 to 3650"),
    }
}

/// Checks a URL that the shell fetches.
pub fn check_url(url: &str, development: bool) -> Result<(), &'static str> {
    let rest = match url.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("http", rest)) if development => rest,
        _ => return Err("must be a URL with https"),
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    if host.is_empty() || host.contains('@') || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be a URL with https");
    }
    Ok(())
}

/// Whether a text is keys of Standard Webhooks, one or some with spaces or commas between.
pub fn are_webhook_keys(text: &str) -> bool {
    let keys = text.split([' ', ',']).filter(|key| !key.is_empty());
    let mut keys = keys.peekable();
    let good = |key: &str| {
        let key = key.strip_prefix("whsec_");
        let key = key.map(|key| key.trim_end_matches('='));
        let bytes = key.and_then(|key| Base64Unpadded::decode_vec(key).ok());
        bytes.is_some_and(|bytes| (24..=64).contains(&bytes.len()))
    };
    keys.peek().is_some() && keys.all(good)
}

const COUNT: &str = "a whole number from 1 on";
const WINDOW: &str = "a whole number of seconds from 20 to 86400";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_counts_and_windows() {
        assert_eq!(read("{}"), Ok(Creations(60)));
        let all = r#"{"creations":5,"failures":7,"tokenRequests":{"limit":1200,"seconds":600}}"#;
        assert_eq!(read(all), Ok(Creations(5)));
        for (json, field) in [
            (r#"{"creations":0}"#, "creations"),
            (r#"{"failures":-1}"#, "failures"),
            (r#"{"failures":1e3}"#, "failures"),
            (r#"{"requests":1}"#, "requests"),
            (r#"{"tokenRequests":{"limit":1}}"#, "tokenRequests.seconds"),
            (
                r#"{"tokenRequests":{"seconds":600}}"#,
                "tokenRequests.limit",
            ),
            (
                r#"{"tokenRequests":{"limit":1,"seconds":5}}"#,
                "tokenRequests.seconds",
            ),
            (
                r#"{"workspaceRequests":{"limit":1,"seconds":60,"x":1}}"#,
                "workspaceRequests.x",
            ),
        ] {
            let problem = read(json).expect_err(json);
            assert_eq!(problem.field.as_deref(), Some(field), "{json}");
        }
    }

    #[test]
    fn a_url_is_by_https_and_without_a_password() {
        assert!(check_url("https://hooks.example/gatepass?x=1", false).is_ok());
        assert!(check_url("http://127.0.0.1:9000/", true).is_ok());
        for url in [
            "http://a.example/",
            "a.example",
            "https://",
            "https://u:p@a.example/",
            "https://a b",
        ] {
            assert!(check_url(url, false).is_err(), "{url}");
        }
    }

    #[test]
    fn keys_of_webhooks_are_long_enough_and_in_base64() {
        let key = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
        assert!(are_webhook_keys(key) && are_webhook_keys(&format!("{key} {key},{key}")));
        for text in [
            "",
            " ",
            "whsec_",
            "whsec_short",
            &key[6..],
            &format!("{key}!"),
        ] {
            assert!(!are_webhook_keys(text), "{text}");
        }
    }

    #[test]
    fn days_are_whole() {
        assert!(check_days("1").is_ok() && check_days("3650").is_ok());
        for text in ["", "0", "3651", "1.5", "-1", "a"] {
            assert!(check_days(text).is_err(), "{text}");
        }
    }
}
