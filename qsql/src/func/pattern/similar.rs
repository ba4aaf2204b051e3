//! SIMILAR TO: SQL's regular expressions, rewritten as POSIX ones.
//!
//! `substring(text similar pattern escape e)` divides its pattern in three with escape-double-quote; the first part
//! becomes a group that matches as little as possible.

use super::like::invalid_escape;
use crate::error::Result;
use crate::func::args::scalar;
use crate::sql_err;

scalar! {
    similar_to_escape_1(pattern: &str) -> String = rewritten(pattern, Some("\\"))?;
    similar_to_escape_2(pattern: &str, escape: &str) -> String = rewritten(pattern, Some(escape))?;
    similar_escape(pattern: Option<&str>, escape: Option<&str>) -> Option<String> = match pattern {
        None => None,
        Some(pattern) => Some(rewritten(pattern, Some(escape.unwrap_or("\\")))?),
    };
}

/// The POSIX expression for a SIMILAR TO pattern.
pub(super) fn rewritten(pattern: &str, escape: Option<&str>) -> Result<String> {
    let mut escape_chars = escape.unwrap_or("").chars();
    let escape = match (escape_chars.next(), escape_chars.next()) {
        (first, None) => first,
        _ => return Err(invalid_escape()),
    };
    let mut out = String::with_capacity(pattern.len() + 10);
    out.push_str("^(?:");
    let mut after_escape = false;
    let mut class = Class::Outside;
    let mut separators = 0;
    for c in pattern.chars() {
        if after_escape {
            if c == '"' && matches!(class, Class::Outside) {
                separators += 1;
                match separators {
                    1 => {
                        // What came so far is the first part: as short as possible.
                        out.replace_range(.."^(?:".len(), "^(?U:");
                        out.push_str(")(");
                    }
                    2 => out.push_str(")(?:"),
                    _ => {
                        return Err(sql_err!(
                            INVALID_USE_OF_ESCAPE_CHARACTER,
                            "SQL regular expression may not contain more than two escape-double-quote separators"
                        ));
                    }
                }
            } else {
                out.push('\\');
                out.push(c);
                class = class.after(c, true);
            }
            after_escape = false;
        } else if Some(c) == escape {
            after_escape = true;
        } else if !matches!(class, Class::Outside) {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
            class = class.after(c, false);
        } else {
            match c {
                '[' => {
                    out.push('[');
                    class = Class::Start;
                }
                '%' => out.push_str(".*"),
                '_' => out.push('.'),
                '(' => out.push_str("(?:"),
                '\\' | '.' | '^' | '$' => {
                    out.push('\\');
                    out.push(c);
                }
                _ => out.push(c),
            }
        }
    }
    out.push_str(")$");
    Ok(out)
}

/// Where in a bracket expression the pattern is.
#[derive(Clone, Copy)]
enum Class {
    Outside,
    /// Just behind `[` or `[^`: a `]` is an ordinary character.
    Start,
    Inside,
    /// In `[:name:]` and the like.
    Nested,
}

impl Class {
    fn after(self, c: char, escaped: bool) -> Class {
        match (self, c) {
            (Class::Outside, _) => Class::Outside,
            (_, _) if escaped => Class::Inside,
            (Class::Start, '^') => Class::Start,
            (Class::Start, ']') => Class::Inside,
            (Class::Start | Class::Inside, '[') => Class::Nested,
            (Class::Nested, ']') => Class::Inside,
            (Class::Nested, _) => Class::Nested,
            (_, ']') => Class::Outside,
            _ => Class::Inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_rewritten() {
        for (pattern, want) in [
            ("a%b_", "^(?:a.*b.)$"),
            ("(a|b)+", "^(?:(?:a|b)+)$"),
            ("a.b", "^(?:a\\.b)$"),
            ("[%_]\\%", "^(?:[%_]\\%)$"),
            ("a\\\"b\\\"c", "^(?U:a)(b)(?:c)$"),
        ] {
            assert_eq!(rewritten(pattern, Some("\\")).ok().as_deref(), Some(want), "{pattern}");
        }
        assert!(rewritten("a", Some("xx")).is_err());
    }
}
