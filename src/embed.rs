//! The gate of embeds: entries, and what happens in a place.
//!
//! 1. An entry is a frame's navigation to `/embed-apps/<app>` with an embed
//!    token, at the place's own host. It is checked as any token is, and then
//!    the ledger opens a session ([`crate::entrance`]).
//! 2. In a place a session's cookie counts and no other credential. The place in
//!    the cookie's name, in the URL and under the MAC must be one, and so must
//!    workspace, user and app in the session and in the token's record.
//! 3. `SameSite=None` protects nothing, so the browser must say that the place
//!    itself asks, whatever the method; the frame's own navigations by `GET` are
//!    excepted.
//! 4. Who sees a page is told there, and who calls by script in a problem.

use crate::answer::Answer;
use crate::app::App;
use crate::asker::Source;
use crate::challenge::Challenge;
use crate::cookie;
use crate::credentials;
use crate::digest::Digest;
use crate::embed_host::{Address, ENTRY, TOKEN_PARAMETER};
use crate::entrance::{self, Entrance, OPENED, RENEW, WATCH};
use crate::forward::{self, Visit};
use crate::gate::{Check, Stop};
use crate::management::Ticket;
use crate::origin;
use crate::page;
use crate::path;
use crate::place::Place;
use crate::problem::{Code, Problem};
use crate::record::{Embed, Record};
use crate::records::Sought;
use crate::session::Session;
use crate::sessions::{self, Spot};
use crate::time::Time;
use crate::token::{Kind, Token};
use crate::verdict::Verdict;
use crate::vouched::Vouched;
use std::borrow::Cow;
use std::rc::Rc;

/// A session that may go on, with the record of its token.
pub(crate) struct Viewer {
    pub(crate) session: Session,
    pub(crate) record: Rc<Vouched>,
    pub(crate) embed: Embed,
    pub(crate) app: Rc<App>,
    pub(crate) address: Address,
}

impl Check<'_, '_> {
    /// A request to the host of a place, or to one where places are paths.
    pub(crate) fn embed(&mut self, host: Option<&Place>) -> Result<Verdict, Stop> {
        let path = self.facts.path;
        if let Some(rest) = path.strip_prefix(WATCH) {
            return self.watch(rest, host);
        }
        let Some(rest) = path.strip_prefix(ENTRY) else {
            return match host {
                Some(place) if self.facts.own_path().is_none() => self.inside(place, None, path),
                _ => Err(self.turn_away(&Problem::not_found(), &[])),
            };
        };
        match (rest.split_once('/'), host) {
            (None, _) => self.enter(rest, host),
            (Some((app, inner)), None) => {
                let inner = inner.strip_prefix('~').unwrap_or_default();
                let (name, slash) = inner
                    .split_at_checked(inner.find('/').unwrap_or(inner.len()))
                    .unwrap_or_default();
                let place = Place::parse(name);
                let place = place.ok_or_else(|| self.turn_away(&Problem::not_found(), &[]))?;
                if slash.is_empty() {
                    let query = self.facts.query_without_secrets(&[TOKEN_PARAMETER]);
                    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
                    let location = format!("{path}/{query}");
                    let policy = page::frame_ancestors(&[]);
                    let answer = page::framed(Answer::empty(308), policy);
                    return Ok(Verdict::Answer(answer.header("location", location)));
                }
                self.inside(&place, Some(app), slash)
            }
            (Some(_), Some(_)) => Err(self.turn_away(&Problem::not_found(), &[])),
        }
    }

    /// What the answer is where an entry or a place is asked for at a host that
    /// is not theirs: 421, and nothing is spent.
    pub(crate) fn misdirected(&self) -> Stop {
        let detail = "this embed is not at this host; use the URL as it was given";
        self.turn_away(&Problem::new(421, Code::InvalidRequest, detail), &[])
    }

    fn enter(&mut self, app: &str, host: Option<&Place>) -> Result<Verdict, Stop> {
        let config = self.config();
        let Some(app) = config.app(app) else {
            return Err(self.turn_away(&Problem::no_app(), &[]));
        };
        let audience = app.allowed_origins.as_slice();
        if !matches!(self.facts.method, "GET" | "HEAD") {
            let answer = Problem::new(405, Code::InvalidRequest, "an entry is by GET").answer();
            return Ok(Verdict::Answer(answer.header("allow", "GET, HEAD")));
        }
        let refuse = |check: &Self, status, code, detail: &'static str| {
            check.turn_away(&Problem::new(status, code, detail), audience)
        };
        let presented = self.facts.query_values(TOKEN_PARAMETER);
        let [text] = presented.as_slice() else {
            let detail = "an entry holds one personal-access-token";
            let (status, code) = match presented.len() {
                0 => (401, Code::TokenMissing),
                _ => (400, Code::InvalidRequest),
            };
            return Err(refuse(self, status, code, detail));
        };
        if text.len() > credentials::MAX_LENGTH {
            return Err(refuse(
                self,
                401,
                Code::TokenMalformed,
                "this is not a token",
            ));
        }
        let Ok(token) = Token::parse(text) else {
            return Err(refuse(
                self,
                401,
                Code::TokenMalformed,
                "this is not a token",
            ));
        };
        if token.kind() != Kind::Embed {
            let detail = "a PAT opens the API, not an embed";
            return Err(refuse(self, 401, Code::KindMismatch, detail));
        }
        if self.is_prefetch() {
            let detail = "an embed is not fetched ahead of time";
            return Err(refuse(self, 400, Code::InvalidRequest, detail));
        }
        let digest = Digest::of(token.secret());
        let sought = Sought {
            hint: token.hint(),
            digest,
            session: None,
        };
        let record = self
            .record(sought)
            .map_err(|stop| self.as_page(stop, audience))?;
        let settings = self
            .settings(&record.workspace)
            .map_err(|stop| self.as_page(stop, audience))?;
        let Some(embed) = &record.embed else {
            let detail = "a PAT opens the API, not an embed";
            return Err(refuse(self, 401, Code::KindMismatch, detail));
        };
        let audience = app.framed_by(&embed.allowed_origins);
        if !record.covers_app(&app.id) {
            let detail = "the token is not for this app";
            let problem = Problem::new(403, Code::AppMismatch, detail);
            return Err(self.turn_away(&problem, audience));
        }
        let place = Place::of(&record.workspace, &record.uid, &app.id, &embed.label);
        if host.is_some_and(|host| *host != place) {
            return Err(self.misdirected());
        }
        if let Some(problem) = self.fault(&record, &settings) {
            return Err(self.turn_away(&problem, audience));
        }
        if !self.is_embedding(embed) {
            let detail = "the link is to be shown inside another page";
            let problem = Problem::new(400, Code::InvalidRequest, detail);
            return Err(self.turn_away(&problem, audience));
        }
        if !self.is_framed_by(audience) {
            let detail = "the page around the frame may not show this embed";
            let problem = Problem::new(403, Code::OriginNotAllowed, detail);
            return Err(self.turn_away(&problem, audience));
        }
        if !Session::fits(&record.workspace, &record.uid, &app.id) {
            let detail = "the app's id is too long for this user's sessions";
            let problem = Problem::new(400, Code::InvalidRequest, detail);
            return Err(self.turn_away(&problem, audience));
        }
        let own = [TOKEN_PARAMETER, OPENED, RENEW];
        let entrance = Entrance {
            digest,
            address: self.address(&app.id, &place),
            query: self.facts.query_without_secrets(&own).map(Cow::into_owned),
            renew: self.facts.query_values(RENEW) == ["1"],
            origin: self
                .facts
                .header("referer")
                .map_or("", origin::of_url)
                .to_owned(),
            source: Source::of(self.facts),
            killed: embed.sessions_from.max(settings.sessions_from),
            forget: self.crowded_out(&place),
            spot: Spot {
                place,
                app: app.id.clone(),
                origins: audience.to_vec(),
            },
            record: Record::clone(&record),
        };
        Ok(Verdict::Manage {
            ticket: Box::new(Ticket::Enter(Box::new(entrance))),
        })
    }

    /// Whether the browser opens a frame for the viewer, or a tab if the token
    /// is for that too. Whoever sends no fetch metadata may be a scanner of
    /// links: then a token for single use is kept.
    fn is_embedding(&self, embed: &Embed) -> bool {
        if self.facts.method != "GET" {
            return false;
        }
        if !self.facts.from_browser() {
            return !embed.single_use;
        }
        let navigates = self.facts.header("sec-fetch-mode") == Some("navigate");
        match self.facts.header("sec-fetch-dest") {
            Some("iframe" | "frame") => navigates,
            Some("document") => navigates && embed.top_level,
            _ => false,
        }
    }

    /// Whether the page that opens the frame may show it, as far as the browser
    /// tells: `frame-ancestors` is what keeps others out, but comes when a token
    /// for single use is spent.
    fn is_framed_by(&self, audience: &[String]) -> bool {
        if self.facts.header("sec-fetch-dest") == Some("document") {
            return true;
        }
        self.facts.header("referer").is_none_or(|referer| {
            let origin = origin::of_url(referer);
            origin == self.facts.origin || audience.iter().any(|allowed| allowed == origin)
        })
    }

    fn is_prefetch(&self) -> bool {
        let told = ["sec-purpose", "purpose"].map(|name| self.facts.header(name));
        told.into_iter()
            .flatten()
            .any(|told| told.contains("prefetch"))
    }

    /// A request in a place; `path` is what the app shall see, `app` what the
    /// URL names where places are paths.
    fn inside(&mut self, place: &Place, app: Option<&str>, path: &str) -> Result<Verdict, Stop> {
        if path::climbs_anywhere(path) {
            let detail = "the path can be read in more than one way; spell it plainly";
            return Err(self.turn_away(&Problem::invalid_request(detail), &[]));
        }
        self.refuse_unforwardable()?;
        let viewer = self.viewer(place, app, false)?;
        // A worker in charge of the whole host would be handed each entry, token and all.
        let is_worker = self.facts.header("service-worker").is_some()
            || self.facts.header("sec-fetch-dest") == Some("serviceworker");
        if is_worker && app.is_none() && path.rfind('/') == Some(0) {
            let detail = "a service worker's script must lie in a folder, as its scope does";
            let problem = Problem::new(403, Code::InvalidRequest, detail);
            return Err(self.turn_away(&problem, &[]));
        }
        let config = self.config();
        let renewed = self.renewed(&viewer);
        let visit = Visit {
            record: &viewer.record,
            app: &viewer.app,
            place,
            address: &viewer.address,
            path,
            audience: viewer.app.framed_by(&viewer.embed.allowed_origins),
            document: self.shows_page(),
            session: &viewer.session.id,
            session_cookie: renewed.unwrap_or_default(),
        };
        let forward = forward::into_place(self.facts, &config, &visit);
        Ok(Verdict::Allow(forward))
    }

    /// The session of a request in a place that may go on. `watching`: for the
    /// watch page.
    pub(crate) fn viewer(
        &mut self,
        place: &Place,
        app: Option<&str>,
        watching: bool,
    ) -> Result<Viewer, Stop> {
        let Some(session) = self.session(place) else {
            return Err(self.no_session(place, watching));
        };
        let sought = Sought {
            hint: session.id.hint(),
            digest: session.digest,
            session: Some(&session.id),
        };
        let unknown_audience: &[String] = &[];
        let record = self
            .record(sought)
            .map_err(|stop| self.as_page(stop, unknown_audience))?;
        let settings = self
            .settings(&record.workspace)
            .map_err(|stop| self.as_page(stop, unknown_audience))?;
        let record = self
            .asked_if_strict(record, sought)
            .map_err(|stop| self.as_page(stop, unknown_audience))?;
        let config = self.config();
        let configured = config.app(&session.app);
        let (Some(embed), Some(configured)) = (&record.embed, configured) else {
            return Err(self.ended(unknown_audience));
        };
        let audience = configured.framed_by(&embed.allowed_origins);
        let (workspace, uid) = (&session.workspace, &session.uid);
        let agrees = record.workspace == *workspace
            && record.uid == *uid
            && record.covers_app(&session.app)
            && app.is_none_or(|app| app == session.app)
            && Place::of(workspace, uid, &session.app, &embed.label) == *place;
        let now = self.now();
        let cut = embed.sessions_from.max(settings.sessions_from);
        let killed = cut.is_some_and(|cut| session.id.time() <= cut)
            || embed.killed.iter().any(|(id, _)| *id == session.id);
        let over = record.session_end(embed, session.id.time()) <= now;
        if !agrees || killed || over {
            return Err(self.ended(audience));
        }
        if !sessions::goes_on(record.state)
            && let Some(problem) = self.state_fault(&record)
        {
            return Err(self.turn_away(&problem, audience));
        }
        if let Some(problem) = self.use_fault(&record, &settings) {
            return Err(self.turn_away(&problem, audience));
        }
        if !self.asked_by_the_place(embed) {
            let detail = "a page outside the place made this request";
            let problem = Problem::new(403, Code::CrossSite, detail);
            return Err(self.turn_away(&problem, audience));
        }
        Ok(Viewer {
            address: self.address(&session.app, place),
            app: Rc::clone(configured),
            embed: embed.clone(),
            record,
            session,
        })
    }

    /// The session that the request's cookie for a place holds, if its time is
    /// not over.
    pub(crate) fn session(&self, place: &Place) -> Option<Session> {
        let config = self.config();
        let keys = config.session_keys.as_ref()?;
        let name = place.cookie();
        let cookies = self.facts.header("cookie").unwrap_or_default();
        let opened = cookie::values(cookies, &name)
            .take(MAX_COOKIES)
            .filter_map(|value| Session::open(value, keys))
            .filter(|session| session.place == *place && session.expires > self.now());
        opened.max_by_key(|session| session.issued)
    }

    /// A request without a session: either it has ended, or right after an entry
    /// the browser kept no cookie.
    fn no_session(&self, place: &Place, watching: bool) -> Stop {
        if !self.shows_page() {
            return self.ended(&[]);
        }
        let key = Spot::key(place);
        let Some(audience) = self.audience(place) else {
            return Stop::of(Verdict::Read { keys: vec![key] });
        };
        let name = place.cookie();
        let cookies = self.facts.header("cookie").unwrap_or_default();
        let opened = watching || self.facts.query_values(OPENED) == ["1"];
        if opened && cookie::values(cookies, &name).next().is_none() {
            let detail = "the browser kept no cookie for this embed";
            let problem = Problem::new(403, Code::CookiesBlocked, detail);
            return self.turn_away(&problem, &audience);
        }
        self.ended(&audience)
    }

    fn ended(&self, audience: &[String]) -> Stop {
        let problem = Problem::new(401, Code::SessionEnded, "there is no live session here");
        self.turn_away(&problem, audience)
    }

    /// Rule 3. A WebSocket carries the place's own origin.
    fn asked_by_the_place(&self, embed: &Embed) -> bool {
        let facts = self.facts;
        let origin = facts.header("origin");
        let own = origin == Some(facts.origin);
        if facts.header("upgrade").is_some() {
            return own;
        }
        let site = facts.header("sec-fetch-site");
        // A page that sends no `Referer` sends no `Origin` but "null" with a form.
        let hidden = origin == Some("null") && site == Some("same-origin");
        if !(own || hidden || origin.is_none()) {
            return false;
        }
        let navigates = matches!(facts.method, "GET" | "HEAD")
            && facts.header("sec-fetch-mode") == Some("navigate");
        let framed = match facts.header("sec-fetch-dest") {
            Some("iframe" | "frame") => true,
            Some("document") => embed.top_level,
            _ => false,
        };
        match site {
            Some("same-origin") => true,
            Some(_) => navigates && framed,
            None => own,
        }
    }

    /// The next cookie of a session that ends when its viewer is idle: one is
    /// made when a quarter of that time is gone.
    fn renewed(&self, viewer: &Viewer) -> Option<String> {
        let Viewer {
            session,
            record,
            embed,
            ..
        } = viewer;
        let quarter = u64::from(embed.idle_minutes?).saturating_mul(15);
        if self.now().since(session.issued) < quarter {
            return None;
        }
        let next = Session {
            issued: self.now(),
            expires: entrance::expires(record, embed, &session.id, self.now()),
            ..session.clone()
        };
        let config = self.config();
        entrance::cookie(&next, config.session_keys.as_ref()?, self.now())
    }

    /// The cookies of other places that go, so that a browser holds no more than
    /// [`MAX_PLACES`]: first what is no session, then the oldest.
    fn crowded_out(&self, place: &Place) -> Vec<String> {
        let config = self.config();
        let cookies = self.facts.header("cookie").unwrap_or_default();
        let mut kept: Vec<(Option<Time>, Place)> = cookie::sessions(cookies)
            .filter(|(other, _)| other != place)
            .map(|(other, value)| {
                let keys = config.session_keys.as_ref();
                let session = keys.and_then(|keys| Session::open(value, keys));
                (session.map(|session| session.issued), other)
            })
            .collect();
        let mut crowded_out = Vec::new();
        while kept.len() >= MAX_PLACES && crowded_out.len() < MAX_PLACES {
            let ages = kept.iter().map(|(issued, _)| issued).enumerate();
            let Some((oldest, _)) = ages.min_by_key(|(_, issued)| **issued) else {
                break;
            };
            let (_, place) = kept.swap_remove(oldest);
            crowded_out.push(place.cookie());
        }
        crowded_out
    }

    fn address(&self, app: &str, place: &Place) -> Address {
        let config = self.config();
        let asked = self.facts.origin;
        let host = &config.embed_host;
        host.address(asked, config.development, app, place)
    }

    /// The answer to a refusal in an embed: a page where one is shown.
    pub(crate) fn turn_away(&self, problem: &Problem, audience: &[String]) -> Stop {
        let answer = self.refusal_in_embed(problem, audience);
        Stop::refused(answer, problem.clone())
    }

    /// The same, as an answer.
    pub(crate) fn refusal_in_embed(&self, problem: &Problem, audience: &[String]) -> Answer {
        if self.shows_page() {
            return page::refusal(problem, audience);
        }
        let answer = problem.answer();
        match problem.status {
            401 => answer.header("www-authenticate", Challenge::Missing.bearer()),
            _ => answer,
        }
    }

    /// A stop of the token check, as a page where one is shown. What asks for
    /// something goes on as it is.
    fn as_page(&self, stop: Stop, audience: &[String]) -> Stop {
        match stop.problem {
            Some(problem) => self.turn_away(&problem, audience),
            None => stop,
        }
    }

    /// Whether the answer is shown to a person, in a frame or a tab.
    fn shows_page(&self) -> bool {
        match self.facts.header("sec-fetch-dest") {
            Some(dest) => matches!(dest, "iframe" | "frame" | "document"),
            None => self.facts.path.starts_with(ENTRY) && !self.facts.path.contains('~'),
        }
    }

    /// The origins that may frame a place, as far as this isolate knows.
    fn audience(&self, place: &Place) -> Option<Rc<[String]>> {
        self.memory().audience(place, self.now_ms())
    }
}

/// How many places' cookies a browser holds in one partition.
const MAX_PLACES: usize = 16;

/// How many cookies of one name are looked at.
const MAX_COOKIES: usize = 16;
