//! What the names in a query mean, noted while it is bound: a view is stored with every name made explicit, and stored again
//! when something it names gets another name.
//!
//! ```text
//! select a, s.* from t, s where b > 0
//! SELECT public.t.a AS a, public.s.x AS x FROM public.t, public.s WHERE (public.t.b > 0)
//! ```
//!
//! 1. Only names of the query's own text are noted, not those of the views it uses.
//! 2. A name is known by its place in the text.
//! 3. A join by USING keeps the names it was written with: a table whose column has got another name has a list of aliases then.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use super::scope::{NsColumn, NsItem};
use super::written::Written;
use super::{BindContext, Binder, Bound};
use crate::catalog::{Catalog, Relation};
use crate::error::Result;
use crate::parse::ast::{Ast, ExprId, FromId, Ident, Pos, QueryId, TypeName};
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
    /// The relation whose name the qualifier is; `None` when an alias gave it.
    unaliased: Option<Oid>,
}

/// What the names in a query mean.
#[derive(Clone, Debug, Default)]
pub struct Resolution {
    pub(super) tables: HashMap<Pos, Oid>,
    /// Users' functions, by where their names start.
    routines: HashMap<Pos, Oid>,
    /// The columns of those relations in order, by 0-based number and name there.
    table_columns: HashMap<Pos, Vec<(usize, Arc<str>)>>,
    columns: HashMap<Pos, NamedColumn>,
    /// Fields of an item of FROM, `(t).a`: columns after all.
    fields: HashMap<Pos, NamedColumn>,
    stars: HashMap<Pos, Vec<NamedColumn>>,
    pub(super) naturals: HashMap<FromId, Vec<Box<str>>>,
    used: BTreeSet<(Oid, usize)>,
    joined: BTreeSet<(Oid, usize)>,
    /// Users' operators.
    operators: HashMap<Pos, Oid>,
    /// Users' functions behind casts.
    cast_functions: BTreeSet<Oid>,
    /// The query's parts.
    pub(super) written: Written,
}

impl Resolution {
    /// The relations that the query names.
    pub fn relations(&self) -> BTreeSet<Oid> {
        self.tables.values().copied().collect()
    }

    /// The users' functions and operators that the query calls.
    pub fn routines(&self) -> BTreeSet<Oid> {
        let named = self.routines.values().chain(self.operators.values());
        named.chain(&self.cast_functions).copied().collect()
    }

    /// The columns (0-based) that it reads.
    pub fn columns(&self) -> &BTreeSet<(Oid, usize)> {
        &self.used
    }
}

/// Binds the query of a view that is made, noting what its names mean.
pub fn bind_view_query(ast: &Ast, query: QueryId, cx: &BindContext<'_>) -> Result<(Bound, Resolution)> {
    bind_noting(Binder::new(ast, cx), query)
}

/// Binds the query of a view that there is, noting what its names mean.
pub fn bind_stored_query(ast: &Ast, query: QueryId, cx: &BindContext<'_>) -> Result<(Bound, Resolution)> {
    let mut binder = Binder::new(ast, cx);
    binder.s.stored = true;
    bind_noting(binder, query)
}

fn bind_noting(mut binder: Binder<'_>, query: QueryId) -> Result<(Bound, Resolution)> {
    binder.s.resolution = Some(Box::default());
    binder.s.faithful = true;
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
    let mut explicit =
        Explicit { ast, resolution, catalog, pinned: BTreeSet::new(), clashing: BTreeSet::new() };
    explicit.pinned = resolution.joined.iter().filter(|c| explicit.is_renamed(c)).map(|c| c.0).collect();
    explicit.clashing = resolution.relations().into_iter().filter(|&oid| explicit.clashes(oid)).collect();
    deparse_query_with(ast, query, &explicit)
}

struct Explicit<'a> {
    ast: &'a Ast,
    resolution: &'a Resolution,
    catalog: &'a dyn Catalog,
    /// Relations whose columns keep their old names in the text, by a list of aliases: the query joins by such a name.
    pinned: BTreeSet<Oid>,
    /// Relations whose new name something else in the text has.
    clashing: BTreeSet<Oid>,
}

impl Explicit<'_> {
    fn current_name(&self, oid: Oid) -> Option<Arc<str>> {
        self.catalog.relation_by_oid(oid).map(|r| Arc::from(&*r.name))
    }

    /// Whether a column has another name than in the text.
    fn is_renamed(&self, &(oid, column): &(Oid, usize)) -> bool {
        let Some(relation) = self.catalog.relation_by_oid(oid) else { return false };
        let tables = self.resolution.tables.iter().filter(|(_, table)| **table == oid);
        let written = tables.filter_map(|(pos, _)| self.resolution.table_columns.get(pos));
        let name =
            |c: &Vec<(usize, Arc<str>)>| c.iter().find(|(i, _)| *i == column).map(|(_, name)| name.clone());
        written.filter_map(name).any(|name| relation.columns.get(column).is_none_or(|c| *c.name != *name))
    }

    /// Whether a relation has got a name that an alias has, or a query of WITH.
    fn clashes(&self, oid: Oid) -> bool {
        let Some(now) = self.current_name(oid) else { return false };
        let mut items = self.resolution.written.items.values().flatten();
        items.any(|item| item.schema.is_none() && item.name.as_deref() == Some(&now))
    }

    fn print(&self, column: &NamedColumn) -> PrintedColumn {
        let current = column.origin.filter(|(oid, _)| !self.pinned.contains(oid)).and_then(|(oid, i)| {
            let relation = self.catalog.relation_by_oid(oid)?;
            Some(Arc::from(&*relation.columns.get(i)?.name))
        });
        let table = column.unaliased.filter(|oid| !self.clashing.contains(oid) && !self.pinned.contains(oid));
        PrintedColumn {
            schema: table.and_then(|oid| self.catalog.relation_by_oid(oid)).map(|r| Arc::from(&*r.schema)),
            qualifier: table.and_then(|oid| self.current_name(oid)).or_else(|| column.qualifier.clone()),
            name: current.unwrap_or_else(|| column.name.clone()),
            alias: column.name.clone(),
        }
    }
}

impl Names for Explicit<'_> {
    fn user_type(&self, ty: &TypeName) -> Option<String> {
        let (schema, name) = (ty.name.schema().map(|s| &*s.name), ty.name.object());
        if schema.is_none_or(|s| s == "pg_catalog") && crate::types::info::by_name(name).is_some() {
            return None;
        }
        let found = self.catalog.user_type(schema, name)?;
        Some(crate::plan::deparse::stored_type_name(found.info.oid))
    }

    fn table(&self, pos: Pos) -> Option<PrintedTable> {
        let oid = *self.resolution.tables.get(&pos)?;
        let relation = self.catalog.relation_by_oid(oid)?;
        let written = self.resolution.table_columns.get(&pos);
        // A list of aliases names the columns that there are now.
        let live = written.into_iter().flatten().filter(|(i, _)| !relation.columns[*i].dropped);
        Some(PrintedTable {
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            needs_alias: self.pinned.contains(&oid) || self.clashing.contains(&oid),
            needs_columns: self.pinned.contains(&oid),
            columns: live.map(|(_, name)| name.clone()).collect(),
        })
    }

    fn function(&self, pos: Pos) -> Option<(Box<str>, Box<str>)> {
        let routine = self.catalog.routine_by_oid(*self.resolution.routines.get(&pos)?)?;
        Some((routine.schema.clone(), routine.name.clone()))
    }

    fn operator(&self, pos: Pos) -> Option<Box<str>> {
        let oid = *self.resolution.operators.get(&pos)?;
        crate::types::user::operator(oid).map(|operator| operator.schema.clone())
    }

    fn column(&self, pos: Pos) -> Option<PrintedColumn> {
        self.resolution.columns.get(&pos).map(|c| self.print(c))
    }

    fn field(&self, pos: Pos) -> Option<PrintedColumn> {
        self.resolution.fields.get(&pos).map(|c| self.print(c))
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
    pub(crate) fn note_table(&mut self, pos: Pos, relation: &Relation) {
        if let Some(notes) = self.notes() {
            notes.tables.insert(pos, relation.oid);
        }
    }

    /// Notes what the columns of that relation are called in the query.
    pub(crate) fn note_table_columns(&mut self, pos: Pos, relation: &Relation, item: &NsItem) {
        if let Some(notes) = self.notes() {
            let numbers = relation.live_columns().map(|(i, _)| i);
            let names = item.columns.iter().map(|c| c.name.clone());
            notes.table_columns.insert(pos, numbers.zip(names).collect());
        }
    }

    /// Notes a user's function that is called.
    pub(crate) fn note_routine(&mut self, pos: Pos, routine: Oid) {
        if let Some(notes) = self.notes() {
            notes.routines.insert(pos, routine);
        }
    }

    /// Notes a user's operator that is called.
    pub(crate) fn note_operator(&mut self, pos: Pos, operator: Oid) {
        if let Some(notes) = self.notes() {
            notes.operators.insert(pos, operator);
        }
    }

    /// Notes a user's function that a cast calls.
    pub(crate) fn note_cast(&mut self, function: Oid) {
        if let Some(notes) = self.notes() {
            notes.cast_functions.insert(function);
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

    /// Notes that a field, by where what it is taken of starts, is a column.
    pub(crate) fn note_field(&mut self, pos: Pos, name: &Ident, expr: &ExprKind) {
        if self.notes().is_some()
            && let Some(named) = self.name_column(expr, &name.name)
            && let Some(notes) = self.notes()
        {
            notes.fields.insert(pos, named);
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
                unaliased: None,
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
                if self.find_relation(item.schema.as_deref(), name) != Some((level, i))
                    || *column.name != *written
                {
                    return None;
                }
                return Some(NamedColumn {
                    qualifier: Some(name.clone()),
                    name: column.name.clone(),
                    origin: self.origin_of(item, column, *id),
                    unaliased: item.relation.as_ref().filter(|_| item.schema.is_some()).map(|r| r.oid),
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
