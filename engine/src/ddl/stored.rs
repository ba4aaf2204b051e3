//! Expressions on their way into the catalog: bound once to be checked, then kept as text whose meaning no search path changes.

use std::sync::Arc;

use nq_qsql::bind::{BindContext, StoredKind};
use nq_qsql::catalog::Relation;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::{Volatility, is_fixed_json_query};
use nq_qsql::parse::ast::{Ast, ExprId, TypeName};
use nq_qsql::plan::deparse::{deparse_stored, quote_identifier};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum, Oid, oid};

use crate::catalog::object::Dependency;
use crate::session::Session;

/// A stored expression.
pub(crate) struct Stored {
    /// Its text.
    pub(crate) text: Arc<str>,
    /// Bound over the relation's columns (slot = column index).
    pub(crate) expr: Expr,
    /// The columns it mentions, ascending.
    pub(crate) columns: Vec<usize>,
}

impl Session {
    /// Calls `work` with what binding needs.
    pub(crate) fn with_bind_cx<R>(&mut self, work: impl FnOnce(&BindContext<'_>) -> Result<R>) -> Result<R> {
        let view = self.view().clone();
        let io = self.host.io(&view);
        work(&BindContext { catalog: &*view, params: &[], io: &io })
    }

    /// The type a type name means.
    pub(crate) fn resolve_type(&mut self, ast: &Ast, ty: &TypeName) -> Result<DataType> {
        self.with_bind_cx(|cx| nq_qsql::bind::bind_type_name(ast, ty, cx))
    }

    /// Binds an expression of a statement for storing.
    pub(crate) fn store_expression(
        &mut self,
        ast: &Ast,
        expr: ExprId,
        relation: &Relation,
        kind: StoredKind,
        expected: Option<DataType>,
    ) -> Result<Stored> {
        let bound = self.with_bind_cx(|cx| {
            nq_qsql::bind::bind_written_expression(ast, expr, Some(relation), expected, kind, cx)
        })?;
        let mut stored = self.finish_stored(bound, relation, kind)?;
        if expected.is_some() && kind == StoredKind::Default {
            stored.text = self.as_written(ast, expr, relation, kind, &stored);
        }
        Ok(stored)
    }

    /// Binds the text of a stored expression again.
    pub(crate) fn bind_stored(
        &mut self,
        text: &str,
        relation: &Relation,
        kind: StoredKind,
        expected: Option<DataType>,
    ) -> Result<Expr> {
        self.with_bind_cx(|cx| {
            nq_qsql::bind::bind_printed_expression(text, Some(relation), expected, kind, cx)
        })
    }

    fn finish_stored(&mut self, expr: Expr, relation: &Relation, kind: StoredKind) -> Result<Stored> {
        let immutable =
            matches!(kind, StoredKind::Index | StoredKind::IndexPredicate | StoredKind::Generated);
        let mut planned = expr.clone();
        self.with_bind_cx(|cx| {
            nq_qsql::optimize::inline_calls(&mut planned, cx);
            Ok(())
        })?;
        if immutable && volatility(&planned) != Volatility::Immutable {
            return Err(sql_err!(
                INVALID_OBJECT_DEFINITION,
                "{}",
                match kind {
                    StoredKind::Index => "functions in index expression must be marked IMMUTABLE",
                    StoredKind::IndexPredicate => "functions in index predicate must be marked IMMUTABLE",
                    _ => "generation expression is not immutable",
                }
            ));
        }
        let columns = mentioned_columns(&expr);
        if kind == StoredKind::Generated
            && let Some(other) = columns.iter().find(|c| {
                matches!(
                    relation.columns[**c].generated,
                    nq_qsql::catalog::Generated::Stored | nq_qsql::catalog::Generated::Virtual
                )
            })
        {
            return Err(sql_err!(
                INVALID_OBJECT_DEFINITION,
                "cannot use generated column \"{}\" in column generation expression",
                relation.columns[*other].name
            )
            .detail("A generated column cannot reference another generated column."));
        }
        let text = stored_text(&expr, relation);
        Ok(Stored { text, expr, columns })
    }

    /// The text of a default as it was written: what coerces it to the column's type is left out, as it is applied again wherever
    /// the default is bound. An untyped literal has the column's type, without its modifier.
    fn as_written(
        &mut self,
        ast: &Ast,
        expr: ExprId,
        relation: &Relation,
        kind: StoredKind,
        coerced: &Stored,
    ) -> Arc<str> {
        let bound = self.with_bind_cx(|cx| {
            nq_qsql::bind::bind_written_expression(ast, expr, Some(relation), None, kind, cx)
        });
        let written = match bound {
            Ok(written) if !is_literal(&written) => written,
            _ => match &coerced.expr.kind {
                ExprKind::Typmod { value, .. } => (**value).clone(),
                _ => return coerced.text.clone(),
            },
        };
        deparse_stored(&written, &|id: u32| quote_identifier(&relation.columns[id as usize].name)).into()
    }

    /// Computes an expression over one row.
    pub(crate) fn evaluate(&mut self, expr: &Expr, row: &[Datum]) -> Result<Datum> {
        use nq_qsql::func::EvalCx;
        if expr.any(&mut |e| matches!(e.kind, ExprKind::Routine { .. })) {
            return self.evaluate_calling(expr, row);
        }
        let view = self.view().clone();
        let io = self.host.io(&view);
        self.host.modes = self.modes();
        let mut cx = EvalCx { io: &io, host: &mut self.host, arg_types: &[], result: expr.ty };
        nq_qsql::func::eval::eval(expr, row, &[], &mut cx)
    }
}

/// Whether an expression is a string constant, whose type its surroundings decide.
fn is_literal(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Const(_)) && matches!(expr.ty.oid, oid::TEXT | oid::UNKNOWN)
}

/// Calls `f` on an expression and everything in it.
fn visit(expr: &Expr, f: &mut dyn FnMut(&Expr)) {
    f(expr);
    expr.each_child(&mut |child| visit(child, f));
}

/// The columns that an expression over a table reads, ascending.
pub(crate) fn mentioned_columns(expr: &Expr) -> Vec<usize> {
    let mut columns = Vec::new();
    visit(expr, &mut |e| {
        if let ExprKind::Column(slot) = e.kind {
            columns.push(slot as usize);
        }
    });
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// The text of an expression over a table's columns as it is stored.
pub(crate) fn stored_text(expr: &Expr, relation: &Relation) -> Arc<str> {
    deparse_stored(expr, &|id: u32| quote_identifier(&relation.columns[id as usize].name)).into()
}

/// The least stable function in an expression.
pub(crate) fn volatility(expr: &Expr) -> Volatility {
    let mut worst = Volatility::Immutable;
    visit(expr, &mut |e| {
        if let Some((volatility, _)) = e.called().filter(|_| !is_fixed_json_query(e)) {
            worst = worst.max(volatility);
        }
    });
    worst
}

/// Relations that an expression refers to by OID constants: `nextval('s'::regclass)`.
pub(crate) fn constant_relations(expr: &Expr) -> Vec<Oid> {
    let mut found = Vec::new();
    visit(expr, &mut |e| {
        if let (ExprKind::Const(Datum::Oid(relation)), oid::REGCLASS) = (&e.kind, e.ty.oid) {
            found.push(*relation);
        }
    });
    found
}

/// The dependencies of a column's default.
pub(crate) fn default_dependencies(expr: &Expr, column: usize) -> Vec<Dependency> {
    constant_relations(expr)
        .into_iter()
        .chain(super::routine::called_routines(expr))
        .map(|relation| Dependency { relation, column: None, from: Some(column) })
        .collect()
}

/// Names the column in the binder's complaint about a value's type.
pub(crate) fn name_column(error: SqlError, column: &str) -> SqlError {
    let mut error = error;
    if let Some(rest) = error.0.message.strip_prefix("column is of type ") {
        error.0.message = format!("column \"{column}\" is of type {rest}").into();
    }
    error
}
