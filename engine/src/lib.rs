//! NeuroQuantumDB as a library: catalog, tables, executor and sessions.
//!
//! [`Database`] is a cluster in a directory; [`Session`](session::Session) is a client's conversation with one of its databases.

mod activity;
pub mod admin;
mod catalog;
mod check;
mod copy;
pub mod database;
mod databases;
mod ddl;
pub mod error;
pub mod exec;
mod explain;
pub mod foreign_key;
pub mod metrics;
mod notify;
mod roles;
pub mod session;
pub mod settings;
mod stats;
pub mod table;

pub use admin::clock_time;
pub use check::CheckReport;
pub use database::{Config, Database};
pub use notify::Notification;
