//! Keys of values that hold others: the elements of arrays, the keys and scalars of `jsonb`.
//!
//! ```text
//! array        01 value | 02 NULL | 03 no element at all | 04 digest of a long one
//! jsonb        01 text: a key, or a string that is an element | 05 text: another string
//!              02 null | 03 Boolean | 04 number
//!              (text: the bytes and 00, or with 10 added to the mark a digest)
//! jsonb paths  digest of the keys on the way and of the scalar
//! ```
//!
//! Source: PostgreSQL manual 8.14.4 "jsonb Indexing", 65.4 "GIN Indexes".

use nq_qsql::error::Result;
use nq_qsql::func::access::{KeyForm, Search};
use nq_qsql::types::jsonb::{Kind, Node, Step, Walk};
use nq_qsql::types::{Array, Datum, keycode};

use super::{RowKeys, Source, TEXT_MAX, digest, path};

const NULL_ELEMENT: u8 = 2;
const NO_ELEMENT: u8 = 3;
const LONG_ELEMENT: u8 = 4;

/// A key of an object, or a string that is an element: what `?` finds.
pub(super) const KEY: u8 = 1;
const NULL: u8 = 2;
const BOOL: u8 = 3;
const NUMBER: u8 = 4;
/// The string under a key.
pub(super) const STRING: u8 = 5;
/// The text is digested.
const DIGESTED: u8 = 0x10;

/// What paths begin with.
pub(super) const ROOT: u64 = 0;

/// Appends the keys of a value in column `at`.
pub(super) fn extract(form: KeyForm, at: u8, value: &Datum, keys: &mut RowKeys) -> Result<()> {
    let mut put = |entry: &[u8]| {
        keys.bytes.push(at);
        keys.bytes.extend_from_slice(entry);
        keys.end();
    };
    match value {
        Datum::Array(array) => {
            if array.items.is_empty() {
                put(&[NO_ELEMENT]);
            }
            elements(array)?.iter().for_each(|e| put(e));
        }
        Datum::Jsonb(bytes) => match form {
            KeyForm::JsonPaths => paths(Node::new(bytes), ROOT).iter().for_each(|p| put(&p.to_be_bytes())),
            _ => json_entries(Node::new(bytes)).iter().for_each(|e| put(e)),
        },
        _ => {}
    }
    Ok(())
}

/// Where the values are that may satisfy a condition.
pub(super) fn source(form: KeyForm, at: u8, search: Search, value: &Datum) -> Result<Source> {
    let entry = |entry: &[u8]| {
        let mut key = vec![at];
        key.extend_from_slice(entry);
        Source::Entry(key)
    };
    let all_of = |entries: Vec<Vec<u8>>| {
        let mut entries = entries;
        entries.sort_unstable();
        entries.dedup();
        Source::and(entries.iter().map(|e| entry(e)).collect())
    };
    Ok(match (value, search) {
        (Datum::Array(array), Search::Equal) if array.items.is_empty() => entry(&[NO_ELEMENT]),
        (Datum::Array(array), Search::Equal) => all_of(elements(array)?),
        (Datum::Array(array), Search::Contains) => match array.items.iter().any(Datum::is_null) {
            true => Source::None,
            false => all_of(elements(array)?),
        },
        (Datum::Array(array), Search::Overlaps | Search::Within) => {
            let mut parts: Vec<Source> =
                elements(array)?.iter().filter(|e| **e != [NULL_ELEMENT]).map(|e| entry(e)).collect();
            if search == Search::Within {
                parts.push(entry(&[NO_ELEMENT]));
            }
            Source::or(parts)
        }
        (Datum::Array(array), Search::AnyKey | Search::AllKeys) => {
            let parts = array.items.iter().filter_map(|item| match item {
                Datum::Text(text) => Some(entry(&text_entry(KEY, text))),
                _ => None,
            });
            match search {
                Search::AnyKey => Source::or(parts.collect()),
                _ => Source::and(parts.collect()),
            }
        }
        (Datum::Text(key), Search::Key) => entry(&text_entry(KEY, key)),
        (Datum::Text(text), Search::PathExists | Search::PathHolds) => {
            path::source(form, text, search == Search::PathHolds, &entry)?
        }
        (Datum::Jsonb(bytes), Search::Contains) if form == KeyForm::JsonPaths => {
            all_of(paths(Node::new(bytes), ROOT).iter().map(|p| p.to_be_bytes().to_vec()).collect())
        }
        (Datum::Jsonb(bytes), Search::Contains) => all_of(json_entries(Node::new(bytes))),
        _ => Source::All,
    })
}

/// The entries of an array's elements.
fn elements(array: &Array) -> Result<Vec<Vec<u8>>> {
    let one = |item: &Datum| {
        let mut entry = Vec::with_capacity(16);
        keycode::encode(item, array.element, false, false, &mut entry)?;
        if entry.len() > TEXT_MAX {
            let digest = digest(&entry);
            entry.clear();
            entry.push(LONG_ELEMENT);
            entry.extend_from_slice(&digest.to_be_bytes());
        }
        Ok(entry)
    };
    array.items.iter().map(one).collect()
}

/// The entry of a text.
pub(super) fn text_entry(mark: u8, text: &str) -> Vec<u8> {
    let mut entry = Vec::with_capacity(text.len().min(TEXT_MAX) + 2);
    match text.len() <= TEXT_MAX {
        true => {
            entry.push(mark);
            entry.extend_from_slice(text.as_bytes());
            entry.push(0);
        }
        false => {
            entry.push(mark | DIGESTED);
            entry.extend_from_slice(&digest(text.as_bytes()).to_be_bytes());
        }
    }
    entry
}

/// The entry of a scalar; strings get this mark.
pub(super) fn scalar_entry(node: Node<'_>, string: u8) -> Vec<u8> {
    if let Some(text) = node.str() {
        return text_entry(string, text);
    }
    if let Some(value) = node.bool() {
        return vec![BOOL, u8::from(value)];
    }
    match node.number() {
        Some(number) => number_entry(&number),
        None => vec![NULL],
    }
}

/// The entry of a number.
fn number_entry(number: &nq_qsql::types::Numeric) -> Vec<u8> {
    let mut entry = vec![NUMBER];
    number.encode_key(&mut entry);
    entry
}

/// The entries of a `jsonb`.
fn json_entries(root: Node<'_>) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    let mut open: Vec<Kind> = Vec::new();
    for step in Walk::new(root) {
        match step {
            Step::Begin(kind, _) => open.push(kind),
            Step::End(_) => {
                open.pop();
            }
            Step::Key(key) => entries.push(text_entry(KEY, key)),
            Step::Scalar(node) => {
                let mark = if open.last() == Some(&Kind::Object) { STRING } else { KEY };
                entries.push(scalar_entry(node, mark));
            }
        }
    }
    entries
}

/// The digest of a path with one more key.
pub(super) fn path_key(path: u64, key: &str) -> u64 {
    let mut bytes = path.to_le_bytes().to_vec();
    bytes.extend_from_slice(key.as_bytes());
    digest(&bytes)
}

/// The digest of a path that ends in a scalar.
pub(super) fn path_end(path: u64, scalar: Node<'_>) -> u64 {
    let mut bytes = path.to_le_bytes().to_vec();
    bytes.extend_from_slice(&scalar_entry(scalar, STRING));
    digest(&bytes)
}

/// The paths of a `jsonb` to its scalars; elements of arrays are on the path of the array.
fn paths(root: Node<'_>, start: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut open: Vec<u64> = Vec::new();
    let mut here = start;
    for step in Walk::new(root) {
        match step {
            Step::Begin(..) => open.push(here),
            Step::Key(key) => here = path_key(open.last().copied().unwrap_or(start), key),
            Step::Scalar(node) => found.push(path_end(here, node)),
            Step::End(_) => {
                open.pop();
                here = open.last().copied().unwrap_or(start);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use nq_qsql::types::{IoContext, io_text, oid};

    fn json(text: &str) -> Datum {
        io_text::parse_text(oid::JSONB, -1, text, &IoContext::default()).unwrap()
    }

    fn keys(form: KeyForm, text: &str) -> RowKeys {
        let mut keys = RowKeys::default();
        extract(form, 0, &json(text), &mut keys).unwrap();
        keys.settle();
        keys
    }

    fn met(source: &Source, keys: &RowKeys) -> bool {
        match source {
            Source::None => false,
            Source::Entry(entry) => keys.iter().any(|k| k == entry),
            Source::And(parts) => parts.iter().all(|p| met(p, keys)),
            Source::Or(parts) => parts.iter().any(|p| met(p, keys)),
            _ => true,
        }
    }

    #[test]
    fn what_contains_is_met() {
        let pairs = [
            (r#"{"a":[1,{"b":"x"}],"c":null}"#, r#"{"a":[{"b":"x"}]}"#),
            (r#"["foo","bar"]"#, r#""foo""#),
            (r#"{"a":{"b":[1,2]}}"#, r#"{"a":{"b":[2]}}"#),
            (r#"{"a":1.50}"#, r#"{"a":1.5}"#),
            (r#"{"a":{}}"#, r#"{"a":{}}"#),
            (r#"[[1,2],[3]]"#, r#"[[3]]"#),
            (r#"{"a":[{"x":1},{"y":2}],"z":3}"#, r#"{"z":3,"a":[{"y":2}]}"#),
        ];
        for form in [KeyForm::JsonKeys, KeyForm::JsonPaths] {
            for (has, part) in pairs {
                let asked = source(form, 0, Search::Contains, &json(part)).unwrap();
                assert!(met(&asked, &keys(form, has)), "{form:?} {has} @> {part}");
            }
            let asked = source(form, 0, Search::Contains, &json(r#"{"a":1}"#)).unwrap();
            assert!(!met(&asked, &keys(form, r#"{"a":2}"#)), "{form:?}");
        }
        let path = source(KeyForm::JsonPaths, 0, Search::Contains, &json(r#"{"a":{"b":1}}"#)).unwrap();
        assert!(!met(&path, &keys(KeyForm::JsonPaths, r#"{"b":{"a":1}}"#)));
    }

    #[test]
    fn paths_are_met() {
        let table = [
            ("$.a[*] ? (@ == 1)", false, r#"{"a":[1,2]}"#, true),
            ("$.a[*] ? (@ == 3)", false, r#"{"a":[1,2]}"#, false),
            ("$.a.b == \"x\"", true, r#"{"a":{"b":"x"}}"#, true),
            ("$.a.b == \"x\"", true, r#"{"a":{"b":["x"]}}"#, true),
            ("$.a.b == \"x\"", true, r#"{"a":{"b":"y"}}"#, false),
            ("$.a == 1 || $.b == 1", true, r#"{"b":1}"#, true),
            ("$.a == 1 && $.b == 1", true, r#"{"b":1}"#, false),
            ("$.** ? (@.k == true)", false, r#"{"x":{"k":true}}"#, true),
            ("!($.a == 1)", true, r#"{"b":1}"#, true),
        ];
        for form in [KeyForm::JsonKeys, KeyForm::JsonPaths] {
            for (path, holds, has, expected) in table {
                let search = if holds { Search::PathHolds } else { Search::PathExists };
                let asked = source(form, 0, search, &Datum::text(path)).unwrap();
                assert_eq!(met(&asked, &keys(form, has)), expected, "{form:?} {path} {has} {asked:?}");
            }
        }
    }
}
