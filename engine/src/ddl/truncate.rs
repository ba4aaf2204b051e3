//! TRUNCATE: the table's trees are replaced by empty ones, in the transaction.

use nq_qsql::catalog::{Index, Relation, RelationKind};
use nq_qsql::error::Result;
use nq_qsql::parse::ast::Truncate;
use nq_qsql::sql_err;
use nq_qsql::types::Oid;
use nq_storage::TreeId;
use nq_storage::txn::lock::LockMode;
use std::sync::Arc;

use crate::catalog::acl;
use crate::error::store_error;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// TRUNCATE TABLE.
    pub(crate) fn truncate(&mut self, truncate: &Truncate) -> Result<Done> {
        let mut tables: Vec<Oid> = Vec::with_capacity(truncate.tables.len());
        for table in &truncate.tables {
            let relation = self.need_relation(&table.name)?;
            self.open_truncated(&relation, &mut tables)?;
        }
        if truncate.cascade {
            self.add_referencing(&mut tables)?;
        }
        self.check_referencing(&tables)?;
        for table in tables {
            self.check_no_pending(&self.object(table)?.relation, "TRUNCATE")?;
            self.truncate_relation(table)?;
            if truncate.restart_identity {
                let view = self.view().clone();
                for sequence in view.catalog.owned_sequences(table, None) {
                    if let Some(options) = &sequence.sequence {
                        let restarted = self.restart_sequence((**sequence).clone(), options.start, false)?;
                        self.put_relation(restarted)?;
                    }
                }
            }
        }
        Done::tag("TRUNCATE TABLE")
    }

    /// Checks and locks a table that is to be emptied.
    fn open_truncated(&mut self, relation: &Relation, tables: &mut Vec<Oid>) -> Result<()> {
        self.check_not_system(relation)?;
        if relation.kind != RelationKind::Table {
            return Err(sql_err!(WRONG_OBJECT_TYPE, "\"{}\" is not a table", relation.name));
        }
        self.check_any_privilege(relation, acl::TRUNCATE)?;
        self.lock_relation(relation.oid, LockMode::AccessExclusive)?;
        if !tables.contains(&relation.oid) {
            tables.push(relation.oid);
        }
        Ok(())
    }

    /// CASCADE: the tables that refer to them go with them.
    fn add_referencing(&mut self, tables: &mut Vec<Oid>) -> Result<()> {
        let mut at = 0;
        while at < tables.len() {
            let table = self.object(tables[at])?.relation.clone();
            let mut children: Vec<Oid> = table.referenced_by.iter().map(|r| r.table).collect();
            children.sort_unstable();
            for child in children {
                if tables.contains(&child) {
                    continue;
                }
                let relation = self.object(child)?.relation.clone();
                let text = format!("truncate cascades to table \"{}\"", relation.name);
                self.host.skipping(text);
                self.open_truncated(&relation, tables)?;
            }
            at += 1;
        }
        Ok(())
    }

    /// Refuses to empty a table that others refer to.
    ///
    /// # Errors
    /// 0A000.
    fn check_referencing(&self, tables: &[Oid]) -> Result<()> {
        for &oid in tables {
            let table = self.object(oid)?.relation.clone();
            let mut children: Vec<Oid> = table.referenced_by.iter().map(|r| r.table).collect();
            children.sort_unstable();
            if let Some(&child) = children.iter().find(|c| !tables.contains(c)) {
                let child = self.object(child)?.relation.name.clone();
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "cannot truncate a table referenced in a foreign key constraint"
                )
                .detail(format!("Table \"{child}\" references \"{}\".", table.name))
                .hint(format!("Truncate table \"{child}\" at the same time, or use TRUNCATE ... CASCADE.")));
            }
        }
        Ok(())
    }

    /// Gives a table new, empty trees.
    pub(crate) fn truncate_relation(&mut self, oid: Oid) -> Result<()> {
        let object = self.object(oid)?;
        let mut relation = (*object.relation).clone();
        let old = relation.tree;
        relation.tree = self.txn().create_tree().map_err(store_error)?.0;
        self.txn().drop_tree(TreeId(old)).map_err(store_error)?;
        let mut indexes = Vec::with_capacity(relation.indexes.len());
        for index in &relation.indexes {
            let tree = self.txn().create_tree().map_err(store_error)?.0;
            self.txn().drop_tree(TreeId(index.tree)).map_err(store_error)?;
            indexes.push(Arc::new(Index { tree, ..(**index).clone() }));
        }
        relation.indexes = indexes;
        self.replace_relation(&object, relation)?;
        Ok(())
    }
}
