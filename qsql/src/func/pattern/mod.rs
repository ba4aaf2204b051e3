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

use crate::error::Result;
use crate::types::jsonpath::RegexFlags;

/// Whether a text matches a pattern of a path's `like_regex`.
///
/// # Errors
/// 2201B for a pattern that is none.
pub(super) fn matches_path_regex(text: &str, pattern: &str, flags: RegexFlags) -> Result<bool> {
    Ok(regex::compiled(pattern, path_flags(flags))?.is_match(text))
}

fn path_flags(flags: RegexFlags) -> regex::Flags {
    regex::Flags {
        ignore_case: flags.ignore_case,
        literal: flags.literal,
        dot_newline: flags.dot_all,
        multi_line: flags.multi_line,
        ..regex::Flags::DEFAULT
    }
}
