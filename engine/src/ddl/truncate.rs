//! TRUNCATE: the table's trees are replaced by empty ones, in the transaction.

use nq_qsql::catalog::{Index, RelationKind};
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
        for table in &truncate.tables {
            let relation = self.need_relation(&table.name)?;
            self.check_not_system(&relation)?;
            if relation.kind != RelationKind::Table {
                return Err(sql_err!(WRONG_OBJECT_TYPE, "\"{}\" is not a table", relation.name));
            }
            self.check_any_privilege(&relation, acl::TRUNCATE)?;
            self.lock_relation(relation.oid, LockMode::AccessExclusive)?;
            self.truncate_relation(relation.oid)?;
            if truncate.restart_identity {
                let view = self.view().clone();
                for sequence in view.catalog.owned_sequences(relation.oid, None) {
                    if let Some(options) = &sequence.sequence {
                        let (oid, name) = (sequence.relation.oid, sequence.relation.name.clone());
                        self.db.sequences.set(oid, &name, options, options.start, false)?;
                    }
                }
            }
        }
        Done::tag("TRUNCATE TABLE")
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
