//! What SQL/JSON's grammar made, in its words again.

use super::literal::Label;
use super::printer::Printer;
use crate::func::sql_json::{self as code, Behavior};
use crate::func::{Function, JSON_PARSE, JSON_QUERY, JSON_TABLE, SQL_JSON_OBJECT, json_table};
use crate::plan::expr::{Expr, ExprKind};
use crate::types::{Datum, oid};

fn number(e: &Expr) -> i32 {
    match e.kind {
        ExprKind::Const(Datum::Int4(value)) => value,
        _ => 0,
    }
}

fn truth(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Const(Datum::Bool(true)))
}

/// The arguments of the query of a document in a column of `JSON_TABLE`: it stands under the casts to the column's type.
fn query_args(mut e: &Expr) -> Option<&[Expr]> {
    loop {
        match &e.kind {
            ExprKind::Call { func, args, .. } if std::ptr::eq(*func, &JSON_QUERY) => return Some(args),
            ExprKind::Call { args, .. } => e = args.first()?,
            ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) => e = inner,
            ExprKind::Typmod { value, .. } => e = value,
            _ => return None,
        }
    }
}

impl Printer<'_> {
    pub(super) fn sql_json(&mut self, e: &Expr, func: &'static Function, args: &[Expr]) {
        if std::ptr::eq(func, &JSON_QUERY) {
            return self.json_query(e, args);
        }
        if std::ptr::eq(func, &JSON_TABLE) {
            return self.put("JSON_TABLE");
        }
        if let ([text, unique], true) = (args, std::ptr::eq(func, &JSON_PARSE)) {
            self.put("JSON(");
            self.expr(text);
            return self.put(if truth(unique) { " WITH UNIQUE KEYS)" } else { ")" });
        }
        let [absent, unique, items @ ..] = args else { return };
        let object = std::ptr::eq(func, &SQL_JSON_OBJECT);
        self.put(if object { "JSON_OBJECT(" } else { "JSON_ARRAY(" });
        for (i, item) in items.iter().enumerate() {
            self.put(match i {
                0 => "",
                _ if object && i % 2 == 1 => " : ",
                _ => ", ",
            });
            match &item.kind {
                // A key is text by its place.
                ExprKind::Const(key) if object && i % 2 == 0 && item.ty.oid == oid::TEXT => {
                    self.constant(key, item.ty, Label::Never);
                }
                _ => self.expr(item),
            }
        }
        match (object, truth(absent)) {
            (true, true) => self.put(" ABSENT ON NULL"),
            (false, false) => self.put(" NULL ON NULL"),
            _ => {}
        }
        self.put(if truth(unique) { " WITH UNIQUE KEYS" } else { "" });
        self.put(" RETURNING ");
        self.type_text(e.ty);
        self.put(")");
    }

    fn json_query(&mut self, e: &Expr, args: &[Expr]) {
        let [document, path, options, _, _, _, vars @ ..] = args else { return };
        let (form, ..) = code::option_words(number(options));
        self.put(match form {
            code::EXISTS => "JSON_EXISTS(",
            code::VALUE => "JSON_VALUE(",
            _ => "JSON_QUERY(",
        });
        self.json_document(document, options);
        self.put(", ");
        self.json_path(path);
        for (i, pair) in vars.chunks_exact(2).enumerate() {
            self.put(if i > 0 { ", " } else { " PASSING " });
            self.json_variable(pair);
        }
        if form != code::EXISTS {
            self.put(" RETURNING ");
            self.type_text(e.ty);
        }
        self.json_clauses(args);
        self.put(")");
    }

    /// A document as it was before it became `jsonb`.
    fn json_document(&mut self, document: &Expr, options: &Expr) {
        let options = number(options);
        let given = match &document.kind {
            _ if options & code::CONVERTED == 0 => document,
            ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) => inner,
            ExprKind::Call { args, .. } if !args.is_empty() => &args[0],
            _ => document,
        };
        self.expr(given);
        self.put(if options & code::FORMAT != 0 { " FORMAT JSON" } else { "" });
    }

    fn json_path(&mut self, path: &Expr) {
        match &path.kind {
            ExprKind::Const(value) => self.constant(value, path.ty, Label::Never),
            _ => self.expr(path),
        }
    }

    /// `value AS name`
    fn json_variable(&mut self, pair: &[Expr]) {
        let [name, value] = pair else { return };
        self.expr(value);
        if let ExprKind::Const(Datum::Text(name)) = &name.kind {
            self.put(" AS ");
            self.ident(name);
        }
    }

    /// WRAPPER, QUOTES, ON EMPTY and ON ERROR.
    fn json_clauses(&mut self, args: &[Expr]) {
        let [_, _, options, if_empty, if_error, ..] = args else { return };
        let options = number(options);
        let (form, wrapper, omit_quotes) = code::option_words(options);
        if form == code::QUERY {
            self.put(match wrapper {
                code::CONDITIONAL_WRAPPER => " WITH CONDITIONAL WRAPPER",
                code::UNCONDITIONAL_WRAPPER => " WITH UNCONDITIONAL WRAPPER",
                _ => " WITHOUT WRAPPER",
            });
            self.put(if omit_quotes { " OMIT QUOTES" } else { " KEEP QUOTES" });
        }
        let exists = form == code::EXISTS;
        if !exists {
            self.json_behavior(code::on_empty(options), if_empty, false, "EMPTY");
        }
        self.json_behavior(code::on_error(options), if_error, exists, "ERROR");
    }

    fn json_behavior(&mut self, behavior: Behavior, default: &Expr, exists: bool, on: &str) {
        self.put(match behavior {
            Behavior::Null if exists => " UNKNOWN",
            Behavior::Null => return,
            Behavior::False if exists => return,
            Behavior::False => " FALSE",
            Behavior::Error => " ERROR",
            Behavior::EmptyArray => " EMPTY ARRAY",
            Behavior::EmptyObject => " EMPTY OBJECT",
            Behavior::True => " TRUE",
            Behavior::Default => " DEFAULT ",
        });
        if behavior == Behavior::Default {
            self.expr(default);
        }
        self.put(" ON ");
        self.put(on);
    }

    // JSON_TABLE, of which the definition of a view knows how it was written.

    /// The document of a table.
    pub fn json_table_document(&mut self, call: &Expr) {
        if let ExprKind::Call { args, .. } = &call.kind
            && let [document, options, ..] = args.as_slice()
        {
            self.json_document(document, options);
        }
    }

    /// The path of a table with this number.
    pub fn json_table_path(&mut self, call: &Expr, path: usize) {
        if let ExprKind::Call { args, .. } = &call.kind
            && let Some(path) = args.get(4 + 2 * path)
        {
            self.json_path(path);
        }
    }

    /// Names and values of PASSING in turn.
    pub fn json_table_variables(&mut self, call: &Expr) {
        let ExprKind::Call { args, .. } = &call.kind else { return };
        let paths = args.get(2).map_or(0, number) as usize;
        for (i, pair) in args.get(3 + 2 * paths..).unwrap_or_default().chunks_exact(2).enumerate() {
            self.put(if i > 0 { ", " } else { "" });
            self.keyword("", 0, 0, 0);
            self.json_variable(pair);
        }
    }

    /// What is behind the type of a column.
    pub fn json_table_column(&mut self, column: &Expr) {
        let Some(args) = query_args(column) else { return };
        let [_, path, options, ..] = args else { return };
        let (form, ..) = code::option_words(number(options));
        let string = matches!(column.ty.oid, oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME);
        self.put(match form {
            code::EXISTS => " EXISTS",
            code::QUERY if string => " FORMAT JSON",
            _ => "",
        });
        self.put(" PATH ");
        self.json_path(path);
        self.json_clauses(args);
    }

    /// ERROR ON ERROR of a table.
    pub fn json_table_behavior(&mut self, call: &Expr) {
        if let ExprKind::Call { args, .. } = &call.kind
            && args.get(1).map_or(0, number) & json_table::FAILS != 0
        {
            self.put(" ERROR ON ERROR");
        }
    }
}
