//! Namespaces: which columns and relations a name can mean at a place of the statement.
//!
//! A query level has a [`Scope`]; its items are PostgreSQL's namespace items: a table, or a join with the columns it merged.
//! A name is looked for in the innermost level first; ambiguity is an error of the level where it arises.

use std::sync::Arc;

use super::Binder;
use crate::catalog::Relation;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::ast::{Ident, Pos};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::sql_err;
use crate::types::{DataType, Datum, Oid, oid, rowtype};

/// The clause that is being bound: decides where aggregates, windows and sets may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    Select,
    From,
    FunctionInFrom,
    JoinOn,
    MergeWhen,
    Where,
    GroupBy,
    Having,
    OrderBy,
    DistinctOn,
    Limit,
    Offset,
    Returning,
    Values,
    UpdateSource,
    Filter,
    WindowPartition,
    WindowOrder,
    WindowFrame,
    Default,
    Check,
    Index,
    IndexPredicate,
    Generated,
    CopyFilter,
    Policy,
    ExecuteArgument,
    Transform,
    CallArgument,
}

impl Clause {
    /// How messages name the clause.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Clause::Select => "SELECT",
            Clause::From => "FROM",
            Clause::FunctionInFrom => "functions in FROM",
            Clause::JoinOn => "JOIN conditions",
            Clause::MergeWhen => "MERGE WHEN conditions",
            Clause::Where => "WHERE",
            Clause::GroupBy => "GROUP BY",
            Clause::Having => "HAVING",
            Clause::OrderBy => "ORDER BY",
            Clause::DistinctOn => "DISTINCT ON",
            Clause::Limit => "LIMIT",
            Clause::Offset => "OFFSET",
            Clause::Returning => "RETURNING",
            Clause::Values => "VALUES",
            Clause::UpdateSource => "UPDATE",
            Clause::Filter => "FILTER",
            Clause::WindowPartition => "window PARTITION BY",
            Clause::WindowOrder => "window ORDER BY",
            Clause::WindowFrame => "window RANGE",
            Clause::Default => "DEFAULT expressions",
            Clause::Check => "check constraints",
            Clause::Index => "index expressions",
            Clause::IndexPredicate => "index predicates",
            Clause::Generated => "column generation expressions",
            Clause::CopyFilter => "COPY FROM WHERE conditions",
            Clause::Policy => "policy expressions",
            Clause::ExecuteArgument => "EXECUTE parameters",
            Clause::Transform => "transform expressions",
            Clause::CallArgument => "CALL arguments",
        }
    }
}

/// A column that a name can mean.
#[derive(Clone, Debug)]
pub(crate) struct NsColumn {
    pub(crate) name: Arc<str>,
    /// What it is: a column, or the merged value of a full join.
    pub(crate) expr: Expr,
    /// The relation and attribute that is read when it is named, where `expr` does not tell.
    pub(crate) reads: Option<(Oid, i16)>,
}

impl NsColumn {
    pub(crate) fn new(name: Arc<str>, expr: Expr) -> Self {
        NsColumn { name, expr, reads: None }
    }
}

/// A relation or join that a name can mean.
#[derive(Clone, Debug)]
pub(crate) struct NsItem {
    /// Alias or name; `None` for a join without alias.
    pub(crate) name: Option<Arc<str>>,
    /// Schema of a table without alias, for `schema.table.column`.
    pub(crate) schema: Option<Box<str>>,
    pub(crate) relation: Option<Arc<Relation>>,
    pub(crate) columns: Vec<NsColumn>,
    /// `ctid` and kin.
    pub(crate) system: Vec<NsColumn>,
    pub(crate) rel_visible: bool,
    pub(crate) cols_visible: bool,
    pub(crate) lateral_only: bool,
    pub(crate) lateral_ok: bool,
    /// A function with one unnamed scalar column: its name means the column.
    pub(crate) scalar: bool,
    /// Of an item that an outer join may lack a row of: a column that is never NULL in a row that is there.
    pub(crate) present: Option<ColumnId>,
    /// The table that the statement writes, while its FROM is bound.
    pub(crate) written: bool,
}

impl NsItem {
    pub(crate) fn new(name: Option<Arc<str>>, columns: Vec<NsColumn>) -> Self {
        NsItem {
            rel_visible: name.is_some(),
            name,
            schema: None,
            relation: None,
            columns,
            system: Vec::new(),
            cols_visible: true,
            lateral_only: false,
            lateral_ok: true,
            scalar: false,
            present: None,
            written: false,
        }
    }
}

/// A query level.
pub(crate) struct Scope {
    pub(crate) block: u32,
    pub(crate) items: Vec<NsItem>,
    pub(crate) clause: Clause,
    /// Whether items marked `lateral_only` can be seen now.
    pub(crate) lateral_active: bool,
    /// What is being bound that may not have sets in it: CASE or COALESCE.
    pub(crate) setless: Option<&'static str>,
    /// Names of all items of FROM that were bound, also of those that are hidden where they stand.
    pub(crate) bound: Vec<Arc<str>>,
    /// Named windows.
    pub(crate) windows: Vec<(Ident, super::group::BoundWindow)>,
    /// Whether an aggregate that belongs to this level was seen.
    pub(crate) has_aggregates: bool,
    /// Whether a window call was seen.
    pub(crate) has_windows: bool,
    /// Whether a set-returning call was seen.
    pub(crate) has_sets: bool,
    /// The number of aggregate calls that enclose the place being bound.
    pub(crate) in_aggregate: u32,
    /// The GROUP BY expressions, once bound, for GROUPING().
    pub(crate) grouping: Vec<Expr>,
}

impl Binder<'_> {
    pub(crate) fn push_scope(&mut self, clause: Clause) {
        self.s.blocks_made += 1;
        self.scopes.push(Scope {
            block: self.s.blocks_made,
            items: Vec::new(),
            clause,
            lateral_active: true,
            setless: None,
            bound: Vec::new(),
            windows: Vec::new(),
            has_aggregates: false,
            has_windows: false,
            has_sets: false,
            in_aggregate: 0,
            grouping: Vec::new(),
        });
    }

    /// The current query level.
    pub(crate) fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.push_scope(Clause::Values);
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    /// Binds something as part of `clause`.
    pub(crate) fn within<T>(&mut self, clause: Clause, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = std::mem::replace(&mut self.scope().clause, clause);
        let result = f(self);
        self.scope().clause = before;
        result
    }

    /// Notes that a column is read, for privilege checks.
    pub(crate) fn mark_selected(&mut self, id: ColumnId) {
        let (table, attribute) = self.s.origins[id as usize];
        self.mark_attribute(table, attribute);
    }

    fn mark_attribute(&mut self, table: Oid, attribute: i16) {
        if table == 0 || attribute == 0 {
            return;
        }
        if attribute > 0 {
            self.note_used(table, attribute);
        }
        if let Some(access) = self.access(table) {
            access.select.get_or_insert_default().add(attribute);
        }
    }

    /// Notes that the columns of an expression are read.
    pub(crate) fn mark_read(&mut self, expr: &Expr) {
        let mut ids = Vec::new();
        expr.any(&mut |e| {
            if let ExprKind::Column(id) = e.kind {
                ids.push(id);
            }
            false
        });
        ids.into_iter().for_each(|id| self.mark_selected(id));
    }

    /// Notes that a column of the namespace is read.
    pub(crate) fn mark_column(&mut self, column: &NsColumn) {
        match column.reads {
            Some((table, attribute)) => self.mark_attribute(table, attribute),
            None => self.mark_read(&column.expr),
        }
    }

    fn use_column(&mut self, column: &NsColumn, pos: Pos) -> Expr {
        self.mark_column(column);
        let mut expr = column.expr.clone();
        expr.at = pos;
        expr
    }

    /// Resolves `a`, `t.a`, `s.t.a`, `db.s.t.a`.
    pub(crate) fn bind_column_ref(&mut self, parts: &[Ident], pos: Pos) -> Result<Expr> {
        let bound = match self.resolve_column_ref(parts, pos) {
            Err(e) if [SqlState::UNDEFINED_COLUMN, SqlState::UNDEFINED_TABLE].contains(&e.code()) => {
                return self.named_param(parts, pos)?.ok_or(e);
            }
            other => other?,
        };
        self.note_column(parts, &bound.kind);
        Ok(bound)
    }

    /// Resolves `(t).a` where `t` is an item of FROM.
    pub(crate) fn bind_field_of_item(&mut self, table: &Ident, name: &Ident, pos: Pos) -> Result<Expr> {
        let bound = self.bind_qualified(None, table, name, pos)?;
        self.note_field(table.pos, name, &bound.kind);
        Ok(bound)
    }

    fn resolve_column_ref(&mut self, parts: &[Ident], pos: Pos) -> Result<Expr> {
        match parts {
            [name] => self.bind_bare_column(name, pos),
            [table, name] => self.bind_qualified(None, table, name, pos),
            [schema, table, name] => self.bind_qualified(Some(schema), table, name, pos),
            [database, schema, table, name] => {
                if *database.name != *self.cx.catalog.database() {
                    return Err(sql_err!(
                        FEATURE_NOT_SUPPORTED,
                        "cross-database references are not implemented: {}",
                        dotted(parts)
                    )
                    .at(pos));
                }
                self.bind_qualified(Some(schema), table, name, pos)
            }
            _ => Err(sql_err!(
                SYNTAX_ERROR,
                "improper qualified name (too many dotted names): {}",
                dotted(parts)
            )
            .at(pos)),
        }
    }

    fn bind_bare_column(&mut self, name: &Ident, pos: Pos) -> Result<Expr> {
        if let Some(column) = self.find_column(name, pos)? {
            return Ok(self.use_column(&column, pos));
        }
        // A relation's name means the whole row.
        if let Some((level, item)) = self.find_relation(None, name) {
            let item = self.scopes[level].items[item].clone();
            return Ok(self.whole_row(&item, pos));
        }
        Err(self.no_such_column(None, name, pos))
    }

    /// The row of an item as a value.
    pub(crate) fn whole_row(&mut self, item: &NsItem, pos: Pos) -> Expr {
        if item.scalar && item.columns.len() == 1 {
            return self.use_column(&item.columns[0], pos);
        }
        let mut fields: Vec<Expr> = item.columns.iter().map(|c| self.use_column(c, pos)).collect();
        if let Some((ty, relation)) = self.row_type_of_item(item) {
            for (i, column) in relation.columns.iter().enumerate() {
                if column.dropped {
                    fields.insert(i, Expr::constant(Datum::Null, DataType::of(oid::INT4)));
                }
            }
            let mut row = Expr::new(ExprKind::Row(fields), DataType::of(ty));
            row.at = pos;
            self.note_whole(item, pos);
            return self.row_if_present(item, row);
        }
        let shape: Vec<_> = item.columns.iter().map(|c| (c.name.clone(), c.expr.ty)).collect();
        let ty = DataType { oid: oid::RECORD, typmod: rowtype::modifier(&shape) };
        let mut row = Expr::new(ExprKind::Row(fields), ty);
        row.at = pos;
        self.note_whole(item, pos);
        self.row_if_present(item, row)
    }

    /// The row of an item that an outer join may lack: NULL then, rather than a row of NULLs.
    fn row_if_present(&mut self, item: &NsItem, row: Expr) -> Expr {
        let Some(present) = item.present.filter(|_| self.written().is_none()) else { return row };
        let (ty, at) = (row.ty, row.at);
        let test = ExprKind::IsNull { value: Box::new(self.column(present)), negated: true };
        let arms = vec![(Expr::new(test, DataType::of(oid::BOOL)), row)];
        let mut value = Expr::new(ExprKind::Case { operand: None, arms, otherwise: None }, ty);
        value.at = at;
        value
    }

    /// The type of the rows of an item of FROM that is a relation.
    fn row_type_of_item(&self, item: &NsItem) -> Option<(Oid, Arc<Relation>)> {
        let relation = item.relation.as_ref()?;
        let ty = self.cx.catalog.row_type_of(relation.oid)?;
        // The rows are those that the type has now.
        let now = self.cx.catalog.row_type(ty)?;
        let same = now.columns.len() == relation.columns.len();
        (same && now.live_columns().count() == item.columns.len()).then_some((ty, now))
    }

    fn find_column(&self, name: &Ident, pos: Pos) -> Result<Option<NsColumn>> {
        for scope in self.scopes.iter().rev() {
            let mut found: Option<&NsColumn> = None;
            for item in
                scope.items.iter().filter(|i| i.cols_visible && (!i.lateral_only || scope.lateral_active))
            {
                let user = item.columns.iter().filter(|c| *c.name == *name.name);
                let system = item.system.iter().filter(|c| *c.name == *name.name);
                for column in user.chain(system) {
                    if found.is_some() {
                        return Err(sql_err!(
                            AMBIGUOUS_COLUMN,
                            "column reference \"{}\" is ambiguous",
                            name.name
                        )
                        .at(pos));
                    }
                    if item.lateral_only && !item.lateral_ok {
                        return Err(bad_lateral(item, pos));
                    }
                    found = Some(column);
                }
            }
            if let Some(column) = found {
                return Ok(Some(column.clone()));
            }
        }
        Ok(None)
    }

    /// Finds a relation of the namespace: (level, item).
    pub(crate) fn find_relation(&self, schema: Option<&str>, name: &str) -> Option<(usize, usize)> {
        for (level, scope) in self.scopes.iter().enumerate().rev() {
            for (i, item) in scope.items.iter().enumerate() {
                let visible = item.rel_visible && (!item.lateral_only || scope.lateral_active);
                if visible
                    && item.name.as_deref() == Some(name)
                    && (schema.is_none() || item.schema.as_deref() == schema)
                {
                    return Some((level, i));
                }
            }
        }
        None
    }

    fn bind_qualified(
        &mut self,
        schema: Option<&Ident>,
        table: &Ident,
        name: &Ident,
        pos: Pos,
    ) -> Result<Expr> {
        let Some((level, index)) = self.find_relation(schema.map(|s| &*s.name), table) else {
            // `x.f` may also be field `f` of the row column `x`; rows of unknown shape have no named fields.
            return Err(self.no_such_relation(schema.map(|s| &*s.name), table, pos));
        };
        let item = &self.scopes[level].items[index];
        if item.lateral_only && !item.lateral_ok {
            return Err(bad_lateral(item, pos));
        }
        let mut hits = item.columns.iter().chain(&item.system).filter(|c| *c.name == *name.name);
        match (hits.next(), hits.next()) {
            (Some(column), None) => {
                let column = column.clone();
                Ok(self.use_column(&column, pos))
            }
            (Some(_), Some(_)) => {
                Err(sql_err!(AMBIGUOUS_COLUMN, "column reference \"{}\" is ambiguous", name.name).at(pos))
            }
            (None, _) => {
                // `t.f` may be the call `f(t)`.
                let item = item.clone();
                if !self.cx.catalog.routines(None, &name.name).is_empty() {
                    let row = self.whole_row(&item, pos);
                    if let Some(call) = self.bind_attribute_call(&name.name, row, pos)? {
                        return Ok(call);
                    }
                }
                Err(self.no_such_column(Some(table), name, pos))
            }
        }
    }

    /// 42P01 for a qualifier that names nothing in sight.
    pub(crate) fn no_such_relation(&self, schema: Option<&str>, table: &str, pos: Pos) -> SqlError {
        let shown = schema.map_or(table.to_owned(), |s| format!("{s}.{table}"));
        let hidden = |item: &&NsItem| item.name.as_deref() == Some(table);
        for scope in self.scopes.iter().rev() {
            if let Some(item) = scope.items.iter().find(hidden) {
                return unreachable_item(table, pos, item.lateral_only && item.lateral_ok);
            }
            if scope.bound.iter().any(|name| **name == *table) {
                return unreachable_item(table, pos, false);
            }
            // The table is in FROM under an alias.
            let aliased = |item: &&NsItem| {
                item.relation.as_ref().is_some_and(|r| *r.name == *table)
                    && item.name.as_deref() != Some(table)
            };
            if let Some(item) = scope.items.iter().find(aliased) {
                let alias = item.name.as_deref().unwrap_or_default();
                return sql_err!(
                    UNDEFINED_TABLE,
                    "invalid reference to FROM-clause entry for table \"{table}\""
                )
                .hint(format!("Perhaps you meant to reference the table alias \"{alias}\"."))
                .at(pos);
            }
        }
        sql_err!(UNDEFINED_TABLE, "missing FROM-clause entry for table \"{shown}\"").at(pos)
    }

    /// 42703 with PostgreSQL's guess at what was meant.
    pub(crate) fn no_such_column(&self, table: Option<&str>, name: &str, pos: Pos) -> SqlError {
        let error = match table {
            Some(table) => sql_err!(UNDEFINED_COLUMN, "column {table}.{name} does not exist"),
            None => sql_err!(UNDEFINED_COLUMN, "column \"{name}\" does not exist"),
        }
        .at(pos);
        // Columns that exist and cannot be seen from here.
        let mut best = usize::MAX;
        let mut guesses: Vec<String> = Vec::new();
        let limit = 3.min(name.chars().count());
        for item in self.scopes.iter().rev().flat_map(|s| &s.items) {
            let Some(alias) = item.name.as_deref() else { continue };
            // A wrong qualifier costs one edit more, as in PostgreSQL.
            let alias_cost = match table {
                Some(t) if t != alias => edit_distance(t, alias).min(limit + 1),
                _ => 0,
            };
            for column in &item.columns {
                let distance = alias_cost + edit_distance(name, &column.name);
                if distance > limit || distance > name.chars().count() / 2 + alias_cost {
                    continue;
                }
                if distance < best {
                    best = distance;
                    guesses.clear();
                }
                if distance == best {
                    guesses.push(format!("\"{alias}.{}\"", column.name));
                }
            }
        }
        match guesses.as_slice() {
            [one] => error.hint(format!("Perhaps you meant to reference the column {one}.")),
            [one, two] => {
                error.hint(format!("Perhaps you meant to reference the column {one} or the column {two}."))
            }
            _ => error,
        }
    }
}

/// 42P01 for an item of FROM that the place does not see.
fn unreachable_item(table: &str, pos: Pos, lateral: bool) -> SqlError {
    let error = sql_err!(UNDEFINED_TABLE, "invalid reference to FROM-clause entry for table \"{table}\"")
        .at(pos)
        .detail(format!(
            "There is an entry for table \"{table}\", but it cannot be referenced from this part of the query."
        ));
    match lateral {
        true => error.hint("To reference that table, you must mark this subquery with LATERAL."),
        false => error,
    }
}

/// 42P10 for an item of FROM that LATERAL may not mean.
fn bad_lateral(item: &NsItem, pos: Pos) -> SqlError {
    let table = item.name.as_deref().unwrap_or_default();
    let error =
        sql_err!(INVALID_COLUMN_REFERENCE, "invalid reference to FROM-clause entry for table \"{table}\"")
            .at(pos);
    match item.written {
        true => error.hint(format!(
            "There is an entry for table \"{table}\", but it cannot be referenced from this part of the query."
        )),
        false => error.detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference."),
    }
}

/// Names joined with dots, as messages show them.
pub(crate) fn dotted(parts: &[Ident]) -> String {
    parts.iter().map(|p| &*p.name).collect::<Vec<_>>().join(".")
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::edit_distance;

    #[test]
    fn distances() {
        for (a, b, d) in
            [("", "", 0), ("abc", "abc", 0), ("abc", "abd", 1), ("kitten", "sitting", 3), ("", "ab", 2)]
        {
            assert_eq!(edit_distance(a, b), d, "{a} {b}");
        }
    }
}
