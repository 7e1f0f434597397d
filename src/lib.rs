//! Gatepass.
pub mod actor;
pub mod address;
pub mod answer;
pub mod base62;
pub mod challenge;
pub mod config;
pub mod cookie;
pub mod credentials;
pub mod digest;
pub mod facts;
pub mod hint;
pub mod id;
pub mod management;
pub mod path;
pub mod problem;
pub mod record;
pub mod route;
pub mod scope;
pub mod settings;
pub mod time;
pub mod token;

#[cfg(feature = "worker")]
mod worker;
