//! The management API under `/gatepass/api/`: which call a request makes.

use crate::actor::Actor;
use serde::{Deserialize, Serialize};

/// A management request that was authenticated and may now read its body.
///
/// The synchronous check makes it, the asynchronous path carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Who asks.
    pub actor: Actor,
    /// What for.
    pub call: Call,
    /// The request's `Content-Type`.
    pub content_type: Option<String>,
    /// The request's `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// What a management request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {}
