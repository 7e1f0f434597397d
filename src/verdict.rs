//! What the core answers for a request.
//!
//! It crosses to the shell as lines. The first names the verdict; no part but an
//! answer's body, which comes last, can hold a line feed:
//!
//! | first line | what follows |
//! |---|---|
//! | `allow` | URL, service, CORS origin, flags, names to remove separated by commas; name and value of each header to set; an empty line; in a place what its answer must become |
//! | `answer` | status; name and value of each header; an empty line; the body |
//! | `read` | the keys |
//! | `ask` | class, name, command; binding and key of each budget |
//! | `identify` | the JWT |
//! | `report` | nothing |
//! | `asset` | the file's path |
//! | `manage` | nothing |

use crate::answer::Answer;
use crate::config::Upstream;
use crate::management::Ticket;
use percent_encoding::PercentEncode;

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Forward the request to the upstream.
    Allow(Forward),
    /// Answer it.
    Answer(Answer),
    /// Read keys from KV and teach the core what was found (`t/<digest>`,
    /// `w/<workspace>`), then ask again.
    Read {
        /// The keys.
        keys: Vec<String>,
    },
    /// Ask an authority, within the budgets, then ask again with its reply.
    Ask(Question),
    /// Check an identity provider's JWT, then ask again with its claims.
    Identify {
        /// The JWT.
        jwt: String,
    },
    /// Check the signature of a report of leaked tokens, then ask again.
    Report,
    /// Answer with a file of the assets.
    Asset {
        /// The file's path.
        path: &'static str,
    },
    /// Carry out a management request: read its body and go the asynchronous way.
    Manage {
        /// What was decided.
        ticket: Box<Ticket>,
    },
}

impl Verdict {
    /// The lines for the shell.
    pub fn into_text(self) -> String {
        let mut lines = Lines(String::new());
        match self {
            Self::Allow(forward) => return forward.0,
            Self::Answer(answer) => {
                lines.0.reserve(USUAL_LENGTH);
                lines.push("answer");
                lines.push(&answer.status.to_string());
                for (name, value) in &answer.headers {
                    lines.push(name);
                    lines.push(value);
                }
                lines.push("");
                lines.push(&answer.body);
            }
            Self::Read { keys } => {
                lines.push("read");
                keys.iter().for_each(|key| lines.push(key));
            }
            Self::Ask(question) => {
                lines.push("ask");
                lines.push(question.class);
                lines.push(&question.name);
                lines.push(&question.command);
                for (binding, key) in &question.budgets {
                    lines.push(binding);
                    lines.push(key);
                }
            }
            Self::Identify { jwt } => {
                lines.push("identify");
                lines.push(&jwt);
            }
            Self::Asset { path } => {
                lines.push("asset");
                lines.push(path);
            }
            Self::Report => lines.push("report"),
            Self::Manage { .. } => lines.push("manage"),
        }
        lines.0.pop();
        lines.0
    }
}

/// Text that grows by lines.
struct Lines(String);

impl Lines {
    fn push(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

/// How to forward a request: its lines, which are written once and in their order. It
/// is begun with a [`Target`]; then come the headers to set, and it is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward(String);

/// Where a request goes, and what holds for its answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// What the URL begins with: scheme, host and base path.
    pub base: &'a str,
    /// The path, which is set on the base and never resolved.
    pub path: &'a str,
    /// The query, where there is one.
    pub query: Option<&'a str>,
    /// The service binding to send it to; empty: the network.
    pub service: &'a str,
    /// The origin whose page may read the answer; empty: none.
    pub cors: &'a str,
    /// Whether the answer is for this client only, so that no shared cache may
    /// keep it.
    pub private: bool,
    /// Whether the token stood in the URL, which no other site may then hear of.
    pub hide_referrer: bool,
    /// Whether URLs in its HTML must be moved into the place ([`crate::rewrite`]).
    pub rewrites: bool,
}

impl<'a> Target<'a> {
    /// A path of an upstream. A service gets the address that the client used.
    pub fn of(upstream: &'a Upstream, origin: &'a str, path: &'a str) -> Self {
        let (base, service) = match upstream {
            Upstream::Url(base) => (base.as_str(), ""),
            Upstream::Service(binding) => (origin, binding.as_str()),
        };
        Self {
            base,
            path,
            service,
            ..Self::default()
        }
    }
}

impl Forward {
    /// Begins it; these headers are removed, by their names as they came.
    pub fn begin<'a>(target: &Target<'_>, remove: impl Iterator<Item = &'a str>) -> Self {
        let mut text = String::with_capacity(USUAL_LENGTH);
        text.push_str("allow\n");
        text.push_str(target.base);
        text.push_str(target.path);
        if let Some(query) = target.query {
            text.push('?');
            text.push_str(query);
        }
        for line in [target.service, target.cors] {
            text.push('\n');
            text.push_str(line);
        }
        text.push('\n');
        for (flag, letter) in [
            (target.private, "p"),
            (target.hide_referrer, "h"),
            (target.rewrites, "r"),
        ] {
            if flag {
                text.push_str(letter);
            }
        }
        text.push('\n');
        let mut sign = "";
        for name in remove {
            text.push_str(sign);
            text.push_str(name);
            sign = ",";
        }
        text.push('\n');
        Self(text)
    }

    /// Sets a header.
    pub fn set(&mut self, name: &'static str, value: &str) {
        push_header(&mut self.0, name, value);
    }

    /// Sets headers.
    pub fn set_all(&mut self, headers: &HeaderLines) {
        self.0.push_str(&headers.0);
    }

    /// Ends it; in a place with what its answer must become ([`crate::confine`]).
    #[must_use]
    pub fn end(mut self, place: &[&str]) -> Self {
        if place.is_empty() {
            self.0.push('\n');
        }
        for line in place {
            self.0.push('\n');
            self.0.push_str(line);
        }
        self
    }
}

/// Header fields in order, as the lines that cross: name and value of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderLines(String);

impl HeaderLines {
    /// Adds a field.
    pub fn push(&mut self, name: &'static str, value: &str) {
        push_header(&mut self.0, name, value);
    }

    /// Adds a field whose value is encoded on the way.
    pub fn push_encoded(&mut self, name: &'static str, value: PercentEncode<'_>) {
        self.0.push_str(name);
        self.0.push('\n');
        self.0.extend(value);
        self.0.push('\n');
    }
}

fn push_header(lines: &mut String, name: &'static str, value: &str) {
    for line in [name, value] {
        lines.push_str(line);
        lines.push('\n');
    }
}

/// Bytes that most verdicts have room in.
const USUAL_LENGTH: usize = 1024;

/// A question to a Durable Object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The binding of its class: `LEDGER` or `DIRECTORY`.
    pub class: &'static str,
    /// Its name: `l/<hint>` or `d/<workspace>`.
    pub name: String,
    /// The command, as JSON.
    pub command: String,
    /// The budgets that must have room: rate-limit binding and key.
    pub budgets: Vec<(&'static str, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_and_service(upstream: &Upstream, path: &str, query: Option<&str>) -> String {
        let target = Target {
            query,
            ..Target::of(upstream, "https://gate.example", path)
        };
        Forward::begin(&target, [].into_iter()).end(&[]).0
    }

    #[test]
    fn a_path_is_set_on_the_base_and_never_resolved() {
        let upstream = Upstream::Url("https://app.example/base".to_owned());
        assert_eq!(
            url_and_service(&upstream, "//evil.example/x", Some("q")),
            "allow\nhttps://app.example/base//evil.example/x?q\n\n\n\n\n\n"
        );
    }

    #[test]
    fn a_service_sees_the_address_that_the_client_used() {
        let upstream = Upstream::Service("APP".to_owned());
        assert_eq!(
            url_and_service(&upstream, "/x", None),
            "allow\nhttps://gate.example/x\nAPP\n\n\n\n\n"
        );
    }
}
