//! The scalar interpreter: one expression over one row.
//!
//! It serves constant folding, defaults and checks, and the executor where no vector kernel fits. Recursion follows the
//! expression's depth; AND and OR are n-ary, and long chains of calls along the first argument (`a + b + c + ...`) are
//! walked iteratively, so that depth is bounded by what the parser lets through (54001 beyond [`MAX_DEPTH`]).

mod array;
mod constant;

pub use constant::ConstantHost;

use super::{Body, EvalCx, Function};
use crate::error::{Result, SqlError};
use crate::plan::expr::{Expr, ExprKind, SubPlanMode};
use crate::sql_err;
use crate::types::coerce::apply_typmod;
use crate::types::compare::compare;
use crate::types::{DataType, Datum, io_text, user};

/// Deepest nesting that is evaluated.
pub const MAX_DEPTH: u32 = 1200;

/// Depth from which chains of calls are walked iteratively.
const SPINE_DEPTH: u32 = 100;

/// Calls with at most this many arguments need no allocation.
const STACK_ARGS: usize = 4;

/// Runs the subqueries that the optimiser left in expressions; the executor implements it.
pub trait SubPlans {
    /// The value of subplan `plan`: `params` are evaluated over `row` (with `values` as statement parameters) into exec
    /// parameters first.
    fn run(
        &mut self,
        plan: u32,
        mode: &SubPlanMode,
        params: &[(u32, Expr)],
        row: &[Datum],
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum>;
}

/// What an expression is evaluated over.
pub struct Evaluator<'a> {
    /// Values of [`ExprKind::Column`], by slot.
    pub row: &'a [Datum],
    /// Values of [`ExprKind::Param`].
    pub params: &'a [Datum],
    /// Values of [`ExprKind::ExecParam`].
    pub exec_params: &'a [Datum],
    /// Subqueries; without it they are an error.
    pub subplans: Option<&'a mut dyn SubPlans>,
    case: Datum,
    depth: u32,
}

/// Evaluates `expr` over a row and statement parameters; it contains no subquery.
///
/// # Errors
/// Those of the functions it calls; 54001 when it is nested too deeply.
pub fn eval(expr: &Expr, row: &[Datum], params: &[Datum], cx: &mut EvalCx<'_>) -> Result<Datum> {
    Evaluator::new(row, params).eval(expr, cx)
}

impl<'a> Evaluator<'a> {
    /// An evaluator without exec parameters and subqueries.
    pub fn new(row: &'a [Datum], params: &'a [Datum]) -> Self {
        Evaluator { row, params, exec_params: &[], subplans: None, case: Datum::Null, depth: 0 }
    }

    /// Evaluates `expr`.
    ///
    /// # Errors
    /// Those of the functions it calls; 54001 when it is nested too deeply.
    pub fn eval(&mut self, expr: &Expr, cx: &mut EvalCx<'_>) -> Result<Datum> {
        match &expr.kind {
            ExprKind::Const(value) => return Ok(value.clone()),
            ExprKind::Column(id) => return slot(self.row, *id, "column"),
            ExprKind::Param(n) => return slot(self.params, *n, "parameter"),
            ExprKind::ExecParam(n) => return slot(self.exec_params, *n, "exec parameter"),
            ExprKind::CaseTest => return Ok(self.case.clone()),
            _ => {}
        }
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let value = self.eval_inner(expr, cx);
        self.depth -= 1;
        value
    }

    /// Evaluates a condition: NULL and false are false.
    ///
    /// # Errors
    /// As [`Evaluator::eval`].
    pub fn test(&mut self, expr: &Expr, cx: &mut EvalCx<'_>) -> Result<bool> {
        Ok(matches!(self.eval(expr, cx)?, Datum::Bool(true)))
    }

    fn eval_inner(&mut self, expr: &Expr, cx: &mut EvalCx<'_>) -> Result<Datum> {
        match &expr.kind {
            ExprKind::Call { func, args, .. } => self.call(func, args, expr.ty, cx),
            ExprKind::Relabel(inner) => self.eval(inner, cx),
            ExprKind::And(items) => self.junction(items, false, cx),
            ExprKind::Or(items) => self.junction(items, true, cx),
            ExprKind::Not(inner) => Ok(match self.eval(inner, cx)? {
                Datum::Bool(v) => Datum::Bool(!v),
                _ => Datum::Null,
            }),
            ExprKind::IsNull { value, negated } => {
                let ty = value.ty.oid;
                match self.eval(value, cx)? {
                    Datum::Record(fields) if user::may_be(ty) => {
                        let fields = user::live_fields(ty, &fields);
                        Ok(Datum::Bool(is_null(&Datum::Record(fields.into()), *negated)))
                    }
                    value => Ok(Datum::Bool(is_null(&value, *negated))),
                }
            }
            ExprKind::IsTruth { value, truth, negated } => {
                let found = match self.eval(value, cx)? {
                    Datum::Bool(v) => Some(v),
                    _ => None,
                };
                Ok(Datum::Bool((found == *truth) != *negated))
            }
            ExprKind::IsDistinct { equal, left, right, negated } => {
                self.distinct(equal, left, right, cx).map(|distinct| Datum::Bool(distinct != *negated))
            }
            ExprKind::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref(), cx)
            }
            ExprKind::Coalesce(items) => {
                for item in items {
                    let value = self.eval(item, cx)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Datum::Null)
            }
            ExprKind::NullIf { equal, left, right } => self.null_if(equal, left, right, cx),
            ExprKind::MinMax { greatest, args } => self.min_max(*greatest, args, expr.ty, cx),
            ExprKind::CoerceViaIo(inner) => self.via_text(inner, expr.ty, cx),
            ExprKind::Typmod { value, explicit } => match self.eval(value, cx)? {
                Datum::Null => Ok(Datum::Null),
                value => apply_typmod(value, expr.ty.oid, expr.ty.typmod, *explicit),
            },
            ExprKind::ScalarArray { func, any, left, array, .. } => {
                self.scalar_array(func, *any, left, array, cx)
            }
            ExprKind::Row(items) => {
                let values = items.iter().map(|item| self.eval(item, cx)).collect::<Result<Vec<_>>>()?;
                Ok(Datum::Record(values.into()))
            }
            ExprKind::Field { row, index } => match self.eval(row, cx)? {
                Datum::Record(fields) => slot(&fields, *index, "field"),
                _ => Ok(Datum::Null),
            },
            ExprKind::ArrayCoerce { array, element } => self.array_coerce(array, element, expr.ty, cx),
            ExprKind::Array { items, nested } => self.array(items, *nested, expr.ty, cx),
            ExprKind::Subscript { array, subscripts, slice } => self.subscript(array, subscripts, *slice, cx),
            ExprKind::SubPlan { plan, mode, params } => match self.subplans.as_deref_mut() {
                Some(runner) => runner.run(*plan, mode, params, self.row, cx),
                None => Err(SqlError::internal("subquery in an expression that is evaluated without a plan")),
            },
            ExprKind::Const(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::ExecParam(_)
            | ExprKind::CaseTest => Err(SqlError::internal("leaf expression evaluated twice")),
            ExprKind::Routine { target, args, .. } if let Some(body) = target.routine.internal_body() => {
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    values.push(self.eval(arg, cx)?);
                }
                if target.routine.strict && values.iter().any(Datum::is_null) {
                    return Ok(Datum::Null);
                }
                let types: Vec<DataType> = args.iter().map(|a| a.ty).collect();
                body(
                    &mut EvalCx { io: cx.io, host: &mut *cx.host, arg_types: &types, result: expr.ty },
                    &values,
                )
            }
            ExprKind::Routine { target, .. } => {
                let name = &target.routine.name;
                Err(SqlError::unsupported(format_args!("calling function {name} here")))
            }
            ExprKind::Subquery { .. }
            | ExprKind::Aggregate(_)
            | ExprKind::Window(_)
            | ExprKind::Grouping(_) => Err(SqlError::internal("expression was not planned")),
        }
    }

    fn call(
        &mut self,
        func: &'static Function,
        args: &[Expr],
        result: DataType,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        if self.depth > SPINE_DEPTH
            && let Some(Expr { kind: ExprKind::Call { .. }, .. }) = args.first()
        {
            return self.spine(func, args, result, cx);
        }
        self.call_with(func, None, args, result, cx)
    }

    /// Evaluates the arguments (the first one may be known) and calls.
    fn call_with(
        &mut self,
        func: &'static Function,
        first: Option<Datum>,
        args: &[Expr],
        result: DataType,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        let mut stack = [const { Datum::Null }; STACK_ARGS];
        let mut heap = Vec::new();
        let values: &mut [Datum] = match stack.get_mut(..args.len()) {
            Some(values) => values,
            None => {
                heap.resize(args.len(), Datum::Null);
                &mut heap
            }
        };
        let known = usize::from(first.is_some());
        if let (Some(slot), Some(value)) = (values.first_mut(), first) {
            *slot = value;
        }
        for (value, arg) in values.iter_mut().zip(args).skip(known) {
            *value = self.eval(arg, cx)?;
        }
        if !func.polymorphic {
            return invoke(func, values, cx);
        }
        let types: Vec<DataType> = args.iter().map(|arg| arg.ty).collect();
        let mut inner = EvalCx { io: cx.io, host: &mut *cx.host, arg_types: &types, result };
        invoke(func, values, &mut inner)
    }

    /// A chain of calls along the first argument, from the innermost outwards.
    fn spine(
        &mut self,
        func: &'static Function,
        args: &[Expr],
        result: DataType,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        let mut chain = vec![(func, args, result)];
        let mut next = args;
        while let Some(Expr { kind: ExprKind::Call { func, args, .. }, ty, .. }) = next.first() {
            chain.push((*func, args, *ty));
            next = args;
        }
        let mut value = None;
        while let Some((func, args, result)) = chain.pop() {
            value = Some(self.call_with(func, value, args, result, cx)?);
        }
        Ok(value.unwrap_or(Datum::Null))
    }

    /// AND (`decisive` = false) or OR (true), three-valued, left to right until decided.
    fn junction(&mut self, items: &[Expr], decisive: bool, cx: &mut EvalCx<'_>) -> Result<Datum> {
        let mut unknown = false;
        for item in items {
            match self.eval(item, cx)? {
                Datum::Bool(v) if v == decisive => return Ok(Datum::Bool(decisive)),
                Datum::Bool(_) => {}
                _ => unknown = true,
            }
        }
        Ok(if unknown { Datum::Null } else { Datum::Bool(!decisive) })
    }

    fn distinct(
        &mut self,
        equal: &'static Function,
        left: &Expr,
        right: &Expr,
        cx: &mut EvalCx<'_>,
    ) -> Result<bool> {
        let values = [self.eval(left, cx)?, self.eval(right, cx)?];
        match (values[0].is_null(), values[1].is_null()) {
            (true, true) => Ok(false),
            (false, false) => Ok(!matches!(invoke(equal, &values, cx)?, Datum::Bool(true))),
            _ => Ok(true),
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        arms: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        let outer = match operand {
            Some(operand) => {
                let value = self.eval(operand, cx)?;
                Some(std::mem::replace(&mut self.case, value))
            }
            None => None,
        };
        let chosen = self.choose_arm(arms, cx);
        if let Some(outer) = outer {
            self.case = outer;
        }
        match chosen?.or(otherwise) {
            Some(result) => self.eval(result, cx),
            None => Ok(Datum::Null),
        }
    }

    fn choose_arm<'e>(&mut self, arms: &'e [(Expr, Expr)], cx: &mut EvalCx<'_>) -> Result<Option<&'e Expr>> {
        for (condition, result) in arms {
            if self.test(condition, cx)? {
                return Ok(Some(result));
            }
        }
        Ok(None)
    }

    fn null_if(
        &mut self,
        equal: &'static Function,
        left: &Expr,
        right: &Expr,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        let values = [self.eval(left, cx)?, self.eval(right, cx)?];
        if values.iter().any(Datum::is_null) {
            let [left, _] = values;
            return Ok(left);
        }
        let same = matches!(invoke(equal, &values, cx)?, Datum::Bool(true));
        let [left, _] = values;
        Ok(if same { Datum::Null } else { left })
    }

    fn min_max(&mut self, greatest: bool, args: &[Expr], ty: DataType, cx: &mut EvalCx<'_>) -> Result<Datum> {
        let mut best = Datum::Null;
        for arg in args {
            let value = self.eval(arg, cx)?;
            if value.is_null() {
                continue;
            }
            let order = compare(&value, &best, ty.oid);
            if best.is_null() || if greatest { order.is_gt() } else { order.is_lt() } {
                best = value;
            }
        }
        Ok(best)
    }

    fn via_text(&mut self, inner: &Expr, to: DataType, cx: &mut EvalCx<'_>) -> Result<Datum> {
        match self.eval(inner, cx)? {
            Datum::Null => Ok(Datum::Null),
            Datum::Text(text) => io_text::parse_text(to.oid, -1, &text, cx.io),
            value => {
                let text = io_text::to_text(&value, inner.ty.oid, cx.io)?;
                io_text::parse_text(to.oid, -1, &text, cx.io)
            }
        }
    }

    fn scalar_array(
        &mut self,
        func: &'static Function,
        any: bool,
        left: &Expr,
        array: &Expr,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        let left = self.eval(left, cx)?;
        let Datum::Array(array) = self.eval(array, cx)? else { return Ok(Datum::Null) };
        if array.items.is_empty() {
            return Ok(Datum::Bool(!any));
        }
        if left.is_null() && func.strict {
            return Ok(Datum::Null);
        }
        let mut values = [left, Datum::Null];
        let mut unknown = false;
        for item in &array.items {
            if item.is_null() && func.strict {
                unknown = true;
                continue;
            }
            values[1] = item.clone();
            match invoke(func, &values, cx)? {
                Datum::Bool(v) if v == any => return Ok(Datum::Bool(any)),
                Datum::Bool(_) => {}
                _ => unknown = true,
            }
        }
        Ok(if unknown { Datum::Null } else { Datum::Bool(!any) })
    }
}

/// Calls a scalar function with evaluated arguments, honouring strictness.
///
/// # Errors
/// The function's own.
#[inline]
pub fn invoke(func: &'static Function, args: &[Datum], cx: &mut EvalCx<'_>) -> Result<Datum> {
    if func.strict && args.iter().any(Datum::is_null) {
        return Ok(Datum::Null);
    }
    match func.body {
        Body::Scalar(body) => body(cx, args),
        _ => Err(not_scalar(func)),
    }
}

#[cold]
fn not_scalar(func: &Function) -> SqlError {
    SqlError::internal(format_args!("function {} is not scalar", func.name))
}

#[cold]
fn too_deep() -> SqlError {
    sql_err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
        "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the platform's stack depth limit is adequate.",
    )
}

fn slot(values: &[Datum], at: u32, what: &str) -> Result<Datum> {
    match values.get(at as usize) {
        Some(value) => Ok(value.clone()),
        None => Err(SqlError::internal(format_args!("no {what} {at}"))),
    }
}

/// `IS NULL`, `IS NOT NULL`; of a row: all fields are, or are not, NULL.
fn is_null(value: &Datum, negated: bool) -> bool {
    match value {
        Datum::Record(fields) => fields.iter().all(|field| field.is_null() != negated),
        value => value.is_null() != negated,
    }
}

#[cfg(test)]
pub(crate) mod tests;
