//! JSON as text: reading it token by token, PostgreSQL's complaints about it, and quoting.
//!
//! The type `json` is its text, checked and kept as given; `jsonb` (see [`super::jsonb`]) is made from the [`Event`]s that a
//! [`Reader`] finds in a text. Nothing here recurses: nesting is a stack on the heap, and deeper than [`DEPTH_MAX`] it is
//! refused with 54001, so that no text takes the thread's stack.
//!
//! Source: RFC 8259; PostgreSQL manual 8.14 "JSON Types", messages checked against PostgreSQL 18.

mod quote;
mod reader;
mod token;

pub use quote::quote;
pub use reader::{Event, Reader};

use crate::error::{Result, SqlError};
use crate::sql_err;

/// Deepest nesting of arrays and objects that is read.
pub const DEPTH_MAX: usize = 10_000;

/// 54001 for nesting beyond what is allowed.
#[cold]
pub fn too_deep() -> SqlError {
    sql_err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
        "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the platform's stack depth limit is adequate.",
    )
}

/// Checks that a text is JSON, as the input function of `json` does: escapes must be well-formed, what they stand for is not
/// looked at.
///
/// # Errors
/// 22P02 with the place in the text, 54001 for nesting that is too deep.
pub fn validate(text: &str) -> Result<()> {
    let mut reader = Reader::raw(text);
    while reader.next()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Message's detail, then context.
    fn complaint(text: &str) -> String {
        match validate(text) {
            Ok(()) => "ok".to_owned(),
            Err(e) => format!(
                "{}|{}",
                e.0.detail.as_deref().unwrap_or(e.message()),
                e.0.context.as_deref().unwrap_or_default()
            ),
        }
    }

    #[test]
    fn complaints_are_postgresqls() {
        for (text, want) in [
            (" {\"a\": [1, 2.5e-3, true, false, null, \"x\\u00e4\\n\", {}]} ", "ok"),
            ("", "The input string ended unexpectedly.|JSON data, line 1: "),
            ("{", "The input string ended unexpectedly.|JSON data, line 1: {"),
            ("[1,]", "Expected JSON value, but found \"]\".|JSON data, line 1: [1,]"),
            ("[1 2]", "Expected \",\" or \"]\", but found \"2\".|JSON data, line 1: [1 2..."),
            ("{1:2}", "Expected string or \"}\", but found \"1\".|JSON data, line 1: {1..."),
            ("{\"a\" 2}", "Expected \":\", but found \"2\".|JSON data, line 1: {\"a\" 2..."),
            ("{\"a\":2,}", "Expected string, but found \"}\".|JSON data, line 1: {\"a\":2,}"),
            ("{\"a\":2]", "Expected \",\" or \"}\", but found \"]\".|JSON data, line 1: {\"a\":2]"),
            ("1 2", "Expected end of input, but found \"2\".|JSON data, line 1: 1 2"),
            ("truf", "Token \"truf\" is invalid.|JSON data, line 1: truf"),
            ("01", "Token \"01\" is invalid.|JSON data, line 1: 01"),
            ("'a'", "Token \"'\" is invalid.|JSON data, line 1: '..."),
            ("\"abc", "Token \"\"abc\" is invalid.|JSON data, line 1: \"abc"),
            ("\"\\v\"", "Escape sequence \"\\v\" is invalid.|JSON data, line 1: \"\\v..."),
            (
                "\"\\u00g0\"",
                "\"\\u\" must be followed by four hexadecimal digits.|JSON data, line 1: \"\\u00g...",
            ),
            ("\"a\tb\"", "Character with value 0x09 must be escaped.|JSON data, line 1: \"a..."),
            (
                "{\"one\": 1,\n \"two\":,\"two\",  -- ERROR, missing value\n \"three\": true}",
                "Expected JSON value, but found \",\".|JSON data, line 2:  \"two\":,...",
            ),
            (
                "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,x]",
                "Token \"x\" is invalid.|JSON data, line 1: ...,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,x...",
            ),
        ] {
            assert_eq!(complaint(text), want, "{text}");
        }
        assert_eq!(validate(&"[".repeat(10_000_000)).unwrap_err().code().as_str(), "54001");
        assert!(validate(&("[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX))).is_ok());
    }

    #[test]
    fn escapes_are_resolved_where_asked() {
        let strings = |text: &str| {
            let mut reader = Reader::new(text);
            match reader.next() {
                Ok(Some(Event::String(s))) => s.into_owned(),
                Ok(other) => format!("{other:?}"),
                Err(e) => format!("{} {}", e.code().as_str(), e.0.detail.unwrap_or_default()),
            }
        };
        for (text, want) in [
            (r#""a\u00e4\n\/\"""#, "a\u{e4}\n/\""),
            (r#""\ud83d\ude04""#, "\u{1f604}"),
            (r#""\ud83d\ud83d""#, "22P02 Unicode high surrogate must not follow a high surrogate."),
            (r#""\ude04""#, "22P02 Unicode low surrogate must follow a high surrogate."),
            (r#""\ud83dx""#, "22P02 Unicode low surrogate must follow a high surrogate."),
            (r#""\ud83d""#, "22P02 Unicode low surrogate must follow a high surrogate."),
            (r#""\u0000""#, "22P05 \\u0000 cannot be converted to text."),
        ] {
            assert_eq!(strings(text), want, "{text}");
        }
    }
}
