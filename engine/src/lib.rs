//! NeuroQuantumDB as a library: catalog, tables, executor and sessions.
//!
//! [`Database`] is a cluster in a directory; [`Session`](session::Session) is a client's conversation with one of its databases.

#[allow(dead_code, reason = "written for statements that are not wired yet; the roadmap lists them")]
mod activity;
pub mod admin;
#[allow(dead_code, reason = "written for statements that are not wired yet; the roadmap lists them")]
mod catalog;
mod check;
mod copy;
#[allow(dead_code, reason = "written for statements that are not wired yet; the roadmap lists them")]
pub mod database;
mod databases;
mod ddl;
pub mod error;
pub mod exec;
mod explain;
pub mod metrics;
mod roles;
pub mod session;
pub mod settings;
mod stats;
pub mod table;

pub use admin::clock_time;
pub use check::CheckReport;
pub use database::{Config, Database};
