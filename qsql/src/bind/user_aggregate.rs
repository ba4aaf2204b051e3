//! Calls of aggregates that users have made.
//!
//! The functions behind an aggregate are resolved here, for the types of this call: the state first, then the aggregated arguments.
//! They run on the behalf of the aggregate's owner, so that who calls the aggregate needs no privilege on them.

use std::sync::Arc;

use super::Binder;
use super::call::CallKind;
use crate::catalog::{AggregateDef, AggregateKind, AggregateStep, AggregateTarget, AggregateWay, Routine};
use crate::error::{Result, SqlError};
use crate::func::resolve::{
    Among, CallShape, FunctionMatch, Resolution, UserCandidate, call_types, resolve_among,
};
use crate::func::{USER_AGGREGATE, function_by_oid};
use crate::parse::ast::{FuncCall, Pos};
use crate::plan::expr::Expr;
use crate::types::{DataType, Datum, Oid, io_text, oid};

impl Binder<'_> {
    /// A call of a user's aggregate, over groups or over a window.
    pub(super) fn bind_user_aggregate(
        &mut self,
        call: &FuncCall,
        (routine, def): (&Arc<Routine>, &AggregateDef),
        args: Vec<Expr>,
        found: &Resolution,
        pos: Pos,
    ) -> Result<Expr> {
        let kind = CallKind {
            aggregate: true,
            window: false,
            no_args: routine.params.is_empty(),
            ordered_set: def.kind != AggregateKind::Normal,
        };
        self.check_decorations_of(call, kind, pos)?;
        let mut args = args;
        if def.kind == AggregateKind::Hypothetical && call.within_group {
            self.match_hypothetical(call, &mut args, pos)?;
        }
        let args = self.lay_out(args, found, pos)?;
        self.note_routine(call.name.pos(), routine.oid);
        if !self.s.routines.iter().any(|r| r.oid == routine.oid) {
            self.s.routines.push(routine.clone());
        }
        let target = self.aggregate_target(routine, def, &args, found)?;
        let (func, user) = (&USER_AGGREGATE, Some(Arc::new(target)));
        let ty = DataType::of(found.result);
        match &call.over {
            Some(over) => self.bind_window_call(call, over, (func, user), args, ty, pos),
            None => self.bind_aggregate(call, (func, user), args, ty, pos),
        }
    }

    fn aggregate_target(
        &self,
        routine: &Arc<Routine>,
        def: &AggregateDef,
        args: &[Expr],
        found: &Resolution,
    ) -> Result<AggregateTarget> {
        let way: &AggregateWay = &def.plain;
        let state = DataType::of(found.stands_for(way.state));
        // What takes any type takes an untyped literal as text.
        let typed = |a: &Expr| if a.ty.oid == oid::UNKNOWN { DataType::of(oid::TEXT) } else { a.ty };
        let direct = match def.kind {
            AggregateKind::Normal => 0,
            AggregateKind::OrderedSet => usize::from(def.direct).min(args.len()),
            AggregateKind::Hypothetical => args.len() / 2,
        };
        let (direct_args, aggregated) = args.split_at(direct);
        let taken: Vec<DataType> = std::iter::once(state).chain(aggregated.iter().map(typed)).collect();
        let transition = self.aggregate_step(way.transition, &taken)?;
        let finish = match way.finish {
            0 => None,
            finish => {
                let mut given: Vec<DataType> =
                    std::iter::once(state).chain(direct_args.iter().map(typed)).collect();
                if way.extra {
                    given.extend(aggregated.iter().map(typed));
                }
                Some(self.aggregate_step(finish, &given)?)
            }
        };
        let initial = match &way.initial {
            Some(text) => io_text::parse_text(state.oid, -1, text, self.cx.io)?,
            None => Datum::Null,
        };
        Ok(AggregateTarget { routine: routine.clone(), direct, transition, finish, initial })
    }

    /// A function of an aggregate, for values of these types.
    fn aggregate_step(&self, function: Oid, types: &[DataType]) -> Result<AggregateStep> {
        let oids: Vec<Oid> = types.iter().map(|ty| ty.oid).collect();
        if let Some(func) = function_by_oid(function) {
            let (_, result) = call_types(func, &oids)?;
            return Ok(AggregateStep::Builtin { func, inputs: types.to_vec(), result: DataType::of(result) });
        }
        let catalog = self.cx.catalog;
        let gone = || SqlError::internal(format_args!("cache lookup failed for function {function}"));
        let named = catalog.routine_by_oid(function).ok_or_else(gone)?;
        // Asked for by its name the function is a part of what the plan rests on.
        let now = catalog.routines(Some(&named.schema), &named.name).into_iter().map(|(_, r)| r);
        let routine = now.into_iter().find(|r| r.oid == function).unwrap_or(named);
        let types = routine.inputs().map(|p| p.ty).collect();
        let candidate = UserCandidate { place: 0, routine: routine.clone(), types, by_call: false };
        let shape = CallShape { names: &[], variadic: routine.variadic() != 0 };
        let among = Among { users: std::slice::from_ref(&candidate), builtins: None, word: "function" };
        match resolve_among(&routine.name, &oids, shape, among)? {
            FunctionMatch::Function(found) => {
                Ok(AggregateStep::Routine(self.unchecked_target(&routine, &found)))
            }
            FunctionMatch::Cast(_) => Err(gone()),
        }
    }
}
