//! The `WWW-Authenticate` challenge (RFC 6750 §3, RFC 7617 §2).

use std::borrow::Cow;

/// What the Bearer challenge says beside its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge<'a> {
    /// No credential was sent: no error is named (RFC 6750 §3.1).
    Missing,
    /// The request is malformed.
    InvalidRequest,
    /// The token is malformed, unknown, expired, revoked or otherwise no good.
    InvalidToken,
    /// The token lacks one of these scopes, separated by spaces.
    InsufficientScope(&'a str),
}

impl Challenge<'_> {
    /// The field value that invites a Bearer token.
    pub fn bearer(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Missing => "Bearer realm=\"Gatepass\"",
            Self::InvalidRequest => "Bearer realm=\"Gatepass\", error=\"invalid_request\"",
            Self::InvalidToken => "Bearer realm=\"Gatepass\", error=\"invalid_token\"",
            Self::InsufficientScope(scope) => {
                let before = "Bearer realm=\"Gatepass\", error=\"insufficient_scope\", scope=\"";
                return Cow::Owned([before, scope, "\""].concat());
            }
        })
    }
}

/// The field value that invites a user name and, as the password, a PAT. It
/// opens a dialog in browsers, so only programs get it.
pub const BASIC: &str = "Basic realm=\"Gatepass\", charset=\"UTF-8\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6750_3_1_no_error_is_named_where_nothing_was_sent() {
        assert_eq!(Challenge::Missing.bearer(), "Bearer realm=\"Gatepass\"");
    }

    #[test]
    fn rfc_6750_3_1_a_missing_scope_is_named() {
        assert_eq!(
            Challenge::InsufficientScope("jobs:read odata").bearer(),
            "Bearer realm=\"Gatepass\", error=\"insufficient_scope\", scope=\"jobs:read odata\""
        );
    }

    #[test]
    fn rfc_7617_2_basic_names_realm_and_charset() {
        assert_eq!(BASIC, "Basic realm=\"Gatepass\", charset=\"UTF-8\"");
    }
}
