//! Comparisons that are more than an operator: IS, IN, ANY, BETWEEN, LIKE, rows.

use super::Binder;
use super::coerce::collation_of;
use super::expr::{at, boolean, logic};
use crate::error::{Result, SqlError};
use crate::func::CastContext;
use crate::func::category::{array_of, display, element_of};
use crate::func::resolve::{OperatorMatch, select_common_type};
use crate::parse::ast::{BoolTest, ExprId, ExprKind as A, LikeKind, Pos};
use crate::plan::expr::{Expr, ExprKind};
use crate::sql_err;
use crate::types::{DataType, Datum, info, oid};

impl Binder<'_> {
    pub(super) fn bind_truth(&mut self, arg: ExprId, test: BoolTest, not: bool, pos: Pos) -> Result<Expr> {
        let (truth, word) = match test {
            BoolTest::True => (Some(true), "TRUE"),
            BoolTest::False => (Some(false), "FALSE"),
            BoolTest::Unknown => (None, "UNKNOWN"),
        };
        let what = if not { format!("IS NOT {word}") } else { format!("IS {word}") };
        let arg = self.bind_expr(arg)?;
        let value = Box::new(self.coerce_to_bool(arg, &what)?);
        Ok(at(boolean(ExprKind::IsTruth { value, truth, negated: not }), pos))
    }

    pub(super) fn bind_distinct(&mut self, left: ExprId, right: ExprId, not: bool, pos: Pos) -> Result<Expr> {
        let ast = self.ast;
        if let (A::Row { items: l, .. }, A::Row { items: r, .. }) = (&ast[left].kind, &ast[right].kind) {
            if l.len() != r.len() {
                return Err(sql_err!(SYNTAX_ERROR, "unequal number of entries in row expressions").at(pos));
            }
            let mut items = Vec::with_capacity(l.len());
            for (&l, &r) in l.iter().zip(r) {
                items.push(self.bind_distinct(l, r, not, pos)?);
            }
            return Ok(at(logic(items, not), pos));
        }
        let left = self.bind_expr(left)?;
        let right = self.bind_expr(right)?;
        let null = |e: &Expr| e.ty.oid == oid::UNKNOWN && matches!(e.kind, ExprKind::Const(Datum::Null));
        // IS NULL would ask for the fields of a row.
        if (null(&right) || null(&left)) && !info::is_row(left.ty.oid) && !info::is_row(right.ty.oid) {
            let value = Box::new(if null(&right) { left } else { right });
            return Ok(at(boolean(ExprKind::IsNull { value, negated: !not }), pos));
        }
        let equal = self.make_operator("=", Some(left), right, pos)?;
        if equal.ty.oid != oid::BOOL {
            return Err(
                sql_err!(DATATYPE_MISMATCH, "IS DISTINCT FROM requires = operator to yield boolean").at(pos)
            );
        }
        let (func, left, right) = Binder::equality(equal, "IS DISTINCT FROM").map_err(|e| e.at(pos))?;
        Ok(at(boolean(ExprKind::IsDistinct { equal: func, left, right, negated: not }), pos))
    }

    pub(super) fn bind_in_list(&mut self, arg: ExprId, list: &[ExprId], not: bool, pos: Pos) -> Result<Expr> {
        let op = if not { "<>" } else { "=" };
        let ast = self.ast;
        if let A::Row { items, .. } = &ast[arg].kind {
            let mut tests = Vec::with_capacity(list.len());
            for &row in list {
                let A::Row { items: other, .. } = &ast[row].kind else {
                    return Err(SqlError::unsupported("IN with a row and values that are not rows").at(pos));
                };
                tests.push(self.bind_row_comparison(op, items, other, pos)?);
            }
            return Ok(at(logic(tests, not), pos));
        }
        let left = self.bind_expr(arg)?;
        let bound = self.bind_exprs(list)?;
        let is_value = |e: &Expr| {
            !e.any(&mut |e| {
                matches!(
                    e.kind,
                    ExprKind::Column(_)
                        | ExprKind::Subquery { .. }
                        | ExprKind::Aggregate(_)
                        | ExprKind::Window(_)
                )
            })
        };
        let mut tests = Vec::new();
        let singles;
        if bound.iter().filter(|e| is_value(e)).count() > 1 {
            let all = bound.clone();
            let (values, others): (Vec<Expr>, Vec<Expr>) = bound.into_iter().partition(is_value);
            let types: Vec<_> = std::iter::once(left.ty.oid).chain(values.iter().map(|v| v.ty.oid)).collect();
            let common =
                select_common_type("IN", &types).ok().filter(|&t| t != oid::RECORD && array_of(t).is_some());
            let fits = common.is_some_and(|t| {
                types.iter().all(|&s| crate::func::resolve::can_coerce(s, t, CastContext::Implicit))
            });
            if let (Some(common), true) = (common, fits) {
                let mut items = Vec::with_capacity(values.len());
                for v in values {
                    items.push(self.coerce_arg(v, common)?);
                }
                let ty = DataType::of(array_of(common).unwrap_or(common));
                let array = Expr {
                    kind: ExprKind::Array { items, nested: false },
                    ty,
                    collation: collation_of(common),
                    at: pos,
                };
                tests.push(self.make_scalar_array(op, left.clone(), array, !not, pos)?);
                singles = others;
            } else {
                singles = all;
            }
        } else {
            singles = bound;
        }
        for value in singles {
            let test = self.make_operator(op, Some(left.clone()), value, pos)?;
            tests.push(self.coerce_to_bool(test, "IN")?);
        }
        Ok(at(logic(tests, not), pos))
    }

    /// `left op ANY|ALL (array)`.
    pub(crate) fn make_scalar_array(
        &mut self,
        op: &str,
        left: Expr,
        array: Expr,
        any: bool,
        pos: Pos,
    ) -> Result<Expr> {
        self.make_scalar_array_in(None, op, left, array, any, pos)
    }

    /// As [`Binder::make_scalar_array`], in a schema that was written.
    pub(super) fn make_scalar_array_in(
        &mut self,
        schema: Option<&str>,
        op: &str,
        left: Expr,
        array: Expr,
        any: bool,
        pos: Pos,
    ) -> Result<Expr> {
        let element = match array.ty.oid {
            oid::UNKNOWN => oid::UNKNOWN,
            ty => element_of(ty).ok_or_else(|| {
                sql_err!(WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires array on right side").at(pos)
            })?,
        };
        let found = self.find_operator(schema, op, left.ty.oid, element).map_err(|e| e.at(pos))?;
        let (func, operator, left_type, right_type, result) = match found {
            OperatorMatch::Builtin(o) => (Some(o.func), o.operator.oid, o.left, o.right, o.result),
            OperatorMatch::User { operator, left, right, result } => {
                self.note_operator(pos, operator.oid);
                (crate::func::function_by_oid(operator.function), operator.oid, left, right, result)
            }
        };
        if result != oid::BOOL {
            return Err(
                sql_err!(WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires operator to yield boolean").at(pos)
            );
        }
        let Some(array_type) = array_of(right_type) else {
            return Err(sql_err!(
                UNDEFINED_OBJECT,
                "could not find array type for data type {}",
                display(right_type)
            )
            .at(pos));
        };
        let Some(func) = func else {
            return Err(SqlError::unsupported("ANY or ALL with an operator of a function in SQL").at(pos));
        };
        let left = Box::new(self.coerce_arg(left, left_type)?);
        let array = Box::new(self.coerce_arg(array, array_type)?);
        Ok(at(boolean(ExprKind::ScalarArray { func, operator, any, left, array }), pos))
    }

    pub(super) fn bind_between(
        &mut self,
        [arg, low, high]: [ExprId; 3],
        symmetric: bool,
        not: bool,
        pos: Pos,
    ) -> Result<Expr> {
        let (first, second) = if not { ("<", ">") } else { (">=", "<=") };
        let mut range = |low: ExprId, high: ExprId| -> Result<Expr> {
            let value = self.bind_expr(arg)?;
            let low = self.bind_expr(low)?;
            let high = self.bind_expr(high)?;
            let a = self.make_operator(first, Some(value.clone()), low, pos)?;
            let b = self.make_operator(second, Some(value), high, pos)?;
            Ok(at(logic(vec![a, b], !not), pos))
        };
        if !symmetric {
            return range(low, high);
        }
        let both = vec![range(low, high)?, range(high, low)?];
        Ok(at(logic(both, not), pos))
    }

    pub(super) fn bind_like(
        &mut self,
        kind: LikeKind,
        [arg, pattern]: [ExprId; 2],
        escape: Option<ExprId>,
        not: bool,
        pos: Pos,
    ) -> Result<Expr> {
        let value = self.bind_expr(arg)?;
        let mut pattern = self.bind_expr(pattern)?;
        let op = match (kind, not) {
            (LikeKind::Like, false) => "~~",
            (LikeKind::Like, true) => "!~~",
            (LikeKind::ILike, false) => "~~*",
            (LikeKind::ILike, true) => "!~~*",
            (LikeKind::SimilarTo, false) => "~",
            (LikeKind::SimilarTo, true) => "!~",
        };
        let escape = escape.map(|e| self.bind_expr(e)).transpose()?;
        if kind == LikeKind::SimilarTo {
            let args = std::iter::once(pattern).chain(escape).collect();
            pattern = self.make_call("similar_to_escape", args, pos)?;
        } else if let Some(escape) = escape {
            pattern = self.make_call("like_escape", vec![pattern, escape], pos)?;
        }
        self.make_operator(op, Some(value), pattern, pos)
    }

    /// `(a, b) op (c, d)`: by fields for `=` and `<>`, lexicographically for the others.
    pub(super) fn bind_row_comparison(
        &mut self,
        op: &str,
        left: &[ExprId],
        right: &[ExprId],
        pos: Pos,
    ) -> Result<Expr> {
        let left = self.bind_exprs(left)?;
        let right = self.bind_exprs(right)?;
        self.make_row_comparison(op, left, right, pos)
    }

    pub(crate) fn make_row_comparison(
        &mut self,
        op: &str,
        left: Vec<Expr>,
        right: Vec<Expr>,
        pos: Pos,
    ) -> Result<Expr> {
        if left.len() != right.len() {
            return Err(sql_err!(SYNTAX_ERROR, "unequal number of entries in row expressions").at(pos));
        }
        if left.is_empty() {
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot compare rows of zero length").at(pos));
        }
        let pairs: Vec<(Expr, Expr)> = left.into_iter().zip(right).collect();
        match op {
            "=" | "<>" => {
                let mut tests = Vec::with_capacity(pairs.len());
                for (l, r) in pairs {
                    tests.push(self.make_operator(op, Some(l), r, pos)?);
                }
                Ok(at(logic(tests, op == "="), pos))
            }
            "<" | "<=" | ">" | ">=" => {
                // (a, b) < (c, d)  =  a < c OR (a = c AND b < d)
                let strict = &op[..1];
                let last = pairs.len() - 1;
                let mut arms = Vec::with_capacity(pairs.len());
                let mut equal_so_far: Vec<Expr> = Vec::new();
                let mut typed = Vec::with_capacity(pairs.len());
                for (i, (l, r)) in pairs.into_iter().enumerate() {
                    let mut arm = equal_so_far.clone();
                    let test = if i == last { op } else { strict };
                    let compared = self.make_operator(test, Some(l.clone()), r.clone(), pos)?;
                    typed.push(compared.clone());
                    arm.push(compared);
                    arms.push(logic(arm, true));
                    if i < last {
                        equal_so_far.push(self.make_operator("=", Some(l), r, pos)?);
                    }
                }
                self.note_rows(op, &typed, pos);
                Ok(at(logic(arms, false), pos))
            }
            _ => {
                for (l, r) in pairs {
                    let test = self.make_operator(op, Some(l), r, pos)?;
                    if test.ty.oid != oid::BOOL {
                        return Err(sql_err!(
                            DATATYPE_MISMATCH,
                            "row comparison operator must yield type boolean, not type {}",
                            display(test.ty.oid)
                        )
                        .at(pos));
                    }
                }
                Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "could not determine interpretation of row comparison operator {op}"
                )
                .hint("Row comparison operators must be associated with btree operator families.")
                .at(pos))
            }
        }
    }
}
