//! Cardinalities and selectivities.
//!
//! Formulas and defaults are those of PostgreSQL's `selfuncs.c` where statistics exist: most common values, histograms and
//! distinct counts; independence between conditions, except for the two ends of one range.

mod contain;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::pushdown::arms_within;
use crate::bind::BindContext;
use crate::catalog::{ColumnStats, IndexKey, Relation, RelationKind, RelationStats};
use crate::func::pattern::like::is_like;
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalScan};
use crate::plan::physical::{JoinKind, ScanColumn};
use crate::types::compare::compare;
use crate::types::{DataType, Datum, Oid, oid};
use std::cmp::Ordering;

const DEFAULT_EQUAL: f64 = 0.005;
const DEFAULT_INEQUALITY: f64 = 1.0 / 3.0;
const DEFAULT_RANGE: f64 = 0.005;
const DEFAULT_MATCH: f64 = 0.005;
const DEFAULT_DISTINCT: f64 = 200.0;
/// Rows of a relation that nothing is known about.
const DEFAULT_ROWS: f64 = 1000.0;
/// The share of a TABLESAMPLE whose percentage is not known yet.
const DEFAULT_SAMPLE: f64 = 0.1;

/// Where a column's values come from.
#[derive(Clone)]
struct Origin {
    relation: Arc<Relation>,
    stats: Option<Arc<RelationStats>>,
    column: usize,
    /// Which of the statement's scans reads it.
    scan: u32,
}

/// What the optimiser knows of the statement's columns.
pub(crate) struct Estimator<'a> {
    cx: &'a BindContext<'a>,
    origins: Vec<Option<Origin>>,
    types: Vec<DataType>,
    scans: u32,
    /// What the catalog said: it looks at the tables for it.
    known: RefCell<HashMap<Oid, Option<Arc<RelationStats>>>>,
    /// Estimated rows of the CTEs.
    pub(crate) cte_rows: Vec<f64>,
}

/// A comparison of a column with something else.
pub(crate) struct Comparison<'e> {
    /// `=`, `<>`, `<`, `<=`, `>`, `>=`, as seen with the column on the left.
    pub(crate) op: &'static str,
    pub(crate) column: ColumnId,
    pub(crate) other: &'e Expr,
}

/// Looks through casts that keep order and equality.
pub(crate) fn plain_column(e: &Expr) -> Option<ColumnId> {
    match &e.kind {
        ExprKind::Column(id) => Some(*id),
        ExprKind::Relabel(inner) => plain_column(inner),
        ExprKind::Call { func, args, operator: 0, .. }
            if args.len() == 1 && is_widening(args[0].ty.oid, func.result) =>
        {
            plain_column(&args[0])
        }
        _ => None,
    }
}

/// Whether every value of one type is a value of the other, in the same order.
pub(crate) fn is_widening(from: Oid, to: Oid) -> bool {
    use oid::{DATE, FLOAT4, FLOAT8, INT2, INT4, INT8, NUMERIC, TIMESTAMP};
    matches!(
        (from, to),
        (INT2, INT4 | INT8 | NUMERIC | FLOAT4 | FLOAT8)
            | (INT4, INT8 | NUMERIC | FLOAT8)
            | (INT8, NUMERIC)
            | (FLOAT4, FLOAT8)
            | (DATE, TIMESTAMP)
    )
}

/// The name of the operator that a call was written as.
pub(crate) fn operator_name(e: &Expr) -> Option<&'static str> {
    match &e.kind {
        ExprKind::Call { operator, .. } if *operator != 0 => {
            crate::func::operator_by_oid(*operator).map(|o| o.name)
        }
        ExprKind::ScalarArray { operator, .. } => crate::func::operator_by_oid(*operator).map(|o| o.name),
        _ => None,
    }
}

/// The comparison seen from the other side.
pub(crate) fn commuted(op: &str) -> Option<&'static str> {
    Some(match op {
        "=" => "=",
        "<>" => "<>",
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        _ => return None,
    })
}

/// Takes a comparison apart; a column is preferred on the left.
pub(crate) fn comparison(e: &Expr) -> Option<Comparison<'_>> {
    let op = operator_name(e)?;
    let ExprKind::Call { args, .. } = &e.kind else { return None };
    let [left, right] = args.as_slice() else { return None };
    let op = commuted(commuted(op)?)?;
    if let Some(column) = plain_column(left) {
        return Some(Comparison { op, column, other: right });
    }
    let column = plain_column(right)?;
    Some(Comparison { op: commuted(op)?, column, other: left })
}

impl<'a> Estimator<'a> {
    pub(crate) fn new(cx: &'a BindContext<'a>, types: Vec<DataType>) -> Self {
        Estimator {
            cx,
            origins: Vec::new(),
            types,
            scans: 0,
            known: RefCell::default(),
            cte_rows: Vec::new(),
        }
    }

    fn relation_stats(&self, relation: Oid) -> Option<Arc<RelationStats>> {
        let mut known = self.known.borrow_mut();
        known.entry(relation).or_insert_with(|| self.cx.catalog.stats(relation)).clone()
    }

    /// Learns the origins of a plan's columns.
    pub(crate) fn learn(&mut self, plan: &Logical) {
        plan.each_input(&mut |input| self.learn(input));
        match plan {
            Logical::Scan(scan) => {
                let stats = self.relation_stats(scan.relation.oid);
                self.scans += 1;
                for &(id, what) in &scan.columns {
                    if let ScanColumn::Attribute(column) = what {
                        self.set(
                            id,
                            Some(Origin {
                                relation: scan.relation.clone(),
                                stats: stats.clone(),
                                column,
                                scan: self.scans,
                            }),
                        );
                    }
                }
            }
            Logical::Project { exprs, .. } | Logical::Aggregate { group: exprs, .. } => {
                for (id, e) in exprs {
                    if let Some(source) = plain_column(e)
                        && source != *id
                    {
                        let origin = self.origin(source).cloned();
                        self.set(*id, origin);
                    }
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, id: ColumnId, origin: Option<Origin>) {
        if self.origins.len() <= id as usize {
            self.origins.resize(id as usize + 1, None);
        }
        self.origins[id as usize] = origin;
    }

    fn origin(&self, id: ColumnId) -> Option<&Origin> {
        self.origins.get(id as usize)?.as_ref()
    }

    fn stats(&self, id: ColumnId) -> Option<&ColumnStats> {
        let origin = self.origin(id)?;
        origin.stats.as_ref()?.columns.get(origin.column)?.as_ref()
    }

    /// Correlation of a column's values with where they are stored.
    pub(crate) fn correlation(&self, id: ColumnId) -> f64 {
        self.stats(id).map_or(0.0, |s| s.correlation)
    }

    /// Correlation of a column of a relation.
    pub(crate) fn relation_correlation(&self, relation: Oid, column: usize) -> f64 {
        let stats = self.relation_stats(relation);
        stats.and_then(|s| s.columns.get(column)?.as_ref().map(|c| c.correlation)).unwrap_or(0.0)
    }

    /// Bytes of a column's value.
    pub(crate) fn width(&self, id: ColumnId) -> f64 {
        if let Some(stats) = self.stats(id)
            && stats.width > 0.0
        {
            return stats.width;
        }
        type_width(self.types.get(id as usize).copied().unwrap_or(DataType::of(oid::TEXT)))
    }

    /// Rows of a base relation.
    pub(crate) fn relation_rows(&self, relation: &Relation) -> f64 {
        match self.relation_stats(relation.oid) {
            _ if relation.kind == RelationKind::Sequence => 1.0,
            Some(stats) => stats.rows.max(1.0),
            None if relation.kind == RelationKind::Virtual => 100.0,
            None => DEFAULT_ROWS,
        }
    }

    /// Pages of a base relation.
    pub(crate) fn relation_pages(&self, relation: &Relation) -> f64 {
        match self.relation_stats(relation.oid) {
            Some(stats) => stats.pages.max(1.0),
            None => 10.0,
        }
    }

    /// Whether an index or its constraint makes the column unique.
    pub(crate) fn is_unique(&self, id: ColumnId) -> bool {
        self.origin(id).is_some_and(|o| {
            o.relation.indexes.iter().any(|i| {
                i.unique && i.predicate.is_none() && matches!(i.columns.as_slice(), [c] if matches!(c.key, IndexKey::Column(k) if k == o.column))
            })
        })
    }

    /// Distinct values of a column in a relation of `rows` rows.
    pub(crate) fn distinct(&self, id: ColumnId, rows: f64) -> f64 {
        let Some(origin) = self.origin(id) else { return DEFAULT_DISTINCT.min(rows).max(1.0) };
        let base = self.relation_rows(&origin.relation);
        let known = match self.stats(id) {
            Some(s) if s.distinct > 0.0 => s.distinct,
            Some(s) if s.distinct < 0.0 => -s.distinct * base,
            _ if self.is_unique(id) => base,
            _ if self.types.get(id as usize).is_some_and(|t| t.oid == oid::BOOL) => 2.0,
            _ => DEFAULT_DISTINCT.min(base),
        };
        known.min(rows).max(1.0)
    }

    /// The fraction of rows that satisfies all conditions.
    pub(crate) fn conjunction(&self, conditions: &[Expr]) -> f64 {
        let mut result = 1.0;
        // The two ends of a range over one column belong together.
        let mut ranges: Vec<(ColumnId, Option<f64>, Option<f64>)> = Vec::new();
        for e in conditions {
            if let Some(c) = comparison(e)
                && matches!(c.op, "<" | "<=" | ">" | ">=")
                && !matches!(c.other.kind, ExprKind::Column(_))
            {
                let s = self.inequality(&c);
                let lower = matches!(c.op, ">" | ">=");
                let entry = match ranges.iter_mut().find(|r| r.0 == c.column) {
                    Some(entry) => entry,
                    None => {
                        ranges.push((c.column, None, None));
                        let last = ranges.len() - 1;
                        &mut ranges[last]
                    }
                };
                let slot = if lower { &mut entry.1 } else { &mut entry.2 };
                *slot = Some(slot.map_or(s, |old| old.min(s)));
                continue;
            }
            result *= self.selectivity(e);
        }
        for (column, low, high) in ranges {
            result *= match (low, high) {
                (Some(low), Some(high)) if low == DEFAULT_INEQUALITY && high == DEFAULT_INEQUALITY => {
                    DEFAULT_RANGE
                }
                (Some(low), Some(high)) => {
                    let nulls = self.stats(column).map_or(0.0, |s| s.null_fraction);
                    (low + high + nulls - 1.0).clamp(1e-10, 1.0)
                }
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => 1.0,
            };
        }
        result.clamp(0.0, 1.0)
    }

    /// The fraction of rows that satisfies a condition.
    pub(crate) fn selectivity(&self, e: &Expr) -> f64 {
        let s = match &e.kind {
            ExprKind::Const(Datum::Bool(true)) => 1.0,
            ExprKind::Const(_) => 0.0,
            ExprKind::And(items) => self.conjunction(items),
            ExprKind::Or(items) => self.disjunction(items) / self.restricted(e),
            ExprKind::Not(inner) => 1.0 - self.selectivity(inner),
            ExprKind::IsNull { value, negated } => {
                let nulls = plain_column(value)
                    .and_then(|id| self.stats(id))
                    .map_or(DEFAULT_EQUAL, |s| s.null_fraction);
                if *negated { 1.0 - nulls } else { nulls }
            }
            ExprKind::Column(_) => 0.5,
            ExprKind::ScalarArray { any, left, array, .. } => self.array_selectivity(e, *any, left, array),
            ExprKind::Call { args, .. } => match operator_name(e) {
                Some("=" | "<>" | "<" | "<=" | ">" | ">=") => self.comparison_selectivity(e),
                Some("~~") => self.like(args),
                Some("!~~") => 1.0 - self.like(args),
                Some("~~*" | "~" | "~*") => self.pattern(args),
                Some("!~~*" | "!~" | "!~*") => 1.0 - self.pattern(args),
                _ => self.containment(e, args).unwrap_or(DEFAULT_INEQUALITY),
            },
            _ => 0.5,
        };
        s.clamp(0.0, 1.0)
    }

    fn disjunction(&self, items: &[Expr]) -> f64 {
        items.iter().fold(0.0, |s, e| {
            let one = self.selectivity(e);
            s + one - s * one
        })
    }

    /// What a disjunction over several relations has been made to restrict each of them by already, when predicates were pushed down.
    fn restricted(&self, e: &Expr) -> f64 {
        let mut scans = Vec::new();
        self.scans_of(e, &mut scans);
        if scans.len() < 2 {
            return 1.0;
        }
        let share = |&scan: &u32| {
            let within = |e: &Expr| {
                let mut own = Vec::new();
                self.scans_of(e, &mut own);
                own == [scan]
            };
            match arms_within(e, &within).map(|e| e.kind) {
                Some(ExprKind::Or(items)) => self.disjunction(&items).max(1e-9),
                _ => 1.0,
            }
        };
        scans.iter().map(share).product()
    }

    fn scans_of(&self, e: &Expr, out: &mut Vec<u32>) {
        if let ExprKind::Column(id) = e.kind {
            // What has no origin counts as a relation of its own.
            let scan = self.origin(id).map_or(u32::MAX - id, |o| o.scan);
            if !out.contains(&scan) {
                out.push(scan);
            }
        }
        e.each_child(&mut |child| self.scans_of(child, out));
    }

    fn comparison_selectivity(&self, e: &Expr) -> f64 {
        let Some(c) = comparison(e) else {
            return match operator_name(e) {
                Some("=") => DEFAULT_EQUAL,
                Some("<>") => 1.0 - DEFAULT_EQUAL,
                _ => DEFAULT_INEQUALITY,
            };
        };
        match c.op {
            "=" => self.equality(&c),
            "<>" => {
                (1.0 - self.equality(&c) - self.stats(c.column).map_or(0.0, |s| s.null_fraction)).max(0.0)
            }
            _ => self.inequality(&c),
        }
    }

    fn equality(&self, c: &Comparison<'_>) -> f64 {
        if let Some(other) = plain_column(c.other) {
            let (a, b) = (self.distinct(c.column, f64::MAX), self.distinct(other, f64::MAX));
            return 1.0 / a.max(b);
        }
        let rows = self.origin(c.column).map_or(DEFAULT_ROWS, |o| self.relation_rows(&o.relation));
        let distinct = self.distinct(c.column, rows);
        let Some(stats) = self.stats(c.column) else { return (1.0 / distinct).min(1.0) };
        let ty = self.types[c.column as usize].oid;
        let ExprKind::Const(value) = &c.other.kind else { return (1.0 - stats.null_fraction) / distinct };
        if value.is_null() {
            return 0.0;
        }
        let equal = |v: &Datum| comparable(v, value) && compare(v, value, ty) == Ordering::Equal;
        if (c.other.ty.oid == ty || same_family(c.other.ty.oid, ty))
            && let Some((_, f)) = stats.common.iter().find(|c| equal(&c.0))
        {
            return *f;
        }
        let common: f64 = stats.common.iter().map(|c| c.1).sum();
        let rest = (1.0 - common - stats.null_fraction).max(0.0);
        let others = (distinct - stats.common.len() as f64).max(1.0);
        let s = rest / others;
        stats.common.last().map_or(s, |last| s.min(last.1))
    }

    fn inequality(&self, c: &Comparison<'_>) -> f64 {
        let (Some(stats), ExprKind::Const(value)) = (self.stats(c.column), &c.other.kind) else {
            return DEFAULT_INEQUALITY;
        };
        let ty = self.types[c.column as usize].oid;
        if value.is_null() {
            return 0.0;
        }
        if !(c.other.ty.oid == ty || same_family(c.other.ty.oid, ty))
            || stats.common.is_empty() && stats.histogram.is_empty()
        {
            return DEFAULT_INEQUALITY;
        }
        let wanted = |v: &Datum| {
            let o = compare(v, value, ty);
            match c.op {
                "<" => o == Ordering::Less,
                "<=" => o != Ordering::Greater,
                ">" => o == Ordering::Greater,
                _ => o != Ordering::Less,
            }
        };
        if stats.common.iter().map(|c| &c.0).chain(&stats.histogram).any(|v| !comparable(v, value)) {
            return DEFAULT_INEQUALITY;
        }
        let common: f64 = stats.common.iter().filter(|(v, _)| wanted(v)).map(|c| c.1).sum();
        let all_common: f64 = stats.common.iter().map(|c| c.1).sum();
        let rest = (1.0 - all_common - stats.null_fraction).max(0.0);
        let below = fraction_below(&stats.histogram, value, ty);
        let fraction = match (below, c.op) {
            (None, _) => 0.5,
            (Some(f), "<" | "<=") => f,
            (Some(f), _) => 1.0 - f,
        };
        (common + rest * fraction).clamp(0.0001, 1.0)
    }

    /// LIKE, tried on the values that the statistics hold: if they are many, they are a fair sample.
    fn like(&self, args: &[Expr]) -> f64 {
        let guess = self.pattern(args);
        let [value, Expr { kind: ExprKind::Const(Datum::Text(pattern)), .. }] = args else { return guess };
        let Some(stats) = plain_column(value).and_then(|id| self.stats(id)) else { return guess };
        let matches = |d: &Datum| matches!(d, Datum::Text(text) if is_like(text, pattern));
        let common: f64 = stats.common.iter().filter(|c| matches(&c.0)).map(|c| c.1).sum();
        let all_common: f64 = stats.common.iter().map(|c| c.1).sum();
        let rest = (1.0 - all_common - stats.null_fraction).max(0.0);
        let sample = stats.histogram.len() as f64;
        let found = stats.histogram.iter().filter(|d| matches(d)).count() as f64;
        // A small sample is mixed with the guess, as PostgreSQL does; what is not seen is rare, not impossible.
        let share = match sample {
            n if n >= 100.0 => (found / n).max(0.5 / n),
            n if n >= 10.0 => (found + guess * (100.0 - n)) / 100.0,
            _ => guess,
        };
        common + rest * share
    }

    fn pattern(&self, args: &[Expr]) -> f64 {
        let [_, pattern] = args else { return DEFAULT_MATCH };
        let ExprKind::Const(Datum::Text(text)) = &pattern.kind else { return DEFAULT_MATCH };
        let mut s = 1.0f64;
        let mut fixed = 0;
        let mut wild = false;
        for c in text.chars() {
            match c {
                '%' => wild = true,
                '_' => {}
                _ => {
                    fixed += 1;
                    s *= 0.2;
                }
            }
        }
        if !wild && fixed > 0 {
            return DEFAULT_EQUAL;
        }
        // PostgreSQL: a fixed character keeps a fifth, `%` gives back a factor of five; a long word is rare, not impossible.
        if fixed == 0 { 1.0 } else { (s * 25.0).clamp(0.0005, 0.25) }
    }

    fn array_selectivity(&self, e: &Expr, any: bool, left: &Expr, array: &Expr) -> f64 {
        let count = match &array.kind {
            ExprKind::Const(Datum::Array(a)) => a.items.len() as f64,
            ExprKind::Array { items, .. } => items.len() as f64,
            _ => 10.0,
        };
        let name = operator_name(e).unwrap_or("=");
        let one = match (plain_column(left), &array.kind) {
            (Some(column), ExprKind::Const(Datum::Array(a))) if name == "=" => {
                let mut total = 0.0;
                for item in &a.items {
                    let other = Expr::constant(item.clone(), DataType::of(a.element));
                    total += self.equality(&Comparison { op: "=", column, other: &other });
                }
                return total.clamp(0.0, 1.0);
            }
            (Some(column), _) => 1.0 / self.distinct(column, f64::MAX),
            _ => DEFAULT_EQUAL,
        };
        match (name, any) {
            ("=", true) => (one * count).min(1.0),
            ("<>", false) => (1.0 - one * count).max(0.0),
            (_, true) => 0.9,
            (_, false) => 0.1,
        }
    }

    /// Estimated groups of some expressions over `rows` rows.
    pub(crate) fn groups<'e>(&self, exprs: impl Iterator<Item = &'e Expr>, rows: f64) -> f64 {
        let mut product = 1.0f64;
        for e in exprs {
            let n = match plain_column(e) {
                Some(id) => self.distinct(id, rows),
                None => {
                    let mut inner = 1.0f64;
                    e.any(&mut |e| {
                        if let ExprKind::Column(id) = e.kind {
                            inner *= self.distinct(id, rows);
                        }
                        false
                    });
                    inner.min(DEFAULT_DISTINCT)
                }
            };
            product *= n;
            if product >= rows {
                return rows.max(1.0);
            }
        }
        product.min(rows).max(1.0)
    }

    /// Rows of a relation that its TABLESAMPLE leaves.
    pub(crate) fn scan_rows(&self, scan: &LogicalScan) -> f64 {
        let rows = self.relation_rows(&scan.relation);
        let share = scan.sample.as_ref().map_or(1.0, |sample| match &sample.percent.kind {
            ExprKind::Const(Datum::Float4(percent)) => f64::from(*percent / 100.0).clamp(0.0, 1.0),
            _ => DEFAULT_SAMPLE,
        });
        (rows * share).max(1.0).min(rows.max(1.0))
    }

    /// Estimated rows of a plan.
    pub(crate) fn rows(&self, plan: &Logical) -> f64 {
        let rows = match plan {
            Logical::Values { rows, .. } => rows.len() as f64,
            Logical::Scan(scan) => self.scan_rows(scan),
            Logical::Function { calls, .. } => calls.iter().map(|c| self.set_rows(c)).fold(1.0, f64::max),
            Logical::CteScan { cte, work_table, .. } => {
                let rows = self.cte_rows.get(*cte as usize).copied().unwrap_or(DEFAULT_ROWS);
                if *work_table { (rows / 10.0).max(1.0) } else { rows }
            }
            Logical::RecursiveUnion { base, .. } => self.rows(&base.0) * 10.0,
            Logical::Filter { input, conditions } => self.rows(input) * self.conjunction(conditions),
            Logical::SecurityBarrier { input }
            | Logical::Project { input, .. }
            | Logical::Window { input, .. }
            | Logical::Sort { input, .. }
            | Logical::LockRows { input, .. } => self.rows(input),
            Logical::ProjectSet { input, .. } => self.rows(input) * 10.0,
            Logical::Join { kind, left, right, on, .. } => {
                self.join_rows(*kind, self.rows(left), self.rows(right), on)
            }
            Logical::Aggregate { input, group, sets, .. } => {
                let rows = self.rows(input);
                if sets.is_empty() {
                    self.groups(group.iter().map(|g| &g.1), rows)
                } else {
                    sets.iter().map(|s| self.groups(s.iter().map(|&i| &group[i as usize].1), rows)).sum()
                }
            }
            Logical::Distinct { input, on, .. } => {
                let rows = self.rows(input);
                let product = on.iter().fold(1.0, |p: f64, &id| (p * self.distinct(id, rows)).min(rows));
                product.max(1.0)
            }
            Logical::Limit { input, count, .. } => {
                let rows = self.rows(input);
                match count.as_ref().map(|c| &c.kind) {
                    Some(ExprKind::Const(Datum::Int8(n))) => rows.min(*n as f64),
                    Some(_) => (rows / 10.0).max(1.0),
                    None => rows,
                }
            }
            Logical::Union { inputs, .. } => inputs.iter().map(|i| self.rows(&i.0)).sum(),
            Logical::SetOp { left, .. } => self.rows(&left.0),
            Logical::Modify(modify) => self.rows(&modify.input),
        };
        rows.max(1.0)
    }

    fn set_rows(&self, call: &Expr) -> f64 {
        let (func, args) = match &call.kind {
            ExprKind::Call { func, args, .. } => (func, args),
            ExprKind::Routine { target, .. } if target.routine.returns_set => {
                return f64::from(target.routine.rows);
            }
            _ => return 1.0,
        };
        let int = |e: &Expr| match &e.kind {
            ExprKind::Const(Datum::Int4(n)) => Some(f64::from(*n)),
            ExprKind::Const(Datum::Int8(n)) => Some(*n as f64),
            _ => None,
        };
        match func.name {
            "generate_series" => {
                match (args.first().and_then(int), args.get(1).and_then(int), args.get(2).map(int)) {
                    (Some(a), Some(b), None) => (b - a + 1.0).max(0.0),
                    (Some(a), Some(b), Some(Some(step))) if step != 0.0 => {
                        ((b - a + step) / step).floor().max(0.0)
                    }
                    _ => 1000.0,
                }
            }
            "unnest" => match args.first().map(|a| &a.kind) {
                Some(ExprKind::Const(Datum::Array(a))) => a.items.len() as f64,
                Some(ExprKind::Array { items, .. }) => items.len() as f64,
                _ => 10.0,
            },
            _ => 1000.0,
        }
    }

    /// The share of row pairs that equalities over a whole unique key of several columns leave: one row for each, however few
    /// values every single column has. 0 if there is no such key.
    pub(crate) fn unique_share<'e>(&self, on: impl Iterator<Item = &'e Expr>) -> f64 {
        let mut equated = Vec::new();
        for c in on.filter_map(comparison).filter(|c| c.op == "=") {
            let Some(other) = plain_column(c.other) else { continue };
            equated.extend([c.column, other].into_iter().filter_map(|id| self.origin(id)));
        }
        let mut share = 0.0f64;
        for origin in &equated {
            let named = |column: usize| {
                equated.iter().any(|o| o.relation.oid == origin.relation.oid && o.column == column)
            };
            let unique = origin.relation.indexes.iter().any(|i| {
                let mut columns = i.columns.iter();
                let whole = columns.all(|c| matches!(c.key, IndexKey::Column(a) if named(a)));
                i.unique && i.valid && i.columns.len() > 1 && i.predicate.is_none() && whole
            });
            if unique {
                share = share.max(1.0 / self.relation_rows(&origin.relation));
            }
        }
        share
    }

    /// Rows of a join of inputs with the given sizes.
    pub(crate) fn join_rows(&self, kind: JoinKind, left: f64, right: f64, on: &[Expr]) -> f64 {
        let inner = (left * right * self.conjunction(on).max(self.unique_share(on.iter()))).max(1.0);
        match kind {
            JoinKind::Inner => inner,
            JoinKind::Left => inner.max(left),
            JoinKind::Right => inner.max(right),
            JoinKind::Full => inner.max(left).max(right),
            JoinKind::Semi => {
                // A left row survives when its value occurs on the right: share of distinct values.
                let mut s = 1.0f64;
                for e in on {
                    if let Some(c) = comparison(e)
                        && c.op == "="
                        && let Some(other) = plain_column(c.other)
                    {
                        let (a, b) = (self.distinct(c.column, f64::MAX), self.distinct(other, f64::MAX));
                        let (big, small) = if a > b { (a, b) } else { (b, a) };
                        s = s.min((small.min(right) / big).max(1e-6)).min(1.0);
                        continue;
                    }
                    s *= 0.5;
                }
                (left * s).max(1.0)
            }
            JoinKind::Anti | JoinKind::NullAwareAnti => {
                let matched = self.join_rows(JoinKind::Semi, left, right, on);
                (left - matched).max(left * 0.05).max(1.0)
            }
            JoinKind::Mark => left,
        }
    }
}

/// Whether two constants have one representation, so that comparing them means something.
fn comparable(a: &Datum, b: &Datum) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn same_family(a: Oid, b: Oid) -> bool {
    let text = |t| matches!(t, oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME);
    text(a) && text(b)
}

/// The share of a histogram's values below `value`.
fn fraction_below(histogram: &[Datum], value: &Datum, ty: Oid) -> Option<f64> {
    if histogram.len() < 2 {
        return None;
    }
    let buckets = (histogram.len() - 1) as f64;
    let at = histogram.partition_point(|v| compare(v, value, ty) == Ordering::Less);
    if at == 0 {
        return Some(0.0);
    }
    if at == histogram.len() {
        return Some(1.0);
    }
    let within = match (number(&histogram[at - 1]), number(&histogram[at]), number(value)) {
        (Some(low), Some(high), Some(v)) if high > low => ((v - low) / (high - low)).clamp(0.0, 1.0),
        _ => 0.5,
    };
    Some(((at - 1) as f64 + within) / buckets)
}

/// A value on a linear scale.
fn number(value: &Datum) -> Option<f64> {
    Some(match value {
        Datum::Int2(n) => f64::from(*n),
        Datum::Int4(n) | Datum::Date(n) => f64::from(*n),
        Datum::Int8(n) | Datum::Timestamp(n) | Datum::TimestampTz(n) | Datum::Time(n) => *n as f64,
        Datum::Float4(n) => f64::from(*n),
        Datum::Float8(n) => *n,
        _ => return None,
    })
}

/// Average width of a type's values.
pub(crate) fn type_width(ty: DataType) -> f64 {
    match ty.oid {
        oid::BOOL | oid::CHAR => 1.0,
        oid::INT2 => 2.0,
        oid::INT4
        | oid::OID
        | oid::DATE
        | oid::FLOAT4
        | oid::XID
        | oid::CID
        | oid::REGCLASS
        | oid::REGTYPE
        | oid::REGPROC => 4.0,
        oid::TID | oid::MACADDR => 6.0,
        oid::INT8 | oid::FLOAT8 | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME => 8.0,
        oid::MONEY | oid::MACADDR8 | oid::PG_LSN | oid::XID8 => 8.0,
        oid::TIMETZ => 12.0,
        oid::INTERVAL | oid::UUID => 16.0,
        oid::NAME => 64.0,
        oid::BPCHAR if ty.typmod > 4 => f64::from(ty.typmod),
        oid::VARCHAR if ty.typmod > 4 => {
            f64::from((ty.typmod - 4).min(32))
                + if ty.typmod > 36 { f64::from(ty.typmod - 36) / 2.0 } else { 0.0 }
        }
        _ => 32.0,
    }
}
