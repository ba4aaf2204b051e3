//! How statements change the catalog: objects into the tree and into the transaction's overlay, names kept unique, locks taken.

use std::sync::Arc;

use nq_qsql::catalog::{Catalog, Relation, RelationKind};
use nq_qsql::error::Result;
use nq_qsql::parse::ast::{Ident, ObjectName, RoleKind, RoleSpec};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::{LockClass, LockMode};
use nq_storage::{InsertOutcome, Txn, WaitPolicy};

use super::Session;
use crate::catalog::lookup::CatalogView;
use crate::catalog::object::{Class, Namespace, Object, ObjectKey, RelationObject, name_key};
use crate::catalog::overlay::Overlay;
use crate::catalog::{PG_CATALOG, acl, class};
use crate::error::store_error;

impl Session {
    /// The catalog as the present statement sees it.
    pub(crate) fn view(&self) -> &Arc<CatalogView> {
        self.host.current_view()
    }

    /// The store's transaction of the present statement.
    pub(crate) fn txn(&mut self) -> &mut Txn {
        self.ensure_transaction()
    }

    fn overlay(&mut self) -> &mut Overlay {
        let (home, db) = (&self.home, &self.db);
        self.transaction.overlay.get_or_insert_with(|| Overlay::new(home.state(), db.cluster()))
    }

    /// Stores an object, new or changed.
    pub(crate) fn put_object(&mut self, key: ObjectKey, object: Object) -> Result<()> {
        let tree = self.db.object_tree(&self.home, key.class);
        let bytes = object.encode()?;
        self.txn().put(tree, &key.to_bytes(), &bytes).map_err(store_error)?;
        let version = self.db.next_version();
        self.overlay().apply(key, Some(object), version);
        self.ready_view();
        Ok(())
    }

    /// Removes an object.
    pub(crate) fn remove_object(&mut self, key: ObjectKey) -> Result<()> {
        let tree = self.db.object_tree(&self.home, key.class);
        self.txn().delete(tree, &key.to_bytes()).map_err(store_error)?;
        let version = self.db.next_version();
        self.overlay().apply(key, None, version);
        self.ready_view();
        Ok(())
    }

    /// Takes a name; `false` when it is in use, also by a transaction that has just committed.
    pub(crate) fn claim_name(&mut self, class: Class, namespace: Oid, name: &str, oid: Oid) -> Result<bool> {
        let tree = self.db.object_tree(&self.home, class);
        let key = name_key(class, namespace, name);
        let outcome = self.txn().insert(tree, &key, &oid.to_le_bytes()).map_err(store_error)?;
        Ok(matches!(outcome, InsertOutcome::Inserted))
    }

    /// Gives a name back.
    pub(crate) fn release_name(&mut self, class: Class, namespace: Oid, name: &str) -> Result<()> {
        let tree = self.db.object_tree(&self.home, class);
        self.txn().delete(tree, &name_key(class, namespace, name)).map_err(store_error)?;
        Ok(())
    }

    /// Stores a relation.
    pub(crate) fn put_relation(&mut self, mut object: RelationObject) -> Result<Arc<RelationObject>> {
        if object.acl.is_none() && self.view().catalog.object(object.relation.oid).is_none() {
            self.apply_default_acl(&mut object);
        }
        let object = Arc::new(object);
        self.put_object(
            ObjectKey::new(Class::Relation, object.relation.oid),
            Object::Relation(object.clone()),
        )?;
        Ok(object)
    }

    /// Stores a relation with another descriptor.
    pub(crate) fn replace_relation(
        &mut self,
        object: &RelationObject,
        relation: Relation,
    ) -> Result<Arc<RelationObject>> {
        self.put_relation(object.with_relation(relation))
    }

    /// A relation's object as it is now.
    pub(crate) fn object(&self, oid: Oid) -> Result<Arc<RelationObject>> {
        match self.view().catalog.object(oid) {
            Some(object) => Ok(object.clone()),
            None => bail!(UNDEFINED_TABLE, "relation with OID {oid} does not exist"),
        }
    }

    /// Locks a relation, and makes sure that what the statement sees of it afterwards is the present state.
    pub(crate) fn lock_relation(&mut self, oid: Oid, mode: LockMode) -> Result<()> {
        self.lock_relation_waiting(oid, mode, WaitPolicy::Wait).map(|_| ())
    }

    /// As [`Session::lock_relation`], with a policy for waiting.
    pub(crate) fn lock_relation_waiting(
        &mut self,
        oid: Oid,
        mode: LockMode,
        wait: WaitPolicy,
    ) -> Result<bool> {
        let locked =
            self.txn().lock_object(LockClass::Relation, u64::from(oid), mode, wait).map_err(store_error)?;
        self.db.settle();
        self.ready_view();
        Ok(locked)
    }

    /// Finds a relation by a parsed name; `None` when there is none.
    pub(crate) fn find_relation(&self, name: &ObjectName) -> Result<Option<Arc<Relation>>> {
        let view = self.view();
        if let Some(catalog) = name.catalog()
            && **catalog != *view.database
        {
            bail!(FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: \"{name}\"");
        }
        let schema = name.schema().map(|s| &**s);
        if let Some(schema) = schema
            && !view.may_use_namespace(schema)
        {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {schema}");
        }
        Ok(view.relation(schema, name.object()))
    }

    /// Finds a relation by a parsed name.
    ///
    /// # Errors
    /// 42P01 `relation "x" does not exist`.
    pub(crate) fn need_relation(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        self.find_relation(name)?.ok_or_else(|| undefined_relation(name))
    }

    /// Finds and locks a relation; looks again if it was replaced while waiting for the lock.
    pub(crate) fn open_relation(&mut self, name: &ObjectName, mode: LockMode) -> Result<Arc<Relation>> {
        loop {
            let found = self.need_relation(name)?;
            self.lock_relation(found.oid, mode)?;
            match self.find_relation(name)? {
                Some(now) if now.oid == found.oid => return Ok(now),
                Some(_) => continue,
                None => return Err(undefined_relation(name)),
            }
        }
    }

    /// Finds and locks a table that may be changed: not a system one, of a kind that `kinds` has.
    pub(crate) fn open_for_ddl(
        &mut self,
        name: &ObjectName,
        mode: LockMode,
        kinds: &[RelationKind],
        wanted: &str,
    ) -> Result<Arc<RelationObject>> {
        let relation = self.open_relation(name, mode)?;
        self.check_definable(&relation)?;
        if relation.kind == RelationKind::Index {
            let (table, _) =
                self.view().catalog.index(relation.oid).ok_or_else(|| undefined_relation(name))?;
            let table = table.clone();
            if !kinds.contains(&RelationKind::Index) {
                bail!(WRONG_OBJECT_TYPE, "\"{}\" is not {wanted}", relation.name);
            }
            self.check_owner(&table.relation)?;
            return Ok(table);
        }
        if !kinds.contains(&relation.kind) {
            bail!(WRONG_OBJECT_TYPE, "\"{}\" is not {wanted}", relation.name);
        }
        self.check_owner(&relation)?;
        self.object(relation.oid)
    }

    /// Refuses to change the definition of system relations.
    pub(crate) fn check_definable(&self, relation: &Relation) -> Result<()> {
        if crate::catalog::system::is_system(relation) {
            self.check_owner(relation)?;
        }
        self.check_not_system(relation)
    }

    /// Refuses to change system relations.
    pub(crate) fn check_not_system(&self, relation: &Relation) -> Result<()> {
        match crate::catalog::system::is_system(relation) {
            true => Err(sql_err!(
                INSUFFICIENT_PRIVILEGE,
                "permission denied: \"{}\" is a system catalog",
                relation.name
            )),
            false => Ok(()),
        }
    }

    /// The schema a new object goes into, with its name; `temporary` objects go into the session's own.
    pub(crate) fn creation_schema(&mut self, name: &ObjectName, temporary: bool) -> Result<Arc<Namespace>> {
        if let Some(catalog) = name.catalog()
            && **catalog != *self.view().database
        {
            bail!(FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: \"{name}\"");
        }
        let wants_temp = name.schema().is_some_and(|s| &**s == "pg_temp");
        if temporary || wants_temp {
            if let Some(schema) = name.schema() {
                let is_temp = &**schema == "pg_temp"
                    || self.view().namespace(schema).is_some_and(|n| n == self.host.temp_namespace && n != 0);
                if !is_temp {
                    bail!(
                        INVALID_TABLE_DEFINITION,
                        "cannot create temporary relation in non-temporary schema"
                    );
                }
            }
            let namespace = self.temporary_schema()?;
            self.check_schema_privilege(&namespace, acl::CREATE)?;
            return Ok(namespace);
        }
        let oid = match name.schema() {
            Some(schema) => self.need_namespace(schema)?,
            None => self.view().creation_namespace().ok_or_else(|| {
                sql_err!(INVALID_SCHEMA_NAME, "no schema has been selected to create in").at(name.pos())
            })?,
        };
        let namespace = self
            .view()
            .catalog
            .namespace(oid)
            .cloned()
            .ok_or_else(|| sql_err!(INVALID_SCHEMA_NAME, "schema with OID {oid} does not exist"))?;
        if oid == PG_CATALOG || oid == crate::catalog::INFORMATION_SCHEMA {
            return Err(sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied to create \"{name}\"")
                .detail("System catalog modifications are currently disallowed."));
        }
        self.check_schema_privilege(&namespace, acl::CREATE)?;
        Ok(namespace)
    }

    /// Finds a schema.
    ///
    /// # Errors
    /// 3F000 `schema "x" does not exist`.
    pub(crate) fn need_namespace(&self, name: &Ident) -> Result<Oid> {
        self.view().namespace(name).ok_or_else(|| {
            sql_err!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", &**name).at(name.pos)
        })
    }

    /// The session's temporary schema, made at the first use.
    fn temporary_schema(&mut self) -> Result<Arc<Namespace>> {
        let existing = self.view().catalog.namespace(self.host.temp_namespace).cloned();
        if let Some(namespace) = existing.filter(|_| self.host.temp_namespace != 0) {
            return Ok(namespace);
        }
        if self.database_privileges() & acl::TEMPORARY == 0 {
            let database = &self.view().database;
            bail!(
                INSUFFICIENT_PRIVILEGE,
                "permission denied to create temporary tables in database \"{database}\""
            );
        }
        let name: Arc<str> = format!("pg_temp_{}", self.backend.pid).into();
        if let Some(oid) = self.view().catalog.namespace_oid(&name) {
            // Left by a transaction of this session that made it and was rolled back no further than its savepoint.
            self.host.temp_namespace = oid;
            self.ready_view();
        } else {
            let oid = self.db.next_oid()?;
            let owner = crate::catalog::BOOTSTRAP_SUPERUSER;
            let namespace = Namespace { oid, name: name.clone(), owner, acl: None };
            self.claim_name(Class::Namespace, 0, &name, oid)?;
            self.host.temp_namespace = oid;
            self.put_object(ObjectKey::new(Class::Namespace, oid), Object::Namespace(Arc::new(namespace)))?;
        }
        match self.view().catalog.namespace(self.host.temp_namespace) {
            Some(namespace) => Ok(namespace.clone()),
            None => bail!(INTERNAL_ERROR, "the temporary schema was not made"),
        }
    }

    /// Finds a role by a parsed specification.
    ///
    /// # Errors
    /// 42704 `role "x" does not exist`.
    pub(crate) fn need_role(&self, spec: &RoleSpec) -> Result<Oid> {
        match &spec.kind {
            RoleKind::Name(name) => match self.view().role(name) {
                Some(oid) => Ok(oid),
                None => bail!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"),
            },
            RoleKind::CurrentRole | RoleKind::CurrentUser => Ok(self.host.current_user.oid),
            RoleKind::SessionUser => Ok(self.host.session_user.oid),
            RoleKind::Public => bail!(UNDEFINED_OBJECT, "role \"public\" does not exist"),
        }
    }

    /// Removes a relation's comments, its columns' too.
    pub(crate) fn remove_comments(&mut self, catalog: Oid, oid: Oid) -> Result<()> {
        let subs: Vec<i32> = self
            .view()
            .catalog
            .comments()
            .filter(|(key, _)| key.0 == catalog && key.1 == oid)
            .map(|(key, _)| key.2)
            .collect();
        for sub in subs {
            self.remove_object(ObjectKey::comment(Class::Comment, catalog, oid, sub))?;
        }
        Ok(())
    }

    /// Drops what the session has put into its temporary schema, and commits: the end of a session.
    pub(crate) fn drop_temporary_objects(&mut self) -> Result<()> {
        if self.host.temp_namespace == 0 {
            return Ok(());
        }
        self.drop_temporary_in_transaction()?;
        self.host.temp_namespace = 0;
        self.commit_transaction()
    }

    /// Drops the relations of the session's temporary schema, and the schema.
    pub(crate) fn drop_temporary_in_transaction(&mut self) -> Result<()> {
        if self.host.temp_namespace == 0 {
            return Ok(());
        }
        self.ready_view();
        let namespace = self.host.temp_namespace;
        let objects: Vec<Oid> = self
            .view()
            .catalog
            .relations()
            .into_iter()
            .filter(|r| r.relation.namespace == namespace)
            .map(|r| r.relation.oid)
            .collect();
        for oid in objects {
            if self.view().catalog.object(oid).is_some() {
                self.drop_relation_cascade(oid)?;
            }
        }
        let name = self.view().catalog.namespace(namespace).map(|n| n.name.clone());
        if let Some(name) = name {
            self.release_name(Class::Namespace, 0, &name)?;
            self.remove_object(ObjectKey::new(Class::Namespace, namespace))?;
        }
        Ok(())
    }

    /// ON COMMIT of temporary tables.
    pub(crate) fn apply_on_commit(&mut self) -> Result<()> {
        use crate::catalog::object::OnCommit;
        if self.host.temp_namespace == 0 {
            return Ok(());
        }
        self.ready_view();
        let temporary: Vec<Arc<RelationObject>> = self
            .view()
            .catalog
            .relations()
            .into_iter()
            .filter(|r| r.relation.namespace == self.host.temp_namespace && r.on_commit != OnCommit::Preserve)
            .cloned()
            .collect();
        let emptied: Vec<Oid> = temporary
            .iter()
            .filter(|t| t.on_commit == OnCommit::DeleteRows)
            .map(|t| t.relation.oid)
            .collect();
        for table in temporary.iter().filter(|t| emptied.contains(&t.relation.oid)) {
            let kept = table.relation.referenced_by.iter().find(|r| !emptied.contains(&r.table));
            if let Some(reference) = kept
                && let Some(child) = self.view().catalog.object(reference.table)
            {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "unsupported ON COMMIT and foreign key combination"
                )
                .detail(format!(
                    "Table \"{}\" references \"{}\", but they do not have the same ON COMMIT setting.",
                    child.relation.name, table.relation.name
                )));
            }
        }
        for object in temporary {
            match object.on_commit {
                OnCommit::DeleteRows if self.tree_has_rows(&object.relation)? => {
                    self.truncate_relation(object.relation.oid)?;
                }
                OnCommit::Drop => self.drop_relation_cascade(object.relation.oid)?,
                OnCommit::DeleteRows | OnCommit::Preserve => {}
            }
        }
        Ok(())
    }

    fn tree_has_rows(&self, relation: &Relation) -> Result<bool> {
        let stats = self.db.store.tree_stats(nq_storage::TreeId(relation.tree)).map_err(store_error)?;
        Ok(stats.records > 0)
    }

    /// The comment key of a relation.
    pub(crate) fn relation_comment(oid: Oid, sub: i32) -> ObjectKey {
        ObjectKey::comment(Class::Comment, class::CLASS, oid, sub)
    }
}

/// 42P01 for a name that is not there.
pub(crate) fn undefined_relation(name: &ObjectName) -> nq_qsql::error::SqlError {
    sql_err!(UNDEFINED_TABLE, "relation \"{name}\" does not exist")
}
