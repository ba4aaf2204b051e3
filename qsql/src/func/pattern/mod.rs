//! Pattern matching: LIKE and ILIKE (`like`), POSIX regular expressions (`regex` translates and caches them, `functions` are
//! the SQL functions over them), SIMILAR TO (`similar`).
//!
//! Regular expressions are PostgreSQL's "advanced" ones, translated to the `regex` crate, which matches in linear time.
//! Differences that remain: back-references and look-around are refused (0A000); where alternatives allow matches of
//! different length at one place, the first alternative wins instead of the longest match; and a non-greedy quantifier
//! does not make the whole expression prefer the shortest match.

pub(super) mod functions;
pub(crate) mod like;
mod regex;
pub(super) mod similar;
