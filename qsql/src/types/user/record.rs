//! Rows of composite types as text and in the binary format.
//!
//! Source: PostgreSQL manual 8.16.6 "Composite Type Input and Output Syntax"; messages of its `rowtypes.c`.

use super::super::literal::LiteralReader;
use super::super::{Datum, IoContext, array_text, coerce, info, io_binary, io_text};
use super::check_domain;
use crate::catalog::{Column, Relation};
use crate::error::Result;
use crate::sql_err;

/// What ends a field.
const FIELD_ENDS: &[u8] = b",)";

/// Reads a row.
///
/// # Errors
/// 22P02 `malformed record literal`, and those of the fields' types.
pub(in crate::types) fn parse(text: &str, relation: &Relation, cx: &IoContext<'_>) -> Result<Datum> {
    let mut fields = LiteralReader::new("record", text);
    fields.skip_space();
    if !fields.eat(b'(') {
        return Err(fields.malformed("Missing left parenthesis."));
    }
    let mut values = Vec::with_capacity(relation.columns.len());
    let mut first = true;
    for column in &relation.columns {
        if column.dropped {
            values.push(Datum::Null);
            continue;
        }
        if !first && !fields.eat(b',') {
            return Err(fields.malformed("Too few columns."));
        }
        first = false;
        values.push(match fields.part(FIELD_ENDS)? {
            Some(text) => io_text::parse_text(column.ty.oid, column.ty.typmod, &text, cx)
                .and_then(|value| coerce::apply_typmod(value, column.ty.oid, column.ty.typmod, false))?,
            None => missing(column, cx)?,
        });
    }
    if !fields.eat(b')') {
        return Err(fields.malformed("Too many columns."));
    }
    fields.skip_space();
    match fields.peek() {
        None => Ok(Datum::Record(values.into())),
        Some(_) => Err(fields.malformed("Junk after right parenthesis.")),
    }
}

/// NULL as a field, which a domain may refuse.
fn missing(column: &Column, cx: &IoContext<'_>) -> Result<Datum> {
    if info::is_domain(column.ty.oid) {
        check_domain(column.ty.oid, &Datum::Null, cx)?;
    }
    Ok(Datum::Null)
}

/// The live fields of a row with their columns; a field that the row was made without is NULL.
fn live<'a>(values: &'a [Datum], relation: &'a Relation) -> impl Iterator<Item = (&'a Column, &'a Datum)> {
    relation.live_columns().map(|(i, column)| (column, values.get(i).unwrap_or(&Datum::Null)))
}

/// Appends a row as text.
pub(in crate::types) fn write(
    values: &[Datum],
    relation: &Relation,
    cx: &IoContext<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let (types, fields): (Vec<_>, Vec<Datum>) =
        live(values, relation).map(|(column, value)| (column.ty.oid, value.clone())).unzip();
    array_text::write_record(&fields, out, |i, field, out| io_text::write_text(field, types[i], cx, out))
}

/// Appends a row in the binary format.
pub(in crate::types) fn send(values: &[Datum], relation: &Relation, out: &mut Vec<u8>) -> Result<()> {
    let count = relation.live_columns().count() as i32;
    out.extend_from_slice(&count.to_be_bytes());
    for (column, value) in live(values, relation) {
        out.extend_from_slice(&column.ty.oid.to_be_bytes());
        io_binary::send_counted(value, column.ty.oid, out)?;
    }
    Ok(())
}

/// Reads a row from the binary format.
///
/// # Errors
/// 42804 when the row is one of other columns, and those of the fields' types.
pub(in crate::types) fn recv(bytes: &[u8], relation: &Relation) -> Result<Datum> {
    let mut input = io_binary::Bytes(bytes);
    let (count, live) = (input.i32()?, relation.live_columns().count());
    if usize::try_from(count) != Ok(live) {
        return Err(sql_err!(DATATYPE_MISMATCH, "wrong number of columns: {count}, expected {live}"));
    }
    let mut values = Vec::with_capacity(relation.columns.len());
    let mut number = 0;
    for column in &relation.columns {
        if column.dropped {
            values.push(Datum::Null);
            continue;
        }
        number += 1;
        let (sent, wanted) = (input.u32()?, column.ty.oid);
        if sent != wanted {
            return Err(sql_err!(
                DATATYPE_MISMATCH,
                "binary data has type {sent} ({}) instead of expected {wanted} ({}) in record column {number}",
                info::type_name(sent),
                info::type_name(wanted)
            ));
        }
        values.push(match input.counted()? {
            Some(bytes) => io_binary::recv_binary(wanted, column.ty.typmod, bytes)?,
            None => missing(column, &IoContext::default())?,
        });
    }
    match input.0.is_empty() {
        true => Ok(Datum::Record(values.into())),
        false => Err(sql_err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format")),
    }
}
