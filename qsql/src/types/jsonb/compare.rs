//! The order of `jsonb`: object > array > boolean > number > string > null; of containers, the one with more parts is greater,
//! then the parts decide, keys before their values. For historical reasons an empty array at the top is less than any scalar.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Kind, Node, Step, Walk};

fn compare_scalars(a: Node<'_>, b: Node<'_>) -> Ordering {
    a.kind().cmp(&b.kind()).then_with(|| match a.kind() {
        Kind::String => a.str().cmp(&b.str()),
        Kind::Number => a.number().cmp(&b.number()),
        Kind::Bool => a.bool().cmp(&b.bool()),
        Kind::Null | Kind::Array | Kind::Object => Ordering::Equal,
    })
}

/// Compares two values.
pub fn compare(a: Node<'_>, b: Node<'_>) -> Ordering {
    if a.bytes() == b.bytes() {
        return Ordering::Equal;
    }
    let empty = |node: Node<'_>| node.kind() == Kind::Array && node.array().len() == 0;
    match (a.is_scalar(), b.is_scalar()) {
        (true, true) => return compare_scalars(a, b),
        (true, false) if empty(b) => return Ordering::Greater,
        (false, true) if empty(a) => return Ordering::Less,
        _ => {}
    }
    for (x, y) in Walk::new(a).zip(Walk::new(b)) {
        let order = match (x, y) {
            (Step::Begin(k, n), Step::Begin(l, m)) => k.cmp(&l).then_with(|| n.cmp(&m)),
            (Step::Key(k), Step::Key(l)) => k.cmp(l),
            (Step::Scalar(v), Step::Scalar(w)) => compare_scalars(v, w),
            (Step::Begin(..), Step::Scalar(_)) => Ordering::Greater,
            (Step::Scalar(_), Step::Begin(..)) => Ordering::Less,
            // As many parts were met on both sides, so both end together.
            _ => Ordering::Equal,
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Feeds a value to a hash: equal values feed the same.
pub fn hash_into<H: Hasher>(node: Node<'_>, state: &mut H) {
    for step in Walk::new(node) {
        match step {
            Step::Begin(kind, len) => {
                state.write_u8(kind as u8);
                state.write_usize(len);
            }
            Step::Key(key) => key.hash(state),
            Step::Scalar(scalar) => {
                state.write_u8(scalar.kind() as u8);
                match (scalar.str(), scalar.number(), scalar.bool()) {
                    (Some(text), _, _) => text.hash(state),
                    (_, Some(number), _) => number.hash(state),
                    (_, _, Some(value)) => state.write_u8(u8::from(value)),
                    _ => {}
                }
            }
            Step::End(_) => {}
        }
    }
}
