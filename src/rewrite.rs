//! URLs in HTML attributes, in a path place.
//!
//! Values are taken and given as they stand in the source, character references
//! and all, which is how the runtime's HTMLRewriter has them. A URL whose path
//! holds a reference other than `&amp;` stays as it is: the browser will read
//! another path there than is seen here.

use crate::place_url::Mount;
use crate::refresh;

/// The attributes that hold URLs. `content` does on `<meta
/// http-equiv="refresh">` only, and of no other element may it be asked.
pub const ATTRIBUTES: [&str; 15] = [
    "action",
    "background",
    "cite",
    "content",
    "data",
    "formaction",
    "href",
    "imagesrcset",
    "longdesc",
    "manifest",
    "ping",
    "poster",
    "src",
    "srcset",
    "xlink:href",
];

/// The new value of an attribute; `None`: it stays as it is.
pub fn attribute(mount: &Mount<'_>, name: &str, value: &str) -> Option<String> {
    if mount.prefix.is_empty() || value.len() > MAX_LENGTH {
        return None;
    }
    match name {
        "content" => {
            let (before, url, after) = refresh::parts(value)?;
            Some([before, &moved(mount, url)?, after].concat())
        }
        "imagesrcset" | "srcset" => list(mount, value, true),
        "ping" => list(mount, value, false),
        _ => moved(mount, value),
    }
}

/// A longer value stays as it is: no list of URLs is, and an inline image is none.
const MAX_LENGTH: usize = 65_536;

fn moved(mount: &Mount<'_>, url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let is_plain = !path.replace("&amp;", "").contains('&');
    is_plain.then(|| mount.moved(url))?
}

/// A list of URLs, separated by white space; or of image candidates (HTML
/// standard, "parsing a srcset attribute"): there commas may stand inside a
/// URL, and end one only at its end or after descriptors.
fn list(mount: &Mount<'_>, value: &str, of_images: bool) -> Option<String> {
    let mut written = String::with_capacity(value.len());
    let mut changed = false;
    let mut rest = value;
    loop {
        let trimmed = rest.trim_start_matches(|char: char| {
            char.is_ascii_whitespace() || of_images && char == ','
        });
        written.push_str(rest.get(..rest.len().checked_sub(trimmed.len())?)?);
        let end = trimmed.find(|char: char| char.is_ascii_whitespace());
        let (token, after) = trimmed.split_at_checked(end.unwrap_or(trimmed.len()))?;
        if token.is_empty() {
            return changed.then_some(written);
        }
        let url = match of_images {
            true => token.trim_end_matches(','),
            false => token,
        };
        match moved(mount, url).filter(|moved| !moved.ends_with(',')) {
            Some(moved) => {
                written.push_str(&moved);
                changed = true;
            }
            None => written.push_str(url),
        }
        let commas = token.strip_prefix(url)?;
        written.push_str(commas);
        let described = of_images && commas.is_empty();
        let (descriptors, next) =
            after.split_at_checked(if described { descriptors_end(after) } else { 0 })?;
        written.push_str(descriptors);
        rest = next;
    }
}

/// Where the descriptors of an image candidate end: at a comma outside
/// parentheses.
fn descriptors_end(text: &str) -> usize {
    let mut inside = false;
    let ends = |char: char| {
        inside = (inside || char == '(') && char != ')';
        char == ',' && !inside
    };
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place_url::is_below;
    use proptest::prelude::*;

    const MOUNT: Mount<'_> = Mount {
        origin: "https://embed.example",
        prefix: "/p",
        upstream: "https://app.example",
    };

    fn changed(name: &str, value: &str) -> String {
        attribute(&MOUNT, name, value).unwrap_or_else(|| panic!("{name}={value} stayed"))
    }

    #[test]
    fn a_long_list_takes_time_in_proportion_and_a_longer_one_stays() {
        let long = "/x ".repeat(MAX_LENGTH / 3);
        assert_eq!(changed("ping", &long).len(), long.len() / 3 * 5);
        assert_eq!(attribute(&MOUNT, "ping", &format!("{long}/xxx")), None);
    }

    #[test]
    fn each_url_attribute_moves_into_the_place() {
        for name in ATTRIBUTES.into_iter().filter(|name| *name != "content") {
            assert_eq!(changed(name, "/x"), "/p/x", "{name}");
            assert_eq!(changed(name, "https://app.example/x"), "/p/x", "{name}");
            assert_eq!(changed(name, " /x").trim(), "/p/x", "{name}");
            for value in [
                "/p/x",
                "//evil.example",
                "#/x",
                "x",
                "data:,/x",
                "javascript:/x",
                "",
            ] {
                assert_eq!(attribute(&MOUNT, name, value), None, "{name}={value}");
            }
        }
    }

    #[test]
    fn nothing_changes_in_a_host_place() {
        let host = Mount {
            prefix: "",
            ..MOUNT
        };
        for name in ATTRIBUTES {
            assert_eq!(attribute(&host, name, "https://app.example/x"), None);
        }
    }

    #[test]
    fn every_candidate_of_a_srcset_moves() {
        for (value, moved) in [
            ("/a 1x, /b 2x", "/p/a 1x, /p/b 2x"),
            ("/a,/b", "/p/a,/b"),
            ("/a, /b", "/p/a, /p/b"),
            (" ,/a,b,c 1x,/d", " ,/p/a,b,c 1x,/p/d"),
            ("/a,,, /b", "/p/a,,, /p/b"),
            ("x 1x,\n/b 2x", "x 1x,\n/p/b 2x"),
            ("/a foo(,/x, /y) ,/b", "/p/a foo(,/x, /y) ,/p/b"),
            ("data:,a,/x 1x,/b 2x", "data:,a,/x 1x,/p/b 2x"),
            ("/a,\u{1} /y 2x,/b", "/a,\u{1} /y 2x,/p/b"),
            ("/a 100w (", "/p/a 100w ("),
        ] {
            assert_eq!(changed("srcset", value), moved, "{value}");
        }
        assert_eq!(attribute(&MOUNT, "srcset", "a 1x, //b/c 2x, /p/x 3x"), None);
    }

    #[test]
    fn every_url_of_a_ping_moves() {
        assert_eq!(changed("ping", "/a,/b  /c\t//d"), "/p/a,/b  /p/c\t//d");
    }

    #[test]
    fn the_url_of_a_refresh_moves() {
        assert_eq!(changed("content", "0;URL='/x'"), "0;URL='/p/x'");
        assert_eq!(changed("content", "5 , /x?y"), "5 , /p/x?y");
        for value in ["/x", "0", "0;url=//evil.example", "0;/p/x", "width=/x"] {
            assert_eq!(attribute(&MOUNT, "content", value), None, "{value}");
        }
    }

    #[test]
    fn a_path_that_a_character_reference_could_change_stays() {
        for value in [
            "/&#47;evil.example",
            "/&#x2F;evil.example",
            "/&sol;evil.example",
            "/&Tab;/evil.example",
            "/a/&period;&#46;/x",
            "/x&quest;y",
            "&#47;x",
            "https&colon;//app.example/x",
            "https://app.example/&#46;./x",
            "/a&b",
        ] {
            assert_eq!(attribute(&MOUNT, "href", value), None, "{value}");
        }
        assert_eq!(
            changed("href", "/a&amp;b?x=1&amp;y&#61;2"),
            "/p/a&amp;b?x=1&amp;y&#61;2"
        );
        assert_eq!(changed("href", "/x#a&b"), "/p/x#a&b");
    }

    proptest! {
        #[test]
        fn what_was_changed_once_stays(
            value in "([ ,\t/.?'\"();=&0a\u{1}]|\\.\\.|//|https://app\\.example|\
                      https://embed\\.example|/p/|/x|url=|&amp;|&#47;){0,16}",
        ) {
            for name in ATTRIBUTES {
                if let Some(moved) = attribute(&MOUNT, name, &value) {
                    prop_assert_eq!(attribute(&MOUNT, name, &moved), None, "{} {}", name, moved);
                }
            }
        }

        #[test]
        fn every_url_that_is_written_is_in_the_place(
            urls in proptest::collection::vec("/[a-o.][a-o./%]{0,8}", 1..5),
        ) {
            let written = changed("ping", &urls.join(" "));
            for url in written.split(' ') {
                prop_assert!(is_below(url, MOUNT.prefix), "{}", url);
            }
            let written = changed("srcset", &urls.join(" 1x, "));
            for url in written.split(" 1x, ") {
                prop_assert!(is_below(url, MOUNT.prefix), "{}", url);
            }
        }

        #[test]
        fn no_text_makes_it_panic(value: String) {
            for name in ATTRIBUTES {
                let _ = attribute(&MOUNT, name, &value);
            }
        }
    }
}
