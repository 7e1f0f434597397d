//! Web origins, in the one spelling that browsers send (HTML §7.1.1).

use crate::bytes::find;

/// Whether a text is a serialised origin: `http` or `https`, a host in lower
/// case, and a port unless it is the scheme's own; no path, no wildcard. Such a
/// text is safe as a source in a Content-Security-Policy.
pub fn is_origin(text: &str) -> bool {
    let (rest, own_port) = match text.split_once("://") {
        Some(("https", rest)) => (rest, "443"),
        Some(("http", rest)) => (rest, "80"),
        _ => return false,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    is_host(host) && port.is_none_or(|port| port != own_port && is_port(port))
}

/// The origin of a URL, as the URL has it.
pub fn of_url(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at.saturating_add(3));
    let end = url.get(host..).and_then(|rest| rest.find('/'));
    let end = end.map_or(url.len(), |end| host.saturating_add(end));
    url.get(..end).unwrap_or(url)
}

/// Scheme, host and port of an origin; the port with the colon before it, or
/// empty.
pub fn parts(origin: &str) -> (&str, &str, &str) {
    let (scheme, authority) = origin.split_once("://").unwrap_or(("https", ""));
    let host = without_port(authority);
    let port = authority.get(host.len()..).unwrap_or_default();
    (scheme, host, port)
}

/// The origin of another host of the deployment, where somebody asks at `asked`: in
/// development with the same scheme and port; else `https`, without a port.
pub fn beside(asked: &str, host: &str, development: bool) -> String {
    match parts(asked) {
        (scheme, _, port) if development => [scheme, "://", host, port].concat(),
        _ => ["https://", host].concat(),
    }
}

/// A host without its port.
pub fn without_port(host: &str) -> &str {
    if find(host, b':').is_none() {
        return host;
    }
    let port = host.rfind(':').filter(|at| {
        let port = host.get(*at..).unwrap_or_default();
        !port.contains(']')
    });
    host.get(..port.unwrap_or(host.len())).unwrap_or(host)
}

/// Whether a text is a host name, an IPv4 address or an IPv6 address in
/// brackets, in lower case.
pub fn is_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[') {
        let address = inner.strip_suffix(']').unwrap_or_default();
        return address.parse::<std::net::Ipv6Addr>().is_ok()
            && !address.bytes().any(|byte| byte.is_ascii_uppercase());
    }
    let label = |label: &str| {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        !label.is_empty() && label.bytes().all(allowed)
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_port(text: &str) -> bool {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    canonical && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_browsers_send_is_an_origin() {
        for origin in [
            "https://portal.example",
            "http://127.0.0.1:8788",
            "http://localhost:3000",
            "https://[2001:db8::1]:8443",
            "https://[::1]",
            "https://xn--bcher-kva.example",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn no_other_spelling_is() {
        for text in [
            "",
            "*",
            "null",
            "https://",
            "https://*.example",
            "https://Portal.example",
            "https://portal.example/",
            "https://portal.example:443",
            "http://portal.example:80",
            "https://portal.example:",
            "https://portal.example:0443",
            "https://portal.example:65536",
            "https://user@portal.example",
            "https://portal.example ",
            "https://portal.example;script-src *",
            "https://a.example https://b.example",
            "https://portal..example",
            "https://[::1",
            "ftp://portal.example",
            "data:text/html,x",
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn a_urls_origin_ends_where_its_path_begins() {
        for (url, origin) in [
            ("https://a.example/x/y", "https://a.example"),
            ("https://a.example:8443", "https://a.example:8443"),
            ("x", "x"),
            ("", ""),
        ] {
            assert_eq!(of_url(url), origin);
        }
    }

    #[test]
    fn an_origin_has_three_parts() {
        for (origin, scheme, host, port) in [
            ("https://a.example", "https", "a.example", ""),
            ("http://localhost:8787", "http", "localhost", ":8787"),
            ("https://[::1]", "https", "[::1]", ""),
            ("https://[::1]:8443", "https", "[::1]", ":8443"),
        ] {
            assert_eq!(parts(origin), (scheme, host, port));
        }
    }

    proptest! {
        #[test]
        fn an_origin_holds_nothing_that_a_header_or_a_policy_would_split_at(text in "https://[ -~]{0,20}") {
            if is_origin(&text) {
                prop_assert!(!text.contains([' ', ',', ';', '\'', '"', '*']));
            }
        }
    }
}
