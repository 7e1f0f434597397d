//! Gatepass is a gate at the edge, in front of an app that need not change. It
//! lets programs in by personal access token (PAT), and puts apps into other
//! people's pages by embed URL; it keeps nothing of a token but its hash.
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
//! - What a client presents: [`facts`], of which [`header`] says what matters;
//!   [`token`], [`credentials`], [`digest`], [`hint`],
//!   and in an embed a [`session`], in a [`cookie`].
//! - What is kept: [`record`] and [`settings`] in KV, [`entry`] and [`sessions`] in
//!   the [`ledger`], users and the workspace's [`policy`] in the [`directory`]; the
//!   [`outbox`] brings one to the other, and [`memory`] is what an isolate remembers of
//!   it, a [`vouched`] record each.
//! - What decides: [`gate`], with [`records`], [`route`], [`path`], [`scope`],
//!   [`address`] and [`config`]; [`bytes`] cuts the texts that they read.
//! - Embeds: [`embed`] decides about entries and places, [`entrance`] opens a session,
//!   [`watch`] and [`page`] are what Gatepass itself shows in a frame. A [`place`] is
//!   at a host of its own or a path ([`embed_host`]); [`app`] is what can be
//!   embedded, and [`origin`] whose pages may frame it. [`tooljet`] is the endpoint of
//!   ToolJet's clients, as [`synergy`] has those of 12d Synergy's.
//! - What the app's answer becomes in a place: [`confine`], with [`csp`],
//!   [`place_cookie`], [`place_url`], [`refresh`] and [`rewrite`].
//! - How authorities are asked: [`lookup`] by the gate, [`wire`] by the token API.
//! - What is read and written on the way: [`fields`] of JSON, and [`json`] itself.
//! - What comes of it: [`verdict`], [`forward`], [`answer`], [`problem`],
//!   [`challenge`], [`refusal`].
//! - The token API: [`actor`] is who asks, [`management`] reads what is asked for,
//!   [`grant`], [`change`] and [`listing`] are its parameters, [`minting`] makes a
//!   token's secret, [`api`] and [`paging`] carry it out in a [`conversation`] with the authorities, and [`lifecycle`] and
//!   [`transaction`] hold the rules of what may be done. [`oauth`] is how other services
//!   ask about a token, [`tokens_page`] where people do by a page, and [`metrics`] where
//!   monitoring reads.
//!
//! - Without authorities: [`kept`], tokens in a plain key-value store.
//!
//! The Cloudflare Worker's shell stands in `src/worker/`, behind the feature
//! `worker`; the npm package's is `src/npm.rs`, behind `npm`.

#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, reason = "a test may panic")
)]

pub mod actor;
pub mod address;
pub mod answer;
pub mod api;
pub mod app;
pub mod asker;
pub mod audit;
pub mod base32;
pub mod base62;
pub mod bytes;
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
pub mod header;
pub mod hex;
pub mod hint;
pub mod id;
pub mod identity;
pub mod json;
pub mod kept;
pub mod leaks;
pub mod ledger;
pub mod lifecycle;
pub mod limits;
pub mod listing;
pub mod lookup;
pub mod management;
pub mod memory;
pub mod metrics;
pub mod minting;
pub mod oauth;
pub mod origin;
pub mod outbox;
pub mod page;
pub mod paging;
pub mod path;
pub mod place;
pub mod place_cookie;
pub mod place_url;
pub mod policy;
pub mod problem;
pub mod raw;
pub mod record;
pub mod records;
pub mod refresh;
pub mod refusal;
pub mod rewrite;
pub mod route;
pub mod scope;
pub mod session;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod synergy;
pub mod text;
pub mod time;
pub mod token;
pub mod tokens_page;
pub mod tooljet;
pub mod transaction;
pub mod verdict;
pub mod vouched;
pub mod watch;
pub mod wire;

#[cfg(feature = "npm")]
mod npm;
#[cfg(test)]
mod promises;
#[cfg(feature = "worker")]
mod worker;
