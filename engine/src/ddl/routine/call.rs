//! CALL.

use std::sync::Arc;

use nq_qsql::bind::{BindContext, BoundCall, bind_call_statement};
use nq_qsql::catalog::RoutineShape;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Ast, ExprId};
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, Oid};

use crate::exec::eval::Compiled;
use crate::session::Session;
use crate::session::prepared::Source;
use crate::session::routine;
use crate::session::utility::Done;

impl Session {
    fn bind_call(&mut self, source: &Source, ast: &Ast, call: ExprId, params: &[Oid]) -> Result<BoundCall> {
        let view = self.view().clone();
        let io = self.host.io(&view);
        let cx = BindContext { catalog: &*view, params, io: &io };
        bind_call_statement(ast, call, &cx).map_err(|e| e.locate(&source.text))
    }

    /// What a CALL takes and gives.
    #[allow(clippy::type_complexity, reason = "parameters and columns, as Describe tells them")]
    pub(crate) fn describe_call(
        &mut self,
        source: &Source,
        ast: &Ast,
        call: ExprId,
        declared: &[Oid],
    ) -> Result<(Vec<Oid>, Option<Arc<[OutputColumn]>>)> {
        let bound = self.bind_call(source, ast, call, declared)?;
        Ok((bound.params.iter().map(|ty| ty.oid).collect(), columns(&bound)))
    }

    /// CALL.
    pub(crate) fn call_procedure(
        &mut self,
        source: &Source,
        ast: &Ast,
        call: ExprId,
        params: &[Datum],
        types: &[Oid],
    ) -> Result<Done> {
        let bound = self.bind_call(source, ast, call, types)?;
        self.begin_statement();
        self.transaction.worked(false);
        let memory = self.statement_memory();
        let value = self.with_cx(false, params, &memory, |cx| {
            let mut args = Vec::with_capacity(bound.args.len());
            for arg in &bound.args {
                args.push(Compiled::new(arg, cx)?.eval_alone(cx)?);
            }
            routine::call(&bound.target, &args, cx)
        })?;
        let Some(columns) = columns(&bound) else { return Done::tag("CALL") };
        let row = match value {
            Datum::Record(fields) if fields.len() == columns.len() => fields.to_vec(),
            Datum::Null => vec![Datum::Null; columns.len()],
            _ => return Err(SqlError::internal("a procedure returned something else than its parameters")),
        };
        Ok(Done::Rows { columns, rows: vec![row], tag: "CALL".to_owned() })
    }
}

/// The columns of a CALL of a procedure with output parameters.
fn columns(bound: &BoundCall) -> Option<Arc<[OutputColumn]>> {
    match &bound.target.shape {
        RoutineShape::Row(fields) => Some(
            fields
                .iter()
                .map(|(name, ty)| OutputColumn { name: name.clone(), ty: *ty, table: 0, attribute: 0 })
                .collect(),
        ),
        _ => None,
    }
}
