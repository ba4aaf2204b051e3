//! CREATE TABLE AS and SELECT INTO: a query's rows become a table.

use std::sync::Arc;

use nq_qsql::catalog::{Persistence, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{self, Ast, CreateTableAs, QueryBody, QueryId, Statement, TableSource};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum};
use nq_storage::TreeId;

use super::table::{check_tablespace, on_commit, persistence, result_columns};
use crate::catalog::object::RelationObject;
use crate::error::store_error;
use crate::exec::Execution;
use crate::session::Session;
use crate::session::plan_cache::Plan;
use crate::session::prepared::{Source, has_into};
use crate::session::utility::Done;
use crate::table::row::RowLayout;
use crate::table::write::append_encoded;

/// A table to be made of a query's result.
struct TableFromQuery<'a> {
    name: &'a ast::ObjectName,
    persistence: ast::Persistence,
    if_not_exists: bool,
    columns: &'a [ast::Ident],
    with_data: bool,
    on_commit: Option<ast::OnCommit>,
    options: Vec<Box<str>>,
}

impl Session {
    /// CREATE TABLE AS.
    pub(crate) fn create_table_as(
        &mut self,
        source: &Arc<Source>,
        ast: &Ast,
        create: &CreateTableAs,
    ) -> Result<Done> {
        if let TableSource::Query(query) = create.source {
            if let QueryBody::Select(select) = &ast[ast.first_term(query)].body
                && let Some(into) = &select.into
            {
                return Err(sql_err!(SYNTAX_ERROR, "SELECT ... INTO is not allowed here").at(into.name.pos()));
            }
            if create.materialized {
                return self.create_materialized_view(ast, create, query);
            }
        }
        if let Some(method) = create.access_method.as_ref().filter(|m| &***m != "heap") {
            return Err(sql_err!(UNDEFINED_OBJECT, "access method \"{}\" does not exist", &**method));
        }
        check_tablespace(create.tablespace.as_ref())?;
        let table = TableFromQuery {
            name: &create.name,
            persistence: create.persistence,
            if_not_exists: create.if_not_exists,
            columns: &create.columns,
            with_data: create.with_data,
            on_commit: create.on_commit,
            options: super::options::read_options(&create.options)?,
        };
        match &create.source {
            TableSource::Query(query) => self.table_from_query(source, ast, *query, &table),
            TableSource::Execute(execute) => {
                let prepared = self.find_statement(&execute.name)?;
                let is_query = prepared.source.parsed.as_ref().is_some_and(
                    |p| matches!(p.ast.statement, Statement::Query(query) if !has_into(&p.ast, query)),
                );
                if !is_query {
                    return Err(sql_err!(WRONG_OBJECT_TYPE, "prepared statement is not a SELECT"));
                }
                let params = self.execute_arguments(&prepared, ast, execute)?;
                let plan = self.prepared_plan(&prepared)?;
                self.table_from_plan(&plan, &params, &table)
            }
        }
    }

    /// SELECT ... INTO.
    pub(crate) fn select_into(&mut self, source: &Arc<Source>, ast: &Ast, query: QueryId) -> Result<Done> {
        self.check_writable("SELECT INTO")?;
        let QueryBody::Select(select) = &ast[ast.first_term(query)].body else {
            return Err(SqlError::internal("INTO outside a SELECT"));
        };
        let Some(into) = &select.into else { return Err(SqlError::internal("SELECT without INTO")) };
        let table = TableFromQuery {
            name: &into.name,
            persistence: into.persistence,
            if_not_exists: false,
            columns: &[],
            with_data: true,
            on_commit: None,
            options: Vec::new(),
        };
        self.table_from_query(source, ast, query, &table)
    }

    fn table_from_query(
        &mut self,
        source: &Arc<Source>,
        ast: &Ast,
        query: QueryId,
        table: &TableFromQuery<'_>,
    ) -> Result<Done> {
        let plan = self.plan_statement(source, ast, &Statement::Query(query), &[])?;
        self.table_from_plan(&plan, &[], table)
    }

    fn table_from_plan(
        &mut self,
        plan: &Arc<Plan>,
        params: &[Datum],
        table: &TableFromQuery<'_>,
    ) -> Result<Done> {
        let temporary = table.persistence == ast::Persistence::Temporary;
        self.lock_query(plan)?;
        let namespace = self.creation_schema(table.name, temporary)?;
        if self.relation_exists(&namespace, table.name, table.if_not_exists)? {
            return Done::tag("CREATE TABLE AS");
        }
        let names: Vec<Box<str>> = table.columns.iter().map(|n| n.name.clone()).collect();
        let columns = result_columns(&plan.columns, &names)?;
        let name = table.name.object().name.clone();
        let kind = RelationKind::Table;
        let mut relation = self.new_relation(&namespace, name, kind, persistence(table.persistence))?;
        let on_commit = on_commit(table.on_commit, relation.persistence == Persistence::Temporary)?;
        relation.columns = columns;
        relation.options = table.options.clone();
        relation.tree = self.txn().create_tree().map_err(store_error)?.0;
        self.claim_relation_name(&relation)?;
        let (tree, layout) = (TreeId(relation.tree), RowLayout::new(&relation.columns));
        let row_type = Some(self.new_row_type(&relation)?);
        self.put_relation(RelationObject { on_commit, ..RelationObject::new(relation, row_type) })?;
        if !table.with_data {
            return Done::tag("CREATE TABLE AS");
        }
        let rows = self.fill_table(plan, params, tree, &layout)?;
        Ok(Done::Tag(format!("SELECT {rows}")))
    }

    /// Locks the relations that a query reads and checks the privileges on them.
    pub(super) fn lock_query(&mut self, plan: &Plan) -> Result<()> {
        if plan.lock_relations(self.txn())? {
            self.db.settle();
            self.ready_view();
        }
        self.check_plan_privileges(plan)
    }

    /// Runs a query and appends its rows to an empty tree; returns their number.
    pub(super) fn fill_table(
        &mut self,
        plan: &Arc<Plan>,
        params: &[Datum],
        tree: TreeId,
        layout: &RowLayout,
    ) -> Result<u64> {
        let memory = self.statement_memory();
        let types: Vec<DataType> = plan.columns.iter().map(|c| c.ty).collect();
        self.begin_statement();
        self.with_exec_cx(plan, params, &memory, |cx| {
            let mut execution = Execution::new(&plan.physical, cx, false)?;
            let (mut bytes, mut ends, mut count) = (Vec::new(), Vec::new(), 0);
            while let Some(batch) = execution.next(cx)? {
                bytes.clear();
                ends.clear();
                for row in batch.rows().iter() {
                    layout.encode(&batch.row(row, &types), &mut bytes)?;
                    ends.push(bytes.len());
                }
                append_encoded(cx.txn, tree, &bytes, &ends)?;
                count += ends.len() as u64;
            }
            Ok(count)
        })
    }
}
