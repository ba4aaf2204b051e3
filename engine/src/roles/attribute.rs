//! CREATE ROLE and ALTER ROLE: attributes.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{
    AlterRole, CreateRole, CreateRoleKind, ObjectId, Rename, RoleKind, RoleOption, RoleOptionKind, RoleSpec,
};
use nq_qsql::types::{Datum, IoContext, Oid, io_text, oid};
use nq_qsql::{bail, sql_err};

use super::{check_name, denied, password};
use crate::catalog::BOOTSTRAP_SUPERUSER;
use crate::catalog::object::{Class, Membership, Role};
use crate::roles::membership::Options;
use crate::session::Session;
use crate::session::utility::Done;

/// The attributes a statement names, at most once each.
#[derive(Default)]
struct Attributes<'a> {
    superuser: Option<bool>,
    create_db: Option<bool>,
    create_role: Option<bool>,
    inherit: Option<bool>,
    login: Option<bool>,
    replication: Option<bool>,
    bypass_rls: Option<bool>,
    connection_limit: Option<i32>,
    password: Option<Option<&'a str>>,
    valid_until: Option<&'a str>,
    in_role: Option<&'a [RoleSpec]>,
    members: Option<&'a [RoleSpec]>,
    admins: Option<&'a [RoleSpec]>,
}

impl<'a> Attributes<'a> {
    fn of(options: &'a [RoleOption]) -> Result<Attributes<'a>> {
        let mut found = Attributes::default();
        for option in options {
            let fresh = match &option.kind {
                RoleOptionKind::Superuser(on) => found.superuser.replace(*on).is_none(),
                RoleOptionKind::CreateDb(on) => found.create_db.replace(*on).is_none(),
                RoleOptionKind::CreateRole(on) => found.create_role.replace(*on).is_none(),
                RoleOptionKind::Inherit(on) => found.inherit.replace(*on).is_none(),
                RoleOptionKind::Login(on) => found.login.replace(*on).is_none(),
                RoleOptionKind::Replication(on) => found.replication.replace(*on).is_none(),
                RoleOptionKind::BypassRls(on) => found.bypass_rls.replace(*on).is_none(),
                RoleOptionKind::ConnectionLimit(limit) => found.connection_limit.replace(*limit).is_none(),
                RoleOptionKind::Password(text) => found.password.replace(text.as_deref()).is_none(),
                RoleOptionKind::ValidUntil(text) => found.valid_until.replace(text).is_none(),
                RoleOptionKind::InRole(roles) => found.in_role.replace(roles).is_none(),
                RoleOptionKind::Members(roles) => found.members.replace(roles).is_none(),
                RoleOptionKind::Admins(roles) => found.admins.replace(roles).is_none(),
                // Said by dumps of very old servers; OIDs are given out by the server.
                RoleOptionKind::SysId(_) => true,
            };
            if !fresh {
                return Err(sql_err!(SYNTAX_ERROR, "conflicting or redundant options").at(option.pos));
            }
        }
        if let Some(limit) = found.connection_limit
            && limit < -1
        {
            bail!(INVALID_PARAMETER_VALUE, "invalid connection limit: {limit}");
        }
        Ok(found)
    }

    /// Whether nothing but a password is named.
    fn only_password(&self) -> bool {
        [self.superuser, self.create_db, self.create_role, self.inherit, self.login, self.replication]
            .iter()
            .all(Option::is_none)
            && self.bypass_rls.is_none()
            && self.connection_limit.is_none()
            && self.valid_until.is_none()
    }

    /// The attributes that only those may hand out who have them.
    fn guarded(&self, own: &Role) -> [(Option<bool>, bool, &'static str); 3] {
        [
            (self.create_db, own.create_db, "CREATEDB"),
            (self.replication, own.replication, "REPLICATION"),
            (self.bypass_rls, own.bypass_rls, "BYPASSRLS"),
        ]
    }
}

impl Session {
    /// CREATE ROLE, USER and GROUP.
    pub(crate) fn create_role(&mut self, create: &CreateRole) -> Result<Done> {
        let wanted = Attributes::of(&create.options)?;
        let own = self.own_role()?;
        if !own.superuser {
            let what = "to create role";
            if !own.create_role {
                return Err(denied(what, "Only roles with the CREATEROLE attribute may create roles."));
            }
            let refuse = |name: &str| {
                denied(
                    what,
                    format!(
                        "Only roles with the {name} attribute may create roles with the {name} attribute."
                    ),
                )
            };
            if wanted.superuser == Some(true) {
                return Err(refuse("SUPERUSER"));
            }
            for (asked, has, name) in wanted.guarded(&own) {
                if asked == Some(true) && !has {
                    return Err(refuse(name));
                }
            }
        }
        let name = &*create.name.name;
        check_name(name)?;
        self.lock_cluster()?;
        let oid = self.db.next_oid()?;
        if self.view().cluster.role_named(name).is_some() || !self.claim_name(Class::Role, 0, name, oid)? {
            bail!(DUPLICATE_OBJECT, "role \"{name}\" already exists");
        }
        let role = Role {
            oid,
            name: name.into(),
            superuser: wanted.superuser.unwrap_or(false),
            inherit: wanted.inherit.unwrap_or(true),
            create_role: wanted.create_role.unwrap_or(false),
            create_db: wanted.create_db.unwrap_or(false),
            login: wanted.login.unwrap_or(create.kind == CreateRoleKind::User),
            replication: wanted.replication.unwrap_or(false),
            bypass_rls: wanted.bypass_rls.unwrap_or(false),
            connection_limit: wanted.connection_limit.unwrap_or(-1),
            verifier: self.verifier(wanted.password.flatten())?,
            valid_until: self.valid_until(wanted.valid_until)?,
            member_of: Vec::new(),
        };
        self.put_role(role)?;
        if !own.superuser {
            self.adopt_created(oid, own.oid)?;
        }
        let plain = Options::default();
        for role in self.need_roles(wanted.in_role.unwrap_or_default())? {
            self.add_members(role, &[oid], plain, None)?;
        }
        let members = self.need_roles(wanted.members.unwrap_or_default())?;
        self.add_members(oid, &members, plain, None)?;
        let admins = self.need_roles(wanted.admins.unwrap_or_default())?;
        self.add_members(oid, &admins, Options { admin: Some(true), ..plain }, None)?;
        Done::tag("CREATE ROLE")
    }

    /// Who creates a role without being a superuser gets the ADMIN option on it, and what `createrole_self_grant` says.
    fn adopt_created(&mut self, created: Oid, creator: Oid) -> Result<()> {
        let words = self.host.settings.text("createrole_self_grant");
        let says = |word: &str| words.split(',').any(|w| w.trim().eq_ignore_ascii_case(word));
        let (inherit, set) = (says("inherit"), says("set"));
        let mut own = (*self.role(creator)?).clone();
        let given = Membership {
            role: created,
            grantor: BOOTSTRAP_SUPERUSER,
            admin: true,
            inherit: false,
            set: false,
        };
        own.member_of.push(given);
        if inherit || set {
            own.member_of.push(Membership { grantor: creator, admin: false, inherit, set, ..given });
        }
        self.put_role(own)
    }

    /// ALTER ROLE and USER with options, ALTER GROUP.
    pub(crate) fn alter_role(&mut self, alter: &AlterRole) -> Result<Done> {
        let wanted = Attributes::of(&alter.options)?;
        self.lock_cluster()?;
        if let RoleKind::Name(name) = &alter.role.kind
            && name.starts_with("pg_")
        {
            return Err(sql_err!(RESERVED_NAME, "role name \"{name}\" is reserved")
                .detail("Cannot alter reserved roles."));
        }
        let oid = self.need_role(&alter.role)?;
        let role = self.role(oid)?;
        if let Some(add) = alter.add_members {
            let members = self.need_roles(wanted.members.unwrap_or_default())?;
            match add {
                true => self.add_members(oid, &members, Options::default(), None)?,
                false => self.remove_members(oid, &members, Options::default(), None, false)?,
            }
            return Done::tag("ALTER ROLE");
        }
        self.check_alter_role(&role, &wanted)?;
        let mut changed = (*role).clone();
        if wanted.superuser == Some(false) && oid == BOOTSTRAP_SUPERUSER {
            return Err(denied(
                "to alter role",
                "The bootstrap superuser must have the SUPERUSER attribute.",
            ));
        }
        for (asked, value) in [
            (wanted.superuser, &mut changed.superuser),
            (wanted.inherit, &mut changed.inherit),
            (wanted.create_role, &mut changed.create_role),
            (wanted.create_db, &mut changed.create_db),
            (wanted.login, &mut changed.login),
            (wanted.replication, &mut changed.replication),
            (wanted.bypass_rls, &mut changed.bypass_rls),
        ] {
            *value = asked.unwrap_or(*value);
        }
        changed.connection_limit = wanted.connection_limit.unwrap_or(changed.connection_limit);
        if let Some(password) = wanted.password {
            changed.verifier = self.verifier(password)?;
        }
        if let Some(until) = wanted.valid_until {
            changed.valid_until = self.valid_until(Some(until))?;
        }
        self.put_role(changed)?;
        if let Some(members) = wanted.members {
            let members = self.need_roles(members)?;
            self.add_members(oid, &members, Options::default(), None)?;
        }
        Done::tag("ALTER ROLE")
    }

    fn check_alter_role(&self, role: &Role, wanted: &Attributes<'_>) -> Result<()> {
        let own = self.own_role()?;
        if own.superuser {
            return Ok(());
        }
        let what = "to alter role";
        if role.superuser {
            let detail =
                "Only roles with the SUPERUSER attribute may alter roles with the SUPERUSER attribute.";
            return Err(denied(what, detail));
        }
        if wanted.superuser.is_some() {
            let detail = "Only roles with the SUPERUSER attribute may change the SUPERUSER attribute.";
            return Err(denied(what, detail));
        }
        if !own.create_role || !self.has_admin_option(role.oid) {
            if !wanted.only_password() {
                return Err(denied(
                    what,
                    format!(
                        "Only roles with the CREATEROLE attribute and the ADMIN option on role \"{0}\" may alter this role.",
                        role.name
                    ),
                ));
            }
            if wanted.password.is_some() && role.oid != own.oid {
                let detail = "To change another role's password, the current user must have the CREATEROLE attribute and the ADMIN option on the role.";
                return Err(denied(what, detail));
            }
            return Ok(());
        }
        for (asked, has, name) in wanted.guarded(&own) {
            if asked.is_some() && !has {
                return Err(denied(
                    what,
                    format!("Only roles with the {name} attribute may change the {name} attribute."),
                ));
            }
        }
        Ok(())
    }

    /// ALTER ROLE .. RENAME TO.
    pub(crate) fn rename_role(&mut self, rename: &Rename) -> Result<Done> {
        let ObjectId::Name(from) = &rename.object.id else {
            return Err(SqlError::internal("a role without a name"));
        };
        let (from, to) = (&*from.object().name, &*rename.new_name.name);
        self.lock_cluster()?;
        let Some(role) = self.view().cluster.role_named(from).cloned() else {
            bail!(UNDEFINED_OBJECT, "role \"{from}\" does not exist")
        };
        if role.oid == self.backend.user || role.oid == self.host.session_user.oid {
            bail!(FEATURE_NOT_SUPPORTED, "session user cannot be renamed");
        }
        if role.oid == self.host.current_user.oid {
            bail!(FEATURE_NOT_SUPPORTED, "current user cannot be renamed");
        }
        check_name(from)?;
        check_name(to)?;
        let own = self.own_role()?;
        if role.superuser && !own.superuser {
            let detail =
                "Only roles with the SUPERUSER attribute may rename roles with the SUPERUSER attribute.";
            return Err(denied("to rename role", detail));
        }
        if !(own.superuser || own.create_role && self.has_admin_option(role.oid)) {
            return Err(denied(
                "to rename role",
                format!(
                    "Only roles with the CREATEROLE attribute and the ADMIN option on role \"{from}\" may rename this role."
                ),
            ));
        }
        if self.view().cluster.role_named(to).is_some() || !self.claim_name(Class::Role, 0, to, role.oid)? {
            bail!(DUPLICATE_OBJECT, "role \"{to}\" already exists");
        }
        self.release_name(Class::Role, 0, from)?;
        self.put_role(Role { name: to.into(), ..(*role).clone() })?;
        Done::tag("ALTER ROLE")
    }

    /// The verifier to store for a password.
    fn verifier(&mut self, password: Option<&str>) -> Result<Option<std::sync::Arc<str>>> {
        let Some(text) = password else { return Ok(None) };
        let iterations = self.host.settings.int("scram_iterations").unwrap_or(4096);
        let env = self.db.env.clone();
        let stored = password::stored(text, u32::try_from(iterations).unwrap_or(4096), &*env)?;
        if stored.is_none() {
            self.host.notice(SqlError::new(
                nq_qsql::error::SqlState(*b"00000"),
                "empty string is not a valid password, clearing password",
            ));
        }
        Ok(stored.map(Into::into))
    }

    /// Microseconds since 2000; `infinity` is none.
    fn valid_until(&self, text: Option<&str>) -> Result<Option<i64>> {
        let Some(text) = text else { return Ok(None) };
        let view = self.view().clone();
        let io: IoContext<'_> = self.host.io(&view);
        match io_text::parse_text(oid::TIMESTAMPTZ, -1, text, &io)? {
            Datum::TimestampTz(i64::MAX) => Ok(None),
            Datum::TimestampTz(at) => Ok(Some(at)),
            _ => Err(SqlError::internal("a timestamp was parsed into something else")),
        }
    }
}
