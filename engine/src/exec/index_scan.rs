//! IndexScan: reads ranges of an index and fetches the rows, or makes them from the keys alone.
//!
//! A range that names all columns of a unique index is a look-up without a cursor. The inner side of a nested loop rescans for every outer
//! row: compiled expressions and buffers stay.
//!
//! Where nobody asks for the index's order, entries are collected in large lots and their rows are fetched in the table's order, so that
//! each leaf is visited once for all its rows: what PostgreSQL's bitmap scans are for.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use nq_qsql::catalog::{Index, IndexKey};
use nq_qsql::error::Result;
use nq_qsql::plan::physical::{IndexRange, Scan, ScanColumn};
use nq_qsql::types::{DataType, Datum, keycode, oid};
use nq_storage::{Cursor, Direction, Finger, KeyRange, TreeId};

use super::batch::{BATCH_ROWS, Builder};
use super::eval::{Compiled, Conditions};
use super::memory::Reservation;
use super::portions::PIECE_BYTES;
use super::seq_scan::reader;
use super::vector::Kind;
use super::{Batch, ExecCx, Operator};
use crate::error::store_error;
use crate::table::key::{self, row_id, row_key};
use crate::table::scan::{RawRows, TableReader, ctid};
use crate::table::value::damaged;

/// Index entries read at first.
const FIRST_ENTRIES: usize = 16;
/// Index entries collected at most where their order does not matter.
const LOT: usize = 1 << 16;

/// Which keys are read, compiled.
struct Range {
    equal: Vec<Compiled>,
    lower: Option<(Compiled, bool)>,
    upper: Option<(Compiled, bool)>,
    any: Option<Compiled>,
    is_null: bool,
}

/// Reads a table through an index.
pub struct IndexScan {
    table: TreeId,
    table_oid: u32,
    index: Arc<Index>,
    range: Range,
    backward: bool,
    /// Makes rows from keys: what each slot is.
    from_keys: Option<Vec<KeySlot>>,
    filter: Conditions,
    reader: TableReader,
    raw: RawRows,
    out: Builder,
    /// Ranges still to be read, the next one last; `None` before the start.
    ranges: Option<Vec<Target>>,
    cursor: Option<Cursor>,
    /// Rows are wanted in the index's order.
    ordered: bool,
    entries: usize,
    ids: Vec<u64>,
    /// The memory of a lot.
    held: Reservation,
    /// Those of the ids whose rows have been fetched.
    fetched: usize,
    keys: Vec<Vec<u8>>,
    finger: Finger,
}

/// What is looked for.
enum Target {
    /// The one entry of this key.
    Key(Vec<u8>),
    Range(KeyRange),
}

/// How an index-only scan fills a slot.
enum KeySlot {
    /// From this key column.
    Key(usize),
    RowId,
    Ctid,
    TableOid,
}

impl IndexScan {
    /// Reads the table of `scan` through `index` into slots of `types`; unless `ordered`, in any order.
    #[allow(clippy::too_many_arguments, reason = "the fields of the plan's node")]
    pub fn new(
        scan: &Scan,
        index: &Arc<Index>,
        range: &IndexRange,
        backward: bool,
        index_only: bool,
        ordered: bool,
        types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<IndexScan> {
        let bound = |b: &Option<(nq_qsql::plan::expr::Expr, bool)>| {
            b.as_ref().map(|(e, inclusive)| Ok((Compiled::new(e, cx)?, *inclusive))).transpose()
        };
        let range = Range {
            equal: Compiled::list(&range.equal, cx)?,
            lower: bound(&range.lower)?,
            upper: bound(&range.upper)?,
            any: range.any.as_ref().map(|e| Compiled::new(e, cx)).transpose()?,
            is_null: range.is_null,
        };
        let from_keys = if index_only { key_slots(scan, index) } else { None };
        Ok(IndexScan {
            table: TreeId(scan.relation.tree),
            table_oid: scan.relation.oid,
            index: Arc::clone(index),
            range,
            backward,
            from_keys,
            filter: Conditions::new(&scan.filter, cx)?,
            reader: reader(scan, types, cx)?,
            raw: RawRows::new(&cx.memory),
            out: Builder::new(types),
            ranges: None,
            cursor: None,
            ordered,
            entries: FIRST_ENTRIES,
            ids: Vec::new(),
            held: cx.memory.reservation(),
            fetched: 0,
            keys: Vec::new(),
            finger: Finger::default(),
        })
    }

    /// Evaluates the range; the next target is last.
    fn targets(&self, cx: &mut ExecCx<'_>) -> Result<Vec<Target>> {
        let mut equal = Vec::with_capacity(self.range.equal.len() + 1);
        for expr in &self.range.equal {
            let value = expr.eval_alone(cx)?;
            if value.is_null() {
                return Ok(Vec::new());
            }
            equal.push(value);
        }
        if let Some(any) = &self.range.any {
            return self.any_targets(equal, any, cx);
        }
        if self.range.is_null {
            let mut prefix = Vec::new();
            equal.push(Datum::Null);
            key::encode_prefix(&self.index, &equal, &mut prefix)?;
            return Ok(vec![Target::Range(KeyRange::prefix(&prefix))]);
        }
        let mut bounds = [None, None];
        for (bound, spec) in bounds.iter_mut().zip([&self.range.lower, &self.range.upper]) {
            if let Some((expr, inclusive)) = spec {
                let value = expr.eval_alone(cx)?;
                if value.is_null() {
                    return Ok(Vec::new());
                }
                *bound = Some((value, *inclusive));
            }
        }
        if bounds.iter().all(Option::is_none) {
            return Ok(vec![self.equal_target(&equal)?]);
        }
        let [lower, upper] = &bounds;
        let bound = |b: &Option<(Datum, bool)>| b.as_ref().map(|(v, inclusive)| (v.clone(), *inclusive));
        let (lower, upper) = (bound(lower), bound(upper));
        let (lower, upper) = key::range(
            &self.index,
            &equal,
            lower.as_ref().map(|(v, i)| (v, *i)),
            upper.as_ref().map(|(v, i)| (v, *i)),
        )?;
        Ok(vec![Target::Range(KeyRange { lower, upper })])
    }

    fn equal_target(&self, equal: &[Datum]) -> Result<Target> {
        let mut prefix = Vec::new();
        key::encode_prefix(&self.index, equal, &mut prefix)?;
        let whole = equal.len() == self.index.columns.len() && !key::has_suffix(&self.index, equal);
        Ok(if whole { Target::Key(prefix) } else { Target::Range(KeyRange::prefix(&prefix)) })
    }

    /// One target per distinct element, in key order.
    fn any_targets(&self, mut equal: Vec<Datum>, any: &Compiled, cx: &mut ExecCx<'_>) -> Result<Vec<Target>> {
        let Datum::Array(array) = any.eval_alone(cx)? else { return Ok(Vec::new()) };
        let mut targets = Vec::with_capacity(array.items.len());
        for item in array.items.iter().filter(|d| !d.is_null()) {
            equal.push(item.clone());
            targets.push(self.equal_target(&equal)?);
            equal.pop();
        }
        let start = |t: &Target| match t {
            Target::Key(key) => key.clone(),
            Target::Range(range) => match &range.lower {
                Bound::Included(key) | Bound::Excluded(key) => key.clone(),
                Bound::Unbounded => Vec::new(),
            },
        };
        targets.sort_by_cached_key(start);
        targets.dedup_by(|a, b| start(a) == start(b));
        if !self.backward {
            targets.reverse();
        }
        Ok(targets)
    }

    /// The size of the next lot: what is wanted, or less when memory is refused. A batch needs no account.
    fn lot(&mut self, wanted: usize) -> usize {
        if wanted <= BATCH_ROWS {
            return wanted;
        }
        let mut size = wanted.max(self.ids.capacity());
        while size > BATCH_ROWS {
            if self.held.try_resize(size * size_of::<u64>()) {
                return size.min(wanted);
            }
            // What was taken for an earlier lot is given back with it.
            self.ids = Vec::new();
            size = wanted.min(size / 2);
        }
        let _shrinking_is_allowed = self.held.try_resize(0);
        BATCH_ROWS
    }

    /// Collects the next index entries; false when there are no more.
    fn collect(&mut self, cx: &mut ExecCx<'_>) -> Result<bool> {
        self.ids.clear();
        self.fetched = 0;
        self.keys.clear();
        if self.ranges.is_none() {
            self.ranges = Some(self.targets(cx)?);
        }
        let want_keys = self.from_keys.is_some();
        let most = if self.ordered || want_keys { BATCH_ROWS } else { LOT };
        let wanted = self.lot(self.entries.min(most));
        let tree = TreeId(self.index.tree);
        while self.ids.len() < wanted {
            if let Some(cursor) = &mut self.cursor {
                let (ids, keys) = (&mut self.ids, &mut self.keys);
                let mut bad = false;
                let room = wanted - ids.len();
                let more = cursor
                    .next_batch(cx.txn, room, &mut |key, value| {
                        match row_id(value) {
                            Some(id) => ids.push(id),
                            None => bad = true,
                        }
                        if want_keys {
                            keys.push(key.to_vec());
                        }
                        if bad { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    })
                    .map_err(store_error)?;
                if bad {
                    return Err(damaged());
                }
                if !more {
                    self.cursor = None;
                }
                continue;
            }
            let target = self.ranges.as_mut().and_then(Vec::pop);
            cx.run.searches += u64::from(target.is_some());
            match target {
                Some(Target::Key(key)) => {
                    if let Some(id) = cx.txn.get(tree, &key, row_id).map_err(store_error)? {
                        self.ids.push(id.ok_or_else(damaged)?);
                        if want_keys {
                            self.keys.push(key);
                        }
                    }
                }
                Some(Target::Range(range)) => {
                    let direction = if self.backward { Direction::Backward } else { Direction::Forward };
                    self.cursor = Some(cx.txn.cursor(tree, range, direction).map_err(store_error)?);
                }
                None => break,
            }
        }
        self.entries = (self.entries * 4).min(most);
        if !self.ordered && !want_keys && !self.ids.is_sorted() {
            self.ids.sort_unstable();
        }
        Ok(!self.ids.is_empty())
    }

    /// Fetches the rows of the next collected entries.
    fn fetch(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        let end = self.ids.len().min(self.fetched + BATCH_ROWS);
        let mut bytes = 0;
        while self.fetched < end && bytes < PIECE_BYTES {
            self.raw.clear();
            let ids = &self.ids[self.fetched..end];
            self.fetched += fetch_rows(self.table, &self.index, ids, &mut self.finger, &mut self.raw, cx)?;
            self.raw.seal();
            self.reader.append(&self.raw, &mut self.out, cx)?;
            bytes += self.raw.byte_len();
        }
        Ok(())
    }

    /// Makes the rows of the collected entries from their keys.
    fn decode_keys(&mut self, slots: &[KeySlot]) -> Result<()> {
        let mut values: Vec<Datum> = Vec::new();
        for (key, &id) in self.keys.iter().zip(&self.ids) {
            values.clear();
            let mut rest = &key[..];
            for column in &self.index.columns {
                let (value, taken) =
                    keycode::decode(rest, column.ty.oid, column.descending, column.nulls_first)?;
                rest = rest.get(taken..).ok_or_else(damaged)?;
                values.push(value);
            }
            for (slot, to) in slots.iter().zip(&mut self.out.columns) {
                match slot {
                    KeySlot::Key(column) => to.push_datum(&values[*column]),
                    KeySlot::RowId => to.push_datum(&Datum::Int8(id as i64)),
                    KeySlot::Ctid => to.push_datum(&ctid(id)),
                    KeySlot::TableOid => to.push_datum(&Datum::Oid(self.table_oid)),
                }
            }
            self.out.len += 1;
        }
        Ok(())
    }
}

/// Appends rows by their ids until there are enough; answers how many.
///
/// # Errors
/// XX002 when an id names no row.
pub(super) fn fetch_rows(
    table: TreeId,
    index: &Index,
    ids: &[u64],
    finger: &mut Finger,
    raw: &mut RawRows,
    cx: &ExecCx<'_>,
) -> Result<usize> {
    let mut fetched = 0;
    let mut missing = None;
    cx.txn
        .get_each(table, ids.iter().map(|&id| row_key(id)), finger, &mut |number, row| {
            let Some(row) = row else {
                missing = Some(ids[number]);
                return ControlFlow::Break(());
            };
            fetched += 1;
            if raw.push(ids[number], row) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .map_err(store_error)?;
    match missing {
        None => Ok(fetched),
        Some(id) => Err(nq_qsql::sql_err!(
            INDEX_CORRUPTED,
            "index \"{}\" refers to row {id}, which does not exist",
            index.name
        )),
    }
}

/// How each slot is made from the key; `None` if one cannot be.
fn key_slots(scan: &Scan, index: &Index) -> Option<Vec<KeySlot>> {
    let slot = |column: &ScanColumn| match column {
        ScanColumn::Attribute(i) => {
            let mut keys = index.columns.iter();
            keys.position(|k| faithful(k.ty.oid) && matches!(k.key, IndexKey::Column(c) if c == *i))
                .map(KeySlot::Key)
        }
        ScanColumn::RowId => Some(KeySlot::RowId),
        ScanColumn::Ctid => Some(KeySlot::Ctid),
        ScanColumn::TableOid => Some(KeySlot::TableOid),
        ScanColumn::Xmin => None,
    };
    scan.columns.iter().map(slot).collect()
}

/// Whether a key gives back the very value: not the scale of a numeric, the sign of a zero, the padding of a string.
fn faithful(oid: u32) -> bool {
    matches!(Kind::of(oid), Kind::Bool | Kind::I16 | Kind::I32 | Kind::I64 | Kind::Str) && oid != oid::BPCHAR
}

impl Operator for IndexScan {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        loop {
            cx.check_interrupt()?;
            if (self.fetched == self.ids.len() || self.from_keys.is_some()) && !self.collect(cx)? {
                return Ok(None);
            }
            let batch = match self.from_keys.take() {
                Some(slots) => {
                    let made = self.decode_keys(&slots);
                    self.from_keys = Some(slots);
                    made?;
                    let batch = self.out.finish();
                    self.filter.apply(batch, cx)?
                }
                None => {
                    self.fetch(cx)?;
                    self.out.finish()
                }
            };
            if batch.count() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        self.ranges = None;
        self.cursor = None;
        self.entries = FIRST_ENTRIES;
        self.ids.clear();
        self.fetched = 0;
        self.out.clear();
        Ok(())
    }
}
