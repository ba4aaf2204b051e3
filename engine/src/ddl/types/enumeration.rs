//! CREATE TYPE ... AS ENUM, ALTER TYPE ... ADD and RENAME VALUE.

use std::sync::Arc;

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{Column, Constraint, ConstraintKind, Generated, Index, IndexColumn, IndexKey};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{AlterEnum, AlterEnumAction, ObjectName};
use nq_qsql::plan::deparse::{deparse_stored, mentions_type};
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::user::{Enum, UserKind, UserType};
use nq_qsql::types::{Oid, info};
use nq_qsql::{bail, sql_err};

use super::super::names::NAME_MAX_BYTES;
use super::super::rename::{Held, print_again};
use super::exists;
use crate::catalog::domain::value_relation;
use crate::session::Session;
use crate::session::utility::Done;

/// Expressions that name a type, bound: of tables, and the conditions and the default of domains.
#[derive(Default)]
struct HeldUses {
    tables: Vec<(Oid, Vec<Held>)>,
    domains: Vec<(Oid, Vec<Expr>, Option<Expr>)>,
}

impl Session {
    pub(super) fn create_enum(&mut self, name: &ObjectName, labels: &[Box<str>]) -> Result<()> {
        let namespace = self.type_schema(name)?;
        let object = name.object();
        if let Some(taken) = self.view().catalog.type_oid(namespace.oid, object)
            && self.view().catalog.user_type(taken).is_some_and(|t| !matches!(t.kind, UserKind::Array))
        {
            return Err(exists(object));
        }
        let oid = self.db.next_oid()?;
        let mut values = Enum::default();
        for (rank, label) in labels.iter().enumerate() {
            check_label(label)?;
            if values.named(label).is_some() {
                let (name, table) = ("pg_enum_typid_label_index", "pg_enum");
                return Err(sql_err!(
                    UNIQUE_VIOLATION,
                    "duplicate key value violates unique constraint \"{name}\""
                )
                .detail(format!("Key (enumtypid, enumlabel)=({oid}, {label}) already exists."))
                .object("pg_catalog", table, "", name));
            }
            values = values.with(rank, self.db.next_oid()?, label);
        }
        self.put_new_type(oid, object, &namespace, UserKind::Enum(values))?;
        Ok(())
    }

    /// ALTER TYPE ... ADD VALUE, RENAME VALUE.
    pub(crate) fn alter_enum(&mut self, alter: &AlterEnum) -> Result<Done> {
        self.check_not_built_in(&alter.name, "an enum")?;
        let found = self.need_user_type(&alter.name)?;
        self.check_type_owner(&found)?;
        let ty = self.lock_type(found.info.oid)?;
        let Some(values) = ty.enumeration() else {
            bail!(WRONG_OBJECT_TYPE, "{} is not an enum", info::type_name(ty.info.oid))
        };
        let rank =
            |label: &str| {
                values.labels().iter().position(|l| *l.name == *label).ok_or_else(|| {
                    sql_err!(INVALID_PARAMETER_VALUE, "\"{label}\" is not an existing enum label")
                })
            };
        let mut held = None;
        let changed = match &alter.action {
            AlterEnumAction::AddValue { value, if_not_exists, place } => {
                check_label(value)?;
                if values.named(value).is_some() {
                    let error = sql_err!(DUPLICATE_OBJECT, "enum label \"{value}\" already exists");
                    if !if_not_exists {
                        return Err(error);
                    }
                    self.host.notice(sql_err!(
                        DUPLICATE_OBJECT,
                        "enum label \"{value}\" already exists, skipping"
                    ));
                    return Done::tag("ALTER TYPE");
                }
                let at = match place {
                    None => values.labels().len(),
                    Some((after, neighbour)) => rank(neighbour)? + usize::from(*after),
                };
                let oid = self.db.next_oid()?;
                if !self.is_own_new_type(&ty) {
                    self.host.new_labels.push(oid);
                }
                values.with(at, oid, value)
            }
            AlterEnumAction::RenameValue { from, to } => {
                check_label(to)?;
                let at = rank(from)?;
                if values.named(to).is_some() {
                    bail!(DUPLICATE_OBJECT, "enum label \"{to}\" already exists");
                }
                held = Some(self.hold_type(ty.info.oid)?);
                values.renamed(at, to)
            }
        };
        let object = self.need_type_object(ty.info.oid)?;
        let ty = UserType { kind: UserKind::Enum(changed), ..(*ty).clone() };
        self.put_type(object.with_type(ty))?;
        if let Some(held) = held {
            self.print_held(held)?;
        }
        Done::tag("ALTER TYPE")
    }

    /// Binds the stored expressions of tables and domains that name a type.
    fn hold_type(&mut self, oid: Oid) -> Result<HeldUses> {
        let view = self.view().clone();
        let mentions = |text: &str| mentions_type(text, oid);
        let mut uses = HeldUses::default();
        for object in view.catalog.relations() {
            let relation = &object.relation;
            let in_default = |c: &Column| c.default.as_deref().is_some_and(mentions);
            let in_check = |c: &Constraint| matches!(&c.kind, ConstraintKind::Check(text) if mentions(text));
            let in_key = |c: &IndexColumn| matches!(&c.key, IndexKey::Expression(text) if mentions(text));
            let in_index =
                |i: &Arc<Index>| i.columns.iter().any(in_key) || i.predicate.as_deref().is_some_and(mentions);
            let any = relation.columns.iter().any(in_default)
                || relation.constraints.iter().any(in_check)
                || relation.indexes.iter().any(in_index);
            if !any {
                continue;
            }
            let mut held = self.hold_expressions(relation)?;
            for (i, column) in relation.live_columns().filter(|(_, c)| in_default(c)) {
                if let (Generated::No, Some(text)) = (column.generated, &column.default) {
                    held.push(Held::Default(i, self.bind_stored(text, relation, StoredKind::Default, None)?));
                }
            }
            uses.tables.push((relation.oid, held));
        }
        for object in view.catalog.type_objects() {
            let Some(domain) = object.ty.domain() else { continue };
            let value = value_relation(domain.over);
            let mut checks = Vec::with_capacity(domain.checks.len());
            for check in &domain.checks {
                checks.push(self.bind_stored(&check.text, &value, StoredKind::Check, None)?);
            }
            let default = match domain.default.as_deref().filter(|text| mentions(text)) {
                Some(text) => Some(self.bind_stored(text, &value, StoredKind::Default, None)?),
                None => None,
            };
            if default.is_some() || domain.checks.iter().any(|c| mentions(&c.text)) {
                uses.domains.push((object.ty.info.oid, checks, default));
            }
        }
        Ok(uses)
    }

    /// Stores held expressions with the labels of now.
    fn print_held(&mut self, uses: HeldUses) -> Result<()> {
        for (table, held) in uses.tables {
            let object = self.object(table)?;
            let mut relation = (*object.relation).clone();
            print_again(&mut relation, &held);
            self.replace_relation(&object, relation)?;
        }
        for (oid, checks, default) in uses.domains {
            let object = self.need_type_object(oid)?;
            let Some(mut domain) = object.ty.domain().cloned() else { continue };
            for (check, expr) in domain.checks.iter_mut().zip(&checks) {
                check.text = deparse_stored(expr, &|_: u32| "VALUE".to_owned()).into();
            }
            if let Some(expr) = default {
                domain.default = Some(deparse_stored(&expr, &|_: u32| String::new()).into());
            }
            let ty = UserType { kind: UserKind::Domain(domain), ..(*object.ty).clone() };
            self.put_type(object.with_type(ty))?;
        }
        Ok(())
    }

    /// Whether the running transaction has made the type: then nobody else can have seen it without its new labels.
    fn is_own_new_type(&self, ty: &UserType) -> bool {
        self.home.state().user_type(ty.info.oid).is_none()
    }
}

/// # Errors
/// 42602 for a label that is too long.
fn check_label(label: &str) -> Result<(), SqlError> {
    match label.len() <= NAME_MAX_BYTES {
        true => Ok(()),
        false => Err(sql_err!(INVALID_NAME, "invalid enum label \"{label}\"")
            .detail(format!("Labels must be {NAME_MAX_BYTES} bytes or less."))),
    }
}
