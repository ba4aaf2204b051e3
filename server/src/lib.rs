//! NeuroQuantumDB's server: PostgreSQL's protocol in front of `nq-engine`'s sessions.
//!
//! ```text
//!   listen ──► pg::startup (TLS, pg_hba, SCRAM) ──► pg::connection ⇄ nq_engine::Session
//! ```
//!
//! The server translates messages and waits; it knows nothing of SQL. A session's work runs on the connection's task. What may
//! block (a lock wait, a long statement) tells the runtime first, so that **a blocked session never holds up another**.

#![forbid(unsafe_code)]

pub mod auth;
pub mod cli;
pub mod config;
pub mod http;
pub mod listen;
pub mod pg;
pub mod runtime_env;
pub mod tls;
