//! A syntax tree back to text: how the queries of views are stored.
//!
//! The text parses to the same tree: every operator stands in parentheses, so that it does not depend on precedences. What clients are
//! shown of stored queries and expressions is printed from bound ones, by `plan::deparse` and `bind::definition`.

mod json;
mod query;
#[cfg(test)]
mod tests;
mod words;
#[cfg(test)]
pub(super) use tests::{deparse_expr, deparse_query};
pub(crate) use words::sql_value_word;

use std::sync::Arc;

use super::ast::*;
use super::keyword::needs_quotes;
use crate::error::{Result, SqlError};

/// A column reference as it is printed.
#[derive(Clone, Debug)]
pub struct PrintedColumn {
    /// The schema of the item, where that is a table without alias.
    pub schema: Option<Arc<str>>,
    /// The item of FROM.
    pub qualifier: Option<Arc<str>>,
    /// The column.
    pub name: Arc<str>,
    /// The name that a star gave it.
    pub alias: Arc<str>,
}

/// A relation in FROM as it is printed.
#[derive(Clone, Debug)]
pub struct PrintedTable {
    /// Its schema.
    pub schema: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Whether it needs the alias that its name was, where none is written.
    pub needs_alias: bool,
    /// Whether it needs a list of aliases for its columns.
    pub needs_columns: bool,
    /// The names of its columns in the query.
    pub columns: Vec<Arc<str>>,
}

/// What is printed in the place of a query's names. `None`: as it is written.
pub trait Names {
    /// A relation, by where its name starts.
    fn table(&self, pos: Pos) -> Option<PrintedTable>;
    /// The schema and name of a function, by where its name starts.
    fn function(&self, pos: Pos) -> Option<(Box<str>, Box<str>)>;
    /// The schema of an operator that a user has made, by the operator's place.
    fn operator(&self, _pos: Pos) -> Option<Box<str>> {
        None
    }
    /// A column reference, by where it starts.
    fn column(&self, pos: Pos) -> Option<PrintedColumn>;
    /// A field of an item of FROM, by where the item's name starts.
    fn field(&self, pos: Pos) -> Option<PrintedColumn>;
    /// A star in a select list.
    fn star(&self, pos: Pos) -> Option<Vec<PrintedColumn>>;
    /// The columns of a NATURAL JOIN, by its right side.
    fn natural(&self, right: FromId) -> Option<Vec<Box<str>>>;
    /// The name of a type that a user has made.
    fn user_type(&self, _ty: &TypeName) -> Option<String> {
        None
    }
    /// The name of a target without alias.
    fn target(&self, expr: ExprId) -> String;
}

/// Prints a query on one line with other names than are written: every target and relation has its alias then.
///
/// # Errors
/// 0A000 for a form that the parser does not take apart, and for data-modifying WITH.
pub fn deparse_query_with(ast: &Ast, id: QueryId, names: &dyn Names) -> Result<String> {
    let mut printer = Printer { ast, out: String::new(), names: Some(names) };
    printer.query(id)?;
    Ok(printer.out)
}

/// Quotes an identifier if it needs it.
pub fn quote_ident(name: &str) -> std::borrow::Cow<'_, str> {
    if needs_quotes(name) { format!("\"{}\"", name.replace('"', "\"\"")).into() } else { name.into() }
}

/// Quotes a string constant.
pub fn quote_literal(value: &str) -> String {
    let escape = if value.contains('\\') { "E" } else { "" };
    format!("{escape}'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

struct Printer<'a> {
    ast: &'a Ast,
    out: String,
    names: Option<&'a dyn Names>,
}

impl Printer<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn ident(&mut self, name: &str) {
        let quoted = quote_ident(name);
        self.out.push_str(&quoted);
    }

    fn name(&mut self, parts: &[Ident]) {
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                self.put(".");
            }
            self.ident(part);
        }
    }

    fn printed(&mut self, column: &PrintedColumn) {
        if let Some(schema) = &column.schema {
            self.ident(schema);
            self.put(".");
        }
        if let Some(qualifier) = &column.qualifier {
            self.ident(qualifier);
            self.put(".");
        }
        self.ident(&column.name);
    }

    fn list<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T) -> Result<()>) -> Result<()> {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(", ");
            }
            print(self, item)?;
        }
        Ok(())
    }

    fn exprs(&mut self, items: &[ExprId]) -> Result<()> {
        self.list(items, |printer, &item| printer.expr(item))
    }

    fn idents(&mut self, names: &[Ident]) -> Result<()> {
        self.put("(");
        self.list(names, |printer, name| {
            printer.ident(name);
            Ok(())
        })?;
        self.put(")");
        Ok(())
    }

    fn operator(&mut self, op: &Operator, pos: Pos) {
        if let Some(schema) = self.names.and_then(|names| names.operator(pos)) {
            self.put("OPERATOR(");
            self.ident(&schema);
            self.put(".");
            self.put(op.name());
            self.put(")");
        } else if op.schema().is_empty() {
            self.put(op.name());
        } else {
            self.put("OPERATOR(");
            self.name(op.schema());
            self.put(".");
            self.put(op.name());
            self.put(")");
        }
    }

    /// `(left word right)`
    fn infix(&mut self, left: ExprId, word: &str, right: ExprId) -> Result<()> {
        self.put("(");
        self.expr(left)?;
        self.put(word);
        self.expr(right)?;
        self.put(")");
        Ok(())
    }

    /// `(arg word)`
    fn postfix(&mut self, arg: ExprId, word: &str) -> Result<()> {
        self.put("(");
        self.expr(arg)?;
        self.put(word);
        self.put(")");
        Ok(())
    }

    fn subquery(&mut self, before: &str, query: QueryId) -> Result<()> {
        self.put(before);
        self.put("(");
        self.query(query)?;
        self.put(")");
        Ok(())
    }

    fn expr(&mut self, id: ExprId) -> Result<()> {
        use ExprKind::*;
        let not = |not: &bool| if *not { " NOT" } else { "" };
        match &self.ast[id].kind {
            Null => self.put("NULL"),
            Bool(value) => self.put(if *value { "true" } else { "false" }),
            Int(value) if *value < 0 => self.put(&format!("({value})")),
            Int(value) => self.put(&value.to_string()),
            Number(digits) if digits.starts_with('-') => self.put(&format!("({digits})")),
            Number(digits) => self.put(digits),
            Str(value) => self.put(&quote_literal(value)),
            BitStr(bits) => self.put(&format!("{}'{}'", &bits[..1], &bits[1..])),
            Param(number) => self.put(&format!("${number}")),
            Column(parts) => match self.names.and_then(|n| n.column(parts[0].pos)) {
                Some(column) => self.printed(&column),
                None => self.name(parts),
            },
            Star(parts) => {
                self.name(parts);
                self.put(if parts.is_empty() { "*" } else { ".*" });
            }
            Default => self.put("DEFAULT"),
            Cast { arg, ty } => {
                let bare = matches!(self.ast[*arg].kind, Str(_));
                self.put(if bare { "" } else { "(" });
                self.expr(*arg)?;
                self.put(if bare { "::" } else { ")::" });
                self.type_name(ty)?;
            }
            Unary { op, arg } => {
                self.put("(");
                self.operator(op, self.ast[id].pos);
                self.put(" ");
                // A sign before a number would become part of it.
                let number = matches!(self.ast[*arg].kind, Int(_) | Number(_));
                self.put(if number { "(" } else { "" });
                self.expr(*arg)?;
                self.put(if number { "))" } else { ")" });
            }
            Binary { op, left, right } => {
                self.put("(");
                self.expr(*left)?;
                self.put(" ");
                self.operator(op, self.ast[id].pos);
                self.put(" ");
                self.expr(*right)?;
                self.put(")");
            }
            And(items) => self.chain(items, " AND ")?,
            Or(items) => self.chain(items, " OR ")?,
            Not(arg) => {
                self.put("(NOT ");
                self.expr(*arg)?;
                self.put(")");
            }
            IsNull { arg, not: n } => self.postfix(*arg, if *n { " IS NOT NULL" } else { " IS NULL" })?,
            IsBool { arg, test, not: n } => {
                let word = match test {
                    BoolTest::True => "TRUE",
                    BoolTest::False => "FALSE",
                    BoolTest::Unknown => "UNKNOWN",
                };
                self.postfix(*arg, &format!(" IS{} {word}", not(n)))?;
            }
            IsDistinct { left, right, not: n } => {
                self.infix(*left, &format!(" IS{} DISTINCT FROM ", not(n)), *right)?
            }
            IsDocument { arg, not: n } => self.postfix(*arg, &format!(" IS{} DOCUMENT", not(n)))?,
            IsNormalized { arg, form, not: n } => {
                let form = form.map_or(String::new(), |form| format!(" {form}"));
                self.postfix(*arg, &format!(" IS{}{form} NORMALIZED", not(n)))?;
            }
            IsJson { arg, item, unique_keys, not: n } => {
                let item = match item {
                    JsonItem::Any => "",
                    JsonItem::Array => " ARRAY",
                    JsonItem::Object => " OBJECT",
                    JsonItem::Scalar => " SCALAR",
                };
                let unique = if *unique_keys { " WITH UNIQUE KEYS" } else { "" };
                self.postfix(*arg, &format!(" IS{} JSON{item}{unique}", not(n)))?;
            }
            InList { arg, list, not: n } => {
                self.put("(");
                self.expr(*arg)?;
                self.put(&format!("{} IN (", not(n)));
                self.exprs(list)?;
                self.put("))");
            }
            InQuery { arg, query, not: n } => {
                self.put("(");
                self.expr(*arg)?;
                self.subquery(&format!("{} IN ", not(n)), *query)?;
                self.put(")");
            }
            Between { arg, low, high, symmetric, not: n } => {
                self.put("(");
                self.expr(*arg)?;
                self.put(&format!("{} BETWEEN {}", not(n), if *symmetric { "SYMMETRIC " } else { "" }));
                self.expr(*low)?;
                self.put(" AND ");
                self.expr(*high)?;
                self.put(")");
            }
            Like { kind, arg, pattern, escape, not: n } => {
                let word = match kind {
                    LikeKind::Like => "LIKE",
                    LikeKind::ILike => "ILIKE",
                    LikeKind::SimilarTo => "SIMILAR TO",
                };
                self.put("(");
                self.expr(*arg)?;
                self.put(&format!("{} {word} ", not(n)));
                self.expr(*pattern)?;
                if let Some(escape) = escape {
                    self.put(" ESCAPE ");
                    self.expr(*escape)?;
                }
                self.put(")");
            }
            Quantified { op, left, array, all } => {
                self.put("(");
                self.expr(*left)?;
                self.put(" ");
                self.operator(op, self.ast[id].pos);
                self.put(if *all { " ALL (" } else { " ANY (" });
                self.expr(*array)?;
                self.put("))");
            }
            QuantifiedQuery { op, left, query, all } => {
                self.put("(");
                self.expr(*left)?;
                self.put(" ");
                self.operator(op, self.ast[id].pos);
                self.subquery(if *all { " ALL " } else { " ANY " }, *query)?;
                self.put(")");
            }
            Exists(query) => self.subquery("EXISTS ", *query)?,
            Subquery(query) => self.subquery("", *query)?,
            ArrayQuery(query) => self.subquery("ARRAY", *query)?,
            Array(items) => {
                self.put("ARRAY");
                self.array(items)?;
            }
            Row { items, explicit } => {
                self.put(if *explicit { "ROW(" } else { "(" });
                self.exprs(items)?;
                self.put(")");
            }
            Case(case) => self.case(case)?,
            Call(call) => self.call(call)?,
            SqlValue { func, precision } => {
                self.put(sql_value_word(*func));
                if let Some(precision) = precision {
                    self.put(&format!("({precision})"));
                }
            }
            Choose { func, items } => {
                self.put(match func {
                    ChooseFunc::Coalesce => "COALESCE(",
                    ChooseFunc::Greatest => "GREATEST(",
                    ChooseFunc::Least => "LEAST(",
                    ChooseFunc::NullIf => "NULLIF(",
                });
                self.exprs(items)?;
                self.put(")");
            }
            Grouping(items) => {
                self.put("GROUPING(");
                self.exprs(items)?;
                self.put(")");
            }
            Collate { arg, collation } => {
                self.put("(");
                self.expr(*arg)?;
                self.put(" COLLATE ");
                self.name(&collation.0);
                self.put(")");
            }
            Field { arg, name } => {
                if let Column(parts) = &self.ast[*arg].kind
                    && let Some(column) = self.names.and_then(|n| n.field(parts[0].pos))
                {
                    self.printed(&column);
                    return Ok(());
                }
                self.operand(*arg, true)?;
                self.put(".");
                self.ident(name);
            }
            FieldStar { arg } => {
                self.operand(*arg, true)?;
                self.put(".*");
            }
            Subscript { arg, subscripts } => {
                self.operand(*arg, false)?;
                for subscript in subscripts {
                    self.subscript(subscript)?;
                }
            }
            CurrentOf(CursorRef::Name(name)) => {
                self.put("CURRENT OF ");
                self.ident(name);
            }
            CurrentOf(CursorRef::Param(_)) => return Err(SqlError::unsupported("CURRENT OF a parameter")),
            MergeAction => self.put("MERGE_ACTION()"),
            SqlJson(json) => self.sql_json(json)?,
            Unsupported(what) => return Err(SqlError::unsupported(what)),
        }
        Ok(())
    }

    /// What a field (or else a subscript) is taken of: a column's field needs parentheses, a chain of fields none.
    fn operand(&mut self, id: ExprId, field: bool) -> Result<()> {
        let bare = match self.ast[id].kind {
            ExprKind::Column(_) => !field,
            ExprKind::Field { .. } | ExprKind::Param(_) => true,
            _ => false,
        };
        self.put(if bare { "" } else { "(" });
        self.expr(id)?;
        self.put(if bare { "" } else { ")" });
        Ok(())
    }

    /// A constant where the grammar takes no expression: its type stands before it.
    fn constant(&mut self, id: ExprId) -> Result<()> {
        if let ExprKind::Cast { arg, ty } = &self.ast[id].kind {
            self.type_name(ty)?;
            self.put(" ");
            return self.expr(*arg);
        }
        self.expr(id)
    }

    fn subscript(&mut self, subscript: &Subscript) -> Result<()> {
        self.put("[");
        match subscript {
            Subscript::Index(index) => self.expr(*index)?,
            Subscript::Slice(lower, upper) => {
                if let Some(lower) = lower {
                    self.expr(*lower)?;
                }
                self.put(":");
                if let Some(upper) = upper {
                    self.expr(*upper)?;
                }
            }
        }
        self.put("]");
        Ok(())
    }

    fn chain(&mut self, items: &[ExprId], word: &str) -> Result<()> {
        self.put("(");
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(word);
            }
            self.expr(*item)?;
        }
        self.put(")");
        Ok(())
    }

    fn array(&mut self, items: &[ExprId]) -> Result<()> {
        self.put("[");
        self.list(items, |printer, &item| match &printer.ast[item].kind {
            ExprKind::Array(inner) => {
                printer.put("ARRAY");
                printer.array(inner)
            }
            _ => printer.expr(item),
        })?;
        self.put("]");
        Ok(())
    }

    fn case(&mut self, case: &Case) -> Result<()> {
        self.put("CASE");
        if let Some(arg) = case.arg {
            self.put(" ");
            self.expr(arg)?;
        }
        for when in &case.whens {
            self.put(" WHEN ");
            self.expr(when.condition)?;
            self.put(" THEN ");
            self.expr(when.result)?;
        }
        if let Some(otherwise) = case.otherwise {
            self.put(" ELSE ");
            self.expr(otherwise)?;
        }
        self.put(" END");
        Ok(())
    }

    fn call(&mut self, call: &FuncCall) -> Result<()> {
        if self.syntax(call)? {
            return Ok(());
        }
        match self.names.and_then(|names| names.function(call.name.pos())) {
            Some((schema, name)) => {
                self.ident(&schema);
                self.put(".");
                self.ident(&name);
            }
            None => self.name(&call.name.0),
        }
        self.put("(");
        self.put(if call.star { "*" } else { "" });
        self.put(if call.distinct { "DISTINCT " } else { "" });
        let last = call.args.len().wrapping_sub(1);
        for (i, arg) in call.args.iter().enumerate() {
            self.put(if i > 0 { ", " } else { "" });
            self.put(if call.variadic && i == last { "VARIADIC " } else { "" });
            if let Some(name) = &arg.name {
                self.ident(name);
                self.put(" => ");
            }
            self.expr(arg.value)?;
        }
        if !call.within_group {
            self.order_by(&call.order_by)?;
        }
        self.put(")");
        if call.within_group {
            self.put(" WITHIN GROUP (");
            self.order_by(&call.order_by)?;
            self.put(")");
        }
        if let Some(filter) = call.filter {
            self.put(" FILTER (WHERE ");
            self.expr(filter)?;
            self.put(")");
        }
        match &call.over {
            None => {}
            Some(Over::Name(name)) => {
                self.put(" OVER ");
                self.ident(name);
            }
            Some(Over::Spec(spec)) => {
                self.put(" OVER ");
                self.window(spec)?;
            }
        }
        Ok(())
    }

    /// A function in SQL's own notation; `false` if it is called as others are.
    fn syntax(&mut self, call: &FuncCall) -> Result<bool> {
        use FuncSyntax as S;
        let args: Vec<ExprId> = call.args.iter().map(|a| a.value).collect();
        let word = |id: ExprId| match &self.ast[id].kind {
            ExprKind::Str(word) => Some(word.clone()),
            _ => None,
        };
        match (call.syntax, args.as_slice()) {
            (S::Extract, &[field, from]) => {
                let Some(field) = word(field) else { return Ok(false) };
                self.worded("EXTRACT(", &[(&format!("{} FROM ", quote_literal(&field)), from)])?;
            }
            (S::AtTimeZone, &[zone, value]) => self.infix(value, " AT TIME ZONE ", zone)?,
            (S::AtLocal, &[value]) => self.postfix(value, " AT LOCAL")?,
            (S::Overlaps, &[a, b, c, d]) => {
                self.worded("((", &[("", a), (", ", b)])?;
                self.worded(" OVERLAPS (", &[("", c), (", ", d)])?;
                self.put(")");
            }
            (S::Position, &[text, part]) => {
                self.worded("POSITION((", &[("", part)])?;
                self.worded(" IN (", &[("", text)])?;
                self.put(")");
            }
            (S::Substring, &[text, from]) => self.worded("SUBSTRING(", &[("", text), (" FROM ", from)])?,
            (S::Substring, &[text, from, length]) => {
                self.worded("SUBSTRING(", &[("", text), (" FROM ", from), (" FOR ", length)])?;
            }
            (S::Overlay, &[text, new, from]) => {
                self.worded("OVERLAY(", &[("", text), (" PLACING ", new), (" FROM ", from)])?;
            }
            (S::Overlay, &[text, new, from, length]) => {
                let parts = [("", text), (" PLACING ", new), (" FROM ", from), (" FOR ", length)];
                self.worded("OVERLAY(", &parts)?;
            }
            (S::TrimBoth, &[text]) => self.worded("TRIM(BOTH FROM ", &[("", text)])?,
            (S::TrimLeading, &[text]) => self.worded("TRIM(LEADING FROM ", &[("", text)])?,
            (S::TrimTrailing, &[text]) => self.worded("TRIM(TRAILING FROM ", &[("", text)])?,
            (S::TrimBoth, &[text, what]) => self.worded("TRIM(BOTH ", &[("", what), (" FROM ", text)])?,
            (S::TrimLeading, &[text, what]) => {
                self.worded("TRIM(LEADING ", &[("", what), (" FROM ", text)])?
            }
            (S::TrimTrailing, &[text, what]) => {
                self.worded("TRIM(TRAILING ", &[("", what), (" FROM ", text)])?;
            }
            (S::CollationFor, &[value]) => self.worded("COLLATION FOR (", &[("", value)])?,
            (S::Normalize, &[text]) => self.worded("NORMALIZE(", &[("", text)])?,
            (S::Normalize, &[text, form]) => {
                let Some(form) = word(form) else { return Ok(false) };
                self.put("NORMALIZE(");
                self.expr(text)?;
                self.put(&format!(", {form})"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Operands, each after its words, and a closing parenthesis.
    fn worded(&mut self, open: &str, parts: &[(&str, ExprId)]) -> Result<()> {
        self.put(open);
        for (words, operand) in parts {
            self.put(words);
            self.expr(*operand)?;
        }
        self.put(")");
        Ok(())
    }

    fn window(&mut self, spec: &WindowSpec) -> Result<()> {
        self.put("(");
        if let Some(base) = &spec.base {
            self.ident(base);
        }
        if !spec.partition_by.is_empty() {
            self.put(" PARTITION BY ");
            self.exprs(&spec.partition_by)?;
        }
        self.order_by(&spec.order_by)?;
        if let Some(frame) = &spec.frame {
            self.put(match frame.units {
                FrameUnits::Rows => " ROWS ",
                FrameUnits::Range => " RANGE ",
                FrameUnits::Groups => " GROUPS ",
            });
            self.put(if frame.between { "BETWEEN " } else { "" });
            self.bound(frame.start)?;
            if frame.between {
                self.put(" AND ");
                self.bound(frame.end)?;
            }
            self.put(match frame.exclude {
                FrameExclude::NoOthers => "",
                FrameExclude::CurrentRow => " EXCLUDE CURRENT ROW",
                FrameExclude::Group => " EXCLUDE GROUP",
                FrameExclude::Ties => " EXCLUDE TIES",
            });
        }
        self.put(")");
        Ok(())
    }

    fn bound(&mut self, bound: FrameBound) -> Result<()> {
        match bound {
            FrameBound::UnboundedPreceding => self.put("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.put("UNBOUNDED FOLLOWING"),
            FrameBound::CurrentRow => self.put("CURRENT ROW"),
            FrameBound::Preceding(offset) => {
                self.expr(offset)?;
                self.put(" PRECEDING");
            }
            FrameBound::Following(offset) => {
                self.expr(offset)?;
                self.put(" FOLLOWING");
            }
        }
        Ok(())
    }

    fn order_by(&mut self, items: &[OrderItem]) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        self.put(" ORDER BY ");
        self.list(items, |printer, item| {
            printer.expr(item.expr)?;
            match &item.direction {
                SortDirection::Default => {}
                SortDirection::Asc => printer.put(" ASC"),
                SortDirection::Desc => printer.put(" DESC"),
                SortDirection::Using(op) => {
                    printer.put(" USING ");
                    printer.operator(op, u32::MAX);
                }
            }
            printer.put(match item.nulls_first {
                None => "",
                Some(true) => " NULLS FIRST",
                Some(false) => " NULLS LAST",
            });
            Ok(())
        })
    }

    fn type_name(&mut self, ty: &TypeName) -> Result<()> {
        self.put(if ty.setof { "SETOF " } else { "" });
        let is_interval =
            ty.name.0.len() == 2 && &*ty.name.0[1] == "interval" && &*ty.name.0[0] == "pg_catalog";
        match ty.interval {
            Some(fields) => self.put(&format!("interval {}", words::interval_words(fields))),
            None if is_interval => self.put("interval"),
            None => match self.names.and_then(|names| names.user_type(ty)) {
                Some(name) => self.put(&name),
                None => self.name(&ty.name.0),
            },
        }
        self.put(if ty.pct_type { "%TYPE" } else { "" });
        if !ty.typmods.is_empty() {
            self.put("(");
            self.exprs(&ty.typmods)?;
            self.put(")");
        }
        for bound in &ty.array_bounds {
            match bound {
                Some(bound) => self.put(&format!("[{bound}]")),
                None => self.put("[]"),
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&quote_ident(&self.name))
    }
}
