//! The watch page: a blank page of Gatepass in a hidden frame, on which an entry
//! of the SDK ends. Its script tells the host page that the session is good, and
//! asks now and then whether it still is. That does not count as the viewer's
//! activity.

use crate::answer::Answer;
use crate::embed::Viewer;
use crate::gate::{Check, Stop};
use crate::json::Object;
use crate::page;
use crate::place::Place;
use crate::problem::{Code, Problem};
use crate::verdict::Verdict;

impl Check<'_, '_> {
    /// The watch page of a place, or what it asks.
    pub(crate) fn watch(&mut self, rest: &str, host: Option<&Place>) -> Result<Verdict, Stop> {
        let (name, asks) = match rest.split_once('/') {
            None => (rest, false),
            Some((name, "session")) => (name, true),
            Some(_) => return Err(self.turn_away(&Problem::not_found(), &[])),
        };
        let place = Place::parse(name);
        let place = place.ok_or_else(|| self.turn_away(&Problem::not_found(), &[]))?;
        if host.is_some_and(|host| *host != place) {
            return Err(self.misdirected());
        }
        if !matches!(self.facts.method, "GET" | "HEAD") {
            let answer = Problem::new(405, Code::InvalidRequest, "use GET").answer();
            return Ok(Verdict::Answer(answer.header("allow", "GET, HEAD")));
        }
        let viewer = self.viewer(&place, None, true)?;
        let Viewer {
            session,
            record,
            embed,
            app,
            address,
        } = &viewer;
        let end = record.session_end(embed, session.id.time());
        let expires_in = end.since(self.now());
        let url = format!("{}{}/", address.origin, address.prefix);
        let answer = if asks {
            let mut watched = Object::default();
            watched.text("place", place.as_str());
            watched.text("url", &url);
            watched.text("expiresAt", &end.to_rfc3339());
            watched.number("expiresIn", expires_in);
            Answer::json(200, watched.finish())
        } else {
            let audience = app.framed_by(&embed.allowed_origins);
            page::watch(place.as_str(), &url, expires_in, audience)
        };
        Ok(Verdict::Answer(answer))
    }
}
