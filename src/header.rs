//! Which headers of a request matter to the gate, by their names.
//!
//! Shells ask once for each name that they meet, and then leave at home what is
//! merely passed on: most of what clients send neither decides anything nor has
//! to be removed.

/// What of a header the gate needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relevance {
    /// Nothing: it goes to the upstream as it came.
    Passed,
    /// That it is there.
    Named,
    /// Its value too.
    Read,
}

impl Relevance {
    /// How much a header of this name matters; the name in lower case.
    pub fn of(name: &str) -> Self {
        if READ.contains(&name) || name.starts_with(FETCH_METADATA) {
            Self::Read
        } else if NAMED.contains(&name) || is_stripped(name) {
            Self::Named
        } else {
            Self::Passed
        }
    }
}

/// How the names of fetch metadata begin: browsers send them, and pages cannot.
pub const FETCH_METADATA: &str = "sec-fetch-";

/// Whether no header of this name reaches the upstream, whatever its value: it
/// folds to the name of a hop-by-hop field, of one by which a client could tell
/// the upstream another method, path or address than the gate saw, or of one by
/// which the gate vouches for somebody. What the gate itself reads passes in its
/// true spelling only.
pub fn is_stripped(name: &str) -> bool {
    let bytes = name.as_bytes();
    let begins = |prefix: &&str| {
        let head = bytes.get(..prefix.len());
        head.is_some_and(|head| folds(head, prefix))
    };
    let is = |plain: &&str| plain.len() == bytes.len() && folds(bytes, plain);
    STRIPPED_PREFIXES.iter().any(begins)
        || STRIPPED.iter().any(is)
        || ONE_SPELLING.iter().any(|plain| is(plain) && name != *plain)
}

/// Whether bytes are a plain name, when case and all but letters and digits are
/// one: many servers fold names so.
fn folds(bytes: &[u8], plain: &str) -> bool {
    bytes.iter().zip(plain.bytes()).all(|(byte, plain)| {
        let folded = byte.to_ascii_lowercase();
        folded == plain || (plain == b'-' && !folded.is_ascii_alphanumeric())
    })
}

/// The headers whose values decide something, beside fetch metadata.
const READ: [&str; 13] = [
    "accept-encoding",
    "access-control-request-method",
    "authorization",
    "cf-connecting-ip",
    "content-type",
    "cookie",
    "idempotency-key",
    "origin",
    "private-token",
    "purpose",
    "referer",
    "sec-purpose",
    "x-api-key",
];

/// Those whose presence does.
const NAMED: [&str; 2] = ["service-worker", "upgrade"];

/// Hop-by-hop fields (RFC 9110 §7.6.1; `Upgrade` stays, for WebSockets) and
/// those that speak of another method, path or address.
const STRIPPED: [&str; 19] = [
    "connection",
    "forwarded",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "x-client-ip",
    "x-forwarded",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

const STRIPPED_PREFIXES: [&str; 2] = ["gatepass-", "x-forwarded-"];

const ONE_SPELLING: [&str; 4] = [
    "authorization",
    "cf-connecting-ip",
    "private-token",
    "x-api-key",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stripped_in_every_spelling_that_a_server_may_fold() {
        for name in [
            "gatepass-user",
            "gatepass_user",
            "Gatepass.User",
            "GATEPASS~anything",
            "gatepass-",
            "x-forwarded-for",
            "x_forwarded_host",
            "connection",
            "te",
            "x_http_method_override",
            "X-Real_IP",
            "x_api_key",
            "X-API-Key",
            "private_token",
            "cf_connecting_ip",
        ] {
            assert!(is_stripped(name), "{name}");
        }
        for name in [
            "accept",
            "authorization",
            "x-api-key",
            "private-token",
            "cf-connecting-ip",
            "gatepas-user",
            "gatepass",
            "xgatepass-user",
            "x-forward",
            "x-real-ip2",
            "tea",
        ] {
            assert!(!is_stripped(name), "{name}");
        }
    }

    #[test]
    fn what_is_neither_read_nor_stripped_is_passed() {
        for (name, relevance) in [
            ("accept", Relevance::Passed),
            ("user-agent", Relevance::Passed),
            ("cookie", Relevance::Read),
            ("sec-fetch-user", Relevance::Read),
            ("upgrade", Relevance::Named),
            ("gatepass_user", Relevance::Named),
            ("x_api_key", Relevance::Named),
        ] {
            assert_eq!(Relevance::of(name), relevance, "{name}");
        }
    }
}
