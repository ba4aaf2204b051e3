//! ANALYZE and VACUUM.
//!
//! Source: PostgreSQL manual, reference pages of ANALYZE and VACUUM. There is nothing to vacuum by hand: older versions are removed by
//! the store's cleaner; VACUUM lets it catch up.

use std::sync::Arc;

use nq_qsql::catalog::{ColumnStats, Generated, Relation, RelationKind, RelationStats};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Def, DefValue, Ident, Vacuum, VacuumTarget};
use nq_qsql::types::{Datum, Oid};
use nq_qsql::{bail, sql_err};
use nq_storage::TreeId;
use nq_storage::txn::lock::LockMode;
use nq_storage::wal::Next;

use super::column::column_stats;
use super::sample::sample;
use crate::catalog::acl;
use crate::catalog::object::{Class, Object, ObjectKey};
use crate::error::store_error;
use crate::session::Session;
use crate::session::utility::Done;
use crate::table::row::RowLayout;

/// Sampled rows per unit of the statistics target: PostgreSQL's figure, for a histogram within 50 % with 99 % probability
/// (Chaudhuri, Motwani & Narasayya 1998).
const ROWS_PER_TARGET: usize = 300;

impl Session {
    /// VACUUM and ANALYZE.
    pub(crate) fn vacuum(&mut self, vacuum: &Vacuum) -> Result<Done> {
        let tag = if vacuum.is_vacuum { "VACUUM" } else { "ANALYZE" };
        let analyze = !vacuum.is_vacuum | check_options(&vacuum.options, tag)?;
        if vacuum.is_vacuum {
            self.check_outside_block("VACUUM")?;
            if let Some(target) = vacuum.targets.iter().find(|t| !t.columns.is_empty() && !analyze) {
                let name = target.table.name.object();
                bail!(
                    FEATURE_NOT_SUPPORTED,
                    "ANALYZE option must be specified when a column list is provided: relation \"{name}\""
                );
            }
        }
        let targets = match vacuum.targets.is_empty() {
            true => self.all_tables(),
            false => self.named_tables(&vacuum.targets, tag)?,
        };
        for (oid, columns) in targets {
            self.host_interrupt()?;
            if analyze {
                self.analyze_relation(oid, columns)?;
            }
        }
        if vacuum.is_vacuum {
            while let Next::Again = self.db.store.clean_step().map_err(store_error)? {
                self.host_interrupt()?;
            }
        }
        Done::tag(tag)
    }

    /// Analyses one table in a transaction of its own.
    pub(super) fn analyze_alone(&mut self, table: Oid, text: &str) -> Result<()> {
        self.start_command(text);
        self.ready_view();
        self.begin_statement();
        let result = self.analyze_relation(table, &[]).and_then(|()| self.sync());
        self.after_command(result)
    }

    fn host_interrupt(&self) -> Result<()> {
        nq_qsql::func::Host::check_interrupt(&self.host)
    }

    /// All tables that the user may analyse.
    fn all_tables(&self) -> Vec<(Oid, &'static [Ident])> {
        let temporary = self.host.temp_namespace;
        let wanted = |r: &Relation| {
            has_rows(r)
                && (!crate::catalog::state::is_temporary(r) || r.namespace == temporary)
                && self.may_maintain(r)
        };
        let relations = self.view().catalog.relations();
        relations.into_iter().filter(|r| wanted(&r.relation)).map(|r| (r.relation.oid, &[][..])).collect()
    }

    fn named_tables<'a>(
        &mut self,
        targets: &'a [VacuumTarget],
        command: &str,
    ) -> Result<Vec<(Oid, &'a [Ident])>> {
        let mut found = Vec::new();
        for target in targets {
            let relation = self.need_relation(&target.table.name)?;
            let name = &relation.name;
            if relation.kind != RelationKind::Virtual && !self.may_maintain(&relation) {
                let verb = command.to_ascii_lowercase();
                let text = format!("permission denied to {verb} \"{name}\", skipping it");
                self.host.warn(SqlError::new(nq_qsql::error::SqlState(*b"01000"), text));
            } else if has_rows(&relation) {
                found.push((relation.oid, &target.columns[..]));
            } else if relation.kind != RelationKind::Virtual {
                let what = match command {
                    "VACUUM" => "cannot vacuum non-tables or special system tables",
                    _ => "cannot analyze non-tables or special system tables",
                };
                self.host.warn(SqlError::new(
                    nq_qsql::error::SqlState(*b"01000"),
                    format!("skipping \"{name}\" --- {what}"),
                ));
            }
        }
        Ok(found)
    }

    /// Whether the user may ANALYZE a table: its owner, the database's, or whoever has MAINTAIN.
    fn may_maintain(&self, relation: &Relation) -> bool {
        let user = self.host.current_user.oid;
        let view = self.view();
        let member = |other| self.host.has_privileges_of(&view.cluster, user, other);
        member(relation.owner)
            || view.cluster.database(self.home.oid).is_some_and(|d| member(d.owner))
            || self.relation_privileges(relation, user) & acl::MAINTAIN != 0
    }

    /// Gathers statistics of a table, of all columns or of those named.
    fn analyze_relation(&mut self, oid: Oid, names: &[Ident]) -> Result<()> {
        self.lock_relation(oid, LockMode::ShareUpdateExclusive)?;
        let Some(object) = self.view().catalog.object(oid).cloned() else { return Ok(()) };
        let relation = &object.relation;
        let columns = analysed_columns(relation, names)?;
        let default = self.host.settings.int("default_statistics_target").unwrap_or(100);
        let target = usize::try_from(default).unwrap_or(100).max(1);
        let tree = TreeId(relation.tree);
        let env = self.db.env.clone();
        let figures = self.db.store.tree_stats(tree).map_err(store_error)?;
        let wanted = target * ROWS_PER_TARGET;
        let sample = sample(self.txn(), &*env, tree, figures.records, wanted)?;
        let layout = RowLayout::new(&relation.columns);
        let before = self.view().catalog.stats(oid).cloned();
        let mut stats = RelationStats {
            rows: sample.table_rows,
            pages: figures.pages as f64,
            columns: match (&before, names.is_empty()) {
                (Some(before), false) => before.columns.clone(),
                _ => Vec::new(),
            },
        };
        stats.columns.resize_with(relation.columns.len(), || None);
        let mut values: Vec<Datum> = Vec::with_capacity(sample.rows.len());
        for column in columns {
            self.host_interrupt()?;
            values.clear();
            for (_, row) in &sample.rows {
                values.push(layout.read(row)?.datum(column)?);
            }
            let ty = relation.columns[column].ty.oid;
            let found: Option<ColumnStats> =
                (!values.is_empty()).then(|| column_stats(&values, ty, sample.table_rows, target));
            stats.columns[column] = found;
        }
        self.put_object(ObjectKey::new(Class::Stats, oid), Object::Stats(Arc::new(stats)))?;
        self.db.changes.reset(oid);
        Ok(())
    }
}

/// Whether a relation has rows of its own to look at.
fn has_rows(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView)
}

fn analysed_columns(relation: &Relation, names: &[Ident]) -> Result<Vec<usize>> {
    let stored = |i: &usize| relation.columns[*i].generated != Generated::Virtual;
    if names.is_empty() {
        return Ok(relation.live_columns().map(|(i, _)| i).filter(stored).collect());
    }
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let Some(column) = relation.column(name) else {
            bail!(UNDEFINED_COLUMN, "column \"{}\" of relation \"{}\" does not exist", &**name, relation.name)
        };
        if columns.contains(&column) {
            bail!(
                DUPLICATE_COLUMN,
                "column \"{}\" of relation \"{}\" appears more than once",
                &**name,
                relation.name
            );
        }
        columns.push(column);
    }
    columns.retain(stored);
    Ok(columns)
}

/// Checks the options; answers whether ANALYZE is among them.
fn check_options(options: &[Def], command: &str) -> Result<bool> {
    let mut analyze = false;
    for option in options {
        let name = &*option.name.name;
        let flag = || match &option.value {
            None => Ok(true),
            Some(DefValue::Word(text) | DefValue::Str(text) | DefValue::Number(text)) => {
                crate::settings::parse_bool(text)
                    .ok_or_else(|| sql_err!(SYNTAX_ERROR, "{name} requires a Boolean value"))
            }
            Some(_) => Err(sql_err!(SYNTAX_ERROR, "{name} requires a Boolean value")),
        };
        match (command, name) {
            (_, "verbose" | "skip_locked") => {
                flag()?;
            }
            (_, "buffer_usage_limit") => {}
            ("VACUUM", "analyze") => analyze = flag()?,
            (
                "VACUUM",
                "full"
                | "freeze"
                | "disable_page_skipping"
                | "process_main"
                | "process_toast"
                | "truncate"
                | "skip_database_stats"
                | "only_database_stats",
            ) => {
                flag()?;
            }
            ("VACUUM", "index_cleanup" | "parallel") => {}
            _ => {
                return Err(
                    sql_err!(SYNTAX_ERROR, "unrecognized {command} option \"{name}\"").at(option.name.pos)
                );
            }
        }
    }
    Ok(analyze)
}
