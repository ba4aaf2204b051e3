//! Hypothetical-set aggregates: where a row would stand among the group's, `rank(3) WITHIN GROUP (ORDER BY x)`.
//!
//! The arguments of a row are the hypothetical row's, as many of the row's itself, and the order (see [`order_mask`]). Rows arrive
//! sorted.

use super::State;
use crate::error::{Result, SqlError};
use crate::func::{Aggregate, EvalCx};
use crate::types::compare::sort_order;
use crate::types::{DataType, Datum, Oid};
use std::cmp::Ordering;

/// The directions of sort keys, `(descending, nulls first)`, as the last argument has them: two bits a key.
pub(crate) fn order_mask(keys: impl Iterator<Item = (bool, bool)>) -> i64 {
    keys.enumerate().fold(0, |mask, (n, (descending, nulls_first))| {
        mask | (i64::from(descending) | i64::from(nulls_first) << 1) << (2 * n)
    })
}

#[derive(Clone, Copy)]
enum Answer {
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
}

/// What has been seen of a group.
struct Place {
    answer: Answer,
    types: Vec<Oid>,
    rows: i64,
    /// Rows that sort before the hypothetical one.
    before: i64,
    /// Distinct ones among them.
    distinct: i64,
    /// Rows that are its peers.
    peers: i64,
    /// The last row before, to tell distinct ones.
    last: Vec<Datum>,
}

impl Place {
    fn order(&self, a: &[Datum], b: &[Datum], mask: i64) -> Ordering {
        let pairs = a.iter().zip(b).zip(&self.types).enumerate();
        let mut orders = pairs.map(|(n, ((a, b), ty))| {
            let bits = mask >> (2 * n);
            sort_order(a, b, *ty, bits & 1 != 0, bits & 2 != 0)
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl State for Place {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let Some((Datum::Int8(mask), values)) = args.split_last() else {
            return Err(SqlError::internal("hypothetical-set aggregate without an order"));
        };
        let (supposed, row) = values.split_at(values.len() / 2);
        self.rows += 1;
        match self.order(row, supposed, *mask) {
            Ordering::Less => {
                self.before += 1;
                if self.distinct == 0 || self.order(&self.last, row, *mask).is_ne() {
                    self.distinct += 1;
                    self.last = row.to_vec();
                }
            }
            Ordering::Equal => self.peers += 1,
            Ordering::Greater => {}
        }
        Ok(())
    }

    fn absorb(&mut self, _: &mut Self) -> Result<()> {
        Err(SqlError::internal("ordered-set aggregates are not merged"))
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(match self.answer {
            Answer::Rank => Datum::Int8(self.before + 1),
            Answer::DenseRank => Datum::Int8(self.distinct + 1),
            Answer::PercentRank if self.rows == 0 => Datum::Float8(0.0),
            Answer::PercentRank => Datum::Float8(self.before as f64 / self.rows as f64),
            Answer::CumeDist => Datum::Float8((self.before + self.peers + 1) as f64 / (self.rows + 1) as f64),
        })
    }

    fn heap_bytes(&self) -> usize {
        self.last.iter().map(|value| size_of::<Datum>() + value.heap_bytes()).sum()
    }
}

fn place(types: &[DataType], answer: Answer) -> Box<dyn Aggregate> {
    let types = types[..types.len() / 2].iter().map(|ty| ty.oid).collect();
    Box::new(Place { answer, types, rows: 0, before: 0, distinct: 0, peers: 0, last: Vec::new() })
}

/// `rank`
pub(in crate::func) fn agg_rank(types: &[DataType]) -> Box<dyn Aggregate> {
    place(types, Answer::Rank)
}

/// `dense_rank`
pub(in crate::func) fn agg_dense_rank(types: &[DataType]) -> Box<dyn Aggregate> {
    place(types, Answer::DenseRank)
}

/// `percent_rank`
pub(in crate::func) fn agg_percent_rank(types: &[DataType]) -> Box<dyn Aggregate> {
    place(types, Answer::PercentRank)
}

/// `cume_dist`
pub(in crate::func) fn agg_cume_dist(types: &[DataType]) -> Box<dyn Aggregate> {
    place(types, Answer::CumeDist)
}
