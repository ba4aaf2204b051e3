//! The fields of a line, as they are read and as they are written.
//!
//! A field is a range of the line itself; only one that has escapes in it is copied, into a buffer that all fields of the line share.
//!
//! Source: PostgreSQL manual, reference page of COPY, "File Formats".

use memchr::{memchr, memchr2};
use nq_qsql::bail;
use nq_qsql::error::Result;

use super::options::Options;

/// Where a field's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the line.
    Line,
    /// In the copy without escapes.
    Plain,
    /// It is the NULL marker.
    Null,
    /// It is the DEFAULT marker.
    Default,
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) place: Place,
    start: u32,
    end: u32,
    /// CSV: quotes were used.
    quoted: bool,
}

/// The fields of the line that was split last.
#[derive(Debug, Default)]
pub(super) struct Fields {
    fields: Vec<Field>,
    plain: Vec<u8>,
}

impl Fields {
    /// Number of fields.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Where field `i` is.
    #[inline]
    pub(super) fn place(&self, i: usize) -> Place {
        self.fields[i].place
    }

    /// Whether field `i` was quoted.
    pub(super) fn is_quoted(&self, i: usize) -> bool {
        self.fields[i].quoted
    }

    /// The bytes of field `i`, which is neither NULL nor DEFAULT; `line` is the line that was split.
    #[inline]
    pub(super) fn bytes<'a>(&'a self, i: usize, line: &'a [u8]) -> &'a [u8] {
        let field = self.fields[i];
        let from = if field.place == Place::Plain { &self.plain[..] } else { line };
        &from[field.start as usize..field.end as usize]
    }

    #[inline]
    fn push(&mut self, place: Place, start: usize, end: usize, quoted: bool) {
        self.fields.push(Field { place, start: start as u32, end: end as u32, quoted });
    }

    /// Forgets all fields.
    pub(super) fn clear(&mut self) {
        self.fields.clear();
        self.plain.clear();
    }

    /// Adds a NULL.
    pub(super) fn push_null(&mut self) {
        self.push(Place::Null, 0, 0, false);
    }

    /// Adds a range of the line.
    pub(super) fn push_bytes(&mut self, start: usize, end: usize) {
        self.push(Place::Line, start, end, false);
    }

    /// Adds a range of the line that is not quoted and has no escapes in it, or is a marker.
    #[inline]
    pub(super) fn push_raw(&mut self, line: &[u8], start: usize, end: usize, options: &Options) {
        self.push(Fields::marker(&line[start..end], options), start, end, false);
    }

    /// Adds what stands between the quotes of a CSV field.
    #[inline]
    pub(super) fn push_quoted(&mut self, start: usize, end: usize) {
        self.push(Place::Line, start, end, true);
    }

    /// What the raw bytes of a field that is not quoted mean: a marker, or themselves.
    #[inline]
    fn marker(raw: &[u8], options: &Options) -> Place {
        if raw == &options.null[..] {
            Place::Null
        } else if options.default.as_deref() == Some(raw) {
            Place::Default
        } else {
            Place::Line
        }
    }

    /// Splits a line of text; `special`: it has backslashes.
    ///
    /// # Errors
    /// 22021 for escapes that make bytes that are not UTF-8.
    pub(super) fn split_text(&mut self, line: &[u8], special: bool, options: &Options) -> Result<()> {
        self.clear();
        let mut start = 0;
        loop {
            let end = match special {
                false => memchr(options.delimiter, &line[start..]).map(|n| start + n),
                true => unescaped(line, start, options.delimiter),
            };
            let stop = end.unwrap_or(line.len());
            let raw = &line[start..stop];
            match Fields::marker(raw, options) {
                Place::Line if special && memchr(b'\\', raw).is_some() => {
                    let from = self.plain.len();
                    if unescape(raw, &mut self.plain) {
                        let made = &self.plain[from..];
                        std::str::from_utf8(made).map_err(|e| crate::session::invalid_utf8(made, &e))?;
                        if let Some(at) = memchr(0, made) {
                            bail!(
                                CHARACTER_NOT_IN_REPERTOIRE,
                                "invalid byte sequence for encoding \"UTF8\": 0x{:02x}",
                                made[at]
                            );
                        }
                    }
                    self.push(Place::Plain, from, self.plain.len(), false);
                }
                place => self.push(place, start, stop, false),
            }
            match end {
                Some(end) => start = end + 1,
                None => return Ok(()),
            }
        }
    }

    /// Splits a line of CSV; `special`: it has quotes.
    ///
    /// # Errors
    /// 22P04 for quotes that are not closed.
    pub(super) fn split_csv(&mut self, line: &[u8], special: bool, options: &Options) -> Result<()> {
        self.clear();
        let mut start = 0;
        loop {
            let rest = &line[start..];
            let next = match special {
                false => memchr(options.delimiter, rest),
                true => memchr2(options.delimiter, options.quote, rest),
            };
            let stop = match next {
                Some(n) if special && rest[n] == options.quote => self.quoted(line, start, options)?,
                next => {
                    let stop = next.map_or(line.len(), |n| start + n);
                    self.push(Fields::marker(&line[start..stop], options), start, stop, false);
                    stop
                }
            };
            if stop == line.len() {
                return Ok(());
            }
            start = stop + 1;
        }
    }

    /// Takes the field at `start`, which has quotes; answers where it ends.
    fn quoted(&mut self, line: &[u8], start: usize, options: &Options) -> Result<usize> {
        let (quote, escape, delimiter) = (options.quote, options.escape, options.delimiter);
        if line[start] == quote
            && let Some(n) = memchr2(quote, escape, &line[start + 1..])
        {
            let close = start + 1 + n;
            let after = line.get(close + 1);
            if line[close] == quote && after.is_none_or(|&b| b == delimiter) {
                self.push(Place::Line, start + 1, close, true);
                return Ok(close + 1);
            }
        }
        let from = self.plain.len();
        let (mut at, mut inside) = (start, false);
        while let Some(&byte) = line.get(at) {
            at += 1;
            if inside {
                if byte == escape
                    && let Some(&next) = line.get(at)
                    && (next == escape || next == quote)
                {
                    self.plain.push(next);
                    at += 1;
                } else if byte == quote {
                    inside = false;
                } else {
                    self.plain.push(byte);
                }
            } else if byte == delimiter {
                self.push(Place::Plain, from, self.plain.len(), true);
                return Ok(at - 1);
            } else if byte == quote {
                inside = true;
            } else {
                self.plain.push(byte);
            }
        }
        if inside {
            bail!(BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field");
        }
        self.push(Place::Plain, from, self.plain.len(), true);
        Ok(line.len())
    }
}

/// The next delimiter from `start` on that no backslash stands before.
fn unescaped(line: &[u8], start: usize, delimiter: u8) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr2(delimiter, b'\\', line.get(at..)?)?;
        if line[at] == delimiter {
            return Some(at);
        }
        at += 2;
    }
}

/// Appends what a field of text with backslashes means; answers whether it names bytes by number that UTF-8 restricts.
fn unescape(raw: &[u8], out: &mut Vec<u8>) -> bool {
    let digit = |at: usize, radix: u32| raw.get(at).and_then(|&b| char::from(b).to_digit(radix));
    let (mut at, mut doubtful) = (0, false);
    while let Some(n) = memchr(b'\\', &raw[at..]) {
        out.extend_from_slice(&raw[at..at + n]);
        at += n + 1;
        let Some(&letter) = raw.get(at) else { return doubtful };
        at += 1;
        let byte = match letter {
            b'0'..=b'7' => {
                let mut value = u32::from(letter - b'0');
                for _ in 0..2 {
                    let Some(next) = digit(at, 8) else { break };
                    value = value * 8 + next;
                    at += 1;
                }
                value as u8
            }
            b'x' => match digit(at, 16) {
                Some(mut value) => {
                    at += 1;
                    if let Some(next) = digit(at, 16) {
                        value = value * 16 + next;
                        at += 1;
                    }
                    value as u8
                }
                None => b'x',
            },
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            other => other,
        };
        doubtful |= matches!(letter, b'0'..=b'7' | b'x') && (byte == 0 || !byte.is_ascii());
        out.push(byte);
    }
    out.extend_from_slice(&raw[at..]);
    doubtful
}

/// Appends a value in the text format.
pub(super) fn write_text(value: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    let mut start = 0;
    for (at, &byte) in value.iter().enumerate() {
        let letter = match byte {
            8 => b'b',
            9 => b't',
            10 => b'n',
            11 => b'v',
            12 => b'f',
            13 => b'r',
            b'\\' => b'\\',
            _ if byte == delimiter => byte,
            _ => continue,
        };
        out.extend_from_slice(&value[start..at]);
        out.extend_from_slice(&[b'\\', letter]);
        start = at + 1;
    }
    out.extend_from_slice(&value[start..]);
}

/// Appends a value in the CSV format; `alone`: it is the only column.
pub(super) fn write_csv(value: &[u8], force: bool, alone: bool, options: &Options, out: &mut Vec<u8>) {
    let (quote, escape) = (options.quote, options.escape);
    let special = |&b: &u8| b == options.delimiter || b == quote || b == b'\n' || b == b'\r';
    let quoted =
        force || value == &options.null[..] || (alone && value == b"\\.") || value.iter().any(special);
    if !quoted {
        out.extend_from_slice(value);
        return;
    }
    out.push(quote);
    for &byte in value {
        if byte == quote || byte == escape {
            out.push(escape);
        }
        out.push(byte);
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(csv: bool) -> Options {
        Options { default: Some(b"\\D".to_vec()), ..Options::of_format(csv) }
    }

    fn split(line: &str, csv: bool) -> Vec<String> {
        let (mut fields, options, bytes) = (Fields::default(), options(csv), line.as_bytes());
        match csv {
            true => fields.split_csv(bytes, bytes.contains(&b'"'), &options).expect("well-formed"),
            false => fields.split_text(bytes, bytes.contains(&b'\\'), &options).expect("well-formed"),
        }
        let shown = |i| match fields.place(i) {
            Place::Null => "NULL".to_owned(),
            Place::Default => "DEFAULT".to_owned(),
            _ => format!("<{}>", String::from_utf8_lossy(fields.bytes(i, bytes))),
        };
        (0..fields.len()).map(shown).collect()
    }

    #[test]
    fn text_fields() {
        for (line, expected) in [
            ("a\tb\t", "<a> <b> <>"),
            ("", "<>"),
            ("\\N\tx\\N\t\\D", "NULL <xN> DEFAULT"),
            ("a\\tb\\\tc\td\\\\", "<a\tb\tc> <d\\>"),
            ("\\x41\\101\\1018\\xg\\.", "<AAA8xg.>"),
            ("x\\", "<x>"),
        ] {
            assert_eq!(split(line, false).join(" "), expected, "{line:?}");
        }
    }

    #[test]
    fn csv_fields() {
        for (line, expected) in [
            ("a,b,", "<a> <b> NULL"),
            ("\"a\",\"\",\"b,\"\"c\"", "<a> <> <b,\"c>"),
            ("x\"y,z\"w,\\D", "<xy,zw> DEFAULT"),
            ("\"a\"b,c", "<ab> <c>"),
        ] {
            assert_eq!(split(line, true).join(" "), expected, "{line:?}");
        }
    }

    #[test]
    fn quotes_must_be_closed() {
        let mut fields = Fields::default();
        let error = fields.split_csv(b"a,\"b\n", true, &options(true)).expect_err("not closed");
        assert_eq!(error.message(), "unterminated CSV quoted field");
    }

    #[test]
    fn bytes_by_number_must_be_utf8() {
        let mut fields = Fields::default();
        assert!(fields.split_text(b"\\xff", true, &options(false)).is_err());
        assert!(fields.split_text(b"\\0", true, &options(false)).is_err());
        assert!(fields.split_text(b"\\xc3\\xa4", true, &options(false)).is_ok());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let options = options(false);
        for value in ["", "a\tb\n\\N\r", "plain", "\u{8}\u{b}\u{c}", "\\.", "ä"] {
            let (mut out, mut fields) = (Vec::new(), Fields::default());
            write_text(value.as_bytes(), b'\t', &mut out);
            fields.split_text(&out, true, &options).expect("well-formed");
            assert_eq!((fields.len(), fields.bytes(0, &out)), (1, value.as_bytes()));
            let options = self::options(true);
            out.clear();
            write_csv(value.as_bytes(), false, true, &options, &mut out);
            fields.split_csv(&out, out.contains(&b'"'), &options).expect("well-formed");
            assert_eq!((fields.len(), fields.bytes(0, &out)), (1, value.as_bytes()));
        }
    }
}
