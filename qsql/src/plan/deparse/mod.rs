//! Expressions back to SQL text, as PostgreSQL's `ruleutils` prints them in EXPLAIN, `pg_get_expr` and the definitions of
//! views, constraints and indexes.
//!
//! ```text
//!   mod      what callers ask for; identifiers
//!   printer  the text that grows, its lines and their indentation
//!   expr     one arm per kind of expression
//!   json     SQL/JSON
//!   call     functions, casts, SQL's own notations, aggregates, windows
//!   simple   which operands need no parentheses in the pretty form
//!   literal  constants
//! ```
//!
//! 1. Every operator stands in parentheses and every cast is `(x)::type`. In the pretty form, which people read, parentheses
//!    are left out where `ruleutils` leaves them out.
//! 2. What is printed reads back as the same expression: a literal carries its type unless its spelling says it.
//! 3. Columns, subqueries and what else has a name only in its query is asked from [`Names`].

mod call;
mod expr;
mod json;
mod literal;
mod printer;
mod simple;

use super::expr::{AggregateCall, Expr, WindowCall};
use crate::types::user::FIRST_USER_OID;
use crate::types::{DataType, IoContext, Oid, info};

pub use printer::{INDENT, INDENT_LIST, Printer};

/// What an expression does not say itself: how its leaves are called, and how parts of it were written.
pub trait Names {
    /// A column or slot.
    fn column(&self, id: u32) -> String;
    /// An exec param.
    fn exec_param(&self, slot: u32) -> String {
        format!("${slot}")
    }
    /// Whether functions of users are printed with their schema, whatever the search path is.
    fn qualify(&self) -> bool {
        true
    }
    /// The column that a full join has made of two.
    fn merged(&self, _e: &Expr) -> Option<String> {
        None
    }
    /// The item of FROM that a row at this place of the text stands for.
    fn whole_row(&self, _at: u32) -> Option<String> {
        None
    }
    /// The name of a field (from 0) of a column of type `record`.
    fn field(&self, _column: u32, _index: usize) -> Option<String> {
        None
    }
    /// Prints a subquery's text; `false` where only its plan has a name.
    fn subquery(&self, _printer: &mut Printer<'_>, _query: u32) -> bool {
        false
    }
    /// The window of a call at this place of the text.
    fn window(&self, _at: u32) -> Option<WindowText> {
        None
    }
    /// The comparison of rows at this place of the text.
    fn rows(&self, _at: u32) -> Option<RowsText<'_>> {
        None
    }
    /// The arguments of `GROUPING` at this place of the text.
    fn grouping(&self, _at: u32) -> Option<&[Expr]> {
        None
    }
    /// Whether a bare column name in ORDER BY or GROUP BY would mean something else; the name that cannot be mistaken.
    fn sorted_column(&self, id: u32) -> String {
        self.column(id)
    }
}

impl<F: Fn(u32) -> String> Names for F {
    fn column(&self, id: u32) -> String {
        self(id)
    }
}

/// How a window was written.
#[derive(Clone, Debug)]
pub enum WindowText {
    /// `OVER w`
    Named(String),
    /// `OVER (base ...)`
    Spec(WindowParts),
}

/// The parts of a window that were written.
#[derive(Clone, Debug, Default)]
pub struct WindowParts {
    /// The window that it refines.
    pub base: Option<String>,
    /// Whether it has an ORDER BY of its own.
    pub ordered: bool,
    /// The frame, if there is one: whether both ends were written.
    pub frame: Option<bool>,
}

/// A comparison of rows as it was written.
#[derive(Clone, Copy, Debug)]
pub struct RowsText<'n> {
    /// The operator.
    pub op: &'n str,
    /// The left row.
    pub left: &'n [Expr],
    /// The right row.
    pub right: RightRow<'n>,
}

/// The right side of a comparison of rows.
#[derive(Clone, Copy, Debug)]
pub enum RightRow<'n> {
    /// A row.
    Row(&'n [Expr]),
    /// A subquery, by its number.
    Query(u32),
}

/// Prints an expression.
pub fn deparse_expr(e: &Expr, names: &dyn Names) -> String {
    Printer::new(names).text(e)
}

/// Prints an expression to be stored: its text means the same whenever it is bound again.
pub fn deparse_stored(e: &Expr, names: &dyn Names) -> String {
    let mut printer = Printer::new(names);
    printer.stored = true;
    printer.text(e)
}

/// How a definition is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// Parentheses only where they are needed.
    pub pretty: bool,
    /// Lines and indentation.
    pub lines: bool,
}

/// Prints a stored expression for people: object names as `io` finds them, and with as few parentheses as PostgreSQL prints when
/// `pretty`.
pub fn deparse_shown(e: &Expr, names: &dyn Names, io: &IoContext<'_>, pretty: bool) -> String {
    let mut printer = Printer::shown(names, io, Layout { pretty, lines: true });
    printer.expr(e);
    printer.finish()
}

/// As [`deparse_shown`], for several expressions with commas between them.
pub fn deparse_list(items: &[Expr], names: &dyn Names, io: &IoContext<'_>, pretty: bool) -> String {
    let mut printer = Printer::shown(names, io, Layout { pretty, lines: true });
    printer.list(items);
    printer.finish()
}

/// Prints a conjunction as EXPLAIN does: one condition bare, several joined by AND in parentheses.
pub fn deparse_conjunction(conditions: &[Expr], names: &dyn Names) -> String {
    match conditions {
        [one] => deparse_expr(one, names),
        several => {
            let parts: Vec<String> = several.iter().map(|e| deparse_expr(e, names)).collect();
            format!("({})", parts.join(" AND "))
        }
    }
}

/// Prints an aggregate's call.
pub fn deparse_aggregate(call: &AggregateCall, names: &dyn Names) -> String {
    let mut printer = Printer::new(names);
    printer.aggregate(call);
    printer.finish()
}

/// Prints a window function's call.
pub fn deparse_window(call: &WindowCall, names: &dyn Names) -> String {
    let mut printer = Printer::new(names);
    printer.window_call(call, u32::MAX);
    printer.finish()
}

impl Printer<'_> {
    /// A type's name with its modifier.
    pub(super) fn type_text(&mut self, ty: DataType) {
        let text = match self.stored && ty.oid >= FIRST_USER_OID {
            true => stored_type_name(ty.oid),
            false => type_name(ty),
        };
        self.put(&text);
    }
}

/// An identifier, quoted where it has to be.
pub fn quote_identifier(name: &str) -> String {
    let plain = name
        .bytes()
        .enumerate()
        .all(|(i, b)| b.is_ascii_lowercase() || b == b'_' || i > 0 && (b.is_ascii_digit() || b == b'$'));
    if plain && !name.is_empty() && !RESERVED.contains(&name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Key words that an identifier may not look like (reserved, type and function names, column names).
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between", "bigint", "binary",
    "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce", "collate", "collation", "column",
    "concurrently", "constraint", "create", "cross", "current_catalog", "current_date", "current_role", "current_schema",
    "current_time", "current_timestamp", "current_user", "dec", "decimal", "default", "deferrable", "desc", "distinct", "do",
    "else", "end", "except", "exists", "extract", "false", "fetch", "float", "for", "foreign", "freeze", "from", "full", "grant",
    "greatest", "group", "grouping", "having", "ilike", "in", "initially", "inner", "inout", "int", "integer", "intersect",
    "interval", "into", "is", "isnull", "join", "json", "json_array",
    "json_arrayagg", "json_exists", "json_object", "json_objectagg", "json_query", "json_scalar", "json_serialize", "json_table",
    "json_value", "lateral", "leading", "least", "left", "like", "limit", "localtime",
    "localtimestamp", "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric",
    "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position", "precision", "primary",
    "real", "references", "returning", "right", "row", "select", "session_user", "setof", "similar", "smallint", "some",
    "substring", "symmetric", "system_user", "table", "tablesample", "then", "time", "timestamp", "to", "trailing", "treat",
    "trim", "true", "union", "unique", "user", "using", "values", "varchar", "variadic", "verbose", "when", "where", "window", "with",
];

/// ` DESC NULLS LAST` and the like; nothing for the default order.
pub fn order_words(descending: bool, nulls_first: bool) -> &'static str {
    match (descending, nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    }
}

/// The name of a user's type in what is stored: it stays true whatever the type is called. No type of `pg_catalog` has such a name.
pub(crate) fn stored_type_name(oid: Oid) -> String {
    format!("pg_catalog.\"#{oid}\"")
}

/// The type that a name in `pg_catalog` means in what is stored.
pub(crate) fn stored_type(name: &str) -> Option<Oid> {
    name.strip_prefix('#')?.parse().ok()
}

/// Whether a stored text names a type of a user.
pub fn mentions_type(text: &str, oid: Oid) -> bool {
    text.contains(&stored_type_name(oid))
}

/// A type's name with its modifier.
pub fn type_name(ty: DataType) -> String {
    info::format_type(ty.oid, Some(ty.typmod))
}
