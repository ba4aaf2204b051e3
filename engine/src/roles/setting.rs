//! ALTER ROLE .. SET and ALTER DATABASE .. SET: values that sessions start with.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::parse::ast::{AlterRoleSet, RoleKind, SetAction, SetVariable};
use nq_qsql::sql_err;
use nq_qsql::types::Oid;
use nq_qsql::{bail, error::SqlError};

use super::denied;
use crate::catalog::object::{Class, Object, ObjectKey};
use crate::catalog::state::SettingList;
use crate::session::Session;
use crate::session::set_text;
use crate::session::utility::Done;
use crate::settings::{Settings, Source, check_system, join_arguments};

impl Session {
    /// ALTER ROLE .. [IN DATABASE ..] SET | RESET.
    pub(crate) fn alter_role_set(&mut self, alter: &AlterRoleSet) -> Result<Done> {
        self.lock_cluster()?;
        let database = match &alter.database {
            None => 0,
            Some(name) => match self.view().cluster.database_named(name) {
                Some(database) => database.oid,
                None => bail!(INVALID_CATALOG_NAME, "database \"{}\" does not exist", &**name),
            },
        };
        let role = match &alter.role {
            Some(spec) => {
                if let RoleKind::Name(name) = &spec.kind
                    && name.starts_with("pg_")
                {
                    return Err(sql_err!(RESERVED_NAME, "role name \"{name}\" is reserved")
                        .detail("Cannot alter reserved roles."));
                }
                self.need_role(spec)?
            }
            None => 0,
        };
        self.check_alter_role_set(role, database)?;
        self.change_settings(role, database, &alter.set)?;
        Done::tag("ALTER ROLE")
    }

    fn check_alter_role_set(&self, role: Oid, database: Oid) -> Result<()> {
        let own = self.own_role()?;
        if own.superuser {
            return Ok(());
        }
        let what = "to alter setting";
        if role == 0 {
            let owns = self.view().cluster.database(database).is_some_and(|d| self.owns(d.owner));
            return match owns {
                true => Ok(()),
                false => {
                    Err(denied(what, "Only roles with the SUPERUSER attribute may alter settings globally."))
                }
            };
        }
        let target = self.role(role)?;
        if target.superuser {
            let detail =
                "Only roles with the SUPERUSER attribute may alter roles with the SUPERUSER attribute.";
            return Err(denied("to alter role", detail));
        }
        if role != own.oid && !(own.create_role && self.has_admin_option(role)) {
            return Err(denied(
                "to alter role",
                format!(
                    "Only roles with the CREATEROLE attribute and the ADMIN option on role \"{}\" may alter this role.",
                    target.name
                ),
            ));
        }
        Ok(())
    }

    /// Carries out SET or RESET on the stored settings of a role, a database, or a role in a database (0: all).
    pub(crate) fn change_settings(&mut self, role: Oid, database: Oid, set: &SetVariable) -> Result<()> {
        let before: Vec<(Box<str>, Box<str>)> =
            self.view().cluster.settings(role, database).map_or_else(Vec::new, |list| list.to_vec());
        let mut after = before;
        let superuser = self.host.is_superuser();
        match &set.action {
            SetAction::Value { name, values } => {
                let arguments = values.iter().map(|v| set_text(name, v)).collect::<Result<Vec<_>>>()?;
                let text = join_arguments(name, &arguments)?;
                self.store_setting(&mut after, name, &text)?;
            }
            SetAction::FromCurrent { name } => {
                let Some(value) = nq_qsql::func::Host::setting(&self.host, name) else {
                    bail!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"")
                };
                self.store_setting(&mut after, name, &value)?;
            }
            SetAction::Default { name } | SetAction::Reset { name } => {
                let canonical = canonical_name(name);
                self.check_setting(&canonical, None, superuser)?;
                after.retain(|(n, _)| **n != *canonical);
            }
            SetAction::ResetAll => {
                let mut kept = Vec::new();
                for (name, value) in after {
                    if self.check_setting(&name, Some(&value), superuser).is_err() {
                        kept.push((name, value));
                    }
                }
                after = kept;
            }
            SetAction::Transaction(_)
            | SetAction::TransactionSnapshot(_)
            | SetAction::SessionCharacteristics(_) => {
                return Err(SqlError::unsupported("this form of SET here"));
            }
        }
        let key = ObjectKey { class: Class::Setting, oid: role, of: database, sub: 0 };
        match after.is_empty() {
            false => self.put_object(key, Object::Setting(SettingList::from(after))),
            true if self.view().cluster.settings(role, database).is_some() => self.remove_object(key),
            true => Ok(()),
        }
    }

    /// ALTER SYSTEM: who may, and no more.
    pub(crate) fn alter_system(&mut self, set: &SetVariable) -> Result<Done> {
        if !self.host.is_superuser() {
            match &set.action {
                SetAction::Value { name, .. }
                | SetAction::FromCurrent { name }
                | SetAction::Default { name }
                | SetAction::Reset { name } => {
                    bail!(INSUFFICIENT_PRIVILEGE, "permission denied to set parameter \"{name}\"")
                }
                _ => bail!(INSUFFICIENT_PRIVILEGE, "permission denied to perform ALTER SYSTEM RESET ALL"),
            }
        }
        self.check_outside_block("ALTER SYSTEM")?;
        match &set.action {
            SetAction::Value { name, values } => {
                let arguments = values.iter().map(|v| set_text(name, v)).collect::<Result<Vec<_>>>()?;
                let text = join_arguments(name, &arguments)?;
                self.db.alter_system(Some(check_system(name, Some(&text))?), Some(&text))?;
            }
            SetAction::Default { name } | SetAction::Reset { name } => {
                self.db.alter_system(Some(check_system(name, None)?), None)?;
            }
            SetAction::ResetAll => self.db.alter_system(None, None)?,
            _ => return Err(SqlError::unsupported("this form of ALTER SYSTEM")),
        }
        Done::tag("ALTER SYSTEM")
    }

    /// Puts a setting into a list of those that are to be made, if the user may make it.
    ///
    /// # Errors
    /// As SET raises them.
    pub(crate) fn store_setting(
        &self,
        list: &mut Vec<(Box<str>, Box<str>)>,
        name: &str,
        text: &str,
    ) -> Result<()> {
        let name = canonical_name(name);
        self.check_setting(&name, Some(text), self.host.is_superuser())?;
        match list.iter_mut().find(|(n, _)| **n == *name) {
            Some(there) => there.1 = text.into(),
            None => list.push(((*name).into(), text.into())),
        }
        Ok(())
    }

    /// Whether the user may set a parameter, to this value, for sessions to come.
    fn check_setting(&self, name: &str, text: Option<&str>, superuser: bool) -> Result<()> {
        let mut scratch = Settings::new(self.db.settings());
        let text = match text {
            Some(text) => text.to_owned(),
            None => match scratch.show(name) {
                Some(current) => current,
                None => return Ok(()),
            },
        };
        scratch.set_initial(name, &text, Source::User, superuser)
    }
}

/// The name a parameter is stored under.
pub(crate) fn canonical_name(name: &str) -> Arc<str> {
    crate::settings::definition::find(name)
        .map_or_else(|| name.to_ascii_lowercase().into(), |d| d.name.into())
}
