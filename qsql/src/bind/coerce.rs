//! Coercion of bound expressions: where a literal gets its type and a cast becomes an expression.

use super::{Binder, Bound};
use crate::catalog::Relation;
use crate::error::Result;
use crate::func::category::{display, element_of};
use crate::func::resolve::{Coercion, find_coercion, select_common_type};
use crate::func::{CastContext, TO_DOMAIN};
use crate::plan::expr::{CallForm, Expr, ExprKind, RoutineForm};
use crate::types::{DataType, Datum, Oid, info, io_text, oid, rowtype, user};
use crate::{bail, sql_err};

/// OID of the collation `default`.
pub(crate) const DEFAULT_COLLATION: Oid = 100;
/// OID of the collation `C`.
pub(crate) const C_COLLATION: Oid = 950;

/// The collation of a type's values (`pg_type.typcollation`).
pub fn collation_of(ty: Oid) -> Oid {
    if let Some(of) = user::find(element_of(ty).unwrap_or(ty)) {
        return of.domain().map_or(0, |domain| domain.collation);
    }
    match element_of(ty).unwrap_or(ty) {
        oid::TEXT | oid::VARCHAR | oid::BPCHAR => DEFAULT_COLLATION,
        oid::NAME => C_COLLATION,
        _ => 0,
    }
}

/// Whether a type's modifier changes values (`varchar(5)`, `numeric(10,2)`, `timestamp(3)`).
fn has_length_coercion(ty: Oid) -> bool {
    let ty = info::base_type(ty);
    matches!(
        element_of(ty).unwrap_or(ty),
        oid::BPCHAR
            | oid::VARCHAR
            | oid::BIT
            | oid::VARBIT
            | oid::NUMERIC
            | oid::TIME
            | oid::TIMETZ
            | oid::TIMESTAMP
            | oid::TIMESTAMPTZ
            | oid::INTERVAL
    )
}

/// Whether a literal's value depends on the clock.
fn reads_clock(ty: Oid, text: &str) -> bool {
    matches!(ty, oid::DATE | oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ) && {
        let text = text.to_ascii_lowercase();
        ["now", "today", "tomorrow", "yesterday"].iter().any(|word| text.contains(word))
    }
}

/// Splits a condition into its conjuncts.
pub(crate) fn conjuncts(expr: Expr, out: &mut Vec<Expr>) {
    match expr.kind {
        ExprKind::And(items) => items.into_iter().for_each(|e| conjuncts(e, out)),
        _ => out.push(expr),
    }
}

impl Binder<'_> {
    /// Coerces to a type with its modifier; `None` when there is no such coercion in this context.
    pub(crate) fn coerce(&mut self, expr: Expr, to: DataType, context: CastContext) -> Result<Option<Expr>> {
        let Some(expr) = self.coerce_type(expr, to.oid, to.typmod, context)? else { return Ok(None) };
        Ok(Some(self.apply_typmod(expr, to, context == CastContext::Explicit)))
    }

    fn apply_typmod(&self, expr: Expr, to: DataType, explicit: bool) -> Expr {
        if to.typmod < 0 || expr.ty.typmod == to.typmod || !has_length_coercion(to.oid) {
            return expr;
        }
        let (at, collation) = (expr.at, expr.collation);
        Expr { kind: ExprKind::Typmod { value: Box::new(expr), explicit }, ty: to, collation, at }
    }

    /// Coerces to a type; the modifier only serves input functions that need it.
    pub(crate) fn coerce_type(
        &mut self,
        mut expr: Expr,
        to: Oid,
        typmod: i32,
        context: CastContext,
    ) -> Result<Option<Expr>> {
        let from = expr.ty.oid;
        if from == to || to == 0 {
            return Ok(Some(expr));
        }
        let at = expr.at;
        if to == oid::ANY && matches!(expr.kind, ExprKind::Const(_)) {
            return Ok(Some(expr));
        }
        if matches!(to, oid::ANY | oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYCOMPATIBLE) {
            return Ok(Some(self.settle(expr)?));
        }
        if matches!(expr.kind, ExprKind::Const(Datum::Null)) && to == oid::ANYARRAY {
            expr.ty = DataType::of(to);
            return Ok(Some(expr));
        }
        if crate::func::resolve::can_coerce(from, to, CastContext::Implicit)
            && matches!(
                to,
                oid::ANYARRAY
                    | oid::ANYENUM
                    | oid::ANYCOMPATIBLEARRAY
                    | oid::ANYCOMPATIBLENONARRAY
                    | oid::RECORD_ARRAY
            )
        {
            return Ok(Some(expr));
        }
        if from == oid::UNKNOWN && !(info::is_domain(to) && matches!(expr.kind, ExprKind::Const(_))) {
            return self.coerce_unknown(expr, to, typmod).map(Some);
        }
        if info::is_domain(to) {
            let base = info::base_of(DataType::of(to));
            let Some(value) = self.coerce(expr, base, context)? else { return Ok(None) };
            return Ok(Some(to_domain(value, to, context)));
        }
        if let (oid::RECORD, Some(relation)) = (from, user::row_relation(to)) {
            return self.row_to_composite(expr, to, &relation, context).map(Some);
        }
        if let (oid::RECORD, ExprKind::Row(_)) = (from, &expr.kind)
            && to == oid::RECORD
        {
            return Ok(Some(expr));
        }
        let Some(coercion) = find_coercion(from, to, context) else { return Ok(None) };
        let mut ty = DataType::of(to);
        if let (oid::RECORD, Some(fields)) = (to, rowtype::fields_of(expr.ty)) {
            ty.typmod = rowtype::modifier(&fields);
        }
        let kind = match coercion {
            Coercion::Relabel => {
                // A cast between types of one representation is seen by nobody but the type system.
                if let ExprKind::Const(_) = expr.kind
                    && !self.s.faithful
                {
                    expr.ty = ty;
                    expr.collation = collation_of(to);
                    return Ok(Some(expr));
                }
                ExprKind::Relabel(Box::new(expr))
            }
            Coercion::Function(func) => {
                let mut args = vec![expr];
                if func.args.len() >= 2 {
                    args.push(Expr::constant(Datum::Int4(typmod), DataType::of(oid::INT4)));
                }
                if func.args.len() >= 3 {
                    args.push(Expr::constant(
                        Datum::Bool(context == CastContext::Explicit),
                        DataType::of(oid::BOOL),
                    ));
                }
                // The function's own argument may be another type of the same representation.
                let want = func.args.first().copied().unwrap_or(from);
                if want != from {
                    let first = args.swap_remove(0);
                    let relabelled =
                        Expr { at, ..Expr::new(ExprKind::Relabel(Box::new(first)), DataType::of(want)) };
                    args.insert(0, relabelled);
                }
                let form = match context {
                    CastContext::Explicit => CallForm::Cast,
                    _ => CallForm::Coerced,
                };
                ExprKind::Call { func, args, operator: 0, form }
            }
            Coercion::Routine(oid) => {
                return self.routine_cast(expr, oid, DataType { oid: to, typmod }, context).map(Some);
            }
            Coercion::InOut => ExprKind::CoerceViaIo(Box::new(expr)),
            Coercion::Array { from, to } => {
                let test = Expr::new(ExprKind::CaseTest, DataType::of(from));
                let Some(element) = self.coerce_type(test, to, -1, context)? else { return Ok(None) };
                ExprKind::ArrayCoerce { array: Box::new(expr), element: Box::new(element) }
            }
        };
        Ok(Some(Expr { kind, ty, collation: collation_of(to), at }))
    }

    /// A cast by a function that a user has made.
    fn routine_cast(
        &mut self,
        expr: Expr,
        function: Oid,
        to: DataType,
        context: CastContext,
    ) -> Result<Expr> {
        let (pos, to, typmod) = (expr.at, to.oid, to.typmod);
        let explicit = context == CastContext::Explicit;
        let form = if explicit { RoutineForm::Cast } else { RoutineForm::Coerced };
        self.note_cast(function);
        let more = [
            Expr::constant(Datum::Int4(typmod), DataType::of(oid::INT4)),
            Expr::constant(Datum::Bool(explicit), DataType::of(oid::BOOL)),
        ];
        let args = std::iter::once(expr).chain(more).collect();
        let call = self.call_routine_as(function, args, form, pos)?;
        match call.ty.oid == to {
            true => Ok(call),
            false => Ok(Expr {
                kind: ExprKind::Relabel(Box::new(call)),
                ty: DataType::of(to),
                collation: collation_of(to),
                at: pos,
            }),
        }
    }

    /// A row of no named type as one of a composite type.
    fn row_to_composite(
        &mut self,
        row: Expr,
        to: Oid,
        relation: &Relation,
        context: CastContext,
    ) -> Result<Expr> {
        let at = row.at;
        let refused = |detail: String| {
            let error =
                sql_err!(CANNOT_COERCE, "cannot cast type {} to {}", display(oid::RECORD), display(to));
            if detail.is_empty() { error.at(at) } else { error.detail(detail).at(at) }
        };
        let ExprKind::Row(items) = row.kind else { return Err(refused(String::new())) };
        let mut items = items.into_iter();
        let mut fields = Vec::with_capacity(relation.columns.len());
        let mut number = 0;
        for column in &relation.columns {
            if column.dropped {
                fields.push(Expr::constant(Datum::Null, DataType::of(oid::INT4)));
                continue;
            }
            number += 1;
            let Some(item) = items.next() else {
                return Err(refused("Input has too few columns.".to_owned()));
            };
            let from = item.ty.oid;
            fields.push(self.coerce(item, column.ty, context)?.ok_or_else(|| {
                refused(format!(
                    "Cannot cast type {} to {} in column {number}.",
                    display(from),
                    display(column.ty.oid)
                ))
            })?);
        }
        match items.next() {
            Some(_) => Err(refused("Input has too many columns.".to_owned())),
            None => Ok(Expr { kind: ExprKind::Row(fields), ty: DataType::of(to), collation: 0, at }),
        }
    }

    /// Gives an untyped literal, parameter or other unknown value its type.
    fn coerce_unknown(&mut self, expr: Expr, to: Oid, typmod: i32) -> Result<Expr> {
        let at = expr.at;
        let input_typmod = if to == oid::INTERVAL { typmod } else { -1 };
        let mut ty = DataType::of(to);
        let kind = match expr.kind {
            ExprKind::Const(Datum::Text(text)) => {
                self.s.volatile_literals |= reads_clock(to, &text);
                ty.typmod = input_typmod;
                let value = io_text::parse_text(to, input_typmod, &text, self.cx.io);
                ExprKind::Const(value.map_err(|e| if at == u32::MAX { e } else { e.at(at) })?)
            }
            ExprKind::Const(Datum::Null) => ExprKind::Const(Datum::Null),
            ExprKind::Param(n) => {
                self.learn_param(n, to, at)?;
                ExprKind::Param(n)
            }
            kind => ExprKind::CoerceViaIo(Box::new(Expr { kind, ..expr })),
        };
        Ok(Expr { kind, ty, collation: collation_of(to), at })
    }

    fn learn_param(&mut self, n: u32, to: Oid, at: u32) -> Result<()> {
        let i = n as usize;
        if self.s.params.len() <= i {
            self.s.params.resize(i + 1, None);
        }
        match self.s.params[i] {
            None => self.s.params[i] = Some(DataType::of(to)),
            Some(known) if known.oid == to => {}
            Some(known) => {
                return Err(sql_err!(
                    AMBIGUOUS_PARAMETER,
                    "inconsistent types deduced for parameter ${}",
                    n + 1
                )
                .detail(format!("{} versus {}", display(known.oid), display(to)))
                .at(at));
            }
        }
        Ok(())
    }

    /// Makes text of what is still unknown.
    pub(crate) fn settle(&mut self, expr: Expr) -> Result<Expr> {
        match expr.ty.oid {
            oid::UNKNOWN => self.coerce_unknown(expr, oid::TEXT, -1),
            _ => Ok(expr),
        }
    }

    /// A cast as the user writes it.
    pub(crate) fn cast(&mut self, mut expr: Expr, to: DataType, pos: u32) -> Result<Expr> {
        let from = expr.ty.oid;
        if from == oid::RECORD && matches!(expr.kind, ExprKind::Row(_)) && info::is_composite(to.oid) {
            expr.at = pos;
        }
        match self.coerce(expr, to, CastContext::Explicit)? {
            Some(done) => Ok(done),
            None => {
                Err(sql_err!(CANNOT_COERCE, "cannot cast type {} to {}", display(from), display(to.oid))
                    .at(pos))
            }
        }
    }

    /// Coerces an argument after resolution said that it fits.
    pub(crate) fn coerce_arg(&mut self, expr: Expr, to: Oid) -> Result<Expr> {
        let (from, at) = (expr.ty.oid, expr.at);
        match self.coerce_type(expr, to, -1, CastContext::Implicit)? {
            Some(done) => Ok(done),
            None => {
                Err(sql_err!(CANNOT_COERCE, "failed to coerce {} to {}", display(from), display(to)).at(at))
            }
        }
    }

    /// Coerces a condition; `what` is `WHERE`, `AND`, `CASE/WHEN`, ...
    pub(crate) fn coerce_to_bool(&mut self, expr: Expr, what: &str) -> Result<Expr> {
        self.coerce_to_specific(expr, oid::BOOL, what)
    }

    /// Coerces the argument of a construct that wants one type.
    pub(crate) fn coerce_to_specific(&mut self, expr: Expr, to: Oid, what: &str) -> Result<Expr> {
        let (from, at) = (expr.ty.oid, expr.at);
        match self.coerce_type(expr, to, -1, CastContext::Assignment)? {
            Some(done) => Ok(done),
            None => Err(sql_err!(
                DATATYPE_MISMATCH,
                "argument of {what} must be type {}, not type {}",
                display(to),
                display(from)
            )
            .at(at)),
        }
    }

    /// Coerces all to their common type and returns it; the modifier survives when all have the same.
    pub(crate) fn coerce_to_common(&mut self, exprs: &mut [Expr], what: &str) -> Result<DataType> {
        let types: Vec<Oid> = exprs.iter().map(|e| e.ty.oid).collect();
        let common = select_common_type(what, &types).map_err(|e| e.error.at(exprs[e.index].at))?;
        for e in exprs.iter_mut() {
            let placeholder = Expr::new(ExprKind::CaseTest, DataType::of(oid::UNKNOWN));
            let expr = std::mem::replace(e, placeholder);
            let (from, at) = (expr.ty.oid, expr.at);
            match self.coerce_type(expr, common, -1, CastContext::Implicit)? {
                Some(done) => *e = done,
                None => {
                    return Err(sql_err!(
                        CANNOT_COERCE,
                        "{what} could not convert type {} to {}",
                        display(from),
                        display(common)
                    )
                    .at(at));
                }
            }
        }
        let typmod = exprs.first().map_or(-1, |e| e.ty.typmod);
        let typmod = if exprs.iter().all(|e| e.ty.typmod == typmod) { typmod } else { -1 };
        Ok(DataType { oid: common, typmod })
    }

    /// Coerces a value to the column it is assigned to.
    pub(crate) fn assign(&mut self, expr: Expr, column: &str, to: DataType, pos: u32) -> Result<Expr> {
        let (from, at) = (expr.ty.oid, if expr.at == u32::MAX { pos } else { expr.at });
        match self.coerce(expr, to, CastContext::Assignment)? {
            Some(done) => Ok(done),
            None => Err(sql_err!(
                DATATYPE_MISMATCH,
                "column \"{column}\" is of type {} but expression is of type {}",
                display(to.oid),
                display(from)
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(at)),
        }
    }

    /// `$n`: its type is known, or learned where it is coerced.
    pub(crate) fn bind_param(&mut self, n: u32, pos: u32) -> Result<Expr> {
        if let Some(body) = &self.body {
            return self.bind_body_param(body, n, pos);
        }
        if n == 0 || n > 65535 {
            bail!(UNDEFINED_PARAMETER, "there is no parameter ${n}");
        }
        let i = n as usize - 1;
        if self.s.params.len() <= i {
            self.s.params.resize(i + 1, None);
        }
        let ty = self.s.params[i].unwrap_or(DataType::of(oid::UNKNOWN));
        let mut e = Expr::new(ExprKind::Param(n - 1), ty);
        e.collation = collation_of(ty.oid);
        e.at = pos;
        Ok(e)
    }
}

/// A value of a domain's base type as one of the domain.
fn to_domain(value: Expr, to: Oid, context: CastContext) -> Expr {
    let at = value.at;
    let form = match context {
        CastContext::Explicit => CallForm::Cast,
        _ => CallForm::Coerced,
    };
    let kind = ExprKind::Call { func: &TO_DOMAIN, args: vec![value], operator: 0, form };
    Expr { kind, ty: DataType::of(to), collation: collation_of(to), at }
}

/// Refuses parameters whose type was only learned after a use that left it open.
pub(crate) fn unsettled_param(bound: &Bound) -> Option<(u32, u32)> {
    let mut found = None;
    let mut look = |e: &Expr| {
        e.any(&mut |e| {
            if let (ExprKind::Param(n), oid::UNKNOWN) = (&e.kind, e.ty.oid) {
                found.get_or_insert((*n, e.at));
            }
            false
        });
    };
    let mut stack = vec![&bound.plan];
    stack.extend(bound.subqueries.iter().flatten().map(|s| &s.plan));
    stack.extend(bound.ctes.iter().filter_map(|c| c.plan.as_ref()));
    walk(stack, &mut look);
    found
}

fn walk(roots: Vec<&crate::plan::logical::Logical>, look: &mut dyn FnMut(&Expr)) {
    fn visit(plan: &crate::plan::logical::Logical, look: &mut dyn FnMut(&Expr)) {
        plan.each_expr(look);
        plan.each_input(&mut |input| visit(input, look));
    }
    roots.into_iter().for_each(|plan| visit(plan, look));
}
