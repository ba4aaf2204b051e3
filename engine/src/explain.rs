//! EXPLAIN: options, columns, and running the statement for ANALYZE.
//!
//! The statement runs in the transaction it stands in, with all its effects; its rows go nowhere. Nodes are watched by
//! [`exec::stats`](crate::exec::stats).
//!
//! Source: PostgreSQL manual, reference page of EXPLAIN.

use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Ast, Def, DefValue, Explain, Statement, TableSource};
use nq_qsql::plan::explain::{ActualStats, ExplainOptions, explain};
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, Oid, oid};
use nq_qsql::{bail, sql_err};
use nq_storage::buffer::touched;

use crate::exec::Execution;
use crate::session::Session;
use crate::session::plan_cache::Plan;
use crate::session::prepared::Source;
use crate::session::utility::Done;

/// OID of `json`.
const JSON: nq_qsql::types::Oid = 114;

fn flag(option: &Def) -> Result<bool> {
    let refused = || sql_err!(SYNTAX_ERROR, "{} requires a Boolean value", option.name.name);
    match &option.value {
        None => Ok(true),
        Some(DefValue::Word(text) | DefValue::Str(text) | DefValue::Number(text)) => {
            crate::settings::parse_bool(text).ok_or_else(refused)
        }
        Some(_) => Err(refused()),
    }
}

fn word(option: &Def) -> Result<&str> {
    match &option.value {
        Some(DefValue::Word(text) | DefValue::Str(text)) => Ok(text),
        _ => bail!(SYNTAX_ERROR, "{} requires a parameter", option.name.name),
    }
}

fn request(statement: &Explain) -> Result<ExplainOptions> {
    let mut out = ExplainOptions::default();
    let (mut timing, mut summary, mut buffers) = (None, None, None);
    for option in &statement.options {
        let name = &*option.name.name;
        match name {
            "analyze" => out.analyze = flag(option)?,
            "verbose" => out.verbose = flag(option)?,
            "costs" => out.costs = flag(option)?,
            "timing" => timing = Some(flag(option)?),
            "summary" => summary = Some(flag(option)?),
            "buffers" => buffers = Some(flag(option)?),
            "settings" | "wal" | "memory" | "generic_plan" => {
                if flag(option)? {
                    return Err(SqlError::unsupported(format_args!("EXPLAIN ({})", name.to_uppercase())));
                }
            }
            "serialize" => match word(option)? {
                "none" => {}
                _ => return Err(SqlError::unsupported("EXPLAIN (SERIALIZE)")),
            },
            "format" => match word(option)? {
                "text" => out.json = false,
                "json" => out.json = true,
                other @ ("xml" | "yaml") => {
                    return Err(SqlError::unsupported(format_args!("EXPLAIN (FORMAT {other})")));
                }
                other => {
                    return Err(sql_err!(
                        INVALID_PARAMETER_VALUE,
                        "unrecognized value for EXPLAIN option \"format\": \"{other}\""
                    )
                    .at(option.name.pos));
                }
            },
            other => {
                return Err(
                    sql_err!(SYNTAX_ERROR, "unrecognized EXPLAIN option \"{other}\"").at(option.name.pos)
                );
            }
        }
    }
    if timing == Some(true) && !out.analyze {
        bail!(INVALID_PARAMETER_VALUE, "EXPLAIN option TIMING requires ANALYZE");
    }
    out.timing = timing.unwrap_or(out.analyze);
    out.summary = summary.unwrap_or(out.analyze);
    out.buffers = buffers.unwrap_or(out.analyze);
    Ok(out)
}

/// The columns that EXPLAIN returns.
pub(crate) fn columns(statement: &Explain) -> Result<Arc<[OutputColumn]>> {
    let ty = if request(statement)?.json { JSON } else { oid::TEXT };
    Ok([Session::result_column("QUERY PLAN", ty)].into())
}

/// The query whose rows CREATE TABLE AS or CREATE MATERIALIZED VIEW keeps.
fn query_of(statement: &Statement) -> Option<Statement> {
    match statement {
        Statement::CreateTableAs(create) => match create.source {
            TableSource::Query(query) => Some(Statement::Query(query)),
            TableSource::Execute(_) => None,
        },
        _ => None,
    }
}

impl Session {
    /// The types of the parameters of what is explained.
    pub(crate) fn explained_params(
        &mut self,
        source: &Source,
        ast: &Ast,
        statement: &Explain,
        declared: &[Oid],
    ) -> Result<Vec<Oid>> {
        match &statement.statement {
            Statement::Execute(_) => Ok(declared.to_vec()),
            explained => {
                let query = query_of(explained);
                let plan = self.plan_statement(source, ast, query.as_ref().unwrap_or(explained), declared)?;
                Ok(plan.params.iter().map(|ty| ty.oid).collect())
            }
        }
    }

    /// EXPLAIN, with the values of the statement's own parameters.
    pub(crate) fn explain(
        &mut self,
        source: &Arc<Source>,
        ast: &Ast,
        statement: &Explain,
        given: &[Datum],
    ) -> Result<Done> {
        let request = request(statement)?;
        let env = self.db.env.clone();
        let (start, pages) = (env.monotonic_nanos(), touched());
        let (mut plan, params) = self.plan_explained(source, ast, &statement.statement, given)?;
        while !self.lock_plan_relations(&plan)? {
            (plan, _) = self.plan_explained(source, ast, &statement.statement, given)?;
        }
        let planned = touched();
        let mut actuals = ActualStats {
            planning_micros: micros(env.monotonic_nanos() - start),
            planning_pages: (planned.hits - pages.hits, planned.reads - pages.reads),
            ..ActualStats::default()
        };
        if request.analyze {
            if query_of(&statement.statement).is_some() {
                return Err(SqlError::unsupported("EXPLAIN ANALYZE of CREATE TABLE AS"));
            }
            let start = env.monotonic_nanos();
            self.run_watched(&plan, &params, &statement.statement, request.timing, &mut actuals)?;
            actuals.execution_micros = micros(env.monotonic_nanos() - start);
        }
        let lines = explain(&plan.physical, &request, Some(&actuals));
        let rows = lines.into_iter().map(|line| vec![Datum::text(line)]).collect();
        Ok(Done::Rows { columns: columns(statement)?, rows, tag: "EXPLAIN".to_owned() })
    }

    /// The plan of what is explained, and its parameters: those that EXECUTE gives it, or those given.
    fn plan_explained(
        &mut self,
        source: &Arc<Source>,
        ast: &Ast,
        statement: &Statement,
        given: &[Datum],
    ) -> Result<(Arc<Plan>, Vec<Datum>)> {
        match statement {
            Statement::Execute(execute) => {
                let prepared = self.find_statement(&execute.name)?;
                let params = self.execute_arguments(&prepared, ast, execute)?;
                Ok((self.prepared_plan(&prepared)?, params))
            }
            statement => {
                let query = query_of(statement);
                let statement = query.as_ref().unwrap_or(statement);
                let types: Vec<Oid> =
                    given.iter().map(|p| if p.is_null() { 0 } else { p.natural_type() }).collect();
                Ok((self.plan_statement(source, ast, statement, &types)?, given.to_vec()))
            }
        }
    }

    /// Runs a plan to its end and drops its rows.
    fn run_watched(
        &mut self,
        plan: &Arc<Plan>,
        params: &[Datum],
        statement: &Statement,
        timed: bool,
        actuals: &mut ActualStats,
    ) -> Result<()> {
        self.check_plan_writable(plan, Some(statement))?;
        let memory = self.statement_memory();
        let execution = self.with_exec_cx(plan, params, &memory, |cx| {
            let mut execution = Execution::new(&plan.physical, cx, true)?;
            if !timed {
                execution.without_timing();
            }
            while execution.next(cx)?.is_some() {}
            Ok(execution)
        })?;
        self.note_changes(plan, execution.affected());
        actuals.nodes = execution.actuals().to_vec();
        Ok(())
    }
}

fn micros(nanos: u64) -> i64 {
    (nanos / 1000) as i64
}
