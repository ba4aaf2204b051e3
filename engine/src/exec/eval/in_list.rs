//! `x = ANY (constant array)` and `x <> ALL (constant array)`: IN and NOT IN lists, by a set.

use std::sync::Arc;

use hashbrown::HashSet;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::Function;
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::{Datum, oid};

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::hash::{integer, unpadded};
use super::super::strings::Strings;
use super::super::vector::{Nulls, Values, Vector};
use super::compare::{self, Op};
use super::compile::{Scope, compile};
use super::{Node, is_null_constant, null_constant};

/// Membership in a set of constants.
pub(in crate::exec) struct InList {
    value: Node,
    set: Set,
    /// The list has a NULL: a row that is not in it is unknown.
    has_null: bool,
    /// NOT IN.
    negated: bool,
}

enum Set {
    Ints(HashSet<i64, foldhash::fast::FixedState>),
    /// `heads`: lengths and first bytes (see [`Strings::head`]) of a few strings, which tell most others apart.
    Strings {
        set: HashSet<Box<[u8]>, foldhash::fast::FixedState>,
        heads: Option<Vec<u64>>,
        padded: bool,
    },
}

/// Strings up to which comparing all heads costs less than hashing.
const FEW: usize = 8;

/// Makes the node if the function is an (in)equality with a set form and the array is constant.
pub(super) fn recognise(
    func: &'static Function,
    any: bool,
    left: &Expr,
    array: &Expr,
    scope: &mut Scope<'_>,
) -> Result<Option<Node>> {
    let negated = match (compare::operator(func.name), any) {
        (Some(Op::Eq), true) => false,
        (Some(Op::Ne), false) => true,
        _ => return Ok(None),
    };
    let Node::Const(items) = compile(array, scope)? else { return Ok(None) };
    let Datum::Array(items) = items.datum(0, array.ty.oid) else { return Ok(None) };
    // With no element the answer is known even for a NULL.
    if items.items.is_empty() {
        return Ok(None);
    }
    let Some(set) = Set::new(&items.items, left.ty.oid) else { return Ok(None) };
    let has_null = items.items.iter().any(Datum::is_null);
    Ok(Some(Node::In(Box::new(InList { value: compile(left, scope)?, set, has_null, negated }))))
}

impl Set {
    fn new(items: &[Datum], left: u32) -> Option<Set> {
        let present = || items.iter().filter(|d| !d.is_null());
        let ints: Option<HashSet<i64, _>> = present()
            .map(|d| match d {
                Datum::Int2(x) => Some(i64::from(*x)),
                Datum::Int4(x) | Datum::Date(x) => Some(i64::from(*x)),
                Datum::Int8(x) | Datum::Timestamp(x) | Datum::TimestampTz(x) | Datum::Time(x) => Some(*x),
                Datum::Oid(x) => Some(i64::from(*x)),
                _ => None,
            })
            .collect();
        if let Some(ints) = ints {
            return Some(Set::Ints(ints));
        }
        let padded = left == oid::BPCHAR;
        let strings: Option<HashSet<Box<[u8]>, _>> = present()
            .map(|d| match d {
                Datum::Text(s) if padded => Some(Box::from(unpadded(s.as_bytes()))),
                Datum::Text(s) => Some(Box::from(s.as_bytes())),
                Datum::Bytea(b) => Some(Box::from(&b[..])),
                _ => None,
            })
            .collect();
        strings.map(|set| {
            let head = |s: &[u8]| {
                let mut one = Strings::default();
                one.push(s);
                one.head(0)
            };
            let heads = (set.len() <= FEW && !padded).then(|| set.iter().map(|s| head(s)).collect());
            Set::Strings { set, heads, padded }
        })
    }

    /// Whether value number `i` of the vector is in the set; `None` for a vector of another kind.
    fn contains(&self, value: &Vector, i: usize) -> Option<bool> {
        match (self, &value.values) {
            (Set::Ints(set), _) => integer(value, i).map(|x| set.contains(&x)),
            (Set::Strings { set, padded: true, .. }, Values::Str(s)) => {
                Some(set.contains(unpadded(s.get(i))))
            }
            (Set::Strings { set, heads, padded: false }, Values::Str(s)) => {
                let head = s.head(i);
                let possible = heads.as_ref().is_none_or(|heads| heads.contains(&head));
                Some(possible && set.contains(s.get(i)))
            }
            _ => None,
        }
    }
}

impl InList {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let value = self.value.eval(batch, rows, cx)?;
        if is_null_constant(&value) {
            return Ok(null_constant(oid::BOOL));
        }
        let (rows, len) = if value.constant { (Rows::All(1), 1) } else { (rows, batch.len) };
        let mut out = vec![false; len];
        let mut nulls: Nulls = value.nulls.clone();
        for row in rows.iter() {
            let found = self
                .set
                .contains(&value, row)
                .ok_or_else(|| SqlError::internal("an IN list over values of another type"))?;
            if !found && self.has_null {
                nulls.set(row);
            }
            out[row] = found != self.negated;
        }
        Ok(Arc::new(Vector { values: Values::Bool(out), nulls, constant: value.constant }))
    }
}
