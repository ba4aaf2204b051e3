//! Expressions: one arm per kind.

use super::call::uncast;
use super::literal::Label;
use super::printer::{INDENT_LIST, Printer};
use super::simple::{Parent, is_simple};
use super::{RightRow, RowsText};
use crate::func::operator_by_oid;
use crate::plan::expr::{CallForm, Expr, ExprKind, RoutineForm, SubPlanMode};
use crate::types::{DataType, Datum, info, oid, rowtype, user};

fn operator_name(operator: u32) -> std::borrow::Cow<'static, str> {
    match (operator_by_oid(operator), crate::types::user::operator(operator)) {
        (Some(o), _) => o.name.into(),
        (None, Some(o)) => format!("OPERATOR({}.{})", super::quote_identifier(&o.schema), o.name).into(),
        (None, None) => "=".into(),
    }
}

impl<'a> Printer<'a> {
    /// An operand of something that is not a list.
    pub(super) fn operand(&mut self, e: &Expr, parent: Parent<'_>) {
        let simple = match self.compared_rows(e).map(|rows| rows.right) {
            None => is_simple(e, parent),
            Some(RightRow::Row(_)) => false,
            Some(RightRow::Query(_)) => parent.is_logic(),
        };
        let wrap = self.pretty() && !simple;
        self.put(if wrap { "(" } else { "" });
        self.expr(e);
        self.put(if wrap { ")" } else { "" });
    }

    /// Parentheses around a whole operator expression, unless it is pretty.
    pub(super) fn wrapped(&mut self, print: impl FnOnce(&mut Self)) {
        let wrap = !self.pretty();
        self.put(if wrap { "(" } else { "" });
        print(self);
        self.put(if wrap { ")" } else { "" });
    }

    /// `x::type`
    pub(super) fn cast(&mut self, inner: &Expr, ty: DataType) {
        // A domain brings its modifier itself.
        let inner = match &inner.kind {
            ExprKind::Typmod { value, .. } if info::is_domain(ty.oid) => value,
            _ => inner,
        };
        match &inner.kind {
            ExprKind::Const(value) if inner.ty.oid == ty.oid && inner.ty.typmod < 0 => {
                self.constant(value, inner.ty, Label::Never);
            }
            _ => self.wrapped(|p| p.operand(uncast(inner), Parent::Other)),
        }
        self.put("::");
        self.type_text(ty);
    }

    fn chain(&mut self, items: &[Expr], word: &str, parent: Parent<'_>) {
        self.wrapped(|p| p.separated(items, word, |p, e| p.operand(e, parent)));
    }

    /// `(x word)`
    fn postfix(&mut self, value: &Expr, words: &str) {
        self.wrapped(|p| {
            p.operand(value, Parent::Other);
            p.put(words);
        });
    }

    /// Prints an expression.
    pub fn expr(&mut self, e: &Expr) {
        if let Some(rows) = self.compared_rows(e) {
            return self.row_comparison(rows);
        }
        match &e.kind {
            ExprKind::Const(value) => self.constant(value, e.ty, Label::Needed),
            ExprKind::Column(id) => self.put(&self.names.column(*id)),
            ExprKind::Param(n) => self.put(&format!("${}", n + 1)),
            ExprKind::ExecParam(n) => self.put(&self.names.exec_param(*n)),
            ExprKind::Call { func, args, operator, form } => self.call(e, func, args, *operator, *form),
            ExprKind::Routine { target, args, form } => self.routine(e, target, args, *form),
            ExprKind::Relabel(inner) if inner.ty.oid == e.ty.oid => {
                self.wrapped(|p| {
                    p.operand(inner, Parent::Other);
                    p.put(match e.collation {
                        950 => " COLLATE \"C\"",
                        951 => " COLLATE \"POSIX\"",
                        _ => " COLLATE \"default\"",
                    });
                });
            }
            ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) => self.cast(inner, e.ty),
            ExprKind::ArrayCoerce { array, .. } => self.cast(array, e.ty),
            ExprKind::Typmod { value, .. } => self.typmod(value, e.ty),
            ExprKind::And(items) => self.chain(items, " AND ", Parent::And),
            ExprKind::Or(items) => self.chain(items, " OR ", Parent::Or),
            ExprKind::Not(inner) => {
                self.wrapped(|p| {
                    p.put("NOT ");
                    p.operand(inner, Parent::Not);
                });
            }
            ExprKind::IsNull { value, negated } => {
                self.postfix(value, if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            ExprKind::IsTruth { value, truth, negated } => {
                let word = match truth {
                    Some(true) => "TRUE",
                    Some(false) => "FALSE",
                    None => "UNKNOWN",
                };
                self.postfix(value, &format!(" IS {}{word}", if *negated { "NOT " } else { "" }));
            }
            ExprKind::IsDistinct { left, right, negated: false, .. } => self.distinct(left, right),
            ExprKind::IsDistinct { left, right, negated: true, .. } => {
                self.wrapped(|p| {
                    p.put("NOT ");
                    p.distinct(left, right);
                });
            }
            ExprKind::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref(), e.ty);
            }
            ExprKind::CaseTest => self.put("CASE_TEST_EXPR"),
            ExprKind::Coalesce(items) => match self.names.merged(e) {
                Some(name) => self.put(&name),
                None => self.listed("COALESCE(", items, ")"),
            },
            ExprKind::NullIf { left, right, .. } => {
                self.put("NULLIF(");
                self.expr(left);
                self.put(", ");
                self.expr(right);
                self.put(")");
            }
            ExprKind::MinMax { greatest, args } => {
                self.listed(if *greatest { "GREATEST(" } else { "LEAST(" }, args, ")");
            }
            ExprKind::ScalarArray { operator, any, left, array, .. } => {
                self.wrapped(|p| {
                    p.operand(left, Parent::Other);
                    let word = if *any { "ANY" } else { "ALL" };
                    p.put(&format!(" {} {word} (", operator_name(*operator)));
                    match &array.kind {
                        // Written out, the cast would become one of each element.
                        ExprKind::ArrayCoerce { array: inner, .. }
                            if p.stored && matches!(inner.kind, ExprKind::Array { .. }) =>
                        {
                            p.expr(inner);
                        }
                        _ => p.operand(array, Parent::Other),
                    }
                    // A bare subquery would be one of rows, not of an array.
                    if matches!(array.kind, ExprKind::Subquery { mode: SubPlanMode::Scalar, .. }) {
                        p.put("::");
                        p.type_text(array.ty);
                    }
                    p.put(")");
                });
            }
            ExprKind::Array { items, .. } => {
                self.listed("ARRAY[", items, "]");
                if items.is_empty() {
                    self.put("::");
                    self.type_text(e.ty);
                }
            }
            ExprKind::Row(items) => match self.names.whole_row(e.at) {
                Some(item) => self.put(&format!("{item}.*")),
                None => {
                    let fields = rowtype::fields_of(e.ty).filter(|_| e.ty.oid != oid::RECORD);
                    let Some(fields) = fields else { return self.listed("ROW(", items, ")") };
                    let live = items.iter().zip(fields.iter()).filter(|(_, field)| !user::is_dropped(field));
                    let live: Vec<Expr> = live.map(|(item, _)| item.clone()).collect();
                    self.listed("ROW(", &live, ")::");
                    self.type_text(e.ty);
                }
            },
            ExprKind::Field { row, index } => {
                self.put("(");
                self.expr(row);
                self.put(&format!(").f{}", index + 1));
            }
            ExprKind::Subscript { array, subscripts, slice } => self.subscript(array, subscripts, *slice),
            ExprKind::SubPlan { plan, mode, params } => self.subplan(*plan, mode, params.is_empty()),
            ExprKind::Subquery { query, mode } => self.subquery(*query, mode),
            ExprKind::Aggregate(call) => self.aggregate(call),
            ExprKind::Window(call) => self.window_call(call, e.at),
            ExprKind::Grouping(_) => match self.names.grouping(e.at) {
                Some(items) => self.listed("GROUPING(", items, ")"),
                None => self.put("GROUPING()"),
            },
        }
    }

    pub(super) fn listed(&mut self, open: &str, items: &[Expr], close: &str) {
        self.put(open);
        self.list(items);
        self.put(close);
    }

    /// `x::varchar(5)` is one cast, not two.
    fn typmod(&mut self, value: &Expr, ty: DataType) {
        match &value.kind {
            ExprKind::Call { form: CallForm::Value(func), .. } => {
                self.put(super::call::sql_value(*func));
                self.put(&format!("({})", ty.typmod));
            }
            ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner)
                if value.ty.oid == ty.oid && inner.ty.oid != ty.oid =>
            {
                // The cast that is not shown has parentheses of its own.
                let wrap = self.pretty() && !is_simple(inner, Parent::Other);
                self.wrapped(|p| {
                    p.put(if wrap { "(" } else { "" });
                    p.operand(inner, Parent::Other);
                    p.put(if wrap { ")" } else { "" });
                });
                self.put("::");
                self.type_text(ty);
            }
            ExprKind::Call { args, form: CallForm::Cast | CallForm::Coerced, .. }
                if value.ty.oid == ty.oid && args[0].ty.oid != ty.oid =>
            {
                self.cast(&args[0], ty);
            }
            _ => self.cast(value, ty),
        }
    }

    fn distinct(&mut self, left: &Expr, right: &Expr) {
        self.wrapped(|p| {
            p.operand(left, Parent::Other);
            p.put(" IS DISTINCT FROM ");
            p.operand(right, Parent::Other);
        });
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        arms: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        ty: DataType,
    ) {
        let space = if self.lines() { "" } else { " " };
        self.keyword("CASE", 0, INDENT_LIST, 0);
        if let Some(operand) = operand {
            self.put(" ");
            self.expr(operand);
        }
        for (condition, result) in arms {
            self.put(space);
            self.keyword("WHEN ", 0, 0, 0);
            // `CASE x WHEN y`: the condition is `CaseTest = y`.
            match (&condition.kind, operand) {
                (ExprKind::Call { args, .. }, Some(_)) if args.len() == 2 => self.expr(&args[1]),
                _ => self.expr(condition),
            }
            self.put(" THEN ");
            self.expr(result);
        }
        self.put(space);
        self.keyword("ELSE ", 0, 0, 0);
        match otherwise {
            Some(otherwise) => self.expr(otherwise),
            None => self.constant(&Datum::Null, DataType::of(ty.oid), Label::Needed),
        }
        self.put(space);
        self.keyword("END", -INDENT_LIST, 0, 0);
    }

    fn subscript(&mut self, array: &Expr, subscripts: &[(Option<Expr>, Option<Expr>)], slice: bool) {
        let bare = matches!(array.kind, ExprKind::Column(_));
        self.put(if bare { "" } else { "(" });
        self.expr(array);
        self.put(if bare { "" } else { ")" });
        for (low, high) in subscripts {
            self.put("[");
            low.iter().for_each(|e| self.expr(e));
            self.put(if slice { ":" } else { "" });
            high.iter().for_each(|e| self.expr(e));
            self.put("]");
        }
    }

    /// A subquery by its text, where the expression still has it.
    fn subquery(&mut self, query: u32, mode: &SubPlanMode) {
        let names = self.names;
        self.put(if matches!(mode, SubPlanMode::Array) { "ARRAY(" } else { "(" });
        let close = match mode {
            SubPlanMode::Exists => {
                self.put("EXISTS (");
                "))"
            }
            SubPlanMode::Quantified { any, left, compare } => {
                self.put(if left.len() > 1 { "(" } else { "" });
                // The coercion that the comparison wants is on the value.
                self.list(left);
                self.put(if left.len() > 1 { ")" } else { "" });
                let op = match compare.first().map(|c| &c.kind) {
                    Some(ExprKind::Call { operator, .. }) => operator_name(*operator),
                    Some(ExprKind::Routine { form: RoutineForm::Operator(operator), .. }) => {
                        operator_name(*operator)
                    }
                    _ => "=".into(),
                };
                match (&*op, any) {
                    ("=", true) => self.put(" IN ("),
                    (op, true) => self.put(&format!(" {op} ANY (")),
                    (op, false) => self.put(&format!(" {op} ALL (")),
                }
                "))"
            }
            _ => ")",
        };
        if !names.subquery(self, query) {
            self.put(&format!("SubPlan {}", query + 1));
        }
        self.put(close);
    }

    /// The comparison of rows that an expression was made of.
    fn compared_rows(&self, e: &Expr) -> Option<RowsText<'a>> {
        match e.kind {
            ExprKind::Or(_) | ExprKind::And(_) | ExprKind::Call { .. } => self.names.rows(e.at),
            _ => None,
        }
    }

    fn row_comparison(&mut self, rows: RowsText<'_>) {
        let names = self.names;
        let RowsText { op, left, right } = rows;
        match right {
            RightRow::Row(right) => {
                self.listed("(ROW(", left, ")");
                self.put(&format!(" {op} "));
                self.listed("ROW(", right, "))");
            }
            RightRow::Query(query) => {
                self.listed("((", left, ")");
                self.put(&format!(" {op} ("));
                names.subquery(self, query);
                self.put("))");
            }
        }
    }

    fn subplan(&mut self, plan: u32, mode: &SubPlanMode, once: bool) {
        let name = format!("{} {}", if once { "InitPlan" } else { "SubPlan" }, plan + 1);
        match mode {
            SubPlanMode::Scalar | SubPlanMode::Exists if once => self.put(&format!("({name}).col1")),
            SubPlanMode::RowColumn(i) if once => self.put(&format!("({name}).col{}", i + 1)),
            SubPlanMode::Scalar | SubPlanMode::RowColumn(_) => self.put(&format!("({name})")),
            SubPlanMode::Exists => self.put(&format!("EXISTS({name})")),
            SubPlanMode::Array => self.put(&format!("ARRAY({name})")),
            SubPlanMode::Quantified { any, left, compare } => {
                let hashed = if once { "hashed " } else { "" };
                self.put(if *any { "(ANY " } else { "(ALL " });
                self.put(if left.len() > 1 { "(" } else { "" });
                for (i, (left, test)) in left.iter().zip(compare).enumerate() {
                    self.put(if i > 0 { " AND (" } else { "(" });
                    self.expr(left);
                    let op = match &test.kind {
                        ExprKind::Call { operator, .. } => operator_name(*operator),
                        ExprKind::Routine { form: RoutineForm::Operator(operator), .. } => {
                            operator_name(*operator)
                        }
                        _ => "=".into(),
                    };
                    self.put(&format!(" {op} ({hashed}SubPlan {}).col{})", plan + 1, i + 1));
                }
                self.put(if left.len() > 1 { "))" } else { ")" });
            }
        }
    }
}
