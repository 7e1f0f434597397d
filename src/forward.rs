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
use crate::origin;
use crate::place::Place;
use crate::place_cookie;
use crate::record::Record;
use crate::route::Rule;
use crate::token;
use crate::verdict::{Forward, HeaderList};
use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, utf8_percent_encode};

/// Whose request is forwarded.
#[derive(Clone, Copy, Debug)]
pub enum Bearer<'a> {
    /// Nobody in particular: the route is public.
    Anyone,
    /// The owner of a PAT, which came from this source.
    Pat(&'a Record, Source),
    /// The viewer of an embed.
    Viewer(&'a Visit<'a>),
}

/// A request in a place.
#[derive(Clone, Debug)]
pub struct Visit<'a> {
    /// The record of the token that opened the session.
    pub record: &'a Record,
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
    /// The `Set-Cookie` of a session that goes on; empty: none.
    pub session_cookie: String,
}

/// How to forward a request that may pass.
pub fn forward(facts: &Facts<'_>, config: &Config, rule: &Rule, bearer: Bearer<'_>) -> Forward {
    let query = facts.query_without_secrets(rule.query_token.as_deref().as_slice());
    let (url, service) =
        Forward::target(&config.upstream, facts.origin, facts.path, query.as_deref());
    let (mut remove, mut set) = headers(facts, config, bearer, &config.upstream);
    if let Bearer::Pat(record, _) = bearer {
        vouch(&mut set, record);
    }
    match facts.header("cookie").and_then(cookie::without_own) {
        Some(rest) if rest.is_empty() => remove.push("cookie".to_owned()),
        Some(rest) => set.push("cookie", &rest),
        None => {}
    }
    Forward {
        url,
        service,
        remove,
        set,
        private: matches!(bearer, Bearer::Pat(..)),
        hide_referrer: matches!(bearer, Bearer::Pat(_, Source::Query)),
        cors: allowed_origin(facts, rule),
        place: None,
        rewrites: false,
    }
}

/// How to forward a request in a place.
pub fn into_place(facts: &Facts<'_>, config: &Config, visit: &Visit<'_>) -> Forward {
    let query = facts.query_without_secrets(&[OPENED]);
    let upstream = visit.app.upstream.as_ref().unwrap_or(&config.upstream);
    let (url, service) = Forward::target(upstream, facts.origin, visit.path, query.as_deref());
    let (mut remove, mut set) = headers(facts, config, Bearer::Viewer(visit), upstream);
    vouch(&mut set, visit.record);
    set.push("gatepass-app", &visit.app.id);
    let prefix = &visit.address.prefix;
    if !prefix.is_empty() {
        set.push("x-forwarded-prefix", prefix);
        set.push("accept-encoding", &rewritable(facts));
    }
    let place = if prefix.is_empty() {
        ""
    } else {
        visit.place.as_str()
    };
    if let Some(cookies) = facts.header("cookie") {
        match place_cookie::for_upstream(cookies, place) {
            rest if rest.is_empty() => remove.push("cookie".to_owned()),
            rest => set.push("cookie", &rest),
        }
    }
    let base = match upstream {
        Upstream::Url(base) => base.as_str(),
        Upstream::Service(_) => "",
    };
    // The place itself asks, so to the app it is a request of its own origin.
    if !base.is_empty() && facts.header("origin").is_some() {
        set.push("origin", origin::of_url(base));
    }
    let confinement = Confinement {
        origin: visit.address.origin.clone(),
        prefix: prefix.clone(),
        place: place.to_owned(),
        upstream: base.to_owned(),
        frame_ancestors: visit.audience.join(" "),
        permissions_policy: visit.app.permissions_policy.clone().unwrap_or_default(),
        embedder_policy: visit.app.embedder_policy.to_owned(),
        session_cookie: visit.session_cookie.clone(),
        document: visit.document,
    };
    Forward {
        url,
        service,
        remove,
        set,
        private: true,
        hide_referrer: false,
        cors: None,
        place: Some(confinement.pack()),
        rewrites: !prefix.is_empty(),
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

/// The names of the headers to remove, and the headers to set, whoever asks.
fn headers(
    facts: &Facts<'_>,
    config: &Config,
    bearer: Bearer<'_>,
    upstream: &Upstream,
) -> (Vec<String>, HeaderList) {
    let remove = facts
        .header_names()
        .filter(|name| is_removed(name, facts, config, bearer))
        .map(str::to_owned)
        .collect();
    let mut set = forwarded(facts);
    // An app's own upstream is not the one that the secret is for.
    if let Some(authorization) = &config.upstream_authorization
        && *upstream == config.upstream
    {
        set.push("authorization", authorization);
    }
    (remove, set)
}

/// The origin of the page that asks, if the route lets it read the answer.
pub fn allowed_origin(facts: &Facts<'_>, rule: &Rule) -> Option<String> {
    let origin = facts.header("origin")?;
    rule.allows_origin(origin).then(|| origin.to_owned())
}

/// Whether a header must not reach the upstream.
fn is_removed(name: &str, facts: &Facts<'_>, config: &Config, bearer: Bearer<'_>) -> bool {
    let value = || facts.header(name).unwrap_or_default();
    match name {
        "authorization" => {
            let presented = matches!(bearer, Bearer::Pat(_, Source::Bearer | Source::Basic));
            presented || !credentials::is_foreign(value(), &config.operator_key)
        }
        "x-api-key" | "private-token" => {
            let presented = matches!(bearer, Bearer::Pat(_, Source::Header));
            presented || !credentials::is_foreign_key(value(), &config.operator_key)
        }
        "referer" => token::appears_in(value()),
        _ => header::is_stripped(name),
    }
}

/// The connection as it really is.
fn forwarded(facts: &Facts<'_>) -> HeaderList {
    let mut set = HeaderList::default();
    set.push("x-forwarded-host", facts.host());
    set.push("x-forwarded-proto", facts.scheme());
    if let Some(address) = facts.address() {
        set.push("x-forwarded-for", &address.to_string());
    }
    set
}

/// Adds whom the gate vouches for.
fn vouch(set: &mut HeaderList, record: &Record) {
    set.push_parts("gatepass-user", visible(&record.uid));
    set.push_parts("gatepass-workspace", visible(&record.workspace));
    set.push("gatepass-token-id", record.id.as_str());
    set.push("gatepass-scopes", &record.scopes.joined());
    if !record.email.is_empty() {
        set.push_parts("gatepass-email", visible(&record.email));
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
