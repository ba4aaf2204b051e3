//! EXPLAIN: options, columns, and running the statement for ANALYZE.

use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Ast, DefValue, Explain};
use nq_qsql::plan::explain::{ExplainOptions, explain};
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, oid};
use nq_qsql::{bail, sql_err};

use crate::session::Session;
use crate::session::prepared::Source;
use crate::session::utility::Done;

/// OID of `json`.
const JSON: nq_qsql::types::Oid = 114;

fn request(statement: &Explain) -> Result<ExplainOptions> {
    let mut out = ExplainOptions { costs: true, ..ExplainOptions::default() };
    for option in &statement.options {
        let word = match &option.value {
            None => "true",
            Some(DefValue::Word(text) | DefValue::Str(text) | DefValue::Number(text)) => text,
            Some(_) => bail!(SYNTAX_ERROR, "{} requires a Boolean value", option.name.name),
        };
        let flag = || {
            crate::settings::parse_bool(word)
                .ok_or_else(|| sql_err!(SYNTAX_ERROR, "{} requires a Boolean value", option.name.name))
        };
        match &*option.name.name {
            "analyze" => out.analyze = flag()?,
            "verbose" => out.verbose = flag()?,
            "costs" => out.costs = flag()?,
            "timing" | "summary" | "buffers" | "settings" | "wal" | "memory" | "generic_plan" => {
                flag()?;
            }
            "format" => match word {
                "text" => out.json = false,
                "json" => out.json = true,
                other => return Err(SqlError::unsupported(format_args!("EXPLAIN (FORMAT {other})"))),
            },
            other => bail!(SYNTAX_ERROR, "unrecognized EXPLAIN option \"{other}\""),
        }
    }
    Ok(out)
}

/// The columns that EXPLAIN returns.
pub(crate) fn columns(statement: &Explain) -> Result<Arc<[OutputColumn]>> {
    let ty = if request(statement)?.json { JSON } else { oid::TEXT };
    Ok([Session::result_column("QUERY PLAN", ty)].into())
}

impl Session {
    /// EXPLAIN.
    pub(crate) fn explain(&mut self, source: &Arc<Source>, ast: &Ast, statement: &Explain) -> Result<Done> {
        let request = request(statement)?;
        if request.analyze {
            return Err(SqlError::unsupported("EXPLAIN ANALYZE"));
        }
        let plan = self.plan_statement(source, ast, &statement.statement, &[])?;
        let rows =
            explain(&plan.physical, &request, None).into_iter().map(|line| vec![Datum::text(line)]).collect();
        Ok(Done::Rows { columns: columns(statement)?, rows, tag: "EXPLAIN".to_owned() })
    }
}
