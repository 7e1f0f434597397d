//! What the core answers for a request.

use crate::answer::Answer;
use crate::config::Upstream;
use crate::management::Ticket;
use serde::Serialize;

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "camelCase")]
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
        #[serde(skip)]
        ticket: Box<Ticket>,
    },
}

impl Verdict {
    /// JSON for the shell.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// How to forward a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forward {
    /// The whole URL that the upstream gets.
    pub url: String,
    /// The service binding to send it to; none: the network.
    pub service: Option<String>,
    /// The names of the headers to remove, as they came.
    pub remove: Vec<String>,
    /// The headers to set afterwards.
    pub set: Vec<(&'static str, String)>,
    /// Whether the answer is for this client only, so that no shared cache may
    /// keep it.
    pub private: bool,
    /// Whether the token stood in the URL, which no other site may then hear of.
    #[serde(rename = "hideReferrer")]
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
        (format!("{base}{path}{mark}{query}"), service)
    }
}

/// A question to a Durable Object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
