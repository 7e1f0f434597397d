//! Gatepass is a gate at the edge, in front of an app that need not change. It
//! lets programs in by personal access token (PAT), and it keeps nothing of a
//! token but its hash.
//!
//! # How a request is decided
//!
//! This crate is a pure core in thin shells. The core takes bytes and facts and
//! answers a verdict: it has no clock, no randomness, no I/O and no JavaScript
//! types, so all of it runs under `cargo test`. A shell gathers the facts, asks
//! the core and does what the verdict says:
//!
//! ```text
//! request ─▶ facts ─▶ gate ─▶ verdict ─▶ allow ───▶ forward to the upstream
//!                      ▲         ├─────▶ answer ──▶ a refusal, with its challenge
//!                      │         ├─────▶ read ────▶ KV ──────────┐
//!                      │         ├─────▶ ask ─────▶ the ledger ──┤
//!                      │         └─────▶ manage ──▶ the token API│
//!                      └──────────────── learn ◀─────────────────┘
//! ```
//!
//! # Where to read
//!
//! - What a client presents: [`token`], [`credentials`], [`digest`], [`hint`].
//! - What is kept: [`record`] and [`settings`] in KV, [`entry`] in the
//!   [`ledger`], users in the [`directory`]; the [`outbox`] brings one to the
//!   other, and [`memory`] is what an isolate remembers of it.
//! - What decides: [`gate`], with [`route`], [`path`], [`scope`], [`address`]
//!   and [`config`].
//! - How authorities are asked: [`lookup`] by the gate, [`wire`] by the token API.
//! - What comes of it: [`verdict`], [`forward`], [`answer`], [`problem`],
//!   [`challenge`], [`refusal`].
//! - The token API: [`management`] reads what is asked for, [`actor`] is who
//!   asks, [`grant`], [`change`] and [`listing`] are what they ask for, [`api`]
//!   carries it out, and [`lifecycle`] and [`transaction`] hold the rules of
//!   what may be done.
//!
//! The Cloudflare Worker's shell stands in `src/worker/`, behind the feature
//! `worker`.

#![cfg_attr(not(feature = "worker"), forbid(unsafe_code))]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, reason = "a test may panic")
)]

pub mod actor;
pub mod address;
pub mod answer;
pub mod api;
pub mod base62;
pub mod challenge;
pub mod change;
pub mod config;
pub mod confine;
pub mod conversation;
pub mod cookie;
pub mod credentials;
pub mod csp;
pub mod digest;
pub mod directory;
pub mod embed;
pub mod embed_host;
pub mod entrance;
pub mod entry;
pub mod facts;
pub mod fields;
pub mod forward;
pub mod gate;
pub mod grant;
pub mod hint;
pub mod id;
pub mod ledger;
pub mod lifecycle;
pub mod listing;
pub mod lookup;
pub mod management;
pub mod memory;
pub mod origin;
pub mod outbox;
pub mod page;
pub mod paging;
pub mod path;
pub mod place;
pub mod place_cookie;
pub mod place_url;
pub mod problem;
pub mod record;
pub mod refresh;
pub mod refusal;
pub mod rewrite;
pub mod route;
pub mod scope;
pub mod session;
pub mod sessions;
pub mod settings;
pub mod text;
pub mod time;
pub mod token;
pub mod tooljet;
pub mod transaction;
pub mod verdict;
pub mod wire;

#[cfg(feature = "worker")]
mod worker;
