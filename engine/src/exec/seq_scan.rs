//! SeqScan: all rows of a table.

use std::ops::ControlFlow;

use nq_qsql::error::Result;
use nq_qsql::plan::physical::{Sampling, Scan};
use nq_qsql::types::DataType;
use nq_storage::{Cursor, Direction, KeyRange, TreeId};

use super::batch::{BATCH_ROWS, Builder};
use super::depends;
use super::eval::Conditions;
use super::portions::PIECE_BYTES;
use super::sample::{Sample, Sampler};
use super::{Batch, ExecCx, Operator};
use crate::error::store_error;
use crate::table::key::row_id;
use crate::table::row::RowLayout;
use crate::table::scan::{RawRows, TableReader};
use crate::table::value::damaged;

/// Rows asked for at first: a query with a small LIMIT should not pay for a full batch.
pub(super) const FIRST_ROWS: usize = 64;

/// Makes the reader of a scan.
pub(super) fn reader(scan: &Scan, types: &[DataType], cx: &ExecCx<'_>) -> Result<TableReader> {
    let mut slots = Vec::new();
    scan.filter.iter().for_each(|e| depends::slots(e, &mut slots));
    slots.sort_unstable();
    slots.dedup();
    let layout = RowLayout::new(&scan.relation.columns);
    let filter = Conditions::new(&scan.filter, cx)?;
    Ok(TableReader::new(layout, scan.relation.oid, &scan.columns, types, filter, slots))
}

/// Makes a reader of a scan's columns that leaves the filter to the caller.
pub(super) fn plain_reader(scan: &Scan, types: &[DataType]) -> TableReader {
    let layout = RowLayout::new(&scan.relation.columns);
    TableReader::new(layout, scan.relation.oid, &scan.columns, types, Conditions::default(), Vec::new())
}

/// Reads a stored table.
pub struct SeqScan {
    tree: TreeId,
    reader: TableReader,
    raw: RawRows,
    out: Builder,
    cursor: Option<Cursor>,
    sampler: Option<Sampler>,
    /// What the sampler says of this run.
    sample: Option<Sample>,
    finished: bool,
    /// Rows read and rows collected at a time; both grow with the scan.
    read_rows: usize,
    emit_rows: usize,
    /// Stored bytes of the rows looked at since the last batch; long ones make a batch full before it has many.
    out_bytes: usize,
}

impl SeqScan {
    /// Reads the table of `scan` into slots of `types`.
    pub fn new(scan: &Scan, types: &[DataType], cx: &ExecCx<'_>) -> Result<SeqScan> {
        Ok(SeqScan {
            tree: TreeId(scan.relation.tree),
            reader: reader(scan, types, cx)?,
            raw: RawRows::new(&cx.memory),
            out: Builder::new(types),
            cursor: None,
            sampler: None,
            sample: None,
            finished: false,
            read_rows: FIRST_ROWS,
            emit_rows: 1,
            out_bytes: 0,
        })
    }

    /// Reads a sample of the rows.
    pub fn sampled(mut self, sampling: &Sampling, cx: &mut ExecCx<'_>) -> Result<SeqScan> {
        self.sampler = Some(Sampler::new(sampling, cx)?);
        Ok(self)
    }
}

impl Operator for SeqScan {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if let (Some(sampler), None) = (&self.sampler, &self.sample) {
            self.sample = Some(sampler.start(cx)?);
        }
        while !self.finished {
            cx.check_interrupt()?;
            let cursor = match &mut self.cursor {
                Some(cursor) => cursor,
                None => {
                    let all =
                        cx.txn.cursor(self.tree, KeyRange::all(), Direction::Forward).map_err(store_error)?;
                    self.cursor.insert(all)
                }
            };
            self.raw.clear();
            let wanted = self.read_rows.min(BATCH_ROWS - self.out.len);
            let mut bad = false;
            while self.raw.len() < wanted && !self.finished {
                let raw = &mut self.raw;
                let sample = self.sample;
                let mut full = false;
                let room = wanted - raw.len();
                let more = cursor
                    .next_batch(cx.txn, room, &mut |key, row| {
                        let Some(id) = row_id(key) else {
                            bad = true;
                            return ControlFlow::Break(());
                        };
                        if sample.is_some_and(|sample| !sample.takes(id)) {
                            return ControlFlow::Continue(());
                        }
                        full = !raw.push(id, row);
                        if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    })
                    .map_err(store_error)?;
                self.finished = !more;
                if full || bad {
                    break;
                }
            }
            if bad {
                return Err(damaged());
            }
            self.raw.seal();
            self.reader.append(&self.raw, &mut self.out, cx)?;
            self.out_bytes += self.raw.byte_len();
            self.read_rows = (self.read_rows * 4).min(BATCH_ROWS);
            let full = self.out.len > 0 && self.out_bytes >= PIECE_BYTES;
            if full || self.out.len >= self.emit_rows.min(BATCH_ROWS - FIRST_ROWS) {
                self.out_bytes = 0;
                self.emit_rows = (self.emit_rows * 8).min(BATCH_ROWS / 2);
                return Ok(Some(self.out.finish()));
            }
        }
        Ok((self.out.len > 0).then(|| self.out.finish()))
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        self.cursor = None;
        self.sample = None;
        self.finished = false;
        self.out.clear();
        Ok(())
    }
}
