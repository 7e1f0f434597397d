//! What the day costs, by Cloudflare's list prices on the Workers Paid plan as of
//! November 2026. They change: see the pages that docs/scale.md names.

/// What is used in a month.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Requests to the Worker.
    pub requests: f64,
    /// Milliseconds of its CPU.
    pub cpu_ms: f64,
    /// Keys read from KV; a cached one counts too.
    pub kv_reads: f64,
    /// Keys written to KV.
    pub kv_writes: f64,
    /// GB that KV keeps.
    pub kv_gb: f64,
    /// Requests to Durable Objects, alarms among them.
    pub object_requests: f64,
    /// GB-seconds of Durable Objects at work.
    pub object_gb_s: f64,
    /// Rows of SQLite read.
    pub rows_read: f64,
    /// Rows of SQLite written.
    pub rows_written: f64,
    /// GB that Durable Objects keep.
    pub object_gb: f64,
}

/// A line of the bill.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// What is paid for.
    pub what: &'static str,
    /// How much of it is used.
    pub used: f64,
    /// What that costs, in US dollars.
    pub dollars: f64,
}

/// The bill of a month, the plan's own five dollars among it.
pub fn bill(usage: &Usage) -> Vec<Line> {
    // What, how much, how much is included, and dollars for each further unit.
    let million = 1e-6;
    let lines = [
        ("Workers plan", 1.0, 0.0, 5.0),
        ("Worker requests", usage.requests, 10e6, 0.30 * million),
        ("Worker CPU, ms", usage.cpu_ms, 30e6, 0.02 * million),
        ("KV reads", usage.kv_reads, 10e6, 0.50 * million),
        ("KV writes", usage.kv_writes, 1e6, 5.00 * million),
        ("KV storage, GB", usage.kv_gb, 1.0, 0.50),
        (
            "object requests",
            usage.object_requests,
            1e6,
            0.15 * million,
        ),
        (
            "object duration, GB-s",
            usage.object_gb_s,
            400e3,
            12.50 * million,
        ),
        ("rows read", usage.rows_read, 25e9, 0.001 * million),
        ("rows written", usage.rows_written, 50e6, 1.00 * million),
        ("object storage, GB", usage.object_gb, 5.0, 0.20),
    ];
    let line = |(what, used, included, price): (&'static str, f64, f64, f64)| Line {
        what,
        used,
        dollars: (used - included).max(0.0) * price,
    };
    lines.map(line).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_included_costs_nothing() {
        let usage = Usage {
            requests: 15e6,
            kv_reads: 10e6,
            ..Usage::default()
        };
        let total: f64 = bill(&usage).iter().map(|line| line.dollars).sum();
        assert!((total - 6.5).abs() < 1e-9, "{total}");
    }
}
