//! The Cloudflare Worker's shell: what `core.js` calls, and the Durable Objects.

mod api;
mod directory;
mod ledger;
mod outbox;
mod sql;

use crate::config::Config;
use crate::facts::{Facts, READ_HEADERS};
use crate::gate::{Gate, Reply};
use crate::management::Ticket;
use crate::problem::{Code, Problem};
use crate::verdict::Verdict;
use std::cell::RefCell;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, wasm_bindgen_futures};

thread_local! {
    static GATE: RefCell<Option<Gate>> = const { RefCell::new(None) };
}

/// Reads the configuration: the variables as a JSON object, and the names of
/// the bindings. Answers what is wrong with it, or nothing.
#[wasm_bindgen]
pub fn configure(variables: &str, bindings: Vec<String>) -> Option<String> {
    match Config::parse(variables, &bindings) {
        Ok(config) => {
            GATE.set(Some(Gate::new(config.into())));
            None
        }
        Err(mistake) => Some(mistake.to_string()),
    }
}

/// The headers whose values a check reads.
#[wasm_bindgen]
pub fn read_headers() -> Vec<String> {
    READ_HEADERS.map(str::to_owned).to_vec()
}

/// Decides about a request. Answers a [`Verdict`] as JSON.
#[wasm_bindgen]
pub fn check(facts: &str, reply: Option<String>, now_ms: f64) -> Result<String, JsError> {
    let reply = match reply.as_deref().map(Reply::parse) {
        Some(None) => return Ok(Verdict::Answer(Problem::store_unavailable().answer()).to_json()),
        reply => reply.flatten(),
    };
    with_gate(|gate| match Facts::parse(facts) {
        Some(facts) => gate.check(&facts, reply.as_ref(), millis(now_ms)),
        None => Verdict::Answer(Problem::invalid_request("the URL is malformed").answer()),
    })
    .map(|verdict| verdict.to_json())
}

/// Takes in what KV holds under a key.
#[wasm_bindgen]
pub fn learn(key: &str, value: Option<String>, now_ms: f64) -> Result<(), JsError> {
    with_gate(|gate| gate.learn(key, value.as_deref(), millis(now_ms)))
}

/// The answer where the shell itself must refuse, as a verdict in JSON.
#[wasm_bindgen]
pub fn refuse(facts: &str, reason: &str) -> Result<String, JsError> {
    let problem = problem(reason);
    with_gate(|gate| match Facts::parse(facts) {
        Some(facts) => gate.refuse(&facts, &problem),
        None => problem.answer(),
    })
    .map(|answer| Verdict::Answer(answer).to_json())
}

/// Carries out a management request. Answers its answer as JSON.
#[wasm_bindgen]
pub async fn manage(
    env: Env,
    ticket: String,
    body: String,
    now_ms: f64,
) -> Result<String, JsError> {
    let config = with_gate(|gate| gate.config())?;
    let ticket: Ticket =
        serde_json::from_str(&ticket).map_err(|_| JsError::new("the ticket cannot be read"))?;
    let managed = api::manage(&env, &config, ticket, &body, millis(now_ms)).await;
    with_gate(|gate| {
        for (digest, record) in managed.changed {
            gate.learn_change(digest, record, millis(now_ms));
        }
    })?;
    Ok(serde_json::to_string(&managed.answer)?)
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

/// JavaScript's clock as whole milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates"
)]
const fn millis(now_ms: f64) -> u64 {
    now_ms as u64
}
