//! PostgreSQL's wire protocol, versions 3.0 and 3.2.
//!
//! `startup` brings a connection from its first byte to a session; `connection` then turns messages into calls of the session
//! and results into messages, until one side leaves.

pub mod cancel;
pub mod connection;
pub mod encode;
pub mod frame;
pub mod sink;
pub mod startup;
pub mod stream;
