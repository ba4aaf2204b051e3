//! The total order of values, and the hash that agrees with its equality.
//!
//! NaN is the largest number and equals itself, 0 equals -0; `bpchar` ignores trailing blanks; intervals compare by length
//! with months of 30 days; NULL is greater than everything. Text compares by bytes (collation "C").
//! The three integer types hash alike, and so do the two float types, so that joins across them can hash.

use super::datetime::interval;
use super::range::{Span, spans};
use super::{Array, Datum, Oid, info, jsonb, oid, user};
use foldhash::fast::FixedState;
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};

/// Compares two values of type `oid`; NULL is greater than everything and equal to itself.
#[inline]
pub fn compare(a: &Datum, b: &Datum, type_oid: Oid) -> Ordering {
    match (a, b) {
        (Datum::Int4(a), Datum::Int4(b)) => a.cmp(b),
        (Datum::Int8(a), Datum::Int8(b)) if matches!(info::base_type(type_oid), oid::XID8 | oid::PG_LSN) => {
            (*a as u64).cmp(&(*b as u64))
        }
        (Datum::Int8(a), Datum::Int8(b)) => a.cmp(b),
        (Datum::Text(a), Datum::Text(b)) if info::base_type(type_oid) == oid::BPCHAR => trim(a).cmp(trim(b)),
        (Datum::Text(a), Datum::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Datum::Record(a), Datum::Record(b)) => compare_records(a, b, type_oid),
        _ => compare_general(a, b),
    }
}

fn compare_general(a: &Datum, b: &Datum) -> Ordering {
    match (a, b) {
        (Datum::Null, Datum::Null) => Ordering::Equal,
        (Datum::Null, _) => Ordering::Greater,
        (_, Datum::Null) => Ordering::Less,
        (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
        (Datum::Char(a), Datum::Char(b)) => a.cmp(b),
        (Datum::Int2(a), Datum::Int2(b)) => a.cmp(b),
        (Datum::Oid(a), Datum::Oid(b)) => a.cmp(b),
        (Datum::Tid(a, i), Datum::Tid(b, j)) => (a, i).cmp(&(b, j)),
        (Datum::Float4(a), Datum::Float4(b)) => compare_f64(f64::from(*a), f64::from(*b)),
        (Datum::Float8(a), Datum::Float8(b)) => compare_f64(*a, *b),
        (Datum::Numeric(a), Datum::Numeric(b)) => a.cmp(b),
        (Datum::Bytea(a), Datum::Bytea(b)) => a.cmp(b),
        (Datum::Date(a), Datum::Date(b)) => a.cmp(b),
        (Datum::Time(a), Datum::Time(b)) => a.cmp(b),
        (Datum::TimeTz(a, y), Datum::TimeTz(b, z)) => compare_timetz((*a, *y), (*b, *z)),
        (Datum::Timestamp(a), Datum::Timestamp(b)) => a.cmp(b),
        (Datum::TimestampTz(a), Datum::TimestampTz(b)) => a.cmp(b),
        (Datum::Interval(a), Datum::Interval(b)) => interval::compare(a, b),
        (Datum::Uuid(a), Datum::Uuid(b)) => a.cmp(b),
        (Datum::Bits(a), Datum::Bits(b)) => a.cmp(b),
        (Datum::Inet(a), Datum::Inet(b)) => a.cmp(b),
        (Datum::MacAddr(a), Datum::MacAddr(b)) => a.cmp(b),
        (Datum::MacAddr8(a), Datum::MacAddr8(b)) => a.cmp(b),
        (Datum::Money(a), Datum::Money(b)) => a.cmp(b),
        (Datum::Jsonb(a), Datum::Jsonb(b)) => jsonb::compare(jsonb::Node::new(a), jsonb::Node::new(b)),
        (Datum::Enum(ty, a), Datum::Enum(_, b)) => user::compare_enums(*ty, *a, *b),
        (Datum::Array(a), Datum::Array(b)) => compare_arrays(a, b),
        (Datum::Range(a), Datum::Range(b)) => spans::compare(a.spans(), b.spans(), a.info.element),
        (Datum::Multirange(a), Datum::Multirange(b)) => spans::compare(a.spans(), b.spans(), a.info.element),
        // Values of one type have one form; anything else gets a stable order by its type.
        _ => match (as_i64(a), as_i64(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.natural_type().cmp(&b.natural_type()),
        },
    }
}

fn as_i64(value: &Datum) -> Option<i64> {
    match value {
        Datum::Int2(v) => Some(i64::from(*v)),
        Datum::Int4(v) => Some(i64::from(*v)),
        Datum::Int8(v) => Some(*v),
        _ => None,
    }
}

/// A `bpchar` without its padding.
#[inline]
pub(super) fn trim(text: &str) -> &str {
    text.trim_end_matches(' ')
}

/// Compares two values, NULL too, as ORDER BY does under its options.
pub fn sort_order(a: &Datum, b: &Datum, type_oid: Oid, descending: bool, nulls_first: bool) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if descending => compare(b, a, type_oid),
        (false, false) => compare(a, b, type_oid),
    }
}

/// PostgreSQL's order of floats: NaN above infinity, 0 equal to -0.
#[inline]
pub fn compare_f64(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The instant decides, then the zone.
fn compare_timetz(a: (i64, i32), b: (i64, i32)) -> Ordering {
    let instant = |(time, zone): (i64, i32)| time + i64::from(zone) * super::datetime::USECS_PER_SEC;
    instant(a).cmp(&instant(b)).then_with(|| a.1.cmp(&b.1))
}

/// Elements decide, then their number, then the dimensions.
fn compare_arrays(a: &Array, b: &Array) -> Ordering {
    let elements = a.items.iter().zip(&b.items).map(|(x, y)| compare(x, y, a.element)).find(|o| o.is_ne());
    elements.unwrap_or_else(|| {
        let lengths = |array: &Array| array.dims.iter().map(|(length, _)| *length).collect::<Vec<_>>();
        let lowers = |array: &Array| array.dims.iter().map(|(_, lower)| *lower).collect::<Vec<_>>();
        a.items
            .len()
            .cmp(&b.items.len())
            .then_with(|| a.dims.len().cmp(&b.dims.len()))
            .then_with(|| lengths(a).cmp(&lengths(b)))
            .then_with(|| lowers(a).cmp(&lowers(b)))
    })
}

fn compare_records(a: &[Datum], b: &[Datum], type_oid: Oid) -> Ordering {
    if let Some(relation) = user::row_relation(type_oid) {
        let field = |row: &[Datum], i: usize| row.get(i).cloned().unwrap_or(Datum::Null);
        let columns = relation.live_columns();
        let mut orders = columns.map(|(i, column)| compare(&field(a, i), &field(b, i), column.ty.oid));
        return orders.find(|o| o.is_ne()).unwrap_or(Ordering::Equal);
    }
    // A row of a named type may be older than an attribute of it.
    let field = |row: &[Datum], i: usize| row.get(i).cloned().unwrap_or(Datum::Null);
    let mut orders = (0..a.len().max(b.len())).map(|i| {
        let (x, y) = (field(a, i), field(b, i));
        compare(&x, &y, x.natural_type())
    });
    orders.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

/// Hashes a value of type `oid` so that equal values hash equal. The hash is the same in every process.
#[inline]
pub fn hash(value: &Datum, type_oid: Oid) -> u64 {
    let mut state = FixedState::default().build_hasher();
    hash_into(value, type_oid, &mut state);
    state.finish()
}

/// Feeds a value of type `oid` to `state`, as [`hash`] does: for keys of several columns.
#[inline]
pub fn hash_into<H: Hasher>(value: &Datum, type_oid: Oid, state: &mut H) {
    match value {
        Datum::Null => state.write_u8(0xff),
        Datum::Int2(v) => state.write_i64(i64::from(*v)),
        Datum::Int4(v) => state.write_i64(i64::from(*v)),
        Datum::Int8(v) => state.write_i64(*v),
        Datum::Text(v) if info::base_type(type_oid) == oid::BPCHAR => state.write(trim(v).as_bytes()),
        Datum::Text(v) => state.write(v.as_bytes()),
        Datum::Bool(v) => state.write_u8(u8::from(*v)),
        Datum::Char(v) => state.write_u8(*v),
        Datum::Oid(v) => state.write_u32(*v),
        Datum::Tid(block, item) => (block, item).hash(state),
        Datum::Float4(v) => hash_f64(f64::from(*v), state),
        Datum::Float8(v) => hash_f64(*v, state),
        Datum::Numeric(v) => v.hash(state),
        Datum::Bytea(v) => state.write(v),
        Datum::Date(v) => state.write_i32(*v),
        Datum::Time(v) | Datum::Timestamp(v) | Datum::TimestampTz(v) => state.write_i64(*v),
        Datum::TimeTz(v, zone) => (v, zone).hash(state),
        Datum::Interval(v) => state.write_i128(interval::length(v)),
        Datum::Uuid(v) => state.write(&v[..]),
        Datum::Bits(v) => state.write(v.stored()),
        Datum::Inet(v) => v.hash(state),
        Datum::MacAddr(v) => state.write(v),
        Datum::MacAddr8(v) => state.write(v),
        Datum::Money(v) => state.write_i64(*v),
        Datum::Jsonb(v) => jsonb::hash_into(jsonb::Node::new(v), state),
        Datum::Enum(_, label) => state.write_u32(*label),
        Datum::Array(array) => array.items.iter().for_each(|item| hash_into(item, array.element, state)),
        Datum::Record(fields) => match user::row_relation(type_oid) {
            Some(relation) => relation.live_columns().for_each(|(i, column)| {
                hash_into(fields.get(i).unwrap_or(&Datum::Null), column.ty.oid, state);
            }),
            None => {
                let end = fields.iter().rposition(|field| !field.is_null()).map_or(0, |last| last + 1);
                fields[..end].iter().for_each(|field| hash_into(field, field.natural_type(), state));
            }
        },
        Datum::Range(v) => hash_spans(v.spans(), v.info.element, state),
        Datum::Multirange(v) => hash_spans(v.spans(), v.info.element, state),
    }
}

fn hash_spans<H: Hasher>(spans: &[Span], element: Oid, state: &mut H) {
    for bound in spans.iter().flat_map(|span| [&span.lower, &span.upper]) {
        state.write_u8(u8::from(bound.inclusive));
        hash_into(&bound.value, element, state);
    }
}

fn hash_f64<H: Hasher>(v: f64, state: &mut H) {
    let canonical = match v {
        _ if v.is_nan() => f64::NAN,
        0.0 => 0.0,
        _ => v,
    };
    state.write_u64(canonical.to_bits());
}

#[cfg(test)]
mod tests {
    use super::super::{IoContext, io_text};
    use super::*;

    /// Each list is in ascending order; `=` joins equal texts.
    #[test]
    fn order_and_hash() {
        let cx = IoContext::default();
        for (type_oid, list) in [
            (oid::FLOAT8, "-Infinity -1 -0=0 1 Infinity NaN"),
            (oid::NUMERIC, "-Infinity -1.5 0=0.00 1=1.0 1e50 Infinity NaN"),
            (oid::TEXT, "A a ab b \u{e4}"),
            (oid::BOOL, "f t"),
            (oid::UUID, "00000000000000000000000000000000 10000000000000000000000000000000"),
            (1007, "{} {1} {1,2} [2:3]={1,2} {2} {NULL}"),
            (oid::BYTEA, "\\x \\x00 \\x0001 \\x01"),
            (oid::XID8, "1 18446744073709551615"),
            (oid::VARBIT, "0 00 01 011 1 10"),
            (oid::INET, "9.255.0.0/16 10.0.0.0/8 10.0.0.1/8 10.0.0.0/16 10.1.0.0/16 ::/0 ::1"),
            (oid::MACADDR, "00:00:00:00:00:01 00:00:01:00:00:00=000001-000000"),
            (oid::MONEY, "-2 -1.50 0=-0 1,000.00"),
        ] {
            let groups: Vec<Vec<Datum>> = list
                .split(' ')
                .map(|g| {
                    g.split('=').map(|t| io_text::parse_text(type_oid, -1, t, &cx)).collect::<Result<_, _>>()
                })
                .map(|g| {
                    g.unwrap_or_else(|_| vec![io_text::parse_text(type_oid, -1, "[2:3]={1,2}", &cx).unwrap()])
                })
                .collect();
            for (i, x) in groups.iter().enumerate().flat_map(|(i, g)| g.iter().map(move |x| (i, x))) {
                for (j, y) in groups.iter().enumerate().flat_map(|(j, g)| g.iter().map(move |y| (j, y))) {
                    assert_eq!(compare(x, y, type_oid), i.cmp(&j), "{x:?} {y:?}");
                    if i == j {
                        assert_eq!(hash(x, type_oid), hash(y, type_oid));
                    }
                }
                assert_eq!(compare(x, &Datum::Null, type_oid), Ordering::Less);
            }
        }
        let (padded, bare) = (Datum::text("a  "), Datum::text("a"));
        assert_eq!(compare(&padded, &bare, oid::BPCHAR), Ordering::Equal);
        assert_eq!(hash(&padded, oid::BPCHAR), hash(&bare, oid::BPCHAR));
        assert_eq!(hash(&Datum::Int2(5), oid::INT2), hash(&Datum::Int8(5), oid::INT8));
    }
}
