//! Calls: operators, functions, casts, SQL's own notations, aggregates and windows.

use super::literal::Label;
use super::printer::Printer;
use super::simple::Parent;
use super::{WindowParts, WindowText, order_words};
use crate::catalog::{AggregateKind, AggregateTarget, Routine, RoutineTarget, UserOperator};
use crate::func::{Body, Function, is_sql_json, operator_by_oid, sql_json};
use crate::parse::ast::{FuncSyntax, SqlValueFunc};
use crate::plan::expr::{
    AggregateCall, CallForm, Expr, ExprKind, Frame, FrameBound, FrameExclude, FrameUnit, RoutineForm,
    SortKey, WindowCall,
};
use crate::types::{Datum, oid, rowtype, user};

/// The word of a function without parentheses.
pub(super) fn sql_value(func: SqlValueFunc) -> &'static str {
    crate::parse::deparse::sql_value_word(func)
}

impl Printer<'_> {
    pub(super) fn call(
        &mut self,
        e: &Expr,
        func: &'static Function,
        args: &[Expr],
        operator: u32,
        form: CallForm,
    ) {
        if let Some(op) = operator_by_oid(operator) {
            return self.operator(op.name, args);
        }
        if let Some(op) = user::operator(operator) {
            return self.user_operator(&op, args);
        }
        match form {
            CallForm::Cast | CallForm::Coerced if !args.is_empty() && args[0].ty.oid != e.ty.oid => {
                self.cast(&args[0], e.ty)
            }
            CallForm::Value(value) => self.put(sql_value(value)),
            CallForm::Subscript if matches!(args, [_, Expr { kind: ExprKind::Array { .. }, .. }]) => {
                self.document_subscripts(args);
            }
            CallForm::Syntax(syntax) if self.syntax(syntax, args) => {}
            _ if func.oid == 0 && func.name == "record_field" => self.record_field(args),
            _ if func.oid == 0 && func.name == "is_json" => self.is_json(args),
            _ if is_sql_json(func) => self.sql_json(e, func, args),
            _ => {
                self.ident(func.name);
                self.put("(");
                self.arguments(func, args, form == CallForm::Variadic);
                self.put(")");
            }
        }
    }

    /// `x IS JSON OBJECT WITH UNIQUE KEYS`
    fn is_json(&mut self, args: &[Expr]) {
        let [value, item, unique] = args else { return };
        let item = match item.kind {
            ExprKind::Const(Datum::Int4(sql_json::ARRAY)) => " ARRAY",
            ExprKind::Const(Datum::Int4(sql_json::OBJECT)) => " OBJECT",
            ExprKind::Const(Datum::Int4(sql_json::SCALAR)) => " SCALAR",
            _ => "",
        };
        let unique = matches!(unique.kind, ExprKind::Const(Datum::Bool(true)));
        self.wrapped(|p| {
            p.operand(value, Parent::Other);
            p.put(" IS JSON");
            p.put(item);
            p.put(if unique { " WITH UNIQUE KEYS" } else { "" });
        });
    }

    /// A call of a user's function.
    pub(super) fn routine(&mut self, e: &Expr, target: &RoutineTarget, args: &[Expr], form: RoutineForm) {
        match form {
            RoutineForm::Operator(oid) if let Some(op) = user::operator(oid) => self.user_operator(&op, args),
            RoutineForm::Cast if !args.is_empty() => self.cast(&args[0], e.ty),
            RoutineForm::Coerced if !args.is_empty() => self.cast(&args[0], e.ty),
            _ => {
                self.routine_name(&target.routine);
                self.put("(");
                self.routine_arguments(&target.routine, args);
                self.put(")");
            }
        }
    }

    fn routine_name(&mut self, routine: &Routine) {
        let shown = self.io.and_then(|io| io.reg).and_then(|reg| reg.routine_name(routine.oid));
        match shown {
            Some(name) => self.put(&name),
            None => {
                if self.names.qualify() {
                    self.ident(&routine.schema);
                    self.put(".");
                }
                self.ident(&routine.name);
            }
        }
    }

    fn routine_arguments(&mut self, routine: &Routine, args: &[Expr]) {
        match args.split_last().filter(|_| routine.variadic() != 0) {
            Some((last, first)) => {
                self.list(first);
                self.put(if first.is_empty() { "VARIADIC " } else { ", VARIADIC " });
                self.expr(last);
            }
            None => self.list(args),
        }
    }

    fn user_operator(&mut self, op: &UserOperator, args: &[Expr]) {
        let shown = self.io.and_then(|io| io.reg).and_then(|reg| reg.operator_name(op.oid));
        let name = shown.unwrap_or_else(|| match self.names.qualify() {
            true => format!("OPERATOR({}.{})", super::quote_identifier(&op.schema), op.name),
            false => op.name.to_string(),
        });
        self.operator(&name, args);
    }

    /// `x[1]['a']`
    fn document_subscripts(&mut self, args: &[Expr]) {
        let [document, Expr { kind: ExprKind::Array { items, .. }, .. }] = args else { return };
        let bare = matches!(document.kind, ExprKind::Column(_));
        self.put(if bare { "" } else { "(" });
        self.expr(document);
        self.put(if bare { "" } else { ")" });
        for item in items {
            self.put("[");
            self.coerced(item);
            self.put("]");
        }
    }

    fn operator(&mut self, name: &str, args: &[Expr]) {
        match args {
            [one] => self.wrapped(|p| {
                p.put(name);
                p.put(" ");
                p.operand(one, Parent::Other);
            }),
            [left, right] => self.wrapped(|p| {
                p.operand(left, Parent::Operator { name, first: true });
                p.put(" ");
                p.put(name);
                p.put(" ");
                p.operand(right, Parent::Operator { name, first: false });
            }),
            _ => {
                self.put(name);
                self.listed("(", args, ")");
            }
        }
    }

    /// Arguments. Those that a VARIADIC parameter has gathered are one array, unless it takes values of any type.
    fn arguments(&mut self, func: &Function, args: &[Expr], written: bool) {
        let Some((last, first)) = args.split_last().filter(|_| func.variadic != 0) else {
            return self.list(args);
        };
        self.list(first);
        match &last.kind {
            ExprKind::Array { items, .. } if func.variadic == oid::ANY && !written => {
                self.put(if first.is_empty() || items.is_empty() { "" } else { ", " });
                self.list(items);
            }
            _ if func.variadic == oid::ANY && !written => {
                self.put(if first.is_empty() { "" } else { ", " });
                self.expr(last);
            }
            _ => {
                self.put(if first.is_empty() { "VARIADIC " } else { ", VARIADIC " });
                self.expr(last);
            }
        }
    }

    fn record_field(&mut self, args: &[Expr]) {
        let [row, Expr { kind: ExprKind::Const(Datum::Int4(index)), .. }] = args else { return };
        let index = *index as usize;
        let name = match &row.kind {
            ExprKind::Call { func, .. } => match func.body {
                Body::Set { columns, .. } => columns.get(index).map(|(name, _)| (*name).to_owned()),
                _ => None,
            },
            ExprKind::Column(id) => self.names.field(*id, index),
            _ => None,
        };
        let named = rowtype::fields_of(row.ty).and_then(|fields| Some(fields.get(index)?.0.to_string()));
        let name = name.or(named);
        let bare = matches!(&row.kind, ExprKind::Call { func, .. } if func.name == "record_field");
        self.put(if bare { "" } else { "(" });
        self.expr(row);
        self.put(if bare { "." } else { ")." });
        self.ident(&name.unwrap_or_else(|| format!("f{}", index + 1)));
    }

    /// `(x IS NFC NORMALIZED)`
    fn normalized(&mut self, text: &Expr, form: &str) {
        self.put("(");
        self.operand(uncoerced(text), Parent::Other);
        self.put(&format!(" IS{form} NORMALIZED)"));
    }

    /// SQL's own notation of a call; `false` if there is none for these arguments.
    fn syntax(&mut self, syntax: FuncSyntax, args: &[Expr]) -> bool {
        use FuncSyntax as S;
        match (syntax, args) {
            (S::Extract, [Expr { kind: ExprKind::Const(Datum::Text(field)), .. }, from]) => {
                self.put(&format!("EXTRACT({field} FROM "));
                self.coerced(from);
                self.put(")");
            }
            (S::AtTimeZone, [zone, value]) => {
                self.put("(");
                self.operand(uncoerced(value), Parent::Other);
                self.put(" AT TIME ZONE ");
                self.operand(uncoerced(zone), Parent::Other);
                self.put(")");
            }
            (S::AtLocal, [value]) => {
                self.put("(");
                self.operand(uncoerced(value), Parent::Other);
                self.put(" AT LOCAL)");
            }
            (S::Overlaps, [a, b, c, d]) => {
                self.put("((");
                self.coerced(a);
                self.put(", ");
                self.coerced(b);
                self.put(") OVERLAPS (");
                self.coerced(c);
                self.put(", ");
                self.coerced(d);
                self.put("))");
            }
            (S::Position, [string, part]) => {
                self.put("POSITION((");
                self.coerced(part);
                self.put(") IN (");
                self.coerced(string);
                self.put("))");
            }
            (S::Substring, [text, pattern, escape]) if escape.ty.oid == oid::TEXT => {
                self.worded("SUBSTRING(", &[("", text), (" SIMILAR ", pattern), (" ESCAPE ", escape)]);
            }
            (S::Substring, [text, from]) if from.ty.oid != oid::TEXT => {
                self.worded("SUBSTRING(", &[("", text), (" FROM ", from)])
            }
            (S::Substring, [text, from, length]) => {
                self.worded("SUBSTRING(", &[("", text), (" FROM ", from), (" FOR ", length)]);
            }
            (S::Overlay, [text, new, from]) => {
                self.worded("OVERLAY(", &[("", text), (" PLACING ", new), (" FROM ", from)]);
            }
            (S::Overlay, [text, new, from, length]) => {
                let parts = [("", text), (" PLACING ", new), (" FROM ", from), (" FOR ", length)];
                self.worded("OVERLAY(", &parts);
            }
            (S::TrimBoth | S::TrimLeading | S::TrimTrailing, [text, rest @ ..]) if rest.len() <= 1 => {
                self.put(match syntax {
                    S::TrimBoth => "TRIM(BOTH",
                    S::TrimLeading => "TRIM(LEADING",
                    _ => "TRIM(TRAILING",
                });
                for characters in rest {
                    self.put(" ");
                    self.coerced(characters);
                }
                self.put(" FROM ");
                self.coerced(text);
                self.put(")");
            }
            (S::IsNormalized, [text, Expr { kind: ExprKind::Const(Datum::Text(form)), .. }]) => {
                // Without a name it is NFC.
                let form = if **form == *"NFC" { String::new() } else { format!(" {form}") };
                self.normalized(text, &form);
            }
            (S::Normalize, [text]) => self.worded("NORMALIZE(", &[("", text)]),
            (S::Normalize, [text, Expr { kind: ExprKind::Const(Datum::Text(form)), .. }]) => {
                self.put("NORMALIZE(");
                self.coerced(text);
                self.put(&format!(", {form})"));
            }
            (S::CollationFor, [value]) => self.worded("COLLATION FOR (", &[("", value)]),
            _ => return false,
        }
        true
    }

    /// An operand without the coercion that its place has added; as under any cast, operators stand in parentheses then.
    fn coerced(&mut self, e: &Expr) {
        let inner = uncoerced(e);
        if std::ptr::eq(inner, e) {
            self.expr(e);
        } else {
            self.operand(inner, Parent::Other);
        }
    }

    /// An expression under a coercion that is not shown.
    pub fn under_cast(&mut self, e: &Expr) {
        self.operand(e, Parent::Other);
    }

    /// Operands, each after its words, and a closing parenthesis.
    fn worded(&mut self, open: &str, parts: &[(&str, &Expr)]) {
        self.put(open);
        for (words, operand) in parts {
            self.put(words);
            self.coerced(operand);
        }
        self.put(")");
    }

    /// A key of ORDER BY, GROUP BY and the like: what could be taken for something else there stands in parentheses.
    pub fn sort_expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Const(value) => self.constant(value, e.ty, Label::Always),
            ExprKind::Column(id) => self.put(&self.names.sorted_column(*id)),
            _ => {
                let call = match &e.kind {
                    ExprKind::Call { operator: 0, form, .. } => !matches!(form, CallForm::Value(_)),
                    ExprKind::Aggregate(_) | ExprKind::Window(_) | ExprKind::Typmod { .. } => true,
                    _ => false,
                };
                let merged = self.names.merged(e).is_some();
                let wrap = !merged && (call || self.pretty());
                self.put(if wrap { "(" } else { "" });
                self.expr(e);
                self.put(if wrap { ")" } else { "" });
            }
        }
    }

    /// The keys of an ORDER BY.
    pub fn sort_keys(&mut self, keys: &[SortKey]) {
        self.separated(keys, ", ", |p, key| {
            p.sort_expr(&key.expr);
            p.put(order_words(key.descending, key.nulls_first));
        });
    }

    pub(super) fn aggregate(&mut self, call: &AggregateCall) {
        match &call.user {
            Some(target) => self.routine_name(&target.routine),
            None => self.ident(call.func.name),
        }
        self.put(if call.distinct { "(DISTINCT " } else { "(" });
        let ordered_set = |t: &AggregateTarget| {
            t.routine.aggregate.as_ref().is_some_and(|def| def.kind != AggregateKind::Normal)
        };
        let direct_args = match &call.user {
            Some(target) if ordered_set(target) => Some(target.direct as u8),
            _ => call.func.direct_args,
        };
        match direct_args {
            Some(direct) => {
                let direct = match direct {
                    crate::func::HYPOTHETICAL => call.args.len() / 2,
                    direct => (direct as usize).min(call.args.len()),
                };
                self.list(&call.args[..direct]);
                self.put(") WITHIN GROUP (ORDER BY ");
                self.sort_keys(&call.order);
            }
            None => {
                match call.args.is_empty() {
                    true => self.put("*"),
                    false => self.aggregate_arguments(call.func, call.user.as_deref(), &call.args),
                }
                if !call.order.is_empty() {
                    self.put(" ORDER BY ");
                    self.sort_keys(&call.order);
                }
            }
        }
        self.filter(call.filter.as_ref());
    }

    fn aggregate_arguments(&mut self, func: &Function, user: Option<&AggregateTarget>, args: &[Expr]) {
        match user {
            Some(target) => self.routine_arguments(&target.routine, args),
            None => self.arguments(func, args, false),
        }
    }

    /// The end of an aggregate's parentheses.
    fn filter(&mut self, filter: Option<&Expr>) {
        if let Some(filter) = filter {
            self.put(") FILTER (WHERE ");
            self.expr(filter);
        }
        self.put(")");
    }

    pub(super) fn window_call(&mut self, call: &WindowCall, at: u32) {
        match &call.user {
            Some(target) => self.routine_name(&target.routine),
            None => self.ident(call.func.name),
        }
        self.put("(");
        match call.args.is_empty() && call.func.is_aggregate() {
            true => self.put("*"),
            false => self.aggregate_arguments(call.func, call.user.as_deref(), &call.args),
        }
        self.filter(call.filter.as_ref());
        self.put(" OVER ");
        match self.names.window(at) {
            Some(WindowText::Named(name)) => self.ident(&name),
            Some(WindowText::Spec(parts)) => {
                let window = &call.window;
                self.window_spec(&parts, &window.partition, &window.order, &window.frame);
            }
            None => self.put("w1"),
        }
    }

    /// `(base PARTITION BY .. ORDER BY .. frame)`, as far as it was written.
    pub fn window_spec(&mut self, parts: &WindowParts, partition: &[Expr], order: &[SortKey], frame: &Frame) {
        let mut space = "";
        self.put("(");
        if let Some(base) = &parts.base {
            self.ident(base);
            space = " ";
        }
        if parts.base.is_none() && !partition.is_empty() {
            self.put("PARTITION BY ");
            self.separated(partition, ", ", |p, e| p.sort_expr(e));
            space = " ";
        }
        if parts.ordered {
            self.put(space);
            self.put("ORDER BY ");
            self.sort_keys(order);
            space = " ";
        }
        if let Some(between) = parts.frame {
            self.put(space);
            self.frame(frame, between);
        }
        self.put(")");
    }

    fn frame(&mut self, frame: &Frame, between: bool) {
        self.put(match frame.unit {
            FrameUnit::Rows => "ROWS ",
            FrameUnit::Range => "RANGE ",
            FrameUnit::Groups => "GROUPS ",
        });
        self.put(if between { "BETWEEN " } else { "" });
        self.bound(&frame.start);
        if between {
            self.put(" AND ");
            self.bound(&frame.end);
        }
        self.put(match frame.exclude {
            FrameExclude::NoOthers => "",
            FrameExclude::CurrentRow => " EXCLUDE CURRENT ROW",
            FrameExclude::Group => " EXCLUDE GROUP",
            FrameExclude::Ties => " EXCLUDE TIES",
        });
    }

    fn bound(&mut self, bound: &FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.put("UNBOUNDED PRECEDING"),
            FrameBound::CurrentRow => self.put("CURRENT ROW"),
            FrameBound::UnboundedFollowing => self.put("UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(offset) => {
                self.coerced(offset);
                self.put(" PRECEDING");
            }
            FrameBound::Following(offset) => {
                self.coerced(offset);
                self.put(" FOLLOWING");
            }
        }
    }
}

/// An expression without the coercion that its place has added to it.
fn uncoerced(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Relabel(inner) if matches!(inner.kind, ExprKind::Column(_)) => inner,
        _ => uncast(e),
    }
}

/// An expression without a coercion by a function that nobody wrote.
pub(super) fn uncast(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Call { args, form: CallForm::Coerced, .. } if !args.is_empty() => uncast(&args[0]),
        _ => e,
    }
}
