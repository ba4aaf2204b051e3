//! Comparison and hash of `jsonb`.

use crate::func::args::{order, scalar};
use crate::func::hash::{hash_bytes, hash_bytes_seeded, hash_numeric, hash_numeric_seeded, hash_u32_seeded};
use crate::types::jsonb::{Kind, Node, Step, Walk, compare};

order!(compare, Node<'_>, Node<'_>; jsonb_eq, jsonb_ne, jsonb_lt, jsonb_le, jsonb_gt, jsonb_ge, jsonb_cmp);

scalar! {
    jsonb_hash(value: Node<'_>) -> i32 = hash(value);
    jsonb_hash_extended(value: Node<'_>, seed: i64) -> i64 = hash_extended(value, seed);
}

/// The hash that `jsonb_hash_extended` shows.
fn hash_extended(value: Node<'_>, seed: i64) -> i64 {
    const ARRAY: u64 = 0x4000_0000_4000_0000;
    const OBJECT: u64 = 0x2000_0000_2000_0000;
    if !value.is_scalar() && value.array().len() == 0 && value.object().len() == 0 {
        return seed;
    }
    // Both halves turn by one bit, each by itself.
    let turned = |v: u64| (v << 1 & 0xffff_fffe_ffff_fffe) | (v >> 31 & 0x1_0000_0001);
    let scalar = |hash: &mut u64, part: i64| *hash = turned(*hash) ^ part as u64;
    let mut hash = if value.is_scalar() { ARRAY } else { 0 };
    for step in Walk::new(value) {
        match step {
            Step::Begin(Kind::Array, _) => hash ^= ARRAY,
            Step::Begin(..) => hash ^= OBJECT,
            Step::Key(key) => scalar(&mut hash, hash_bytes_seeded(key.as_bytes(), seed)),
            Step::Scalar(node) => {
                let part = match (node.str(), node.number(), node.bool()) {
                    (Some(text), _, _) => hash_bytes_seeded(text.as_bytes(), seed),
                    (_, Some(number), _) => hash_numeric_seeded(&number, seed),
                    (_, _, Some(value)) if seed != 0 => hash_u32_seeded(value.into(), seed),
                    (_, _, Some(value)) => 4 - 2 * i64::from(value),
                    _ => seed.wrapping_add(1),
                };
                scalar(&mut hash, part);
            }
            Step::End(_) => {}
        }
    }
    hash as i64
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
