//! Expressions back to SQL text, as PostgreSQL's `ruleutils` prints them in EXPLAIN, `pg_get_expr` and constraint
//! definitions: every operator in parentheses, every cast as `(x)::type`. In the pretty form, that people read, parentheses are
//! left out where `ruleutils` leaves them out (`isSimpleNode`).

use super::expr::{AggregateCall, Expr, ExprKind, SortKey, SubPlanMode, WindowCall};
use crate::types::{DataType, Datum, IoContext, info, io_text, oid};

/// What the leaves of an expression are called.
pub trait Names {
    /// A column or slot.
    fn column(&self, id: u32) -> String;
    /// An exec param.
    fn exec_param(&self, slot: u32) -> String {
        format!("${slot}")
    }
}

impl<F: Fn(u32) -> String> Names for F {
    fn column(&self, id: u32) -> String {
        self(id)
    }
}

/// Prints an expression.
pub fn deparse_expr(e: &Expr, names: &dyn Names) -> String {
    Printer::new(names).text(e)
}

/// Prints a stored expression for people: object names as `io` finds them, and with as few parentheses as PostgreSQL prints when
/// `pretty`.
pub fn deparse_shown(e: &Expr, names: &dyn Names, io: &IoContext<'_>, pretty: bool) -> String {
    Printer { io: Some(io), pretty, ..Printer::new(names) }.text(e)
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
    "interval", "into", "is", "isnull", "join", "lateral", "leading", "least", "left", "like", "limit", "localtime",
    "localtimestamp", "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric",
    "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position", "precision", "primary",
    "real", "references", "returning", "right", "row", "select", "session_user", "setof", "similar", "smallint", "some",
    "substring", "symmetric", "system_user", "table", "tablesample", "then", "time", "timestamp", "to", "trailing", "treat",
    "trim", "true", "union", "unique", "user", "using", "values", "varchar", "variadic", "verbose", "when", "where", "window", "with",
];

struct Printer<'a> {
    names: &'a dyn Names,
    /// Text of the operand that CaseTest stands for.
    case_operand: Option<String>,
    /// How constants are printed; `None`: so that they read back the same in any session.
    io: Option<&'a IoContext<'a>>,
    /// Parentheses only where they are needed.
    pretty: bool,
}

/// What an operand is an operand of, as far as its parentheses depend on it.
#[derive(Clone, Copy, PartialEq)]
enum Parent<'a> {
    /// An operator; the operand is its first.
    Operator {
        name: &'a str,
        first: bool,
    },
    And,
    Or,
    /// A cast, and whatever else binds tighter than any operator.
    Other,
}

impl<'a> Printer<'a> {
    fn new(names: &'a dyn Names) -> Self {
        Printer { names, case_operand: None, io: None, pretty: false }
    }

    fn text(&mut self, e: &Expr) -> String {
        let mut out = String::new();
        self.expr(e, &mut out);
        out
    }

    /// An operand of something that is not a list.
    fn operand(&mut self, e: &Expr, parent: Parent<'_>) -> String {
        let text = self.text(e);
        match self.pretty && !is_simple(e, parent) {
            true => format!("({text})"),
            false => text,
        }
    }

    /// Parentheses around a whole operator expression.
    fn wrapped(&self, text: String) -> String {
        if self.pretty { text } else { format!("({text})") }
    }

    /// `x::type`
    fn cast(&mut self, inner: &Expr, ty: DataType) -> String {
        match self.pretty {
            true => format!("{}::{}", self.operand(inner, Parent::Other), type_name(ty)),
            false => format!("({})::{}", self.text(inner), type_name(ty)),
        }
    }

    fn operands(&mut self, items: &[Expr], separator: &str, parent: Parent<'_>) -> String {
        items.iter().map(|e| self.operand(e, parent)).collect::<Vec<_>>().join(separator)
    }

    fn list(&mut self, items: &[Expr], separator: &str) -> String {
        items.iter().map(|e| self.text(e)).collect::<Vec<_>>().join(separator)
    }

    fn expr(&mut self, e: &Expr, out: &mut String) {
        let text = match &e.kind {
            ExprKind::Const(value) => constant(value, e.ty, self.io),
            ExprKind::Column(id) => self.names.column(*id),
            ExprKind::Param(n) => format!("${}", n + 1),
            ExprKind::ExecParam(n) => self.names.exec_param(*n),
            ExprKind::Call { func, args, operator } => self.call(func.name, args, *operator, e.ty),
            ExprKind::Relabel(inner) if inner.ty.oid == e.ty.oid => {
                let collation = match e.collation {
                    950 => "\"C\"",
                    951 => "\"POSIX\"",
                    _ => "\"default\"",
                };
                let inner = self.operand(inner, Parent::Other);
                self.wrapped(format!("{inner} COLLATE {collation}"))
            }
            ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) => self.cast(inner, e.ty),
            ExprKind::ArrayCoerce { array, .. } => self.cast(array, e.ty),
            ExprKind::Typmod { value, .. } => {
                // `x::varchar(5)` is one cast, not two.
                let inner = match &value.kind {
                    ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) if value.ty.oid == e.ty.oid => {
                        inner
                    }
                    ExprKind::Call { args, operator: 0, func }
                        if value.ty.oid == e.ty.oid && is_cast(func.name, args) =>
                    {
                        &args[0]
                    }
                    _ => value,
                };
                self.cast(inner, e.ty)
            }
            ExprKind::And(items) => {
                let text = self.operands(items, " AND ", Parent::And);
                self.wrapped(text)
            }
            ExprKind::Or(items) => {
                let text = self.operands(items, " OR ", Parent::Or);
                self.wrapped(text)
            }
            ExprKind::Not(inner) => {
                let inner = self.operand(inner, Parent::Other);
                self.wrapped(format!("NOT {inner}"))
            }
            ExprKind::IsNull { value, negated } => {
                let value = self.operand(value, Parent::Other);
                self.wrapped(format!("{value} IS {}NULL", if *negated { "NOT " } else { "" }))
            }
            ExprKind::IsTruth { value, truth, negated } => {
                let word = match truth {
                    Some(true) => "TRUE",
                    Some(false) => "FALSE",
                    None => "UNKNOWN",
                };
                let value = self.operand(value, Parent::Other);
                self.wrapped(format!("{value} IS {}{word}", if *negated { "NOT " } else { "" }))
            }
            ExprKind::IsDistinct { left, right, negated, .. } => {
                let left = self.operand(left, Parent::Other);
                let right = self.operand(right, Parent::Other);
                let text = format!("{left} IS DISTINCT FROM {right}");
                match (negated, self.pretty) {
                    (false, _) => self.wrapped(text),
                    (true, true) => format!("NOT ({text})"),
                    (true, false) => format!("(NOT ({text}))"),
                }
            }
            ExprKind::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref())
            }
            ExprKind::CaseTest => self.case_operand.clone().unwrap_or_else(|| "CASE_TEST_EXPR".to_owned()),
            ExprKind::Coalesce(items) => format!("COALESCE({})", self.list(items, ", ")),
            ExprKind::NullIf { left, right, .. } => {
                format!("NULLIF({}, {})", self.text(left), self.text(right))
            }
            ExprKind::MinMax { greatest, args } => {
                format!("{}({})", if *greatest { "GREATEST" } else { "LEAST" }, self.list(args, ", "))
            }
            ExprKind::ScalarArray { operator, any, left, array, .. } => {
                let op = crate::func::operator_by_oid(*operator).map_or("=", |o| o.name);
                let word = if *any { "ANY" } else { "ALL" };
                let left = self.operand(left, Parent::Other);
                let array = self.operand(array, Parent::Other);
                self.wrapped(format!("{left} {op} {word} ({array})"))
            }
            ExprKind::Array { items, .. } => match items.is_empty() {
                true => format!("ARRAY[]::{}", type_name(e.ty)),
                false => format!("ARRAY[{}]", self.list(items, ", ")),
            },
            ExprKind::Row(items) => format!("ROW({})", self.list(items, ", ")),
            ExprKind::Field { row, index } => format!("({}).f{}", self.text(row), index + 1),
            ExprKind::Subscript { array, subscripts, slice } => self.subscript(array, subscripts, *slice),
            ExprKind::SubPlan { plan, mode, params } => self.subplan(*plan, mode, params.is_empty()),
            ExprKind::Subquery { query, .. } => format!("(SubPlan {})", query + 1),
            ExprKind::Aggregate(call) => self.aggregate(call),
            ExprKind::Window(call) => self.window(call),
            ExprKind::Grouping(_) => "GROUPING()".to_owned(),
        };
        out.push_str(&text);
    }

    fn call(&mut self, name: &str, args: &[Expr], operator: u32, ty: DataType) -> String {
        if let Some(op) = crate::func::operator_by_oid(operator) {
            return match args {
                [one] => {
                    let one = self.operand(one, Parent::Other);
                    self.wrapped(format!("{} {one}", op.name))
                }
                [left, right] => {
                    let left = self.operand(left, Parent::Operator { name: op.name, first: true });
                    let right = self.operand(right, Parent::Operator { name: op.name, first: false });
                    self.wrapped(format!("{left} {} {right}", op.name))
                }
                _ => format!("{}({})", op.name, self.list(args, ", ")),
            };
        }
        if is_cast(name, args) && ty.oid != args[0].ty.oid {
            return self.cast(&args[0], ty);
        }
        match (name, args) {
            ("extract", [field, from]) => {
                if let ExprKind::Const(Datum::Text(field)) = &field.kind {
                    return format!("EXTRACT({field} FROM {})", self.text(from));
                }
            }
            ("timezone", [zone, value]) => {
                let text = format!("{} AT TIME ZONE {}", self.text(value), self.text(zone));
                return format!("({text})");
            }
            ("position", [string, part]) => {
                return format!("POSITION(({}) IN ({}))", self.text(part), self.text(string));
            }
            _ => {}
        }
        format!("{}({})", quote_identifier(name), self.list(args, ", "))
    }

    fn case(&mut self, operand: Option<&Expr>, arms: &[(Expr, Expr)], otherwise: Option<&Expr>) -> String {
        let mut out = String::from("CASE");
        if let Some(operand) = operand {
            out.push(' ');
            out.push_str(&self.text(operand));
        }
        for (condition, result) in arms {
            // `CASE x WHEN y`: the condition is `CaseTest = y`.
            let shown = match (&condition.kind, operand) {
                (ExprKind::Call { args, .. }, Some(_)) if args.len() == 2 => self.text(&args[1]),
                _ => self.text(condition),
            };
            out.push_str(&format!(" WHEN {shown} THEN {}", self.text(result)));
        }
        if let Some(otherwise) = otherwise {
            out.push_str(&format!(" ELSE {}", self.text(otherwise)));
        }
        out.push_str(" END");
        out
    }

    fn subscript(
        &mut self,
        array: &Expr,
        subscripts: &[(Option<Expr>, Option<Expr>)],
        slice: bool,
    ) -> String {
        let base = self.text(array);
        let mut out = match array.kind {
            ExprKind::Column(_) => base,
            _ => format!("({base})"),
        };
        for (low, high) in subscripts {
            let low = low.as_ref().map(|e| self.text(e)).unwrap_or_default();
            let high = high.as_ref().map(|e| self.text(e)).unwrap_or_default();
            out.push_str(&if slice { format!("[{low}:{high}]") } else { format!("[{high}]") });
        }
        out
    }

    fn subplan(&mut self, plan: u32, mode: &SubPlanMode, once: bool) -> String {
        let name = format!("{} {}", if once { "InitPlan" } else { "SubPlan" }, plan + 1);
        match mode {
            SubPlanMode::Scalar if once => format!("({name}).col1"),
            SubPlanMode::RowColumn(i) if once => format!("({name}).col{}", i + 1),
            SubPlanMode::Scalar | SubPlanMode::RowColumn(_) => format!("({name})"),
            SubPlanMode::Exists if once => format!("({name}).col1"),
            SubPlanMode::Exists => format!("EXISTS({name})"),
            SubPlanMode::Array => format!("ARRAY({name})"),
            SubPlanMode::Quantified { any, left, compare } => {
                let hashed = if once { "hashed " } else { "" };
                let word = if *any { "ANY" } else { "ALL" };
                let before = self.case_operand.take();
                let parts: Vec<String> = left
                    .iter()
                    .zip(compare)
                    .enumerate()
                    .map(|(i, (left, test))| {
                        let op = match &test.kind {
                            ExprKind::Call { operator, .. } => {
                                crate::func::operator_by_oid(*operator).map_or("=", |o| o.name)
                            }
                            _ => "=",
                        };
                        format!("({} {op} ({hashed}SubPlan {}).col{})", self.text(left), plan + 1, i + 1)
                    })
                    .collect();
                self.case_operand = before;
                match parts.as_slice() {
                    [one] => format!("({word} {one})"),
                    several => format!("({word} ({}))", several.join(" AND ")),
                }
            }
        }
    }

    fn keys(&mut self, keys: &[SortKey]) -> String {
        keys.iter()
            .map(|k| format!("{}{}", self.text(&k.expr), order_words(k.descending, k.nulls_first)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn aggregate(&mut self, call: &AggregateCall) -> String {
        let mut inside = String::new();
        if call.distinct {
            inside.push_str("DISTINCT ");
        }
        let within = matches!(call.func.name, "percentile_cont" | "percentile_disc" | "mode");
        if call.args.is_empty() {
            inside.push('*');
        } else {
            let shown = if within {
                &call.args[..call.args.len() - call.order.len().min(call.args.len())]
            } else {
                &call.args[..]
            };
            inside.push_str(&self.list(shown, ", "));
        }
        let mut tail = String::new();
        if !call.order.is_empty() {
            let keys = self.keys(&call.order);
            if within {
                tail = format!(" WITHIN GROUP (ORDER BY {keys})");
            } else {
                inside.push_str(&format!(" ORDER BY {keys}"));
            }
        }
        if let Some(filter) = &call.filter {
            tail.push_str(&format!(" FILTER (WHERE {})", self.text(filter)));
        }
        format!("{}({inside}){tail}", quote_identifier(call.func.name))
    }

    fn window(&mut self, call: &WindowCall) -> String {
        let args = if call.args.is_empty() && call.func.is_aggregate() {
            "*".to_owned()
        } else {
            self.list(&call.args, ", ")
        };
        let filter =
            call.filter.as_ref().map(|f| format!(" FILTER (WHERE {})", self.text(f))).unwrap_or_default();
        format!("{}({args}){filter} OVER w1", quote_identifier(call.func.name))
    }
}

/// Prints an aggregate's call.
pub fn deparse_aggregate(call: &AggregateCall, names: &dyn Names) -> String {
    Printer::new(names).aggregate(call)
}

/// Prints a window function's call.
pub fn deparse_window(call: &WindowCall, names: &dyn Names) -> String {
    Printer::new(names).window(call)
}

/// ` DESC NULLS LAST` and the like; nothing for the default order.
pub fn order_words(descending: bool, nulls_first: bool) -> &'static str {
    match (descending, nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    }
}

/// Whether a call is a cast function (its name is a type's).
fn is_cast(name: &str, args: &[Expr]) -> bool {
    !args.is_empty()
        && (args.len() == 1 || matches!(args[1].kind, ExprKind::Const(Datum::Int4(-1))))
        && crate::func::category::by_name(name).is_some()
}

/// A type's name with its modifier.
pub fn type_name(ty: DataType) -> String {
    info::format_type(ty.oid, Some(ty.typmod))
}

/// Whether an operand needs no parentheses in the pretty form.
fn is_simple(e: &Expr, parent: Parent<'_>) -> bool {
    match &e.kind {
        ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) => is_simple(inner, Parent::Other),
        ExprKind::ArrayCoerce { array, .. } => is_simple(array, Parent::Other),
        ExprKind::Call { operator: 0, .. } => true,
        ExprKind::Call { operator, args, .. } => {
            let rank = |name: &str| match name {
                "+" | "-" => Some(0),
                "*" | "/" | "%" => Some(1),
                _ => None,
            };
            let own = crate::func::operator_by_oid(*operator).filter(|_| args.len() == 2);
            match (own.and_then(|o| rank(o.name)), parent) {
                (_, Parent::And | Parent::Or) => true,
                (Some(own), Parent::Operator { name, first }) => match rank(name) {
                    Some(outer) => own > outer || own == outer && first,
                    None => false,
                },
                _ => false,
            }
        }
        ExprKind::IsNull { .. } | ExprKind::IsTruth { .. } | ExprKind::IsDistinct { negated: false, .. } => {
            matches!(parent, Parent::And | Parent::Or)
        }
        ExprKind::Not(_) | ExprKind::And(_) | ExprKind::IsDistinct { negated: true, .. } => {
            matches!(parent, Parent::And | Parent::Or)
        }
        ExprKind::Or(_) => parent == Parent::Or,
        ExprKind::ScalarArray { .. } => false,
        _ => true,
    }
}

/// A constant with its type, unless the literal's own type says it.
fn constant(value: &Datum, ty: DataType, io: Option<&IoContext<'_>>) -> String {
    let name = type_name(ty);
    if value.is_null() {
        return format!("NULL::{name}");
    }
    let cx = IoContext::default();
    let text = match io_text::to_text(value, ty.oid, io.unwrap_or(&cx)) {
        Ok(text) => text,
        Err(_) => return "?".to_owned(),
    };
    match ty.oid {
        oid::BOOL => (if text == "t" { "true" } else { "false" }).to_owned(),
        oid::INT4 if !text.starts_with('-') => text,
        oid::NUMERIC
            if !text.starts_with('-')
                && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                && ty.typmod < 0 =>
        {
            // An integer would read back as one.
            if text.contains('.') { text } else { format!("'{text}'::numeric") }
        }
        _ => {
            let escaped = text.replace('\'', "''");
            let prefix = if escaped.contains('\\') { "E" } else { "" };
            let escaped = if escaped.contains('\\') { escaped.replace('\\', "\\\\") } else { escaped };
            format!("{prefix}'{escaped}'::{name}")
        }
    }
}
