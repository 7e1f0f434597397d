//! The gate: from the facts of a request to a verdict.
//!
//! 1. Gatepass's own paths go to the management API ([`crate::management`]).
//! 2. The path must be spelled so that nobody can read it as another, and then
//!    falls under one rule ([`crate::route`]).
//! 3. A public rule lets anybody pass. Else one credential must be there
//!    ([`crate::credentials`]), be a token in shape and checksum, have a record
//!    that is active and in time, in a workspace that lets tokens in, come from
//!    an allowed address, and hold the rule's scopes.
//! 4. What passes is forwarded ([`crate::forward`]).
//!
//! Whatever is missing for a decision is asked for by the verdict; whatever
//! goes wrong is a refusal.

use crate::answer::Answer;
use crate::asker::Source as From;
use crate::challenge::Challenge;
use crate::config::Config;
use crate::credentials::{self, Credential, CredentialError, Source};
use crate::digest::Digest;
use crate::embed_host::{ENTRY, Site};
use crate::entrance::WATCH;
use crate::facts::Facts;
use crate::forward::{self, Bearer};
use crate::leaks::{self, Report};
use crate::lookup::Reply;
use crate::management::{Call, TOOLJET_PATH, Ticket};
use crate::memory::{Knowledge, Memory};
use crate::metrics;
use crate::oauth;
use crate::place::Place;
use crate::problem::{Code, Problem};
use crate::record::{Record, State};
use crate::records::Sought;
use crate::refusal::refusal;
use crate::sessions::Spot;
use crate::settings::Settings;
use crate::time::Time;
use crate::token::{Kind, Token};
use crate::verdict::Verdict;
use crate::vouched::Vouched;
use std::rc::Rc;

/// The gate of one isolate: its configuration and its memory.
#[derive(Debug)]
pub struct Gate {
    pub(crate) config: Rc<Config>,
    pub(crate) memory: Memory,
}

/// Why the check goes no further.
pub(crate) struct Stop {
    verdict: Box<Verdict>,
    /// What is wrong, if it is a refusal.
    pub(crate) problem: Option<Problem>,
}

impl Stop {
    /// A stop with a verdict other than to allow.
    pub(crate) fn of(verdict: Verdict) -> Self {
        Self {
            verdict: Box::new(verdict),
            problem: None,
        }
    }

    /// A refusal, and what is wrong.
    pub(crate) fn refused(answer: Answer, problem: Problem) -> Self {
        Self {
            verdict: Box::new(Verdict::Answer(answer)),
            problem: Some(problem),
        }
    }
}

impl Gate {
    /// A gate with an empty memory.
    pub fn new(config: Rc<Config>) -> Self {
        Self {
            config,
            memory: Memory::new(MEMORY_CAPACITY),
        }
    }

    /// The configuration.
    pub fn config(&self) -> Rc<Config> {
        Rc::clone(&self.config)
    }

    /// Takes in what KV holds under a key.
    pub fn learn(&mut self, key: &str, value: Option<&str>, now_ms: u64) {
        match key.split_once('/') {
            Some(("t", hex)) => {
                if let Some(digest) = Digest::from_hex(hex) {
                    self.memory.learn_record(digest, value, now_ms);
                }
            }
            Some(("w", workspace)) => self.memory.learn_settings(workspace, value, now_ms),
            Some(("p", name)) => {
                if let Some(place) = Place::parse(name) {
                    let origins = value.and_then(Spot::read_origins);
                    self.memory.learn_audience(&place, origins, now_ms);
                }
            }
            _ => {}
        }
    }

    /// Takes in a record that its ledger has just written.
    pub fn learn_change(&mut self, digest: Digest, record: Record, now_ms: u64) {
        self.memory.learn_from_ledger(digest, Some(record), now_ms);
    }

    /// Takes in where an embed has just been opened.
    pub fn learn_spot(&mut self, spot: Spot, now_ms: u64) {
        let Spot { place, origins, .. } = spot;
        self.memory.learn_audience(&place, Some(origins), now_ms);
    }

    /// Decides about a request. `reply` answers the question of the verdict
    /// before, if that was one.
    pub fn check(&mut self, facts: &Facts<'_>, reply: Option<&Reply>, now_ms: u64) -> Verdict {
        let mut check = self.looking_at(facts, reply, now_ms);
        check.decide().unwrap_or_else(|stop| check.told(stop))
    }

    /// Decides about a request where nothing of Gatepass's own is but embeds at hosts of
    /// their own: for the npm package.
    pub fn admit(&mut self, facts: &Facts<'_>, reply: Option<&Reply>, now_ms: u64) -> Verdict {
        let mut check = self.looking_at(facts, reply, now_ms);
        check.admit().unwrap_or_else(|stop| check.told(stop))
    }

    /// The answer where the shell itself must refuse: a deadline, a budget, an
    /// upstream that is away.
    pub fn refuse(&mut self, facts: &Facts<'_>, problem: &Problem, now_ms: u64) -> Answer {
        let check = self.looking_at(facts, None, now_ms);
        if let Some(audience) = check.embed_audience() {
            return check.refusal_in_embed(problem, &audience);
        }
        let challenge = (problem.status == 401).then_some(Challenge::InvalidToken);
        refusal(facts, &self.config.routes, problem, challenge)
    }

    const fn looking_at<'a, 'f>(
        &'a mut self,
        facts: &'a Facts<'f>,
        reply: Option<&'a Reply>,
        now_ms: u64,
    ) -> Check<'a, 'f> {
        Check {
            gate: self,
            facts,
            reply,
            now_ms,
            known: None,
        }
    }
}

pub(crate) struct Check<'a, 'f> {
    pub(crate) gate: &'a mut Gate,
    pub(crate) facts: &'a Facts<'f>,
    pub(crate) reply: Option<&'a Reply>,
    pub(crate) now_ms: u64,
    /// The record of the presented token or session, once it is found.
    pub(crate) known: Option<Rc<Vouched>>,
}

impl<'f> Check<'_, 'f> {
    fn decide(&mut self) -> Result<Verdict, Stop> {
        let facts = self.facts;
        if facts.method == VERIFY {
            return self.verify();
        }
        let own = facts.own_path();
        match own {
            Some(_) if facts.path == leaks::PATH => return self.report(),
            Some("/healthz") => return Ok(Verdict::Answer(health(facts.method))),
            Some(path) => {
                if let Some(path) = ASSETS.iter().find(|asset| **asset == path) {
                    return Ok(serve(path, facts.method));
                }
            }
            None => {}
        }
        match self.gate.config.embed_host.site(facts.hostname()) {
            Site::Place(place) => self.embed(Some(&place)),
            Site::Places => self.embed(None),
            Site::Nowhere => Err(self.misdirected()),
            Site::Main { places } if is_embed(facts.path) => {
                // No app's page shares an origin with who manages.
                if places && self.is_for_management() != Some(true) {
                    self.embed(None)
                } else {
                    Err(self.misdirected())
                }
            }
            Site::Main { .. } => match own {
                Some(metrics::PATH) => self.metrics(),
                Some(path) => self.tokens_page(path).map_or_else(|| self.own(), Ok),
                None if facts.path == TOOLJET_PATH && self.gate.config.tooljet => self.tooljet(),
                None => match self.for_synergy() {
                    Some(call) => self.synergy(call),
                    None if self.is_for_management() == Some(true) => {
                        Err(self.stop(Problem::not_found()))
                    }
                    None => self.upstream(),
                },
            },
        }
    }

    fn admit(&mut self) -> Result<Verdict, Stop> {
        let facts = self.facts;
        match self.gate.config.embed_host.site(facts.hostname()) {
            Site::Place(place) => {
                let own = facts.own_path();
                let shown = PAGE_ASSETS.iter().find(|asset| Some(**asset) == own);
                match shown {
                    Some(path) => Ok(serve(path, facts.method)),
                    None => self.embed(Some(&place)),
                }
            }
            Site::Main { places } if places || !is_embed(facts.path) => self.upstream(),
            _ => Err(self.misdirected()),
        }
    }

    /// Whether this is the host for people who manage; `None`: there is none in particular.
    pub(crate) fn is_for_management(&self) -> Option<bool> {
        let host = self.gate.config.management_host.as_deref();
        host.map(|host| host == self.facts.hostname())
    }

    /// The verdict of a stop. A refusal of a known token says whose it is, for the shell
    /// alone: no header can have this name.
    fn told(&self, stop: Stop) -> Verdict {
        let mut verdict = *stop.verdict;
        if let (Verdict::Answer(answer), Some(problem), Some(record)) =
            (&mut verdict, &stop.problem, &self.known)
            && matches!(problem.status, 401 | 403)
        {
            let told = [record.id.as_str(), problem.code.name()].join(" ");
            answer.headers.push((REFUSED, told.into()));
        }
        verdict
    }

    /// Another Worker's question whether a token is good, and for what it needs it.
    fn verify(&mut self) -> Result<Verdict, Stop> {
        let found = credentials::find(self.facts, None);
        let credential = self.required(found)?;
        let record = self.pat(&credential)?;
        let scopes = self.facts.header("@scopes").unwrap_or_default();
        let has = |scope: &str| record.scopes.contains(scope);
        if !scopes.split_whitespace().all(has) {
            return Err(self.stop_for_scope(scopes));
        }
        let app = self.facts.header("@app").unwrap_or_default();
        if !app.is_empty() && !record.covers_app(app) {
            let sentence = "the token is not for this app";
            return Err(self.stop(Problem::new(403, Code::AppMismatch, sentence)));
        }
        let answer = Answer::json(200, oauth::active(&record));
        Ok(Verdict::Answer(
            answer.header(USED, record.id.as_str().to_owned()),
        ))
    }

    /// A report of leaked tokens, where the operator has said who may sign them.
    fn report(&self) -> Result<Verdict, Stop> {
        let facts = self.facts;
        if !self.gate.config.leak_reports {
            return Err(Stop::of(Verdict::Answer(Problem::not_found().answer())));
        }
        if facts.method != "POST" {
            let problem = Problem::new(405, Code::InvalidRequest, "reports are sent by POST");
            let answer = problem.answer().header("allow", "POST");
            return Err(Stop::of(Verdict::Answer(answer)));
        }
        if facts.header(SIGNED).is_none() {
            return Ok(Verdict::Report);
        }
        let source = From::of(facts);
        Ok(Verdict::Manage {
            ticket: Box::new(Ticket::Report(Report { source })),
        })
    }

    /// A request of 12d Synergy's clients, where they are served.
    fn for_synergy(&self) -> Option<Result<Call, Answer>> {
        let Facts {
            method,
            path,
            query,
            ..
        } = self.facts;
        let served = self.gate.config.synergy;
        served.then(|| Call::parse_synergy(method, path, *query))?
    }

    /// The workspaces that are at this host.
    pub(crate) fn workspaces(&self) -> impl Iterator<Item = &String> {
        // Another Worker's question is asked at no host.
        let anywhere = self.facts.method == VERIFY;
        let config = &self.gate.config;
        config.workspaces_at(self.facts.hostname(), anywhere)
    }

    /// The configuration.
    pub(crate) fn config(&self) -> Rc<Config> {
        self.gate.config()
    }

    /// The isolate's memory.
    pub(crate) const fn memory(&self) -> &Memory {
        &self.gate.memory
    }

    /// The time in Unix milliseconds.
    pub(crate) const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The time.
    pub(crate) const fn now(&self) -> Time {
        Time::from_millis(self.now_ms)
    }

    /// Who may frame the place that a request is about, as far as this isolate
    /// knows; `None`: it is about no embed.
    fn embed_audience(&self) -> Option<Vec<String>> {
        let facts = self.facts;
        let site = self.gate.config.embed_host.site(facts.hostname());
        if matches!(site, Site::Main { .. }) && !is_embed(facts.path) {
            return None;
        }
        let named = facts
            .path
            .split('/')
            .find_map(|segment| Place::parse(segment.strip_prefix('~').unwrap_or(segment)));
        let place = match site {
            Site::Place(place) => Some(place),
            _ => named,
        };
        let audience = place.and_then(|place| {
            let known = self.gate.memory.audience(&place, self.now_ms);
            known
                .map(|origins| origins.to_vec())
                .or_else(|| self.framed_by(&place))
        });
        Some(audience.unwrap_or_default())
    }

    /// Who may frame a place, by the record of its session.
    fn framed_by(&self, place: &Place) -> Option<Vec<String>> {
        let session = self.session(place)?;
        let Knowledge::Known(record) = self.gate.memory.record(&session.digest, self.now_ms) else {
            return None;
        };
        let app = self.gate.config.app(&session.app)?;
        let embed = record.embed.as_ref()?;
        Some(app.framed_by(&embed.allowed_origins).to_vec())
    }

    /// A path of the upstream's.
    fn upstream(&mut self) -> Result<Verdict, Stop> {
        let config = Rc::clone(&self.gate.config);
        self.refuse_unforwardable()?;
        if let Some((origin, method)) = self.facts.preflight() {
            return Ok(Verdict::Answer(self.preflight(&config, origin, method)));
        }
        let rule = config
            .routes
            .find(self.facts.method, self.facts.path)
            .map_err(|unclear| self.stop(Problem::invalid_request(unclear.to_string())))?;
        if rule.public {
            let forward = forward::forward(self.facts, &config, rule, Bearer::Anyone);
            return Ok(Verdict::Allow(forward));
        }
        let found = credentials::find(self.facts, rule.query_token.as_deref());
        let credential = self.required(found)?;
        let record = self.pat(&credential)?;
        if !record.scopes.cover(&rule.scopes) {
            return Err(self.stop_for_scope(&rule.scopes.joined()));
        }
        let bearer = Bearer::Pat(&record, credential.source);
        Ok(Verdict::Allow(forward::forward(
            self.facts, &config, rule, bearer,
        )))
    }

    /// Some methods are never forwarded.
    pub(crate) fn refuse_unforwardable(&self) -> Result<(), Stop> {
        if !UNFORWARDABLE_METHODS.contains(&self.facts.method) {
            return Ok(());
        }
        let problem = Problem::new(405, Code::InvalidRequest, "this method is not forwarded");
        let answer = problem
            .answer()
            .header("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        Err(Stop::of(Verdict::Answer(answer)))
    }

    /// A CORS preflight is answered from the route's configuration and never
    /// forwarded: it carries no credential, so it could not be let in.
    fn preflight(&self, config: &Config, origin: &str, method: &str) -> Answer {
        let rule = config.routes.find(method, self.facts.path);
        if !rule.is_ok_and(|rule| rule.allows_origin(origin)) {
            let sentence = "this route does not list the page's origin under cors";
            return Problem::new(403, Code::CrossSite, sentence).answer();
        }
        Answer::empty(204)
            .header("access-control-allow-origin", origin.to_owned())
            .header("access-control-allow-methods", method.to_owned())
            .header(
                "access-control-allow-headers",
                "authorization, content-type, private-token, x-api-key, *",
            )
            .header("access-control-max-age", "600")
            .header("vary", "Origin")
    }

    /// The one credential of the request, or a refusal.
    pub(crate) fn required(
        &self,
        found: Result<Option<Credential<'f>>, CredentialError>,
    ) -> Result<Credential<'f>, Stop> {
        match found {
            Ok(Some(credential)) => {
                if credential.source == Source::Basic {
                    self.refuse_cross_site()?;
                }
                Ok(credential)
            }
            Ok(None) => Err(self.stop(Problem::new(
                401,
                Code::TokenMissing,
                "send a token: \"Authorization: Bearer <token>\", or Basic with the token as password",
            ))),
            Err(CredentialError::TooLong) => {
                let sentence = CredentialError::TooLong.to_string();
                Err(self.stop(Problem::new(431, Code::InvalidRequest, sentence)))
            }
            Err(mistake) => {
                let problem = Problem::invalid_request(mistake.to_string());
                Err(self.stop_with(problem, Some(Challenge::InvalidRequest)))
            }
        }
    }

    /// Where the browser adds the credential by itself, no other site's page
    /// may make it act.
    pub(crate) fn refuse_cross_site(&self) -> Result<(), Stop> {
        if self.facts.cross_site() {
            let sentence = "a page of another site made this request";
            return Err(self.stop(Problem::new(403, Code::CrossSite, sentence)));
        }
        Ok(())
    }

    /// The record of a presented PAT that is good here and now.
    pub(crate) fn pat(&mut self, credential: &Credential<'_>) -> Result<Rc<Vouched>, Stop> {
        let token = Token::parse(&credential.text).map_err(|_| {
            let sentence = match self.facts.own_path() {
                None => "this is not a token; check that it was copied whole",
                Some(_) => "this is neither the operator key nor a token; check it",
            };
            self.stop(Problem::new(401, Code::TokenMalformed, sentence))
        })?;
        if token.kind() != Kind::Pat {
            let sentence = "an embed token opens an embed, not the API";
            return Err(self.stop(Problem::new(401, Code::KindMismatch, sentence)));
        }
        let sought = Sought {
            hint: token.hint(),
            digest: Digest::of(token.secret()),
            session: None,
        };
        let record = self.record(sought)?;
        let settings = self.settings(&record.workspace)?;
        let record = self.asked_if_strict(record, sought)?;
        if record.kind() != Kind::Pat {
            let sentence = "an embed token opens an embed, not the API";
            return Err(self.stop(Problem::new(401, Code::KindMismatch, sentence)));
        }
        match self.fault(&record, &settings) {
            None => Ok(record),
            Some(problem) => Err(self.stop(problem)),
        }
    }

    /// What is wrong with a token whose secret was presented.
    pub(crate) fn fault(&self, record: &Record, settings: &Settings) -> Option<Problem> {
        let expired = || {
            let over = record.expired(self.now());
            over.then(|| Problem::new(401, Code::TokenExpired, "the token has expired"))
        };
        self.state_fault(record)
            .or_else(expired)
            .or_else(|| self.use_fault(record, settings))
    }

    /// What is wrong with the state of a token.
    pub(crate) fn state_fault(&self, record: &Record) -> Option<Problem> {
        let (code, sentence) = match record.state {
            State::Active => return None,
            State::Revoked => (Code::TokenRevoked, "the token is revoked"),
            State::Disabled => (Code::TokenDisabled, "the token is disabled"),
            State::Used => (Code::TokenUsed, "the token was used up or replaced"),
        };
        Some(Problem::new(401, code, sentence))
    }

    /// What forbids a good token here and now.
    pub(crate) fn use_fault(&self, record: &Record, settings: &Settings) -> Option<Problem> {
        if !settings.authentication {
            let sentence = "tokens are switched off in this workspace";
            return Some(Problem::new(403, Code::AuthenticationDisabled, sentence));
        }
        let ips = &record.allowed_ips;
        if !ips.is_empty() && !ips.admit(self.facts.address()) {
            let sentence = "the token may not be used from this address";
            return Some(Problem::new(403, Code::AddressNotAllowed, sentence));
        }
        None
    }

    pub(crate) fn unknown(&self) -> Stop {
        let sentence = "there is no such token";
        self.stop(Problem::new(401, Code::TokenUnknown, sentence))
    }

    pub(crate) fn stop(&self, problem: Problem) -> Stop {
        let challenge = match (problem.status, problem.code) {
            (401, Code::TokenMissing) => Some(Challenge::Missing),
            (401, _) => Some(Challenge::InvalidToken),
            _ => None,
        };
        self.stop_with(problem, challenge)
    }

    pub(crate) fn stop_for_scope(&self, needed: &str) -> Stop {
        let sentence = format!("the token lacks a scope; needed: {needed}");
        let problem = Problem::new(403, Code::ScopeInsufficient, sentence);
        self.stop_with(problem, Some(Challenge::InsufficientScope(needed)))
    }

    fn stop_with(&self, problem: Problem, challenge: Option<Challenge<'_>>) -> Stop {
        let routes = &self.gate.config.routes;
        let answer = refusal(self.facts, routes, &problem, challenge);
        Stop::refused(answer, problem)
    }
}

/// The method of another Worker's question: no request can have it (RFC 9110 §9.1).
const VERIFY: &str = "@verify";

/// Where the shell says that it has checked a report's signature.
const SIGNED: &str = "@signed";

/// Where an answer says which token it was made for, for the shell alone.
pub(crate) const USED: &str = "@used";

/// Where a refusal says which token it is about.
const REFUSED: &str = "@refused";

/// Whether a path is one of embeds, where places may be paths.
fn is_embed(path: &str) -> bool {
    path.starts_with(ENTRY) || path.starts_with(WATCH)
}

/// A file of the assets, for anybody.
pub(crate) fn serve(path: &'static str, method: &str) -> Verdict {
    if !matches!(method, "GET" | "HEAD") {
        let problem = Problem::new(405, Code::InvalidRequest, "use GET");
        return Verdict::Answer(problem.answer().header("allow", "GET, HEAD"));
    }
    Verdict::Asset { path }
}

/// What stands below `/gatepass` as files: the API's description, the embed SDK, what
/// the pages in a frame load, and the public keys, which the shell writes itself.
const ASSETS: [&str; 6] = [
    "/api/openapi.json",
    "/embed.js",
    "/embed/page.css",
    "/embed/refusal.js",
    "/embed/watch.js",
    "/jwks.json",
];

/// Those of them that the pages in a frame load.
const PAGE_ASSETS: [&str; 3] = ["/embed/page.css", "/embed/refusal.js", "/embed/watch.js"];

fn health(method: &str) -> Answer {
    match method {
        "GET" | "HEAD" => Answer::json(200, HEALTHY.to_owned()),
        _ => {
            let problem = Problem::new(405, Code::InvalidRequest, "use GET");
            problem.answer().header("allow", "GET, HEAD")
        }
    }
}

const HEALTHY: &str = "{\"status\":\"ok\"}";

/// So many tokens of each kind an isolate remembers.
const MEMORY_CAPACITY: usize = 8192;

/// Methods that a proxy must not pass on, or that the platform cannot send.
const UNFORWARDABLE_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];
