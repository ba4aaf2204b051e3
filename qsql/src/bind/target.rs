//! Tables to be written: their constraints, index expressions and generated columns, bound once per plan.

use std::sync::Arc;

use super::foreign_key::foreign_keys;
use super::lens::expand_virtual;
use super::stored::{StoredKind, bind_expression};
use super::{BindContext, Binder};
use crate::catalog::{ConstraintKind, Generated, IndexKey, Relation};
use crate::error::Result;
use crate::plan::expr::Expr;
use crate::plan::physical::{BoundForeignKey, BoundIndex, ColumnSet, WriteTarget};

/// Binds all that the rows of a table must satisfy.
pub fn write_target(relation: &Arc<Relation>, cx: &BindContext<'_>) -> Result<WriteTarget> {
    let mut checks = Vec::new();
    for constraint in &relation.constraints {
        if let ConstraintKind::Check(text) = &constraint.kind
            && constraint.enforced
        {
            let mut condition = bind_expression(text, Some(relation), None, StoredKind::Check, cx)?;
            expand_virtual(&mut condition, relation, cx)?;
            checks.push((constraint.name.clone(), condition));
        }
    }
    let mut indexes = Vec::with_capacity(relation.indexes.len());
    for index in &relation.indexes {
        let mut keys = Vec::with_capacity(index.columns.len());
        for column in &index.columns {
            keys.push(match &column.key {
                IndexKey::Column(i) => {
                    let source = &relation.columns[*i];
                    let mut e = Expr::column(*i as u32, source.ty);
                    e.collation = column.collation;
                    e
                }
                IndexKey::Expression(text) => {
                    bind_expression(text, Some(relation), None, StoredKind::Index, cx)?
                }
            });
        }
        let predicate = match &index.predicate {
            Some(text) => Some(bind_expression(text, Some(relation), None, StoredKind::IndexPredicate, cx)?),
            None => None,
        };
        indexes.push(BoundIndex { index: index.clone(), keys, predicate });
    }
    let mut generated = Vec::new();
    for (i, column) in relation.live_columns() {
        if let (Generated::Stored, Some(text)) = (column.generated, &column.default) {
            generated.push((
                i,
                bind_expression(text, Some(relation), Some(column.ty), StoredKind::Generated, cx)?,
            ));
        }
    }
    let mut required = Vec::new();
    for (i, column) in relation.live_columns() {
        if column.generated == Generated::Virtual && column.not_null {
            let mut value = Expr::column(i as u32, column.ty);
            expand_virtual(&mut value, relation, cx)?;
            required.push((i, value));
        }
    }
    let foreign = foreign_keys(relation, cx)?;
    let named = ColumnSet::default();
    let policies = Vec::new();
    Ok(WriteTarget {
        relation: relation.clone(),
        checks,
        indexes,
        generated,
        required,
        named,
        foreign,
        policies,
    })
}

impl Binder<'_> {
    /// [`write_target`] of the statement, once what it does to the table is known.
    pub(crate) fn own_target(&mut self, relation: &Arc<Relation>) -> Result<WriteTarget> {
        let access = self.access(relation.oid).copied().unwrap_or_default();
        let named = access.insert.unwrap_or_default().union(access.update.unwrap_or_default());
        let mut target = write_target(relation, self.cx)?;
        target.named = named;
        let changes = |key: &BoundForeignKey| {
            let computed = |c: &usize| target.generated.iter().any(|(g, _)| g == c);
            key.key.columns.iter().any(|c| access.insert.is_some() || named.has(*c) || computed(c))
        };
        let writes = access.insert.is_some() || access.update.is_some();
        target.foreign = target.foreign.iter().filter(|key| writes && changes(key)).cloned().collect();
        for key in target.foreign.iter().filter(|key| key.parent.oid != relation.oid) {
            self.use_referenced(&key.parent);
        }
        Ok(target)
    }
}
