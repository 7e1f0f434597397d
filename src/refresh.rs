//! Declarative refreshes: the `Refresh` header and `<meta http-equiv="refresh">`
//! (HTML standard, "shared declarative refresh steps").

/// What stands before the URL, the URL, and what follows it; `None` where
/// browsers would not refresh. Without a URL it is `""`.
pub fn parts(value: &str) -> Option<(&str, &str, &str)> {
    let start = value.trim_ascii_start();
    let rest = start.trim_start_matches(|char: char| char.is_ascii_digit() || char == '.');
    let ends = rest.is_empty() || rest.starts_with(|char| is_space(char) || is_separator(char));
    if rest.len() == start.len() || !ends {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(is_separator).unwrap_or(rest);
    let rest = rest.trim_ascii_start();
    let rest = after_sign(rest).unwrap_or(rest);
    let (rest, url) = match rest.strip_prefix(['"', '\'']) {
        None => (rest, rest),
        Some(quoted) => {
            let quote = rest.get(..1)?;
            (quoted, quoted.split(quote).next()?)
        }
    };
    Some((value.strip_suffix(rest)?, url, rest.strip_prefix(url)?))
}

/// What follows `url=`.
fn after_sign(text: &str) -> Option<&str> {
    let (sign, rest) = text.split_at_checked(3)?;
    let rest = rest.trim_ascii_start().strip_prefix('=')?;
    sign.eq_ignore_ascii_case("url")
        .then(|| rest.trim_ascii_start())
}

fn is_separator(char: char) -> bool {
    matches!(char, ';' | ',')
}

fn is_space(char: char) -> bool {
    char.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_url_is_found_as_browsers_find_it() {
        for (value, url) in [
            ("5", Some("")),
            (" 5 ; ", Some("")),
            ("0;/x", Some("/x")),
            ("0,/x", Some("/x")),
            ("0 /x", Some("/x")),
            ("0; url=/x", Some("/x")),
            (".5;\tURL = /x y ", Some("/x y ")),
            ("1.5;url='/x'/y", Some("/x")),
            ("0;url=\"/x", Some("/x")),
            ("0;'/x\"'", Some("/x\"")),
            ("0;url=''", Some("")),
            ("0;url/x", Some("url/x")),
            ("0;ur=/x", Some("ur=/x")),
            ("0;;/x", Some(";/x")),
            ("", None),
            (";/x", None),
            ("/x", None),
            ("5x;/x", None),
            ("-1;/x", None),
        ] {
            assert_eq!(parts(value).map(|(_, url, _)| url), url, "{value}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_make_the_whole(text in "( |[0-9;,'\"=.]|url|\\PC){0,12}") {
            if let Some((before, url, after)) = parts(&text) {
                prop_assert_eq!([before, url, after].concat(), text);
            }
        }
    }
}
