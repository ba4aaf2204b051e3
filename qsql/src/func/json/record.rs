//! Rows out of JSON: `json_populate_record`, `json_to_record` and their relatives.
//!
//! A field's value goes to its type by the type's input function; arrays and rows are taken apart, JSON is taken as it is.

use std::sync::Arc;

use super::access::{as_text, invalid};
use super::text::{Found, next_field, next_value};
use crate::error::{Result, SqlError};
use crate::func::set::given;
use crate::func::{EvalCx, SetRows};
use crate::sql_err;
use crate::types::json::{Event, Reader};
use crate::types::jsonb::{Kind, Node};
use crate::types::rowtype::{self, Field};
use crate::types::{Array, DataType, Datum, IoContext, coerce, info, io_text, jsonb, oid, user};

/// A JSON value of either type.
#[derive(Clone)]
enum Value<'a> {
    Text(Found<'a>),
    Binary(Node<'a>),
}

impl<'a> Value<'a> {
    fn new(datum: &'a Datum) -> Result<Self> {
        match datum {
            Datum::Jsonb(bytes) => Ok(Value::Binary(Node::new(bytes))),
            Datum::Text(text) => next_value(&mut Reader::new(text))?
                .map(Value::Text)
                .ok_or_else(|| SqlError::internal("a json without value")),
            _ => Err(SqlError::internal("a json of another type")),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Value::Binary(node) => node.kind(),
            Value::Text(found) => match found.event {
                Event::BeginArray => Kind::Array,
                Event::BeginObject => Kind::Object,
                Event::String(_) => Kind::String,
                Event::Number(_) => Kind::Number,
                Event::Bool(_) => Kind::Bool,
                _ => Kind::Null,
            },
        }
    }

    /// The text that an input function reads: of a string without quotes.
    fn text(&self) -> Option<Datum> {
        match self {
            Value::Binary(node) => as_text(*node),
            Value::Text(found) => found.clone().into_text(),
        }
    }

    fn elements(&self) -> Result<Vec<Value<'a>>> {
        match self {
            Value::Binary(node) => Ok(node.array().iter().map(Value::Binary).collect()),
            Value::Text(found) => {
                let mut reader = Reader::new(found.text);
                reader.next()?;
                let mut items = Vec::new();
                while let Some(item) = next_value(&mut reader)? {
                    items.push(Value::Text(item));
                }
                Ok(items)
            }
        }
    }

    /// The values of the named fields; of equal keys the last one counts.
    fn fields(&self, wanted: &[Field]) -> Result<Vec<Option<Value<'a>>>> {
        match self {
            Value::Binary(node) => {
                Ok(wanted.iter().map(|(name, _)| node.field(name).map(Value::Binary)).collect())
            }
            Value::Text(found) => {
                let mut values = vec![None; wanted.len()];
                let mut reader = Reader::new(found.text);
                reader.next()?;
                while let Some((key, value)) = next_field(&mut reader)? {
                    for (slot, _) in values.iter_mut().zip(wanted).filter(|(_, (name, _))| **name == *key) {
                        *slot = Some(Value::Text(value.clone()));
                    }
                }
                Ok(values)
            }
        }
    }
}

/// 22P02 with a hint that names the place.
#[cold]
fn expected_array(name: &str, place: &[usize]) -> SqlError {
    let indexes: String = place.iter().map(|i| format!("[{i}]")).collect();
    let error = sql_err!(INVALID_TEXT_REPRESENTATION, "expected JSON array");
    match (name.is_empty(), indexes.is_empty()) {
        (false, true) => error.hint(format!("See the value of key \"{name}\".")),
        (false, false) => error.hint(format!("See the array element {indexes} of key \"{name}\".")),
        (true, false) => error.hint(format!("See the array element {indexes}.")),
        (true, true) => error,
    }
}

/// The elements of an array as they are met.
struct Elements {
    element: DataType,
    dims: Vec<i32>,
    items: Vec<Datum>,
}

impl Elements {
    /// Takes the elements of `value`, which is an array at depth `place.len()`.
    fn take(
        &mut self,
        value: &Value<'_>,
        name: &str,
        place: &mut Vec<usize>,
        io: &IoContext<'_>,
    ) -> Result<()> {
        let malformed = || {
            sql_err!(INVALID_TEXT_REPRESENTATION, "malformed JSON array")
                .detail("Multidimensional arrays must have sub-arrays with matching dimensions.")
        };
        let items = value.elements()?;
        let depth = place.len();
        match self.dims.get(depth) {
            None if depth >= 6 => {
                return Err(sql_err!(
                    PROGRAM_LIMIT_EXCEEDED,
                    "number of array dimensions exceeds the maximum allowed (6)"
                ));
            }
            None => self.dims.push(items.len() as i32),
            Some(&length) if length as usize != items.len() => return Err(malformed()),
            Some(_) => {}
        }
        for (i, item) in items.iter().enumerate() {
            // Whether there is another dimension is decided by the first element met at this depth.
            let first = i == 0 && self.items.is_empty() && self.dims.len() == depth + 1;
            let nested = item.kind() == Kind::Array
                && Class::of(self.element.oid) != Class::Json
                && (self.dims.len() > depth + 1 || first);
            place.push(i);
            if nested {
                self.take(item, name, place, io)?;
            } else if self.dims.len() > depth + 1 {
                return Err(if item.kind() == Kind::Array || item.is_scalar() {
                    expected_array(name, place)
                } else {
                    malformed()
                });
            } else {
                let value = converted(Some(item), self.element, &Datum::Null, name, io)?;
                self.items.push(value);
            }
            place.pop();
        }
        Ok(())
    }
}

impl Value<'_> {
    fn is_scalar(&self) -> bool {
        self.kind() < Kind::Array
    }
}

/// What a field's type wants.
#[derive(PartialEq, Eq)]
enum Class {
    Json,
    Array,
    Row,
    Scalar,
}

impl Class {
    fn of(ty: u32) -> Class {
        match ty {
            oid::JSON | oid::JSONB => Class::Json,
            oid::RECORD => Class::Row,
            _ if info::element_of(ty).is_some() => Class::Array,
            _ if info::is_composite(ty) => Class::Row,
            _ => Class::Scalar,
        }
    }
}

/// A value as one of type `ty`; `base` is what the field has when the JSON lacks it.
fn converted(
    value: Option<&Value<'_>>,
    ty: DataType,
    base: &Datum,
    name: &str,
    io: &IoContext<'_>,
) -> Result<Datum> {
    let Some(value) = value else { return Ok(base.clone()) };
    if value.kind() == Kind::Null {
        return Ok(match (ty.oid, value) {
            _ if Class::of(ty.oid) != Class::Json => Datum::Null,
            (oid::JSONB, _) => Datum::Jsonb(jsonb::parse("null")?),
            _ => Datum::text("null"),
        });
    }
    match (Class::of(ty.oid), value) {
        (Class::Json, Value::Text(found)) if ty.oid == oid::JSON => Ok(Datum::text(found.text)),
        (Class::Json, Value::Text(found)) => Ok(Datum::Jsonb(jsonb::parse(found.text)?)),
        (Class::Json, Value::Binary(node)) if ty.oid == oid::JSONB => Ok(Datum::Jsonb(node.to_value())),
        (Class::Json, Value::Binary(node)) => {
            let mut out = Vec::new();
            jsonb::write(*node, &mut out);
            Ok(Datum::text(crate::func::text::utf8(out)?))
        }
        (Class::Array, _) if value.kind() == Kind::Array => {
            let element = DataType { oid: info::element_of(ty.oid).unwrap_or(oid::TEXT), typmod: ty.typmod };
            let mut elements = Elements { element, dims: Vec::new(), items: Vec::new() };
            elements.take(value, name, &mut Vec::new(), io)?;
            let dims = if elements.items.is_empty() {
                Vec::new()
            } else {
                elements.dims.iter().map(|&n| (n, 1)).collect()
            };
            Ok(Datum::Array(Arc::new(Array { element: element.oid, dims, items: elements.items })))
        }
        (Class::Array, _) if value.kind() != Kind::String => Err(expected_array(name, &[])),
        (Class::Row, _) if value.kind() == Kind::Object => {
            let fields = rowtype::fields_of(ty).unwrap_or_default();
            row(value, &fields, base, io)
        }
        (Class::Row, _) if value.kind() != Kind::String => Err(cannot_populate(value)),
        _ => match value.text() {
            Some(Datum::Text(text)) => {
                let read = io_text::parse_text(ty.oid, ty.typmod, &text, io)?;
                coerce::apply_typmod(read, ty.oid, ty.typmod, false)
            }
            _ => Ok(Datum::Null),
        },
    }
}

/// A value as one of a type, which may be a domain.
fn domain_value(value: Datum, ty: DataType, io: &IoContext<'_>) -> Result<Datum> {
    if info::is_domain(ty.oid) {
        user::check_domain(ty.oid, &value, io)?;
    }
    Ok(value)
}

/// A part of a `jsonb` as a value of type `ty`.
pub(in crate::func) fn of_node(node: Node<'_>, ty: DataType, io: &IoContext<'_>) -> Result<Datum> {
    let value = converted(Some(&Value::Binary(node)), info::base_of(ty), &Datum::Null, "", io)?;
    domain_value(value, ty, io)
}

#[cold]
fn cannot_populate(value: &Value<'_>) -> SqlError {
    let what = if value.kind() == Kind::Array { "an array" } else { "a scalar" };
    invalid(format!("cannot call populate_composite on {what}"))
}

/// The row of an object.
fn row(value: &Value<'_>, fields: &[Field], base: &Datum, io: &IoContext<'_>) -> Result<Datum> {
    if value.kind() != Kind::Object {
        return Err(cannot_populate(value));
    }
    let bases: &[Datum] = if let Datum::Record(values) = base { values } else { &[] };
    let values = value.fields(fields)?;
    let mut out = Vec::with_capacity(fields.len());
    for (i, ((name, ty), value)) in fields.iter().zip(&values).enumerate() {
        let base = bases.get(i).unwrap_or(&Datum::Null);
        out.push(domain_value(converted(value.as_ref(), info::base_of(*ty), base, name, io)?, *ty, io)?);
    }
    Ok(Datum::Record(out.into()))
}

/// The fields of the rows that a call makes.
fn result_fields(cx: &EvalCx<'_>, base: &Datum, name: &str) -> Result<Arc<[Field]>> {
    let shape =
        rowtype::fields_of(cx.result).or_else(|| cx.arg_types.first().and_then(|ty| rowtype::fields_of(*ty)));
    match (shape, base) {
        (Some(fields), _) => Ok(fields),
        (None, Datum::Record(values)) => Ok(super::make::row_fields(cx.result, values)),
        _ => Err(sql_err!(FEATURE_NOT_SUPPORTED, "could not determine row type for result of {name}").hint(
            "Provide a non-null record argument, or call the function in the FROM clause using a column definition list.",
        )),
    }
}

fn unpacked(row: Datum, fields: &[Field]) -> Vec<Datum> {
    match row {
        Datum::Record(values) => {
            let live = values.iter().zip(fields).filter(|(_, field)| !user::is_dropped(field));
            live.map(|(value, _)| value.clone()).collect()
        }
        other => vec![other],
    }
}

/// `json[b]_populate_record(base, json)`
fn populate_record(cx: &mut EvalCx<'_>, args: &[Datum], name: &str) -> Result<Datum> {
    let [base, json, ..] = args else { return Ok(Datum::Null) };
    if cx.arg_types.first().is_some_and(|ty| !info::is_row(ty.oid)) {
        return Err(sql_err!(DATATYPE_MISMATCH, "first argument of {name} must be a row type"));
    }
    let fields = result_fields(cx, base, name)?;
    match json {
        Datum::Null => Ok(base.clone()),
        json => row(&Value::new(json)?, &fields, base, cx.io),
    }
}

fn rows_of(cx: &mut EvalCx<'_>, base: &Datum, json: &Datum, name: &str) -> Result<Box<dyn SetRows>> {
    if json.is_null() {
        return Ok(given(Vec::new()));
    }
    let fields = result_fields(cx, base, name)?;
    let value = Value::new(json)?;
    let on = match (&value, value.kind()) {
        (_, Kind::Array) => None,
        (Value::Binary(_), _) => Some("a non-array"),
        (_, Kind::Object) => Some("an object"),
        _ => Some("a scalar"),
    };
    if let Some(what) = on {
        return Err(invalid(format!("cannot call {name} on {what}")));
    }
    let mut rows = Vec::new();
    for item in value.elements()? {
        if item.kind() != Kind::Object {
            return Err(invalid(format!("argument of {name} must be an array of objects")));
        }
        rows.push(unpacked(row(&item, &fields, base, cx.io)?, &fields));
    }
    Ok(given(rows))
}

fn populate_recordset(cx: &mut EvalCx<'_>, args: &[Datum], name: &str) -> Result<Box<dyn SetRows>> {
    let [base, json, ..] = args else { return Ok(given(Vec::new())) };
    if cx.arg_types.first().is_some_and(|ty| !info::is_row(ty.oid)) {
        return Err(sql_err!(DATATYPE_MISMATCH, "first argument of {name} must be a row type"));
    }
    rows_of(cx, base, json, name)
}

macro_rules! record_functions {
    ($($populate:ident, $populate_set:ident, $to:ident, $to_set:ident;)*) => {
        $(
            pub(in crate::func) fn $populate(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
                populate_record(cx, args, stringify!($populate))
            }

            pub(in crate::func) fn $populate_set(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
                populate_recordset(cx, args, stringify!($populate_set))
            }

            pub(in crate::func) fn $to(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
                let [json, ..] = args else { return Ok(given(Vec::new())) };
                let fields = result_fields(cx, &Datum::Null, stringify!($to))?;
                let made = row(&Value::new(json)?, &fields, &Datum::Null, cx.io)?;
                Ok(given(vec![unpacked(made, &fields)]))
            }

            pub(in crate::func) fn $to_set(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
                let [json, ..] = args else { return Ok(given(Vec::new())) };
                rows_of(cx, &Datum::Null, json, stringify!($to_set))
            }
        )*
    };
}

record_functions! {
    json_populate_record, json_populate_recordset, json_to_record, json_to_recordset;
    jsonb_populate_record, jsonb_populate_recordset, jsonb_to_record, jsonb_to_recordset;
}

/// `jsonb_populate_record_valid`: whether `jsonb_populate_record` would do.
pub(in crate::func) fn jsonb_populate_record_valid(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match populate_record(cx, args, "jsonb_populate_record_valid") {
        Ok(_) => Ok(Datum::Bool(true)),
        Err(e) if e.code().as_str().starts_with("22") => Ok(Datum::Bool(false)),
        Err(e) => Err(e),
    }
}
