//! Whole numbers in JSON that is stored: digits and nothing else, so that
//! `1.0`, `1e3` and `"1"` are no numbers here.

use crate::time::Time;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

/// Reads a number.
pub fn whole<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let json = <&RawValue>::deserialize(from)?.get();
    json.parse()
        .map_err(|_| de::Error::custom("not a whole number"))
}

/// Reads a moment.
pub fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
    whole(from).map(Time::from_seconds)
}

/// Reads a moment that need not be there.
pub fn some_time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Time>, D::Error> {
    time(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_whole_number() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Sample {
            #[serde(deserialize_with = "whole")]
            n: u64,
        }
        let read = |json: &str| serde_json::from_str::<Sample>(&format!("{{\"n\":{json}}}")).ok();
        assert_eq!(read("18446744073709551615"), Some(Sample { n: u64::MAX }));
        for json in [
            "-1",
            "1.0",
            "1e3",
            "\"1\"",
            "null",
            "18446744073709551616",
            "+1",
            "true",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
