//! From text: read once into a flat list of what it says, then written with the keys of each object in order.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use super::build::{put_bool, put_ends, put_null, put_number, put_string};
use super::key_order;
use crate::error::Result;
use crate::types::Numeric;
use crate::types::json::{Event, Reader};

/// One thing that the text says. Containers know where they end, so their children can be visited in any order.
enum Item<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    Key(Cow<'a, str>),
    /// The place behind its last child.
    Array(usize),
    Object(usize),
}

/// Reads a text as `jsonb`.
///
/// # Errors
/// 22P02 and 22P05 for what is not JSON, 22003 for numbers that `numeric` does not hold, 54001 for nesting that is too deep.
pub fn parse(text: &str) -> Result<Arc<[u8]>> {
    let items = read(text)?;
    Writer {
        items: &items,
        out: Vec::with_capacity(text.len()),
        open: Vec::new(),
        ends: Vec::new(),
        fields: Vec::new(),
    }
    .write()
    .map(Arc::from)
}

fn read(text: &str) -> Result<Vec<Item<'_>>> {
    let mut reader = Reader::new(text);
    let mut items = Vec::with_capacity(text.len() / 8 + 1);
    let mut open = Vec::new();
    while let Some(event) = reader.next()? {
        match event {
            Event::BeginObject | Event::BeginArray => {
                open.push(items.len());
                items.push(if event == Event::BeginArray { Item::Array(0) } else { Item::Object(0) });
            }
            Event::EndObject | Event::EndArray => {
                let end = items.len();
                if let Some(Item::Array(to) | Item::Object(to)) = open.pop().and_then(|at| items.get_mut(at))
                {
                    *to = end;
                }
            }
            Event::Key(key) => items.push(Item::Key(key)),
            Event::Null => items.push(Item::Null),
            Event::Bool(value) => items.push(Item::Bool(value)),
            Event::Number(number) => items.push(Item::Number(number)),
            Event::String(string) => items.push(Item::String(string)),
        }
    }
    Ok(items)
}

/// A container that is being written.
struct Open {
    object: bool,
    start: usize,
    ends: usize,
    /// Array: the next element and the end. Object: the next field and the first, in `fields`.
    next: usize,
    limit: usize,
    first: usize,
}

struct Writer<'i, 'a> {
    items: &'i [Item<'a>],
    out: Vec<u8>,
    open: Vec<Open>,
    ends: Vec<u32>,
    /// The fields of the open objects, in order: places of their keys.
    fields: Vec<usize>,
}

impl Writer<'_, '_> {
    fn write(mut self) -> Result<Vec<u8>> {
        self.value(0)?;
        while let Some(&Open { object, next, limit, .. }) = self.open.last() {
            if next >= limit {
                self.close()?;
                continue;
            }
            let place = if object { self.fields[next] + 1 } else { next };
            let following = if object { next + 1 } else { self.after(place) };
            if let Some(open) = self.open.last_mut() {
                open.next = following;
            }
            self.value(place)?;
        }
        Ok(self.out)
    }

    /// The place behind the value at `place`.
    fn after(&self, place: usize) -> usize {
        match self.items.get(place) {
            Some(Item::Array(end) | Item::Object(end)) => *end,
            _ => place + 1,
        }
    }

    fn key(&self, place: usize) -> &[u8] {
        match self.items.get(place) {
            Some(Item::Key(key)) => key.as_bytes(),
            _ => &[],
        }
    }

    /// Writes a scalar, or opens a container.
    fn value(&mut self, place: usize) -> Result<()> {
        let (start, ends, first) = (self.out.len(), self.ends.len(), self.fields.len());
        match self.items.get(place) {
            Some(Item::Array(limit)) => {
                let (next, limit) = (place + 1, *limit);
                self.open.push(Open { object: false, start, ends, next, limit, first });
                return Ok(());
            }
            Some(Item::Object(limit)) => {
                self.sort_fields(place + 1, *limit);
                let limit = self.fields.len();
                self.open.push(Open { object: true, start, ends, next: first, limit, first });
                return Ok(());
            }
            Some(Item::Bool(value)) => put_bool(*value, &mut self.out),
            Some(Item::Number(text)) => put_number(&Numeric::parse_bytes(text.as_bytes())?, &mut self.out),
            Some(Item::String(text)) => put_string(text, &mut self.out),
            Some(Item::Null | Item::Key(_)) | None => put_null(&mut self.out),
        }
        self.complete();
        Ok(())
    }

    fn complete(&mut self) {
        if let Some(open) = self.open.last() {
            self.ends.push((self.out.len() - open.start) as u32);
        }
    }

    /// Appends the places of an object's keys in order to `fields`; of equal keys, the last one.
    fn sort_fields(&mut self, mut place: usize, limit: usize) {
        let first = self.fields.len();
        while place < limit {
            self.fields.push(place);
            place = self.after(place + 1);
        }
        let mut fields = self.fields.split_off(first);
        if !fields.is_sorted_by(|&a, &b| key_order(self.key(a), self.key(b)) == Ordering::Less) {
            fields.sort_by(|&a, &b| key_order(self.key(a), self.key(b)));
            // Equal keys are in the order of the text: going backwards, the first one met stays.
            fields.reverse();
            fields.dedup_by(|a, b| self.key(*a) == self.key(*b));
            fields.reverse();
        }
        self.fields.append(&mut fields);
    }

    fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let len = self.ends.len() - open.ends;
        if open.object {
            for i in open.first..self.fields.len() {
                if let Some(Item::Key(key)) = self.items.get(self.fields[i]) {
                    self.out.extend_from_slice(key.as_bytes());
                }
                self.ends.push((self.out.len() - open.start) as u32);
            }
            self.fields.truncate(open.first);
        }
        put_ends(open.object, open.start, len, &self.ends[open.ends..], &mut self.out)?;
        self.ends.truncate(open.ends);
        self.complete();
        Ok(())
    }
}
