//! `substring(text, from [, count])` with constant bounds.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::{Datum, oid};

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::strings::Strings;
use super::super::vector::{Values, Vector};
use super::call::Call;
use super::{Node, null_constant};

/// A substring between two characters.
pub(in crate::exec) struct Substring {
    /// Characters skipped.
    skip: usize,
    /// Characters taken.
    take: usize,
    call: Call,
}

/// Takes over substring calls with constant bounds that are in order.
pub(super) fn recognise(call: Call) -> Result<Substring, Call> {
    if !matches!(call.func.name, "substring" | "substr")
        || call.arg_types.first().map(|t| t.oid) != Some(oid::TEXT)
    {
        return Err(call);
    }
    let bound = |node: &Node| match node {
        Node::Const(v) => match v.datum(0, oid::INT4) {
            Datum::Int4(n) => Some(i64::from(n)),
            _ => None,
        },
        _ => None,
    };
    let range = match &call.args[1..] {
        [from] if call.arg_types[1].oid == oid::INT4 => bound(from).map(|from| (from, i64::MAX)),
        [from, count] => match (bound(from), bound(count)) {
            (Some(from), Some(count)) if count >= 0 => Some((from, from + count)),
            _ => None,
        },
        _ => None,
    };
    match range {
        Some((from, to)) => {
            let first = from.max(1);
            Ok(Substring { skip: (first - 1) as usize, take: (to - first).max(0) as usize, call })
        }
        None => Err(call),
    }
}

impl Substring {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let text = self.call.args[0].eval(batch, rows, cx)?;
        let Values::Str(s) = &text.values else { return Ok(null_constant(oid::TEXT)) };
        let mut out = Strings::default();
        if text.constant {
            out.push(self.cut(s.get(0)));
        } else {
            for row in rows.iter() {
                out.resize(row);
                out.push(self.cut(s.get(row)));
            }
            out.resize(batch.len);
        }
        Ok(Arc::new(Vector { values: Values::Str(out), nulls: text.nulls.clone(), constant: text.constant }))
    }

    fn cut<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let rest = &text[offset(text, self.skip)..];
        &rest[..offset(rest, self.take)]
    }
}

/// Byte offset of character number `characters`, or the end.
fn offset(text: &[u8], characters: usize) -> usize {
    let reach = text.len().min(characters);
    if text[..reach].is_ascii() {
        return reach;
    }
    let mut starts = text.iter().enumerate().filter(|(_, b)| **b & 0xc0 != 0x80);
    starts.nth(characters).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_characters() {
        assert_eq!(offset(b"hello", 2), 2);
        assert_eq!(offset(b"hello", 9), 5);
        assert_eq!(offset("\u{e4}b\u{20ac}d".as_bytes(), 3), 6);
        assert_eq!(offset("ab\u{20ac}".as_bytes(), 3), 5);
    }
}
