//! Expressions over slots; subqueries that stayed in expressions become SubPlans.

use super::Lower;
use crate::error::{Result, SqlError};
use crate::plan::expr::{ColumnId, Expr, ExprKind, SortKey, SubPlanMode};
use crate::plan::physical::Node;

impl Lower<'_> {
    /// A column over an input: its slot, or the exec param that brings it from outside.
    pub(crate) fn slot_expr(&self, id: ColumnId, slots: &[ColumnId]) -> Result<Expr> {
        let mut e = Expr::column(id, self.type_of(id));
        e.collation = self.collations.get(id as usize).copied().unwrap_or(0);
        e.kind = self.place(id, slots)?;
        Ok(e)
    }

    #[inline(never)]
    fn place(&self, id: ColumnId, slots: &[ColumnId]) -> Result<ExprKind> {
        if let Some(slot) = slots.iter().position(|&s| s == id) {
            return Ok(ExprKind::Column(slot as u32));
        }
        match self.outer.iter().rev().find(|o| o.0 == id) {
            Some(&(_, param)) => Ok(ExprKind::ExecParam(param)),
            None => Err(SqlError::internal(format!("column {id} is not computed where it is used"))),
        }
    }

    /// Turns columns into slots.
    pub(crate) fn slotted(&mut self, e: &Expr, slots: &[ColumnId]) -> Result<Expr> {
        let mut e = e.clone();
        self.slot_in_place(&mut e, slots)?;
        Ok(e)
    }

    pub(crate) fn slotted_all(&mut self, exprs: &[Expr], slots: &[ColumnId]) -> Result<Vec<Expr>> {
        exprs.iter().map(|e| self.slotted(e, slots)).collect()
    }

    pub(crate) fn slotted_keys(&mut self, keys: &[SortKey], slots: &[ColumnId]) -> Result<Vec<SortKey>> {
        keys.iter().map(|k| Ok(SortKey { expr: self.slotted(&k.expr, slots)?, ..k.clone() })).collect()
    }

    fn slot_in_place(&mut self, e: &mut Expr, slots: &[ColumnId]) -> Result<()> {
        match &mut e.kind {
            ExprKind::Column(id) => {
                e.kind = self.place(*id, slots)?;
                Ok(())
            }
            ExprKind::Subquery { query, mode } => {
                let (query, mode) = (*query, mode.clone());
                e.kind = self.lower_subquery(query, mode, slots)?;
                Ok(())
            }
            _ => {
                let mut result = Ok(());
                e.each_child_mut(&mut |child| {
                    if result.is_ok() {
                        result = self.slot_in_place(child, slots);
                    }
                });
                result
            }
        }
    }

    #[inline(never)]
    fn lower_subquery(&mut self, query: u32, mode: SubPlanMode, slots: &[ColumnId]) -> Result<ExprKind> {
        let Some(Some(subquery)) = self.subqueries.get(query as usize).cloned() else {
            return Err(SqlError::internal("subquery was unnested and is still referred to"));
        };
        let free: Vec<ColumnId> = self.parts().free(&subquery.plan).iter().collect();
        let mut params = Vec::with_capacity(free.len());
        let depth = self.outer.len();
        let mut inside = Vec::with_capacity(free.len());
        for id in free {
            let param = self.new_param();
            params.push((param, self.slot_expr(id, slots)?));
            inside.push((id, param));
        }
        self.outer.extend(inside);
        let lowered = self.lower_exactly(&subquery.plan, &subquery.columns);
        self.outer.truncate(depth);
        let node: Node = lowered?.node;
        let mode = match mode {
            SubPlanMode::Quantified { any, left, compare } => {
                let left = self.slotted_all(&left, slots)?;
                let compare = self.slotted_all(&compare, &subquery.columns)?;
                SubPlanMode::Quantified { any, left, compare }
            }
            other => other,
        };
        self.subplans.push(node);
        Ok(ExprKind::SubPlan { plan: self.subplans.len() as u32 - 1, mode, params })
    }
}
