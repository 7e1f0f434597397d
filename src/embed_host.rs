//! At which hosts embeds live.

use crate::origin;
use crate::place::Place;

/// What `EMBED_HOST` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbedHost {
    /// Each place has a host name under this one: `*.embed.example.net`.
    Each(String),
    /// All places are paths of this one host, which serves nothing else.
    Apart(String),
    /// All places are paths of the host where the gate is.
    Shared,
}

/// What a request's host is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// The app's own site. Whether places may be paths of it.
    Main {
        /// Whether they may.
        places: bool,
    },
    /// Places that are paths.
    Places,
    /// This one place.
    Place(Place),
    /// Nothing: no place has such a name.
    Nowhere,
}

/// Where a place is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its web origin.
    pub origin: String,
    /// The path that it begins with, without a slash at the end; empty where
    /// the place has a host of its own.
    pub prefix: String,
}

impl EmbedHost {
    /// Reads `EMBED_HOST`.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, each) = match text.strip_prefix("*.") {
            Some(host) => (host, true),
            None => (text, false),
        };
        let named = origin::is_host(host) && !host.starts_with('[');
        named.then(|| {
            let host = host.to_owned();
            if each {
                Self::Each(host)
            } else {
                Self::Apart(host)
            }
        })
    }

    /// What a host name is for.
    pub fn site(&self, hostname: &str) -> Site {
        // With a dot at its end it is another origin of the same host.
        if let Some(hostname) = hostname.strip_suffix('.') {
            return match self.site(hostname) {
                main @ Site::Main { .. } => main,
                _ => Site::Nowhere,
            };
        }
        match self {
            Self::Shared => Site::Main { places: true },
            Self::Apart(host) if host == hostname => Site::Places,
            Self::Apart(_) => Site::Main { places: false },
            Self::Each(parent) => {
                let label = hostname
                    .strip_suffix(parent.as_str())
                    .and_then(|label| label.strip_suffix('.'));
                match label {
                    None => Site::Main { places: false },
                    Some(label) => Place::parse(label).map_or(Site::Nowhere, Site::Place),
                }
            }
        }
    }

    /// Where a place of an app is. `asked` is the origin at which somebody asks.
    pub fn address(&self, asked: &str, development: bool, app: &str, place: &Place) -> Address {
        let host = match self {
            Self::Each(parent) => &[place.as_str(), ".", parent].concat(),
            Self::Apart(apart) => apart.as_str(),
            Self::Shared => origin::parts(asked).1,
        };
        let prefix = match self {
            Self::Each(_) => String::new(),
            _ => format!("{ENTRY}{app}/~{}", place.as_str()),
        };
        Address {
            origin: origin::beside(asked, host, development),
            prefix,
        }
    }
}

impl Address {
    /// The URL that opens the place with a token.
    pub fn entry(&self, app: &str, secret: &str) -> String {
        format!("{}{ENTRY}{app}?{TOKEN_PARAMETER}={secret}", self.origin)
    }
}

/// What the path of an entry begins with; the app's id follows.
pub const ENTRY: &str = "/embed-apps/";

/// The query parameter of an entry that holds the token.
pub const TOKEN_PARAMETER: &str = "personal-access-token";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> Place {
        Place::of("default", "ada", "jobs", "")
    }

    fn each() -> EmbedHost {
        EmbedHost::parse("*.embed.example.net").unwrap()
    }

    fn address(host: &EmbedHost, url: &str, development: bool) -> Address {
        host.address(url, development, "jobs", &place())
    }

    #[test]
    fn each_place_has_its_host_and_no_other_name_is_one() {
        let name = place().as_str().to_owned();
        let site = |host: &str| each().site(host);
        assert_eq!(
            site(&format!("{name}.embed.example.net")),
            Site::Place(place())
        );
        for host in [
            "x.embed.example.net",
            &format!("a.{name}.embed.example.net"),
            &format!("{}.embed.example.net", name.to_uppercase()),
            ".embed.example.net",
            &format!("{name}.embed.example.net."),
            &format!("{name}.embed.example.net.."),
        ] {
            assert_eq!(site(host), Site::Nowhere, "{host}");
        }
        for host in [
            "embed.example.net",
            "gate.example",
            "gate.example.",
            &format!("{name}embed.example.net"),
        ] {
            assert_eq!(site(host), Site::Main { places: false }, "{host}");
        }
    }

    #[test]
    fn a_host_apart_serves_places_alone() {
        let apart = EmbedHost::parse("embed.example.net").unwrap();
        assert_eq!(apart.site("embed.example.net"), Site::Places);
        assert_eq!(apart.site("embed.example.net."), Site::Nowhere);
        assert_eq!(apart.site("gate.example"), Site::Main { places: false });
        assert_eq!(
            EmbedHost::Shared.site("gate.example"),
            Site::Main { places: true }
        );
    }

    #[test]
    fn an_address_is_https_except_in_development() {
        let name = place().as_str().to_owned();
        let at = address(&each(), "http://gate.example:8787", false);
        assert_eq!(at.origin, format!("https://{name}.embed.example.net"));
        assert_eq!(at.prefix, "");
        let local = EmbedHost::parse("*.localhost").unwrap();
        let at = address(&local, "http://localhost:8787", true);
        assert_eq!(at.origin, format!("http://{name}.localhost:8787"));
        let at = address(&EmbedHost::Shared, "https://[::1]:8443", true);
        assert_eq!(at.origin, "https://[::1]:8443");
        assert_eq!(at.prefix, format!("/embed-apps/jobs/~{name}"));
    }

    #[test]
    fn only_host_names_are_read() {
        for text in [
            "",
            "*",
            "*.",
            "https://a.example",
            "a.example:1",
            "*.*.a",
            "[::1]",
        ] {
            assert_eq!(EmbedHost::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_host_name_makes_it_panic(host: String) {
            let _ = each().site(&host);
        }
    }
}
