//! CHECK TABLE, CHECK DATABASE, SHOW COMPRESSION STATS.

use std::sync::Arc;

use nq_qsql::bail;
use nq_qsql::catalog::RelationKind;
use nq_qsql::error::Result;
use nq_qsql::parse::ast::ObjectName;
use nq_qsql::parse::qsql::QsqlStatement;
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, Oid, oid};
use nq_storage::TreeId;

use super::Finding;
use crate::catalog::state::is_temporary;
use crate::error::store_error;
use crate::session::Session;
use crate::session::utility::Done;

/// The columns that a statement of QSQL returns; `None` for none.
pub(crate) fn columns(statement: &QsqlStatement) -> Option<Arc<[OutputColumn]>> {
    let list: &[(&str, Oid)] = match statement {
        QsqlStatement::CheckTable { .. } | QsqlStatement::CheckDatabase => &[
            ("object", oid::TEXT),
            ("kind", oid::TEXT),
            ("entries", oid::INT8),
            ("problem", oid::TEXT),
            ("repaired", oid::BOOL),
        ],
        QsqlStatement::ShowCompressionStats { .. } => &[
            ("object", oid::TEXT),
            ("kind", oid::TEXT),
            ("pages", oid::INT8),
            ("bytes", oid::INT8),
            ("stored_bytes", oid::INT8),
            ("parity_bytes", oid::INT8),
            ("ratio", oid::FLOAT8),
        ],
        QsqlStatement::CompressTable { .. }
        | QsqlStatement::DecompressTable { .. }
        | QsqlStatement::Named(_) => return None,
    };
    Some(list.iter().map(|(name, ty)| Session::result_column(name, *ty)).collect())
}

impl Session {
    /// CHECK TABLE.
    pub(crate) fn check_table(
        &mut self,
        statement: &QsqlStatement,
        table: &ObjectName,
        repair: bool,
    ) -> Result<Done> {
        let relation = self.need_relation(table)?;
        self.check_not_system(&relation)?;
        if !matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView) {
            bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a table", relation.name);
        }
        self.check_owner(&relation)?;
        let findings = self.check_relation(relation.oid, repair)?;
        self.show_findings(statement, findings, "CHECK TABLE")
    }

    /// CHECK DATABASE: everything in the store, and all tables of this database.
    pub(crate) fn check_database(&mut self, statement: &QsqlStatement) -> Result<Done> {
        self.check_superuser("must be superuser to check the database")?;
        let mut findings = Vec::new();
        let pages = self.db.store.metrics().pages.pages;
        for finding in self.db.store.scrub().map_err(store_error)? {
            findings.push(Finding {
                object: finding.page.map_or_else(|| "page map".to_owned(), |page| format!("page {page}")),
                kind: "storage",
                entries: None,
                problem: Some(finding.what),
                repaired: finding.healed,
            });
        }
        if findings.is_empty() {
            let object = "pages".to_owned();
            let entries = Some(pages);
            findings.push(Finding { object, kind: "storage", entries, problem: None, repaired: false });
        }
        for oid in self.checkable_relations() {
            findings.extend(self.check_relation(oid, false)?);
        }
        self.show_findings(statement, findings, "CHECK DATABASE")
    }

    /// The tables of the database but those of other sessions.
    pub(super) fn checkable_relations(&self) -> Vec<Oid> {
        let temporary = self.host.temp_namespace;
        self.view()
            .catalog
            .relations()
            .into_iter()
            .map(|r| &r.relation)
            .filter(|r| matches!(r.kind, RelationKind::Table | RelationKind::MaterializedView))
            .filter(|r| !is_temporary(r) || r.namespace == temporary)
            .map(|r| r.oid)
            .collect()
    }

    fn show_findings(&self, statement: &QsqlStatement, findings: Vec<Finding>, tag: &str) -> Result<Done> {
        let columns = columns(statement).unwrap_or_else(|| Arc::from([]));
        Ok(Done::Rows {
            columns,
            rows: findings.into_iter().map(Finding::row).collect(),
            tag: tag.to_owned(),
        })
    }

    /// SHOW COMPRESSION STATS: what tables and indexes take in the data file.
    pub(crate) fn show_compression_stats(
        &mut self,
        statement: &QsqlStatement,
        table: Option<&ObjectName>,
    ) -> Result<Done> {
        let oids = match table {
            Some(name) => {
                let relation = self.need_relation(name)?;
                self.check_not_system(&relation)?;
                if !matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView) {
                    bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a table", relation.name);
                }
                vec![relation.oid]
            }
            None => self.checkable_relations(),
        };
        let mut rows = Vec::new();
        for oid in oids {
            let Ok(object) = self.object(oid) else { continue };
            let relation = &object.relation;
            let named = |name: &str| format!("{}.{name}", relation.schema);
            rows.push(self.space_row(named(&relation.name), "table", TreeId(relation.tree))?);
            for index in &relation.indexes {
                rows.push(self.space_row(named(&index.name), "index", TreeId(index.tree))?);
            }
        }
        let columns = columns(statement).unwrap_or_else(|| Arc::from([]));
        Ok(Done::Rows { columns, rows, tag: "SHOW".to_owned() })
    }

    fn space_row(&self, object: String, kind: &str, tree: TreeId) -> Result<Vec<Datum>> {
        let space = self.db.store.tree_space(tree).map_err(store_error)?;
        let ratio = match space.stored_bytes {
            0 => Datum::Null,
            stored => Datum::Float8((space.written_bytes as f64 / stored as f64 * 100.0).round() / 100.0),
        };
        let number = |n: u64| Datum::Int8(n as i64);
        Ok(vec![
            Datum::text(object),
            Datum::text(kind),
            number(space.pages),
            number(space.bytes),
            number(space.stored_bytes),
            number(space.parity_bytes),
            ratio,
        ])
    }
}
