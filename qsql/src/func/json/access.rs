//! Reaching into `jsonb`: fields, elements, paths, rows of parts.

use std::sync::Arc;

use crate::error::{Result, SqlError};
use crate::func::args::{arg, scalar};
use crate::func::{EvalCx, SetRows};
use crate::sql_err;
use crate::types::jsonb::{Kind, Node};
use crate::types::{Array, Datum};

scalar! {
    jsonb_object_field(value: Node<'_>, key: &str) -> Option<Node<'_>> = value.field(key);
    jsonb_object_field_text(value: Node<'_>, key: &str) -> Option<Datum> = value.field(key).and_then(as_text);
    jsonb_array_element(value: Node<'_>, place: i32) -> Option<Node<'_>> = element(value, place);
    jsonb_array_element_text(value: Node<'_>, place: i32) -> Option<Datum> = element(value, place).and_then(as_text);
    jsonb_extract_path(value: Node<'_>, path: &Array) -> Option<Node<'_>> = at_path(value, path);
    jsonb_extract_path_text(value: Node<'_>, path: &Array) -> Option<Datum> = at_path(value, path).and_then(as_text);
    jsonb_typeof(value: Node<'_>) -> &str = type_name(value.kind());
    jsonb_array_length(value: Node<'_>) -> i32 = match value.kind() {
        Kind::Array => value.array().len() as i32,
        Kind::Object => return Err(invalid("cannot get array length of a non-array")),
        _ => return Err(invalid("cannot get array length of a scalar")),
    };
    jsonb_exists(value: Node<'_>, key: &str) -> bool = exists(value, key);
    jsonb_exists_any(value: Node<'_>, keys: &Array) -> bool = texts(keys).any(|key| exists(value, key));
    jsonb_exists_all(value: Node<'_>, keys: &Array) -> bool = texts(keys).all(|key| exists(value, key));
}

/// 22023
#[cold]
pub(super) fn invalid(message: impl Into<String>) -> SqlError {
    let message: String = message.into();
    sql_err!(INVALID_PARAMETER_VALUE, "{message}")
}

/// What `jsonb_typeof` calls a kind.
pub(in crate::func) fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::String => "string",
        Kind::Number => "number",
        Kind::Bool => "boolean",
        Kind::Array => "array",
        Kind::Object => "object",
    }
}

/// A value as text: a string without quotes, null as NULL, anything else as it prints.
pub(in crate::func) fn as_text(value: Node<'_>) -> Option<Datum> {
    match (value.kind(), value.str()) {
        (Kind::Null, _) => None,
        (_, Some(text)) => Some(Datum::text(text)),
        _ => {
            let mut out = Vec::new();
            crate::types::jsonb::write(value, &mut out);
            Some(Datum::text(String::from_utf8(out).unwrap_or_default()))
        }
    }
}

/// An element of an array; a scalar at the top is an array of one.
fn element(value: Node<'_>, place: i32) -> Option<Node<'_>> {
    match value.is_scalar() {
        true => matches!(place, -1 | 0).then_some(value),
        false => value.element(place.into()),
    }
}

/// The texts of a `text[]`; NULLs are left out.
pub(super) fn texts(array: &Array) -> impl Iterator<Item = &str> {
    array.items.iter().filter_map(|item| match item {
        Datum::Text(text) => Some(&**text),
        _ => None,
    })
}

/// The place of an element that a step of a path names: an integer as C reads it.
pub(super) fn element_place(step: &str) -> Option<i64> {
    let digits = step.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    digits
        .strip_prefix('+')
        .filter(|d| d.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(digits)
        .parse::<i32>()
        .ok()
        .map(i64::from)
}

/// Follows a path; a NULL in it leads nowhere.
fn at_path<'a>(value: Node<'a>, path: &Array) -> Option<Node<'a>> {
    if path.items.iter().any(Datum::is_null) {
        return None;
    }
    texts(path).try_fold(value, |value, step| match value.kind() {
        Kind::Object => value.field(step),
        Kind::Array => value.element(element_place(step)?),
        _ => None,
    })
}

/// Whether a text is a key of the object, an element of the array, or the string itself.
fn exists(value: Node<'_>, key: &str) -> bool {
    match value.kind() {
        Kind::Object => value.object().find(key).is_some(),
        Kind::Array => value.array().iter().any(|item| item.str() == Some(key)),
        _ => value.str() == Some(key),
    }
}

/// What a row of parts shows.
#[derive(Clone, Copy)]
enum Shown {
    Key,
    Element,
    ElementText,
    Field,
    FieldText,
}

/// The parts of a value, a row each.
struct Rows {
    value: Arc<[u8]>,
    next: usize,
    shown: Shown,
}

impl SetRows for Rows {
    fn next(&mut self, _: &mut EvalCx<'_>) -> Result<Option<Vec<Datum>>> {
        let node = Node::new(&self.value);
        let i = self.next;
        self.next += 1;
        let whole = |node: Node<'_>| Datum::Jsonb(node.to_value());
        let text = |node: Node<'_>| as_text(node).unwrap_or(Datum::Null);
        let (array, object) = (node.array(), node.object());
        Ok(match self.shown {
            Shown::Element | Shown::ElementText if i >= array.len() => None,
            Shown::Element => Some(vec![whole(array.get(i))]),
            Shown::ElementText => Some(vec![text(array.get(i))]),
            _ if i >= object.len() => None,
            Shown::Key => Some(vec![Datum::text(object.key(i))]),
            Shown::Field => Some(vec![Datum::text(object.key(i)), whole(object.value(i))]),
            Shown::FieldText => Some(vec![Datum::text(object.key(i)), text(object.value(i))]),
        })
    }
}

fn rows(args: &[Datum], shown: Shown) -> Result<Box<dyn SetRows>> {
    let value: &Arc<[u8]> = arg(args, 0)?;
    Ok(Box::new(Rows { value: value.clone(), next: 0, shown }))
}

pub(in crate::func) fn jsonb_object_keys(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    match arg::<Node<'_>>(args, 0)?.kind() {
        Kind::Object => rows(args, Shown::Key),
        Kind::Array => Err(invalid("cannot call jsonb_object_keys on an array")),
        _ => Err(invalid("cannot call jsonb_object_keys on a scalar")),
    }
}

fn fields(args: &[Datum], shown: Shown, name: &str) -> Result<Box<dyn SetRows>> {
    match arg::<Node<'_>>(args, 0)?.kind() {
        Kind::Object => rows(args, shown),
        _ => Err(invalid(format!("cannot call {name} on a non-object"))),
    }
}

pub(in crate::func) fn jsonb_each(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    fields(args, Shown::Field, "jsonb_each")
}

pub(in crate::func) fn jsonb_each_text(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    fields(args, Shown::FieldText, "jsonb_each_text")
}

fn elements(args: &[Datum], shown: Shown) -> Result<Box<dyn SetRows>> {
    match arg::<Node<'_>>(args, 0)?.kind() {
        Kind::Array => rows(args, shown),
        Kind::Object => Err(invalid("cannot extract elements from an object")),
        _ => Err(invalid("cannot extract elements from a scalar")),
    }
}

pub(in crate::func) fn jsonb_array_elements(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    elements(args, Shown::Element)
}

pub(in crate::func) fn jsonb_array_elements_text(
    _: &mut EvalCx<'_>,
    args: &[Datum],
) -> Result<Box<dyn SetRows>> {
    elements(args, Shown::ElementText)
}
