//! The harness: starts the real server binary on a fresh data directory, talks to it, kills it, starts it again.
//!
//! The binary is built by this package from the server's library, so that `cargo test` needs no other step.

#![allow(
    clippy::disallowed_methods,
    reason = "the harness lives outside the engine: it uses the real clock and files"
)]

pub mod cluster;
pub mod sim;
pub mod slt;

pub use cluster::Cluster;
