//! Moments, in whole Unix seconds. The core has no clock: shells pass the time.

use crate::wire::{Reader, Wire};
use chrono::{DateTime, SecondsFormat};

/// A moment in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

/// Seconds in a day.
pub const DAY: u64 = 86_400;

impl Time {
    /// A moment from Unix seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// A moment from Unix milliseconds, rounded down.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis / 1000)
    }

    /// Reads an RFC 3339 date and time, up to the end of the year 9999.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        let time = Self(u64::try_from(parsed.timestamp()).ok()?);
        (time <= END_OF_9999).then_some(time)
    }

    /// Unix seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Later by so many seconds.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from then until now; none if `then` lies ahead.
    pub const fn since(self, then: Self) -> u64 {
        self.0.saturating_sub(then.0)
    }

    /// RFC 3339 in UTC, to the second: `2026-11-21T09:30:00Z`.
    pub fn to_rfc3339(self) -> String {
        i64::try_from(self.0)
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
            .unwrap_or_default()
    }
}

const END_OF_9999: Time = Time(253_402_300_799);

impl Wire for Time {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        Self(u64::take(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_in_any_zone_and_written_in_utc() {
        let time = Time::parse_rfc3339("2026-11-21T17:30:00+08:00").unwrap();
        assert_eq!(time.to_rfc3339(), "2026-11-21T09:30:00Z");
    }

    #[test]
    fn dates_before_1970_after_9999_or_without_a_zone_are_refused() {
        for text in [
            "1969-12-31T23:59:59Z",
            "+12026-01-01T00:00:00Z",
            "2026-11-21T09:30:00",
            "2026-11-21",
            "",
            "0",
        ] {
            assert_eq!(Time::parse_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_round_trips(seconds in 0..=END_OF_9999.0) {
            let time = Time::from_seconds(seconds);
            prop_assert_eq!(Time::parse_rfc3339(&time.to_rfc3339()), Some(time));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Time::parse_rfc3339(&text);
        }
    }
}
