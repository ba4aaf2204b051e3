//! WITH: common table expressions, recursive ones included.

use std::sync::Arc;

use super::Binder;
use super::from::with_alias;
use super::query::{BoundQuery, ResultColumn};
use super::scope::{NsColumn, NsItem};
use super::search::{Carried, not_recursive};
use crate::error::{Result, SqlError};
use crate::func::category::display;
use crate::parse::ast::{Alias, Cte, Ident, Pos, QueryBody, QueryId, SetOperator, Statement, With};
use crate::plan::expr::ColumnId;
use crate::plan::logical::{Logical, LogicalCte};
use crate::sql_err;

/// A common table expression that names can mean.
#[derive(Clone)]
pub(crate) struct VisibleCte {
    name: Arc<str>,
    /// Index into the statement's list.
    index: u32,
    columns: Vec<Arc<str>>,
    /// While its own definition is bound.
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Done,
    /// A definition without two terms is being bound, of the query that is named there.
    Single(Pos),
    /// The non-recursive term is being bound.
    Base,
    /// The recursive term is being bound; `Base` ones of outer WITHs stay as they are.
    Step,
    /// It modifies data and returns nothing: names may not mean it.
    Silent,
}

impl VisibleCte {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the recursive term is being bound.
    pub(super) fn is_step(&self) -> bool {
        self.state == State::Step
    }
}

impl Binder<'_> {
    /// Binds the expressions of a WITH and makes them visible.
    ///
    /// Those that modify data may only stand in the statement's own WITH (`top`).
    pub(crate) fn bind_with(&mut self, with: &With, top: bool) -> Result<()> {
        for (i, cte) in with.ctes.iter().enumerate() {
            if with.ctes[..i].iter().any(|c| *c.name.name == *cte.name.name) {
                return Err(sql_err!(
                    DUPLICATE_ALIAS,
                    "WITH query name \"{}\" specified more than once",
                    cte.name.name
                )
                .at(cte.name.pos));
            }
            let visible = match &cte.statement {
                Statement::Query(query) if with.recursive => self.bind_recursive(cte, *query)?,
                Statement::Query(query) => {
                    not_recursive(cte)?;
                    self.bind_plain(cte, *query)?
                }
                _ if !top => {
                    return Err(sql_err!(
                        FEATURE_NOT_SUPPORTED,
                        "WITH clause containing a data-modifying statement must be at the top level"
                    )
                    .at(cte.name.pos));
                }
                _ => self.bind_modifying(cte)?,
            };
            self.with.push(visible);
        }
        Ok(())
    }

    fn new_cte(&mut self, cte: &Cte) -> u32 {
        self.s.ctes.push(LogicalCte {
            name: Arc::from(&*cte.name.name),
            plan: None,
            columns: Vec::new(),
            types: Vec::new(),
            materialized: cte.materialized,
            recursive: false,
            references: 0,
        });
        self.s.ctes.len() as u32 - 1
    }

    fn bind_plain(&mut self, cte: &Cte, query: QueryId) -> Result<VisibleCte> {
        let bound = self.bind_query_body(query, true)?;
        let index = self.new_cte(cte);
        self.define(index, cte, bound, State::Done)
    }

    fn bind_modifying(&mut self, cte: &Cte) -> Result<VisibleCte> {
        let write = self.bind_write(&cte.statement)?;
        let state = if write.columns.is_empty() { State::Silent } else { State::Done };
        let named = write.columns.into_iter().zip(write.outputs);
        let columns = named.map(|(c, id)| ResultColumn { name: c.name, id, at: cte.name.pos }).collect();
        let index = self.new_cte(cte);
        self.define(index, cte, BoundQuery { plan: write.plan, columns }, state)
    }

    /// Stores plan and columns of a CTE.
    fn define(&mut self, index: u32, cte: &Cte, bound: BoundQuery, state: State) -> Result<VisibleCte> {
        let columns = cte_columns(cte, &bound.columns)?;
        let ids = bound.ids();
        let types = ids.iter().map(|&id| self.s.types[id as usize]).collect();
        let entry = &mut self.s.ctes[index as usize];
        entry.plan = Some(bound.plan);
        entry.columns = ids;
        entry.types = types;
        Ok(VisibleCte { name: Arc::from(&*cte.name.name), index, columns, state })
    }

    fn bind_recursive(&mut self, cte: &Cte, query: QueryId) -> Result<VisibleCte> {
        let ast = self.ast;
        let index = self.new_cte(cte);
        let name: Arc<str> = Arc::from(&*cte.name.name);
        // While the definition is bound, a reference to the name is noticed.
        self.with.push(VisibleCte { name: name.clone(), index, columns: Vec::new(), state: State::Base });
        let own = self.with.len() - 1;
        let body = &ast[query];
        let QueryBody::SetOp { op: SetOperator::Union, all, left, right, .. } = &body.body else {
            self.with[own].state = State::Single(cte.name.pos);
            let bound = self.bind_query_body(query, true);
            self.with.truncate(own);
            let bound = bound?;
            not_recursive(cte)?;
            return self.define(index, cte, bound, State::Done);
        };
        let carried = self.carried.take();
        let result = self.bind_terms(cte, query, (*left, *right), *all, own);
        self.carried = carried;
        self.with.truncate(own);
        result
    }

    fn bind_terms(
        &mut self,
        cte: &Cte,
        query: QueryId,
        (left, right): (QueryId, QueryId),
        all: bool,
        own: usize,
    ) -> Result<VisibleCte> {
        let ast = self.ast;
        let index = self.with[own].index;
        let inner = self.with.len();
        self.open_with(ast[query].with.as_deref())?;
        let base = self.bind_query_body(left, true)?;
        let mut columns = cte_columns(cte, &base.columns)?;
        let walk = self.bind_walk(cte, (left, right), &columns)?;
        let own_columns = columns.len();
        let base = match &walk {
            Some(walk) => self.walk_base(base, walk, &mut columns)?,
            None => base,
        };
        let types: Vec<_> = base.columns.iter().map(|c| self.s.types[c.id as usize]).collect();
        {
            let entry = &mut self.s.ctes[index as usize];
            entry.types = types.clone();
            entry.columns = Vec::new();
        }
        self.with[own].columns = columns.clone();
        self.with[own].state = State::Step;
        if walk.is_some() {
            self.carried = Some(Carried { query: right, cte: index, own: own_columns, ids: Vec::new() });
        }
        let references = std::mem::take(&mut self.step_references);
        let around = std::mem::take(&mut self.within_subqueries);
        let step = self.bind_query_body(right, false);
        self.step_references = references;
        self.within_subqueries = around;
        let step = step?;
        self.with.truncate(inner);
        if self.s.ctes[index as usize].references == 0 {
            not_recursive(cte)?;
            // Not recursive after all.
            let bound = self.combine(SetOperator::Union, all, base, step)?;
            return self.define(index, cte, bound, State::Done);
        }
        let outer = &ast[query];
        if !outer.order_by.is_empty()
            || outer.limit.is_some()
            || outer.offset.is_some()
            || !outer.locking.is_empty()
        {
            let clause = match () {
                () if !outer.order_by.is_empty() => "ORDER BY",
                () if outer.offset.is_some() => "OFFSET",
                () if outer.limit.is_some() => "LIMIT",
                () => "FOR UPDATE/SHARE",
            };
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "{clause} in a recursive query is not implemented"));
        }
        if base.columns.len() != step.columns.len() {
            return Err(super::query::width_error("UNION", &step));
        }
        for (i, (b, s)) in base.columns.iter().zip(&step.columns).enumerate() {
            let mut both = [self.column(b.id), self.output_expr(&step.plan, s.id)];
            let ty = self.coerce_to_common(&mut both, "UNION")?;
            if ty.oid != types[i].oid {
                return Err(sql_err!(
                    DATATYPE_MISMATCH,
                    "recursive query \"{}\" column {} has type {} in non-recursive term but type {} overall",
                    cte.name.name,
                    i + 1,
                    display(types[i].oid),
                    display(ty.oid)
                )
                .hint("Cast the output of the non-recursive term to the correct type.")
                .at(b.at));
            }
        }
        let base_ids = base.ids();
        let (mut step_plan, mut step_ids) = self.coerce_outputs(step, &types)?;
        if let Some(walk) = &walk {
            (step_plan, step_ids) = self.walk_step(walk, step_plan, &step_ids, &columns)?;
        }
        let ids: Vec<ColumnId> = base_ids
            .iter()
            .map(|&id| {
                let mut like = self.column(id);
                like.kind = crate::plan::expr::ExprKind::CaseTest;
                self.column_for(&like)
            })
            .collect();
        let plan = Logical::RecursiveUnion {
            cte: index,
            base: Box::new((base.plan, base_ids)),
            step: Box::new((step_plan, step_ids)),
            columns: ids.clone(),
            distinct: !all,
        };
        let entry = &mut self.s.ctes[index as usize];
        entry.plan = Some(plan);
        entry.columns = ids;
        entry.recursive = true;
        entry.references = 0;
        Ok(VisibleCte { name: Arc::from(&*cte.name.name), index, columns, state: State::Done })
    }

    /// Finds the CTE that an unqualified name means.
    pub(crate) fn find_cte(&self, name: &str) -> Option<VisibleCte> {
        self.with.iter().rev().find(|c| *c.name == *name).cloned()
    }

    /// A reference to a CTE in FROM.
    pub(crate) fn bind_cte_ref(
        &mut self,
        cte: VisibleCte,
        name: &Ident,
        alias: Option<&Alias>,
    ) -> Result<(Logical, NsItem)> {
        if cte.state == State::Base {
            return Err(misplaced(&cte.name, "within its non-recursive term", name.pos));
        }
        if let State::Single(pos) = cte.state {
            return Err(sql_err!(
                INVALID_RECURSION,
                "recursive query \"{}\" does not have the form non-recursive-term UNION [ALL] recursive-term",
                cte.name
            )
            .at(pos));
        }
        if cte.state == State::Silent {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "WITH query \"{}\" does not have a RETURNING clause",
                cte.name
            )
            .at(name.pos));
        }
        self.s.ctes[cte.index as usize].references += 1;
        if cte.state == State::Step {
            if self.within_subqueries > 0 {
                return Err(misplaced(&cte.name, "within a subquery", name.pos));
            }
            let block = self.scopes.last().map_or(0, |s| s.block);
            self.step_references.push((name.pos, block));
        }
        if cte.state == State::Step && self.s.ctes[cte.index as usize].references > 1 {
            return Err(misplaced(&cte.name, "more than once", name.pos));
        }
        let types = self.s.ctes[cte.index as usize].types.clone();
        let origins = self.s.ctes[cte.index as usize].columns.clone();
        let mut ids = Vec::with_capacity(types.len());
        for (i, ty) in types.iter().enumerate() {
            let id = match origins.get(i) {
                Some(&source) => {
                    let like = self.column(source);
                    self.column_for(&like)
                }
                None => self.new_column(*ty),
            };
            ids.push(id);
        }
        let mut columns: Vec<NsColumn> =
            cte.columns.iter().zip(&ids).map(|(n, &id)| NsColumn::new(n.clone(), self.column(id))).collect();
        let mut added = Vec::new();
        if let Some(carried) = self.carried.as_mut().filter(|c| c.cte == cte.index) {
            // The step sees what SEARCH and CYCLE add, but `*` does not mean it.
            carried.ids = ids[carried.own..].to_vec();
            added = columns.split_off(carried.own);
        }
        let shown: Arc<str> = Arc::from(alias.map_or(&*name.name, |a| &*a.name.name));
        let mut item = with_alias(NsItem::new(Some(shown.clone()), columns), alias)?;
        item.system = added;
        let plan = Logical::CteScan {
            cte: cte.index,
            columns: ids,
            alias: shown,
            work_table: cte.state == State::Step,
        };
        Ok((plan, item))
    }
}

/// 42P19 for a reference to a recursive query where it may not stand.
pub(super) fn misplaced(cte: &str, place: &str, pos: Pos) -> SqlError {
    sql_err!(INVALID_RECURSION, "recursive reference to query \"{cte}\" must not appear {place}").at(pos)
}

/// Names of a CTE's columns.
fn cte_columns(cte: &Cte, columns: &[ResultColumn]) -> Result<Vec<Arc<str>>> {
    if cte.columns.len() > columns.len() {
        return Err(sql_err!(
            INVALID_COLUMN_REFERENCE,
            "WITH query \"{}\" has {} columns available but {} columns specified",
            cte.name.name,
            columns.len(),
            cte.columns.len()
        )
        .at(cte.name.pos));
    }
    let own = cte.columns.iter().map(|c| Arc::from(&*c.name));
    let rest = columns.iter().skip(cte.columns.len()).map(|c| c.name.clone());
    Ok(own.chain(rest).collect())
}
