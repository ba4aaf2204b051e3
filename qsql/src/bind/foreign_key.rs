//! Foreign keys: the referenced table and how values are compared with its keys, found once per plan.

use std::sync::Arc;

use super::BindContext;
use super::stored::{StoredKind, bind_expression};
use crate::catalog::{Column, Constraint, Relation, RelationKind};
use crate::error::{Result, SqlError};
use crate::func::opclass::key_operators;
use crate::plan::expr::Expr;
use crate::plan::physical::{BoundForeignKey, KeyCast};
use crate::types::DataType;
use crate::types::oid::{INT2, INT4, INT8, TEXT, VARCHAR};

/// The foreign keys of a table that are enforced.
pub(super) fn foreign_keys(relation: &Arc<Relation>, cx: &BindContext<'_>) -> Result<Vec<BoundForeignKey>> {
    let mut bound = Vec::new();
    for constraint in relation.constraints.iter().filter(|c| c.enforced) {
        bound.extend(bind_foreign_key(relation, constraint, cx)?);
    }
    Ok(bound)
}

/// Finds what a foreign key refers to; `None` for other constraints.
///
/// # Errors
/// XX000 when the referenced table or its index is missing.
pub fn bind_foreign_key(
    relation: &Arc<Relation>,
    constraint: &Constraint,
    cx: &BindContext<'_>,
) -> Result<Option<BoundForeignKey>> {
    let Some(key) = constraint.foreign_key() else { return Ok(None) };
    let missing = || SqlError::internal(format_args!("what \"{}\" refers to is missing", constraint.name));
    let parent = match key.table == relation.oid {
        true => relation.clone(),
        false => cx.catalog.relation_by_oid(key.table).ok_or_else(missing)?,
    };
    let index = parent.indexes.iter().find(|i| i.oid == key.index).cloned().ok_or_else(missing)?;
    let mut casts = Vec::with_capacity(key.columns.len());
    for (&from, &to) in key.columns.iter().zip(&key.ref_columns) {
        casts.push(key_cast(relation.columns[from].ty, parent.columns[to].ty, cx)?);
    }
    Ok(Some(BoundForeignKey {
        oid: constraint.oid,
        name: constraint.name.clone(),
        timing: constraint.timing,
        key: key.clone(),
        parent,
        index,
        casts,
    }))
}

fn key_cast(from: DataType, to: DataType, cx: &BindContext<'_>) -> Result<KeyCast> {
    let integer = |ty: DataType| matches!(ty.oid, INT2 | INT4 | INT8);
    let text = |ty: DataType| matches!(ty.oid, TEXT | VARCHAR);
    if from.oid == to.oid || text(from) && text(to) {
        return Ok(KeyCast::Same);
    }
    if integer(from) && integer(to) {
        return Ok(KeyCast::Integer);
    }
    let (from, to) = (DataType::of(from.oid), DataType::of(to.oid));
    let cast = key_operators(to.oid, from.oid).is_none_or(|o| o.cast);
    let back = if cast { None } else { Some(Box::new(conversion(to, from, cx)?)) };
    Ok(KeyCast::Convert { forth: Box::new(conversion(from, to, cx)?), back })
}

/// The expression that makes a value of type `to`, as an assignment does, of one of type `from` in slot 0.
///
/// # Errors
/// 42804 when there is no such conversion.
pub fn conversion(from: DataType, to: DataType, cx: &BindContext<'_>) -> Result<Expr> {
    let value = Column::new("value".into(), from, super::collation_of(from.oid));
    let relation = Relation::bare(RelationKind::Virtual, vec![value]);
    bind_expression("value", Some(&relation), Some(to), StoredKind::Transform, cx)
}
