//! The definition of a view as PostgreSQL prints it (`pg_get_viewdef`): the query as it was written, with names as they are now.
//!
//! ```text
//!   mod     what a name is called in its query; the state between queries
//!   query   clauses and their lines
//!   from    items of FROM
//!   json_table  JSON_TABLE among them
//! ```
//!
//! 1. Names of items of FROM are unique in a query and the queries around it: the second `t` is `t_1`.
//! 2. A column has the name of its item before it unless its query has one item and stands in no other.

mod from;
mod json_table;
mod query;

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::BindContext;
use super::resolution::{Resolution, bind_stored_query};
use super::scope::NsColumn;
use super::written::{Written, WrittenRows, merged_column};
use crate::catalog::Catalog;
use crate::error::Result;
use crate::parse::ast::{Ast, FromId, Pos, QueryId};
use crate::plan::deparse::{Layout, Names, Printer, RightRow, RowsText, WindowText, quote_identifier};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::same::same;
use crate::types::Oid;

/// How a definition is printed.
#[derive(Clone, Copy, Debug)]
pub struct DefinitionStyle {
    /// Parentheses and lines.
    pub layout: Layout,
    /// Targets are put on one line up to this many columns; negative: all of them.
    pub wrap: i32,
}

/// Prints the query of a view without a semicolon. `columns` are the names that the view gives its columns.
///
/// # Errors
/// What binding raises, where the query means nothing any more.
pub fn view_definition(
    ast: &Ast,
    query: QueryId,
    columns: &[Arc<str>],
    style: DefinitionStyle,
    cx: &BindContext<'_>,
) -> Result<String> {
    printed(ast, query, style, cx, |definition, printer| {
        definition.query(printer, query, Some(columns), true, false)
    })
}

/// Prints the first target of the query of a policy, `SELECT condition FROM table`.
///
/// # Errors
/// What binding raises, where the query means nothing any more.
pub fn condition_definition(
    ast: &Ast,
    query: QueryId,
    style: DefinitionStyle,
    cx: &BindContext<'_>,
) -> Result<String> {
    printed(ast, query, style, cx, |definition, printer| definition.first_target(printer, query))
}

/// Binds a stored query and has something of it printed.
fn printed(
    ast: &Ast,
    query: QueryId,
    style: DefinitionStyle,
    cx: &BindContext<'_>,
    print: impl FnOnce(&Definition<'_>, &mut Printer<'_>),
) -> Result<String> {
    let (_, resolution) = bind_stored_query(ast, query, cx)?;
    let definition = Definition::new(ast, &resolution, cx.catalog, style.wrap);
    let mut printer = Printer::shown(&definition, cx.io, style.layout);
    print(&definition, &mut printer);
    Ok(printer.finish())
}

/// What a column is called.
#[derive(Clone, Debug)]
struct Called {
    /// The item of FROM; none for the columns of a join without alias.
    item: Option<String>,
    name: String,
}

/// A join with an alias, which hides the names of what it joins.
struct JoinAlias {
    from: FromId,
    item: String,
    columns: Vec<(Expr, String)>,
}

/// What changes from query to query.
#[derive(Default)]
struct State {
    columns: HashMap<ColumnId, Called>,
    /// Outermost first.
    joins: Vec<JoinAlias>,
    /// The joins whose inside is being printed.
    inside: Vec<FromId>,
    /// Printed names of the items of FROM.
    items: HashMap<FromId, String>,
    /// The columns of the query's own items.
    level: HashSet<ColumnId>,
    /// Names of items in sight.
    used: Vec<String>,
    /// Names of WITH in sight.
    ctes: Vec<String>,
    /// Whether columns have their item's name before them.
    prefix: bool,
    /// The output columns that a bare name in ORDER BY could mean.
    targets: Vec<(String, Option<ColumnId>)>,
}

struct Definition<'a> {
    ast: &'a Ast,
    written: &'a Written,
    tables: &'a HashMap<Pos, Oid>,
    natural: &'a HashMap<FromId, Vec<Box<str>>>,
    catalog: &'a dyn Catalog,
    wrap: i32,
    state: RefCell<State>,
}

impl<'a> Definition<'a> {
    fn new(ast: &'a Ast, resolution: &'a Resolution, catalog: &'a dyn Catalog, wrap: i32) -> Self {
        let Resolution { written, tables, naturals: natural, .. } = resolution;
        Definition { ast, written, tables, natural, catalog, wrap, state: RefCell::default() }
    }

    /// What a column is called here.
    fn called(&self, id: ColumnId) -> Called {
        let state = self.state.borrow();
        let is_it = |e: &Expr| matches!(e.kind, ExprKind::Column(other) if other == id);
        if let Some(called) = in_joins(&state, &is_it) {
            return called;
        }
        match state.columns.get(&id) {
            Some(called) => called.clone(),
            None => Called { item: None, name: format!("?{id}?") },
        }
    }

    /// What a column that a full join has made of two is called here.
    fn called_merged(&self, e: &Expr) -> Option<Called> {
        let name = self.written.merged.get(&merged_column(e)?)?;
        let joined = in_joins(&self.state.borrow(), &|other| same(other, e));
        Some(joined.unwrap_or_else(|| Called { item: None, name: name.to_string() }))
    }

    /// The name of a column or of a merged one, which gives a target its name.
    fn variable(&self, e: &Expr) -> Option<Called> {
        match e.kind {
            ExprKind::Column(id) => Some(self.called(id)),
            ExprKind::Coalesce(_) => self.called_merged(e),
            _ => None,
        }
    }

    fn shown(&self, called: &Called) -> String {
        match &called.item {
            Some(item) if self.state.borrow().prefix => qualified(item, &called.name),
            _ => quote_identifier(&called.name),
        }
    }
}

fn qualified(item: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(item), quote_identifier(name))
}

fn in_joins(state: &State, is_it: &dyn Fn(&Expr) -> bool) -> Option<Called> {
    let mut outside = state.joins.iter().filter(|j| !state.inside.contains(&j.from));
    outside.find_map(|join| {
        let (_, name) = join.columns.iter().find(|(e, _)| is_it(e))?;
        Some(Called { item: Some(join.item.clone()), name: name.clone() })
    })
}

impl Names for Definition<'_> {
    fn column(&self, id: u32) -> String {
        self.shown(&self.called(id))
    }

    fn merged(&self, e: &Expr) -> Option<String> {
        self.called_merged(e).map(|called| self.shown(&called))
    }

    fn whole_row(&self, at: u32) -> Option<String> {
        let called = self.called(*self.written.whole.get(&at)?);
        called.item.map(|item| quote_identifier(&item))
    }

    fn field(&self, column: u32, index: usize) -> Option<String> {
        Some(self.written.fields.get(&column)?.get(index)?.0.to_string())
    }

    fn subquery(&self, printer: &mut Printer<'_>, query: u32) -> bool {
        let Some(&query) = self.written.subqueries.get(&query) else { return false };
        self.query(printer, query, None, false, true);
        true
    }

    fn window(&self, at: u32) -> Option<WindowText> {
        self.written.windows.get(&at).cloned()
    }

    fn rows(&self, at: u32) -> Option<RowsText<'_>> {
        let WrittenRows { op, left, right } = self.written.rows.get(&at)?;
        let right = match right {
            Ok(row) => RightRow::Row(row),
            Err(query) => RightRow::Query(*query),
        };
        Some(RowsText { op, left, right })
    }

    fn grouping(&self, at: u32) -> Option<&[Expr]> {
        self.written.grouping.get(&at).map(Vec::as_slice)
    }

    fn sorted_column(&self, id: u32) -> String {
        let called = self.called(id);
        let mistaken =
            |(name, column): &(String, Option<ColumnId>)| *name == called.name && *column != Some(id);
        let mistaken = self.state.borrow().targets.iter().any(mistaken);
        match &called.item {
            Some(item) if mistaken => qualified(item, &called.name),
            _ => self.shown(&called),
        }
    }
}

/// Names made unique among themselves: the second `a` is `a_1`.
fn unique_names(columns: &[NsColumn]) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let name = unique(&column.name, &out);
        out.push(name);
    }
    out
}

/// A name that is none of those used.
fn unique(name: &str, used: &[String]) -> String {
    let taken = |name: &str| used.iter().any(|u| u == name);
    if !taken(name) {
        return name.to_owned();
    }
    (1..).map(|i| format!("{name}_{i}")).find(|n| !taken(n)).unwrap_or_default()
}
