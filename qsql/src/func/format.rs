//! `concat`, `concat_ws` and `format`: any number of arguments of any type as text.

use super::EvalCx;
use super::args::arg;
use super::quote::{quote_identifier, quote_literal_text};
use super::text::utf8;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::oid::{INT4, TEXT, UNKNOWN};
use crate::types::{Datum, Oid, io_text};

/// The variadic arguments of a call: values and the types that their output functions need.
struct Values<'a> {
    items: &'a [Datum],
    types: Vec<Oid>,
}

impl<'a> Values<'a> {
    /// Arguments `from..` as they are.
    fn listed(cx: &EvalCx<'_>, args: &'a [Datum], from: usize) -> Values<'a> {
        let items = args.get(from..).unwrap_or(&[]);
        let ty = |i: usize| match cx.arg_types.get(from + i).map(|t| t.oid) {
            None | Some(UNKNOWN) => TEXT,
            Some(oid) => oid,
        };
        Values { items, types: (0..items.len()).map(ty).collect() }
    }

    /// The elements of the array that is argument `at` (keyword VARIADIC).
    fn spread(args: &'a [Datum], at: usize) -> Result<Values<'a>> {
        match args.get(at) {
            Some(Datum::Array(array)) => {
                Ok(Values { items: &array.items, types: vec![array.element; array.items.len()] })
            }
            Some(Datum::Null) | None => Ok(Values { items: &[], types: Vec::new() }),
            Some(_) => Err(sql_err!(DATATYPE_MISMATCH, "VARIADIC argument must be an array")),
        }
    }

    fn write(&self, i: usize, cx: &EvalCx<'_>, out: &mut Vec<u8>) -> Result<()> {
        match &self.items[i] {
            Datum::Null => Ok(()),
            Datum::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            value => io_text::write_text(value, self.types[i], cx.io, out),
        }
    }

    fn text(&self, i: usize, cx: &EvalCx<'_>) -> Result<Option<String>> {
        match &self.items[i] {
            Datum::Null => Ok(None),
            value => io_text::to_text(value, self.types[i], cx.io).map(Some),
        }
    }
}

fn join(cx: &mut EvalCx<'_>, separator: &str, values: &Values<'_>) -> Result<Datum> {
    let mut out = Vec::new();
    let mut first = true;
    for i in 0..values.items.len() {
        if values.items[i].is_null() {
            continue;
        }
        let text = if let Datum::Text(text) = &values.items[i] { text.len() } else { 0 };
        cx.enlarge(out.len(), separator.len() + text)?;
        if !first {
            out.extend_from_slice(separator.as_bytes());
        }
        first = false;
        values.write(i, cx, &mut out)?;
    }
    utf8(out).map(Datum::text)
}

/// `concat(VARIADIC "any")`
pub(super) fn text_concat(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let values = Values::listed(cx, args, 0);
    join(cx, "", &values)
}

/// `concat(VARIADIC array)`
pub(super) fn spread_concat(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match args.first() {
        Some(Datum::Null) => Ok(Datum::Null),
        _ => join(cx, "", &Values::spread(args, 0)?),
    }
}

/// `concat_ws(separator, VARIADIC "any")`
pub(super) fn text_concat_ws(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match arg::<Option<&str>>(args, 0)? {
        None => Ok(Datum::Null),
        Some(separator) => {
            let values = Values::listed(cx, args, 1);
            join(cx, separator, &values)
        }
    }
}

/// `concat_ws(separator, VARIADIC array)`
pub(super) fn spread_concat_ws(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match (arg::<Option<&str>>(args, 0)?, args.get(1)) {
        (None, _) | (_, Some(Datum::Null)) => Ok(Datum::Null),
        (Some(separator), _) => join(cx, separator, &Values::spread(args, 1)?),
    }
}

/// `num_nulls(VARIADIC "any")`
pub(super) fn pg_num_nulls(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    Ok(Datum::Int4(args.iter().filter(|v| v.is_null()).count() as i32))
}

/// `num_nonnulls(VARIADIC "any")`
pub(super) fn pg_num_nonnulls(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    Ok(Datum::Int4(args.iter().filter(|v| !v.is_null()).count() as i32))
}

/// `num_nulls(VARIADIC array)`
pub(super) fn spread_num_nulls(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match args.first() {
        Some(Datum::Null) => Ok(Datum::Null),
        _ => pg_num_nulls(cx, Values::spread(args, 0)?.items),
    }
}

/// `num_nonnulls(VARIADIC array)`
pub(super) fn spread_num_nonnulls(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match args.first() {
        Some(Datum::Null) => Ok(Datum::Null),
        _ => pg_num_nonnulls(cx, Values::spread(args, 0)?.items),
    }
}

/// `format(text)`
pub(super) fn text_format_nv(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    text_format(cx, args)
}

/// `format(text, VARIADIC "any")`
pub(super) fn text_format(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match arg::<Option<&str>>(args, 0)? {
        None => Ok(Datum::Null),
        Some(pattern) => {
            let values = Values::listed(cx, args, 1);
            format(cx, pattern, &values)
        }
    }
}

/// `format(text, VARIADIC array)`
pub(super) fn spread_format(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match arg::<Option<&str>>(args, 0)? {
        None => Ok(Datum::Null),
        Some(pattern) => format(cx, pattern, &Values::spread(args, 1)?),
    }
}

/// A conversion specification: `%[position][flags][width]type`.
struct Spec {
    position: Option<usize>,
    left: bool,
    width: Width,
    kind: char,
}

enum Width {
    Fixed(i32),
    Next,
    Argument(usize),
}

fn unterminated() -> SqlError {
    sql_err!(INVALID_PARAMETER_VALUE, "unterminated format() type specifier")
        .hint("For a single \"%\" use \"%%\".")
}

fn digits(rest: &mut &str) -> Result<Option<i32>> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return Ok(None);
    }
    let value =
        rest[..length].parse().map_err(|_| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range"))?;
    *rest = &rest[length..];
    Ok(Some(value))
}

fn argument_number(n: i32) -> Result<usize> {
    match n {
        0 => Err(sql_err!(
            INVALID_PARAMETER_VALUE,
            "format specifies argument 0, but arguments are numbered from 1"
        )),
        _ => Ok(n as usize),
    }
}

/// Reads a specification after its `%`.
fn spec(rest: &mut &str) -> Result<Spec> {
    let mut spec = Spec { position: None, left: false, width: Width::Fixed(0), kind: ' ' };
    let mut number = digits(rest)?;
    if let (Some(n), Some(tail)) = (number, rest.strip_prefix('$')) {
        spec.position = Some(argument_number(n)?);
        *rest = tail;
        number = None;
    }
    if let Some(width) = number {
        spec.width = Width::Fixed(width);
    } else {
        while let Some(tail) = rest.strip_prefix('-') {
            spec.left = true;
            *rest = tail;
        }
        if let Some(tail) = rest.strip_prefix('*') {
            *rest = tail;
            spec.width = match digits(rest)? {
                None => Width::Next,
                Some(n) => {
                    *rest = rest.strip_prefix('$').ok_or_else(|| {
                        sql_err!(INVALID_PARAMETER_VALUE, "width argument position must be ended by \"$\"")
                    })?;
                    Width::Argument(argument_number(n)?)
                }
            };
        } else if let Some(width) = digits(rest)? {
            spec.width = Width::Fixed(width);
        }
    }
    spec.kind = rest.chars().next().ok_or_else(unterminated)?;
    *rest = &rest[spec.kind.len_utf8()..];
    Ok(spec)
}

fn format(cx: &mut EvalCx<'_>, pattern: &str, values: &Values<'_>) -> Result<Datum> {
    let too_few = || sql_err!(INVALID_PARAMETER_VALUE, "too few arguments for format()");
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.is_empty() {
            return Err(unterminated());
        }
        if let Some(tail) = rest.strip_prefix('%') {
            out.push('%');
            rest = tail;
            continue;
        }
        let Spec { position, mut left, width, kind } = spec(&mut rest)?;
        if !matches!(kind, 's' | 'I' | 'L') {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "unrecognized format() type specifier \"{kind}\"")
                .hint("For a single \"%\" use \"%%\"."));
        }
        let mut width = match width {
            Width::Fixed(n) => n,
            from @ (Width::Next | Width::Argument(_)) => {
                if let Width::Argument(n) = from {
                    next = n - 1;
                }
                let value = values.items.get(next).ok_or_else(too_few)?;
                let ty = values.types[next];
                next += 1;
                width_of(cx, value, ty)?
            }
        };
        if let Some(n) = position {
            next = n - 1;
        }
        if next >= values.items.len() {
            return Err(too_few());
        }
        let text = values.text(next, cx)?;
        next += 1;
        let text = match (kind, text) {
            ('s', text) => text.unwrap_or_default(),
            ('I', Some(text)) => quote_identifier(&text),
            ('I', None) => {
                return Err(sql_err!(
                    NULL_VALUE_NOT_ALLOWED,
                    "null values cannot be formatted as an SQL identifier"
                ));
            }
            (_, Some(text)) => quote_literal_text(&text),
            (_, None) => "NULL".to_owned(),
        };
        if width < 0 {
            left = true;
            width = width
                .checked_neg()
                .ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range"))?;
        }
        let padding = (width as usize).saturating_sub(text.chars().count());
        cx.enlarge(out.len(), padding + text.len())?;
        if left {
            out.push_str(&text);
        }
        out.extend(std::iter::repeat_n(' ', padding));
        if !left {
            out.push_str(&text);
        }
    }
    out.push_str(rest);
    Ok(Datum::text(out))
}

/// A width argument: an integer, or text that reads as one; NULL is 0.
fn width_of(cx: &EvalCx<'_>, value: &Datum, ty: Oid) -> Result<i32> {
    match value {
        Datum::Null => Ok(0),
        Datum::Int4(n) => Ok(*n),
        Datum::Int2(n) => Ok((*n).into()),
        other => {
            let text = io_text::to_text(other, ty, cx.io)?;
            match io_text::parse_text(INT4, -1, &text, cx.io)? {
                Datum::Int4(n) => Ok(n),
                _ => Ok(0),
            }
        }
    }
}
