//! SeqScan of a relation that is computed: one of the catalog, or a sequence. Whoever computes it is told which columns the filter compares with a
//! value, so that a look-up of one object does not make the rows of all.

use nq_qsql::catalog::Relation;
use nq_qsql::error::Result;
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::{Scan, ScanColumn};
use nq_qsql::types::{DataType, Datum, Oid, oid};

use super::batch::{BATCH_ROWS, Builder};
use super::eval::Conditions;
use super::sample::Sampler;
use super::{Batch, ExecCx, Operator};

/// Columns (0-based) with the value that they must equal. Rows that differ may be left out; they need not be.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<(usize, Datum)>);

impl Keys {
    /// Adds a comparison.
    pub fn push(&mut self, column: usize, value: Datum) {
        self.0.push((column, value));
    }

    fn value(&self, of: &Relation, column: &str) -> Option<&Datum> {
        self.0.iter().find(|(c, _)| *of.columns[*c].name == *column).map(|(_, value)| value)
    }

    /// The object that a column must name. NULL and numbers that are no OID are answered by the scan itself.
    pub(crate) fn oid(&self, of: &Relation, column: &str) -> Option<Oid> {
        match self.value(of, column) {
            Some(Datum::Oid(oid)) => Some(*oid),
            _ => None,
        }
    }

    /// The text that a column must have.
    pub(crate) fn text(&self, of: &Relation, column: &str) -> Option<&str> {
        match self.value(of, column) {
            Some(Datum::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads a relation computed from the catalog.
pub struct VirtualScan {
    scan: Scan,
    types: Vec<DataType>,
    filter: Conditions,
    /// Columns of the relation that the filter compares for equality, with the other side.
    keys: Vec<(usize, Expr)>,
    /// A key changes from one scan to the next.
    correlated: bool,
    sampler: Option<Sampler>,
    rows: Option<Vec<Vec<Datum>>>,
    next: usize,
}

impl VirtualScan {
    /// Reads the relation of `scan` into slots of `types`.
    pub fn new(scan: &Scan, types: &[DataType], cx: &mut ExecCx<'_>) -> Result<VirtualScan> {
        let filter = Conditions::new(&scan.filter, cx)?;
        let keys: Vec<(usize, Expr)> = scan.filter.iter().filter_map(|e| key(e, &scan.columns)).collect();
        let correlated = keys.iter().any(|(_, value)| matches!(value.kind, ExprKind::ExecParam(_)));
        Ok(VirtualScan {
            scan: scan.clone(),
            types: types.to_vec(),
            filter,
            keys,
            correlated,
            sampler: scan.sample.as_ref().map(|s| Sampler::new(s, cx)).transpose()?,
            rows: None,
            next: 0,
        })
    }

    fn value(&self, row: &[Datum], number: usize, column: ScanColumn) -> Datum {
        match column {
            ScanColumn::Attribute(i) => row.get(i).cloned().unwrap_or(Datum::Null),
            ScanColumn::RowId => Datum::Int8(number as i64),
            ScanColumn::Ctid => crate::table::scan::ctid(number as u64),
            ScanColumn::TableOid => Datum::Oid(self.scan.relation.oid),
            // Computed rows are of no transaction; those of a new cluster are of the first one.
            ScanColumn::Xmin => Datum::Oid(1),
        }
    }

    /// The keys' values now.
    fn key_values(&self, cx: &ExecCx<'_>) -> Keys {
        let mut keys = Keys::default();
        for (column, value) in &self.keys {
            let value = match &value.kind {
                ExprKind::Const(value) => Some(value),
                ExprKind::Param(n) => cx.params.get(*n as usize),
                ExprKind::ExecParam(n) => cx.run.exec_params.get(*n as usize),
                _ => None,
            };
            if let Some(value) = value {
                keys.push(*column, value.clone());
            }
        }
        keys
    }
}

/// Takes apart `column = value` for the types that relations of the catalog are looked up by.
fn key(e: &Expr, columns: &[ScanColumn]) -> Option<(usize, Expr)> {
    let ExprKind::Call { operator, args, .. } = &e.kind else { return None };
    let operator = nq_qsql::func::operator_by_oid(*operator).filter(|o| o.name == "=")?;
    let looked_up = |ty: Oid| matches!(ty, oid::OID | oid::NAME | oid::TEXT);
    if !looked_up(operator.left) || !looked_up(operator.right) {
        return None;
    }
    fn bare(e: &Expr) -> &Expr {
        match &e.kind {
            ExprKind::Relabel(inner) => bare(inner),
            _ => e,
        }
    }
    let [left, right] = args.as_slice() else { return None };
    let (left, right) = (bare(left), bare(right));
    let column = |e: &Expr| match e.kind {
        ExprKind::Column(slot) => match columns.get(slot as usize) {
            Some(ScanColumn::Attribute(at)) => Some(*at),
            _ => None,
        },
        _ => None,
    };
    let is_value =
        |e: &Expr| matches!(e.kind, ExprKind::Const(_) | ExprKind::Param(_) | ExprKind::ExecParam(_));
    match (column(left), column(right)) {
        (Some(at), None) if is_value(right) => Some((at, right.clone())),
        (None, Some(at)) if is_value(left) => Some((at, left.clone())),
        _ => None,
    }
}

impl Operator for VirtualScan {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let rows = match self.rows.take() {
            Some(rows) => rows,
            None => {
                let mut rows = cx.virtual_tables.rows(&self.scan.relation, &self.key_values(cx))?;
                if let Some(sampler) = &self.sampler {
                    let sample = sampler.start(cx)?;
                    let mut number = 0..;
                    rows.retain(|_| number.next().is_some_and(|n| sample.takes(n)));
                }
                rows
            }
        };
        let mut answer = None;
        while self.next < rows.len() && answer.is_none() {
            cx.check_interrupt()?;
            let mut out = Builder::new(&self.types);
            for (k, row) in rows[self.next..].iter().enumerate().take(BATCH_ROWS) {
                for (to, &column) in out.columns.iter_mut().zip(&self.scan.columns) {
                    to.push_datum(&self.value(row, self.next + k, column));
                }
                out.len += 1;
            }
            self.next += out.len;
            let batch = self.filter.apply(out.finish(), cx)?;
            answer = (batch.count() > 0).then_some(batch);
        }
        self.rows = Some(rows);
        Ok(answer)
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        self.next = 0;
        if self.correlated || self.sampler.is_some() {
            self.rows = None;
        }
        Ok(())
    }
}
