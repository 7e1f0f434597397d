//! How a check comes by records and settings: from the isolate's memory, else from
//! KV, else from their authority, whose reply counts for the question that it
//! answers and for no other.

use crate::digest::Digest;
use crate::gate::{Check, Stop};
use crate::hint::Hint;
use crate::id::Id;
use crate::lookup::Lookup;
use crate::memory::Knowledge;
use crate::problem::Problem;
use crate::record::Record;
use crate::settings::Settings;
use crate::verdict::{Question, Verdict};
use crate::vouched::Vouched;
use std::rc::Rc;

/// Whose record is sought.
#[derive(Clone, Copy)]
pub(crate) struct Sought<'a> {
    /// Names the ledger.
    pub(crate) hint: Hint,
    /// The SHA-256 of the token.
    pub(crate) digest: Digest,
    /// The session of that token that wants in. Its token does exist, so that to
    /// ask for it costs nobody's budget.
    pub(crate) session: Option<&'a Id>,
}

impl Sought<'_> {
    fn ledger(&self) -> String {
        format!("l/{}", self.hint.as_str())
    }

    fn question(&self) -> Lookup {
        Lookup::Lookup {
            digest: self.digest,
            session: self.session.cloned(),
        }
    }
}

impl Check<'_, '_> {
    /// The record under a digest, from memory, KV or the ledger.
    pub(crate) fn record(&mut self, sought: Sought<'_>) -> Result<Rc<Vouched>, Stop> {
        let Sought {
            digest, session, ..
        } = sought;
        if let Some(found) = self.replied(sought) {
            let record = self.understood(found.as_deref())?;
            // What is remembered of another workspace's token is not this one's to change.
            if record.as_ref().is_some_and(|record| !self.is_ours(record)) {
                let here = self.here(digest);
                let memory = &mut self.gate.memory;
                memory.learn_from_ledger(here, None, self.now_ms);
                return Err(self.unknown());
            }
            let memory = &mut self.gate.memory;
            memory.learn_from_ledger(digest, record, self.now_ms);
        }
        match self.gate.memory.record(&digest, self.now_ms) {
            Knowledge::Known(record) if self.is_ours(&record) => {
                self.known = Some(Rc::clone(&record));
                Ok(record)
            }
            // Another workspace's token takes the path of an unknown one.
            Knowledge::Known(_) | Knowledge::NotInKv { .. } if self.is_elsewhere(digest) => {
                Err(self.unknown())
            }
            Knowledge::Known(_) => Err(self.ask_ledger(sought, session.is_some())),
            Knowledge::NotInKv { seen } => Err(self.ask_ledger(sought, seen || session.is_some())),
            Knowledge::Nowhere => Err(self.unknown()),
            Knowledge::Malformed => Err(self.stop(Problem::store_unavailable())),
            Knowledge::Unread => {
                let mut keys = vec![format!("t/{}", digest.to_hex())];
                let mut workspaces = self.workspaces();
                if let (Some(workspace), None) = (workspaces.next(), workspaces.next())
                    && self.gate.memory.settings(workspace, self.now_ms) == Knowledge::Unread
                {
                    keys.push(format!("w/{workspace}"));
                }
                Err(Stop::of(Verdict::Read { keys }))
            }
        }
    }

    /// Whether its ledger has just said that a token is another workspace's.
    fn is_elsewhere(&self, digest: Digest) -> bool {
        let known = self.gate.memory.record(&self.here(digest), self.now_ms);
        known == Knowledge::Nowhere
    }

    /// What a token is remembered by where these workspaces are, and no others.
    fn here(&self, digest: Digest) -> Digest {
        let within = |digest: Digest, workspace: &String| digest.within(workspace);
        self.workspaces().fold(digest, within)
    }

    fn is_ours(&self, record: &Record) -> bool {
        self.workspaces().any(|here| *here == record.workspace)
    }

    /// The record as the ledger has it, in answer to this very request, if the
    /// token or the deployment is strict.
    pub(crate) fn asked_if_strict(
        &self,
        record: Rc<Vouched>,
        sought: Sought<'_>,
    ) -> Result<Rc<Vouched>, Stop> {
        if !record.strict && !self.gate.config.strict {
            return Ok(record);
        }
        let Some(found) = self.replied(sought) else {
            return Err(self.ask_ledger(sought, true));
        };
        let record = self.understood(found.as_deref())?;
        let record = record.map(|record| Rc::new(record.into()));
        record.ok_or_else(|| self.unknown())
    }

    /// What the ledger said about a token, in answer to this very request.
    fn replied(&self, sought: Sought<'_>) -> Option<&'_ Option<String>> {
        let reply = self.reply?;
        let found = reply.to(&sought.ledger(), &sought.question())?;
        found.record.as_ref()
    }

    fn understood(&self, record: Option<&str>) -> Result<Option<Record>, Stop> {
        let parsed = record.map(Record::parse).transpose();
        parsed.map_err(|_| self.stop(Problem::store_unavailable()))
    }

    /// A workspace's settings, from memory, KV or the directory.
    pub(crate) fn settings(&mut self, workspace: &str) -> Result<Rc<Settings>, Stop> {
        let told = self
            .reply
            .and_then(|reply| reply.to(&format!("d/{workspace}"), &Lookup::Settings {}))
            .and_then(|found| found.settings.as_deref());
        if let Some(settings) = told {
            let memory = &mut self.gate.memory;
            memory.learn_settings(workspace, Some(settings), self.now_ms);
        }
        match self.gate.memory.settings(workspace, self.now_ms) {
            Knowledge::Known(settings) => Ok(settings),
            Knowledge::Unread => Err(Stop::of(Verdict::Read {
                keys: vec![format!("w/{workspace}")],
            })),
            Knowledge::NotInKv { .. } => Err(Stop::of(Verdict::Ask(Question {
                class: "DIRECTORY",
                name: format!("d/{workspace}"),
                command: Lookup::Settings {}.to_json(),
                budgets: Vec::new(),
            }))),
            Knowledge::Malformed | Knowledge::Nowhere => {
                Err(self.stop(Problem::store_unavailable()))
            }
        }
    }

    fn ask_ledger(&self, sought: Sought<'_>, seen: bool) -> Stop {
        let budgets = if seen {
            Vec::new()
        } else {
            vec![
                ("LOOKUPS_BY_ADDRESS", self.facts.counted_address()),
                ("LOOKUPS_BY_LEDGER", sought.hint.as_str().to_owned()),
            ]
        };
        Stop::of(Verdict::Ask(Question {
            class: "LEDGER",
            name: sought.ledger(),
            command: sought.question().to_json(),
            budgets,
        }))
    }
}
