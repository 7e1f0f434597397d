//! The tokens page, for people in a browser: its files are at the host where people are
//! signed in, and at no other.

use crate::answer::Answer;
use crate::gate::{Check, serve};
use crate::origin;
use crate::verdict::Verdict;

impl Check<'_, '_> {
    /// What the app's own site has of the page at a path below `/gatepass`.
    pub(crate) fn tokens_page(&self, path: &str) -> Option<Verdict> {
        let file = FILES.iter().find(|file| **file == path)?;
        let config = &self.gate.config;
        let host = config.management_host.as_deref();
        let elsewhere = host.filter(|_| self.is_for_management() == Some(false));
        let (status, mut location) = match (elsewhere, *file) {
            (Some(host), "" | HTML) => {
                let origin = origin::beside(self.facts.origin, host, config.development);
                (307, [&origin, LOCATION].concat())
            }
            (Some(_), _) => return None,
            (None, "") => (308, LOCATION.to_owned()),
            (None, _) => return Some(serve(file, self.facts.method)),
        };
        if let Some(query) = self.facts.query_without_secrets(&[]) {
            location.push('?');
            location.push_str(&query);
        }
        Some(match serve(file, self.facts.method) {
            Verdict::Asset { .. } => {
                Verdict::Answer(Answer::empty(status).header("location", location))
            }
            refusal => refusal,
        })
    }
}

const LOCATION: &str = "/gatepass/";

const HTML: &str = "/";

/// Below `/gatepass`; the first is where the page is looked for without a slash.
const FILES: [&str; 5] = ["", HTML, "/icon.svg", "/page.css", "/page.js"];
