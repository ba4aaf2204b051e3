//! SEARCH and CYCLE of a recursive WITH query.
//!
//! ```text
//! base   = SELECT .., ARRAY[ROW(cols)] | ROW(0, cols), mark default, ARRAY[ROW(cols)]
//! step   = SELECT .., seq || ROW(cols) | ROW(seq.depth + 1, cols),
//!                     CASE WHEN ROW(cols) = ANY (path) THEN mark ELSE default END, path || ROW(cols)
//!          of the step's rows that come from one without the mark
//! ```
//!
//! The step's SELECT hands on the columns of the working table beside its own.

use std::sync::Arc;

use super::Binder;
use super::query::{BoundQuery, ResultColumn};
use crate::error::{Result, SqlError};
use crate::func::category::display;
use crate::parse::ast::{Ast, Cte, ExprId, Ident, Pos, QueryBody, QueryId};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::Logical;
use crate::types::{DataType, Datum, oid, rowtype};
use crate::{bail, sql_err};

/// The name of the depth in the column of SEARCH BREADTH FIRST.
const DEPTH: &str = "*DEPTH*";

/// The columns that a step hands on.
pub(crate) struct Carried {
    /// The SELECT of the step.
    pub(crate) query: QueryId,
    pub(crate) cte: u32,
    /// The number of the query's own columns.
    pub(crate) own: usize,
    /// The columns, once the working table is in FROM.
    pub(crate) ids: Vec<ColumnId>,
}

/// What SEARCH and CYCLE say, bound.
pub(super) struct Walk {
    /// Whether breadth comes first, and the columns.
    search: Option<(bool, Vec<usize>)>,
    cycle: Option<Cycle>,
    names: Vec<Arc<str>>,
}

struct Cycle {
    columns: Vec<usize>,
    mark: Expr,
    default: Expr,
}

/// 42601 for a WITH query with SEARCH or CYCLE that does not refer to itself.
pub(super) fn not_recursive(cte: &Cte) -> Result<()> {
    if cte.search.is_some() || cte.cycle.is_some() {
        return Err(sql_err!(SYNTAX_ERROR, "WITH query is not recursive").at(cte.name.pos));
    }
    Ok(())
}

/// 0A000 unless both terms are plain.
fn check_terms(ast: &Ast, cte: &Cte, (left, right): (QueryId, QueryId)) -> Result<()> {
    for (side, term) in [("left", left), ("right", right)] {
        if matches!(ast[term].body, QueryBody::SetOp { .. }) {
            let what =
                format!("with a SEARCH or CYCLE clause, the {side} side of the UNION must be a SELECT");
            let code = if side == "left" {
                crate::error::SqlState::FEATURE_NOT_SUPPORTED
            } else {
                crate::error::SqlState::SYNTAX_ERROR
            };
            return Err(SqlError::new(code, what).at(cte.name.pos));
        }
    }
    Ok(())
}

fn positions(what: &str, listed: &[Ident], columns: &[Arc<str>], pos: Pos) -> Result<Vec<usize>> {
    let mut out = Vec::with_capacity(listed.len());
    for name in listed {
        let Some(at) = columns.iter().position(|c| **c == *name.name) else {
            return Err(sql_err!(
                SYNTAX_ERROR,
                "{what} column \"{}\" not in WITH query column list",
                name.name
            )
            .at(pos));
        };
        if out.contains(&at) {
            return Err(sql_err!(
                DUPLICATE_COLUMN,
                "{what} column \"{}\" specified more than once",
                name.name
            )
            .at(pos));
        }
        out.push(at);
    }
    Ok(out)
}

fn check_name(what: &str, name: &Ident, columns: &[Arc<str>], pos: Pos) -> Result<()> {
    if columns.iter().any(|c| **c == *name.name) {
        return Err(sql_err!(
            SYNTAX_ERROR,
            "{what} column name \"{}\" already used in WITH query column list",
            name.name
        )
        .at(pos));
    }
    Ok(())
}

fn check_different(names: [&Ident; 2], what: [&str; 2], pos: Pos) -> Result<()> {
    if names[0].name == names[1].name {
        return Err(sql_err!(
            SYNTAX_ERROR,
            "{} column name and {} column name are the same",
            what[0],
            what[1]
        )
        .at(pos));
    }
    Ok(())
}

/// `ROW(..)` of some of the columns; a depth may come first.
fn row(depth: Option<Expr>, of: &[usize], values: &[Expr], names: &[Arc<str>]) -> Expr {
    let mut shape: Vec<(Arc<str>, DataType)> = depth.iter().map(|d| (Arc::from(DEPTH), d.ty)).collect();
    shape.extend(of.iter().map(|&i| (names[i].clone(), values[i].ty)));
    let fields = depth.into_iter().chain(of.iter().map(|&i| values[i].clone())).collect();
    Expr::new(ExprKind::Row(fields), DataType { oid: oid::RECORD, typmod: rowtype::modifier(&shape) })
}

fn array_of(row: Expr) -> Expr {
    Expr::new(ExprKind::Array { items: vec![row], nested: false }, DataType::of(oid::RECORD_ARRAY))
}

impl Binder<'_> {
    /// Reads the clauses of a query whose own columns are known.
    pub(super) fn bind_walk(
        &mut self,
        cte: &Cte,
        terms: (QueryId, QueryId),
        columns: &[Arc<str>],
    ) -> Result<Option<Walk>> {
        if cte.search.is_none() && cte.cycle.is_none() {
            return Ok(None);
        }
        check_terms(self.ast, cte, terms)?;
        let mut walk = Walk { search: None, cycle: None, names: Vec::new() };
        if let Some(search) = &cte.search {
            let of = positions("search", &search.columns, columns, search.pos)?;
            check_name("search sequence", &search.set, columns, search.pos)?;
            walk.search = Some((search.breadth_first, of));
            walk.names.push(Arc::from(&*search.set.name));
        }
        if let Some(cycle) = &cte.cycle {
            let of = positions("cycle", &cycle.columns, columns, cycle.pos)?;
            let (mark, default) = self.cycle_values(cycle.values)?;
            check_name("cycle mark", &cycle.mark, columns, cycle.pos)?;
            check_name("cycle path", &cycle.path, columns, cycle.pos)?;
            check_different([&cycle.mark, &cycle.path], ["cycle mark", "cycle path"], cycle.pos)?;
            if let Some(search) = &cte.search {
                let set = &search.set;
                check_different([set, &cycle.mark], ["search sequence", "cycle mark"], search.pos)?;
                check_different([set, &cycle.path], ["search sequence", "cycle path"], search.pos)?;
            }
            walk.names.extend([&cycle.mark, &cycle.path].map(|name| Arc::from(&*name.name)));
            walk.cycle = Some(Cycle { columns: of, mark, default });
        }
        Ok(Some(walk))
    }

    fn cycle_values(&mut self, values: Option<(ExprId, ExprId)>) -> Result<(Expr, Expr)> {
        let Some((mark, default)) = values else {
            let truth = |b| Expr::constant(Datum::Bool(b), DataType::of(oid::BOOL));
            return Ok((truth(true), truth(false)));
        };
        let mut both = [self.bind_expr(mark)?, self.bind_expr(default)?];
        self.coerce_to_common(&mut both, "CYCLE")?;
        for (id, e) in [mark, default].into_iter().zip(&both) {
            self.note_expr(id, e);
        }
        let [mark, default] = both;
        Ok((mark, default))
    }

    /// The non-recursive term with the columns that the clauses add.
    pub(super) fn walk_base(
        &mut self,
        base: BoundQuery,
        walk: &Walk,
        columns: &mut Vec<Arc<str>>,
    ) -> Result<BoundQuery> {
        let values: Vec<Expr> = base.columns.iter().map(|c| self.column(c.id)).collect();
        let mut added = Vec::with_capacity(walk.names.len());
        match &walk.search {
            Some((true, of)) => {
                let depth = Expr::constant(Datum::Int8(0), DataType::of(oid::INT8));
                added.push(row(Some(depth), of, &values, columns));
            }
            Some((false, of)) => added.push(array_of(row(None, of, &values, columns))),
            None => {}
        }
        if let Some(cycle) = &walk.cycle {
            added.push(cycle.default.clone());
            added.push(array_of(row(None, &cycle.columns, &values, columns)));
        }
        columns.extend(walk.names.iter().cloned());
        let at = base.columns.first().map_or(u32::MAX, |c| c.at);
        let mut out = base.columns;
        let mut exprs = Vec::with_capacity(values.len() + added.len());
        for (column, value) in out.iter_mut().zip(values) {
            column.id = self.column_for(&value);
            exprs.push((column.id, value));
        }
        for (name, value) in walk.names.iter().zip(added) {
            let id = self.column_for(&value);
            exprs.push((id, value));
            out.push(ResultColumn { name: name.clone(), id, at });
        }
        Ok(BoundQuery { plan: Logical::Project { input: Box::new(base.plan), exprs }, columns: out })
    }

    /// The recursive term, of which the last columns are the working table's, with new values for these.
    pub(super) fn walk_step(
        &mut self,
        walk: &Walk,
        plan: Logical,
        ids: &[ColumnId],
        columns: &[Arc<str>],
    ) -> Result<(Logical, Vec<ColumnId>)> {
        let own = ids.len() - walk.names.len();
        let values: Vec<Expr> = ids[..own].iter().map(|&id| self.column(id)).collect();
        let mut before = ids[own..].iter().map(|&id| self.column(id)).collect::<Vec<_>>().into_iter();
        let mut plan = plan;
        let mut added = Vec::with_capacity(walk.names.len());
        let missing = || SqlError::internal("a step without the working table's columns");
        if let Some((breadth, of)) = &walk.search {
            let seq = before.next().ok_or_else(missing)?;
            added.push(if *breadth {
                let fields = self.record_fields(&seq).ok_or_else(missing)?;
                let depth = super::expr::record_field(seq, 0, &fields);
                let one = Expr::constant(Datum::Int8(1), DataType::of(oid::INT8));
                let depth = self.make_operator("+", Some(depth), one, u32::MAX)?;
                row(Some(depth), of, &values, columns)
            } else {
                let next = array_of(row(None, of, &values, columns));
                self.make_operator("||", Some(seq), next, u32::MAX)?
            });
        }
        if let Some(cycle) = &walk.cycle {
            let (mark, path) = (before.next().ok_or_else(missing)?, before.next().ok_or_else(missing)?);
            let ty = mark.ty.oid;
            let Ok(unmarked) = self.make_operator("<>", Some(mark), cycle.mark.clone(), u32::MAX) else {
                bail!(UNDEFINED_FUNCTION, "could not identify an equality operator for type {}", display(ty));
            };
            plan = plan.filter(vec![unmarked]);
            let here = row(None, &cycle.columns, &values, columns);
            let seen = self.make_scalar_array("=", here.clone(), path.clone(), true, u32::MAX)?;
            let kind = ExprKind::Case {
                operand: None,
                arms: vec![(seen, cycle.mark.clone())],
                otherwise: Some(Box::new(cycle.default.clone())),
            };
            added.push(Expr { kind, ..cycle.mark.clone() });
            added.push(self.make_operator("||", Some(path), array_of(here), u32::MAX)?);
        }
        let exprs: Vec<(ColumnId, Expr)> =
            values.into_iter().chain(added).map(|value| (self.column_for(&value), value)).collect();
        let out = exprs.iter().map(|e| e.0).collect();
        Ok((Logical::Project { input: Box::new(plan), exprs }, out))
    }
}
