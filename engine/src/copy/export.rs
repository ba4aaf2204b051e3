//! COPY TO: the rows of a plan as lines.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, IoContext, int, io_binary, io_text};

use super::binary;
use super::field::{write_csv, write_text};
use super::options::{Encoding, Header, Options, Syntax};
use crate::exec::Batch;
use crate::exec::vector::Values;
use crate::session::Format;

/// Writes rows in the format of a COPY.
pub(crate) struct Formatter {
    options: Options,
    columns: Arc<[OutputColumn]>,
    force_quote: Vec<bool>,
    /// The text of the value being written, before it is escaped.
    value: Vec<u8>,
}

impl Formatter {
    /// Prepares for rows of `columns`.
    pub(super) fn new(options: Options, columns: Arc<[OutputColumn]>, force_quote: Vec<bool>) -> Formatter {
        Formatter { options, columns, force_quote, value: Vec::new() }
    }

    /// How the client is told that it comes.
    pub(crate) fn format(&self) -> Format {
        if self.options.syntax == Syntax::Binary { Format::Binary } else { Format::Text }
    }

    /// What ends the data.
    pub(crate) fn trailer(&self, out: &mut Vec<u8>) {
        if self.options.syntax == Syntax::Binary {
            binary::write_trailer(out);
        }
    }

    fn binary_row(&self, batch: &Batch, row: usize, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&(self.columns.len() as i16).to_be_bytes());
        for (column, vector) in self.columns.iter().zip(&batch.columns) {
            let value = vector.datum(row, column.ty.oid);
            let start = out.len();
            out.extend_from_slice(&(-1i32).to_be_bytes());
            if !value.is_null() {
                io_binary::send_binary(&value, column.ty.oid, out)?;
                let length = (out.len() - start - 4) as i32;
                out[start..start + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(())
    }

    /// What comes before the rows: the header line, if there is to be one, or the binary header.
    pub(crate) fn header(&mut self, out: &mut Vec<u8>) {
        if self.options.syntax == Syntax::Binary {
            return binary::write_header(out);
        }
        if self.options.header == Header::No {
            return;
        }
        let columns = self.columns.clone();
        let alone = columns.len() == 1;
        for (i, column) in columns.iter().enumerate() {
            if i > 0 {
                out.push(self.options.delimiter);
            }
            match self.options.syntax {
                Syntax::Csv => write_csv(column.name.as_bytes(), false, alone, &self.options, out),
                _ => write_text(column.name.as_bytes(), self.options.delimiter, out),
            }
        }
        out.push(b'\n');
    }

    /// Appends row `row` of a batch.
    ///
    /// # Errors
    /// What output functions raise.
    pub(crate) fn row(
        &mut self,
        batch: &Batch,
        row: usize,
        io: &IoContext<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if self.options.syntax == Syntax::Binary {
            return self.binary_row(batch, row, out);
        }
        let start = out.len();
        for i in 0..self.columns.len() {
            if i > 0 {
                out.push(self.options.delimiter);
            }
            self.field(batch, row, i, io, out)?;
        }
        out.push(b'\n');
        if self.options.encoding == Encoding::Latin1 && !out[start..].is_ascii() {
            let latin = latin1(&out[start..])?;
            out.truncate(start);
            out.extend_from_slice(&latin);
        }
        Ok(())
    }

    fn field(
        &mut self,
        batch: &Batch,
        row: usize,
        i: usize,
        io: &IoContext<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let vector = &batch.columns[i];
        let at = vector.at(row);
        if vector.nulls.is_null(at) {
            out.extend_from_slice(&self.options.null);
            return Ok(());
        }
        let oid = self.columns[i].ty.oid;
        // Numbers have nothing to escape, unless the delimiter or the quote is one of their characters.
        if let Values::I16(_) | Values::I32(_) | Values::I64(_) = &vector.values
            && let Some(number) = integer(&vector.datum(row, oid))
            && self.is_plain(i)
        {
            int::write_i64(number, out);
            return Ok(());
        }
        if let Values::Str(strings) = &vector.values
            && oid != nq_qsql::types::oid::BYTEA
        {
            self.escape(strings.get(at), i, out);
            return Ok(());
        }
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        let written = io_text::write_text(&vector.datum(row, oid), oid, io, &mut value);
        if written.is_ok() {
            self.escape(&value, i, out);
        }
        self.value = value;
        written
    }

    /// Whether digits and signs need no escape in column `i`.
    fn is_plain(&self, i: usize) -> bool {
        let o = &self.options;
        let harmless = |b: u8| !b.is_ascii_digit() && b != b'-';
        harmless(o.delimiter)
            && (o.syntax == Syntax::Text
                || (!self.force_quote[i] && harmless(o.quote) && o.null.first().is_none_or(|&b| harmless(b))))
    }

    fn escape(&self, value: &[u8], i: usize, out: &mut Vec<u8>) {
        match self.options.syntax {
            Syntax::Csv => {
                write_csv(value, self.force_quote[i], self.columns.len() == 1, &self.options, out);
            }
            _ => write_text(value, self.options.delimiter, out),
        }
    }
}

fn integer(value: &Datum) -> Option<i64> {
    match *value {
        Datum::Int2(v) => Some(i64::from(v)),
        Datum::Int4(v) => Some(i64::from(v)),
        Datum::Int8(v) => Some(v),
        _ => None,
    }
}

/// The text in ISO 8859-1.
///
/// # Errors
/// 22P05 for characters that it does not have.
fn latin1(text: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(text).map_err(|e| crate::session::invalid_utf8(text, &e))?;
    text.chars()
        .map(|c| {
            u8::try_from(u32::from(c)).map_err(|_| {
                let mut bytes = [0; 4];
                let shown: Vec<String> =
                    c.encode_utf8(&mut bytes).bytes().map(|b| format!("0x{b:02x}")).collect();
                nq_qsql::sql_err!(
                    UNTRANSLATABLE_CHARACTER,
                    "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
                    shown.join(" ")
                )
            })
        })
        .collect()
}
