//! Portals: statements with their parameters, being run.
//!
//! A portal of a plan pulls batches as long as the sink takes them and can rest between any two rows. What writes runs to its end at
//! the first `execute`; its RETURNING rows are kept and handed out. Statements that are not planned run as a whole, too.

use std::collections::VecDeque;
use std::sync::Arc;

use nq_qsql::bail;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::Statement;
use nq_qsql::plan::physical::{Command, OutputColumn, TableLock};
use nq_qsql::types::{Datum, Oid};
use nq_storage::Sight;

use super::api::RowSource;
use super::cursor::Cursor;
use super::plan_cache::Plan;
use super::prepared::{Prepared, Source, is_plannable};
use super::{Flow, Format, Outcome, ResultSink, Rows, Session};
use crate::catalog::system::{self, SessionFacts, SystemCx};
use crate::copy::CopyOut;
use crate::exec::memory::Memory;
use crate::exec::point::{Point, eval_row};
use crate::exec::row_store::RowStore;
use crate::exec::{Batch, ExecCx, Execution, Keys, VirtualTables};

/// A statement being run.
pub(crate) struct Portal {
    pub(crate) source: Arc<Source>,
    pub(crate) params: Arc<[Datum]>,
    /// Types of the parameters of a CALL.
    pub(crate) types: Option<Arc<[Oid]>>,
    pub(crate) columns: Option<Arc<[OutputColumn]>>,
    /// One per column.
    pub(crate) formats: Vec<Format>,
    pub(crate) run: Run,
    /// Rows handed out since the client last heard of the portal.
    pub(crate) sent: u64,
    /// Announce the columns before the first row (simple protocol).
    pub(crate) announce: bool,
    /// Savepoints there were when it was made.
    pub(crate) level: usize,
    pub(crate) cursor: Option<Box<Cursor>>,
}

/// How far a portal is.
pub(crate) enum Run {
    /// A plan that has not started; `Prepared` to plan again if the catalog has changed.
    Plan { plan: Arc<Plan>, prepared: Option<Arc<Prepared>> },
    /// A plan at work.
    Running(Box<Running>),
    /// A statement that is not planned and has not run.
    Utility,
    /// A COPY TO at work.
    CopyOut(Box<CopyOut>),
    /// Rows that are there, to be handed out.
    Values { rows: VecDeque<Vec<Datum>>, tag: String },
    /// Many rows that are there, to be handed out: the next is the `skip`-th of batch `next`.
    Stored { store: RowStore, next: usize, skip: usize, tag: String },
    /// Finished, with the command tag.
    Done(String),
}

/// A plan at work.
pub(crate) struct Running {
    pub(crate) plan: Arc<Plan>,
    pub(crate) execution: Execution,
    pub(crate) memory: Arc<Memory>,
    /// Batches that are there already, and rows of the first one that were handed out.
    pub(crate) ready: VecDeque<Batch>,
    pub(crate) skip: usize,
    /// What it sees, once other statements may have run meanwhile.
    pub(crate) sight: Option<Sight>,
    /// Everything is in `ready`.
    complete: bool,
    affected: u64,
}

/// Rows of system relations for plans that read some.
pub(super) struct SessionTables<'a> {
    pub(super) cx: SystemCx<'a>,
}

impl VirtualTables for SessionTables<'_> {
    fn rows(&self, relation: &nq_qsql::catalog::Relation, keys: &Keys) -> Result<Vec<Vec<Datum>>> {
        system::rows(&self.cx, relation, keys)
    }
}

/// For plans that read no system relation.
pub(super) struct NoTables;

impl VirtualTables for NoTables {
    fn rows(&self, relation: &nq_qsql::catalog::Relation, _keys: &Keys) -> Result<Vec<Vec<Datum>>> {
        Err(SqlError::internal(format_args!("relation {} was not expected in the plan", relation.name)))
    }
}

impl Portal {
    /// Announces the columns, if that is still to be done.
    fn announce(&mut self, sink: &mut dyn ResultSink) {
        if std::mem::take(&mut self.announce)
            && let Some(columns) = &self.columns
        {
            sink.describe(columns, &self.formats);
        }
    }

    /// Whether running it takes microseconds, waits apart.
    pub(crate) fn is_short(&self) -> bool {
        match &self.run {
            Run::Plan { plan, .. } => plan.is_short(),
            Run::Utility => self.source.statement().is_some_and(ends_or_begins),
            Run::Done(_) => true,
            Run::Values { rows, .. } => rows.len() <= 1,
            Run::Running(running) => running.plan.is_short(),
            Run::CopyOut(_) | Run::Stored { .. } => false,
        }
    }
}

/// Whether a statement begins or ends a transaction.
pub(crate) fn ends_or_begins(statement: &nq_qsql::parse::ast::Statement) -> bool {
    use nq_qsql::parse::ast::Statement;
    matches!(statement, Statement::Begin(_) | Statement::Commit { .. } | Statement::Rollback { .. })
}

/// The formats of `count` columns from those of a Bind message.
pub(crate) fn spread_formats(formats: &[Format], count: usize) -> Result<Vec<Format>> {
    match formats {
        [] => Ok(vec![Format::Text; count]),
        [one] => Ok(vec![*one; count]),
        many if many.len() == count => Ok(many.to_vec()),
        many => bail!(
            PROTOCOL_VIOLATION,
            "bind message has {} result formats but query has {count} columns",
            many.len()
        ),
    }
}

impl Session {
    /// Makes a portal of a prepared statement.
    pub(crate) fn make_portal(
        &mut self,
        prepared: &Arc<Prepared>,
        params: Vec<Datum>,
        result_formats: &[Format],
    ) -> Result<Portal> {
        let columns = prepared.columns.clone();
        let formats = spread_formats(result_formats, columns.as_ref().map_or(0, |c| c.len()))?;
        let run = match &prepared.source.parsed {
            None => Run::Done(String::new()),
            Some(parsed) if is_plannable(&parsed.ast) => {
                Run::Plan { plan: self.prepared_plan(prepared)?, prepared: Some(prepared.clone()) }
            }
            Some(_) => Run::Utility,
        };
        Ok(Portal {
            source: prepared.source.clone(),
            params: params.into(),
            types: match prepared.source.statement() {
                Some(Statement::Call(_)) => Some(prepared.params.as_slice().into()),
                _ => None,
            },
            columns,
            formats,
            run,
            sent: 0,
            announce: false,
            level: self.savepoint_level(),
            cursor: None,
        })
    }

    /// Runs a portal, or goes on with it.
    pub(crate) fn run_portal(
        &mut self,
        portal: &mut Portal,
        max_rows: u32,
        sink: &mut dyn ResultSink,
    ) -> Result<Outcome> {
        let outcome = self.advance_portal(portal, max_rows, sink)?;
        if let Outcome::Complete(_) = outcome {
            self.settle_statement()?;
            self.backend.counters.statement();
        }
        Ok(outcome)
    }

    fn advance_portal(
        &mut self,
        portal: &mut Portal,
        max_rows: u32,
        sink: &mut dyn ResultSink,
    ) -> Result<Outcome> {
        if portal.source.parsed.is_none() {
            return Ok(Outcome::Empty);
        }
        self.check_statement_allowed(portal.source.statement())?;
        if let Run::Utility = portal.run {
            let source = portal.source.clone();
            match source.statement() {
                Some(Statement::Copy(copy)) if !copy.from => {
                    portal.run = Run::CopyOut(self.start_copy_out(&source, copy)?);
                }
                Some(Statement::Execute(execute)) => self.start_execute(portal, &source, execute)?,
                _ => {}
            }
        }
        if let Run::Utility = portal.run {
            self.transaction.worked(portal.source.statement().is_some_and(ends_or_begins));
            match self.run_utility(portal)? {
                super::utility::Done::Tag(tag) => {
                    portal.run = Run::Done(String::new());
                    return Ok(Outcome::Complete(tag));
                }
                super::utility::Done::Rows { columns, rows, tag } => {
                    if portal.columns.is_none() || portal.formats.len() != columns.len() {
                        portal.formats = vec![Format::Text; columns.len()];
                    }
                    portal.columns = Some(columns);
                    portal.run = Run::Values { rows: rows.into(), tag };
                }
                super::utility::Done::Stored { columns, format, store, tag } => {
                    if format.is_some() || portal.formats.len() != columns.len() {
                        portal.formats = vec![format.unwrap_or_default(); columns.len()];
                    }
                    portal.columns = Some(columns);
                    portal.run = Run::Stored { store, next: 0, skip: 0, tag };
                }
                super::utility::Done::Copy(outcome) => {
                    portal.run = Run::Done(String::new());
                    return Ok(outcome);
                }
            }
        }
        if let Run::Plan { .. } = portal.run
            && let Some(outcome) = self.start_plan(portal, max_rows, sink)?
        {
            return Ok(outcome);
        }
        portal.announce(sink);
        match &mut portal.run {
            Run::Running(_) => self.pull(portal, max_rows, sink),
            Run::Values { .. } => self.hand_out(portal, max_rows, sink),
            Run::Stored { .. } => self.hand_out_stored(portal, max_rows, sink),
            Run::CopyOut(copy) => {
                let outcome = self.pull_copy(copy, sink)?;
                if outcome != Outcome::Suspended {
                    portal.run = Run::Done(String::new());
                }
                Ok(outcome)
            }
            Run::Done(tag) => Ok(Outcome::Complete(tag.clone())),
            Run::Plan { .. } | Run::Utility => Err(SqlError::internal("a portal was not started")),
        }
    }

    /// Hands out rows that are there.
    fn hand_out(&mut self, portal: &mut Portal, max_rows: u32, sink: &mut dyn ResultSink) -> Result<Outcome> {
        let Run::Values { rows, tag } = &mut portal.run else {
            return Err(SqlError::internal("the portal has no rows"));
        };
        let columns = portal.columns.clone().unwrap_or_else(|| Arc::from([]));
        let limit = if max_rows == 0 { usize::MAX } else { max_rows as usize };
        let mut given = 0;
        let view = self.host.current_view().clone();
        let io = self.host.io(&view);
        while let Some(row) = rows.pop_front() {
            let source = RowSource::Values { values: &row, count: 1 };
            let flow = sink.rows(&Rows { source, columns: &columns, formats: &portal.formats, io: &io })?;
            given += 1;
            portal.sent += 1;
            if given == limit || (flow == Flow::Full && !rows.is_empty()) {
                return Ok(Outcome::Suspended);
            }
        }
        let tag = tag.replace("{}", &portal.sent.to_string());
        portal.run = Run::Done(tag_of_nothing(&tag));
        Ok(Outcome::Complete(tag))
    }

    /// Locks the plan's relations and checks privileges; a plan that the catalog has outrun meanwhile is made anew.
    pub(crate) fn lock_plan(
        &mut self,
        mut plan: Arc<Plan>,
        prepared: Option<&Arc<Prepared>>,
        source: &Arc<Source>,
    ) -> Result<Arc<Plan>> {
        while !self.lock_plan_relations(&plan)? {
            plan = match prepared {
                Some(prepared) => self.prepared_plan(prepared)?,
                None => {
                    let params: Vec<_> = plan.params.iter().map(|ty| ty.oid).collect();
                    self.cached_plan(source, &params)?
                }
            };
        }
        Ok(plan)
    }

    /// Locks the plan's relations and checks privileges; `false` when the catalog has outrun the plan meanwhile.
    pub(crate) fn lock_plan_relations(&mut self, plan: &Plan) -> Result<bool> {
        let version = self.host.current_view().catalog.version;
        if plan.lock_relations(self.begin_statement())? {
            self.db.settle();
            if self.home.version() != version && self.transaction.overlay.is_none() {
                self.ready_view();
                let view = self.host.current_view().clone();
                if !plan.fits(&view) {
                    return Ok(false);
                }
            }
        }
        self.check_plan_privileges(plan)?;
        Ok(true)
    }

    pub(crate) fn check_plan_privileges(&mut self, plan: &Plan) -> Result<()> {
        self.host.check_plan(&plan.physical)
    }

    /// Refuses a plan that writes in a read-only transaction.
    pub(crate) fn check_plan_writable(&self, plan: &Plan, statement: Option<&Statement>) -> Result<()> {
        match plan.physical.read_only {
            true => Ok(()),
            false => self.check_writable(command_word(plan.physical.command, statement)),
        }
    }

    /// Memory that one statement may use before it spills.
    pub(crate) fn work_mem_bytes(&self) -> usize {
        (self.host.settings.derived().work_mem_kb.max(64) as usize) << 10
    }

    /// Counts changed rows for the decision when to analyse.
    pub(crate) fn note_changes(&self, plan: &Plan, rows: u64) {
        let written = |r: &&nq_qsql::plan::physical::RelationUse| r.lock == TableLock::RowExclusive;
        for used in plan.physical.relations.iter().filter(written) {
            self.db.changes.add(self.home.oid, used.relation.oid, rows);
        }
    }

    /// The memory of one statement.
    pub(crate) fn statement_memory(&self) -> Arc<Memory> {
        Memory::new(&self.db.budget, self.work_mem_bytes())
    }

    /// The memory of a statement that maintains a table (`maintenance_work_mem`).
    pub(crate) fn maintenance_memory(&self) -> Arc<Memory> {
        let kb = self.host.settings.int("maintenance_work_mem").unwrap_or(16_384).max(1024) as usize;
        Memory::new(&self.db.budget, kb << 10)
    }

    /// Starts a plan. Answers the outcome when it is already complete: nothing to return.
    fn start_plan(
        &mut self,
        portal: &mut Portal,
        max_rows: u32,
        sink: &mut dyn ResultSink,
    ) -> Result<Option<Outcome>> {
        let Run::Plan { plan, prepared } = &portal.run else { return Ok(None) };
        let (plan, prepared) = (plan.clone(), prepared.clone());
        let plan = self.lock_plan(plan, prepared.as_ref(), &portal.source)?;
        self.check_plan_writable(&plan, portal.source.statement())?;
        if !plan.physical.routines.is_empty() {
            // Bodies may run before anything is read: the statement's snapshot is that of its start.
            self.ensure_transaction().snapshot();
        }
        let memory = self.statement_memory();
        let reads = plan.physical.read_only && plan.physical.routines.is_empty();
        self.transaction.worked(reads || plan.is_short());
        // A row limit makes a difference after the last row, which the general path takes care of.
        if let Some(point) = &plan.point
            && (max_rows == 0 || plan.columns.is_empty())
        {
            return self.run_point(portal, &plan, &point.point, &memory, sink);
        }
        let params = portal.params.clone();
        let mut running = self.make_running(&plan, &params, memory)?;
        if plan.physical.command != Command::Select {
            self.with_exec_cx(&plan, &params, &running.memory.clone(), |cx| {
                while let Some(batch) = running.execution.next(cx)? {
                    running.ready.push_back(batch);
                }
                Ok(())
            })?;
            running.complete = true;
            running.affected = running.execution.affected();
            self.settle_writes(running.affected)?;
            self.note_changes(&plan, running.affected);
            if plan.columns.is_empty() {
                let tag = command_tag(plan.physical.command, running.affected);
                portal.run = Run::Done(command_tag(plan.physical.command, 0));
                return Ok(Some(Outcome::Complete(tag)));
            }
        }
        portal.run = Run::Running(Box::new(running));
        Ok(None)
    }

    /// Makes a plan's operators; nothing runs yet.
    pub(crate) fn make_running(
        &mut self,
        plan: &Arc<Plan>,
        params: &[Datum],
        memory: Arc<Memory>,
    ) -> Result<Running> {
        let execution =
            self.with_exec_cx(plan, params, &memory, |cx| Execution::new(&plan.physical, cx, false))?;
        Ok(Running {
            execution,
            memory,
            ready: VecDeque::new(),
            skip: 0,
            sight: None,
            complete: false,
            affected: 0,
            plan: plan.clone(),
        })
    }

    /// Calls `work` with reads seeing what they saw when `sight` was taken.
    pub(crate) fn with_sight<R>(
        &mut self,
        sight: Option<Sight>,
        work: impl FnOnce(&mut Session) -> Result<R>,
    ) -> Result<R> {
        let Some(sight) = sight else { return work(self) };
        let now = self.ensure_transaction().look_through(sight);
        let result = work(self);
        if let Some(txn) = &mut self.transaction.txn {
            txn.look_through(now);
        }
        result
    }

    /// Hands out rows of a store.
    fn hand_out_stored(
        &mut self,
        portal: &mut Portal,
        max_rows: u32,
        sink: &mut dyn ResultSink,
    ) -> Result<Outcome> {
        let Run::Stored { store, next, skip, tag } = &mut portal.run else {
            return Err(SqlError::internal("the portal has no stored rows"));
        };
        let columns = portal.columns.clone().unwrap_or_else(|| Arc::from([]));
        let view = self.host.current_view().clone();
        let io = self.host.io(&view);
        let mut left = if max_rows == 0 { usize::MAX } else { max_rows as usize };
        while let Some(batch) = store.get(*next)? {
            let there = batch.count() - *skip;
            let count = there.min(left);
            let source = RowSource::Batch { batch: &batch, from: *skip, count };
            let flow = sink.rows(&Rows { source, columns: &columns, formats: &portal.formats, io: &io })?;
            portal.sent += count as u64;
            left -= count;
            (*next, *skip) = if count == there { (*next + 1, 0) } else { (*next, *skip + count) };
            if left == 0 || flow == Flow::Full {
                return Ok(Outcome::Suspended);
            }
        }
        let tag = std::mem::take(tag);
        portal.run = Run::Done(tag_of_nothing(&tag));
        Ok(Outcome::Complete(tag))
    }

    /// Runs a point statement. Rows of RETURNING are left in the portal, with `None` for the outcome.
    fn run_point(
        &mut self,
        portal: &mut Portal,
        plan: &Plan,
        point: &Point,
        memory: &Arc<Memory>,
        sink: &mut dyn ResultSink,
    ) -> Result<Option<Outcome>> {
        let params = portal.params.clone();
        let mut key = std::mem::take(&mut self.key);
        let done = match point {
            Point::Select(select) => {
                portal.announce(sink);
                let (columns, formats) = (&plan.columns, &portal.formats);
                let sink = std::cell::RefCell::new(sink);
                let found = self.with_exec_cx(plan, &params, memory, |cx| {
                    let io = cx.io;
                    let show = |source: RowSource<'_>| {
                        sink.borrow_mut().rows(&Rows { source, columns, formats, io }).map(drop)
                    };
                    select.run(
                        cx,
                        &mut key,
                        |row| show(RowSource::Stored(row)),
                        |values| show(RowSource::Values { values, count: 1 }),
                    )
                });
                found.map(|found| {
                    portal.sent = u64::from(found.is_some());
                    portal.run = Run::Done(command_tag(Command::Select, 0));
                    Some(Outcome::Complete(command_tag(Command::Select, portal.sent)))
                })
            }
            Point::Row(exprs) => {
                self.with_exec_cx(plan, &params, memory, |cx| eval_row(exprs, cx)).map(|row| {
                    portal.run = Run::Values { rows: VecDeque::from([row]), tag: "SELECT {}".to_owned() };
                    None
                })
            }
            Point::Write(write) => {
                let defer = self.can_defer();
                let written = self.with_exec_cx(plan, &params, memory, |cx| {
                    cx.txn.defer_waits(defer);
                    let written = write.run(cx, &mut key);
                    cx.txn.defer_waits(false);
                    written
                });
                if self.note_deferred() {
                    self.key = key;
                    return Ok(Some(Outcome::Blocked));
                }
                let written = written.and_then(|written| self.settle_writes(written.count).map(|()| written));
                written.map(|written| {
                    self.note_changes(plan, written.count);
                    let tag = command_tag(plan.physical.command, written.count);
                    if plan.columns.is_empty() {
                        portal.run = Run::Done(command_tag(plan.physical.command, 0));
                        return Some(Outcome::Complete(tag));
                    }
                    portal.run = Run::Values { rows: written.rows.into(), tag };
                    None
                })
            }
        };
        self.key = key;
        if let Some(read) = self.transaction.txn.as_ref().map(|txn| txn.read_lsn()) {
            self.await_durable(read);
        }
        done
    }

    /// Pulls rows out of a running plan into the sink.
    fn pull(&mut self, portal: &mut Portal, max_rows: u32, sink: &mut dyn ResultSink) -> Result<Outcome> {
        let Run::Running(running) = &mut portal.run else {
            return Err(SqlError::internal("the portal is not running"));
        };
        let plan = running.plan.clone();
        let params = portal.params.clone();
        let (columns, formats) = (plan.columns.clone(), &portal.formats);
        let sent = &mut portal.sent;
        let mut left = if max_rows == 0 { u64::MAX } else { u64::from(max_rows) };
        let memory = running.memory.clone();
        self.ensure_transaction();
        let sight = running.sight.clone();
        let work = |cx: &mut ExecCx<'_>| {
            loop {
                if running.ready.is_empty() {
                    let next = if running.complete { None } else { running.execution.next(cx)? };
                    let Some(batch) = next else { return Ok(true) };
                    running.ready.push_back(batch);
                    running.skip = 0;
                }
                let batch = &running.ready[0];
                let there = batch.count() - running.skip;
                let take = (there as u64).min(left) as usize;
                let source = RowSource::Batch { batch, from: running.skip, count: take };
                let flow = sink.rows(&Rows { source, columns: &columns, formats, io: cx.io })?;
                *sent += take as u64;
                left -= take as u64;
                running.skip += take;
                if take == there {
                    running.ready.pop_front();
                    running.skip = 0;
                }
                if left == 0 || flow == Flow::Full {
                    return Ok(false);
                }
            }
        };
        let finished =
            self.with_sight(sight, |session| session.with_exec_cx(&plan, &params, &memory, work))?;
        if let Some(read) = self.transaction.txn.as_ref().map(|txn| txn.read_lsn()) {
            self.await_durable(read);
        }
        if !finished {
            if running.sight.is_none() {
                running.sight = self.transaction.txn.as_ref().map(nq_storage::Txn::sight);
            }
            return Ok(Outcome::Suspended);
        }
        let count = match plan.physical.command {
            Command::Select => portal.sent,
            _ => running.affected,
        };
        portal.run = Run::Done(command_tag(plan.physical.command, 0));
        Ok(Outcome::Complete(command_tag(plan.physical.command, count)))
    }

    /// Calls `work` with all that a running plan needs of the session.
    pub(crate) fn with_exec_cx<R>(
        &mut self,
        plan: &Plan,
        params: &[Datum],
        memory: &Arc<Memory>,
        work: impl FnOnce(&mut ExecCx<'_>) -> Result<R>,
    ) -> Result<R> {
        plan.check_populated()?;
        if !plan.physical.cursors.is_empty() {
            let row = |(name, table): &(Box<str>, Arc<nq_qsql::catalog::Relation>)| {
                Ok((name.clone(), table.oid, self.current_row(name, table)?))
            };
            self.host.current_rows = plan.physical.cursors.iter().map(row).collect::<Result<_>>()?;
        }
        if plan.physical.numbered {
            self.ensure_transaction().assign_xid();
        }
        self.with_cx(plan.virtual_tables, params, memory, work)
    }

    /// As [`Session::with_exec_cx`]; `virtual_tables`: system relations may be read.
    pub(crate) fn with_cx<R>(
        &mut self,
        virtual_tables: bool,
        params: &[Datum],
        memory: &Arc<Memory>,
        work: impl FnOnce(&mut ExecCx<'_>) -> Result<R>,
    ) -> Result<R> {
        let facts = if virtual_tables { self.facts() } else { SessionFacts::default() };
        let view = self.host.current_view().clone();
        let io = self.host.io(&view);
        let db = self.db.clone();
        let tables = SessionTables {
            cx: SystemCx {
                view: &view,
                db: &db,
                database: self.home.oid,
                user: self.host.current_user.oid,
                session: &facts,
            },
        };
        let tables: &dyn VirtualTables = if virtual_tables { &tables } else { &NoTables };
        self.host.modes = self.modes();
        self.host.overlaid = self.transaction.overlay.is_some();
        let txn = self
            .transaction
            .txn
            .as_mut()
            .ok_or_else(|| SqlError::internal("no transaction is in progress"))?;
        let mut cx = ExecCx::new(txn, params, &mut self.host, &io, memory.clone(), db.spill.clone(), tables);
        cx.pending = std::mem::take(&mut self.transaction.pending);
        let result = work(&mut cx);
        self.transaction.pending = cx.pending;
        result
    }
}

/// The word that read-only errors name a statement by.
pub(super) fn command_word(command: Command, statement: Option<&Statement>) -> &'static str {
    match (command, statement) {
        (Command::Insert, _) => "INSERT",
        (Command::Update, _) => "UPDATE",
        (Command::Delete, _) => "DELETE",
        (Command::Merge, _) => "MERGE",
        (Command::Select, Some(Statement::Query(_))) => "SELECT FOR UPDATE",
        (Command::Select, _) => "SELECT",
    }
}

/// The tag of a portal that is executed again after its end.
fn tag_of_nothing(tag: &str) -> String {
    let word = tag.split(' ').next().unwrap_or(tag);
    match word {
        "INSERT" => "INSERT 0 0".to_owned(),
        "SELECT" | "UPDATE" | "DELETE" | "MERGE" | "FETCH" => format!("{word} 0"),
        _ => tag.to_owned(),
    }
}

/// The tag of a finished statement.
pub(crate) fn command_tag(command: Command, count: u64) -> String {
    match command {
        Command::Select => format!("SELECT {count}"),
        Command::Insert => format!("INSERT 0 {count}"),
        Command::Update => format!("UPDATE {count}"),
        Command::Delete => format!("DELETE {count}"),
        Command::Merge => format!("MERGE {count}"),
    }
}
