//! Cursors: DECLARE, FETCH, MOVE and CLOSE. A cursor is a portal with a position.
//!
//! ```text
//!   at_start            position = number of the current row              at_end
//!      |    row 1    row 2    row 3   ...                       row n        |
//! ```
//!
//! 1. A cursor sees what was there when it was declared, whatever its transaction has written since.
//! 2. Going back needs the rows again. SCROLL keeps all rows that have been fetched; without a word about it, the plan is run again
//!    at the first step back, and keeps rows from then on.
//! 3. WITH HOLD: at COMMIT the rest of the rows is read and kept; after that the cursor needs no transaction.
//!
//! Source: PostgreSQL manual, reference pages of DECLARE, FETCH and MOVE.

use std::sync::Arc;

use nq_qsql::catalog::Relation;
use nq_qsql::error::Result;
use nq_qsql::parse::ast::{DeclareCursor, Fetch, FetchCount, FetchDirection};
use nq_qsql::plan::physical::{Command, Node, Op};
use nq_qsql::types::{DataType, Datum, oid};
use nq_qsql::{bail, sql_err};

use super::plan_cache::Plan;
use super::portal::{Portal, Run, Running};
use super::prepared::{Prepared, Source, has_into};
use super::utility::Done;
use super::{Format, Session};
use crate::exec::row_store::RowStore;
use crate::exec::{Batch, Execution};

/// What makes a portal a cursor.
pub(crate) struct Cursor {
    pub(crate) holdable: bool,
    pub(crate) binary: bool,
    pub(crate) scrollable: bool,
    pub(crate) time: i64,
    position: u64,
    at_start: bool,
    at_end: bool,
    /// Rows from the first one on, where they are kept.
    kept: Option<Kept>,
    /// It has outlived its transaction.
    held: bool,
    /// The rows of tables that the current row is, as the plan's `positions` name them.
    rows: Vec<Option<u64>>,
}

/// Rows that can be read again.
struct Kept {
    store: RowStore,
    /// Rows up to the end of each batch.
    ends: Vec<u64>,
    /// Rows before the first one kept.
    before: u64,
}

impl Kept {
    fn new(types: &[DataType], session: &Session, running: &Running, before: u64) -> Kept {
        Kept { store: RowStore::of(types, &running.memory, &session.db.spill), ends: Vec::new(), before }
    }

    fn rows(&self) -> u64 {
        self.before + self.ends.last().copied().unwrap_or(0)
    }

    fn push(&mut self, batch: &Batch) -> Result<()> {
        let end = self.ends.last().copied().unwrap_or(0) + batch.count() as u64;
        self.store.push(batch)?;
        self.ends.push(end);
        Ok(())
    }

    /// Appends rows `from..to`, counted from 0, to `out`, the last first if `backward`.
    fn copy(&self, from: u64, to: u64, backward: bool, out: &mut RowStore) -> Result<()> {
        let (from, to) = (from.saturating_sub(self.before), to.saturating_sub(self.before));
        if from >= to {
            return Ok(());
        }
        let first = self.ends.partition_point(|&end| end <= from);
        let last = self.ends.partition_point(|&end| end < to);
        let piece = |i: usize, out: &mut RowStore| -> Result<()> {
            let Some(batch) = self.store.get(i)? else { return Ok(()) };
            let start = if i == 0 { 0 } else { self.ends[i - 1] };
            let (a, b) = (from.max(start) - start, to.min(self.ends[i]) - start);
            let batch = batch.slice(a as usize, b as usize).compact();
            if !backward {
                return out.push(&batch);
            }
            let rows: Vec<u32> = (0..batch.len as u32).rev().collect();
            let columns = batch.columns.iter().map(|c| Arc::new(c.gather(&rows))).collect();
            out.push(&Batch { columns, len: batch.len, selection: None })
        };
        match backward {
            false => (first..=last).try_for_each(|i| piece(i, out)),
            true => (first..=last).rev().try_for_each(|i| piece(i, out)),
        }
    }
}

/// Whether PostgreSQL would let a cursor over such a plan go back without SCROLL.
fn goes_back(node: &Node) -> bool {
    match &node.op {
        Op::Values(_)
        | Op::SeqScan(_)
        | Op::IndexScan { .. }
        | Op::IndexSearch { .. }
        | Op::FunctionScan { .. }
        | Op::CteScan { .. }
        | Op::Sort { .. }
        | Op::Materialize(_) => true,
        Op::Filter { input, .. } | Op::Project { input, .. } | Op::Limit { input, .. } => goes_back(input),
        Op::Append(inputs) => inputs.iter().all(goes_back),
        _ => false,
    }
}

fn locks_rows(node: &Node) -> bool {
    match &node.op {
        Op::LockRows { .. } => true,
        Op::Filter { input, .. } | Op::Project { input, .. } | Op::Limit { input, .. } => locks_rows(input),
        _ => false,
    }
}

fn undefined(name: &str) -> nq_qsql::error::SqlError {
    sql_err!(INVALID_CURSOR_NAME, "cursor \"{name}\" does not exist")
}

/// How many rows to go: `None` is ALL.
type Count = Option<u64>;

impl Session {
    /// The plan of a cursor's query, with what DECLARE forbids refused.
    fn cursor_plan(
        &mut self,
        inner: &Arc<Source>,
        declare: &DeclareCursor,
        params: &[Datum],
    ) -> Result<Arc<Plan>> {
        if let Some(parsed) = &inner.parsed
            && has_into(&parsed.ast, declare.query)
        {
            bail!(INVALID_CURSOR_DEFINITION, "DECLARE CURSOR must not specify INTO");
        }
        let types: Vec<_> = params.iter().map(|p| if p.is_null() { 0 } else { p.natural_type() }).collect();
        let plan = self.cached_plan(inner, &types)?;
        if plan.physical.ctes.iter().any(|cte| cte.modifies) || plan.physical.command != Command::Select {
            bail!(FEATURE_NOT_SUPPORTED, "DECLARE CURSOR must not contain data-modifying statements in WITH");
        }
        if locks_rows(&plan.physical.root) {
            for (forbidden, words, detail) in [
                (
                    declare.hold,
                    "DECLARE CURSOR WITH HOLD ... FOR UPDATE",
                    "Holdable cursors must be READ ONLY.",
                ),
                (
                    declare.scroll == Some(true),
                    "DECLARE SCROLL CURSOR ... FOR UPDATE",
                    "Scrollable cursors must be READ ONLY.",
                ),
            ] {
                if forbidden {
                    return Err(sql_err!(FEATURE_NOT_SUPPORTED, "{words} is not supported").detail(detail));
                }
            }
            if declare.insensitive == Some(true) {
                return Err(sql_err!(
                    INVALID_CURSOR_DEFINITION,
                    "DECLARE INSENSITIVE CURSOR ... FOR UPDATE is not valid"
                )
                .detail("Insensitive cursors must be READ ONLY."));
            }
        }
        Ok(plan)
    }

    /// DECLARE CURSOR.
    pub(crate) fn declare_cursor(
        &mut self,
        source: &Arc<Source>,
        declare: &DeclareCursor,
        params: &Arc<[Datum]>,
    ) -> Result<Done> {
        let name = &*declare.name.name;
        if !declare.hold {
            self.check_inside_block("DECLARE CURSOR")?;
        }
        let inner = source.inner()?;
        let plan = self.cursor_plan(&inner, declare, params)?;
        if self.portals.contains_key(name) {
            bail!(DUPLICATE_CURSOR, "cursor \"{name}\" already exists");
        }
        let scrollable = declare
            .scroll
            .unwrap_or_else(|| !locks_rows(&plan.physical.root) && goes_back(&plan.physical.root));
        let format = if declare.binary { Format::Binary } else { Format::Text };
        let running = self.open_plan(plan, None, &inner, params)?;
        let columns = running.plan.columns.clone();
        let kept = match declare.scroll {
            Some(true) => Some(Kept::new(&kept_types(&running), self, &running, 0)),
            _ => None,
        };
        let cursor = Box::new(Cursor {
            holdable: declare.hold,
            binary: declare.binary,
            scrollable,
            time: self.host.statement_time,
            position: 0,
            at_start: true,
            at_end: false,
            kept,
            held: false,
            rows: Vec::new(),
        });
        let portal = Portal {
            source: inner,
            types: None,
            params: params.clone(),
            formats: vec![format; columns.len()],
            columns: Some(columns),
            run: Run::Running(Box::new(running)),
            sent: 0,
            announce: false,
            level: self.savepoint_level(),
            cursor: Some(cursor),
        };
        self.portals.insert(name.into(), portal);
        Done::tag("DECLARE CURSOR")
    }

    /// Locks a plan's relations and makes its operators, which see what is there now.
    fn open_plan(
        &mut self,
        plan: Arc<Plan>,
        prepared: Option<&Arc<Prepared>>,
        source: &Arc<Source>,
        params: &Arc<[Datum]>,
    ) -> Result<Running> {
        let plan = self.lock_plan(plan, prepared, source)?;
        self.check_plan_writable(&plan, source.statement())?;
        self.transaction.worked(false);
        let memory = self.statement_memory();
        let mut running = self.make_running(&plan, params, memory)?;
        running.sight = Some(self.txn().sight());
        Ok(running)
    }

    /// CLOSE.
    pub(crate) fn close_cursor(&mut self, name: Option<&str>) -> Result<Done> {
        match name {
            None => {
                self.portals.retain(|_, portal| portal.cursor.is_none());
                Done::tag("CLOSE CURSOR ALL")
            }
            Some(name) => match self.portals.remove(name) {
                Some(_) => Done::tag("CLOSE CURSOR"),
                None => Err(undefined(name)),
            },
        }
    }

    /// FETCH and MOVE.
    pub(crate) fn fetch(&mut self, fetch: &Fetch) -> Result<Done> {
        let name = &*fetch.cursor.name;
        let Some((key, mut portal)) = self.portals.remove_entry(name) else { return Err(undefined(name)) };
        if let Run::Plan { plan, prepared } = &portal.run
            && plan.physical.command == Command::Select
        {
            let (plan, prepared) = (plan.clone(), prepared.clone());
            match self.open_plan(plan, prepared.as_ref(), &portal.source, &portal.params) {
                Ok(running) => portal.run = Run::Running(Box::new(running)),
                Err(error) => {
                    portal.columns = None;
                    self.portals.insert(key, portal);
                    return Err(error);
                }
            }
        }
        let columns = match (&portal.run, portal.columns.clone()) {
            (Run::Running(_) | Run::Done(_), Some(columns)) => columns,
            _ => {
                self.portals.insert(key, portal);
                bail!(OBJECT_NOT_IN_PREREQUISITE_STATE, "portal \"{name}\" cannot be run")
            }
        };
        // A portal of the protocol goes forward only.
        let mut cursor = portal.cursor.take().unwrap_or_else(|| {
            Box::new(Cursor {
                holdable: false,
                binary: false,
                scrollable: false,
                time: self.host.statement_time,
                position: portal.sent,
                at_start: portal.sent == 0,
                at_end: false,
                kept: None,
                held: false,
                rows: Vec::new(),
            })
        });
        let types: Vec<DataType> = columns.iter().map(|c| c.ty).collect();
        let mut out =
            (!fetch.is_move).then(|| RowStore::of(&types, &self.statement_memory(), &self.db.spill));
        let moved = self.move_cursor(&mut portal, &mut cursor, fetch, &mut out);
        let moved = moved.and_then(|moved| self.note_current(&portal, &mut cursor).map(|()| moved));
        if moved.is_err() {
            // It is still there after a rollback to a savepoint, but of no use.
            portal.columns = None;
        }
        let format = if cursor.binary { Some(Format::Binary) } else { None };
        portal.sent = cursor.position;
        portal.cursor = Some(cursor);
        self.portals.insert(key, portal);
        let count = moved?;
        Ok(match out {
            Some(store) => Done::Stored { columns, format, store, tag: format!("FETCH {count}") },
            None => Done::Tag(format!("MOVE {count}")),
        })
    }

    /// Goes where FETCH says; the last rows passed go to `out`. Answers how many those are.
    fn move_cursor(
        &mut self,
        portal: &mut Portal,
        cursor: &mut Cursor,
        fetch: &Fetch,
        out: &mut Option<RowStore>,
    ) -> Result<u64> {
        let no = &mut None;
        let count = match fetch.count {
            FetchCount::All => None,
            FetchCount::Count(n) => Some(n),
        };
        let size = count.map(i64::unsigned_abs);
        let negative = count.is_some_and(|n| n < 0);
        match (fetch.direction, count) {
            (FetchDirection::Absolute, Some(0)) => {
                self.rewind(portal, cursor)?;
                Ok(0)
            }
            (FetchDirection::Absolute, Some(n)) if n > 0 => {
                let target = n as u64;
                let here = cursor.position + u64::from(cursor.at_end);
                if target <= here {
                    // The row before the wanted one, from which one step forward leads to it.
                    if target - 1 <= cursor.position / 2 {
                        self.rewind(portal, cursor)?;
                        self.step(portal, cursor, true, Some(target - 1), no)?;
                    } else {
                        self.step(portal, cursor, false, Some(here - target + 1), no)?;
                    }
                } else {
                    self.step(portal, cursor, true, Some(target - here - 1), no)?;
                }
                self.step(portal, cursor, true, Some(1), out)
            }
            (FetchDirection::Absolute, _) => {
                self.step(portal, cursor, true, None, no)?;
                let back = size.unwrap_or(1);
                self.step(portal, cursor, false, Some(back - 1), no)?;
                self.step(portal, cursor, false, Some(1), out)
            }
            (FetchDirection::Relative, Some(n)) if n != 0 => {
                let steps = size.unwrap_or(1);
                self.step(portal, cursor, !negative, Some(steps - 1), no)?;
                self.step(portal, cursor, !negative, Some(1), out)
            }
            (_, Some(0)) => {
                // The current row once more.
                let on_row = !cursor.at_start && !cursor.at_end;
                match (on_row, &out) {
                    (true, Some(_)) => {
                        self.step(portal, cursor, false, Some(1), no)?;
                        self.step(portal, cursor, true, Some(1), out)
                    }
                    (on_row, _) => Ok(u64::from(on_row)),
                }
            }
            (direction, _) => {
                let forward = (direction == FetchDirection::Backward) == negative;
                if !forward && size.is_none() && out.is_none() {
                    let passed = cursor.position.saturating_sub(u64::from(!cursor.at_end));
                    self.rewind(portal, cursor)?;
                    return Ok(passed);
                }
                self.step(portal, cursor, forward, size, out)
            }
        }
    }

    /// Goes before the first row.
    fn rewind(&mut self, portal: &mut Portal, cursor: &mut Cursor) -> Result<()> {
        if cursor.at_start && !cursor.at_end {
            return Ok(());
        }
        self.keep_rows(portal, cursor)?;
        (cursor.position, cursor.at_start, cursor.at_end) = (0, true, false);
        Ok(())
    }

    /// Goes `count` rows, which go to `out` if wanted; answers how many there were.
    fn step(
        &mut self,
        portal: &mut Portal,
        cursor: &mut Cursor,
        forward: bool,
        count: Count,
        out: &mut Option<RowStore>,
    ) -> Result<u64> {
        if count == Some(0) {
            return Ok(0);
        }
        let limit = count.unwrap_or(u64::MAX);
        if !forward {
            if cursor.at_start && !cursor.at_end {
                return self.refuse_backward(cursor).map(|()| 0);
            }
            self.keep_rows(portal, cursor)?;
            let base = if cursor.at_end { cursor.position } else { cursor.position.saturating_sub(1) };
            let moved = base.min(limit);
            if let (Some(out), Some(kept)) = (out, &cursor.kept) {
                kept.copy(base - moved, base, true, out)?;
            }
            if count.is_none() || moved < limit {
                (cursor.position, cursor.at_start, cursor.at_end) = (0, true, false);
            } else {
                // At the end the last row is the first one back.
                cursor.position = cursor.position + u64::from(cursor.at_end) - moved;
                cursor.at_end = false;
            }
            return Ok(moved);
        }
        if cursor.at_end {
            return Ok(0);
        }
        let moved = match &mut cursor.kept {
            Some(kept) => {
                let wanted = cursor.position.saturating_add(limit);
                if let Run::Running(running) = &mut portal.run
                    && kept.rows() < wanted
                {
                    let missing = wanted - kept.rows();
                    self.pull_rows(running, &portal.params, missing, &mut |batch| kept.push(batch))?;
                }
                let moved = (kept.rows() - cursor.position).min(limit);
                if let Some(out) = out {
                    kept.copy(cursor.position, cursor.position + moved, false, out)?;
                }
                moved
            }
            None => match &mut portal.run {
                Run::Running(running) => {
                    let (columns, tables) = shape(running);
                    let rows = &mut cursor.rows;
                    self.pull_rows(running, &portal.params, limit, &mut |batch| {
                        *rows = last_rows(batch, columns, tables);
                        match out {
                            Some(out) => out.push(batch),
                            None => Ok(()),
                        }
                    })?
                }
                _ => 0,
            },
        };
        cursor.position += moved;
        cursor.at_start &= moved == 0;
        cursor.at_end = count.is_none() || moved < limit;
        Ok(moved)
    }

    /// Notes which rows of tables the current row of kept ones is.
    fn note_current(&self, portal: &Portal, cursor: &mut Cursor) -> Result<()> {
        if let (Run::Running(running), Some(kept)) = (&portal.run, &cursor.kept)
            && !running.plan.physical.positions.is_empty()
        {
            let (columns, tables) = shape(running);
            let mut store = RowStore::of(&kept_types(running), &running.memory, &self.db.spill);
            kept.copy(cursor.position.saturating_sub(1), cursor.position, false, &mut store)?;
            cursor.rows = match store.get(0)? {
                Some(batch) => last_rows(&batch, columns, tables),
                None => Vec::new(),
            };
        }
        Ok(())
    }

    /// The row of a table that a cursor is on, for WHERE CURRENT OF.
    ///
    /// # Errors
    /// 34000, 24000.
    pub(crate) fn current_row(&self, name: &str, table: &Relation) -> Result<Option<u64>> {
        let Some(portal) = self.portals.get(name) else { return Err(undefined(name)) };
        let held = portal.cursor.as_ref().is_some_and(|c| c.held);
        let running = match &portal.run {
            _ if held => bail!(INVALID_CURSOR_STATE, "cursor \"{name}\" is held from a previous transaction"),
            Run::Running(running) if running.plan.physical.command == Command::Select => running,
            _ => bail!(INVALID_CURSOR_STATE, "cursor \"{name}\" is not a SELECT query"),
        };
        let plan = &running.plan.physical;
        let mut places = (0..plan.positions.len()).filter(|&i| plan.positions[i] == table.oid);
        let shown = &table.name;
        let place = match (places.next(), places.next(), locks_rows(&plan.root)) {
            (Some(place), None, _) => place,
            (Some(_), Some(_), _) => bail!(
                INVALID_CURSOR_STATE,
                "cursor \"{name}\" has multiple FOR UPDATE/SHARE references to table \"{shown}\""
            ),
            (None, _, true) => bail!(
                INVALID_CURSOR_STATE,
                "cursor \"{name}\" does not have a FOR UPDATE/SHARE reference to table \"{shown}\""
            ),
            (None, _, false) => bail!(
                INVALID_CURSOR_STATE,
                "cursor \"{name}\" is not a simply updatable scan of table \"{shown}\""
            ),
        };
        match &portal.cursor {
            Some(cursor) if !cursor.at_start && !cursor.at_end && !cursor.rows.is_empty() => {
                Ok(cursor.rows.get(place).copied().flatten())
            }
            _ => bail!(INVALID_CURSOR_STATE, "cursor \"{name}\" is not positioned on a row"),
        }
    }

    fn refuse_backward(&self, cursor: &Cursor) -> Result<()> {
        if cursor.scrollable {
            return Ok(());
        }
        Err(sql_err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
            .hint("Declare it with SCROLL option to enable backward scan."))
    }

    /// Makes sure that all rows passed can be read again: runs the plan anew if they were not kept.
    fn keep_rows(&mut self, portal: &mut Portal, cursor: &mut Cursor) -> Result<()> {
        self.refuse_backward(cursor)?;
        if cursor.kept.is_some() {
            return Ok(());
        }
        let Run::Running(running) = &mut portal.run else { return Ok(()) };
        let mut kept = Kept::new(&kept_types(running), self, running, 0);
        self.restart(running, &portal.params)?;
        self.pull_rows(running, &portal.params, cursor.position, &mut |batch| kept.push(batch))?;
        cursor.kept = Some(kept);
        Ok(())
    }

    /// Starts a cursor's plan over, to see what it has seen.
    fn restart(&mut self, running: &mut Running, params: &Arc<[Datum]>) -> Result<()> {
        let (plan, memory, sight) = (running.plan.clone(), running.memory.clone(), running.sight.clone());
        let execution = self.with_sight(sight, |session| {
            session.with_exec_cx(&plan, params, &memory, |cx| Execution::new(&plan.physical, cx, false))
        })?;
        running.execution = execution;
        running.ready.clear();
        running.skip = 0;
        Ok(())
    }

    /// Pulls at most `limit` rows out of a plan; answers how many came.
    fn pull_rows(
        &mut self,
        running: &mut Running,
        params: &Arc<[Datum]>,
        limit: u64,
        take: &mut dyn FnMut(&Batch) -> Result<()>,
    ) -> Result<u64> {
        let (plan, memory, sight) = (running.plan.clone(), running.memory.clone(), running.sight.clone());
        self.with_sight(sight, |session| {
            session.with_exec_cx(&plan, params, &memory, |cx| {
                let mut got = 0;
                while got < limit {
                    if running.ready.is_empty() {
                        let Some(batch) = running.execution.next(cx)? else { break };
                        running.ready.push_back(batch);
                        running.skip = 0;
                    }
                    let batch = &running.ready[0];
                    let there = batch.count() - running.skip;
                    let some = (there as u64).min(limit - got) as usize;
                    take(&batch.clone().slice(running.skip, running.skip + some))?;
                    got += some as u64;
                    running.skip += some;
                    if some == there {
                        running.ready.pop_front();
                        running.skip = 0;
                    }
                }
                Ok(got)
            })
        })
    }

    /// COMMIT: reads what holdable cursors of the transaction have not read yet.
    pub(crate) fn hold_cursors(&mut self) -> Result<()> {
        let is_open = |p: &Portal| p.cursor.as_ref().is_some_and(|c| c.holdable && !c.held);
        let names: Vec<Box<str>> =
            self.portals.iter().filter(|(_, p)| is_open(p)).map(|(name, _)| name.clone()).collect();
        if !names.is_empty() {
            self.ready_view();
        }
        for name in names {
            let Some((key, mut portal)) = self.portals.remove_entry(&name) else { continue };
            if let Some(mut cursor) = portal.cursor.take() {
                self.hold(&mut portal, &mut cursor)?;
                portal.cursor = Some(cursor);
            }
            self.portals.insert(key, portal);
        }
        Ok(())
    }

    fn hold(&mut self, portal: &mut Portal, cursor: &mut Cursor) -> Result<()> {
        if cursor.scrollable {
            self.keep_rows(portal, cursor)?;
        }
        if let Run::Running(running) = &mut portal.run {
            let mut kept = match cursor.kept.take() {
                Some(kept) => kept,
                None => Kept::new(&kept_types(running), self, running, cursor.position),
            };
            self.pull_rows(running, &portal.params, u64::MAX, &mut |batch| kept.push(batch))?;
            cursor.kept = Some(kept);
        }
        portal.run = Run::Done(String::new());
        cursor.held = true;
        Ok(())
    }
}

impl Cursor {
    /// Whether it stays when its transaction ends.
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }
}

/// Types of the columns that the client sees, and of the row ids behind them.
fn kept_types(running: &Running) -> Vec<DataType> {
    let ids = running.plan.physical.positions.iter().map(|_| DataType::of(oid::INT8));
    running.plan.columns.iter().map(|c| c.ty).chain(ids).collect()
}

/// How many columns the client sees, and how many row ids stand behind them.
fn shape(running: &Running) -> (usize, usize) {
    (running.plan.columns.len(), running.plan.physical.positions.len())
}

/// The row ids of a batch's last row.
fn last_rows(batch: &Batch, columns: usize, tables: usize) -> Vec<Option<u64>> {
    let Some(row) = batch.rows().iter().last() else { return Vec::new() };
    let id = |column: usize| match batch.columns.get(column)?.datum(row, oid::INT8) {
        Datum::Int8(id) => Some(id as u64),
        _ => None,
    };
    (columns..columns + tables).map(id).collect()
}
