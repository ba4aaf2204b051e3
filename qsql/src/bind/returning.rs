//! RETURNING: the new row, the old row, and what was joined.

use std::sync::Arc;

use super::Binder;
use super::lens::Lens;
use super::scope::{Clause, NsColumn, NsItem};
use crate::catalog::Relation;
use crate::error::Result;
use crate::parse::ast::Returning;
use crate::plan::expr::{ColumnId, Expr};
use crate::plan::physical::OutputColumn;
use crate::sql_err;
use crate::types::oid;

/// A bound RETURNING.
pub(crate) struct BoundReturning {
    pub(crate) exprs: Vec<(ColumnId, Expr)>,
    pub(crate) columns: Vec<OutputColumn>,
}

impl Binder<'_> {
    /// Makes ids for all columns of a row image, dropped ones included.
    pub(crate) fn row_image(&mut self, table: &Arc<Relation>) -> Vec<ColumnId> {
        let block = self.scopes.last().map_or(0, |s| s.block);
        let make = |(i, c): (usize, &crate::catalog::Column)| {
            let id = self.new_column_of(c.ty, block, (table.oid, i as i16 + 1));
            self.s.collations[id as usize] = c.collation;
            id
        };
        table.columns.iter().enumerate().map(make).collect()
    }

    /// A namespace item over a row image, as what the statement names shows it.
    pub(crate) fn image_item(&mut self, name: &str, lens: &Lens, ids: &[ColumnId]) -> Result<NsItem> {
        let ids: Vec<(usize, ColumnId)> = ids.iter().copied().enumerate().collect();
        let expanded = self.expand(lens, &ids, None)?;
        let mut item = NsItem::new(Some(Arc::from(name)), expanded.columns);
        item.relation = Some(lens.shown().clone());
        if *lens.shown().name == *name {
            item.schema = Some(lens.shown().schema.clone());
        }
        if !lens.is_view() {
            let tableoid = crate::types::Datum::Oid(lens.table.oid);
            let tableoid = super::expr::literal(tableoid, oid::OID, u32::MAX);
            item.system.push(NsColumn::new(Arc::from("tableoid"), tableoid));
        }
        Ok(item)
    }

    /// Binds RETURNING over the current scope, whose item `name` stands for the written table: for its row `plain`.
    #[allow(clippy::too_many_arguments, reason = "three images of a row")]
    pub(crate) fn bind_returning(
        &mut self,
        returning: &Returning,
        name: &str,
        lens: &Lens,
        new: &[ColumnId],
        old: &[ColumnId],
        plain: &[ColumnId],
    ) -> Result<BoundReturning> {
        let item = self.image_item(name, lens, plain)?;
        let position = self.scope().items.iter().position(|i| i.name.as_deref() == Some(name));
        let mut item = item;
        match position {
            // `*` of a MERGE begins with the source.
            Some(i) if self.merge_action.is_some() => {
                self.scope().items.remove(i);
                self.scope().items.push(item);
            }
            Some(i) => {
                item.schema = self.scope().items[i].schema.take();
                self.scope().items[i] = item;
            }
            None => self.scope().items.insert(0, item),
        }
        for (alias, default, ids) in [(&returning.old, "old", old), (&returning.new, "new", new)] {
            let shown = alias.as_ref().map_or(default, |a| &*a.name);
            let taken = self.scope().items.iter().any(|i| i.rel_visible && i.name.as_deref() == Some(shown));
            if taken && let Some(alias) = alias {
                return Err(sql_err!(
                    DUPLICATE_ALIAS,
                    "table name \"{}\" specified more than once",
                    alias.name
                )
                .at(alias.pos));
            }
            if !taken {
                let mut item = self.image_item(shown, lens, ids)?;
                item.cols_visible = false;
                self.scope().items.push(item);
            }
        }
        let targets = self.within(Clause::Returning, |b| b.bind_targets(&returning.targets))?;
        let mut exprs = Vec::with_capacity(targets.len());
        let mut columns = Vec::with_capacity(targets.len());
        for target in targets {
            let e = self.settle(target.expr)?;
            let id = self.column_for(&e);
            columns.push(self.output_column(&target.name, id));
            exprs.push((id, e));
        }
        if exprs.is_empty() {
            return Err(sql_err!(SYNTAX_ERROR, "RETURNING must have at least one column"));
        }
        Ok(BoundReturning { exprs, columns })
    }
}
