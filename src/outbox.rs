//! What is still to be written to KV, and when.
//!
//! KV follows the ledger. Each key that has to be written has one row, however
//! often its value changed; the value is computed when it is written, so it is
//! always the latest. The rules:
//!
//! 1. A change makes its key due at once.
//! 2. A put that KV accepted removes the row, unless the value changed in the
//!    meantime: then the key is still due.
//! 3. A put that failed or timed out is uncertain: KV may have it, or get it
//!    later. It is tried again after 1 s, 2 s, 4 s … at most 60 s.
//! 4. After an uncertain put, and after each change that takes something away,
//!    the value is put once more, at least 60 s after it was accepted: that
//!    overwrites an older put that came late.

/// A key that has to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key in KV.
    pub key: String,
    /// The workspace that it belongs to.
    pub workspace: String,
    /// The user whom it concerns; empty where it concerns no single one.
    pub uid: String,
    /// When it is to be put next, in Unix milliseconds.
    pub due: u64,
    /// How many puts in a row were uncertain.
    pub attempts: u32,
    /// Whether it is put once more, a minute after KV accepted it.
    pub repeat: bool,
    /// When the oldest change came that KV has not accepted, in Unix
    /// milliseconds; absent: only the second put is left.
    pub since: Option<u64>,
    /// Rises with each change of the value.
    pub generation: u64,
}

/// What a change does to those who rely on the old value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It may do as much as before, or more.
    Grants,
    /// It takes something away: disabled, revoked, replaced, killed.
    Withdraws,
}

/// Where rows are kept.
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    /// The row of a key.
    fn row(&self, key: &str) -> Result<Option<Row>, Self::Error>;

    /// Writes a row in place of the one with its key.
    fn save_row(&self, row: &Row) -> Result<(), Self::Error>;

    /// Notes that the value of a key has changed.
    fn changed(
        &self,
        key: String,
        workspace: &str,
        uid: &str,
        effect: Effect,
        now_ms: u64,
    ) -> Result<(), Self::Error> {
        let earlier = self.row(&key)?;
        let row = Row {
            key,
            workspace: workspace.to_owned(),
            uid: uid.to_owned(),
            due: now_ms,
            attempts: earlier.as_ref().map_or(0, |row| row.attempts),
            repeat: effect == Effect::Withdraws
                || earlier
                    .as_ref()
                    .is_some_and(|row| row.repeat || row.since.is_none()),
            since: earlier.as_ref().and_then(|row| row.since).or(Some(now_ms)),
            generation: earlier.map_or(1, |row| row.generation.saturating_add(1)),
        };
        self.save_row(&row)
    }
}

impl Row {
    /// What is left to do after KV accepted the value of `sent`, the row as it
    /// was when its put began; `None`: nothing.
    #[must_use]
    pub fn accepted(mut self, sent: u64, now_ms: u64) -> Option<Self> {
        self.attempts = 0;
        if self.generation != sent {
            self.due = now_ms;
            return Some(self);
        }
        if !self.repeat {
            return None;
        }
        self.repeat = false;
        self.since = None;
        self.due = now_ms.saturating_add(SECOND_PUT_MS);
        Some(self)
    }

    /// What is left to do after a put that failed or timed out.
    #[must_use]
    pub fn uncertain(mut self, now_ms: u64) -> Self {
        let wait = FIRST_RETRY_MS
            .checked_shl(self.attempts)
            .unwrap_or(LAST_RETRY_MS)
            .min(LAST_RETRY_MS);
        self.due = now_ms.saturating_add(wait);
        self.attempts = self.attempts.saturating_add(1).min(32);
        self.repeat = true;
        self
    }
}

const FIRST_RETRY_MS: u64 = 1_000;
const LAST_RETRY_MS: u64 = 60_000;
const SECOND_PUT_MS: u64 = 61_000;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "made-up times are small")]
mod tests {
    use super::*;
    use core::cell::RefCell;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Shelf(RefCell<BTreeMap<String, Row>>);

    impl Rows for Shelf {
        type Error = ();

        fn row(&self, key: &str) -> Result<Option<Row>, ()> {
            Ok(self.0.borrow().get(key).cloned())
        }

        fn save_row(&self, row: &Row) -> Result<(), ()> {
            self.0.borrow_mut().insert(row.key.clone(), row.clone());
            Ok(())
        }
    }

    impl Shelf {
        fn change(&self, effect: Effect, now: u64) -> Row {
            self.changed("t/1".to_owned(), "default", "ada", effect, now)
                .unwrap();
            self.row("t/1").unwrap().unwrap()
        }

        fn settle(&self, left: Option<Row>) {
            match left {
                Some(row) => self.save_row(&row).unwrap(),
                None => {
                    self.0.borrow_mut().remove("t/1");
                }
            }
        }
    }

    #[test]
    fn a_change_is_due_at_once_and_done_when_kv_has_it() {
        let row = Shelf::default().change(Effect::Grants, 5_000);
        assert_eq!((row.due, row.since), (5_000, Some(5_000)));
        assert_eq!(row.clone().accepted(row.generation, 5_020), None);
    }

    #[test]
    fn what_takes_away_is_put_again_after_a_minute() {
        let row = Shelf::default().change(Effect::Withdraws, 0);
        let left = row.clone().accepted(row.generation, 20).unwrap();
        assert!(left.due >= 20 + 60_000 && left.since.is_none());
        assert_eq!(left.clone().accepted(left.generation, left.due), None);
    }

    #[test]
    fn a_change_during_a_put_keeps_the_key_due() {
        let shelf = Shelf::default();
        let sent = shelf.change(Effect::Grants, 0);
        let newer = shelf.change(Effect::Grants, 10);
        let left = newer.accepted(sent.generation, 20).unwrap();
        assert_eq!((left.due, left.since), (20, Some(0)));
        assert_eq!(left.clone().accepted(left.generation, 30), None);
    }

    #[test]
    fn a_second_put_that_is_owed_survives_a_change() {
        let shelf = Shelf::default();
        let row = shelf.change(Effect::Withdraws, 0);
        shelf.settle(row.clone().accepted(row.generation, 20));
        let row = shelf.change(Effect::Grants, 30_000);
        assert_eq!(row.due, 30_000);
        let left = row.clone().accepted(row.generation, 30_020).unwrap();
        assert!(left.due >= 90_020);
    }

    #[test]
    fn an_uncertain_put_is_tried_ever_more_slowly_and_then_put_again() {
        let mut row = Shelf::default().change(Effect::Grants, 0);
        let mut waits = Vec::new();
        for _ in 0..40 {
            row = row.uncertain(0);
            waits.push(row.due / 1000);
        }
        assert_eq!(waits[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(waits[8..].iter().all(|wait| *wait == 60));
        let left = row.clone().accepted(row.generation, 10).unwrap();
        assert!(left.due >= 60_010 && left.attempts == 0);
    }

    /// What happens next in a made-up life of one key.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Change(bool),
        Put {
            accepted: bool,
            lands: bool,
            late: u64,
            changed_meanwhile: bool,
        },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let change = any::<bool>().prop_map(Step::Change);
        let put = (any::<bool>(), any::<bool>(), 0u64..59_000, any::<bool>()).prop_map(
            |(accepted, lands, late, changed_meanwhile)| Step::Put {
                accepted,
                lands,
                late,
                changed_meanwhile,
            },
        );
        prop::collection::vec(prop_oneof![change, put], 1..40)
    }

    proptest! {
        /// Whatever fails, and however late a put lands that was given up, KV
        /// ends with the latest value, and no row is ever lost before that.
        #[test]
        fn kv_ends_with_the_latest_value(steps in steps()) {
            let shelf = Shelf::default();
            let mut now = 0_u64;
            let mut value = 0_u64;
            // Each put that KV will apply: when, and what.
            let mut applied: Vec<(u64, u64)> = Vec::new();
            let change = |value: &mut u64, takes: bool, now: u64| {
                *value += 1;
                shelf.change(if takes { Effect::Withdraws } else { Effect::Grants }, now);
            };
            let quiet = core::iter::repeat_n(
                Step::Put { accepted: true, lands: true, late: 0, changed_meanwhile: false },
                10,
            );
            for step in steps.into_iter().chain(quiet) {
                match step {
                    Step::Change(takes) => change(&mut value, takes, now),
                    Step::Put { accepted, lands, late, changed_meanwhile } => {
                        let Some(sent) = shelf.row("t/1").unwrap() else { continue };
                        now = now.max(sent.due);
                        let put = value;
                        now += 10;
                        if changed_meanwhile {
                            change(&mut value, false, now);
                        }
                        let row = shelf.row("t/1").unwrap().unwrap();
                        if accepted {
                            applied.push((now, put));
                            shelf.settle(row.accepted(sent.generation, now));
                        } else {
                            if lands {
                                applied.push((now + late, put));
                            }
                            shelf.settle(Some(row.uncertain(now)));
                        }
                    }
                }
                let row = shelf.row("t/1").unwrap();
                let latest_is_there = applied.iter().any(|(_, put)| *put == value);
                prop_assert!(row.is_some() || value == 0 || latest_is_there);
            }
            prop_assert_eq!(shelf.row("t/1").unwrap(), None);
            applied.sort_by_key(|(at, _)| *at);
            prop_assert_eq!(applied.last().map_or(0, |(_, put)| *put), value);
        }
    }
}
