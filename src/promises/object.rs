//! A Durable Object's alarm and its way to KV, as `objects.js`, `outbox.js` and
//! `tables.js` have them: the alarm is kept with the rows, the rest is memory that a
//! restart takes.

use super::kv::{Kv, Value};
use super::random::Random;
use crate::outbox::Row;
use core::cell::RefCell;
use std::collections::BTreeMap;

/// What is still to be written to KV.
pub(super) type Rows = RefCell<BTreeMap<String, Row>>;

/// Milliseconds that a put takes at most.
pub(super) const PUT: u64 = 2_000;

pub(super) struct Object {
    /// By how many milliseconds its clock is ahead.
    pub(super) ahead: i64,
    /// When the alarm goes off, by that clock, and by how much too late.
    alarm: Option<(u64, u64)>,
    /// How many batches the alarm that goes off has put.
    batches: Option<usize>,
    flights: Vec<Flight>,
}

/// A put on its way.
struct Flight {
    row: Row,
    value: Option<Value>,
    /// When KV takes it, if ever.
    lands: Option<u64>,
    /// When the outbox hears of it, and what.
    told: Option<(u64, bool)>,
}

impl Object {
    pub(super) const fn new(ahead: i64) -> Self {
        Self {
            ahead,
            alarm: None,
            batches: None,
            flights: Vec::new(),
        }
    }

    /// The time by its clock.
    pub(super) const fn clock(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.ahead)
    }

    /// Sets the alarm to when the first row is due, in the change's own transaction.
    pub(super) fn arm(&mut self, rows: &Rows, late: u64) {
        let due = rows.borrow().values().map(|row| row.due).min();
        self.alarm = due.map(|due| (due, late)).or(self.alarm);
    }

    /// What was in memory is gone. What went to KV may arrive.
    pub(super) fn restart(&mut self) {
        self.batches = None;
        for flight in &mut self.flights {
            flight.told = None;
        }
    }

    /// When something happens next.
    pub(super) fn next_event(&self) -> Option<u64> {
        let alarm = self.alarm.filter(|_| self.batches.is_none());
        let alarm = alarm.map(|(due, late)| due.saturating_add_signed(-self.ahead) + late);
        let flights = self.flights.iter();
        let events = flights.flat_map(|flight| [flight.lands, flight.told.map(|(at, _)| at)]);
        events.flatten().chain(alarm).min()
    }

    /// The rows to be put now, if it is time for that.
    pub(super) fn due(&mut self, rows: &Rows, now: u64, late: u64) -> Vec<Row> {
        let clock = self.clock(now);
        if self.batches.is_none() {
            if self.alarm.is_none_or(|(due, late)| due + late > clock) {
                return Vec::new();
            }
            self.alarm = Some((clock + SAFETY, late));
            self.batches = Some(0);
        }
        if self.flights.iter().any(|flight| flight.told.is_some()) {
            return Vec::new();
        }
        let mut due: Vec<_> = rows.borrow().values().cloned().collect();
        due.retain(|row| row.due <= clock);
        due.sort_by_key(|row| (!row.repeat, row.due));
        due.truncate(BATCH);
        let batches = self.batches.filter(|batches| *batches < MAX_BATCHES);
        self.batches = batches.filter(|_| !due.is_empty());
        let Some(batches) = &mut self.batches else {
            self.alarm = None;
            self.arm(rows, late);
            return Vec::new();
        };
        *batches += 1;
        due
    }

    /// Puts a row. A calm KV takes it at once.
    pub(super) fn put(
        &mut self,
        row: Row,
        value: Value,
        now: u64,
        random: &mut Random,
        calm: bool,
    ) {
        let soon = now + random.edged(PUT);
        let (lands, told) = match random.below(10) {
            _ if calm => (Some(soon), (soon, true)),
            0 => (None, (soon, false)),
            1 => (Some(soon), (soon, false)),
            2 => (None, (now + PUT_TIMEOUT, false)),
            3 => {
                let told = now + PUT_TIMEOUT;
                (Some(told + random.edged(LATEST)), (told, false))
            }
            _ => (Some(soon), (soon, true)),
        };
        self.flights.push(Flight {
            row,
            value: Some(value),
            lands,
            told: Some(told),
        });
    }

    /// KV takes what has arrived, and the outbox hears of it.
    pub(super) fn settle(&mut self, rows: &Rows, kv: &mut Kv, now: u64, random: &mut Random) {
        let clock = self.clock(now);
        for flight in &mut self.flights {
            let key = &flight.row.key;
            if flight.lands.take_if(|lands| *lands <= now).is_some() {
                let value = flight.value.take().unwrap();
                kv.land(key, value, now, random);
            }
            let Some((_, accepted)) = flight.told.take_if(|(at, _)| *at <= now) else {
                continue;
            };
            let mut rows = rows.borrow_mut();
            let Some(row) = rows.remove(key) else {
                continue;
            };
            let left = if accepted {
                row.accepted(flight.row.generation, clock)
            } else {
                Some(row.uncertain(clock))
            };
            rows.extend(left.map(|row| (row.key.clone(), row)));
        }
        self.flights
            .retain(|flight| flight.lands.is_some() || flight.told.is_some());
    }
}

/// Milliseconds after which the alarm comes back if it breaks off (`tables.js`).
const SAFETY: u64 = 30_000;

/// How many puts run side by side, and how often that is done by one alarm.
const BATCH: usize = 6;
const MAX_BATCHES: usize = 8;

/// Milliseconds after which the outbox gives a put up (`outbox.js`), and within which
/// it may then still land.
const PUT_TIMEOUT: u64 = 10_000;
const LATEST: u64 = 59_000;
