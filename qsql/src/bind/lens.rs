//! Views that can be written: from the relation that a statement names to the table whose rows it writes.
//!
//! ```text
//! UPDATE w SET x = 1 WHERE y > 2            w: SELECT b AS x, c AS y FROM v WHERE c < 9
//!        |                                  v: SELECT a, b, c FROM t WHERE a = 0
//!        v
//! t.b := 1, rows of t WHERE a = 0 AND c < 9 AND c > 2
//! ```
//!
//! 1. A view can be written if its query reads one table or view, row by row; those of its columns that are plain columns of that can
//!    be assigned to.
//! 2. Each level's query is bound anew over the columns of the level below wherever a row of it is meant: the scanned row, the images
//!    of RETURNING and ON CONFLICT, and the row that WITH CHECK OPTION looks at.
//! 3. Each level is used on behalf of its own role: the owner of the view above it, or (`security_invoker`) who uses that view. The
//!    columns that a view's query reads are asked for if the statement reads the view.
//!
//! Source: PostgreSQL manual, CREATE VIEW, "Updatable Views"; PostgreSQL's `rewriteTargetView`.

use std::sync::Arc;

use super::assign::attribute;
use super::coerce::conjuncts;
use super::from::with_alias;
use super::scope::{Clause, NsColumn, NsItem};
use super::stored::{StoredKind, bind_expression};
use super::{BindContext, Binder};
use crate::catalog::{Generated, Relation, RelationKind};
use crate::error::{Result, SqlError};
use crate::parse::ParsedStatement;
use crate::parse::ast::{Ast, Distinct, FromKind, QueryBody, QueryId, RelationRef, Select, Statement};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::physical::{Access, ColumnSet, PolicyCheck, PolicyMoment, TableLock};
use crate::sql_err;
use crate::types::{DataType, Datum, Oid, oid};

/// What is done to a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Insert,
    Update,
    Delete,
    Merge,
}

const NOT_A_COLUMN: &str = "View columns that are not columns of their base relation are not updatable.";
const SYSTEM_COLUMN: &str = "View columns that refer to system columns are not updatable.";
const WHOLE_ROW: &str = "View columns that return whole-row references are not updatable.";
const NO_SINGLE_TABLE: &str =
    "Views that do not select from a single table or view are not automatically updatable.";
const NO_COLUMNS: &str = "Views that have no updatable columns are not automatically updatable.";

/// The deepest stack of views.
const LEVELS_MAX: usize = 64;

/// A view between the statement and the table.
struct Level {
    view: Arc<Relation>,
    /// On whose behalf the view is used.
    role: Option<Oid>,
    /// On whose behalf its query reads.
    inner: Option<Oid>,
    parsed: Arc<ParsedStatement>,
    query: QueryId,
    /// What its query reads.
    below: Arc<Relation>,
    /// By column of the view: the column below, or why there is none to assign to.
    map: Vec<std::result::Result<usize, &'static str>>,
    /// The columns below that its query names.
    reads: ColumnSet,
}

/// What a statement writes: a table, perhaps by way of views.
pub(crate) struct Lens {
    levels: Vec<Level>,
    /// The table whose rows are written.
    pub(crate) table: Arc<Relation>,
    /// On whose behalf.
    pub(crate) role: Option<Oid>,
}

/// A row as the levels see it.
pub(crate) struct Expanded {
    /// The columns of what the statement names.
    pub(crate) columns: Vec<NsColumn>,
    /// By level, outermost first: what the row must satisfy to be in the view, and whether that is a barrier.
    pub(crate) conditions: Vec<(Vec<Expr>, bool)>,
}

/// The query of one level, bound.
struct BoundLevel {
    targets: Vec<Expr>,
    conditions: Vec<Expr>,
    reads: ColumnSet,
    obstacle: Option<&'static str>,
}

/// How WITH CHECK OPTION was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckOption {
    Local,
    Cascaded,
}

/// A Boolean option of a view.
pub(crate) fn view_flag(view: &Relation, name: &str) -> bool {
    let value = view.options.iter().find_map(|o| o.split_once('=').filter(|(n, _)| *n == name));
    value.is_some_and(|(_, value)| matches!(value.to_ascii_lowercase().as_str(), "true" | "on" | "yes" | "1"))
}

fn check_option(view: &Relation) -> Option<CheckOption> {
    view.options.iter().find_map(|o| match o.strip_prefix("check_option=")? {
        "local" => Some(CheckOption::Local),
        _ => Some(CheckOption::Cascaded),
    })
}

impl Lens {
    /// What the statement names.
    pub(crate) fn shown(&self) -> &Arc<Relation> {
        self.levels.first().map_or(&self.table, |level| &level.view)
    }

    pub(crate) fn is_view(&self) -> bool {
        !self.levels.is_empty()
    }

    /// The table's column behind a column of what the statement names.
    ///
    /// # Errors
    /// 0A000 for one that cannot be assigned to.
    pub(crate) fn column(&self, index: usize, verb: Verb) -> Result<usize> {
        self.levels.iter().try_fold(index, |at, level| level.next(at, verb))
    }

    /// The table with the names that its columns have in the view; columns that the view does not show have none.
    pub(crate) fn renamed_table(&self) -> Arc<Relation> {
        if !self.is_view() {
            return self.table.clone();
        }
        let mut table = Relation { name: self.shown().name.clone(), ..(*self.table).clone() };
        table.columns.iter_mut().for_each(|c| c.name = "".into());
        for (i, column) in self.shown().live_columns() {
            if let Ok(base) = self.column(i, Verb::Update)
                && table.columns[base].name.is_empty()
            {
                table.columns[base].name = column.name.clone();
            }
        }
        Arc::new(table)
    }
}

impl Level {
    fn has_no_columns(&self) -> bool {
        !self.map.iter().any(std::result::Result::is_ok)
    }

    fn next(&self, index: usize, verb: Verb) -> Result<usize> {
        self.map[index].map_err(|why| {
            let (view, name) = (&self.view.name, &self.view.columns[index].name);
            let done = match verb {
                Verb::Insert => "insert into",
                Verb::Update | Verb::Delete => "update",
                Verb::Merge => "merge into",
            };
            sql_err!(FEATURE_NOT_SUPPORTED, "cannot {done} column \"{name}\" of view \"{view}\"").detail(why)
        })
    }
}

/// Why no row of a query stands for one row below, as far as its text tells.
fn obstacle(ast: &Ast, query: QueryId) -> Option<&'static str> {
    let q = &ast[query];
    let select = match &q.body {
        QueryBody::Select(select) => select,
        QueryBody::SetOp { .. } => {
            return Some("Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.");
        }
        QueryBody::Values(_) => return Some(NO_SINGLE_TABLE),
    };
    if !matches!(select.distinct, Distinct::All) {
        Some("Views containing DISTINCT are not automatically updatable.")
    } else if !select.group_by.is_empty() {
        Some("Views containing GROUP BY are not automatically updatable.")
    } else if select.having.is_some() {
        Some("Views containing HAVING are not automatically updatable.")
    } else if q.with.is_some() {
        Some("Views containing WITH are not automatically updatable.")
    } else if q.limit.is_some() || q.offset.is_some() {
        Some("Views containing LIMIT or OFFSET are not automatically updatable.")
    } else {
        None
    }
}

/// The SELECT of a level and the relation that it reads alone.
fn single_table(
    ast: &Ast,
    query: QueryId,
) -> Option<(&Select, &RelationRef, Option<&crate::parse::ast::Alias>)> {
    let QueryBody::Select(select) = &ast[query].body else { return None };
    let [from] = select.from[..] else { return None };
    match &ast[from].kind {
        FromKind::Table { relation, alias, sample: None } => Some((select, relation, alias.as_ref())),
        _ => None,
    }
}

/// 55000 `cannot update view "v"`.
fn not_updatable(view: &Relation, verb: Verb, merge: bool, detail: &str) -> SqlError {
    let (done, doing, event) = match verb {
        Verb::Insert | Verb::Merge => ("insert into", "inserting into", "INSERT"),
        Verb::Update => ("update", "updating", "UPDATE"),
        Verb::Delete => ("delete from", "deleting from", "DELETE"),
    };
    let hint = match merge {
        true => {
            format!("To enable {doing} the view using MERGE, provide an INSTEAD OF {event} trigger.")
        }
        false => format!(
            "To enable {doing} the view, provide an INSTEAD OF {event} trigger or an unconditional ON {event} DO INSTEAD rule."
        ),
    };
    sql_err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot {done} view \"{}\"", view.name)
        .detail(detail)
        .hint(hint)
}

/// What can be done to a relation's rows: as `information_schema` and `pg_relation_is_updatable` tell.
#[derive(Clone, Debug, Default)]
pub struct Updatable {
    /// Rows can be inserted, updated.
    pub insert: bool,
    /// Rows can be deleted.
    pub delete: bool,
    /// By column: whether it can be assigned to.
    pub columns: Vec<bool>,
}

/// Tells what can be done to the rows of a relation.
pub fn updatable(relation: &Arc<Relation>, cx: &BindContext<'_>) -> Updatable {
    let all = |yes: bool| Updatable { insert: yes, delete: yes, columns: vec![yes; relation.columns.len()] };
    match relation.kind {
        RelationKind::Table => return all(true),
        RelationKind::View if relation.view.is_some() => {}
        _ => return all(false),
    }
    let Ok((ast, _)) = super::stored::parse_text("NULL") else { return all(false) };
    let mut binder = Binder::new(&ast, cx);
    binder.s.stored = true;
    binder.push_scope(Clause::From);
    let Ok(lens) = binder.open_lens(relation.clone(), &[Verb::Delete], false) else { return all(false) };
    let columns: Vec<bool> =
        (0..relation.columns.len()).map(|i| lens.column(i, Verb::Update).is_ok()).collect();
    Updatable { insert: columns.iter().any(|c| *c), delete: true, columns }
}

/// Why nothing can be written through a view, by its own query.
///
/// # Errors
/// Those of binding.
pub fn view_obstacle(view: &Arc<Relation>, cx: &BindContext<'_>) -> Result<Option<&'static str>> {
    let (ast, _) = super::stored::parse_text("NULL")?;
    let mut binder = Binder::new(&ast, cx);
    binder.s.stored = true;
    binder.push_scope(Clause::From);
    Ok(match binder.open_level(view, None)? {
        Ok(level) => level.has_no_columns().then_some(NO_COLUMNS),
        Err(why) => Some(why),
    })
}

/// Puts what they are computed from in the place of the virtual columns of a table's expression.
///
/// # Errors
/// Those of binding.
pub fn expand_virtual(expr: &mut Expr, table: &Relation, cx: &BindContext<'_>) -> Result<()> {
    let is_virtual =
        |i: u32| table.columns.get(i as usize).is_some_and(|c| c.generated == Generated::Virtual);
    if let ExprKind::Column(i) = expr.kind {
        if is_virtual(i) {
            let at = expr.at;
            *expr = bind_virtual(table, i as usize, cx)?;
            expr.at = at;
        }
        return Ok(());
    }
    let mut failed = None;
    expr.each_child_mut(&mut |e| {
        if failed.is_none() {
            failed = expand_virtual(e, table, cx).err();
        }
    });
    failed.map_or(Ok(()), Err)
}

/// The expression of a virtual column, over the table's columns by index.
fn bind_virtual(table: &Relation, index: usize, cx: &BindContext<'_>) -> Result<Expr> {
    let column = &table.columns[index];
    let text = column.default.as_deref().unwrap_or("NULL");
    let mut e = bind_expression(text, Some(table), Some(column.ty), StoredKind::Generated, cx)?;
    super::assign::forget_places(&mut e);
    // Other columns of the same collation need not look alike.
    e.collation = column.collation;
    Ok(e)
}

fn place(e: &mut Expr, columns: &[(usize, ColumnId)]) {
    if let ExprKind::Column(i) = &mut e.kind
        && let Some((_, id)) = columns.iter().find(|(index, _)| *index == *i as usize)
    {
        *i = *id;
    }
    e.each_child_mut(&mut |child| place(child, columns));
}

impl Binder<'_> {
    /// Does something on behalf of a role.
    pub(crate) fn as_role<T>(&mut self, role: Option<Oid>, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.check_as, role);
        let result = f(self);
        self.check_as = before;
        result
    }

    /// Finds the table behind what a statement writes, and notes that all in between is used.
    ///
    /// # Errors
    /// 55000 for a view that cannot be written, said of the first of `verbs`.
    pub(crate) fn open_lens(&mut self, named: Arc<Relation>, verbs: &[Verb], merge: bool) -> Result<Lens> {
        let mut lens = Lens { levels: Vec::new(), table: named, role: self.check_as };
        let verb = verbs.first().copied().unwrap_or(Verb::Update);
        loop {
            let (table, role) = (lens.table.clone(), lens.role);
            self.as_role(role, |b| b.use_relation(&table, TableLock::RowExclusive));
            if table.kind != RelationKind::View {
                return Ok(lens);
            }
            if lens.levels.len() >= LEVELS_MAX {
                return Err(sql_err!(
                    INVALID_OBJECT_DEFINITION,
                    "infinite recursion detected in rules for relation \"{}\"",
                    table.name
                ));
            }
            let assigns = verbs.iter().any(|v| *v != Verb::Delete);
            let level = match self.open_level(&table, role)? {
                Ok(level) if assigns && level.has_no_columns() => Err(NO_COLUMNS),
                opened => opened,
            };
            let level = level.map_err(|why| not_updatable(&table, verb, merge, why))?;
            (lens.table, lens.role) = (level.below.clone(), level.inner);
            lens.levels.push(level);
        }
    }

    /// Opens a view, or tells why nothing can be written through it.
    fn open_level(
        &mut self,
        view: &Arc<Relation>,
        role: Option<Oid>,
    ) -> Result<std::result::Result<Level, &'static str>> {
        let text = view.view.as_deref().unwrap_or_default();
        let parsed = crate::parse::parse_statements(text)?.into_iter().next().map(Arc::new);
        let Some(parsed) = parsed else { return Err(SqlError::internal("empty view")) };
        let Statement::Query(query) = parsed.ast.statement else {
            return Err(SqlError::internal("a view is a query"));
        };
        if let Some(why) = obstacle(&parsed.ast, query) {
            return Ok(Err(why));
        }
        let Some((_, relation, _)) = single_table(&parsed.ast, query) else {
            return Ok(Err(NO_SINGLE_TABLE));
        };
        let name = &relation.name;
        let found = self.cx.catalog.relation(name.schema().map(|s| &*s.name), name.object());
        let Some(below) = found.filter(|r| matches!(r.kind, RelationKind::Table | RelationKind::View)) else {
            return Ok(Err(NO_SINGLE_TABLE));
        };
        let inner = if view_flag(view, "security_invoker") { role } else { Some(view.owner) };
        let mut level = Level {
            view: view.clone(),
            role,
            inner,
            parsed: parsed.clone(),
            query,
            below: below.clone(),
            map: Vec::new(),
            reads: ColumnSet::default(),
        };
        let ids = self.row_image(&below);
        let columns = below
            .live_columns()
            .map(|(i, c)| NsColumn::new(Arc::from(&*c.name), self.column(ids[i])))
            .collect();
        let (mut system, mut system_ids) = (self.system_values(&below), Vec::new());
        for column in &mut system {
            let id = self.new_column(column.expr.ty);
            system_ids.push(id);
            column.expr = self.column(id);
        }
        let bound = self.bind_level(&level, columns, system)?;
        if let Some(why) = bound.obstacle {
            return Ok(Err(why));
        }
        let place = |e: &Expr| match &e.kind {
            ExprKind::Column(id) if system_ids.contains(id) => Err(SYSTEM_COLUMN),
            ExprKind::Column(id) => ids.iter().position(|i| i == id).ok_or(NOT_A_COLUMN),
            ExprKind::Row(_) if self.cx.catalog.row_type_of(below.oid) == Some(e.ty.oid) => Err(WHOLE_ROW),
            _ => Err(NOT_A_COLUMN),
        };
        level.map = bound.targets.iter().map(place).collect();
        level.map.resize(view.columns.len(), Err(NOT_A_COLUMN));
        level.reads = bound.reads;
        Ok(Ok(level))
    }

    /// What stands for the system columns of a row that is not scanned.
    fn system_values(&mut self, table: &Relation) -> Vec<NsColumn> {
        if table.kind == RelationKind::View {
            return Vec::new();
        }
        let value = |name: &str, value: Datum, ty: Oid| {
            let e = super::expr::literal(value, ty, u32::MAX);
            NsColumn::new(Arc::from(name), e)
        };
        vec![
            value("tableoid", Datum::Oid(table.oid), oid::OID),
            value("ctid", Datum::Null, oid::TID),
            value("xmin", Datum::Null, oid::XID),
        ]
    }

    /// Binds the query of a level over the columns of what it reads.
    fn bind_level(
        &mut self,
        level: &Level,
        columns: Vec<NsColumn>,
        system: Vec<NsColumn>,
    ) -> Result<BoundLevel> {
        let ast = &level.parsed.ast;
        let Some((select, _, alias)) = single_table(ast, level.query) else {
            return Err(SqlError::internal("a view that can be written reads one table"));
        };
        let shared = std::mem::take(&mut self.s);
        let mut inner = Binder { check_as: level.inner, ..Binder::inside(ast, self.cx, shared) };
        inner.s.views += 1;
        inner.push_scope(Clause::From);
        inner.use_relation(&level.below, TableLock::RowExclusive);
        let before = inner.access(level.below.oid).copied().unwrap_or_default();
        let bound = inner.bind_level_parts(level, select, alias, columns, system);
        inner.s.views -= 1;
        self.s = inner.s;
        let mut reads = ColumnSet::default();
        self.as_role(level.inner, |b| {
            if let Some(access) = b.access(level.below.oid) {
                reads = access.select.unwrap_or_default();
                *access = before;
            }
        });
        // Places in the view's text mean nothing in the statement's.
        let (targets, conditions, obstacle) = bound.map_err(|mut e| {
            e.0.byte_offset = None;
            e
        })?;
        Ok(BoundLevel { targets, conditions, reads, obstacle })
    }

    #[allow(clippy::type_complexity, reason = "the parts of BoundLevel")]
    fn bind_level_parts(
        &mut self,
        level: &Level,
        select: &Select,
        alias: Option<&crate::parse::ast::Alias>,
        columns: Vec<NsColumn>,
        system: Vec<NsColumn>,
    ) -> Result<(Vec<Expr>, Vec<Expr>, Option<&'static str>)> {
        let shown = alias.map_or(&*level.below.name, |a| &*a.name.name);
        let mut item = NsItem::new(Some(Arc::from(shown)), columns);
        item.relation = Some(level.below.clone());
        item.schema = alias.is_none().then(|| level.below.schema.clone());
        item.system = system;
        let item = with_alias(item, alias)?;
        self.add_item(item)?;
        let bound = self.within(Clause::Select, |b| b.bind_targets(&select.targets))?;
        let mut targets = Vec::with_capacity(bound.len());
        for target in bound {
            let mut e = self.settle(target.expr)?;
            super::assign::forget_places(&mut e);
            targets.push(e);
        }
        let mut conditions = Vec::new();
        if let Some(filter) = select.filter {
            let mut condition = self.bind_condition(filter, Clause::Where, "WHERE")?;
            super::assign::forget_places(&mut condition);
            conjuncts(condition, &mut conditions);
        }
        let scope = self.scope();
        let obstacle = if scope.has_aggregates {
            Some("Views that return aggregate functions are not automatically updatable.")
        } else if scope.has_windows {
            Some("Views that return window functions are not automatically updatable.")
        } else if scope.has_sets {
            Some("Views that return set-returning functions are not automatically updatable.")
        } else {
            None
        };
        Ok((targets, conditions, obstacle))
    }

    /// The columns of a table's row: virtual ones as what they are computed from.
    pub(crate) fn row_columns(
        &mut self,
        table: &Relation,
        ids: &[(usize, ColumnId)],
    ) -> Result<Vec<NsColumn>> {
        let mut out = Vec::with_capacity(ids.len());
        for (i, column) in table.live_columns() {
            let name = Arc::from(&*column.name);
            if column.generated == Generated::Virtual {
                let mut e = bind_virtual(table, i, self.cx)?;
                place(&mut e, ids);
                out.push(NsColumn { name, expr: e, reads: Some((table.oid, attribute(i))) });
            } else if let Some((_, id)) = ids.iter().find(|(index, _)| *index == i) {
                let mut expr = self.column(*id);
                expr.collation = column.collation;
                out.push(NsColumn::new(name, expr));
            }
        }
        Ok(out)
    }

    /// What the levels make of a row of the table.
    pub(crate) fn expand(
        &mut self,
        lens: &Lens,
        ids: &[(usize, ColumnId)],
        system: Option<Vec<NsColumn>>,
    ) -> Result<Expanded> {
        let mut columns = self.row_columns(&lens.table, ids)?;
        let mut system = system.unwrap_or_else(|| self.system_values(&lens.table));
        let mut conditions = Vec::with_capacity(lens.levels.len());
        for level in lens.levels.iter().rev() {
            let bound = self.bind_level(level, columns, std::mem::take(&mut system))?;
            let targets = level.view.live_columns().zip(bound.targets);
            columns = targets
                .map(|((i, column), expr)| NsColumn {
                    name: Arc::from(&*column.name),
                    expr,
                    reads: Some((level.view.oid, attribute(i))),
                })
                .collect();
            conditions.push((bound.conditions, view_flag(&level.view, "security_barrier")));
        }
        conditions.reverse();
        Ok(Expanded { columns, conditions })
    }

    /// Notes what is done to the columns of what the statement names, and to those below.
    pub(crate) fn mark_written(
        &mut self,
        lens: &Lens,
        columns: &[usize],
        part: fn(&mut Access) -> &mut Option<ColumnSet>,
    ) {
        let mut columns = columns.to_vec();
        for level in &lens.levels {
            self.as_role(level.role, |b| {
                if let Some(access) = b.access(level.view.oid) {
                    let set = part(access).get_or_insert_default();
                    *set = set.with(&columns);
                }
            });
            columns = columns.iter().filter_map(|&c| level.map[c].ok()).collect();
        }
        self.as_role(lens.role, |b| {
            if let Some(access) = b.access(lens.table.oid) {
                let set = part(access).get_or_insert_default();
                *set = set.with(&columns);
            }
        });
    }

    /// Notes that rows are deleted.
    pub(crate) fn mark_deleted(&mut self, lens: &Lens) {
        let views = lens.levels.iter().map(|level| (level.view.oid, level.role));
        for (relation, role) in views.chain([(lens.table.oid, lens.role)]) {
            self.as_role(role, |b| {
                if let Some(access) = b.access(relation) {
                    access.delete = true;
                }
            });
        }
    }

    /// Notes that who reads a view reads what its query names.
    pub(crate) fn mark_views_read(&mut self, lens: &Lens) {
        for level in &lens.levels {
            let read = self.as_role(level.role, |b| {
                b.access(level.view.oid).is_some_and(|access| access.select.is_some())
            });
            if !read {
                return;
            }
            self.as_role(level.inner, |b| {
                if let Some(access) = b.access(level.below.oid) {
                    let set = access.select.get_or_insert_default();
                    *set = set.union(level.reads);
                }
            });
        }
    }

    /// What WITH CHECK OPTION demands of a new row of the table, innermost view first.
    pub(crate) fn view_checks(&mut self, lens: &Lens, row: &[ColumnId]) -> Result<Vec<PolicyCheck>> {
        let mut cascaded = false;
        let mut wanted = Vec::with_capacity(lens.levels.len());
        for level in &lens.levels {
            let option = check_option(&level.view);
            cascaded |= option == Some(CheckOption::Cascaded);
            wanted.push(cascaded || option.is_some());
        }
        if !wanted.contains(&true) {
            return Ok(Vec::new());
        }
        let ids: Vec<(usize, ColumnId)> = row.iter().copied().enumerate().collect();
        let expanded = self.expand(lens, &ids, None)?;
        let mut checks = Vec::new();
        for ((level, (conditions, _)), wanted) in
            lens.levels.iter().zip(expanded.conditions).zip(wanted).rev()
        {
            if !wanted || conditions.is_empty() {
                continue;
            }
            let condition = match conditions.len() {
                1 => conditions.into_iter().next(),
                _ => Some(Expr::new(ExprKind::And(conditions), DataType::of(oid::BOOL))),
            };
            checks.extend(condition.map(|condition| PolicyCheck {
                moment: PolicyMoment::View,
                policy: Some(level.view.name.clone()),
                condition,
            }));
        }
        Ok(checks)
    }

    /// The values that the columns of the table get, from those of what the statement names: what a view has defaults for gets these.
    pub(crate) fn through_levels(
        &mut self,
        lens: &Lens,
        mut row: Vec<Option<Expr>>,
        verb: Verb,
    ) -> Result<Vec<Option<Expr>>> {
        for level in &lens.levels {
            let mut next: Vec<Option<Expr>> = vec![None; level.below.columns.len()];
            for (i, column) in level.view.live_columns() {
                let value = match row[i].take() {
                    None if column.default.is_some() => Some(self.default_of(&level.view, i)?),
                    given => given,
                };
                if value.is_none() {
                    continue;
                }
                let at = level.next(i, verb)?;
                if next[at].is_some() {
                    let name = &level.below.columns[at].name;
                    return Err(sql_err!(SYNTAX_ERROR, "multiple assignments to same column \"{name}\""));
                }
                next[at] = value;
            }
            row = next;
        }
        Ok(row)
    }
}
