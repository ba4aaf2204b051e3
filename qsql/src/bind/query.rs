//! Query expressions: set operations, VALUES, and the ORDER BY and LIMIT of a whole.

use std::sync::Arc;

use super::Binder;
use super::expr::literal;
use super::scope::Clause;
use crate::error::{Result, SqlError};
use crate::func::CastContext;
use crate::func::opclass::{equality_operator, ordering_operators};
use crate::parse::ast::{
    ExprId, ExprKind as A, Limit, OrderItem, Query, QueryBody, QueryId, Rows, SetOperator,
};
use crate::plan::expr::{ColumnId, Expr, ExprKind, SortKey};
use crate::plan::logical::Logical;
use crate::plan::physical::SetOp;
use crate::sql_err;
use crate::types::{DataType, Datum, oid};

/// A result column.
#[derive(Clone, Debug)]
pub(crate) struct ResultColumn {
    pub(crate) name: Arc<str>,
    pub(crate) id: ColumnId,
    /// Its place in the text.
    pub(crate) at: u32,
}

/// A bound query.
pub(crate) struct BoundQuery {
    pub(crate) plan: Logical,
    pub(crate) columns: Vec<ResultColumn>,
}

impl BoundQuery {
    pub(crate) fn ids(&self) -> Vec<ColumnId> {
        self.columns.iter().map(|c| c.id).collect()
    }
}

impl Binder<'_> {
    /// Binds a query; with `settle`, result columns of unknown type become text.
    pub(crate) fn bind_query_body(&mut self, id: QueryId, settle: bool) -> Result<BoundQuery> {
        let ast = self.ast;
        let query = &ast[id];
        let visible = self.with.len();
        self.open_with(query.with.as_deref())?;
        let result = self.nested(|b| b.bind_query_core(id, settle));
        self.with.truncate(visible);
        result
    }

    fn bind_query_core(&mut self, id: QueryId, settle: bool) -> Result<BoundQuery> {
        let query = &self.ast[id];
        match &query.body {
            QueryBody::Select(select) => self.bind_select(select, id, settle),
            QueryBody::Values(rows) => {
                self.refuse_locking(query, "VALUES")?;
                self.push_scope(Clause::Values);
                let result = self.bind_values(rows).and_then(|q| self.bind_tail(q, id, false));
                self.scopes.pop();
                result
            }
            QueryBody::SetOp { .. } => {
                self.refuse_locking(query, "UNION/INTERSECT/EXCEPT")?;
                let bound = self.bind_set_operations(query)?;
                self.push_scope(Clause::OrderBy);
                let result = self.bind_tail(bound, id, true);
                self.scopes.pop();
                result
            }
        }
    }

    fn refuse_locking(&self, query: &Query, what: &str) -> Result<()> {
        match query.locking.first() {
            None => Ok(()),
            Some(locking) => {
                let strength = super::select::lock_name(locking.strength);
                let text = match what {
                    "VALUES" => format!("{strength} cannot be applied to VALUES"),
                    _ => format!("{strength} is not allowed with {what}"),
                };
                Err(sql_err!(FEATURE_NOT_SUPPORTED, "{text}"))
            }
        }
    }

    fn bind_values(&mut self, rows: &Rows) -> Result<BoundQuery> {
        let width = rows.row(0).len();
        let mut columns: Vec<Vec<Expr>> = vec![Vec::with_capacity(rows.len()); width];
        for row in rows.iter() {
            if row.len() != width {
                let pos = row.first().map_or(0, |&e| self.ast.start_of(e));
                return Err(sql_err!(SYNTAX_ERROR, "VALUES lists must all be the same length").at(pos));
            }
            for (column, &id) in columns.iter_mut().zip(row) {
                column.push(self.bind_expr(id)?);
            }
        }
        let mut ids = Vec::with_capacity(width);
        let mut result = Vec::with_capacity(width);
        for (i, column) in columns.iter_mut().enumerate() {
            for (row, value) in rows.iter().zip(column.iter()) {
                self.note_expr(row[i], value);
            }
            let ty = self.coerce_to_common(column, "VALUES")?;
            for (row, value) in rows.iter().zip(column.iter()) {
                self.note_typed(row[i], value);
            }
            let mut column_of = literal(Datum::Null, ty.oid, 0);
            column_of.ty = ty;
            column_of.collation = column.first().map_or(0, |e| e.collation);
            let id = self.column_for(&column_of);
            ids.push(id);
            let at = column.first().map_or(u32::MAX, |e| e.at);
            result.push(ResultColumn { name: Arc::from(format!("column{}", i + 1)), id, at });
        }
        let mut rows_out: Vec<Vec<Expr>> = (0..rows.len()).map(|_| Vec::with_capacity(width)).collect();
        for column in columns {
            for (row, value) in rows_out.iter_mut().zip(column) {
                row.push(value);
            }
        }
        Ok(BoundQuery { plan: Logical::Values { columns: ids, rows: rows_out }, columns: result })
    }

    fn bind_set_operations(&mut self, query: &Query) -> Result<BoundQuery> {
        let ast = self.ast;
        // The left spine is walked in a loop: UNION chains may be long.
        let mut steps: Vec<(SetOperator, bool, QueryId)> = Vec::new();
        let mut body = &query.body;
        let first = loop {
            let QueryBody::SetOp { op, all, left, right, .. } = body else {
                return Err(SqlError::internal("no set operation"));
            };
            steps.push((*op, *all, *right));
            let next = &ast[*left];
            let plain = next.with.is_none()
                && next.order_by.is_empty()
                && next.limit.is_none()
                && next.offset.is_none();
            match &next.body {
                deeper @ QueryBody::SetOp { .. } if plain => body = deeper,
                _ => break *left,
            }
        };
        let mut left = self.bind_query_body(first, false)?;
        while let Some((op, all, right)) = steps.pop() {
            let right = self.bind_query_body(right, false)?;
            left = self.combine(op, all, left, right)?;
        }
        Ok(left)
    }

    /// Joins two queries by a set operation, with common types.
    pub(crate) fn combine(
        &mut self,
        op: SetOperator,
        all: bool,
        left: BoundQuery,
        right: BoundQuery,
    ) -> Result<BoundQuery> {
        let word = match op {
            SetOperator::Union => "UNION",
            SetOperator::Intersect => "INTERSECT",
            SetOperator::Except => "EXCEPT",
        };
        if left.columns.len() != right.columns.len() {
            return Err(width_error(word, &right));
        }
        let mut types = Vec::with_capacity(left.columns.len());
        for (l, r) in left.columns.iter().zip(&right.columns) {
            let mut both = [self.output_expr(&left.plan, l.id), self.output_expr(&right.plan, r.id)];
            both[0].at = l.at;
            both[1].at = r.at;
            let ty = self.coerce_to_common(&mut both, word)?;
            self.note_retyped(l.id, &both[0]);
            self.note_retyped(r.id, &both[1]);
            if !(all && op == SetOperator::Union) {
                let at = both[0].at;
                equality_operator(ty.oid).map_err(|e| if at == u32::MAX { e } else { e.at(at) })?;
            }
            types.push(ty);
        }
        let names: Vec<(Arc<str>, u32)> = left.columns.iter().map(|c| (c.name.clone(), c.at)).collect();
        let (left_plan, left_ids) = self.coerce_outputs(left, &types)?;
        let (right_plan, right_ids) = self.coerce_outputs(right, &types)?;
        let mut ids = Vec::with_capacity(types.len());
        for (i, &ty) in types.iter().enumerate() {
            let mut like = self.column(left_ids[i]);
            like.ty = ty;
            like.kind = ExprKind::CaseTest;
            ids.push(self.column_for(&like));
        }
        let plan = match op {
            SetOperator::Union => {
                let mut inputs = Vec::new();
                match left_plan {
                    // UNION ALL is associative as long as no type changes between.
                    Logical::Union { inputs: inner, columns } if columns == left_ids => inputs.extend(inner),
                    other => inputs.push((other, left_ids)),
                }
                inputs.push((right_plan, right_ids));
                let union = Logical::Union { inputs, columns: ids.clone() };
                if all {
                    union
                } else {
                    Logical::Distinct { input: Box::new(union), on: ids.clone(), ordered: false }
                }
            }
            SetOperator::Intersect | SetOperator::Except => {
                let op = match (op, all) {
                    (SetOperator::Intersect, false) => SetOp::Intersect,
                    (SetOperator::Intersect, true) => SetOp::IntersectAll,
                    (_, false) => SetOp::Except,
                    (_, true) => SetOp::ExceptAll,
                };
                let (left, right) = (Box::new((left_plan, left_ids)), Box::new((right_plan, right_ids)));
                Logical::SetOp { op, left, right, columns: ids.clone() }
            }
        };
        let columns =
            names.into_iter().zip(ids).map(|((name, at), id)| ResultColumn { name, id, at }).collect();
        Ok(BoundQuery { plan, columns })
    }

    /// The expression behind an output column if that is an untyped literal or parameter, else the column.
    pub(crate) fn output_expr(&self, plan: &Logical, id: ColumnId) -> Expr {
        if self.s.types[id as usize].oid == oid::UNKNOWN
            && let Some(e) = projected(plan, id)
        {
            return e.clone();
        }
        self.column(id)
    }

    /// Coerces the outputs of a query to types; adds a projection only if something changes.
    pub(crate) fn coerce_outputs(
        &mut self,
        query: BoundQuery,
        types: &[DataType],
    ) -> Result<(Logical, Vec<ColumnId>)> {
        let ids = query.ids();
        if ids.iter().zip(types).all(|(&id, ty)| self.s.types[id as usize].oid == ty.oid) {
            return Ok((query.plan, ids));
        }
        let mut exprs = Vec::with_capacity(ids.len());
        for (&id, ty) in ids.iter().zip(types) {
            let e = self.output_expr(&query.plan, id);
            let e = match self.coerce_type(e, ty.oid, -1, CastContext::Implicit)? {
                Some(e) => e,
                None => return Err(SqlError::internal("common type that fits nobody")),
            };
            exprs.push((self.column_for(&e), e));
        }
        let ids = exprs.iter().map(|e| e.0).collect();
        Ok((Logical::Project { input: Box::new(query.plan), exprs }, ids))
    }

    /// ORDER BY and LIMIT over the columns of a set operation or VALUES.
    fn bind_tail(&mut self, bound: BoundQuery, id: QueryId, set_operation: bool) -> Result<BoundQuery> {
        let query = &self.ast[id];
        let mut keys = Vec::with_capacity(query.order_by.len());
        let mut written = Vec::with_capacity(query.order_by.len());
        for item in &query.order_by {
            let index = self.order_position(item, &bound, set_operation)?;
            let column = self.column(bound.columns[index].id);
            let mut column = column;
            column.at = self.ast.start_of(item.expr);
            let key = self.sort_key(item, column)?;
            written.push((index, key.descending, key.nulls_first));
            keys.push(key);
        }
        self.note_tail(id, written);
        let ties = keys.clone();
        let plan = sorted(bound.plan, keys);
        let plan = self.bind_limit(plan, query.limit.as_ref(), query.offset, &ties)?;
        Ok(BoundQuery { plan, columns: bound.columns })
    }

    fn order_position(&mut self, item: &OrderItem, bound: &BoundQuery, set_operation: bool) -> Result<usize> {
        let ast = self.ast;
        let pos = ast.start_of(item.expr);
        match &ast[item.expr].kind {
            A::Int(n) => position(*n, bound.columns.len(), "ORDER BY", pos),
            A::Column(parts) if parts.len() == 1 => {
                let mut hits = bound.columns.iter().enumerate().filter(|(_, c)| *c.name == *parts[0].name);
                match (hits.next(), hits.next()) {
                    (Some((i, _)), None) => Ok(i),
                    (Some(_), Some(_)) => {
                        Err(sql_err!(AMBIGUOUS_COLUMN, "ORDER BY \"{}\" is ambiguous", parts[0].name).at(pos))
                    }
                    (None, _) => Err(self.no_such_column(None, &parts[0].name, pos)),
                }
            }
            _ if set_operation => {
                Err(sql_err!(FEATURE_NOT_SUPPORTED, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
                    .detail("Only result column names can be used, not expressions or functions.")
                    .hint(
                        "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
                    )
                    .at(pos))
            }
            _ => Err(SqlError::unsupported("ORDER BY an expression over VALUES").at(pos)),
        }
    }

    /// Binds OFFSET and LIMIT on top of a plan.
    pub(crate) fn bind_limit(
        &mut self,
        plan: Logical,
        limit: Option<&Limit>,
        offset: Option<ExprId>,
        keys: &[SortKey],
    ) -> Result<Logical> {
        if limit.is_none() && offset.is_none() {
            return Ok(plan);
        }
        let offset = offset.map(|id| self.bind_count(id, Clause::Offset)).transpose()?;
        let count = limit.map(|l| self.bind_count(l.count, Clause::Limit)).transpose()?;
        let mut ties = Vec::new();
        if limit.is_some_and(|l| l.with_ties) {
            if keys.is_empty() {
                return Err(sql_err!(SYNTAX_ERROR, "WITH TIES cannot be specified without ORDER BY clause"));
            }
            ties.extend(keys.iter().filter_map(|k| match k.expr.kind {
                ExprKind::Column(id) => Some(id),
                _ => None,
            }));
        }
        let ties_wanted = !ties.is_empty();
        let count = count.filter(|c| ties_wanted || !matches!(c.kind, ExprKind::Const(Datum::Null)));
        let offset = offset.filter(|c| !matches!(c.kind, ExprKind::Const(Datum::Null)));
        if count.is_none() && offset.is_none() {
            return Ok(plan);
        }
        Ok(Logical::Limit { input: Box::new(plan), offset, count, ties })
    }

    fn bind_count(&mut self, id: ExprId, clause: Clause) -> Result<Expr> {
        let expr = self.within(clause, |b| b.bind_expr(id))?;
        self.note_expr(id, &expr);
        let expr = self.coerce_to_specific(expr, oid::INT8, clause.name())?;
        self.note_typed(id, &expr);
        let block = self.scopes.last().map_or(0, |s| s.block);
        let local = |e: &Expr| matches!(e.kind, ExprKind::Column(id) if self.s.blocks[id as usize] == block);
        if expr.any(&mut |e| local(e)) {
            return Err(sql_err!(
                INVALID_COLUMN_REFERENCE,
                "argument of {} must not contain variables",
                clause.name()
            )
            .at(expr.at));
        }
        Ok(expr)
    }

    /// Checks that a column can be sorted or compared.
    pub(crate) fn check_sortable(&self, ty: DataType, pos: u32) -> Result<()> {
        ordering_operators(ty.oid).map(|_| ()).map_err(|e| if pos == u32::MAX { e } else { e.at(pos) })
    }
}

/// 42601 at the first column of the query that does not fit.
pub(crate) fn width_error(word: &str, right: &BoundQuery) -> SqlError {
    let error = sql_err!(SYNTAX_ERROR, "each {word} query must have the same number of columns");
    match right.columns.first() {
        Some(c) if c.at != u32::MAX => error.at(c.at),
        _ => error,
    }
}

/// Puts a sort on top, if there are keys.
pub(crate) fn sorted(plan: Logical, keys: Vec<SortKey>) -> Logical {
    if keys.is_empty() { plan } else { Logical::Sort { input: Box::new(plan), keys } }
}

/// A position in ORDER BY, GROUP BY or DISTINCT ON as an index.
pub(crate) fn position(n: i32, columns: usize, clause: &str, pos: u32) -> Result<usize> {
    match usize::try_from(n) {
        Ok(n) if n >= 1 && n <= columns => Ok(n - 1),
        _ => Err(sql_err!(INVALID_COLUMN_REFERENCE, "{clause} position {n} is not in select list").at(pos)),
    }
}

/// Finds the literal or parameter that an output column shows.
fn projected(plan: &Logical, id: ColumnId) -> Option<&Expr> {
    match plan {
        Logical::Project { exprs, .. } => {
            let (_, e) = exprs.iter().find(|e| e.0 == id)?;
            matches!(e.kind, ExprKind::Const(_) | ExprKind::Param(_)).then_some(e)
        }
        Logical::Filter { input, .. }
        | Logical::Sort { input, .. }
        | Logical::Limit { input, .. }
        | Logical::Distinct { input, .. } => projected(input, id),
        _ => None,
    }
}
