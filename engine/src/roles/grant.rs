//! GRANT and REVOKE on tables, columns, sequences, schemas and databases.
//!
//! Who is neither owner nor superuser grants as the role, among those it has the privileges of, that holds the most of the needed grant
//! options. Taking back a privilege with its grant option takes back what was granted by it (CASCADE), or is refused (RESTRICT).
//!
//! Source: PostgreSQL manual, section 5.8 and the reference pages of GRANT and REVOKE.

use std::sync::Arc;

use nq_qsql::bail;
use nq_qsql::catalog::{Relation, RelationKind};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::parse::ast::{Ast, Grant, GrantTarget, Ident, ObjectKind, ObjectName, Privilege, RoleKind};
use nq_qsql::sql_err;
use nq_qsql::types::Oid;
use nq_storage::WaitPolicy;
use nq_storage::txn::lock::{LockClass, LockMode};

use crate::catalog::acl::{self, Acl, AclItem, AclKind, Privileges};
use crate::catalog::object::{
    Class, DatabaseObject, Namespace, Object, ObjectKey, RelationObject, RoutineObject, TypeObject,
};
use crate::ddl::routine::Found;
use crate::error::store_error;
use crate::session::Session;
use crate::session::utility::Done;

/// Who gives what to whom, and how.
pub(super) struct Order<'a> {
    pub(super) is_grant: bool,
    /// WITH GRANT OPTION, GRANT OPTION FOR.
    pub(super) option: bool,
    pub(super) cascade: bool,
    pub(super) grantees: &'a [Oid],
    /// ALL was said: what cannot be granted is left out without a word.
    pub(super) all: bool,
}

impl Session {
    /// GRANT and REVOKE of privileges.
    pub(crate) fn grant(&mut self, ast: &Ast, grant: &Grant) -> Result<Done> {
        let grantees = self.grantees(grant)?;
        if let Some(spec) = &grant.granted_by
            && self.need_role(spec)? != self.host.current_user.oid
        {
            bail!(FEATURE_NOT_SUPPORTED, "grantor must be current user");
        }
        let order = Order {
            is_grant: grant.is_grant,
            option: grant.grant_option,
            cascade: grant.cascade,
            grantees: &grantees,
            all: grant.privileges.is_empty(),
        };
        match &grant.target {
            GrantTarget::Objects { kind: ObjectKind::Table, names } => {
                for name in names {
                    let relation = self.need_relation(name)?;
                    self.grant_on_relation(&relation, AclKind::Table, grant, &order)?;
                }
            }
            GrantTarget::Objects { kind: ObjectKind::Sequence, names } => {
                for name in names {
                    let relation = self.need_relation(name)?;
                    if relation.kind != RelationKind::Sequence {
                        bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", relation.name);
                    }
                    self.grant_on_relation(&relation, AclKind::Sequence, grant, &order)?;
                }
            }
            GrantTarget::AllInSchema { kind, schemas } => {
                self.grant_on_all(*kind, schemas, grant, &order)?;
            }
            GrantTarget::Objects { kind: ObjectKind::Schema, names } => {
                let set = whole_privileges(grant, AclKind::Schema)?;
                for name in names {
                    self.grant_on_schema(name, set, &order)?;
                }
            }
            GrantTarget::Objects { kind: ObjectKind::Database, names } => {
                let set = whole_privileges(grant, AclKind::Database)?;
                for name in names {
                    self.grant_on_database(name, set, &order)?;
                }
            }
            GrantTarget::Functions { kind, functions } => {
                let set = whole_privileges(grant, AclKind::Function)?;
                for of in functions {
                    match self.need_routine(ast, *kind, of)? {
                        Found::User(object) => self.grant_on_routine(object.routine.oid, set, &order)?,
                        Found::Builtin(_) => {
                            return Err(SqlError::unsupported("privileges on built-in functions"));
                        }
                    }
                }
            }
            GrantTarget::Objects { kind: kind @ (ObjectKind::Type | ObjectKind::Domain), names } => {
                let set = whole_privileges(grant, AclKind::Type)?;
                for name in names {
                    self.grant_on_type(*kind, name, set, &order)?;
                }
            }
            GrantTarget::Objects { kind, .. } => {
                let verb = if grant.is_grant { "GRANT" } else { "REVOKE" };
                return Err(SqlError::unsupported(format_args!("{verb} ON {}", kind.words().to_uppercase())));
            }
            GrantTarget::LargeObjects(_) => {
                return Err(SqlError::unsupported("privileges on large objects"));
            }
            GrantTarget::Parameters(_) => return Err(SqlError::unsupported("privileges on parameters")),
            GrantTarget::Defaults(_) => {
                return Err(SqlError::internal("default privileges are not granted here"));
            }
        }
        Done::tag(if grant.is_grant { "GRANT" } else { "REVOKE" })
    }

    /// The grantees; 0 stands for PUBLIC.
    pub(super) fn grantees(&self, grant: &Grant) -> Result<Vec<Oid>> {
        let mut found = Vec::with_capacity(grant.grantees.len());
        for spec in &grant.grantees {
            found.push(match spec.kind {
                RoleKind::Public if grant.is_grant && grant.grant_option => {
                    bail!(INVALID_GRANT_OPERATION, "grant options can only be granted to roles")
                }
                RoleKind::Public => acl::PUBLIC,
                _ => self.need_role(spec)?,
            });
        }
        Ok(found)
    }

    fn grant_on_all(
        &mut self,
        kind: ObjectKind,
        schemas: &[Ident],
        grant: &Grant,
        order: &Order<'_>,
    ) -> Result<()> {
        if let ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine = kind {
            return self.grant_on_all_routines(kind, schemas, grant, order);
        }
        let (acl_kind, kinds): (_, &[RelationKind]) = match kind {
            ObjectKind::Table => {
                (AclKind::Table, &[RelationKind::Table, RelationKind::View, RelationKind::MaterializedView])
            }
            ObjectKind::Sequence => (AclKind::Sequence, &[RelationKind::Sequence]),
            other => {
                return Err(SqlError::unsupported(format_args!(
                    "GRANT ON ALL {}S IN SCHEMA",
                    other.words().to_uppercase()
                )));
            }
        };
        for schema in schemas {
            let namespace = self.need_namespace(schema)?;
            let relations: Vec<Arc<Relation>> = self
                .view()
                .catalog
                .relations()
                .into_iter()
                .filter(|r| r.relation.namespace == namespace && kinds.contains(&r.relation.kind))
                .map(|r| r.relation.clone())
                .collect();
            for relation in relations {
                self.grant_on_relation(&relation, acl_kind, grant, order)?;
            }
        }
        Ok(())
    }

    fn grant_on_relation(
        &mut self,
        relation: &Relation,
        said: AclKind,
        grant: &Grant,
        order: &Order<'_>,
    ) -> Result<()> {
        match relation.kind {
            RelationKind::Index => bail!(WRONG_OBJECT_TYPE, "\"{}\" is an index", relation.name),
            RelationKind::Composite => bail!(WRONG_OBJECT_TYPE, "\"{}\" is a composite type", relation.name),
            RelationKind::Virtual => return Err(SqlError::unsupported("privileges on system catalogs")),
            _ => {}
        }
        self.lock_relation(relation.oid, LockMode::ShareUpdateExclusive)?;
        let object = self.object(relation.oid)?;
        let relation = object.relation.clone();
        let kind = if relation.kind == RelationKind::Sequence { AclKind::Sequence } else { AclKind::Table };
        let wanted = Wanted::of(grant, said, kind, &relation)?;
        if let Some(left_out) = wanted.unfit {
            self.host.warn(sql_err!(INVALID_GRANT_OPERATION, "{left_out}"));
        }
        let mut changed: RelationObject = (*object).clone();
        let owner = relation.owner;
        if wanted.whole != 0 || wanted.columns.is_empty() {
            let mut list = object.acl.clone().unwrap_or_else(|| acl::default_acl(kind, owner));
            let word = if kind == AclKind::Sequence { "sequence" } else { "table" };
            let what = (word, &*relation.name);
            self.merge(&mut list, kind, owner, wanted.whole, order, what, None)?;
            changed.acl = Some(list);
        }
        let mut columns = wanted.columns;
        if !order.is_grant {
            // With the privilege on the table go those on its columns.
            let set = wanted.whole & AclKind::Column.all();
            let listed = object.column_acl.iter().map(|(c, _)| *c);
            columns.extend(listed.filter(|_| set != 0).map(|column| (column, set)));
        }
        for (column, set) in columns {
            let place = changed.column_acl.iter().position(|(c, _)| *c == column);
            let mut list = place.map_or_else(Vec::new, |at| changed.column_acl[at].1.clone());
            let name = &*relation.columns[column].name;
            let what = ("column", name);
            let table = object.acl.clone().unwrap_or_else(|| acl::default_acl(kind, owner));
            self.merge(&mut list, AclKind::Column, owner, set, order, what, Some((&table, &relation)))?;
            match (place, list.is_empty()) {
                (Some(at), true) => drop(changed.column_acl.remove(at)),
                (Some(at), false) => changed.column_acl[at].1 = list,
                (None, true) => {}
                (None, false) => changed.column_acl.push((column, list)),
            }
        }
        changed.column_acl.sort_unstable_by_key(|(c, _)| *c);
        self.put_relation(changed)?;
        Ok(())
    }

    fn grant_on_all_routines(
        &mut self,
        kind: ObjectKind,
        schemas: &[Ident],
        grant: &Grant,
        order: &Order<'_>,
    ) -> Result<()> {
        let set = whole_privileges(grant, AclKind::Function)?;
        for schema in schemas {
            let namespace = self.need_namespace(schema)?;
            let wanted = |procedure: bool| match kind {
                ObjectKind::Function => !procedure,
                ObjectKind::Procedure => procedure,
                _ => true,
            };
            let routines: Vec<Oid> = self
                .view()
                .catalog
                .routines()
                .into_iter()
                .filter(|r| r.routine.namespace == namespace && wanted(r.routine.procedure))
                .map(|r| r.routine.oid)
                .collect();
            for routine in routines {
                self.grant_on_routine(routine, set, order)?;
            }
        }
        Ok(())
    }

    fn grant_on_routine(&mut self, oid: Oid, set: Privileges, order: &Order<'_>) -> Result<()> {
        let Some(object) = self.lock_routine(oid)? else {
            bail!(UNDEFINED_FUNCTION, "function with OID {oid} does not exist")
        };
        let routine = &object.routine;
        let owner = routine.owner;
        let mut list = object.acl.clone().unwrap_or_else(|| acl::default_acl(AclKind::Function, owner));
        let what = (routine.word(), &*routine.name);
        self.merge(&mut list, AclKind::Function, owner, set, order, what, None)?;
        self.put_routine(RoutineObject { acl: Some(list), ..(*object).clone() })
    }

    fn grant_on_type(
        &mut self,
        kind: ObjectKind,
        name: &ObjectName,
        set: Privileges,
        order: &Order<'_>,
    ) -> Result<()> {
        if nq_qsql::types::info::by_sql_name(name.object()).is_some() {
            return Err(SqlError::unsupported("privileges on built-in types"));
        }
        let ty = self.need_user_type(name)?;
        if kind == ObjectKind::Domain && ty.domain().is_none() {
            bail!(WRONG_OBJECT_TYPE, "\"{name}\" is not a domain");
        }
        if let nq_qsql::types::user::UserKind::Array = ty.kind {
            return Err(sql_err!(INVALID_GRANT_OPERATION, "cannot set privileges of array types")
                .hint("Set the privileges of the element type instead."));
        }
        let ty = self.lock_type(ty.info.oid)?;
        let listed = self.view().catalog.type_acl(&ty).map(<[AclItem]>::to_vec);
        let mut list = listed.unwrap_or_else(|| acl::default_acl(AclKind::Type, ty.owner));
        self.merge(&mut list, AclKind::Type, ty.owner, set, order, ("type", &ty.info.name), None)?;
        if let Some(relation) = ty.relation() {
            let mut changed = (*self.object(relation.oid)?).clone();
            changed.row_type.iter_mut().for_each(|row| row.acl = Some(list.clone()));
            return self.put_relation(changed).map(|_| ());
        }
        let object = self.need_type_object(ty.info.oid)?;
        self.put_type(TypeObject { acl: Some(list), ..(*object).clone() })?;
        Ok(())
    }

    fn grant_on_schema(&mut self, name: &ObjectName, set: Privileges, order: &Order<'_>) -> Result<()> {
        let oid = self.need_namespace(name.object())?;
        self.txn()
            .lock_object(LockClass::Object, u64::from(oid), LockMode::Exclusive, WaitPolicy::Wait)
            .map_err(store_error)?;
        self.db.settle();
        self.ready_view();
        let Some(namespace) = self.view().catalog.namespace(oid).cloned() else {
            bail!(INVALID_SCHEMA_NAME, "schema \"{name}\" does not exist")
        };
        let owner = namespace.owner;
        let mut list = namespace.acl.clone().unwrap_or_else(|| acl::default_acl(AclKind::Schema, owner));
        self.merge(&mut list, AclKind::Schema, owner, set, order, ("schema", &namespace.name), None)?;
        let changed = Namespace { acl: Some(list), ..(*namespace).clone() };
        self.put_object(ObjectKey::new(Class::Namespace, oid), Object::Namespace(Arc::new(changed)))
    }

    fn grant_on_database(&mut self, name: &ObjectName, set: Privileges, order: &Order<'_>) -> Result<()> {
        self.lock_cluster()?;
        let Some(database) = self.view().cluster.database_named(name.object()).cloned() else {
            bail!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist")
        };
        let owner = database.owner;
        let mut list = database.acl.clone().unwrap_or_else(|| acl::default_acl(AclKind::Database, owner));
        self.merge(&mut list, AclKind::Database, owner, set, order, ("database", &database.name), None)?;
        let changed = DatabaseObject { acl: Some(list), ..(*database).clone() };
        self.put_object(ObjectKey::new(Class::Database, database.oid), Object::Database(Arc::new(changed)))
    }

    /// Carries out an order on a list, as far as the user's grant options reach. `what`: the object's kind and name for messages;
    /// `table`: of a column, its table's list.
    #[allow(clippy::too_many_arguments, reason = "an object's list with all that decides about it")]
    fn merge(
        &mut self,
        list: &mut Acl,
        kind: AclKind,
        owner: Oid,
        set: Privileges,
        order: &Order<'_>,
        what: (&str, &str),
        table: Option<(&Acl, &Relation)>,
    ) -> Result<()> {
        let mut all = list.clone();
        all.extend(table.iter().flat_map(|(acl, _)| acl.iter().copied()));
        let (grantor, options) = self.best_grantor(&all, owner, set);
        let object = table.map_or(what.1, |(_, relation)| &relation.name);
        if options == 0 {
            let cluster = self.view().cluster.clone();
            let member = |other| self.host.has_privileges_of(&cluster, grantor, other);
            let any = acl::allowed(&all, &member) | acl::grantable(&all, &member);
            if any & kind.all() == 0 {
                match table {
                    Some(_) => bail!(
                        INSUFFICIENT_PRIVILEGE,
                        "permission denied for column \"{}\" of relation \"{object}\"",
                        what.1
                    ),
                    None => bail!(INSUFFICIENT_PRIVILEGE, "permission denied for {} {object}", what.0),
                }
            }
        }
        let effective = set & options;
        self.warn_about_missing(set, effective, order, what, table.map(|(_, r)| &*r.name));
        merge_into(list, owner, grantor, effective, order)
    }

    fn warn_about_missing(
        &mut self,
        set: Privileges,
        effective: Privileges,
        order: &Order<'_>,
        what: (&str, &str),
        table: Option<&str>,
    ) {
        let (code, done) = match order.is_grant {
            true => (SqlState(*b"01007"), "were granted"),
            false => (SqlState(*b"01006"), "could be revoked"),
        };
        let object = match table {
            Some(table) => format!("column \"{}\" of relation \"{table}\"", what.1),
            None => format!("\"{}\"", what.1),
        };
        if effective == 0 && set != 0 {
            self.host.warn(SqlError::new(code, format!("no privileges {done} for {object}")));
        } else if effective != set && !order.all {
            self.host.warn(SqlError::new(code, format!("not all privileges {done} for {object}")));
        }
    }

    /// The role a grant is made as, with the grant options it has.
    fn best_grantor(&self, list: &[AclItem], owner: Oid, set: Privileges) -> (Oid, Privileges) {
        let user = self.host.current_user.oid;
        let view = self.view();
        if self.host.has_privileges_of(&view.cluster, user, owner) {
            return (owner, set);
        }
        let options = |role: Oid| acl::grantable(list, &|r| r == role) & set;
        let mut best = (user, options(user));
        for role in view.cluster.memberships(user, crate::catalog::state::Via::Inherit) {
            let found = options(role);
            if found.count_ones() > best.1.count_ones() {
                best = (role, found);
            }
        }
        best
    }
}

/// Carries out an order on a list, as `grantor`, with exactly these privileges.
///
/// # Errors
/// 2BP01 `dependent privileges exist`, 0LP01 for a circle of grant options.
pub(super) fn merge_into(
    list: &mut Acl,
    owner: Oid,
    grantor: Oid,
    set: Privileges,
    order: &Order<'_>,
) -> Result<()> {
    if set == 0 {
        return Ok(());
    }
    for &grantee in order.grantees {
        if order.is_grant {
            if order.option && goes_back_to(list, grantor, grantee, owner, set) {
                bail!(INVALID_GRANT_OPERATION, "grant options cannot be granted back to your own grantor");
            }
            acl::grant(list, grantee, grantor, set, order.option && grantee != owner);
        } else {
            acl::revoke(list, grantee, grantor, set, order.option);
            revoke_dependents(list, owner, grantee, set, order.cascade)?;
        }
    }
    Ok(())
}

/// Takes back what `holder` granted of `set` without having the grant option any more.
fn revoke_dependents(list: &mut Acl, owner: Oid, holder: Oid, set: Privileges, cascade: bool) -> Result<()> {
    if holder == owner || holder == acl::PUBLIC {
        return Ok(());
    }
    let lost = set & !acl::grantable(list, &|role| role == holder);
    while let Some(item) = list.iter().find(|i| i.grantor == holder && i.privileges & lost != 0).copied() {
        if !cascade {
            return Err(sql_err!(DEPENDENT_OBJECTS_STILL_EXIST, "dependent privileges exist")
                .hint("Use CASCADE to revoke them too."));
        }
        acl::revoke(list, item.grantee, holder, lost, false);
        revoke_dependents(list, owner, item.grantee, lost, cascade)?;
    }
    Ok(())
}

/// Whether the grantor's grant options on `set` come from the grantee.
fn goes_back_to(list: &[AclItem], grantor: Oid, grantee: Oid, owner: Oid, set: Privileges) -> bool {
    let (mut open, mut seen) = (vec![grantor], vec![grantor]);
    while let Some(next) = open.pop() {
        if next == grantee {
            return next != owner;
        }
        for item in list.iter().filter(|i| i.grantee == next && i.grantable & set != 0) {
            if !seen.contains(&item.grantor) {
                seen.push(item.grantor);
                open.push(item.grantor);
            }
        }
    }
    false
}

/// The privileges that a statement names, on a relation and on its columns.
struct Wanted {
    whole: Privileges,
    columns: Vec<(usize, Privileges)>,
    /// A warning about privileges that the relation's kind does not have.
    unfit: Option<String>,
}

impl Wanted {
    fn of(grant: &Grant, said: AclKind, kind: AclKind, relation: &Relation) -> Result<Wanted> {
        let mut wanted = Wanted { whole: 0, columns: Vec::new(), unfit: None };
        let mut add = |names: &[Ident], set: Privileges| -> Result<()> {
            for name in names {
                let Some(column) = relation.column(name) else {
                    bail!(
                        UNDEFINED_COLUMN,
                        "column \"{}\" of relation \"{}\" does not exist",
                        &**name,
                        relation.name
                    )
                };
                match wanted.columns.iter_mut().find(|(c, _)| *c == column) {
                    Some(there) => there.1 |= set,
                    None => wanted.columns.push((column, set)),
                }
            }
            Ok(())
        };
        if grant.privileges.is_empty() {
            match grant.all_columns.is_empty() {
                true => wanted.whole = kind.all(),
                false => add(&grant.all_columns, AclKind::Column.all())?,
            }
            return Ok(wanted);
        }
        let relation_wide = AclKind::Table.all() | AclKind::Sequence.all();
        for privilege in &grant.privileges {
            let bit = bit_of(privilege)?;
            if !privilege.columns.is_empty() {
                if said != AclKind::Table {
                    bail!(INVALID_GRANT_OPERATION, "column privileges are only valid for relations");
                }
                if bit & AclKind::Column.all() == 0 {
                    return Err(invalid(bit, "column"));
                }
                add(&privilege.columns, bit)?;
                continue;
            }
            let valid = if said == AclKind::Sequence { kind.all() } else { relation_wide };
            if bit & valid == 0 {
                return Err(invalid(bit, if said == AclKind::Sequence { "sequence" } else { "relation" }));
            }
            if bit & kind.all() == 0 && kind == AclKind::Sequence {
                wanted.unfit = Some(format!(
                    "sequence \"{}\" only supports USAGE, SELECT, and UPDATE privileges",
                    relation.name
                ));
            } else if bit & kind.all() == 0 {
                return Err(invalid(bit, "table"));
            } else {
                wanted.whole |= bit;
            }
        }
        Ok(wanted)
    }
}

/// The privileges that a statement names on an object without columns.
pub(super) fn whole_privileges(grant: &Grant, kind: AclKind) -> Result<Privileges> {
    if grant.privileges.is_empty() && grant.all_columns.is_empty() {
        return Ok(kind.all());
    }
    let mut set = 0;
    for privilege in &grant.privileges {
        let bit = bit_of(privilege)?;
        if !privilege.columns.is_empty() {
            bail!(INVALID_GRANT_OPERATION, "column privileges are only valid for relations");
        }
        if bit & kind.all() == 0 {
            return Err(invalid(bit, object_word(kind)));
        }
        set |= bit;
    }
    match grant.all_columns.is_empty() {
        true => Ok(set),
        false => bail!(INVALID_GRANT_OPERATION, "column privileges are only valid for relations"),
    }
}

fn bit_of(privilege: &Privilege) -> Result<Privileges> {
    acl::privilege(&privilege.name).ok_or_else(|| {
        sql_err!(SYNTAX_ERROR, "unrecognized privilege type \"{}\"", &*privilege.name).at(privilege.name.pos)
    })
}

fn invalid(bit: Privileges, kind: &str) -> SqlError {
    let word = acl::words(bit).next().unwrap_or_default();
    sql_err!(INVALID_GRANT_OPERATION, "invalid privilege type {word} for {kind}")
}

/// The kind of object in messages about privileges.
fn object_word(kind: AclKind) -> &'static str {
    match kind {
        AclKind::Table => "relation",
        AclKind::Column => "column",
        AclKind::Sequence => "sequence",
        AclKind::Schema => "schema",
        AclKind::Database => "database",
        AclKind::Function => "function",
        AclKind::Type => "type",
    }
}
