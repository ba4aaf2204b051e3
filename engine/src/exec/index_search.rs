//! IndexSearch: the rows that an index finds for conditions, fetched in the table's order and looked at again.
//!
//! All row ids are collected before the first row: what PostgreSQL's bitmap scans do. Where they do not fit in memory, or the index
//! cannot tell, the table is read from end to end instead, which the conditions stand as well.

use std::sync::Arc;

use nq_qsql::catalog::Index;
use nq_qsql::error::Result;
use nq_qsql::func::access::Search;
use nq_qsql::plan::physical::{Scan, SearchClause};
use nq_qsql::types::{DataType, Datum};
use nq_storage::{Finger, TreeId};

use super::batch::{BATCH_ROWS, Builder};
use super::eval::{Compiled, Conditions};
use super::index_scan::fetch_rows;
use super::memory::Reservation;
use super::portions::PIECE_BYTES;
use super::seq_scan::{SeqScan, plain_reader};
use super::{Batch, ExecCx, Operator};
use crate::table::method::read::{Reading, Rows};
use crate::table::method::{Clause, Source, source};
use crate::table::scan::{RawRows, TableReader};

/// What is read.
enum From {
    /// Nobody has asked the index yet.
    Unknown,
    /// The rows with these ids, of which so many have been fetched.
    Rows(Vec<u64>, usize),
    /// The whole table.
    Table(Box<SeqScan>),
}

/// Reads a table by the rows that an index finds.
pub struct IndexSearch {
    scan: Scan,
    types: Vec<DataType>,
    index: Arc<Index>,
    clauses: Vec<(usize, Search, Compiled)>,
    recheck: Conditions,
    filter: Conditions,
    reader: TableReader,
    raw: RawRows,
    out: Builder,
    from: From,
    /// The memory of the row ids.
    held: Reservation,
    finger: Finger,
}

impl IndexSearch {
    /// Reads the table of `scan` by `index` into slots of `types`.
    pub fn new(
        scan: &Scan,
        index: &Arc<Index>,
        clauses: &[SearchClause],
        recheck: &[nq_qsql::plan::expr::Expr],
        types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<IndexSearch> {
        let compiled = |c: &SearchClause| Ok((c.column, c.search, Compiled::new(&c.value, cx)?));
        Ok(IndexSearch {
            scan: Scan { filter: Vec::new(), ..scan.clone() },
            types: types.to_vec(),
            index: Arc::clone(index),
            clauses: clauses.iter().map(compiled).collect::<Result<_>>()?,
            recheck: Conditions::new(recheck, cx)?,
            filter: Conditions::new(&scan.filter, cx)?,
            reader: plain_reader(scan, types),
            raw: RawRows::new(&cx.memory),
            out: Builder::new(types),
            from: From::Unknown,
            held: cx.memory.reservation(),
            finger: Finger::default(),
        })
    }

    /// Asks the index.
    fn find(&mut self, cx: &mut ExecCx<'_>) -> Result<From> {
        let mut values: Vec<Datum> = Vec::with_capacity(self.clauses.len());
        for (_, _, value) in &self.clauses {
            values.push(value.eval_alone(cx)?);
        }
        let rows = if values.iter().any(Datum::is_null) {
            Rows::These(Vec::new())
        } else {
            let clauses: Vec<Clause<'_>> = self
                .clauses
                .iter()
                .zip(&values)
                .map(|((column, search, _), value)| Clause { column: *column, search: *search, value })
                .collect();
            let source = source(&self.index, &clauses)?;
            let limit = self.held.limit() / size_of::<u64>() / 2;
            match source {
                Source::All => Rows::All,
                source => Reading { tree: TreeId(self.index.tree), limit, cx }.rows(&source)?,
            }
        };
        Ok(match rows {
            Rows::These(ids)
                if ids.len() <= BATCH_ROWS || self.held.try_resize(ids.capacity() * size_of::<u64>()) =>
            {
                From::Rows(ids, 0)
            }
            _ => From::Table(Box::new(SeqScan::new(&self.scan, &self.types, cx)?)),
        })
    }

    /// The next rows that have been found, unchecked.
    fn found(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let (ids, fetched) = match &mut self.from {
            From::Table(scan) => return scan.next(cx),
            From::Rows(ids, fetched) => (ids, fetched),
            From::Unknown => return Ok(None),
        };
        if *fetched == ids.len() {
            return Ok(None);
        }
        let (end, mut bytes) = (ids.len().min(*fetched + BATCH_ROWS), 0);
        let table = TreeId(self.scan.relation.tree);
        while *fetched < end && bytes < PIECE_BYTES {
            self.raw.clear();
            let some = &ids[*fetched..end];
            *fetched += fetch_rows(table, &self.index, some, &mut self.finger, &mut self.raw, cx)?;
            self.raw.seal();
            self.reader.append(&self.raw, &mut self.out, cx)?;
            bytes += self.raw.byte_len();
        }
        Ok(Some(self.out.finish()))
    }
}

impl Operator for IndexSearch {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if let From::Unknown = self.from {
            self.from = self.find(cx)?;
        }
        loop {
            cx.check_interrupt()?;
            let Some(batch) = self.found(cx)? else { return Ok(None) };
            // What the index has found beyond what was asked for does not count as filtered.
            let filtered = cx.run.filtered;
            let batch = self.recheck.apply(batch, cx)?;
            cx.run.filtered = filtered;
            let batch = match batch.count() {
                0 => continue,
                _ => self.filter.apply(batch, cx)?,
            };
            if batch.count() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        self.from = From::Unknown;
        self.out.clear();
        Ok(())
    }
}
