//! Queries back to text.

use super::super::ast::*;
use super::{PrintedTable, Printer};
use crate::error::{Result, SqlError};

impl Printer<'_> {
    pub(super) fn query(&mut self, id: QueryId) -> Result<()> {
        let query = &self.ast[id];
        if let Some(with) = &query.with {
            self.with(with)?;
        }
        match &query.body {
            QueryBody::Select(select) => self.select(select)?,
            QueryBody::Values(rows) => {
                self.put("VALUES ");
                for (i, row) in rows.iter().enumerate() {
                    self.put(if i > 0 { ", (" } else { "(" });
                    self.exprs(row)?;
                    self.put(")");
                }
            }
            QueryBody::SetOp { op, all, left, right, .. } => {
                self.subquery("", *left)?;
                self.put(match op {
                    SetOperator::Union => " UNION ",
                    SetOperator::Intersect => " INTERSECT ",
                    SetOperator::Except => " EXCEPT ",
                });
                self.subquery(if *all { "ALL " } else { "" }, *right)?;
            }
        }
        self.order_by(&query.order_by)?;
        if let Some(offset) = query.offset {
            self.put(" OFFSET ");
            self.expr(offset)?;
        }
        if let Some(limit) = query.limit {
            self.put(if limit.with_ties { " FETCH FIRST (" } else { " LIMIT " });
            self.expr(limit.count)?;
            self.put(if limit.with_ties { ") ROWS WITH TIES" } else { "" });
        }
        for lock in &query.locking {
            self.put(match lock.strength {
                LockStrength::KeyShare => " FOR KEY SHARE",
                LockStrength::Share => " FOR SHARE",
                LockStrength::NoKeyUpdate => " FOR NO KEY UPDATE",
                LockStrength::Update => " FOR UPDATE",
            });
            if !lock.of.is_empty() {
                self.put(" OF ");
                self.list(&lock.of, |printer, name| {
                    printer.name(&name.0);
                    Ok(())
                })?;
            }
            self.put(match lock.wait {
                LockWait::Block => "",
                LockWait::SkipLocked => " SKIP LOCKED",
                LockWait::NoWait => " NOWAIT",
            });
        }
        Ok(())
    }

    fn with(&mut self, with: &With) -> Result<()> {
        self.put(if with.recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(&with.ctes, |printer, cte| {
            printer.ident(&cte.name);
            if !cte.columns.is_empty() {
                printer.idents(&cte.columns)?;
            }
            printer.put(match cte.materialized {
                None => " AS ",
                Some(true) => " AS MATERIALIZED ",
                Some(false) => " AS NOT MATERIALIZED ",
            });
            let Statement::Query(query) = &cte.statement else {
                return Err(SqlError::unsupported("printing a data-modifying WITH"));
            };
            printer.subquery("", *query)?;
            if let Some(search) = &cte.search {
                printer.put(if search.breadth_first {
                    " SEARCH BREADTH FIRST BY "
                } else {
                    " SEARCH DEPTH FIRST BY "
                });
                printer.plain_idents(&search.columns);
                printer.put(" SET ");
                printer.ident(&search.set);
            }
            if let Some(cycle) = &cte.cycle {
                printer.put(" CYCLE ");
                printer.plain_idents(&cycle.columns);
                printer.put(" SET ");
                printer.ident(&cycle.mark);
                if let Some((value, default)) = cycle.values {
                    printer.put(" TO ");
                    printer.constant(value)?;
                    printer.put(" DEFAULT ");
                    printer.constant(default)?;
                }
                printer.put(" USING ");
                printer.ident(&cycle.path);
            }
            Ok(())
        })?;
        self.put(" ");
        Ok(())
    }

    fn plain_idents(&mut self, names: &[Ident]) {
        for (i, name) in names.iter().enumerate() {
            self.put(if i > 0 { ", " } else { "" });
            self.ident(name);
        }
    }

    fn select(&mut self, select: &Select) -> Result<()> {
        self.put("SELECT");
        match &select.distinct {
            Distinct::All => {}
            Distinct::Distinct => self.put(" DISTINCT"),
            Distinct::On(items) => {
                self.put(" DISTINCT ON (");
                self.exprs(items)?;
                self.put(")");
            }
        }
        self.put(" ");
        self.list(&select.targets, Self::target)?;
        if let Some(into) = &select.into {
            self.put(match into.persistence {
                Persistence::Permanent => " INTO TABLE ",
                Persistence::Temporary => " INTO TEMPORARY ",
                Persistence::Unlogged => " INTO UNLOGGED ",
            });
            self.name(&into.name.0);
        }
        if !select.from.is_empty() {
            self.put(" FROM ");
            self.list(&select.from, |printer, &from| printer.from(from))?;
        }
        if let Some(filter) = select.filter {
            self.put(" WHERE ");
            self.expr(filter)?;
        }
        if !select.group_by.is_empty() {
            self.put(if select.group_distinct { " GROUP BY DISTINCT " } else { " GROUP BY " });
            self.group_items(&select.group_by)?;
        }
        if let Some(having) = select.having {
            self.put(" HAVING ");
            self.expr(having)?;
        }
        if !select.windows.is_empty() {
            self.put(" WINDOW ");
            self.list(&select.windows, |printer, (name, spec)| {
                printer.ident(name);
                printer.put(" AS ");
                printer.window(spec)
            })?;
        }
        Ok(())
    }

    fn target(&mut self, target: &Target) -> Result<()> {
        let Some(names) = self.names else {
            self.expr(target.expr)?;
            if let Some(alias) = &target.alias {
                self.put(" AS ");
                self.ident(alias);
            }
            return Ok(());
        };
        if let Some(columns) = names.star(self.ast[target.expr].pos) {
            return self.list(&columns, |printer, column| {
                printer.printed(column);
                printer.put(" AS ");
                printer.ident(&column.alias);
                Ok(())
            });
        }
        self.expr(target.expr)?;
        self.put(" AS ");
        match &target.alias {
            Some(alias) => self.ident(alias),
            None => self.ident(&names.target(target.expr)),
        }
        Ok(())
    }

    fn group_items(&mut self, items: &[GroupItem]) -> Result<()> {
        self.list(items, |printer, item| {
            match item {
                GroupItem::Expr(expr) => return printer.expr(*expr),
                GroupItem::Empty => printer.put("("),
                GroupItem::Rollup(items) => {
                    printer.put("ROLLUP (");
                    printer.exprs(items)?;
                }
                GroupItem::Cube(items) => {
                    printer.put("CUBE (");
                    printer.exprs(items)?;
                }
                GroupItem::Sets(sets) => {
                    printer.put("GROUPING SETS (");
                    printer.group_items(sets)?;
                }
            }
            printer.put(")");
            Ok(())
        })
    }

    pub(super) fn alias(&mut self, alias: Option<&Alias>) -> Result<()> {
        let Some(alias) = alias else { return Ok(()) };
        self.put(" AS ");
        self.ident(&alias.name);
        if alias.columns.is_empty() { Ok(()) } else { self.idents(&alias.columns) }
    }

    /// The alias of a table whose name may have changed.
    fn table_alias(&mut self, table: &PrintedTable, relation: &RelationRef, alias: Option<&Alias>) {
        let listed = table.needs_columns || alias.is_some_and(|a| !a.columns.is_empty());
        if alias.is_none() && !table.needs_alias {
            return;
        }
        self.put(" AS ");
        self.ident(alias.map_or(&relation.name.object().name, |a| &a.name.name));
        for (i, name) in table.columns.iter().enumerate().filter(|_| listed) {
            self.put(if i > 0 { ", " } else { "(" });
            self.ident(name);
        }
        self.put(if listed && !table.columns.is_empty() { ")" } else { "" });
    }

    fn from(&mut self, id: FromId) -> Result<()> {
        match &self.ast[id].kind {
            FromKind::Table { relation, alias, sample } => {
                self.put(if relation.only { "ONLY " } else { "" });
                match self.names.and_then(|n| n.table(relation.name.pos())) {
                    Some(table) => {
                        self.ident(&table.schema);
                        self.put(".");
                        self.ident(&table.name);
                        self.table_alias(&table, relation, alias.as_ref());
                    }
                    None => {
                        self.name(&relation.name.0);
                        self.alias(alias.as_ref())?;
                    }
                }
                if let Some(sample) = sample {
                    self.put(" TABLESAMPLE ");
                    self.name(&sample.method.0);
                    self.put("(");
                    self.exprs(&sample.args)?;
                    self.put(")");
                    if let Some(seed) = sample.repeatable {
                        self.put(" REPEATABLE (");
                        self.expr(seed)?;
                        self.put(")");
                    }
                }
                Ok(())
            }
            FromKind::Subquery { query, lateral, alias } => {
                self.subquery(if *lateral { "LATERAL " } else { "" }, *query)?;
                self.alias(alias.as_ref())
            }
            FromKind::Function(function) => self.function(function),
            FromKind::Join(join) => self.join(join),
            FromKind::JsonTable(table) => self.json_table(table),
            FromKind::Unsupported(what) => Err(SqlError::unsupported(what)),
        }
    }

    fn function(&mut self, function: &FromFunction) -> Result<()> {
        self.put(if function.lateral { "LATERAL " } else { "" });
        self.put(if function.rows_from { "ROWS FROM (" } else { "" });
        self.list(&function.functions, |printer, item| {
            printer.expr(item.call)?;
            if !item.columns.is_empty() {
                printer.put(" AS ");
                printer.column_specs(&item.columns)?;
            }
            Ok(())
        })?;
        self.put(if function.rows_from { ")" } else { "" });
        self.put(if function.ordinality { " WITH ORDINALITY" } else { "" });
        self.alias(function.alias.as_ref())?;
        if !function.columns.is_empty() {
            self.put(if function.alias.is_some() { " " } else { " AS " });
            self.column_specs(&function.columns)?;
        }
        Ok(())
    }

    fn column_specs(&mut self, columns: &[ColumnSpec]) -> Result<()> {
        self.put("(");
        self.list(columns, |printer, column| {
            printer.ident(&column.name);
            printer.put(" ");
            printer.type_name(&column.ty)?;
            if let Some(collation) = &column.collation {
                printer.put(" COLLATE ");
                printer.name(&collation.0);
            }
            Ok(())
        })?;
        self.put(")");
        Ok(())
    }

    fn join(&mut self, join: &Join) -> Result<()> {
        self.put("(");
        self.from(join.left)?;
        let natural = matches!(join.condition, JoinCondition::Natural);
        let common = if natural { self.names.and_then(|n| n.natural(join.right)) } else { None };
        self.put(if natural && common.is_none() { " NATURAL" } else { "" });
        self.put(match join.kind {
            JoinKind::Inner if matches!(join.condition, JoinCondition::Cross) => " CROSS JOIN ",
            JoinKind::Inner => " JOIN ",
            JoinKind::Left => " LEFT JOIN ",
            JoinKind::Right => " RIGHT JOIN ",
            JoinKind::Full => " FULL JOIN ",
        });
        self.from(join.right)?;
        match &join.condition {
            JoinCondition::Natural => match common.as_deref() {
                // Nothing in common: every pair.
                Some([]) => self.put(" ON true"),
                Some(names) => {
                    self.put(" USING (");
                    self.list(names, |printer, name| {
                        printer.ident(name);
                        Ok(())
                    })?;
                    self.put(")");
                }
                None => {}
            },
            JoinCondition::Cross => {}
            JoinCondition::On(condition) => {
                self.put(" ON ");
                self.expr(*condition)?;
            }
            JoinCondition::Using { columns, alias } => {
                self.put(" USING ");
                self.idents(columns)?;
                if let Some(alias) = alias {
                    self.put(" AS ");
                    self.ident(alias);
                }
            }
        }
        self.put(")");
        self.alias(join.alias.as_ref())
    }
}
