//! Properties of the operations on sets of spans, against sets of integers; text and binary forms.

use std::collections::BTreeSet;

use super::*;
use crate::types::{IoContext, io_binary, io_text, keycode};
use proptest::prelude::*;

/// The integers below 32 in a list of spans.
fn members(spans: &[Span]) -> BTreeSet<i32> {
    (0..32).filter(|n| spans::contains_value(spans, &Datum::Int4(*n), oid::INT4)).collect()
}

fn a_span() -> impl Strategy<Value = Option<Span>> {
    let bound = || (prop_oneof![9 => (0..30i32).prop_map(Some), 1 => Just(None::<i32>)], any::<bool>());
    (bound(), bound()).prop_map(|((a, a_inclusive), (b, b_inclusive))| {
        let (a, b) = match (a, b) {
            (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
            ends => ends,
        };
        let bound = |v: Option<i32>, inclusive| Bound::new(v.map_or(Datum::Null, Datum::Int4), inclusive);
        INT4RANGE.span(bound(a, a_inclusive), bound(b, b_inclusive)).expect("in range")
    })
}

fn a_list() -> impl Strategy<Value = Vec<Span>> {
    proptest::collection::vec(a_span(), 0..5)
        .prop_map(|spans| spans::canonical(spans.into_iter().flatten().collect(), oid::INT4))
}

proptest! {
    #[test]
    fn operations_are_those_of_sets(a in a_list(), b in a_list()) {
        let (x, y) = (members(&a), members(&b));
        let int4 = oid::INT4;
        prop_assert_eq!(members(&spans::union(&a, &b, int4)), &x | &y);
        prop_assert_eq!(members(&spans::intersection(&a, &b, int4)), &x & &y);
        prop_assert_eq!(members(&spans::difference(&a, &b, &INT4RANGE).unwrap()), &x - &y);
        prop_assert_eq!(spans::difference(&a, &b, &INT4RANGE).unwrap().is_empty(), spans::contains(&b, &a, int4));
        prop_assert_eq!(spans::overlap(&a, &b, int4), !spans::intersection(&a, &b, int4).is_empty());
        let again = spans::canonical(spans::union(&a, &b, int4), int4);
        prop_assert!(again.windows(2).all(|w| spans::is_before(&w[..1], &w[1..], int4) && !spans::is_adjacent(&w[..1], &w[1..], int4)));
    }

    #[test]
    fn keys_are_ordered_as_values(a in a_list(), b in a_list()) {
        let datum = |spans: &[Span]| Datum::Multirange(Multirange { info: INT4RANGE, spans: spans.to_vec() }.into());
        let key = |value: &Datum| {
            let mut out = Vec::new();
            keycode::encode(value, oid::INT4MULTIRANGE, false, false, &mut out).unwrap();
            out
        };
        prop_assert_eq!(key(&datum(&a)).cmp(&key(&datum(&b))), spans::compare(&a, &b, oid::INT4));
        let (back, taken) = keycode::decode(&key(&datum(&a)), oid::INT4MULTIRANGE, false, false).unwrap();
        prop_assert_eq!(taken, key(&datum(&a)).len());
        prop_assert!(compare(&back, &datum(&a), oid::INT4MULTIRANGE).is_eq());
    }
}

#[test]
fn forms_round_trip() {
    let cx = IoContext::default();
    for (ty, text, want) in [
        (oid::INT4RANGE, " [1,5] ", "[1,6)"),
        (oid::INT4RANGE, "(,5)", "(,5)"),
        (oid::INT4RANGE, "(3,4)", "empty"),
        (oid::NUMRANGE, "(1.0,2.50]", "(1.0,2.50]"),
        (oid::DATERANGE, "[2020-01-01,infinity]", "[2020-01-01,infinity]"),
        (oid::TSRANGE, "[2020-01-01,)", "[\"2020-01-01 00:00:00\",)"),
        (oid::INT4MULTIRANGE, "{[5,6), [1,2],empty,[3,4)}", "{[1,4),[5,6)}"),
        (oid::NUMMULTIRANGE, "{}", "{}"),
        (oid::INT8MULTIRANGE, "{(,)}", "{(,)}"),
    ] {
        let value = io_text::parse_text(ty, -1, text, &cx).unwrap();
        assert_eq!(io_text::to_text(&value, ty, &cx).unwrap(), want);
        let mut bytes = Vec::new();
        io_binary::send_binary(&value, ty, &mut bytes).unwrap();
        let back = io_binary::recv_binary(ty, -1, &bytes).unwrap();
        assert_eq!(io_text::to_text(&back, ty, &cx).unwrap(), want);
        assert!(io_binary::recv_binary(ty, -1, &bytes[..bytes.len() - 1]).is_err(), "{text}");
        let mut key = Vec::new();
        keycode::encode(&value, ty, true, false, &mut key).unwrap();
        let (back, taken) = keycode::decode(&key, ty, true, false).unwrap();
        assert_eq!(taken, key.len());
        assert!(compare(&back, &value, ty).is_eq());
    }
}
