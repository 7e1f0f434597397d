//! A record with what the gate vouches for, ready for the upstream.
//!
//! It depends on the record alone, so it is written once, when the record is learned,
//! and not at each request.

use crate::record::Record;
use crate::verdict::HeaderLines;
use core::ops::Deref;
use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, utf8_percent_encode};

/// A record, and the headers that say whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    record: Record,
    headers: HeaderLines,
}

impl Vouched {
    /// The headers by which the upstream learns who asks.
    pub const fn headers(&self) -> &HeaderLines {
        &self.headers
    }
}

impl From<Record> for Vouched {
    fn from(record: Record) -> Self {
        let mut headers = HeaderLines::default();
        headers.push_encoded("gatepass-user", visible(&record.uid));
        headers.push_encoded("gatepass-workspace", visible(&record.workspace));
        headers.push("gatepass-token-id", record.id.as_str());
        headers.push("gatepass-scopes", &record.scopes.joined());
        if !record.email.is_empty() {
            headers.push_encoded("gatepass-email", visible(&record.email));
        }
        Self { record, headers }
    }
}

impl Deref for Vouched {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

/// Percent-encodes all but visible ASCII, and the percent sign itself.
fn visible(text: &str) -> PercentEncode<'_> {
    const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');
    utf8_percent_encode(text, ENCODED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_visible_ascii_are_percent_encoded() {
        let visible = |text| visible(text).to_string();
        assert_eq!(visible("ada@example.com"), "ada@example.com");
        assert_eq!(visible("Ada L\u{f6}v%\r\n"), "Ada%20L%C3%B6v%25%0D%0A");
    }
}
