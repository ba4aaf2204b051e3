//! What the names in a query mean, noted while it is bound: a view is stored with every name made explicit, and stored again
//! when something it names gets another name.
//!
//! ```text
//! select a, s.* from t, s where b > 0
//! SELECT t.a AS a, s.x AS x FROM public.t AS t, public.s AS s WHERE (t.b > 0)
//! ```
//!
//! 1. Only names of the query's own text are noted, not those of the views it uses.
//! 2. A name is known by its place in the text.
//! 3. Columns that join by USING keep their names: the text has no other way to say it.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use super::scope::{NsColumn, NsItem};
use super::{BindContext, Binder, Bound};
use crate::catalog::Catalog;
use crate::error::Result;
use crate::parse::ast::{Ast, ExprId, FromId, Ident, Pos, QueryId};
use crate::parse::deparse::{Names, PrintedColumn, PrintedTable, deparse_query_with};
use crate::plan::expr::ExprKind;
use crate::plan::physical::Command;
use crate::types::Oid;

/// A column by the name it has in the query.
#[derive(Clone, Debug)]
struct NamedColumn {
    /// The item of FROM that has it, where that can be said.
    qualifier: Option<Arc<str>>,
    name: Arc<str>,
    /// The relation and 0-based column whose name it is; `None` when an alias gave it.
    origin: Option<(Oid, usize)>,
}

/// What the names in a query mean.
#[derive(Clone, Debug, Default)]
pub struct Resolution {
    tables: HashMap<Pos, Oid>,
    columns: HashMap<Pos, NamedColumn>,
    stars: HashMap<Pos, Vec<NamedColumn>>,
    naturals: HashMap<FromId, Vec<Box<str>>>,
    used: BTreeSet<(Oid, usize)>,
    joined: BTreeSet<(Oid, usize)>,
}

impl Resolution {
    /// The relations that the query names.
    pub fn relations(&self) -> BTreeSet<Oid> {
        self.tables.values().copied().collect()
    }

    /// The columns (0-based) that it reads.
    pub fn columns(&self) -> &BTreeSet<(Oid, usize)> {
        &self.used
    }

    /// Whether the query joins by the name of a column.
    pub fn joins_by(&self, relation: Oid, column: usize) -> bool {
        self.joined.contains(&(relation, column))
    }
}

/// Binds the query of a view that is made or changed, noting what its names mean.
pub fn bind_view_query(ast: &Ast, query: QueryId, cx: &BindContext<'_>) -> Result<(Bound, Resolution)> {
    let mut binder = Binder::new(ast, cx);
    binder.s.resolution = Some(Box::default());
    let bound = binder.bind_query_body(query, true)?;
    let resolution = binder.s.resolution.take().map(|r| *r).unwrap_or_default();
    let columns = bound.columns.iter().map(|c| binder.output_column(&c.name, c.id)).collect();
    let outputs = bound.columns.iter().map(|c| c.id).collect();
    Ok((binder.finish(bound.plan, outputs, columns, Command::Select)?, resolution))
}

/// The text of a query with all names explicit, as they are in `catalog` now.
///
/// # Errors
/// 0A000 for what cannot be printed.
pub fn explicit_text(
    ast: &Ast,
    query: QueryId,
    resolution: &Resolution,
    catalog: &dyn Catalog,
) -> Result<String> {
    deparse_query_with(ast, query, &Explicit { ast, resolution, catalog })
}

struct Explicit<'a> {
    ast: &'a Ast,
    resolution: &'a Resolution,
    catalog: &'a dyn Catalog,
}

impl Explicit<'_> {
    fn print(&self, column: &NamedColumn) -> PrintedColumn {
        let current = column.origin.and_then(|(oid, i)| {
            let relation = self.catalog.relation_by_oid(oid)?;
            Some(Arc::from(&*relation.columns.get(i)?.name))
        });
        PrintedColumn {
            qualifier: column.qualifier.clone(),
            name: current.unwrap_or_else(|| column.name.clone()),
            alias: column.name.clone(),
        }
    }
}

impl Names for Explicit<'_> {
    fn table(&self, pos: Pos) -> Option<PrintedTable> {
        let relation = self.catalog.relation_by_oid(*self.resolution.tables.get(&pos)?)?;
        Some(PrintedTable { schema: relation.schema.clone(), name: relation.name.clone() })
    }

    fn column(&self, pos: Pos) -> Option<PrintedColumn> {
        self.resolution.columns.get(&pos).map(|c| self.print(c))
    }

    fn star(&self, pos: Pos) -> Option<Vec<PrintedColumn>> {
        Some(self.resolution.stars.get(&pos)?.iter().map(|c| self.print(c)).collect())
    }

    fn natural(&self, right: FromId) -> Option<Vec<Box<str>>> {
        self.resolution.naturals.get(&right).cloned()
    }

    fn target(&self, expr: ExprId) -> String {
        super::naming::column_name(self.ast, expr)
    }
}

impl Binder<'_> {
    /// The notes, while names of the statement's own text are bound.
    fn notes(&mut self) -> Option<&mut Resolution> {
        match self.s.views {
            0 => self.s.resolution.as_deref_mut(),
            _ => None,
        }
    }

    /// Notes that a column is read.
    pub(crate) fn note_used(&mut self, table: Oid, attribute: i16) {
        if let Some(notes) = self.notes() {
            notes.used.insert((table, attribute as usize - 1));
        }
    }

    /// Notes a relation in FROM.
    pub(crate) fn note_table(&mut self, pos: Pos, relation: Oid) {
        if let Some(notes) = self.notes() {
            notes.tables.insert(pos, relation);
        }
    }

    /// Notes what a column reference means.
    pub(crate) fn note_column(&mut self, parts: &[Ident], expr: &ExprKind) {
        if self.notes().is_none() {
            return;
        }
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        if let Some(named) = self.name_column(expr, &last.name)
            && let Some(notes) = self.notes()
        {
            notes.columns.insert(first.pos, named);
        }
    }

    /// Notes what a star stands for.
    pub(crate) fn note_star(&mut self, pos: Pos, columns: &[NsColumn]) {
        if self.notes().is_none() {
            return;
        }
        let mut named = Vec::with_capacity(columns.len());
        for column in columns {
            named.push(self.name_column(&column.expr.kind, &column.name).unwrap_or(NamedColumn {
                qualifier: None,
                name: column.name.clone(),
                origin: None,
            }));
        }
        if let Some(notes) = self.notes() {
            notes.stars.insert(pos, named);
        }
    }

    /// Notes the columns of NATURAL JOIN.
    pub(crate) fn note_natural(&mut self, right: FromId, names: &[Ident]) {
        if let Some(notes) = self.notes() {
            notes.naturals.insert(right, names.iter().map(|n| n.name.clone()).collect());
        }
    }

    /// Notes a column that joins by its name.
    pub(crate) fn note_joined(&mut self, expr: &ExprKind) {
        if let ExprKind::Column(id) = expr {
            let (table, attribute) = self.s.origins[*id as usize];
            if attribute > 0
                && let Some(notes) = self.notes()
            {
                notes.joined.insert((table, attribute as usize - 1));
            }
        }
    }

    /// The item that has a column, if its name reaches the item from here, and the column's name there.
    fn name_column(&self, expr: &ExprKind, written: &str) -> Option<NamedColumn> {
        let ExprKind::Column(id) = expr else { return None };
        let is_it = |c: &&NsColumn| matches!(c.expr.kind, ExprKind::Column(other) if other == *id);
        for (level, scope) in self.scopes.iter().enumerate().rev() {
            for (i, item) in scope.items.iter().enumerate().filter(|(_, item)| item.rel_visible) {
                let Some(column) = item.columns.iter().chain(&item.system).find(is_it) else { continue };
                let Some(name) = &item.name else { continue };
                if self.find_relation(None, name) != Some((level, i)) || *column.name != *written {
                    return None;
                }
                return Some(NamedColumn {
                    qualifier: Some(name.clone()),
                    name: column.name.clone(),
                    origin: self.origin_of(item, column, *id),
                });
            }
        }
        None
    }

    fn origin_of(&self, item: &NsItem, column: &NsColumn, id: u32) -> Option<(Oid, usize)> {
        let relation = item.relation.as_ref()?;
        let (table, attribute) = self.s.origins[id as usize];
        let i = usize::try_from(attribute).ok()?.checked_sub(1)?;
        let same = table == relation.oid && relation.columns.get(i).is_some_and(|c| *c.name == *column.name);
        same.then_some((table, i))
    }
}
