//! `JSON_TABLE` in FROM.

use super::Definition;
use crate::parse::ast::{FromId, JsonTable, JsonTableColumn, JsonTablePath};
use crate::plan::deparse::{INDENT_LIST, Printer, quote_identifier, type_name};
use crate::plan::expr::{Expr, ExprKind};

/// How far the text has come in what was noted of a table.
struct Progress<'w> {
    call: &'w Expr,
    /// The columns to come.
    columns: std::slice::Iter<'w, Expr>,
    /// The paths so far.
    paths: usize,
    /// The paths so far that nobody has named.
    nameless: usize,
}

impl Progress<'_> {
    /// The name of the next path.
    fn name(&mut self, path: &JsonTablePath) -> String {
        match &path.name {
            Some(name) => quote_identifier(&name.name),
            None => {
                self.nameless += 1;
                format!("json_table_path_{}", self.nameless - 1)
            }
        }
    }
}

impl Definition<'_> {
    pub(super) fn json_table(&self, p: &mut Printer<'_>, id: FromId, table: &JsonTable) {
        let Some([call, columns @ ..]) = self.written.calls.get(&id).map(Vec::as_slice) else { return };
        let own =
            |e: &Expr| matches!(e.kind, ExprKind::Column(id) if self.state.borrow().level.contains(&id));
        let lateral = table.lateral || call.any(&mut |e| own(e));
        let mut at = Progress { call, columns: columns.iter(), paths: 0, nameless: 0 };
        p.put(if lateral { "LATERAL JSON_TABLE(" } else { "JSON_TABLE(" });
        p.shift(INDENT_LIST);
        p.keyword("", 0, 0, 0);
        p.json_table_document(call);
        p.put(", ");
        p.json_table_path(call, 0);
        p.put(" AS ");
        p.put(&at.name(&table.root));
        if !table.passing.is_empty() {
            p.put(" ");
            p.keyword("PASSING ", 0, 0, 0);
            p.shift(INDENT_LIST);
            p.json_table_variables(call);
            p.shift(-INDENT_LIST);
        }
        self.json_columns(p, &table.root, &mut at);
        p.json_table_behavior(call);
        p.shift(-INDENT_LIST);
        p.keyword(")", 0, 0, 0);
        if table.alias.is_some() || self.state.borrow().items.get(&id).is_some_and(|n| n != "json_table") {
            p.put(" ");
            self.item_name(p, id);
            self.changed_columns(p, id, table.alias.as_ref());
        }
    }

    fn json_columns(&self, p: &mut Printer<'_>, path: &JsonTablePath, at: &mut Progress<'_>) {
        at.paths += 1;
        p.put(" ");
        p.keyword("COLUMNS (", 0, 0, 0);
        p.shift(INDENT_LIST);
        let mut first = true;
        for column in &path.columns {
            let name = match column {
                JsonTableColumn::Nested(_) => continue,
                JsonTableColumn::Ordinality(name) | JsonTableColumn::Value { name, .. } => name,
            };
            let Some(value) = at.columns.next() else { return };
            p.put(if std::mem::take(&mut first) { "" } else { ", " });
            p.keyword("", 0, 0, 0);
            p.ident(&name.name);
            p.put(" ");
            match column {
                JsonTableColumn::Ordinality(_) => p.put("FOR ORDINALITY"),
                _ => {
                    p.put(&type_name(value.ty));
                    p.json_table_column(value);
                }
            }
        }
        for column in &path.columns {
            let JsonTableColumn::Nested(nested) = column else { continue };
            p.put(if std::mem::take(&mut first) { " " } else { ", " });
            p.keyword("NESTED PATH ", 0, 0, 0);
            p.json_table_path(at.call, at.paths);
            p.put(" AS ");
            let name = at.name(nested);
            p.put(&name);
            self.json_columns(p, nested, at);
        }
        p.shift(-INDENT_LIST);
        p.keyword(")", 0, 0, 0);
    }
}
