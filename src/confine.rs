//! What the upstream's answer becomes in a place: an answer that is confined to
//! the place, and that only the token's origins may frame.
//!
//! 1. `Access-Control-*`, `Clear-Site-Data`, `Service-Worker-Allowed` and
//!    `X-Frame-Options` are dropped; so are `NEL`, `Report-To` and
//!    `Reporting-Endpoints`, by which the browser itself would report the URLs of
//!    entries, tokens and all.
//! 2. `frame-ancestors` is Gatepass's; the rest of the app's
//!    `Content-Security-Policy` stays.
//! 3. Cookies are the place's ([`place_cookie`]), and so are the URLs in
//!    `Location` and `Refresh` ([`place_url`](crate::place_url)).
//! 4. A document may stand in a page under cross-origin isolation
//!    (`Cross-Origin-Resource-Policy`, `Cross-Origin-Embedder-Policy`), and has
//!    the `Permissions-Policy` that the configuration says.
//!
//! All else passes as it is.

use crate::csp;
use crate::json::{self, Object};
use crate::place_cookie;
use crate::place_url::Mount;
use crate::refresh;

/// The headers of an answer whose values are read; of all others the name is.
/// `Set-Cookie` is given once for each line.
pub const ANSWER_HEADERS: [&str; 4] = [
    "content-security-policy",
    "location",
    "refresh",
    "set-cookie",
];

/// What an answer must become in a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confinement<'a> {
    /// The place's own web origin; in a path place that of its host.
    pub origin: &'a str,
    /// In a path place `/embed-apps/<app>/~<place>`; in a host place `""`.
    pub prefix: &'a str,
    /// In a path place its 16 characters; in a host place `""`.
    pub place: &'a str,
    /// The upstream's base URL without a slash at its end; `""` for a service.
    pub upstream: &'a str,
    /// The origins that may frame the place besides itself, with spaces between.
    pub frame_ancestors: &'a str,
    /// The app's configured `Permissions-Policy`; `""`: the upstream's stays.
    pub permissions_policy: &'a str,
    /// The `Cross-Origin-Embedder-Policy` of documents that bring none; `""`:
    /// they stay without.
    pub embedder_policy: &'a str,
    /// The `Set-Cookie` value that renews the session; `""`: none.
    pub session_cookie: &'a str,
    /// Whether the answer is a document, for a frame or a tab.
    pub document: bool,
}

impl<'a> Confinement<'a> {
    /// One line for each field, as a shell keeps it until the answer is there.
    pub const fn lines(&self) -> [&'a str; 9] {
        [
            self.origin,
            self.prefix,
            self.place,
            self.upstream,
            self.frame_ancestors,
            self.permissions_policy,
            self.embedder_policy,
            self.session_cookie,
            if self.document { DOCUMENT } else { "" },
        ]
    }

    /// Reads its lines; `None`: they were not made here, or a field held a line feed.
    pub fn parse(packed: &'a str) -> Option<Self> {
        let mut lines = packed.split('\n');
        let mut next = || lines.next();
        let confinement = Self {
            origin: next()?,
            prefix: next()?,
            place: next()?,
            upstream: next()?,
            frame_ancestors: next()?,
            permissions_policy: next()?,
            embedder_policy: next()?,
            session_cookie: next()?,
            document: match next()? {
                DOCUMENT => true,
                "" => false,
                _ => return None,
            },
        };
        let is_whole = lines.next().is_none()
            && !confinement.origin.is_empty()
            && confinement.prefix.is_empty() == confinement.place.is_empty();
        is_whole.then_some(confinement)
    }

    /// Where the app seems to stand.
    pub const fn mount(&self) -> Mount<'a> {
        Mount {
            origin: self.origin,
            prefix: self.prefix,
            upstream: self.upstream,
        }
    }

    /// What to change in the headers of an answer.
    pub fn confine(&self, headers: &[(&str, &str)]) -> Changes {
        let mut changes = Changes::default();
        let mut has_embedder_policy = false;
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            match name.as_str() {
                "content-security-policy" => {
                    changes.replace(CSP, csp::without_frame_ancestors(value));
                }
                "set-cookie" => {
                    let cookie = place_cookie::confined(value, self.prefix, self.place);
                    changes.replace(SET_COOKIE, cookie.unwrap_or_default());
                }
                "location" => changes.replace_with("location", self.mount().moved(value)),
                "refresh" => changes.replace_with("refresh", self.refresh(value)),
                CORP if self.document => changes.remove(name),
                PERMISSIONS if self.document && !self.permissions_policy.is_empty() => {
                    changes.remove(name);
                }
                COEP => has_embedder_policy = true,
                _ if is_dropped(&name) => changes.remove(name),
                _ => {}
            }
        }
        let ancestors = ["frame-ancestors 'self' ", self.frame_ancestors].concat();
        changes.append(CSP, ancestors.trim_end().to_owned());
        changes.append(SET_COOKIE, self.session_cookie.to_owned());
        if self.document {
            changes.append(CORP, "cross-origin".to_owned());
            changes.append(PERMISSIONS, self.permissions_policy.to_owned());
            if !has_embedder_policy {
                changes.append(COEP, self.embedder_policy.to_owned());
            }
        }
        changes
    }

    fn refresh(&self, value: &str) -> Option<String> {
        let (before, url, after) = refresh::parts(value)?;
        Some([before, &self.mount().moved(url)?, after].concat())
    }
}

/// What to change in the headers of an answer, as [`Changes::to_json`] has it, by the lines of a
/// [`Confinement`] and a line for each header, `name:value`; `None`: they are no such lines.
pub fn confine(place: &str, headers: &str) -> Option<String> {
    let headers = headers.split('\n').filter(|line| !line.is_empty());
    let headers: Option<Vec<_>> = headers.map(|line| line.split_once(':')).collect();
    Some(Confinement::parse(place)?.confine(&headers?).to_json())
}

/// What the shell does to an answer's headers: it removes, then appends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Names of headers, in lower case.
    pub remove: Vec<String>,
    /// Names and values; a name may stand more than once.
    pub append: Vec<(&'static str, String)>,
}

impl Changes {
    /// JSON for the shell.
    pub fn to_json(&self) -> String {
        let pair = |(name, value): &(&str, String)| json::texts(&[*name, value]);
        let mut json = Object::default();
        json.texts("remove", &self.remove);
        json.raw("append", &json::list(self.append.iter().map(pair)));
        json.finish()
    }

    fn remove(&mut self, name: String) {
        if !self.remove.contains(&name) {
            self.remove.push(name);
        }
    }

    /// An empty value is none.
    fn append(&mut self, name: &'static str, value: String) {
        if !value.is_empty() {
            self.append.push((name, value));
        }
    }

    fn replace(&mut self, name: &'static str, value: String) {
        self.remove(name.to_owned());
        self.append(name, value);
    }

    fn replace_with(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.replace(name, value);
        }
    }
}

fn is_dropped(name: &str) -> bool {
    name.starts_with("access-control-") || DROPPED.contains(&name)
}

const DROPPED: [&str; 6] = [
    "clear-site-data",
    "nel",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "x-frame-options",
];
const COEP: &str = "cross-origin-embedder-policy";
const CORP: &str = "cross-origin-resource-policy";
const CSP: &str = "content-security-policy";
const PERMISSIONS: &str = "permissions-policy";
const SET_COOKIE: &str = "set-cookie";
const DOCUMENT: &str = "document";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn in_path() -> Confinement<'static> {
        Confinement {
            origin: "https://embed.example",
            prefix: "/embed-apps/jobs/~abcdefghij234567",
            place: "abcdefghij234567",
            upstream: "https://app.example/base",
            frame_ancestors: "https://a.example https://b.example",
            ..Confinement::default()
        }
    }

    fn in_host() -> Confinement<'static> {
        Confinement {
            origin: "https://abcdefghij234567.embed.example",
            prefix: "",
            place: "",
            ..in_path()
        }
    }

    fn document() -> Confinement<'static> {
        Confinement {
            document: true,
            ..in_host()
        }
    }

    /// The headers after the shell has made the changes.
    fn after(confinement: &Confinement<'_>, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let changes = confinement.confine(headers);
        let kept = headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()))
            .filter(|(name, _)| !changes.remove.contains(name));
        let appended = changes.append.iter();
        let appended = appended.map(|(name, value)| ((*name).to_owned(), value.clone()));
        kept.chain(appended).collect()
    }

    fn values<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
        let found = headers.iter().filter(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str()).collect()
    }

    const ANCESTORS: &str = "frame-ancestors 'self' https://a.example https://b.example";

    #[test]
    fn what_would_open_or_empty_the_place_is_dropped_in_any_case() {
        for name in [
            "Access-Control-Allow-Origin",
            "access-control-anything",
            "ACCESS-CONTROL-MAX-AGE",
            "Clear-Site-Data",
            "service-worker-allowed",
            "X-Frame-Options",
        ] {
            let headers = after(&in_host(), &[(name, ""), ("etag", "")]);
            assert_eq!(values(&headers, &name.to_lowercase()), [""; 0], "{name}");
            assert_eq!(values(&headers, "etag"), [""]);
        }
        for name in [
            "x_frame_options",
            "x-access-control-a",
            "vary",
            "link",
            "content-location",
        ] {
            assert_eq!(in_path().confine(&[(name, "")]).remove, [""; 0], "{name}");
        }
    }

    #[test]
    fn every_answer_says_who_may_frame_it() {
        for confinement in [in_host(), in_path(), document()] {
            assert_eq!(values(&after(&confinement, &[]), CSP), [ANCESTORS]);
        }
        let nobody = Confinement {
            frame_ancestors: "",
            ..in_host()
        };
        assert_eq!(
            values(&after(&nobody, &[]), CSP),
            ["frame-ancestors 'self'"]
        );
    }

    #[test]
    fn the_rest_of_the_app_s_policies_is_kept() {
        let headers = [
            (
                "content-security-policy",
                "frame-ancestors *; img-src a, script-src b",
            ),
            ("content-security-policy", "frame-ancestors 'none'"),
            ("content-security-policy-report-only", ""),
        ];
        let headers = after(&in_host(), &headers);
        assert_eq!(
            values(&headers, CSP),
            ["img-src a, script-src b", ANCESTORS]
        );
        assert_eq!(
            values(&headers, "content-security-policy-report-only"),
            [""]
        );
    }

    #[test]
    fn nothing_has_the_browser_report_the_urls_of_the_place() {
        let headers = ["nel", "report-to", "reporting-endpoints"].map(|name| (name, ""));
        let left = after(&document(), &headers);
        assert!(
            headers
                .iter()
                .all(|(name, _)| values(&left, name).is_empty())
        );
    }

    #[test]
    fn a_document_may_stand_in_an_isolated_page() {
        let isolated = Confinement {
            embedder_policy: "credentialless",
            ..document()
        };
        let headers = after(&isolated, &[(CORP, "")]);
        assert_eq!(values(&headers, CORP), ["cross-origin"]);
        assert_eq!(values(&headers, COEP), ["credentialless"]);
        let own = after(&isolated, &[(COEP, "require-corp")]);
        assert_eq!(values(&own, COEP), ["require-corp"]);
        assert_eq!(values(&after(&document(), &[]), COEP), [""; 0]);
        let other = after(&in_host(), &[(CORP, "same-origin")]);
        assert_eq!(values(&other, CORP), ["same-origin"]);
        assert_eq!(values(&other, COEP), [""; 0]);
    }

    #[test]
    fn the_configured_permissions_policy_replaces_the_app_s_on_documents() {
        let configured = Confinement {
            permissions_policy: "camera=()",
            ..document()
        };
        let headers = [("Permissions-Policy", "camera=*")];
        assert_eq!(
            values(&after(&configured, &headers), PERMISSIONS),
            ["camera=()"]
        );
        assert_eq!(
            values(&after(&document(), &headers), PERMISSIONS),
            ["camera=*"]
        );
        let other = Confinement {
            document: false,
            ..configured
        };
        assert_eq!(values(&after(&other, &headers), PERMISSIONS), ["camera=*"]);
    }

    #[test]
    fn cookies_are_confined_and_the_session_s_comes_last() {
        let renewed = Confinement {
            session_cookie: "__Host-gp-abcdefghij234567=s; Path=/",
            ..in_path()
        };
        let headers = [
            ("set-cookie", "a=1; Domain=app.example"),
            ("set-cookie", "__Host-gp-abcdefghij234567=forged; Path=/"),
            ("set-cookie", "b=2; Path=/x"),
        ];
        let headers = after(&renewed, &headers);
        let prefix = &renewed.prefix;
        let wanted = [
            format!("gp-abcdefghij234567-a=1; Path={prefix}/; Secure; SameSite=None; Partitioned"),
            format!("gp-abcdefghij234567-b=2; Path={prefix}/x; Secure; SameSite=None; Partitioned"),
            renewed.session_cookie.to_owned(),
        ];
        assert_eq!(values(&headers, SET_COOKIE), wanted);
        let changes = in_host().confine(&[("set-cookie", "__Host-gp-x=forged")]);
        assert_eq!(changes.remove, ["set-cookie"]);
        assert_eq!(changes.append.len(), 1);
    }

    #[test]
    fn redirects_and_refreshes_stay_in_the_place() {
        for (confinement, name, value, moved) in [
            (
                in_path(),
                "location",
                "/x",
                "/embed-apps/jobs/~abcdefghij234567/x",
            ),
            (in_path(), "Location", "//evil.example", "//evil.example"),
            (
                in_host(),
                "location",
                "https://app.example/base/x",
                "https://abcdefghij234567.embed.example/x",
            ),
            (in_host(), "location", "/x", "/x"),
            (
                in_path(),
                "refresh",
                "0; url=/a&b",
                "0; url=/embed-apps/jobs/~abcdefghij234567/a&b",
            ),
            (in_path(), "refresh", "5", "5"),
        ] {
            let headers = after(&confinement, &[(name, value)]);
            assert_eq!(values(&headers, &name.to_lowercase()), [moved], "{value}");
        }
    }

    #[test]
    fn a_shell_gets_json() {
        let changes = Changes {
            remove: vec!["a".to_owned()],
            append: vec![("b", "\"c\"".to_owned())],
        };
        assert_eq!(
            changes.to_json(),
            r#"{"remove":["a"],"append":[["b","\"c\""]]}"#
        );
    }

    #[test]
    fn what_was_not_packed_here_is_refused() {
        let packed = in_path().lines().join("\n");
        assert!(Confinement::parse(&packed).is_some());
        let mixed = Confinement {
            place: "",
            ..in_path()
        }
        .lines()
        .join("\n");
        let folded = Confinement {
            upstream: "a\nb",
            ..in_path()
        }
        .lines()
        .join("\n");
        let nowhere = Confinement {
            origin: "",
            ..in_path()
        }
        .lines()
        .join("\n");
        for junk in [
            "",
            "a\n\n\n\n\n\n",
            &format!("{packed}x"),
            &format!("{packed}\n"),
            &mixed,
            &folded,
            &nowhere,
        ] {
            assert_eq!(Confinement::parse(junk), None, "{junk}");
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            origin in "[^\n]{1,9}", path in proptest::option::of(("[^\n]{1,9}", "[^\n]{1,9}")),
            rest in ["[^\n]{0,9}", "[^\n]{0,9}", "[^\n]{0,9}", "[^\n]{0,9}", "[^\n]{0,9}"],
            document: bool,
        ) {
            let (prefix, place) = path.unwrap_or_default();
            let (origin, prefix, place) = (origin.as_str(), prefix.as_str(), place.as_str());
            let rest = rest.each_ref().map(String::as_str);
            let [upstream, frame_ancestors, permissions_policy, embedder_policy, session_cookie] = rest;
            let confinement = Confinement {
                origin, prefix, place, upstream, frame_ancestors, permissions_policy,
                embedder_policy, session_cookie, document,
            };
            let packed = confinement.lines().join("\n");
            prop_assert_eq!(Confinement::parse(&packed), Some(confinement));
        }

        #[test]
        fn an_answer_is_confined_whatever_it_was(
            headers in proptest::collection::vec(
                ("access-control-[a-z]{1,3}|(?i)content-security-policy|Set-Cookie|x-frame-options|\
                  location|refresh|clear-site-data",
                 "([ ;,=/a]|frame-ancestors |__Host-gp-|0;url=|//|\\.\\.){0,8}"), 0..6),
            host: bool,
        ) {
            let confinement = if host { in_host() } else { in_path() };
            let headers: Vec<_> = headers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            let headers = after(&confinement, &headers);
            let policies = values(&headers, CSP).join(",");
            let is_ours = |directive: &&str| directive.trim().starts_with("frame-ancestors");
            let ours: Vec<_> = policies.split([',', ';']).filter(is_ours).collect();
            prop_assert_eq!(ours, [ANCESTORS]);
            for (name, value) in &headers {
                prop_assert!(!is_dropped(name));
                prop_assert!(name != SET_COOKIE || !value.starts_with("__Host-gp-"));
            }
            let again: Vec<_> = headers.iter()
                .filter(|(name, _)| matches!(name.as_str(), "location" | "refresh"))
                .map(|(a, b)| (a.as_str(), b.as_str())).collect();
            prop_assert_eq!(confinement.confine(&again).remove, [""; 0]);
        }

        #[test]
        fn no_text_makes_it_panic(text: String, name in "[a-z-]{0,20}|location|refresh|set-cookie") {
            let _ = Confinement::parse(&text);
            let _ = document().confine(&[(&name, &text)]);
        }
    }
}
