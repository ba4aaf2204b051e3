//! HashJoin: builds a table of the right side's rows, probes it with the left side's.
//!
//! ```text
//!  right --> rows + keys --(memory refused)--> 16 files by hash <--+ same files for the left side
//!               |                                 each pair is a join of its own
//!               v
//!          unchained table <-- probe -- left
//! ```
//!
//! 1. NULL keys match nothing: right rows with one are not in the table, and are kept only where unmatched right rows are wanted.
//! 2. A left row is finished before its batch is: matches come in chunks of at most a batch, the flags of the batch live across them.
//! 3. The output has no order that anybody may rely on.

mod table;

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::expr::Expr;
use nq_qsql::plan::physical::JoinKind;
use nq_qsql::types::{DataType, Datum, Oid};

use super::batch::{BATCH_ROWS, Builder};
use super::depends::Watch;
use super::eval::{Compiled, Conditions};
use super::hash::hash_rows;
use super::memory::Reservation;
use super::partition::{Partitions, Pending};
use super::vector::{Nulls, Values, Vector};
use super::{Batch, ExecCx, Operator};

use table::JoinTable;

/// What a hash join is made of.
pub struct Parts<'a> {
    /// Kind.
    pub kind: JoinKind,
    /// Key pairs.
    pub keys: &'a [(Expr, Expr)],
    /// Further conditions over both sides.
    pub residual: &'a [Expr],
    /// Types of the left slots.
    pub left_types: &'a [DataType],
    /// Types of the right slots.
    pub right_types: &'a [DataType],
    /// What the right side depends on: its table survives rescans otherwise.
    pub right_watch: Watch,
}

/// Equi-join by hashing.
pub struct HashJoin {
    kind: JoinKind,
    left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    left_keys: Vec<Compiled>,
    right_keys: Vec<Compiled>,
    /// Type by which each key pair is compared.
    key_oids: Vec<Oid>,
    residual: Conditions,
    left_types: Vec<DataType>,
    right_types: Vec<DataType>,
    watch: Watch,
    build: Option<Build>,
    probe: Option<Probe>,
    /// Position among unmatched right rows, at the end of a part.
    tail: Option<usize>,
    /// Parts still to be joined, once something has been spilled.
    parts: Vec<(Pending, Pending)>,
    part: Option<Pending>,
    spilled: bool,
    done: bool,
    /// Right side: whether it has a row, and one with a NULL key.
    right_rows: bool,
    right_nulls: bool,
}

/// The right rows in memory.
struct Build {
    rows: Builder,
    /// Where each key is among the columns of `rows`.
    key_slots: Vec<usize>,
    table: JoinTable,
    /// Right and full joins: rows that have met a partner.
    met: Vec<bool>,
    _held: Reservation,
}

/// The left batch at work.
struct Probe {
    batch: Batch,
    keys: Vec<Arc<Vector>>,
    hashes: Vec<u64>,
    /// Position among the counting rows, and within the table's entries for that row.
    position: usize,
    entry: Option<(u32, u32)>,
    matched: Vec<bool>,
    /// All pairs of this batch have been made.
    finished: bool,
}

impl HashJoin {
    /// Joins `left` and `right`.
    pub fn new(
        left: Box<dyn Operator>,
        right: Box<dyn Operator>,
        parts: Parts<'_>,
        cx: &ExecCx<'_>,
    ) -> Result<HashJoin> {
        let (mut left_keys, mut right_keys, mut key_oids) = (Vec::new(), Vec::new(), Vec::new());
        for (l, r) in parts.keys {
            left_keys.push(Compiled::new(l, cx)?);
            right_keys.push(Compiled::new(r, cx)?);
            key_oids.push(l.ty.oid);
        }
        Ok(HashJoin {
            kind: parts.kind,
            left,
            right,
            left_keys,
            right_keys,
            key_oids,
            residual: Conditions::new(parts.residual, cx)?,
            left_types: parts.left_types.to_vec(),
            right_types: parts.right_types.to_vec(),
            watch: parts.right_watch,
            build: None,
            probe: None,
            tail: None,
            parts: Vec::new(),
            part: None,
            spilled: false,
            done: false,
            right_rows: false,
            right_nulls: false,
        })
    }

    fn keeps_right(&self) -> bool {
        matches!(self.kind, JoinKind::Right | JoinKind::Full)
    }

    /// Whether one match settles a left row.
    fn first_only(&self) -> bool {
        let existence =
            matches!(self.kind, JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti | JoinKind::Mark);
        existence && self.residual.is_empty()
    }

    /// Reads the right side (of a part, if `source` is given) into a table, or into files if it does not fit.
    fn build(
        &mut self,
        mut source: Option<&mut Pending>,
        cx: &mut ExecCx<'_>,
    ) -> Result<Result<Build, Partitions>> {
        let level = source.as_ref().map_or(0, |s| s.level);
        let mut held = cx.memory.reservation();
        let mut types = self.right_types.clone();
        let mut key_slots = Vec::new();
        for key in &self.right_keys {
            key_slots.push(key.slot().unwrap_or(types.len()));
            if key.slot().is_none() {
                types.push(key.ty);
            }
        }
        let mut rows = Builder::new(&types);
        let mut hashes: Vec<u64> = Vec::new();
        let mut keyed: Vec<u32> = Vec::new();
        let mut files: Option<Partitions> = None;
        let mut batch_hashes = Vec::new();
        loop {
            cx.check_interrupt()?;
            let next = match &mut source {
                Some(pending) => pending.next()?,
                None => self.right.next(cx)?,
            };
            let Some(mut batch) = next else { break };
            let keys: Vec<Arc<Vector>> =
                self.right_keys.iter().map(|k| k.eval_batch(&batch, cx)).collect::<Result<_>>()?;
            self.right_rows = true;
            let null = |row: usize| keys.iter().any(|k| k.is_null(row));
            if keys.iter().any(|k| k.nulls.any()) {
                let has_null = batch.rows().iter().any(null);
                self.right_nulls |= has_null;
                if has_null && !self.keeps_right() {
                    batch.selection =
                        Some(batch.rows().iter().filter(|&r| !null(r)).map(|r| r as u16).collect());
                }
            }
            let hashed: Vec<(&Vector, Oid)> =
                keys.iter().map(|k| &**k).zip(self.key_oids.iter().copied()).collect();
            hash_rows(&hashed, batch.rows(), batch.len, &mut batch_hashes);
            if let Some(files) = &mut files {
                files.add(&batch, batch.rows().iter(), &batch_hashes)?;
                continue;
            }
            for row in batch.rows().iter() {
                if !null(row) {
                    keyed.push(hashes.len() as u32);
                }
                hashes.push(batch_hashes[row]);
            }
            let mut columns = batch.columns.clone();
            columns.extend(
                keys.iter()
                    .zip(&self.right_keys)
                    .filter(|(_, k)| k.slot().is_none())
                    .map(|(v, _)| Arc::clone(v)),
            );
            rows.append(&Batch { columns, len: batch.len, selection: batch.selection });
            if !held.try_resize(rows.bytes() + rows.len * JoinTable::BYTES_PER_ROW) {
                files = Some(self.spill_rows(&mut rows, &hashes, level, cx)?);
                let _shrinking_is_allowed = held.try_resize(0);
            }
        }
        if let Some(files) = files {
            return Ok(Err(files));
        }
        let key_columns: Vec<&Vector> = key_slots.iter().map(|&s| &rows.columns[s]).collect();
        let table = JoinTable::new(&hashes, &keyed, &key_columns);
        let met = vec![false; if self.keeps_right() { rows.len } else { 0 }];
        Ok(Ok(Build { rows, key_slots, table, met, _held: held }))
    }

    /// Moves collected right rows to files.
    fn spill_rows(
        &self,
        rows: &mut Builder,
        hashes: &[u64],
        level: u32,
        cx: &ExecCx<'_>,
    ) -> Result<Partitions> {
        let mut files = Partitions::new(level, cx)?;
        let width = self.right_types.len();
        for start in (0..rows.len).step_by(BATCH_ROWS) {
            let end = (start + BATCH_ROWS).min(rows.len);
            let mut batch = rows.slice(start, end);
            batch.columns.truncate(width);
            files.add(&batch, 0..batch.len, &hashes[start..end])?;
        }
        rows.clear();
        Ok(files)
    }

    /// Sends the left side (of a part) to files.
    fn spill_left(&mut self, mut source: Option<Pending>, cx: &mut ExecCx<'_>) -> Result<Partitions> {
        let level = source.as_ref().map_or(0, |s| s.level);
        let mut files = Partitions::new(level, cx)?;
        let mut hashes = Vec::new();
        loop {
            cx.check_interrupt()?;
            let next = match &mut source {
                Some(pending) => pending.next()?,
                None => self.left.next(cx)?,
            };
            let Some(batch) = next else { return Ok(files) };
            let keys: Vec<Arc<Vector>> =
                self.left_keys.iter().map(|k| k.eval_batch(&batch, cx)).collect::<Result<_>>()?;
            let hashed: Vec<(&Vector, Oid)> =
                keys.iter().map(|k| &**k).zip(self.key_oids.iter().copied()).collect();
            hash_rows(&hashed, batch.rows(), batch.len, &mut hashes);
            files.add(&batch, batch.rows().iter(), &hashes)?;
        }
    }

    /// Prepares the next part; false when all are joined.
    fn next_part(&mut self, cx: &mut ExecCx<'_>) -> Result<bool> {
        self.part = None;
        let (left, mut right) = match (self.build.is_none() && !self.spilled, self.parts.pop()) {
            (true, _) => (None, None),
            (false, Some((left, right))) => (Some(left), Some(right)),
            (false, None) => return Ok(false),
        };
        match self.build(right.as_mut(), cx)? {
            Ok(build) => {
                self.build = Some(build);
                self.part = left;
            }
            Err(right) => {
                self.spilled = true;
                self.build = None;
                let left = self.spill_left(left, cx)?;
                self.parts.extend(left.finish_all().into_iter().zip(right.finish_all()));
                return self.next_part(cx);
            }
        }
        Ok(true)
    }

    /// Reads the next left batch of the current part.
    fn next_probe(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Probe>> {
        let next = match (&mut self.part, self.spilled) {
            (Some(pending), _) => pending.next()?,
            (None, false) => self.left.next(cx)?,
            (None, true) => None,
        };
        let Some(batch) = next else { return Ok(None) };
        let keys: Vec<Arc<Vector>> =
            self.left_keys.iter().map(|k| k.eval_batch(&batch, cx)).collect::<Result<_>>()?;
        let hashed: Vec<(&Vector, Oid)> =
            keys.iter().map(|k| &**k).zip(self.key_oids.iter().copied()).collect();
        let mut hashes = Vec::new();
        hash_rows(&hashed, batch.rows(), batch.len, &mut hashes);
        let matched = vec![false; batch.len];
        Ok(Some(Probe { batch, keys, hashes, position: 0, entry: None, matched, finished: false }))
    }

    /// Makes the next chunk of output from the left batch at work; `None` when the batch is used up.
    fn advance(&mut self, probe: &mut Probe, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while !probe.finished {
            cx.check_interrupt()?;
            let first_only = self.first_only();
            let Some(build) = &mut self.build else { return Ok(None) };
            let (mut left_rows, mut right_rows) = (Vec::new(), Vec::new());
            pairs(build, probe, &self.key_oids, first_only, &mut left_rows, &mut right_rows);
            if left_rows.is_empty() {
                break;
            }
            if first_only {
                left_rows.iter().for_each(|&l| probe.matched[usize::from(l)] = true);
                continue;
            }
            let mut pair = joined(&probe.batch, &build.rows, self.right_types.len(), &left_rows, &right_rows);
            if !self.residual.is_empty() {
                pair = self.residual.apply(pair, cx)?;
            }
            for k in pair.rows().iter() {
                probe.matched[usize::from(left_rows[k])] = true;
                if let Some(met) = build.met.get_mut(right_rows[k] as usize) {
                    *met = true;
                }
            }
            let yields =
                matches!(self.kind, JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full);
            if yields && pair.count() > 0 {
                return Ok(Some(pair));
            }
        }
        Ok(None)
    }

    /// What a left batch yields after all its pairs.
    fn finish_batch(&self, probe: Probe) -> Option<Batch> {
        let Probe { batch, keys, matched, .. } = probe;
        let with = |wanted: bool| -> Vec<u16> {
            batch.rows().iter().filter(|&r| matched[r] == wanted).map(|r| r as u16).collect()
        };
        let selection = match self.kind {
            JoinKind::Inner | JoinKind::Right => return None,
            JoinKind::Semi => with(true),
            JoinKind::Left | JoinKind::Full | JoinKind::Anti => with(false),
            JoinKind::NullAwareAnti if self.right_nulls => return None,
            JoinKind::NullAwareAnti if !self.right_rows => with(false),
            JoinKind::NullAwareAnti => {
                let null = |row: &u16| keys.iter().any(|k| k.is_null(usize::from(*row)));
                with(false).into_iter().filter(|row| !null(row)).collect()
            }
            JoinKind::Mark => {
                let mut nulls = Nulls::default();
                for row in batch.rows().iter().filter(|&r| !matched[r]) {
                    if self.right_rows && (self.right_nulls || keys.iter().any(|k| k.is_null(row))) {
                        nulls.set(row);
                    }
                }
                let mark = Vector { values: Values::Bool(matched), nulls, constant: false };
                let mut batch = batch;
                batch.columns.push(Arc::new(mark));
                return Some(batch);
            }
        };
        if selection.is_empty() {
            return None;
        }
        let mut columns = batch.columns;
        if matches!(self.kind, JoinKind::Left | JoinKind::Full) {
            columns
                .extend(self.right_types.iter().map(|ty| Arc::new(Vector::constant(&Datum::Null, ty.oid))));
        }
        Some(Batch { columns, len: batch.len, selection: Some(selection) })
    }

    /// Right rows without a partner, after the last left row of a part.
    fn unmatched(&mut self, from: usize) -> Option<Batch> {
        let build = self.build.as_ref()?;
        let alone: Vec<u32> =
            (from..build.met.len()).filter(|&r| !build.met[r]).take(BATCH_ROWS).map(|r| r as u32).collect();
        let last = *alone.last()?;
        self.tail = Some(last as usize + 1);
        let nulls = self.left_types.iter().map(|ty| Arc::new(Vector::constant(&Datum::Null, ty.oid)));
        let right = build.rows.columns[..self.right_types.len()].iter().map(|c| Arc::new(c.gather(&alone)));
        Some(Batch { columns: nulls.chain(right).collect(), len: alone.len(), selection: None })
    }

    /// Whether an empty table makes the left side irrelevant.
    fn needs_left(&self) -> bool {
        let empty = self.build.as_ref().is_some_and(|b| b.rows.len == 0);
        !(empty && matches!(self.kind, JoinKind::Inner | JoinKind::Right | JoinKind::Semi))
    }
}

/// Collects up to a batch of matching (left row, right row) pairs.
fn pairs(
    build: &Build,
    probe: &mut Probe,
    key_oids: &[Oid],
    first_only: bool,
    left_rows: &mut Vec<u16>,
    right_rows: &mut Vec<u32>,
) {
    let stored: Vec<&Vector> = build.key_slots.iter().map(|&s| &build.rows.columns[s]).collect();
    let keys: Vec<&Vector> = probe.keys.iter().map(|k| &**k).collect();
    let nullable = keys.iter().any(|k| k.nulls.any());
    let count = probe.batch.count();
    while probe.position < count {
        let row = probe.batch.rows().nth(probe.position);
        let (mut at, end) = match probe.entry.take() {
            Some(range) => range,
            None if nullable && keys.iter().any(|k| k.is_null(row)) => (0, 0),
            None => build.table.candidates(probe.hashes[row]),
        };
        while at < end {
            let hit = build.table.hit(at, probe.hashes[row], &stored, &keys, key_oids, row);
            at += 1;
            if let Some(right) = hit {
                left_rows.push(row as u16);
                right_rows.push(right);
                if first_only {
                    break;
                }
                if left_rows.len() == BATCH_ROWS {
                    probe.entry = Some((at, end));
                    return;
                }
            }
        }
        probe.position += 1;
        if left_rows.len() == BATCH_ROWS && probe.position < count {
            return;
        }
    }
    probe.finished = true;
}

/// The rows of the pairs side by side.
fn joined(left: &Batch, right: &Builder, right_width: usize, left_rows: &[u16], right_rows: &[u32]) -> Batch {
    let identity =
        left_rows.len() == left.len && left_rows.iter().enumerate().all(|(k, &r)| k == usize::from(r));
    let lefts =
        left.columns.iter().map(|c| if identity { Arc::clone(c) } else { Arc::new(c.select(left_rows)) });
    let rights = right.columns[..right_width].iter().map(|c| Arc::new(c.gather(right_rows)));
    Batch { columns: lefts.chain(rights).collect(), len: left_rows.len(), selection: None }
}

impl Operator for HashJoin {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        loop {
            if self.done {
                return Ok(None);
            }
            if self.build.is_none() && !self.next_part(cx)? {
                self.done = true;
                continue;
            }
            if let Some(from) = self.tail {
                if let Some(batch) = self.unmatched(from) {
                    return Ok(Some(batch));
                }
                self.tail = None;
                if self.spilled {
                    self.build = None;
                } else {
                    self.done = true;
                }
                continue;
            }
            if let Some(mut probe) = self.probe.take() {
                if let Some(batch) = self.advance(&mut probe, cx)? {
                    self.probe = Some(probe);
                    return Ok(Some(batch));
                }
                match self.finish_batch(probe) {
                    Some(batch) => return Ok(Some(batch)),
                    None => continue,
                }
            }
            self.probe = if self.needs_left() { self.next_probe(cx)? } else { None };
            if self.probe.is_none() {
                self.tail = Some(0);
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.probe = None;
        self.tail = None;
        self.done = false;
        self.left.rescan(cx)?;
        if self.spilled || self.build.is_none() || self.watch.changed(cx) {
            self.build = None;
            self.parts.clear();
            self.part = None;
            self.spilled = false;
            self.right_rows = false;
            self.right_nulls = false;
            return self.right.rescan(cx);
        }
        if let Some(build) = &mut self.build {
            build.met.fill(false);
        }
        Ok(())
    }
}
