//! What the day uses, from what was simulated and from what one operation takes
//! (docs/scale.md says how that was counted).

use crate::births::Births;
use crate::day::Tally;
use crate::isolate::DAY_MS;
use crate::options::Options;
use crate::prices::Usage;
use crate::traffic;
use gatepass::memory::FRESH;

/// How many of a day's tokens are new.
pub const NEW: f64 = 0.01;

/// A month of such days.
pub fn of_month(options: &Options, day: &Tally, births: &Births) -> Usage {
    let created = options.tokens as f64 * NEW;
    let revoked = options.revocations as f64;
    let asked = created * births.asked as f64 / births.tokens as f64;
    let reads = options.checks as f64 * (day.cached + day.central) / day.stepped;
    let object_requests = created * CREATION.requests + revoked * REVOCATION.requests + asked;
    let active_s = created * CREATION.active_s + revoked * REVOCATION.active_s + asked * LOOKUP_S;
    let users = options.tokens as f64 / TOKENS_OF_USER;
    let requests = options.checks as f64 + created + revoked;
    Usage {
        requests: DAYS * requests,
        cpu_ms: DAYS * (options.checks as f64 * CHECK_CPU_MS + (created + revoked) * API_CPU_MS),
        kv_reads: DAYS * (reads + settings_reads(options)),
        kv_writes: DAYS * (created + 2.0 * revoked),
        kv_gb: options.tokens as f64 * RECORD_BYTES / 1e9,
        object_requests: DAYS * object_requests,
        object_gb_s: DAYS * active_s * OBJECT_GB,
        rows_read: DAYS * (created * CREATION.rows_read + revoked * REVOCATION.rows_read + asked),
        rows_written: DAYS * (created * CREATION.rows_written + revoked * REVOCATION.rows_written),
        object_gb: (ledgers(users) * LEDGER_BYTES + options.tokens as f64 * TOKEN_BYTES) / 1e9,
    }
}

/// The same month where the deployment is strict: the ledger is asked at each check.
pub fn if_strict(options: &Options, usage: Usage) -> Usage {
    let asked = DAYS * options.checks as f64;
    Usage {
        object_requests: usage.object_requests + asked,
        object_gb_s: usage.object_gb_s + asked * LOOKUP_S * OBJECT_GB,
        rows_read: usage.rows_read + asked,
        ..usage
    }
}

/// Reads of the workspace's settings in a day: one an isolate each five seconds, if it is
/// in use then.
pub fn settings_reads(options: &Options) -> f64 {
    let isolates = traffic::isolates(options.checks, options.data_centres, DAY_MS);
    let isolates = isolates as f64 * options.data_centres as f64;
    let between_checks = isolates * DAY_MS as f64 / options.checks as f64;
    isolates * DAY_MS as f64 / (FRESH as f64 + between_checks)
}

/// How many of the ledgers so many users fill: each takes one of 62^4 by its hash.
fn ledgers(users: f64) -> f64 {
    let all = 62_f64.powi(4);
    all * -(-users / all).exp_m1()
}

/// What one operation takes of Durable Objects.
struct Operation {
    requests: f64,
    rows_read: f64,
    rows_written: f64,
    active_s: f64,
}

/// A PAT of a known user: the directory, the ledger, and one alarm.
const CREATION: Operation = Operation {
    requests: 3.0,
    rows_read: 24.0,
    rows_written: 11.0,
    active_s: 0.32,
};

/// The ledger, and two alarms: what takes away is put twice.
const REVOCATION: Operation = Operation {
    requests: 3.0,
    rows_read: 45.0,
    rows_written: 11.0,
    active_s: 0.61,
};

/// Seconds that a look-up keeps a ledger at work.
const LOOKUP_S: f64 = 0.005;

/// What a Durable Object at work is charged for, in GB.
const OBJECT_GB: f64 = 0.128;

/// Milliseconds of CPU, generously.
const CHECK_CPU_MS: f64 = 0.5;
const API_CPU_MS: f64 = 3.0;

/// Bytes of a record and its key in KV, of an empty ledger, and of a token in it.
const RECORD_BYTES: f64 = 350.0;
const LEDGER_BYTES: f64 = 70_000.0;
const TOKEN_BYTES: f64 = 800.0;

const TOKENS_OF_USER: f64 = 2.0;
const DAYS: f64 = 30.0;
