//! CREATE DOMAIN and ALTER DOMAIN.

use std::sync::Arc;

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{Relation, RelationKind};
use nq_qsql::error::Result;
use nq_qsql::parse::ast::{
    self, AlterDomain, AlterDomainAction, Ast, ConstraintKind, CreateDomain, ExprId, Ident, ObjectKind,
    ObjectName,
};
use nq_qsql::plan::deparse::deparse_stored;
use nq_qsql::plan::expr::ExprKind;
use nq_qsql::types::info::{self, TypeKind};
use nq_qsql::types::user::{Domain, DomainCheck, DomainConstraint, UserKind, UserType};
use nq_qsql::types::{Datum, Oid};
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::LockMode;

use super::super::names;
use crate::catalog::class;
use crate::catalog::domain::value_relation;
use crate::catalog::object::TypeObject;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// CREATE DOMAIN.
    pub(crate) fn create_domain(&mut self, ast: &Ast, create: &CreateDomain) -> Result<Done> {
        let namespace = self.type_schema(&create.name)?;
        let name = create.name.object();
        if let Some(taken) = self.view().catalog.type_oid(namespace.oid, name)
            && self.view().catalog.user_type(taken).is_some_and(|t| !matches!(t.kind, UserKind::Array))
        {
            return Err(super::exists(name));
        }
        let over = self.resolve_type(ast, &create.ty)?;
        let kind = info::by_oid(over.oid).map(|ty| ty.kind);
        if matches!(kind, None | Some(TypeKind::Pseudo)) {
            let shown = create.ty.name.object();
            return Err(sql_err!(DATATYPE_MISMATCH, "\"{shown}\" is not a valid base type for a domain")
                .at(create.ty.pos));
        }
        self.check_type_usage(over.oid)?;
        let collation = match &create.collation {
            Some(collation) => self.collation(collation, over).map_err(|e| e.at(create.ty.pos))?,
            None => nq_qsql::bind::collation_of(over.oid),
        };
        let base = match info::is_domain(over.oid) {
            true => info::base_of(over),
            false => over,
        };
        let default = self.view().catalog.type_object(over.oid).and_then(|t| t.ty.domain()?.default.clone());
        let mut domain = Domain { over, base, collation, not_null: None, default, checks: Vec::new() };
        let (mut null, mut default) = (false, false);
        for constraint in &create.constraints {
            let wrong = |text: &str| Err(sql_err!(SYNTAX_ERROR, "{text}").at(constraint.pos));
            match &constraint.kind {
                ConstraintKind::Default(expr) => {
                    if default {
                        return wrong("multiple default expressions");
                    }
                    default = true;
                    domain.default = self.domain_default(ast, *expr, &domain, name)?;
                }
                ConstraintKind::Null if domain.not_null.is_some() => {
                    return wrong("conflicting NULL/NOT NULL constraints");
                }
                ConstraintKind::Null => null = true,
                ConstraintKind::NotNull { .. } => {
                    if null {
                        return wrong("conflicting NULL/NOT NULL constraints");
                    }
                    if domain.not_null.is_some() {
                        return Err(sql_err!(
                            INVALID_OBJECT_DEFINITION,
                            "redundant NOT NULL constraint definition"
                        )
                        .at(constraint.pos));
                    }
                    domain.not_null =
                        Some(self.new_constraint(&domain, name, constraint.name.as_ref(), true)?);
                }
                ConstraintKind::Check(expr) => {
                    if constraint.no_inherit {
                        return Err(sql_err!(
                            INVALID_OBJECT_DEFINITION,
                            "check constraints for domains cannot be marked NO INHERIT"
                        )
                        .at(constraint.pos));
                    }
                    let check = self.new_check(ast, *expr, &domain, name, constraint)?;
                    domain.checks.push(check);
                }
                ConstraintKind::Unique { .. } => {
                    return wrong("unique constraints not possible for domains");
                }
                ConstraintKind::PrimaryKey { .. } => {
                    return wrong("primary key constraints not possible for domains");
                }
                ConstraintKind::Exclude { .. } => {
                    return wrong("exclusion constraints not possible for domains");
                }
                ConstraintKind::ForeignKey(_) => {
                    return wrong("foreign key constraints not possible for domains");
                }
                ConstraintKind::Generated { .. } | ConstraintKind::Identity { .. } => {
                    return Err(sql_err!(
                        FEATURE_NOT_SUPPORTED,
                        "specifying GENERATED not supported for domains"
                    )
                    .at(constraint.pos));
                }
            }
            if constraint.deferrable == Some(true) {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "specifying constraint deferrability not supported for domains"
                )
                .at(constraint.pos));
            }
        }
        sort(&mut domain);
        let oid = self.db.next_oid()?;
        self.put_new_type(oid, name, &namespace, UserKind::Domain(domain))?;
        Done::tag("CREATE DOMAIN")
    }

    /// The OID and name of a new constraint; `named` as it was written.
    fn new_constraint(
        &mut self,
        domain: &Domain,
        domain_name: &str,
        named: Option<&Ident>,
        not_null: bool,
    ) -> Result<DomainConstraint> {
        let taken = |name: &str| {
            domain.not_null.as_ref().is_some_and(|c| *c.name == *name)
                || domain.checks.iter().any(|c| *c.constraint.name == *name)
        };
        let name = match named {
            Some(name) if taken(name) => {
                bail!(
                    DUPLICATE_OBJECT,
                    "constraint \"{}\" for domain \"{domain_name}\" already exists",
                    name.name
                )
            }
            Some(name) => name.name.clone(),
            None => {
                names::choose(domain_name, None, if not_null { "not_null" } else { "check" }, taken).into()
            }
        };
        Ok(DomainConstraint { oid: self.db.next_oid()?, name })
    }

    fn new_check(
        &mut self,
        ast: &Ast,
        expr: ExprId,
        domain: &Domain,
        domain_name: &str,
        constraint: &ast::Constraint,
    ) -> Result<DomainCheck> {
        let named = self.new_constraint(domain, domain_name, constraint.name.as_ref(), false)?;
        let value = value_relation(domain.over);
        let bound = self
            .with_bind_cx(|cx| {
                nq_qsql::bind::bind_written_expression(ast, expr, Some(&value), None, StoredKind::Check, cx)
            })
            .map_err(unplaced)?;
        let text = deparse_stored(&bound, &|_: u32| "VALUE".to_owned());
        Ok(DomainCheck { constraint: named, text: text.into(), validated: !constraint.not_valid })
    }

    /// The text of a domain's default; none for NULL.
    fn domain_default(
        &mut self,
        ast: &Ast,
        expr: ExprId,
        domain: &Domain,
        name: &str,
    ) -> Result<Option<Arc<str>>> {
        let bound = self
            .with_bind_cx(|cx| {
                let (kind, to) = (StoredKind::Default, Some(domain.over));
                nq_qsql::bind::bind_written_expression(ast, expr, None, to, kind, cx)
            })
            .map_err(|e| super::super::stored::name_column(e, name))?;
        if matches!(bound.kind, ExprKind::Const(Datum::Null)) {
            return Ok(None);
        }
        // What coerces it is left out, as it is applied again wherever the default is used.
        let written = self.with_bind_cx(|cx| {
            nq_qsql::bind::bind_written_expression(ast, expr, None, None, StoredKind::Default, cx)
        });
        let shown = match written {
            Ok(written) if !matches!(written.kind, ExprKind::Const(Datum::Text(_))) => written,
            _ => bound,
        };
        Ok(Some(deparse_stored(&shown, &|_: u32| String::new()).into()))
    }

    /// ALTER DOMAIN, but for its name, owner and schema.
    pub(crate) fn alter_domain(&mut self, ast: &Ast, alter: &AlterDomain) -> Result<Done> {
        self.check_not_built_in(&alter.name, "a domain")?;
        let found = self.need_user_type(&alter.name)?;
        if found.domain().is_none() {
            bail!(WRONG_OBJECT_TYPE, "{} is not a domain", info::type_name(found.info.oid));
        }
        self.check_type_owner(&found)?;
        let ty = self.lock_type(found.info.oid)?;
        let Some(mut domain) = ty.domain().cloned() else {
            bail!(WRONG_OBJECT_TYPE, "{} is not a domain", info::type_name(ty.info.oid))
        };
        let name = &*ty.info.name;
        match &alter.action {
            AlterDomainAction::SetDefault(expr) => {
                domain.default = self.domain_default(ast, *expr, &domain, name).map_err(unplaced)?;
            }
            AlterDomainAction::DropDefault => domain.default = None,
            AlterDomainAction::SetNotNull => {
                if domain.not_null.is_some() {
                    return Done::tag("ALTER DOMAIN");
                }
                domain.not_null = Some(self.new_constraint(&domain, name, None, true)?);
                self.check_stored_not_null(ty.info.oid)?;
            }
            AlterDomainAction::DropNotNull => domain.not_null = None,
            AlterDomainAction::AddConstraint(constraint) => match &constraint.kind {
                ConstraintKind::Check(expr) => {
                    let check = self.new_check(ast, *expr, &domain, name, constraint)?;
                    if check.validated {
                        self.check_stored_values(&ty, &domain, &check)?;
                    }
                    domain.checks.push(check);
                }
                _ => {
                    if domain.not_null.is_some() {
                        return Done::tag("ALTER DOMAIN");
                    }
                    domain.not_null =
                        Some(self.new_constraint(&domain, name, constraint.name.as_ref(), true)?);
                    self.check_stored_not_null(ty.info.oid)?;
                }
            },
            AlterDomainAction::DropConstraint { name: dropped, if_exists, .. } => {
                let before = domain.checks.len();
                let gone = |c: &DomainConstraint| *c.name == *dropped.name;
                let oids: Vec<Oid> = crate::catalog::state::domain_constraints(&ty)
                    .filter(|c| gone(c))
                    .map(|c| c.oid)
                    .collect();
                domain.checks.retain(|c| !gone(&c.constraint));
                let null = domain.not_null.take_if(|c| gone(c)).is_some();
                if domain.checks.len() == before && !null {
                    if !if_exists {
                        return Err(missing_constraint(dropped, name));
                    }
                    self.host.skipping(format!(
                        "constraint \"{}\" of domain \"{name}\" does not exist, skipping",
                        dropped.name
                    ));
                    return Done::tag("ALTER DOMAIN");
                }
                for oid in oids {
                    self.remove_comments(class::CONSTRAINT, oid)?;
                }
            }
            AlterDomainAction::ValidateConstraint(validated) => {
                let is_null = domain.not_null.as_ref().is_some_and(|c| *c.name == *validated.name);
                let Some(at) = domain.checks.iter().position(|c| *c.constraint.name == *validated.name)
                else {
                    if is_null {
                        bail!(
                            WRONG_OBJECT_TYPE,
                            "constraint \"{}\" of domain \"{name}\" is not a check constraint",
                            validated.name
                        );
                    }
                    return Err(missing_constraint(validated, name));
                };
                if !domain.checks[at].validated {
                    let check = domain.checks[at].clone();
                    self.check_stored_values(&ty, &domain, &check)?;
                    domain.checks[at].validated = true;
                }
            }
        }
        sort(&mut domain);
        self.store_domain(&ty, domain)?;
        Done::tag("ALTER DOMAIN")
    }

    fn store_domain(&mut self, ty: &UserType, domain: Domain) -> Result<()> {
        let object = self.need_type_object(ty.info.oid)?;
        let changed = UserType { kind: UserKind::Domain(domain), ..ty.clone() };
        self.put_type(TypeObject { ty: Arc::new(changed), ..(*object).clone() })?;
        Ok(())
    }

    /// ALTER DOMAIN ... RENAME CONSTRAINT.
    pub(crate) fn rename_domain_constraint(
        &mut self,
        name: &ObjectName,
        old: &Ident,
        new: &Ident,
    ) -> Result<()> {
        let ty = self.altered_type(ObjectKind::Domain, name)?;
        let shown = info::type_name(ty.info.oid);
        let Some(mut domain) = ty.domain().cloned() else {
            bail!(WRONG_OBJECT_TYPE, "{shown} is not a domain")
        };
        let constraints = || crate::catalog::state::domain_constraints(&ty);
        if !constraints().any(|c| *c.name == **old) {
            bail!(UNDEFINED_OBJECT, "constraint \"{}\" for domain {shown} does not exist", old.name);
        }
        if constraints().any(|c| *c.name == **new) {
            bail!(DUPLICATE_OBJECT, "constraint \"{}\" for domain {shown} already exists", new.name);
        }
        let own = domain.checks.iter_mut().map(|c| &mut c.constraint).chain(domain.not_null.iter_mut());
        own.filter(|c| *c.name == **old).for_each(|c| c.name = new.name.clone());
        sort(&mut domain);
        self.store_domain(&ty, domain)
    }

    /// The columns of tables that are of a domain or of one made over it.
    ///
    /// # Errors
    /// 0A000 where it is inside of a column's type.
    fn columns_of_domain(&mut self, oid: Oid) -> Result<Vec<(Arc<Relation>, Vec<usize>)>> {
        let mut domains = vec![oid];
        let mut at = 0;
        while let Some(&one) = domains.get(at) {
            at += 1;
            self.check_not_inside_columns(one, true)?;
            let view = self.view().clone();
            for object in view.catalog.type_objects() {
                if object.ty.domain().is_some_and(|d| d.over.oid == one) {
                    domains.push(object.ty.info.oid);
                }
            }
        }
        let view = self.view().clone();
        let mut found = Vec::new();
        for object in view.catalog.relations() {
            if !matches!(object.relation.kind, RelationKind::Table | RelationKind::MaterializedView) {
                continue;
            }
            let columns = object.relation.live_columns();
            let of: Vec<usize> =
                columns.filter(|(_, c)| domains.contains(&c.ty.oid)).map(|(i, _)| i).collect();
            if !of.is_empty() {
                self.lock_relation(object.relation.oid, LockMode::Share)?;
                found.push((self.object(object.relation.oid)?.relation.clone(), of));
            }
        }
        Ok(found)
    }

    /// # Errors
    /// 23502 for a table that holds NULL in a column of the domain.
    fn check_stored_not_null(&mut self, oid: Oid) -> Result<()> {
        for (table, columns) in self.columns_of_domain(oid)? {
            self.each_stored_row(&table, |row, _| match columns.iter().find(|i| row[**i].is_null()) {
                None => Ok(()),
                Some(&i) => Err(violated(&table, i, true)),
            })?;
        }
        Ok(())
    }

    /// # Errors
    /// 23514 for a table that holds a value in a column of the domain that does not satisfy the condition.
    fn check_stored_values(&mut self, ty: &UserType, domain: &Domain, check: &DomainCheck) -> Result<()> {
        // The condition is looked at alone, as that of a domain that is not there.
        let alone = Domain { checks: vec![check.clone()], ..domain.clone() };
        let alone = UserType {
            info: info::TypeInfo { oid: check.constraint.oid, ..ty.info.clone() },
            kind: UserKind::Domain(alone),
            ..ty.clone()
        };
        for (table, columns) in self.columns_of_domain(ty.info.oid)? {
            let view = self.view().clone();
            self.each_stored_row(&table, |row, io| {
                use nq_qsql::types::user::TypeSource;
                for &i in &columns {
                    if view.violated(&alone, &row[i], io)?.is_some() {
                        return Err(violated(&table, i, false));
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Without its place in the statement.
fn unplaced(mut error: nq_qsql::error::SqlError) -> nq_qsql::error::SqlError {
    error.0.byte_offset = None;
    error
}

/// The constraints are checked in the order of their names.
fn sort(domain: &mut Domain) {
    domain.checks.sort_by(|a, b| a.constraint.name.cmp(&b.constraint.name));
}

fn violated(table: &Relation, column: usize, null: bool) -> nq_qsql::error::SqlError {
    let (column, name) = (&table.columns[column].name, &table.name);
    match null {
        true => sql_err!(NOT_NULL_VIOLATION, "column \"{column}\" of table \"{name}\" contains null values"),
        false => sql_err!(
            CHECK_VIOLATION,
            "column \"{column}\" of table \"{name}\" contains values that violate the new constraint"
        ),
    }
    .object(&table.schema, name, column, "")
}

fn missing_constraint(name: &Ident, domain: &str) -> nq_qsql::error::SqlError {
    sql_err!(UNDEFINED_OBJECT, "constraint \"{}\" of domain \"{domain}\" does not exist", name.name)
}
