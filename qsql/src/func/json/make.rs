//! SQL values as JSON: `to_json`, `to_jsonb`, `row_to_json`, and what builds on them.
//!
//! Numbers and Booleans are themselves, JSON is taken in, dates and timestamps are in ISO 8601, arrays and rows are taken
//! apart, and anything else is its text as a string.

use std::sync::Arc;

use super::access::invalid;
use crate::error::{Result, SqlError};
use crate::func::EvalCx;
use crate::func::args::{Jsonb, arg, scalar};
use crate::func::large::{LARGE_BYTES, MAX_BYTES, buffer_full};
use crate::sql_err;
use crate::types::io::DateStyle;
use crate::types::json::quote;
use crate::types::jsonb::{Builder, Node};
use crate::types::{Array, DataType, Datum, IoContext, Numeric, info, io_text, oid, rowtype, user};

/// How values of a type become JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::func) enum Class {
    Bool,
    Number,
    Date,
    Timestamp,
    TimestampTz,
    Json,
    Jsonb,
    Array,
    Row,
    Other,
}

impl Class {
    pub(in crate::func) fn of(ty: DataType) -> Class {
        match info::base_type(ty.oid) {
            oid::BOOL => Class::Bool,
            oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::FLOAT8 | oid::NUMERIC => Class::Number,
            oid::DATE => Class::Date,
            oid::TIMESTAMP => Class::Timestamp,
            oid::TIMESTAMPTZ => Class::TimestampTz,
            oid::JSON => Class::Json,
            oid::JSONB => Class::Jsonb,
            oid::RECORD => Class::Row,
            other if info::element_of(other).is_some() => Class::Array,
            other if info::is_composite(other) => Class::Row,
            _ => Class::Other,
        }
    }
}

/// Appends the text of a date or time in ISO 8601.
pub(in crate::func) fn write_iso(
    value: &Datum,
    ty: DataType,
    io: &IoContext<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let io = IoContext { date_style: DateStyle::Iso, ..io.clone() };
    let start = out.len();
    io_text::write_text(value, ty.oid, &io, out)?;
    if ty.oid == oid::DATE {
        return Ok(());
    }
    // `2020-01-02 03:04:05+00 BC`: a `T` for the first blank, minutes for the offset.
    let Some(blank) = out[start..].iter().position(|&b| b == b' ') else { return Ok(()) };
    let Some(colon) = out[start + blank..].iter().position(|&b| b == b':') else { return Ok(()) };
    out[start + blank] = b'T';
    if ty.oid == oid::TIMESTAMPTZ {
        let clock = start + blank + colon;
        if let Some(sign) = out[clock..].iter().position(|&b| b == b'+' || b == b'-') {
            let behind = clock + sign + 3;
            if out.get(behind) != Some(&b':') {
                let tail = out.split_off(behind.min(out.len()));
                out.extend_from_slice(b":00");
                out.extend_from_slice(&tail);
            }
        }
    }
    Ok(())
}

/// Whether a number's text is JSON's: not NaN or an infinity.
fn is_number(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
}

/// The text of a value that is neither array, row nor JSON.
fn text_of(value: &Datum, class: Class, ty: DataType, io: &IoContext<'_>) -> Result<String> {
    let mut text = Vec::new();
    match class {
        Class::Date | Class::Timestamp | Class::TimestampTz => write_iso(value, ty, io, &mut text)?,
        Class::Bool => {
            text.extend_from_slice(if matches!(value, Datum::Bool(true)) { b"true" } else { b"false" })
        }
        _ => io_text::write_text(value, ty.oid, io, &mut text)?,
    }
    crate::func::text::utf8(text)
}

/// The names and types of a row's fields: those of its type, or `f1`, `f2`, ... with what the values are.
pub(in crate::func) fn row_fields(ty: DataType, values: &[Datum]) -> Arc<[rowtype::Field]> {
    match rowtype::fields_of(ty) {
        // A row may be older than an attribute of its type.
        Some(fields) if fields.len() >= values.len() => fields,
        _ => values
            .iter()
            .enumerate()
            .map(|(i, value)| (Arc::from(format!("f{}", i + 1)), DataType::of(value.natural_type())))
            .collect(),
    }
}

/// The type of an array's elements; rows keep the modifier that names their fields.
fn element_type(array: &Array, ty: DataType) -> DataType {
    DataType { oid: array.element, typmod: if array.element == oid::RECORD { ty.typmod } else { -1 } }
}

/// Appends a value as JSON text; `lines`: the parts of an array or row at the top stand on lines of their own.
pub(in crate::func) fn write_json(
    value: &Datum,
    ty: DataType,
    lines: bool,
    io: &IoContext<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let separator: &[u8] = if lines { b",\n " } else { b"," };
    let class = Class::of(ty);
    match (class, value) {
        (_, Datum::Null) => out.extend_from_slice(b"null"),
        (Class::Json, Datum::Text(text)) => out.extend_from_slice(text.as_bytes()),
        (Class::Jsonb, Datum::Jsonb(_)) => io_text::write_text(value, ty.oid, io, out)?,
        (Class::Bool, _) => out.extend_from_slice(text_of(value, class, ty, io)?.as_bytes()),
        (Class::Number, _) => {
            let start = out.len();
            io_text::write_text(value, ty.oid, io, out)?;
            if !is_number(&out[start..]) {
                out.insert(start, b'"');
                out.push(b'"');
            }
        }
        (_, Datum::Array(array)) => {
            let element = element_type(array, ty);
            if array.dims.is_empty() {
                out.extend_from_slice(b"[]");
                return Ok(());
            }
            let mut items = array.items.iter();
            write_dimension(&array.dims, &mut items, element, separator, io, out)?;
        }
        (_, Datum::Record(values)) => {
            out.push(b'{');
            let fields = row_fields(ty, values);
            let live = fields.iter().enumerate().filter(|(_, field)| !user::is_dropped(field));
            for (n, (i, (name, ty))) in live.enumerate() {
                let value = values.get(i).unwrap_or(&Datum::Null);
                if n > 0 {
                    out.extend_from_slice(separator);
                }
                quote(name, out);
                out.push(b':');
                write_json(value, *ty, false, io, out)?;
            }
            out.push(b'}');
        }
        _ => quote(&text_of(value, class, ty, io)?, out),
    }
    if out.len() > MAX_BYTES {
        return Err(buffer_full(MAX_BYTES, out.len() - MAX_BYTES));
    }
    Ok(())
}

/// Appends one dimension of an array; those within stand on one line.
fn write_dimension<'a>(
    dims: &[(i32, i32)],
    items: &mut impl Iterator<Item = &'a Datum>,
    element: DataType,
    separator: &[u8],
    io: &IoContext<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let Some((&(length, _), inner)) = dims.split_first() else { return Ok(()) };
    out.push(b'[');
    for i in 0..length {
        if i > 0 {
            out.extend_from_slice(separator);
        }
        if inner.is_empty() {
            write_json(items.next().unwrap_or(&Datum::Null), element, false, io, out)?;
        } else {
            write_dimension(inner, items, element, b",", io, out)?;
        }
    }
    out.push(b']');
    Ok(())
}

/// Adds a value to a `jsonb` that is being built.
pub(in crate::func) fn add_value(
    value: &Datum,
    ty: DataType,
    io: &IoContext<'_>,
    builder: &mut Builder,
) -> Result<()> {
    let class = Class::of(ty);
    match (class, value) {
        (_, Datum::Null) => builder.null(),
        (_, Datum::Jsonb(bytes)) => builder.node(Node::new(bytes)),
        (Class::Json, Datum::Text(text)) => builder.node(Node::new(&crate::types::jsonb::parse(text)?)),
        (Class::Bool, Datum::Bool(value)) => builder.bool(*value),
        (Class::Number, _) => {
            let number = match value {
                Datum::Int2(v) => Some(Numeric::from_i64((*v).into())),
                Datum::Int4(v) => Some(Numeric::from_i64((*v).into())),
                Datum::Int8(v) => Some(Numeric::from_i64(*v)),
                Datum::Numeric(v) if v.is_finite() => Some(v.clone()),
                _ => None,
            };
            match number {
                Some(number) => builder.number(&number),
                None => {
                    let text = io_text::to_text(value, ty.oid, io)?;
                    match is_number(text.as_bytes()) {
                        true => builder.number(&Numeric::parse_bytes(text.as_bytes())?),
                        false => builder.string(&text),
                    }
                }
            }
        }
        (_, Datum::Array(array)) => {
            let element = element_type(array, ty);
            if array.dims.is_empty() {
                builder.begin_array();
                return builder.end();
            }
            add_dimension(&array.dims, &mut array.items.iter(), element, io, builder)?;
        }
        (_, Datum::Record(values)) => {
            builder.begin_object();
            let fields = row_fields(ty, values);
            for (i, (name, ty)) in fields.iter().enumerate().filter(|(_, field)| !user::is_dropped(field)) {
                builder.key(name);
                add_value(values.get(i).unwrap_or(&Datum::Null), *ty, io, builder)?;
            }
            builder.end()?;
        }
        _ => builder.string(&text_of(value, class, ty, io)?),
    }
    Ok(())
}

fn add_dimension<'a>(
    dims: &[(i32, i32)],
    items: &mut impl Iterator<Item = &'a Datum>,
    element: DataType,
    io: &IoContext<'_>,
    builder: &mut Builder,
) -> Result<()> {
    let Some((&(length, _), inner)) = dims.split_first() else { return Ok(()) };
    builder.begin_array();
    for _ in 0..length {
        match inner.is_empty() {
            true => add_value(items.next().unwrap_or(&Datum::Null), element, io, builder)?,
            false => add_dimension(inner, items, element, io, builder)?,
        }
    }
    builder.end()
}

/// The text of a key.
///
/// # Errors
/// 22023 for arrays, rows and JSON.
pub(in crate::func) fn key_text(value: &Datum, ty: DataType, io: &IoContext<'_>) -> Result<String> {
    match Class::of(ty) {
        Class::Array | Class::Row | Class::Json | Class::Jsonb => {
            Err(invalid("key value must be scalar, not array, composite, or json"))
        }
        class => text_of(value, class, ty, io),
    }
}

/// 22004
#[cold]
pub(in crate::func) fn null_key() -> SqlError {
    sql_err!(NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key")
}

/// Asks for the memory of what was made, when it is much.
fn made(cx: &mut EvalCx<'_>, out: Vec<u8>) -> Result<Datum> {
    if out.len() >= LARGE_BYTES {
        cx.reserve(out.len())?;
    }
    Ok(Datum::text(crate::func::text::utf8(out)?))
}

/// The type of an argument.
fn arg_type(cx: &EvalCx<'_>, args: &[Datum], i: usize) -> DataType {
    match cx.arg_types.get(i) {
        Some(ty) if ty.oid != oid::UNKNOWN => *ty,
        _ => DataType::of(args.get(i).map_or(oid::TEXT, Datum::natural_type)),
    }
}

fn as_json(cx: &mut EvalCx<'_>, args: &[Datum], lines: bool) -> Result<Datum> {
    let value: &Datum = arg(args, 0)?;
    let ty = arg_type(cx, args, 0);
    let mut out = Vec::new();
    write_json(value, ty, lines, cx.io, &mut out)?;
    made(cx, out)
}

pub(in crate::func) fn to_json(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    as_json(cx, args, false)
}

pub(in crate::func) fn to_json_lines(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let lines = arg(args, 1)?;
    as_json(cx, args, lines)
}

pub(in crate::func) fn to_jsonb(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let mut builder = Builder::new();
    add_value(arg(args, 0)?, arg_type(cx, args, 0), cx.io, &mut builder)?;
    Ok(Datum::Jsonb(builder.finish()?))
}

/// The arguments of a VARIADIC "any" function with their types: those of the array, when one was given with VARIADIC.
fn arguments(cx: &EvalCx<'_>, args: &[Datum]) -> Vec<(Datum, DataType)> {
    args.iter().enumerate().map(|(i, value)| (value.clone(), arg_type(cx, args, i))).collect()
}

/// As [`arguments`], of the form whose only argument is an array of them; `None` when that is NULL.
fn spread_arguments(args: &[Datum]) -> Option<Vec<(Datum, DataType)>> {
    match args.first() {
        Some(Datum::Array(array)) => {
            let ty = DataType::of(array.element);
            Some(array.items.iter().map(|item| (item.clone(), ty)).collect())
        }
        _ => None,
    }
}

fn build_array(cx: &mut EvalCx<'_>, args: &[(Datum, DataType)]) -> Result<Datum> {
    let mut out = vec![b'['];
    for (i, (value, ty)) in args.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        write_json(value, *ty, false, cx.io, &mut out)?;
    }
    out.push(b']');
    made(cx, out)
}

fn check_pairs(args: &[(Datum, DataType)], name: &str) -> Result<()> {
    match args.len() % 2 {
        0 => Ok(()),
        _ => Err(invalid("argument list must have even number of elements")
            .hint(format!("The arguments of {name}() must consist of alternating keys and values."))),
    }
}

fn build_object(cx: &mut EvalCx<'_>, args: &[(Datum, DataType)]) -> Result<Datum> {
    check_pairs(args, "json_build_object")?;
    let mut out = vec![b'{'];
    for (i, pair) in args.chunks_exact(2).enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        if pair[0].0.is_null() {
            return Err(null_key());
        }
        quote(&key_text(&pair[0].0, pair[0].1, cx.io)?, &mut out);
        out.extend_from_slice(b" : ");
        write_json(&pair[1].0, pair[1].1, false, cx.io, &mut out)?;
    }
    out.push(b'}');
    made(cx, out)
}

fn build_array_b(cx: &mut EvalCx<'_>, args: &[(Datum, DataType)]) -> Result<Datum> {
    let mut builder = Builder::new();
    builder.begin_array();
    for (value, ty) in args {
        add_value(value, *ty, cx.io, &mut builder)?;
    }
    Ok(Datum::Jsonb(builder.finish()?))
}

fn build_object_b(cx: &mut EvalCx<'_>, args: &[(Datum, DataType)]) -> Result<Datum> {
    check_pairs(args, "jsonb_build_object")?;
    let mut builder = Builder::new();
    builder.begin_object();
    for (i, pair) in args.chunks_exact(2).enumerate() {
        if pair[0].0.is_null() {
            return Err(invalid(format!("argument {}: key must not be null", 2 * i + 1)));
        }
        builder.key(&key_text(&pair[0].0, pair[0].1, cx.io)?);
        add_value(&pair[1].0, pair[1].1, cx.io, &mut builder)?;
    }
    Ok(Datum::Jsonb(builder.finish()?))
}

/// The two forms of a function that takes any number of arguments: one by one, and as an array.
macro_rules! variadic {
    ($($name:ident, $spread:ident = $build:ident;)*) => {
        $(
            pub(in crate::func) fn $name(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
                let args = arguments(cx, args);
                $build(cx, &args)
            }

            pub(in crate::func) fn $spread(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
                match spread_arguments(args) {
                    Some(args) => $build(cx, &args),
                    None => Ok(Datum::Null),
                }
            }
        )*
    };
}

variadic! {
    json_build_array, spread_json_build_array = build_array;
    json_build_object, spread_json_build_object = build_object;
    jsonb_build_array, spread_jsonb_build_array = build_array_b;
    jsonb_build_object, spread_jsonb_build_object = build_object_b;
}

/// Keys and values out of one array: in turn, or in rows of two.
fn pairs(array: &Array) -> Result<Vec<(Option<&str>, Option<&str>)>> {
    let mismatch = |text: &str| Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "{text}"));
    match array.dims.as_slice() {
        [] => {}
        [(length, _)] if length % 2 != 0 => return mismatch("array must have even number of elements"),
        [_] | [_, (2, _)] => {}
        [_, _] => return mismatch("array must have two columns"),
        _ => return mismatch("wrong number of array subscripts"),
    }
    Ok(array.items.chunks_exact(2).map(|pair| (text_item(&pair[0]), text_item(&pair[1]))).collect())
}

fn text_item(item: &Datum) -> Option<&str> {
    match item {
        Datum::Text(text) => Some(text),
        _ => None,
    }
}

/// Keys out of one array and values out of another.
fn paired<'a>(keys: &'a Array, values: &'a Array) -> Result<Vec<(Option<&'a str>, Option<&'a str>)>> {
    if keys.dims.len() > 1 || keys.dims.len() != values.dims.len() {
        return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    if keys.items.len() != values.items.len() {
        return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions"));
    }
    Ok(keys.items.iter().zip(&values.items).map(|(k, v)| (text_item(k), text_item(v))).collect())
}

fn object_text(pairs: &[(Option<&str>, Option<&str>)]) -> Result<String> {
    let mut out = vec![b'{'];
    for (i, (key, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        quote(key.ok_or_else(null_key)?, &mut out);
        out.extend_from_slice(b" : ");
        match value {
            Some(value) => quote(value, &mut out),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    crate::func::text::utf8(out)
}

fn object_value(pairs: &[(Option<&str>, Option<&str>)]) -> Result<Jsonb> {
    let mut builder = Builder::new();
    builder.begin_object();
    for (key, value) in pairs {
        builder.key(key.ok_or_else(null_key)?);
        match value {
            Some(value) => builder.string(value),
            None => builder.null(),
        }
    }
    builder.finish().map(Jsonb)
}

scalar! {
    json_object(pairs_of: &Array) -> String = object_text(&pairs(pairs_of)?)?;
    json_object_two_arg(keys: &Array, values: &Array) -> String = object_text(&paired(keys, values)?)?;
    jsonb_object(pairs_of: &Array) -> Jsonb = object_value(&pairs(pairs_of)?)?;
    jsonb_object_two_arg(keys: &Array, values: &Array) -> Jsonb = object_value(&paired(keys, values)?)?;
}
