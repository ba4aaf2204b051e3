//! NeuroQuantumDB as a library: catalog, tables, executor and sessions.
//!
//! [`Database`] is a cluster in a directory; [`Session`](session::Session) is a client's conversation with one of its databases.

pub mod admin;
pub mod database;
pub mod session;
pub mod settings;

pub use admin::clock_time;
pub use database::{Config, Database};
