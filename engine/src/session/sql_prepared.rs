//! PREPARE, EXECUTE and DEALLOCATE. Their statements share the names of those that the protocol's Parse makes.

use std::sync::Arc;

use nq_qsql::bind::{BindContext, StoredKind, bind_parsed_expression, bind_type_name};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Ast, Execute, Prepare};
use nq_qsql::types::{DataType, Datum};
use nq_qsql::{bail, sql_err};

use super::portal::{Portal, Run};
use super::prepared::{Prepared, Source, is_plannable};
use super::utility::Done;
use super::{Format, Session};
use crate::exec::eval::Compiled;

impl Session {
    /// PREPARE.
    pub(crate) fn sql_prepare(&mut self, source: &Arc<Source>, ast: &Ast, prepare: &Prepare) -> Result<Done> {
        let name = &*prepare.name.name;
        let view = self.view().clone();
        let types = {
            let io = self.host.io(&view);
            let cx = BindContext { catalog: &*view, params: &[], io: &io };
            let oid = |ty| bind_type_name(ast, ty, &cx).map(|ty| ty.oid);
            prepare.types.iter().map(oid).collect::<Result<Vec<_>>>()?
        };
        let prepared = self.prepare_parsed(source.inner()?, types, true)?;
        if self.statements.contains_key(name) {
            bail!(DUPLICATE_PREPARED_STATEMENT, "prepared statement \"{name}\" already exists");
        }
        self.statements.insert(name.into(), Arc::new(prepared));
        Done::tag("PREPARE")
    }

    /// EXECUTE: makes the portal that of the prepared statement.
    pub(crate) fn start_execute(
        &mut self,
        portal: &mut Portal,
        source: &Source,
        execute: &Execute,
    ) -> Result<()> {
        let Some(parsed) = &source.parsed else { return Err(SqlError::internal("EXECUTE without a tree")) };
        let prepared = self.find_statement(&execute.name)?;
        portal.params = self.execute_arguments(&prepared, &parsed.ast, execute)?.into();
        portal.source = prepared.source.clone();
        portal.columns = prepared.columns.clone();
        let width = portal.columns.as_ref().map_or(0, |c| c.len());
        if portal.formats.len() != width {
            portal.formats = vec![Format::Text; width];
        }
        portal.run = match &prepared.source.parsed {
            None => Run::Done(String::new()),
            Some(parsed) if is_plannable(&parsed.ast) => {
                Run::Plan { plan: self.prepared_plan(&prepared)?, prepared: Some(prepared) }
            }
            Some(_) => Run::Utility,
        };
        Ok(())
    }

    /// The values of EXECUTE's arguments, as the statement's parameters take them.
    pub(crate) fn execute_arguments(
        &mut self,
        prepared: &Prepared,
        ast: &Ast,
        execute: &Execute,
    ) -> Result<Vec<Datum>> {
        if execute.args.len() != prepared.params.len() {
            return Err(sql_err!(
                SYNTAX_ERROR,
                "wrong number of parameters for prepared statement \"{}\"",
                execute.name.name
            )
            .detail(format!(
                "Expected {} parameters but got {}.",
                prepared.params.len(),
                execute.args.len()
            )));
        }
        if execute.args.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.view().clone();
        let mut bound = Vec::with_capacity(execute.args.len());
        {
            let io = self.host.io(&view);
            let cx = BindContext { catalog: &*view, params: &[], io: &io };
            for (i, (&arg, &oid)) in execute.args.iter().zip(&prepared.params).enumerate() {
                let kind = StoredKind::ExecuteArgument(i as u32 + 1);
                bound.push(bind_parsed_expression(ast, arg, None, Some(DataType::of(oid)), kind, &cx)?);
            }
        }
        let memory = self.statement_memory();
        self.begin_statement();
        self.with_cx(false, &[], &memory, |cx| {
            bound.iter().map(|e| Compiled::new(e, cx)?.eval_alone(cx)).collect()
        })
    }

    /// DEALLOCATE.
    pub(crate) fn deallocate(&mut self, name: Option<&str>) -> Result<Done> {
        match name {
            None => {
                self.statements.retain(|name, _| name.is_empty());
                Done::tag("DEALLOCATE ALL")
            }
            Some(name) => {
                self.find_statement(name)?;
                self.statements.remove(name);
                Done::tag("DEALLOCATE")
            }
        }
    }
}
