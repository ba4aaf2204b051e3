//! COPY: tables from and to text, CSV and PostgreSQL's binary format.
//!
//! ```text
//! COPY FROM STDIN: Session::start_copy_in -> Outcome::CopyIn, then copy_data .. copy_done | copy_fail   (import)
//! COPY TO STDOUT:  Session::start_copy_out -> portal run CopyOut -> ResultSink::copy_data, a row each   (export)
//! ```
//!
//! Source: PostgreSQL manual, reference page of COPY, and 54.2.6 "COPY Operations".

mod binary;
mod export;
mod field;
pub(crate) mod file;
mod import;
mod line;
mod marks;
mod options;
mod reader;

use std::sync::Arc;

use nq_qsql::bind::{BindContext, bind_copy_target};
use nq_qsql::catalog::{Catalog, Generated, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::quote::quote_identifier;
use nq_qsql::parse::ast::{Ast, Copy, CopyPlace, CopySource, Ident, Statement};
use nq_qsql::plan::expr::ExprKind;
use nq_qsql::plan::physical::{Access, ColumnSet};
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::LockMode;

use crate::exec::eval::{Compiled, Conditions};
use crate::exec::{Execution, Memory};
use crate::session::plan_cache::Plan;
use crate::session::prepared::Source;
use crate::session::{CopySpec, Flow, Format, Outcome, ResultSink, Session};
use crate::table::write::Writer;

use export::Formatter;
use file::FileSink;
use options::{Options, Syntax};

pub(crate) use import::Import;

/// A COPY FROM STDIN in progress.
pub(crate) struct CopyIn {
    import: Import,
    memory: Arc<Memory>,
    /// `monotonic_nanos` at which the statement is cancelled; 0 for never.
    deadline: u64,
}

/// A COPY TO in progress.
pub(crate) struct CopyOut {
    pub(crate) plan: Arc<Plan>,
    execution: Execution,
    memory: Arc<Memory>,
    formatter: Formatter,
    /// The batch being written, and rows of it that are.
    batch: Option<(crate::exec::Batch, usize)>,
    line: Vec<u8>,
    started: bool,
    copied: u64,
    /// Where the rows go, if not to the client.
    file: Option<FileSink>,
}

/// The columns of a table that a COPY names: indexes in their order.
fn copied_columns(relation: &Relation, named: &[Ident]) -> Result<Vec<usize>> {
    let computed = |i: usize| matches!(relation.columns[i].generated, Generated::Stored | Generated::Virtual);
    if named.is_empty() {
        return Ok(relation.live_columns().map(|(i, _)| i).filter(|&i| !computed(i)).collect());
    }
    let mut columns = Vec::with_capacity(named.len());
    for name in named {
        let Some(index) = relation.column(name) else {
            bail!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{}\" does not exist", relation.name);
        };
        if computed(index) {
            return Err(sql_err!(INVALID_COLUMN_REFERENCE, "column \"{name}\" is a generated column")
                .detail("Generated columns cannot be used in COPY."));
        }
        if columns.contains(&index) {
            bail!(DUPLICATE_COLUMN, "column \"{name}\" specified more than once");
        }
        columns.push(index);
    }
    Ok(columns)
}

/// # Errors
/// 42703 for a column that the table, or the query's result, does not have.
fn column_exists(table: Option<&Relation>, name: &str) -> Result<()> {
    match table {
        Some(table) if table.column(name).is_none() => {
            bail!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{}\" does not exist", table.name)
        }
        Some(_) => Ok(()),
        None => bail!(UNDEFINED_COLUMN, "column \"{name}\" does not exist"),
    }
}

/// COPY's errors about its table have no position.
fn unplaced(mut error: SqlError) -> SqlError {
    error.0.byte_offset = None;
    error
}

/// Feeds a whole file; answers how many rows were copied.
fn read_file(
    import: &mut Import,
    file: &dyn nq_storage::env::File,
    name: &str,
    cx: &mut crate::exec::ExecCx<'_>,
) -> Result<u64> {
    let mut buffer = vec![0; file::CHUNK_BYTES];
    let mut offset = 0;
    loop {
        let count = file::read(file, name, &mut buffer, offset)?;
        if count == 0 {
            return import.finish(cx);
        }
        import.feed(&buffer[..count], false, cx)?;
        offset += count as u64;
    }
}

impl Session {
    /// COPY ... FROM.
    pub(crate) fn copy_from(&mut self, ast: &Ast, copy: &Copy) -> Result<Outcome> {
        let CopySource::Table { name, columns } = &copy.source else {
            return Err(SqlError::internal("COPY FROM without a table"));
        };
        let file = match &copy.place {
            CopyPlace::Client => None,
            CopyPlace::File(name) => {
                self.check_may_read_files()?;
                Some((self.open_copy_source(name), name))
            }
            CopyPlace::Program(_) => return Err(self.refuse_program()),
        };
        let relation = self.open_relation(name, LockMode::RowExclusive).map_err(unplaced)?;
        let chosen = copied_columns(&relation, columns);
        let columns = chosen.as_deref().unwrap_or_default();
        let access = Access { insert: Some(ColumnSet::default().with(columns)), ..Access::default() };
        self.host.check_access(&relation, self.host.current_user.oid, &access)?;
        let shown = &relation.name;
        if self.view().row_security(&relation, None)?.is_some() {
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "COPY FROM not supported with row-level security")
                .hint("Use INSERT statements instead."));
        }
        match relation.kind {
            RelationKind::Table => {}
            RelationKind::View => {
                return Err(sql_err!(WRONG_OBJECT_TYPE, "cannot copy to view \"{shown}\"")
                    .hint("To enable copying to a view, provide an INSTEAD OF INSERT trigger."));
            }
            RelationKind::MaterializedView => {
                bail!(WRONG_OBJECT_TYPE, "cannot copy to materialized view \"{shown}\"")
            }
            RelationKind::Sequence => bail!(WRONG_OBJECT_TYPE, "cannot copy to sequence \"{shown}\""),
            RelationKind::Virtual => {
                bail!(INSUFFICIENT_PRIVILEGE, "permission denied: \"{shown}\" is a system catalog")
            }
            RelationKind::Index | RelationKind::Composite => {
                bail!(WRONG_OBJECT_TYPE, "cannot copy to non-table relation \"{shown}\"")
            }
        }
        if relation.persistence != nq_qsql::catalog::Persistence::Temporary {
            self.check_writable("COPY FROM")?;
        }
        self.lock_referenced(&relation)?;
        let options = Options::new(&copy.options, true)?;
        let chosen = chosen?;
        let format = if options.syntax == Syntax::Binary { Format::Binary } else { Format::Text };
        let (mut import, memory) = self.make_import(ast, copy, &relation, &chosen, options)?;
        if let Some((file, name)) = file {
            let file = file?;
            let result = self.with_cx(false, &[], &memory, |cx| read_file(&mut import, &*file, name, cx));
            self.take_copy_notices(&mut import);
            self.db.changes.add(self.home.oid, relation.oid, result.as_ref().map_or(0, |n| *n));
            return result.map(|count| Outcome::Complete(format!("COPY {count}")));
        }
        let spec = CopySpec { format, columns: import.width() as u16 };
        let deadline = self.host.deadline;
        self.copy_in = Some(Box::new(CopyIn { import, memory, deadline }));
        Ok(Outcome::CopyIn(spec))
    }

    fn make_import(
        &mut self,
        ast: &Ast,
        copy: &Copy,
        relation: &Arc<Relation>,
        chosen: &[usize],
        options: Options,
    ) -> Result<(Import, Arc<Memory>)> {
        let names: Vec<&str> = chosen.iter().map(|&i| &*relation.columns[i].name).collect();
        let exists = |name: &str| column_exists(Some(relation), name);
        let not_null = options.force_not_null.flags("FORCE_NOT_NULL", &names, exists)?;
        let null = options.force_null.flags("FORCE_NULL", &names, exists)?;
        let view = self.view().clone();
        let mut bound = {
            let io = self.host.io(&view);
            let cx = BindContext { catalog: &*view, params: &[], io: &io };
            bind_copy_target(ast, relation, copy.filter, &cx)?
        };
        bound.target.named = ColumnSet::default().with(chosen);
        if let Some(filter) = &bound.filter {
            let mut read = Vec::new();
            filter.any(&mut |e| {
                if let ExprKind::Column(i) = e.kind {
                    read.push(i as usize);
                }
                false
            });
            let access = Access { select: Some(ColumnSet::default().with(&read)), ..Access::default() };
            self.host.check_access(relation, self.host.current_user.oid, &access)?;
        }
        let columns = chosen
            .iter()
            .zip(not_null.into_iter().zip(null))
            .map(|(&index, (force_not_null, force_null))| {
                let column = &relation.columns[index];
                import::Column {
                    index,
                    name: column.name.clone(),
                    oid: column.ty.oid,
                    typmod: column.ty.typmod,
                    force_not_null,
                    force_null,
                }
            })
            .collect();
        let memory = self.statement_memory();
        let import = self.with_cx(false, &[], &memory.clone(), |cx| {
            let writer = Writer::new(&bound.target, cx)?;
            let compile = |e: &Option<_>| e.as_ref().map(|e| Compiled::new(e, cx)).transpose();
            let defaults = bound.defaults.iter().map(compile).collect::<Result<Vec<_>>>()?;
            let filter = Conditions::new(bound.filter.as_slice(), cx)?;
            Ok(Import::new(options, columns, writer, defaults, filter, &memory))
        })?;
        Ok((import, memory))
    }

    fn take_copy_notices(&mut self, import: &mut Import) {
        for notice in import.notices.drain(..) {
            self.host.notice(notice);
        }
    }

    /// Calls `work` with the COPY FROM STDIN in progress.
    fn with_copy_in<R>(
        &mut self,
        work: impl FnOnce(&mut Import, &mut crate::exec::ExecCx<'_>) -> Result<R>,
    ) -> Result<R> {
        let Some(mut copy) = self.copy_in.take() else {
            return Err(SqlError::internal("no COPY is in progress"));
        };
        self.host.deadline = copy.deadline;
        let memory = copy.memory.clone();
        let result = self.with_cx(false, &[], &memory, |cx| work(&mut copy.import, cx));
        self.take_copy_notices(&mut copy.import);
        if result.is_ok() {
            self.copy_in = Some(copy);
        }
        result
    }

    /// Takes the contents of CopyData messages of a COPY FROM STDIN, in order.
    ///
    /// # Errors
    /// What is wrong with the data, with its line as context. The COPY has ended then: the client's remaining data is to be ignored.
    pub fn copy_data(&mut self, messages: &mut dyn Iterator<Item = &[u8]>) -> Result<()> {
        let _entered = self.enter();
        let result = self.with_copy_in(|import, cx| {
            for data in messages {
                import.feed(data, false, cx)?;
            }
            Ok(())
        });
        match result {
            Ok(()) => Ok(()),
            Err(error) => self.after_command(Err(error)),
        }
    }

    /// CopyDone: ends the COPY; answers its completion.
    ///
    /// # Errors
    /// As [`Session::copy_data`].
    pub fn copy_done(&mut self) -> Result<Outcome> {
        let _entered = self.enter();
        let result = self.with_copy_in(|import, cx| Ok((import.table_oid(), import.finish(cx)?)));
        self.copy_in = None;
        let result = result.and_then(|done| self.settle_statement().map(|()| done));
        if let Ok((table, count)) = result {
            self.txn().next_command();
            self.db.changes.add(self.home.oid, table, count);
        }
        self.after_command(result.map(|(_, count)| Outcome::Complete(format!("COPY {count}"))))
    }

    /// CopyFail: the client gives up. Always an error: 57014 `COPY from stdin failed: ...`.
    pub fn copy_fail(&mut self, message: &str) -> SqlError {
        let error = match self.copy_in.take() {
            Some(mut copy) => copy.import.give_up(message),
            None => sql_err!(QUERY_CANCELED, "COPY from stdin failed: {message}"),
        };
        self.fail();
        error
    }

    /// Starts COPY ... TO.
    pub(crate) fn start_copy_out(&mut self, source: &Arc<Source>, copy: &Copy) -> Result<Box<CopyOut>> {
        let file = match &copy.place {
            CopyPlace::Client => None,
            CopyPlace::File(name) => Some(self.open_copy_target(name)?),
            CopyPlace::Program(_) => return Err(self.refuse_program()),
        };
        self.transaction.worked(false);
        self.begin_statement();
        let mut table = None;
        let inner = match &copy.source {
            CopySource::Query(_) => source.inner()?,
            CopySource::Table { name, columns } => {
                let relation = self.need_relation(name).map_err(unplaced)?;
                let shown = &relation.name;
                match relation.kind {
                    RelationKind::Table | RelationKind::Virtual => {}
                    RelationKind::View => {
                        return Err(sql_err!(WRONG_OBJECT_TYPE, "cannot copy from view \"{shown}\"")
                            .hint("Try the COPY (SELECT ...) TO variant."));
                    }
                    RelationKind::MaterializedView if relation.populated => {}
                    RelationKind::MaterializedView => {
                        return Err(sql_err!(
                            FEATURE_NOT_SUPPORTED,
                            "cannot copy from unpopulated materialized view \"{shown}\""
                        )
                        .hint("Use the REFRESH MATERIALIZED VIEW command."));
                    }
                    RelationKind::Sequence => {
                        bail!(WRONG_OBJECT_TYPE, "cannot copy from sequence \"{shown}\"")
                    }
                    RelationKind::Index | RelationKind::Composite => {
                        bail!(WRONG_OBJECT_TYPE, "cannot copy from non-table relation \"{shown}\"")
                    }
                }
                let chosen = copied_columns(&relation, columns)?;
                let names: Vec<String> =
                    chosen.iter().map(|&i| quote_identifier(&relation.columns[i].name)).collect();
                let text = format!(
                    "SELECT {} FROM {}.{}",
                    names.join(", "),
                    quote_identifier(&relation.schema),
                    quote_identifier(&relation.name)
                );
                table = Some(relation);
                self.parse_one(&text)?
            }
        };
        let options = Options::new(&copy.options, false)?;
        let Some(parsed) = &inner.parsed else { return Err(SqlError::internal("COPY of nothing")) };
        if let Statement::Query(query) = &parsed.ast.statement
            && crate::session::prepared::has_into(&parsed.ast, *query)
        {
            return Err(SqlError::unsupported("COPY (SELECT INTO)"));
        }
        let plan = self.cached_plan(&inner, &[])?;
        let plan = self.lock_plan(plan, None, &inner)?;
        if plan.columns.is_empty() && plan.physical.command != nq_qsql::plan::physical::Command::Select {
            bail!(FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause");
        }
        if !plan.physical.read_only {
            self.check_writable("COPY TO")?;
        }
        let names: Vec<&str> = plan.columns.iter().map(|c| &*c.name).collect();
        let exists = |name: &str| column_exists(table.as_deref(), name);
        let force_quote = options.force_quote.flags("FORCE_QUOTE", &names, exists)?;
        let memory = self.statement_memory();
        let execution =
            self.with_exec_cx(&plan, &[], &memory, |cx| Execution::new(&plan.physical, cx, false))?;
        let formatter = Formatter::new(options, plan.columns.clone(), force_quote);
        Ok(Box::new(CopyOut {
            plan,
            execution,
            memory,
            formatter,
            batch: None,
            line: Vec::new(),
            started: false,
            copied: 0,
            file,
        }))
    }

    /// Writes rows of a COPY TO into the sink until it is full ([`Outcome::Suspended`]) or all are written.
    pub(crate) fn pull_copy(&mut self, copy: &mut CopyOut, sink: &mut dyn ResultSink) -> Result<Outcome> {
        match copy.file.take() {
            None => self.write_copy(copy, sink),
            Some(mut file) => {
                let outcome = self.write_copy(copy, &mut file)?;
                file.flush()?;
                Ok(outcome)
            }
        }
    }

    fn write_copy(&mut self, copy: &mut CopyOut, sink: &mut dyn ResultSink) -> Result<Outcome> {
        let CopyOut { plan, execution, memory, formatter, batch, line, started, copied, file: _ } = copy;
        if !*started {
            *started = true;
            sink.copy_out(&CopySpec { format: formatter.format(), columns: plan.columns.len() as u16 });
            line.clear();
            formatter.header(line);
            // A header line is a message of its own; the binary header leaves with what follows it.
            if formatter.format() == Format::Text && !line.is_empty() {
                sink.copy_data(line)?;
                line.clear();
            }
        }
        let finished = self.with_exec_cx(plan, &[], memory, |cx| {
            loop {
                let (rows, from) = match batch.take() {
                    Some(begun) => begun,
                    None => match execution.next(cx)? {
                        Some(next) => (next, 0),
                        None => return Ok(true),
                    },
                };
                for at in from..rows.count() {
                    formatter.row(&rows, rows.rows().nth(at), cx.io, line)?;
                    *copied += 1;
                    let flow = sink.copy_data(line)?;
                    line.clear();
                    if flow == Flow::Full {
                        *batch = Some((rows, at + 1));
                        return Ok(false);
                    }
                }
            }
        })?;
        if let Some(read) = self.transaction.txn.as_ref().map(|txn| txn.read_lsn()) {
            self.await_durable(read);
        }
        if !finished {
            return Ok(Outcome::Suspended);
        }
        formatter.trailer(line);
        if !line.is_empty() {
            sink.copy_data(line)?;
        }
        sink.copy_end();
        Ok(Outcome::Complete(format!("COPY {copied}")))
    }
}
