//! DROP TABLE, VIEW, INDEX, SEQUENCE, with RESTRICT and CASCADE.

use nq_qsql::catalog::{Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Drop, ObjectId, ObjectKind, ObjectName};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};
use nq_storage::TreeId;
use nq_storage::txn::lock::LockMode;

use crate::catalog::class;
use crate::catalog::object::{Class, ObjectKey};
use crate::error::store_error;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// DROP of one or more objects of a kind.
    pub(crate) fn drop_objects(&mut self, drop: &Drop) -> Result<Done> {
        let (kind, word) = match drop.kind {
            ObjectKind::Table => (RelationKind::Table, "table"),
            ObjectKind::View => (RelationKind::View, "view"),
            ObjectKind::Sequence => (RelationKind::Sequence, "sequence"),
            ObjectKind::Index => (RelationKind::Index, "index"),
            other => return Err(SqlError::unsupported(format_args!("DROP {other:?}"))),
        };
        if drop.concurrently {
            if drop.objects.len() > 1 {
                bail!(
                    FEATURE_NOT_SUPPORTED,
                    "DROP INDEX CONCURRENTLY does not support dropping multiple objects"
                );
            }
            self.check_outside_block("DROP INDEX CONCURRENTLY")?;
        }
        for object in &drop.objects {
            let ObjectId::Name(name) = &object.id else {
                return Err(SqlError::unsupported("DROP of an object that is not named"));
            };
            if kind == RelationKind::Index {
                self.drop_index_named(name, drop.if_exists)?;
                continue;
            }
            let Some(relation) = self.find_relation(name)? else {
                if drop.if_exists {
                    self.host.skipping(format!("{word} \"{}\" does not exist, skipping", name.object().name));
                    continue;
                }
                bail!(UNDEFINED_TABLE, "{word} \"{name}\" does not exist");
            };
            if relation.kind != kind {
                return Err(wrong_kind(&relation, word));
            }
            self.check_not_system(&relation)?;
            self.lock_relation(relation.oid, LockMode::AccessExclusive)?;
            self.check_dependents(&relation, word, drop.cascade)?;
            self.drop_relation_cascade(relation.oid)?;
        }
        Done::tag(&format!("DROP {}", word.to_uppercase()))
    }

    /// Fails when something depends on the relation and CASCADE was not said.
    fn check_dependents(&mut self, relation: &Relation, word: &str, cascade: bool) -> Result<()> {
        let view = self.view().clone();
        let lines: Vec<String> = view
            .catalog
            .dependents(relation.oid)
            .iter()
            .filter(|d| d.relation.oid != relation.oid)
            .map(|d| {
                let kind = if d.relation.kind == RelationKind::View { "view" } else { "table" };
                (kind, d.relation.name.clone())
            })
            .map(|(kind, name)| format!("{kind} {name}"))
            .collect();
        match (lines.as_slice(), cascade) {
            ([], _) => Ok(()),
            ([one], true) => {
                self.host.notice(SqlError::new(
                    nq_qsql::error::SqlState(*b"00000"),
                    format!("drop cascades to {one}"),
                ));
                Ok(())
            }
            (many, true) => {
                let detail: Vec<String> = many.iter().map(|l| format!("drop cascades to {l}")).collect();
                let text = format!("drop cascades to {} other objects", many.len());
                let notice =
                    SqlError::new(nq_qsql::error::SqlState(*b"00000"), text).detail(detail.join("\n"));
                self.host.notice(notice);
                Ok(())
            }
            (many, false) => {
                let detail: Vec<String> =
                    many.iter().map(|l| format!("{l} depends on {word} {}", relation.name)).collect();
                Err(sql_err!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop {word} {} because other objects depend on it",
                    relation.name
                )
                .detail(detail.join("\n"))
                .hint("Use DROP ... CASCADE to drop the dependent objects too."))
            }
        }
    }

    /// Drops a relation with its indexes, owned sequences and all that depends on it.
    pub(crate) fn drop_relation_cascade(&mut self, oid: Oid) -> Result<()> {
        let view = self.view().clone();
        let dependents: Vec<Oid> =
            view.catalog.dependents(oid).iter().map(|d| d.relation.oid).filter(|d| *d != oid).collect();
        let sequences: Vec<Oid> =
            view.catalog.owned_sequences(oid, None).iter().map(|s| s.relation.oid).collect();
        for dependent in dependents {
            let is_view =
                self.view().catalog.object(dependent).is_some_and(|o| o.relation.kind == RelationKind::View);
            if is_view {
                self.drop_relation_cascade(dependent)?;
            }
        }
        let object = self.object(oid)?;
        let relation = object.relation.clone();
        for index in &relation.indexes {
            self.txn().drop_tree(TreeId(index.tree)).map_err(store_error)?;
            self.release_name(Class::Relation, relation.namespace, &index.name)?;
        }
        match relation.kind {
            RelationKind::Sequence => {
                self.transaction
                    .after_commit
                    .push(crate::session::transaction::AfterCommit::RemoveSequence(oid));
            }
            _ if relation.tree != 0 => self.txn().drop_tree(TreeId(relation.tree)).map_err(store_error)?,
            _ => {}
        }
        self.release_name(Class::Relation, relation.namespace, &relation.name)?;
        self.remove_comments(class::CLASS, oid)?;
        self.remove_object(ObjectKey::new(Class::Relation, oid))?;
        for sequence in sequences {
            if self.view().catalog.object(sequence).is_some() {
                self.drop_relation_cascade(sequence)?;
            }
        }
        Ok(())
    }

    fn drop_index_named(&mut self, name: &ObjectName, if_exists: bool) -> Result<()> {
        let view = self.view().clone();
        let oid = view.relation_oid(name.schema().map(|s| &*s.name), &name.object().name);
        let found =
            oid.and_then(|oid| view.catalog.index(oid).map(|(table, index)| (table.clone(), index.clone())));
        let Some((table, index)) = found else {
            if if_exists {
                self.host.skipping(format!("index \"{}\" does not exist, skipping", name.object().name));
                return Ok(());
            }
            match self.find_relation(name)? {
                Some(relation) => return Err(wrong_kind(&relation, "index")),
                None => return Err(undefined_index(name)),
            }
        };
        if index.constraint != 0 {
            let constraint = table.relation.constraints.iter().find(|c| c.oid == index.constraint);
            let constraint = constraint.map_or("", |c| &c.name);
            return Err(sql_err!(
                DEPENDENT_OBJECTS_STILL_EXIST,
                "cannot drop index {} because constraint {constraint} on table {} requires it",
                index.name,
                table.relation.name
            )
            .hint(format!(
                "You can drop constraint {constraint} on table {} instead.",
                table.relation.name
            )));
        }
        self.lock_relation(table.relation.oid, LockMode::AccessExclusive)?;
        let object = self.object(table.relation.oid)?;
        let mut relation = (*object.relation).clone();
        relation.indexes.retain(|i| i.oid != index.oid);
        self.txn().drop_tree(TreeId(index.tree)).map_err(store_error)?;
        self.release_name(Class::Relation, relation.namespace, &index.name)?;
        self.replace_relation(&object, relation)?;
        Ok(())
    }
}

/// 42704 `index "x" does not exist`.
pub(crate) fn undefined_index(name: &ObjectName) -> SqlError {
    sql_err!(UNDEFINED_OBJECT, "index \"{name}\" does not exist")
}

fn wrong_kind(relation: &Relation, word: &str) -> SqlError {
    let article = if word.starts_with('i') { "an" } else { "a" };
    let hint = match relation.kind {
        RelationKind::View => "Use DROP VIEW to remove a view.",
        RelationKind::Sequence => "Use DROP SEQUENCE to remove a sequence.",
        _ => "Use DROP TABLE to remove a table.",
    };
    sql_err!(WRONG_OBJECT_TYPE, "\"{}\" is not {article} {word}", relation.name).hint(hint)
}
