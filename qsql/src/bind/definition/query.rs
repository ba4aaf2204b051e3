//! Queries: their clauses and lines.

use std::sync::Arc;

use super::{Called, Definition, JoinAlias, unique, unique_names};
use crate::bind::written::{WrittenKey, WrittenSelect};
use crate::parse::ast::{
    Cte, Distinct, ExprId, FromId, FromKind, GroupItem, LockStrength, LockWait, Locking, Query, QueryBody,
    QueryId, Select, SetOperator, Statement, With,
};
use crate::plan::deparse::{INDENT, INDENT_LIST, Printer, order_words};
use crate::plan::expr::{Expr, ExprKind};
use crate::types::{Datum, oid};

/// The names that whoever uses the query gives its columns, and whether they are seen.
#[derive(Clone, Copy)]
pub(super) struct Outputs<'n> {
    names: Option<&'n [Arc<str>]>,
    visible: bool,
}

impl Outputs<'_> {
    fn name(self, i: usize, own: &str) -> String {
        self.names.and_then(|n| n.get(i)).map_or(own.to_owned(), |n| n.to_string())
    }
}

impl Definition<'_> {
    /// Prints a query. `names`: what a view calls its columns; `visible`: whether somebody sees the names; `nested`: whether
    /// it stands in another query.
    pub(super) fn query(
        &self,
        p: &mut Printer<'_>,
        id: QueryId,
        names: Option<&[Arc<str>]>,
        visible: bool,
        nested: bool,
    ) {
        let (used, ctes, joins, prefix, targets, level) = {
            let mut state = self.state.borrow_mut();
            let targets = std::mem::take(&mut state.targets);
            let level = std::mem::take(&mut state.level);
            (state.used.len(), state.ctes.len(), state.joins.len(), state.prefix, targets, level)
        };
        p.indented(|p| self.clauses(p, id, Outputs { names, visible }, nested));
        let mut state = self.state.borrow_mut();
        state.used.truncate(used);
        state.ctes.truncate(ctes);
        state.joins.truncate(joins);
        state.prefix = prefix;
        state.targets = targets;
        state.level = level;
    }

    /// Prints the first target of a SELECT, as it stands without the rest.
    pub(super) fn first_target(&self, p: &mut Printer<'_>, id: QueryId) {
        let QueryBody::Select(select) = &self.ast[id].body else { return };
        select.from.iter().for_each(|&from| self.enter(from));
        if let Some(target) = self.written.selects.get(&id).and_then(|s| s.targets.first()) {
            p.expr(&target.expr);
        }
    }

    fn clauses(&self, p: &mut Printer<'_>, id: QueryId, outputs: Outputs<'_>, nested: bool) {
        let query = &self.ast[id];
        let tables = match &query.body {
            QueryBody::Select(select) => {
                select.from.iter().for_each(|&from| self.enter(from));
                select.from.iter().map(|&from| self.table_count(from)).sum()
            }
            QueryBody::Values(_) => 1,
            QueryBody::SetOp { .. } => 2,
        };
        {
            let mut state = self.state.borrow_mut();
            state.prefix = nested || tables != 1;
            if let Some(with) = &query.with {
                state.ctes.extend(with.ctes.iter().map(|c| c.name.name.to_string()));
            }
        }
        if let Some(with) = &query.with {
            self.with(p, with);
        }
        match &query.body {
            QueryBody::Select(select) => {
                let Some(written) = self.written.selects.get(&id) else { return };
                self.select(p, select, written, outputs);
                self.order_by(p, written);
            }
            QueryBody::Values(_) => {
                self.values_query(p, id, outputs);
                self.tail(p, id, |i, p| p.ident(&format!("column{}", i + 1)));
            }
            QueryBody::SetOp { .. } => {
                self.set_operation(p, id, outputs);
                self.tail(p, id, |i, p| p.put(&(i + 1).to_string()));
            }
        }
        self.limit(p, query);
        for locking in &query.locking {
            self.locking(p, query, locking);
        }
    }

    // Names.

    /// The number of items of FROM, joins included.
    fn table_count(&self, from: FromId) -> usize {
        match &self.ast[from].kind {
            FromKind::Join(join) => 1 + self.table_count(join.left) + self.table_count(join.right),
            _ => 1,
        }
    }

    /// Gives an item of FROM, or the items it joins, their names.
    fn enter(&self, id: FromId) {
        if let FromKind::Join(join) = &self.ast[id].kind {
            let at = self.state.borrow().joins.len();
            self.enter(join.left);
            self.enter(join.right);
            let Some(alias) = &join.alias else { return };
            let Some(items) = self.written.items.get(&id) else { return };
            let mut state = self.state.borrow_mut();
            let item = unique(&alias.name.name, &state.used);
            state.used.push(item.clone());
            state.items.insert(id, item.clone());
            let columns = items
                .iter()
                .flat_map(|item| item.columns.iter().zip(unique_names(&item.columns)))
                .map(|(column, name)| (column.expr.clone(), name))
                .collect();
            state.joins.insert(at, JoinAlias { from: id, item, columns });
            return;
        }
        let Some(first) = self.written.items.get(&id).and_then(|items| items.first()) else { return };
        let plain = first.name.as_deref().unwrap_or("unnamed_subquery");
        let mut state = self.state.borrow_mut();
        let name = unique(plain, &state.used);
        state.used.push(name.clone());
        state.items.insert(id, name.clone());
        for item in &self.written.items[&id] {
            let names = unique_names(&item.columns);
            let system = item.system.iter().map(|c| (c, c.name.to_string()));
            for (column, own) in item.columns.iter().zip(names).chain(system) {
                if let ExprKind::Column(column) = column.expr.kind {
                    state.level.insert(column);
                    state.columns.insert(column, Called { item: Some(name.clone()), name: own });
                }
            }
        }
    }

    // Clauses.

    fn with(&self, p: &mut Printer<'_>, with: &With) {
        p.shift(INDENT);
        p.put(if p.lines() { " " } else { "" });
        let mut word = if with.recursive { "WITH RECURSIVE " } else { "WITH " };
        for cte in &with.ctes {
            p.put(word);
            word = ", ";
            p.ident(&cte.name.name);
            if !cte.columns.is_empty() {
                p.put("(");
                p.separated(&cte.columns, ", ", |p, c| p.ident(&c.name));
                p.put(")");
            }
            p.put(match cte.materialized {
                None => " AS (",
                Some(true) => " AS MATERIALIZED (",
                Some(false) => " AS NOT MATERIALIZED (",
            });
            p.keyword("", 0, 0, 0);
            if let Statement::Query(query) = cte.statement {
                self.query(p, query, None, true, true);
            }
            p.keyword(")", 0, 0, 0);
            self.walk(p, cte);
        }
        p.shift(-INDENT);
        match p.lines() {
            true => p.keyword("", 0, 0, 0),
            false => p.put(" "),
        }
    }

    fn walk(&self, p: &mut Printer<'_>, cte: &Cte) {
        if let Some(search) = &cte.search {
            p.put(if search.breadth_first { " SEARCH BREADTH FIRST BY " } else { " SEARCH DEPTH FIRST BY " });
            p.separated(&search.columns, ", ", |p, c| p.ident(&c.name));
            p.put(" SET ");
            p.ident(&search.set.name);
        }
        let Some(cycle) = &cte.cycle else { return };
        p.put(" CYCLE ");
        p.separated(&cycle.columns, ", ", |p, c| p.ident(&c.name));
        p.put(" SET ");
        p.ident(&cycle.mark.name);
        let values = cycle.values.and_then(|(mark, default)| {
            Some((self.written.exprs.get(&mark)?, self.written.exprs.get(&default)?))
        });
        let truth = |e: &Expr, b: bool| matches!(e.kind, ExprKind::Const(Datum::Bool(x)) if x == b);
        if let Some((mark, default)) = values.filter(|(m, d)| !(truth(m, true) && truth(d, false))) {
            p.put(" TO ");
            p.expr(mark);
            p.put(" DEFAULT ");
            p.expr(default);
        }
        p.put(" USING ");
        p.ident(&cycle.path.name);
    }

    fn select(&self, p: &mut Printer<'_>, select: &Select, written: &WrittenSelect, outputs: Outputs<'_>) {
        p.shift(INDENT);
        p.put(if p.lines() { " SELECT" } else { "SELECT" });
        match &select.distinct {
            Distinct::All => {}
            Distinct::Distinct => p.put(" DISTINCT"),
            Distinct::On(_) => {
                p.put(" DISTINCT ON (");
                p.separated(&written.distinct_on, ", ", |p, &i| p.sort_expr(&written.targets[i].expr));
                p.put(")");
            }
        }
        self.targets(p, written, outputs);
        self.put_from(p, &select.from);
        if let Some(filter) = select.filter {
            p.keyword(" WHERE ", -INDENT, INDENT, 1);
            self.clause(p, filter);
        }
        if !select.group_by.is_empty() {
            p.keyword(" GROUP BY ", -INDENT, INDENT, 1);
            p.put(if select.group_distinct { "DISTINCT " } else { "" });
            p.separated(&select.group_by, ", ", |p, item| self.group_item(p, item, true));
        }
        if let Some(having) = select.having {
            p.keyword(" HAVING ", -INDENT, INDENT, 0);
            self.clause(p, having);
        }
        for (i, window) in written.windows.iter().enumerate() {
            match i {
                0 => p.keyword(" WINDOW ", -INDENT, INDENT, 1),
                _ => p.put(", "),
            }
            p.ident(&window.name);
            p.put(" AS ");
            p.window_spec(&window.parts, &window.partition, &window.order, &window.frame);
        }
    }

    /// An expression of a clause.
    pub(super) fn clause(&self, p: &mut Printer<'_>, id: ExprId) {
        let Some(expr) = self.written.exprs.get(&id) else { return };
        match self.written.coerced.contains(&id) {
            true => p.under_cast(expr),
            false => p.expr(expr),
        }
    }

    fn targets(&self, p: &mut Printer<'_>, written: &WrittenSelect, outputs: Outputs<'_>) {
        let mut separator = " ";
        let mut tall = false;
        let visible = written.targets.iter().filter(|t| !t.junk);
        for (i, target) in visible.enumerate() {
            p.put(separator);
            separator = ", ";
            let retyped = written.outputs.get(i).and_then(|id| self.written.retyped.get(id));
            let expr = match retyped {
                Some(typed) if target.expr.ty.oid == oid::UNKNOWN => typed,
                _ => &target.expr,
            };
            let name = outputs.name(i, &target.name);
            let (text, ()) = p.aside(|p| self.target(p, expr, &name, outputs.visible));
            tall = self.place(p, &text, i > 0, tall);
        }
    }

    fn target(&self, p: &mut Printer<'_>, expr: &Expr, name: &str, visible: bool) {
        let own = match self.variable(expr) {
            Some(called) => {
                p.put(&self.shown(&called));
                Some(called.name)
            }
            None => {
                p.expr(expr);
                (!visible).then(|| "?column?".to_owned())
            }
        };
        if own.as_deref() != Some(name) {
            p.put(" AS ");
            p.ident(name);
        }
    }

    /// Puts an item of a list on this line or a new one; says whether it has several lines itself. After an item of several
    /// lines (`tall`) there is always a new one.
    pub(super) fn place(&self, p: &mut Printer<'_>, text: &str, can_break: bool, tall: bool) -> bool {
        if p.lines() && self.wrap >= 0 {
            if text.starts_with('\n') {
                p.trim_end();
            } else if can_break && (tall || p.line_len() + text.len() > self.wrap as usize) {
                p.keyword("", -INDENT, INDENT, INDENT_LIST);
            }
        }
        p.put(text);
        text.trim_start_matches('\n').contains('\n')
    }

    fn group_item(&self, p: &mut Printer<'_>, item: &GroupItem, bare: bool) {
        match item {
            GroupItem::Expr(id) => self.group_set(p, *id, bare),
            GroupItem::Empty => p.put("()"),
            GroupItem::Rollup(items) => self.group_list(p, "ROLLUP(", items),
            GroupItem::Cube(items) => self.group_list(p, "CUBE(", items),
            GroupItem::Sets(items) => {
                p.put("GROUPING SETS (");
                p.separated(items, ", ", |p, item| self.group_item(p, item, false));
                p.put(")");
            }
        }
    }

    fn group_list(&self, p: &mut Printer<'_>, open: &str, items: &[ExprId]) {
        p.put(open);
        p.separated(items, ", ", |p, &item| self.group_set(p, item, true));
        p.put(")");
    }

    /// One grouping expression or several in parentheses.
    fn group_set(&self, p: &mut Printer<'_>, id: ExprId, bare: bool) {
        use crate::parse::ast::ExprKind as A;
        match &self.ast[id].kind {
            A::Row { items, explicit: false } => {
                p.put("(");
                p.separated(items, ", ", |p, &item| self.group_set(p, item, true));
                p.put(")");
            }
            _ => {
                p.put(if bare { "" } else { "(" });
                if let Some(expr) = self.written.exprs.get(&id) {
                    p.sort_expr(expr);
                }
                p.put(if bare { "" } else { ")" });
            }
        }
    }

    fn order_by(&self, p: &mut Printer<'_>, written: &WrittenSelect) {
        if written.order.is_empty() {
            return;
        }
        p.keyword(" ORDER BY ", -INDENT, INDENT, 1);
        let column = |e: &Expr| match e.kind {
            ExprKind::Column(id) => Some(id),
            _ => None,
        };
        let seen = written.targets.iter().filter(|t| !t.junk);
        self.state.borrow_mut().targets = seen.map(|t| (t.name.to_string(), column(&t.expr))).collect();
        p.separated(&written.order, ", ", |p, &(target, descending, nulls_first)| {
            p.sort_expr(&written.targets[target].expr);
            p.put(order_words(descending, nulls_first));
        });
        self.state.borrow_mut().targets.clear();
    }

    /// ORDER BY over the columns of a set operation or VALUES.
    fn tail(&self, p: &mut Printer<'_>, id: QueryId, column: impl Fn(usize, &mut Printer<'_>)) {
        let none = Vec::new();
        let keys: &Vec<WrittenKey> = self.written.tails.get(&id).unwrap_or(&none);
        if keys.is_empty() {
            return;
        }
        p.keyword(" ORDER BY ", -INDENT, INDENT, 1);
        p.separated(keys, ", ", |p, &(i, descending, nulls_first)| {
            column(i, p);
            p.put(order_words(descending, nulls_first));
        });
    }

    fn limit(&self, p: &mut Printer<'_>, query: &Query) {
        if let Some(offset) = query.offset {
            p.keyword(" OFFSET ", -INDENT, INDENT, 0);
            self.clause(p, offset);
        }
        let Some(limit) = query.limit else { return };
        if limit.with_ties {
            p.keyword(" FETCH FIRST ", -INDENT, INDENT, 0);
            p.put("(");
            self.clause(p, limit.count);
            p.put(") ROWS WITH TIES");
            return;
        }
        p.keyword(" LIMIT ", -INDENT, INDENT, 0);
        match self.written.exprs.get(&limit.count).map(|e| &e.kind) {
            Some(ExprKind::Const(Datum::Null)) => p.put("ALL"),
            _ => self.clause(p, limit.count),
        }
    }

    fn locking(&self, p: &mut Printer<'_>, query: &Query, locking: &Locking) {
        let QueryBody::Select(select) = &query.body else { return };
        let mut items = Vec::new();
        select.from.iter().for_each(|&from| self.lockable(from, &mut items));
        for item in items {
            if !locking.of.is_empty() && !locking.of.iter().any(|n| *n.object().name == item) {
                continue;
            }
            let word = match locking.strength {
                LockStrength::KeyShare => " FOR KEY SHARE",
                LockStrength::Share => " FOR SHARE",
                LockStrength::NoKeyUpdate => " FOR NO KEY UPDATE",
                LockStrength::Update => " FOR UPDATE",
            };
            p.keyword(word, -INDENT, INDENT, 0);
            p.put(" OF ");
            p.ident(&item);
            p.put(match locking.wait {
                LockWait::Block => "",
                LockWait::SkipLocked => " SKIP LOCKED",
                LockWait::NoWait => " NOWAIT",
            });
        }
    }

    fn lockable(&self, from: FromId, out: &mut Vec<String>) {
        match &self.ast[from].kind {
            FromKind::Join(join) => {
                self.lockable(join.left, out);
                self.lockable(join.right, out);
            }
            FromKind::Table { .. } | FromKind::Subquery { .. } => {
                out.extend(self.state.borrow().items.get(&from).cloned());
            }
            _ => {}
        }
    }

    // VALUES and set operations.

    /// VALUES as a query. Under other names than its own it is a table of a SELECT.
    fn values_query(&self, p: &mut Printer<'_>, id: QueryId, outputs: Outputs<'_>) {
        let QueryBody::Values(rows) = &self.ast[id].body else { return };
        p.shift(INDENT);
        p.put(if p.lines() { " " } else { "" });
        let names: Vec<String> = (1..=rows.row(0).len()).map(|i| format!("column{i}")).collect();
        if names.iter().enumerate().all(|(i, own)| outputs.name(i, own) == *own) {
            return self.values(p, id);
        }
        p.put("SELECT");
        let mut separator = " ";
        let mut tall = false;
        for (i, own) in names.iter().enumerate() {
            p.put(separator);
            separator = ", ";
            let name = outputs.name(i, own);
            let (text, ()) = p.aside(|p| {
                p.put(&self.shown(&Called { item: Some("*VALUES*".to_owned()), name: own.clone() }));
                if name != *own {
                    p.put(" AS ");
                    p.ident(&name);
                }
            });
            tall = self.place(p, &text, i > 0, tall);
        }
        p.keyword(" FROM ", -INDENT, INDENT, 2);
        p.put("(");
        self.values(p, id);
        p.put(") \"*VALUES*\"");
    }

    fn values(&self, p: &mut Printer<'_>, id: QueryId) {
        let QueryBody::Values(rows) = &self.ast[id].body else { return };
        p.put("VALUES ");
        for (i, row) in rows.iter().enumerate() {
            p.put(if i > 0 { ", (" } else { "(" });
            p.separated(row, ",", |p, &item| self.clause(p, item));
            p.put(")");
        }
    }

    /// The set operation that a query is, unless it has clauses of its own.
    fn inner_operation(&self, id: QueryId) -> Option<(SetOperator, bool)> {
        let query = &self.ast[id];
        let plain = query.with.is_none()
            && query.order_by.is_empty()
            && query.limit.is_none()
            && query.offset.is_none()
            && query.locking.is_empty();
        match query.body {
            QueryBody::SetOp { op, all, .. } if plain => Some((op, all)),
            _ => None,
        }
    }

    fn operand(&self, p: &mut Printer<'_>, id: QueryId, outputs: Outputs<'_>) {
        if self.inner_operation(id).is_some() {
            return self.set_operation(p, id, outputs);
        }
        let query = &self.ast[id];
        let wrap = query.with.is_some()
            || !query.order_by.is_empty()
            || query.limit.is_some()
            || query.offset.is_some()
            || !query.locking.is_empty()
            || matches!(query.body, QueryBody::SetOp { .. });
        p.put(if wrap { "(" } else { "" });
        self.query(p, id, outputs.names, outputs.visible, true);
        p.put(if wrap { ")" } else { "" });
    }

    fn set_operation(&self, p: &mut Printer<'_>, id: QueryId, outputs: Outputs<'_>) {
        let QueryBody::SetOp { op, all, left, right, .. } = &self.ast[id].body else { return };
        let wrap = self.inner_operation(*left).is_some_and(|inner| inner != (*op, *all));
        if wrap {
            p.put("(");
            p.keyword("", INDENT, 0, 0);
        }
        self.operand(p, *left, outputs);
        match (wrap, p.lines()) {
            (true, _) => p.keyword(") ", -INDENT, 0, 0),
            (false, true) => p.keyword("", 0, 0, 0),
            (false, false) => p.put(" "),
        }
        p.put(match op {
            SetOperator::Union => "UNION ",
            SetOperator::Intersect => "INTERSECT ",
            SetOperator::Except => "EXCEPT ",
        });
        p.put(if *all { "ALL " } else { "" });
        let wrap = self.inner_operation(*right).is_some();
        let step = if wrap { INDENT } else { 0 };
        p.put(if wrap { "(" } else { "" });
        p.keyword("", step, 0, 0);
        self.operand(p, *right, Outputs { visible: false, ..outputs });
        p.shift(-step);
        if wrap {
            p.keyword(")", 0, 0, 0);
        }
    }
}
