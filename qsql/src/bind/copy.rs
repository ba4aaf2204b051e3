//! COPY FROM: what the rows of a table need beside their input.

use std::sync::Arc;

use super::stored::{StoredKind, bind_parsed_expression};
use super::target::write_target;
use super::{BindContext, Binder};
use crate::catalog::{Generated, Relation};
use crate::error::Result;
use crate::parse::ast::{Ast, ExprId};
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::physical::WriteTarget;
use crate::sql_err;

/// A table that COPY FROM fills.
#[derive(Clone, Debug)]
pub struct CopyTarget {
    /// What rows must satisfy.
    pub target: WriteTarget,
    /// The columns' defaults, by index; `None` for columns that have none, are generated, or dropped.
    pub defaults: Vec<Option<Expr>>,
    /// WHERE, over the table's columns (slot = column index).
    pub filter: Option<Expr>,
}

/// Binds the table of a COPY FROM and its WHERE, an expression of `ast`.
///
/// # Errors
/// What binding defaults, constraints and the condition raises.
pub fn bind_copy_target(
    ast: &Ast,
    relation: &Arc<Relation>,
    filter: Option<ExprId>,
    cx: &BindContext<'_>,
) -> Result<CopyTarget> {
    let mut defaults = vec![None; relation.columns.len()];
    for (i, column) in relation.live_columns() {
        let is_domain = !column.dropped && crate::types::info::is_domain(column.ty.oid);
        if (column.default.is_some() || is_domain) && !is_computed(column.generated) {
            defaults[i] = Some(Binder::new(ast, cx).default_of(relation, i)?);
        }
    }
    let filter = match filter {
        Some(id) => Some(bind_filter(ast, relation, id, cx)?),
        None => None,
    };
    Ok(CopyTarget { target: write_target(relation, cx)?, defaults, filter })
}

fn is_computed(generated: Generated) -> bool {
    matches!(generated, Generated::Stored | Generated::Virtual)
}

fn bind_filter(ast: &Ast, relation: &Arc<Relation>, id: ExprId, cx: &BindContext<'_>) -> Result<Expr> {
    let filter = bind_parsed_expression(ast, id, Some(relation), None, StoredKind::CopyFilter, cx)?;
    let mut computed = None;
    filter.any(&mut |e| {
        if let ExprKind::Column(i) = e.kind
            && let Some(column) = relation.columns.get(i as usize)
            && is_computed(column.generated)
        {
            computed = Some(column.name.clone());
        }
        computed.is_some()
    });
    match computed {
        Some(name) => Err(sql_err!(
            INVALID_COLUMN_REFERENCE,
            "generated columns are not supported in COPY FROM WHERE conditions"
        )
        .detail(format!("Column \"{name}\" is a generated column."))),
        None => Ok(filter),
    }
}
