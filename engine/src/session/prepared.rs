//! Prepared statements: parse once, plan when needed, describe without running.

use std::sync::Arc;

use nq_qsql::bind::{BindContext, Bound};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ParsedStatement;
use nq_qsql::parse::ast::{Ast, CopySource, Statement};
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{DataType, Oid};
use nq_qsql::{bail, sql_err};

use super::plan_cache::Plan;
use super::{Session, StatementDescription};
use crate::catalog::lookup::RecordingView;

/// A parsed statement with its text.
pub(crate) struct Source {
    /// The text that positions refer to.
    pub(crate) text: Arc<str>,
    /// `None` for an empty statement.
    pub(crate) parsed: Option<ParsedStatement>,
}

impl Source {
    /// The statement.
    pub(crate) fn statement(&self) -> Option<&Statement> {
        self.parsed.as_ref().map(|p| &p.ast.statement)
    }

    /// The statement that this one wraps (COPY's, PREPARE's, DECLARE CURSOR's), in a tree of its own with the same text.
    pub(crate) fn inner(&self) -> Result<Arc<Source>> {
        let broken = || SqlError::internal("the statement wraps no other");
        let start = self.parsed.as_ref().map(|p| p.start);
        let statements = nq_qsql::parse::parse_statements(&self.text)?;
        let mut parsed = statements.into_iter().find(|p| Some(p.start) == start).ok_or_else(broken)?;
        let unwrapped = std::mem::replace(&mut parsed.ast.statement, Statement::Load("".into()));
        parsed.ast.statement = match unwrapped {
            Statement::Copy(copy) => match copy.source {
                CopySource::Query(query) => *query,
                CopySource::Table { .. } => return Err(broken()),
            },
            Statement::Prepare(prepare) => prepare.statement,
            Statement::DeclareCursor(declare) => {
                parsed.ast.cursor = true;
                Statement::Query(declare.query)
            }
            _ => return Err(broken()),
        };
        Ok(Arc::new(Source { text: self.text.clone(), parsed: Some(parsed) }))
    }

    /// The statement's own text.
    pub(crate) fn own_text(&self) -> &str {
        match &self.parsed {
            Some(p) => &self.text[p.start as usize..p.end as usize],
            None => "",
        }
    }
}

/// A prepared statement.
pub(crate) struct Prepared {
    pub(crate) source: Arc<Source>,
    /// Declared parameter types, 0 where unknown.
    pub(crate) declared: Vec<Oid>,
    pub(crate) params: Vec<Oid>,
    pub(crate) columns: Option<Arc<[OutputColumn]>>,
    pub(crate) plan: Option<Arc<Plan>>,
    /// Made by PREPARE.
    pub(crate) from_sql: bool,
    pub(crate) time: i64,
}

/// Whether a statement is planned (SELECT, INSERT, UPDATE, DELETE, VALUES), not run by `utility`.
pub(crate) fn is_plannable(ast: &Ast) -> bool {
    match &ast.statement {
        Statement::Query(query) => !has_into(ast, *query),
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) | Statement::Merge(_) => true,
        _ => false,
    }
}

/// Whether a query is SELECT ... INTO.
pub(crate) fn has_into(ast: &Ast, query: nq_qsql::parse::ast::QueryId) -> bool {
    match &ast[ast.first_term(query)].body {
        nq_qsql::parse::ast::QueryBody::Select(select) => select.into.is_some(),
        _ => false,
    }
}

impl Session {
    /// Parses a text that must be one statement or none.
    pub(crate) fn parse_one(&mut self, sql: &str) -> Result<Arc<Source>> {
        let located = |e: SqlError| e.locate(sql);
        let mut statements = nq_qsql::parse::parse_statements(sql).map_err(located)?;
        if statements.len() > 1 {
            bail!(SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement");
        }
        let parsed = statements.pop();
        self.take_parser_notices(parsed.as_ref());
        Ok(Arc::new(Source { text: sql.into(), parsed }))
    }

    pub(crate) fn take_parser_notices(&mut self, parsed: Option<&ParsedStatement>) {
        for notice in parsed.iter().flat_map(|p| &p.ast.notices) {
            self.host.notice(notice.clone());
        }
    }

    /// Binds a statement of `source`; positions of errors are found in its text.
    pub(crate) fn bind_statement(
        &mut self,
        source: &Source,
        ast: &Ast,
        statement: &Statement,
        params: &[Oid],
        view: &RecordingView<'_>,
    ) -> Result<Bound> {
        let catalog_view = self.host.current_view().clone();
        let io = self.host.io(&catalog_view);
        let cx = BindContext { catalog: view, params, io: &io };
        nq_qsql::bind::bind(ast, statement, &cx).map_err(|e| e.locate(&source.text))
    }

    /// Plans a statement of `source`.
    pub(crate) fn plan_statement(
        &mut self,
        source: &Source,
        ast: &Ast,
        statement: &Statement,
        params: &[Oid],
    ) -> Result<Arc<Plan>> {
        let view = self.host.current_view().clone();
        let recording = RecordingView::new(&view);
        let bound = self.bind_statement(source, ast, statement, params, &recording)?;
        let transient = bound.volatile_literals;
        let io = self.host.io(&view);
        let cx = BindContext { catalog: &recording, params, io: &io };
        let physical = nq_qsql::optimize::optimize(bound, &cx, None).map_err(|e| e.locate(&source.text))?;
        Ok(Arc::new(Plan::new(physical, recording.into_lookups(), &view, transient)))
    }

    /// The plan of a whole statement, from the cache if it is there.
    pub(crate) fn cached_plan(&mut self, source: &Arc<Source>, params: &[Oid]) -> Result<Arc<Plan>> {
        let Some(parsed) = &source.parsed else {
            return Err(SqlError::internal("an empty statement has no plan"));
        };
        let cacheable = self.transaction.overlay.is_none();
        let view = self.host.current_view().clone();
        if cacheable && let Some(plan) = self.home.plans.get(source.own_text(), params, &view) {
            return Ok(plan);
        }
        let plan = self.plan_statement(source, &parsed.ast, &parsed.ast.statement, params)?;
        if cacheable {
            let whole = source.own_text().len() == source.text.len();
            let text = if whole { source.text.clone() } else { source.own_text().into() };
            self.home.plans.put(text, params, &plan, None);
        }
        Ok(plan)
    }

    /// Keeps the plan of a whole text with its statement, so that the text need not be parsed again.
    pub(crate) fn keep_parsed(&self, source: &Arc<Source>, params: &[Oid], plan: &Arc<Plan>) {
        if self.transaction.overlay.is_none()
            && source.parsed.as_ref().is_some_and(|parsed| parsed.ast.notices.is_empty())
        {
            self.home.plans.put(source.text.clone(), params, plan, Some(source.clone()));
        }
    }

    /// Parse: prepares one statement under a name (empty: the unnamed one). `param_oids` may be shorter than the parameters; 0 is unknown.
    ///
    /// # Errors
    /// 42P05 for a name in use, and what parsing and binding raise.
    pub fn prepare(&mut self, name: &str, sql: &str, param_oids: &[Oid]) -> Result<()> {
        let _entered = self.enter();
        self.start_command(sql);
        let result = self.prepare_source(name, sql, param_oids);
        self.after_command(result)
    }

    fn prepare_source(&mut self, name: &str, sql: &str, param_oids: &[Oid]) -> Result<()> {
        if name.is_empty() {
            self.statements.remove("");
        }
        let source = self.parse_one(sql)?;
        self.check_statement_allowed(source.statement())?;
        if self.statements.contains_key(name) {
            bail!(DUPLICATE_PREPARED_STATEMENT, "prepared statement \"{name}\" already exists");
        }
        let prepared = self.prepare_parsed(source, param_oids.to_vec(), false)?;
        if let Some(plan) = &prepared.plan {
            self.keep_parsed(&prepared.source, param_oids, plan);
        }
        self.statements.insert(name.into(), Arc::new(prepared));
        Ok(())
    }

    /// In a failed block only the statements that end it are allowed.
    pub(crate) fn check_statement_allowed(&self, statement: Option<&Statement>) -> Result<()> {
        match statement {
            None
            | Some(
                Statement::Commit { .. }
                | Statement::Rollback { .. }
                | Statement::RollbackTo(_)
                | Statement::PrepareTransaction(_),
            ) => Ok(()),
            Some(_) => self.check_not_failed(),
        }
    }

    /// Finds out what a statement takes and gives.
    pub(crate) fn prepare_parsed(
        &mut self,
        source: Arc<Source>,
        declared: Vec<Oid>,
        from_sql: bool,
    ) -> Result<Prepared> {
        let mut prepared = Prepared {
            source,
            declared,
            params: Vec::new(),
            columns: None,
            plan: None,
            from_sql,
            time: self.host.statement_time,
        };
        let Some(parsed) = &prepared.source.parsed else { return Ok(prepared) };
        if is_plannable(&parsed.ast) {
            self.ready_view();
            let plan = self.cached_plan(&prepared.source, &prepared.declared)?;
            prepared.params = plan.params.iter().map(|ty| ty.oid).collect();
            prepared.columns = plan.returns_rows().then(|| plan.columns.clone());
            prepared.plan = Some(plan);
        } else {
            self.ready_view();
            let source = prepared.source.clone();
            prepared.columns = self.describe_utility(&source)?;
            prepared.params = match &parsed.ast.statement {
                Statement::DeclareCursor(_) if parsed.ast.max_param > 0 => {
                    let plan = self.cached_plan(&source.inner()?, &prepared.declared)?;
                    plan.params.iter().map(|ty| ty.oid).collect()
                }
                Statement::Call(call) => {
                    let (params, columns) =
                        self.describe_call(&source, &parsed.ast, *call, &prepared.declared)?;
                    prepared.columns = columns;
                    params
                }
                Statement::Explain(explain) if parsed.ast.max_param > 0 => {
                    self.explained_params(&source, &parsed.ast, explain, &prepared.declared)?
                }
                _ => prepared.declared.clone(),
            };
            prepared.params.resize(parsed.ast.max_param as usize, nq_qsql::types::oid::TEXT);
        }
        Ok(prepared)
    }

    /// The plan of a prepared statement, made anew if the old one does not fit any more.
    ///
    /// # Errors
    /// 0A000 `cached plan must not change result type`.
    pub(crate) fn prepared_plan(&mut self, prepared: &Prepared) -> Result<Arc<Plan>> {
        let view = self.host.current_view().clone();
        if let Some(plan) = &prepared.plan
            && !plan.transient
            && plan.fits(&view)
        {
            return Ok(plan.clone());
        }
        let plan = self.cached_plan(&prepared.source, &prepared.params)?;
        let same = |columns: &Arc<[OutputColumn]>| {
            columns.len() == plan.columns.len()
                && columns.iter().zip(plan.columns.iter()).all(|(a, b)| a.ty == b.ty)
        };
        match &prepared.columns {
            Some(columns) if !same(columns) => {
                // Drivers prepare again when they see the routine.
                Err(sql_err!(FEATURE_NOT_SUPPORTED, "cached plan must not change result type")
                    .routine("RevalidateCachedQuery"))
            }
            _ => Ok(plan),
        }
    }

    /// Finds a prepared statement.
    pub(crate) fn find_statement(&self, name: &str) -> Result<Arc<Prepared>> {
        self.statements.get(name).cloned().ok_or_else(|| match name {
            "" => sql_err!(INVALID_SQL_STATEMENT_NAME, "unnamed prepared statement does not exist"),
            _ => sql_err!(INVALID_SQL_STATEMENT_NAME, "prepared statement \"{name}\" does not exist"),
        })
    }

    /// Describe of a statement.
    ///
    /// # Errors
    /// 26000 `prepared statement "x" does not exist`.
    pub fn describe_statement(&mut self, name: &str) -> Result<StatementDescription> {
        let found = self.find_statement(name).and_then(|p| {
            if p.columns.is_some() {
                self.check_not_failed()?;
            }
            Ok(p)
        });
        match found {
            Ok(prepared) => Ok(StatementDescription {
                params: prepared.params.clone(),
                columns: prepared.columns.clone(),
            }),
            Err(error) => {
                self.fail();
                Err(error)
            }
        }
    }

    /// Close of a statement; none of that name is no error.
    pub fn close_statement(&mut self, name: &str) {
        self.statements.remove(name);
    }

    /// A column of a result that is made here.
    pub(crate) fn result_column(name: &str, oid: Oid) -> OutputColumn {
        OutputColumn { name: name.into(), ty: DataType::of(oid), table: 0, attribute: 0 }
    }
}
