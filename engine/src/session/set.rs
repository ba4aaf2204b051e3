//! SET, RESET, SHOW, DISCARD: statements about the session's parameters.

use nq_qsql::error::Result;
use nq_qsql::parse::ast::{
    DiscardTarget, SetAction, SetScope, SetValue, SetVariable, ShowTarget, TransactionModes,
};
use nq_qsql::types::oid;
use nq_qsql::{bail, sql_err};

use super::Session;
use super::host::User;
use super::transaction::{Block, isolation_name, isolation_named};
use super::utility::Done;
use crate::catalog::state::Via;
use crate::settings::{Scope, definition, join_arguments, parse_bool};

impl Session {
    /// SET and RESET.
    pub(crate) fn set_variable(&mut self, set: &SetVariable) -> Result<Done> {
        let scope = match set.scope {
            SetScope::Session => Scope::Session,
            SetScope::Local => Scope::Local,
        };
        if scope == Scope::Local && self.transaction.block != Block::Explicit {
            self.host.warn(sql_err!(
                NO_ACTIVE_SQL_TRANSACTION,
                "SET LOCAL can only be used in transaction blocks"
            ));
        }
        let tag = match &set.action {
            SetAction::Value { name, values } => {
                let arguments: Vec<String> =
                    values.iter().map(|v| set_text(name, v)).collect::<Result<_>>()?;
                let text = join_arguments(name, &arguments)?;
                self.set_parameter(name, Some(&text), scope)?;
                "SET"
            }
            SetAction::Default { name } => {
                self.set_parameter(name, None, scope)?;
                "SET"
            }
            SetAction::FromCurrent { name } => {
                use nq_qsql::func::Host;
                let Some(value) = self.host.setting(name) else {
                    bail!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"")
                };
                self.set_parameter(name, Some(&value), scope)?;
                "SET"
            }
            SetAction::Reset { name } => {
                self.set_parameter(name, None, Scope::Session)?;
                "RESET"
            }
            SetAction::ResetAll => {
                self.host.settings.reset_all();
                "RESET"
            }
            SetAction::Transaction(modes) => {
                if self.transaction.block != Block::Explicit {
                    self.host.warn(sql_err!(
                        NO_ACTIVE_SQL_TRANSACTION,
                        "SET TRANSACTION can only be used in transaction blocks"
                    ));
                }
                self.set_modes(*modes)?;
                "SET"
            }
            SetAction::TransactionSnapshot(_) => {
                bail!(FEATURE_NOT_SUPPORTED, "SET TRANSACTION SNAPSHOT is not supported")
            }
            SetAction::SessionCharacteristics(modes) => {
                self.set_characteristics(*modes)?;
                "SET"
            }
        };
        self.ready_view();
        Ok(Done::Tag(tag.to_owned()))
    }

    fn set_characteristics(&mut self, modes: TransactionModes) -> Result<()> {
        let on = |b: bool| if b { "on" } else { "off" };
        if let Some(isolation) = modes.isolation {
            self.host.assign(
                "default_transaction_isolation",
                Some(isolation_name(isolation)),
                Scope::Session,
            )?;
        }
        if let Some(read_only) = modes.read_only {
            self.host.assign("default_transaction_read_only", Some(on(read_only)), Scope::Session)?;
        }
        if let Some(deferrable) = modes.deferrable {
            self.host.assign("default_transaction_deferrable", Some(on(deferrable)), Scope::Session)?;
        }
        Ok(())
    }

    /// Sets a parameter; some are not in the table of values but in the session.
    fn set_parameter(&mut self, name: &str, text: Option<&str>, scope: Scope) -> Result<()> {
        let flag = |text: Option<&str>| text.map(|t| parse_bool(t).ok_or(())).transpose();
        let invalid = |text: Option<&str>| {
            sql_err!(
                INVALID_PARAMETER_VALUE,
                "invalid value for parameter \"{name}\": \"{}\"",
                text.unwrap_or_default()
            )
        };
        match name.to_ascii_lowercase().as_str() {
            "transaction_isolation" => {
                let isolation = match text {
                    Some(t) => isolation_named(t).ok_or_else(|| invalid(text))?,
                    None => return Ok(()),
                };
                self.set_modes(TransactionModes { isolation: Some(isolation), ..TransactionModes::default() })
            }
            "transaction_read_only" => {
                let read_only = flag(text).map_err(|()| invalid(text))?;
                self.set_modes(TransactionModes { read_only, ..TransactionModes::default() })
            }
            "transaction_deferrable" => {
                let deferrable = flag(text).map_err(|()| invalid(text))?;
                self.set_modes(TransactionModes { deferrable, ..TransactionModes::default() })
            }
            "role" => self.set_role(text, scope),
            "session_authorization" => self.set_session_authorization(text, scope),
            "seed" => {
                let seed: f64 = text.and_then(|t| t.parse().ok()).ok_or_else(|| invalid(text))?;
                nq_qsql::func::Host::seed(&mut self.host, seed);
                Ok(())
            }
            _ => {
                self.host.assign(name, text, scope)?;
                if name.eq_ignore_ascii_case("application_name") {
                    self.backend.doing.lock().application = self.host.settings.text("application_name");
                }
                Ok(())
            }
        }
    }

    /// `role` and `session_authorization` among a client's start-up settings.
    ///
    /// # Errors
    /// As SET raises them.
    pub(super) fn assume_identity(&mut self, settings: &[(String, String)]) -> Result<()> {
        for (name, value) in settings {
            let name = name.to_ascii_lowercase();
            if ["session_authorization", "role"].contains(&name.as_str()) {
                self.ready_view();
            }
            match name.as_str() {
                "session_authorization" => self.set_session_authorization(Some(value), Scope::Session)?,
                "role" => self.set_role(Some(value), Scope::Session)?,
                _ => continue,
            }
            self.host.settings.commit();
        }
        Ok(())
    }

    /// SET ROLE.
    fn set_role(&mut self, text: Option<&str>, scope: Scope) -> Result<()> {
        let user = match text {
            None | Some("none") => self.host.session_user.clone(),
            Some(name) => {
                let view = self.view().clone();
                let Some(role) = view.cluster.role_named(name) else {
                    bail!(INVALID_PARAMETER_VALUE, "role \"{name}\" does not exist")
                };
                let session = self.host.session_user.oid;
                let may = view.cluster.is_superuser(session)
                    || view.cluster.memberships(session, Via::Set).contains(&role.oid);
                if !may {
                    bail!(INSUFFICIENT_PRIVILEGE, "permission denied to set role \"{name}\"");
                }
                User { oid: role.oid, name: role.name.clone() }
            }
        };
        self.host.settings.force("role", text.unwrap_or("none"), scope)?;
        self.become_user(user, scope)
    }

    /// SET SESSION AUTHORIZATION.
    fn set_session_authorization(&mut self, text: Option<&str>, scope: Scope) -> Result<()> {
        let view = self.view().clone();
        let login = self.backend.user;
        let role = match text {
            None => view.cluster.role(login),
            Some(name) => view.cluster.role_named(name),
        };
        let Some(role) = role else {
            bail!(INVALID_PARAMETER_VALUE, "role \"{}\" does not exist", text.unwrap_or_default())
        };
        if role.oid != login && !view.cluster.is_superuser(login) {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied to set session authorization \"{}\"", role.name);
        }
        let user = User { oid: role.oid, name: role.name.clone() };
        self.host.settings.force("session_authorization", &user.name, scope)?;
        self.host.settings.force("role", "none", scope)?;
        self.host.session_user = user.clone();
        self.become_user(user, scope)
    }

    fn become_user(&mut self, user: User, scope: Scope) -> Result<()> {
        let superuser = self.view().cluster.is_superuser(user.oid);
        self.host.settings.force("is_superuser", if superuser { "on" } else { "off" }, scope)?;
        self.host.current_user = user;
        self.ready_view();
        Ok(())
    }

    /// Makes the users agree with the settings again, after settings were rolled back.
    pub(crate) fn follow_user_settings(&mut self) {
        let cluster = self.db.cluster();
        let session = self.host.settings.text("session_authorization");
        let role = self.host.settings.text("role");
        if *session != *self.host.session_user.name
            && let Some(found) = cluster.role_named(&session)
        {
            self.host.session_user = User { oid: found.oid, name: found.name.clone() };
        }
        let current = if &*role == "none" { self.host.session_user.name.clone() } else { role };
        if *current != *self.host.current_user.name
            && let Some(found) = cluster.role_named(&current)
        {
            self.host.current_user = User { oid: found.oid, name: found.name.clone() };
            self.host.forget_view();
        }
    }

    /// SHOW.
    pub(crate) fn show(&mut self, target: &ShowTarget) -> Result<Done> {
        use nq_qsql::func::Host;
        use nq_qsql::types::Datum;
        self.host.modes = self.modes();
        let column = |name: &str| Session::result_column(name, oid::TEXT);
        match target {
            ShowTarget::Name(name) => {
                let Some(value) = self.host.setting(name) else {
                    bail!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"")
                };
                let label = definition::find(name).map_or(&**name, |d| d.name);
                Ok(Done::Rows {
                    columns: [column(label)].into(),
                    rows: vec![vec![Datum::text(value)]],
                    tag: "SHOW".to_owned(),
                })
            }
            ShowTarget::All => {
                let rows = definition::all()
                    .iter()
                    .filter(|d| d.category != "Hidden")
                    .map(|d| {
                        let value = self.host.setting(d.name).unwrap_or_default();
                        vec![Datum::text(d.name), Datum::text(value), Datum::text(d.description)]
                    })
                    .collect();
                Ok(Done::Rows {
                    columns: [column("name"), column("setting"), column("description")].into(),
                    rows,
                    tag: "SHOW".to_owned(),
                })
            }
        }
    }

    /// DISCARD.
    pub(crate) fn discard(&mut self, target: DiscardTarget) -> Result<Done> {
        let tag = match target {
            DiscardTarget::All => {
                self.check_outside_block("DISCARD ALL")?;
                self.portals.clear();
                self.set_session_authorization(None, Scope::Session)?;
                self.host.settings.reset_all();
                self.statements.clear();
                self.host.locks.release_all();
                self.home.plans.clear();
                self.host.discard_sequences();
                self.host.mailbox.unlisten(None);
                self.commit_transaction()?;
                self.drop_temporary_objects()?;
                "DISCARD ALL"
            }
            DiscardTarget::Plans => {
                self.home.plans.clear();
                "DISCARD PLANS"
            }
            DiscardTarget::Sequences => {
                self.host.discard_sequences();
                "DISCARD SEQUENCES"
            }
            DiscardTarget::Temporary => {
                self.drop_temporary_in_transaction()?;
                "DISCARD TEMP"
            }
        };
        Ok(Done::Tag(tag.to_owned()))
    }
}

/// The text of a value of SET.
pub(crate) fn set_text(name: &str, value: &SetValue) -> Result<String> {
    Ok(match value {
        SetValue::Text(text) | SetValue::Number(text) => text.to_string(),
        SetValue::Interval { text, .. } => {
            // Only SET TIME ZONE takes an interval: hours and minutes as a zone in POSIX's sign.
            let io = nq_qsql::types::IoContext::default();
            let value = nq_qsql::types::io_text::parse_text(oid::INTERVAL, -1, text, &io)?;
            let nq_qsql::types::Datum::Interval(interval) = value else {
                bail!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{name}\": \"{text}\"")
            };
            if interval.months != 0 || interval.days != 0 {
                let what = if interval.months != 0 { "months" } else { "days" };
                let name = definition::find(name).map_or(name, |d| d.name);
                let mut written = Vec::new();
                nq_qsql::types::datetime::interval::write(&interval, &io, &mut written);
                return Err(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "invalid value for parameter \"{name}\": \"INTERVAL '{}'\"",
                    String::from_utf8_lossy(&written)
                )
                .detail(format!("Cannot specify {what} in time zone interval.")));
            }
            format!("{}", interval.micros as f64 / 3_600_000_000.0)
        }
    })
}
