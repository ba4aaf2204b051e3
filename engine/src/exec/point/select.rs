//! `SELECT expressions FROM table WHERE unique_key = value [AND ...]`.

use nq_qsql::error::Result;
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::{PhysicalPlan, Scan, ScanColumn};
use nq_qsql::types::Datum;
use nq_storage::TreeId;

use super::key::{self, UniqueKey};
use super::{below_projections, eval_all, holds, strip};
use crate::error::store_error;
use crate::exec::ExecCx;
use crate::exec::short::Seen;
use crate::table::key::row_key;
use crate::table::row::{FieldRef, RowLayout, RowReader};

/// Reads at most one row by its key.
pub struct Select {
    key: UniqueKey,
    layout: RowLayout,
    scan: Scan,
    outputs: Outputs,
}

/// Where the result's columns come from.
enum Outputs {
    /// Columns of the table, nothing else asked.
    Stored(Vec<usize>),
    /// Projections over the scan's slots, the innermost first; none: the slots themselves.
    Computed(Vec<Vec<Expr>>),
}

/// A stored row as a result.
pub struct PointRow<'a> {
    reader: RowReader<'a>,
    outputs: &'a [usize],
}

impl PointRow<'_> {
    /// Returns result column `i` as stored.
    #[inline]
    pub fn field(&self, i: usize) -> FieldRef<'_> {
        self.reader.field(self.outputs[i])
    }
}

impl Select {
    pub(super) fn recognise(plan: &PhysicalPlan, seen: &mut Seen) -> Option<Select> {
        let (mut projections, node) = below_projections(&plan.root);
        projections.reverse();
        let (key, scan) = UniqueKey::recognise(node)?;
        projections.iter().for_each(|exprs| seen.all(*exprs));
        seen.all(&scan.filter);
        let width = plan.columns.len();
        let attribute = |slot: usize| match scan.columns.get(slot) {
            Some(ScanColumn::Attribute(attribute)) => Some(*attribute),
            _ => None,
        };
        let slot = |e: &Expr| match strip(e).kind {
            ExprKind::Column(slot) => attribute(slot as usize),
            _ => None,
        };
        let stored: Option<Vec<usize>> = match &projections[..] {
            _ if !scan.filter.is_empty() => None,
            [] => (0..width).map(attribute).collect(),
            [only] => only.iter().take(width).map(slot).collect(),
            _ => None,
        };
        let outputs = match stored {
            Some(columns) => Outputs::Stored(columns),
            None => Outputs::Computed(projections.into_iter().map(<[Expr]>::to_vec).collect()),
        };
        Some(Select { key, layout: RowLayout::new(&scan.relation.columns), scan: scan.clone(), outputs })
    }

    /// Finds the row and shows it: as it is stored, or computed. `stored` runs under a latch: it must be short and must not call
    /// the store. `buffer` is for the key.
    ///
    /// # Errors
    /// Those of the storage layer and of expressions; XX001 and XX002 for damage.
    pub fn run<R>(
        &self,
        cx: &mut ExecCx<'_>,
        buffer: &mut Vec<u8>,
        stored: impl FnOnce(PointRow<'_>) -> Result<R>,
        computed: impl FnOnce(&[Datum]) -> Result<R>,
    ) -> Result<Option<R>> {
        let Some(id) = self.key.find(cx.txn, cx.params, buffer)? else { return Ok(None) };
        let table = TreeId(self.scan.relation.tree);
        let projections = match &self.outputs {
            Outputs::Stored(outputs) => {
                let shown = cx.txn.get(table, &row_key(id), |row| {
                    let reader = self.layout.read(row)?;
                    stored(PointRow { reader, outputs })
                });
                let shown = shown.map_err(store_error)?;
                return shown.ok_or_else(|| key::dangling(id))?.map(Some);
            }
            Outputs::Computed(projections) => projections,
        };
        let row = cx.txn.get(table, &row_key(id), |row| self.layout.read(row)?.datums());
        let row = row.map_err(store_error)?.ok_or_else(|| key::dangling(id))??;
        let mut values = key::slots(&self.scan, id, &row);
        if !holds(&self.scan.filter, &values, cx)? {
            return Ok(None);
        }
        for exprs in projections {
            values = eval_all(exprs, &values, cx)?;
        }
        computed(&values).map(Some)
    }
}
