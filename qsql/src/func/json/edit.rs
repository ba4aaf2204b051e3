//! Changing `jsonb`: concatenation, deletion, replacement by path. Parts that stay are copied as bytes.

use std::sync::Arc;

use super::access::{element_place, invalid, texts};
use crate::error::{Result, SqlError};
use crate::func::args::{Jsonb, scalar};
use crate::sql_err;
use crate::types::json::too_deep;
use crate::types::jsonb::{Builder, Kind, Node, Step, Walk, compare};
use crate::types::{Array, Datum};

scalar! {
    jsonb_concat(a: Node<'_>, b: Node<'_>) -> Jsonb = Jsonb(concatenated(a, b)?);
    jsonb_delete(value: Node<'_>, key: &str) -> Jsonb = Jsonb(without(value, &[key])?);
    jsonb_delete_array(value: Node<'_>, keys: &Array) -> Jsonb = Jsonb(without(value, &texts(keys).collect::<Vec<_>>())?);
    jsonb_delete_idx(value: Node<'_>, place: i32) -> Jsonb = Jsonb(without_element(value, place)?);
    jsonb_delete_path(value: Node<'_>, path: &Array) -> Jsonb = {
        if value.is_scalar() {
            return Err(invalid("cannot delete path in scalar"));
        }
        Jsonb(edited(value, path, &Edit::Delete)?)
    };
    jsonb_set(value: Node<'_>, path: &Array, new: Node<'_>, create: bool) -> Jsonb = Jsonb(set(value, path, new, create)?);
    jsonb_set_lax(value: Option<Node<'_>>, path: Option<&Array>, new: Option<Node<'_>>, create: Option<bool>, treatment: Option<&str>) -> Option<Jsonb> = {
        let (Some(value), Some(path), Some(create)) = (value, path, create) else { return Ok(Datum::Null) };
        let unknown = || invalid("null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"");
        let treatment = treatment.ok_or_else(unknown)?;
        Some(match (new, treatment) {
            (Some(new), _) => Jsonb(set(value, path, new, create)?),
            (None, "raise_exception") => return Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "JSON value must not be null")
                .detail("Exception was raised because null_value_treatment is \"raise_exception\".")
                .hint("To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.")),
            (None, "use_json_null") => Jsonb(set(value, path, Node::new(&[]), create)?),
            (None, "delete_key") if value.is_scalar() => return Err(invalid("cannot delete path in scalar")),
            (None, "delete_key") => Jsonb(edited(value, path, &Edit::Delete)?),
            (None, "return_target") => Jsonb(value.to_value()),
            _ => return Err(unknown()),
        })
    };
    jsonb_assign(value: Option<Node<'_>>, path: &Array, new: Option<Node<'_>>, list: bool) -> Jsonb = {
        if path.items.iter().any(Datum::is_null) {
            return Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "jsonb subscript in assignment must not be null"));
        }
        let mut empty = Builder::new();
        if list { empty.begin_array() } else { empty.begin_object() }
        let empty = empty.finish()?;
        let new = new.unwrap_or(Node::new(&[]));
        Jsonb(edited(value.unwrap_or(Node::new(&empty)), path, &Edit::Fill { new })?)
    };
    jsonb_insert(value: Node<'_>, path: &Array, new: Node<'_>, after: bool) -> Jsonb = {
        if value.is_scalar() {
            return Err(invalid("cannot set path in scalar"));
        }
        Jsonb(edited(value, path, &Edit::Insert { new, after })?)
    };
    jsonb_strip_nulls(value: Node<'_>, in_arrays: bool) -> Jsonb = Jsonb(strip_nulls(value, in_arrays)?);
    jsonb_pretty(value: Node<'_>) -> String = {
        let mut out = Vec::new();
        crate::types::jsonb::pretty(value, &mut out);
        String::from_utf8(out).unwrap_or_default()
    };
    jsonb_contains(a: Node<'_>, b: Node<'_>) -> bool = contains_top(a, b)?;
    jsonb_contained(a: Node<'_>, b: Node<'_>) -> bool = contains_top(b, a)?;
}

/// `||`: objects are merged; anything else is an array, scalars of one element.
fn concatenated(a: Node<'_>, b: Node<'_>) -> Result<Arc<[u8]>> {
    let mut builder = Builder::new();
    match (a.kind(), b.kind()) {
        (Kind::Object, Kind::Object) => {
            builder.begin_object();
            for (key, value) in a.object().iter().chain(b.object().iter()) {
                builder.key(key);
                builder.node(value);
            }
        }
        _ => {
            builder.begin_array();
            for side in [a, b] {
                match side.kind() {
                    Kind::Array => side.array().iter().for_each(|item| builder.node(item)),
                    _ => builder.node(side),
                }
            }
        }
    }
    builder.finish()
}

/// `-`: without these keys of an object, or these strings of an array.
fn without(value: Node<'_>, keys: &[&str]) -> Result<Arc<[u8]>> {
    if value.is_scalar() {
        return Err(invalid("cannot delete from scalar"));
    }
    if keys.is_empty() {
        return Ok(value.to_value());
    }
    let mut builder = Builder::new();
    if value.kind() == Kind::Object {
        builder.begin_object();
        for (key, value) in value.object().iter().filter(|(key, _)| !keys.contains(key)) {
            builder.key(key);
            builder.node(value);
        }
    } else {
        builder.begin_array();
        let kept = value.array().iter().filter(|item| item.str().is_none_or(|text| !keys.contains(&text)));
        kept.for_each(|item| builder.node(item));
    }
    builder.finish()
}

fn without_element(value: Node<'_>, place: i32) -> Result<Arc<[u8]>> {
    match value.kind() {
        Kind::Array => {}
        Kind::Object => return Err(invalid("cannot delete from object using integer index")),
        _ => return Err(invalid("cannot delete from scalar")),
    }
    let array = value.array();
    let place = i64::from(place) + if place < 0 { array.len() as i64 } else { 0 };
    let mut builder = Builder::new();
    builder.begin_array();
    for (_, item) in array.iter().enumerate().filter(|(i, _)| *i as i64 != place) {
        builder.node(item);
    }
    builder.finish()
}

fn set(value: Node<'_>, path: &Array, new: Node<'_>, create: bool) -> Result<Arc<[u8]>> {
    if value.is_scalar() {
        return Err(invalid("cannot set path in scalar"));
    }
    if value.bytes().is_empty() || (is_empty(value) && !create) {
        return Ok(value.to_value());
    }
    edited(value, path, &Edit::Set { new, create })
}

fn is_empty(value: Node<'_>) -> bool {
    value.array().len() == 0 && value.object().len() == 0
}

/// What is done at the end of a path.
pub(in crate::func) enum Edit<'a> {
    Delete,
    Set {
        new: Node<'a>,
        create: bool,
    },
    Insert {
        new: Node<'a>,
        after: bool,
    },
    /// As `Set` with `create`; what is missing on the way is made, and gaps of arrays are filled: `UPDATE .. SET j['a'][3] = ..`.
    Fill {
        new: Node<'a>,
    },
}

/// A container on the way of a path.
enum Way<'a> {
    /// The place of the field, if it is there.
    Object(Node<'a>, &'a str, Option<usize>),
    /// The place of the element, which may be before the first or behind the last.
    Array(Node<'a>, i64),
}

/// The value with the end of the path changed.
pub(in crate::func) fn edited<'a>(value: Node<'a>, path: &'a Array, edit: &Edit<'_>) -> Result<Arc<[u8]>> {
    let steps = &path.items;
    if path.dims.len() > 1 {
        return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    if steps.is_empty() {
        return Ok(value.to_value());
    }
    // Down along the path as far as it exists.
    let mut way: Vec<Way<'a>> = Vec::new();
    let mut here = value;
    let mut made: Option<Arc<[u8]>> = None;
    for (level, step) in steps.iter().enumerate() {
        let Datum::Text(step) = step else {
            return Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "path element at position {} is null", level + 1));
        };
        let last = level + 1 == steps.len();
        let next = match here.kind() {
            Kind::Object => {
                let found = here.object().find(step);
                way.push(Way::Object(here, step, found));
                found.map(|i| here.object().value(i))
            }
            Kind::Array => {
                let place = element_place(step).ok_or_else(|| {
                    sql_err!(
                        INVALID_TEXT_REPRESENTATION,
                        "path element at position {} is not an integer: \"{step}\"",
                        level + 1
                    )
                })?;
                let len = here.array().len() as i64;
                let place = if place < 0 { place + len } else { place };
                if place < 0 && matches!(edit, Edit::Fill { .. }) {
                    return Err(invalid(format!(
                        "path element at position {} is out of range: {}",
                        level + 1,
                        place - len
                    )));
                }
                way.push(Way::Array(here, place));
                usize::try_from(place).ok().filter(|&i| i < len as usize).map(|i| here.array().get(i))
            }
            _ => {
                // A scalar on the way.
                if let Edit::Fill { .. } = edit {
                    return Err(sql_err!(INVALID_PARAMETER_VALUE, "cannot replace existing key")
                        .detail("The path assumes key is a composite object, but it is a scalar value."));
                }
                return Ok(value.to_value());
            }
        };
        match next {
            Some(_) if last => made = None,
            None if last => made = None,
            Some(next) => {
                here = next;
                continue;
            }
            None => match edit {
                Edit::Fill { new } => {
                    made = Some(path_to(&steps[level + 1..], *new)?);
                    return rebuilt(way, edit, made);
                }
                _ => return Ok(value.to_value()),
            },
        }
    }
    rebuilt(way, edit, made)
}

/// New containers along the rest of a path, with `new` at its end.
fn path_to(steps: &[Datum], new: Node<'_>) -> Result<Arc<[u8]>> {
    let mut builder = Builder::new();
    for step in steps {
        let Datum::Text(step) = step else {
            return Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "path element is null"));
        };
        match element_place(step) {
            Some(place) => {
                builder.begin_array();
                for _ in 0..check_gap(place)? {
                    builder.null();
                }
            }
            None => {
                builder.begin_object();
                builder.key(step);
            }
        }
    }
    builder.node(new);
    builder.finish()
}

/// Gaps that are filled have a limit: every null of them is a byte and an offset.
fn check_gap(gap: i64) -> Result<i64> {
    const GAP_MAX: i64 = 0x0fff_ffff / 8;
    if gap > GAP_MAX {
        return Err(sql_err!(
            PROGRAM_LIMIT_EXCEEDED,
            "number of jsonb array elements exceeds the maximum allowed (268435455)"
        ));
    }
    Ok(gap)
}

/// Writes the containers of the way again, from the innermost outwards. `made`: what goes to the end of the way, for
/// [`Edit::Fill`].
fn rebuilt(way: Vec<Way<'_>>, edit: &Edit<'_>, made: Option<Arc<[u8]>>) -> Result<Arc<[u8]>> {
    let innermost = way.len();
    let mut inner: Option<Arc<[u8]>> = None;
    for (level, container) in way.into_iter().enumerate().rev() {
        let last = level + 1 == innermost;
        // What replaces the part: written, or removed.
        let replacement = match (&inner, edit) {
            (Some(bytes), _) if !last => Some(Node::new(bytes)),
            (_, Edit::Delete) => None,
            (_, Edit::Set { new, .. } | Edit::Insert { new, .. }) => Some(*new),
            (_, Edit::Fill { new }) => Some(made.as_deref().map_or(*new, Node::new)),
        };
        let mut builder = Builder::new();
        match container {
            Way::Object(node, key, found) => {
                let object = node.object();
                if let (true, Some(_), Edit::Insert { .. }) = (last, found, edit) {
                    return Err(sql_err!(INVALID_PARAMETER_VALUE, "cannot replace existing key")
                        .hint("Try using the function jsonb_set to replace key value."));
                }
                let create = !matches!(edit, Edit::Delete | Edit::Set { create: false, .. });
                builder.begin_object();
                for (i, (name, value)) in object.iter().enumerate() {
                    match (Some(i) == found, replacement) {
                        (false, _) => {
                            builder.key(name);
                            builder.node(value);
                        }
                        (true, Some(new)) => {
                            builder.key(name);
                            builder.node(new);
                        }
                        (true, None) => {}
                    }
                }
                if let (None, true, Some(new)) = (found, create, replacement) {
                    builder.key(key);
                    builder.node(new);
                }
            }
            Way::Array(node, place) => {
                let array = node.array();
                builder.begin_array();
                let at = usize::try_from(place).ok();
                let inside = at.is_some_and(|at| at < array.len());
                let create = matches!(edit, Edit::Set { create: true, .. } | Edit::Insert { .. });
                if let (true, true, false, Some(new)) = (last, create, inside, replacement)
                    && place < 0
                {
                    builder.node(new);
                }
                for (i, item) in array.iter().enumerate() {
                    match (Some(i) == at, replacement) {
                        (true, Some(new)) => match edit {
                            Edit::Insert { after, .. } if last => {
                                if *after {
                                    builder.node(item);
                                }
                                builder.node(new);
                                if !*after {
                                    builder.node(item);
                                }
                            }
                            _ => builder.node(new),
                        },
                        (true, None) => {}
                        (false, _) => builder.node(item),
                    }
                }
                if let (true, false, Some(new)) = (last, inside, replacement)
                    && place >= 0
                {
                    match edit {
                        Edit::Fill { .. } => {
                            for _ in 0..check_gap(place - array.len() as i64)? {
                                builder.null();
                            }
                            builder.node(new);
                        }
                        _ if create => builder.node(new),
                        _ => {}
                    }
                }
            }
        }
        inner = Some(builder.finish()?);
    }
    inner.ok_or_else(|| SqlError::internal("a path without steps"))
}

fn strip_nulls(value: Node<'_>, in_arrays: bool) -> Result<Arc<[u8]>> {
    let mut builder = Builder::new();
    let mut open = Vec::new();
    let mut key = None;
    for step in Walk::new(value) {
        match step {
            Step::Key(name) => {
                key = Some(name);
                continue;
            }
            Step::Scalar(scalar) if scalar.is_null() => {
                let dropped = match open.last() {
                    Some(Kind::Object) => true,
                    Some(_) => in_arrays,
                    None => false,
                };
                if dropped {
                    key = None;
                    continue;
                }
            }
            _ => {}
        }
        if let Some(name) = key.take() {
            builder.key(name);
        }
        match step {
            Step::Begin(kind, _) => {
                open.push(kind);
                if kind == Kind::Array { builder.begin_array() } else { builder.begin_object() }
            }
            Step::End(_) => {
                open.pop();
                builder.end()?;
            }
            Step::Scalar(scalar) => builder.node(scalar),
            Step::Key(_) => {}
        }
    }
    builder.finish()
}

/// `@>`: an array at the top also contains a scalar that is one of its elements.
fn contains_top(a: Node<'_>, b: Node<'_>) -> Result<bool> {
    match (a.is_scalar(), b.is_scalar()) {
        (true, true) => Ok(compare(a, b).is_eq()),
        (true, false) => Ok(false),
        (false, true) => Ok(a.array().iter().any(|item| item.is_scalar() && compare(item, b).is_eq())),
        (false, false) => contains(a, b, 0),
    }
}

/// Deepest nesting that [`contains`] follows.
const CONTAINED_DEPTH_MAX: usize = 5000;

/// Whether container `a` has all that container `b` has.
fn contains(a: Node<'_>, b: Node<'_>, depth: usize) -> Result<bool> {
    if depth >= CONTAINED_DEPTH_MAX {
        return Err(too_deep());
    }
    if a.kind() != b.kind() {
        return Ok(false);
    }
    if a.kind() == Kind::Object {
        if a.object().len() < b.object().len() {
            return Ok(false);
        }
        for (key, wanted) in b.object().iter() {
            let Some(value) = a.field(key) else { return Ok(false) };
            let same = match wanted.is_scalar() {
                true => value.is_scalar() && compare(value, wanted).is_eq(),
                false => contains(value, wanted, depth + 1)?,
            };
            if !same {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    for wanted in b.array().iter() {
        let mut found = false;
        for item in a.array().iter() {
            found = match wanted.is_scalar() {
                true => item.is_scalar() && compare(item, wanted).is_eq(),
                false => !item.is_scalar() && contains(item, wanted, depth + 1)?,
            };
            if found {
                break;
            }
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}
