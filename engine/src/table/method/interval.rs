//! Keys of ranges, multiranges and networks: where they begin and end, by the class of their length.
//!
//! ```text
//! class  begin  end     class c < 65: end - begin < 2^c, and the half of that or more unless c is 0
//! 65     end    0       no lower end
//! 66     begin  0       no upper end
//! 67     0      0       neither
//! 68     0      0       empty
//! 69     0      0       NULL
//! ```
//!
//! Begin and end are the first 8 bytes of the bounds' keys as numbers: in the order of the bounds, but different bounds may have the
//! same. An interval of class c that overlaps another begins at most 2^c before it, so a search reads one stretch of each class
//! that is there, of which at least about half is wanted: `O(classes * log n + found)`, where there are at most 70 classes and as
//! many as the lengths of the intervals have magnitudes in fact. Multiranges are kept as the range that spans them.
//!
//! Source: Kriegel, Poetke and Seidl 2000, "Managing Intervals Efficiently in Object-Relational Databases", for the idea to keep
//! intervals in B+ trees by their length.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::access::Search;
use nq_qsql::types::range::Span;
use nq_qsql::types::{Datum, Inet, Oid, keycode};
use nq_storage::Walk;

use super::Source;

const NO_LOWER: u8 = 65;
const NO_UPPER: u8 = 66;
const ENDLESS: u8 = 67;
const EMPTY: u8 = 68;
const NULL: u8 = 69;

/// An interval in codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    /// `None`: no end on this side.
    lower: Option<u64>,
    upper: Option<u64>,
}

/// Which intervals are looked for: their ends lie in these stretches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    lower: (u64, u64),
    upper: (u64, u64),
    /// Empty ones, too.
    empty: bool,
}

/// A bound as a number in the order of bounds.
fn code(value: &Datum, element: Oid) -> Result<u64> {
    let mut bytes = Vec::with_capacity(16);
    keycode::encode(value, element, false, false, &mut bytes)?;
    let mut word = [0; 8];
    // The marker of a value is left out.
    for (to, from) in word.iter_mut().zip(bytes.iter().skip(1)) {
        *to = *from;
    }
    Ok(u64::from_be_bytes(word))
}

/// An address as a number in the order of addresses.
fn address(inet: &Inet) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(inet.octets()) {
        *to = *from;
    }
    u64::from(inet.v6) << 63 | u64::from_be_bytes(word) >> 1
}

/// The interval of a value, `None` when it is empty; of a value that is no interval, the one that holds it alone.
fn interval(value: &Datum) -> Result<Option<Interval>> {
    let hull = |first: &Span, last: &Span, element: Oid| {
        let end = |value: &Datum| match value.is_null() {
            true => Ok(None),
            false => code(value, element).map(Some),
        };
        Ok(Some(Interval { lower: end(&first.lower.value)?, upper: end(&last.upper.value)? }))
    };
    match value {
        Datum::Range(range) => match &range.span {
            Some(span) => hull(span, span, range.info.element),
            None => Ok(None),
        },
        Datum::Multirange(ranges) => match (ranges.spans.first(), ranges.spans.last()) {
            (Some(first), Some(last)) => hull(first, last, ranges.info.element),
            _ => Ok(None),
        },
        Datum::Inet(inet) => {
            let (lower, upper) = (address(&inet.network()), address(&inet.broadcast()));
            Ok(Some(Interval { lower: Some(lower), upper: Some(upper) }))
        }
        Datum::Null => Err(SqlError::internal("an interval that is NULL")),
        element => {
            let at = Some(code(element, element.natural_type())?);
            Ok(Some(Interval { lower: at, upper: at }))
        }
    }
}

/// The class of intervals of this length.
fn class_of(length: u64) -> u8 {
    (u64::BITS - length.leading_zeros()) as u8
}

/// Appends the key of a value.
pub(super) fn put(value: &Datum, out: &mut Vec<u8>) -> Result<()> {
    let (class, begin, end) = if value.is_null() {
        (NULL, 0, 0)
    } else {
        match interval(value)? {
            None => (EMPTY, 0, 0),
            Some(Interval { lower: Some(lower), upper: Some(upper) }) => {
                (class_of(upper.saturating_sub(lower)), lower, upper)
            }
            Some(Interval { lower: None, upper: Some(upper) }) => (NO_LOWER, upper, 0),
            Some(Interval { lower: Some(lower), upper: None }) => (NO_UPPER, lower, 0),
            Some(Interval { lower: None, upper: None }) => (ENDLESS, 0, 0),
        }
    };
    out.push(class);
    out.extend_from_slice(&begin.to_be_bytes());
    out.extend_from_slice(&end.to_be_bytes());
    Ok(())
}

/// Where the intervals are that may satisfy a condition.
pub(super) fn source(prefix: Vec<u8>, search: Search, value: &Datum) -> Result<Source> {
    const ALL: (u64, u64) = (0, u64::MAX);
    let Some(asked) = interval(value)? else {
        return Ok(match search {
            Search::Contains => Source::All,
            Search::Within => {
                // Stretches in which nothing lies.
                Source::Intervals(prefix, Wanted { lower: (1, 0), upper: (1, 0), empty: true })
            }
            _ => Source::None,
        });
    };
    let (low, high) = (asked.lower.unwrap_or(0), asked.upper.unwrap_or(u64::MAX));
    let (lower, upper) = match search {
        // What touches has an end in common.
        Search::Overlaps | Search::Adjacent => ((0, high), (low, u64::MAX)),
        Search::Contains => ((0, low), (high, u64::MAX)),
        Search::Within => ((low, u64::MAX), (0, high)),
        Search::Before => ((0, low), (0, low)),
        Search::After => ((high, u64::MAX), (high, u64::MAX)),
        Search::NotAfter => ((0, high), (0, high)),
        Search::NotBefore => ((low, u64::MAX), (low, u64::MAX)),
        _ => (ALL, ALL),
    };
    let empty = !matches!(search, Search::Overlaps | Search::Adjacent | Search::Before | Search::After);
    Ok(Source::Intervals(prefix, Wanted { lower, upper, empty }))
}

impl Wanted {
    /// Where the wanted intervals of a class begin, first and last; `None` when none of the class is wanted.
    fn stretch(&self, class: u8) -> Option<(u64, u64)> {
        let (no_lower, no_upper) = (self.lower.0 == 0, self.upper.1 == u64::MAX);
        let possible = self.lower.0 <= self.lower.1 && self.upper.0 <= self.upper.1;
        let (first, last) = match class {
            NO_LOWER if no_lower && possible => self.upper,
            NO_UPPER if no_upper && possible => self.lower,
            ENDLESS if no_lower && no_upper && possible => (0, 0),
            EMPTY if self.empty => (0, 0),
            0..NO_LOWER if possible => {
                let (least, most) = match class {
                    0 => (0, 0),
                    64 => (1 << 63, u64::MAX),
                    c => (1 << (c - 1), (1 << c) - 1),
                };
                let last = self.upper.1.checked_sub(least)?;
                (self.lower.0.max(self.upper.0.saturating_sub(most)), self.lower.1.min(last))
            }
            _ => return None,
        };
        (first <= last).then_some((first, last))
    }

    /// Looks at a key behind `prefix`: whether it is wanted, and where to go on.
    pub(crate) fn look(&self, prefix: &[u8], key: &[u8]) -> (bool, Walk) {
        let Some((class, begin, end)) = key.strip_prefix(prefix).and_then(parts) else {
            return (false, Walk::Stop);
        };
        let seek = |class: u8, begin: u64| {
            let mut to = prefix.to_vec();
            to.push(class);
            to.extend_from_slice(&begin.to_be_bytes());
            (false, Walk::Seek(to))
        };
        match self.stretch(class) {
            None if class >= EMPTY => (false, Walk::Stop),
            None => seek(class + 1, 0),
            Some((first, _)) if begin < first => seek(class, first),
            Some((_, last)) if begin > last => seek(class + 1, 0),
            Some(_) => {
                let finite = class < NO_LOWER;
                (!finite || (self.upper.0..=self.upper.1).contains(&end), Walk::On)
            }
        }
    }
}

/// Class, begin and end of a key.
fn parts(key: &[u8]) -> Option<(u8, u64, u64)> {
    let (class, rest) = key.split_first()?;
    let (begin, rest) = rest.split_first_chunk()?;
    Some((*class, u64::from_be_bytes(*begin), u64::from_be_bytes(*rest.first_chunk()?)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nq_qsql::types::range::{Bound, INT4RANGE, Range, spans};
    use proptest::prelude::*;

    use super::*;

    fn range(ends: (Option<i32>, Option<i32>)) -> Datum {
        let bound = |v: Option<i32>, inclusive| Bound::new(v.map_or(Datum::Null, Datum::Int4), inclusive);
        let span = match ends {
            (Some(a), Some(b)) if a >= b => None,
            (a, b) => Some(Span { lower: bound(a, true), upper: bound(b, false) }),
        };
        Datum::Range(Arc::new(Range { info: INT4RANGE, span }))
    }

    fn holds(search: Search, a: &Datum, b: &Datum) -> bool {
        let (Datum::Range(a), Datum::Range(b)) = (a, b) else { panic!("ranges") };
        let (a, b, element) = (a.spans(), b.spans(), INT4RANGE.element);
        match search {
            Search::Overlaps => spans::overlap(a, b, element),
            Search::Contains => spans::contains(a, b, element),
            Search::Within => spans::contains(b, a, element),
            Search::Before => spans::is_before(a, b, element),
            Search::After => spans::is_before(b, a, element),
            Search::NotAfter => spans::is_overleft(a, b, element),
            Search::NotBefore => spans::is_overright(a, b, element),
            Search::Adjacent => spans::is_adjacent(a, b, element),
            other => panic!("{other:?}"),
        }
    }

    const SEARCHES: [Search; 8] = [
        Search::Overlaps,
        Search::Contains,
        Search::Within,
        Search::Before,
        Search::After,
        Search::NotAfter,
        Search::NotBefore,
        Search::Adjacent,
    ];

    fn end() -> impl Strategy<Value = Option<i32>> {
        prop_oneof![1 => Just(None), 6 => (-20i32..20).prop_map(Some), 2 => any::<i32>().prop_map(Some)]
    }

    proptest! {
        #[test]
        fn a_walk_meets_all_that_satisfy(
            stored in prop::collection::vec((end(), end()), 1..40),
            asked in (end(), end()),
            search in prop::sample::select(&SEARCHES),
        ) {
            let stored: Vec<Datum> = stored.into_iter().map(range).collect();
            let asked = range(asked);
            let mut keys: Vec<(Vec<u8>, usize)> = Vec::new();
            for (i, value) in stored.iter().enumerate() {
                let mut key = vec![7];
                put(value, &mut key).unwrap();
                keys.push((key, i));
            }
            keys.sort();
            let mut met = vec![false; stored.len()];
            match source(vec![7], search, &asked).unwrap() {
                Source::All => met.fill(true),
                Source::None => {}
                Source::Intervals(prefix, wanted) => {
                    let mut at = 0;
                    while at < keys.len() {
                        let (found, go) = wanted.look(&prefix, &keys[at].0);
                        met[keys[at].1] |= found;
                        at = match go {
                            Walk::On => at + 1,
                            Walk::Stop => break,
                            Walk::Seek(to) => {
                                let next = keys.partition_point(|k| k.0 < to);
                                prop_assert!(next > at, "a walk goes on");
                                next
                            }
                        };
                    }
                }
                other => prop_assert!(false, "{other:?}"),
            }
            for (i, value) in stored.iter().enumerate() {
                prop_assert!(met[i] || !holds(search, value, &asked), "{value:?} {search:?} {asked:?}");
            }
        }
    }
}
