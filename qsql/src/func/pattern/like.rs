//! LIKE: `%` any run of characters, `_` one character, an escape character (backslash unless LIKE ... ESCAPE rewrote the
//! pattern).
//!
//! The matcher backtracks to the last `%` only, so it needs at most text x pattern steps and no memory.

use crate::error::{Result, SqlError};
use crate::func::args::scalar;
use crate::sql_err;

scalar! {
    textlike(text: &str, pattern: &str) -> bool = matches(text.as_bytes(), pattern.as_bytes(), same, true)?;
    textnlike(text: &str, pattern: &str) -> bool = !matches(text.as_bytes(), pattern.as_bytes(), same, true)?;
    namelike(text: &str, pattern: &str) -> bool = matches(text.as_bytes(), pattern.as_bytes(), same, true)?;
    namenlike(text: &str, pattern: &str) -> bool = !matches(text.as_bytes(), pattern.as_bytes(), same, true)?;
    bytealike(text: &[u8], pattern: &[u8]) -> bool = matches(text, pattern, same, false)?;
    byteanlike(text: &[u8], pattern: &[u8]) -> bool = !matches(text, pattern, same, false)?;
    texticlike(text: &str, pattern: &str) -> bool = ilike(text, pattern)?;
    texticnlike(text: &str, pattern: &str) -> bool = !ilike(text, pattern)?;
    nameiclike(text: &str, pattern: &str) -> bool = ilike(text, pattern)?;
    nameicnlike(text: &str, pattern: &str) -> bool = !ilike(text, pattern)?;
    like_escape(pattern: &str, escape: &str) -> String = {
        let mut chars = escape.chars();
        match (chars.next(), chars.next()) {
            (None, _) => pattern.replace('\\', "\\\\"),
            (Some('\\'), None) => pattern.to_owned(),
            (Some(escape), None) => rewritten(pattern, escape),
            _ => return Err(invalid_escape()),
        }
    };
    like_escape_bytea(pattern: &[u8], escape: &[u8]) -> Vec<u8> = match escape {
        [] => pattern.iter().flat_map(|&b| std::iter::repeat_n(b, if b == b'\\' { 2 } else { 1 })).collect(),
        [b'\\'] => pattern.to_vec(),
        [escape] => rewritten_bytes(pattern, *escape),
        _ => return Err(invalid_escape()),
    };
}

pub(super) fn invalid_escape() -> SqlError {
    sql_err!(INVALID_ESCAPE_SEQUENCE, "invalid escape string")
        .hint("Escape string must be empty or one character.")
}

fn same(a: u8, b: u8) -> bool {
    a == b
}

/// Whether `text LIKE pattern`; a pattern that is an error matches nothing.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    matches(text.as_bytes(), pattern.as_bytes(), same, true).unwrap_or(false)
}

fn ilike(text: &str, pattern: &str) -> Result<bool> {
    if text.is_ascii() && pattern.is_ascii() {
        return matches(text.as_bytes(), pattern.as_bytes(), |a, b| a.eq_ignore_ascii_case(&b), true);
    }
    matches(text.to_lowercase().as_bytes(), pattern.to_lowercase().as_bytes(), same, true)
}

/// Length of the character that starts with this byte.
fn width(first: u8, utf8: bool) -> usize {
    match first {
        _ if !utf8 => 1,
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// Whether `text` matches `pattern`.
fn matches(text: &[u8], pattern: &[u8], equal: impl Fn(u8, u8) -> bool, utf8: bool) -> Result<bool> {
    let (mut t, mut p) = (0, 0);
    // Where to go on after the last `%`: place in the pattern behind it, and the next place in the text to try.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some(b'%') => {
                while pattern.get(p) == Some(&b'%') {
                    p += 1;
                }
                if p == pattern.len() {
                    return Ok(true);
                }
                retry = Some((p, t));
                continue;
            }
            Some(b'_') => {
                t += width(text[t], utf8);
                p += 1;
                continue;
            }
            Some(b'\\') => match pattern.get(p + 1) {
                None => {
                    return Err(sql_err!(
                        INVALID_ESCAPE_SEQUENCE,
                        "LIKE pattern must not end with escape character"
                    ));
                }
                Some(&literal) => equal(text[t], literal).then_some(2),
            },
            Some(&literal) => equal(text[t], literal).then_some(1),
            None => None,
        };
        match (step, &mut retry) {
            (Some(step), _) => {
                t += 1;
                p += step;
            }
            (None, None) => return Ok(false),
            (None, Some((after, from))) => {
                *from += width(text[*from], utf8);
                (t, p) = (*from, *after);
            }
        }
    }
    Ok(pattern[p..].iter().all(|&b| b == b'%'))
}

/// The pattern with backslash as its escape character.
fn rewritten(pattern: &str, escape: char) -> String {
    let mut out = String::with_capacity(pattern.len() + 4);
    let mut after_escape = false;
    for c in pattern.chars() {
        if c == escape && !after_escape {
            out.push('\\');
            after_escape = true;
        } else {
            if c == '\\' && !after_escape {
                out.push('\\');
            }
            out.push(c);
            after_escape = false;
        }
    }
    out
}

fn rewritten_bytes(pattern: &[u8], escape: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len() + 4);
    let mut after_escape = false;
    for &b in pattern {
        if b == escape && !after_escape {
            out.push(b'\\');
            after_escape = true;
        } else {
            if b == b'\\' && !after_escape {
                out.push(b'\\');
            }
            out.push(b);
            after_escape = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (text, pattern, want) in [
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "_b_", true),
            ("abc", "a_", false),
            ("abc", "%b%", true),
            ("abcabd", "%ab_", true),
            ("h\u{e9}llo", "h_llo", true),
            ("a%c", "a\\%c", true),
            ("abc", "a\\%c", false),
            ("", "%", true),
            ("", "_", false),
            ("a", "a\\", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "%a%a%a%a%a%a%a%b", false),
        ] {
            assert_eq!(
                matches(text.as_bytes(), pattern.as_bytes(), same, true).ok(),
                Some(want),
                "{text} {pattern}"
            );
        }
        assert!(matches(b"aa", b"a\\", same, true).is_err());
        assert_eq!(ilike("ABC", "a_C").ok(), Some(true));
        assert_eq!(ilike("\u{c4}BC", "\u{e4}%").ok(), Some(true));
    }

    #[test]
    fn other_escape_characters() {
        assert_eq!(rewritten("a#%b\\", '#'), "a\\%b\\\\");
        assert_eq!(rewritten("a##", '#'), "a\\#");
    }
}
