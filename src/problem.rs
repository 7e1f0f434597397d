//! Refusals, as RFC 9457 problem details with a stable code.

use crate::answer::Answer;
use crate::json::Object;
use crate::wire::{Reader, Wire, wire_struct, wire_text};
use core::ops::Deref;
use std::borrow::Cow;

/// Makes the codes, each with its name in answers.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal,)*) => {
        /// Why a request was refused. Codes are part of the interface: clients may
        /// rely on them, people read the detail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// The name in answers.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// Reads a name.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$code),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// The token may not be used from this address.
    AddressNotAllowed = "address_not_allowed",
    /// Token authentication is switched off in the workspace.
    AuthenticationDisabled = "authentication_disabled",
    /// The token is not for this app, or there is no such app.
    AppMismatch = "app_mismatch",
    /// The deployment's configuration is wrong.
    ConfigInvalid = "config_invalid",
    /// The browser kept no cookie for the embed.
    CookiesBlocked = "cookies_blocked",
    /// Creating tokens is switched off in the workspace.
    CreationDisabled = "creation_disabled",
    /// A page of another site made the request.
    CrossSite = "cross_site",
    /// A field of the body or the query is wrong; `field` names it.
    InvalidField = "invalid_field",
    /// The request as a whole cannot be understood.
    InvalidRequest = "invalid_request",
    /// An embed token was presented where a PAT is needed, or the reverse.
    KindMismatch = "kind_mismatch",
    /// The token would live longer than allowed.
    LifetimeExceeded = "lifetime_exceeded",
    /// The page around the embed is not one of those that may frame it.
    OriginNotAllowed = "origin_not_allowed",
    /// Too many requests.
    RateLimited = "rate_limited",
    /// The token lacks a scope.
    ScopeInsufficient = "scope_insufficient",
    /// There is no live session: it ended, or was killed.
    SessionEnded = "session_ended",
    /// KV, the ledger or the directory could not answer.
    StoreUnavailable = "store_unavailable",
    /// The token is disabled.
    TokenDisabled = "token_disabled",
    /// The token has expired.
    TokenExpired = "token_expired",
    /// The text is not a token.
    TokenMalformed = "token_malformed",
    /// No credential was sent.
    TokenMissing = "token_missing",
    /// The token is revoked.
    TokenRevoked = "token_revoked",
    /// There is no such token.
    TokenUnknown = "token_unknown",
    /// The token was single-use and is used, or was replaced.
    TokenUsed = "token_used",
    /// The upstream did not answer.
    UpstreamUnavailable = "upstream_unavailable",
}

/// A refusal. It is passed on in many places, and so is kept small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Details>);

/// What a refusal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: Code,
    /// What is wrong and what to do, for a person. Never echoes a credential.
    pub detail: Cow<'static, str>,
    /// The field that is wrong, for [`Code::InvalidField`].
    pub field: Option<Cow<'static, str>>,
    /// How many a minute there may be, of what there were too many; 0: not told.
    pub quota: u32,
}

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl Problem {
    /// A refusal with a status, a code and a sentence.
    #[inline(never)]
    pub fn new(status: u16, code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Details {
            status,
            code,
            detail: detail.into(),
            field: None,
            quota: 0,
        }))
    }

    /// The same about a field.
    #[must_use]
    #[inline(never)]
    pub fn about(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = status;
        self
    }

    /// A field is wrong: 400.
    #[inline(never)]
    pub fn field(
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(400, Code::InvalidField, detail).about(field)
    }

    /// The request cannot be understood: 400.
    pub fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, Code::InvalidRequest, detail)
    }

    /// There were too many within a minute: 429.
    pub fn too_many(quota: u32, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut problem = Self::new(429, Code::RateLimited, detail);
        problem.0.quota = quota;
        problem
    }

    /// There is nothing under this path of Gatepass's own: 404.
    pub fn not_found() -> Self {
        Self::new(404, Code::InvalidRequest, "there is nothing at this path")
    }

    /// There is no such token, or not for whoever asks: 404.
    pub fn unknown_token() -> Self {
        Self::new(404, Code::TokenUnknown, "there is no such token")
    }

    /// There is no such app: 404.
    pub fn no_app() -> Self {
        Self::new(404, Code::AppMismatch, "there is no such app")
    }

    /// A store could not answer: 503.
    pub fn store_unavailable() -> Self {
        Self::new(
            503,
            Code::StoreUnavailable,
            "the token store could not be read; try again shortly",
        )
    }

    /// The answer, as `application/problem+json`. A 503 and a 429 say when to
    /// come back, the latter as the draft on `RateLimit` header fields has it, too.
    pub fn answer(&self) -> Answer {
        let mut body = Object::default();
        body.text("title", title(self.status));
        body.number("status", u64::from(self.status));
        body.text("code", self.code.name());
        body.text("detail", &self.detail);
        if let Some(field) = &self.field {
            body.text("field", field);
        }
        let body = Answer::with_body(self.status, "application/problem+json", body.finish());
        self.status_headers(body)
    }

    /// An answer with the headers that go with the status.
    pub(crate) fn status_headers(&self, answer: Answer) -> Answer {
        match self.status {
            503 => answer.header("retry-after", "5"),
            429 if self.quota > 0 => answer
                .header("retry-after", "60")
                .header("ratelimit", "\"creation\";r=0;t=60")
                .header(
                    "ratelimit-policy",
                    format!("\"creation\";q={};w=60", self.quota),
                ),
            429 => answer.header("retry-after", "60"),
            _ => answer,
        }
    }
}

impl core::fmt::Display for Problem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

/// The status's own phrase (RFC 9110 §15).
const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

impl Wire for Problem {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        Self(Wire::take(from))
    }
}

wire_struct!(Details {
    status,
    code,
    detail,
    field,
    quota
});
wire_text!(Code, code => code.name(), Code::parse, Self::StoreUnavailable);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn a_problem_has_the_status_of_its_answer_and_a_stable_code() {
        let answer = Problem::field("name", "must not be empty").answer();
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.body,
            "{\"title\":\"Bad Request\",\"status\":400,\"code\":\"invalid_field\",\
             \"detail\":\"must not be empty\",\"field\":\"name\"}"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_said_stands_in_the_json(
            detail in "(\\PC|[\"\\\\\n\u{0}\u{7f}]){0,8}", field in option::of("(\\PC|[\"\\\\\n]){0,4}"),
        ) {
            let mut problem = Problem::invalid_request(detail.clone());
            problem.0.field = field.clone().map(Cow::Owned);
            let mut json = serde_json::json!({
                "title": "Bad Request", "status": 400, "code": "invalid_request", "detail": detail,
            });
            if let Some(field) = field {
                json["field"] = field.into();
            }
            let body: Value = serde_json::from_str(&problem.answer().body).unwrap();
            prop_assert_eq!(body, json);
        }
    }

    #[test]
    fn a_store_that_is_away_says_when_to_come_back() {
        let answer = Problem::store_unavailable().answer();
        assert_eq!(answer.status, 503);
        assert!(answer.headers.contains(&("retry-after", "5".into())));
    }
}
