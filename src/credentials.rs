//! Which credential a request presents (RFC 6750 §2, RFC 7617).
//!
//! 1. `Authorization: Bearer <token>`
//! 2. `Authorization: Basic <user:token>`, with any user name or none
//! 3. `X-API-Key: <token>`
//! 4. `PRIVATE-TOKEN: <token>`
//! 5. a query parameter, where a route names one
//!
//! A request presents one or none; more is an error, since the upstream might
//! choose another than the gate did. `Authorization` of any other scheme is not
//! ours and is left alone.

use crate::bytes::cut;
use crate::digest::Digest;
use crate::facts::Facts;
use crate::token;
use base64ct::{Base64Unpadded, Encoding};
use core::ops::RangeInclusive;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// A credential header may be this long; longer ones are refused unread.
pub const MAX_LENGTH: usize = 4096;

/// The bytes that an operator key has. A token has more than the fewest, too.
pub const OPERATOR_KEY_LENGTH: RangeInclusive<usize> = 32..=MAX_LENGTH / 2;

/// How a credential came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`: browsers repeat it by themselves.
    Basic,
    /// A header that holds nothing but the token.
    Header,
    /// The query parameter that the route names.
    Query,
}

/// What was presented as a token; nothing is known of it yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential<'a> {
    /// How it came.
    pub source: Source,
    /// The text. A secret, if it is what it seems to be.
    pub text: Cow<'a, str>,
}

/// Why the credentials of a request cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialError {
    /// More than one was presented, or one twice.
    Ambiguous,
    /// It does not have the form that its scheme prescribes.
    Malformed,
    /// It is longer than [`MAX_LENGTH`].
    TooLong,
}

impl core::fmt::Display for CredentialError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Ambiguous => "more than one credential was sent; send one",
            Self::Malformed => "the credential does not have the form that its scheme prescribes",
            Self::TooLong => "the credential is longer than 4096 bytes",
        })
    }
}

impl std::error::Error for CredentialError {}

/// Finds the one credential of a request. An empty one counts as none.
pub fn find<'a>(
    facts: &Facts<'a>,
    query_parameter: Option<&str>,
) -> Result<Option<Credential<'a>>, CredentialError> {
    let authorization = facts
        .header("authorization")
        .map_or(Ok(None), from_authorization)?;
    let api_key = facts.header("x-api-key").map_or(Ok(None), from_header)?;
    let private_token = facts
        .header("private-token")
        .map_or(Ok(None), from_header)?;
    let query = query_parameter.map_or(Ok(None), |parameter| from_query(facts, parameter))?;
    let mut found = [authorization, api_key, private_token, query]
        .into_iter()
        .flatten();
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(CredentialError::Ambiguous),
        (found, None) => Ok(found),
    }
}

/// Whether `Authorization` holds the operator key: `Basic` and the key itself,
/// or `Basic` and the base64 of `user:key`, in which the key may be percent-encoded,
/// as OAuth clients do (RFC 6749 §2.3.1). Compared by digest, in constant time.
pub fn is_operator(authorization: &str, operator_key: &Digest) -> bool {
    let Some(parameter) = basic_parameter(authorization) else {
        return false;
    };
    let password = basic_password(authorization).unwrap_or_default();
    [parameter, &password, &percent_decoded(&password)]
        .into_iter()
        .any(|text| Digest::of(text).matches(operator_key))
}

/// Whether a value of `Authorization` is surely no secret of ours, so that it
/// may go on to the upstream: of another scheme, or a well-formed credential;
/// and in either case holding neither a token nor one of the keys, plain or in
/// base64. What cannot be read may be ours.
pub fn is_foreign(authorization: &str, keys: &[Digest]) -> bool {
    if from_authorization(authorization).is_err() {
        return false;
    }
    // Nothing of ours is shorter.
    if authorization.len() < *OPERATOR_KEY_LENGTH.start() {
        return true;
    }
    let (scheme, parameter) = split_scheme(authorization);
    let decoded = decoded(parameter).unwrap_or_default();
    let password = decoded.split_once(':').map_or("", |(_, password)| password);
    let spelled = percent_decoded(password);
    [scheme, parameter, &decoded, password, &spelled]
        .into_iter()
        .all(|text| is_foreign_key(text, keys))
}

/// Whether the value of a header that holds nothing but a key is surely no
/// secret of ours.
pub fn is_foreign_key(value: &str, keys: &[Digest]) -> bool {
    !token::appears_in(value) && !is_key(value, keys)
}

/// Whether a text is one of the keys. One of a length that no key has is not hashed, which
/// tells nothing of the keys.
fn is_key(text: &str, keys: &[Digest]) -> bool {
    let is = |digest: Digest| keys.iter().any(|key| digest.matches(key));
    OPERATOR_KEY_LENGTH.contains(&text.len()) && is(Digest::of(text))
}

/// The password of Basic credentials (RFC 7617): all after the first colon.
fn basic_password(authorization: &str) -> Option<String> {
    let pair = decoded(basic_parameter(authorization)?)?;
    let (_user, password) = pair.split_once(':')?;
    (!pair.contains(char::is_control)).then(|| password.to_owned())
}

fn decoded(base64: &str) -> Option<String> {
    let encoded = base64.trim_end_matches('=');
    String::from_utf8(Base64Unpadded::decode_vec(encoded).ok()?).ok()
}

fn percent_decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn basic_parameter(authorization: &str) -> Option<&str> {
    let (scheme, parameter) = split_scheme(authorization);
    scheme.eq_ignore_ascii_case("basic").then_some(parameter)
}

fn from_authorization(value: &str) -> Result<Option<Credential<'_>>, CredentialError> {
    let (scheme, parameter) = split_scheme(value);
    if scheme.eq_ignore_ascii_case("bearer") {
        limit(value)?;
        if parameter.is_empty() {
            return Ok(None);
        }
        if !is_b64token(parameter) {
            return Err(several(parameter));
        }
        return Ok(Some(Credential {
            source: Source::Bearer,
            text: Cow::Borrowed(parameter),
        }));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        limit(value)?;
        if parameter.is_empty() {
            return Ok(None);
        }
        let password = basic_password(value).ok_or_else(|| several(parameter))?;
        return Ok((!password.is_empty()).then_some(Credential {
            source: Source::Basic,
            text: Cow::Owned(password),
        }));
    }
    // "Bearer<tab>x": near enough to be a mistake worth naming.
    let near = scheme
        .split_once(|c: char| !c.is_ascii_alphanumeric())
        .is_some_and(|(name, _)| {
            ["bearer", "basic"]
                .iter()
                .any(|ours| name.eq_ignore_ascii_case(ours))
        });
    if near { Err(several(value)) } else { Ok(None) }
}

fn from_header(value: &str) -> Result<Option<Credential<'_>>, CredentialError> {
    limit(value)?;
    if value.is_empty() {
        return Ok(None);
    }
    if value.contains([',', ' ']) {
        return Err(several(value));
    }
    Ok(Some(Credential {
        source: Source::Header,
        text: Cow::Borrowed(value),
    }))
}

fn from_query<'a>(
    facts: &Facts<'_>,
    parameter: &str,
) -> Result<Option<Credential<'a>>, CredentialError> {
    let mut values = facts.query_values(parameter).into_iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(CredentialError::Ambiguous),
        (Some(text), None) if !text.is_empty() => {
            limit(&text)?;
            Ok(Some(Credential {
                source: Source::Query,
                text: Cow::Owned(text),
            }))
        }
        _ => Ok(None),
    }
}

/// Two header fields of one name arrive as one, joined by a comma.
fn several(value: &str) -> CredentialError {
    if value.contains(',') {
        CredentialError::Ambiguous
    } else {
        CredentialError::Malformed
    }
}

fn limit(value: &str) -> Result<(), CredentialError> {
    if value.len() > MAX_LENGTH {
        Err(CredentialError::TooLong)
    } else {
        Ok(())
    }
}

/// The scheme and what follows its one or more spaces.
fn split_scheme(value: &str) -> (&str, &str) {
    let (scheme, rest) = cut(value, b' ').unwrap_or((value, ""));
    (scheme, rest.trim_matches(' '))
}

/// `b64token` of RFC 6750 §2.1.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    !body.is_empty() && body.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn present(headers: &str) -> Result<Option<(Source, String)>, CredentialError> {
        present_at("https://a.example/", headers)
    }

    fn present_at(url: &str, headers: &str) -> Result<Option<(Source, String)>, CredentialError> {
        let packed = format!("GET\n{url}\n{headers}");
        let facts = Facts::parse(&packed).unwrap();
        let found = find(&facts, Some("access_token"))?;
        Ok(found.map(|credential| (credential.source, credential.text.into_owned())))
    }

    fn basic(pair: &str) -> String {
        format!(
            "authorization:Basic {}",
            Base64Unpadded::encode_string(pair.as_bytes())
        )
    }

    #[test]
    fn rfc_6750_2_1_bearer_in_any_case_with_one_or_more_spaces() {
        for header in ["Bearer abc", "bearer abc", "BEARER   abc", "bEaReR abc "] {
            let found = present(&format!("authorization:{header}"));
            assert_eq!(
                found,
                Ok(Some((Source::Bearer, "abc".to_owned()))),
                "{header}"
            );
        }
    }

    #[test]
    fn rfc_6750_3_1_an_empty_bearer_is_no_credential() {
        for header in ["Bearer", "Bearer ", "Basic", "Token abc", "Negotiate x", ""] {
            assert_eq!(
                present(&format!("authorization:{header}")),
                Ok(None),
                "{header}"
            );
        }
    }

    #[test]
    fn what_is_no_b64token_is_malformed() {
        for header in [
            "Bearer\tabc",
            "Bearer a\u{fffd}b",
            "Bearer a b",
            "Bearer =",
            "Basic !",
            "Basic YWI=",
        ] {
            let found = present(&format!("authorization:{header}"));
            assert_eq!(found, Err(CredentialError::Malformed), "{header}");
        }
    }

    #[test]
    fn rfc_6750_2_two_methods_or_one_twice_are_ambiguous() {
        for headers in [
            "authorization:Bearer a, Bearer b",
            "authorization:Basic YTpi, Basic YTpi",
            "authorization:Bearer a\nx-api-key:b",
            "authorization:Bearer a\nprivate-token:a",
            "x-api-key:a, b",
        ] {
            assert_eq!(
                present(headers),
                Err(CredentialError::Ambiguous),
                "{headers}"
            );
        }
        let url = "https://a.example/?access_token=a&access_token=a";
        assert_eq!(present_at(url, ""), Err(CredentialError::Ambiguous));
        let url = "https://a.example/?access_token=a";
        assert_eq!(
            present_at(url, "x-api-key:a"),
            Err(CredentialError::Ambiguous)
        );
    }

    #[test]
    fn another_systems_authorization_may_stand_beside_an_api_key() {
        let found = present("authorization:Token upstream\nx-api-key:abc");
        assert_eq!(found, Ok(Some((Source::Header, "abc".to_owned()))));
    }

    #[test]
    fn rfc_7617_the_password_is_all_after_the_first_colon() {
        for (pair, password) in [
            ("user:pat", "pat"),
            (":pat", "pat"),
            ("u:a:b", "a:b"),
            ("ü:pat", "pat"),
        ] {
            let found = present(&basic(pair));
            assert_eq!(
                found,
                Ok(Some((Source::Basic, password.to_owned()))),
                "{pair}"
            );
        }
        assert_eq!(present(&basic("user:")), Ok(None));
        assert_eq!(
            present(&basic("user:a\u{7}b")),
            Err(CredentialError::Malformed)
        );
        assert_eq!(present(&basic("no colon")), Err(CredentialError::Malformed));
    }

    #[test]
    fn an_empty_parameter_of_the_query_is_no_credential() {
        let found = present_at("https://a.example/?access_token=", "");
        assert_eq!(found, Ok(None));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_credential() {
        let errors = [
            CredentialError::Ambiguous,
            CredentialError::Malformed,
            CredentialError::TooLong,
        ];
        assert_eq!(
            errors.map(|error| error.to_string()),
            [
                "more than one credential was sent; send one",
                "the credential does not have the form that its scheme prescribes",
                "the credential is longer than 4096 bytes",
            ]
        );
    }

    #[test]
    fn a_credential_over_4_kib_is_refused_unread() {
        let long = "a".repeat(MAX_LENGTH);
        assert_eq!(
            present(&format!("x-api-key:{long}")),
            Ok(Some((Source::Header, long.clone())))
        );
        assert_eq!(
            present(&format!("authorization:Bearer {long}")),
            Err(CredentialError::TooLong)
        );
        assert_eq!(
            present(&format!("x-api-key:{long}b")),
            Err(CredentialError::TooLong)
        );
    }

    #[test]
    fn the_operator_key_comes_raw_or_as_a_password() {
        let key = "k".repeat(32);
        let digest = Digest::of(&key);
        let encoded = Base64Unpadded::encode_string(format!("operator:{key}").as_bytes());
        assert!(is_operator(&format!("Basic {key}"), &digest));
        assert!(is_operator(&format!("basic {encoded}"), &digest));
        let spelled = format!("operator:{}", key.replacen('k', "%6B", 1));
        let spelled = Base64Unpadded::encode_string(spelled.as_bytes());
        assert!(is_operator(&format!("Basic {spelled}"), &digest));
        assert!(!is_foreign(&format!("Basic {spelled}"), &[digest]));
        assert!(!is_operator(&format!("Bearer {key}"), &digest));
        assert!(!is_operator("Basic", &digest));
        assert!(!is_operator(&format!("Basic {key}k"), &digest));
        assert!(!is_operator("Basic Og==", &digest));
    }

    #[test]
    fn an_operator_key_has_32_to_2048_bytes() {
        assert_eq!(OPERATOR_KEY_LENGTH, 32..=2048);
    }

    #[test]
    fn an_authorization_of_another_system_is_foreign() {
        let digest = Digest::of(&"k".repeat(32));
        for value in [
            "",
            "Bearer abc",
            "Basic dXNlcjpwYXNz",
            "Token another-system's-key-of-some-length",
            "Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+gJDAi",
        ] {
            assert!(is_foreign(value, &[digest]), "{value}");
        }
        for value in ["Bearer a b", "Basic !", "Bearer\tabc"] {
            assert!(
                !is_foreign(value, &[digest]),
                "what cannot be read: {value}"
            );
        }
    }

    #[test]
    fn an_authorization_with_a_secret_of_ours_is_not_foreign_however_it_is_written() {
        let encode = |text: &str| Base64Unpadded::encode_string(text.as_bytes());
        let token = format!("pat_{}", "0".repeat(36));
        // A key may hold what looks like a character that is percent-encoded.
        for key in ["k".repeat(32), format!("%41{}", "k".repeat(29))] {
            let digest = Digest::of(&key);
            for secret in [&key, &token] {
                let pair = encode(&format!("user:{secret}"));
                let spelled = secret.replace('%', "%25").replace('_', "%5F");
                for value in [
                    secret.to_owned(),
                    format!("Token {secret}"),
                    format!("Token {}", encode(secret)),
                    format!("Token {pair}"),
                    format!("Basic {pair}"),
                    format!("Basic {}", encode(&format!("user:{spelled}"))),
                ] {
                    assert!(!is_foreign(&value, &[digest]), "{value}");
                }
                assert!(!is_foreign_key(secret, &[digest]));
            }
        }
        assert!(is_foreign_key(
            "another-system's-key-of-some-length",
            &[Digest::of(&token)]
        ));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(value in "[^\n]*") {
            let _ = present(&format!("authorization:{value}"));
            let _ = present(&format!("x-api-key:{value}"));
            let _ = basic_password(&value);
        }

        #[test]
        fn every_password_that_can_be_sent_is_read_back(user in "[a-z]*", password in "[!-~]+") {
            let found = present(&basic(&format!("{user}:{password}")));
            prop_assert_eq!(found, Ok(Some((Source::Basic, password))));
        }
    }
}
