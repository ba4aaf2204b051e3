//! Where the bytes are that mean something, found eight at a time; plain lines are split along them.
//!
//! A piece of the data is looked through once for delimiters, quotes (CSV), backslashes (text) and control characters. A line whose
//! marks are only delimiters, quotes around whole fields and `\N` for NULL is split here. Whatever else there is, [`Lines`] and
//! [`Fields`] decide, byte for byte as they always do: a line is theirs whenever [`Marks::split`] has no answer.
//!
//! Sources: Langdale and Lemire 2019, "Parsing Gigabytes of JSON per Second" (the index of structural bytes); Warren, "Hacker's
//! Delight", 6-1 (zero bytes in a word).
//!
//! [`Lines`]: super::line::Lines

use super::field::Fields;
use super::options::{Options, Syntax};

/// Bytes looked through at once: what is found in them and they themselves stay in the first cache.
const PIECE_BYTES: usize = 16 << 10;
/// Bytes that make a mask.
const BLOCK: usize = 64;

/// A line that was split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Where its newline is.
    pub(super) end: usize,
    /// Whether it is known to be ASCII.
    pub(super) ascii: bool,
}

/// The marks of a piece of the data.
pub(super) struct Marks {
    delimiter: u8,
    /// The quote of CSV, the backslash of text.
    special: u8,
    csv: bool,
    /// Whether `\N` is NULL.
    backslash_null: bool,
    /// Whether lines can be split here at all.
    able: bool,
    needle: Needle,
    /// Their positions in the data, ascending.
    found: Vec<u32>,
    /// The first that is not yet used.
    next: usize,
    /// The piece.
    from: usize,
    to: usize,
    ascii: bool,
}

impl Marks {
    pub(super) fn new(options: &Options) -> Marks {
        let csv = options.syntax == Syntax::Csv;
        let special = if csv { options.quote } else { b'\\' };
        Marks {
            delimiter: options.delimiter,
            special,
            csv,
            backslash_null: !csv && options.null == b"\\N",
            able: options.syntax != Syntax::Binary && (!csv || options.escape == options.quote),
            needle: Needle::new(options.delimiter, special),
            found: Vec::new(),
            next: 0,
            from: 0,
            to: 0,
            ascii: false,
        }
    }

    /// Forgets what it knows: other data follows.
    pub(super) fn reset(&mut self) {
        (self.from, self.to) = (0, 0);
    }

    /// Splits the line that starts at `at`, if it is a plain one that ends by a newline; its fields count from its start.
    pub(super) fn split(
        &mut self,
        data: &[u8],
        at: usize,
        fields: &mut Fields,
        options: &Options,
    ) -> Option<Split> {
        if !self.able {
            return None;
        }
        if at < self.from || at >= self.to {
            self.look(data, at);
        }
        loop {
            while self.found.get(self.next).is_some_and(|&p| (p as usize) < at - self.from) {
                self.next += 1;
            }
            match self.walk(data, at, fields, options) {
                Walk::Line(end) => return Some(Split { end, ascii: self.ascii }),
                Walk::Other => return None,
                // The line may go on behind the piece.
                Walk::Short if self.from < at && self.to < data.len() => self.look(data, at),
                Walk::Short => return None,
            }
        }
    }

    /// Looks through the piece that starts at `from`.
    fn look(&mut self, data: &[u8], from: usize) {
        let piece = &data[from..data.len().min(from + PIECE_BYTES)];
        (self.from, self.to, self.next) = (from, from + piece.len(), 0);
        self.found.clear();
        let mut high = 0;
        let (blocks, rest) = piece.as_chunks::<BLOCK>();
        let mut last = [0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        for (number, block) in blocks.iter().chain([&last]).enumerate() {
            let mut mask = self.needle.look(block, &mut high);
            while mask != 0 {
                self.found.push((number * BLOCK) as u32 + mask.trailing_zeros());
                mask &= mask - 1;
            }
        }
        let end = self.found.partition_point(|&p| (p as usize) < piece.len());
        self.found.truncate(end);
        self.ascii = high & HIGH == 0;
    }

    /// Whether a mark is a control character without a meaning.
    #[inline]
    fn is_other(&self, byte: u8) -> bool {
        byte < b' ' && !matches!(byte, b'\n' | b'\r' | 0) && byte != self.delimiter && byte != self.special
    }

    fn walk(&mut self, data: &[u8], at: usize, fields: &mut Fields, options: &Options) -> Walk {
        fields.clear();
        let (line, base) = (&data[at..self.to], at - self.from);
        let mut marks = self.found[self.next..].iter().map(|&p| p as usize - base);
        let mut start = 0;
        loop {
            let Some(mark) = marks.next() else { return Walk::Short };
            let byte = line[mark];
            if self.is_other(byte) {
                continue;
            }
            let end = if byte == self.delimiter || byte == b'\n' {
                fields.push_raw(line, start, mark, options);
                mark
            } else if byte != self.special || mark != start {
                return Walk::Other;
            } else if self.csv {
                let close = loop {
                    let Some(mark) = marks.next() else { return Walk::Short };
                    match line[mark] {
                        byte if byte == self.special => break mark,
                        b'\n' | b'\r' | 0 => return Walk::Other,
                        _ => {}
                    }
                };
                fields.push_quoted(start + 1, close);
                close + 1
            } else if self.backslash_null && line.get(mark + 1) == Some(&b'N') {
                fields.push_null();
                mark + 2
            } else {
                return Walk::Other;
            };
            if end != mark {
                match marks.next() {
                    None => return Walk::Short,
                    Some(mark) if mark == end && (line[mark] == self.delimiter || line[mark] == b'\n') => {}
                    Some(_) => return Walk::Other,
                }
            }
            if line[end] == b'\n' {
                self.next = self.found.len() - marks.len();
                return Walk::Line(at + end);
            }
            start = end + 1;
        }
    }
}

/// What became of a line.
enum Walk {
    /// Its newline is here.
    Line(usize),
    /// It is not plain.
    Other,
    /// It does not end within the piece.
    Short,
}

/// The highest bit of each byte of a word.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Finds two bytes, and all below 32.
struct Needle {
    first: u64,
    second: u64,
}

impl Needle {
    fn new(first: u8, second: u8) -> Needle {
        Needle { first: u64::from_le_bytes([first; 8]), second: u64::from_le_bytes([second; 8]) }
    }

    /// A bit for each byte that is looked for; adds to `high` the bytes' highest bits.
    #[inline]
    fn look(&self, block: &[u8; BLOCK], high: &mut u64) -> u64 {
        let mut mask = 0;
        for (number, bytes) in block.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*bytes);
            *high |= word;
            // The highest bit of each byte says that it is none.
            let filled = |word: u64| ((word & !HIGH) + !HIGH) | word;
            let control = filled(word & (HIGH | HIGH >> 1 | HIGH >> 2));
            let none = control & filled(word ^ self.first) & filled(word ^ self.second);
            let hits = (!none & HIGH) >> 7;
            // Each hit's bit moves to the top byte, in the order of the bytes.
            mask |= (hits.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * number);
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::Place;
    use super::super::line::{Found, Lines};
    use super::*;
    use proptest::prelude::*;

    fn shown(fields: &Fields, line: &[u8]) -> Vec<Option<(Vec<u8>, bool)>> {
        let one = |i| match fields.place(i) {
            Place::Null => None,
            _ => Some((fields.bytes(i, line).to_vec(), fields.is_quoted(i))),
        };
        (0..fields.len()).map(one).collect()
    }

    /// What is split along the marks is what the exact code finds.
    fn compare(data: &[u8], csv: bool) -> usize {
        let options = Options::of_format(csv);
        let (mut marks, mut fields, mut exact) = (Marks::new(&options), Fields::default(), Fields::default());
        let mut lines = Lines::new(&options);
        let (mut at, mut quick) = (0, 0);
        while let Ok(Found::Line(line)) = lines.next(&data[at..], true) {
            let text = &data[at..at + line.end];
            if let Some(split) = marks.split(data, at, &mut fields, &options) {
                assert_eq!((split.end, at + line.next), (at + line.end, split.end + 1));
                assert!(!split.ascii || text.is_ascii());
                match csv {
                    true => exact.split_csv(text, line.special, &options).expect("a plain line"),
                    false => exact.split_text(text, line.special, &options).expect("a plain line"),
                }
                assert_eq!(shown(&fields, text), shown(&exact, text), "{text:?}");
                quick += 1;
            }
            at += line.next;
        }
        quick
    }

    #[test]
    fn plain_lines_are_split() {
        let text =
            b"1\tabcdefghijklmnopqrstuvwxyz\t\\N\n\\N\t\t\n\n\xc3\xa4\tx\ny\\tz\tw\n\\\\N\n".as_slice();
        assert_eq!(compare(text, false), 4);
        let csv = b"1,\"a,b\",,\n\"\",\"x\"\n\"a\"\"b\",1\n\"a\nb\",c\nx\"y\"\nlast,line\n".as_slice();
        assert_eq!(compare(csv, true), 3);
        let long = [vec![b'x'; 3 * PIECE_BYTES], b"\na,b\n".to_vec()].concat();
        assert_eq!(compare(&long, true), 1);
        assert_eq!(compare(&b"some,fields,of a line,\"and a quoted one\"\n".repeat(2000), true), 2000);
    }

    proptest! {
        #[test]
        fn marks_agree_with_the_exact_code(
            bytes in prop::collection::vec(prop::sample::select(&b"ab\xc3,,\t\t\"\"\\N\n\n\r\0.\x1f\x80"[..]), 0..200),
            csv: bool,
        ) {
            compare(&bytes, csv);
        }
    }
}
