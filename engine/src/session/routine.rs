//! Running the bodies of users' functions and procedures.
//!
//! ```text
//!   operator --call--> enter: user (SECURITY DEFINER), settings (SET) ... leave: on every way out
//!                        `--> statement 1, 2, ... each a plan of its own, kept for the session --> rows of the last one
//! ```
//!
//! 1. A body runs in the transaction of its caller. In a volatile function every statement sees what was written before it, by the
//!    statement that calls it too, and a READ COMMITTED transaction gets a new snapshot per call; afterwards the caller sees what it
//!    saw. In any other function statements see what the caller sees, and must not write.
//! 2. Privileges are those of the current user, in a SECURITY DEFINER function its owner.
//! 3. Rows of a set are all computed at the call; they spill like any others.
//!
//! Source: PostgreSQL manual, 36.5 "Query Language (SQL) Functions" and 36.7 "Function Volatility Categories".

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::bind::{BindContext, add_context, bind_body, bind_body_call};
use nq_qsql::catalog::{RelationKind, Routine, RoutineShape, RoutineTarget};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::{EvalCx, SetRows, Volatility};
use nq_qsql::parse::ParsedStatement;
use nq_qsql::parse::ast::{Ast, ExprId, Statement};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::{Command, TableLock};
use nq_qsql::types::{DataType, Datum, info, oid, user};
use nq_qsql::{bail, sql_err};
use nq_storage::Txn;

use super::host::{SessionHost, User};
use super::plan_cache::Plan;
use super::portal::{NoTables, SessionTables, command_word};
use super::prepared::has_into;
use super::{Lsn, Session};
use crate::catalog::lookup::{CatalogView, RecordingView};
use crate::catalog::system::{SessionFacts, SystemCx};
use crate::exec::eval::Compiled;
use crate::exec::row_store::RowStore;
use crate::exec::{Batch, ExecCx, Execution, Memory, VirtualTables};
use crate::settings::{Saved, Scope};

/// Stack that nested calls may use: half of what a worker's thread has.
const STACK_BYTES_MAX: usize = 4 << 20;
/// Bodies kept per session; beyond it the session starts over.
const BODIES_MAX: usize = 512;

/// A body with the plans of its statements.
struct Body {
    routine: Arc<Routine>,
    statements: Arc<[ParsedStatement]>,
    plans: Vec<Option<Arc<Plan>>>,
}

/// What a session knows of the routines it calls.
#[derive(Default)]
pub(crate) struct Routines {
    bodies: HashMap<Arc<RoutineTarget>, Body>,
    /// Calls within calls.
    depth: usize,
    /// Where the stack was at the outermost call.
    stack: usize,
    /// SECURITY DEFINER functions among the calls.
    definers: usize,
    /// What was read must be durable up to here before anybody hears of it.
    seen: Option<Lsn>,
}

impl Routines {
    /// Whether a SECURITY DEFINER function is at work.
    pub(crate) fn in_definer(&self) -> bool {
        self.definers > 0
    }

    /// The log position that replies have to wait for.
    pub(crate) fn take_seen(&mut self) -> Option<Lsn> {
        self.seen.take()
    }

    fn keep(&mut self, target: &Arc<RoutineTarget>, statements: Arc<[ParsedStatement]>) {
        if self.bodies.len() >= BODIES_MAX {
            self.bodies.clear();
        }
        let plans = vec![None; statements.len()];
        self.bodies.insert(target.clone(), Body { routine: target.routine.clone(), statements, plans });
    }
}

/// What the last statement of a body has yielded.
enum Yield {
    /// At most one row is wanted.
    First(Option<Vec<Datum>>),
    /// All rows.
    All(Option<RowStore>),
}

/// Calls a function that returns one value.
///
/// # Errors
/// What its body raises, with the place in the body as context.
pub(crate) fn call(target: &Arc<RoutineTarget>, args: &[Datum], cx: &mut ExecCx<'_>) -> Result<Datum> {
    if let Some(body) = target.routine.internal_body() {
        let types: Vec<DataType> = target.inputs.iter().map(|ty| DataType::of(*ty)).collect();
        return body(&mut cx.eval_cx(&types, target.ty()), args);
    }
    let mut wanted = Yield::First(None);
    let types = run(target, args, &mut wanted, cx)?;
    let Yield::First(row) = wanted else { return Ok(Datum::Null) };
    Ok(match (row, &target.shape) {
        (None, _) | (_, RoutineShape::Void) => Datum::Null,
        (Some(mut row), RoutineShape::Scalar(_)) => row.pop().unwrap_or(Datum::Null),
        (Some(mut row), _) if is_row_itself(target, &types) => match row.pop() {
            Some(Datum::Record(fields)) => Datum::Record(user::live_fields(types[0].oid, &fields).into()),
            _ => Datum::Null,
        },
        (Some(row), _) => Datum::Record(row.into()),
    })
}

/// Calls a function that returns a set.
///
/// # Errors
/// As [`call`].
pub(crate) fn call_set(
    target: &Arc<RoutineTarget>,
    args: &[Datum],
    cx: &mut ExecCx<'_>,
) -> Result<Box<dyn SetRows>> {
    let mut wanted = Yield::All(None);
    let types = run(target, args, &mut wanted, cx)?;
    let store = match (wanted, &target.shape) {
        (_, RoutineShape::Void) => None,
        (Yield::All(store), _) => store,
        (Yield::First(_), _) => None,
    };
    let width = target.fields().map_or(1, |f| f.len());
    let spread = is_row_itself(target, &types).then_some(width);
    Ok(Box::new(Rows { store, types, spread, batch: None, next: 0, position: 0 }))
}

/// Whether the one column of the last statement is the row that is returned.
fn is_row_itself(target: &RoutineTarget, types: &[DataType]) -> bool {
    let one = matches!(types, [ty] if info::is_row(ty.oid));
    one && target.is_row()
        && !matches!(target.fields().map(|f| &f[..]), Some([(_, ty)]) if info::is_row(ty.oid))
}

/// The rows of a set.
struct Rows {
    store: Option<RowStore>,
    types: Vec<DataType>,
    /// The one column is a row of so many fields.
    spread: Option<usize>,
    batch: Option<Batch>,
    next: usize,
    position: usize,
}

impl SetRows for Rows {
    fn next(&mut self, _cx: &mut EvalCx<'_>) -> Result<Option<Vec<Datum>>> {
        let Some(store) = &self.store else { return Ok(None) };
        loop {
            if let Some(batch) = &self.batch
                && self.position < batch.count()
            {
                let mut row = batch.row(batch.rows().nth(self.position), &self.types);
                self.position += 1;
                if let Some(width) = self.spread {
                    row = match row.pop() {
                        Some(Datum::Record(fields)) => user::live_fields(self.types[0].oid, &fields),
                        _ => vec![Datum::Null; width],
                    };
                }
                return Ok(Some(row));
            }
            self.batch = store.get(self.next)?;
            self.next += 1;
            self.position = 0;
            if self.batch.is_none() {
                return Ok(None);
            }
        }
    }
}

/// The session behind a plan's host.
fn session<'h>(host: &'h mut (dyn nq_qsql::func::Host + '_)) -> Result<&'h mut SessionHost> {
    let host = host.as_any().and_then(|any| any.downcast_mut::<SessionHost>());
    host.ok_or_else(|| SqlError::internal("a function was called outside of a session"))
}

/// Runs a body. Answers the types of the columns of its last statement.
fn run(
    target: &Arc<RoutineTarget>,
    args: &[Datum],
    wanted: &mut Yield,
    cx: &mut ExecCx<'_>,
) -> Result<Vec<DataType>> {
    let (memory, spill) = (cx.memory.clone(), cx.spill.clone());
    let txn = &mut *cx.txn;
    let host = session(cx.host)?;
    host.check_execute(&target.routine)?;
    let marker = 0u8;
    let here = std::ptr::from_ref(&marker) as usize;
    if host.routines.depth == 0 {
        host.routines.stack = here;
    }
    if host.routines.stack.abs_diff(here) > STACK_BYTES_MAX {
        return Err(sql_err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
            "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the platform's stack depth limit is adequate.",
        ));
    }
    let volatile = target.routine.volatility == Volatility::Volatile;
    let sight = volatile.then(|| txn.sight());
    // What the body's statements leave to be settled is settled with the statement that calls.
    host.pending = std::mem::take(&mut cx.pending);
    host.routines.depth += 1;
    let entered = Entered::enter(host, &target.routine);
    let result = match &entered.failed {
        Some(error) => Err(error.clone()),
        None => run_statements(target, args, wanted, host, txn, &Space { memory, spill }),
    };
    entered.leave(host);
    host.routines.depth -= 1;
    cx.pending = std::mem::take(&mut host.pending);
    let read = txn.read_lsn();
    host.routines.seen = Some(host.routines.seen.map_or(read, |seen| seen.max(read)));
    if let Some(sight) = sight {
        txn.look_through(sight);
    }
    result
}

/// Where rows that are kept go.
struct Space {
    memory: Arc<Memory>,
    spill: Arc<crate::exec::SpillSpace>,
}

/// What a call has changed of the session, to be put back.
pub(crate) struct Entered {
    user: Option<User>,
    saved: Vec<Saved>,
    view: Option<Option<Arc<CatalogView>>>,
    failed: Option<SqlError>,
}

impl Entered {
    /// Becomes the function's owner if it is SECURITY DEFINER, and sets its parameters.
    fn enter(host: &mut SessionHost, routine: &Routine) -> Entered {
        let owner = routine.security_definer.then_some(routine.owner);
        Entered::enter_as(host, owner, &mut routine.config.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// Becomes another role, and sets parameters.
    pub(crate) fn enter_as(
        host: &mut SessionHost,
        role: Option<nq_qsql::types::Oid>,
        config: &mut dyn Iterator<Item = (&str, &str)>,
    ) -> Entered {
        let mut entered = Entered { user: None, saved: Vec::new(), view: None, failed: None };
        let mut config = config.peekable();
        if role.is_none() && config.peek().is_none() {
            return entered;
        }
        let view = host.current_view().clone();
        if let Some(role) = role {
            host.routines.definers += 1;
            if let Some(role) = view.cluster.role(role) {
                let owner = User { oid: role.oid, name: role.name.clone() };
                entered.user = Some(std::mem::replace(&mut host.current_user, owner));
            }
        }
        for (name, value) in config {
            entered.saved.push(host.settings.save(name));
            if let Err(error) = host.assign(name, Some(value), Scope::Local) {
                entered.failed = Some(error);
                break;
            }
        }
        host.refresh_view(&view.catalog, &view.cluster);
        entered.view = Some(Some(view));
        entered
    }

    /// Takes the error that entering has met.
    pub(crate) fn take_failure(&mut self) -> Option<SqlError> {
        self.failed.take()
    }

    /// Puts everything back.
    pub(crate) fn leave(self, host: &mut SessionHost) {
        for saved in self.saved.into_iter().rev() {
            // What the body has set for the session stays.
            if host.settings.is_local(&saved) {
                host.settings.put_back(saved);
            }
        }
        let Some(view) = self.view else { return };
        if let Some(user) = self.user {
            host.routines.definers -= 1;
            host.current_user = user;
        }
        let inside = host.current_view().clone();
        host.swap_view(view);
        // Others may have changed the catalog meanwhile.
        if !host.overlaid {
            host.refresh_view(&inside.catalog, &inside.cluster);
        }
    }
}

fn run_statements(
    target: &Arc<RoutineTarget>,
    args: &[Datum],
    wanted: &mut Yield,
    host: &mut SessionHost,
    txn: &mut Txn,
    space: &Space,
) -> Result<Vec<DataType>> {
    let routine = &target.routine;
    let during = |error, part: String| {
        let line = format!("SQL function \"{}\" {part}", routine.name);
        add_context(without_place(error), line)
    };
    let statements = statements_of(target, host).map_err(|e| during(e, "during startup".to_owned()))?;
    let mut types = Vec::new();
    for i in 0..statements.len() {
        if routine.volatility == Volatility::Volatile {
            txn.next_command();
            if i == 0 {
                txn.new_statement();
                txn.snapshot();
            }
        }
        let last = i + 1 == statements.len();
        let parsed = &statements[i];
        let done = match &parsed.ast.statement {
            Statement::Call(call) => run_call(target, &parsed.ast, *call, args, host, txn),
            _ => {
                let plan = plan_of(target, &statements, i, host, txn)
                    .map_err(|e| during(e, "during startup".to_owned()))?;
                if last {
                    types = plan.columns.iter().map(|c| c.ty).collect();
                }
                let mut ignored = Yield::First(None);
                let wanted = if last { &mut *wanted } else { &mut ignored };
                run_plan(&plan, &parsed.ast.statement, routine, args, wanted, host, txn, space)
            }
        };
        done.map_err(|e| during(e, format!("statement {}", i + 1)))?;
    }
    Ok(types)
}

/// The places of an error in a body's text are none in the client's statement.
fn without_place(mut error: SqlError) -> SqlError {
    (error.0.byte_offset, error.0.position) = (None, None);
    error
}

/// The parsed statements of a body.
fn statements_of(target: &Arc<RoutineTarget>, host: &mut SessionHost) -> Result<Arc<[ParsedStatement]>> {
    if let Some(body) = host.routines.bodies.get(target)
        && Arc::ptr_eq(&body.routine, &target.routine)
    {
        return Ok(body.statements.clone());
    }
    let statements: Arc<[ParsedStatement]> =
        nq_qsql::parse::parse_statements(&target.routine.body.text)?.into();
    host.routines.keep(target, statements.clone());
    Ok(statements)
}

/// What a body cannot have among its statements.
pub(crate) fn check_body_statement(ast: &Ast) -> Result<()> {
    match &ast.statement {
        Statement::Query(query) if has_into(ast, *query) => {
            Err(SqlError::unsupported("SELECT INTO in a function in SQL"))
        }
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::Call(_) => Ok(()),
        Statement::Begin(_) => not_allowed("BEGIN"),
        Statement::Commit { .. } => not_allowed("COMMIT"),
        Statement::Rollback { .. } => not_allowed("ROLLBACK"),
        Statement::Savepoint(_) => not_allowed("SAVEPOINT"),
        Statement::ReleaseSavepoint(_) => not_allowed("RELEASE"),
        Statement::RollbackTo(_) => not_allowed("ROLLBACK TO"),
        _ => Err(SqlError::unsupported(
            "a statement other than a query or a change of rows in a function in SQL",
        )),
    }
}

fn not_allowed(command: &str) -> Result<()> {
    bail!(FEATURE_NOT_SUPPORTED, "{command} is not allowed in an SQL function")
}

/// The plan of a statement, with its relations locked and the privileges checked.
fn plan_of(
    target: &Arc<RoutineTarget>,
    statements: &[ParsedStatement],
    i: usize,
    host: &mut SessionHost,
    txn: &mut Txn,
) -> Result<Arc<Plan>> {
    check_body_statement(&statements[i].ast)?;
    loop {
        let view = host.current_view().clone();
        let kept = host.routines.bodies.get(target).and_then(|body| body.plans.get(i)?.clone());
        let plan = match kept {
            Some(plan) if !plan.transient && plan.fits(&view) => plan,
            _ => {
                let plan = make_plan(target, &statements[i], i + 1 == statements.len(), host, &view)?;
                if let Some(slot) = host.routines.bodies.get_mut(target).and_then(|b| b.plans.get_mut(i)) {
                    *slot = Some(plan.clone());
                }
                plan
            }
        };
        if plan.lock_relations(txn)? {
            host.db.settle();
            if !host.overlaid && host.home.version() != view.catalog.version {
                let (catalog, cluster) = (host.home.state(), host.db.cluster());
                host.refresh_view(&catalog, &cluster);
                if !plan.fits(&host.current_view().clone()) {
                    continue;
                }
            }
        }
        host.check_plan(&plan.physical)?;
        return Ok(plan);
    }
}

fn make_plan(
    target: &RoutineTarget,
    parsed: &ParsedStatement,
    last: bool,
    host: &SessionHost,
    view: &Arc<CatalogView>,
) -> Result<Arc<Plan>> {
    let recording = RecordingView::new(view);
    let io = host.io(view);
    let cx = BindContext { catalog: &recording, params: &[], io: &io };
    let bound = bind_body(&parsed.ast, &parsed.ast.statement, target, last, &cx)?;
    let transient = bound.volatile_literals;
    let physical = nq_qsql::optimize::optimize(bound, &cx, None)?;
    Ok(Arc::new(Plan::new(physical, recording.into_lookups(), view, transient)))
}

#[allow(clippy::too_many_arguments, reason = "a statement with all that it runs in")]
fn run_plan(
    plan: &Arc<Plan>,
    statement: &Statement,
    routine: &Routine,
    args: &[Datum],
    wanted: &mut Yield,
    host: &mut SessionHost,
    txn: &mut Txn,
    space: &Space,
) -> Result<()> {
    let command = plan.physical.command;
    if !plan.physical.read_only {
        let word = command_word(command, Some(statement));
        if routine.volatility != Volatility::Volatile {
            bail!(FEATURE_NOT_SUPPORTED, "{word} is not allowed in a non-volatile function");
        }
        if host.modes.read_only {
            bail!(READ_ONLY_SQL_TRANSACTION, "cannot execute {word} in a read-only transaction");
        }
    }
    if plan.physical.numbered {
        txn.assign_xid();
    }
    plan.check_populated()?;
    if !plan.physical.cursors.is_empty() {
        return Err(SqlError::unsupported("WHERE CURRENT OF in a function"));
    }
    with_exec(plan.virtual_tables, plan, args, host, txn, |cx| {
        let mut execution = Execution::new(&plan.physical, cx, false)?;
        let types: Vec<DataType> = plan.columns.iter().map(|c| c.ty).collect();
        // What writes runs to its end, whatever is wanted of its rows.
        let writes = command != Command::Select || !plan.physical.read_only;
        while let Some(batch) = execution.next(cx)? {
            match wanted {
                Yield::First(row) => {
                    if row.is_none() && batch.count() > 0 {
                        *row = Some(batch.row(batch.rows().nth(0), &types));
                    }
                    if row.is_some() && !writes {
                        break;
                    }
                }
                Yield::All(store) => {
                    let store =
                        store.get_or_insert_with(|| RowStore::of(&types, &space.memory, &space.spill));
                    store.push(&batch)?;
                }
            }
        }
        Ok(execution.affected())
    })
    .map(|affected| {
        for used in plan.physical.relations.iter().filter(|r| r.lock == TableLock::RowExclusive) {
            host.db.changes.add(host.home.oid, used.relation.oid, affected);
        }
    })
}

/// Calls `work` with what a statement of a body runs in.
fn with_exec<R>(
    virtual_tables: bool,
    plan: &Plan,
    params: &[Datum],
    host: &mut SessionHost,
    txn: &mut Txn,
    work: impl FnOnce(&mut ExecCx<'_>) -> Result<R>,
) -> Result<R> {
    let view = host.current_view().clone();
    let io = host.io(&view);
    let db = host.db.clone();
    let facts = match virtual_tables {
        true => facts_for(plan, host)?,
        false => SessionFacts::default(),
    };
    let cx = SystemCx {
        view: &view,
        db: &db,
        database: host.home.oid,
        user: host.current_user.oid,
        session: &facts,
    };
    let tables = SessionTables { cx };
    let tables: &dyn VirtualTables = if virtual_tables { &tables } else { &NoTables };
    let work_mem = (host.settings.derived().work_mem_kb.max(64) as usize) << 10;
    let memory = Memory::new(&db.budget, work_mem);
    let pending = std::mem::take(&mut host.pending);
    let mut cx = ExecCx::new(txn, params, host, &io, memory, db.spill.clone(), tables);
    cx.pending = pending;
    let result = work(&mut cx);
    let pending = cx.pending;
    host.pending = pending;
    result
}

/// What system relations show of the session.
fn facts_for(plan: &Plan, host: &SessionHost) -> Result<SessionFacts> {
    for used in plan.physical.relations.iter().filter(|r| r.relation.kind == RelationKind::Virtual) {
        if ["pg_prepared_statements", "pg_cursors"].contains(&&*used.relation.name) {
            return Err(SqlError::unsupported(format_args!("{} in a function", used.relation.name)));
        }
    }
    Ok(SessionFacts { settings: host.setting_facts(), now: host.statement_time, ..SessionFacts::default() })
}

/// A CALL in a body.
fn run_call(
    target: &Arc<RoutineTarget>,
    ast: &Ast,
    call: ExprId,
    params: &[Datum],
    host: &mut SessionHost,
    txn: &mut Txn,
) -> Result<()> {
    if target.routine.volatility != Volatility::Volatile {
        bail!(FEATURE_NOT_SUPPORTED, "CALL is not allowed in a non-volatile function");
    }
    let view = host.current_view().clone();
    let io = host.io(&view);
    let bound = bind_body_call(ast, call, target, &BindContext { catalog: &*view, params: &[], io: &io })?;
    let db = host.db.clone();
    let memory = Memory::new(&db.budget, (host.settings.derived().work_mem_kb.max(64) as usize) << 10);
    let pending = std::mem::take(&mut host.pending);
    let mut cx = ExecCx::new(txn, params, host, &io, memory, db.spill.clone(), &NoTables);
    cx.pending = pending;
    let mut call = || {
        let mut args = Vec::with_capacity(bound.args.len());
        for arg in &bound.args {
            args.push(Compiled::new(arg, &cx)?.eval_alone(&mut cx)?);
        }
        self::call(&bound.target, &args, &mut cx).map(drop)
    };
    let result = call();
    let pending = cx.pending;
    host.pending = pending;
    result
}

impl Session {
    /// Computes an expression that calls users' functions over one row.
    pub(crate) fn evaluate_calling(&mut self, expr: &Expr, row: &[Datum]) -> Result<Datum> {
        self.ensure_transaction();
        let memory = self.statement_memory();
        // Columns that the expression does not read are NULL of some type.
        let mut types = vec![DataType::of(oid::INT4); row.len()];
        let mut values = vec![Datum::Null; row.len()];
        expr.any(&mut |e| {
            if let ExprKind::Column(slot) = e.kind {
                types[slot as usize] = e.ty;
                values[slot as usize] = row[slot as usize].clone();
            }
            false
        });
        self.with_cx(false, &[], &memory, |cx| {
            let mut builder = crate::exec::Builder::new(&types);
            builder.push_row(&values);
            let batch = builder.finish();
            let value = Compiled::new(expr, cx)?.eval(&batch, crate::exec::Rows::All(1), cx)?;
            Ok(value.datum(0, expr.ty.oid))
        })
    }
}
