//! The lexer: from text to tokens that only point into it.
//!
//! A [`Lexer`] is a position and nothing else, so that looking ahead is copying it. A token's value (folding,
//! escapes, underscores) is made when the parser takes it: [`Lexer::string_value`] and its like. A lexical error
//! becomes a [`Tok::Invalid`] token and is raised when the parser gets there, as PostgreSQL's lazy scanner does.
//!
//! Source: PostgreSQL manual, 4.1 "Lexical Structure"; behaviour compared with PostgreSQL 18.
//! `standard_conforming_strings` is on.

use super::keyword::{self, Tok};
use crate::error::{Result, SqlError, SqlState};
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
    sql: &'s str,
    at: usize,
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
    fn continuation(&self) -> Option<usize> {
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
    fn skip_digits(&mut self, complex: &mut bool, is_digit: fn(&u8) -> bool) -> bool {
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
            let radix: Option<(fn(&u8) -> bool, Refusal)> = match self.peek(1) | 0x20 {
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
        let text = &self.text(token)[prefix..];
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('\'') {
            rest = &rest[open + 1..];
            while let Some(close) = rest.find('\'') {
                out.push_str(&rest[..close]);
                rest = &rest[close + 1..];
                if !rest.starts_with('\'') {
                    break;
                }
                out.push('\'');
                rest = &rest[1..];
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

    /// Returns a number's digits without underscores.
    pub fn number_value(&self, token: Token) -> Cow<'s, str> {
        let text = self.text(token);
        if token.complex { text.replace('_', "").into() } else { text.into() }
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
            pairs.finish(start as usize + at)?;
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
                    pairs.finish(start as usize + at)?;
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
                        if let Some(c) = pairs.push(code, place)? {
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
