//! Numbers through a template (`to_char`).

use super::output::ordinal;
use super::pattern::Ordinal;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::Numeric;

/// Elements of a template for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Nine,
    Zero,
    Point,
    /// `D`: the locale's point.
    LocalPoint,
    Comma,
    /// `G`: the locale's separator of thousands.
    Group,
    Currency,
    /// `S`
    Sign,
    Minus,
    Plus,
    /// `SG`
    SignPlace,
    Brackets,
    Roman {
        lower: bool,
    },
    Ordinal(bool),
    /// `V`
    Shift,
    Exponent,
    Fill,
    Blank,
    Literal(char),
}

/// Where `S` puts the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignAnchor {
    None,
    Before,
    After,
}

/// A template as a whole.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub tokens: Vec<Token>,
    /// Digits before the point.
    pub pre: i32,
    /// Digits after the point.
    pub post: i32,
    /// Digits behind `V`.
    pub shift: i32,
    pub anchor: SignAnchor,
    /// `pre` when `S` was seen.
    anchor_pre: i32,
    /// Place of the first and behind the last `0`, counted from 1; 0 for none.
    zero_start: i32,
    zero_end: i32,
    pub decimal: bool,
    zero: bool,
    blank: bool,
    pub fill: bool,
    pub sign: bool,
    pub brackets: bool,
    pub minus: bool,
    pub plus: bool,
    pub roman: bool,
    pub shifts: bool,
    pub exponent: bool,
}

#[cold]
fn refused(message: &'static str) -> SqlError {
    sql_err!(SYNTAX_ERROR, "{message}")
}

#[rustfmt::skip]
static KEYWORDS: &[(&str, Token)] = &[
    (",", Token::Comma), (".", Token::Point), ("0", Token::Zero), ("9", Token::Nine),
    ("B", Token::Blank), ("C", Token::Literal('\0')), ("D", Token::LocalPoint), ("EEEE", Token::Exponent),
    ("FM", Token::Fill), ("G", Token::Group), ("L", Token::Currency), ("MI", Token::Minus),
    ("PL", Token::Plus), ("PR", Token::Brackets), ("RN", Token::Roman { lower: false }), ("SG", Token::SignPlace),
    ("SP", Token::Literal('\0')), ("S", Token::Sign), ("TH", Token::Ordinal(false)), ("V", Token::Shift),
    ("b", Token::Blank), ("c", Token::Literal('\0')), ("d", Token::LocalPoint), ("eeee", Token::Exponent),
    ("fm", Token::Fill), ("g", Token::Group), ("l", Token::Currency), ("mi", Token::Minus),
    ("pl", Token::Plus), ("pr", Token::Brackets), ("rn", Token::Roman { lower: true }), ("sg", Token::SignPlace),
    ("sp", Token::Literal('\0')), ("s", Token::Sign), ("th", Token::Ordinal(true)), ("v", Token::Shift),
];

impl Layout {
    /// Reads a template.
    ///
    /// # Errors
    /// 42601 for elements that do not go together.
    pub(super) fn parse(template: &str) -> Result<Layout> {
        let mut layout = Layout {
            tokens: Vec::new(),
            pre: 0,
            post: 0,
            shift: 0,
            anchor: SignAnchor::None,
            anchor_pre: 0,
            zero_start: 0,
            zero_end: 0,
            decimal: false,
            zero: false,
            blank: false,
            fill: false,
            sign: false,
            brackets: false,
            minus: false,
            plus: false,
            roman: false,
            shifts: false,
            exponent: false,
        };
        let mut rest = template;
        while let Some(first) = rest.chars().next() {
            if let Some((name, token)) = KEYWORDS.iter().find(|(name, _)| rest.starts_with(name)) {
                rest = &rest[name.len()..];
                // C and SP are accepted and print nothing.
                layout.note(*token)?;
                if *token != Token::Literal('\0') {
                    layout.tokens.push(*token);
                }
            } else if first == '"' {
                rest = layout.quoted(&rest[1..]);
            } else {
                if rest.starts_with("\\\"") {
                    rest = &rest[1..];
                }
                let Some(c) = rest.chars().next() else { break };
                rest = &rest[c.len_utf8()..];
                layout.tokens.push(Token::Literal(c));
            }
        }
        Ok(layout)
    }

    fn quoted<'a>(&mut self, text: &'a str) -> &'a str {
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => self.tokens.push(Token::Literal(chars.next().unwrap_or('\\'))),
                c => self.tokens.push(Token::Literal(c)),
            }
        }
        chars.as_str()
    }

    fn note(&mut self, token: Token) -> Result<()> {
        if self.exponent && token != Token::Exponent {
            return Err(refused("\"EEEE\" must be the last pattern used"));
        }
        match token {
            Token::Nine => {
                if self.brackets {
                    return Err(refused("\"9\" must be ahead of \"PR\""));
                }
                if self.shifts {
                    self.shift += 1;
                } else if self.decimal {
                    self.post += 1;
                } else {
                    self.pre += 1;
                }
            }
            Token::Zero => {
                if self.brackets {
                    return Err(refused("\"0\" must be ahead of \"PR\""));
                }
                if !self.zero && !self.decimal {
                    self.zero = true;
                    self.zero_start = self.pre + 1;
                }
                if self.decimal {
                    self.post += 1;
                } else {
                    self.pre += 1;
                }
                self.zero_end = self.pre + self.post;
            }
            Token::Blank if self.pre == 0 && self.post == 0 && !self.zero => self.blank = true,
            Token::Point | Token::LocalPoint => {
                if self.decimal {
                    return Err(refused("multiple decimal points"));
                }
                if self.shifts {
                    return Err(refused("cannot use \"V\" and decimal point together"));
                }
                self.decimal = true;
            }
            Token::Fill => self.fill = true,
            Token::Sign => {
                if self.sign {
                    return Err(refused("cannot use \"S\" twice"));
                }
                if self.plus || self.minus || self.brackets {
                    return Err(refused("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
                }
                self.sign = true;
                if !self.decimal {
                    self.anchor = SignAnchor::Before;
                    self.anchor_pre = self.pre;
                } else if self.anchor == SignAnchor::None {
                    self.anchor = SignAnchor::After;
                }
            }
            Token::Minus => {
                if self.sign {
                    return Err(refused("cannot use \"S\" and \"MI\" together"));
                }
                self.minus = true;
            }
            Token::Plus => {
                if self.sign {
                    return Err(refused("cannot use \"S\" and \"PL\" together"));
                }
                self.plus = true;
            }
            Token::SignPlace => {
                if self.sign {
                    return Err(refused("cannot use \"S\" and \"SG\" together"));
                }
                self.minus = true;
                self.plus = true;
            }
            Token::Brackets => {
                if self.sign || self.plus || self.minus {
                    return Err(refused("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
                }
                self.brackets = true;
            }
            Token::Roman { .. } => {
                if self.roman {
                    return Err(refused("cannot use \"RN\" twice"));
                }
                self.roman = true;
            }
            Token::Shift => {
                if self.decimal {
                    return Err(refused("cannot use \"V\" and decimal point together"));
                }
                self.shifts = true;
            }
            Token::Exponent => {
                if self.exponent {
                    return Err(refused("cannot use \"EEEE\" twice"));
                }
                if self.blank
                    || self.fill
                    || self.sign
                    || self.brackets
                    || self.minus
                    || self.plus
                    || self.roman
                    || self.shifts
                {
                    return Err(refused("\"EEEE\" is incompatible with other formats").detail(
                        "\"EEEE\" may only be used together with digit and decimal point patterns.",
                    ));
                }
                self.exponent = true;
            }
            _ => {}
        }
        let others = self.decimal
            || self.zero
            || self.blank
            || self.sign
            || self.brackets
            || self.minus
            || self.plus
            || self.shifts
            || self.exponent;
        if self.roman && others {
            return Err(refused("\"RN\" is incompatible with other formats")
                .detail("\"RN\" may only be used together with \"FM\"."));
        }
        Ok(())
    }
}

/// A number's digits, ready for a layout.
struct Digits {
    /// `123.40`, without sign.
    text: Vec<u8>,
    negative: bool,
    /// Places of the layout left of the first digit.
    blanks: i32,
}

impl Digits {
    /// Fits the text of a number (with `-` for negative ones) into a layout; `#` where it is too long.
    fn fit(text: &str, layout: &Layout) -> Digits {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let before = digits.find('.').unwrap_or(digits.len()) as i32;
        if before > layout.pre {
            let mut text = vec![b'#'; (layout.pre + layout.post + 1) as usize];
            text[layout.pre as usize] = b'.';
            return Digits { text, negative, blanks: 0 };
        }
        Digits { text: digits.as_bytes().to_vec(), negative, blanks: layout.pre - before }
    }
}

/// 10 to the number of digits behind `V`.
fn shift_factor(layout: &Layout) -> Numeric {
    let factor = 10_i128.checked_pow(layout.shift as u32).unwrap_or(i128::MAX);
    Numeric::from_i128(factor)
}

/// `to_char(integer, text)`, `to_char(bigint, text)`
pub(super) fn write_integer(value: i64, template: &str) -> Result<String> {
    let mut layout = Layout::parse(template)?;
    if layout.roman {
        return Ok(print_roman(&layout, roman(value)));
    }
    if layout.exponent {
        return Ok(scientific_integer(value, layout.post));
    }
    let mut text = if layout.shifts {
        let shifted = Numeric::from_i64(value).mul(&shift_factor(&layout))?;
        layout.pre += layout.shift;
        shifted.to_i64()?.to_string()
    } else {
        value.to_string()
    };
    if layout.post > 0 {
        text.push('.');
        text.extend(std::iter::repeat_n('0', layout.post as usize));
    }
    Ok(print(&layout, Digits::fit(&text, &layout)))
}

/// `to_char(numeric, text)`
pub(super) fn write_numeric(value: &Numeric, template: &str) -> Result<String> {
    let mut layout = Layout::parse(template)?;
    if layout.roman {
        let whole = value.round(0)?.to_i32().map(i64::from).unwrap_or(0);
        return Ok(print_roman(&layout, roman(whole)));
    }
    if layout.exponent {
        return scientific_numeric(value, &layout);
    }
    let shifted = if layout.shifts {
        layout.pre += layout.shift;
        value.mul(&shift_factor(&layout))?
    } else {
        value.clone()
    };
    let text = shifted.round(layout.post)?.to_string();
    Ok(print(&layout, Digits::fit(&text, &layout)))
}

/// `to_char(real, text)`, `to_char(double precision, text)`; `digits` are significant.
pub(super) fn write_float(value: f64, digits: usize, template: &str) -> Result<String> {
    let mut layout = Layout::parse(template)?;
    if layout.roman {
        let whole = value.round_ties_even();
        return Ok(print_roman(&layout, roman(if whole.abs() < 1e9 { whole as i64 } else { 0 })));
    }
    if layout.exponent {
        if !value.is_finite() {
            return Ok(scientific_overflow(&layout));
        }
        return Ok(signed_scientific(&format!("{value:.*e}", layout.post as usize)));
    }
    let value = if layout.shifts {
        layout.pre += layout.shift;
        value * 10_f64.powi(layout.shift)
    } else {
        value
    };
    let text = if value.is_finite() {
        let before = format!("{:.0}", value.abs()).len();
        let post = (layout.post as usize).min(digits.saturating_sub(before));
        layout.post = post as i32;
        format!("{value:.post$}")
    } else if value.is_nan() {
        "NaN".to_owned()
    } else if value > 0.0 {
        "Infinity".to_owned()
    } else {
        "-Infinity".to_owned()
    };
    Ok(print(&layout, Digits::fit(&text, &layout)))
}

/// Turns Rust's `1.5e3` into `1.5e+03`, with a blank in place of a plus sign.
fn signed_scientific(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let blank = if mantissa.starts_with('-') { "" } else { " " };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{blank}{mantissa}e{sign}{:02}", exponent.abs())
}

fn scientific_integer(value: i64, post: i32) -> String {
    signed_scientific(&format!("{:.*e}", post as usize, value as f64))
}

fn scientific_overflow(layout: &Layout) -> String {
    let mut text = vec![b'#'; (layout.pre + layout.post + 6) as usize];
    text[0] = b' ';
    if let Some(point) = text.get_mut((layout.pre + 1) as usize) {
        *point = b'.';
    }
    text.into_iter().map(char::from).collect()
}

fn scientific_numeric(value: &Numeric, layout: &Layout) -> Result<String> {
    if !value.is_finite() {
        return Ok(scientific_overflow(layout));
    }
    let digits = value.abs().to_string();
    let significant = digits.bytes().filter(u8::is_ascii_digit).skip_while(|&d| d == b'0');
    let exponent = if significant.count() == 0 {
        0
    } else {
        let point = digits.find('.').unwrap_or(digits.len());
        let first = digits.find(|c: char| ('1'..='9').contains(&c)).unwrap_or(0);
        if first < point { (point - first) as i32 - 1 } else { point as i32 - first as i32 }
    };
    let at = |exponent: i32| -> Result<Numeric> {
        // The value is scaled by moving its point, digit by digit exactly.
        let power = Numeric::parse(&format!("1e{}", -exponent))?;
        value.mul(&power)?.round(layout.post)
    };
    let mut mantissa = at(exponent)?;
    let mut exponent = exponent;
    if mantissa.abs() >= Numeric::from_i64(10) {
        exponent += 1;
        mantissa = at(exponent)?;
    }
    Ok(signed_scientific(&format!("{mantissa}e{exponent}")))
}

/// Roman numerals of 1 to 3999; `###############` for others.
fn roman(value: i64) -> String {
    const UNITS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..=3999).contains(&value) {
        return "#".repeat(15);
    }
    let mut rest = value;
    let mut out = String::new();
    for (unit, numeral) in UNITS {
        while rest >= unit {
            out.push_str(numeral);
            rest -= unit;
        }
    }
    out
}

fn print_roman(layout: &Layout, numeral: String) -> String {
    let mut out = String::new();
    for token in &layout.tokens {
        match token {
            Token::Roman { lower } => {
                let numeral = if *lower { numeral.to_ascii_lowercase() } else { numeral.clone() };
                let width = if layout.fill { 0 } else { 15 };
                out.push_str(&format!("{numeral:>width$}"));
            }
            Token::Literal(c) => out.push(*c),
            _ => {}
        }
    }
    out
}

/// The state of printing digits through a layout: PostgreSQL's `NUMProc`.
struct Printer<'a> {
    layout: &'a Layout,
    digits: &'a [u8],
    at: usize,
    negative: bool,
    brackets: bool,
    anchor: SignAnchor,
    sign_written: bool,
    /// A digit has been written.
    inside: bool,
    place: i32,
    count: i32,
    blanks: i32,
    zero_start: i32,
    /// Index of the last digit behind the point that is not a trailing zero (with FM).
    last: Option<usize>,
    /// Where the text ends: at the first place behind the digits, which NaN and infinity have.
    end: Option<usize>,
    out: String,
}

fn print(layout: &Layout, digits: Digits) -> String {
    let text = &digits.text;
    let (mut brackets, mut anchor) = (layout.brackets, layout.anchor);
    let sign_written = if layout.plus || layout.minus {
        !layout.plus || layout.minus
    } else {
        if !digits.negative && layout.fill {
            brackets = false;
        }
        !digits.negative && layout.fill && !layout.sign
    };
    if !(layout.plus || layout.minus) && anchor == SignAnchor::Before && layout.pre == layout.anchor_pre {
        anchor = SignAnchor::After;
    }
    let mut last = None;
    if layout.fill && layout.decimal {
        last = text.iter().position(|&b| b == b'.').map(|point| {
            let trailing = text[point + 1..].iter().rposition(|&b| b != b'0');
            let relevant = trailing.map_or(point, |i| point + 1 + i);
            if layout.zero_end > digits.blanks {
                relevant.max((text.len() - 1).min((layout.zero_end - digits.blanks) as usize))
            } else {
                relevant
            }
        });
    }
    let mut count = layout.post + layout.pre - 1;
    if !sign_written && digits.blanks == 0 {
        count += 1;
    }
    let mut printer = Printer {
        layout,
        digits: text,
        at: 0,
        negative: digits.negative,
        brackets,
        anchor,
        sign_written,
        inside: false,
        place: 0,
        count,
        blanks: digits.blanks,
        zero_start: if layout.zero_start > 0 { layout.zero_start - 1 } else { 0 },
        last,
        end: None,
        out: String::with_capacity(layout.tokens.len() + 8),
    };
    for token in &layout.tokens {
        printer.token(*token);
    }
    if let Some(end) = printer.end {
        printer.out.truncate(end);
    }
    printer.out
}

impl Printer<'_> {
    fn token(&mut self, token: Token) {
        let fill = self.layout.fill;
        match token {
            Token::Nine | Token::Zero | Token::Point | Token::LocalPoint => self.digit(token),
            Token::Comma | Token::Group => {
                if self.inside {
                    self.out.push(',');
                } else if !fill {
                    self.out.push(' ');
                }
            }
            Token::Currency => self.out.push(' '),
            Token::Ordinal(lower) => {
                if self.digits.first() != Some(&b'#') && !self.negative && !self.layout.decimal {
                    let digits: String = self.digits.iter().map(|&b| char::from(b)).collect();
                    self.out.push_str(ordinal(&digits, if lower { Ordinal::Lower } else { Ordinal::Upper }));
                }
            }
            Token::Minus if self.negative => self.out.push('-'),
            Token::Plus if !self.negative => self.out.push('+'),
            Token::Minus | Token::Plus => {
                if !fill {
                    self.out.push(' ');
                }
            }
            Token::SignPlace => self.out.push(if self.negative { '-' } else { '+' }),
            Token::Literal(c) => self.out.push(c),
            Token::Sign
            | Token::Brackets
            | Token::Roman { .. }
            | Token::Shift
            | Token::Exponent
            | Token::Fill
            | Token::Blank => {}
        }
    }

    /// `0` before the point where the layout has digits behind it: not written.
    fn leading_zero(&self) -> bool {
        !self.layout.zero && self.at == 0 && self.digits.first() == Some(&b'0') && self.layout.post != 0
    }

    fn last_is_point(&self) -> bool {
        self.last.is_some_and(|i| self.digits[i] == b'.')
    }

    fn digit(&mut self, token: Token) {
        let fill = self.layout.fill;
        self.inside = false;
        let zero_here = self.layout.zero && self.zero_start <= self.place;
        if !self.sign_written
            && (self.place >= self.blanks || (self.layout.zero && self.zero_start == self.place))
            && (!self.leading_zero() || self.last_is_point())
        {
            self.sign();
        }
        if self.place < self.blanks && !zero_here {
            if !fill {
                self.out.push(' ');
            }
        } else if self.place < self.blanks {
            self.out.push('0');
            self.inside = true;
        } else {
            match self.digits.get(self.at) {
                Some(b'.') if !self.last_is_point() || fill => self.out.push('.'),
                Some(b'.') => {}
                Some(_) if self.last.is_some_and(|last| self.at > last) && token != Token::Zero => {}
                Some(_) if self.leading_zero() => {
                    if !fill {
                        self.out.push(' ');
                    } else if self.last_is_point() {
                        self.out.push('0');
                    }
                }
                Some(&digit) => {
                    self.out.push(char::from(digit));
                    self.inside = true;
                }
                None if self.last.is_some_and(|last| self.at > last) && token != Token::Zero => {}
                None => {
                    self.end.get_or_insert(self.out.len());
                }
            }
            if self.at < self.digits.len() {
                self.at += 1;
            }
        }
        let mut end = self.count + i32::from(self.blanks != 0) + i32::from(self.layout.decimal);
        if self.last == Some(self.at) {
            end = self.place;
        }
        if self.place + 1 == end {
            if self.sign_written && self.brackets {
                self.out.push(if self.negative { '>' } else { ' ' });
            } else if self.layout.sign && self.anchor == SignAnchor::After {
                self.out.push(if self.negative { '-' } else { '+' });
            }
        }
        self.place += 1;
    }

    fn sign(&mut self) {
        if self.layout.sign {
            if self.anchor == SignAnchor::Before {
                self.out.push(if self.negative { '-' } else { '+' });
                self.sign_written = true;
            }
        } else if self.brackets {
            self.out.push(if self.negative { '<' } else { ' ' });
            self.sign_written = true;
        } else if !self.negative {
            if !self.layout.fill {
                self.out.push(' ');
            }
            self.sign_written = true;
        } else {
            self.out.push('-');
            self.sign_written = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed() {
        for (value, template, want) in [
            ("0", "9.9", "  .0"),
            ("0", "FM9.9", "0."),
            ("-0.1", "9.9", " -.1"),
            ("12345", "999", " ###"),
            ("1.5", "FM999.00", "1.50"),
            ("485", "\"Good number:\"999", "Good number: 485"),
            ("482", "999th", " 482nd"),
            ("-5", "9SG", "5-"),
            ("-485", "999PR", "<485>"),
            ("485", "L999", "  485"),
            ("12.4", "99V999", " 12400"),
            ("3148.5", "9G999D999", " 3,148.500"),
            ("148.5", "9,999", "   149"),
            ("-12", "S99", "-12"),
            ("12", "99S", "12+"),
            ("-12", "99MI", "12-"),
            ("12", "FM99MI", "12"),
            ("5.2", "FMRN", "V"),
            ("5", "RN", "              V"),
            ("0.0004859", "9.99EEEE", " 4.86e-04"),
            ("12.45", "B99", " 12"),
            ("1234567", "FM9,999,999.99", "1,234,567."),
            ("12", "00099", " 00012"),
            ("-12", "00099", "-00012"),
            ("12.3", "099.9PR", " 012.3 "),
            (".5", "0.9", " 0.5"),
            ("1", "9 9 9", "     1"),
        ] {
            let number = Numeric::parse(value).expect("number");
            assert_eq!(write_numeric(&number, template).ok().as_deref(), Some(want), "{value} {template}");
        }
    }

    #[test]
    fn layouts_are_checked() {
        for (template, want) in [
            ("9.9.9", "multiple decimal points"),
            ("S9S", "cannot use \"S\" twice"),
            ("V9.9", "cannot use \"V\" and decimal point together"),
            ("9PRS", "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"),
        ] {
            assert_eq!(Layout::parse(template).expect_err(template).message(), want);
        }
    }
}
