//! Asking authorities without waiting.
//!
//! What is carried out may need several replies of ledgers and directories, one
//! after the other. It is a pure function of what is known: run with the replies
//! so far, it ends in an answer or in the next question, and is run again with
//! one reply more. So nothing here waits, and all of it runs natively.

use crate::config::Config;
use crate::directory;
use crate::hint::Hint;
use crate::ledger;
use crate::problem::Problem;
use crate::time::Time;
use crate::verdict::Question;
use crate::wire::{self, Message};
use core::cell::Cell;

/// What a request is carried out with: the same each time that it is run again,
/// but for the replies.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The deployment's configuration.
    pub config: &'a Config,
    /// The request's body; `None`: it is not UTF-8.
    pub body: Option<&'a str>,
    /// Random bytes, for a token and its id.
    pub entropy: &'a Entropy,
    /// What the authorities replied so far, in the order of the questions.
    pub replies: &'a [String],
    /// The time in Unix milliseconds.
    pub now_ms: u64,
}

/// Random bytes: 64 for the secret, 16 for the id.
#[derive(Clone, Copy, Debug)]
pub struct Entropy(pub [u8; 64], pub [u8; 16]);

/// Why a run ends before it has an answer.
#[derive(Debug)]
pub enum Stop {
    /// It is refused.
    Refused(Problem),
    /// An authority must be asked.
    Ask(Box<Question>),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

/// One run.
#[derive(Debug)]
pub struct Conversation<'a> {
    /// What it is run with.
    pub inputs: Inputs<'a>,
    /// How many questions it has asked.
    asked: Cell<usize>,
}

impl<'a> Conversation<'a> {
    /// A run from the start.
    pub const fn new(inputs: Inputs<'a>) -> Self {
        Self {
            inputs,
            asked: Cell::new(0),
        }
    }

    /// The time.
    pub const fn now(&self) -> Time {
        Time::from_millis(self.inputs.now_ms)
    }

    /// What a ledger replies, unless that is a refusal.
    pub fn ask_ledger(
        &self,
        hint: &Hint,
        command: &ledger::Command,
    ) -> Result<ledger::Reply, Stop> {
        let name = format!("l/{}", hint.as_str());
        match self.ask("LEDGER", name, command)? {
            ledger::Reply::Refused(problem) => Err(problem.into()),
            reply => Ok(reply),
        }
    }

    /// What a workspace's directory replies, unless that is a refusal.
    pub fn ask_directory(
        &self,
        workspace: &str,
        command: &directory::Command,
    ) -> Result<directory::Reply, Stop> {
        let name = format!("d/{workspace}");
        match self.ask("DIRECTORY", name, command)? {
            directory::Reply::Refused(problem) => Err(problem.into()),
            reply => Ok(reply),
        }
    }

    /// The reply to the next question, or a stop that asks it.
    fn ask<C: Message, R: Message>(
        &self,
        class: &'static str,
        name: String,
        command: &C,
    ) -> Result<R, Stop> {
        let number = self.asked.get();
        self.asked.set(number.saturating_add(1));
        if let Some(reply) = self.inputs.replies.get(number) {
            return wire::read(reply).ok_or_else(|| misunderstood().into());
        }
        Err(Stop::Ask(Box::new(Question {
            class,
            name,
            command: wire::write(command),
            budgets: Vec::new(),
        })))
    }
}

/// A reply that cannot be understood is no reply: 503, never a guess.
pub fn misunderstood() -> Problem {
    Problem::store_unavailable()
}
