//! The binary format: a signature, then tuples of fields with their lengths, then a trailer.
//!
//! ```text
//! OFFSET  SIZE  DESCRIPTION
//! 0       11    signature
//! 11      4     flags; bits 16 to 31 are critical
//! 15      4     length of the extension area that follows
//! ..            tuples: number of fields (2), and of each the length (4, -1 for NULL) and the bytes of its send function
//! ..      2     trailer: -1
//! ```
//!
//! All numbers are big-endian. Source: PostgreSQL manual, reference page of COPY, "Binary Format".

use nq_qsql::bail;
use nq_qsql::error::Result;

use super::field::Fields;
use super::line::{Found, Line};

/// What the data begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Bytes before the extension area.
const HEADER_BYTES: usize = SIGNATURE.len() + 8;
/// Flags of which an unknown one makes the data unreadable.
const CRITICAL: u32 = 0xffff_0000;
/// The critical flag of data with OIDs.
const WITH_OIDS: u32 = 1 << 16;

/// Finds the tuples.
#[derive(Debug, Default)]
pub(super) struct Tuples {
    header_done: bool,
    trailer_done: bool,
    /// Bytes of the extension area still to be skipped.
    skip: usize,
}

/// Appends the header.
pub(super) fn write_header(out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[0; 8]);
}

/// Appends the trailer.
pub(super) fn write_trailer(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xff, 0xff]);
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk::<4>()).map_or(0, |b| u32::from_be_bytes(*b))
}

impl Tuples {
    /// Skips what stands before the tuples at the front of `bytes`; answers how many bytes that is.
    ///
    /// # Errors
    /// 22P04 for a header that is wrong.
    pub(super) fn header(&mut self, bytes: &[u8], last: bool) -> Result<usize> {
        let mut used = 0;
        if !self.header_done {
            let signature = &bytes[..bytes.len().min(SIGNATURE.len())];
            if !SIGNATURE.starts_with(signature) || (last && signature.len() < SIGNATURE.len()) {
                bail!(BAD_COPY_FILE_FORMAT, "COPY file signature not recognized");
            }
            if bytes.len() < HEADER_BYTES {
                if last {
                    let what = if bytes.len() < SIGNATURE.len() + 4 { "flags" } else { "length" };
                    bail!(BAD_COPY_FILE_FORMAT, "invalid COPY file header (missing {what})");
                }
                return Ok(0);
            }
            let flags = word(bytes, SIGNATURE.len());
            if flags & WITH_OIDS != 0 {
                bail!(BAD_COPY_FILE_FORMAT, "invalid COPY file header (WITH OIDS)");
            }
            if flags & CRITICAL != 0 {
                bail!(BAD_COPY_FILE_FORMAT, "unrecognized critical flags in COPY file header");
            }
            let extension = word(bytes, SIGNATURE.len() + 4);
            if extension > i32::MAX as u32 {
                bail!(BAD_COPY_FILE_FORMAT, "invalid COPY file header (missing length)");
            }
            self.header_done = true;
            self.skip = extension as usize;
            used = HEADER_BYTES;
        }
        let skipped = self.skip.min(bytes.len() - used);
        self.skip -= skipped;
        if last && self.skip > 0 {
            bail!(BAD_COPY_FILE_FORMAT, "invalid COPY file header (wrong length)");
        }
        Ok(used + skipped)
    }

    /// Whether tuples come next.
    pub(super) fn is_open(&self) -> bool {
        self.header_done && self.skip == 0
    }

    /// Whether the trailer has come.
    pub(super) fn has_ended(&self) -> bool {
        self.trailer_done
    }

    /// Splits the tuple at the front of `bytes`, which is to have `width` fields.
    ///
    /// # Errors
    /// 22P04 for a wrong number of fields, wrong lengths, an early end; the number of the field with it, where it is one's fault.
    pub(super) fn next(
        &mut self,
        bytes: &[u8],
        last: bool,
        width: usize,
        fields: &mut Fields,
    ) -> Result<Found, (Option<usize>, nq_qsql::error::SqlError)> {
        let fail = |field: Option<usize>, text: String| {
            Err((field, nq_qsql::sql_err!(BAD_COPY_FILE_FORMAT, "{text}")))
        };
        if self.trailer_done {
            return match bytes.is_empty() {
                true => Ok(Found::More),
                false => fail(None, "received copy data after EOF marker".to_owned()),
            };
        }
        let Some(count) = bytes.first_chunk::<2>().map(|b| i16::from_be_bytes(*b)) else {
            return Ok(if last { Found::End } else { Found::More });
        };
        if count == -1 {
            self.trailer_done = true;
            return Ok(Found::Line(Line { end: 0, next: 2, special: false, breaks: 0 }));
        }
        if count as usize != width {
            return fail(None, format!("row field count is {count}, expected {width}"));
        }
        fields.clear();
        let mut at = 2;
        for field in 0..width {
            let Some(length) = bytes.get(at..).and_then(|b| b.first_chunk::<4>()) else {
                return if last {
                    fail(Some(field), "unexpected EOF in COPY data".into())
                } else {
                    Ok(Found::More)
                };
            };
            let length = i32::from_be_bytes(*length);
            at += 4;
            if length == -1 {
                fields.push_null();
                continue;
            }
            if length < 0 {
                return fail(Some(field), "invalid field size".to_owned());
            }
            let end = at + length as usize;
            if bytes.len() < end {
                return if last {
                    fail(Some(field), "unexpected EOF in COPY data".into())
                } else {
                    Ok(Found::More)
                };
            }
            fields.push_bytes(at, end);
            at = end;
        }
        Ok(Found::Line(Line { end: at, next: at, special: false, breaks: 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Vec<u8> {
        let mut out = Vec::new();
        write_header(&mut out);
        out.extend_from_slice(&[0, 2, 0, 0, 0, 1, b'x', 0xff, 0xff, 0xff, 0xff]);
        write_trailer(&mut out);
        out
    }

    fn read(data: &[u8], piece: usize) -> Result<usize, String> {
        let (mut tuples, mut fields) = (Tuples::default(), Fields::default());
        let (mut start, mut there, mut rows) = (0, 0, 0);
        loop {
            let last = there == data.len();
            if !tuples.is_open() {
                start += tuples.header(&data[start..there], last).map_err(|e| e.message().to_owned())?;
            }
            let found = match tuples.is_open() {
                true => tuples
                    .next(&data[start..there], last, 2, &mut fields)
                    .map_err(|e| e.1.message().to_owned())?,
                false => Found::More,
            };
            match found {
                Found::Line(line) => {
                    rows += usize::from(!tuples.has_ended());
                    start += line.next;
                }
                Found::More if last => return Ok(rows),
                Found::More => there = (there + piece).min(data.len()),
                Found::End => return Ok(rows),
            }
        }
    }

    #[test]
    fn tuples_do_not_depend_on_the_pieces() {
        let data = data();
        for piece in 1..=data.len() {
            assert_eq!(read(&data, piece), Ok(1), "by {piece}");
        }
    }

    #[test]
    fn damage_is_named() {
        let good = data();
        let mut bad = good.clone();
        bad[0] = b'Q';
        assert_eq!(read(&bad, 7), Err("COPY file signature not recognized".to_owned()));
        assert_eq!(read(&good[..good.len() - 4], 7), Err("unexpected EOF in COPY data".to_owned()));
        let mut bad = good.clone();
        bad[20] = 3;
        assert_eq!(read(&bad, 7), Err("row field count is 3, expected 2".to_owned()));
        bad = [&good[..], b"x"].concat();
        assert_eq!(read(&bad, 7), Err("received copy data after EOF marker".to_owned()));
    }
}
