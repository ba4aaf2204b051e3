//! Tokens of paths.

use std::sync::Arc;

use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::Numeric;

/// A token. Words stay words: which are keywords depends on where they stand.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(Arc<str>),
    Quoted(Arc<str>),
    Variable(Arc<str>),
    Int(Numeric),
    Number(Numeric),
    /// An operator or a mark.
    Sign(&'static str),
    End,
}

/// The signs, longest first.
const SIGNS: [&str; 31] = [
    "&&", "||", "**", "<=", "==", "<>", "!=", ">=", "!", "<", ">", "?", "%", "$", ".", "[", "]", "{", "}",
    "(", ")", "|", "&", "=", "@", "#", ",", "*", ":", "-", "+",
];

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Where the current token begins.
    pub(super) start: usize,
}

/// Whether a byte may stand in a word.
fn is_word(byte: u8) -> bool {
    !matches!(
        byte,
        b'?' | b'%'
            | b'$'
            | b'.'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'('
            | b')'
            | b'|'
            | b'&'
            | b'!'
            | b'='
            | b'<'
            | b'>'
            | b'@'
            | b'#'
            | b','
            | b'*'
            | b':'
            | b'-'
            | b'+'
            | b'/'
            | b'\\'
            | b'"'
            | b' '
            | b'\t'
            | b'\n'
            | b'\r'
            | 0x0c
    )
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Lexer { text, at: 0, start: 0 }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// The complaint about the current token.
    #[cold]
    pub(super) fn complaint(&self, what: &str) -> SqlError {
        match self.text.get(self.start..self.at) {
            Some(token) if !token.is_empty() && self.start < self.text.len() => {
                sql_err!(SYNTAX_ERROR, "{what} at or near \"{token}\" of jsonpath input")
            }
            _ => sql_err!(SYNTAX_ERROR, "{what} at end of jsonpath input"),
        }
    }

    #[cold]
    fn at_end(&mut self, what: &str) -> SqlError {
        self.at = self.text.len();
        self.start = self.at;
        self.complaint(what)
    }

    /// Reads the next token.
    pub(super) fn next(&mut self) -> Result<Token> {
        loop {
            while let Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c) = self.byte(0) {
                self.at += 1;
            }
            if self.text[self.at..].starts_with("/*") {
                match self.text[self.at + 2..].find("*/") {
                    Some(len) => self.at += len + 4,
                    None => return Err(self.at_end("unexpected end of comment")),
                }
                continue;
            }
            break;
        }
        self.start = self.at;
        let Some(first) = self.byte(0) else { return Ok(Token::End) };
        let next_is_word = self.byte(1).is_some_and(is_word);
        match first {
            b'"' => {
                self.at += 1;
                self.quoted().map(Token::Quoted)
            }
            b'$' if self.byte(1) == Some(b'"') => {
                self.at += 2;
                self.quoted().map(Token::Variable)
            }
            b'$' if next_is_word => {
                self.at += 1;
                let name = self.take_while(is_word);
                Ok(Token::Variable(name.into()))
            }
            b'.' if self.byte(1).is_some_and(|b| b.is_ascii_digit()) => self.number(),
            b'0'..=b'9' => self.number(),
            b'/' => {
                self.at += 1;
                Ok(Token::Sign("/"))
            }
            b if is_word(b) || b == b'\\' => self.word(),
            _ => {
                let rest = &self.text[self.at..];
                match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                    Some(sign) => {
                        self.at += sign.len();
                        Ok(Token::Sign(sign))
                    }
                    None => {
                        self.at += rest.chars().next().map_or(1, char::len_utf8);
                        Err(self.complaint("syntax error"))
                    }
                }
            }
        }
    }

    fn take_while(&mut self, wanted: fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let len = rest.bytes().position(|b| !wanted(b)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn word(&mut self) -> Result<Token> {
        let mut word = String::new();
        loop {
            word.push_str(self.take_while(is_word));
            if self.byte(0) != Some(b'\\') {
                return Ok(Token::Word(word.into()));
            }
            self.escape(&mut word)?;
        }
    }

    fn quoted(&mut self) -> Result<Arc<str>> {
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|b| b != b'"' && b != b'\\'));
            match self.byte(0) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text.into());
                }
                Some(_) => self.escape(&mut text)?,
                None => return Err(self.at_end("unterminated quoted string")),
            }
        }
    }

    /// Reads a backslash and what belongs to it.
    fn escape(&mut self, out: &mut String) -> Result<()> {
        let begin = self.at;
        self.at += 1;
        let Some(letter) = self.text[self.at..].chars().next() else {
            return Err(self.at_end("unexpected end after backslash"));
        };
        self.at += letter.len_utf8();
        let meant = match letter {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => match self.hex(2) {
                Some(code) => self.character(code, begin)?,
                None => return Err(self.bad_escape(begin, "invalid hexadecimal character sequence")),
            },
            'u' => {
                let Some(code) = self.unicode() else {
                    return Err(self.bad_escape(begin, "invalid Unicode escape sequence"));
                };
                match code {
                    0xd800..0xdc00 => {
                        let low = match self.text[self.at..].starts_with("\\u") {
                            true => {
                                self.at += 2;
                                self.unicode()
                            }
                            false => None,
                        };
                        match low {
                            Some(low @ 0xdc00..0xe000) => {
                                self.character(0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff), begin)?
                            }
                            _ => {
                                return Err(surrogate("Unicode low surrogate must follow a high surrogate."));
                            }
                        }
                    }
                    0xdc00..0xe000 => {
                        return Err(surrogate("Unicode low surrogate must follow a high surrogate."));
                    }
                    code => self.character(code, begin)?,
                }
            }
            other => other,
        };
        out.push(meant);
        Ok(())
    }

    #[cold]
    fn bad_escape(&mut self, begin: usize, what: &str) -> SqlError {
        self.start = begin;
        self.complaint(what)
    }

    fn character(&mut self, code: u32, begin: usize) -> Result<char> {
        if code == 0 {
            return Err(sql_err!(UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence")
                .detail("\\u0000 cannot be converted to text."));
        }
        char::from_u32(code).ok_or_else(|| self.bad_escape(begin, "invalid Unicode escape sequence"))
    }

    /// Exactly `count` hexadecimal digits.
    fn hex(&mut self, count: usize) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + count)?;
        let code =
            u32::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += count;
        Some(code)
    }

    /// What follows `\u`: four digits, or up to six in braces.
    fn unicode(&mut self) -> Option<u32> {
        if self.byte(0) != Some(b'{') {
            return self.hex(4);
        }
        let len = self.text[self.at..].find('}')?;
        let digits = &self.text[self.at + 1..self.at + len];
        if !(1..=6).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += len + 1;
        u32::from_str_radix(digits, 16).ok()
    }

    /// Digits with single underscores between them; where they end.
    fn digits(&self, mut at: usize, radix: u32) -> usize {
        let bytes = self.text.as_bytes();
        let is_digit = |at: usize| bytes.get(at).is_some_and(|&b| (b as char).is_digit(radix));
        while is_digit(at) || (bytes.get(at) == Some(&b'_') && is_digit(at + 1)) {
            at += 1;
        }
        at
    }

    fn number(&mut self) -> Result<Token> {
        let bytes = self.text.as_bytes();
        let radix = match (bytes[self.at], self.byte(1)) {
            (b'0', Some(b'x' | b'X')) => 16,
            (b'0', Some(b'o' | b'O')) => 8,
            (b'0', Some(b'b' | b'B')) => 2,
            _ => 10,
        };
        if radix != 10 && self.digits(self.at + 2, radix) > self.at + 2 && bytes[self.at + 2] != b'_' {
            let end = self.digits(self.at + 2, radix);
            self.at = end;
            return self.finish_number(true);
        }
        let integer_end = match bytes[self.at] {
            b'0' => self.at + 1,
            b'.' => self.at,
            _ => self.digits(self.at, 10),
        };
        let mut end = integer_end;
        let mut integer = true;
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'_') {
            integer = false;
            end = self.digits(end + 1, 10);
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let digits = self.digits(end + 1 + sign, 10);
            if digits > end + 1 + sign {
                integer = false;
                end = digits;
            } else if sign > 0 {
                self.at = end + 2;
                return Err(self.complaint("invalid numeric literal"));
            }
        }
        self.at = end;
        self.finish_number(integer)
    }

    fn finish_number(&mut self, integer: bool) -> Result<Token> {
        if self.byte(0).is_some_and(is_word) {
            self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8);
            return Err(self.complaint("trailing junk after numeric literal"));
        }
        let text = &self.text[self.start..self.at];
        let value = Numeric::parse_bytes(text.as_bytes())?;
        Ok(if integer { Token::Int(value) } else { Token::Number(value) })
    }
}

#[cold]
fn surrogate(detail: &str) -> SqlError {
    sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type jsonpath").detail(detail)
}
