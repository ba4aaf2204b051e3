//! Calls: functions, sets, aggregates and window functions.

use super::Binder;
use super::expr::{literal, result_collation};
use super::group::BoundWindow;
use super::scope::Clause;
use crate::catalog::AggregateTarget;
use crate::error::{Result, SqlError, SqlState};
use crate::func::HYPOTHETICAL;
use crate::func::resolve::{
    Among, ArgSource, CallShape, Callee, FunctionMatch, Resolution, is_cast, resolve_among,
};
use crate::func::{Body, Function};
use crate::parse::ast::{ExprId, ExprKind as A, FuncCall, FuncSyntax, Ident, ObjectName, Over, Pos};
use crate::plan::expr::{CallForm, Expr, ExprKind, WindowCall, WindowSpec};
use crate::sql_err;
use crate::types::{DataType, Datum, oid};

impl Binder<'_> {
    pub(crate) fn bind_call(&mut self, call: &FuncCall, pos: Pos) -> Result<Expr> {
        let name = &*call.name.object().name;
        if let Some(schema) = call.name.schema()
            && &*schema.name != "pg_catalog"
        {
            if self.cx.catalog.namespace(schema).is_none() {
                return Err(
                    sql_err!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", schema.name).at(pos)
                );
            }
            self.check_schema_usage(schema, pos)?;
        }
        let schema = call.name.schema().map(|s| &*s.name);
        let users = self.user_candidates(schema, name, false);
        let builtins = match schema {
            None => Some(self.place_of_builtins(&users)),
            Some("pg_catalog" | "information_schema") => Some(0),
            Some(_) => None,
        };
        // What an aggregate's arguments are is only known after resolution; a scalar call's are bound the same way.
        let is_aggregate = (crate::func::functions(name).iter().any(|f| f.is_aggregate())
            || users.iter().any(|u| u.routine.aggregate.is_some()))
            && call.over.is_none();
        if is_aggregate {
            self.scope().in_aggregate += 1;
        }
        let args = self.bind_call_args(call);
        if is_aggregate {
            self.scope().in_aggregate -= 1;
        }
        let mut args = args?;
        if call.within_group {
            for item in &call.order_by {
                let e = self.bind_expr(item.expr)?;
                args.push(e);
            }
        }
        let names: Vec<&str> = call.args.iter().filter_map(|a| a.name.as_ref().map(|n| &*n.name)).collect();
        let types: Vec<u32> = args.iter().map(|a| a.ty.oid).collect();
        let shape = CallShape { names: &names, variadic: call.variadic };
        let among = Among { users: &users, builtins, word: "function" };
        let resolved = resolve_among(name, &types, shape, among);
        if let (Err(error), [arg], true) = (&resolved, args.as_slice(), names.is_empty() && !call.variadic)
            && error.code() == SqlState::UNDEFINED_FUNCTION
        {
            // `f(x)` may be the field `f` of `x`, or a cast to the type `f`.
            if schema.is_none()
                && let Some(fields) = self.record_fields(arg)
                && let Some(i) = fields.iter().position(|(field, _)| **field == *name)
            {
                return Ok(super::expr::record_field(arg.clone(), i, &fields));
            }
            let target = self.cx.catalog.user_type(schema, name).filter(|ty| ty.relation().is_none());
            if let Some(ty) = target
                && is_cast(arg.ty.oid, ty.info.oid)
                && let Some(arg) = args.pop()
            {
                return self.cast(arg, DataType::of(ty.info.oid), pos);
            }
        }
        let found = match resolved.map_err(|e| qualified(e, &call.name).at(pos))? {
            FunctionMatch::Cast(ty) => {
                let Some(arg) = args.pop() else { return Err(SqlError::internal("cast without argument")) };
                return self.cast(arg, DataType::of(ty), pos);
            }
            FunctionMatch::Function(found) => found,
        };
        let func = match &found.callee {
            Callee::Builtin(func) => *func,
            Callee::Routine(routine) => return self.bind_routine(call, &routine.clone(), args, &found, pos),
        };
        self.check_decorations(call, func, pos)?;
        let mut ty = DataType::of(found.result);
        // Rows keep the names of their fields.
        if matches!(ty.oid, oid::RECORD | oid::RECORD_ARRAY) && func.result != oid::RECORD {
            let rows = args.iter().map(|a| a.ty).find(|t| matches!(t.oid, oid::RECORD | oid::RECORD_ARRAY));
            ty.typmod = rows.map_or(-1, |t| t.typmod);
        }
        if func.direct_args == Some(HYPOTHETICAL) && call.within_group {
            self.match_hypothetical(call, &mut args, pos)?;
        }
        let args = self.lay_out(args, &found, pos)?;
        if let Some(over) = &call.over {
            return self.bind_window_call(call, over, (func, None), args, ty, pos);
        }
        match func.body {
            Body::Aggregate(_) => self.bind_aggregate(call, (func, None), args, ty, pos),
            Body::Window => {
                Err(sql_err!(WRONG_OBJECT_TYPE, "window function {name} requires an OVER clause").at(pos))
            }
            Body::Set { .. } => self.bind_set_call(func, args, ty, pos),
            Body::Scalar(_) => {
                if matches!(func.name, "nextval" | "setval" | "lo_create" | "lo_unlink") {
                    self.s.writes = true;
                }
                if matches!(func.name, "txid_current" | "pg_current_xact_id") {
                    self.s.numbered = true;
                }
                let collation = result_collation(ty.oid, args.iter());
                let form = match call.syntax {
                    _ if call.variadic => CallForm::Variadic,
                    FuncSyntax::Call => CallForm::Plain,
                    syntax => CallForm::Syntax(syntax),
                };
                Ok(Expr { kind: ExprKind::Call { func, args, operator: 0, form }, ty, collation, at: pos })
            }
        }
    }

    /// Makes the hypothetical row's values and the sort keys agree in their types, one by one.
    pub(super) fn match_hypothetical(&mut self, call: &FuncCall, args: &mut [Expr], pos: Pos) -> Result<()> {
        let keys = call.order_by.len();
        let direct = args.len() - keys;
        if direct != keys {
            let types: Vec<String> = args.iter().map(|a| crate::func::category::display(a.ty.oid)).collect();
            let name = &call.name;
            return Err(sql_err!(
                UNDEFINED_FUNCTION,
                "function {name}({}) does not exist",
                types.join(", ")
            )
            .hint(format!(
                "To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments (here {direct}) must match the number of ordering columns (here {keys})."
            ))
            .at(pos));
        }
        for n in 0..keys {
            let mut pair = [args[keys + n].clone(), args[n].clone()];
            self.coerce_to_common(&mut pair, "WITHIN GROUP")?;
            [args[keys + n], args[n]] = pair;
        }
        Ok(())
    }

    pub(crate) fn bind_call_args(&mut self, call: &FuncCall) -> Result<Vec<Expr>> {
        let mut args = Vec::with_capacity(call.args.len());
        for (i, arg) in call.args.iter().enumerate() {
            let before = &call.args[..i];
            match &arg.name {
                Some(name) if before.iter().any(|a| a.name.as_ref().is_some_and(|n| n.name == name.name)) => {
                    return Err(sql_err!(
                        SYNTAX_ERROR,
                        "argument name \"{}\" used more than once",
                        name.name
                    )
                    .at(name.pos));
                }
                None if before.last().is_some_and(|a| a.name.is_some()) => {
                    return Err(sql_err!(SYNTAX_ERROR, "positional argument cannot follow named argument")
                        .at(self.ast.start_of(arg.value)));
                }
                _ => {}
            }
            match &self.ast[arg.value].kind {
                // `f(t.*)` passes the row.
                A::Star(parts) if !parts.is_empty() => {
                    let table = &parts[parts.len() - 1];
                    let Some((level, item)) = self.find_relation(None, table) else {
                        return Err(self.no_such_relation(None, table, table.pos));
                    };
                    let item = self.scopes[level].items[item].clone();
                    args.push(self.whole_row(&item, table.pos));
                }
                _ => args.push(self.bind_expr(arg.value)?),
            }
        }
        Ok(args)
    }

    /// What is written around a call must fit the kind of function.
    fn check_decorations(&mut self, call: &FuncCall, func: &'static Function, pos: Pos) -> Result<()> {
        let kind = CallKind {
            aggregate: func.is_aggregate(),
            window: matches!(func.body, Body::Window),
            no_args: func.args.is_empty(),
            ordered_set: matches!(
                func.name,
                "percentile_cont"
                    | "percentile_disc"
                    | "mode"
                    | "rank"
                    | "dense_rank"
                    | "percent_rank"
                    | "cume_dist"
            ),
        };
        self.check_decorations_of(call, kind, pos)
    }

    /// As [`Binder::check_decorations`], of a function that is neither aggregate nor window function.
    pub(crate) fn check_plain_call(&mut self, call: &FuncCall, pos: Pos) -> Result<()> {
        self.check_decorations_of(
            call,
            CallKind { aggregate: false, window: false, no_args: true, ordered_set: false },
            pos,
        )
    }

    pub(super) fn check_decorations_of(&mut self, call: &FuncCall, kind: CallKind, pos: Pos) -> Result<()> {
        let name = &call.name;
        let CallKind { aggregate, window, no_args, ordered_set } = kind;
        let wrong = |text: String| Err(sql_err!(WRONG_OBJECT_TYPE, "{text}").at(pos));
        if call.star && !aggregate {
            return wrong(format!("{name}(*) specified, but {name} is not an aggregate function"));
        }
        if call.star && !no_args {
            return wrong(format!("{name}(*) must be used to call a parameterless aggregate function"));
        }
        if aggregate && no_args && !call.star {
            return wrong(format!("{name}(*) must be used to call a parameterless aggregate function"));
        }
        if !aggregate && call.distinct {
            return wrong(format!("DISTINCT specified, but {name} is not an aggregate function"));
        }
        if !aggregate && call.within_group {
            return wrong(format!("WITHIN GROUP specified, but {name} is not an aggregate function"));
        }
        if !aggregate && !call.order_by.is_empty() {
            return wrong(format!("ORDER BY specified, but {name} is not an aggregate function"));
        }
        if !aggregate && !window {
            if call.filter.is_some() {
                return wrong(format!("FILTER specified, but {name} is not an aggregate function"));
            }
            if call.over.is_some() {
                return wrong(format!(
                    "OVER specified, but {name} is not a window function nor an aggregate function"
                ));
            }
        }
        if aggregate && !ordered_set && call.within_group {
            return wrong(format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"));
        }
        if aggregate && ordered_set && !call.within_group {
            return wrong(format!("WITHIN GROUP is required for ordered-set aggregate {name}"));
        }
        Ok(())
    }

    /// Coerces and orders the arguments as the function declares them.
    pub(crate) fn lay_out(&mut self, args: Vec<Expr>, found: &Resolution, pos: Pos) -> Result<Vec<Expr>> {
        let mut given: Vec<Option<Expr>> = args.into_iter().map(Some).collect();
        let mut out = Vec::with_capacity(found.args.len());
        for want in &found.args {
            let value = match want.source {
                ArgSource::Given(n) => given
                    .get_mut(n)
                    .and_then(Option::take)
                    .ok_or_else(|| SqlError::internal("argument used twice"))?,
                ArgSource::Default(n) => {
                    let text = default_text(&found.callee, n)?;
                    super::stored::bind_constant_text(&text, self.cx)?
                }
            };
            out.push(self.coerce_arg(value, want.ty)?);
        }
        if let Some((from, _, array)) = found.gather {
            let items = out.split_off(from.min(out.len()));
            let collation = super::coerce::collation_of(array);
            out.push(Expr {
                kind: ExprKind::Array { items, nested: false },
                ty: DataType::of(array),
                collation,
                at: pos,
            });
        }
        Ok(out)
    }

    fn bind_set_call(
        &mut self,
        func: &'static Function,
        args: Vec<Expr>,
        ty: DataType,
        pos: Pos,
    ) -> Result<Expr> {
        self.check_set_place(pos)?;
        let collation = result_collation(ty.oid, args.iter());
        Ok(Expr {
            kind: ExprKind::Call { func, args, operator: 0, form: CallForm::Plain },
            ty,
            collation,
            at: pos,
        })
    }

    /// Refuses a set-returning call where there is none allowed.
    pub(crate) fn check_set_place(&mut self, pos: Pos) -> Result<()> {
        let scope = self.scope();
        match scope.clause {
            Clause::Select
            | Clause::OrderBy
            | Clause::GroupBy
            | Clause::DistinctOn
            | Clause::FunctionInFrom => {}
            Clause::Returning => {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "set-returning functions are not allowed in RETURNING"
                )
                .at(pos));
            }
            clause => {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "set-returning functions are not allowed in {}",
                    clause.name()
                )
                .at(pos));
            }
        }
        if scope.in_aggregate > 0 {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "aggregate function calls cannot contain set-returning function calls"
            )
            .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
            .at(pos));
        }
        if let Some(what) = scope.setless {
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in {what}")
                .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
                .at(pos));
        }
        scope.has_sets |= scope.clause != Clause::FunctionInFrom;
        Ok(())
    }

    pub(crate) fn bind_window_call(
        &mut self,
        call: &FuncCall,
        over: &Over,
        (func, user): (&'static Function, Option<std::sync::Arc<AggregateTarget>>),
        args: Vec<Expr>,
        ty: DataType,
        pos: Pos,
    ) -> Result<Expr> {
        let clause = self.scope().clause;
        if !matches!(clause, Clause::Select | Clause::OrderBy | Clause::DistinctOn) {
            let text = match clause {
                Clause::JoinOn => "window functions are not allowed in JOIN conditions".to_owned(),
                Clause::WindowPartition | Clause::WindowOrder | Clause::WindowFrame => {
                    "window functions are not allowed in window definitions".to_owned()
                }
                _ => format!("window functions are not allowed in {}", clause.name()),
            };
            return Err(sql_err!(WINDOWING_ERROR, "{text}").at(pos));
        }
        if self.scope().in_aggregate > 0 {
            return Err(sql_err!(
                GROUPING_ERROR,
                "aggregate function calls cannot contain window function calls"
            )
            .at(pos));
        }
        if args.iter().any(|a| a.any(&mut |e| matches!(e.kind, ExprKind::Window(_)))) {
            return Err(sql_err!(WINDOWING_ERROR, "window function calls cannot be nested").at(pos));
        }
        if call.distinct {
            return Err(
                sql_err!(FEATURE_NOT_SUPPORTED, "DISTINCT is not implemented for window functions").at(pos)
            );
        }
        if call.within_group {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "OVER is not supported for ordered-set aggregate {}",
                call.name
            )
            .at(pos));
        }
        if !call.order_by.is_empty() {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "aggregate ORDER BY is not implemented for window functions"
            )
            .at(pos));
        }
        if call.filter.is_some() && !func.is_aggregate() {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "FILTER is not implemented for non-aggregate window functions"
            )
            .at(pos));
        }
        let filter = call.filter.map(|id| self.bind_condition(id, Clause::Filter, "FILTER")).transpose()?;
        let window: BoundWindow = match over {
            Over::Name(name) => self.named_window(name)?,
            Over::Spec(spec) => self.bind_window(spec)?,
        };
        if window.frame.unit == crate::plan::expr::FrameUnit::Range
            && window.has_offset()
            && window.order.len() != 1
        {
            return Err(sql_err!(
                WINDOWING_ERROR,
                "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column"
            )
            .at(window.pos));
        }
        self.scope().has_windows = true;
        self.note_window(over, pos);
        let collation = result_collation(ty.oid, args.iter());
        let spec = WindowSpec { partition: window.partition, order: window.order, frame: window.frame };
        let call = WindowCall { func, user, args, filter, window: spec, ty };
        Ok(Expr { kind: ExprKind::Window(Box::new(call)), ty, collation, at: pos })
    }

    fn named_window(&mut self, name: &Ident) -> Result<BoundWindow> {
        match self.scope().windows.iter().find(|(n, _)| *n.name == *name.name) {
            Some((_, window)) => Ok(window.clone()),
            None => Err(sql_err!(UNDEFINED_OBJECT, "window \"{}\" does not exist", name.name).at(name.pos)),
        }
    }

    /// `GROUPING(a, b)`: the arguments wait for the GROUP BY list.
    pub(crate) fn bind_grouping(&mut self, items: &[ExprId], pos: Pos) -> Result<Expr> {
        let clause = self.scope().clause;
        if !matches!(clause, Clause::Select | Clause::Having | Clause::OrderBy) {
            return Err(
                sql_err!(GROUPING_ERROR, "grouping operations are not allowed in {}", clause.name()).at(pos)
            );
        }
        if items.len() > 31 {
            return Err(sql_err!(TOO_MANY_ARGUMENTS, "GROUPING must have fewer than 32 arguments").at(pos));
        }
        let args = self.bind_exprs(items)?;
        self.note_grouping(&args, pos);
        self.scope().has_aggregates = true;
        let mut indexes = Vec::with_capacity(args.len());
        for arg in args {
            let scope = self.scope();
            scope.grouping.push(arg);
            indexes.push(scope.grouping.len() as u32 - 1);
        }
        let mut e = literal(Datum::Null, oid::INT4, pos);
        e.kind = ExprKind::Grouping(indexes);
        Ok(e)
    }
}

/// What decides which decorations fit a call.
#[derive(Clone, Copy)]
pub(super) struct CallKind {
    pub(super) aggregate: bool,
    pub(super) window: bool,
    pub(super) no_args: bool,
    pub(super) ordered_set: bool,
}

/// The text of the default of a parameter.
fn default_text(callee: &Callee, n: usize) -> Result<std::sync::Arc<str>> {
    let text = match callee {
        Callee::Builtin(func) => {
            let first = func.args.len() - func.defaults.len();
            n.checked_sub(first).and_then(|i| func.defaults.get(i)).map(|text| std::sync::Arc::from(*text))
        }
        Callee::Routine(routine) => routine.callable(true).nth(n).and_then(|p| p.default.clone()),
    };
    text.ok_or_else(|| SqlError::internal("a parameter without default was left out"))
}

/// A schema that was written is part of the message: `function pg_catalog.f(integer) does not exist`.
pub(crate) fn qualified(mut error: SqlError, name: &ObjectName) -> SqlError {
    if let Some(schema) = name.schema() {
        for word in ["function", "procedure"] {
            let bare = format!("{word} {}(", name.object().name);
            let full = format!("{word} {}.{}(", schema.name, name.object().name);
            error.0.message = error.0.message.replacen(&bare, &full, 1).into();
        }
    }
    error
}
