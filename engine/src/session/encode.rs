//! Result rows as DataRow messages, straight from where they are: vectors of a batch, values, or a stored row.
//!
//! ```text
//! 'D' | length 4 | fields 2 | { length 4 (-1: NULL) | bytes } ...
//! ```
//!
//! Strings are copied from their column, numbers written by their digits: no value is made that lives on the heap.

use nq_qsql::error::Result;
use nq_qsql::types::{Datum, IoContext, Oid, io_binary, io_text, oid};

use super::api::{Format, RowSource, Rows};
use crate::exec::vector::{Values, Vector};
use crate::table::row::put_decimal;

impl Rows<'_> {
    /// Appends every row as a complete DataRow message (type byte, length, field count, fields).
    ///
    /// # Errors
    /// What an output function raises; nothing is appended for the failing row.
    pub fn write_data_rows(&self, out: &mut Vec<u8>) -> Result<()> {
        for row in 0..self.len() {
            let start = out.len();
            out.extend_from_slice(&[b'D', 0, 0, 0, 0]);
            out.extend_from_slice(&(self.columns.len() as u16).to_be_bytes());
            if let Err(error) = self.write_fields(row, out) {
                out.truncate(start);
                return Err(error);
            }
            patch_length(out, start + 1, 0);
        }
        Ok(())
    }

    fn write_fields(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let width = self.columns.len();
        match &self.source {
            RowSource::Values { values, .. } => {
                for (column, value) in values[row * width..(row + 1) * width].iter().enumerate() {
                    self.field(column, value.is_null(), out, |oid, format, io, out| {
                        put_datum(value, oid, format, io, out)
                    })?;
                }
            }
            RowSource::Batch { batch, from, .. } => {
                let row = batch.rows().nth(from + row);
                for (column, vector) in batch.columns[..width].iter().enumerate() {
                    self.field(column, vector.is_null(row), out, |oid, format, io, out| {
                        put_element(vector, row, oid, format, io, out)
                    })?;
                }
            }
            RowSource::Stored(stored) => {
                for column in 0..width {
                    let field = stored.field(column);
                    self.field(column, field.is_null(), out, |oid, format, io, out| match format {
                        Format::Text => field.write_text(oid, io, out),
                        Format::Binary => field.write_binary(oid, out),
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Appends one field with its length, -1 for NULL.
    #[inline]
    fn field(
        &self,
        column: usize,
        null: bool,
        out: &mut Vec<u8>,
        put: impl FnOnce(Oid, Format, &IoContext<'_>, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        if null {
            out.extend_from_slice(&[0xff; 4]);
            return Ok(());
        }
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let format = self.formats.get(column).copied().unwrap_or_default();
        put(self.columns[column].ty.oid, format, self.io, out)?;
        patch_length(out, start, 4);
        Ok(())
    }

    /// The row's values.
    pub fn values(&self, row: usize) -> Vec<Datum> {
        let width = self.columns.len();
        match &self.source {
            RowSource::Values { values, .. } => values[row * width..(row + 1) * width].to_vec(),
            RowSource::Batch { batch, from, .. } => {
                let at = batch.rows().nth(from + row);
                (0..width).map(|c| batch.columns[c].datum(at, self.columns[c].ty.oid)).collect()
            }
            RowSource::Stored(stored) => {
                (0..width).map(|c| stored.field(c).to_datum().unwrap_or(Datum::Null)).collect()
            }
        }
    }
}

/// Puts the number of bytes behind `at`, less `without`, at `at`.
fn patch_length(out: &mut [u8], at: usize, without: usize) {
    let length = (out.len() - at - without) as u32;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

fn put_datum(value: &Datum, oid: Oid, format: Format, io: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    match format {
        Format::Text => io_text::write_text(value, oid, io, out),
        Format::Binary => io_binary::send_binary(value, oid, out),
    }
}

/// Appends a value of a vector that is not NULL.
#[inline]
fn put_element(
    vector: &Vector,
    row: usize,
    oid: Oid,
    format: Format,
    io: &IoContext<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let at = vector.at(row);
    match (&vector.values, format) {
        (Values::Str(strings), Format::Text) if oid != oid::BYTEA => out.extend_from_slice(strings.get(at)),
        (Values::Str(strings), Format::Binary) => out.extend_from_slice(strings.get(at)),
        (Values::I32(v), Format::Text) if oid == oid::INT4 => put_decimal(i64::from(v[at]), out),
        (Values::I32(v), Format::Binary) if matches!(oid, oid::INT4 | oid::DATE) => {
            out.extend_from_slice(&v[at].to_be_bytes());
        }
        (Values::I64(v), Format::Text) if oid == oid::INT8 => put_decimal(v[at], out),
        (Values::I64(v), Format::Binary) if oid == oid::INT8 => out.extend_from_slice(&v[at].to_be_bytes()),
        (Values::F64(v), Format::Binary) => out.extend_from_slice(&v[at].to_be_bytes()),
        (Values::Datum(v), _) => return put_datum(&v[at], oid, format, io, out),
        _ => return put_datum(&vector.datum(row, oid), oid, format, io, out),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Batch;
    use nq_qsql::plan::physical::OutputColumn;
    use nq_qsql::types::{DataType, Interval, Numeric};
    use std::sync::Arc;

    /// Vectors and values of every kind give the same bytes in both formats.
    #[test]
    fn vectors_are_written_like_their_values() {
        let numeric = |unscaled, scale| Datum::Numeric(Numeric::Small { unscaled, scale });
        let cases: &[(Oid, &[Datum])] = &[
            (oid::BOOL, &[Datum::Bool(true), Datum::Null, Datum::Bool(false)]),
            (oid::INT2, &[Datum::Int2(-5), Datum::Null, Datum::Int2(i16::MAX)]),
            (oid::INT4, &[Datum::Int4(i32::MIN), Datum::Int4(0), Datum::Int4(77)]),
            (oid::INT8, &[Datum::Int8(i64::MIN), Datum::Null, Datum::Int8(77)]),
            (oid::DATE, &[Datum::Date(0), Datum::Date(-1), Datum::Null]),
            (oid::TIMESTAMP, &[Datum::Timestamp(1), Datum::Null, Datum::Timestamp(-1)]),
            (oid::TIME, &[Datum::Time(1), Datum::Time(2), Datum::Time(3)]),
            (oid::OID, &[Datum::Oid(1), Datum::Oid(u32::MAX), Datum::Null]),
            (oid::FLOAT4, &[Datum::Float4(0.1), Datum::Float4(f32::NAN), Datum::Null]),
            (oid::FLOAT8, &[Datum::Float8(1e300), Datum::Float8(-0.0), Datum::Null]),
            (oid::NUMERIC, &[numeric(105, 1), numeric(105, 2), Datum::Null]),
            (oid::TEXT, &[Datum::text("short"), Datum::text("a good deal longer than that"), Datum::Null]),
            (oid::BYTEA, &[Datum::Bytea(Arc::from(&b"\0\xff"[..])), Datum::Null, Datum::Null]),
            (
                oid::INTERVAL,
                &[
                    Datum::Interval(Arc::new(Interval { months: 1, days: 2, micros: 3 })),
                    Datum::Null,
                    Datum::Null,
                ],
            ),
        ];
        let io = IoContext::default();
        for (oid, values) in cases {
            let ty = DataType::of(*oid);
            let columns = [OutputColumn { name: "c".into(), ty, table: 0, attribute: 0 }];
            let rows: Vec<[Datum; 1]> = values.iter().map(|v| [v.clone()]).collect();
            let mut batch = Batch::from_rows(&rows, &[ty]);
            batch.selection = Some(vec![0, 2]);
            let chosen = [values[0].clone(), values[2].clone()];
            for format in [Format::Text, Format::Binary] {
                let write = |source| {
                    let mut out = Vec::new();
                    Rows { source, columns: &columns, formats: &[format], io: &io }
                        .write_data_rows(&mut out)
                        .expect("values can be written");
                    out
                };
                let direct = write(RowSource::Batch { batch: &batch, from: 0, count: 2 });
                assert_eq!(
                    direct,
                    write(RowSource::Values { values: &chosen, count: 2 }),
                    "{ty:?} {format:?}"
                );
                let second = write(RowSource::Batch { batch: &batch, from: 1, count: 1 });
                assert!(direct.ends_with(&second));
            }
        }
    }
}
