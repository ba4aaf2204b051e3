//! Assignment to a part of a column's value: `a[1] = ..`, `a[2:3] = ..`, `j['key'] = ..`.
//!
//! The new value of the column is a call that makes it from the old one; assignments to several parts nest.

use super::Binder;
use super::expr::literal;
use super::scope::NsItem;
use crate::catalog::{Column, Relation};
use crate::error::{Result, SqlError};
use crate::func::array_assign::Shape;
use crate::func::category::{display, element_of};
use crate::func::{ARRAY_ASSIGN, CastContext, FIELD_ASSIGN, JSONB_ASSIGN, TO_DOMAIN};
use crate::parse::ast::{Assignee, PathStep, Subscript};
use crate::plan::expr::{CallForm, Expr, ExprKind};
use crate::sql_err;
use crate::types::{DataType, Datum, info, oid, rowtype};

/// Most subscripts of an array.
const MAX_DIMS: usize = crate::types::array_text::DIMENSIONS_MAX;

/// Whether an expression is the value of a column of which parts are assigned to.
pub(crate) fn is_part_assignment(e: &Expr) -> bool {
    let ExprKind::Call { func, args, .. } = &e.kind else { return false };
    let assigns = [&JSONB_ASSIGN, &ARRAY_ASSIGN, &FIELD_ASSIGN];
    assigns.iter().any(|f| std::ptr::eq(*func, *f))
        || std::ptr::eq(*func, &TO_DOMAIN) && args.first().is_some_and(is_part_assignment)
}

/// The error for `SET a[1] = DEFAULT`.
pub(crate) fn no_default(target: &Assignee) -> SqlError {
    let error = match target.path.first() {
        Some(PathStep::Subscript(_)) => {
            sql_err!(FEATURE_NOT_SUPPORTED, "cannot set an array element to DEFAULT")
        }
        _ => sql_err!(FEATURE_NOT_SUPPORTED, "cannot set a subfield to DEFAULT"),
    };
    error.at(target.column.pos)
}

impl Binder<'_> {
    /// The value of a column of which a part is assigned to. `before`: what it is made from; `None`: what the row has.
    pub(crate) fn assign_part(
        &mut self,
        table: &Relation,
        column: &Column,
        target: &Assignee,
        before: Option<Expr>,
        value: Expr,
    ) -> Result<Expr> {
        let before = match before {
            Some(before) => before,
            None => self.value_of_row(table, target)?,
        };
        self.assign_path(column.ty, target, &target.path, before, value)
    }

    /// NULL of a column's type: what the parts of a new row are put into.
    pub(crate) fn nothing_yet(column: &Column) -> Expr {
        let ty = info::base_of(column.ty);
        let mut null = literal(Datum::Null, ty.oid, u32::MAX);
        null.ty = ty;
        null
    }

    /// The column of the row that is updated.
    fn value_of_row(&mut self, table: &Relation, target: &Assignee) -> Result<Expr> {
        let of_table = |item: &&NsItem| {
            item.relation.as_ref().is_some_and(|r| r.oid == table.oid)
                && item.name.as_deref() != Some("excluded")
        };
        let item = self.scopes.iter().rev().flat_map(|s| &s.items).find(of_table);
        let column = item.and_then(|i| i.columns.iter().find(|c| *c.name == *target.column.name));
        match column {
            Some(column) => Ok(column.expr.clone()),
            None => Err(SqlError::unsupported("assignment to a part of a value here").at(target.column.pos)),
        }
    }

    fn assign_path(
        &mut self,
        ty: DataType,
        target: &Assignee,
        path: &[PathStep],
        before: Expr,
        value: Expr,
    ) -> Result<Expr> {
        let pos = target.column.pos;
        let mut subscripts = Vec::new();
        for step in path {
            match step {
                PathStep::Subscript(subscript) => subscripts.push(*subscript),
                PathStep::Field(_) => break,
            }
        }
        let rest = &path[subscripts.len()..];
        if info::base_type(ty.oid) == oid::JSONB && (rest.is_empty() || subscripts.is_empty()) {
            self.refuse_field(ty, target, rest)?;
            return self.assign_json_part(target, &subscripts, before, value);
        }
        if subscripts.is_empty() {
            return self.assign_field(ty, target, path, before, value);
        }
        let domain = (ty.oid != info::base_type(ty.oid)).then_some(ty);
        let ty = info::base_of(ty);
        let Some(element) = element_of(ty.oid) else {
            return Err(sql_err!(
                DATATYPE_MISMATCH,
                "cannot subscript type {} because it does not support subscripting",
                display(ty.oid)
            ));
        };
        if matches!(ty.oid, oid::INT2VECTOR | oid::OIDVECTOR) {
            let array = crate::types::info::array_of(element);
            let message = format!("cannot cast type {} to {}", display(array), display(ty.oid));
            return Err(sql_err!(CANNOT_COERCE, "{message}").at(pos));
        }
        let element = DataType { oid: element, ..ty };
        let array = self.assign_elements(element, ty, target, (&subscripts, rest), before, value)?;
        match domain {
            Some(domain) => self.assign(array, &target.column.name, domain, pos),
            None => Ok(array),
        }
    }

    /// A row of type `ty` with the field that the path leads to replaced.
    fn assign_field(
        &mut self,
        ty: DataType,
        target: &Assignee,
        path: &[PathStep],
        before: Expr,
        value: Expr,
    ) -> Result<Expr> {
        let (pos, column) = (target.column.pos, &target.column.name);
        let [PathStep::Field(name), rest @ ..] = path else {
            return self.assign(value, column, ty, pos);
        };
        let base = info::base_of(ty);
        let Some(fields) = rowtype::fields_of(base).filter(|_| base.oid != oid::RECORD) else {
            return Err(sql_err!(
                DATATYPE_MISMATCH,
                "cannot assign to field \"{}\" of column \"{column}\" because its type {} is not a composite type",
                name.name,
                display(ty.oid)
            )
            .at(pos));
        };
        let Some(index) = fields.iter().position(|(field, _)| **field == *name.name) else {
            return Err(sql_err!(
                UNDEFINED_COLUMN,
                "cannot assign to field \"{}\" of column \"{column}\" because there is no such column in data type {}",
                name.name,
                display(ty.oid)
            )
            .at(pos));
        };
        let inner = match rest {
            [] => {
                let (from, want, at) = (value.ty.oid, fields[index].1, value.at);
                self.coerce(value, want, CastContext::Assignment)?.ok_or_else(|| {
                    sql_err!(
                        DATATYPE_MISMATCH,
                        "subfield \"{}\" is of type {} but expression is of type {}",
                        name.name,
                        display(want.oid),
                        display(from)
                    )
                    .hint("You will need to rewrite or cast the expression.")
                    .at(at)
                })?
            }
            _ => {
                let field = super::expr::record_field(before.clone(), index, &fields);
                self.assign_path(fields[index].1, target, rest, field, value)?
            }
        };
        let args = vec![before, literal(Datum::Int4(index as i32), oid::INT4, pos), inner];
        let kind = ExprKind::Call { func: &FIELD_ASSIGN, args, operator: 0, form: CallForm::Plain };
        let row = Expr::new(kind, base);
        match base.oid == ty.oid {
            true => Ok(row),
            false => self.assign(row, column, ty, pos),
        }
    }

    fn assign_elements(
        &mut self,
        element: DataType,
        ty: DataType,
        target: &Assignee,
        (subscripts, rest): (&[Subscript], &[PathStep]),
        before: Expr,
        value: Expr,
    ) -> Result<Expr> {
        let pos = target.column.pos;
        if subscripts.len() > MAX_DIMS {
            return Err(sql_err!(
                PROGRAM_LIMIT_EXCEEDED,
                "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMS})",
                subscripts.len()
            ));
        }
        let (bounds, slice) = self.bind_subscripts(subscripts)?;
        let part = if slice { ty } else { element };
        let value = match rest {
            [] => {
                let from = value.ty.oid;
                self.coerce(value, part, CastContext::Assignment)?.ok_or_else(|| {
                    sql_err!(
                        DATATYPE_MISMATCH,
                        "subscripted assignment to \"{}\" requires type {} but expression is of type {}",
                        target.column.name,
                        display(part.oid),
                        display(from)
                    )
                    .hint("You will need to rewrite or cast the expression.")
                    .at(pos)
                })?
            }
            _ => {
                let array = Box::new(before.clone());
                let kind = ExprKind::Subscript { array, subscripts: bounds.clone(), slice };
                let inner = Expr::new(kind, part);
                self.assign_path(part, target, rest, inner, value)?
            }
        };
        let mut shape = Shape::new(slice, bounds.len());
        let mut given = Vec::with_capacity(2 * bounds.len());
        for (n, (lower, upper)) in bounds.into_iter().enumerate() {
            for (bound, is_upper) in [(lower, false), (upper, true)] {
                if let Some(bound) = bound {
                    shape.give(n, is_upper);
                    given.push(bound);
                }
            }
        }
        let mut args = vec![before, value, literal(Datum::Int4(shape.0), oid::INT4, pos)];
        args.append(&mut given);
        let kind = ExprKind::Call { func: &ARRAY_ASSIGN, args, operator: 0, form: CallForm::Plain };
        Ok(Expr::new(kind, ty))
    }

    /// Refuses a field where there are none.
    fn refuse_field(&self, ty: DataType, target: &Assignee, rest: &[PathStep]) -> Result<()> {
        let Some(PathStep::Field(name)) = rest.first() else { return Ok(()) };
        let category = crate::func::category::category(ty.oid);
        if category == b'C' || ty.oid == oid::RECORD {
            return Ok(());
        }
        Err(sql_err!(
            DATATYPE_MISMATCH,
            "cannot assign to field \"{}\" of column \"{}\" because its type {} is not a composite type",
            name.name,
            target.column.name,
            display(ty.oid)
        )
        .at(target.column.pos))
    }

    /// The new value of a `jsonb` of which a part is assigned to.
    fn assign_json_part(
        &mut self,
        target: &Assignee,
        subscripts: &[Subscript],
        before: Expr,
        value: Expr,
    ) -> Result<Expr> {
        let pos = target.column.pos;
        let (path, list) = self.bind_json_path(subscripts)?;
        let value = self.assign(value, &target.column.name, DataType::of(oid::JSONB), pos)?;
        let args = vec![before, path, value, literal(Datum::Bool(list), oid::BOOL, pos)];
        let kind = ExprKind::Call { func: &JSONB_ASSIGN, args, operator: 0, form: CallForm::Plain };
        Ok(Expr::new(kind, DataType::of(oid::JSONB)))
    }
}
