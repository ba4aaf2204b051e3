//! Numbers read through a template (`to_number`).

use super::number::{Layout, SignAnchor, Token};
use crate::error::Result;
use crate::sql_err;
use crate::types::Numeric;
use crate::types::numeric::typmod_of;

/// The state of reading: PostgreSQL's `NUMProc`.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    layout: &'a Layout,
    sign: Option<u8>,
    number: String,
    point: bool,
    before: i32,
    after: i32,
}

/// Most letters of a Roman numeral.
const ROMAN_LENGTH_MAX: usize = 15;

/// The number that a Roman numeral at the start of a text means, if it is well-formed.
fn roman(text: &str) -> Option<i64> {
    let value = |c: u8| match c.to_ascii_uppercase() {
        b'I' => Some(1),
        b'V' => Some(5),
        b'X' => Some(10),
        b'L' => Some(50),
        b'C' => Some(100),
        b'D' => Some(500),
        b'M' => Some(1000),
        _ => None,
    };
    let letters: Vec<i64> = text.trim_start().bytes().take(ROMAN_LENGTH_MAX).map_while(value).collect();
    // What was subtracted bounds what may follow; of 5, 50 and 500 there is one each, before smaller ones.
    let (mut total, mut repeats, mut bound, mut at) = (0, 1, i64::MAX, 0);
    let mut halves_below = i64::MAX;
    while let Some(&letter) = letters.get(at) {
        if letter >= bound || letter >= halves_below {
            return None;
        }
        if matches!(letter, 5 | 50 | 500) {
            halves_below = letter;
        }
        match letters.get(at + 1) {
            Some(&next) if letter < next => {
                let fits = matches!((letter, next), (1, 5 | 10) | (10, 50 | 100) | (100, 500 | 1000));
                if !fits || repeats > 1 || next >= halves_below {
                    return None;
                }
                (repeats, bound) = (1, letter);
                total += next - letter;
                at += 1;
            }
            Some(&next) if letter == next => {
                repeats += 1;
                if repeats > 3 {
                    return None;
                }
                total += letter;
            }
            _ => {
                repeats = 1;
                total += letter;
            }
        }
        at += 1;
    }
    (total > 0).then_some(total)
}

/// Reads `text` through `template`; `None` for an empty template.
///
/// # Errors
/// 22P02 when no number is found, 22003 for more digits than the template has.
pub(super) fn read(text: &str, template: &str) -> Result<Option<Numeric>> {
    if template.is_empty() {
        return Ok(None);
    }
    let layout = Layout::parse(template)?;
    if layout.roman {
        if text.is_empty() {
            return Err(sql_err!(
                INVALID_TEXT_REPRESENTATION,
                "invalid input syntax for type numeric: \" \""
            ));
        }
        let number =
            roman(text).ok_or_else(|| sql_err!(INVALID_TEXT_REPRESENTATION, "invalid Roman numeral"))?;
        return Ok(Some(Numeric::from_i64(number)));
    }
    if layout.exponent {
        return Err(sql_err!(FEATURE_NOT_SUPPORTED, "\"EEEE\" not supported for input"));
    }
    let mut reader = Reader {
        text: text.as_bytes(),
        at: 0,
        layout: &layout,
        sign: None,
        number: String::new(),
        point: false,
        before: 0,
        after: 0,
    };
    for token in &layout.tokens {
        if reader.at >= reader.text.len() {
            break;
        }
        reader.token(*token);
    }
    let digits = reader.number.strip_suffix('.').unwrap_or(&reader.number);
    let sign = reader.sign.map_or(' ', char::from);
    let number = format!("{sign}{digits}");
    let value = Numeric::parse(&number).map_err(|_| {
        sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type numeric: \"{number}\"")
    })?;
    let scale = reader.after;
    let value = value.apply_typmod(typmod_of(layout.pre + layout.shift + scale, scale))?;
    if layout.shifts {
        let power = Numeric::from_i64(10).power(&Numeric::from_i64(-i64::from(layout.shift)))?;
        return value.mul(&power).map(Some);
    }
    Ok(Some(value))
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Skips one character, which may have several bytes.
    fn skip(&mut self) {
        self.at += 1;
        while self.peek().is_some_and(|b| b & 0xc0 == 0x80) {
            self.at += 1;
        }
    }

    /// Skips up to `n` characters that cannot be part of a number.
    fn skip_other(&mut self, n: usize) {
        for _ in 0..n {
            match self.peek() {
                Some(b) if !b"0123456789.,+-".contains(&b) => self.skip(),
                _ => break,
            }
        }
    }

    fn token(&mut self, token: Token) {
        match token {
            Token::Nine | Token::Zero | Token::Point | Token::LocalPoint => {
                self.at += usize::from(self.digit(token))
            }
            Token::Comma | Token::Group => self.at += usize::from(self.peek() == Some(b',')),
            Token::Currency => self.skip_other(1),
            Token::Ordinal(_) => self.skip_other(2),
            Token::Minus | Token::Plus | Token::SignPlace => {
                let taken = match (self.peek(), token) {
                    (Some(b'-'), Token::Minus | Token::SignPlace) => Some(b'-'),
                    (Some(b'+'), Token::Plus | Token::SignPlace) => Some(b'+'),
                    _ => None,
                };
                match taken {
                    Some(sign) => {
                        self.sign = Some(sign);
                        self.at += 1;
                    }
                    None => self.skip_other(1),
                }
            }
            Token::Literal(_) => self.skip(),
            _ => {}
        }
    }

    /// Reads a digit, the point or a sign; returns whether the reader is to move on by one.
    fn digit(&mut self, token: Token) -> bool {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        if self.peek().is_none() {
            return false;
        }
        let started = self.before + self.after > 0;
        if self.sign.is_none() && matches!(token, Token::Nine | Token::Zero) && !started {
            let anchored = self.layout.sign && self.layout.anchor == SignAnchor::Before;
            match self.peek() {
                Some(b'-') => self.sign = Some(b'-'),
                Some(b'+') => self.sign = Some(b'+'),
                Some(b'<') if self.layout.brackets && !anchored => self.sign = Some(b'-'),
                _ => {}
            }
            if self.sign.is_some() {
                self.at += 1;
            }
        }
        let Some(b) = self.peek() else { return false };
        let mut read = false;
        if b.is_ascii_digit() {
            if self.point && self.after == self.layout.post {
                return true;
            }
            self.number.push(char::from(b));
            if self.point {
                self.after += 1;
            } else {
                self.before += 1;
            }
            read = true;
        } else if self.layout.decimal && !self.point && b == b'.' {
            self.number.push('.');
            self.point = true;
            read = true;
        }
        if self.sign.is_none() && self.before + self.after > 0 {
            let following = self.text.get(self.at + 1).copied();
            if self.layout.sign && read {
                if let Some(sign @ (b'-' | b'+')) = following {
                    self.at += 1;
                    self.sign = Some(sign);
                }
            } else if !read
                && !self.layout.sign
                && (self.layout.plus || self.layout.minus)
                && let Some(sign @ (b'-' | b'+')) = self.peek()
            {
                self.sign = Some(sign);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        for (text, template, want) in [
            ("12,454.8-", "99G999D9S", "-12454.8"),
            ("-34,338,492", "99G999G999", "-34338492"),
            ("0.00001-", "9.999999S", "-0.00001"),
            ("5.01-", "FM9.999999MI", "-5.01"),
            ("<564646.654564>", "999999.999999PR", "-564646.654564"),
            ("$1,234.56", "L99,999.99", "1234.56"),
            ("1234.56", "L99,999.99", "1234.56"),
            ("42nd", "99th", "42"),
            ("123456", "99999V99", "1234.560000000000000000"),
        ] {
            let read = read(text, template).ok().flatten().map(|n| n.to_string());
            assert_eq!(read.as_deref(), Some(want), "{text} {template}");
        }
        assert!(read("abc", "999").is_err());
    }
}
