//! CREATE and REFRESH MATERIALIZED VIEW: a table of the rows that a stored query had when it was last run.
//!
//! ```text
//! REFRESH               query -> new tree -> its indexes anew            the old trees go at commit
//! REFRESH CONCURRENTLY  query -> the difference to the rows that are there: deleted, then inserted
//! ```
//!
//! 1. The query is kept as a view's is, and runs as the owner with only the system's names in sight, at CREATE as well.
//! 2. Rows are the same when their bytes are, as with PostgreSQL's `*=`: what is equal and looks different is written anew.
//! 3. Readers see the old rows until the transaction commits; CONCURRENTLY lets them read meanwhile.
//!
//! Source: PostgreSQL manual, CREATE MATERIALIZED VIEW and REFRESH MATERIALIZED VIEW.

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::bind::{Bound, bind_view_query, explicit_text, write_target};
use nq_qsql::catalog::{IndexKey, Persistence, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{self, Ast, CreateTableAs, QueryId, RefreshMaterializedView, Statement};
use nq_qsql::types::{DataType, Datum, Oid, io_text, oid};
use nq_qsql::{bail, sql_err};
use nq_storage::TreeId;
use nq_storage::txn::lock::LockMode;

use super::table::{check_tablespace, persistence, result_columns};
use super::view::view_dependencies;
use crate::catalog::object::RelationObject;
use crate::catalog::quote_identifier;
use crate::error::store_error;
use crate::exec::batch::BATCH_ROWS;
use crate::exec::{ExecCx, Execution};
use crate::session::Session;
use crate::session::plan_cache::Plan;
use crate::session::prepared::Source;
use crate::session::routine::Entered;
use crate::session::utility::Done;
use crate::table::build::WideScan;
use crate::table::row::RowLayout;
use crate::table::write::{Outcome, Writer};

/// What a stored query sees: no object of a user that its text does not name with its schema.
const SEARCH_PATH: (&str, &str) = ("search_path", "pg_catalog, pg_temp");

/// What is known of a row of the new contents while the old ones are looked through.
struct NewRow {
    values: Vec<Datum>,
    /// How many more of it are wanted than have been found.
    wanted: usize,
}

/// The rows that a view is to have, by their bytes; in the order of the query.
#[derive(Default)]
struct Contents {
    rows: Vec<NewRow>,
    places: HashMap<Box<[u8]>, usize>,
}

impl Session {
    /// CREATE MATERIALIZED VIEW.
    pub(crate) fn create_materialized_view(
        &mut self,
        ast: &Ast,
        create: &CreateTableAs,
        query: QueryId,
    ) -> Result<Done> {
        const TAG: &str = "CREATE MATERIALIZED VIEW";
        let modifies =
            |with: &ast::With| with.ctes.iter().any(|c| !matches!(c.statement, Statement::Query(_)));
        if ast[query].with.as_deref().is_some_and(modifies) {
            bail!(FEATURE_NOT_SUPPORTED, "materialized views must not use data-modifying statements in WITH");
        }
        if ast.max_param > 0 {
            return Err(sql_err!(UNDEFINED_PARAMETER, "there is no parameter $1"));
        }
        let view = self.view().clone();
        let (bound, resolution) = self.with_bind_cx(|cx| bind_view_query(ast, query, cx))?;
        self.check_materializable(create, &bound)?;
        let text = explicit_text(ast, query, &resolution, &*view)?;
        let namespace = self.creation_schema(&create.name, false)?;
        if self.relation_exists(&namespace, &create.name, create.if_not_exists)? {
            return Done::tag(TAG);
        }
        let options = super::options::read_options(&create.options)?;
        let names: Vec<Box<str>> = create.columns.iter().map(|n| n.name.clone()).collect();
        let mut columns = result_columns(&bound.columns, &names)?;
        for (column, id) in columns.iter_mut().zip(&bound.outputs) {
            column.collation = bound.collations[*id as usize];
        }
        let name = create.name.object().name.clone();
        let kind = RelationKind::MaterializedView;
        let mut relation = self.new_relation(&namespace, name, kind, persistence(create.persistence))?;
        relation.columns = columns;
        relation.options = options;
        relation.view = Some(text.into());
        relation.populated = create.with_data;
        relation.tree = self.txn().create_tree().map_err(store_error)?.0;
        self.claim_relation_name(&relation)?;
        let row_type = Some(self.new_row_type(&relation)?);
        let depends = view_dependencies(&resolution);
        let object = RelationObject { depends, ..RelationObject::new(relation, row_type) };
        let relation = self.put_relation(object)?.relation.clone();
        if !create.with_data {
            return Done::tag(TAG);
        }
        let rows = self.run_stored_query(&relation, |session, plan| {
            session.fill_table(plan, &[], TreeId(relation.tree), &RowLayout::new(&relation.columns))
        })?;
        Ok(Done::Tag(format!("SELECT {rows}")))
    }

    fn check_materializable(&mut self, create: &CreateTableAs, bound: &Bound) -> Result<()> {
        if bound.relations.iter().any(|u| u.relation.persistence == Persistence::Temporary) {
            bail!(FEATURE_NOT_SUPPORTED, "materialized views must not use temporary tables or views");
        }
        if create.persistence == ast::Persistence::Unlogged {
            bail!(FEATURE_NOT_SUPPORTED, "materialized views cannot be unlogged");
        }
        if let Some(method) = create.access_method.as_ref().filter(|m| &***m != "heap") {
            bail!(UNDEFINED_OBJECT, "access method \"{}\" does not exist", &**method);
        }
        check_tablespace(create.tablespace.as_ref())?;
        for used in &bound.relations {
            if used.check_as.is_none() && used.relation.oid >= crate::catalog::FIRST_NORMAL_OID {
                self.lock_relation(used.relation.oid, LockMode::AccessShare)?;
            }
        }
        Ok(())
    }

    /// REFRESH MATERIALIZED VIEW.
    pub(crate) fn refresh_materialized_view(&mut self, refresh: &RefreshMaterializedView) -> Result<Done> {
        const TAG: &str = "REFRESH MATERIALIZED VIEW";
        let found = self.need_relation(&refresh.name)?;
        if !matches!(found.kind, RelationKind::Table | RelationKind::MaterializedView) {
            bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a table or materialized view", found.name);
        }
        self.check_maintain(&found)?;
        let mode = match refresh.concurrently {
            true => LockMode::Exclusive,
            false => LockMode::AccessExclusive,
        };
        let relation = self.open_relation(&refresh.name, mode)?;
        if relation.kind != RelationKind::MaterializedView {
            bail!(FEATURE_NOT_SUPPORTED, "\"{}\" is not a materialized view", relation.name);
        }
        self.check_maintain(&relation)?;
        if refresh.concurrently && !relation.populated {
            bail!(
                FEATURE_NOT_SUPPORTED,
                "CONCURRENTLY cannot be used when the materialized view is not populated"
            );
        }
        if refresh.concurrently && !refresh.with_data {
            bail!(SYNTAX_ERROR, "CONCURRENTLY and WITH NO DATA options cannot be used together");
        }
        self.check_no_pending(&relation, TAG)?;
        match refresh.concurrently {
            true => self.refresh_difference(&relation)?,
            false => self.refresh_whole(&relation, refresh.with_data)?,
        }
        Done::tag(TAG)
    }

    /// Puts new trees in the place of those of a materialized view.
    fn refresh_whole(&mut self, relation: &Arc<Relation>, with_data: bool) -> Result<()> {
        self.truncate_relation(relation.oid)?;
        let object = self.object(relation.oid)?;
        let emptied = Relation { populated: with_data, ..(*object.relation).clone() };
        let relation = self.replace_relation(&object, emptied)?.relation.clone();
        if with_data {
            let rows = self.run_stored_query(&relation, |session, plan| {
                session.fill_table(plan, &[], TreeId(relation.tree), &RowLayout::new(&relation.columns))
            })?;
            self.db.changes.add(self.home.oid, relation.oid, rows);
            // The indexes are built of rows that this command has written.
            self.txn().next_command();
            let indexes: Vec<Oid> = relation.indexes.iter().map(|i| i.oid).collect();
            self.fill_indexes(&relation, &indexes)?;
        }
        Ok(())
    }

    /// Plans and runs the query of a materialized view as its owner.
    fn run_stored_query<R>(
        &mut self,
        relation: &Relation,
        work: impl FnOnce(&mut Session, &Arc<Plan>) -> Result<R>,
    ) -> Result<R> {
        let mut entered =
            Entered::enter_as(&mut self.host, Some(relation.owner), &mut std::iter::once(SEARCH_PATH));
        let result = match entered.take_failure() {
            Some(error) => Err(error),
            None => self.plan_stored_query(relation).and_then(|plan| work(self, &plan)),
        };
        entered.leave(&mut self.host);
        self.ready_view();
        result
    }

    fn plan_stored_query(&mut self, relation: &Relation) -> Result<Arc<Plan>> {
        let text: Arc<str> = relation.view.clone().unwrap_or_default();
        let parsed = nq_qsql::parse::parse_statements(&text)?.pop();
        let source = Source { text, parsed };
        let Some(parsed) = &source.parsed else {
            return Err(SqlError::internal("a materialized view without a query"));
        };
        let plan = self.plan_statement(&source, &parsed.ast, &parsed.ast.statement, &[])?;
        self.lock_query(&plan)?;
        Ok(plan)
    }

    /// Makes the rows of a materialized view those of its query, touching only what differs.
    fn refresh_difference(&mut self, relation: &Arc<Relation>) -> Result<()> {
        let plain = |i: &&Arc<nq_qsql::catalog::Index>| {
            let columns = i.columns.iter().all(|c| matches!(c.key, IndexKey::Column(_)));
            i.unique && i.valid && i.predicate.is_none() && columns
        };
        if !relation.indexes.iter().any(|i| plain(&i)) {
            let name = format!("{}.{}", quote_identifier(&relation.schema), quote_identifier(&relation.name));
            return Err(sql_err!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cannot refresh materialized view \"{name}\" concurrently"
            )
            .hint(
                "Create a unique index with no WHERE clause on one or more columns of the materialized view.",
            ));
        }
        let layout = RowLayout::new(&relation.columns);
        let memory = self.statement_memory();
        let mut held = memory.reservation();
        let mut contents = self.run_stored_query(relation, |session, plan| {
            session.begin_statement();
            session.with_exec_cx(plan, &[], &memory, |cx| {
                let mut contents = Contents::default();
                let types: Vec<DataType> = plan.columns.iter().map(|c| c.ty).collect();
                let mut execution = Execution::new(&plan.physical, cx, false)?;
                let (mut bytes, mut size) = (Vec::new(), 0);
                while let Some(batch) = execution.next(cx)? {
                    for row in batch.rows().iter() {
                        bytes.clear();
                        let values = batch.row(row, &types);
                        layout.encode(&values, &mut bytes)?;
                        size += 3 * bytes.len() + 128;
                        contents.add(&bytes, values, &relation.name, &types, cx)?;
                    }
                    held.grow(size)?;
                }
                Ok(contents)
            })
        })?;
        self.txn().next_command();
        let target = self.with_bind_cx(|cx| write_target(relation, cx))?;
        let types: Vec<DataType> = relation.columns.iter().map(|c| c.ty).collect();
        self.with_rows(|cx| {
            let mut gone: Vec<(u64, Vec<Datum>)> = Vec::new();
            let attributes = relation.live_columns().map(|(i, _)| i).collect();
            let mut scan = WideScan::new(relation, attributes, cx)?;
            let mut bytes = Vec::new();
            while let Some((batch, ids)) = scan.next(cx)? {
                for row in batch.rows().iter() {
                    bytes.clear();
                    let values = batch.row(row, &types);
                    layout.encode(&values, &mut bytes)?;
                    if !contents.take(&bytes)
                        && let Datum::Int8(id) = ids.datum(row, oid::INT8)
                    {
                        gone.push((id as u64, values));
                    }
                }
            }
            let writer = Writer::new(&target, cx)?;
            for part in gone.chunks(BATCH_ROWS) {
                cx.check_interrupt()?;
                let ids: Vec<u64> = part.iter().map(|(id, _)| *id).collect();
                let rows: Vec<Vec<Datum>> = part.iter().map(|(_, row)| row.clone()).collect();
                for &id in &ids {
                    if !matches!(writer.delete(id, true, cx)?, Outcome::Done) {
                        return Err(SqlError::internal("a row of a locked materialized view has changed"));
                    }
                }
                writer.delete_entries(&ids, &rows, cx)?;
            }
            let mut new = contents.left();
            for part in new.chunks_mut(BATCH_ROWS) {
                cx.check_interrupt()?;
                writer.insert(part, cx)?;
            }
            Ok(())
        })
    }
}

impl Contents {
    /// Adds a row.
    ///
    /// # Errors
    /// 21000 for one that is there and has no NULL.
    fn add(
        &mut self,
        bytes: &[u8],
        values: Vec<Datum>,
        view: &str,
        types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<()> {
        match self.places.get(bytes) {
            Some(_) if !values.iter().any(Datum::is_null) => {
                let shape: Vec<_> = types.iter().map(|ty| (Arc::from(""), *ty)).collect();
                let ty = DataType { oid: oid::RECORD, typmod: nq_qsql::types::rowtype::modifier(&shape) };
                let row = io_text::to_text(&Datum::Record(values.into()), ty.oid, cx.io)?;
                Err(sql_err!(
                    CARDINALITY_VIOLATION,
                    "new data for materialized view \"{view}\" contains duplicate rows without any null columns"
                )
                .detail(format!("Row: {row}")))
            }
            Some(&at) => {
                self.rows[at].wanted += 1;
                Ok(())
            }
            None => {
                self.places.insert(bytes.into(), self.rows.len());
                self.rows.push(NewRow { values, wanted: 1 });
                Ok(())
            }
        }
    }

    /// Whether a row that is there is wanted; it is counted.
    fn take(&mut self, bytes: &[u8]) -> bool {
        match self.places.get(bytes) {
            Some(&at) if self.rows[at].wanted > 0 => {
                self.rows[at].wanted -= 1;
                true
            }
            _ => false,
        }
    }

    /// The rows that are wanted and were not there.
    fn left(self) -> Vec<Vec<Datum>> {
        let rows = self.rows.into_iter();
        rows.flat_map(|row| std::iter::repeat_n(row.values, row.wanted)).collect()
    }
}
