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
    pub fn to_text(&self) -> String {
        let mut lines = Lines(String::with_capacity(1024));
        match self {
            Self::Allow(forward) => forward.write(&mut lines),
            Self::Answer(answer) => {
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
            Self::Asset { path } => {
                lines.push("asset");
                lines.push(path);
            }
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

/// How to forward a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The whole URL that the upstream gets.
    pub url: String,
    /// The service binding to send it to; none: the network.
    pub service: Option<String>,
    /// The names of the headers to remove, as they came.
    pub remove: Vec<String>,
    /// The headers to set afterwards.
    pub set: HeaderList,
    /// Whether the answer is for this client only, so that no shared cache may
    /// keep it.
    pub private: bool,
    /// Whether the token stood in the URL, which no other site may then hear of.
    pub hide_referrer: bool,
    /// The origin whose page may read the answer.
    pub cors: Option<String>,
    /// What the answer must become in a place ([`crate::confine`]), packed.
    pub place: Option<String>,
    /// Whether URLs in its HTML must be moved into the place ([`crate::rewrite`]).
    pub rewrites: bool,
}

impl Forward {
    /// Where a path of the upstream stands: its URL, by setting path and query
    /// on the base, and its service binding. A service gets the address that
    /// the client used.
    pub fn target(
        upstream: &Upstream,
        origin: &str,
        path: &str,
        query: Option<&str>,
    ) -> (String, Option<String>) {
        let (base, service) = match upstream {
            Upstream::Url(base) => (base.as_str(), None),
            Upstream::Service(binding) => (origin, Some(binding.clone())),
        };
        let (mark, query) = query.map_or(("", ""), |query| ("?", query));
        ([base, path, mark, query].concat(), service)
    }

    fn write(&self, lines: &mut Lines) {
        lines.push("allow");
        lines.push(&self.url);
        lines.push(self.service.as_deref().unwrap_or_default());
        lines.push(self.cors.as_deref().unwrap_or_default());
        for (flag, letter) in [
            (self.private, 'p'),
            (self.hide_referrer, 'h'),
            (self.rewrites, 'r'),
        ] {
            if flag {
                lines.0.push(letter);
            }
        }
        lines.push("");
        for (index, name) in self.remove.iter().enumerate() {
            if index > 0 {
                lines.0.push(',');
            }
            lines.0.push_str(name);
        }
        lines.push("");
        lines.0.push_str(&self.set.0);
        lines.push("");
        lines.push(self.place.as_deref().unwrap_or_default());
    }
}

/// Header fields in order, as the lines that cross: name and value of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderList(String);

impl HeaderList {
    /// Adds a field.
    pub fn push(&mut self, name: &'static str, value: &str) {
        self.begin(name);
        self.0.push_str(value);
        self.0.push('\n');
    }

    /// Adds a field whose value is encoded on the way.
    pub fn push_parts(&mut self, name: &'static str, value: PercentEncode<'_>) {
        self.begin(name);
        self.0.extend(value);
        self.0.push('\n');
    }

    fn begin(&mut self, name: &'static str) {
        if self.0.is_empty() {
            self.0.reserve(USUAL_LENGTH);
        }
        self.0.push_str(name);
        self.0.push('\n');
    }

    /// The fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut lines = self.0.split_terminator('\n');
        core::iter::from_fn(move || Some((lines.next()?, lines.next()?)))
    }
}

/// Bytes that the headers of most requests have room in.
const USUAL_LENGTH: usize = 512;

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

    #[test]
    fn a_path_is_set_on_the_base_and_never_resolved() {
        let upstream = Upstream::Url("https://app.example/base".to_owned());
        let (url, service) = Forward::target(
            &upstream,
            "https://gate.example",
            "//evil.example/x",
            Some("q"),
        );
        assert_eq!(url, "https://app.example/base//evil.example/x?q");
        assert_eq!(service, None);
    }

    #[test]
    fn a_service_sees_the_address_that_the_client_used() {
        let upstream = Upstream::Service("APP".to_owned());
        let (url, service) = Forward::target(&upstream, "https://gate.example", "/x", None);
        assert_eq!(url, "https://gate.example/x");
        assert_eq!(service.as_deref(), Some("APP"));
    }
}
