//! Sort: collects rows, sorts them by normalised keys, and emits them in order.
//!
//! ```text
//!  input --> Builder --(memory refused)--> sorted run in a spill file --+
//!               |                          sorted run                  --+--> k-way merge --> output
//!               +--(end of input)--> sorted in memory --> output
//! ```
//!
//! Keys are sorted by their first 8 bytes first, then by the whole; equal keys keep the input's order. With a known small LIMIT only
//! that many rows are kept: whenever twice as many have gathered they are sorted and cut, and later rows above the last are dropped on arrival.

mod merge;

use std::cmp::Ordering;

use nq_qsql::error::Result;
use nq_qsql::plan::expr::Expr;
use nq_qsql::plan::physical::SortSlot;
use nq_qsql::types::{DataType, Datum};

use super::batch::{BATCH_ROWS, Builder};
use super::eval::Compiled;
use super::memory::Reservation;
use super::sort_key::{self, Scope};
use super::spill::SpillFile;
use super::vector::Vector;
use super::{Batch, ExecCx, Operator};

pub use merge::Merge;

/// Most rows that are kept by cutting instead of sorting everything.
const TOP_MAX: usize = 1 << 17;

/// Sorts its input.
pub struct Sort {
    input: Box<dyn Operator>,
    keys: Vec<SortSlot>,
    types: Vec<DataType>,
    top: Option<Compiled>,
    state: State,
}

enum State {
    Start,
    /// Sorted rows and the position in them.
    Memory {
        rows: Builder,
        order: Vec<u32>,
        next: usize,
        _held: Reservation,
    },
    Merge(Merge),
    Done,
}

impl Sort {
    /// Sorts `input`, whose slots have `types`; `top` is the number of rows wanted, if known.
    pub fn new(
        input: Box<dyn Operator>,
        keys: &[SortSlot],
        top: Option<&Expr>,
        types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<Sort> {
        let top = top.map(|e| Compiled::new(e, cx)).transpose()?;
        Ok(Sort { input, keys: keys.to_vec(), types: types.to_vec(), top, state: State::Start })
    }

    fn limit(&self, cx: &mut ExecCx<'_>) -> Result<Option<usize>> {
        let Some(top) = &self.top else { return Ok(None) };
        Ok(match top.eval_alone(cx)? {
            Datum::Int8(n) => usize::try_from(n).ok(),
            Datum::Int4(n) => usize::try_from(n).ok(),
            _ => None,
        }
        .filter(|&n| n <= TOP_MAX))
    }

    fn collect(&mut self, cx: &mut ExecCx<'_>) -> Result<State> {
        let limit = self.limit(cx)?;
        let mut held = cx.memory.reservation();
        let mut rows = Builder::new(&self.types);
        let mut runs: Vec<SpillFile> = Vec::new();
        let mut threshold: Option<Vec<u8>> = None;
        while let Some(mut batch) = self.input.next(cx)? {
            if let Some(threshold) = &threshold {
                batch = self.below(batch, threshold)?;
            }
            rows.append(&batch);
            if let Some(limit) = limit
                && rows.len >= (2 * limit).max(limit + 4 * BATCH_ROWS)
            {
                threshold = self.cut(&mut rows, limit)?;
            }
            if !held.try_resize(rows.bytes() + rows.len * SORT_BYTES_PER_ROW) {
                runs.push(self.write_run(&mut rows, cx)?);
                let _shrinking_is_allowed = held.try_resize(0);
            }
        }
        if runs.is_empty() {
            let mut order = order(&rows, &self.keys, cx)?;
            if let Some(limit) = limit {
                order.truncate(limit);
            }
            return Ok(State::Memory { rows, order, next: 0, _held: held });
        }
        if rows.len > 0 {
            runs.push(self.write_run(&mut rows, cx)?);
        }
        drop(held);
        Ok(State::Merge(Merge::new(runs, &self.keys, &self.types, cx)?))
    }

    /// Drops the rows of `batch` that do not sort before `threshold`.
    fn below(&self, mut batch: Batch, threshold: &[u8]) -> Result<Batch> {
        let columns = key_columns(&self.keys, batch.columns.iter().map(|c| &**c));
        let mut kept = Vec::with_capacity(batch.count());
        let mut key = Vec::new();
        for row in batch.rows().iter() {
            key.clear();
            sort_key::encode(&columns, row, Scope::Any, &mut key)?;
            if key[..] < *threshold {
                kept.push(row as u16);
            }
        }
        batch.selection = Some(kept);
        Ok(batch)
    }

    /// Keeps the first `limit` rows; returns the key of the last.
    fn cut(&self, rows: &mut Builder, limit: usize) -> Result<Option<Vec<u8>>> {
        let order = sorted(rows, &self.keys)?;
        let kept = Builder::take(rows, &self.types, &order[..limit]);
        *rows = kept;
        if limit == 0 {
            return Ok(Some(Vec::new()));
        }
        let columns = key_columns(&self.keys, rows.columns.iter());
        let mut key = Vec::new();
        sort_key::encode(&columns, limit - 1, Scope::Any, &mut key)?;
        Ok(Some(key))
    }

    fn write_run(&self, rows: &mut Builder, cx: &ExecCx<'_>) -> Result<SpillFile> {
        let order = order(rows, &self.keys, cx)?;
        let mut file = cx.spill.create()?;
        for chunk in order.chunks(BATCH_ROWS) {
            file.write(&rows.gather(chunk))?;
            cx.check_interrupt()?;
        }
        *rows = Builder::new(&self.types);
        Ok(file)
    }
}

/// Memory per row beside the row itself while sorting: key, prefix, index.
const SORT_BYTES_PER_ROW: usize = 32;

/// Pairs each key with its vector.
pub fn key_columns<'a>(
    keys: &[SortSlot],
    columns: impl Iterator<Item = &'a Vector>,
) -> Vec<(&'a Vector, SortSlot)> {
    let columns: Vec<&Vector> = columns.collect();
    keys.iter().map(|k| (columns[k.slot as usize], *k)).collect()
}

/// Returns the row numbers in sorted order; checks for interrupts before the long part.
pub fn order(rows: &Builder, keys: &[SortSlot], cx: &ExecCx<'_>) -> Result<Vec<u32>> {
    cx.check_interrupt()?;
    sorted(rows, keys)
}

/// Returns the row numbers in sorted order.
pub fn sorted(rows: &Builder, keys: &[SortSlot]) -> Result<Vec<u32>> {
    let columns = key_columns(keys, rows.columns.iter());
    let mut bytes = Vec::with_capacity(rows.len * 12);
    let mut entries: Vec<(u64, u32)> = Vec::with_capacity(rows.len);
    let mut ends: Vec<u32> = Vec::with_capacity(rows.len + 1);
    ends.push(0);
    let mut whole = true;
    for row in 0..rows.len {
        let start = bytes.len();
        sort_key::encode(&columns, row, Scope::Alone, &mut bytes)?;
        let key = &bytes[start..];
        let mut prefix = [0; 8];
        let head = key.len().min(8);
        prefix[..head].copy_from_slice(&key[..head]);
        whole &= key.len() <= 8;
        entries.push((u64::from_be_bytes(prefix), row as u32));
        ends.push(bytes.len() as u32);
        if bytes.len() > u32::MAX as usize / 2 {
            return sorted_slowly(rows, keys);
        }
    }
    if whole {
        entries.sort_unstable();
    } else {
        let tail = |row: u32| {
            let (from, to) = (ends[row as usize] as usize, ends[row as usize + 1] as usize);
            &bytes[(from + 8).min(to)..to]
        };
        // No key is the beginning of another, so padding a short one with zeros cannot make it equal to a longer one.
        entries.sort_unstable_by(|a, b| match a.0.cmp(&b.0) {
            Ordering::Equal => tail(a.1).cmp(tail(b.1)).then(a.1.cmp(&b.1)),
            unequal => unequal,
        });
    }
    Ok(entries.into_iter().map(|(_, row)| row).collect())
}

/// Sorts with keys that are made at each comparison: for key bytes beyond what offsets can address.
fn sorted_slowly(rows: &Builder, keys: &[SortSlot]) -> Result<Vec<u32>> {
    let mut order: Vec<u32> = (0..rows.len as u32).collect();
    let columns = key_columns(keys, rows.columns.iter());
    let mut failure = None;
    order.sort_by(|&a, &b| {
        let mut key = |row: u32| {
            let mut key = Vec::new();
            if let Err(error) = sort_key::encode(&columns, row as usize, Scope::Alone, &mut key) {
                failure = Some(error);
            }
            key
        };
        key(a).cmp(&key(b))
    });
    failure.map_or(Ok(order), Err)
}

impl Operator for Sort {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if let State::Start = self.state {
            self.state = self.collect(cx)?;
        }
        match &mut self.state {
            State::Memory { rows, order, next, .. } => {
                if *next == order.len() {
                    self.state = State::Done;
                    return Ok(None);
                }
                let end = (*next + BATCH_ROWS).min(order.len());
                let batch = rows.gather(&order[*next..end]);
                *next = end;
                Ok(Some(batch))
            }
            State::Merge(merge) => merge.next(cx),
            State::Start | State::Done => Ok(None),
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.state = State::Start;
        self.input.rescan(cx)
    }
}
