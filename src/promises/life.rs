//! What was answered of one thing, and how it must look to an isolate by now.

/// Milliseconds from KV's accepting a change until it holds everywhere.
pub(super) const BOUND: u64 = 65_000;

/// Milliseconds by which a clock is wrong at most.
pub(super) const SKEW: u64 = 30_000;

/// Milliseconds between two clocks at most: what a clock that is set right may jump.
pub(super) const APART: u64 = 2 * SKEW;

/// Milliseconds for which an isolate knows better than KV what it did or refused.
pub(super) const REMEMBERED: u64 = 120_000;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    Open,
    Shut,
    /// An answer was lost: it may have been changed or not.
    Unsure,
}

/// What was answered of one thing, in order; the first is how it began.
pub(super) struct Life(Vec<Change>);

struct Change {
    at: u64,
    standing: Standing,
    fact: Fact,
    by: Option<usize>,
}

/// What KV must have for a change to hold: so many values of a key.
#[derive(Clone)]
pub(super) struct Fact {
    pub(super) key: String,
    pub(super) values: usize,
    /// Whether the ledger has it, so that who asks the ledger has it at once.
    pub(super) in_ledger: bool,
}

/// Who looks, and when.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) now: u64,
    pub(super) isolate: usize,
    /// Whether it asks the ledger each time.
    pub(super) strict: bool,
    /// Since when KV has had so many values of a key.
    pub(super) accepted: &'a dyn Fn(&Fact, u64) -> Option<u64>,
    /// Milliseconds that clocks may have jumped.
    pub(super) jumps: u64,
}

impl Life {
    pub(super) fn begin(standing: Standing, at: u64, fact: Fact) -> Self {
        let mut life = Self(Vec::new());
        life.note(standing, at, fact, None);
        life
    }

    /// Notes what was answered; `by`: the isolate that had it done. If there was nothing to
    /// do, or perhaps nothing, it was not told.
    pub(super) fn note(&mut self, standing: Standing, at: u64, fact: Fact, by: Option<usize>) {
        let before = self.0.last().map(|change| change.standing);
        let opposite = match standing {
            Standing::Open => Standing::Shut,
            _ => Standing::Open,
        };
        let by = by.filter(|_| before == Some(opposite));
        self.0.push(Change {
            at,
            standing,
            fact,
            by,
        });
    }

    /// Notes what may have ended it: what is over stays so.
    pub(super) fn note_end(&mut self, standing: Standing, at: u64, fact: Fact, by: Option<usize>) {
        if standing == Standing::Shut || self.standing() != Standing::Shut {
            self.note(standing, at, fact, by);
        }
    }

    /// Notes how it stands, if that was not known.
    pub(super) fn settle(&mut self, open: bool, at: u64, fact: Fact) {
        let standing = if open { Standing::Open } else { Standing::Shut };
        match self.standing() {
            Standing::Unsure => self.note(standing, at, fact, None),
            known => assert!(known == standing || !open, "it is open, and was {known:?}"),
        }
    }

    /// How it stands, wherever that is decided.
    pub(super) fn standing(&self) -> Standing {
        self.0.last().unwrap().standing
    }

    /// Whether it was open, or came to be shut and stayed so.
    pub(super) fn is_one_way(&self) -> bool {
        let mut later = self.0.iter();
        later.all(|change| change.standing == Standing::Open)
            || later.all(|change| change.standing == Standing::Shut)
    }

    /// The isolate remembers nothing any more.
    pub(super) fn forget_actor(&mut self, isolate: usize) {
        for change in &mut self.0 {
            change.by = change.by.filter(|by| *by != isolate);
        }
    }

    /// How it must look; `None`: it may be either yet.
    pub(super) fn looks(&self, look: &Look<'_>) -> Option<bool> {
        let standing = self.standing();
        let run = self.0.iter().rev();
        let run = run.take_while(|change| change.standing == standing);
        let run: Vec<_> = run.collect();
        let always = run.len() == self.0.len();
        let known = always || run.iter().any(|change| change.known(look));
        match standing {
            Standing::Unsure => None,
            Standing::Open => known.then_some(true),
            Standing::Shut => known.then_some(false),
        }
    }
}

impl Change {
    fn known(&self, look: &Look<'_>) -> bool {
        let held = (look.accepted)(&self.fact, self.at);
        let remembered = look.now + look.jumps < self.at + REMEMBERED;
        held.is_some_and(|at| at + BOUND + look.jumps <= look.now)
            || look.strict && self.fact.in_ledger
            || self.by == Some(look.isolate) && remembered
    }
}
