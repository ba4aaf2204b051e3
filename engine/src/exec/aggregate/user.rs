//! Aggregates that users have made: a state for each group, which the transition function makes a new one of.
//!
//! Of a strict transition function (manual, CREATE AGGREGATE): rows with a NULL are left out; without a first state the first value
//! becomes the state; once the state is NULL it stays so.

use std::sync::Arc;

use nq_qsql::catalog::{AggregateStep, AggregateTarget};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::Body;
use nq_qsql::types::{DataType, Datum};

use super::super::ExecCx;
use super::super::batch::Rows;
use super::super::vector::Vector;
use crate::session::routine;

/// Bytes of a group beside its values.
const GROUP_BYTES: usize = 64;

/// The state of one group.
#[derive(Clone)]
struct Group {
    /// `None`: the first value becomes the state.
    state: Option<Datum>,
    /// The direct arguments of an ordered-set aggregate.
    direct: Vec<Datum>,
}

/// All groups of one call.
pub(in crate::exec) struct UserStates {
    target: Arc<AggregateTarget>,
    types: Vec<DataType>,
    groups: Vec<Group>,
    bytes: usize,
}

impl UserStates {
    pub(super) fn new(target: &Arc<AggregateTarget>, types: &[DataType]) -> UserStates {
        UserStates { target: target.clone(), types: types.to_vec(), groups: Vec::new(), bytes: 0 }
    }

    pub(super) fn grow(&mut self, groups: usize) {
        let waits = self.target.transition.strict() && self.target.initial.is_null();
        let state = (!waits).then(|| self.target.initial.clone());
        self.bytes += groups.saturating_sub(self.groups.len()) * GROUP_BYTES;
        self.groups.resize(groups, Group { state, direct: Vec::new() });
    }

    pub(super) fn add(
        &mut self,
        args: &[&Vector],
        rows: Rows<'_>,
        groups: &[u32],
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        let target = self.target.clone();
        let strict = target.transition.strict();
        let mut values: Vec<Datum> = Vec::with_capacity(args.len() + 1);
        for r in rows.iter() {
            let group = &mut self.groups[groups[r] as usize];
            let value = |i: usize| args[i].datum(r, self.types[i].oid);
            if group.direct.len() < target.direct {
                group.direct = (0..target.direct).map(value).collect();
            }
            values.clear();
            values.push(Datum::Null);
            values.extend((target.direct..args.len()).map(value));
            if strict && values[1..].iter().any(Datum::is_null) {
                continue;
            }
            let before = group.state.as_ref().map_or(0, Datum::heap_bytes);
            let next = match group.state.take() {
                None => values.get(1).cloned().unwrap_or(Datum::Null),
                Some(Datum::Null) if strict => Datum::Null,
                Some(state) => {
                    values[0] = state;
                    step(&target.transition, &values, cx)?
                }
            };
            self.bytes = (self.bytes + next.heap_bytes()).saturating_sub(before);
            group.state = Some(next);
        }
        Ok(())
    }

    pub(super) fn finish(&self, group: usize, cx: &mut ExecCx<'_>) -> Result<Datum> {
        let group = &self.groups[group];
        let state = group.state.clone().unwrap_or(Datum::Null);
        let Some(last) = &self.target.finish else { return Ok(state) };
        let mut values = Vec::with_capacity(last.width());
        values.push(state);
        // Of a group without rows nobody knows the direct arguments.
        values.extend(group.direct.iter().cloned());
        values.resize(last.width(), Datum::Null);
        if last.strict() && values.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        step(last, &values, cx)
    }

    /// Forgets all groups but the last, which becomes number 0.
    pub(super) fn keep_last(&mut self) {
        let last = self.groups.pop();
        self.groups.clear();
        self.groups.extend(last);
        let held = |d: &Datum| d.heap_bytes();
        self.bytes = self.groups.iter().map(|g| GROUP_BYTES + g.state.as_ref().map_or(0, held)).sum();
    }

    pub(super) fn empty(&mut self) {
        self.groups.clear();
        self.bytes = 0;
    }

    /// Heap bytes held, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Calls a function of an aggregate.
fn step(step: &AggregateStep, values: &[Datum], cx: &mut ExecCx<'_>) -> Result<Datum> {
    match step {
        AggregateStep::Builtin { func, inputs, result } => match func.body {
            Body::Scalar(body) => body(&mut cx.eval_cx(inputs, *result), values),
            _ => Err(SqlError::internal(format_args!("{} does not yield one value", func.name))),
        },
        AggregateStep::Routine(target) => routine::call(target, values, cx),
    }
}
