//! A query as it was written, with names and types known: what a definition is printed from.
//!
//! The plan of a query no longer says how the query was put. While the query of a view is bound, its parts are noted by
//! their ids in the tree, before grouping, windows and joins by name make something else of them.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::Binder;
use super::group::BoundWindow;
use super::scope::NsItem;
use super::select::TargetEntry;
use crate::parse::ast::{ExprId, FromId, Ident, Over, Pos, QueryId, WindowSpec as AstWindow};
use crate::plan::deparse::{WindowParts, WindowText};
use crate::plan::expr::{ColumnId, Expr, ExprKind, Frame, SortKey, SubPlanMode};

/// A target: its name, its value, and whether only a sort or group asks for it.
#[derive(Clone, Debug)]
pub(crate) struct WrittenTarget {
    pub(crate) name: Arc<str>,
    pub(crate) expr: Expr,
    pub(crate) junk: bool,
}

/// An ORDER BY key: the target, descending, NULLs first.
pub(crate) type WrittenKey = (usize, bool, bool);

/// A SELECT.
#[derive(Clone, Debug, Default)]
pub(crate) struct WrittenSelect {
    pub(crate) targets: Vec<WrittenTarget>,
    pub(crate) order: Vec<WrittenKey>,
    pub(crate) distinct_on: Vec<usize>,
    /// The windows of the WINDOW clause.
    pub(crate) windows: Vec<WrittenWindow>,
    /// The columns of the result, one per target that is not junk.
    pub(crate) outputs: Vec<ColumnId>,
}

/// A window of the WINDOW clause.
#[derive(Clone, Debug)]
pub(crate) struct WrittenWindow {
    pub(crate) name: Arc<str>,
    pub(crate) parts: WindowParts,
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) frame: Frame,
}

/// A comparison of rows that became something else.
#[derive(Clone, Debug)]
pub(crate) struct WrittenRows {
    pub(crate) op: Box<str>,
    pub(crate) left: Vec<Expr>,
    pub(crate) right: Result<Vec<Expr>, u32>,
}

/// The parts of a query by their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub(crate) selects: HashMap<QueryId, WrittenSelect>,
    /// ORDER BY of set operations and VALUES.
    pub(crate) tails: HashMap<QueryId, Vec<WrittenKey>>,
    /// Conditions, grouping expressions, counts, items of VALUES: by the expression.
    pub(crate) exprs: HashMap<ExprId, Expr>,
    /// Those of them that are coerced by their place.
    pub(crate) coerced: HashSet<ExprId>,
    /// What an item of FROM brings in sight. A part of the text that is bound twice has two.
    pub(crate) items: HashMap<FromId, Vec<NsItem>>,
    /// The calls of a function in FROM.
    pub(crate) calls: HashMap<FromId, Vec<Expr>>,
    /// Columns that a full join makes of two, by the right one.
    pub(crate) merged: HashMap<ColumnId, Arc<str>>,
    /// The text of subqueries.
    pub(crate) subqueries: HashMap<u32, QueryId>,
    /// Untyped literals that a set operation has given a type, by the column they are.
    pub(crate) retyped: HashMap<ColumnId, Expr>,
    pub(crate) rows: HashMap<Pos, WrittenRows>,
    /// Rows that stand for an item of FROM: one of its columns.
    pub(crate) whole: HashMap<Pos, ColumnId>,
    pub(crate) grouping: HashMap<Pos, Vec<Expr>>,
    pub(crate) windows: HashMap<Pos, WindowText>,
    /// The fields of records.
    pub(crate) fields: HashMap<ColumnId, Arc<[super::RecordField]>>,
}

/// How a window was written.
fn parts(spec: &AstWindow) -> WindowParts {
    WindowParts {
        base: spec.base.as_ref().map(|b| b.name.to_string()),
        ordered: !spec.order_by.is_empty(),
        frame: spec.frame.as_ref().map(|f| f.between),
    }
}

impl Binder<'_> {
    /// The notes, while the statement's own text is bound to be stored or printed.
    pub(crate) fn written(&mut self) -> Option<&mut Written> {
        match self.s.views {
            0 => self.s.resolution.as_deref_mut().map(|r| &mut r.written),
            _ => None,
        }
    }

    /// Notes a clause's expression.
    pub(crate) fn note_expr(&mut self, id: ExprId, expr: &Expr) {
        if let Some(notes) = self.written() {
            notes.exprs.insert(id, expr.clone());
        }
    }

    /// Notes that a noted expression has become another by coercion: what had no type of its own has one.
    pub(crate) fn note_typed(&mut self, id: ExprId, expr: &Expr) {
        let Some(notes) = self.written() else { return };
        let Some(noted) = notes.exprs.get_mut(&id) else { return };
        if noted.ty.oid == crate::types::oid::UNKNOWN {
            *noted = expr.clone();
        } else if noted.ty.oid != expr.ty.oid {
            notes.coerced.insert(id);
        }
    }

    /// Notes the targets of a SELECT and what refers to them.
    pub(crate) fn note_select(
        &mut self,
        id: QueryId,
        windows: &[(Ident, AstWindow)],
        targets: &[TargetEntry],
        order: Vec<WrittenKey>,
        distinct_on: Vec<usize>,
    ) {
        if self.written().is_none() {
            return;
        }
        let bound = self.scope().windows.clone();
        let window = |((name, window), spec): ((Ident, BoundWindow), &AstWindow)| WrittenWindow {
            name: Arc::from(&*name.name),
            parts: parts(spec),
            partition: window.partition,
            order: window.order,
            frame: window.frame,
        };
        let target =
            |t: &TargetEntry| WrittenTarget { name: t.name.clone(), expr: t.expr.clone(), junk: t.junk };
        let select = WrittenSelect {
            targets: targets.iter().map(target).collect(),
            order,
            distinct_on,
            windows: bound.into_iter().zip(windows.iter().map(|w| &w.1)).map(window).collect(),
            outputs: Vec::new(),
        };
        if let Some(notes) = self.written() {
            notes.selects.insert(id, select);
        }
    }

    /// Notes which columns the targets of a SELECT became.
    pub(crate) fn note_outputs(&mut self, id: QueryId, outputs: impl Iterator<Item = ColumnId>) {
        if let Some(select) = self.written().and_then(|notes| notes.selects.get_mut(&id)) {
            select.outputs = outputs.collect();
        }
    }

    /// Notes the ORDER BY of a set operation or of VALUES.
    pub(crate) fn note_tail(&mut self, id: QueryId, keys: Vec<WrittenKey>) {
        if let Some(notes) = self.written() {
            notes.tails.insert(id, keys);
        }
    }

    /// Notes what an item of FROM brings in sight.
    pub(crate) fn note_item(&mut self, id: FromId, item: &NsItem) {
        if self.written().is_none() {
            return;
        }
        let records: Vec<_> = item
            .columns
            .iter()
            .filter_map(|c| match c.expr.kind {
                ExprKind::Column(id) => Some((id, self.s.records.get(&id)?.clone())),
                _ => None,
            })
            .collect();
        if let Some(notes) = self.written() {
            notes.items.entry(id).or_default().push(item.clone());
            notes.fields.extend(records);
        }
    }

    /// Notes the calls of a function in FROM.
    pub(crate) fn note_calls(&mut self, id: FromId, calls: &[Expr]) {
        if let Some(notes) = self.written() {
            notes.calls.insert(id, calls.to_vec());
        }
    }

    /// Notes a column that a full join makes of two.
    pub(crate) fn note_merged(&mut self, name: &str, expr: &Expr) {
        if let (Some(right), Some(notes)) = (merged_column(expr), self.written()) {
            notes.merged.insert(right, Arc::from(name));
        }
    }

    /// Notes the text of a subquery.
    pub(crate) fn note_subquery(&mut self, number: u32, query: QueryId) {
        if let Some(notes) = self.written() {
            notes.subqueries.insert(number, query);
        }
    }

    /// Notes the type of an untyped literal of a set operation.
    pub(crate) fn note_retyped(&mut self, column: ColumnId, expr: &Expr) {
        let unknown = self.s.types[column as usize].oid == crate::types::oid::UNKNOWN;
        if let (true, Some(notes)) = (unknown, self.written()) {
            notes.retyped.insert(column, expr.clone());
        }
    }

    /// Notes a comparison of rows by the comparisons of their fields; the right row may be a subquery's.
    pub(crate) fn note_rows(&mut self, op: &str, compared: &[Expr], pos: Pos) {
        let Some(notes) = self.written() else { return };
        let side = |n: usize| {
            let operand = |e: &Expr| match &e.kind {
                ExprKind::Call { args, .. } => args.get(n).cloned(),
                _ => None,
            };
            compared.iter().filter_map(operand).collect::<Vec<Expr>>()
        };
        let right = side(1);
        let query = right.iter().find_map(|e| match e.kind {
            ExprKind::Subquery { query, mode: SubPlanMode::RowColumn(_) } => Some(query),
            _ => None,
        });
        let right = query.map_or(Ok(right), Err);
        notes.rows.insert(pos, WrittenRows { op: op.into(), left: side(0), right });
    }

    /// Notes a row that stands for an item of FROM.
    pub(crate) fn note_whole(&mut self, item: &NsItem, pos: Pos) {
        if let Some(ExprKind::Column(id)) = item.columns.first().map(|c| &c.expr.kind)
            && let Some(notes) = self.written()
        {
            notes.whole.insert(pos, *id);
        }
    }

    /// Notes the arguments of GROUPING.
    pub(crate) fn note_grouping(&mut self, args: &[Expr], pos: Pos) {
        if let Some(notes) = self.written() {
            notes.grouping.insert(pos, args.to_vec());
        }
    }

    /// Notes the window of a call.
    pub(crate) fn note_window(&mut self, over: &Over, pos: Pos) {
        if let Some(notes) = self.written() {
            let text = match over {
                Over::Name(name) => WindowText::Named(name.name.to_string()),
                Over::Spec(spec) => WindowText::Spec(parts(spec)),
            };
            notes.windows.insert(pos, text);
        }
    }
}

/// The right column of a full join's merged one.
pub(crate) fn merged_column(expr: &Expr) -> Option<ColumnId> {
    fn column(expr: &Expr) -> Option<ColumnId> {
        match &expr.kind {
            ExprKind::Column(id) => Some(*id),
            ExprKind::Relabel(inner) => column(inner),
            ExprKind::Call { args, .. } => args.first().and_then(column),
            _ => None,
        }
    }
    match &expr.kind {
        ExprKind::Coalesce(both) if both.len() == 2 => column(&both[1]),
        _ => None,
    }
}
