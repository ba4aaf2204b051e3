//! What the literals of arrays, rows and ranges have in common: text between brackets, cut up by separators, partly quoted.

use super::int::is_space;
use crate::error::{Result, SqlError};
use crate::sql_err;

/// Reads a literal from left to right.
pub(super) struct LiteralReader<'a> {
    /// What messages call it: `array`.
    noun: &'static str,
    pub(super) literal: &'a str,
    /// The next byte.
    pub(super) at: usize,
}

impl<'a> LiteralReader<'a> {
    pub(super) fn new(noun: &'static str, literal: &'a str) -> Self {
        LiteralReader { noun, literal, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.literal.as_bytes().get(self.at).copied()
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.literal.as_bytes()[self.at..]
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Takes a byte if it is the next one.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes the next byte.
    ///
    /// # Errors
    /// 22P02 at the end.
    pub(super) fn take(&mut self) -> Result<u8> {
        let byte = self.peek().ok_or_else(|| self.end())?;
        self.at += 1;
        Ok(byte)
    }

    #[cold]
    pub(super) fn malformed(&self, detail: impl Into<String>) -> SqlError {
        let (noun, literal) = (self.noun, self.literal);
        sql_err!(INVALID_TEXT_REPRESENTATION, "malformed {noun} literal: \"{literal}\"").detail(detail)
    }

    #[cold]
    pub(super) fn end(&self) -> SqlError {
        self.malformed("Unexpected end of input.")
    }

    /// The text up to one of the bytes in `closing`, which is left, without its quotes; `None` where nothing is written.
    ///
    /// # Errors
    /// 22P02 if none of them comes.
    pub(super) fn part(&mut self, closing: &[u8]) -> Result<Option<String>> {
        let closes = |byte: &u8| closing.contains(byte);
        if self.peek().as_ref().is_some_and(closes) {
            return Ok(None);
        }
        let mut text = Vec::new();
        let mut quoted = false;
        loop {
            if !quoted && self.peek().as_ref().is_some_and(closes) {
                break;
            }
            match self.take()? {
                b'\\' => text.push(self.take()?),
                b'"' if quoted && self.eat(b'"') => text.push(b'"'),
                b'"' => quoted = !quoted,
                byte => text.push(byte),
            }
        }
        String::from_utf8(text).map(Some).map_err(|_| SqlError::internal("part of a literal is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lose_their_quotes() {
        for (literal, expected) in [
            (",", Ok(None)),
            (r#""",""#, Ok(Some(""))),
            (r#"a "b,c"""d\,e,"#, Ok(Some(r#"a b,c"d,e"#))),
            ("a", Err(())),
            (r#""a,"#, Err(())),
            ("a\\", Err(())),
        ] {
            let read = LiteralReader::new("test", literal).part(b",)");
            assert_eq!(read.as_ref().map(Option::as_deref).map_err(|_| ()), expected, "{literal}");
        }
    }
}
