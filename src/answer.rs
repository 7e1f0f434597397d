//! An answer of Gatepass's own, as opposed to one that the upstream gives.

use std::borrow::Cow;

/// Status, headers and body of an HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields in order; a name may stand more than once.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; empty for none.
    pub body: String,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: protective_headers(),
            body: String::new(),
        }
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: String) -> Self {
        Self::with_body(status, "application/json", body)
    }

    pub(crate) fn with_body(status: u16, content_type: &'static str, body: String) -> Self {
        let mut answer = Self::empty(status).header("content-type", content_type);
        answer.body = body;
        answer
    }

    /// The same answer with one more header field.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.push(name, value.into());
        self
    }

    #[inline(never)]
    fn push(&mut self, name: &'static str, value: Cow<'static, str>) {
        self.headers.push((name, value));
    }
}

/// What every answer of Gatepass's own carries (OWASP ASVS 3.4, 14.3.2): none
/// is stored, sniffed, framed or named in a `Referer`.
fn protective_headers() -> Vec<(&'static str, Cow<'static, str>)> {
    let mut headers = Vec::with_capacity(USUAL_HEADERS);
    headers.extend(PROTECTIVE.map(|(name, value)| (name, Cow::Borrowed(value))));
    headers
}

const PROTECTIVE: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// Fields that most answers have room for.
const USUAL_HEADERS: usize = 8;
