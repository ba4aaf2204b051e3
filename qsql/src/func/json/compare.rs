//! Comparison and hash of `jsonb`.

use crate::func::args::{order, scalar};
use crate::func::hash::{hash_bytes, hash_numeric};
use crate::types::jsonb::{Kind, Node, Step, Walk, compare};

order!(compare, Node<'_>, Node<'_>; jsonb_eq, jsonb_ne, jsonb_lt, jsonb_le, jsonb_gt, jsonb_ge, jsonb_cmp);

scalar! {
    jsonb_hash(value: Node<'_>) -> i32 = hash(value);
}

/// The hash that `jsonb_hash` shows: PostgreSQL's, part by part.
fn hash(value: Node<'_>) -> i32 {
    const ARRAY: u32 = 0x4000_0000;
    const OBJECT: u32 = 0x2000_0000;
    if !value.is_scalar() && value.array().len() == 0 && value.object().len() == 0 {
        return 0;
    }
    let mut hash = 0u32;
    let scalar = |hash: &mut u32, part: u32| *hash = hash.rotate_left(1) ^ part;
    // A scalar at the top is an array of one.
    if value.is_scalar() {
        hash ^= ARRAY;
    }
    for step in Walk::new(value) {
        match step {
            Step::Begin(Kind::Array, _) => hash ^= ARRAY,
            Step::Begin(..) => hash ^= OBJECT,
            Step::Key(key) => scalar(&mut hash, hash_bytes(key.as_bytes()) as u32),
            Step::Scalar(node) => {
                let part = match (node.str(), node.number(), node.bool()) {
                    (Some(text), _, _) => hash_bytes(text.as_bytes()) as u32,
                    (_, Some(number), _) => hash_numeric(&number) as u32,
                    (_, _, Some(value)) => {
                        if value {
                            2
                        } else {
                            4
                        }
                    }
                    _ => 1,
                };
                scalar(&mut hash, part);
            }
            Step::End(_) => {}
        }
    }
    hash as i32
}
