//! Copying a database: its catalog, the trees of its relations, the states of its sequences.

use std::ops::ControlFlow;
use std::sync::Arc;

use nq_qsql::catalog::{Index, Relation};
use nq_qsql::error::Result;
use nq_storage::{Direction, KeyRange, StoreError, TreeId, Txn, TxnOptions};

use crate::catalog::object::{Object, ObjectKey, RelationObject};
use crate::catalog::state;
use crate::error::store_error;
use crate::session::Session;

impl Session {
    /// Makes a copy of a database's catalog and of everything in it; returns the new catalog's tree.
    pub(super) fn copy_database(&mut self, from: TreeId) -> Result<TreeId> {
        let reader = self.reader();
        let to = self.txn().create_tree().map_err(store_error)?;
        let mut records = Vec::new();
        for (key, value) in read_tree(&reader, from)? {
            let object = match key.first() {
                Some(b'o') => {
                    let key = ObjectKey::from_bytes(&key)?;
                    Some(Object::decode(key.class, &value)?)
                }
                _ => None,
            };
            let value = match object {
                Some(Object::Relation(object)) if !state::is_temporary(&object.relation) => {
                    Object::Relation(Arc::new(self.copy_relation(&object, &reader)?)).encode()?
                }
                _ => value,
            };
            records.push((key, value));
        }
        for (key, value) in records {
            self.txn().put(to, &key, &value).map_err(store_error)?;
        }
        Ok(to)
    }

    /// The objects of a database's catalog.
    pub(super) fn read_catalog(&mut self, tree: TreeId) -> Result<Vec<(ObjectKey, Object)>> {
        let reader = self.reader();
        let mut objects = Vec::new();
        for (key, value) in read_tree(&reader, tree)? {
            if key.first() == Some(&b'o') {
                let key = ObjectKey::from_bytes(&key)?;
                objects.push((key, Object::decode(key.class, &value)?));
            }
        }
        Ok(objects)
    }

    /// A transaction that sees what is committed now.
    fn reader(&self) -> Txn {
        self.db.store.begin(TxnOptions { read_only: true, ..TxnOptions::default() })
    }

    fn copy_relation(&mut self, object: &RelationObject, reader: &Txn) -> Result<RelationObject> {
        let mut relation: Relation = (*object.relation).clone();
        if let Some(options) = &object.sequence {
            let now = self.db.sequences.state(relation.tree)?;
            relation.tree = self.db.next_oid()?;
            self.db.sequences.create(relation.tree, now.last)?;
            if now.called {
                self.db.sequences.set(relation.tree, &relation.name, options, now.last, true)?;
            }
        } else if relation.tree != 0 {
            relation.tree = self.copy_tree(reader, TreeId(relation.tree))?.0;
            let mut indexes = Vec::with_capacity(relation.indexes.len());
            for index in &relation.indexes {
                let tree = self.copy_tree(reader, TreeId(index.tree))?.0;
                indexes.push(Arc::new(Index { tree, ..(**index).clone() }));
            }
            relation.indexes = indexes;
        }
        Ok(RelationObject { relation: Arc::new(relation), ..object.clone() })
    }

    fn copy_tree(&mut self, reader: &Txn, from: TreeId) -> Result<TreeId> {
        let to = self.txn().create_tree().map_err(store_error)?;
        let mut cursor = reader.cursor(from, KeyRange::all(), Direction::Forward).map_err(store_error)?;
        self.txn()
            .build_tree(to, &mut |push| {
                let mut records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
                loop {
                    records.clear();
                    let more = cursor.next_batch(reader, usize::MAX, &mut |key: &[u8], value: &[u8]| {
                        records.push((key.to_vec(), value.to_vec()));
                        ControlFlow::Continue(())
                    })?;
                    for (key, value) in &records {
                        push(key, value)?;
                    }
                    if !more {
                        return Ok::<(), StoreError>(());
                    }
                }
            })
            .map_err(store_error)?;
        Ok(to)
    }
}

/// All records of a catalog tree.
fn read_tree(reader: &Txn, tree: TreeId) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut cursor = reader.cursor(tree, KeyRange::all(), Direction::Forward).map_err(store_error)?;
    let mut records = Vec::new();
    loop {
        let more = cursor
            .next_batch(reader, usize::MAX, &mut |key: &[u8], value: &[u8]| {
                records.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })
            .map_err(store_error)?;
        if !more {
            return Ok(records);
        }
    }
}
