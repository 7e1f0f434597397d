//! The npm package's shell: what its JavaScript calls.
//!
//! An instance of the module is one gate, or none: what needs no gate is called at one
//! that was not configured. Errors cross as the body of a [`Problem`]'s answer.

use crate::challenge::Challenge;
use crate::config::Config;
use crate::confine::{self, ANSWER_HEADERS};
use crate::conversation::Entropy;
use crate::digest::Digest;
use crate::facts::Facts;
use crate::gate::Gate;
use crate::header::Relevance;
use crate::hint::Hint;
use crate::json::Object;
use crate::kept::{self, Created, Maker, Opened, Row};
use crate::lookup::Reply;
use crate::management::Ticket;
use crate::minting::{self, Asked};
use crate::problem::{Code, Problem};
use crate::scope::Scope;
use crate::session::{Session, SessionKeys};
use crate::time::Time;
use crate::token::{Kind, Token};
use crate::verdict::Verdict;
use std::cell::RefCell;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

thread_local! {
    static GATE: RefCell<Option<Gate>> = const { RefCell::new(None) };
}

/// Reads the gate's options, a JSON object by the names of variables. The secrets among
/// them are overwritten here; JavaScript keeps its own.
#[wasm_bindgen]
pub fn configure(options: String) -> Result<(), JsValue> {
    let config = Config::of_package(&Zeroizing::new(options)).map_err(|mistake| {
        let problem = Problem::new(500, Code::ConfigInvalid, mistake.sentence.clone());
        refused(&problem.about(mistake.field.clone()))
    })?;
    GATE.set(Some(Gate::new(config.into())));
    Ok(())
}

/// How much of a request's header crosses to [`check`], by its name: 0 nothing,
/// 1 the name, 2 the value too.
#[wasm_bindgen]
pub fn relevance(name: &str) -> u8 {
    // The shell says by this name what the platform knows; from a client it is nothing.
    let told = name == "cf-connecting-ip";
    (if told {
        Relevance::Passed
    } else {
        Relevance::of(name)
    }) as u8
}

/// Decides about a request. `question` is what the verdict before asked (its lines but the
/// first two), `value` what the store has under that key. Answers the lines of a
/// [`Verdict`]; one that asks has the key before the question, one that enters the key of
/// the token's record.
#[wasm_bindgen]
pub fn check(
    facts: &str,
    question: Option<String>,
    value: Option<String>,
    now_ms: f64,
) -> Result<String, JsValue> {
    let reply = question.as_deref().and_then(|question| {
        let (name, question) = question.split_once('\n')?;
        kept::reply(name, question, value)
    });
    decide(facts, reply.as_ref(), whole(now_ms)).map(told)
}

/// A verdict as its lines.
fn told(verdict: Verdict) -> String {
    match verdict {
        Verdict::Ask(question) => {
            let key = kept::asked(&question.name, &question.command);
            ["ask", &key, &question.name, &question.command].join("\n")
        }
        Verdict::Manage { ticket } => match *ticket {
            Ticket::Enter(entrance) => ["enter", &kept::key(&entrance.digest)].join("\n"),
            _ => Verdict::Answer(Problem::not_found().answer()).into_text(),
        },
        verdict => verdict.into_text(),
    }
}

/// Takes in what the store has under a key.
#[wasm_bindgen]
pub fn learn(key: &str, value: Option<String>, now_ms: f64) -> Result<(), JsValue> {
    with_gate(|gate| gate.learn(key, value.as_deref(), whole(now_ms)))
}

/// Opens the session of an entry, whose record was just read. Answers `open` and, a line each,
/// what must replace that record first (nothing: nothing), and an answer as the lines of a
/// [`Verdict`]; or a verdict, where the record says otherwise by now.
#[wasm_bindgen]
pub fn enter(facts: &str, now_ms: f64) -> Result<String, JsValue> {
    let now_ms = whole(now_ms);
    let verdict = decide(facts, None, now_ms)?;
    let Verdict::Manage { ticket } = verdict else {
        return Ok(told(verdict));
    };
    let config = with_gate(|gate| gate.config())?;
    let (Ticket::Enter(entrance), Some(keys)) = (*ticket, &config.session_keys) else {
        return Err(refused(&Problem::store_unavailable()));
    };
    let Some(Opened { used_up, answer }) = kept::open(&entrance, keys, &entropy()?, now_ms) else {
        return Err(refused(&Problem::store_unavailable()));
    };
    with_gate(|gate| gate.learn_spot(entrance.spot, now_ms))?;
    let used_up = used_up.map(|put| put.to_json()).unwrap_or_default();
    Ok(["open", &used_up, &Verdict::Answer(answer).into_text()].join("\n"))
}

/// The answer where the store fails, as the lines of a verdict.
#[wasm_bindgen]
pub fn refuse(facts: &str, now_ms: f64) -> Result<String, JsValue> {
    let problem = Problem::store_unavailable();
    with_gate(|gate| match Facts::parse(facts) {
        Some(facts) => gate.refuse(&facts, &problem, whole(now_ms)),
        None => problem.answer(),
    })
    .map(|answer| Verdict::Answer(answer).into_text())
}

/// The headers of an app's answer whose values [`confine()`] reads.
#[wasm_bindgen]
pub fn answer_headers() -> Vec<String> {
    ANSWER_HEADERS.map(str::to_owned).to_vec()
}

/// What to change in the headers of an app's answer in a place. `headers` has a line for
/// each, `name:value`; the answer is [`Changes`] as JSON.
///
/// [`Changes`]: crate::confine::Changes
#[wasm_bindgen]
pub fn confine(place: &str, headers: &str) -> Result<String, JsValue> {
    confine::confine(place, headers).ok_or_else(|| refused(&Problem::store_unavailable()))
}

/// The name of a workspace, if it is one of the gate's; of the first, where none is named.
#[wasm_bindgen]
pub fn workspace(name: Option<String>) -> Result<String, JsValue> {
    let config = with_gate(|gate| gate.config())?;
    let Some(name) = name else {
        return Ok(config.home().to_owned());
    };
    if config.workspaces.iter().any(|own| own.name == name) {
        return Ok(name);
    }
    let detail = "is not one of the gate's workspaces";
    Err(refused(&Problem::field("workspace", detail)))
}

/// Makes a token, as the options say, in a workspace whose settings are as the store has
/// them; `origin` is the gate's. Answers `{puts: [{key, value, expires?}], token}`.
#[wasm_bindgen]
pub fn create(
    options: &str,
    workspace: &str,
    settings: Option<String>,
    origin: &str,
    now_ms: f64,
) -> Result<String, JsValue> {
    let config = with_gate(|gate| gate.config())?;
    let maker = Maker {
        asked: Asked {
            config: &config,
            origin,
        },
        workspace,
        settings: settings.as_deref(),
        now_ms: whole(now_ms),
    };
    let Created { puts, view } = maker
        .create(options, &entropy()?)
        .map_err(|problem| refused(&problem))?;
    let mut json = Object::default();
    json.raw("puts", &kept::puts_to_json(&puts));
    json.raw("token", &view);
    Ok(json.finish())
}

/// What the keys of a user's rows begin with.
#[wasm_bindgen]
pub fn rows_of(workspace: &str, uid: &str) -> String {
    Row::keys_of(workspace, uid)
}

/// The key of a row's record; nothing: the row cannot be understood.
#[wasm_bindgen]
pub fn record_key(row: &str) -> Option<String> {
    Some(kept::key(&Row::parse(row)?.digest))
}

/// A token as lists show it, by its row and its record.
#[wasm_bindgen]
pub fn show(row: &str, record: &str, now_ms: f64) -> Option<String> {
    Row::parse(row)?.view(record, Time::from_millis(whole(now_ms)))
}

/// What replaces a record to revoke its token; nothing: it is revoked.
#[wasm_bindgen]
pub fn revoke(row: &str, record: &str, now_ms: f64) -> Option<String> {
    let now = Time::from_millis(whole(now_ms));
    Some(kept::revoke(Row::parse(row)?, record, now)?.to_json())
}

/// The lines of a token's kind, start and hint; nothing: it is no token.
#[wasm_bindgen]
pub fn parse_token(text: &str) -> Option<String> {
    let token = Token::parse(text).ok()?;
    Some([token.kind().name(), &token.start(), token.hint().as_str()].join("\n"))
}

/// The SHA-256 of a token, in hexadecimal; nothing: it is no token.
#[wasm_bindgen]
pub fn digest_token(text: &str) -> Option<String> {
    let token = Token::parse(text).ok()?;
    Some(Digest::of(token.secret()).to_hex())
}

/// A new token for a user.
#[wasm_bindgen]
pub fn generate_token(embed: bool, workspace: &str, uid: &str) -> Result<String, JsValue> {
    let kind = if embed { Kind::Embed } else { Kind::Pat };
    let hint = Hint::of(workspace, uid);
    let minted = minting::mint(kind, &hint, &entropy()?, 0);
    let (_, secret) = minted.map_err(|problem| refused(&problem))?;
    Ok(secret)
}

/// The cookie's value of a session, which is given as JSON.
#[wasm_bindgen]
pub fn seal_session(session: &str, keys: &str) -> Result<String, JsValue> {
    let keys = session_keys(keys)?;
    let session = Session::from_json(session).map_err(|problem| refused(&problem))?;
    session.seal(&keys).ok_or_else(|| {
        let detail = "is too long for a cookie";
        refused(&Problem::field("session", detail))
    })
}

/// The session of a cookie's value, as JSON; nothing: none of the keys signed it.
#[wasm_bindgen]
pub fn open_session(sealed: &str, keys: &str) -> Result<Option<String>, JsValue> {
    let session = Session::open(sealed, &session_keys(keys)?);
    Ok(session.map(|session| session.to_json()))
}

/// The Bearer challenge for an error, or for none.
#[wasm_bindgen]
pub fn challenge(error: &str, scope: &str) -> Result<String, JsValue> {
    // A line break is white space too, and would end the header.
    let mut scopes = scope.split(' ').filter(|scope| !scope.is_empty());
    if scopes.any(|scope| Scope::parse(scope).is_none()) {
        let detail = "must be scopes with spaces between";
        return Err(refused(&Problem::field("scope", detail)));
    }
    let challenge = match error {
        "invalid_request" => Challenge::InvalidRequest,
        "invalid_token" => Challenge::InvalidToken,
        "insufficient_scope" => Challenge::InsufficientScope(scope),
        _ => Challenge::Missing,
    };
    Ok(challenge.bearer().into_owned())
}

fn session_keys(keys: &str) -> Result<SessionKeys, JsValue> {
    SessionKeys::parse(keys).ok_or_else(|| {
        let detail = "must be \"<kid>:<base64 of 32 bytes or more>\", separated by commas";
        refused(&Problem::field("keys", detail))
    })
}

fn decide(facts: &str, reply: Option<&Reply>, now_ms: u64) -> Result<Verdict, JsValue> {
    with_gate(|gate| match Facts::parse(facts) {
        Some(facts) => gate.admit(&facts, reply, now_ms),
        None => Verdict::Answer(Problem::invalid_request("the URL is malformed").answer()),
    })
}

fn entropy() -> Result<Entropy, JsValue> {
    let mut entropy = Entropy([0; 64], [0; 16]);
    getrandom::fill(&mut entropy.0)
        .and_then(|()| getrandom::fill(&mut entropy.1))
        .map_err(|_| refused(&Problem::store_unavailable()))?;
    Ok(entropy)
}

fn with_gate<T>(then: impl FnOnce(&mut Gate) -> T) -> Result<T, JsValue> {
    GATE.with_borrow_mut(|gate| gate.as_mut().map(then))
        .ok_or_else(|| refused(&Problem::store_unavailable()))
}

fn refused(problem: &Problem) -> JsValue {
    JsValue::from_str(&problem.answer().body)
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
