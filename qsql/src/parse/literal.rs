//! The values of string literals: quotes, continuations and escapes resolved.
//!
//! Source: PostgreSQL manual, 4.1.2 "Constants"; behaviour compared with PostgreSQL 18.

use super::keyword::Tok;
use super::lexer::{Lexer, Token};
use crate::error::{Result, SqlError, SqlState};
use crate::sql_err;
use std::borrow::Cow;

impl<'s> Lexer<'s> {
    /// Returns the value of a string literal that is neither `U&'..'` nor a bit string.
    ///
    /// # Errors
    /// 22025, 42601 for wrong escapes; 22021 where escapes do not give UTF-8.
    pub fn string_value(&self, token: Token) -> Result<Cow<'s, str>> {
        let text = self.text(token);
        match token.kind {
            Tok::DollarStrLit => {
                let tag = text[1..].find('$').map_or(text.len(), |i| i + 2);
                Ok(text[tag..text.len() - tag].into())
            }
            Tok::EscapeStrLit if token.complex => unescape(token.start, text).map(Cow::Owned),
            Tok::EscapeStrLit => Ok(text[2..text.len() - 1].into()),
            _ if !token.complex => Ok(text[1..text.len() - 1].into()),
            _ => Ok(self.join_pieces(token, 0).into()),
        }
    }

    /// Joins the pieces of a continued string and its doubled quotes; `prefix` bytes stand before the first quote.
    fn join_pieces(&self, token: Token, prefix: usize) -> String {
        let text = self.text(token);
        let mut out = String::with_capacity(text.len());
        let mut at = prefix + 1;
        while let Some(skip) = memchr::memchr(b'\'', &text.as_bytes()[at..]) {
            out.push_str(&text[at..at + skip]);
            at += skip + 1;
            if text.as_bytes().get(at) == Some(&b'\'') {
                out.push('\'');
                at += 1;
            } else if let Some(next) = (Lexer { sql: text, at }).continuation() {
                at = next + 1;
            } else {
                break;
            }
        }
        out
    }

    /// Returns a bit string's digits behind `b` or `x`.
    pub fn bits_value(&self, token: Token) -> String {
        let digits = self.join_pieces(token, 1);
        format!("{}{digits}", if token.kind == Tok::BitLit { 'b' } else { 'x' })
    }

    /// Returns the value of `U&'..'` or `U&".."` with the given escape character.
    ///
    /// # Errors
    /// 42601 for wrong escapes.
    pub fn unicode_value(&self, token: Token, escape: char) -> Result<String> {
        let text = self.text(token);
        let raw: Cow<'_, str> = match (token.kind, token.complex) {
            (Tok::UnicodeStrLit, true) => self.join_pieces(token, 2).into(),
            (_, true) => text[3..text.len() - 1].replace("\"\"", "\"").into(),
            _ => text[3..text.len() - 1].into(),
        };
        unescape_unicode(&raw, escape, token.start + 3)
    }
}

fn invalid_unicode(at: usize, hint: &'static str, state: SqlState) -> SqlError {
    SqlError::new(state, "invalid Unicode escape").hint(hint).at(at as u32)
}

fn invalid_surrogate(at: usize) -> SqlError {
    sql_err!(SYNTAX_ERROR, "invalid Unicode surrogate pair").at(at as u32)
}

/// Puts together what `\u`, `\+`, `\XXXX` escapes give, surrogate pairs included.
#[derive(Default)]
struct Surrogates {
    high: Option<(u32, usize)>,
}

impl Surrogates {
    fn push(&mut self, code: u32, at: usize) -> Result<Option<char>> {
        match (self.high.take(), code) {
            (Some((high, _)), 0xdc00..=0xdfff) => {
                Ok(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00)))
            }
            (Some(_), _) | (None, 0xdc00..=0xdfff) => Err(invalid_surrogate(at)),
            (None, 0xd800..=0xdbff) => {
                self.high = Some((code, at));
                Ok(None)
            }
            (None, 0) => Err(sql_err!(SYNTAX_ERROR, "invalid Unicode escape value").at(at as u32)),
            (None, code) => char::from_u32(code)
                .map(Some)
                .ok_or_else(|| sql_err!(SYNTAX_ERROR, "invalid Unicode escape value").at(at as u32)),
        }
    }

    /// Checks that no half of a pair waits when something else comes at `at`.
    fn finish(&self, at: usize) -> Result<()> {
        if self.high.is_some() { Err(invalid_surrogate(at)) } else { Ok(()) }
    }
}

fn hex_digits(bytes: &[u8], count: usize) -> Option<u32> {
    let digits = bytes.get(..count)?;
    digits.iter().try_fold(0, |value, &b| Some(value * 16 + (b as char).to_digit(16)?))
}

/// Completes an error with the text it is about, as PostgreSQL's scanner words it.
#[cold]
fn near(mut error: SqlError, text: &str, at: usize, length: usize) -> SqlError {
    let end = text.ceil_char_boundary((at + length).min(text.len()));
    error.0.message = format!("{} at or near \"{}\"", error.message(), &text[at..end]).into();
    error
}

/// Reads the escapes of `E'..'`; `text` is the whole token, which starts at byte `start`.
fn unescape(start: u32, text: &str) -> Result<String> {
    const HINT: &str = "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.";
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut pairs = Surrogates::default();
    let mut at = 2;
    loop {
        let b = bytes[at];
        if b != b'\\' {
            pairs.finish(start as usize + at).map_err(|error| near(error, text, at, 1))?;
        }
        match b {
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => {
                out.push(b'\'');
                at += 2;
            }
            b'\'' if at + 1 >= bytes.len() => break,
            b'\'' => {
                // A continuation: on to the next piece's opening quote, over comments that may hold quotes.
                let piece = Lexer { sql: text, at: at + 1 };
                at = piece.continuation().map_or(bytes.len() - 1, |next| next + 1);
            }
            b'\\' => {
                let kind = bytes.get(at + 1).copied().unwrap_or(b'\\');
                if !matches!(kind, b'u' | b'U') {
                    pairs.finish(start as usize + at).map_err(|error| near(error, text, at, 1))?;
                }
                at += 2;
                match kind {
                    b'b' => out.push(8),
                    b'f' => out.push(12),
                    b'n' => out.push(b'\n'),
                    b'r' => out.push(b'\r'),
                    b't' => out.push(b'\t'),
                    b'v' => out.push(11),
                    b'0'..=b'7' => {
                        let mut value = u32::from(kind - b'0');
                        for _ in 0..2 {
                            match bytes.get(at) {
                                Some(d @ b'0'..=b'7') => value = value * 8 + u32::from(d - b'0'),
                                _ => break,
                            }
                            at += 1;
                        }
                        out.push(value as u8);
                    }
                    b'x' if bytes.get(at).is_some_and(u8::is_ascii_hexdigit) => {
                        let count = 1 + usize::from(bytes.get(at + 1).is_some_and(u8::is_ascii_hexdigit));
                        out.push(hex_digits(&bytes[at..], count).unwrap_or(0) as u8);
                        at += count;
                    }
                    b'u' | b'U' => {
                        let count = if kind == b'u' { 4 } else { 8 };
                        let place = start as usize + at - 2;
                        let code = hex_digits(&bytes[at..], count)
                            .ok_or_else(|| invalid_unicode(place, HINT, SqlState::INVALID_ESCAPE_SEQUENCE))?;
                        at += count;
                        let pushed = pairs.push(code, place);
                        if let Some(c) =
                            pushed.map_err(|error| near(error, text, at - count - 2, count + 2))?
                        {
                            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                    }
                    _ => {
                        // Any other character stands for itself; it may have more bytes.
                        out.push(kind);
                    }
                }
            }
            _ => {
                out.push(b);
                at += 1;
            }
        }
    }
    if out.contains(&0) {
        return Err(sql_err!(
            CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00"
        ));
    }
    String::from_utf8(out).map_err(|e| {
        let bad = e.utf8_error();
        let rest = &e.as_bytes()[bad.valid_up_to()..];
        let shown = rest[..utf8_length(rest[0]).min(rest.len())].iter().map(|b| format!("0x{b:02x}"));
        let shown = shown.collect::<Vec<_>>().join(" ");
        sql_err!(CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": {shown}")
    })
}

/// Returns how many bytes a character has that starts with `first`.
fn utf8_length(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    }
}

fn unescape_unicode(raw: &str, escape: char, start: u32) -> Result<String> {
    const HINT: &str = "Unicode escapes must be \\XXXX or \\+XXXXXX.";
    let mut out = String::with_capacity(raw.len());
    let mut pairs = Surrogates::default();
    let mut at = 0;
    while let Some(c) = raw[at..].chars().next() {
        let place = start as usize + at;
        if c != escape {
            pairs.finish(place)?;
            out.push(c);
            at += c.len_utf8();
            continue;
        }
        let rest = &raw.as_bytes()[at + escape.len_utf8()..];
        if raw[at + escape.len_utf8()..].starts_with(escape) {
            pairs.finish(place)?;
            out.push(escape);
            at += 2 * escape.len_utf8();
            continue;
        }
        let (skip, count) = if rest.first() == Some(&b'+') { (1, 6) } else { (0, 4) };
        let code = hex_digits(rest.get(skip..).unwrap_or(&[]), count)
            .ok_or_else(|| invalid_unicode(place, HINT, SqlState::SYNTAX_ERROR))?;
        if let Some(c) = pairs.push(code, place)? {
            out.push(c);
        }
        at += escape.len_utf8() + skip + count;
    }
    pairs.finish(start as usize + raw.len())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_give_their_values() {
        for (sql, value) in [
            ("'a''b'", "a'b"),
            ("''", ""),
            ("''''", "'"),
            ("'a'\n  'b'", "ab"),
            ("'a' -- it's\n 'b''c'", "ab'c"),
            ("E'\\n\\x41\\101\\u00e4\\\\\\q\\''", "\nAA\u{e4}\\q'"),
            ("E'a' -- it's\n '\\t'", "a\t"),
            ("E'\\uD83D\\uDE00'", "\u{1F600}"),
            ("$$a'b$$", "a'b"),
            ("$x$ $$ $x$", " $$ "),
            ("E'\\\u{e4}'", "\u{e4}"),
        ] {
            let mut lexer = Lexer::new(sql);
            let token = lexer.next_token();
            assert_eq!(token.end as usize, sql.len(), "{sql}");
            assert_eq!(lexer.string_value(token).expect(sql), value, "{sql}");
        }
        let mut lexer = Lexer::new("U&'d\\0061t\\+000061!\\\\'");
        let token = lexer.next_token();
        assert_eq!(lexer.unicode_value(token, '\\').expect("valid"), "data!\\");
    }
}
