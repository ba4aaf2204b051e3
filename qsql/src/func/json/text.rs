//! Reaching into `json`: the text is read up to what is asked for and beyond, for of equal keys the last one counts.

use super::access::{element_place, invalid, texts};
use crate::error::Result;
use crate::func::args::{arg, scalar};
use crate::func::set::{given, rows_of};
use crate::func::{EvalCx, SetRows};
use crate::types::json::{Event, Reader, quote};
use crate::types::{Array, Datum};

scalar! {
    json_object_field(value: &str, key: &str) -> Option<&str> = find(value, &[key], false)?.map(|f| f.text);
    json_object_field_text(value: &str, key: &str) -> Option<Datum> = find(value, &[key], false)?.and_then(Found::into_text);
    json_array_element(value: &str, place: i32) -> Option<&str> = find_element(value, place)?.map(|f| f.text);
    json_array_element_text(value: &str, place: i32) -> Option<Datum> = find_element(value, place)?.and_then(Found::into_text);
    json_extract_path(value: &str, path: &Array) -> Option<&str> = at_path(value, path)?.map(|f| f.text);
    json_extract_path_text(value: &str, path: &Array) -> Option<Datum> = at_path(value, path)?.and_then(Found::into_text);
    json_typeof(value: &str) -> &str = match Reader::raw(value).next()? {
        Some(Event::BeginObject) => "object",
        Some(Event::BeginArray) => "array",
        Some(Event::String(_)) => "string",
        Some(Event::Number(_)) => "number",
        Some(Event::Bool(_)) => "boolean",
        _ => "null",
    };
    json_array_length(value: &str) -> i32 = {
        let mut reader = Reader::raw(value);
        match reader.next()? {
            Some(Event::BeginArray) => {}
            Some(Event::BeginObject) => return Err(invalid("cannot get array length of a non-array")),
            _ => return Err(invalid("cannot get array length of a scalar")),
        }
        let mut length = 0;
        while next_value(&mut reader)?.is_some() {
            length += 1;
        }
        length
    };
    json_strip_nulls(value: &str, in_arrays: bool) -> String = strip_nulls(value, in_arrays)?;
}

/// A value within a text.
#[derive(Clone)]
pub(in crate::func) struct Found<'a> {
    /// As it is written.
    pub(in crate::func) text: &'a str,
    /// Its first event.
    pub(in crate::func) event: Event<'a>,
}

impl<'a> Found<'a> {
    /// As text: a string without quotes and escapes, null as NULL.
    pub(in crate::func) fn into_text(self) -> Option<Datum> {
        match self.event {
            Event::Null => None,
            Event::String(text) => Some(Datum::text(&*text)),
            _ => Some(Datum::text(self.text)),
        }
    }
}

/// Reads the next value as a whole; `None` at the end of the container.
pub(in crate::func) fn next_value<'a>(reader: &mut Reader<'a>) -> Result<Option<Found<'a>>> {
    let Some(event) = reader.next()? else { return Ok(None) };
    let start = reader.start();
    match event {
        Event::EndArray | Event::EndObject | Event::Key(_) => return Ok(None),
        Event::BeginArray | Event::BeginObject => reader.skip()?,
        _ => {}
    }
    Ok(Some(Found { text: reader.text_from(start), event }))
}

/// Reads the next field of an object; `None` at its end.
pub(in crate::func) fn next_field<'a>(
    reader: &mut Reader<'a>,
) -> Result<Option<(std::borrow::Cow<'a, str>, Found<'a>)>> {
    match reader.next()? {
        Some(Event::Key(key)) => Ok(next_value(reader)?.map(|value| (key, value))),
        _ => Ok(None),
    }
}

/// Follows a path of keys; with `places`, a step into an array is an element's place.
fn find<'a>(value: &'a str, path: &[&str], places: bool) -> Result<Option<Found<'a>>> {
    let mut reader = Reader::new(value);
    let Some(mut found) = next_value(&mut reader)? else { return Ok(None) };
    for step in path {
        let mut reader = Reader::new(found.text);
        let mut last = None;
        match reader.next()? {
            Some(Event::BeginObject) => {
                while let Some((key, value)) = next_field(&mut reader)? {
                    if key == *step {
                        last = Some(value);
                    }
                }
            }
            Some(Event::BeginArray) if places => {
                last = match element_place(step) {
                    Some(place) => element(found.text, place)?,
                    None => None,
                };
            }
            _ => {}
        }
        match last {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// An element of the array that a text is; negative places count from the end.
fn element(value: &str, place: i64) -> Result<Option<Found<'_>>> {
    let mut place = place;
    if place < 0 {
        let mut reader = Reader::new(value);
        reader.next()?;
        while next_value(&mut reader)?.is_some() {
            place += 1;
        }
    }
    let mut reader = Reader::new(value);
    reader.next()?;
    let Ok(place) = usize::try_from(place) else { return Ok(None) };
    for _ in 0..place {
        if next_value(&mut reader)?.is_none() {
            return Ok(None);
        }
    }
    next_value(&mut reader)
}

fn find_element(value: &str, place: i32) -> Result<Option<Found<'_>>> {
    match Reader::new(value).next()? {
        Some(Event::BeginArray) => element(value, place.into()),
        _ => Ok(None),
    }
}

fn at_path<'a>(value: &'a str, path: &Array) -> Result<Option<Found<'a>>> {
    if path.items.iter().any(Datum::is_null) {
        return Ok(None);
    }
    find(value, &texts(path).collect::<Vec<_>>(), true)
}

fn strip_nulls(value: &str, in_arrays: bool) -> Result<String> {
    let mut reader = Reader::new(value);
    let mut out = Vec::with_capacity(value.len());
    // Whether the open containers are objects; whether a comma is wanted; the key that waits for its value.
    let mut open: Vec<bool> = Vec::new();
    let (mut comma, mut key) = (false, None);
    while let Some(event) = reader.next()? {
        match &event {
            Event::EndArray | Event::EndObject => {
                open.pop();
                out.push(if event == Event::EndArray { b']' } else { b'}' });
                comma = true;
                continue;
            }
            Event::Key(name) => {
                key = Some(name.clone());
                continue;
            }
            Event::Null if key.is_some() => {
                key = None;
                continue;
            }
            Event::Null if in_arrays && open.last() == Some(&false) => continue,
            _ => {}
        }
        if comma {
            out.push(b',');
        }
        if let Some(name) = key.take() {
            quote(&name, &mut out);
            out.push(b':');
        }
        comma = true;
        match event {
            Event::BeginArray | Event::BeginObject => {
                open.push(event == Event::BeginObject);
                out.push(if event == Event::BeginArray { b'[' } else { b'{' });
                comma = false;
            }
            Event::String(text) => quote(&text, &mut out),
            _ => out.extend_from_slice(reader.text_from(reader.start()).as_bytes()),
        }
    }
    Ok(String::from_utf8(out).unwrap_or_default())
}

pub(in crate::func) fn json_object_keys(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    let mut reader = Reader::new(arg(args, 0)?);
    match reader.next()? {
        Some(Event::BeginObject) => {}
        Some(Event::BeginArray) => return Err(invalid("cannot call json_object_keys on an array")),
        _ => return Err(invalid("cannot call json_object_keys on a scalar")),
    }
    let mut keys = Vec::new();
    while let Some((key, _)) = next_field(&mut reader)? {
        keys.push(Datum::text(&*key));
    }
    Ok(rows_of(keys))
}

fn each(args: &[Datum], as_text: bool) -> Result<Box<dyn SetRows>> {
    let mut reader = Reader::new(arg(args, 0)?);
    match reader.next()? {
        Some(Event::BeginObject) => {}
        Some(Event::BeginArray) => return Err(invalid("cannot deconstruct an array as an object")),
        _ => return Err(invalid("cannot deconstruct a scalar")),
    }
    let mut rows = Vec::new();
    while let Some((key, value)) = next_field(&mut reader)? {
        let value = if as_text { value.into_text().unwrap_or(Datum::Null) } else { Datum::text(value.text) };
        rows.push(vec![Datum::text(&*key), value]);
    }
    Ok(given(rows))
}

pub(in crate::func) fn json_each(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    each(args, false)
}

pub(in crate::func) fn json_each_text(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    each(args, true)
}

fn elements(args: &[Datum], as_text: bool, name: &str) -> Result<Box<dyn SetRows>> {
    let mut reader = Reader::new(arg(args, 0)?);
    match reader.next()? {
        Some(Event::BeginArray) => {}
        Some(Event::BeginObject) => return Err(invalid(format!("cannot call {name} on a non-array"))),
        _ => return Err(invalid(format!("cannot call {name} on a scalar"))),
    }
    let mut items = Vec::new();
    while let Some(value) = next_value(&mut reader)? {
        items.push(if as_text { value.into_text().unwrap_or(Datum::Null) } else { Datum::text(value.text) });
    }
    Ok(rows_of(items))
}

pub(in crate::func) fn json_array_elements(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    elements(args, false, "json_array_elements")
}

pub(in crate::func) fn json_array_elements_text(
    _: &mut EvalCx<'_>,
    args: &[Datum],
) -> Result<Box<dyn SetRows>> {
    elements(args, true, "json_array_elements_text")
}
