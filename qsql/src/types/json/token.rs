//! Tokens of JSON text, and the errors that name them.

use std::borrow::Cow;

use crate::error::{Result, SqlError};
use crate::sql_err;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Comma,
    Colon,
    String,
    Number,
    True,
    False,
    Null,
    End,
}

/// What was expected where something else stood.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    End,
    Value,
    String,
    ArrayNext,
    ObjectFirst,
    ObjectNext,
    Colon,
}

/// What is wrong with a token.
enum Fault {
    Token,
    Escape,
    Unescaped,
    UnicodeFormat,
    CodePointZero,
    HighSurrogate,
    LowSurrogate,
    Expected(Expected),
}

/// Cuts a text into tokens.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    line: u32,
    line_start: usize,
    /// Start of the current token.
    pub(super) start: usize,
    /// End of the current token.
    pub(super) end: usize,
    token: Token,
    /// Whether strings are unescaped (and what their escapes stand for is checked).
    unescape: bool,
    /// The current string without its escapes, when it has some.
    unescaped: Option<String>,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, unescape: bool) -> Self {
        Lexer { text, line: 1, line_start: 0, start: 0, end: 0, token: Token::End, unescape, unescaped: None }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Reads the next token.
    pub(super) fn next(&mut self) -> Result<Token> {
        let bytes = self.text.as_bytes();
        let mut at = self.end;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
            at += 1;
            if bytes[at - 1] == b'\n' {
                self.line += 1;
                self.line_start = at;
            }
        }
        self.start = at;
        let Some(&first) = bytes.get(at) else {
            self.end = at;
            self.token = Token::End;
            return Ok(Token::End);
        };
        let single = match first {
            b'{' => Some(Token::ObjectStart),
            b'}' => Some(Token::ObjectEnd),
            b'[' => Some(Token::ArrayStart),
            b']' => Some(Token::ArrayEnd),
            b',' => Some(Token::Comma),
            b':' => Some(Token::Colon),
            _ => None,
        };
        self.token = match (single, first) {
            (Some(token), _) => {
                self.end = at + 1;
                token
            }
            (None, b'"') => {
                // The kind of the token before decides nothing while a string is read.
                self.token = Token::String;
                self.string()?;
                Token::String
            }
            (None, b'-') => self.number(at + 1)?,
            (None, b'0'..=b'9') => self.number(at)?,
            _ => self.word()?,
        };
        Ok(self.token)
    }

    fn word(&mut self) -> Result<Token> {
        let rest = &self.text.as_bytes()[self.start..];
        let len = rest.iter().position(|&b| !is_word(b)).unwrap_or(rest.len());
        self.end = self.start + len.max(1);
        self.token = Token::Null;
        match &rest[..len] {
            b"true" => Ok(Token::True),
            b"false" => Ok(Token::False),
            b"null" => Ok(Token::Null),
            _ => Err(self.fault(Fault::Token)),
        }
    }

    fn number(&mut self, from: usize) -> Result<Token> {
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut wrong = false;
        let mut at = match bytes.get(from) {
            Some(b'0') => from + 1,
            _ => digits(from),
        };
        wrong |= at == from;
        if bytes.get(at) == Some(&b'.') {
            let end = digits(at + 1);
            wrong |= end == at + 1;
            at = end;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1;
            if let Some(b'+' | b'-') = bytes.get(at) {
                at += 1;
            }
            let end = digits(at);
            wrong |= end == at;
            at = end;
        }
        while bytes.get(at).is_some_and(|&b| is_word(b)) {
            wrong = true;
            at += 1;
        }
        self.end = at;
        self.token = Token::Number;
        if wrong { Err(self.fault(Fault::Token)) } else { Ok(Token::Number) }
    }

    /// Ends the token behind the character at `at` and complains.
    #[cold]
    fn fault_behind(&mut self, at: usize, fault: Fault) -> SqlError {
        let width = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        self.end = (at + width).min(self.text.len());
        self.fault(fault)
    }

    fn string(&mut self) -> Result<()> {
        let bytes = self.text.as_bytes();
        self.unescaped = None;
        let mut high: Option<u32> = None;
        let mut at = self.start + 1;
        loop {
            // A run without anything special.
            let run = at;
            while let Some(&b) = bytes.get(at) {
                if b == b'"' || b == b'\\' || b < 0x20 {
                    break;
                }
                at += 1;
            }
            if at > run {
                if high.is_some() {
                    return Err(self.fault_behind(run, Fault::LowSurrogate));
                }
                if let Some(text) = &mut self.unescaped {
                    text.push_str(&self.text[run..at]);
                }
            }
            match bytes.get(at) {
                None => {
                    self.end = at;
                    return Err(self.fault(Fault::Token));
                }
                Some(b'"') => break,
                Some(b'\\') => {
                    if self.unescape && self.unescaped.is_none() {
                        self.unescaped = Some(self.text[self.start + 1..at].to_owned());
                    }
                    at = self.escape(at + 1, &mut high)?;
                }
                Some(_) => {
                    self.end = at;
                    return Err(self.fault(if high.is_some() {
                        Fault::LowSurrogate
                    } else {
                        Fault::Unescaped
                    }));
                }
            }
        }
        self.end = at + 1;
        match high {
            Some(_) => Err(self.fault(Fault::LowSurrogate)),
            None => Ok(()),
        }
    }

    /// Reads what follows a backslash; returns where the string goes on.
    fn escape(&mut self, at: usize, high: &mut Option<u32>) -> Result<usize> {
        let letter = match self.byte(at) {
            None => {
                self.end = at;
                return Err(self.fault(Fault::Token));
            }
            Some(b'u') => return self.unicode(at, high),
            Some(letter) => letter,
        };
        if self.unescape && high.is_some() {
            return Err(self.fault_behind(at, Fault::LowSurrogate));
        }
        let meant = match letter {
            b'"' | b'\\' | b'/' => letter as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => {
                self.start = at;
                return Err(self.fault_behind(at, Fault::Escape));
            }
        };
        if let Some(text) = &mut self.unescaped {
            text.push(meant);
        }
        Ok(at + 1)
    }

    /// Reads `uXXXX`, of which the `u` is at `at`.
    fn unicode(&mut self, at: usize, high: &mut Option<u32>) -> Result<usize> {
        let mut code = 0;
        for place in at + 1..at + 5 {
            let Some(byte) = self.byte(place) else {
                self.end = place;
                return Err(self.fault(Fault::Token));
            };
            match (byte as char).to_digit(16) {
                Some(digit) => code = code << 4 | digit,
                None => return Err(self.fault_behind(place, Fault::UnicodeFormat)),
            }
        }
        if !self.unescape {
            return Ok(at + 5);
        }
        let code = match (*high, code) {
            (Some(_), 0xd800..0xdc00) => return Err(self.fault_behind(at + 4, Fault::HighSurrogate)),
            (None, 0xd800..0xdc00) => {
                *high = Some(code);
                return Ok(at + 5);
            }
            (Some(first), 0xdc00..0xe000) => {
                *high = None;
                0x10000 + ((first & 0x3ff) << 10) + (code & 0x3ff)
            }
            (None, 0xdc00..0xe000) | (Some(_), _) => {
                return Err(self.fault_behind(at + 4, Fault::LowSurrogate));
            }
            (None, code) => code,
        };
        if code == 0 {
            return Err(self.fault_behind(at + 4, Fault::CodePointZero));
        }
        if let (Some(text), Some(meant)) = (&mut self.unescaped, char::from_u32(code)) {
            text.push(meant);
        }
        Ok(at + 5)
    }

    /// The value of the current string token: unescaped, or as it stands.
    pub(super) fn string_value(&mut self) -> Cow<'a, str> {
        match self.unescaped.take() {
            Some(text) => Cow::Owned(text),
            None => Cow::Borrowed(&self.text[self.start + 1..self.end - 1]),
        }
    }

    /// The complaint that the current token stands where something else must.
    #[cold]
    pub(super) fn unexpected(&self, expected: Expected) -> SqlError {
        self.fault(Fault::Expected(expected))
    }

    #[cold]
    fn fault(&self, fault: Fault) -> SqlError {
        let token = self.text.get(self.start..self.end).unwrap_or_default();
        let detail = match fault {
            Fault::Token => format!("Token \"{token}\" is invalid."),
            Fault::Escape => format!("Escape sequence \"\\{token}\" is invalid."),
            Fault::Unescaped => {
                format!("Character with value 0x{:02x} must be escaped.", self.byte(self.end).unwrap_or(0))
            }
            Fault::UnicodeFormat => "\"\\u\" must be followed by four hexadecimal digits.".to_owned(),
            Fault::CodePointZero => "\\u0000 cannot be converted to text.".to_owned(),
            Fault::HighSurrogate => "Unicode high surrogate must not follow a high surrogate.".to_owned(),
            Fault::LowSurrogate => "Unicode low surrogate must follow a high surrogate.".to_owned(),
            Fault::Expected(_) if self.token == Token::End => {
                "The input string ended unexpectedly.".to_owned()
            }
            Fault::Expected(expected) => {
                let what = match expected {
                    Expected::End => "end of input",
                    Expected::Value => "JSON value",
                    Expected::String => "string",
                    Expected::ArrayNext => "\",\" or \"]\"",
                    Expected::ObjectFirst => "string or \"}\"",
                    Expected::ObjectNext => "\",\" or \"}\"",
                    Expected::Colon => "\":\"",
                };
                format!("Expected {what}, but found \"{token}\".")
            }
        };
        let error = match fault {
            Fault::CodePointZero => {
                sql_err!(UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence")
            }
            _ => sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json"),
        };
        error.detail(detail).context(self.place())
    }

    /// The line up to the current token, cut to its last 50 bytes.
    fn place(&self) -> String {
        let mut from = self.line_start;
        while self.end - from >= 50 {
            from += self.text[from..].chars().next().map_or(1, char::len_utf8);
        }
        if from - self.line_start <= 3 {
            from = self.line_start;
        }
        let shown = self.text.get(from..self.end).unwrap_or_default();
        let before = if from > self.line_start { "..." } else { "" };
        let after = match self.byte(self.end) {
            None | Some(b'\n' | b'\r') => "",
            Some(_) if self.token == Token::End => "",
            Some(_) => "...",
        };
        format!("JSON data, line {}: {before}{shown}{after}", self.line)
    }
}
