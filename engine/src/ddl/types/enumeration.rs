//! CREATE TYPE ... AS ENUM, ALTER TYPE ... ADD and RENAME VALUE.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{AlterEnum, AlterEnumAction, ObjectName};
use nq_qsql::types::info;
use nq_qsql::types::user::{Enum, UserKind, UserType};
use nq_qsql::{bail, sql_err};

use super::super::names::NAME_MAX_BYTES;
use super::exists;
use crate::session::Session;
use crate::session::utility::Done;

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
                values.renamed(at, to)
            }
        };
        let object = self.need_type_object(ty.info.oid)?;
        let ty = UserType { kind: UserKind::Enum(changed), ..(*ty).clone() };
        self.put_type(object.with_type(ty))?;
        Done::tag("ALTER TYPE")
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
