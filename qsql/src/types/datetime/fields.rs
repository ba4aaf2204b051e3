//! A date or time text cut into fields: the first step of reading, common to all these types.

use super::Fault;

/// Most fields of a text.
const FIELDS_MAX: usize = 25;
/// Most characters of a text that count, white space and separators aside.
const TEXT_MAX: usize = 128 + FIELDS_MAX;

/// What a field looks like; its meaning depends on the fields around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Digits, perhaps with a decimal point.
    Number,
    /// Digits with colons.
    Time,
    /// Digits or letters with separators.
    Date,
    /// A sign and digits: an offset, or a signed number.
    Offset,
    /// Letters.
    Word,
    /// A sign and letters.
    Special,
}

/// The fields of a text, in lower case.
pub(super) struct Fields {
    text: String,
    ends: [(u8, Kind); FIELDS_MAX],
    count: usize,
}

impl Fields {
    /// Number of fields.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The text and kind of a field.
    pub(super) fn get(&self, at: usize) -> (&str, Kind) {
        let start = if at == 0 { 0 } else { usize::from(self.ends[at - 1].0) };
        let (end, kind) = self.ends[at];
        (&self.text[start..usize::from(end)], kind)
    }

    /// Cuts `text` into fields.
    pub(super) fn split(text: &str) -> Result<Fields, Fault> {
        let mut reader = Reader { bytes: text.as_bytes(), at: 0, out: String::with_capacity(32) };
        let mut fields = Fields { text: String::new(), ends: [(0, Kind::Number); FIELDS_MAX], count: 0 };
        let mut start = 0;
        while let Some(byte) = reader.peek() {
            if super::super::int::is_space(byte) {
                reader.at += 1;
                continue;
            }
            if fields.count == FIELDS_MAX {
                return Err(Fault::Format);
            }
            let kind = match byte {
                b'0'..=b'9' => reader.number(),
                b'.' => {
                    reader.take();
                    reader.take_while(|b| b.is_ascii_digit());
                    Kind::Number
                }
                b'a'..=b'z' | b'A'..=b'Z' => reader.word(start),
                b'+' | b'-' => reader.signed()?,
                _ if byte.is_ascii_punctuation() => {
                    reader.at += 1;
                    continue;
                }
                _ => return Err(Fault::Format),
            };
            if reader.out.len() > TEXT_MAX {
                return Err(Fault::Format);
            }
            start = reader.out.len();
            fields.ends[fields.count] = (start as u8, kind);
            fields.count += 1;
        }
        fields.text = reader.out;
        Ok(fields)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    out: String,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self) {
        if let Some(byte) = self.peek() {
            self.out.push(byte.to_ascii_lowercase() as char);
            self.at += 1;
        }
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(|b| b.is_ascii() && belongs(b)) {
            self.take();
        }
    }

    fn number(&mut self) -> Kind {
        let digit = |b: u8| b.is_ascii_digit();
        self.take_while(digit);
        match self.peek() {
            Some(b':') => {
                self.take_while(|b| digit(b) || b == b':' || b == b'.');
                Kind::Time
            }
            Some(delimiter @ (b'-' | b'/' | b'.')) => {
                self.take();
                if !self.peek().is_some_and(digit) {
                    // A month's name may stand inside.
                    self.take_while(|b| b.is_ascii_alphanumeric() || b == delimiter);
                    return Kind::Date;
                }
                self.take_while(digit);
                if self.peek() == Some(delimiter) {
                    self.take_while(|b| digit(b) || b == delimiter);
                    return Kind::Date;
                }
                if delimiter == b'.' { Kind::Number } else { Kind::Date }
            }
            _ => Kind::Number,
        }
    }

    fn word(&mut self, start: usize) -> Kind {
        self.take_while(|b| b.is_ascii_alphabetic());
        let joined = match self.peek() {
            Some(b'-' | b'/' | b'.') => true,
            Some(b'+' | b'0'..=b'9') => super::keywords::find(&self.out[start..]).is_none(),
            _ => false,
        };
        if joined {
            // A date with a month's name, or the name of a zone.
            self.take_while(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'/' | b'_' | b'.' | b':')
            });
            return Kind::Date;
        }
        Kind::Word
    }

    fn signed(&mut self) -> Result<Kind, Fault> {
        self.take();
        while self.peek().is_some_and(super::super::int::is_space) {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0'..=b'9') => {
                self.take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'-'));
                Ok(Kind::Offset)
            }
            Some(b'a'..=b'z' | b'A'..=b'Z') => {
                self.take_while(|b| b.is_ascii_alphabetic());
                Ok(Kind::Special)
            }
            _ => Err(Fault::Format),
        }
    }
}

/// Reads the leading (signed) digits of `text` as C's `strtol`: none are 0; returns the number and the rest.
///
/// # Errors
/// `fault` when the number does not fit.
pub(super) fn leading_i64(text: &str, fault: Fault) -> Result<(i64, &str), Fault> {
    let signed = text.strip_prefix(['+', '-']).map_or(0, |_| 1);
    let digits = text[signed..].bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(signed + digits);
    if digits == 0 {
        return Ok((0, text));
    }
    number.parse().map(|n| (n, rest)).map_err(|_| fault)
}

/// As [`leading_i64`], within 32 bits.
pub(super) fn leading_i32(text: &str, fault: Fault) -> Result<(i32, &str), Fault> {
    let (number, rest) = leading_i64(text, fault.clone())?;
    i32::try_from(number).map(|n| (n, rest)).map_err(|_| fault)
}

/// Reads `.ddd` to its end as a fraction; `.` alone is 0.
pub(super) fn fraction(text: &str) -> Result<f64, Fault> {
    let digits = &text[1..];
    match digits {
        "" => Ok(0.0),
        _ if digits.bytes().all(|b| b.is_ascii_digit()) => text.parse().map_err(|_| Fault::Format),
        _ => Err(Fault::Format),
    }
}

/// Reads `.ddd` to its end as microseconds, rounded; 1000000 is possible.
pub(super) fn fraction_micros(text: &str) -> Result<i32, Fault> {
    Ok((fraction(text)? * 1e6).round_ties_even() as i32)
}

/// Reads `hh:mm[:ss[.ffffff]]`, or `mm:ss` when `minutes_first`; returns hours, minutes, seconds, microseconds.
/// The caller checks the hours.
pub(super) fn clock(text: &str, minutes_first: bool) -> Result<(i64, i32, i32, i32), Fault> {
    let (hour, rest) = leading_i64(text, Fault::Field)?;
    let rest = rest.strip_prefix(':').ok_or(Fault::Format)?;
    let (minute, rest) = leading_i32(rest, Fault::Field)?;
    let shift = |hour: i64, minute: i32, micros: i32| {
        i32::try_from(hour).map(|minutes| (0, minutes, minute, micros)).map_err(|_| Fault::Field)
    };
    let (hour, minute, second, micros) = match rest.as_bytes().first() {
        None if minutes_first => shift(hour, minute, 0)?,
        None => (hour, minute, 0, 0),
        // Two fields with a fraction are minutes and seconds.
        Some(b'.') => shift(hour, minute, fraction_micros(rest)?)?,
        Some(b':') => {
            let (second, rest) = leading_i32(&rest[1..], Fault::Field)?;
            let micros = match rest.as_bytes().first() {
                None => 0,
                Some(b'.') => fraction_micros(rest)?,
                Some(_) => return Err(Fault::Format),
            };
            (hour, minute, second, micros)
        }
        Some(_) => return Err(Fault::Format),
    };
    let valid = hour >= 0
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && (0..=1_000_000).contains(&micros);
    if valid { Ok((hour, minute, second, micros)) } else { Err(Fault::Field) }
}

/// Reads `+hh`, `+hhmm`, `+hh:mm`, `+hh:mm:ss`; returns seconds east of Greenwich.
pub(super) fn offset(text: &str) -> Result<i32, Fault> {
    const HOUR_MAX: i32 = 15;
    let sign = match text.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Fault::Format),
    };
    if text[1..].starts_with(['+', '-']) {
        return Err(Fault::Displacement);
    }
    let (mut hour, mut rest) = leading_i32(&text[1..], Fault::Displacement)?;
    let (mut minute, mut second) = (0, 0);
    if let Some(tail) = rest.strip_prefix(':') {
        (minute, rest) = leading_i32(tail, Fault::Displacement)?;
        if let Some(tail) = rest.strip_prefix(':') {
            (second, rest) = leading_i32(tail, Fault::Displacement)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hour, minute) = (hour / 100, hour % 100);
    }
    let valid = (0..=HOUR_MAX).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    if !valid {
        return Err(Fault::Displacement);
    }
    if rest.is_empty() { Ok(sign * ((hour * 60 + minute) * 60 + second)) } else { Err(Fault::Format) }
}
