//! Aggregates: the running state of one group.
//!
//! One constructor per name; the argument types choose the state. States of aggregates that depend on the order of rows
//! (`array_agg`, `string_agg`, ordered-set aggregates) take the rows in the order in which they are added: the executor
//! sorts by the call's ORDER BY. An ordered-set aggregate gets its direct arguments before the sorted one in every row.

mod collect;
mod extreme;
mod hypothetical;
mod json;
mod ordered;
mod range;
mod statistics;
mod sum;

pub(super) use collect::{agg_any_value, agg_array_agg, agg_string_agg};
pub(super) use extreme::{
    agg_bit_and, agg_bit_or, agg_bit_xor, agg_bool_and, agg_bool_or, agg_every, agg_max, agg_min,
};
pub(crate) use hypothetical::order_mask;
pub(super) use hypothetical::{agg_cume_dist, agg_dense_rank, agg_percent_rank, agg_rank};
pub(super) use json::{
    json_agg, json_agg_strict, json_object_agg, json_object_agg_strict, json_object_agg_unique,
    json_object_agg_unique_strict, jsonb_agg, jsonb_agg_strict, jsonb_object_agg, jsonb_object_agg_strict,
    jsonb_object_agg_unique, jsonb_object_agg_unique_strict,
};
pub(super) use ordered::{agg_mode, agg_percentile_cont, agg_percentile_disc};
pub(super) use range::{range_agg, range_intersect_agg};
pub(super) use statistics::{
    agg_corr, agg_covar_pop, agg_covar_samp, agg_regr_avgx, agg_regr_avgy, agg_regr_count,
    agg_regr_intercept, agg_regr_r2, agg_regr_slope, agg_regr_sxx, agg_regr_sxy, agg_regr_syy, agg_stddev,
    agg_stddev_pop, agg_stddev_samp, agg_var_pop, agg_var_samp, agg_variance,
};
pub(super) use sum::{agg_avg, agg_count, agg_sum};

use super::{Aggregate, EvalCx};
use crate::error::{Result, SqlError};
use crate::types::{DataType, Datum, Oid};

/// What a state has to define; [`Aggregate`] follows, with the downcast that `merge` needs.
trait State: Send + Sized + 'static {
    fn take(&mut self, cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<()>;
    fn absorb(&mut self, other: &mut Self) -> Result<()>;
    fn result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum>;
    fn last_result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        self.result(cx)
    }
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl<T: State> Aggregate for T {
    fn add(&mut self, cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        self.take(cx, args)
    }

    fn merge(&mut self, other: &mut dyn Aggregate) -> Result<()> {
        match other.as_any().downcast_mut::<T>() {
            Some(other) => self.absorb(other),
            None => Err(SqlError::internal("states of different aggregates cannot be merged")),
        }
    }

    fn finish(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        self.result(cx)
    }

    fn take_result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        self.last_result(cx)
    }

    fn bytes(&self) -> usize {
        self.heap_bytes()
    }

    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

/// The state of an aggregate that a user has made is kept by the executor, which alone can call functions of users.
struct UserState;

impl State for UserState {
    fn take(&mut self, _: &mut EvalCx<'_>, _: &[Datum]) -> Result<()> {
        Err(SqlError::internal("a user's aggregate has no state here"))
    }

    fn absorb(&mut self, _: &mut Self) -> Result<()> {
        Err(SqlError::internal("a user's aggregate has no state here"))
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Err(SqlError::internal("a user's aggregate has no state here"))
    }
}

pub(super) fn user_aggregate(_: &[DataType]) -> Box<dyn Aggregate> {
    Box::new(UserState)
}

/// Type of the first argument; 0 without arguments.
fn first_type(types: &[DataType]) -> Oid {
    types.first().map_or(0, |ty| ty.oid)
}

#[cfg(test)]
mod tests;
