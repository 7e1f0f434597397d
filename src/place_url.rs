//! URLs in an upstream's answer, moved into the place.
//!
//! They are read as browsers read them (URL standard): white space around and
//! line breaks inside do not count, a backslash is a slash, and `%2e` is a dot.
//! What leads to another host must never be turned into what leads into the
//! place, nor the reverse, so all that is not plainly the app's own stays as it
//! is: `//host/x`, `/\host/x`, `https:/x`, other origins, relative URLs.

/// Where the app stands, and where it shall seem to stand.
#[derive(Clone, Copy, Debug)]
pub struct Mount<'a> {
    /// The place's own origin.
    pub origin: &'a str,
    /// The path before the place's own paths, without a slash at its end; `""`
    /// in a host place.
    pub prefix: &'a str,
    /// The upstream's base URL without a slash at its end; `""` for a service.
    pub upstream: &'a str,
}

impl Mount<'_> {
    /// What to write in place of a URL; `None`: it stays as it is.
    ///
    /// An absolute URL below the upstream's base becomes the place's. In a path
    /// place that has its prefix, and root-relative URLs and absolute ones of
    /// the place's origin get it too, unless they have it.
    pub fn moved(&self, url: &str) -> Option<String> {
        let url = url
            .trim_matches(|char| char <= ' ')
            .replace(['\t', '\n', '\r'], "");
        if let Some(path) = self.below_upstream(&url) {
            let path = self.placed(&path).unwrap_or(path);
            return Some(if self.prefix.is_empty() {
                self.origin.to_owned() + &path
            } else {
                path
            });
        }
        if self.prefix.is_empty() {
            return None;
        }
        let target = if is_rooted(&url) {
            &url
        } else {
            after_origin(&url, self.origin)?
        };
        self.placed(&collapsed(target))
    }

    /// A path with the prefix before it, unless it has it.
    fn placed(&self, path: &str) -> Option<String> {
        let is_placed = self.prefix.is_empty() || below(path, self.prefix).is_some();
        (!is_placed).then(|| self.prefix.to_owned() + path)
    }

    /// The place's own path for an absolute URL below the upstream's base.
    fn below_upstream(&self, url: &str) -> Option<String> {
        let authority = self.upstream.find("://")?.checked_add(3)?;
        let (_, rest) = self.upstream.split_at_checked(authority)?;
        let base = rest.find('/').map_or("", |at| rest.get(at..).unwrap_or(""));
        let origin = self.upstream.strip_suffix(base)?;
        let path = collapsed(after_origin(url, origin)?);
        below(&path, base).map(collapsed)
    }
}

/// Whether a path is this one or below it.
pub fn is_below(path: &str, folder: &str) -> bool {
    below(path, folder).is_some()
}

/// What follows a folder in a path below it.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// Whether a URL is an absolute path on the same host.
fn is_rooted(url: &str) -> bool {
    url.strip_prefix('/')
        .is_some_and(|rest| !rest.starts_with(['/', '\\']))
}

/// What follows an origin in an absolute URL of it.
fn after_origin<'a>(url: &'a str, origin: &str) -> Option<&'a str> {
    let (head, rest) = url.split_at_checked(origin.len())?;
    let is_whole = rest.is_empty() || rest.starts_with(['/', '?', '#']);
    (is_whole && head.eq_ignore_ascii_case(origin)).then_some(rest)
}

/// The path, query and fragment that follow an origin, without dot segments
/// (URL standard, "path state").
fn collapsed(target: &str) -> String {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let (path, rest) = target.split_at_checked(end).unwrap_or((target, ""));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split(['/', '\\']).skip(1).peekable();
    while let Some(segment) = segments.next() {
        let dots = dots(segment);
        if dots == 2 {
            kept.pop();
        }
        if dots == 0 {
            kept.push(segment);
        } else if segments.peek().is_none() {
            kept.push("");
        }
    }
    let mut collapsed = "/".to_owned() + &kept.join("/");
    collapsed.push_str(rest);
    collapsed
}

/// How many dots a segment of dots alone has; 0 for a name.
fn dots(segment: &str) -> usize {
    match segment.replace("%2e", ".").replace("%2E", ".").as_str() {
        "." => 1,
        ".." => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATH: Mount<'_> = Mount {
        origin: "https://embed.example",
        prefix: "/embed-apps/jobs/~abcdefghij234567",
        upstream: "https://app.example/base",
    };
    const HOST: Mount<'_> = Mount {
        origin: "https://abcdefghij234567.embed.example",
        prefix: "",
        ..PATH
    };

    fn prefixed(path: &str) -> Option<String> {
        Some(PATH.prefix.to_owned() + path)
    }

    #[test]
    fn a_root_relative_url_moves_below_the_prefix() {
        for (url, path) in [
            ("/", "/"),
            ("/x", "/x"),
            ("/x?next=/y#/z", "/x?next=/y#/z"),
            ("/x//y;a=%2f", "/x//y;a=%2f"),
            ("  \u{1}/x\u{c} ", "/x"),
            ("/x\n/y\t", "/x/y"),
            ("/?//evil.example", "/?//evil.example"),
            (
                "/embed-apps/jobs/~zzzzzzzzzzzzzzzz/x",
                "/embed-apps/jobs/~zzzzzzzzzzzzzzzz/x",
            ),
            (
                "/embed-apps/jobs/~abcdefghij2345678",
                "/embed-apps/jobs/~abcdefghij2345678",
            ),
        ] {
            assert_eq!(PATH.moved(url), prefixed(path), "{url}");
            assert_eq!(HOST.moved(url), None, "{url}");
        }
    }

    #[test]
    fn dot_segments_cannot_climb_out_of_the_prefix() {
        for (url, path) in [
            ("/..", "/"),
            ("/../../../x", "/x"),
            ("/a/../../x?../..", "/x?../.."),
            ("/a/%2E%2E/x", "/x"),
            ("/a/%2e%2e/x", "/x"),
            ("/a/.%2E/x", "/x"),
            ("/a/%2e./x", "/x"),
            ("/%2E/x", "/x"),
            ("/a\\..\\..\\x", "/x"),
            ("/a/./b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/.//evil.example", "//evil.example"),
            ("/.\t./..\n/x", "/x"),
            (
                "/embed-apps/jobs/~abcdefghij234567/../x",
                "/embed-apps/jobs/x",
            ),
            ("/...", "/..."),
            ("/%252e%252e/x", "/%252e%252e/x"),
        ] {
            assert_eq!(PATH.moved(url), prefixed(path), "{url}");
        }
    }

    #[test]
    fn an_absolute_url_of_the_place_or_below_the_upstream_moves() {
        for (url, path) in [
            ("https://embed.example", "/"),
            ("https://embed.example/x", "/x"),
            ("HTTPS://Embed.Example/X", "/X"),
            ("https://embed.example?q", "/?q"),
            ("https://embed.example/base/x", "/base/x"),
            ("https://app.example/base", "/"),
            ("https://app.example/base/", "/"),
            ("https://app.example/base/x?y", "/x?y"),
            ("https://app.example/base#x", "/#x"),
            ("https://app.example/other/../base/x", "/x"),
            ("https://app.example/base//evil.example", "//evil.example"),
        ] {
            assert_eq!(PATH.moved(url), prefixed(path), "{url}");
        }
        for (url, moved) in [
            (
                "https://app.example/base",
                Some("https://abcdefghij234567.embed.example/"),
            ),
            (
                "https://APP.example/base/x",
                Some("https://abcdefghij234567.embed.example/x"),
            ),
            (
                "https://app.example/base//x",
                Some("https://abcdefghij234567.embed.example//x"),
            ),
            ("https://app.example/base/../x", None),
            ("https://abcdefghij234567.embed.example/x", None),
        ] {
            assert_eq!(HOST.moved(url).as_deref(), moved, "{url}");
        }
    }

    #[test]
    fn what_is_in_the_place_already_stays() {
        for url in [
            "/embed-apps/jobs/~abcdefghij234567",
            "/embed-apps/jobs/~abcdefghij234567/",
            "/embed-apps/jobs/~abcdefghij234567?x",
            "/embed-apps/jobs/~abcdefghij234567/a/../b",
            "https://embed.example/embed-apps/jobs/~abcdefghij234567/x",
        ] {
            assert_eq!(PATH.moved(url), None, "{url}");
        }
        let told = "https://app.example/base/embed-apps/jobs/~abcdefghij234567/x";
        assert_eq!(PATH.moved(told), prefixed("/x"));
    }

    #[test]
    fn what_leads_elsewhere_stays_as_it_is() {
        for url in [
            "",
            " ",
            "x",
            "./x",
            "../x",
            "?x",
            "#/x",
            "//evil.example/x",
            "/\\evil.example/x",
            "\\/evil.example/x",
            "\\\\evil.example/x",
            "\\x",
            "/\t/evil.example",
            "/\r\n\\evil.example",
            " \n//evil.example",
            "https:/x",
            "https:x",
            "https:///app.example/base/x",
            "https:\\\\app.example\\base\\x",
            "https://app.example\\base\\x",
            "https://app.example/other",
            "https://app.example/baseball",
            "https://app.example",
            "https://app.example.evil.example/base/x",
            "https://app.example@evil.example/base/x",
            "https://app.example:8443/base/x",
            "https://user@app.example/base/x",
            "http://app.example/base/x",
            "https://evil.example/https://app.example/base/x",
            "data:text/plain,/x",
            "javascript:location='/x'",
            "blob:https://app.example/base/x",
            "mailto:/x",
        ] {
            assert_eq!(PATH.moved(url), None, "{url:?}");
            assert_eq!(HOST.moved(url), None, "{url:?}");
        }
    }

    #[test]
    fn a_service_has_no_base_of_its_own() {
        let service = Mount {
            upstream: "",
            ..HOST
        };
        for url in ["/x", "", "https://app.example/base/x", "://x"] {
            assert_eq!(service.moved(url), None, "{url}");
        }
    }

    /// Where a browser goes from a page of the place: the host and the path, by
    /// a small reading of the URL standard. `None`: another scheme.
    fn resolved(url: &str) -> Option<(String, String)> {
        let url: String = url
            .trim_matches(|char| char <= ' ')
            .chars()
            .filter(|char| !matches!(char, '\t' | '\n' | '\r'))
            .collect();
        let url = url.as_str();
        let scheme = ["https:", "http:"].into_iter().find(|scheme| {
            url.get(..scheme.len())
                .is_some_and(|it| it.eq_ignore_ascii_case(scheme))
        });
        let rest = url.get(scheme.map_or(0, str::len)..).unwrap();
        let (authority, path) = if scheme.is_some() || rest.starts_with(['/', '\\']) {
            let slashes = rest.len() - rest.trim_start_matches(['/', '\\']).len();
            if slashes >= 2 {
                let rest = &rest[slashes..];
                rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()))
            } else {
                ("", rest)
            }
        } else {
            return None;
        };
        let path = path.split(['?', '#']).next().unwrap().replace('\\', "/");
        let path = path.replace("%2e", ".").replace("%2E", ".");
        let mut kept = vec![];
        for segment in path.split('/').filter(|segment| *segment != ".") {
            if segment == ".." {
                kept.pop();
            } else {
                kept.push(segment);
            }
        }
        let path = kept.join("/");
        let path = path.strip_prefix('/').unwrap_or(&path);
        Some((authority.to_lowercase(), format!("/{path}")))
    }

    fn urls() -> impl Strategy<Value = String> {
        let pieces = "([/\\\\.?#:@ \t\n&a]|\\.\\.|%2[eE]|(\\.|%2[eE]){2}/|//|/\\.\\./|https?:|https://app\\.example|\
                      /base|https://embed\\.example|/embed-apps/jobs/~abcdefghij234567|evil\\.example)";
        proptest::string::string_regex(&format!("{pieces}{{0,10}}")).unwrap()
    }

    proptest! {
        #[test]
        fn nothing_that_moved_escapes_and_nothing_moves_twice(url in urls()) {
            for mount in [PATH, Mount { upstream: "https://embed.example", ..PATH },
                          Mount { upstream: "", ..PATH }] {
                if let Some(moved) = mount.moved(&url) {
                    let (authority, path) = resolved(&moved).unwrap();
                    prop_assert_eq!(authority, "", "{} to {}", url, moved);
                    prop_assert!(is_below(&path, mount.prefix), "{} to {}", url, moved);
                    prop_assert_eq!(mount.moved(&moved), None, "{}", moved);
                }
            }
            if let Some(moved) = HOST.moved(&url) {
                prop_assert!(moved.starts_with("https://abcdefghij234567.embed.example/"));
                prop_assert_eq!(HOST.moved(&moved), None);
            }
        }

        #[test]
        fn nothing_of_another_host_moves(url in urls()) {
            let known = ["", "embed.example", "app.example"];
            match resolved(&url) {
                Some((authority, _)) if known.contains(&authority.as_str()) => {}
                _ => prop_assert_eq!(PATH.moved(&url), None),
            }
        }

        #[test]
        fn no_text_makes_it_panic(url: String, origin: String, prefix: String, upstream: String) {
            let mount = Mount { origin: &origin, prefix: &prefix, upstream: &upstream };
            let _ = mount.moved(&url);
        }
    }
}
