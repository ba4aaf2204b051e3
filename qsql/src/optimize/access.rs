//! Access paths: which index, if any, answers the conditions over a scan, and in what order its rows come.
//!
//! A condition is answered by an index when it is `key op value`, where no column of the scan occurs in `value`, and `value`
//! can be turned into the key's type without changing the comparison: an `int8` constant for an `int4` key if it fits,
//! `text` for `varchar`. What does not fit stays a filter. `key LIKE 'word%'` is a filter that a range helps: keys are in
//! byte order, and those that start with a word lie together.

mod search;

use std::sync::Arc;

use super::columns::{ColumnSet, Parts};
use super::cost::{
    CPU_INDEX_TUPLE, CPU_OPERATOR, CPU_TUPLE, DESCENT, FETCH, SEQ_PAGE, VISIT, pages_fetched, penalty,
    random_page,
};
use super::estimate::{Estimator, commuted, is_widening, operator_name};
use super::fold::{simplify, volatility};
use crate::bind::{BindContext, StoredKind, bind_expression};
use crate::catalog::{Index, IndexKey, RelationKind};
use crate::func::access::AccessMethod;
use crate::func::category::element_of;
use crate::func::resolve::{Coercion, find_coercion};
use crate::func::{CastContext, Volatility};
use crate::plan::expr::{CallForm, ColumnId, Expr, ExprKind};
use crate::plan::logical::LogicalScan;
use crate::plan::physical::{IndexRange, ScanColumn, SearchClause};
use crate::plan::same::same;
use crate::types::{DataType, Datum, Oid, oid};

/// One key of a wanted or given order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderKey {
    pub(crate) column: ColumnId,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// The order that somebody above would like, and how many rows he takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Want {
    pub(crate) order: Vec<OrderKey>,
    pub(crate) limit: Option<f64>,
}

/// An index with the key ranges to read.
pub(crate) struct IndexPath {
    pub(crate) index: Arc<Index>,
    pub(crate) range: IndexRange,
    pub(crate) backward: bool,
    pub(crate) index_only: bool,
    /// The answered conditions.
    pub(crate) shown: Vec<Expr>,
    /// What is asked of an index that is searched, and not read in its order: then `range` says nothing.
    pub(crate) clauses: Vec<SearchClause>,
}

/// Correlation from which on values count as stored in their order.
pub(crate) const CLUSTERED: f64 = 0.9;

/// How a relation is read.
pub(crate) struct Path {
    /// `None`: from end to end.
    pub(crate) index: Option<IndexPath>,
    /// Conditions left to check.
    pub(crate) filter: Vec<Expr>,
    pub(crate) rows: f64,
    pub(crate) startup: f64,
    pub(crate) total: f64,
    pub(crate) order: Vec<OrderKey>,
    /// At most one row, by a full key of a unique index.
    pub(crate) point: bool,
    /// Rows that lie together in the index lie together in the table.
    pub(crate) clustered: bool,
}

/// What path selection looks at.
pub(crate) struct Access<'a, 'b> {
    pub(crate) cx: &'a BindContext<'a>,
    pub(crate) estimator: &'b Estimator<'a>,
    pub(crate) parts: Parts<'b>,
}

/// A condition turned towards a key column.
struct KeyCondition {
    /// Index into the conditions.
    source: usize,
    op: KeyOp,
    value: Option<Expr>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyOp {
    Equal,
    Less(bool),
    Greater(bool),
    AnyOf,
    IsNull,
}

impl Access<'_, '_> {
    /// Chooses the cheapest path, counting the sort that a missing order would cost.
    pub(crate) fn best(
        &self,
        scan: &LogicalScan,
        conditions: &[Expr],
        need: &ColumnSet,
        want: &Want,
    ) -> Path {
        let rows = self.estimator.relation_rows(&scan.relation);
        let pages = self.estimator.relation_pages(&scan.relation);
        let sampled = self.estimator.scan_rows(scan);
        let out_rows = (sampled * self.estimator.conjunction(conditions)).max(1.0);
        let filter_cost = rows * CPU_OPERATOR * conditions.len() as f64;
        let mut best = Path {
            index: None,
            filter: conditions.to_vec(),
            rows: out_rows,
            startup: 0.0,
            total: pages * SEQ_PAGE + rows * CPU_TUPLE + filter_cost + penalty(self.cx, "enable_seqscan"),
            order: Vec::new(),
            point: false,
            clustered: false,
        };
        let stored = matches!(scan.relation.kind, RelationKind::Table | RelationKind::MaterializedView);
        if !stored || scan.sample.is_some() {
            return best;
        }
        let mut best_value = self.value(&best, want);
        for index in scan.relation.indexes.iter().filter(|i| i.valid) {
            let path = match index.method {
                AccessMethod::Btree => {
                    self.index_path(scan, index, conditions, need, want, rows, pages, out_rows)
                }
                _ => self.search_path(scan, index, conditions, rows, pages, out_rows),
            };
            let Some(path) = path else {
                continue;
            };
            let value = self.value(&path, want);
            if path.point && !best.point || path.point == best.point && value < best_value {
                best_value = value;
                best = path;
            }
        }
        best
    }

    /// The cost that counts: with the wanted order and limit taken into account.
    fn value(&self, path: &Path, want: &Want) -> f64 {
        if want.order.is_empty() {
            return path.total;
        }
        if provides(&path.order, &want.order) {
            return match want.limit {
                Some(n) if n < path.rows => path.startup + (path.total - path.startup) * (n / path.rows),
                _ => path.total,
            };
        }
        path.total + super::cost::sort_cost(path.rows, want.limit)
    }

    #[allow(clippy::too_many_arguments, reason = "the facts of one scan")]
    fn index_path(
        &self,
        scan: &LogicalScan,
        index: &Arc<Index>,
        conditions: &[Expr],
        need: &ColumnSet,
        want: &Want,
        rows: f64,
        pages: f64,
        out_rows: f64,
    ) -> Option<Path> {
        let keys = self.key_exprs(scan, index)?;
        let own_conditions = conditions.len();
        let derived = prefix_ranges(conditions);
        let with_ranges: Vec<Expr>;
        let conditions = if derived.is_empty() {
            conditions
        } else {
            with_ranges = [conditions, &derived].concat();
            &with_ranges
        };
        let mut implied = Vec::new();
        if let Some(text) = &index.predicate {
            implied = self.implied(scan, text, conditions)?;
        }
        let own = ColumnSet::of(scan.columns.iter().map(|c| c.0));
        let mut range = IndexRange::default();
        let mut used: Vec<usize> = Vec::new();
        let mut equal_columns = Vec::new();
        let mut position = 0;
        let mut ends_with_any = false;
        for (i, key) in keys.iter().enumerate() {
            let found =
                self.key_conditions(key, index.columns[i].ty, index.columns[i].collation, conditions, &own);
            position = i;
            if let Some(c) = found.iter().find(|c| c.op == KeyOp::Equal) {
                range.equal.extend(c.value.clone());
                used.push(c.source);
                if let ExprKind::Column(id) = key.kind {
                    equal_columns.push(id);
                }
                position = i + 1;
                continue;
            }
            if let Some(c) = found.iter().find(|c| c.op == KeyOp::IsNull) {
                range.is_null = true;
                used.push(c.source);
                ends_with_any = true;
                break;
            }
            if let Some(c) = found.iter().find(|c| c.op == KeyOp::AnyOf) {
                range.any = c.value.clone();
                used.push(c.source);
                ends_with_any = true;
                break;
            }
            for c in found {
                match c.op {
                    KeyOp::Greater(inclusive) if range.lower.is_none() => {
                        range.lower = c.value.map(|v| (v, inclusive));
                        used.push(c.source);
                    }
                    KeyOp::Less(inclusive) if range.upper.is_none() => {
                        range.upper = c.value.map(|v| (v, inclusive));
                        used.push(c.source);
                    }
                    _ => {}
                }
            }
            break;
        }
        // What order do the rows come in?
        let mut order = Vec::new();
        let start = range.equal.len();
        if !ends_with_any && start == position.min(keys.len())
            || range.lower.is_some()
            || range.upper.is_some()
        {
            for (key, column) in keys.iter().zip(&index.columns).skip(start) {
                let ExprKind::Column(id) = key.kind else { break };
                order.push(OrderKey {
                    column: id,
                    descending: column.descending,
                    nulls_first: column.nulls_first,
                });
            }
        }
        let wanted: Vec<OrderKey> =
            want.order.iter().filter(|k| !equal_columns.contains(&k.column)).copied().collect();
        let mut backward = false;
        if !wanted.is_empty() && !provides(&order, &wanted) {
            let reversed: Vec<OrderKey> = order
                .iter()
                .map(|k| OrderKey {
                    column: k.column,
                    descending: !k.descending,
                    nulls_first: !k.nulls_first,
                })
                .collect();
            if provides(&reversed, &wanted) {
                backward = true;
                order = reversed;
            }
        }
        let useful_order = !want.order.is_empty() && provides(&order, &wanted);
        if useful_order {
            order = want.order.clone();
        }
        if used.is_empty() && !useful_order && implied.is_empty() {
            return None;
        }
        let point = index.unique && index.predicate.is_none() && range.equal.len() == keys.len();
        let answered: Vec<Expr> = used.iter().map(|&i| key_first(&conditions[i], &keys)).collect();
        let filter: Vec<Expr> = conditions
            .iter()
            .enumerate()
            .filter(|(i, _)| *i < own_conditions && !used.contains(i) && !implied.contains(i))
            .map(|(_, e)| e.clone())
            .collect();
        let selected = if point { 1.0 } else { (rows * self.estimator.conjunction(&answered)).max(1.0) };
        let selected = match index.predicate {
            Some(_) => {
                let share: Vec<Expr> = implied.iter().map(|&i| conditions[i].clone()).collect();
                (selected * self.estimator.conjunction(&share)).max(1.0)
            }
            None => selected,
        };
        let mut all = need.clone();
        filter.iter().for_each(|e| self.parts.expr_columns(e, &mut all));
        let index_only = scan.columns.iter().filter(|c| all.contains(c.0)).all(|&(id, what)| match what {
            ScanColumn::TableOid => true,
            ScanColumn::Attribute(_) => keys.iter().any(|k| matches!(k.kind, ExprKind::Column(x) if x == id)),
            _ => false,
        }) && self.cx.catalog.enabled("enable_indexonlyscan");
        let descents = match range.any.as_ref().map(|e| &e.kind) {
            Some(ExprKind::Const(Datum::Array(a))) => a.items.len() as f64,
            Some(_) => 10.0,
            None => 1.0,
        };
        let page = random_page(self.cx, pages);
        let startup = descents * (DESCENT + page);
        let mut total =
            startup + (selected / 400.0).floor() * page + selected * (CPU_INDEX_TUPLE + CPU_OPERATOR);
        total += selected * CPU_OPERATOR * filter.len() as f64;
        let correlation = keys.first().map_or(0.0, |key| match key.kind {
            ExprKind::Column(id) => self.estimator.correlation(id),
            _ => 0.0,
        });
        if !index_only {
            let fetched = pages_fetched(selected, pages);
            // In the index's order a leaf is visited anew for each row, unless neighbours there are neighbours here.
            let scattered = if useful_order { selected } else { fetched };
            let together = (selected * pages / rows).ceil();
            let visits = scattered + (together - scattered) * correlation * correlation;
            total += fetched * page + visits * VISIT + selected * FETCH;
        }
        total += penalty(self.cx, "enable_indexscan");
        Some(Path {
            index: Some(IndexPath {
                index: index.clone(),
                range,
                backward,
                index_only,
                shown: answered,
                clauses: Vec::new(),
            }),
            filter,
            rows: if point { 1.0 } else { out_rows.min(selected) },
            startup,
            total,
            order,
            point,
            clustered: correlation.abs() > CLUSTERED,
        })
    }

    /// The index's keys over the scan's columns; `None` if a column is not scanned.
    fn key_exprs(&self, scan: &LogicalScan, index: &Index) -> Option<Vec<Expr>> {
        let mut keys = Vec::with_capacity(index.columns.len());
        for column in &index.columns {
            keys.push(match &column.key {
                IndexKey::Column(i) => {
                    let id = scan_column(scan, *i)?;
                    Expr::column(id, scan.relation.columns[*i].ty)
                }
                IndexKey::Expression(text) => self.stored(scan, text, StoredKind::Index)?,
            });
        }
        Some(keys)
    }

    /// A stored expression over the scan's columns.
    fn stored(&self, scan: &LogicalScan, text: &str, kind: StoredKind) -> Option<Expr> {
        let mut e = bind_expression(text, Some(&scan.relation), None, kind, self.cx).ok()?;
        super::routine::inline(&mut e, self.cx, &mut Vec::new());
        simplify(&mut e, self.cx);
        let mut complete = true;
        rename(&mut e, &mut |i| {
            scan_column(scan, i as usize).unwrap_or_else(|| {
                complete = false;
                i
            })
        });
        complete.then_some(e)
    }

    /// The conditions that make up a partial index's predicate; `None` if it does not follow from the conditions.
    fn implied(&self, scan: &LogicalScan, predicate: &str, conditions: &[Expr]) -> Option<Vec<usize>> {
        let bound = self.stored(scan, predicate, StoredKind::IndexPredicate)?;
        let parts = match bound.kind {
            ExprKind::And(items) => items,
            _ => vec![bound],
        };
        let mut used = Vec::new();
        for part in parts {
            match conditions.iter().position(|c| same_ignoring_collation(c, &part)) {
                Some(i) => used.push(i),
                None => {
                    // `x IS NOT NULL` follows from any strict comparison of x.
                    let ExprKind::IsNull { value, negated: true } = &part.kind else { return None };
                    let strict = |c: &Expr| matches!(&c.kind, ExprKind::Call { func, args, .. } if func.strict && args.iter().any(|a| same_ignoring_collation(a, value)));
                    if !conditions.iter().any(strict) {
                        return None;
                    }
                }
            }
        }
        Some(used)
    }

    fn key_conditions(
        &self,
        key: &Expr,
        ty: DataType,
        collation: Oid,
        conditions: &[Expr],
        own: &ColumnSet,
    ) -> Vec<KeyCondition> {
        let mut out = Vec::new();
        for (source, e) in conditions.iter().enumerate() {
            if let Some((op, value)) = self.match_key(key, ty, collation, e, own) {
                out.push(KeyCondition { source, op, value });
            }
        }
        out
    }

    fn match_key(
        &self,
        key: &Expr,
        ty: DataType,
        collation: Oid,
        e: &Expr,
        own: &ColumnSet,
    ) -> Option<(KeyOp, Option<Expr>)> {
        let free = |e: &Expr| {
            !self.parts.columns_of(e).intersects(own)
                && volatility(e) != Volatility::Volatile
                && !e.has_subquery()
        };
        match &e.kind {
            ExprKind::IsNull { value, negated: false } if is_key(key, value) => Some((KeyOp::IsNull, None)),
            // A Boolean key: `WHERE flag`, `WHERE NOT flag`.
            ExprKind::Column(_) if ty.oid == oid::BOOL && is_key(key, e) => {
                Some((KeyOp::Equal, Some(Expr::constant(Datum::Bool(true), ty))))
            }
            ExprKind::Not(inner) if ty.oid == oid::BOOL && is_key(key, inner) => {
                Some((KeyOp::Equal, Some(Expr::constant(Datum::Bool(false), ty))))
            }
            ExprKind::ScalarArray { any: true, left, array, .. }
                if operator_name(e) == Some("=") && free(array) =>
            {
                if !is_key(key, left) {
                    return None;
                }
                let element = element_of(array.ty.oid)?;
                if element == ty.oid || binary_same(element, ty.oid) {
                    return Some((KeyOp::AnyOf, Some((**array).clone())));
                }
                // An array constant of another integer type.
                let ExprKind::Const(Datum::Array(values)) = &array.kind else { return None };
                let mut items = Vec::with_capacity(values.items.len());
                for v in &values.items {
                    items.push(convert(v, ty.oid)?);
                }
                let array_type = crate::func::category::array_of(ty.oid)?;
                let dims = values.dims.clone();
                let value = Datum::Array(Arc::new(crate::types::Array { element: ty.oid, dims, items }));
                Some((KeyOp::AnyOf, Some(Expr::constant(value, DataType::of(array_type)))))
            }
            ExprKind::Call { args, .. } => {
                let name = operator_name(e)?;
                let [left, right] = args.as_slice() else { return None };
                let (op, side, other) = if is_key(key, left) && free(right) {
                    (name, left, right)
                } else if is_key(key, right) && free(left) {
                    (commuted(name)?, right, left)
                } else {
                    return None;
                };
                let op = match op {
                    "=" => KeyOp::Equal,
                    "<" => KeyOp::Less(false),
                    "<=" => KeyOp::Less(true),
                    ">" => KeyOp::Greater(false),
                    ">=" => KeyOp::Greater(true),
                    _ => return None,
                };
                let used = e_collation(side, other);
                if op != KeyOp::Equal && collation != 0 && used != 0 && used != collation {
                    return None;
                }
                let value = self.to_key_type(other, ty)?;
                Some((op, Some(value)))
            }
            _ => None,
        }
    }

    /// Turns a value into the key's type if that keeps every comparison.
    fn to_key_type(&self, e: &Expr, ty: DataType) -> Option<Expr> {
        let from = e.ty.oid;
        if from == ty.oid || binary_same(from, ty.oid) {
            return Some(e.clone());
        }
        if let ExprKind::Const(value) = &e.kind {
            return convert(value, ty.oid).map(|v| Expr::constant(v, DataType::of(ty.oid)));
        }
        // A narrower type becomes the key's by its implicit cast.
        if is_widening(from, ty.oid)
            && let Some(Coercion::Function(func)) = find_coercion(from, ty.oid, CastContext::Implicit)
            && func.args.len() == 1
        {
            return Some(Expr::new(
                ExprKind::Call { func, args: vec![e.clone()], operator: 0, form: CallForm::Coerced },
                DataType::of(ty.oid),
            ));
        }
        // The cast that made it wide may be taken off again.
        if let ExprKind::Call { func, args, operator: 0, .. } = &e.kind
            && args.len() == 1
            && args[0].ty.oid == ty.oid
            && is_widening(args[0].ty.oid, func.result)
        {
            return Some(args[0].clone());
        }
        None
    }
}

/// For every `x LIKE 'word...'`: `x >= 'word'` and `x < 'wore'`.
fn prefix_ranges(conditions: &[Expr]) -> Vec<Expr> {
    let mut out = Vec::new();
    for e in conditions {
        let ExprKind::Call { func, args, .. } = &e.kind else { continue };
        let (
            "textlike" | "like" | "starts_with",
            [value, Expr { kind: ExprKind::Const(Datum::Text(pattern)), .. }],
        ) = (func.name, args.as_slice())
        else {
            continue;
        };
        let prefix = if func.name == "starts_with" { pattern.to_string() } else { like_prefix(pattern) };
        if prefix.is_empty() {
            continue;
        }
        let mut compare = |op: &str, bound: String| {
            let operator =
                crate::func::operators(op).iter().find(|o| o.left == oid::TEXT && o.right == oid::TEXT);
            if let Some(operator) = operator
                && let Some(func) = crate::func::function_by_oid(operator.function)
            {
                let bound = Expr::constant(Datum::Text(Arc::from(bound)), DataType::of(oid::TEXT));
                let kind = ExprKind::Call {
                    func,
                    args: vec![value.clone(), bound],
                    operator: operator.oid,
                    form: CallForm::Plain,
                };
                out.push(Expr { kind, ..e.clone() });
            }
        };
        let after = successor(&prefix);
        compare(">=", prefix);
        if let Some(after) = after {
            compare("<", after);
        }
    }
    out
}

/// What a LIKE pattern starts with, up to its first wildcard.
fn like_prefix(pattern: &str) -> String {
    let mut prefix = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' | '_' => break,
            '\\' => match chars.next() {
                Some(escaped) => prefix.push(escaped),
                None => break,
            },
            c => prefix.push(c),
        }
    }
    prefix
}

/// The least string above all that start with `prefix`, in byte order; `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The condition with the key on the left, as EXPLAIN shows it.
fn key_first(e: &Expr, keys: &[Expr]) -> Expr {
    if let ExprKind::Call { args, operator, .. } = &e.kind
        && let [left, right] = args.as_slice()
        && !keys.iter().any(|k| is_key(k, left))
        && keys.iter().any(|k| is_key(k, right))
        && let Some(commutator) =
            crate::func::operator_by_oid(*operator).and_then(|o| crate::func::operator_by_oid(o.commutator))
        && let Some(func) = crate::func::function_by_oid(commutator.function)
    {
        let kind = ExprKind::Call {
            func,
            args: vec![right.clone(), left.clone()],
            operator: commutator.oid,
            form: CallForm::Plain,
        };
        return Expr { kind, ..e.clone() };
    }
    e.clone()
}

fn e_collation(side: &Expr, other: &Expr) -> Oid {
    if side.collation != 0 { side.collation } else { other.collation }
}

fn same_ignoring_collation(a: &Expr, b: &Expr) -> bool {
    if let (ExprKind::Column(x), ExprKind::Column(y)) = (&a.kind, &b.kind) {
        return x == y;
    }
    same(a, b)
}

/// Whether an expression is the key, perhaps under a cast that keeps order and equality.
fn is_key(key: &Expr, e: &Expr) -> bool {
    if same_ignoring_collation(key, e) {
        return true;
    }
    match &e.kind {
        ExprKind::Relabel(inner) => binary_same(inner.ty.oid, e.ty.oid) && is_key(key, inner),
        ExprKind::Call { func, args, operator: 0, .. }
            if args.len() == 1 && is_widening(args[0].ty.oid, func.result) =>
        {
            is_key(key, &args[0])
        }
        _ => false,
    }
}

/// Types that are compared alike and stored alike.
fn binary_same(a: Oid, b: Oid) -> bool {
    let text = |t| matches!(t, oid::TEXT | oid::VARCHAR);
    let oids = |t| {
        matches!(t, oid::OID | oid::REGCLASS | oid::REGTYPE | oid::REGPROC | oid::REGROLE | oid::REGNAMESPACE)
    };
    a == b || text(a) && text(b) || oids(a) && oids(b)
}

/// A constant as a value of another type, if it is exactly one.
fn convert(value: &Datum, to: Oid) -> Option<Datum> {
    let int: i64 = match value {
        Datum::Null => return Some(Datum::Null),
        Datum::Int2(n) => i64::from(*n),
        Datum::Int4(n) => i64::from(*n),
        Datum::Int8(n) => *n,
        Datum::Float8(f) if f.fract() == 0.0 && f.abs() < 9.0e15 => *f as i64,
        Datum::Numeric(_) => {
            let cx = crate::types::IoContext::default();
            let text = crate::types::io_text::to_text(value, oid::NUMERIC, &cx).ok()?;
            let whole = match text.split_once('.') {
                Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') => whole,
                Some(_) => return None,
                None => &text,
            };
            whole.parse().ok()?
        }
        _ => return None,
    };
    match to {
        oid::INT2 => i16::try_from(int).ok().map(Datum::Int2),
        oid::INT4 => i32::try_from(int).ok().map(Datum::Int4),
        oid::INT8 => Some(Datum::Int8(int)),
        oid::OID => u32::try_from(int).ok().map(Datum::Oid),
        oid::FLOAT8 if int.abs() < 1 << 53 => Some(Datum::Float8(int as f64)),
        _ => None,
    }
}

fn scan_column(scan: &LogicalScan, attribute: usize) -> Option<ColumnId> {
    scan.columns.iter().find(|c| c.1 == ScanColumn::Attribute(attribute)).map(|c| c.0)
}

fn rename(e: &mut Expr, f: &mut dyn FnMut(ColumnId) -> ColumnId) {
    if let ExprKind::Column(id) = &mut e.kind {
        *id = f(*id);
    }
    e.each_child_mut(&mut |child| rename(child, f));
}

/// Whether rows in order `given` are in order `wanted`.
pub(crate) fn provides(given: &[OrderKey], wanted: &[OrderKey]) -> bool {
    given.len() >= wanted.len() && given.iter().zip(wanted).all(|(g, w)| g == w)
}
