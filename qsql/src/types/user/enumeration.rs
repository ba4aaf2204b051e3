//! Enums: labels in their order, and the positions that keep this order in index keys.
//!
//! A position is a number of 4 bytes and, where a label was put between two neighbours, further digits from 1 to 255; a zero ends
//! it. Between any two positions there is another one, so that no label ever has to move, and the keys that are stored stay true.

use std::cmp::Ordering;

use super::super::Oid;
use super::{UserType, find};

/// The position of the first label of a new enum.
const MIDDLE: u32 = 1 << 31;
/// The least digit that may be the last one: below it there is still room.
const LAST_DIGIT_MIN: u16 = 2;

/// A label of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// `pg_enum.oid`
    pub oid: Oid,
    /// `enumlabel`
    pub name: Box<str>,
    /// `enumsortorder`
    pub order: f32,
    /// Its place among the labels as bytes that order as the labels do.
    pub position: Box<[u8]>,
}

/// The labels of an enum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enum {
    /// In their order.
    labels: Vec<Label>,
    /// Indexes into `labels`, by OID.
    by_oid: Vec<u32>,
}

impl Enum {
    /// An enum with these labels, which are in order.
    pub fn new(labels: Vec<Label>) -> Enum {
        let mut by_oid: Vec<u32> = (0..labels.len() as u32).collect();
        by_oid.sort_unstable_by_key(|&i| labels[i as usize].oid);
        Enum { labels, by_oid }
    }

    /// The labels in their order.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Finds a label and its rank.
    pub fn label(&self, oid: Oid) -> Option<(usize, &Label)> {
        let at = self.by_oid.binary_search_by_key(&oid, |&i| self.labels[i as usize].oid).ok()?;
        let rank = self.by_oid[at] as usize;
        Some((rank, &self.labels[rank]))
    }

    /// Finds a label by its text.
    pub fn named(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|l| *l.name == *name)
    }

    /// The enum with a new label at `rank`.
    pub fn with(&self, rank: usize, oid: Oid, name: &str) -> Enum {
        let mut labels = self.labels.clone();
        let before = rank.checked_sub(1).and_then(|i| labels.get(i));
        let after = labels.get(rank);
        let position = between(before.map(|l| &*l.position), after.map(|l| &*l.position));
        let order = |before: Option<f32>, after: Option<f32>| match (before, after) {
            (None, None) => 1.0,
            (Some(before), None) => before + 1.0,
            (None, Some(after)) => after - 1.0,
            (Some(before), Some(after)) => (before + after) / 2.0,
        };
        let (low, high) = (before.map(|l| l.order), after.map(|l| l.order));
        let mut place = order(low, high);
        if low == Some(place) || high == Some(place) {
            labels.iter_mut().enumerate().for_each(|(i, label)| label.order = (i + 1) as f32);
            let at = |i: usize| labels.get(i).map(|l| l.order);
            place = order(rank.checked_sub(1).and_then(at), at(rank));
        }
        labels.insert(rank, Label { oid, name: name.into(), order: place, position });
        Enum::new(labels)
    }

    /// The enum with a label renamed.
    pub fn renamed(&self, rank: usize, name: &str) -> Enum {
        let mut changed = self.clone();
        if let Some(label) = changed.labels.get_mut(rank) {
            label.name = name.into();
        }
        changed
    }
}

/// A position above `low` and below `high`.
fn between(low: Option<&[u8]>, high: Option<&[u8]>) -> Box<[u8]> {
    let split = |p: &[u8]| {
        let (number, digits) = p.split_at(p.len().min(4));
        let number = number.iter().fold(0u32, |n, b| n << 8 | u32::from(*b));
        (number, digits.strip_suffix(&[0]).unwrap_or(digits).to_vec())
    };
    let (number, digits) = match (low.map(split), high.map(split)) {
        (None, None) => (MIDDLE, Vec::new()),
        (Some((low, _)), None) if low < u32::MAX => (low + 1, Vec::new()),
        (None, Some((high, _))) if high > 0 => (high - 1, Vec::new()),
        (Some((low, _)), Some((high, _))) if high - low > 1 => (low + (high - low) / 2, Vec::new()),
        (Some((low, a)), Some((high, b))) => (low, digits_between(&a, (low == high).then_some(&b[..]))),
        (Some((low, a)), None) => (low, digits_between(&a, None)),
        (None, Some((high, b))) => (high, digits_between(&[], Some(&b))),
    };
    [&number.to_be_bytes()[..], &digits, &[0]].concat().into()
}

/// Digits above `low` and, if there is a bound, below `high`.
fn digits_between(low: &[u8], mut high: Option<&[u8]>) -> Vec<u8> {
    let mut low = low;
    let mut digits = Vec::new();
    for i in 0.. {
        let under = low.get(i).map_or(0, |d| u16::from(*d));
        let over = high.map_or(256, |high| high.get(i).map_or(0, |d| u16::from(*d)));
        let middle = (under + over) / 2;
        if middle > under && middle >= LAST_DIGIT_MIN {
            digits.push(middle as u8);
            break;
        }
        let digit = under.max(1);
        digits.push(digit as u8);
        if under == 0 {
            low = &[];
        }
        if digit < over {
            high = None;
        }
    }
    digits
}

fn with_labels<T>(ty: Oid, f: impl FnOnce(&Enum) -> Option<T>) -> Option<T> {
    find(ty).as_deref().and_then(UserType::enumeration).and_then(f)
}

/// The order of two labels of an enum.
pub(in crate::types) fn compare(ty: Oid, a: Oid, b: Oid) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    with_labels(ty, |labels| Some(labels.label(a)?.0.cmp(&labels.label(b)?.0))).unwrap_or_else(|| a.cmp(&b))
}

/// Appends the position of a label; `false` when there is no such label.
pub(in crate::types) fn encode_position(ty: Oid, label: Oid, out: &mut Vec<u8>) -> bool {
    with_labels(ty, |labels| {
        out.extend_from_slice(&labels.label(label)?.1.position);
        Some(())
    })
    .is_some()
}

/// Bytes of the position at the front of a key.
pub(in crate::types) fn position_length(key: &[u8]) -> Option<usize> {
    key.get(4..)?.iter().position(|b| *b == 0).map(|at| at + 5)
}

/// The label at a position.
pub(in crate::types) fn decode_position(ty: Oid, position: &[u8]) -> Option<Oid> {
    with_labels(ty, |labels| {
        let at = labels.labels.binary_search_by(|l| (*l.position).cmp(position)).ok()?;
        Some(labels.labels[at].oid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(labels: &Enum) {
        assert!(labels.labels.is_sorted_by(|a, b| a.position < b.position), "{labels:?}");
        assert!(labels.labels.is_sorted_by(|a, b| a.order < b.order), "{labels:?}");
        for label in &labels.labels {
            assert_eq!(position_length(&label.position), Some(label.position.len()));
            assert_eq!(labels.label(label.oid).unwrap().1, label);
        }
    }

    /// Labels are put everywhere, many times at the same places.
    #[test]
    fn between_two_labels_there_is_always_room() {
        let mut labels = Enum::default();
        let mut state = 7u32;
        for oid in 0..600 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let count = labels.labels.len();
            let rank = match oid % 4 {
                0 => count,
                1 => count.min(1),
                2 => count / 2,
                _ => state as usize % (count + 1),
            };
            labels = labels.with(rank, 20_000 - oid, &format!("l{oid}"));
            assert_eq!(&*labels.labels[rank].name, format!("l{oid}"));
        }
        ordered(&labels);
        for oid in 0..300 {
            labels = labels.with(1, 30_000 + oid, "x");
            labels = labels.with(labels.labels.len() - 1, 40_000 + oid, "y");
        }
        ordered(&labels);
    }

    #[test]
    fn sort_order_is_postgresqls() {
        let mut labels = Enum::default();
        for (rank, name) in ["a", "b", "c"].iter().enumerate() {
            labels = labels.with(rank, 100 + rank as u32, name);
        }
        let labels = labels.with(0, 200, "first").with(2, 201, "a2").with(5, 202, "last");
        let shown: Vec<(&str, f32)> = labels.labels.iter().map(|l| (&*l.name, l.order)).collect();
        assert_eq!(shown, [("first", 0.0), ("a", 1.0), ("a2", 1.5), ("b", 2.0), ("c", 3.0), ("last", 4.0)]);
    }
}
