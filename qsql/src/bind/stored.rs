//! Expressions kept as text or standing alone: defaults, checks, index keys and predicates, generation expressions.

use super::scope::{Clause, NsColumn, NsItem};
use super::{BindContext, Binder};
use crate::catalog::{Catalog, Relation};
use crate::error::{Result, SqlError};
use crate::func::CastContext;
use crate::parse::ast::{Ast, ExprId, ExprKind as ExprNode, QueryBody, Statement, TypeName};
use crate::plan::expr::{Expr, ExprKind};
use crate::sql_err;
use crate::types::{DataType, IoContext};
use std::sync::Arc;

/// What an expression is for: decides what may stand in it and how errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredKind {
    /// A column's DEFAULT: no columns.
    Default,
    /// A CHECK constraint: Boolean.
    Check,
    /// A key of an index.
    Index,
    /// The predicate of a partial index: Boolean.
    IndexPredicate,
    /// A generated column's expression.
    Generated,
    /// WHERE of COPY FROM: Boolean.
    CopyFilter,
    /// An argument of EXECUTE, by number: no columns.
    ExecuteArgument(u32),
    /// USING of ALTER COLUMN ... TYPE.
    Transform,
    /// The default of a parameter.
    Parameter,
}

impl StoredKind {
    fn clause(self) -> Clause {
        match self {
            StoredKind::Default | StoredKind::Parameter => Clause::Default,
            StoredKind::Check => Clause::Check,
            StoredKind::Index => Clause::Index,
            StoredKind::IndexPredicate => Clause::IndexPredicate,
            StoredKind::Generated => Clause::Generated,
            StoredKind::CopyFilter => Clause::CopyFilter,
            StoredKind::ExecuteArgument(_) => Clause::ExecuteArgument,
            StoredKind::Transform => Clause::Transform,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            StoredKind::Default | StoredKind::Parameter => "DEFAULT expression",
            StoredKind::Check => "check constraint",
            StoredKind::Index => "index expression",
            StoredKind::IndexPredicate => "index predicate",
            StoredKind::Generated => "column generation expression",
            StoredKind::CopyFilter => "COPY FROM WHERE condition",
            StoredKind::ExecuteArgument(_) => "EXECUTE parameter",
            StoredKind::Transform => "transform expression",
        }
    }
}

/// Binds a stored expression's text. `Column(i)` in the result is the relation's column with index i.
///
/// With `expected`, the value is coerced to that type as an assignment does.
pub fn bind_expression(
    text: &str,
    relation: Option<&Relation>,
    expected: Option<DataType>,
    kind: StoredKind,
    cx: &BindContext<'_>,
) -> Result<Expr> {
    let (ast, expr) = parse_text(text)?;
    bind_parsed_expression(&ast, expr, relation, expected, kind, cx)
}

/// As [`bind_expression`], for an expression that is to be printed: as it was written, nothing computed or left out.
pub fn bind_printed_expression(
    text: &str,
    relation: Option<&Relation>,
    expected: Option<DataType>,
    kind: StoredKind,
    cx: &BindContext<'_>,
) -> Result<Expr> {
    let (ast, expr) = parse_text(text)?;
    bind_written_expression(&ast, expr, relation, expected, kind, cx)
}

/// As [`bind_printed_expression`], for an expression of a tree (a DEFAULT or CHECK that DDL is about to store).
pub fn bind_written_expression(
    ast: &Ast,
    expr: ExprId,
    relation: Option<&Relation>,
    expected: Option<DataType>,
    kind: StoredKind,
    cx: &BindContext<'_>,
) -> Result<Expr> {
    let mut binder = Binder::new(ast, cx);
    binder.s.faithful = true;
    bind_with(binder, expr, relation, expected, kind)
}

/// As [`bind_expression`], for an expression of a tree.
pub fn bind_parsed_expression(
    ast: &Ast,
    expr: ExprId,
    relation: Option<&Relation>,
    expected: Option<DataType>,
    kind: StoredKind,
    cx: &BindContext<'_>,
) -> Result<Expr> {
    bind_with(Binder::new(ast, cx), expr, relation, expected, kind)
}

fn bind_with(
    mut binder: Binder<'_>,
    expr: ExprId,
    relation: Option<&Relation>,
    expected: Option<DataType>,
    kind: StoredKind,
) -> Result<Expr> {
    binder.push_scope(kind.clause());
    if let Some(relation) = relation {
        let mut columns = Vec::with_capacity(relation.columns.len());
        for (i, column) in relation.columns.iter().enumerate() {
            let id = binder.new_column_of(column.ty, 1, (relation.oid, i as i16 + 1));
            binder.s.collations[id as usize] = column.collation;
            if !column.dropped {
                columns.push(NsColumn::new(Arc::from(&*column.name), binder.column(id)));
            }
        }
        binder.add_item(NsItem::new(Some(Arc::from(&*relation.name)), columns))?;
    }
    let bound = binder.bind_expr(expr)?;
    let has = |test: &dyn Fn(&ExprKind) -> bool| bound.any(&mut |e| test(&e.kind));
    if has(&|k| matches!(k, ExprKind::Subquery { .. })) {
        return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot use subquery in {}", kind.noun()).at(bound.at));
    }
    if kind == StoredKind::Default && has(&|k| matches!(k, ExprKind::Column(_))) {
        return Err(
            sql_err!(FEATURE_NOT_SUPPORTED, "cannot use column reference in DEFAULT expression").at(bound.at)
        );
    }
    match (kind, expected) {
        (StoredKind::Check, _) => binder.coerce_to_bool(bound, "CHECK"),
        (StoredKind::IndexPredicate | StoredKind::CopyFilter, _) => binder.coerce_to_bool(bound, "WHERE"),
        (StoredKind::Parameter, Some(ty)) => binder.coerce_to_specific(bound, ty.oid, "DEFAULT"),
        (_, Some(ty)) => {
            let from = bound.ty.oid;
            let at = bound.at;
            binder.coerce(bound, ty, CastContext::Assignment)?.ok_or_else(|| {
                use crate::func::category::display;
                if let StoredKind::ExecuteArgument(number) = kind {
                    return sql_err!(
                        DATATYPE_MISMATCH,
                        "parameter ${number} of type {} cannot be coerced to the expected type {}",
                        display(from),
                        display(ty.oid)
                    )
                    .hint("You will need to rewrite or cast the expression.")
                    .at(at);
                }
                sql_err!(
                    DATATYPE_MISMATCH,
                    "column is of type {} but {} is of type {}",
                    display(ty.oid),
                    if kind == StoredKind::Default { "default expression" } else { "expression" },
                    display(from)
                )
                .hint("You will need to rewrite or cast the expression.")
                .at(at)
            })
        }
        (_, None) => binder.settle(bound),
    }
}

/// Resolves a type name of a tree: for DDL.
pub fn bind_type_name(ast: &Ast, name: &TypeName, cx: &BindContext<'_>) -> Result<DataType> {
    Binder::new(ast, cx).bind_type(name)
}

/// Resolves the text of a type name, `numeric(10,2)` or `text[]`: for `to_regtype` and its relatives.
///
/// # Errors
/// 42601 if the text is no type name, 42704 if there is no such type.
pub fn bind_type_text(text: &str, catalog: &dyn Catalog) -> Result<DataType> {
    let (ast, expr) = parse_text(&format!("CAST(NULL AS {text})"))?;
    let io = IoContext::default();
    match &ast[expr].kind {
        ExprNode::Cast { ty, .. } => bind_type_name(&ast, ty, &BindContext { catalog, params: &[], io: &io }),
        _ => Err(sql_err!(SYNTAX_ERROR, "invalid type name \"{text}\"")),
    }
}

/// Binds the text of a function argument's default.
pub(crate) fn bind_constant_text(text: &str, cx: &BindContext<'_>) -> Result<Expr> {
    let (ast, expr) = parse_text(text)?;
    let mut binder = Binder::new(&ast, cx);
    binder.push_scope(Clause::Default);
    let mut bound = binder.bind_expr(expr)?;
    bound.at = u32::MAX;
    Ok(bound)
}

pub(super) fn parse_text(text: &str) -> Result<(Ast, ExprId)> {
    let statements = crate::parse::parse_statements(&format!("SELECT {text}"))?;
    let broken = || SqlError::internal("stored expression is not an expression");
    let ast = statements.into_iter().next().ok_or_else(broken)?.ast;
    let Statement::Query(query) = ast.statement else { return Err(broken()) };
    let QueryBody::Select(select) = &ast[query].body else { return Err(broken()) };
    let expr = select.targets.first().ok_or_else(broken)?.expr;
    Ok((ast, expr))
}
