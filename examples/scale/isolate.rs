//! An isolate: the gate itself, and around it what `entry.js` does.

use crate::kv::Key;
use crate::random::Random;
use gatepass::config::Config;
use gatepass::facts::Facts;
use gatepass::gate::Gate;
use gatepass::hint::Hint;
use gatepass::id::Id;
use gatepass::lookup::{Found, Reply};
use gatepass::record::{Record, State};
use gatepass::settings::Settings;
use gatepass::time::Time;
use gatepass::token::{self, Kind};
use gatepass::verdict::Verdict;
use std::rc::Rc;

/// When the day begins, in Unix milliseconds.
pub const DAY_BEGINS: u64 = 1_800_000_000_000;

/// Milliseconds of the day.
pub const DAY_MS: u64 = 86_400_000;

/// A deployment, strict or not.
pub fn deployment(strict: bool) -> Result<Rc<Config>, String> {
    let consistency = if strict { "strict" } else { "bounded" };
    let variables = format!(
        "{{\"UPSTREAM\":\"https://app.example\",\"CONSISTENCY\":\"{consistency}\",\
         \"OPERATOR_KEY\":\"{}\"}}",
        "k".repeat(32)
    );
    let bindings = [
        "RECORDS",
        "LEDGER",
        "DIRECTORY",
        "LOOKUPS_BY_ADDRESS",
        "LOOKUPS_BY_LEDGER",
        "ASSETS",
    ];
    Config::parse(&variables, &bindings.map(str::to_owned))
        .map(Rc::new)
        .map_err(|mistake| mistake.to_string())
}

/// A token as a client presents it, with its record.
#[derive(Debug)]
pub struct Client {
    /// The request, packed.
    request: String,
    /// The record as the ledger has it.
    pub record: Record,
}

impl Client {
    /// A client with a new token.
    pub fn new(random: &mut Random) -> Result<Self, String> {
        let uid = format!("user-{}", random.index(1 << 40));
        let hint = Hint::of("default", &uid);
        let secret = token::generate(Kind::Pat, &hint, &random.bytes());
        let secret = secret.ok_or("there is no token")?;
        let request = format!(
            "GET\nhttps://gate.example/api/v1/jobs?page=1\nauthorization:Bearer {secret}\n\
             cf-connecting-ip:192.0.2.1\nuser-agent:\naccept:\naccept-encoding:gzip"
        );
        let record = Record {
            rev: 1,
            id: Id::generate(&hint, DAY_BEGINS, [7; 16]),
            workspace: "default".to_owned(),
            email: format!("{uid}@example.com"),
            uid,
            name: "a day's work".to_owned(),
            scopes: Vec::new().into(),
            apps: Vec::new(),
            allowed_ips: [].into_iter().collect(),
            strict: false,
            state: State::Active,
            created: Time::from_millis(DAY_BEGINS),
            expires: Some(Time::from_millis(DAY_BEGINS).plus(30 * 86_400)),
            embed: None,
        };
        Ok(Self { request, record })
    }

    /// The request, for [`Isolate::knock`].
    pub fn request(&self) -> Result<Facts<'_>, String> {
        Facts::parse(&self.request).ok_or_else(|| "the request is malformed".to_owned())
    }
}

/// What came of a request, and what it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Knock {
    /// Whether it was let in.
    pub allowed: bool,
    /// When that was decided.
    pub at: u64,
    /// Reads of the record that the data centre's cache answered.
    pub cached_reads: u64,
    /// Reads of the record that went further.
    pub central_reads: u64,
    /// Questions to the ledger.
    pub asked: u64,
    /// Those of them that counted against the budgets of unknown tokens.
    pub budgeted: u64,
}

/// An isolate of a data centre.
#[derive(Debug)]
pub struct Isolate {
    gate: Gate,
    data_centre: usize,
    settings: String,
}

impl Isolate {
    /// One that remembers nothing.
    pub fn new(config: &Rc<Config>, data_centre: usize) -> Self {
        Self {
            gate: Gate::new(Rc::clone(config)),
            data_centre,
            settings: Settings::default().to_json(),
        }
    }

    /// A request that arrives at a moment. `ledger` is the record as the ledger has it then.
    pub fn knock(
        &mut self,
        request: &Facts<'_>,
        now: u64,
        key: &mut Key,
        ledger: impl Fn(u64) -> String,
        random: &mut Random,
    ) -> Result<Knock, String> {
        let mut knock = Knock {
            at: now,
            ..Knock::default()
        };
        let mut reply = None;
        for _ in 0..MAX_ROUNDS {
            match self.gate.check(request, reply.as_ref(), knock.at) {
                Verdict::Allow(_) => {
                    knock.allowed = true;
                    return Ok(knock);
                }
                Verdict::Read { keys } => {
                    reply = None;
                    self.read(&keys, key, &mut knock, random);
                }
                Verdict::Ask(question) => {
                    let found = Found {
                        record: Some(Some(ledger(knock.at))),
                        settings: None,
                    };
                    let text = format!(
                        "{}\n{}\n{}",
                        question.name,
                        question.command,
                        found.to_json()
                    );
                    reply = Reply::parse(&text);
                    knock.asked = knock.asked.saturating_add(1);
                    let budgeted = u64::from(!question.budgets.is_empty());
                    knock.budgeted = knock.budgeted.saturating_add(budgeted);
                    knock.at = knock.at.saturating_add(random.wait(LEDGER_MS));
                }
                _ => return Ok(knock),
            }
        }
        Err("the gate asks on and on".to_owned())
    }

    fn read(&mut self, keys: &[String], key: &mut Key, knock: &mut Knock, random: &mut Random) {
        for name in keys {
            // All tokens of the isolate share the settings, so that their reads count apart.
            if name.starts_with("w/") {
                self.gate.learn(name, Some(&self.settings), knock.at);
                continue;
            }
            let answer = key.read(self.data_centre, knock.at, random);
            knock.cached_reads = knock.cached_reads.saturating_add(u64::from(answer.cached));
            knock.central_reads = knock
                .central_reads
                .saturating_add(u64::from(!answer.cached));
            // `entry.js` notes the moment at which the answer is there.
            self.gate.learn(name, answer.text, answer.at);
            knock.at = answer.at;
        }
    }
}

/// As in `entry.js`.
const MAX_ROUNDS: usize = 8;

/// Milliseconds that a question to a ledger takes on average.
const LEDGER_MS: f64 = 80.0;
