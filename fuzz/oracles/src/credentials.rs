//! Credentials: what is found is what RFC 6750 and RFC 7617 let be found.
//!
//! The input's lines are the query and the values of `Authorization`, `X-API-Key` and
//! `PRIVATE-TOKEN`.

use crate::{lines, token::looks_like};
use data_encoding::{BASE64, BASE64_NOPAD};
use gatepass::credentials::{self, Source};
use gatepass::digest::Digest;
use gatepass::facts::Facts;

/// A credential, none, or what must be refused.
type Read = Result<Option<(Source, String)>, ()>;

pub fn check(data: &[u8]) {
    let text = crate::text(data);
    let [query, authorization, api_key, private_token] = lines(&text);
    let packed = format!(
        "GET\nhttps://gate.example/?{query}\nauthorization:{authorization}\n\
         x-api-key:{api_key}\nprivate-token:{private_token}"
    );
    let facts = Facts::parse(&packed).unwrap();
    let found = credentials::find(&facts, Some(PARAMETER));
    let found = found.map(|found| found.map(|found| (found.source, found.text.into_owned())));
    let query = query.split('#').next().unwrap();
    let read = one_of([
        read_authorization(authorization),
        read_key(api_key),
        read_key(private_token),
        read_query(query),
    ]);
    assert_eq!(found.map_err(drop), read, "{packed:?}");
    keeps_the_key(authorization);
}

/// No spelling of a secret is taken for somebody else's.
fn keeps_the_key(user: &str) {
    let digest = Digest::of(KEY);
    let pair = BASE64.encode(format!("{user}:{KEY}").as_bytes());
    let basic = format!("Basic {pair}");
    let is_name = !user.contains(':');
    assert!(
        !is_name || !credentials::is_foreign(&basic, &[digest]),
        "{user:?}"
    );
    let is_readable = is_name && !user.contains(char::is_control);
    assert_eq!(
        credentials::is_operator(&basic, &digest),
        is_readable,
        "{user:?}"
    );
    if credentials::is_foreign(user, &[digest]) {
        assert!(!looks_like(user), "{user:?}");
        assert!(read_authorization(user).is_ok(), "{user:?}");
        let password = user.split(' ').find_map(password);
        assert!(
            !password.is_some_and(|password| looks_like(&password)),
            "{user:?}"
        );
    }
}

fn one_of(read: [Read; 4]) -> Read {
    let found: Result<Vec<_>, _> = read.into_iter().collect();
    let mut found = found?.into_iter().flatten();
    match (found.next(), found.next()) {
        (found, None) => Ok(found),
        _ => Err(()),
    }
}

fn read_authorization(value: &str) -> Read {
    let letters = value.find(|char: char| !char.is_ascii_alphanumeric());
    let (scheme, rest) = value.split_at(letters.unwrap_or(value.len()));
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    if !is_basic && !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    // One or more spaces, or nothing at all.
    if !rest.is_empty() && !rest.starts_with(' ') || value.len() > MOST {
        return Err(());
    }
    let parameter = rest.trim_matches(' ');
    if parameter.is_empty() {
        return Ok(None);
    }
    if is_basic {
        let password = password(parameter).ok_or(())?;
        return Ok((!password.is_empty()).then_some((Source::Basic, password)));
    }
    let body = parameter.trim_end_matches('=');
    let is_b64token = !body.is_empty()
        && body
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "-._~+/".contains(char));
    is_b64token
        .then(|| Some((Source::Bearer, parameter.to_owned())))
        .ok_or(())
}

/// The password of Basic credentials; the padding may be wrong.
fn password(base64: &str) -> Option<String> {
    let bytes = BASE64_NOPAD
        .decode(base64.trim_end_matches('=').as_bytes())
        .ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    let is_control = |char| matches!(char, '\0'..='\x1f' | '\x7f'..='\u{9f}');
    let colon = pair.find(':')?;
    (!pair.contains(is_control)).then(|| pair[colon + 1..].to_owned())
}

fn read_key(value: &str) -> Read {
    if value.len() > MOST || value.bytes().any(|byte| byte == b' ' || byte == b',') {
        return Err(());
    }
    Ok((!value.is_empty()).then(|| (Source::Header, value.to_owned())))
}

fn read_query(query: &str) -> Read {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let values: Vec<_> = pairs
        .filter(|(name, _)| name == PARAMETER)
        .map(|(_, value)| value)
        .collect();
    match values.as_slice() {
        [] => Ok(None),
        [value] if value.len() > MOST => Err(()),
        [value] => Ok((!value.is_empty()).then(|| (Source::Query, value.to_string()))),
        _ => Err(()),
    }
}

const PARAMETER: &str = "access_token";
const KEY: &str = "operator-key-operator-key-operator-key";
const MOST: usize = 4096;
