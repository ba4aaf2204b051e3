//! Everything that drives the real server binary over the wire, and the rules that the tree itself keeps.

#![allow(
    clippy::disallowed_methods,
    reason = "tests live outside the engine: they use the real clock and files"
)]

mod client;
mod contention;
mod foreign_keys;
mod functions;
mod isolation;
mod manual;
mod notify;
mod row_security;
mod sim;
mod slt;
mod tidy;
mod types;
mod wire;

/// The server binary under test.
const NQDB: &str = env!("CARGO_BIN_EXE_nqdb-under-test");
