//! Lines of a text or CSV stream: where each ends, whatever the pieces it arrives in.
//!
//! The first line's end decides what ends lines (`\n`, `\r` or `\r\n`); another one later is an error, unless it is escaped (text)
//! or quoted (CSV). In text, `\.` alone on a line ends the data.
//!
//! Source: PostgreSQL manual, reference page of COPY, "File Formats".

use memchr::{memchr_iter, memchr2, memchr3};
use nq_qsql::bail;
use nq_qsql::error::Result;

use super::options::{Options, Syntax};

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eol {
    Unknown,
    Newline,
    Return,
    Both,
}

/// A line within the bytes given to [`Lines::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it ends, without its end mark. It starts where the search started.
    pub(super) end: usize,
    /// Where the next line starts.
    pub(super) next: usize,
    /// Whether it has backslashes (text) or quotes (CSV).
    pub(super) special: bool,
    /// Line ends within quotes.
    pub(super) breaks: usize,
}

/// The answer of [`Lines::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A line.
    Line(Line),
    /// The line's end has not come yet.
    More,
    /// The end of the data.
    End,
}

/// Finds lines.
#[derive(Debug)]
pub(super) struct Lines {
    eol: Eol,
    csv: bool,
    quote: u8,
    escape: u8,
    /// Of the line begun: bytes looked at, counted from its start.
    scanned: usize,
    special: bool,
    /// CSV: within quotes.
    quoted: bool,
    /// CSV: the byte before was an escape that is not the quote.
    escaped: bool,
    /// CSV: the byte that counts as a line end within quotes of this line.
    counted: u8,
}

impl Lines {
    pub(super) fn new(options: &Options) -> Lines {
        Lines {
            eol: Eol::Unknown,
            csv: options.syntax == Syntax::Csv,
            quote: options.quote,
            escape: options.escape,
            scanned: 0,
            special: false,
            quoted: false,
            escaped: false,
            counted: b'\r',
        }
    }

    /// Whether lines are known to end by a newline alone, and none is begun.
    #[inline]
    pub(super) fn by_newline(&self) -> bool {
        self.eol == Eol::Newline && self.scanned == 0 && !(self.special || self.quoted || self.escaped)
    }

    fn found(&mut self, bytes: &[u8], end: usize, next: usize) -> Found {
        let special = std::mem::take(&mut self.special);
        self.scanned = 0;
        self.quoted = false;
        self.escaped = false;
        let quoted = if special && self.csv { &bytes[..end] } else { &[] };
        let breaks = memchr_iter(self.counted, quoted).count();
        self.counted = if self.eol == Eol::Newline { b'\n' } else { b'\r' };
        Found::Line(Line { end, next, special, breaks })
    }

    fn wait(&mut self, scanned: usize) -> Found {
        self.scanned = scanned;
        Found::More
    }

    /// Finds the line that starts at the beginning of `bytes`. After [`Found::More`] the same bytes come again with more behind
    /// them. `last`: nothing will come behind them.
    ///
    /// # Errors
    /// 22P04 for stray line ends and misplaced end marks.
    pub(super) fn next(&mut self, bytes: &[u8], last: bool) -> Result<Found> {
        let found = if self.csv { self.next_csv(bytes, last)? } else { self.next_text(bytes, last)? };
        if found != Found::More || !last {
            return Ok(found);
        }
        // Quotes that are not closed are found by whoever splits the line.
        if bytes.is_empty() {
            return Ok(Found::End);
        }
        Ok(self.found(bytes, bytes.len(), bytes.len()))
    }

    fn next_text(&mut self, bytes: &[u8], last: bool) -> Result<Found> {
        let mut at = self.scanned;
        loop {
            // Once it is known that lines end by a newline alone, there is still the stray return to find.
            let Some(step) = memchr3(b'\n', b'\r', b'\\', &bytes[at..]) else {
                return Ok(self.wait(bytes.len()));
            };
            at += step;
            if bytes[at] != b'\\' {
                match self.line_end(bytes, at, last)? {
                    Some(found) => return Ok(found),
                    None => return Ok(self.wait(at)),
                }
            }
            self.special = true;
            match bytes.get(at + 1) {
                None if last => return Ok(self.wait(bytes.len())),
                None => return Ok(self.wait(at)),
                Some(b'.') => return self.end_mark(bytes, at, last),
                Some(_) => at += 2,
            }
            if at > bytes.len() {
                return Ok(self.wait(bytes.len()));
            }
        }
    }

    /// Takes a line end at `at`; `None` when the byte behind it must be known first.
    fn line_end(&mut self, bytes: &[u8], at: usize, last: bool) -> Result<Option<Found>> {
        if bytes[at] == b'\n' {
            if matches!(self.eol, Eol::Return | Eol::Both) {
                return Err(self.stray("newline", "\\n"));
            }
            self.eol = Eol::Newline;
            return Ok(Some(self.found(bytes, at, at + 1)));
        }
        match self.eol {
            Eol::Newline => return Err(self.stray("carriage return", "\\r")),
            Eol::Return => return Ok(Some(self.found(bytes, at, at + 1))),
            Eol::Unknown | Eol::Both => {}
        }
        match bytes.get(at + 1) {
            Some(b'\n') => {
                self.eol = Eol::Both;
                Ok(Some(self.found(bytes, at, at + 2)))
            }
            None if !last => Ok(None),
            _ if self.eol == Eol::Both => Err(self.stray("carriage return", "\\r")),
            _ => {
                self.eol = Eol::Return;
                Ok(Some(self.found(bytes, at, at + 1)))
            }
        }
    }

    #[cold]
    fn stray(&self, what: &str, escape: &str) -> nq_qsql::error::SqlError {
        let (adjective, hint) = match self.csv {
            false => ("literal", format!("Use \"{escape}\" to represent {what}.")),
            true => ("unquoted", format!("Use quoted CSV field to represent {what}.")),
        };
        nq_qsql::sql_err!(BAD_COPY_FILE_FORMAT, "{adjective} {what} found in data").hint(hint)
    }

    /// `\.` at `at`: it must be alone on its line.
    fn end_mark(&mut self, bytes: &[u8], at: usize, last: bool) -> Result<Found> {
        let rest = &bytes[at + 2..];
        let ends: &[u8] = match self.eol {
            Eol::Both => b"\r\n",
            Eol::Newline => b"\n",
            Eol::Return => b"\r",
            Eol::Unknown => b"",
        };
        if rest.len() < ends.len().max(1) && !last {
            return Ok(self.wait(at));
        }
        let alone = "end-of-copy marker is not alone on its line";
        let other = "end-of-copy marker does not match previous newline style";
        match (rest.first(), self.eol) {
            (None, _) | (Some(b'\n' | b'\r'), Eol::Unknown) => {}
            (Some(b'\n'), Eol::Newline) | (Some(b'\r'), Eol::Return) => {}
            (Some(b'\r'), Eol::Both) if rest.get(1) == Some(&b'\n') => {}
            (Some(b'\r'), Eol::Both) if rest.get(1).is_some_and(|&b| b != b'\r') => {
                bail!(BAD_COPY_FILE_FORMAT, "{alone}")
            }
            (Some(b'\n' | b'\r'), _) => bail!(BAD_COPY_FILE_FORMAT, "{other}"),
            _ => bail!(BAD_COPY_FILE_FORMAT, "{alone}"),
        }
        if at > 0 {
            bail!(BAD_COPY_FILE_FORMAT, "{alone}");
        }
        Ok(Found::End)
    }

    /// Quotes and escapes toggle as in PostgreSQL: an escape that is not the quote counts within quotes only, and makes the quote
    /// behind it an ordinary byte.
    fn next_csv(&mut self, bytes: &[u8], last: bool) -> Result<Found> {
        let mut at = self.scanned;
        loop {
            if self.quoted {
                if self.escaped {
                    match bytes.get(at) {
                        None => return Ok(self.wait(at)),
                        // Whatever is escaped, a quote does not end the field.
                        Some(&b) => {
                            self.escaped = false;
                            if b == self.quote || b == self.escape {
                                at += 1;
                                continue;
                            }
                        }
                    }
                }
                let Some(step) = memchr2(self.quote, self.escape, &bytes[at..]) else {
                    return Ok(self.wait(bytes.len()));
                };
                at += step + 1;
                if bytes[at - 1] == self.quote {
                    self.quoted = false;
                } else {
                    self.escaped = true;
                }
                continue;
            }
            let Some(step) = memchr3(b'\n', b'\r', self.quote, &bytes[at..]) else {
                return Ok(self.wait(bytes.len()));
            };
            at += step;
            if bytes[at] == self.quote {
                self.special = true;
                self.quoted = true;
                at += 1;
                continue;
            }
            match self.line_end(bytes, at, last)? {
                Some(found) => return Ok(found),
                None => return Ok(self.wait(at)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(csv: bool) -> Options {
        let mut options = Options::new(&[], true).expect("defaults");
        if csv {
            options.syntax = Syntax::Csv;
            (options.quote, options.escape) = (b'"', b'"');
        }
        options
    }

    /// Splits `data` that comes in pieces of `piece` bytes.
    fn split(data: &[u8], csv: bool, piece: usize) -> Result<Vec<Vec<u8>>> {
        let mut lines = Lines::new(&options(csv));
        let (mut out, mut start, mut there) = (Vec::new(), 0, 0);
        loop {
            let last = there == data.len();
            match lines.next(&data[start..there], last)? {
                Found::Line(line) => {
                    out.push(data[start..start + line.end].to_vec());
                    start += line.next;
                }
                Found::More => there = (there + piece).min(data.len()),
                Found::End => return Ok(out),
            }
        }
    }

    #[test]
    fn lines_do_not_depend_on_the_pieces() {
        let cases: [(&str, bool, &[&str]); 9] = [
            ("a\nb\n", false, &["a", "b"]),
            ("a\r\nb\r\n", false, &["a", "b"]),
            ("a\rb\r", false, &["a", "b"]),
            ("a\nb", false, &["a", "b"]),
            ("a\\\nb\nc\n", false, &["a\\\nb", "c"]),
            ("a\n\\.\nrest", false, &["a"]),
            ("", false, &[]),
            ("a,\"x\ny\"\n\"\"\"\n\"\n", true, &["a,\"x\ny\"", "\"\"\"\n\""]),
            ("\\.\nb\n", true, &["\\.", "b"]),
        ];
        for (data, csv, expected) in cases {
            for piece in 1..=data.len().max(1) {
                let got = split(data.as_bytes(), csv, piece).expect("well-formed");
                assert_eq!(
                    got,
                    expected.iter().map(|l| l.as_bytes().to_vec()).collect::<Vec<_>>(),
                    "{data:?} by {piece}"
                );
            }
        }
    }

    #[test]
    fn stray_ends_are_refused() {
        for (data, csv, expected) in [
            ("a\nb\rc\n", false, "literal carriage return found in data"),
            ("a\r\nb\nc\n", false, "literal newline found in data"),
            ("a\nb\rc\n", true, "unquoted carriage return found in data"),
            ("a\nx\\.\n", false, "end-of-copy marker is not alone on its line"),
            ("a\n\\.x\n", false, "end-of-copy marker is not alone on its line"),
            ("a\n\\.\r\n", false, "end-of-copy marker does not match previous newline style"),
        ] {
            for piece in 1..=data.len() {
                let error = split(data.as_bytes(), csv, piece).expect_err(data);
                assert_eq!(error.message(), expected, "{data:?} by {piece}");
            }
        }
    }
}
