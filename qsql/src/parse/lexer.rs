//! The lexer: from text to tokens that only point into it.
//!
//! A [`Lexer`] is a position and nothing else, so that looking ahead is copying it. A token's value (folding,
//! escapes, underscores) is made when the parser takes it: [`Lexer::string_value`] and its like. A lexical error
//! becomes a [`Tok::Invalid`] token and is raised when the parser gets there, as PostgreSQL's lazy scanner does.
//!
//! Source: PostgreSQL manual, 4.1 "Lexical Structure"; behaviour compared with PostgreSQL 18.
//! `standard_conforming_strings` is on.

use super::keyword::{self, Tok};
use crate::error::SqlError;
use crate::sql_err;
use std::borrow::Cow;

/// Longest identifier in bytes (NAMEDATALEN - 1).
pub const MAX_NAME_BYTES: usize = 63;

/// A token: its kind and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The kind.
    pub kind: Tok,
    /// Whether the value differs from the inner text: doubled quotes, a continuation, underscores.
    pub complex: bool,
    /// Byte offset of the first byte.
    pub start: u32,
    /// Byte offset behind the last byte.
    pub end: u32,
}

/// Cuts a text into tokens.
#[derive(Clone, Copy)]
pub struct Lexer<'s> {
    pub(super) sql: &'s str,
    pub(super) at: usize,
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_ident_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

fn is_ident_cont(b: u8) -> bool {
    is_ident_start(b) || b.is_ascii_digit() || b == b'$'
}

fn is_op_char(b: u8) -> bool {
    matches!(
        b,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

/// Which bytes are a number's digits.
type IsDigit = fn(&u8) -> bool;

/// The error of a token that the lexer refused.
enum Refusal {
    String,
    Bits,
    Hex,
    Identifier,
    EmptyIdentifier,
    Dollar,
    NumberJunk,
    ParamJunk,
    ParamTooLarge,
    BadHex,
    BadOctal,
    BadBinary,
    OperatorTooLong,
}

impl<'s> Lexer<'s> {
    /// Starts at the beginning of `sql`, which must be shorter than 4 GiB.
    pub fn new(sql: &'s str) -> Self {
        Lexer { sql, at: 0 }
    }

    /// Continues at a byte offset.
    pub fn seek(&mut self, at: u32) {
        self.at = at as usize;
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.sql.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, mut accept: impl FnMut(u8) -> bool) {
        let bytes = self.sql.as_bytes();
        while self.at < bytes.len() && accept(bytes[self.at]) {
            self.at += 1;
        }
    }

    /// Skips white space and comments; `false` at an unterminated comment, with the position at its start.
    fn skip_blank(&mut self) -> bool {
        loop {
            match self.peek(0) {
                b if is_space(b) => self.at += 1,
                b'-' if self.peek(1) == b'-' => self.skip_while(|b| b != b'\n' && b != b'\r'),
                b'/' if self.peek(1) == b'*' => {
                    if !self.skip_comment() {
                        return false;
                    }
                }
                _ => return true,
            }
        }
    }

    fn skip_comment(&mut self) -> bool {
        let start = self.at;
        let mut depth = 0usize;
        while self.at < self.sql.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return true;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.at = start;
        false
    }

    /// Returns the next token; at the end, `Tok::Eof` for ever.
    pub fn next_token(&mut self) -> Token {
        if !self.skip_blank() {
            return self.token(Tok::Invalid, self.at);
        }
        let start = self.at;
        if start >= self.sql.len() {
            return self.token(Tok::Eof, start);
        }
        let mut complex = false;
        let kind = match self.scan(&mut complex) {
            Ok(kind) => kind,
            Err(_) => Tok::Invalid,
        };
        Token { complex, ..self.token(kind, start) }
    }

    fn token(&self, kind: Tok, start: usize) -> Token {
        Token { kind, complex: false, start: start as u32, end: self.at as u32 }
    }

    fn scan(&mut self, complex: &mut bool) -> Result<Tok, Refusal> {
        let first = self.peek(0);
        if is_ident_start(first) {
            return self.scan_word(first, complex);
        }
        match first {
            b'0'..=b'9' => self.scan_number(complex),
            b'.' if self.peek(1).is_ascii_digit() => self.scan_number(complex),
            b'\'' => {
                self.scan_quoted(b'\'', false, true, complex).then_some(Tok::StrLit).ok_or(Refusal::String)
            }
            b'"' => self.scan_identifier(Tok::QuotedIdent, complex),
            b'$' => self.scan_dollar(),
            _ if is_op_char(first) => self.scan_operator(),
            _ => {
                let kind = match (first, self.peek(1)) {
                    (b':', b':') => Tok::ColonColon,
                    (b':', b'=') => Tok::ColonEqual,
                    (b'.', b'.') => Tok::DotDot,
                    (b'(', _) => Tok::LParen,
                    (b')', _) => Tok::RParen,
                    (b'[', _) => Tok::LBracket,
                    (b']', _) => Tok::RBracket,
                    (b',', _) => Tok::Comma,
                    (b';', _) => Tok::Semicolon,
                    (b':', _) => Tok::Colon,
                    (b'.', _) => Tok::Dot,
                    _ => Tok::Other,
                };
                self.at +=
                    if matches!(kind, Tok::ColonColon | Tok::ColonEqual | Tok::DotDot) { 2 } else { 1 };
                Ok(kind)
            }
        }
    }

    fn scan_word(&mut self, first: u8, complex: &mut bool) -> Result<Tok, Refusal> {
        match (first | 0x20, self.peek(1), self.peek(2)) {
            (b'e', b'\'', _) => {
                self.at += 1;
                return self
                    .scan_quoted(b'\'', true, true, complex)
                    .then_some(Tok::EscapeStrLit)
                    .ok_or(Refusal::String);
            }
            (b'b', b'\'', _) => {
                self.at += 1;
                return self
                    .scan_quoted(b'\'', false, true, complex)
                    .then_some(Tok::BitLit)
                    .ok_or(Refusal::Bits);
            }
            (b'x', b'\'', _) => {
                self.at += 1;
                return self
                    .scan_quoted(b'\'', false, true, complex)
                    .then_some(Tok::HexLit)
                    .ok_or(Refusal::Hex);
            }
            (b'n', b'\'', _) => {
                // A national character literal is the type name NCHAR before a string.
                self.at += 1;
                return Ok(Tok::Nchar);
            }
            (b'u', b'&', b'\'') => {
                self.at += 2;
                return self
                    .scan_quoted(b'\'', false, true, complex)
                    .then_some(Tok::UnicodeStrLit)
                    .ok_or(Refusal::String);
            }
            (b'u', b'&', b'"') => {
                self.at += 2;
                return self.scan_identifier(Tok::UnicodeIdent, complex);
            }
            _ => {}
        }
        let start = self.at;
        self.skip_while(is_ident_cont);
        Ok(keyword::lookup(&self.sql.as_bytes()[start..self.at]))
    }

    /// Skips a quoted text, whose opening quote is next; `false` if it does not end.
    fn scan_quoted(&mut self, quote: u8, escapes: bool, continues: bool, complex: &mut bool) -> bool {
        let bytes = self.sql.as_bytes();
        self.at += 1;
        loop {
            let rest = &bytes[self.at.min(bytes.len())..];
            let found =
                if escapes { memchr::memchr2(quote, b'\\', rest) } else { memchr::memchr(quote, rest) };
            let Some(skip) = found else {
                self.at = bytes.len();
                return false;
            };
            self.at += skip + 1;
            if bytes[self.at - 1] == b'\\' {
                *complex = true;
                // The escaped character may be a quote; whatever else it is, it is looked at later.
                self.at += usize::from(self.at < bytes.len());
                continue;
            }
            if self.peek(0) == quote {
                *complex = true;
                self.at += 1;
                continue;
            }
            if continues && let Some(next) = self.continuation() {
                *complex = true;
                self.at = next + 1;
                continue;
            }
            return true;
        }
    }

    /// Returns the offset of the quote that continues the string just closed, behind white space with a newline.
    pub(super) fn continuation(&self) -> Option<usize> {
        // Almost every string is followed by one of these.
        if matches!(self.peek(0), b',' | b')' | b';' | 0) {
            return None;
        }
        let mut ahead = *self;
        let mut newline = false;
        loop {
            match ahead.peek(0) {
                b'\n' | b'\r' => {
                    newline = true;
                    ahead.at += 1;
                }
                b if is_space(b) => ahead.at += 1,
                b'-' if ahead.peek(1) == b'-' => {
                    ahead.skip_while(|b| b != b'\n' && b != b'\r');
                    if ahead.at >= ahead.sql.len() {
                        return None;
                    }
                }
                b'\'' if newline => return Some(ahead.at),
                _ => return None,
            }
        }
    }

    fn scan_identifier(&mut self, kind: Tok, complex: &mut bool) -> Result<Tok, Refusal> {
        let start = self.at;
        if !self.scan_quoted(b'"', false, false, complex) {
            return Err(Refusal::Identifier);
        }
        if self.at == start + 2 { Err(Refusal::EmptyIdentifier) } else { Ok(kind) }
    }

    fn scan_dollar(&mut self) -> Result<Tok, Refusal> {
        let bytes = self.sql.as_bytes();
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_ascii_digit() {
            self.skip_while(|b| b.is_ascii_digit());
            if is_ident_start(self.peek(0)) {
                self.skip_while(is_ident_cont);
                return Err(Refusal::ParamJunk);
            }
            let fits = self.sql[start + 1..self.at].parse::<i32>().is_ok();
            return if fits { Ok(Tok::Param) } else { Err(Refusal::ParamTooLarge) };
        }
        if is_ident_start(self.peek(0)) {
            self.skip_while(|b| is_ident_start(b) || b.is_ascii_digit());
        }
        if self.peek(0) != b'$' {
            self.at = start + 1;
            return Ok(Tok::Other);
        }
        self.at += 1;
        let tag = &bytes[start..self.at];
        match memchr::memmem::find(&bytes[self.at..], tag) {
            Some(skip) => {
                self.at += skip + tag.len();
                Ok(Tok::DollarStrLit)
            }
            None => {
                self.at = bytes.len();
                Err(Refusal::Dollar)
            }
        }
    }

    /// Skips digits with single underscores between them; `false` if there is none.
    fn skip_digits(&mut self, complex: &mut bool, is_digit: IsDigit) -> bool {
        let start = self.at;
        loop {
            if is_digit(&self.peek(0)) {
                self.at += 1;
            } else if self.at > start && self.peek(0) == b'_' && is_digit(&self.peek(1)) {
                *complex = true;
                self.at += 2;
            } else {
                return self.at > start;
            }
        }
    }

    fn scan_number(&mut self, complex: &mut bool) -> Result<Tok, Refusal> {
        let start = self.at;
        if self.peek(0) == b'0' {
            let radix: Option<(IsDigit, Refusal)> = match self.peek(1) | 0x20 {
                b'x' => Some((u8::is_ascii_hexdigit, Refusal::BadHex)),
                b'o' => Some((|b| matches!(b, b'0'..=b'7'), Refusal::BadOctal)),
                b'b' => Some((|b| matches!(b, b'0' | b'1'), Refusal::BadBinary)),
                _ => None,
            };
            if let Some((is_digit, refusal)) = radix {
                self.at += 2;
                if self.peek(0) == b'_' {
                    *complex = true;
                    self.at += 1;
                }
                let any = self.skip_digits(complex, is_digit);
                if is_ident_cont(self.peek(0)) {
                    self.skip_while(is_ident_cont);
                    return Err(Refusal::NumberJunk);
                }
                return if any { Ok(Tok::NumLit) } else { Err(refusal) };
            }
        }
        let mut kind = Tok::IntLit;
        self.skip_digits(complex, u8::is_ascii_digit);
        // `1..2` is an integer before `..`.
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            kind = Tok::NumLit;
            self.at += 1;
            self.skip_digits(complex, u8::is_ascii_digit);
        }
        if self.peek(0) | 0x20 == b'e' {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                kind = Tok::NumLit;
                self.at += 1 + sign;
                self.skip_digits(complex, u8::is_ascii_digit);
            } else if sign == 1 {
                self.at += 2;
                return Err(Refusal::NumberJunk);
            }
        }
        if is_ident_start(self.peek(0)) {
            self.skip_while(is_ident_cont);
            return Err(Refusal::NumberJunk);
        }
        debug_assert!(self.at > start);
        Ok(kind)
    }

    fn scan_operator(&mut self) -> Result<Tok, Refusal> {
        let bytes = self.sql.as_bytes();
        let start = self.at;
        // An operator ends where a comment begins.
        while self.at < bytes.len() && is_op_char(bytes[self.at]) {
            if self.at > start && matches!((self.peek(0), self.peek(1)), (b'-', b'-') | (b'/', b'*')) {
                break;
            }
            self.at += 1;
        }
        // A longer one may end in + or - only if it holds a character that no SQL operator has.
        let text = &bytes[start..self.at];
        if text.len() > 1
            && matches!(text[text.len() - 1], b'+' | b'-')
            && !text
                .iter()
                .any(|b| matches!(b, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%'))
        {
            while self.at - start > 1 && matches!(bytes[self.at - 1], b'+' | b'-') {
                self.at -= 1;
            }
        }
        Ok(match &bytes[start..self.at] {
            b"+" => Tok::Plus,
            b"-" => Tok::Minus,
            b"*" => Tok::Star,
            b"/" => Tok::Slash,
            b"%" => Tok::Percent,
            b"^" => Tok::Caret,
            b"<" => Tok::Less,
            b">" => Tok::Greater,
            b"=" => Tok::Equal,
            b"<=" => Tok::LessEqual,
            b">=" => Tok::GreaterEqual,
            b"<>" | b"!=" => Tok::NotEqual,
            b"=>" => Tok::EqualGreater,
            long if long.len() > MAX_NAME_BYTES => return Err(Refusal::OperatorTooLong),
            _ => Tok::Op,
        })
    }

    /// Returns the error of a `Tok::Invalid` token.
    #[cold]
    pub fn error_of(&self, token: Token) -> SqlError {
        let mut again = Lexer { sql: self.sql, at: token.start as usize };
        let what = if !again.skip_blank() {
            again.at = self.sql.len();
            "unterminated /* comment"
        } else {
            match again.scan(&mut false) {
                Ok(_) => "syntax error",
                Err(refusal) => match refusal {
                    Refusal::String => "unterminated quoted string",
                    Refusal::Bits => "unterminated bit string literal",
                    Refusal::Hex => "unterminated hexadecimal string literal",
                    Refusal::Identifier => "unterminated quoted identifier",
                    Refusal::EmptyIdentifier => "zero-length delimited identifier",
                    Refusal::Dollar => "unterminated dollar-quoted string",
                    Refusal::NumberJunk => "trailing junk after numeric literal",
                    Refusal::ParamJunk => "trailing junk after parameter",
                    Refusal::ParamTooLarge => "parameter number too large",
                    Refusal::BadHex => "invalid hexadecimal integer",
                    Refusal::BadOctal => "invalid octal integer",
                    Refusal::BadBinary => "invalid binary integer",
                    Refusal::OperatorTooLong => "operator too long",
                },
            }
        };
        let text = &self.sql[token.start as usize..again.at];
        sql_err!(SYNTAX_ERROR, "{what} at or near \"{text}\"").at(token.start)
    }

    /// Returns a token's bytes.
    pub fn text(&self, token: Token) -> &'s str {
        &self.sql[token.start as usize..token.end as usize]
    }

    /// Returns the identifier of a word or quoted identifier, folded and unquoted but not yet truncated.
    pub fn ident_value(&self, token: Token) -> Cow<'s, str> {
        let text = self.text(token);
        if token.kind == Tok::QuotedIdent {
            let inner = &text[1..text.len() - 1];
            return if token.complex { inner.replace("\"\"", "\"").into() } else { inner.into() };
        }
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            text.to_ascii_lowercase().into()
        } else {
            text.into()
        }
    }

    /// Returns a number's digits without underscores.
    pub fn number_value(&self, token: Token) -> Cow<'s, str> {
        let text = self.text(token);
        if token.complex { text.replace('_', "").into() } else { text.into() }
    }
}

/// Cuts a name to the longest that the catalog holds, at a character's boundary.
pub fn truncate_name(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME_BYTES.min(name.len()))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Vec<(Tok, &str)> {
        let mut lexer = Lexer::new(sql);
        let mut out = Vec::new();
        loop {
            let token = lexer.next_token();
            if token.kind == Tok::Eof {
                return out;
            }
            out.push((token.kind, lexer.text(token)));
            if token.kind == Tok::Invalid {
                return out;
            }
        }
    }

    #[test]
    fn operators_end_where_postgresql_ends_them() {
        use Tok::*;
        assert_eq!(kinds("a<-1"), [(Ident, "a"), (Less, "<"), (Minus, "-"), (IntLit, "1")]);
        assert_eq!(kinds("@-1"), [(Op, "@-"), (IntLit, "1")]);
        assert_eq!(kinds("*--x\n/"), [(Star, "*"), (Slash, "/")]);
        assert_eq!(kinds("+/* /* */ */-"), [(Plus, "+"), (Minus, "-")]);
        assert_eq!(
            kinds("a=>b!=c<>d"),
            [
                (Ident, "a"),
                (EqualGreater, "=>"),
                (Ident, "b"),
                (NotEqual, "!="),
                (Ident, "c"),
                (NotEqual, "<>"),
                (Ident, "d")
            ]
        );
        assert_eq!(kinds("1..2"), [(IntLit, "1"), (DotDot, ".."), (IntLit, "2")]);
        assert_eq!(kinds("->>"), [(Op, "->>")]);
        assert_eq!(kinds("=-="), [(Op, "=-=")]);
    }

    #[test]
    fn refusals_are_worded_as_postgresql() {
        for (sql, message) in [
            ("'abc", "unterminated quoted string at or near \"'abc\""),
            ("\"abc", "unterminated quoted identifier at or near \"\"abc\""),
            ("\"\"", "zero-length delimited identifier at or near \"\"\"\""),
            ("/* x", "unterminated /* comment at or near \"/* x\""),
            ("$a$ x", "unterminated dollar-quoted string at or near \"$a$ x\""),
            ("1a ", "trailing junk after numeric literal at or near \"1a\""),
            ("0b12", "trailing junk after numeric literal at or near \"0b12\""),
            ("1__2", "trailing junk after numeric literal at or near \"1__2\""),
            ("1.5e+", "trailing junk after numeric literal at or near \"1.5e+\""),
            ("0x", "invalid hexadecimal integer at or near \"0x\""),
            ("$1a", "trailing junk after parameter at or near \"$1a\""),
            ("$99999999999", "parameter number too large at or near \"$99999999999\""),
            ("b'1", "unterminated bit string literal at or near \"b'1\""),
        ] {
            let mut lexer = Lexer::new(sql);
            let token = lexer.next_token();
            assert_eq!(token.kind, Tok::Invalid, "{sql}");
            assert_eq!(lexer.error_of(token).message(), message, "{sql}");
        }
    }
}
