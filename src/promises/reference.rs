//! What a deployment has answered, and what follows from that for whoever wants in. It
//! knows nothing of records, outboxes or caches.

use super::life::{APART, Fact, Life, Look, Standing};

/// All that was answered.
pub(super) struct Reference {
    pub(super) tokens: Vec<Token>,
    pub(super) sessions: Vec<Session>,
    pub(super) authentication: Life,
    pub(super) creation: Life,
    /// When all sessions were last killed.
    pub(super) killed_all: Option<(u64, Fact)>,
}

pub(super) struct Token {
    pub(super) id: String,
    /// The key in KV of what becomes of it.
    pub(super) key: String,
    pub(super) strict: bool,
    pub(super) single_use: bool,
    /// The token that made it, and the one that it replaced.
    pub(super) parent: Option<usize>,
    pub(super) replaces: Option<usize>,
    /// Whether it opens.
    pub(super) entry: Life,
    /// Whether its sessions go on.
    pub(super) going_on: Life,
    /// When its grace ends, if it was replaced with one.
    pub(super) grace: Option<(u64, Life)>,
    /// How many sessions it has opened.
    pub(super) opened: usize,
}

pub(super) struct Session {
    pub(super) id: String,
    pub(super) token: usize,
    pub(super) life: Life,
}

/// Whatever may be tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Door {
    Token(usize),
    Session(usize),
    /// By something that was never made.
    Nothing,
}

impl Reference {
    pub(super) fn token_of(&self, door: Door) -> Option<&Token> {
        match door {
            Door::Token(n) => self.tokens.get(n),
            Door::Session(n) => self.tokens.get(self.sessions[n].token),
            Door::Nothing => None,
        }
    }

    fn lives(&self, door: Door) -> Vec<&Life> {
        match door {
            Door::Token(n) => vec![&self.tokens[n].entry, &self.authentication],
            Door::Session(n) => {
                let session = &self.sessions[n];
                let going_on = &self.tokens[session.token].going_on;
                vec![&session.life, going_on, &self.authentication]
            }
            Door::Nothing => Vec::new(),
        }
    }

    /// Whether a door must open, or must not; `None`: it may do either yet.
    pub(super) fn expected(&self, door: Door, look: Look<'_>) -> Option<bool> {
        let strict = look.strict || self.token_of(door).is_some_and(|token| token.strict);
        let look = Look { strict, ..look };
        let lives = self.lives(door);
        let looks = lives.iter().map(|life| life.looks(&look));
        let grace = match door {
            Door::Token(n) => self.tokens[n].grace.as_ref(),
            _ => None,
        };
        let grace = grace.map(|(ends, life)| match look.now {
            now if now + APART + SECOND < *ends => Some(true),
            now if now < ends + APART + SECOND => None,
            _ => life.looks(&look),
        });
        let looks: Vec<_> = looks.chain(grace).collect();
        if door == Door::Nothing {
            return Some(false);
        }
        all(&looks)
    }

    /// The same for an entry, at which the ledger is not asked before.
    pub(super) fn expected_entry(&self, door: Door, look: Look<'_>) -> Option<bool> {
        let strict = false;
        let looks = self.lives(door).into_iter();
        let looks: Vec<_> = looks
            .map(|life| life.looks(&Look { strict, ..look }))
            .collect();
        all(&looks)
    }

    /// Whether who is refused at a door now must be so from then on.
    pub(super) fn is_shut_for_good(&self, door: Door) -> bool {
        let lives = self.lives(door);
        let shut = |life: &&Life| life.standing() == Standing::Shut;
        lives.iter().any(shut) && lives.iter().all(|life| life.is_one_way())
    }

    /// A token, all that it made and what it replaced, and theirs.
    pub(super) fn family(&self, token: usize) -> Vec<usize> {
        let mut family = vec![token];
        let mut at = 0;
        while let Some(next) = family.get(at).copied() {
            let made = |n: &usize| self.tokens[*n].parent == Some(next);
            let kin = (0..self.tokens.len()).filter(made);
            for member in kin.chain(self.tokens[next].replaces) {
                if !family.contains(&member) {
                    family.push(member);
                }
            }
            at += 1;
        }
        family
    }

    /// An isolate remembers nothing any more.
    pub(super) fn forget_actor(&mut self, isolate: usize) {
        for token in &mut self.tokens {
            token.entry.forget_actor(isolate);
            token.going_on.forget_actor(isolate);
            if let Some((_, life)) = &mut token.grace {
                life.forget_actor(isolate);
            }
        }
        for session in &mut self.sessions {
            session.life.forget_actor(isolate);
        }
    }
}

/// What follows from several things, all of which must be open.
fn all(looks: &[Option<bool>]) -> Option<bool> {
    if looks.contains(&Some(false)) {
        return Some(false);
    }
    looks.iter().all(|look| *look == Some(true)).then_some(true)
}

/// What is less than a second is cut off.
const SECOND: u64 = 1_000;
