//! IndexJoin: looks up an index for many left rows at a time.
//!
//! ```text
//!  left batch -> key values -> index entries: (left row, row id) pairs -> rows, decoded by column -> filter over both sides
//! ```
//!
//! What a nested loop over an equality index scan does, without running the right side anew for each left row. To EXPLAIN ANALYZE it is that
//! nested loop: looking up, fetching, filtering and decoding count as the index scan's, each left row as a loop of it.
//!
//! 1. The output keeps the order of the left rows; entries of one left row come in index order.
//! 2. Pairs are made in chunks of at most a batch; a left row's entries may go on in the next chunk.
//! 3. A semi or anti join asks no further about a left row that has met a partner.

use std::ops::ControlFlow;
use std::sync::Arc;

use nq_qsql::catalog::Index;
use nq_qsql::error::Result;
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::{JoinKind, Node, Op, Scan};
use nq_qsql::types::{DataType, Datum};
use nq_storage::{Cursor, Direction, Finger, KeyRange, TreeId};

use super::batch::{BATCH_ROWS, Rows};
use super::depends::{self, children};
use super::eval::{Compiled, Conditions};
use super::index_scan::fetch_rows;
use super::seq_scan::plain_reader;
use super::stats::on_behalf;
use super::vector::{Values, Vector};
use super::{Batch, ExecCx, Operator};
use crate::error::store_error;
use crate::table::key::{self, row_id};
use crate::table::scan::{RawRows, TableReader};
use crate::table::value::damaged;

/// What an index join is made of.
pub struct Parts<'a> {
    kind: JoinKind,
    scan: &'a Scan,
    index: &'a Arc<Index>,
    left_types: &'a [DataType],
    right_types: &'a [DataType],
    /// Values of the leading key columns, over the left slots.
    equal: Vec<Expr>,
    /// Conditions over both sides' slots.
    filter: Vec<Expr>,
}

/// Takes a nested loop apart if its right side is an index scan for values of the left row.
pub fn recognise<'a>(
    kind: JoinKind,
    left: &'a Node,
    right: &'a Node,
    params: &[(u32, Expr)],
    conditions: &[Expr],
) -> Option<Parts<'a>> {
    let Op::IndexScan { scan, index, range, index_only, .. } = &right.op else { return None };
    // What the keys alone answer needs no rows.
    if *index_only && !right.types.is_empty() {
        return None;
    }
    let known = matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti);
    let equality = range.lower.is_none() && range.upper.is_none() && range.any.is_none() && !range.is_null;
    if !known || !equality || range.equal.is_empty() || params.is_empty() || !conditions.is_empty() {
        return None;
    }
    if scan.filter.iter().chain(&range.equal).any(has_subplan) {
        return None;
    }
    let width = left.types.len() as u32;
    let equal = range.equal.iter().map(|e| over_both(e, params, 0)).collect();
    let filter = scan.filter.iter().map(|e| over_both(e, params, width)).collect();
    Some(Parts { kind, scan, index, left_types: &left.types, right_types: &right.types, equal, filter })
}

fn has_subplan(e: &Expr) -> bool {
    let mut found = matches!(e.kind, ExprKind::SubPlan { .. });
    children(e, &mut |child| found |= has_subplan(child));
    found
}

/// An expression of the right side, with the left row's values in the place of exec params and its own slots behind the left ones.
fn over_both(e: &Expr, params: &[(u32, Expr)], left: u32) -> Expr {
    let mut out = e.clone();
    replace(&mut out, params, left);
    out
}

fn replace(e: &mut Expr, params: &[(u32, Expr)], left: u32) {
    match &mut e.kind {
        ExprKind::Column(slot) => *slot += left,
        ExprKind::ExecParam(number) => {
            if let Some((_, value)) = params.iter().find(|p| p.0 == *number) {
                *e = value.clone();
            }
        }
        _ => e.each_child_mut(&mut |child| replace(child, params, left)),
    }
}

/// Joins by looking up an index.
pub struct IndexJoin {
    kind: JoinKind,
    left: Box<dyn Operator>,
    table: TreeId,
    index: Arc<Index>,
    /// The values name a whole key of a unique index.
    unique: bool,
    equal: Vec<Compiled>,
    filter: Conditions,
    /// Left slots, and right slots, that the filter reads.
    filter_slots: (Vec<usize>, Vec<usize>),
    left_width: usize,
    right_types: Vec<DataType>,
    reader: TableReader,
    raw: RawRows,
    cursor: Option<Cursor>,
    /// Where the last searches of the index and of the table ended.
    in_index: Finger,
    in_table: Finger,
    /// Keys of unique look-ups, one behind the other, and the end of each with its position.
    sought: (Vec<u8>, Vec<(usize, u16)>),
    outer: Option<Outer>,
    /// Number of the index scan's node, when nodes are watched.
    lookups: Option<usize>,
}

/// The left batch at work.
struct Outer {
    batch: Batch,
    keys: Vec<Arc<Vector>>,
    /// Position among the counting rows whose entries are read next.
    position: usize,
    /// The entries of that row are being read.
    reading: bool,
    /// By row: whether it has met a partner.
    met: Vec<bool>,
    /// Pairs found and not yet joined: position among the counting rows, row id.
    positions: Vec<u16>,
    ids: Vec<u64>,
    /// Position up to which left rows without a partner have been handed out.
    emitted: usize,
}

impl IndexJoin {
    /// Joins `left` with the rows that the parts' index finds; `lookups`: the node that looks them up, when nodes are watched.
    pub fn new(
        left: Box<dyn Operator>,
        parts: Parts<'_>,
        lookups: Option<usize>,
        cx: &ExecCx<'_>,
    ) -> Result<IndexJoin> {
        let mut slots = Vec::new();
        parts.filter.iter().for_each(|e| depends::slots(e, &mut slots));
        slots.sort_unstable();
        slots.dedup();
        let left_width = parts.left_types.len();
        let filter_slots = slots.into_iter().partition(|&s| s < left_width);
        Ok(IndexJoin {
            kind: parts.kind,
            left,
            table: TreeId(parts.scan.relation.tree),
            unique: parts.index.unique && parts.equal.len() == parts.index.columns.len(),
            index: Arc::clone(parts.index),
            equal: Compiled::list(&parts.equal, cx)?,
            filter: Conditions::new(&parts.filter, cx)?,
            filter_slots,
            left_width,
            right_types: parts.right_types.to_vec(),
            reader: plain_reader(parts.scan, parts.right_types),
            raw: RawRows::new(&cx.memory),
            cursor: None,
            in_index: Finger::default(),
            in_table: Finger::default(),
            sought: Default::default(),
            outer: None,
            lookups,
        })
    }

    /// Whether only the existence of a partner matters.
    fn existence(&self) -> bool {
        matches!(self.kind, JoinKind::Semi | JoinKind::Anti)
    }

    fn next_outer(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Outer>> {
        let Some(batch) = self.left.next(cx)? else { return Ok(None) };
        let keys = self.equal.iter().map(|e| e.eval_batch(&batch, cx)).collect::<Result<_>>()?;
        let met = vec![false; batch.len];
        Ok(Some(Outer {
            batch,
            keys,
            position: 0,
            reading: false,
            met,
            positions: Vec::new(),
            ids: Vec::new(),
            emitted: 0,
        }))
    }

    /// Appends the key that a left row looks for; false if it has none.
    fn encode(&self, outer: &Outer, row: usize, key: &mut Vec<u8>) -> Result<bool> {
        if outer.keys.iter().any(|k| k.is_null(row)) {
            return Ok(false);
        }
        if let [value] = &outer.keys[..] {
            key::encode_prefix(&self.index, &[value.datum(row, self.equal[0].ty.oid)], key)?;
            return Ok(true);
        }
        let values: Vec<Datum> =
            outer.keys.iter().zip(&self.equal).map(|(k, e)| k.datum(row, e.ty.oid)).collect();
        key::encode_prefix(&self.index, &values, key)?;
        Ok(true)
    }

    /// Looks up the only entry of each left row of a chunk.
    fn find_unique(&mut self, outer: &mut Outer, cx: &mut ExecCx<'_>) -> Result<()> {
        let (mut bytes, mut ends) = std::mem::take(&mut self.sought);
        bytes.clear();
        ends.clear();
        let count = outer.batch.count();
        while outer.position < count && ends.len() < BATCH_ROWS {
            let row = outer.batch.rows().nth(outer.position);
            if self.encode(outer, row, &mut bytes)? {
                ends.push((bytes.len(), outer.position as u16));
            }
            outer.position += 1;
        }
        cx.run.searches += ends.len() as u64;
        let starts = std::iter::once(0).chain(ends.iter().map(|e| e.0));
        let keys = starts.zip(&ends).map(|(start, end)| &bytes[start..end.0]);
        let (ids, positions) = (&mut outer.ids, &mut outer.positions);
        let mut bad = false;
        cx.txn
            .get_each(TreeId(self.index.tree), keys, &mut self.in_index, &mut |number, value| {
                match value.map(row_id) {
                    Some(Some(id)) => {
                        ids.push(id);
                        positions.push(ends[number].1);
                    }
                    Some(None) => bad = true,
                    None => {}
                }
                if bad { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .map_err(store_error)?;
        self.sought = (bytes, ends);
        if bad { Err(damaged()) } else { Ok(()) }
    }

    /// Finds entries until there is a chunk of pairs or no left row is left.
    fn find(&mut self, outer: &mut Outer, cx: &mut ExecCx<'_>) -> Result<()> {
        if self.unique {
            return self.find_unique(outer, cx);
        }
        let tree = TreeId(self.index.tree);
        let count = outer.batch.count();
        let mut prefix = Vec::new();
        while outer.position < count && outer.ids.len() < BATCH_ROWS {
            let row = outer.batch.rows().nth(outer.position);
            if self.existence() && outer.met[row] {
                outer.reading = false;
                outer.position += 1;
                continue;
            }
            if !outer.reading {
                prefix.clear();
                if !self.encode(outer, row, &mut prefix)? {
                    outer.position += 1;
                    continue;
                }
                let range = KeyRange::prefix(&prefix);
                match &mut self.cursor {
                    Some(cursor) => cursor.restart(range),
                    None => {
                        let cursor = cx.txn.cursor(tree, range, Direction::Forward).map_err(store_error)?;
                        self.cursor = Some(cursor);
                    }
                }
                outer.reading = true;
                cx.run.searches += 1;
            }
            let Some(cursor) = &mut self.cursor else { return Err(damaged()) };
            let (ids, positions, position) = (&mut outer.ids, &mut outer.positions, outer.position as u16);
            let mut bad = false;
            // Without a filter the first entry settles whether there is a partner.
            let first_only = self.filter.is_empty() && matches!(self.kind, JoinKind::Semi | JoinKind::Anti);
            let room = if first_only { 1 } else { BATCH_ROWS - ids.len() };
            let more = cursor
                .next_batch(cx.txn, room, &mut |_, value| match row_id(value) {
                    Some(id) => {
                        ids.push(id);
                        positions.push(position);
                        ControlFlow::Continue(())
                    }
                    None => {
                        bad = true;
                        ControlFlow::Break(())
                    }
                })
                .map_err(store_error)?;
            if bad {
                return Err(damaged());
            }
            if first_only && outer.positions.last() == Some(&position) {
                outer.met[row] = true;
            }
            if !more {
                outer.reading = false;
                outer.position += 1;
            }
        }
        Ok(())
    }

    /// [`IndexJoin::find`], noted as the look-ups' work.
    fn find_watched(&mut self, outer: &mut Outer, cx: &mut ExecCx<'_>) -> Result<()> {
        let begun = |outer: &Outer| outer.position + usize::from(outer.reading);
        let before = begun(outer);
        let ((), spent) = on_behalf(self.lookups, cx, |cx| self.find(outer, cx))?;
        if let Some(actual) = self.lookups.and_then(|node| cx.run.actuals.get_mut(node)) {
            actual.loops += (begun(outer) - before) as u64;
            actual.startup_micros += spent;
        }
        Ok(())
    }

    /// Fetches the rows of the next pairs: which of them pass the filter, and how many pairs were looked at.
    fn pairs(&mut self, outer: &mut Outer, cx: &mut ExecCx<'_>) -> Result<(Vec<u16>, usize)> {
        let taken = if self.right_types.is_empty() || self.existence() && self.filter.is_empty() {
            outer.ids.len()
        } else {
            self.raw.clear();
            let fetched =
                fetch_rows(self.table, &self.index, &outer.ids, &mut self.in_table, &mut self.raw, cx)?;
            self.raw.seal();
            self.reader.open(&self.raw)?;
            fetched
        };
        let all = || (0..taken as u16).collect();
        if self.filter.is_empty() {
            return Ok((all(), taken));
        }
        let rows = outer.batch.rows();
        let left_rows: Vec<u16> =
            outer.positions[..taken].iter().map(|&p| rows.nth(usize::from(p)) as u16).collect();
        let blank = Arc::new(Vector { constant: true, ..Vector::of(Values::Bool(vec![false])) });
        let mut columns = vec![blank; self.left_width + self.right_types.len()];
        for &slot in &self.filter_slots.0 {
            columns[slot] = Arc::new(outer.batch.columns[slot].select(&left_rows));
        }
        for &slot in &self.filter_slots.1 {
            columns[slot] =
                Arc::new(self.reader.column(slot - self.left_width, &self.raw, Rows::All(taken))?);
        }
        let passed = self.filter.apply(Batch { columns, len: taken, selection: None }, cx)?;
        Ok((passed.selection.unwrap_or_else(all), taken))
    }

    /// Joins the pairs at hand; `None` if none of them yields a row.
    fn join(&mut self, outer: &mut Outer, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let ((passed, taken), _) = on_behalf(self.lookups, cx, |cx| self.pairs(outer, cx))?;
        if let Some(actual) = self.lookups.and_then(|node| cx.run.actuals.get_mut(node)) {
            actual.rows += passed.len() as u64;
        }
        let rows = outer.batch.rows();
        // Left rows in order, each with the pairs that passed, or with none when it is settled and has met nobody.
        let (mut left_rows, mut right_rows) =
            (Vec::with_capacity(passed.len()), Vec::with_capacity(passed.len()));
        let mut next = outer.emitted;
        let alone = |next: &mut usize, to: usize, met: &[bool], left: &mut Vec<u16>, right: &mut Vec<u32>| {
            for position in *next..to {
                let row = rows.nth(position);
                if !met[row] {
                    left.push(row as u16);
                    right.push(u32::MAX);
                }
            }
            *next = to.max(*next);
        };
        for &pair in &passed {
            let position = usize::from(outer.positions[usize::from(pair)]);
            if self.kind == JoinKind::Left {
                alone(&mut next, position, &outer.met, &mut left_rows, &mut right_rows);
            }
            let row = rows.nth(position);
            outer.met[row] = true;
            if !self.existence() {
                left_rows.push(row as u16);
                right_rows.push(u32::from(pair));
            }
        }
        outer.positions.drain(..taken);
        outer.ids.drain(..taken);
        if self.kind == JoinKind::Left {
            let settled = outer.positions.first().map_or(outer.position, |&p| usize::from(p));
            alone(&mut next, settled, &outer.met, &mut left_rows, &mut right_rows);
            outer.emitted = next;
        }
        if left_rows.is_empty() {
            return Ok(None);
        }
        let mut columns: Vec<Arc<Vector>> =
            outer.batch.columns.iter().map(|c| Arc::new(c.select(&left_rows))).collect();
        let (right, _) = on_behalf(self.lookups, cx, |_| {
            self.right_columns(&passed, &right_rows, taken).collect::<Result<Vec<_>>>()
        })?;
        columns.extend(right);
        Ok(Some(Batch { columns, len: left_rows.len(), selection: None }))
    }

    /// The right slots of the output: by row the pair, of `taken`, or `u32::MAX` for none.
    fn right_columns<'s>(
        &'s self,
        passed: &'s [u16],
        right_rows: &'s [u32],
        taken: usize,
    ) -> impl Iterator<Item = Result<Arc<Vector>>> + 's {
        let complete = right_rows.len() == passed.len();
        (0..self.right_types.len()).map(move |slot| {
            Ok(Arc::new(if complete {
                self.reader.column(slot, &self.raw, Rows::Some(passed))?
            } else if passed.is_empty() {
                Vector::constant(&Datum::Null, self.right_types[slot].oid)
            } else {
                self.reader.column(slot, &self.raw, Rows::All(taken))?.gather(right_rows)
            }))
        })
    }
}

impl Operator for IndexJoin {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        loop {
            cx.check_interrupt()?;
            let mut outer = match self.outer.take() {
                Some(outer) => outer,
                None => match self.next_outer(cx)? {
                    Some(outer) => outer,
                    None => return Ok(None),
                },
            };
            if outer.ids.is_empty() {
                self.find_watched(&mut outer, cx)?;
            }
            let joined = self.join(&mut outer, cx)?;
            let count = outer.batch.count();
            if outer.position < count || !outer.ids.is_empty() {
                self.outer = Some(outer);
            } else if self.existence() {
                let wanted = self.kind == JoinKind::Semi;
                let Outer { batch, met, .. } = outer;
                let kept: Vec<u16> =
                    batch.rows().iter().filter(|&r| met[r] == wanted).map(|r| r as u16).collect();
                if !kept.is_empty() {
                    return Ok(Some(Batch { selection: Some(kept), ..batch }));
                }
            }
            if joined.is_some() {
                return Ok(joined);
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.outer = None;
        self.left.rescan(cx)
    }
}
