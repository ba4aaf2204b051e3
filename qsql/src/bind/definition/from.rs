//! Items of FROM.

use super::{Definition, unique_names};
use crate::bind::scope::NsItem;
use crate::catalog::Relation;
use crate::parse::ast::{
    Alias, ColumnSpec, FromFunction, FromId, FromKind, Join, JoinCondition, JoinKind, RelationRef,
    TableSample,
};
use crate::plan::deparse::{INDENT, Printer, quote_identifier, type_name};
use crate::plan::expr::{CallForm, Expr, ExprKind};

/// Columns that a join's line is indented by.
const INDENT_JOIN: i32 = 4;

impl Definition<'_> {
    pub(super) fn put_from(&self, p: &mut Printer<'_>, from: &[FromId]) {
        for (i, &id) in from.iter().enumerate() {
            if i == 0 {
                p.keyword(" FROM ", -INDENT, INDENT, 2);
                self.put_item(p, id);
                continue;
            }
            p.put(", ");
            let (text, ()) = p.aside(|p| self.put_item(p, id));
            self.place(p, &text, true, false);
        }
    }

    fn put_item(&self, p: &mut Printer<'_>, id: FromId) {
        match &self.ast[id].kind {
            FromKind::Join(join) => self.join(p, id, join),
            FromKind::Table { relation, alias, sample } => {
                self.table(p, id, relation, alias.as_ref());
                if let Some(sample) = sample {
                    self.sample(p, id, sample);
                }
            }
            FromKind::Subquery { query, lateral, alias } => {
                p.put(if *lateral { "LATERAL (" } else { "(" });
                self.query(p, *query, None, true, true);
                p.put(") ");
                self.item_name(p, id);
                self.changed_columns(p, id, alias.as_ref());
            }
            FromKind::Function(function) => self.function(p, id, function),
            FromKind::JsonTable(table) => self.json_table(p, id, table),
            FromKind::Unsupported(_) => {}
        }
    }

    fn item(&self, id: FromId) -> Option<&NsItem> {
        self.written.items.get(&id).and_then(|items| items.first())
    }

    pub(super) fn item_name(&self, p: &mut Printer<'_>, id: FromId) {
        let name = self.state.borrow().items.get(&id).cloned();
        p.ident(&name.unwrap_or_default());
    }

    fn column_list(&self, p: &mut Printer<'_>, names: &[String]) {
        if !names.is_empty() {
            p.put("(");
            p.separated(names, ", ", |p, name| p.ident(name));
            p.put(")");
        }
    }

    /// The names of columns where an alias gave some, or where they had to be made unique.
    pub(super) fn changed_columns(&self, p: &mut Printer<'_>, id: FromId, alias: Option<&Alias>) {
        let Some(item) = self.item(id) else { return };
        let names = unique_names(&item.columns);
        let changed = item.columns.iter().zip(&names).any(|(c, name)| *c.name != **name);
        if changed || alias.is_some_and(|a| !a.columns.is_empty()) {
            self.column_list(p, &names);
        }
    }

    // Tables.

    /// A relation's name, with its schema where the name alone would mean something else.
    fn relation_name(&self, relation: &Relation) -> String {
        let hidden = self.state.borrow().ctes.iter().any(|c| **c == *relation.name);
        let found = self.catalog.relation(None, &relation.name);
        match !hidden && found.is_some_and(|f| f.oid == relation.oid) {
            true => quote_identifier(&relation.name),
            false => format!("{}.{}", quote_identifier(&relation.schema), quote_identifier(&relation.name)),
        }
    }

    fn table(&self, p: &mut Printer<'_>, id: FromId, name: &RelationRef, alias: Option<&Alias>) {
        let found = self.tables.get(&name.name.pos()).and_then(|oid| self.catalog.relation_by_oid(*oid));
        let item = self.item(id).map(|item| unique_names(&item.columns)).unwrap_or_default();
        let (own, columns) = match &found {
            Some(relation) => {
                p.put(if name.only { "ONLY " } else { "" });
                p.put(&self.relation_name(relation));
                // Names that an alias has changed.
                let real = relation.live_columns().map(|(_, c)| &*c.name);
                let same = real.eq(item.iter().map(String::as_str));
                (relation.name.to_string(), if same { Vec::new() } else { item })
            }
            None => {
                p.ident(&name.name.object().name);
                let listed = alias.is_some_and(|a| !a.columns.is_empty());
                (name.name.object().name.to_string(), if listed { item } else { Vec::new() })
            }
        };
        let called = self.state.borrow().items.get(&id).cloned().unwrap_or_default();
        if alias.is_some() || !columns.is_empty() || called != own {
            p.put(" ");
            p.ident(&called);
        }
        self.column_list(p, &columns);
    }

    fn sample(&self, p: &mut Printer<'_>, id: FromId, sample: &TableSample) {
        let Some([percent, seed @ ..]) = self.written.calls.get(&id).map(Vec::as_slice) else { return };
        p.put(" TABLESAMPLE ");
        p.ident(&sample.method.object().name);
        p.put(" (");
        p.expr(percent);
        p.put(")");
        if let [seed] = seed {
            p.put(" REPEATABLE (");
            p.expr(seed);
            p.put(")");
        }
    }

    // Functions.

    fn function(&self, p: &mut Printer<'_>, id: FromId, function: &FromFunction) {
        let none = Vec::new();
        let calls = self.written.calls.get(&id).unwrap_or(&none);
        // Only a lateral call can name columns of its own query.
        let own =
            |e: &Expr| matches!(e.kind, ExprKind::Column(id) if self.state.borrow().level.contains(&id));
        let lateral = function.lateral || calls.iter().any(|call| call.any(&mut |e| own(e)));
        p.put(if lateral { "LATERAL " } else { "" });
        let listed = |i: usize| function.functions.get(i).map_or(&[][..], |f| &f.columns);
        let single = calls.len() == 1 && (function.columns.is_empty() || !function.ordinality);
        let mut defined: &[ColumnSpec] = &[];
        match calls.as_slice() {
            [call] if single => {
                self.function_call(p, call);
                defined = if function.columns.is_empty() { listed(0) } else { &function.columns };
            }
            calls if calls.iter().all(is_unnest) && function.columns.is_empty() => {
                p.put("UNNEST(");
                p.separated(calls, ", ", |p, call| {
                    if let ExprKind::Call { args, .. } = &call.kind {
                        p.list(args);
                    }
                });
                p.put(")");
            }
            calls => {
                p.put("ROWS FROM(");
                for (i, call) in calls.iter().enumerate() {
                    p.put(if i > 0 { ", " } else { "" });
                    self.function_call(p, call);
                    let specs = if calls.len() == 1 { &function.columns } else { listed(i) };
                    if !specs.is_empty() {
                        p.put(" AS ");
                        self.column_specs(p, id, specs);
                    }
                }
                p.put(")");
            }
        }
        p.put(if function.ordinality { " WITH ORDINALITY " } else { " " });
        self.item_name(p, id);
        match (defined.is_empty(), self.item(id)) {
            (true, Some(item)) => self.column_list(p, &unique_names(&item.columns)),
            _ => self.column_specs(p, id, defined),
        }
    }

    /// A call; what does not look like one stands in a CAST.
    fn function_call(&self, p: &mut Printer<'_>, call: &Expr) {
        let looks = match &call.kind {
            ExprKind::Call { operator, form, .. } => *operator == 0 && *form != CallForm::Cast,
            ExprKind::Routine { .. }
            | ExprKind::Coalesce(_)
            | ExprKind::MinMax { .. }
            | ExprKind::NullIf { .. } => true,
            _ => false,
        };
        if looks {
            return p.expr(call);
        }
        p.put("CAST(");
        p.expr(call);
        p.put(&format!(" AS {})", type_name(call.ty)));
    }

    /// `(a integer, b text)`: the item's columns in order, with their types.
    fn column_specs(&self, p: &mut Printer<'_>, id: FromId, specs: &[ColumnSpec]) {
        let Some(item) = self.item(id) else { return };
        p.put("(");
        p.separated(specs, ", ", |p, spec| {
            p.ident(&spec.name.name);
            if let Some(column) = item.columns.iter().find(|c| *c.name == *spec.name.name) {
                p.put(" ");
                p.put(&type_name(column.expr.ty));
            }
        });
        p.put(")");
    }

    // Joins.

    fn join(&self, p: &mut Printer<'_>, id: FromId, join: &Join) {
        let named = join.alias.is_some();
        if named {
            self.state.borrow_mut().inside.push(id);
        }
        let wrap = !p.pretty() || named;
        p.put(if wrap { "(" } else { "" });
        self.put_item(p, join.left);
        let condition = self.condition(join);
        let word = match (join.kind, &condition) {
            (JoinKind::Inner, Condition::None) => " CROSS JOIN ",
            (JoinKind::Inner, _) => " JOIN ",
            (JoinKind::Left, _) => " LEFT JOIN ",
            (JoinKind::Right, _) => " RIGHT JOIN ",
            (JoinKind::Full, _) => " FULL JOIN ",
        };
        p.keyword(word, -INDENT, INDENT, INDENT_JOIN);
        let inner = matches!(&self.ast[join.right].kind, FromKind::Join(j) if j.alias.is_none());
        let wrap_right = p.pretty() && inner;
        p.put(if wrap_right { "(" } else { "" });
        self.put_item(p, join.right);
        p.put(if wrap_right { ")" } else { "" });
        match condition {
            Condition::Using(names) => {
                p.put(" USING (");
                p.separated(&names, ", ", |p, name| p.ident(name));
                p.put(")");
                if let JoinCondition::Using { alias: Some(alias), .. } = &join.condition {
                    p.put(" AS ");
                    p.ident(&alias.name);
                }
            }
            Condition::On(expr) => {
                p.put(if p.pretty() { " ON " } else { " ON (" });
                p.expr(expr);
                p.put(if p.pretty() { "" } else { ")" });
            }
            Condition::None if join.kind != JoinKind::Inner => p.put(" ON TRUE"),
            Condition::None => {}
        }
        p.put(if wrap { ")" } else { "" });
        if named {
            self.state.borrow_mut().inside.pop();
            p.put(" ");
            self.item_name(p, id);
            self.changed_columns(p, id, join.alias.as_ref());
        }
    }

    fn condition(&self, join: &Join) -> Condition<'_> {
        match &join.condition {
            JoinCondition::Cross => Condition::None,
            JoinCondition::On(id) => self.written.exprs.get(id).map_or(Condition::None, Condition::On),
            JoinCondition::Using { columns, .. } => {
                Condition::Using(columns.iter().map(|c| c.name.to_string()).collect())
            }
            JoinCondition::Natural => match self.natural.get(&join.right) {
                Some(names) if !names.is_empty() => {
                    Condition::Using(names.iter().map(|n| n.to_string()).collect())
                }
                _ => Condition::None,
            },
        }
    }
}

/// What joins two rows, as it is printed.
enum Condition<'a> {
    None,
    Using(Vec<String>),
    On(&'a Expr),
}

fn is_unnest(call: &Expr) -> bool {
    matches!(&call.kind, ExprKind::Call { func, .. } if func.name == "unnest")
}
