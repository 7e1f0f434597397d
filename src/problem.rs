//! Refusals, as RFC 9457 problem details with a stable code.

use crate::answer::Answer;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Why a request was refused. Codes are part of the interface: clients may
/// rely on them, people read the detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The token may not be used from this address.
    AddressNotAllowed,
    /// Token authentication is switched off in the workspace.
    AuthenticationDisabled,
    /// The token is not for this app, or there is no such app.
    AppMismatch,
    /// The deployment's configuration is wrong.
    ConfigInvalid,
    /// The browser kept no cookie for the embed.
    CookiesBlocked,
    /// Creating tokens is switched off in the workspace.
    CreationDisabled,
    /// A page of another site made the request.
    CrossSite,
    /// A field of the body or the query is wrong; `field` names it.
    InvalidField,
    /// The request as a whole cannot be understood.
    InvalidRequest,
    /// An embed token was presented where a PAT is needed, or the reverse.
    KindMismatch,
    /// The token would live longer than allowed.
    LifetimeExceeded,
    /// Too many requests.
    RateLimited,
    /// The token lacks a scope.
    ScopeInsufficient,
    /// There is no live session: it ended, or was killed.
    SessionEnded,
    /// KV, the ledger or the directory could not answer.
    StoreUnavailable,
    /// The token is disabled.
    TokenDisabled,
    /// The token has expired.
    TokenExpired,
    /// The text is not a token.
    TokenMalformed,
    /// No credential was sent.
    TokenMissing,
    /// The token is revoked.
    TokenRevoked,
    /// There is no such token.
    TokenUnknown,
    /// The token was single-use and is used, or was replaced.
    TokenUsed,
    /// The upstream did not answer.
    UpstreamUnavailable,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: Code,
    /// What is wrong and what to do, for a person. Never echoes a credential.
    pub detail: Cow<'static, str>,
    /// The field that is wrong, for [`Code::InvalidField`].
    pub field: Option<Cow<'static, str>>,
}

impl Problem {
    /// A refusal with a status, a code and a sentence.
    pub fn new(status: u16, code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            field: None,
        }
    }

    /// A field is wrong: 400.
    pub fn field(
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(400, Code::InvalidField, detail)
        }
    }

    /// The request cannot be understood: 400.
    pub fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, Code::InvalidRequest, detail)
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

    /// The code as clients see it.
    pub fn code_text(&self) -> String {
        let json = serde_json::to_string(&self.code).unwrap_or_default();
        json.trim_matches('"').to_owned()
    }

    /// The answer, as `application/problem+json`. A 503 and a 429 say when to
    /// come back.
    pub fn answer(&self) -> Answer {
        #[derive(Serialize)]
        struct Details<'a> {
            title: &'static str,
            status: u16,
            code: Code,
            detail: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
        }
        let details = Details {
            title: title(self.status),
            status: self.status,
            code: self.code,
            detail: &self.detail,
            field: self.field.as_deref(),
        };
        let body = Answer::with_body(self.status, "application/problem+json", &details);
        self.status_headers(body)
    }

    /// An answer with the headers that go with the status.
    pub(crate) fn status_headers(&self, answer: Answer) -> Answer {
        match self.status {
            503 => answer.header("retry-after", "5"),
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_store_that_is_away_says_when_to_come_back() {
        let answer = Problem::store_unavailable().answer();
        assert_eq!(answer.status, 503);
        assert!(answer.headers.contains(&("retry-after", "5".into())));
    }
}
