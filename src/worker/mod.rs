//! The Cloudflare Worker's shell: what `core.js` calls, and the Durable Objects.

mod audit;
mod authority;
mod directory;
mod ledger;
mod notes;
mod outbox;
mod sql;

use crate::address;
use crate::api::{self, Progress};
use crate::config::Config;
use crate::confine::{self, ANSWER_HEADERS, Confinement};
use crate::conversation::{Entropy, Inputs};
use crate::facts::Facts;
use crate::gate::Gate;
use crate::header::Relevance;
use crate::ledger::Changed;
use crate::lookup::Reply;
use crate::management::Ticket;
use crate::problem::{Code, Problem};
use crate::rewrite::ATTRIBUTES;
use crate::verdict::Verdict;
use std::cell::RefCell;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

thread_local! {
    static GATE: RefCell<Option<Gate>> = const { RefCell::new(None) };
}

/// Reads the configuration: the variables as a JSON object, and the names of
/// the bindings. Answers nothing, or the answer to every request as long as the
/// configuration is wrong, as the lines of a [`Verdict`]. The secrets among them are
/// overwritten here; JavaScript keeps its own.
#[wasm_bindgen]
pub fn configure(variables: String, bindings: Vec<String>) -> Option<String> {
    match Config::parse(&Zeroizing::new(variables), &bindings) {
        Ok(config) => {
            GATE.set(Some(Gate::new(config.into())));
            None
        }
        Err(mistake) => {
            let problem = Problem::new(500, Code::ConfigInvalid, mistake.to_string());
            Some(Verdict::Answer(problem.answer()).into_text())
        }
    }
}

/// How much of a request's header crosses to [`check`], by its name: 0 nothing,
/// 1 the name, 2 the value too.
#[wasm_bindgen]
pub fn relevance(name: &str) -> u8 {
    let is_identity = |gate: &Gate| {
        let identity = gate.config.identity.as_ref();
        identity.is_some_and(|identity| identity.reads(name))
    };
    let relevance = match GATE.with_borrow(|gate| gate.as_ref().is_some_and(is_identity)) {
        true => Relevance::Read,
        false => Relevance::of(name),
    };
    relevance as u8
}

/// Decides about a request. `reply` is what an authority was asked and answered: its
/// name, the question and the answer, a line each. Answers the lines of a [`Verdict`].
#[wasm_bindgen]
pub fn check(facts: &str, reply: Option<String>, now_ms: f64) -> Result<String, JsError> {
    let reply = match reply.as_deref().map(Reply::parse) {
        Some(None) => return Ok(Verdict::Answer(Problem::store_unavailable().answer()).into_text()),
        reply => reply.flatten(),
    };
    with_gate(|gate| match Facts::parse(facts) {
        Some(facts) => gate.check(&facts, reply.as_ref(), whole(now_ms)),
        None => Verdict::Answer(Problem::invalid_request("the URL is malformed").answer()),
    })
    .map(|verdict| verdict.into_text())
}

/// Takes in what KV holds under a key.
#[wasm_bindgen]
pub fn learn(key: &str, value: Option<String>, now_ms: f64) -> Result<(), JsError> {
    with_gate(|gate| gate.learn(key, value.as_deref(), whole(now_ms)))
}

/// The answer where the shell itself must refuse, as the lines of a verdict.
#[wasm_bindgen]
pub fn refuse(facts: &str, reason: &str, now_ms: f64) -> Result<String, JsError> {
    let problem = problem(reason);
    with_gate(|gate| match Facts::parse(facts) {
        Some(facts) => gate.refuse(&facts, &problem, whole(now_ms)),
        None => problem.answer(),
    })
    .map(|answer| Verdict::Answer(answer).into_text())
}

/// The headers of an upstream's answer whose values [`confine()`] reads.
#[wasm_bindgen]
pub fn answer_headers() -> Vec<String> {
    ANSWER_HEADERS.map(str::to_owned).to_vec()
}

/// What to change in the headers of an upstream's answer in a place. `headers`
/// has a line for each, `name:value`; the answer is [`Changes`] as JSON.
///
/// [`Changes`]: crate::confine::Changes
#[wasm_bindgen]
pub fn confine(place: &str, headers: &str) -> Result<String, JsError> {
    confine::confine(place, headers).ok_or_else(|| JsError::new("the answer cannot be confined"))
}

/// The HTML attributes that hold URLs.
#[wasm_bindgen]
pub fn url_attributes() -> Vec<String> {
    ATTRIBUTES.map(str::to_owned).to_vec()
}

/// The new value of an HTML attribute in a place, if it gets one.
#[wasm_bindgen]
pub fn rewrite(place: &str, attribute: &str, value: &str) -> Result<Option<String>, JsError> {
    Confinement::parse(place)
        .map(|confinement| crate::rewrite::attribute(&confinement.mount(), attribute, value))
        .ok_or_else(|| JsError::new("the answer cannot be confined"))
}

/// A management request on its way.
#[wasm_bindgen]
pub struct Management {
    ticket: Ticket,
    entropy: Entropy,
    body: Option<String>,
    replies: Vec<String>,
    now_ms: u64,
}

#[wasm_bindgen]
impl Management {
    /// Begins what a verdict told to manage; the same arguments as for that
    /// [`check`], in the same turn. Answers nothing if the verdict is another.
    pub fn begin(facts: &str, reply: Option<String>, now_ms: f64) -> Result<Option<Self>, JsError> {
        let now_ms = whole(now_ms);
        let reply = reply.as_deref().and_then(Reply::parse);
        let verdict = with_gate(|gate| {
            Facts::parse(facts).map(|facts| gate.check(&facts, reply.as_ref(), now_ms))
        })?;
        let Some(Verdict::Manage { ticket }) = verdict else {
            return Ok(None);
        };
        let mut entropy = Entropy([0; 64], [0; 16]);
        getrandom::fill(&mut entropy.0)
            .and_then(|()| getrandom::fill(&mut entropy.1))
            .map_err(|_| JsError::new("there is no entropy"))?;
        Ok(Some(Self {
            ticket: *ticket,
            entropy,
            body: None,
            replies: Vec::new(),
            now_ms,
        }))
    }

    /// Takes the request's body, if it is UTF-8.
    pub fn body(&mut self, body: Option<String>) {
        self.body = body;
    }

    /// Takes the reply to the last question.
    pub fn reply(&mut self, reply: String) {
        self.replies.push(reply);
    }

    /// Goes as far as the replies reach. Answers the lines of a [`Verdict`]:
    /// a question or an answer.
    pub fn step(&self) -> Result<String, JsError> {
        with_gate(|gate| {
            let config = gate.config();
            let inputs = Inputs {
                config: &config,
                body: self.body.as_deref(),
                entropy: &self.entropy,
                replies: &self.replies,
                now_ms: self.now_ms,
            };
            match api::manage(&self.ticket, inputs) {
                Progress::Ask(question) => Verdict::Ask(question),
                Progress::Done {
                    answer,
                    changed,
                    spot,
                } => {
                    for Changed { digest, record } in changed {
                        gate.learn_change(digest, record, self.now_ms);
                    }
                    if let Some(spot) = spot {
                        gate.learn_spot(spot, self.now_ms);
                    }
                    Verdict::Answer(answer)
                }
            }
        })
        .map(|verdict| verdict.into_text())
    }
}

/// What stands for an address where requests are counted.
#[wasm_bindgen]
pub fn counted(address: &str) -> String {
    address::counted_as(address.trim().parse().ok())
}

/// What the shell can run into, in words.
fn problem(reason: &str) -> Problem {
    match reason {
        "body_not_allowed" => {
            Problem::invalid_request("a GET or HEAD request with a body cannot be forwarded")
        }
        "content_too_large" => {
            Problem::new(413, Code::InvalidRequest, "the body is longer than 64 KiB")
        }
        "identity_refused" => Problem::new(
            401,
            Code::TokenMalformed,
            "the identity provider's token is not valid here; sign in again",
        ),
        "requests_limited" => Problem::new(
            429,
            Code::RateLimited,
            "too many requests; try again as Retry-After says",
        ),
        "signature_refused" => Problem::new(
            401,
            Code::TokenMalformed,
            "the report is not signed by a key that is known",
        ),
        "rate_limited" => Problem::new(
            429,
            Code::RateLimited,
            "too many unknown tokens came from here; try again in a minute",
        ),
        "upstream_slow" => Problem::new(
            504,
            Code::UpstreamUnavailable,
            "the app did not answer within 60 seconds",
        ),
        "upstream_unavailable" => Problem::new(
            502,
            Code::UpstreamUnavailable,
            "the app could not be reached",
        ),
        _ => Problem::store_unavailable(),
    }
}

fn with_gate<T>(then: impl FnOnce(&mut Gate) -> T) -> Result<T, JsError> {
    GATE.with_borrow_mut(|gate| gate.as_mut().map(then))
        .ok_or_else(|| JsError::new("the gate is not configured"))
}

/// A whole number from JavaScript, such as its clock's milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates"
)]
const fn whole(number: f64) -> u64 {
    number as u64
}
