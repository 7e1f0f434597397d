//! What the upstream gets: the request without what could deceive it, and with
//! what the gate vouches for.

use crate::app::App;
use crate::config::{Config, Upstream};
use crate::confine::Confinement;
use crate::cookie;
use crate::credentials::{self, Source};
use crate::embed_host::Address;
use crate::entrance::OPENED;
use crate::facts::Facts;
use crate::header;
use crate::id::Id;
use crate::origin;
use crate::place::Place;
use crate::place_cookie;
use crate::route::Rule;
use crate::token;
use crate::verdict::{Forward, Target};
use crate::vouched::Vouched;
use std::borrow::Cow;
use std::net::IpAddr;

/// Whose request is forwarded.
#[derive(Clone, Copy, Debug)]
pub enum Bearer<'a> {
    /// Nobody in particular: the route is public.
    Anyone,
    /// The owner of a PAT, which came from this source.
    Pat(&'a Vouched, Source),
    /// The viewer of an embed.
    Viewer(&'a Visit<'a>),
}

/// A request in a place.
#[derive(Clone, Debug)]
pub struct Visit<'a> {
    /// The record of the token that opened the session.
    pub record: &'a Vouched,
    /// The app.
    pub app: &'a App,
    /// The place.
    pub place: &'a Place,
    /// Where the place is.
    pub address: &'a Address,
    /// The path that the app sees.
    pub path: &'a str,
    /// The origins that may frame the place.
    pub audience: &'a [String],
    /// Whether the answer is shown as a page.
    pub document: bool,
    /// The session.
    pub session: &'a Id,
    /// The `Set-Cookie` of a session that goes on; empty: none.
    pub session_cookie: String,
}

/// How to forward a request that may pass.
pub fn forward(facts: &Facts<'_>, config: &Config, rule: &Rule, bearer: Bearer<'_>) -> Forward {
    let query = facts.query_without_secrets(rule.query_token.as_deref().as_slice());
    let cookies = sent_cookies(facts, config);
    let cookies = cookies.and_then(|sent| match (cookie::without_own(&sent), sent) {
        (Some(rest), _) | (None, Cow::Owned(rest)) => Some(rest),
        (None, Cow::Borrowed(_)) => None,
    });
    let target = Target {
        query: query.as_deref(),
        cors: allowed_origin(facts, rule).unwrap_or_default(),
        private: matches!(bearer, Bearer::Pat(..)),
        hide_referrer: matches!(bearer, Bearer::Pat(_, Source::Query)),
        ..Target::of(&config.upstream, facts.origin, facts.path)
    };
    let mut forward = begin(facts, config, &target, bearer, cookies.as_deref());
    authorize(&mut forward, config);
    if let Bearer::Pat(record, _) = bearer {
        forward.set_all(record.headers());
    }
    if let Some(rest) = cookies.filter(|rest| !rest.is_empty()) {
        forward.set("cookie", &rest);
    }
    forward.end(&[])
}

/// How to forward a request in a place.
pub fn into_place(facts: &Facts<'_>, config: &Config, visit: &Visit<'_>) -> Forward {
    let query = facts.query_without_secrets(&[OPENED]);
    let upstream = visit.app.upstream.as_ref().unwrap_or(&config.upstream);
    let prefix = visit.address.prefix.as_str();
    let place = if prefix.is_empty() {
        ""
    } else {
        visit.place.as_str()
    };
    let cookies = sent_cookies(facts, config);
    let cookies = cookies.map(|cookies| place_cookie::for_upstream(&cookies, place));
    let target = Target {
        query: query.as_deref(),
        private: true,
        rewrites: !prefix.is_empty(),
        ..Target::of(upstream, facts.origin, visit.path)
    };
    let bearer = Bearer::Viewer(visit);
    let mut forward = begin(facts, config, &target, bearer, cookies.as_deref());
    // An app's own upstream is not the one that the secret is for.
    if *upstream == config.upstream {
        authorize(&mut forward, config);
    }
    forward.set_all(visit.record.headers());
    forward.set("gatepass-app", &visit.app.id);
    forward.set("gatepass-session-id", visit.session.as_str());
    if !prefix.is_empty() {
        forward.set("x-forwarded-prefix", prefix);
        forward.set("accept-encoding", &rewritable(facts));
    }
    if let Some(rest) = cookies.filter(|rest| !rest.is_empty()) {
        forward.set("cookie", &rest);
    }
    let base = match upstream {
        Upstream::Url(base) => base.as_str(),
        Upstream::Service(_) => "",
    };
    // The place itself asks, so to the app it is a request of its own origin.
    if !base.is_empty() && facts.header("origin").is_some() {
        forward.set("origin", origin::of_url(base));
    }
    let confinement = Confinement {
        origin: &visit.address.origin,
        prefix,
        place,
        upstream: base,
        frame_ancestors: &spaced(visit.audience),
        permissions_policy: visit.app.permissions_policy.as_deref().unwrap_or_default(),
        embedder_policy: visit.app.embedder_policy,
        session_cookie: &visit.session_cookie,
        document: visit.document,
    };
    forward.end(&confinement.lines())
}

/// Texts with spaces between; most are one.
fn spaced(texts: &[String]) -> Cow<'_, str> {
    match texts {
        [text] => Cow::Borrowed(text),
        _ => Cow::Owned(texts.join(" ")),
    }
}

/// What of the client's `Accept-Encoding` the runtime can decode, for answers
/// that are rewritten.
fn rewritable(facts: &Facts<'_>) -> String {
    let accepted = facts.header("accept-encoding").unwrap_or_default();
    let known = accepted.split(',').map(str::trim).filter(|coding| {
        let name = coding.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("br")
    });
    let known: Vec<_> = known.collect();
    if known.is_empty() {
        "identity".to_owned()
    } else {
        known.join(", ")
    }
}

/// Begins what is forwarded, whoever asks: without what could deceive the upstream, and
/// with the connection as it really is. `cookies` are those that are left, if they are
/// not as they came.
fn begin(
    facts: &Facts<'_>,
    config: &Config,
    target: &Target<'_>,
    bearer: Bearer<'_>,
    cookies: Option<&str>,
) -> Forward {
    let remove = facts.header_names().filter(|name| {
        is_removed(name, facts, config, bearer) || *name == "cookie" && cookies == Some("")
    });
    let mut forward = Forward::begin(target, remove);
    forward.set("x-forwarded-host", facts.host());
    forward.set("x-forwarded-proto", facts.scheme());
    match facts.address() {
        // It has one spelling only.
        Some(IpAddr::V4(_)) => {
            let address = facts.header("cf-connecting-ip").unwrap_or_default();
            forward.set("x-forwarded-for", address.trim());
        }
        Some(address) => forward.set("x-forwarded-for", &address.to_string()),
        None => {}
    }
    forward
}

/// The cookies as they came, without the identity provider's JWT: an upstream could use
/// it here.
fn sent_cookies<'a>(facts: &Facts<'a>, config: &Config) -> Option<Cow<'a, str>> {
    let sent = facts.header("cookie")?;
    let identity = config.identity.as_ref();
    let rest = identity.and_then(|identity| identity.without_cookie(sent));
    Some(rest.map_or(Cow::Borrowed(sent), Cow::Owned))
}

/// Adds what the upstream knows the gate by.
fn authorize(forward: &mut Forward, config: &Config) {
    if let Some(authorization) = &config.upstream_authorization {
        forward.set("authorization", authorization);
    }
}

/// The origin of the page that asks, if the route lets it read the answer.
fn allowed_origin<'a>(facts: &Facts<'a>, rule: &Rule) -> Option<&'a str> {
    let origin = facts.header("origin")?;
    rule.allows_origin(origin).then_some(origin)
}

/// Whether a header must not reach the upstream.
fn is_removed(name: &str, facts: &Facts<'_>, config: &Config, bearer: Bearer<'_>) -> bool {
    let value = || facts.header(name).unwrap_or_default();
    match name {
        "authorization" => {
            let presented = matches!(bearer, Bearer::Pat(_, Source::Bearer | Source::Basic));
            presented || !credentials::is_foreign(value(), &config.keys())
        }
        "x-api-key" | "private-token" => {
            let presented = matches!(bearer, Bearer::Pat(_, Source::Header));
            presented || !credentials::is_foreign_key(value(), &config.keys())
        }
        "referer" => token::appears_in(value()),
        _ => {
            let identity = config.identity.as_ref();
            header::is_stripped(name) || identity.is_some_and(|identity| identity.reads(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::net::IpAddr;

    proptest! {
        #[test]
        fn an_ipv4_address_has_one_spelling(text in "[0-9]{1,4}(\\.[0-9]{1,4}){3}", bits: u32) {
            if let Ok(address) = text.parse::<IpAddr>() {
                prop_assert_eq!(address.to_string(), text);
            }
            prop_assert!(IpAddr::V4(bits.into()).to_string().parse::<IpAddr>().is_ok());
        }
    }
}
