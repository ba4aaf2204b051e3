//! Writes and row locks.

use super::{Lower, Lowered};
use crate::error::{Result, SqlError};
use crate::optimize::access::Want;
use crate::optimize::columns::ColumnSet;
use crate::optimize::cost::CPU_TUPLE;
use crate::plan::expr::{ColumnId, Expr};
use crate::plan::logical::{LockedRelation, Logical, LogicalWrite, Modify};
use crate::plan::physical::{LockTarget, MergeClause, Op, Write};

impl Lower<'_> {
    pub(crate) fn lower_lock_rows(
        &mut self,
        input: &Logical,
        targets: &[LockedRelation],
        recheck: &[Expr],
        need: &ColumnSet,
        want: &Want,
    ) -> Result<Lowered> {
        let recheck: Vec<Expr> = recheck.iter().filter(|e| !e.has_subquery()).cloned().collect();
        let mut inner = need.clone();
        inner.union(&self.parts().columns_of_all(&recheck));
        inner.extend(targets.iter().map(|t| t.row_id));
        let input = self.lower(input, &inner, want)?;
        let mut physical = Vec::with_capacity(targets.len());
        for target in targets {
            let row_id =
                input.slot(target.row_id).ok_or_else(|| SqlError::internal("locked row has no id"))?;
            physical.push(LockTarget {
                relation: target.relation.clone(),
                row_id,
                columns: present(&target.columns, &input),
                strength: target.strength,
                wait: target.wait,
            });
        }
        let recheck = self.slotted_all(&recheck, &input.slots)?;
        let cost = input.node.cost;
        let op = Op::LockRows { input: Box::new(input.node), targets: physical, recheck };
        let node = self.node(op, &input.slots, cost.startup, cost.total + cost.rows * CPU_TUPLE, cost.rows);
        Ok(Lowered { node, slots: input.slots, order: input.order })
    }

    pub(crate) fn lower_modify(&mut self, modify: &Modify) -> Result<Lowered> {
        let mut need = ColumnSet::default();
        if let Some(returning) = &modify.returning {
            need.union(&self.parts().columns_of_all(returning.iter().map(|r| &r.1)));
        }
        let images = ColumnSet::of(modify.new_columns.iter().chain(&modify.old_columns).copied());
        need.minus(&images);
        let (input, write) = match &modify.write {
            LogicalWrite::Insert { columns, on_conflict, images } => {
                let input = self.lower_exactly(&modify.input, columns)?;
                let mut on_conflict = on_conflict.clone();
                for e in on_conflict.iter_mut().flat_map(|c| c.exprs_mut()) {
                    *e = self.slotted(e, images)?;
                }
                (input, Write::Insert { on_conflict })
            }
            LogicalWrite::Update { row_id, columns, recheck, set } => {
                need.insert(*row_id);
                need.union(&self.parts().columns_of_all(recheck));
                need.union(&self.parts().columns_of_all(set.iter().map(|s| &s.1)));
                let input = self.lower(&modify.input, &need, &Want::default())?;
                let slot = input.slot(*row_id).ok_or_else(|| SqlError::internal("updated row has no id"))?;
                let recheck = self.slotted_all(recheck, &input.slots)?;
                let mut assignments = Vec::with_capacity(set.len());
                for (i, e) in set {
                    assignments.push((*i, self.slotted(e, &input.slots)?));
                }
                let columns = present(columns, &input);
                (input, Write::Update { row_id: slot, columns, recheck, set: assignments })
            }
            LogicalWrite::Delete { row_id, columns, recheck } => {
                need.insert(*row_id);
                need.union(&self.parts().columns_of_all(recheck));
                let input = self.lower(&modify.input, &need, &Want::default())?;
                let slot = input.slot(*row_id).ok_or_else(|| SqlError::internal("deleted row has no id"))?;
                let recheck = self.slotted_all(recheck, &input.slots)?;
                let columns = present(columns, &input);
                (input, Write::Delete { row_id: slot, columns, recheck })
            }
            LogicalWrite::Merge { row_id, source, columns, recheck, clauses, action, plain } => {
                need.minus(&ColumnSet::of(plain.iter().chain([action]).copied()));
                need.insert(*row_id);
                need.extend(*source);
                need.union(&self.parts().columns_of_all(recheck));
                for clause in clauses {
                    need.union(&self.parts().columns_of_all(clause.exprs()));
                }
                let input = self.lower(&modify.input, &need, &Want::default())?;
                let slot_of = |id: ColumnId| {
                    input.slot(id).ok_or_else(|| SqlError::internal("a column of MERGE is missing"))
                };
                let (row_id, source) = (slot_of(*row_id)?, source.map(slot_of).transpose()?);
                let recheck = self.slotted_all(recheck, &input.slots)?;
                let mut clauses = clauses.clone();
                for e in clauses.iter_mut().flat_map(MergeClause::exprs_mut) {
                    *e = self.slotted(e, &input.slots)?;
                }
                let columns = present(columns, &input);
                (input, Write::Merge { row_id, source, columns, recheck, clauses })
            }
        };
        // MERGE tells RETURNING more.
        let more: &[ColumnId] = match &modify.write {
            LogicalWrite::Merge { action, plain, .. } => &[&[*action][..], plain].concat(),
            _ => &[],
        };
        let mut slots: Vec<ColumnId> = Vec::new();
        let returning = match &modify.returning {
            Some(list) => {
                let seen: Vec<ColumnId> = modify
                    .new_columns
                    .iter()
                    .chain(&modify.old_columns)
                    .chain(&input.slots)
                    .chain(more)
                    .copied()
                    .collect();
                let mut out = Vec::with_capacity(list.len());
                for (id, e) in list {
                    out.push(self.slotted(e, &seen)?);
                    slots.push(*id);
                }
                Some(out)
            }
            None => None,
        };
        let cost = input.node.cost;
        let silent = returning.is_none();
        let mut target = modify.target.clone();
        for check in &mut target.policies {
            check.condition = self.slotted(&check.condition, &modify.new_columns)?;
        }
        let op = Op::Modify { input: Box::new(input.node), target: Box::new(target), write, returning };
        let mut node = self.node(op, &slots, cost.startup, cost.total, cost.rows);
        if silent {
            node.cost.rows = 0.0;
        }
        Ok(Lowered { node, slots, order: Vec::new() })
    }
}

/// The columns that are in the input's slots, as (slot, column index).
fn present(columns: &[(ColumnId, usize)], input: &Lowered) -> Vec<(u32, usize)> {
    columns.iter().filter_map(|&(id, i)| input.slot(id).map(|slot| (slot, i))).collect()
}
